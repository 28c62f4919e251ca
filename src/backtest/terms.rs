//! What a backtest is run under, and what it comes to.

use clorebid_core::event::Reason;
use clorebid_core::money::{Amount, Currency, Price};
use clorebid_core::request::{Answer, Ask, Outcome, Request};
use clorebid_core::strategy::Strategy;
use clorebid_core::time::{Span, Time};
use rust_decimal::Decimal;

use super::ledger::{Holding, Ledger};

/// What the venue's rules were, where a tape cannot tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VenueRules {
    /// Price resolution.
    pub tick: Price,
    /// Largest lowering at once.
    pub step: Price,
    /// Time between two lowerings.
    pub lower_every: Span,
    /// Charged once for each order that stands ten minutes.
    pub creation_fee: Amount,
    /// What the venue adds to every price, in percent.
    pub fee_percent: Decimal,
}

impl VenueRules {
    /// As the strategy file says, with the usual step of its currency where it names none.
    pub fn of(strategy: &Strategy) -> VenueRules {
        let venue = &strategy.venue;
        let usual = match strategy.currency {
            Currency::Bitcoin => "0.000001",
            Currency::Clore | Currency::Usd => "0.5",
        };
        VenueRules {
            tick: venue.tick,
            step: venue.step.or(Price::parse(usual).ok()).unwrap_or(Price::ZERO),
            lower_every: venue.lower_every,
            creation_fee: venue.creation_fee,
            fee_percent: venue.fee_percent,
        }
    }
}

/// Whether those on the tape would have answered our bids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rivals {
    /// They bid what they bid.
    Static,
    /// Each that we outbid answers once, a tick above us, up to the most it ever bid; its answer stands until the tape
    /// has it do something else.
    Counter,
}

impl Rivals {
    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Rivals::Static => "static",
            Rivals::Counter => "counter",
        }
    }
}

/// How often what was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Creates that were applied.
    pub places: u64,
    /// Raises that were applied.
    pub raises: u64,
    /// Lowerings that were applied.
    pub lowerings: u64,
    /// Cancellations to bid anew at a lower price.
    pub replaces: u64,
    /// Cancellations to bid on another server.
    pub moves: u64,
    /// All cancellations that were applied.
    pub cancels: u64,
    /// Changes that the venue refused.
    pub refusals: u64,
    /// Requests of every kind, those jumped over included.
    pub requests: u64,
    /// Requests that went through the core one by one.
    pub steps: u64,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// First and last moment.
    pub span: (Time, Time),
    /// How often what was done.
    pub counts: Counts,
    /// Wanted time, of all servers together, in milliseconds; gaps of the tape not included.
    pub wanted_ms: i64,
    /// Held time, likewise.
    pub held_ms: i64,
    /// Time that the tape does not tell of.
    pub gap_ms: i64,
    /// What holding cost.
    pub cost: Amount,
    /// What the venue took on top.
    pub fees: Amount,
    /// How often a server began to be held.
    pub restarts: u64,
    /// How often one was lost without our asking.
    pub interruptions: u64,
    /// cost + fees + restarts · restart_cost + unheld wanted time · per_day.
    pub effective_cost: Amount,
    /// Renting on demand throughout.
    pub on_demand_cost: Amount,
    /// What was held, when, at what bid.
    pub holdings: Vec<Holding>,
}

/// What a run came to, from what was counted and from what holding cost.
pub(super) fn total(rules: &VenueRules, span: (Time, Time), counts: Counts, ledger: Ledger) -> Ran {
    let cost = ledger.held.cost.amount();
    let creation_fees = rules.creation_fee.decimal().checked_mul(Decimal::from(ledger.creation_fees));
    let creation_fees = creation_fees.and_then(Amount::new).unwrap_or(Amount::MAX);
    let fees = cost.percent(rules.fee_percent).plus(creation_fees);
    let effective_cost = cost.plus(fees).plus(ledger.restart_cost()).plus(ledger.unheld_cost());
    Ran {
        span,
        counts,
        wanted_ms: ledger.wanted_ms(),
        held_ms: ledger.held.time.ms(),
        gap_ms: ledger.gap_ms,
        cost,
        fees,
        restarts: ledger.restarts,
        interruptions: ledger.interruptions,
        effective_cost,
        on_demand_cost: ledger.on_demand_cost(),
        holdings: ledger.holdings,
    }
}

impl Counts {
    /// One more ask with its answer.
    pub(super) fn note(&mut self, ask: &Ask, answer: &Answer) {
        self.requests += 1;
        self.steps += 1;
        if !ask.request.is_command() {
            return;
        }
        if answer.outcome() != Outcome::Applied {
            self.refusals += 1;
            return;
        }
        match ask.request {
            Request::Create { .. } => self.places += 1,
            Request::Reprice { from, to, .. } if to > from => self.raises += 1,
            Request::Reprice { .. } => self.lowerings += 1,
            _ => {
                self.cancels += 1;
                match ask.reason {
                    Reason::Replace { .. } | Reason::Anew { elsewhere: None, .. } => self.replaces += 1,
                    Reason::Move { .. } | Reason::Anew { elsewhere: Some(_), .. } => self.moves += 1,
                    _ => {}
                }
            }
        }
    }
}
