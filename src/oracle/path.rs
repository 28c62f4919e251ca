//! The exact optimum for one target is found by going forward in time over all servers.
//!
//! The state is either out, or an order (server, bid, tick from which it may be lowered) with what it took to get there.
//! Each tick an order is raised to what wins, stays, is lowered, or leaves; from out one may place at what wins. What
//! makes this quick is that nearly all states can be dropped without losing the optimum:
//!
//! 1. Of two orders on a server, one that bids no more, may be lowered no later and has cost no more makes the other
//!    superfluous: whatever the other does, it can do too or be lower still. (To raise is free at any time; where the
//!    other lowers by a step, it lowers to the same bid or stays where it is already no higher.)
//! 2. An order that has cost as much as being out plus a restart at that tick is superfluous: placing anew at what wins
//!    costs no more and leads to the lowest bid that wins, free to be lowered at once. No order is better than that, by 1.
//! 3. Being out costs no more than any order, since leaving is free; so out is the least over all of them.
//!
//! What is left is a handful of orders for each server, however many levels there are: a bid that waits with its lowering
//! is overtaken after one window by the one that did not wait. Hence the work is in ticks times servers, and the
//! number of levels, the size of a step and the length of a window do not enter into it.

use super::cost::Cost;
use super::market::{Cursor, Offered, Problem, Rules};
use super::plan::{Action, Move, Plan};

/// The cheapest way for one target, and the plan if it was asked for.
pub(super) struct Best {
    pub(super) cost: Cost,
    pub(super) plan: Option<Plan>,
}

/// An order that is worth remembering, as it is at the start of a tick.
#[derive(Clone, Copy)]
struct Order {
    bid: i64,
    /// The first tick in which it may be lowered; never in the past, so that equal orders look equal.
    lower_from: u64,
    cost: Cost,
    /// The last move that led here and was kept.
    node: Node,
    /// Moves after that, not kept before it is sure that they matter: nearly all orders are placed anew in each tick.
    made: Made,
}

/// What was done with an order and is not kept yet.
#[derive(Clone, Copy)]
enum Made {
    Nothing,
    /// Placed in that tick, after having left what is named there.
    Placed {
        tick: u32,
        left: Option<(u32, u16)>,
    },
    /// Raised or lowered in this tick.
    Changed(Action),
}

/// Being out: what it took, and how one came to be so.
struct Out {
    cost: Cost,
    node: Node,
    /// When and from which server one left last, not kept before an order placed after it is.
    left: Option<(u32, u16)>,
}

