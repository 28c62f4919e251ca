//! What all of the oracle counts in: costs and ticks, as whole numbers, and why something cannot be counted.

use std::cmp::Ordering;

use crate::core::time::{Span, Time};

/// A sum of money in cost units; what one of them is worth, [`Units`](super::Units) knows.
pub type Cost = i128;

/// Why a market cannot be solved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProblemError {
    /// A tick, a price tick or a window of no length.
    #[error("{0} must be more than zero")]
    Zero(&'static str),
    /// Below zero.
    #[error("{0} must not be negative")]
    Negative(&'static str),
    /// Too large for exact arithmetic.
    #[error("{0} is too large to be counted exactly")]
    TooLarge(&'static str),
    /// A track, a valuation or their changes go back in time.
    #[error("change {0} is not later than the one before it")]
    Unsorted(usize),
}

/// How many whole ticks fit between two moments.
///
/// # Errors
/// When a tick has no length, or they are more than four thousand million.
pub fn ticks_between(from: Time, to: Time, tick: Span) -> Result<u32, ProblemError> {
    let whole = to.since(from).ms().checked_div(tick.ms()).ok_or(ProblemError::Zero("a tick"))?;
    u32::try_from(whole).map_err(|_| ProblemError::TooLarge("the number of ticks"))
}

/// The quotient as a whole number, half to even; `den` is above zero.
pub(super) fn divided(num: Cost, den: Cost) -> Cost {
    num / den + round_up(num / den, num % den, den)
}

/// What half-to-even adds to a quotient with that rest.
pub(super) fn round_up(whole: i128, rest: i128, den: i128) -> i128 {
    match rest.cmp(&(den - rest)) {
        Ordering::Less => 0,
        Ordering::Equal => whole % 2,
        Ordering::Greater => 1,
    }
}
