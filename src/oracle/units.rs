//! Units convert money to whole cost units and back. Nowhere else in the oracle is anything rounded.

use rust_decimal::Decimal;

use super::cost::{Cost, ProblemError, round_up};
use super::market::Rules;
use super::valuation::Valuation;
use crate::core::money::{Amount, Price};
use crate::core::time::Span;

/// The finest that one level for one tick is divided into.
const MOST_PARTS: Cost = 1_000_000_000_000_000;

/// How many decimal places an amount is shown with.
const PLACES: u32 = 18;

/// What a cost unit and a level are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Units {
    /// One cost unit is `worth.0 / worth.1` of the currency, in lowest terms.
    worth: (i128, i128),
    price_tick: Price,
}

/// The venue's rules and the renter's values in their own units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Length of a tick.
    pub tick: Span,
    /// Price resolution; levels are counted in it.
    pub price_tick: Price,
    /// The most that one lowering takes off a bid.
    pub step: Price,
    /// From one lowering to the next allowed one.
    pub window: Span,
    /// What each begin of a holding costs.
    pub restart_cost: Amount,
    /// What a wanted server-day costs that is not held.
    pub per_day: Price,
}

/// What a server is worth to the renter at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value {
    /// What each begin of a holding costs.
    pub restart_cost: Amount,
    /// What a wanted server-day costs that is not held.
    pub per_day: Price,
}

impl Terms {
    /// The rules in levels, ticks and cost units, and what such a unit is worth.
    ///
    /// # Errors
    /// When a length is zero or a number too large.
    pub fn in_units(&self) -> Result<(Units, Rules), ProblemError> {
        self.in_units_with(&[]).map(|(units, rules, _)| (units, rules))
    }

    /// The rules and the valuations of other times in levels, ticks and cost units.
    ///
    /// The unit is chosen so that every restart cost and unheld tick is a whole number of it. Where that would take more
    /// than 10^15 units for one level and tick, there are exactly so many, and all are rounded half to even: off by half
    /// a unit at most for each restart and each unheld tick, hence for want = 1 the optimum by at most half a unit for
    /// each tick, far below the eighteenth decimal place for any real price. A step is cut to whole levels and a window
    /// filled up to whole ticks, which allows nothing that the venue would refuse.
    ///
    /// # Errors
    /// When a length is zero or a number too large.
    pub fn in_units_with(&self, later: &[Value]) -> Result<(Units, Rules, Vec<Valuation>), ProblemError> {
        if self.tick == Span::ZERO {
            return Err(ProblemError::Zero("a tick"));
        }
        if self.price_tick.is_zero() {
            return Err(ProblemError::Zero("the price tick"));
        }
        let tick_ms = i128::from(self.tick.ms());
        let day_ms = i128::from(Span::DAY.ms());
        let (level, level_parts) = fraction(self.price_tick.decimal());
        let first = Value { restart_cost: self.restart_cost, per_day: self.per_day };
        // Restart cost and unheld tick of each, in levels times ticks.
        let in_levels = |value: &Value| {
            let (restart, restart_parts) = fraction(value.restart_cost.decimal());
            let (day, day_parts) = fraction(value.per_day.decimal());
            let restart = ratio(&[restart, day_ms, level_parts], &[restart_parts, tick_ms, level]);
            let unheld = ratio(&[day, level_parts], &[day_parts, level]);
            let restart = restart.ok_or(ProblemError::TooLarge("the restart cost"))?;
            Ok((restart, unheld.ok_or(ProblemError::TooLarge("the price of a day"))?))
        };
        let values = std::iter::once(&first).chain(later).map(in_levels);
        let values = values.collect::<Result<Vec<_>, ProblemError>>()?;
        let mut parts = values.iter().flat_map(|(restart, unheld)| [restart.1, unheld.1]);
        let exact = parts.try_fold(1, |all, parts| common_multiple(all, parts).filter(|all| *all <= MOST_PARTS));
        let level_cost = exact.unwrap_or(MOST_PARTS);
        let in_units = |(restart, unheld)| {
            let restart_cost = rounded(restart, level_cost).ok_or(ProblemError::TooLarge("the restart cost"))?;
            let per_tick = rounded(unheld, level_cost).ok_or(ProblemError::TooLarge("the price of a day"))?;
            Ok(Valuation { per_tick, restart_cost })
        };
        let mut valuations = values.into_iter().map(in_units).collect::<Result<Vec<_>, ProblemError>>()?;
        let Valuation { per_tick, restart_cost } = valuations.remove(0);
        let worth = ratio(&[level, tick_ms], &[level_parts, day_ms, level_cost])
            .ok_or(ProblemError::TooLarge("the price tick's number of digits"))?;
        let step = self.step.floor_to(self.price_tick).decimal().checked_div(self.price_tick.decimal());
        let step = step.and_then(|s| u64::try_from(s.round()).ok()).ok_or(ProblemError::TooLarge("the step"))?;
        let window = (i128::from(self.window.ms()) + tick_ms - 1) / tick_ms;
        let rules = Rules {
            step,
            window: u32::try_from(window.max(1)).map_err(|_| ProblemError::TooLarge("the window"))?,
            level_cost,
            restart_cost,
            per_tick,
        };
        Ok((Units { worth, price_tick: self.price_tick }, rules, valuations))
    }
}

