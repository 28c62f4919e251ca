//! Which read comes next, and the jump of a backtest over reads that can only repeat the last.

pub mod fast_forward;
pub(crate) mod idle_reads;
pub(crate) mod schedule;
