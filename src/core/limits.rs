//! The walls around every policy: I1 (no bid above max_bid) and I3 (the worst case of everything held, open and unknown
//! stays within the limits). They know nothing of policies, and no policy can pass them.

use rust_decimal::Decimal;

pub use crate::denial::Denial;
use crate::money::{Amount, Price};
use crate::strategy::Limits;
use crate::time::Span;

/// How long an order may go on costing after the decision to end it: the cancellation's way, a few lost answers, and
/// the minute that the venue bills as a whole.
pub(crate) const STOPPING_TIME: Span = Span::from_secs(180);

/// And so much longer for each order besides: they are cancelled one by one, and each may take 16 seconds, which the
/// middle one of them waits half as often.
const STOPPING_EACH: Span = Span::from_secs(8);

/// What stands at the venue already, at the highest price it may stand at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exposure {
    /// A day of everything but the order in question, without fees; nothing where no limit asks for it.
    pub others_per_day: Price,
    /// Orders that stand or may stand, without the one in question.
    pub other_orders: u32,
    /// The venue's percentage on top.
    pub fee_percent: Decimal,
    /// The wallet, where known.
    pub balance: Option<Amount>,
    /// Spent so far, fees included; nothing where no limit asks for it.
    pub spent: Amount,
    /// Creation fees of the last day.
    pub fees_charged: Amount,
    /// Creation fees that are bound to fall due.
    pub fees_ahead: Amount,
    /// What one more order will be charged.
    pub creation_fee: Amount,
    /// How late answers come: every cancellation waits for its own, and for that of a list.
    pub late: Span,
}

impl Exposure {
    /// What a day costs with `bid` on top, fees included.
    fn per_day(&self, bid: Price) -> Price {
        self.others_per_day.plus(bid).plus_percent(self.fee_percent)
    }

    /// The creation fees that are still to come, with one for a new order.
    fn fees_to_come(&self, is_new: bool) -> Amount {
        if is_new { self.fees_ahead.plus(self.creation_fee) } else { self.fees_ahead }
    }

    /// What will be spent by the time that everything could be stopped: one order after the other.
    fn spent_when_stopped(&self, bid: Price, stopping: Span, is_new: bool) -> Amount {
        let each = STOPPING_EACH + self.late;
        let stopping = stopping + self.late.times(2) + each.times(self.other_orders.into());
        self.spent.plus(self.per_day(bid).accrue(stopping).amount()).plus(self.fees_to_come(is_new))
    }

    /// Whether what stands has to be cancelled now, lest `max_total_cost` be passed.
    pub(crate) fn must_stop(&self, limits: &Limits) -> Option<Denial> {
        let max = limits.max_total_cost?;
        let cost = self.spent_when_stopped(Price::ZERO, STOPPING_TIME, false);
        (cost > max).then_some(Denial::MaxTotalCost { cost, max })
    }
}

/// `wanted` where the limits allow it, else `least` where they allow that: a margin is no reason to go without.
pub(crate) fn most(
    limits: &Limits,
    exposure: &Exposure,
    wanted: Price,
    least: Price,
    is_new: bool,
) -> Result<Price, Denial> {
    let denial = match check(limits, exposure, wanted, is_new) {
        Ok(()) => return Ok(wanted),
        Err(denial) => denial,
    };
    if least < wanted && check(limits, exposure, least, is_new).is_ok() { Ok(least) } else { Err(denial) }
}

/// Whether a new bid, or a raise to `bid`, is within every limit. `is_new` for a first bid.
pub(crate) fn check(limits: &Limits, exposure: &Exposure, bid: Price, is_new: bool) -> Result<(), Denial> {
    if bid > limits.max_bid {
        return Err(Denial::MaxBid { bid, max: limits.max_bid });
    }
    if let Some(max) = limits.max_daily_cost {
        let fees = exposure.fees_charged.plus(exposure.fees_to_come(is_new));
        let cost = exposure.per_day(bid).for_a_day().plus(fees);
        if cost > max {
            return Err(Denial::MaxDailyCost { cost, max });
        }
    }
    if let Some(max) = limits.max_total_cost {
        // Twice the stopping time, so that what was just begun is not stopped at once.
        let cost = exposure.spent_when_stopped(bid, STOPPING_TIME.times(2), is_new);
        if cost > max {
            return Err(Denial::MaxTotalCost { cost, max });
        }
    }
    if let Some(min) = limits.min_balance {
        let balance = exposure.balance.ok_or(Denial::BalanceUnknown)?;
        if balance < min {
            return Err(Denial::MinBalance { balance, min });
        }
    }
    match limits.max_orders {
        Some(max) if is_new && exposure.other_orders >= max => Err(Denial::MaxOrders { max }),
        _ => Ok(()),
    }
}
