//! Records out of tapes, one after the other: plain or zstd, with no more memory than the longest line takes.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::str::from_utf8;

use clorebid_core::time::Time;

use super::error::{LineFault, TapeError};
use super::record::Record;

/// A line may have this many bytes; a whole marketplace has about two million.
pub const LINE_MAX_BYTES: usize = 64 * 1024 * 1024;
/// How a zstd file begins.
pub(super) const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const CHUNK: usize = 256 * 1024;

/// A tape whose end is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The file.
    pub path: PathBuf,
    /// The record that was cut off, counted from 1; it is ignored.
    pub record: u64,
    /// How much of it is there. Nothing: every line is whole, and only the end mark of the compression is missing.
    pub bytes: usize,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.bytes {
            0 => write!(f, "{path}: the file ends before its end mark, after record {}", self.record.saturating_sub(1)),
            bytes => write!(f, "{path}: record {}, the last, is cut off after {bytes} bytes and ignored", self.record),
        }
    }
}

/// Reads tapes, in the order they were named.
pub struct Reader {
    /// Files still to be opened, the next one last.
    waiting: Vec<PathBuf>,
    source: Option<Source>,
    line: Vec<u8>,
    line_max: usize,
    last_at: Option<Time>,
    cuts: Vec<Cut>,
    bytes: u64,
    whole: bool,
}

/// The file that is being read.
struct Source {
    path: PathBuf,
    input: Box<dyn BufRead + Send>,
    /// Lines begun so far.
    record: u64,
}

/// How a line ended.
enum End {
    /// As it should.
    Newline,
    /// With the file.
    File,
    /// The file's compression was cut off.
    CutOff,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.source.as_ref().map(|s| &s.path);
        f.debug_struct("Reader").field("path", &path).field("last_at", &self.last_at).finish_non_exhaustive()
    }
}

impl Reader {
    /// Reads these files one after the other. All of them are looked for at once, so that a missing one is no surprise
    /// later on.
    ///
    /// # Errors
    /// When none is named, or one is not there.
    pub fn open<P: AsRef<Path>>(paths: &[P]) -> Result<Reader, TapeError> {
        let mut waiting: Vec<PathBuf> = paths.iter().map(|p| p.as_ref().to_path_buf()).collect();
        if waiting.is_empty() {
            return Err(TapeError::NoTape);
        }
        for path in &waiting {
            let file = File::open(path).and_then(|f| f.metadata());
            let open = |source| TapeError::Open { path: path.clone(), source };
            if file.map_err(open)?.is_dir() {
                return Err(open(io::Error::from(io::ErrorKind::IsADirectory)));
            }
        }
        waiting.reverse();
        Ok(Reader::new(waiting, None, LINE_MAX_BYTES))
    }

    /// Reads one tape out of anything; `name` stands for the file in errors. It is unpacked if it begins like zstd.
    ///
    /// # Errors
    /// When it cannot be read at all.
    pub fn from_read(name: &str, input: impl Read + Send + 'static) -> Result<Reader, TapeError> {
        let path = PathBuf::from(name);
        let source = Source::new(path.clone(), BufReader::with_capacity(CHUNK, input))
            .map_err(|source| TapeError::Open { path, source })?;
        Ok(Reader::new(Vec::new(), Some(source), LINE_MAX_BYTES))
    }

    fn new(waiting: Vec<PathBuf>, source: Option<Source>, line_max: usize) -> Reader {
        Reader { waiting, source, line: Vec::new(), line_max, last_at: None, cuts: Vec::new(), bytes: 0, whole: true }
    }

    /// The same with another limit to the length of a line.
    #[must_use]
    pub fn with_line_max(mut self, bytes: usize) -> Reader {
        self.line_max = bytes;
        self
    }