impl Units {
    /// The price that a level stands for; one beyond counting is [`Price::MAX`], a negative one zero.
    pub fn price(&self, level: i64) -> Price {
        let product = self.price_tick.decimal().checked_mul(Decimal::from(level.max(0)));
        product.and_then(Price::new).unwrap_or(Price::MAX)
    }

    /// The sum of money that a cost stands for: divided once, 18 places, half to even. A cost below zero counts as none.
    pub fn amount(&self, cost: Cost) -> Amount {
        let decimal = self.places(cost.max(0)).and_then(|m| Decimal::try_from_i128_with_scale(m, PLACES).ok());
        decimal.and_then(Amount::new).unwrap_or(Amount::MAX)
    }

    /// The worth of a cost in units of the last place shown, divided digit by digit so that nothing overflows early.
    fn places(&self, cost: Cost) -> Option<i128> {
        let (num, den) = ratio(&[cost, self.worth.0], &[self.worth.1])?;
        let (mut whole, mut rest) = (num / den, num % den);
        for _ in 0..PLACES {
            rest = rest.checked_mul(10)?;
            whole = whole.checked_mul(10)?.checked_add(rest / den)?;
            rest %= den;
        }
        whole.checked_add(round_up(whole, rest, den))
    }
}

/// Mantissa and power of ten of a decimal.
fn fraction(decimal: Decimal) -> (i128, i128) {
    let normal = decimal.normalize();
    // A decimal has at most 28 places, and 10^28 is far below the largest i128.
    (normal.mantissa(), 10_i128.pow(normal.scale()))
}

/// The product of `over` divided by that of `under`, in lowest terms; `None` where that overflows or divides by zero.
fn ratio(over: &[i128], under: &[i128]) -> Option<(i128, i128)> {
    let (mut num, mut den) = (1_i128, 1_i128);
    let (mut over, mut under) = (over.to_vec(), under.to_vec());
    // Each factor is first freed of what it shares with the other side, so that the products stay as small as they can.
    for a in &mut over {
        for b in &mut under {
            let shared = gcd(*a, *b);
            if shared > 1 {
                (*a, *b) = (*a / shared, *b / shared);
            }
        }
    }
    for a in over {
        num = num.checked_mul(a)?;
    }
    for b in under {
        den = den.checked_mul(b)?;
    }
    let shared = gcd(num, den);
    (den > 0).then(|| (num / shared, den / shared))
}

/// The least number that both divide; `None` where it is beyond counting.
fn common_multiple(a: i128, b: i128) -> Option<i128> {
    let (times, _) = ratio(&[a], &[b])?;
    times.checked_mul(b)
}

fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// `times` the fraction as a whole number, half to even; `None` where that overflows.
fn rounded((num, den): (i128, i128), times: Cost) -> Option<Cost> {
    let (num, den) = ratio(&[num, times], &[den])?;
    (num / den).checked_add(round_up(num / den, num % den, den))
}
