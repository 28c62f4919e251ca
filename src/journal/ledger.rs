//! What holding costs: open stretches, and running totals for each UTC day.
//!
//! A total is a sum of price times milliseconds, exact until it is divided once for showing. A stretch that passes
//! midnight counts in each day for the part that lies in it.

use std::collections::{BTreeMap, BTreeSet};

use clorebid_core::money::{Amount, Price};
use clorebid_core::stretch::{Held, Stretch};
use clorebid_core::time::{Span, Time};
use rust_decimal::Decimal;

use super::tables::Value;

/// Open stretches are counted into the day's totals this often.
const REFRESH: Span = Span::from_secs(600);

/// A stretch that has not ended.
#[derive(Debug)]
struct Open {
    /// Its number in the run.
    number: u32,
    stretch: Stretch,
    fee_percent: Decimal,
    /// Up to when it is in the days' totals.
    counted: Time,
}

/// A stretch that ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Its number in the run.
    pub(crate) number: u32,
    /// When.
    pub(crate) at: Time,
    /// Bid times the time held.
    pub(crate) cost: Amount,
}

/// One day's totals.
#[derive(Debug, Clone, Copy)]
struct Day {
    held: Held,
    charged: Amount,
    /// What the venue says that holding cost; nothing where it has not said.
    venue: Option<Amount>,
}

/// One day's totals as they are shown.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DayTotal {
    /// Days since 1970.
    pub(crate) day: i64,
    /// What holding cost, fees left out.
    pub(crate) cost: Amount,
    /// The venue's share of it, and creation fees.
    pub(crate) fees: Amount,
    /// Server-milliseconds held.
    pub(crate) held_ms: i64,
    /// What the venue says that holding cost, where it has said.
    pub(crate) venue: Option<Amount>,
}

impl DayTotal {
    /// Its row in the table of them.
    pub(crate) fn row(&self) -> [Value; 4] {
        [Value::Int(self.day), Value::text(Some(self.cost)), Value::text(Some(self.fees)), Value::Int(self.held_ms)]
    }

    /// What we counted less what the venue says.
    pub(crate) fn difference(&self) -> Option<Decimal> {
        self.venue.map(|venue| (self.cost.decimal() - venue.decimal()).normalize())
    }
}

/// The books of one run.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    open: BTreeMap<u64, Open>,
    days: BTreeMap<i64, Day>,
    changed: BTreeSet<i64>,
    /// Days of which only what the venue says has changed.
    told: BTreeSet<i64>,
    refreshed: Option<Time>,
}

impl Ledger {
    /// A stretch begins; an open one of the same order must have been ended before.
    pub(crate) fn begin(&mut self, order: u64, number: u32, bid: Price, fee_percent: Decimal, at: Time) {
        let stretch = Stretch { bid, from: at };
        self.open.insert(order, Open { number, stretch, fee_percent, counted: at });
        self.refreshed.get_or_insert(at);
    }

    /// A stretch that is over already; what it cost.
    pub(crate) fn past(&mut self, bid: Price, fee_percent: Decimal, from: Time, to: Time) -> Amount {
        let stretch = Stretch { bid, from };
        self.count(stretch, fee_percent, to);
        stretch.cost(to).amount()
    }

    /// The venue adds that percentage to the open stretch of that order, and has from its start.
    pub(crate) fn fee_told(&mut self, order: u64, fee_percent: Decimal) {
        let Some(open) = self.open.get_mut(&order) else { return };
        let before = std::mem::replace(&mut open.fee_percent, fee_percent);
        for (day, part, to) in open.stretch.days(open.counted) {
            let fees = &mut self.days.entry(day).or_default().held.fees;
            *fees = fees.plus(part.held(to, fee_percent).fees).minus(part.held(to, before).fees);
            self.changed.insert(day);
        }
    }

    /// The venue says that holding has cost so much more.
    pub(crate) fn venue_told(&mut self, more: Amount, at: Time) {
        let day = self.days.entry(at.utc_day()).or_default();
        day.venue = Some(day.venue.map_or(more, |sum| sum.plus(more)));
        self.told.insert(at.utc_day());
    }

