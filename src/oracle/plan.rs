//! A plan is what the oracle would have done, move by move; a replay works out anew what it costs and trusts none of it.

use std::fmt;

use super::cost::Cost;
use super::market::{Cursor, Problem};

/// One thing done at the start of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Orders at that bid, which begins a holding.
    Place {
        /// In levels.
        bid: i64,
    },
    /// Raises the bid.
    Raise {
        /// In levels.
        to: i64,
    },
    /// Lowers the bid, by a step at the most and once in a window.
    Lower {
        /// In levels.
        to: i64,
    },
    /// Cancels the order, which ends the holding.
    Leave,
}

/// A move of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Move {
    /// When, in ticks from the start.
    pub tick: u32,
    /// Which of the problem's servers.
    pub server: u16,
    /// What.
    pub action: Action,
}

/// What one target does, in order of time. It holds one server at a time, and what it holds at the end stays held.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The moves; of two in one tick the first is made first.
    pub moves: Vec<Move>,
}

/// Which rule a plan breaks, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("tick {tick}, server {server}: {breach}")]
pub struct PlanError {
    /// When, in ticks from the start.
    pub tick: u32,
    /// Which of the problem's servers.
    pub server: u16,
    /// What is wrong.
    pub breach: Breach,
}

/// A rule that a plan breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// A move before the one listed ahead of it, or after the end.
    OutOfOrder,
    /// No such server.
    UnknownServer,
    /// A place while a server is held, or another move on one that is not.
    NotHeld,
    /// A raise that raises nothing or a lowering that lowers nothing.
    WrongWay,
    /// A lowering by more than the step.
    Step,
    /// A lowering within the window of the one before.
    Window,
    /// Held with a bid below the least winning one.
    Losing,
    /// Held by two targets at once.
    Taken,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Breach::OutOfOrder => "the move is out of order",
            Breach::UnknownServer => "there is no such server",
            Breach::NotHeld => "the move does not fit what is held",
            Breach::WrongWay => "the bid does not move that way",
            Breach::Step => "the bid falls by more than one step",
            Breach::Window => "the bid was lowered too short a time ago",
            Breach::Losing => "the bid does not win",
            Breach::Taken => "another target holds the server",
        })
    }
}

/// An order that holds its server.
#[derive(Debug, Clone, Copy)]
struct Order {
    server: u16,
    bid: i64,
    next_lower_at: u64,
}

/// What a plan for one target costs, recomputed tick by tick under the rules alone.
///
/// # Errors
/// The first breach of a rule.
pub fn replay_plan(problem: &Problem, plan: &Plan) -> Result<Cost, PlanError> {
    let level_cost = problem.rules().level_cost;
    let mut levels: Vec<Cursor<'_>> = problem.servers().iter().map(Cursor::new).collect();
    let mut moves = plan.moves.iter().peekable();
    let mut order: Option<Order> = None;
    let mut cost = 0;
    for tick in 0..problem.ticks() {
        let valuation = problem.valuations().at(tick);
        while let Some(next) = moves.next_if(|m| m.tick <= tick) {
            let breach = |breach| PlanError { tick, server: next.server, breach };
            if next.tick < tick {
                return Err(breach(Breach::OutOfOrder));
            }
            let begins = matches!(next.action, Action::Place { .. });
            order = apply(problem, order, *next).map_err(breach)?;
            cost += if begins { valuation.restart_cost } else { 0 };
        }
        cost += match order {
            None => valuation.per_tick,
            Some(Order { server, bid, .. }) => {
                let level = levels.get_mut(usize::from(server)).and_then(|cursor| cursor.at(tick));
                if level.is_none_or(|level| bid < level) {
                    return Err(PlanError { tick, server, breach: Breach::Losing });
                }
                Cost::from(bid) * level_cost
            }
        };
    }
    match moves.next() {
        Some(m) => Err(PlanError { tick: m.tick, server: m.server, breach: Breach::OutOfOrder }),
        None => Ok(cost),
    }
}

/// The order after a move, if the rules allow it.
fn apply(problem: &Problem, order: Option<Order>, made: Move) -> Result<Option<Order>, Breach> {
    let Move { tick, server, action } = made;
    if usize::from(server) >= problem.servers().len() {
        return Err(Breach::UnknownServer);
    }
    let now = u64::from(tick);
    let held = order.filter(|o| o.server == server);
    match (action, order, held) {
        (Action::Place { bid }, None, _) => Ok(Some(Order { server, bid, next_lower_at: now })),
        (Action::Leave, Some(_), Some(_)) => Ok(None),
        (Action::Raise { to }, _, Some(o)) if to > o.bid => Ok(Some(Order { bid: to, ..o })),
        (Action::Lower { to }, _, Some(o)) if to < o.bid => {
            let rules = problem.rules();
            if o.bid.abs_diff(to) > rules.step {
                return Err(Breach::Step);
            }
            if now < o.next_lower_at {
                return Err(Breach::Window);
            }
            Ok(Some(Order { bid: to, next_lower_at: now + u64::from(rules.window), ..o }))
        }
        (Action::Raise { .. } | Action::Lower { .. }, _, Some(_)) => Err(Breach::WrongWay),
        _ => Err(Breach::NotHeld),
    }
}

/// What plans for several targets cost together; no server may be held by two of them at once.
///
/// Targets that the problem wants and no plan serves count as never held.
///
/// # Errors
/// The first breach of a rule.
pub fn replay_plans(problem: &Problem, plans: &[Plan]) -> Result<Cost, PlanError> {
    let mut cost = 0;
    let mut spans = Vec::new();
    for plan in plans {
        cost += replay_plan(problem, plan)?;
        spans.extend(plan.holdings(problem.ticks()));
    }
    spans.sort_unstable_by_key(|h| (h.server, h.from));
    for pair in spans.windows(2) {
        if let [a, b] = pair
            && a.server == b.server
            && b.from < a.to
        {
            return Err(PlanError { tick: b.from, server: b.server, breach: Breach::Taken });
        }
    }
    let unserved = usize::try_from(problem.want()).map_or(0, |want| want.saturating_sub(plans.len()));
    Ok(cost + problem.never() * Cost::try_from(unserved).unwrap_or(0))
}

/// A stretch of ticks in which a plan holds a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// Which of the problem's servers.
    pub server: u16,
    /// The first tick held.
    pub from: u32,
    /// The first tick no longer held.
    pub to: u32,
}

impl Plan {
    /// The stretches it holds, in order of time, the last one until `end` unless it leaves before.
    pub fn holdings(&self, end: u32) -> Vec<Holding> {
        let mut found: Vec<Holding> = Vec::new();
        for made in &self.moves {
            match (made.action, found.last_mut()) {
                (Action::Place { .. }, _) => found.push(Holding { server: made.server, from: made.tick, to: end }),
                (Action::Leave, Some(last)) => last.to = made.tick,
                _ => {}
            }
        }
        found
    }
}
