//! What can keep the journal from being written or read, in words that say which file and what to do.

use std::path::{Path, PathBuf};

/// The journal cannot be written or read. A bot that meets this stops: what is not on record must not be sent.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file is something else.
    #[error("{} is not a clorebid journal: {why}; name another file with --db", path.display())]
    NotAJournal {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        why: &'static str,
    },
    /// A later version of this program wrote it.
    #[error("{} was written by a newer clorebid (schema {version}); update clorebid, or name another file with --db", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The schema's number.
        version: i64,
    },
    /// Its schema is not the one this program made.
    #[error("the schema of {} was altered ({why}); restore the file from a backup, or name another with --db", path.display())]
    Altered {
        /// The file.
        path: PathBuf,
        /// In which way.
        why: String,
    },
    /// It cannot be opened at all.
    #[error("cannot open or create {} ({why}); check that its directory exists and may be written", path.display())]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// The cause.
        why: String,
    },
    /// It may be read and not written.
    #[error("{} is read-only; give write permission on the file and its directory, or name another with --db", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// No room is left.
    #[error("no room left to write {}; free disk space and start again: what was committed is intact", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The disk failed.
    #[error("reading or writing {} failed ({why}); check the disk and start again", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        why: String,
    },
    /// Another process kept it locked.
    #[error("{} stayed locked by another process for 5 s; end that process and start again", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// It is not there any longer, or another file is.
    #[error(
        "{} was deleted or replaced while this run was writing to it, so the run ends: what it sent from now on would be \
         on no record. Its orders may stand: put the file back and start again, or see `clorebid orders`",
        path.display()
    )]
    Replaced {
        /// The file.
        path: PathBuf,
    },
    /// Its pages make no sense.
    #[error("{} is damaged ({why}); restore it from a backup, or name another file with --db", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How it shows.
        why: String,
    },
    /// The SQLite library is one that can lose commits.
    #[error("SQLite {found} is too old for {}: 3.51.3 or later is needed; rebuild clorebid with its own SQLite", path.display())]
    OldSqlite {
        /// The file.
        path: PathBuf,
        /// The library's version.
        found: String,
    },
    /// An earlier write failed, so what is in memory may be ahead of the file.
    #[error("an earlier write to {} failed; nothing more is written to it until clorebid is started again", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
    },
    /// A call that does not fit what came before. A fault in the program.
    #[error("the journal of {} was used out of order: {what}; please report this", path.display())]
    Misuse {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        what: String,
    },
    /// Anything else the database says.
    #[error("the database {} failed: {why}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// Its words.
        why: String,
    },
}

impl JournalError {
    /// Sorts what the database library says by what a person can do about it.
    pub(crate) fn from_sqlx(path: &Path, error: &sqlx::Error) -> JournalError {
        let path = path.to_path_buf();
        let why = error.to_string();
        let Some(code) = result_code(error) else {
            return match error {
                sqlx::Error::Io(_) => JournalError::Io { path, why },
                _ => JournalError::Database { path, why },
            };
        };
        // The low byte is the primary result code of https://www.sqlite.org/rescode.html.
        match code & 0xff {
            5 | 6 => JournalError::Busy { path },
            8 => JournalError::ReadOnly { path },
            10 => JournalError::Io { path, why },
            11 => JournalError::Damaged { path, why },
            13 => JournalError::DiskFull { path },
            14 => JournalError::CannotOpen { path, why },
            26 => JournalError::NotAJournal { path, why: "not an SQLite database" },
            _ => JournalError::Database { path, why },
        }
    }

    /// The same for what migrating says.
    pub(crate) fn from_migrate(path: &Path, error: &sqlx::migrate::MigrateError) -> JournalError {
        use sqlx::migrate::MigrateError as E;
        match error {
            E::Execute(e) | E::ExecuteMigration(e, _) => JournalError::from_sqlx(path, e),
            E::VersionMissing(version) => JournalError::Newer { path: path.to_path_buf(), version: *version },
            other => JournalError::Altered { path: path.to_path_buf(), why: other.to_string() },
        }
    }
}

/// SQLite's extended result code, where the error is SQLite's own.
pub(crate) fn result_code(error: &sqlx::Error) -> Option<u32> {
    error.as_database_error().and_then(|e| e.code()).and_then(|code| code.parse().ok())
}
