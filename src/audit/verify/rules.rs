//! The invariants of a run, worked out from what is on record: who has what where, at which price at worst, since when.
//!
//! None of the core's own state is used: what it believes is what is being checked.

use std::collections::{BTreeMap, BTreeSet};

use clorebid_core::money::Price;
use clorebid_core::request::Request;
use clorebid_core::strategy::Strategy;
use clorebid_core::time::{Span, Time};
use rust_decimal::Decimal;

use super::account::Account;
use super::first::{First, FirstAnswer, FirstUnfinished};
use super::tally::{Kind, Tally};
use crate::audit::replay::Recorded;
use crate::strategy;

/// A create that no read has shown is over after this long at the earliest. Source: I6.
const SETTLES_AFTER: Span = Span::from_secs(120);

/// A change that was asked for.
#[derive(Debug)]
pub(super) struct Move {
    pub(super) seq: i64,
    pub(super) sent_at: Time,
    pub(super) answered_at: Option<Time>,
    pub(super) server: i64,
    /// Whether it was made, or nobody knows.
    pub(super) may_have_changed: bool,
}

/// A first bid.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) target: String,
    pub(super) bid: Price,
}

/// A re-pricing.
#[derive(Debug)]
pub(super) struct Reprice {
    pub(super) order: i64,
    pub(super) from: Price,
    pub(super) to: Price,
    pub(super) lowers: bool,
    pub(super) known_applied: bool,
    pub(super) lowest: Option<Price>,
}

/// A stretch of holding that began.
#[derive(Debug)]
pub(super) struct Holds<'a> {
    pub(super) seq: i64,
    pub(super) server: i64,
    pub(super) order: i64,
    pub(super) target: &'a str,
    pub(super) bid: Option<Price>,
}

/// A state that changed.
#[derive(Debug)]
pub(super) struct Moved {
    pub(super) seq: i64,
    pub(super) at: Time,
    pub(super) server: i64,
    pub(super) target: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) cause: String,
}

/// A create whose order has not been seen.
#[derive(Debug, Clone, Copy)]
struct Unsettled {
    sent_at: Time,
    good_reads: u32,
    last_read: Option<Time>,
}

/// What stands, or may stand, on one server.
#[derive(Debug, Default)]
struct Slot {
    /// Empty: nothing.
    state: String,
    target: String,
    order: Option<i64>,
    /// The highest price it may stand at, where known.
    worst: Option<Price>,
    adopted: bool,
    unsettled: Option<Unsettled>,
    /// Orders of ours that stood here before.
    former: BTreeSet<i64>,
    /// Whether one stood here whose number is nowhere on record.
    former_unnamed: bool,
}

impl Slot {
    fn is_taken(&self) -> bool {
        self.unsettled.is_some() || !matches!(self.state.as_str(), "" | "wanted" | "ended")
    }
}

/// The rules of one run.
#[derive(Debug)]
pub(super) struct Rules {
    run_id: i64,
    strategy: Strategy,
    slots: BTreeMap<i64, Slot>,
    first: First,
    pub(super) fee_percent: Decimal,
    pub(super) account: Account,
    foreign: BTreeSet<i64>,
    /// No lowering of the order before this.
    next_lower_at: BTreeMap<i64, Time>,
    /// The lowest price that the venue named for an order at a bid.
    lowest: BTreeMap<i64, (Price, Price)>,
}

impl Rules {
    /// `None` for a run that no strategy decided: a person may do as they like.
    pub(super) fn new(run: &Recorded, memory: Option<&str>, tally: &mut Tally) -> Option<Rules> {
        if !run.is_decided() {
            return None;
        }
        let run_id = run.run_id;
        let file = strategy::read(&run.strategy_toml, "strategy");
        tally.check(Kind::Readable, file.is_ok(), || format!("run {run_id}: its strategy cannot be read"));
        let first = memory.map_or(Ok(First::default()), serde_json::from_str);
        tally.check(Kind::Readable, first.is_ok(), || format!("run {run_id}: what it started with cannot be read"));
        let (strategy, first) = (file.ok()?.strategy, first.ok()?);
        let (fee_percent, spent_ended) = first.purse(strategy.currency);
        let mut rules = Rules {
            run_id,
            fee_percent: fee_percent.unwrap_or(strategy.venue.fee_percent),
            account: Account::new(strategy.currency, spent_ended),
            slots: BTreeMap::new(),
            foreign: BTreeSet::new(),
            next_lower_at: BTreeMap::new(),
            lowest: BTreeMap::new(),
            first,
            strategy,
        };
        let full_window = run.started_at + rules.strategy.venue.lower_every;
        rules.take_up_unfinished(full_window);
        let is_target = |name: &str| rules.strategy.targets.iter().any(|target| target.name == name);
        let others = rules.first.orders.iter().filter(|o| !o.target.as_deref().is_some_and(is_target));
        let others: Vec<(i64, i64)> = others.map(|order| (order.server, order.id)).collect();
        let unnamed = rules.first.creates.iter().filter(|create| !is_target(&create.target));
        let unnamed: Vec<i64> = unnamed.map(|create| create.server).collect();
        for order in &rules.first.orders {
            rules.next_lower_at.insert(order.id, order.next_lower_at.min(full_window));
        }
        // Ours as well, and left alone unless a limit wants them gone.
        for (server, order) in others {
            rules.slots.entry(server).or_default().former.insert(order);
        }
        for server in unnamed {
            rules.slots.entry(server).or_default().former_unnamed = true;
        }
        for (server, order, _) in &rules.first.ended {
            rules.slots.entry(*server).or_default().former.insert(*order);
        }
        Some(rules)
    }