    /// The next record, or `None` at the end of the last file.
    ///
    /// # Errors
    /// When a file cannot be read, holds no record, or holds a line that is none. Then the tapes are of no use.
    #[allow(clippy::should_implement_trait, reason = "a record borrows the reader's own line")]
    pub fn next(&mut self) -> Result<Option<Record<'_>>, TapeError> {
        loop {
            if self.source.is_none() {
                let Some(path) = self.waiting.pop() else { return Ok(None) };
                self.source = Some(open(path)?);
            }
            if self.next_line()? {
                return self.parsed().map(Some);
            }
            self.source = None;
        }
    }

    /// Tapes whose last line was cut off, so far.
    pub fn cut_last_lines(&self) -> &[Cut] {
        &self.cuts
    }

    /// When the last record came.
    pub fn last_at(&self) -> Option<Time> {
        self.last_at
    }

    /// Bytes of whole lines read so far, unpacked.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The last record's line as it stands on the tape, without its end.
    pub(super) fn line(&self) -> &[u8] {
        self.line.strip_suffix(b"\n").unwrap_or(&self.line)
    }

    /// Whether every file read so far ended as a file does that can be written on to.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Fills `line` with the next whole line. `false`: the file has no more.
    fn next_line(&mut self) -> Result<bool, TapeError> {
        let Some(source) = self.source.as_mut() else { return Ok(false) };
        self.line.clear();
        let end = source.read_line(&mut self.line, self.line_max)?;
        if matches!(end, End::Newline) {
            self.bytes += self.line.len() as u64;
            return Ok(true);
        }
        // Without its end, a line counts only if it is whole all the same, as the last one of a tape made by hand.
        if !self.line.is_empty() && !is_begun(&self.line) {
            self.whole = false;
            self.bytes += self.line.len() as u64;
            return Ok(true);
        }
        let lines = source.record.saturating_sub(1);
        if lines == 0 {
            return Err(TapeError::Empty { path: source.path.clone() });
        }
        if matches!(end, End::CutOff) || !self.line.is_empty() {
            self.whole = false;
            self.cuts.push(Cut { path: source.path.clone(), record: source.record, bytes: self.line.len() });
        }
        Ok(false)
    }

    /// The record in `line`.
    fn parsed(&mut self) -> Result<Record<'_>, TapeError> {
        let fault = |source: &Option<Source>, fault| {
            let (path, record) = source.as_ref().map_or_else(Default::default, |s| (s.path.clone(), s.record));
            TapeError::Line { path, record, fault }
        };
        let text = from_utf8(&self.line).map_err(|_| fault(&self.source, LineFault::NotUtf8))?;
        let record = Record::parse(text).map_err(|e| fault(&self.source, e))?;
        if let Some(before) = self.last_at.filter(|before| record.at < *before) {
            return Err(fault(&self.source, LineFault::Backwards { at: record.at, before }));
        }
        self.last_at = Some(record.at);
        Ok(record)
    }
}

/// Whether a text is the beginning of a record and no more.
fn is_begun(line: &[u8]) -> bool {
    let text = match from_utf8(line) {
        Ok(text) => text,
        // Cut within a character.
        Err(e) if e.error_len().is_none() => from_utf8(line.get(..e.valid_up_to()).unwrap_or_default()).unwrap_or(""),
        Err(_) => return false,
    };
    matches!(Record::parse(text), Err(LineFault::Json(e)) if e.is_eof())
}

fn open(path: PathBuf) -> Result<Source, TapeError> {
    let file = File::open(&path).map_err(|source| TapeError::Open { path: path.clone(), source })?;
    Source::new(path.clone(), BufReader::with_capacity(CHUNK, file)).map_err(|source| TapeError::Open { path, source })
}

impl Source {
    fn new(path: PathBuf, mut input: impl BufRead + Send + 'static) -> io::Result<Source> {
        // A file that cannot even be looked into says so at its first record.
        let packed = is_packed_name(&path) || input.fill_buf().is_ok_and(|head| head.starts_with(&ZSTD_MAGIC));
        let input: Box<dyn BufRead + Send> = if packed {
            Box::new(BufReader::with_capacity(CHUNK, zstd::Decoder::with_buffer(input)?))
        } else {
            Box::new(input)
        };
        Ok(Source { path, input, record: 0 })
    }

    /// Appends the next line with its end. It never holds more than `most` bytes and one chunk.
    fn read_line(&mut self, line: &mut Vec<u8>, most: usize) -> Result<End, TapeError> {
        self.record += 1;
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(End::CutOff),
                Err(source) => return Err(TapeError::Read { path: self.path.clone(), record: self.record, source }),
            };
            if chunk.is_empty() {
                return Ok(End::File);
            }
            let newline = newline_in(chunk);
            let taken = newline.map_or(chunk.len(), |at| at + 1);
            let room = most.saturating_sub(line.len());
            if newline.unwrap_or(taken) > room {
                let fault = LineFault::TooLong { limit: most };
                return Err(TapeError::Line { path: self.path.clone(), record: self.record, fault });
            }
            line.extend_from_slice(chunk.get(..taken).unwrap_or(chunk));
            self.input.consume(taken);
            if newline.is_some() {
                return Ok(End::Newline);
            }
        }
    }
}

/// Whether a file of that name is packed, whatever it begins with.
pub(super) fn is_packed_name(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "zst")
}

/// Where the line ends. The standard library looks for a byte many at a time only behind this door.
fn newline_in(chunk: &[u8]) -> Option<usize> {
    let mut rest = chunk;
    let last = rest.skip_until(b'\n').ok()?.checked_sub(1)?;
    (chunk.get(last) == Some(&b'\n')).then_some(last)
}
