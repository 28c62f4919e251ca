//! What a renter wants, checked: the strategy file once its mistakes are gone.
//!
//! Reading the file and pointing at its mistakes happens outside, where each key's default stands in its row; here are
//! only values that make sense. The `Default` of a type is the blank that the reader fills in.

use alloc::string::String;
use alloc::vec::Vec;

use rust_decimal::Decimal;

use crate::ids::{ServerId, TargetId};
use crate::money::{Amount, Currency, Price};
use crate::policy::chosen::ChosenPolicy;
pub use crate::policy::rules::{BidRules, Lost, Margin, Open};
use crate::time::Span;

/// A whole strategy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strategy {
    /// Its name in the history.
    pub name: String,
    /// What every price in it is counted in.
    pub currency: Currency,
    /// The hard walls.
    pub limits: Limits,
    /// What is assumed of the venue until it teaches better.
    pub venue: VenueRules,
    /// What is to be held, in the file's order.
    pub targets: Vec<Target>,
}

impl Strategy {
    /// The target of that number.
    pub fn target(&self, id: TargetId) -> Option<&Target> {
        usize::try_from(id.0).ok().and_then(|i| self.targets.get(i))
    }
}

/// Hard walls, checked outside every policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits {
    /// No bid above this, ever.
    pub max_bid: Price,
    /// Most that all orders together may cost a day, fees included.
    pub max_daily_cost: Option<Amount>,
    /// Most that may be spent in all, over every run on the same journal, fees included.
    pub max_total_cost: Option<Amount>,
    /// Below this wallet balance nothing is placed.
    pub min_balance: Option<Amount>,
    /// Most orders at once.
    pub max_orders: Option<u32>,
}

/// What is assumed of the venue until it teaches better.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VenueRules {
    /// Price resolution.
    pub tick: Price,
    /// Largest lowering at once; `None`: to be learned from the first refusal.
    pub step: Option<Price>,
    /// Time between two lowerings of one order.
    pub lower_every: Span,
    /// What the venue adds to every price, in percent, until my_orders tells.
    pub fee_percent: Decimal,
    /// Charged once for each order, until my_orders tells.
    pub creation_fee: Amount,
}

/// One thing to be held.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// Its name in the history.
    pub name: String,
    /// How many servers at once.
    pub want: u32,
    /// Which servers will do.
    pub choice: Choice,
    /// What holding is worth.
    pub value: Value,
    /// Which policy bids, with what only that policy is told.
    pub policy: ChosenPolicy,
    /// How to bid, whatever the policy.
    pub bid: BidRules,
    /// Whether spot orders that the bot did not make, on this target's servers, are taken over.
    pub adopt: bool,
    /// Whether it places as many as it wants beside those that the journal says nothing of.
    pub beside: bool,
}

/// Which servers will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// These.
    Servers(Vec<ServerId>),
    /// Whatever the marketplace lists that fits.
    Match(Match),
}

impl Default for Choice {
    fn default() -> Choice {
        Choice::Servers(Vec::new())
    }
}

/// What a listed server must have. `None` asks nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Match {
    /// Part of the graphics card's name, in any case; a longer model of the same number does not fit.
    pub gpu: Option<String>,
    /// Least number of cards.
    pub min_gpus: Option<u32>,
    /// Least main memory in GB.
    pub min_ram_gb: Option<Decimal>,
    /// Least reliability, 0 to 1; an unlisted reliability does not fit.
    pub min_reliability: Option<Decimal>,
    /// Two-letter country codes; empty: anywhere.
    pub countries: Vec<String>,
    /// Highest floor, per day.
    pub max_floor: Option<Price>,
    /// Least rental length the server must allow.
    pub min_longest_rental: Option<Span>,
}

/// What the bot minimises: cost + restarts · restart cost + unheld time · per_day.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Value {
    /// What a wanted server-day not held costs. Also the most worth bidding.
    pub per_day: PerDay,
    /// What a restart costs, beside the creation fee.
    pub restart: RestartCost,
}

/// The worth of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PerDay {
    /// The server's on-demand price, whatever it is at the time.
    #[default]
    OnDemand,
    /// A price.
    Price(Price),
}

/// The worth of what a restart loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartCost {
    /// That much time at `per_day`.
    Time(Span),
    /// A sum.
    Amount(Amount),
}

impl Default for RestartCost {
    fn default() -> RestartCost {
        RestartCost::Amount(Amount::ZERO)
    }
}
