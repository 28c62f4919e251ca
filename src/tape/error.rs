//! What can be wrong with a tape, in words that name the file and the record.

use std::io;
use std::path::PathBuf;

use clorebid_core::time::Time;

use crate::api::NoRead;
use crate::clock::rfc3339;

/// Why a tape cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    /// The file cannot be opened.
    #[error("cannot open the tape {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file gives no more bytes, or they cannot be unpacked.
    #[error("{}: record {record} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The record, counted from 1.
        record: u64,
        /// Why.
        source: io::Error,
    },
    /// A line is no record.
    #[error("{}: record {record}: {fault}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The record, counted from 1; it is the line's number, too.
        record: u64,
        /// What is wrong.
        fault: LineFault,
    },
    /// There is not one whole record.
    #[error("{}: the tape is empty: it has no whole record 1", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// No tape was named.
    #[error("no tape to read")]
    NoTape,
    /// The file is there already and must not be touched.
    #[error("{} exists already; name a file that does not", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else writes it.
    #[error("{} is being written by another process", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("cannot write the tape {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A record to be written is older than the one before.
    #[error("cannot write the tape {}: a record of {} after one of {}", path.display(), rfc3339(*at), rfc3339(*before))]
    Unsorted {
        /// The file.
        path: PathBuf,
        /// The record's time.
        at: Time,
        /// The time of the one before.
        before: Time,
    },
}

/// What is wrong with a line.
#[derive(Debug, thiserror::Error)]
pub enum LineFault {
    /// It does not end within the limit.
    #[error("the line is longer than {limit} bytes")]
    TooLong {
        /// Most bytes that a line may have.
        limit: usize,
    },
    /// Not text.
    #[error("not UTF-8 (is it a tape at all?)")]
    NotUtf8,
    /// Not JSON, or a key is missing or holds something else.
    #[error("not a tape record: {0}")]
    Json(serde_json::Error),
    /// Something that no tape holds.
    #[error("{0}")]
    NoRead(NoRead),
    /// No time, or none between 1970 and 9999.
    #[error("`{0}` is no time: write it as 2026-11-01T00:00:00.000Z")]
    BadTime(String),
    /// No HTTP status.
    #[error("{0} is no HTTP status")]
    BadStatus(u16),
    /// It is older than the record before.
    #[error("{} comes after {}: a tape goes forward in time, and so do several", rfc3339(*at), rfc3339(*before))]
    Backwards {
        /// Its time.
        at: Time,
        /// The time of the record before.
        before: Time,
    },
}
