//! What a restart costs and what a server is worth, in whole ticks.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

use crate::money::{Amount, Price};
use crate::policy::adaptive::UNHELD_MS;
use crate::time::Span;

/// What a fit needs to know of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// What a restart costs: ticks times milliseconds of a day. Divided by the length of a day it is in ticks.
    pub kappa: u64,
    /// The most worth bidding, in ticks.
    pub ceiling: u64,
}

/// The same as money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worth {
    /// What a restart costs, and the fee for a new order.
    pub restart: Amount,
    /// What holding a server for a day is worth.
    pub per_day: Price,
    /// The most that may be bid, whatever it is worth.
    pub most: Price,
    /// What the venue takes on top of every price, in hundredths of it.
    pub fee_percent: Decimal,
    /// Price resolution.
    pub tick: Price,
}

impl Terms {
    /// In ticks. What is too large for them counts as the largest number there is.
    pub fn of(worth: &Worth) -> Terms {
        let hundred = Decimal::ONE_HUNDRED;
        let with_fee = hundred.checked_add(worth.fee_percent).and_then(|all| all.checked_mul(worth.tick.decimal()));
        // One division, the last thing done: a whole number of ticks comes out whole.
        let before_fee = |sum: Option<Decimal>| whole(sum.and_then(|sum| sum.checked_mul(hundred)), with_fee);
        let per_day = before_fee(Some(worth.per_day.decimal()));
        let restart = before_fee(worth.restart.decimal().checked_mul(Decimal::from(Span::DAY.ms())));
        let ceiling = per_day.min(ticks(worth.most, worth.tick));
        let unheld = per_day.saturating_mul(UNHELD_MS.into());
        Terms { kappa: restart.saturating_add(unheld), ceiling }
    }
}

/// How many whole ticks a price has. One too large for that counts as the largest number there is.
pub fn ticks(price: Price, tick: Price) -> u64 {
    whole(Some(price.decimal()), Some(tick.decimal()))
}

/// The price of so many ticks.
pub fn price(ticks: u64, tick: Price) -> Price {
    tick.times(ticks)
}

/// How often one goes into the other; the largest number there is where that is more.
fn whole(sum: Option<Decimal>, by: Option<Decimal>) -> u64 {
    let times = sum.zip(by).and_then(|(sum, by)| if sum.is_zero() { Some(sum) } else { sum.checked_div(by) });
    times.and_then(|times| times.floor().to_u64()).unwrap_or(u64::MAX)
}
