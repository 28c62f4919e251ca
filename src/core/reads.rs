//! Which read comes next: how urgent each is, and what waits for it.

pub(crate) mod agenda;
pub(crate) mod schedule;
