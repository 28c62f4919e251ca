//! Heads: with what each table of a run ended at its last commit, in a file beside the journal.
//!
//! The chain of hashes shows that no row was changed. That rows are missing at its end, it cannot show: a journal cut off
//! after a moment, or without its newest run, is a journal of that moment. A head kept elsewhere says what must be there.
//!
//! The file has a line a run, of one length, which is written anew in its place after every commit. A line torn by a
//! power failure is no head: it carries a check of itself.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Row};

use super::tables::{Hash, Table, first_head, key};

/// The tables of a run, in an order that is part of every head.
const TABLES: usize = Table::ALL.len() - 1;
/// The length of a line, its end included.
const LINE: usize = 256;

/// With what a run's tables ended when it was last committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The run.
    pub run_id: i64,
    /// The number of each table's last row, 0 where there was none.
    lasts: [u32; TABLES],
    /// A hash over where their chains stood.
    digest: Hash,
}

/// A text that is no head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a journal's head: it looks like `3:1-0-2-…:9f86d081…`, as a run logs it at its end")]
pub struct NoHeadError;

impl Head {
    /// Of a run whose tables end with these numbers and hashes, in the order of [`Table::ALL`].
    pub(crate) fn new(run_id: i64, ends: impl Iterator<Item = (u32, Hash)>) -> Head {
        let (mut lasts, mut hash) = ([0; TABLES], Sha256::new());
        for (slot, (last, head)) in lasts.iter_mut().zip(ends) {
            *slot = last;
            hash.update(last.to_le_bytes());
            hash.update(head);
        }
        Head { run_id, lasts, digest: hash.finalize().into() }
    }

    /// Whether the journal has every row that it names, as it was.
    pub(crate) async fn is_in(&self, conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
        let select = "SELECT hash FROM run_starts WHERE run_id = ?";
        let Some(run) = hash_at(conn, select, self.run_id).await? else { return Ok(false) };
        let mut ends = Vec::with_capacity(TABLES);
        for (table, last) in tables().zip(self.lasts) {
            let select = format!("SELECT hash FROM {} WHERE id = ?", table.name());
            let head = match last {
                0 => Some(first_head(&run, table)),
                last => hash_at(conn, &select, key(self.run_id, last)).await?,
            };
            let Some(head) = head else { return Ok(false) };
            ends.push((last, head));
        }
        Ok(Head::new(self.run_id, ends.into_iter()) == *self)
    }
}

async fn hash_at(conn: &mut SqliteConnection, select: &str, id: i64) -> Result<Option<Hash>, sqlx::Error> {
    let row = sqlx::query(AssertSqlSafe(select.to_owned())).bind(id).fetch_optional(conn).await?;
    let stored: Option<Vec<u8>> = row.map(|row| row.try_get(0)).transpose()?;
    Ok(stored.and_then(|stored| Hash::try_from(stored).ok()))
}

