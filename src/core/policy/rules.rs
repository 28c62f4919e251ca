//! What a strategy says of bidding, whatever the policy: where to open, how much to add, what to do about a loss.

use rust_decimal::Decimal;

use crate::money::Price;
use crate::time::Span;

/// How to bid, whatever the policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BidRules {
    /// Where the first bid goes.
    pub open: Open,
    /// What is bid above the least winning bid.
    pub margin: Margin,
    /// How long a loss must have lasted before it is answered.
    pub raise_wait: Span,
    /// Above this, no raise.
    pub give_up: Option<Price>,
    /// How long slack must have lasted before it is taken away.
    pub lower_after: Span,
    /// Whether cancelling and bidding anew is allowed where it is cheaper than stepping down.
    pub replace: bool,
    /// What to do about a lost server.
    pub lost: Lost,
}

/// Where the first bid goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Open {
    /// To the floor where that wins, else to the least winning bid plus the margin.
    #[default]
    Floor,
    /// To the least winning bid plus the margin.
    Rival,
    /// To this price, or to the least winning bid where that is higher.
    Price(Price),
}

/// What is bid above the least winning bid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Margin {
    /// This much.
    Price(Price),
    /// This many percent of it.
    Percent(Decimal),
}

impl Default for Margin {
    fn default() -> Margin {
        Margin::Price(Price::ZERO)
    }
}

impl Margin {
    /// That least winning bid with the margin on top, on the tick.
    pub fn above(self, least_winning: Price, tick: Price) -> Price {
        let raised = match self {
            Margin::Price(price) => least_winning.plus(price),
            Margin::Percent(percent) => least_winning.plus_percent(percent),
        };
        raised.ceil_to(tick)
    }
}

/// What to do about a lost server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lost {
    /// Bid more here.
    #[default]
    Raise,
    /// Go where it is cheaper; bid more here where nothing is.
    Move,
    /// Leave the bid as it is until the rival has gone.
    Wait,
}
