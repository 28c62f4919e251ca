//! What keeps a recorded run from being re-decided.

use crate::history::HistoryError;

/// Why a run cannot be re-decided at all.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The journal cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// There is no such run.
    #[error("there is no run {0}; see `clorebid history runs`")]
    NoRun(i64),
    /// No run of the journal was decided by a strategy.
    #[error("no run in this journal was decided by a strategy: there is nothing to replay")]
    NoRuns,
    /// What was asked by hand or recorded elsewhere was not decided by the core.
    #[error("run {0} ({1}) was not decided by a strategy: there is nothing to replay")]
    NotDecided(i64, String),
    /// The recorded strategy cannot be read any more.
    #[error("the recorded strategy of run {0} cannot be read: {1}")]
    Strategy(i64, String),
    /// The recorded memory cannot be read.
    #[error("what run {0} started with cannot be read: {1}")]
    Memory(i64, String),
}
