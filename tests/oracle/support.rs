//! Small random markets from a seed.

use clorebid::oracle::{Cost, Problem, Rules, Track, Valuation};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A source of small numbers, the same for the same seed.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn roll(&mut self, low: u32, high: u32) -> u32 {
        low + self.0.next_u32() % (high - low + 1)
    }
}

/// How large a random market may be.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) servers: u32,
    pub(crate) ticks: u32,
    pub(crate) top: u32,
    pub(crate) window: u32,
}

pub(crate) fn track(levels: &[Option<i64>]) -> Track {
    Track::new((0..).zip(levels.iter().copied()).collect()).expect("ascending starts")
}

/// Levels that stand still now and then, jump, and are sometimes out of reach.
pub(crate) fn levels(dice: &mut Dice, ticks: u32, top: u32) -> Vec<Option<i64>> {
    let stay = dice.roll(0, 3);
    let mut level = Some(i64::from(dice.roll(0, top)));
    let mut all = Vec::new();
    for _ in 0..ticks {
        if dice.roll(0, 4) > stay {
            level = (dice.roll(0, 9) > 0).then(|| i64::from(dice.roll(0, top)));
        }
        all.push(level);
    }
    all
}

/// A market as it is, before the oracle has looked at it.
#[derive(Debug)]
pub(crate) struct Market {
    pub(crate) tracks: Vec<Track>,
    pub(crate) ticks: u32,
    pub(crate) rules: Rules,
    /// What a server is worth in each tick.
    pub(crate) valuations: Vec<Valuation>,
    pub(crate) want: u32,
}

impl Market {
    pub(crate) fn problem(&self) -> Problem {
        let mut valuations: Vec<(u32, Valuation)> = (0..).zip(self.valuations.iter().copied()).collect();
        valuations.dedup_by_key(|(_, worth)| *worth);
        Problem::with_valuations(self.tracks.clone(), self.ticks, self.rules, &valuations, self.want)
            .expect("a sound market")
    }
}

pub(crate) fn market(dice: &mut Dice, size: Size, want: u32) -> Market {
    let ticks = dice.roll(1, size.ticks);
    let tracks = (0..dice.roll(1, size.servers)).map(|_| track(&levels(dice, ticks, size.top))).collect();
    let level_cost = dice.roll(1, 2);
    let rules = Rules {
        step: u64::from(dice.roll(1, 3)),
        window: dice.roll(1, size.window),
        level_cost: Cost::from(level_cost),
        restart_cost: Cost::from(dice.roll(0, 9)),
        per_tick: Cost::from(dice.roll(1, (size.top + 1) * level_cost)),
    };
    let worth = Valuation { per_tick: rules.per_tick, restart_cost: rules.restart_cost };
    let valuations = (0..ticks).map(|_| worth).collect();
    Market { tracks, ticks, rules, valuations, want }
}

/// The same where a server is worth more and less in time.
pub(crate) fn moving_market(dice: &mut Dice, size: Size, want: u32) -> Market {
    let mut market = market(dice, size, want);
    let most = (size.top + 1) * 2;
    let mut worth = market.valuations.first().copied().expect("a tick");
    for each in &mut market.valuations {
        if dice.roll(0, 2) == 0 {
            let (per_tick, restart_cost) = (Cost::from(dice.roll(0, most)), Cost::from(dice.roll(0, 12)));
            worth = Valuation { per_tick, restart_cost };
        }
        *each = worth;
    }
    market
}
