//! The walls around every policy: I1 (no bid above max_bid) and I3 (the worst case of everything held, open and unknown
//! stays within the limits). They know nothing of policies, and no policy can pass them.

use core::fmt;

use rust_decimal::Decimal;

use crate::money::{Amount, Price};
use crate::strategy::Limits;
use crate::time::Span;

/// Why a bid may not be made. A closed list with stable codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// Above `limits.max_bid`.
    MaxBid {
        /// What would have been bid.
        bid: Price,
        /// The limit.
        max: Price,
    },
    /// All orders together would cost more a day than `limits.max_daily_cost`.
    MaxDailyCost {
        /// The worst case a day.
        cost: Amount,
        /// The limit.
        max: Amount,
    },
    /// What is spent, and would be before a cancellation could take effect, passes `limits.max_total_cost`.
    MaxTotalCost {
        /// Spent and bound to be.
        cost: Amount,
        /// The limit.
        max: Amount,
    },
    /// The wallet holds less than `limits.min_balance`.
    MinBalance {
        /// What it holds.
        balance: Amount,
        /// The limit.
        min: Amount,
    },
    /// The wallet's balance is not known.
    BalanceUnknown,
    /// As many orders stand as `limits.max_orders` allows.
    MaxOrders {
        /// The limit.
        max: u32,
    },
    /// More than holding the server is worth, or than `raise.give_up`.
    NotWorthIt {
        /// What it would take to win.
        least_winning: Price,
        /// The most worth bidding.
        ceiling: Price,
    },
    /// The run only observes.
    ObserveOnly,
}

impl Denial {
    /// The code in the database and in logs.
    pub const fn code(&self) -> &'static str {
        match self {
            Denial::MaxBid { .. } => "max_bid",
            Denial::MaxDailyCost { .. } => "max_daily_cost",
            Denial::MaxTotalCost { .. } => "max_total_cost",
            Denial::MinBalance { .. } => "min_balance",
            Denial::BalanceUnknown => "balance_unknown",
            Denial::MaxOrders { .. } => "max_orders",
            Denial::NotWorthIt { .. } => "not_worth_it",
            Denial::ObserveOnly => "observe_only",
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Denial::MaxBid { bid, max } => write!(f, "{bid} is above max_bid {max}"),
            Denial::MaxDailyCost { cost, max } => {
                write!(f, "{cost} a day is above max_daily_cost {max}")
            }
            Denial::MaxTotalCost { cost, max } => {
                write!(f, "{cost} spent is above max_total_cost {max}")
            }
            Denial::MinBalance { balance, min } => {
                write!(f, "balance {balance} is below min_balance {min}")
            }
            Denial::BalanceUnknown => f.write_str("the wallet's balance is not known"),
            Denial::MaxOrders { max } => write!(f, "max_orders {max} is reached"),
            Denial::NotWorthIt { least_winning, ceiling } => {
                write!(f, "the least winning bid {least_winning} is above {ceiling}, the most worth bidding")
            }
            Denial::ObserveOnly => f.write_str("the run only observes"),
        }
    }
}

/// How long an order may go on costing after the decision to end it: the cancellation's way, a few lost answers, and
/// the minute that the venue bills as a whole.
pub(crate) const STOPPING_TIME: Span = Span::from_secs(180);

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
}

impl Exposure {
    /// What a day costs with `bid` on top, fees included.
    fn per_day(&self, bid: Price) -> Price {
        self.others_per_day.plus(bid).plus_percent(self.fee_percent)
    }

    /// What will be spent by the time that everything could be stopped.
    fn spent_when_stopped(&self, bid: Price, stopping: Span) -> Amount {
        self.spent.plus(self.per_day(bid).accrue(stopping).amount())
    }

    /// Whether what stands has to be cancelled now, lest `max_total_cost` be passed.
    pub(crate) fn must_stop(&self, limits: &Limits) -> Option<Denial> {
        let max = limits.max_total_cost?;
        let cost = self.spent_when_stopped(Price::ZERO, STOPPING_TIME);
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
        let cost = exposure.per_day(bid).for_a_day();
        if cost > max {
            return Err(Denial::MaxDailyCost { cost, max });
        }
    }
    if let Some(max) = limits.max_total_cost {
        // Twice the stopping time, so that what was just begun is not stopped at once.
        let cost = exposure.spent_when_stopped(bid, STOPPING_TIME.times(2));
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