    /// What the run before never saw the end of counts at its worst, as if it had been asked just before this run.
    fn take_up_unfinished(&mut self, full_window: Time) {
        for FirstUnfinished { request, sent_at, answer } in std::mem::take(&mut self.first.unfinished) {
            // Without a connection nothing was sent.
            if matches!(&answer, FirstAnswer::Refused(_))
                || matches!(&answer, FirstAnswer::Unknown(d) if d.sent_nothing())
            {
                continue;
            }
            match request {
                Request::Create { server, bid, .. } => {
                    let slot = self.slots.entry(i64::try_from(server.0).unwrap_or(i64::MAX)).or_default();
                    slot.worst = Some(bid);
                    slot.unsettled = Some(Unsettled { sent_at, good_reads: 0, last_read: None });
                }
                Request::Reprice { order, from, to, .. } => {
                    let id = i64::try_from(order.0).unwrap_or(i64::MAX);
                    let order = self.first.orders.iter_mut().find(|o| o.id == id);
                    let Some(order) = order else { continue };
                    if to < from {
                        order.next_lower_at = full_window;
                    }
                    match answer {
                        FirstAnswer::Applied => order.bid = to,
                        _ => order.unsettled = Some(to),
                    }
                }
                _ => {}
            }
        }
    }

    fn at(&self, seq: i64) -> String {
        format!("run {}, request {seq}", self.run_id)
    }

    /// A good my_orders, sent then.
    pub(super) fn good_orders_read(&mut self, sent_at: Time) {
        for unsettled in self.slots.values_mut().filter_map(|s| s.unsettled.as_mut()) {
            unsettled.good_reads += 1;
            unsettled.last_read = Some(sent_at);
        }
    }

    /// An order that the bot did not make was told of.
    pub(super) fn foreign(&mut self, order: i64) {
        self.foreign.insert(order);
    }

    pub(super) fn place(&mut self, what: &Move, place: &Place, tally: &mut Tally) {
        let (at, server) = (self.at(what.seq), what.server);
        self.demand_max_bid(&at, place.bid, tally);
        let taken = self.slots.get(&server).is_some_and(|s| s.unsettled.is_none() && s.is_taken());
        tally.check(Kind::I2, !taken, || format!("{at}: a bid on server {server}, where an order stands"));
        let unsettled = self.slots.get(&server).is_some_and(|s| s.unsettled.is_some());
        tally.check(Kind::I6, !unsettled, || format!("{at}: a create on server {server} before the last is settled"));
        let want = self.strategy.targets.iter().find(|t| t.name == place.target).map_or(0, |t| t.want);
        let has = self.slots.values().filter(|s| s.is_taken() && s.target == place.target).count();
        tally.check(Kind::I2, u32::try_from(has).is_ok_and(|has| has < want), || {
            format!("{at}: target {} has {has} and wants {want}", place.target)
        });
        let all = self.slots.values().filter(|s| s.is_taken()).count() + self.foreign_now().0;
        let within = self.strategy.limits.max_orders.is_none_or(|max| u32::try_from(all).is_ok_and(|all| all < max));
        tally.check(Kind::I3, within, || format!("{at}: {all} orders stand, and max_orders allows no more"));
        self.demand_limits(&at, what, place.bid, tally);
        if what.may_have_changed {
            let slot = self.slots.entry(server).or_default();
            slot.worst = Some(place.bid);
            slot.target.clone_from(&place.target);
            slot.unsettled = Some(Unsettled { sent_at: what.sent_at, good_reads: 0, last_read: None });
        }
    }

