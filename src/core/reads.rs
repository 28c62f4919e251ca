//! Which read comes next, and the jump of a backtest over reads that can only repeat the last.

pub(crate) mod agenda;
pub mod fast_forward;
pub(crate) mod schedule;
