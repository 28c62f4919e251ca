//! What a run leaves to the next one.

use std::path::Path;

use bytes::Bytes;
use clorebid_core::time::Time;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::accounts::same_account;
use super::bodies::{BodyError, Unpacker, unpack};
use super::tables::key;
use super::{JournalError, Mode, closing};
use crate::wire::Reply;

/// Where the last run stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// Which run it was.
    pub run_id: i64,
    /// The coin that it bid in, by the venue's name.
    pub currency: String,
    /// The core's memory.
    pub memory: String,
    /// When that was written.
    pub at: Time,
    /// The last moment that the run has on record: until then it was watching.
    pub watched_until: Time,
    /// The changes whose end the memory does not know, oldest first: those sent with it or after it.
    pub unfinished: Vec<Unfinished>,
}

/// A change that may or may not have been made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Its number in that run.
    pub seq: u64,
    /// When it was about to be sent.
    pub sent_at: Time,
    /// The endpoint.
    pub call: String,
    /// Its arguments as JSON.
    pub args: String,
    /// The core's request as JSON.
    pub request: String,
    /// The name of the target it was for, where it was for one.
    pub target: Option<String>,
    /// What came back, where that was still recorded.
    pub answer: Option<RecordedAnswer>,
}

/// An answer as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedAnswer {
    /// When it came.
    pub at: Time,
    /// The HTTP status, if an answer came.
    pub status: Option<u16>,
    /// The body as it came.
    pub body: Bytes,
    /// What went wrong, as a code.
    pub error: Option<String>,
}

impl RecordedAnswer {
    /// What came back.
    pub fn reply(&self) -> Reply {
        Reply::recorded(self.status, self.body.clone(), self.error.as_deref())
    }
}

pub(crate) const SELECT_MEMORY: &str = concat!(
    "SELECT m.run_id, m.seq, m.before, m.at, m.encoding, m.size, m.body, r.currency ",
    "FROM memories m JOIN run_starts r ON r.run_id = m.run_id WHERE r.mode = ?1 AND ",
    same_account!("r.venue", "?2"),
    " ORDER BY m.id DESC LIMIT 1"
);

pub(crate) const SELECT_UNFINISHED: &str = "SELECT c.seq, c.sent_at, c.call, c.args, c.request, a.answered_at, p.status, p.id, p.error, c.target \
     FROM changes c LEFT JOIN answers a ON a.id = c.id LEFT JOIN replies p ON p.id = a.reply_id \
     WHERE c.id BETWEEN ? AND ? ORDER BY c.id";

/// Reads it.
pub(crate) async fn last_memory(
    conn: &mut SqliteConnection,
    path: &Path,
    mode: Mode,
    venue: &str,
) -> Result<Option<Resume>, JournalError> {
    read(conn, mode, venue).await.map_err(|e| match e {
        BodyError::Database(e) => JournalError::from_sqlx(path, &e),
        BodyError::Damaged(why) => JournalError::Damaged { path: path.to_path_buf(), why },
    })
}

async fn read(conn: &mut SqliteConnection, mode: Mode, venue: &str) -> Result<Option<Resume>, BodyError> {
    let row = sqlx::query(SELECT_MEMORY).bind(mode.code()).bind(venue).fetch_optional(&mut *conn).await?;
    let Some(row) = row else { return Ok(None) };
    let run_id: i64 = row.try_get(0)?;
    let (seq, before): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
    let unpacked = unpack(row.try_get(4)?, row.try_get(5)?, row.try_get(6)?, None);
    let memory = unpacked.and_then(|bytes| String::from_utf8(bytes).map_err(|e| e.to_string()));
    let memory = memory.map_err(|why| BodyError::Damaged(format!("the last memory of run {run_id}: {why}")))?;
    let after = key(run_id, 0).saturating_add(seq).saturating_add(1 - before.clamp(0, 1));
    let rows = sqlx::query(SELECT_UNFINISHED).bind(after).bind(key(run_id, u32::MAX)).fetch_all(&mut *conn).await?;
    let mut unfinished = Vec::with_capacity(rows.len());
    for row in &rows {
        unfinished.push(one(conn, row).await?);
    }
    let currency = row.try_get(7)?;
    let at = Time::from_ms(row.try_get(3)?);
    let watched_until = closing::watched_until(conn, run_id).await?.max(at);
    Ok(Some(Resume { run_id, currency, memory, at, watched_until, unfinished }))
}

async fn one(conn: &mut SqliteConnection, row: &SqliteRow) -> Result<Unfinished, BodyError> {
    let answer = match row.try_get::<Option<i64>, _>(7)? {
        None => None,
        Some(reply_id) => Some(RecordedAnswer {
            at: Time::from_ms(row.try_get(5)?),
            status: row.try_get(6)?,
            body: Unpacker::default().load(conn, reply_id).await?,
            error: row.try_get(8)?,
        }),
    };
    Ok(Unfinished {
        seq: u64::try_from(row.try_get::<i64, _>(0)?).unwrap_or(0),
        sent_at: Time::from_ms(row.try_get(1)?),
        call: row.try_get(2)?,
        args: row.try_get(3)?,
        request: row.try_get(4)?,
        target: row.try_get(9)?,
        answer,
    })
}