    pub(super) fn reprice(&mut self, what: &Move, reprice: &Reprice, tally: &mut Tally) {
        let at = self.at(what.seq);
        let Reprice { order, from, to, lowers, .. } = *reprice;
        self.demand_max_bid(&at, to, tally);
        self.demand_ours(&at, what.server, order, tally);
        tally.check(Kind::Views, (to < from) == lowers, || format!("{at}: {from} to {to} is called the wrong way"));
        if lowers {
            let allowed = self.next_lower_at.get(&order).copied();
            tally.check(Kind::I9, allowed.is_none_or(|t| what.sent_at >= t), || {
                let early = allowed.map(|t| t.since(what.sent_at)).unwrap_or_default();
                format!("{at}: order {order} lowered {early} too early")
            });
            let lowest = self.lowest.get(&order).filter(|(bid, _)| *bid == from).map(|(_, lowest)| *lowest);
            tally.check(Kind::I9, lowest.is_none_or(|lowest| to >= lowest), || {
                format!("{at}: order {order} lowered to {to}, where the venue had named {lowest:?} as the lowest")
            });
        } else {
            self.demand_limits(&at, what, to, tally);
        }
        if let Some(lowest) = reprice.lowest {
            self.lowest.insert(order, (from, lowest));
        }
        if !what.may_have_changed {
            return;
        }
        if lowers {
            let since = what.answered_at.unwrap_or(what.sent_at);
            self.next_lower_at.insert(order, since + self.strategy.venue.lower_every);
        }
        if let Some(slot) = self.slots.get_mut(&what.server) {
            slot.worst = Some(if reprice.known_applied { to } else { to.max(from) });
        }
    }

    pub(super) fn cancel(&mut self, what: &Move, order: i64, is_stray: bool, tally: &mut Tally) {
        let at = self.at(what.seq);
        if !is_stray {
            return self.demand_ours(&at, what.server, order, tally);
        }
        let former = self.slots.get(&what.server).is_some_and(|s| s.former_unnamed || s.former.contains(&order));
        tally.check(Kind::I12, former && !self.foreign.contains(&order), || {
            format!("{at}: order {order} is cancelled and was never ours")
        });
    }

    fn demand_max_bid(&self, at: &str, bid: Price, tally: &mut Tally) {
        let max = self.strategy.limits.max_bid;
        tally.check(Kind::I1, bid <= max, || format!("{at}: a bid of {bid} above max_bid {max}"));
    }

    /// Orders that the bot did not make, as last listed: how many, and their prices together.
    fn foreign_now(&self) -> (usize, Price) {
        self.account.foreign(|row| {
            let id = i64::try_from(row.id.0).unwrap_or(i64::MAX);
            let slot = i64::try_from(row.server.0).ok().and_then(|server| self.slots.get(&server));
            let taken_over = slot.is_some_and(|s| s.is_taken() && s.adopted && s.order.is_none_or(|o| o == id));
            self.foreign.contains(&id) && !taken_over
        })
    }

    /// I3 for a first bid and for a raise.
    fn demand_limits(&self, at: &str, what: &Move, bid: Price, tally: &mut Tally) {
        let limits = &self.strategy.limits;
        if let Some(max) = limits.max_daily_cost {
            let others = self.slots.iter().filter(|(id, s)| **id != what.server && s.is_taken());
            let ours = others.filter_map(|(_, s)| s.worst).fold(bid, Price::plus);
            let cost = ours.plus(self.foreign_now().1).plus_percent(self.fee_percent).for_a_day();
            tally.check(Kind::I3, cost <= max, || format!("{at}: {cost} a day at worst, above max_daily_cost {max}"));
        }
        if let Some(max) = limits.max_total_cost {
            let spent = self.account.spent_by(what.sent_at);
            tally.check(Kind::I3, spent <= max, || {
                format!("{at}: a bid when {spent} was spent, of max_total_cost {max}")
            });
        }
        if let Some(min) = limits.min_balance {
            let balance = self.account.balance();
            tally.check(Kind::I3, balance.is_some_and(|balance| balance >= min), || match balance {
                Some(balance) => format!("{at}: a bid with {balance} in the wallet, below min_balance {min}"),
                None => format!("{at}: a bid before the wallet's balance was known, with a min_balance of {min}"),
            });
        }
    }

    /// I12: the order must be the one that stands in our place on that server.
    fn demand_ours(&mut self, at: &str, server: i64, order: i64, tally: &mut Tally) {
        let foreign = self.foreign.contains(&order);
        let slot = self.slots.entry(server).or_default();
        let taken_over = slot.adopted && slot.order.is_none_or(|o| o == order);
        let ours = slot.is_taken() && slot.order.is_none_or(|o| o == order) && (!foreign || taken_over);
        if ours {
            slot.order = Some(order);
        }
        tally.check(Kind::I12, ours, || format!("{at}: order {order} on server {server} is not ours"));
    }

