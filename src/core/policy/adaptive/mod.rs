//! The numbers behind **adaptive**: what a bid on one server costs, risk of losing it included, and when to change it.
//!
//! A server that has moved often from near today's price is likely to move again, so a bid some way above the least
//! winning one may cost less in the end. [`market`] remembers the [`moves`] of one server, [`fit`] makes a price list of
//! risk from them, [`regret`] adds up what a bid has cost above the best one, and [`choice`] says what to do: a restart
//! is worth making once the regret has reached its price. [`terms`] turns money into the whole numbers used here.
//!
//! Bids are whole ticks of one currency. A cost is in thousandths of a tick per day, a sum of it in the same times
//! milliseconds. What is summed over time is never divided, and a price list is made at moments of its own: the same
//! answer comes out, however often it is asked for.

pub mod choice;
pub mod fit;
pub mod lessons;
pub mod market;
pub mod moves;
pub mod policy;
pub mod regret;
pub mod terms;

use crate::time::Span;

/// Fixed point: this stands for 1.
pub const ONE: u32 = 1 << 20;
/// Thousandths of a tick in a tick.
const MILLI: i128 = 1_000;

/// A move this old counts half. It never counts for nothing, so no length of time is the right one to forget after.
const FORGET_SECS: u32 = 8 * 3_600;
/// A move that began at one part in so many away from today's price counts half.
const NEARNESS: u32 = 100;
/// Exposure of a server of which nothing is known yet.
const PRIOR: Span = Span::from_secs(3_600);
/// A small jump that is assumed of every server: to so many hundredths of its price.
const PRIOR_NEAR: u32 = 101;
/// A large one, likewise.
const PRIOR_FAR: u32 = 120;
/// The large one counts one part in so many of the small one.
const PRIOR_FAR_SHARE: u32 = 10;
/// No more than this is learned from one stay at a price.
const LONGEST_DWELL: Span = Span::DAY;
/// The most that is bid above the least winning bid, in hundredths of that.
const MARGIN_CAP: u32 = 25;
/// A price list of this age is made anew, since what is remembered has faded meanwhile.
const REFIT: Span = Span::from_secs(30 * 60);
/// Where no read came for longer than this, nobody knows what the server did meanwhile.
const LONGEST_GAP: Span = Span::from_secs(120);

/// A rise above our bid within this time answers it.
const ANSWER: Span = Span::from_secs(15);
/// One answer, or the lack of one, moves the belief by one part in so many.
const ANSWER_SHARE: u32 = 8;
/// Rivals who answer at least this often make every change of a bid cost something.
const ANSWERS_COUNT: u32 = ONE / 4;
/// Answers that follow each other within this time are one war.
const WAR: Span = Span::from_secs(600);
/// The raise of a war doubles with each answer, and no more often than this.
const WAR_DOUBLINGS: u32 = 20;
/// Where a rival has answered with more than a server is worth, it is left to that rival for this long; then for twice as
/// long each time that it does so again,
const REST: Span = Span::from_secs(600);
/// and no more often than this.
const REST_DOUBLINGS: u32 = 4;
/// It is not left to the rival any longer once the least winning bid has fallen below so many hundredths of that answer.
const REST_ENDS: u32 = 75;
/// So long after a replacement it is judged whether it was any good.
const SETTLE: Span = Span::from_secs(600);
/// The price of a replacement doubles with each one that was no good, and no more often than this.
const BACKOFF_MOST: u32 = 6;
/// The venue's time between two lowerings of one order.
const WINDOW: Span = Span::from_secs(600);
/// A restart also costs this much time without the server. It keeps the price of a restart above nothing.
const UNHELD_MS: u32 = 3_000;

/// So many hundredths of a price, rounded down; at most the largest number there is.
fn percent_down(price: u64, percent: u32) -> u64 {
    narrow(u128::from(price).saturating_mul(percent.into()) / 100)
}

/// The same, rounded up.
fn percent_up(price: u64, percent: u32) -> u64 {
    narrow(u128::from(price).saturating_mul(percent.into()).div_ceil(100))
}

/// The number, or the largest one that fits.
fn narrow(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// The milliseconds of a length, which are never negative.
fn millis(span: Span) -> u128 {
    u128::try_from(span.ms()).unwrap_or_default()
}
