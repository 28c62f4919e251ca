//! The venue's rule for lowering a bid, and what obeying it costs.
//!
//! A bid may be raised at any time, but lowered only once in 600 seconds and only down to a lowest allowed price.
//! Source: set_spot_price, errors `exceeded_max_step` (whose `max_step` is that lowest price, not a step) and
//! `can_lower_every_600_seconds`. How large a step is, is not published for every currency: it is learned from the
//! first refusal and kept for each server. What a refusal taught is trusted for some hours: a step that has grown since
//! is found out by asking for the whole way once more, which costs one request where it has not.

use alloc::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::ServerId;
use crate::integers::{divide, in_integers};
use crate::money::{Accrual, Price};
use crate::time::{Span, Time};

/// For so long nothing else is tried than what the venue last said.
const TRUSTED_FOR: Span = Span::from_secs(6 * 3_600);
/// A window longer than this is nonsense.
const WINDOW_MOST: Span = Span::from_secs(3_600);
/// Clocks and answers may make a window look longer by this much.
const WINDOW_SLACK: Span = Span::from_secs(2);

/// What is known of the largest step, and of the time between two.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Steps {
    assumed: Option<Price>,
    by_server: BTreeMap<ServerId, Price>,
    latest: Option<Price>,
    /// When each server's refusal told its step; missing where an older build learned it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    told_at: BTreeMap<ServerId, Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    latest_told_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window: Option<Window>,
}

/// A time between two lowerings that is longer than was assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Window {
    every: Span,
    told_at: Time,
}

impl Steps {
    /// Nothing learned yet; `assumed` is what the strategy says, if it says anything.
    pub fn new(assumed: Option<Price>) -> Steps {
        Steps { assumed, ..Steps::default() }
    }

    /// The same with another assumption, as when a strategy was edited between two runs.
    #[must_use]
    pub fn assuming(mut self, assumed: Option<Price>) -> Steps {
        self.assumed = assumed;
        self
    }

    /// The venue refused a lowering of `bid` and named the lowest price it would take.
    pub fn learn(&mut self, server: ServerId, bid: Price, lowest: Price, now: Time) {
        let step = bid.minus(lowest);
        if step.is_zero() {
            return;
        }
        self.by_server.insert(server, step);
        self.latest = Some(step);
        self.told_at.insert(server, now);
        self.latest_told_at = Some(now);
    }

    /// The venue took a lowering by so much.
    pub fn taken(&mut self, server: ServerId, by: Price) {
        // Nobody knows yet how much more it would take: when it was told stays as it was.
        if self.step(server).is_some_and(|step| by > step) {
            self.by_server.insert(server, by);
        }
    }

    /// The venue refused a lowering as too soon that came so long after the last command, and told how long to wait.
    pub fn learn_window(&mut self, since_last: Span, wait: Span, assumed: Span, now: Time) {
        let every = since_last + wait;
        if every > assumed + WINDOW_SLACK && every <= WINDOW_MOST.max(assumed) {
            self.window = Some(Window { every, told_at: now });
        }
    }

    /// The time between two lowerings: what is assumed, or what the venue taught in the last hours.
    pub fn every(&self, assumed: Span, now: Time) -> Span {
        let taught = self.window.filter(|window| now.since(window.told_at) < TRUSTED_FOR);
        taught.map_or(assumed, |window| window.every.max(assumed))
    }

    /// The largest step on that server: what it taught, else what another one taught, else what is assumed.
    pub fn step(&self, server: ServerId) -> Option<Price> {
        self.by_server.get(&server).copied().or(self.latest).or(self.assumed)
    }

    /// The lowest price that a bid on that server may be lowered to at once; `None` while no step is known, and when what
    /// is known is old enough to be tried again.
    pub fn lowest(&self, server: ServerId, bid: Price, now: Time) -> Option<Price> {
        let told_at = match self.by_server.get(&server) {
            Some(_) => self.told_at.get(&server).copied(),
            None => self.latest_told_at.filter(|_| self.latest.is_some()),
        };
        let is_old = told_at.is_some_and(|at| now.since(at) >= TRUSTED_FOR);
        self.step(server).filter(|_| !is_old).map(|step| bid.minus(step))
    }
}