    /// A stretch of holding began.
    pub(super) fn holds(&mut self, holds: &Holds<'_>, fee_percent: &str, tally: &mut Tally) {
        self.fee_percent = fee_percent.parse().unwrap_or(self.fee_percent);
        let at = self.at(holds.seq);
        self.demand_ours(&at, holds.server, holds.order, tally);
        let Some(slot) = self.slots.get_mut(&holds.server) else { return };
        tally.check(Kind::States, slot.target == holds.target, || {
            let (order, target) = (holds.order, holds.target);
            format!("{at}: order {order} holds for target {target}, and its bid was made for {}", slot.target)
        });
        if let Some(bid) = holds.bid {
            slot.worst = Some(bid);
        }
    }

    /// A stretch of holding is told of that was over by then: its order may be, too.
    pub(super) fn held_unwatched(&self, holds: &Holds<'_>, tally: &mut Tally) {
        let slot = self.slots.get(&holds.server);
        let is_ours = |s: &Slot| {
            let stands = s.is_taken() && s.order.is_none_or(|o| o == holds.order);
            stands || s.former_unnamed || s.former.contains(&holds.order)
        };
        let ours = slot.is_some_and(is_ours) && !self.foreign.contains(&holds.order);
        tally.check(Kind::I12, ours, || {
            let (at, order) = (self.at(holds.seq), holds.order);
            format!("{at}: order {order} on server {} held it unwatched and was never ours", holds.server)
        });
    }

    /// The book showed our offer at that price, which settles any doubt.
    pub(super) fn sees_our_bid(&mut self, server: i64, bid: Price) {
        if let Some(slot) = self.slots.get_mut(&server).filter(|s| s.is_taken()) {
            slot.worst = Some(bid);
        }
    }

    /// Whether the run started with something of ours there: it says so with its first request, and knew it before.
    pub(super) fn started_with(&self, server: i64) -> bool {
        self.first.is_on(server)
    }

    pub(super) fn moved(&mut self, moved: &Moved, tally: &mut Tally) {
        let (at, server) = (self.at(moved.seq), moved.server);
        let was = self.slots.get(&server).map_or("", |s| s.state.as_str());
        let was = if was.is_empty() { "wanted" } else { was };
        tally.check(Kind::States, was == moved.from, || {
            format!("{at}: server {server} goes from {} to {}, and was {was}", moved.from, moved.to)
        });
        if moved.cause == "adopted" {
            self.adopt(server);
        }
        let slot = self.slots.entry(server).or_default();
        slot.state.clone_from(&moved.to);
        slot.target.clone_from(&moved.target);
        match moved.to.as_str() {
            "queued" | "holding" | "outbid" | "cancelling" => slot.unsettled = None,
            "ended" => {
                if let Some(create) = slot.unsettled.take().filter(|_| moved.cause == "never_appeared") {
                    let late = create.last_read.is_some_and(|read| read.since(create.sent_at) >= SETTLES_AFTER);
                    tally.check(Kind::I6, late && create.good_reads >= 2, || {
                        let (waited, reads) = (moved.at.since(create.sent_at), create.good_reads);
                        format!("{at}: a create on server {server} was given up after {waited} and {reads} good reads")
                    });
                }
                match slot.order.take() {
                    Some(order) => drop(slot.former.insert(order)),
                    None => slot.former_unnamed = true,
                }
                (slot.worst, slot.adopted) = (None, false);
            }
            _ => {}
        }
    }

    /// Taken over: from the run before, or from whoever made it.
    fn adopt(&mut self, server: i64) {
        let order = self.first.orders.iter().find(|o| o.server == server && o.target.is_some());
        let create = self.first.creates.iter().find(|c| c.server == server && !c.given_up);
        let slot = self.slots.entry(server).or_default();
        slot.adopted = true;
        if let Some(order) = order {
            slot.order = Some(order.id);
            slot.worst = Some(order.unsettled.map_or(order.bid, |to| to.max(order.bid)));
        } else if let Some(create) = create {
            slot.worst = Some(create.bid);
            slot.unsettled = Some(Unsettled { sent_at: create.sent_at, good_reads: 0, last_read: None });
        }
        // What it started with counts once.
        self.first.orders.retain(|o| o.server != server);
        self.first.creates.retain(|c| c.server != server);
    }
}
