//! The numbers behind **deadline**: so many hours of a server by a time, at least cost.
//!
//! While there is time, an hour on a server is worth what waiting for a cheaper one would cost; when there is none left,
//! what an hour on demand costs. [`job`] is the whole of it: what is to be done, how much of it is, what was seen of the
//! market, and what to do now. [`small`] is the rule for the first day of watching. After that [`table`] works out, backwards
//! from the deadline, what each state of the market and of the time left costs, with chances ([`odds`]) that were
//! counted ([`counts`]) on what each server's price did ([`sights`], [`series`], [`classes`]); [`choice`] reads it.
//! [`guard`] stands above both: it rents on demand before it is too late.
//!
//! ```text
//! sights ◄─ series ◄─ classes ◄─ counts ◄─ odds ◄─ table (by grid) ◄─ choice ◄─ watch
//! wanted, progress ◄─ figures ◄─ guard, small ◄─ learned (by choice, watch) ◄─ job ◄─ kept
//! ```
//!
//! Everything is a whole number. Prices are shares of the on-demand price and chances shares of certainty, both of
//! [`ONE`]; costs are of one unit of time on demand. The table thinks in whole seconds, what must hold is counted in
//! milliseconds. Lengths are cut at a hundred years, so no sum runs over.

pub mod choice;
pub mod classes;
pub mod counts;
pub mod figures;
pub mod grid;
pub mod guard;
pub mod job;
pub mod kept;
pub mod learned;
pub mod odds;
pub mod progress;
pub mod series;
pub mod sights;
pub mod small;
pub mod table;
pub mod wanted;
pub mod watch;
pub mod whole;

use crate::policy::deadline::whole::{Whole, whole};
use crate::time::{Span, Time};

/// Stands for the on-demand price, and for certainty.
pub const ONE: i64 = 1 << 16;
/// The same, to count with.
const CERTAIN: Whole = whole(ONE);
/// The cost of what cannot be done.
const NEVER: Whole = whole(1 << 46);

/// How many ages are told apart.
pub const AGES: usize = 8;
/// From how many seconds on an age is the next one.
const EDGES: [i64; AGES] = [0, 600, 1_200, 2_400, 4_800, 9_600, 19_200, 38_400];
/// The most classes of price, beside that of not being to be had.
pub const MOST_CLASSES: usize = 6;
/// The class of a server that is not to be had included.
const STATES: usize = MOST_CLASSES + 1;

/// Changes of its price that are remembered of one server.
const MOST_CHANGES: usize = 4_096;
/// What is older than this is not learned from.
const MEMORY_SECS: i64 = 7 * 86_400;

/// What the market of 2023 taught: of runs that reached an age, how many in a thousand ended in it, and how many seconds
/// they spent in it on average. First those of a server that is not to be had, then those of one that is.
const PRIOR_ENDS: [[i64; AGES]; 2] =
    [[317, 194, 252, 216, 400, 489, 595, 1_000], [331, 225, 351, 315, 381, 503, 651, 1_000]];
const PRIOR_SECS: [[i64; AGES]; 2] =
    [[733, 564, 1_079, 2_100, 3_757, 6_827, 11_987, 37_220], [733, 561, 1_044, 1_967, 3_598, 6_820, 11_063, 28_463]];

/// A point in time in whole seconds.
fn secs(time: Time) -> i64 {
    time.ms().div_euclid(1_000)
}

/// A length in whole seconds, a broken one counted as a whole.
fn secs_up(span: Span) -> i64 {
    span.ms().min(Span::LONGEST.ms()).saturating_add(999).div_euclid(1_000)
}

/// The age that so many seconds are.
fn age(secs: Whole) -> usize {
    EDGES.iter().rposition(|edge| secs.0 >= *edge).unwrap_or(0)
}