/// What it takes to walk down to a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descent {
    /// How many lowerings.
    pub steps: u32,
    /// What is paid above the goal until the last of them.
    pub overpaid: Accrual,
}

/// Walking from `bid` down to `goal` in steps of `step`: the first after `wait`, then one each `every`.
///
/// `None` when the goal is not below the bid or the step is nothing.
pub fn descent(bid: Price, goal: Price, step: Price, wait: Span, every: Span) -> Option<Descent> {
    // Asked for at nearly every look at a market that leaves something to save.
    descent_in_integers(bid, goal, step, wait, every).or_else(|| descent_in_decimals(bid, goal, step, wait, every))
}

/// The same for numbers short enough for integers of one scale, which nearly all are; `None` for the others.
fn descent_in_integers(bid: Price, goal: Price, step: Price, wait: Span, every: Span) -> Option<Descent> {
    let prices = [bid, goal, step].map(Price::decimal);
    let scale = prices.iter().map(|p| p.scale()).max()?;
    let [bid, goal, step] = prices.map(|p| in_integers(p, scale));
    let (excess, step) = (bid?.checked_sub(goal?).filter(|e| *e > 0)?, step?);
    let (whole, rest) = divide(excess, step)?;
    let steps = u32::try_from(whole.checked_add((rest > 0).into())?).ok()?;
    let (count, between) = (i128::from(steps), i128::from(steps.saturating_sub(1)));
    let shrunk = step.checked_mul(count.checked_mul(between)? >> 1)?;
    let later = excess.checked_mul(between)?.checked_sub(shrunk)?.checked_mul(every.ms().into())?;
    let overpaid = excess.checked_mul(wait.ms().into())?.checked_add(later)?;
    Some(Descent { steps, overpaid: Accrual::of_units(overpaid, scale)? })
}

fn descent_in_decimals(bid: Price, goal: Price, step: Price, wait: Span, every: Span) -> Option<Descent> {
    let excess = bid.minus(goal);
    if excess.is_zero() || step.is_zero() {
        return None;
    }
    let steps = excess.steps_of(step)?;
    if steps == 1 {
        return Some(Descent { steps, overpaid: excess.accrue(wait) });
    }
    let (count, between) = (u64::from(steps), u64::from(steps.saturating_sub(1)));
    // Between the first and the last lowering the excess shrinks by one step at a time: an arithmetic series.
    let shrunk = step.times(count.saturating_mul(between) >> 1);
    let later = excess.times(between).minus(shrunk).accrue(every);
    Some(Descent { steps, overpaid: excess.accrue(wait).plus(later) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn integers_and_decimals_come_to_the_same_descent(
            bid in 0..10_u64.pow(12), goal in 0..10_u64.pow(12), step in 0..10_u64.pow(12),
            scales in prop::array::uniform3(0..12_u32),
            wait in 0..900_000_i64, every in 0..900_000_i64,
        ) {
            let price = |n: u64, scale| Price::new(rust_decimal::Decimal::from_i128_with_scale(n.into(), scale)).unwrap();
            let (bid, goal, step) = (price(bid, scales[0]), price(goal, scales[1]), price(step, scales[2]));
            let (wait, every) = (Span::from_ms(wait), Span::from_ms(every));
            if let Some(found) = descent_in_integers(bid, goal, step, wait, every) {
                prop_assert_eq!(Some(found), descent_in_decimals(bid, goal, step, wait, every));
            }
        }
    }

    #[test]
    fn a_descent_too_long_for_integers_is_worked_out_in_decimals() {
        let [bid, goal, step] = ["70000000000000000000000000000", "0.0000000000000000000000000001", "1"]
            .map(|text| Price::parse(text).unwrap());
        assert_eq!(descent_in_integers(bid, goal, bid, Span::DAY, Span::DAY), None);
        let found = descent(bid, goal, bid, Span::DAY, Span::DAY).unwrap();
        assert_eq!((found.steps, found.overpaid), (1, bid.minus(goal).accrue(Span::DAY)));
        assert_eq!(descent(bid, goal, step, Span::DAY, Span::DAY), None, "more steps than can be counted");
    }
}
