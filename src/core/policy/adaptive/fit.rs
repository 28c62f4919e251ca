//! What each bid on one server costs: its price, and the risk of a jump past it.
//!
//! A move counts by how recent it is and by how near to today's price it began, and it is read as a ratio: one from 100
//! to 110 says that a price of 200 may go to 220.

use alloc::vec::Vec;

use crate::policy::adaptive::moves::{Move, Moves};
use crate::policy::adaptive::terms::Terms;
use crate::policy::adaptive::{
    FORGET_SECS, LONGEST_DWELL, MARGIN_CAP, MILLI, NEARNESS, ONE, PRIOR, PRIOR_FAR, PRIOR_FAR_SHARE, PRIOR_NEAR, REFIT,
    WINDOW, millis, narrow, percent_down, percent_up,
};
use crate::time::{Span, Time};

/// Prices of more bits than this lose their last digits where they are squared, so that the squares fit.
const SQUARED_BITS: u32 = 50;

/// The price list of one server at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    at: Time,
    terms: Terms,
    /// Never empty: the first is at the least winning bid.
    levels: Vec<Level>,
    star: u64,
    star_cost: i128,
}

/// From this bid on, up to the next level, the risk is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Level {
    bid: u64,
    /// In thousandths of a tick per day.
    risk: u64,
}

impl Level {
    fn cost(self) -> i128 {
        self.cost_of(self.bid)
    }

    /// What a bid at this level's risk costs.
    fn cost_of(self, bid: u64) -> i128 {
        i128::from(bid).saturating_mul(MILLI).saturating_add(self.risk.into())
    }
}

impl Fit {
    /// Made `at` a moment at which the least winning bid has been `least` since `since`.
    pub fn new(moves: &Moves, least: u64, since: Time, terms: Terms, at: Time) -> Fit {
        let (exposure, mut rises) = weigh(moves, least, since, at);
        rises.sort_unstable();
        let risk = |weight: u128| {
            let cost = u128::from(terms.kappa).saturating_mul(1_000).saturating_mul(weight);
            narrow(cost.checked_div(exposure).unwrap_or_default())
        };
        let mut above = rises.iter().fold(0, |sum: u128, (_, weight)| sum.saturating_add(*weight));
        let mut levels = Vec::with_capacity(rises.len().saturating_add(1));
        levels.push(Level { bid: least, risk: risk(above) });
        for same in rises.chunk_by(|a, b| a.0 == b.0) {
            above = same.iter().fold(above, |rest, (_, weight)| rest.saturating_sub(*weight));
            levels.extend(same.first().map(|(to, _)| Level { bid: *to, risk: risk(above) }));
        }
        let top = cap(least, terms.ceiling);
        let affordable = levels.iter().take_while(|level| level.bid <= top).copied();
        // The first of several that cost the same, which is the lowest.
        let best = affordable.min_by_key(|level| level.cost()).unwrap_or(Level { bid: least, risk: 0 });
        Fit { at, terms, levels, star: best.bid, star_cost: best.cost() }
    }

    /// When it was made.
    pub fn at(&self) -> Time {
        self.at
    }

    /// When it is to be made anew.
    pub fn until(&self) -> Time {
        self.at + REFIT
    }

    /// The terms that it was made on.
    pub fn terms(&self) -> Terms {
        self.terms
    }

    /// The bid that costs least.
    pub fn star(&self) -> u64 {
        self.star
    }

    /// What that bid costs, in thousandths of a tick per day.
    pub fn star_cost(&self) -> i128 {
        self.star_cost
    }

    /// Bids from which on another risk counts, each with it, ascending. The first is the least winning bid.
    pub fn levels(&self) -> impl Iterator<Item = (u64, u64)> {
        self.levels.iter().map(|level| (level.bid, level.risk))
    }

    /// What a bid costs, in thousandths of a tick per day: itself, and what restarts are to be expected at it.
    pub fn cost_of(&self, bid: u64) -> i128 {
        self.level_of(bid).cost_of(bid)
    }

    /// How many restarts are to be expected at that bid, in thousandths of one per day.
    pub fn restarts_at(&self, bid: u64) -> u64 {
        let costs = u128::from(self.level_of(bid).risk).saturating_mul(millis(Span::DAY));
        narrow(costs.checked_div(self.terms.kappa.into()).unwrap_or_default())
    }

