//! The rulers of a grid: points that differ only in how they bid are measured with one, and it is computed once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use clorebid_core::strategy::{PerDay, Strategy, Target};
use clorebid_core::time::Span;

use super::bounds::{Bounds, BoundsError, bounds, is_always_priced};
use super::{Recorded, VenueRules};

/// So many are remembered, at half a kilobyte each; a grid with more of them computes some of them again.
const RULERS_MAX: usize = 1 << 16;

/// A ruler, once somebody has computed it.
type Slot = OnceLock<Result<Bounds, BoundsError>>;

/// Every ruler computed so far over one tape.
#[derive(Debug)]
pub struct Rulers<'a> {
    recorded: &'a Recorded,
    tick: Span,
    known: Mutex<BTreeMap<String, Arc<Slot>>>,
    computed: AtomicU64,
}

/// A strategy's ruler, there or in the making.
#[derive(Debug)]
pub struct Ruler<'a> {
    rulers: &'a Rulers<'a>,
    strategy: &'a Strategy,
    rules: &'a VenueRules,
    slot: Arc<Slot>,
}

impl<'a> Rulers<'a> {
    /// None yet. `tick`: the oracle's time resolution.
    pub fn new(recorded: &'a Recorded, tick: Span) -> Rulers<'a> {
        Rulers { recorded, tick, known: Mutex::default(), computed: AtomicU64::new(0) }
    }

    /// The ruler for a strategy. Whoever asks for one first computes it here; all others can do something else until
    /// they need it.
    pub fn of(&'a self, strategy: &'a Strategy, rules: &'a VenueRules) -> Ruler<'a> {
        let key = key(strategy, self.recorded, rules);
        let (slot, is_first) = {
            // A thread that panicked left the map as it was or with one slot more: both are sound.
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= RULERS_MAX && !known.contains_key(&key) {
                known.clear();
            }
            let mut is_first = false;
            let slot = known.entry(key).or_insert_with(|| {
                is_first = true;
                Arc::default()
            });
            (Arc::clone(slot), is_first)
        };
        let ruler = Ruler { rulers: self, strategy, rules, slot };
        if is_first {
            ruler.slot.get_or_init(|| ruler.compute());
        }
        ruler
    }

    /// How often one was computed.
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }
}

impl Ruler<'_> {
    /// The ruler, waited for where another thread is still computing it.
    ///
    /// # Errors
    /// When the tape holds none of a target's servers, or is too fine for the oracle.
    pub fn bounds(&self) -> Result<Bounds, BoundsError> {
        self.slot.get_or_init(|| self.compute()).clone()
    }

    fn compute(&self) -> Result<Bounds, BoundsError> {
        self.rulers.computed.fetch_add(1, Ordering::Relaxed);
        bounds(self.strategy, self.rulers.recorded, self.rules, self.rulers.tick)
    }
}

/// All that a ruler depends on: what is wanted and what that is worth, not how is bid.
fn key(strategy: &Strategy, recorded: &Recorded, rules: &VenueRules) -> String {
    let wanted = strategy.targets.iter().map(|t| format!("{} {:?} {:?} {:?}", t.want, t.choice, t.value, t.name));
    // Where the tape names no on-demand price, the highest bid takes its place, and only then it matters.
    let by_limit =
        |t: &Target| t.value.per_day == PerDay::OnDemand && !is_always_priced(strategy, t, recorded.series());
    let most = strategy.targets.iter().any(by_limit).then_some(strategy.limits.max_bid);
    format!("{rules:?} {:?} {most:?} {:?}", strategy.currency, wanted.collect::<Vec<_>>())
}
