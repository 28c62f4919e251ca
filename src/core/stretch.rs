//! A stretch of holding, and what it costs: the one sum that limits, the journal and a backtest all count by.

use rust_decimal::Decimal;

use crate::money::{Accrual, Price};
use crate::time::{Span, Time};

/// One order holding its server at one bid, from one moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// At what price per day, fees left out.
    pub bid: Price,
    /// From when.
    pub from: Time,
}

/// What holding costs and for how long it was, for a stretch or for many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Bid times time, fees left out.
    pub cost: Accrual,
    /// What the venue adds to it.
    pub fees: Accrual,
    /// For how long, summed over the servers.
    pub time: Span,
}

impl Stretch {
    /// How long it is by then; none where `until` lies before its start.
    pub fn time(self, until: Time) -> Span {
        until.since(self.from)
    }

    /// What it costs by then, fees left out.
    pub fn cost(self, until: Time) -> Accrual {
        self.bid.accrue(self.time(until))
    }

    /// What it comes to by then, with a fee of so many percent on the bid.
    pub fn held(self, until: Time, fee_percent: Decimal) -> Held {
        let fee = Price::new(self.bid.for_a_day().percent(fee_percent).decimal()).unwrap_or(Price::ZERO);
        Held { cost: self.cost(until), fees: fee.accrue(self.time(until)), time: self.time(until) }
    }

    /// Its parts up to then by UTC day, each with its end: days since 1970, the part, until when.
    pub fn days(self, until: Time) -> impl Iterator<Item = (i64, Stretch, Time)> {
        let mut from = self.from;
        core::iter::from_fn(move || {
            let day = from.utc_day();
            let midnight = Time::from_ms(day.saturating_add(1).saturating_mul(Span::DAY.ms()));
            let to = until.min(midnight);
            // At the end of time itself nothing more can be counted.
            let part = (to > from).then_some(Stretch { from, ..self })?;
            from = to;
            Some((day, part, to))
        })
    }
}

impl Held {
    /// Nothing.
    pub const NONE: Held = Held { cost: Accrual::ZERO, fees: Accrual::ZERO, time: Span::ZERO };

    /// Both together.
    pub fn plus(self, other: Held) -> Held {
        Held {
            cost: self.cost.plus(other.cost),
            fees: self.fees.plus(other.fees),
            time: Span::from_ms(self.time.ms().saturating_add(other.time.ms())),
        }
    }
}