    /// What walking down from `bid` to the star costs above standing there, in thousandths of a tick per day times
    /// milliseconds: the first step after `wait`, then one in each window. No `step`: one lowering is all it takes.
    pub fn walk(&self, bid: u64, wait: Span, step: Option<u64>) -> i128 {
        if bid <= self.star {
            return 0;
        }
        let first = self.cost_of(bid).saturating_sub(self.star_cost).max(0);
        let mut sum = first.saturating_mul(wait.ms().into());
        let Some(step) = step.filter(|step| *step > 0) else { return sum };
        let mut bid = bid.saturating_sub(step);
        // Below a level and above the next the cost falls evenly: one sum for all the steps between them.
        for level in self.levels.iter().rev() {
            if bid <= self.star {
                break;
            }
            let lowest = level.bid.max(self.star.saturating_add(1));
            let Some(room) = bid.checked_sub(lowest) else { continue };
            let count = room.checked_div(step).unwrap_or_default().saturating_add(1);
            let excess = level.cost_of(bid).saturating_sub(self.star_cost);
            sum = sum.saturating_add(falling_sum(excess, step, count).saturating_mul(WINDOW.ms().into()));
            bid = bid.saturating_sub(step.saturating_mul(count));
        }
        sum
    }

    fn level_of(&self, bid: u64) -> Level {
        let above = self.levels.partition_point(|level| level.bid <= bid);
        let level = self.levels.get(above.saturating_sub(1)).copied();
        level.unwrap_or(Level { bid: self.star, risk: 0 })
    }
}

/// The most that is bid where the least winning bid is that.
pub(super) fn cap(least: u64, ceiling: u64) -> u64 {
    least.saturating_add(percent_down(least, MARGIN_CAP)).min(ceiling).max(least)
}

/// The sum of `count` numbers, each a `step` less than the one before it, as far as they are above nothing.
fn falling_sum(first: i128, step: u64, count: u64) -> i128 {
    let fall = i128::from(step).saturating_mul(MILLI);
    let Some(more) = first.checked_sub(1).filter(|more| *more >= 0).and_then(|rest| rest.checked_div(fall)) else {
        return 0;
    };
    let paid = more.saturating_add(1).min(count.into());
    let last = first.saturating_sub(fall.saturating_mul(paid.saturating_sub(1)));
    paid.saturating_mul(first.saturating_add(last)) / 2
}

/// For how long the server has been watched near this price, by weight, and where it went up from there.
fn weigh(moves: &Moves, least: u64, since: Time, at: Time) -> (u128, Vec<(u64, u128)>) {
    let one = u128::from(ONE);
    // The open stay, and what is assumed of a server that nothing is known of.
    let open = at.since(since).min(LONGEST_DWELL);
    let mut exposure = one.saturating_mul(millis(open).saturating_add(millis(PRIOR)));
    let mut rises = Vec::with_capacity(moves.len().saturating_add(2));
    for made in moves.iter() {
        let weight = weight(made, least, at);
        if weight == 0 {
            continue;
        }
        exposure = exposure.saturating_add(weight.saturating_mul(millis(made.dwell)));
        rises.push((in_proportion(made, least), weight));
    }
    rises.push((percent_up(least, PRIOR_NEAR), one));
    rises.push((percent_up(least, PRIOR_FAR), (ONE / PRIOR_FAR_SHARE).into()));
    rises.retain(|(to, _)| *to > least);
    (exposure, rises)
}

/// How much a move counts, of [`ONE`].
fn weight(made: &Move, least: u64, at: Time) -> u128 {
    let one = u128::from(ONE);
    let forget = u128::from(FORGET_SECS);
    let age = millis(at.since(made.at)) / 1_000;
    let recent = forget.saturating_mul(one).checked_div(forget.saturating_add(age)).unwrap_or_default();
    let off = least.abs_diff(made.from);
    let bits = u64::BITS.saturating_sub((least | off).leading_zeros());
    let short = |number: u64| u128::from(number.checked_shr(bits.saturating_sub(SQUARED_BITS)).unwrap_or_default());
    let square = |number: u128| number.saturating_mul(number);
    let whole = square(short(least));
    let away = square(short(off).saturating_mul(NEARNESS.into()));
    // Nothing by nothing: it began at this very price.
    let near = one.saturating_mul(whole).checked_div(whole.saturating_add(away)).unwrap_or(one);
    recent.saturating_mul(near) >> ONE.trailing_zeros()
}

/// Where that move would lead from today's price, rounded up. One that began at nothing has no ratio.
fn in_proportion(made: &Move, least: u64) -> u64 {
    if made.from == 0 {
        return made.to;
    }
    narrow(u128::from(made.to).saturating_mul(least.into()).div_ceil(made.from.into()))
}
