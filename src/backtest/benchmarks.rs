//! The benchmarks of a grid are computed once for all points that differ only in how they bid.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use clorebid_core::strategy::{PerDay, Strategy, Target};
use clorebid_core::time::Span;

use super::bounds::{Bounds, BoundsError, bounds, is_always_priced};
use super::{Recorded, VenueRules};

/// The benchmarks of so many strategies are remembered, at half a kilobyte each; a larger grid computes some again.
const BENCHMARKS_MAX: usize = 1 << 16;

/// The benchmarks of one strategy, once somebody has computed them.
type Slot = OnceLock<Result<Bounds, BoundsError>>;

/// All benchmarks that were computed so far over one tape.
#[derive(Debug)]
pub struct Benchmarks<'a> {
    recorded: &'a Recorded,
    tick: Span,
    known: Mutex<BTreeMap<String, Arc<Slot>>>,
    computed: AtomicU64,
}

/// A strategy's benchmarks, there or in the making.
#[derive(Debug)]
pub struct Benchmark<'a> {
    benchmarks: &'a Benchmarks<'a>,
    strategy: &'a Strategy,
    rules: &'a VenueRules,
    slot: Arc<Slot>,
}

impl<'a> Benchmarks<'a> {
    /// Benchmarks of which none is computed yet. `tick`: the oracle's time resolution.
    pub fn new(recorded: &'a Recorded, tick: Span) -> Benchmarks<'a> {
        Benchmarks { recorded, tick, known: Mutex::default(), computed: AtomicU64::new(0) }
    }

    /// The benchmark for a strategy. Whoever asks for one first computes it here; all others can do something else until
    /// they need it.
    pub fn of(&'a self, strategy: &'a Strategy, rules: &'a VenueRules) -> Benchmark<'a> {
        let key = key(strategy, self.recorded, rules);
        let (slot, is_first) = {
            // A thread that panicked left the map as it was or with one slot more: both are sound.
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= BENCHMARKS_MAX && !known.contains_key(&key) {
                known.clear();
            }
            let mut is_first = false;
            let slot = known.entry(key).or_insert_with(|| {
                is_first = true;
                Arc::default()
            });
            (Arc::clone(slot), is_first)
        };
        let benchmark = Benchmark { benchmarks: self, strategy, rules, slot };
        if is_first {
            benchmark.slot.get_or_init(|| benchmark.compute());
        }
        benchmark
    }

    /// How often benchmarks were computed.
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }
}

impl Benchmark<'_> {
    /// The benchmark, waited for where another thread is still computing it.
    ///
    /// # Errors
    /// When the tape holds none of a target's servers, or is too fine for the oracle.
    pub fn bounds(&self) -> Result<Bounds, BoundsError> {
        self.slot.get_or_init(|| self.compute()).clone()
    }

    fn compute(&self) -> Result<Bounds, BoundsError> {
        self.benchmarks.computed.fetch_add(1, Ordering::Relaxed);
        bounds(self.strategy, self.benchmarks.recorded, self.rules, self.benchmarks.tick)
    }
}

/// All that a benchmark depends on: what is wanted and what that is worth, not how is bid.
fn key(strategy: &Strategy, recorded: &Recorded, rules: &VenueRules) -> String {
    let wanted = strategy.targets.iter().map(|t| format!("{} {:?} {:?} {:?}", t.want, t.choice, t.value, t.name));
    // Where the tape names no on-demand price, the highest bid takes its place, and only then it matters.
    let by_limit =
        |t: &Target| t.value.per_day == PerDay::OnDemand && !is_always_priced(strategy, t, recorded.series());
    let most = strategy.targets.iter().any(by_limit).then_some(strategy.limits.max_bid);
    format!("{rules:?} {:?} {most:?} {:?}", strategy.currency, wanted.collect::<Vec<_>>())
}
