//! Trying a strategy on what the market really did: the very core of a live run, on a tape instead of a venue.
//!
//! The policy sees the tape only through its own reads, one a slot as in life, each with the answer as of that moment:
//! changing a tape after a time changes no decision before it. Reads that can only repeat the last answer are jumped
//! over (`clorebid_core::reads::fast_forward`), which changes nothing but how long it takes.

mod benchmarks;
mod bounds;
mod grid;
mod ledger;
mod oracle_run;
mod pool;
mod record;
mod render;
mod selected;
mod summary;
mod venue;

use clorebid_core::engine::{Engine, Next};
use clorebid_core::event::{Event, Reason};
use clorebid_core::governing::SPACING;
use clorebid_core::money::{Amount, Price};
use clorebid_core::request::{Answer, Ask, Outcome, Request};
use clorebid_core::strategy::Strategy;
use clorebid_core::time::{Span, Time};
use futures_util::FutureExt;
use rust_decimal::Decimal;

use crate::journal::JournalError;

pub use benchmarks::{Benchmark, Benchmarks};
pub use bounds::{Bounds, BoundsError, bounds};
pub use grid::{Axis, Grid, GridError, Point, Shard};
pub use ledger::Stretch;
pub use oracle_run::{OracleRunError, keep_oracle_run};
pub use pool::in_order;
pub use record::run_recorded;
pub use summary::{Label, Summary, summary};
pub use venue::Recorded;

use ledger::Ledger;
use record::{Keep, Nothing};
use venue::TapeVenue;

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
    pub stretches: Vec<Stretch>,
}

/// Sees every request that goes through the core one by one, and what changed by it.
pub type Look<'a> = &'a mut dyn FnMut(Time, &Ask, &Answer, &[Event]);

/// Runs a strategy over a tape. `jump`: whether repeated reads are jumped over.
pub fn run(
    strategy: &Strategy,
    recorded: &Recorded,
    rules: &VenueRules,
    rivals: Rivals,
    jump: bool,
    look: Look<'_>,
) -> Ran {
    let (from, to) = recorded.span();
    let mut venue = TapeVenue::for_run(strategy, recorded, rules, rivals);
    let engine = Engine::new(strategy.clone(), false);
    let driven = drive(engine, &mut venue, (from, to), !jump, &mut Nothing, look).now_or_never();
    // Proof: where nothing is kept nothing is waited for, and nothing can fail.
    let (counts, _) = driven.and_then(Result::ok).expect("nothing is waited for");
    venue.finish(to);
    total(rules, (from, to), counts, venue.ledger)
}

/// The only loop of a backtest, whether it keeps its history or not: the core's asks, a slot apart, each answered as of
/// its own moment. `every_look`: whether no repeated read is jumped over.
async fn drive<K: Keep>(
    mut engine: Engine,
    venue: &mut TapeVenue,
    (from, to): (Time, Time),
    every_look: bool,
    keep: &mut K,
    look: Look<'_>,
) -> Result<(Counts, Engine), JournalError> {
    let mut counts = Counts::default();
    let mut now = from;
    while now < to {
        match engine.next(now) {
            Next::Halt(_) => break,
            Next::Wait(at) => now = at.max(now + Span::from_ms(1)),
            Next::Ask(ask) => {
                keep.asks(now, &ask, &engine, venue).await?;
                let answer = venue.answer(now, &ask.request);
                keep.answers(now, &ask, answer).await?;
                engine.observe(now, &ask, answer);
                counts.note(&ask, answer);
                let events = engine.take_events();
                look(now, &ask, answer, &events);
                keep.follows(now, &ask, &events, &engine, venue).await?;
                now = now + SPACING;
                if !every_look && !K::EVERY_STEP {
                    let forwarded = engine.fast_forward(now, SPACING, to, |read, since| venue.news(read, since));
                    counts.requests += forwarded.reads;
                    now = forwarded.now;
                }
            }
        }
    }
    Ok((counts, engine))
}

fn total(rules: &VenueRules, span: (Time, Time), counts: Counts, ledger: Ledger) -> Ran {
    let cost = ledger.cost.amount();
    let creation_fees = rules.creation_fee.decimal().checked_mul(Decimal::from(ledger.creation_fees));
    let creation_fees = creation_fees.and_then(Amount::new).unwrap_or(Amount::MAX);
    let fees = cost.percent(rules.fee_percent).plus(creation_fees);
    let effective_cost = cost.plus(fees).plus(ledger.restart_cost()).plus(ledger.unheld_cost());
    Ran {
        span,
        counts,
        wanted_ms: ledger.wanted_ms(),
        held_ms: ledger.held_ms,
        gap_ms: ledger.gap_ms,
        cost,
        fees,
        restarts: ledger.restarts,
        interruptions: ledger.interruptions,
        effective_cost,
        on_demand_cost: ledger.on_demand_cost(),
        stretches: ledger.stretches,
    }
}

impl Counts {
    fn note(&mut self, ask: &Ask, answer: &Answer) {
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
                    Reason::Replace { .. } => self.replaces += 1,
                    Reason::Move { .. } => self.moves += 1,
                    _ => {}
                }
            }
        }
    }
}
