//! The numbers of the policy **adaptive**: what a bid costs with its risk, what is learned of a market and what is not,
//! and when it is worth it to raise, to come down, to bid anew and to go elsewhere.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

#[path = "adaptive/golden.rs"]
mod golden;
