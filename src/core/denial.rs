//! Why a bid may not be made: what a limit, or what a server is worth, says against it.

use core::fmt;

use crate::money::{Amount, Price};

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
