//! Trying a strategy on what the market really did: the very core of a live run, on a tape instead of a venue.
//!
//! The policy sees the tape only through its own reads, one a slot as in life, each with the answer as of that moment:
//! changing a tape after a time changes no decision before it. Reads that can only repeat the last answer are jumped
//! over (`clorebid_core::fast_forward`), which changes nothing but how long it takes.

mod benchmarks;
mod bounds;
mod grid;
mod ledger;
mod lessons;
mod oracle_run;
mod pool;
mod record;
mod render;
mod selected;
mod steps;
mod summary;
mod terms;
mod venue;

use clorebid_core::engine::Engine;
use clorebid_core::strategy::Strategy;
use futures_util::FutureExt;

pub use benchmarks::{Benchmark, Benchmarks};
pub use bounds::{Bounds, BoundsError, bounds};
pub use grid::{Axis, Grid, GridError, Point, Shard};
pub use ledger::Holding;
pub use lessons::lessons;
pub use oracle_run::{OracleRunError, keep_oracle_run};
pub use pool::in_order;
pub use record::run_recorded;
pub use steps::Look;
pub use summary::{Label, Summary, summary};
pub use terms::{Counts, Ran, Rivals, VenueRules};
pub use venue::Recorded;

use steps::{Nothing, drive};
use terms::total;
use venue::TapeVenue;

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
