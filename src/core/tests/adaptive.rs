//! The numbers of the policy **adaptive**: what a bid costs with its risk, what is learned of a market and what is not,
//! and when it is worth it to raise, to come down, to bid anew and to go elsewhere.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own figures has failed")]

#[path = "adaptive/asking.rs"]
mod asking;
#[path = "adaptive/choosing.rs"]
mod choosing;
#[path = "adaptive/fitting.rs"]
mod fitting;
#[path = "adaptive/golden.rs"]
mod golden;
#[path = "adaptive/watching.rs"]
mod watching;

use clorebid_core::policy::adaptive::market::Market;
use clorebid_core::policy::adaptive::terms::Terms;
use clorebid_core::time::Time;

const HOUR: i64 = 3_600_000;

/// So many milliseconds after the tests' beginning of time.
fn at(ms: i64) -> Time {
    Time::from_ms(1_700_000_000_000 + ms)
}

/// A restart costs so many ticks.
fn terms(restart: u64, ceiling: u64) -> Terms {
    Terms { kappa: restart * 86_400_000, ceiling }
}

/// A server whose least winning bid was read for the first time at the beginning.
fn watched(least: u64, terms: Terms) -> Market {
    let mut market = Market::new(terms);
    market.observe(at(0), least, false);
    market
}