    /// From here on the days of which the venue has told count as changed.
    pub(crate) fn settle_told(&mut self) {
        self.changed.append(&mut self.told);
    }

    /// The stretch of that order ends, if it has one open.
    pub(crate) fn end(&mut self, order: u64, at: Time) -> Option<Ended> {
        let Open { number, stretch, fee_percent, counted } = self.open.remove(&order)?;
        self.count(Stretch { from: counted, ..stretch }, fee_percent, at);
        Some(Ended { number, at: at.max(stretch.from), cost: stretch.cost(at).amount() })
    }

    /// A fee is charged at once.
    pub(crate) fn charge(&mut self, amount: Amount, at: Time) {
        let day = self.days.entry(at.utc_day()).or_default();
        day.charged = day.charged.plus(amount);
        self.changed.insert(at.utc_day());
    }

    /// Time passes: every ten minutes, what the open stretches have cost so far is counted.
    pub(crate) fn tick(&mut self, at: Time) {
        if self.open.is_empty() || self.refreshed.is_some_and(|last| at.since(last) < REFRESH) {
            return;
        }
        self.refreshed = Some(at);
        self.settle_told();
        let mut open = std::mem::take(&mut self.open);
        for Open { stretch, fee_percent, counted, .. } in open.values_mut() {
            self.count(Stretch { from: *counted, ..*stretch }, *fee_percent, at);
            *counted = at.max(*counted);
        }
        self.open = open;
    }

    /// The orders that hold something.
    pub(crate) fn orders(&self) -> Vec<u64> {
        self.open.keys().copied().collect()
    }

    /// The days whose totals changed since this was asked last.
    pub(crate) fn take_changed(&mut self) -> Vec<DayTotal> {
        let total = |day: i64| {
            let sums = self.days.get(&day).copied().unwrap_or_default();
            let Held { cost, fees, time } = sums.held;
            let fees = fees.amount().plus(sums.charged);
            DayTotal { day, cost: cost.amount(), fees, held_ms: time.ms(), venue: sums.venue }
        };
        std::mem::take(&mut self.changed).into_iter().map(total).collect()
    }

    /// Counts a part of a stretch that ends at `to`, in each day for what lies in it.
    fn count(&mut self, part: Stretch, fee_percent: Decimal, to: Time) {
        for (day, part, to) in part.days(to) {
            let sums = self.days.entry(day).or_default();
            sums.held = sums.held.plus(part.held(to, fee_percent));
            self.changed.insert(day);
        }
    }
}

impl Default for Day {
    fn default() -> Day {
        Day { held: Held::NONE, charged: Amount::ZERO, venue: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(text: &str) -> Price {
        Price::parse(text).unwrap()
    }

    #[test]
    fn a_stretch_over_midnight_counts_in_both_days() {
        let mut ledger = Ledger::default();
        let at = |s: i64| Time::from_secs(86_400 * 10 + s);
        ledger.begin(7, 1, price("0.0001"), Decimal::from(5), at(-3600));
        let ended = ledger.end(7, at(7200)).unwrap();
        assert_eq!(ended.cost, Amount::parse("0.0000125").unwrap());
        let days = ledger.take_changed();
        assert_eq!(days.iter().map(|d| (d.day, d.held_ms)).collect::<Vec<_>>(), [(9, 3_600_000), (10, 7_200_000)]);
        assert_eq!(days[1].cost.to_string(), "0.000008333333333333");
        assert_eq!(days[1].fees.to_string(), "0.000000416666666667");
        assert!(ledger.take_changed().is_empty());
    }

    #[test]
    fn open_stretches_are_counted_every_ten_minutes() {
        let mut ledger = Ledger::default();
        ledger.begin(7, 1, price("0.0001"), Decimal::ZERO, Time::from_secs(0));
        ledger.tick(Time::from_secs(599));
        assert!(ledger.take_changed().is_empty());
        ledger.tick(Time::from_secs(600));
        assert_eq!(ledger.take_changed()[0].held_ms, 600_000);
    }
}
