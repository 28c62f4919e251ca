//! What one order has cost: by our own count, and by what the venue says. The two are kept apart, and only what they come
//! to with the venue's fees on top is compared.
//!
//! The venue's `spend` is the price by the minute, fees left out, as our own sum of stretches is.

use alloc::vec::Vec;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::money::{Accrual, Amount, Price};
use crate::stretch::Stretch;
use crate::time::{Span, Time};

/// The venue charges by the minute, and what it tells may be so old: what comes as near as this to the whole time is it.
const AS_GOOD_AS_ALL: Span = Span::from_secs(180);
/// Creation fees within this long of each other are kept as one sum.
const FEES_TOGETHER: Span = Span::from_secs(3_600);
/// Where an order held its server before, a stretch counts back this far at the most: blindness is no holding.
const BACKDATED_AT_MOST: Span = Span::from_secs(600);

/// Time in which nobody watched the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unwatched {
    /// Until when it was watched.
    pub since: Time,
    /// Whether it held its server then.
    pub held: bool,
    /// From when on it was watched again, once the book has shown it.
    pub until: Option<Time>,
}

/// Creation fees of the last day, for each hour in which some were charged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct FeesCharged(Vec<(Time, Amount)>);

impl FeesCharged {
    /// One more is charged at `now`.
    pub(crate) fn charge(&mut self, now: Time, amount: Amount) {
        self.0.retain(|(at, _)| now.since(*at) < Span::DAY + FEES_TOGETHER);
        match self.0.last_mut() {
            Some((at, sum)) if now.since(*at) < FEES_TOGETHER => *sum = sum.plus(amount),
            _ => self.0.push((now, amount)),
        }
    }

    /// What the day before `now` has cost. Those charged together count until the last of them is a day old.
    pub(crate) fn in_a_day(&self, now: Time) -> Amount {
        let counts = |at: Time| now.since(at) < Span::DAY + FEES_TOGETHER;
        self.0.iter().filter(|(at, _)| counts(*at)).fold(Amount::ZERO, |sum, (_, fee)| sum.plus(*fee))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What an order has cost so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bill {
    /// What the ended stretches of holding cost, fees left out.
    pub held: Amount,
    /// What was charged besides: the creation fee; and what an older memory had counted, with the fees in it.
    pub paid: Amount,
    /// What the venue says that holding cost, fees left out.
    pub venue_spend: Amount,
    /// What the venue adds to its price, where my_orders has told.
    pub fee_percent: Option<Decimal>,
    /// Whether the creation fee was counted.
    pub fee_counted: bool,
    /// The stretch of holding at the present bid, while it holds.
    pub stretch: Option<Stretch>,
    /// Up to when it is accounted for whether it held its server: no stretch begins before.
    pub counted_to: Option<Time>,
    /// A time that is still to be accounted for.
    pub unwatched: Option<Unwatched>,
}

impl Bill {
    /// When a stretch began that a read shows at `now`: with the last thing that may have begun it, which is a command of
    /// ours or a read that still showed the order without its server.
    pub(crate) fn backdated(&self, may_have_begun: Time, now: Time) -> Time {
        if self.unwatched.is_some() {
            return now;
        }
        // Of an order that no read has shown yet nothing is known but when it was made.
        let earliest = self.counted_to.map_or(may_have_begun, |to| to.max(now - BACKDATED_AT_MOST));
        may_have_begun.max(earliest).min(now)
    }

    /// A stretch begins.
    pub(crate) fn begin(&mut self, since: Time, bid: Price) {
        self.stretch = Some(Stretch { bid, from: since });
        // Whether it held its server in between, the venue's list tells, or else it counts as if it had.
        if let Some(unwatched) = &mut self.unwatched {
            unwatched.until.get_or_insert(since);
        }
    }

    /// The open stretch ends, if there is one.
    pub(crate) fn end(&mut self, now: Time) {
        if let Some(stretch) = self.stretch.take() {
            self.held = self.held.plus(stretch.cost(now).amount());
            self.counted_to = Some(now);
        }
    }

    /// Accounts for the time in which nobody watched, as far as the order held its server then: from when to when.
    ///
    /// `spend`: what the venue says that the order has cost in all. Without it, the whole time counts. `stands`: whether it
    /// does still.
    pub(crate) fn account_for_unwatched(
        &mut self,
        now: Time,
        bid: Price,
        spend: Option<Amount>,
        stands: bool,
    ) -> Option<(Time, Time)> {
        let Unwatched { since, held, until } = self.unwatched.take()?;
        let until = until.unwrap_or(now);
        let longest = until.since(since);
        // What the venue told meanwhile may be of this very time, so it is our own sum that is known.
        let known = self.held;
        // A venue that tells less than was counted before, or nothing at all, is no witness.
        let told = spend.filter(|s| !s.is_zero() && s.plus(bid.accrue(AS_GOOD_AS_ALL).amount()) >= known);
        let span = match told.and_then(|spend| bid.lasts(spend.minus(known))) {
            Some(paid_for) if held && stands && longest - paid_for <= AS_GOOD_AS_ALL => longest,
            Some(paid_for) => paid_for.min(longest),
            None if held => longest,
            None => Span::ZERO,
        };
        self.held = self.held.plus(bid.accrue(span).amount());
        self.counted_to = self.counted_to.max(Some(until));
        (span > Span::ZERO).then_some((since, since + span))
    }

    /// What holding has cost up to `now`, fees left out: what is open and what is still to be accounted for included.
    fn held_by(&self, now: Time, bid: Price) -> Amount {
        let open = self.stretch.map_or(Accrual::ZERO, |stretch| stretch.cost(now));
        let held_unwatched = self.unwatched.filter(|u| u.held);
        let unwatched =
            held_unwatched.map_or(Accrual::ZERO, |u| Stretch { bid, from: u.since }.cost(u.until.unwrap_or(now)));
        self.held.plus(open.plus(unwatched).amount())
    }

    /// What the order has cost up to `now`, fees included, by our count or the venue's, whichever is more.
    ///
    /// `fee_percent`: what the venue adds where it has not told of this order.
    pub(crate) fn cost(&self, now: Time, bid: Price, fee_percent: Decimal) -> Amount {
        let percent = self.fee_percent.unwrap_or(fee_percent);
        self.held_by(now, bid).max(self.venue_spend).plus_percent(percent).plus(self.paid)
    }
}