/// Finds the least cost of a target of one server that may hold what is `offered`, whatever `problem` wants.
pub(super) fn best(problem: &Problem, offered: &[Offered<'_>], keep_plan: bool) -> Best {
    let rules = problem.rules();
    let mut levels: Vec<(u16, Cursor<'_>)> = offered.iter().map(|(id, track)| (*id, Cursor::new(track))).collect();
    let mut orders: Vec<Vec<Order>> = vec![Vec::new(); levels.len()];
    let mut next: Vec<Order> = Vec::new();
    let mut out = Out { cost: 0, node: NONE, left: None };
    let mut moves = Moves::new(keep_plan);
    for tick in 0..problem.ticks() {
        let valuation = problem.valuations().at(tick);
        leave(&mut out, offered, &mut orders, tick, &mut moves);
        let enough = out.cost + valuation.restart_cost;
        for (kept, (server, cursor)) in orders.iter_mut().zip(&mut levels) {
            let Some(level) = cursor.at(tick) else {
                kept.clear();
                continue;
            };
            if stays(rules, tick, level, enough, kept) {
                continue;
            }
            let placed = Order {
                bid: level,
                lower_from: u64::from(tick) + 1,
                cost: enough + cost_of(rules, level),
                node: out.node,
                made: Made::Placed { tick, left: out.left },
            };
            kept.retain(|order| order.cost < enough);
            if kept.is_empty() {
                kept.push(placed);
                continue;
            }
            next.clear();
            next.push(placed);
            for order in kept.iter_mut() {
                moves.keep(order, tick, *server);
                follow(rules, tick, level, order, &mut next);
            }
            keep_undominated(&mut next, kept);
            for order in kept.iter_mut().filter(|order| matches!(order.made, Made::Changed(_))) {
                moves.keep(order, tick, *server);
            }
        }
        out.cost += valuation.per_tick;
        moves.forget_unreachable(&mut orders, &mut out);
    }
    leave(&mut out, offered, &mut orders, problem.ticks(), &mut moves);
    // What is held at the end needs no leaving.
    if let Some((tick, server)) = out.left.filter(|(tick, _)| *tick < problem.ticks()) {
        out.node = moves.push(Move { tick, server, action: Action::Leave }, out.node);
    }
    Best { cost: out.cost, plan: keep_plan.then(|| moves.plan(out.node)) }
}

fn cost_of(rules: &Rules, level: i64) -> Cost {
    Cost::from(level) * rules.level_cost
}

/// Being out is at most as dear as the cheapest order, left now.
fn leave(out: &mut Out, offered: &[Offered<'_>], orders: &mut [Vec<Order>], tick: u32, moves: &mut Moves) {
    let mut cheapest = None;
    for ((server, _), kept) in offered.iter().zip(orders) {
        for order in kept {
            if order.cost < out.cost {
                out.cost = order.cost;
                cheapest = Some((*server, order));
            }
        }
    }
    if let Some((server, order)) = cheapest {
        moves.keep(order, tick, server);
        (out.node, out.left) = (order.node, Some((tick, server)));
    }
}

/// Takes the one order that there is a tick further where it bids just what wins: no other can come of it, and placing
/// anew costs more. That is so nearly all the time.
fn stays(rules: &Rules, tick: u32, level: i64, enough: Cost, kept: &mut [Order]) -> bool {
    let soon = u64::from(tick) + 1;
    match kept {
        [order] if order.bid == level && order.lower_from <= soon && order.cost < enough => {
            order.lower_from = soon;
            order.cost += cost_of(rules, level);
            true
        }
        _ => false,
    }
}

/// What may become of an order in a tick at that level, leaving aside.
fn follow(rules: &Rules, tick: u32, level: i64, order: &Order, next: &mut Vec<Order>) {
    let tick = u64::from(tick);
    let lower_from = order.lower_from.max(tick + 1);
    let bid = order.bid.max(level);
    let made = if bid > order.bid { Made::Changed(Action::Raise { to: bid }) } else { Made::Nothing };
    next.push(Order { bid, lower_from, cost: order.cost + cost_of(rules, bid), made, ..*order });
    if order.lower_from <= tick && order.bid > level && rules.step > 0 {
        let to = order.bid.saturating_sub_unsigned(rules.step).max(level);
        next.push(Order {
            bid: to,
            lower_from: tick + u64::from(rules.window),
            cost: order.cost + cost_of(rules, to),
            made: Made::Changed(Action::Lower { to }),
            ..*order
        });
    }
}

/// Moves to `kept` what no other of `next` makes superfluous.
fn keep_undominated(next: &mut [Order], kept: &mut Vec<Order>) {
    kept.clear();
    // In order of cost, only what came before can dominate; of equal ones the first is kept.
    next.sort_by_key(|order| (order.cost, order.bid, order.lower_from));
    for order in next {
        let dominated = kept.iter().any(|k| k.bid <= order.bid && k.lower_from <= order.lower_from);
        if !dominated {
            kept.push(*order);
        }
    }
}

/// A move and the one before it.
type Node = u32;

/// No move before.
const NONE: Node = Node::MAX;

/// How many moves may be kept before it is looked which of them still matter.
const LOOK_AT: usize = 1 << 16;

/// All moves that the best plan may turn out to consist of, each with the one before it.
struct Moves {
    wanted: bool,
    made: Vec<(Move, Node)>,
    look_at: usize,
}

impl Moves {
    fn new(wanted: bool) -> Moves {
        Moves { wanted, made: Vec::new(), look_at: LOOK_AT }
    }

    /// Keeps what was done with an order and is not kept yet.
    fn keep(&mut self, order: &mut Order, now: u32, server: u16) {
        match std::mem::replace(&mut order.made, Made::Nothing) {
            Made::Nothing => {}
            Made::Changed(action) => order.node = self.push(Move { tick: now, server, action }, order.node),
            Made::Placed { tick, left } => {
                if let Some((tick, server)) = left {
                    order.node = self.push(Move { tick, server, action: Action::Leave }, order.node);
                }
                // Whatever raised it would have kept this first.
                order.node = self.push(Move { tick, server, action: Action::Place { bid: order.bid } }, order.node);
            }
        }
    }

    fn push(&mut self, made: Move, before: Node) -> Node {
        if !self.wanted {
            return NONE;
        }
        // The number of nodes stays below `NONE`: kept are few chains of at most some moves a tick, and ticks are u32;
        // memory would be exhausted long before.
        let node = Node::try_from(self.made.len()).unwrap_or(NONE);
        self.made.push((made, before));
        node
    }

    /// Frees the moves that lead nowhere any more, so that memory stays in proportion to the plan.
    fn forget_unreachable(&mut self, orders: &mut [Vec<Order>], out: &mut Out) {
        if self.made.len() < self.look_at {
            return;
        }
        let mut alive = vec![false; self.made.len()];
        let roots = orders.iter().flatten().map(|order| order.node).chain([out.node]);
        for mut node in roots {
            // A chain that meets one already walked is walked from there on.
            while let Some(seen) = alive.get_mut(node as usize).filter(|seen| !**seen) {
                *seen = true;
                node = self.before(node);
            }
        }
        let mut moved_to = vec![NONE; self.made.len()];
        let mut kept = Vec::new();
        for (at, (made, before)) in self.made.iter().enumerate().filter(|(at, _)| alive.get(*at) == Some(&true)) {
            if let Some(to) = moved_to.get_mut(at) {
                *to = Node::try_from(kept.len()).unwrap_or(NONE);
            }
            // What came before stands before, so that it has its new place already.
            kept.push((*made, moved_to.get(*before as usize).copied().unwrap_or(NONE)));
        }
        for node in orders.iter_mut().flatten().map(|order| &mut order.node).chain([&mut out.node]) {
            *node = moved_to.get(*node as usize).copied().unwrap_or(NONE);
        }
        self.look_at = kept.len() * 2 + LOOK_AT;
        self.made = kept;
    }

    fn before(&self, node: Node) -> Node {
        self.made.get(node as usize).map_or(NONE, |(_, before)| *before)
    }

    /// The moves up to that one, in order of time.
    fn plan(&self, last: Node) -> Plan {
        let mut moves = Vec::new();
        let mut node = last;
        while let Some((made, before)) = self.made.get(node as usize) {
            moves.push(*made);
            node = *before;
        }
        moves.reverse();
        Plan { moves }
    }
}