/// The tables that a head tells of.
pub(crate) fn tables() -> impl Iterator<Item = Table> {
    Table::ALL.into_iter().filter(|table| *table != Table::RunStarts)
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lasts: Vec<String> = self.lasts.iter().map(u32::to_string).collect();
        write!(f, "{}:{}:", self.run_id, lasts.join("-"))?;
        self.digest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Head {
    type Err = NoHeadError;

    fn from_str(text: &str) -> Result<Head, NoHeadError> {
        let mut parts = text.trim().split(':');
        let (Some(run), Some(numbers), Some(hex), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NoHeadError);
        };
        let run_id = run.parse().map_err(|_| NoHeadError)?;
        let numbers: Result<Vec<u32>, _> = numbers.split('-').map(str::parse).collect();
        let lasts = numbers.ok().and_then(|n| n.try_into().ok()).ok_or(NoHeadError)?;
        let byte = |at: usize| hex.get(at * 2..at * 2 + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
        let bytes: Option<Vec<u8>> = (0..32).map(byte).collect();
        let digest = bytes.filter(|_| hex.len() == 64).and_then(|b| b.try_into().ok()).ok_or(NoHeadError)?;
        Ok(Head { run_id, lasts, digest })
    }
}

/// The file beside a journal.
pub fn head_file(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(".head");
    PathBuf::from(name)
}

/// The heads in a file, in its order; none where there is no file.
///
/// # Errors
/// When it is there and cannot be read.
pub fn heads_in(file: &Path) -> io::Result<Vec<Head>> {
    let mut bytes = Vec::new();
    match File::open(file) {
        Ok(mut file) => file.read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    Ok(bytes.split(|byte| *byte == b'\n').filter_map(|line| of_line(std::str::from_utf8(line).ok()?)).collect())
}

/// Keeps the heads of a journal that is lost, under another name: they say nothing of the one in its place.
pub(crate) fn lay_aside(file: &Path) {
    let mut aside = file.as_os_str().to_owned();
    aside.push(".old");
    // There is none, mostly.
    let _ = std::fs::rename(file, aside);
}

fn check_of(text: &str) -> String {
    Sha256::digest(text).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

fn of_line(line: &str) -> Option<Head> {
    let (text, check) = line.trim_end().rsplit_once(' ')?;
    (check == check_of(text)).then(|| text.parse().ok()).flatten()
}

/// The line of one run in that file.
#[derive(Debug)]
pub(crate) struct HeadLine {
    file: File,
    at: u64,
}

impl HeadLine {
    /// A new line at the end of the file, which is made if it is not there.
    pub(crate) fn begin(journal: &Path, head: &Head) -> io::Result<HeadLine> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(head_file(journal))?;
        let at = file.metadata()?.len().next_multiple_of(LINE as u64);
        let mut line = HeadLine { file, at };
        line.write(head)?;
        Ok(line)
    }

    /// The head after one more commit.
    pub(crate) fn write(&mut self, head: &Head) -> io::Result<()> {
        let text = head.to_string();
        let line = format!("{text} {}", check_of(&text));
        let line = format!("{line:<width$}\n", width = LINE - 1);
        self.file.seek(SeekFrom::Start(self.at))?;
        self.file.write_all(line.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(last: u32) -> Head {
        Head::new(i64::from(i32::MAX), (0..).map(|n| (last.saturating_sub(n), [7; 32])))
    }

    #[test]
    fn a_head_is_read_as_it_is_written() {
        for last in [0, 3, u32::MAX] {
            assert_eq!(head(last).to_string().parse(), Ok(head(last)));
        }
        for no_head in ["", "3", "3:1-2:ab", "x:0-0:ab", "3:0-0-0-0-0-0-0-0-0-0-0-0-0:ab", "a/file"] {
            assert_eq!(no_head.parse::<Head>(), Err(NoHeadError), "{no_head}");
        }
    }

    #[test]
    fn each_run_has_a_line_which_is_written_anew_and_a_torn_one_is_no_head() {
        let dir = tempfile::tempdir().unwrap();
        let journal = dir.path().join("j.db");
        let mut first = HeadLine::begin(&journal, &head(1)).unwrap();
        let mut second = HeadLine::begin(&journal, &head(u32::MAX)).unwrap();
        first.write(&head(u32::MAX)).unwrap();
        second.write(&head(2)).unwrap();
        let file = head_file(&journal);
        assert_eq!(heads_in(&file).unwrap(), [head(u32::MAX), head(2)]);
        let mut bytes = std::fs::read(&file).unwrap();
        assert_eq!(bytes.len(), 2 * LINE);
        bytes[LINE + 20] ^= 1;
        std::fs::write(&file, bytes).unwrap();
        assert_eq!(heads_in(&file).unwrap(), [head(u32::MAX)]);
        assert_eq!(heads_in(&dir.path().join("none")).unwrap(), []);
    }
}
