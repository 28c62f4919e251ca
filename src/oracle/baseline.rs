//! The baselines are what simpler bidders would have paid on the same market: they show how much of the way to the
//! optimum a policy goes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::cost::Cost;
use super::market::{Cursor, Problem, Rules, Track};
use super::valuation::Valuation;

/// What renting on demand throughout costs.
pub fn on_demand_cost(problem: &Problem) -> Cost {
    problem.never() * Cost::from(problem.want())
}

/// A constant bid and its effective cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fixed {
    /// In levels; `None` where not to bid at all is best.
    pub level: Option<i64>,
    /// With restarts and unheld time.
    pub cost: Cost,
}

/// The best single constant bid, chosen with hindsight.
///
/// It bids the same on every server and holds up to `want` of those where it wins, whole ticks at a time; what it holds
/// it keeps until it loses, and what it takes is what will last longest. Only levels that occur can be best, since
/// between two of them nothing more is won; and none from the dearest unheld tick on, since not to bid costs no more.
pub fn best_fixed_cost(problem: &Problem) -> Fixed {
    let rules = problem.rules();
    let mut levels: Vec<i64> = problem.servers().iter().flat_map(Track::runs).filter_map(|(_, level)| *level).collect();
    levels.sort_unstable();
    levels.dedup();
    let dearest = problem.valuations().dearest().per_tick;
    levels.retain(|level| Cost::from(*level) * rules.level_cost < dearest);
    let never = on_demand_cost(problem);
    let mut best = Fixed { level: None, cost: never };
    let mut winning = Vec::new();
    for level in levels {
        let held = hold_longest(problem, level, &mut winning);
        let cost = Cost::from(level) * rules.level_cost * held.ticks + held.restarts + never - held.unheld_cost;
        if cost < best.cost {
            best = Fixed { level: Some(level), cost };
        }
    }
    best
}

/// What a constant bid holds.
#[derive(Default)]
struct Held {
    ticks: Cost,
    /// What all begins cost.
    restarts: Cost,
    /// What the same ticks would have cost unheld.
    unheld_cost: Cost,
}

/// What is held with a constant bid. `winning` is only kept to be filled again.
fn hold_longest(problem: &Problem, bid: i64, winning: &mut Vec<(u32, u32)>) -> Held {
    winning.clear();
    for track in problem.servers() {
        let mut since = None;
        for (start, level) in track.runs() {
            let wins = level.is_some_and(|level| level <= bid);
            match since {
                None if wins => since = Some(*start),
                Some(from) if !wins => {
                    winning.push((from, *start));
                    since = None;
                }
                _ => {}
            }
        }
        winning.extend(since.map(|from| (from, problem.ticks())));
    }
    winning.sort_unstable();
    let want = usize::try_from(problem.want()).unwrap_or(usize::MAX);
    let (mut held, valuations) = (Held::default(), problem.valuations());
    let mut coming = winning.iter().copied().peekable();
    let mut to_be_had: BinaryHeap<u32> = BinaryHeap::new();
    let mut held_until: BinaryHeap<Reverse<u32>> = BinaryHeap::new();
    while let Some(now) =
        [coming.peek().map(|(from, _)| *from), held_until.peek().map(|end| end.0)].into_iter().flatten().min()
    {
        while held_until.peek().is_some_and(|end| end.0 <= now) {
            held_until.pop();
        }
        while let Some((_, end)) = coming.next_if(|(from, _)| *from <= now) {
            to_be_had.push(end);
        }
        while held_until.len() < want {
            let Some(end) = to_be_had.pop().filter(|end| *end > now) else { break };
            held.ticks += Cost::from(end - now);
            held.restarts += valuations.at(now).restart_cost;
            held.unheld_cost += valuations.unheld(now, end);
            held_until.push(Reverse(end));
        }
    }
    held
}

/// What a bid costs that only follows, one tick late, with margin 0 and without being replaced to save a stepping down.
///
/// At each tick it knows the levels of the tick before, and what a server was worth then. A target without an order
/// places one at the lowest of them, on a server that no other target bids on. From then on it raises at once to what it
/// saw, or steps down towards it as the rules allow. Where it saw a level above what an unheld tick cost, or none that
/// wins, it cancels and looks again. Each time that it comes to hold counts as a restart, and a tick at whose level it
/// does not win is not held.
pub fn follow_cost(problem: &Problem) -> Cost {
    let rules = problem.rules();
    let mut cursors: Vec<Cursor<'_>> = problem.servers().iter().map(Cursor::new).collect();
    let mut levels: Vec<Option<i64>> = vec![None; cursors.len()];
    let mut targets: Vec<Option<Follower>> =
        vec![None; usize::try_from(problem.want()).unwrap_or(0).min(cursors.len())];
    let idle = Cost::from(problem.want()) - Cost::try_from(targets.len()).unwrap_or(0);
    let mut cost = idle * problem.never();
    let mut valuation = problem.valuations().at(0);
    for tick in 0..problem.ticks() {
        let worthwhile = |level: &i64| Cost::from(*level) * rules.level_cost <= valuation.per_tick;
        let seen: Vec<Option<i64>> = levels.iter().map(|level| level.filter(worthwhile)).collect();
        let mut taken = vec![false; cursors.len()];
        for target in &mut targets {
            let follower = target.take();
            *target = follower.and_then(|f| f.react(rules, tick, seen.get(f.server).copied().flatten()));
            if let Some(taken) = target.and_then(|f| taken.get_mut(f.server)) {
                *taken = true;
            }
        }
        for target in targets.iter_mut().filter(|target| target.is_none()) {
            let offers = seen.iter().zip(0..).filter_map(|(level, server)| Some(((*level)?, server)));
            let free = offers.filter(|(_, server)| taken.get(*server) == Some(&false)).min();
            *target = free.map(|(bid, server)| Follower { server, bid, lower_from: u64::from(tick), holds: false });
            if let Some(taken) = target.and_then(|f| taken.get_mut(f.server)) {
                *taken = true;
            }
        }
        for (level, cursor) in levels.iter_mut().zip(&mut cursors) {
            *level = cursor.at(tick);
        }
        valuation = problem.valuations().at(tick);
        for target in &mut targets {
            let pay = |f: &mut Follower| f.pay(rules, valuation, levels.get(f.server).copied().flatten());
            cost += target.as_mut().map_or(valuation.per_tick, pay);
        }
    }
    cost
}

/// An order that follows.
#[derive(Debug, Clone, Copy)]
struct Follower {
    server: usize,
    bid: i64,
    lower_from: u64,
    holds: bool,
}

impl Follower {
    /// The order after having seen that level, if it is still worth having.
    fn react(self, rules: &Rules, tick: u32, seen: Option<i64>) -> Option<Follower> {
        let seen = seen?;
        if seen >= self.bid {
            return Some(Follower { bid: seen, ..self });
        }
        if u64::from(tick) < self.lower_from {
            return Some(self);
        }
        let bid = self.bid.saturating_sub_unsigned(rules.step).max(seen);
        Some(Follower { bid, lower_from: u64::from(tick) + u64::from(rules.window), ..self })
    }

    /// What this tick costs at the true level.
    fn pay(&mut self, rules: &Rules, valuation: Valuation, level: Option<i64>) -> Cost {
        let held = level.is_some_and(|level| self.bid >= level);
        let begins = held && !self.holds;
        self.holds = held;
        let restart = if begins { valuation.restart_cost } else { 0 };
        restart + if held { Cost::from(self.bid) * rules.level_cost } else { valuation.per_tick }
    }
}
