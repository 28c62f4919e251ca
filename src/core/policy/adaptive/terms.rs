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
        let with_fee = hundred.checked_add(worth.fee_percent).unwrap_or(Decimal::MAX);
        let before_fee = |sum: Decimal| {
            let whole = sum.checked_mul(hundred).and_then(|sum| sum.checked_div(with_fee));
            whole.unwrap_or(if sum.is_zero() { Decimal::ZERO } else { Decimal::MAX })
        };
        let per_day = before_fee(worth.per_day.decimal());
        let restart = before_fee(worth.restart.decimal()).checked_mul(Decimal::from(Span::DAY.ms()));
        let restart = whole_ticks(restart.unwrap_or(Decimal::MAX), worth.tick);
        let unheld = whole_ticks(per_day, worth.tick).saturating_mul(UNHELD_MS.into());
        let ceiling = whole_ticks(per_day.min(worth.most.decimal()), worth.tick);
        Terms { kappa: restart.saturating_add(unheld), ceiling }
    }
}

/// How many whole ticks a price has. One too large for that counts as the largest number there is.
pub fn ticks(price: Price, tick: Price) -> u64 {
    whole_ticks(price.decimal(), tick)
}

/// The price of so many ticks.
pub fn price(ticks: u64, tick: Price) -> Price {
    tick.times(ticks)
}

fn whole_ticks(sum: Decimal, tick: Price) -> u64 {
    if sum.is_zero() {
        return 0;
    }
    sum.checked_div(tick.decimal()).and_then(|ticks| ticks.floor().to_u64()).unwrap_or(u64::MAX)
}
