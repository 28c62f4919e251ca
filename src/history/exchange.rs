//! A run as it was asked and answered, bodies included: what a replay re-decides and a tape is made of.

use bytes::Bytes;
use clorebid_core::time::Time;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{History, HistoryError};
use crate::journal::{BodyError, JournalError, key, unpack};

/// One request with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Its number in the run.
    pub seq: u64,
    /// When it was sent.
    pub sent_at: Time,
    /// When it was answered, if it was.
    pub answered_at: Option<Time>,
    /// The endpoint.
    pub call: String,
    /// The arguments as JSON.
    pub args: String,
    /// The core's request as JSON.
    pub request: String,
    /// For which target.
    pub target: Option<String>,
    /// Why, in words.
    pub reason: String,
    /// The HTTP status, if an answer came.
    pub status: Option<u16>,
    /// What went wrong, as a code.
    pub error: Option<String>,
    /// `applied`, `refused`, `unknown` or `pending`.
    pub outcome: String,
    /// The body as it came, if an answer came. Equal answers share it.
    pub body: Option<Bytes>,
}

const SELECT_EXCHANGES: &str = "\
     SELECT r.id AS id, r.sent_at, r.sent_at + r.took, c.call, c.args, c.request, c.target, r.reason, \
            p.status, p.error, coalesce(p.outcome, 'unknown'), r.reply_id \
     FROM reads r JOIN calls c ON c.id = r.call_id LEFT JOIN replies p ON p.id = r.reply_id \
     WHERE r.id BETWEEN ?1 AND ?2 \
     UNION ALL \
     SELECT c.id, c.sent_at, a.answered_at, c.call, c.args, c.request, c.target, c.reason, \
            p.status, p.error, coalesce(p.outcome, 'pending'), a.reply_id \
     FROM changes c LEFT JOIN answers a ON a.id = c.id LEFT JOIN replies p ON p.id = a.reply_id \
     WHERE c.id BETWEEN ?1 AND ?2 \
     ORDER BY id LIMIT ?3";

const SELECT_FIRST_MEMORY: &str =
    "SELECT encoding, size, body FROM memories WHERE id BETWEEN ? AND ? AND seq = 0 ORDER BY id LIMIT 1";

const SELECT_MEMORIES_BACK: &str = "SELECT encoding, size, body, id, seq FROM memories \
     WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT ?";

/// What the core kept at one moment of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its number among the run's memories.
    pub number: u32,
    /// The request it was written at.
    pub seq: u64,
    /// The memory as JSON.
    pub memory: String,
}

impl History {
    /// The requests of a run that come after number `after`, at most `count` of them, in order.
    ///
    /// # Errors
    /// When the file cannot be read or a stored body is damaged.
    pub async fn exchanges(&mut self, run_id: i64, after: u64, count: u32) -> Result<Vec<Exchange>, HistoryError> {
        let Ok(after) = u32::try_from(after) else { return Ok(Vec::new()) };
        let first = key(run_id, after).saturating_add(1);
        let query = sqlx::query(SELECT_EXCHANGES).bind(first).bind(key(run_id, u32::MAX)).bind(i64::from(count));
        let rows = query.fetch_all(&mut self.conn).await.map_err(|e| self.failed(e.into()))?;
        let mut exchanges = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut exchange = without_body(row).map_err(|e| self.failed(e.into()))?;
            if let Some(reply_id) = row.try_get::<Option<i64>, _>(11).map_err(|e| self.failed(e.into()))? {
                let body = self.unpacker.load(&mut self.conn, reply_id).await.map_err(|e| self.failed(e))?;
                exchange.body = exchange.status.is_some().then_some(body);
            }
            exchanges.push(exchange);
        }
        Ok(exchanges)
    }

    /// The body of a stored answer, by its key.
    pub(crate) async fn reply_body(&mut self, reply_id: i64) -> Result<Bytes, HistoryError> {
        self.unpacker.load(&mut self.conn, reply_id).await.map_err(|e| self.failed(e))
    }

    /// What the core of a run started with, if it started with anything.
    ///
    /// # Errors
    /// When the file cannot be read or the memory is damaged.
    pub async fn first_memory(&mut self, run_id: i64) -> Result<Option<String>, HistoryError> {
        let query = sqlx::query(SELECT_FIRST_MEMORY).bind(key(run_id, 0)).bind(key(run_id, u32::MAX));
        let row = query.fetch_optional(&mut self.conn).await.map_err(|e| self.failed(e.into()))?;
        let Some(row) = row else { return Ok(None) };
        memory(&row).map(Some).map_err(|e| self.failed(e))
    }

    /// The memories of a run before the one of that number, newest first, at most `count` of them.
    ///
    /// # Errors
    /// When the file cannot be read or a memory is damaged.
    pub async fn memories_back(&mut self, run_id: i64, before: u32, count: u32) -> Result<Vec<Kept>, HistoryError> {
        let last = key(run_id, before).saturating_sub(1);
        let query = sqlx::query(SELECT_MEMORIES_BACK).bind(key(run_id, 0)).bind(last).bind(i64::from(count));
        let rows = query.fetch_all(&mut self.conn).await.map_err(|e| self.failed(e.into()))?;
        let kept = |row: &SqliteRow| {
            let (id, seq): (i64, i64) = (row.try_get(3)?, row.try_get(4)?);
            let number = u32::try_from(id & i64::from(u32::MAX)).unwrap_or(0);
            Ok(Kept { number, seq: u64::try_from(seq).unwrap_or(0), memory: memory(row)? })
        };
        rows.iter().map(kept).collect::<Result<_, BodyError>>().map_err(|e| self.failed(e))
    }

    fn failed(&self, error: BodyError) -> HistoryError {
        HistoryError::Journal(match error {
            BodyError::Database(e) => JournalError::from_sqlx(&self.path, &e),
            BodyError::Damaged(why) => JournalError::Damaged { path: self.path.clone(), why },
        })
    }
}

fn memory(row: &SqliteRow) -> Result<String, BodyError> {
    let bytes = unpack(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, None).map_err(BodyError::Damaged)?;
    String::from_utf8(bytes).map_err(|e| BodyError::Damaged(format!("a memory: {e}")))
}

fn without_body(row: &SqliteRow) -> Result<Exchange, sqlx::Error> {
    let id: i64 = row.try_get(0)?;
    Ok(Exchange {
        seq: u64::try_from(id & i64::from(u32::MAX)).unwrap_or(0),
        sent_at: Time::from_ms(row.try_get(1)?),
        answered_at: row.try_get::<Option<i64>, _>(2)?.map(Time::from_ms),
        call: row.try_get(3)?,
        args: row.try_get(4)?,
        request: row.try_get(5)?,
        target: row.try_get(6)?,
        reason: row.try_get(7)?,
        status: row.try_get(8)?,
        error: row.try_get(9)?,
        outcome: row.try_get(10)?,
        body: None,
    })
}
