//! Records into a tape, so that a recorder killed at any moment loses at most the record it was writing.
//!
//! 1. A plain tape grows by one write of one whole line. A packed one is flushed after each line, so that every line
//!    can be unpacked from then on, though the frame it stands in is still open; the reader takes an open frame at the
//!    end for what it is.
//! 2. What was written reaches the disk itself at most five seconds later, while records come: a machine that loses
//!    power loses no more than these.
//! 3. A file that is there is never overwritten: [`Writer::create`] refuses it, and [`Writer::append`] goes on behind its
//!    last whole record if it is a tape, and refuses it if it is not.
//! 4. A packed tape that was cut off is copied to a file beside it, which then takes its place: at no time is there
//!    less of it than before.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use clorebid_core::request::Request;
use clorebid_core::time::Time;

use super::error::TapeError;
use super::reader::{Cut, Reader, ZSTD_MAGIC, is_packed_name};
use super::record::write_line;

/// Records reach the disk itself after this long, by the machine's own clock.
pub const SYNC_EVERY: Duration = Duration::from_secs(5);
/// A frame is closed after so many bytes unpacked.
const FRAME_MAX: usize = 64 * 1024 * 1024;
const LEVEL: i32 = 3;
/// How long a lock that somebody else holds is tried for.
const LOCK_PATIENCE: Duration = Duration::from_millis(200);
/// A packer looks back 16 MiB: over several marketplaces, which differ in little.
const WINDOW_LOG: u32 = 24;

/// Writes one tape.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    sink: Sink,
    line: Vec<u8>,
    last_at: Option<Time>,
    count: u64,
    /// Whether the file is new, so that it can go again if nothing is written.
    created: bool,
    repaired: Option<Cut>,
    synced_at: Instant,
}

enum Sink {
    Plain(File),
    Packed {
        encoder: zstd::Encoder<'static, File>,
        in_frame: usize,
    },
    /// Ended, or failed while a frame was changed for another.
    Closed,
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Sink::Plain(_) => "Plain",
            Sink::Packed { .. } => "Packed",
            Sink::Closed => "Closed",
        })
    }
}

impl Writer {
    /// A new tape; packed if its name ends in `.zst`.
    ///
    /// # Errors
    /// When the file is there already and not empty, is locked, or cannot be made.
    pub fn create(path: &Path) -> Result<Writer, TapeError> {
        let (file, length) = lock(path)?;
        if length > 0 {
            return Err(TapeError::Exists { path: path.to_path_buf() });
        }
        Writer::on(path, file, is_packed_name(path), None)
    }

    /// A new tape, or one to go on with behind its last whole record; a record that was cut off is removed.
    ///
    /// # Errors
    /// When the file is no tape, is locked, or cannot be written.
    pub fn append(path: &Path) -> Result<Writer, TapeError> {
        let (mut file, length) = lock(path)?;
        if length == 0 {
            return Writer::on(path, file, is_packed_name(path), None);
        }
        let mut reader = Reader::open(&[path])?;
        while reader.next()?.is_some() {}
        let mut head = [0; ZSTD_MAGIC.len()];
        let begins_packed = File::open(path).and_then(|mut f| f.read_exact(&mut head)).is_ok() && head == ZSTD_MAGIC;
        let packed = is_packed_name(path) || begins_packed;
        if !reader.is_whole() {
            if packed {
                rewrite(path)?;
                file = lock(path)?.0;
            } else {
                repair(&file, &reader).map_err(|source| TapeError::Write { path: path.to_path_buf(), source })?;
            }
        }
        let mut writer = Writer::on(path, file, packed, reader.last_at())?;
        writer.created = false;
        writer.repaired = reader.cut_last_lines().first().cloned();
        Ok(writer)
    }

    fn on(path: &Path, file: File, packed: bool, last_at: Option<Time>) -> Result<Writer, TapeError> {
        let failed = |source| TapeError::Write { path: path.to_path_buf(), source };
        let sink = if packed {
            Sink::Packed { encoder: encoder(file).map_err(failed)?, in_frame: 0 }
        } else {
            Sink::Plain(file)
        };
        Ok(Writer {
            path: path.to_path_buf(),
            sink,
            line: Vec::new(),
            last_at,
            count: 0,
            created: true,
            repaired: None,
            synced_at: Instant::now(),
        })
    }

    /// When the tape's last record came: the next one may not be older.
    pub fn last_at(&self) -> Option<Time> {
        self.last_at
    }

    /// Records written.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// What was cut off from the tape that this goes on with.
    pub fn repaired(&self) -> Option<&Cut> {
        self.repaired.as_ref()
    }

