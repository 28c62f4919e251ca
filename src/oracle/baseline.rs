//! What simpler bidders would have paid on the same market, to see how much of the way to the optimum a policy goes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::market::{Cost, Cursor, Problem, Rules, Track};

/// What renting on demand throughout costs.
pub fn on_demand_cost(problem: &Problem) -> Cost {
    Cost::from(problem.ticks()) * Cost::from(problem.want()) * problem.rules().per_tick
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
/// between two of them nothing more is won; and none from `per_tick` on, since not to bid costs no more than that.
pub fn best_fixed_cost(problem: &Problem) -> Fixed {
    let rules = problem.rules();
    let mut levels: Vec<i64> = problem.servers().iter().flat_map(Track::runs).filter_map(|(_, level)| *level).collect();
    levels.sort_unstable();
    levels.dedup();
    levels.retain(|level| Cost::from(*level) * rules.level_cost < rules.per_tick);
    let wanted = Cost::from(problem.ticks()) * Cost::from(problem.want());
    let mut best = Fixed { level: None, cost: on_demand_cost(problem) };
    let mut winning = Vec::new();
    for level in levels {
        let (held, begins) = hold_longest(problem, level, &mut winning);
        let unheld = (wanted - held) * rules.per_tick;
        let cost = Cost::from(level) * rules.level_cost * held + begins * rules.restart_cost + unheld;
        if cost < best.cost {
            best = Fixed { level: Some(level), cost };
        }
    }
    best
}

/// Ticks held with a constant bid, and how often a holding begins. `winning` is only kept to be filled again.
fn hold_longest(problem: &Problem, bid: i64, winning: &mut Vec<(u32, u32)>) -> (Cost, Cost) {
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
    let (mut held, mut begins) = (0, 0);
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
            held += Cost::from(end - now);
            begins += 1;
            held_until.push(Reverse(end));
        }
    }
    (held, begins)
}

/// What a bid costs that only follows, one tick late, with margin 0 and without ever being replaced.
///
/// At each tick it knows the levels of the tick before. A target without an order places one at the lowest of them, on a
/// server that no other target bids on. Then it raises at once to what it saw, or steps down towards it as the rules
/// allow. A level above what an unheld tick costs is not worth following: the order stays as it is until it falls. Each
/// time that it comes to hold counts as a restart, and a tick at whose level it does not win is not held.
pub fn follow_cost(problem: &Problem) -> Cost {
    let rules = problem.rules();
    let mut cursors: Vec<Cursor<'_>> = problem.servers().iter().map(Cursor::new).collect();
    let mut seen: Vec<Option<i64>> = vec![None; cursors.len()];
    let mut targets: Vec<Option<Follower>> =
        vec![None; usize::try_from(problem.want()).unwrap_or(0).min(cursors.len())];
    let idle = Cost::from(problem.want()) - Cost::try_from(targets.len()).unwrap_or(0);
    let mut cost = idle * Cost::from(problem.ticks()) * rules.per_tick;
    for tick in 0..problem.ticks() {
        for at in 0..targets.len() {
            if targets.get(at).is_some_and(Option::is_none) {
                let opened = open(rules, tick, &seen, &targets);
                if let Some(target) = targets.get_mut(at) {
                    *target = opened;
                }
            }
        }
        for follower in targets.iter_mut().flatten() {
            follower.react(rules, tick, seen.get(follower.server).copied().flatten());
        }
        for (level, cursor) in seen.iter_mut().zip(&mut cursors) {
            *level = cursor.at(tick);
        }
        for target in &mut targets {
            cost += target
                .as_mut()
                .map_or(rules.per_tick, |follower| follower.pay(rules, seen.get(follower.server).copied().flatten()));
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

/// A first order on the server that looks cheapest, if any looks worth it.
fn open(rules: &Rules, tick: u32, seen: &[Option<i64>], targets: &[Option<Follower>]) -> Option<Follower> {
    let free = |server: &usize| targets.iter().flatten().all(|follower| follower.server != *server);
    let worth = |level: i64| Cost::from(level) * rules.level_cost <= rules.per_tick;
    let offers = seen.iter().enumerate().filter_map(|(server, level)| Some((level.filter(|l| worth(*l))?, server)));
    let (bid, server) = offers.filter(|(_, server)| free(server)).min()?;
    Some(Follower { server, bid, lower_from: u64::from(tick), holds: false })
}

impl Follower {
    fn react(&mut self, rules: &Rules, tick: u32, seen: Option<i64>) {
        let Some(seen) = seen.filter(|level| Cost::from(*level) * rules.level_cost <= rules.per_tick) else { return };
        if seen > self.bid {
            self.bid = seen;
        } else if seen < self.bid && u64::from(tick) >= self.lower_from {
            self.bid = self.bid.saturating_sub_unsigned(rules.step).max(seen);
            self.lower_from = u64::from(tick) + u64::from(rules.window);
        }
    }

    /// What this tick costs at the true level.
    fn pay(&mut self, rules: &Rules, level: Option<i64>) -> Cost {
        let held = level.is_some_and(|level| self.bid >= level);
        let begins = held && !self.holds;
        self.holds = held;
        let restart = if begins { rules.restart_cost } else { 0 };
        restart + if held { Cost::from(self.bid) * rules.level_cost } else { rules.per_tick }
    }
}
