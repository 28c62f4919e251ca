//! A search over all moves that the venue allows, however foolish: any bid at any time, orders that stand without
//! winning, cancelling and bidding anew, raises by any amount, any lowering within step and window, several orders at
//! once. It knows only which state follows which, and tries them all.

use clorebid::oracle::{Cost, Rules, Valuation};

use crate::support::Market;

/// Dearer than anything that small markets can cost.
const NEVER: Cost = 1_000_000_000;

/// All states of an order on one server, numbered: none, or its bid, ticks until it may be lowered, and whether it held.
#[derive(Clone, Copy)]
struct Orders {
    top: i64,
    window: i64,
}

#[derive(Clone, Copy)]
struct Order {
    bid: i64,
    wait: i64,
    held: bool,
}

impl Orders {
    fn count(self) -> usize {
        usize::try_from(1 + (self.top + 1) * self.window * 2).expect("few states")
    }

    fn number(self, order: Order) -> usize {
        usize::try_from(1 + (order.bid * self.window + order.wait) * 2 + i64::from(order.held)).expect("few states")
    }

    fn order(self, number: usize) -> Option<Order> {
        let code = i64::try_from(number.checked_sub(1)?).expect("few states");
        Some(Order { bid: code / 2 / self.window, wait: code / 2 % self.window, held: code % 2 == 1 })
    }

    /// What may follow a state in a tick at that level, and what each costs.
    fn moves(self, rules: &Rules, worth: Valuation, from: usize, level: Option<i64>) -> Vec<(usize, Cost)> {
        let mut after: Vec<Order> = (0..=self.top).map(|bid| Order { bid, wait: 0, held: false }).collect();
        if let Some(old) = self.order(from) {
            after.extend((old.bid..=self.top).map(|bid| Order { bid, ..old }));
            let least = (old.bid - i64::try_from(rules.step).expect("a small step")).max(0);
            if old.wait == 0 {
                after.extend((least..old.bid).map(|bid| Order { bid, wait: self.window, ..old }));
            }
        }
        let pass = |order: Order| {
            let held = level.is_some_and(|level| order.bid >= level);
            let restart = if held && !order.held { worth.restart_cost } else { 0 };
            let paid = if held { Cost::from(order.bid) * rules.level_cost } else { 0 };
            (self.number(Order { wait: (order.wait - 1).max(0), held, ..order }), restart + paid)
        };
        let mut all: Vec<(usize, Cost)> = after.into_iter().map(pass).chain([(0, 0)]).collect();
        all.sort_unstable();
        all.dedup_by_key(|(to, _)| *to);
        all
    }
}

/// The least cost of as many servers at once as the market wants, which has one or two.
pub(crate) fn least_cost(market: &Market) -> Cost {
    let rules = &market.rules;
    let top = market.tracks.iter().flat_map(|track| track.runs()).filter_map(|(_, level)| *level).max();
    let orders = Orders { top: top.unwrap_or(0), window: i64::from(rules.window) };
    let count = orders.count();
    // A market of one server is one of two, the second of which can never be held; its only sensible state is none.
    let seconds = if market.tracks.len() > 1 { count } else { 1 };
    let mut costs = vec![NEVER; count * seconds];
    costs[0] = 0;
    for (tick, worth) in (0..market.ticks).zip(&market.valuations) {
        for (server, track) in market.tracks.iter().enumerate() {
            let level = track.level_at(tick);
            let moves: Vec<_> = (0..count).map(|from| orders.moves(rules, *worth, from, level)).collect();
            let mut next = vec![NEVER; costs.len()];
            for (state, cost) in costs.iter().enumerate().filter(|(_, cost)| **cost < NEVER) {
                let (one, two) = (state / seconds, state % seconds);
                for (to, paid) in &moves[if server == 0 { one } else { two }] {
                    let to = if server == 0 { to * seconds + two } else { one * seconds + to };
                    next[to] = next[to].min(cost + paid);
                }
            }
            costs = next;
        }
        for (state, cost) in costs.iter_mut().enumerate() {
            let held = [state / seconds, state % seconds].map(|s| orders.order(s).is_some_and(|o| o.held));
            let held = held.into_iter().map(u32::from).sum::<u32>();
            *cost += Cost::from(market.want.saturating_sub(held)) * worth.per_tick;
        }
    }
    costs.into_iter().min().expect("there are states")
}
