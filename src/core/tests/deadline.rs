//! The numbers of the policy **deadline**: what the market is taken to do, what an hour is worth, and when to rent on
//! demand.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own figures has failed")]

#[path = "deadline/golden.rs"]
mod golden;