    /// Appends one answer to a read without its secrets. The line is in the file when this returns.
    ///
    /// # Errors
    /// When it cannot be written, or is older than the last one.
    pub fn write(&mut self, at: Time, read: &Request, status: u16, body: &[u8]) -> Result<(), TapeError> {
        if let Some(before) = self.last_at.filter(|before| at < *before) {
            return Err(TapeError::Unsorted { path: self.path.clone(), at, before });
        }
        let mut line = std::mem::take(&mut self.line);
        write_line(&mut line, at, read, status, body);
        let written = self.write_whole(&line);
        self.line = line;
        written.map_err(|source| self.failed(source))?;
        self.last_at = Some(at);
        self.count += 1;
        Ok(())
    }

    fn write_whole(&mut self, line: &[u8]) -> io::Result<()> {
        match &mut self.sink {
            Sink::Plain(file) => file.write_all(line)?,
            Sink::Packed { encoder, in_frame } => {
                encoder.write_all(line)?;
                encoder.flush()?;
                *in_frame += line.len();
                if *in_frame >= FRAME_MAX {
                    self.next_frame()?;
                }
            }
            Sink::Closed => return Err(io::Error::other("an earlier write failed")),
        }
        if self.synced_at.elapsed() >= SYNC_EVERY {
            self.synced_at = Instant::now();
            match &self.sink {
                Sink::Plain(file) => file.sync_data()?,
                Sink::Packed { encoder, .. } => encoder.get_ref().sync_data()?,
                Sink::Closed => {}
            }
        }
        Ok(())
    }

    fn next_frame(&mut self) -> io::Result<()> {
        if let Sink::Packed { encoder, .. } = std::mem::replace(&mut self.sink, Sink::Closed) {
            self.sink = Sink::Packed { encoder: self::encoder(encoder.finish()?)?, in_frame: 0 };
        }
        Ok(())
    }

    /// Ends the tape and waits until the disk has it. A new file that got no record is removed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> Result<(), TapeError> {
        self.end().map_err(|source| self.failed(source))
    }

    fn end(&mut self) -> io::Result<()> {
        let file = match std::mem::replace(&mut self.sink, Sink::Closed) {
            Sink::Closed => return Ok(()),
            Sink::Plain(file) => file,
            Sink::Packed { encoder, .. } if self.count == 0 && self.created => {
                drop(encoder);
                return fs::remove_file(&self.path);
            }
            Sink::Packed { encoder, .. } => encoder.finish()?,
        };
        if self.count == 0 && self.created {
            return fs::remove_file(&self.path);
        }
        file.sync_all()
    }

    fn failed(&self, source: io::Error) -> TapeError {
        TapeError::Write { path: self.path.clone(), source }
    }
}

/// A writer that is given up still ends its frame: the tape is then as whole as it can be.
impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

fn encoder(file: File) -> io::Result<zstd::Encoder<'static, File>> {
    let mut encoder = zstd::Encoder::new(file, LEVEL)?;
    encoder.window_log(WINDOW_LOG)?;
    encoder.long_distance_matching(true)?;
    encoder.include_checksum(true)?;
    Ok(encoder)
}

/// Opens the file to append to, keeps other writers out, and tells its length.
fn lock(path: &Path) -> Result<(File, u64), TapeError> {
    let failed = |source| TapeError::Write { path: path.to_path_buf(), source };
    let file = OpenOptions::new().append(true).create(true).open(path).map_err(failed)?;
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => break,
            // A process that is just being started holds copies of its parent's locks for a moment.
            Err(TryLockError::WouldBlock) if started.elapsed() < LOCK_PATIENCE => thread::sleep(LOCK_PATIENCE / 20),
            Err(TryLockError::WouldBlock) => return Err(TapeError::InUse { path: path.to_path_buf() }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
    let length = file.metadata().map_err(failed)?.len();
    Ok((file, length))
}

/// Cuts a plain tape behind its last whole record, and ends that as a line.
fn repair(mut file: &File, reader: &Reader) -> io::Result<()> {
    file.set_len(reader.bytes())?;
    if reader.cut_last_lines().is_empty() {
        file.write_all(b"\n")?;
    }
    file.sync_all()
}

/// Copies the whole lines of a packed tape into a new file that takes its place.
fn rewrite(path: &Path) -> Result<(), TapeError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".repair");
    let beside = PathBuf::from(name);
    let failed = |source| TapeError::Write { path: beside.clone(), source };
    let mut packed = encoder(File::create(&beside).map_err(failed)?).map_err(failed)?;
    let mut reader = Reader::open(&[path])?;
    while reader.next()?.is_some() {
        packed.write_all(reader.line()).and_then(|()| packed.write_all(b"\n")).map_err(failed)?;
    }
    packed.finish().and_then(|file| file.sync_all()).map_err(failed)?;
    fs::rename(&beside, path).map_err(failed)
}
