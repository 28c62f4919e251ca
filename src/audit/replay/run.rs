//! What the journal tells of a run as a whole.

use clorebid_core::memory::Memory;
use clorebid_core::time::Time;

use super::error::ReplayError;
use crate::history::{Cell, History, HistoryError};

/// One run as its own rows tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its number.
    pub run_id: i64,
    /// When it began.
    pub started_at: Time,
    /// When it ended, if it did in order.
    pub ended_at: Option<Time>,
    /// `live`, `paper` or `backtest`.
    pub mode: String,
    /// The strategy's name.
    pub strategy: String,
    /// The strategy as it was read; empty where none decided.
    pub strategy_toml: String,
}

impl Recorded {
    /// Whether a strategy decided what was asked.
    pub fn is_decided(&self) -> bool {
        !self.strategy_toml.is_empty()
    }
}

const SELECT_RUNS: &str = "SELECT r.run_id, r.started_at, e.ended_at, r.mode, r.strategy, r.strategy_toml \
     FROM run_starts r LEFT JOIN run_ends e ON e.run_id = r.run_id";

/// The run of that number.
///
/// # Errors
/// When the journal cannot be read.
pub async fn recorded_run(history: &mut History, run_id: i64) -> Result<Option<Recorded>, HistoryError> {
    let rows = history.sql(&format!("{SELECT_RUNS} WHERE r.run_id = {run_id}")).await?;
    Ok(rows.rows.first().map(|row| recorded(row)))
}

/// The numbers of all runs, oldest first.
///
/// # Errors
/// When the journal cannot be read.
pub async fn runs(history: &mut History) -> Result<Vec<i64>, HistoryError> {
    let rows = history.sql("SELECT run_id FROM run_starts ORDER BY run_id").await?;
    Ok(rows.rows.iter().filter_map(|row| row.first().and_then(Cell::int)).collect())
}

/// The newest run that a strategy decided.
///
/// # Errors
/// When there is none, or the journal cannot be read.
pub async fn newest_replayable(history: &mut History) -> Result<i64, ReplayError> {
    let sql = "SELECT run_id FROM run_starts WHERE strategy_toml <> '' ORDER BY run_id DESC LIMIT 1";
    let rows = history.sql(sql).await?;
    rows.rows.first().and_then(|row| row.first()).and_then(Cell::int).ok_or(ReplayError::NoRuns)
}

/// After which request the run was told to leave, if it was.
///
/// A run keeps its memory at the moment it is told, and at its end; so the newest memory says whether, and the oldest of
/// those that say so says when.
pub(super) async fn leaves_after(history: &mut History, run_id: i64) -> Result<Option<u64>, ReplayError> {
    let (mut before, mut seq) = (u32::MAX, None);
    loop {
        let kept = history.memories_back(run_id, before, 8).await?;
        let Some(oldest) = kept.last() else { return Ok(seq) };
        before = oldest.number;
        for kept in &kept {
            let memory: Memory =
                serde_json::from_str(&kept.memory).map_err(|e| ReplayError::Memory(run_id, e.to_string()))?;
            if !memory.manner().leaving {
                return Ok(seq);
            }
            seq = Some(kept.seq);
        }
    }
}

fn recorded(row: &[Cell]) -> Recorded {
    let int = |at: usize| row.get(at).and_then(Cell::int);
    let text = |at: usize| row.get(at).and_then(Cell::text).unwrap_or_default().to_owned();
    Recorded {
        run_id: int(0).unwrap_or(0),
        started_at: Time::from_ms(int(1).unwrap_or(0)),
        ended_at: int(2).map(Time::from_ms),
        mode: text(3),
        strategy: text(4),
        strategy_toml: text(5),
    }
}
