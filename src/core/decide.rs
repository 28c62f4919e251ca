//! Which change to ask for now, if any. In this order, since a request a second is all there is:
//! what must go is cancelled, what is lost is won back, what is missing is placed, what is too dear comes down.

pub(crate) mod choose;

use alloc::sync::Arc;
use core::ops::Bound;

use crate::beliefs::order::Order;
use crate::beliefs::reconcile::APPEARS_WITHIN;
use crate::beliefs::{Beliefs, Seen, Server, targets};
use crate::decide::choose::{Choice, FRESH};
use crate::event::Reason;
use crate::governing::CREATE_SPACING;
use crate::ids::TargetId;
use crate::ids::{OrderId, ServerId};
use crate::limits::{self, Denial};
use crate::lowering::{Descent, descent};
use crate::money::Price;
use crate::policy::{Situation, Standing, Wish};
use crate::request::Request;
use crate::strategy::{Lost, Strategy, Target};
use crate::time::{Span, Time};
use crate::words::Words;

/// A raise may rest on a market read a little older than other bids may: it only ever wins back what is wanted.
pub(crate) const FRESH_ENOUGH_TO_RAISE: Span = Span::from_secs(5);
/// A server that no bid of ours can win is left for another one after this long.
pub(crate) const UNWINNABLE_FOR: Span = Span::from_secs(60);
/// An order that should hold its server, and does not for no reason to be seen, is taken for dead after this long.
pub(crate) const STUCK_FOR: Span = Span::from_secs(300);
/// A cancellation without effect is asked for again after this long.
const CANCEL_AGAIN: Span = Span::from_secs(10);

/// A change and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Action {
    pub request: Request,
    pub target: Option<TargetId>,
    pub reason: Reason,
}

impl Beliefs {
    /// The change to ask for now.
    pub(crate) fn next_change(&mut self, now: Time, leaving: bool) -> Option<Action> {
        let strategy = Arc::clone(&self.strategy);
        self.mark_what_must_go(&strategy, now, leaving);
        if let Some(action) = self.next_cancel(now) {
            return Some(action);
        }
        if leaving {
            return None;
        }
        let is_lost = |_: &Server, order: &Order| order.is_lost();
        let stands = |_: &Server, _: &Order| true;
        let raise = self.first_of(is_lost, |beliefs, id| beliefs.raise(&strategy, id, now));
        raise
            .or_else(|| self.place(&strategy, now))
            .or_else(|| self.first_of(stands, |beliefs, id| beliefs.come_down(&strategy, id, now)))
    }

    /// The first action that comes of the servers with an order of that kind.
    fn first_of(
        &mut self,
        is: impl Fn(&Server, &Order) -> bool,
        act: impl Fn(&mut Beliefs, ServerId) -> Option<Action>,
    ) -> Option<Action> {
        let fits = |(_, server): &(&ServerId, &Server)| server.claim.order().is_some_and(|order| is(server, order));
        let mut next = self.servers.iter().find(fits).map(|(id, _)| *id);
        while let Some(id) = next {
            if let Some(action) = act(self, id) {
                return Some(action);
            }
            next = self.servers.range((Bound::Excluded(id), Bound::Unbounded)).find(fits).map(|(id, _)| *id);
        }
        None
    }

    /// Marks the orders that may not stand any longer.
    fn mark_what_must_go(&mut self, strategy: &Strategy, now: Time, leaving: bool) {
        let max_bid = strategy.limits.max_bid;
        let limited = strategy.limits.max_total_cost.is_some();
        let stop = limited.then(|| self.exposure(now, &[]).must_stop(&strategy.limits)).flatten();
        for server in self.servers.values_mut() {
            let Some(order) = server.claim.order_mut() else { continue };
            if leaving {
                order.must_go(Reason::Exit);
            } else if let Some(denial) = stop {
                order.must_go(Reason::Limit(denial));
            } else if order.bid > max_bid {
                order.must_go(Reason::Limit(Denial::MaxBid { bid: order.bid, max: max_bid }));
            } else if order.dead {
                order.must_go(Reason::Dead);
            }
        }
        for (target, wanted) in targets(strategy) {
            if self.claimed(target) > wanted.want {
                self.mark_dearest(|s| s.target == target, Reason::Surplus);
            }
        }
        if let Some(max) = strategy.limits.max_daily_cost {
            let cost = self.own_per_day().for_a_day();
            if cost > max {
                self.mark_dearest(|_| true, Reason::Limit(Denial::MaxDailyCost { cost, max }));
            }
        }
    }

    /// What a day of our own orders costs at worst, fees included.
    fn own_per_day(&self) -> Price {
        let own = self.servers.values().filter(|s| !is_going(s)).filter_map(|s| s.claim.worst_bid());
        own.fold(Price::ZERO, Price::plus).plus_percent(self.fee_percent)
    }

    /// Of those servers, the order to part with: one that holds nothing before one that holds, then the dearest.
    fn mark_dearest(&mut self, of: impl Fn(&Server) -> bool, reason: Reason) {
        let going = self.servers.values().any(|s| of(s) && is_going(s));
        if going {
            return;
        }
        let dearest = self
            .servers
            .values_mut()
            .filter(|s| of(s))
            .filter_map(|s| s.claim.order_mut())
            .max_by_key(|order| (!order.holding, order.bid, order.id));
        if let Some(order) = dearest {
            order.must_go(reason);
        }
    }

    fn next_cancel(&mut self, now: Time) -> Option<Action> {
        let due = |asked_at: Option<Time>| asked_at.is_none_or(|at| now.since(at) >= CANCEL_AGAIN);
        let stray = self.strays.iter().find(|(_, s)| due(s.asked_at)).map(|(id, s)| (*id, s.server));
        if let Some((order, server)) = stray {
            return Some(cancel(server, order, None, Reason::Surplus));
        }
        self.servers.iter().find_map(|(id, server)| {
            let order = server.claim.order()?;
            let wanted = order.cancel.as_ref().filter(|c| c.accepted_at.is_none() && due(c.asked_at))?;
            Some(cancel(*id, order.id, Some(server.target), wanted.reason.clone()))
        })
    }

    /// Wins back what is lost here, or gives it up for a cheaper server.
    fn raise(&mut self, strategy: &Strategy, id: ServerId, now: Time) -> Option<Action> {
        if let Some(action) = self.abandon(strategy, id, now) {
            return Some(action);
        }
        let order = self.servers.get(&id)?.claim.order()?;
        if order.lost_since.is_none() && order.missing_since.is_none() {
            return None;
        }
        let bidding = self.bidding_on(strategy, id, now, FRESH_ENOUGH_TO_RAISE)?;
        let Bidding { at: Place { target, .. }, situation, standing, .. } = bidding;
        if bidding.missing && situation.least_winning <= standing.bid {
            // It would win and is not even in the book: no bid will bring it back.
            return Some(bidding.at.cancel(Reason::Dead));
        }
        if standing.on_top || now < bidding.retry_at {
            return None;
        }
        match bidding.wish.clone() {
            Wish::Raise { to, reason } => {
                if target.bid.lost == Lost::Move
                    && let Some(action) = self.leave_for_cheaper(&bidding.at, Some(to), now)
                {
                    return action.into_action();
                }
                let exposure = self.exposure(now, &[id]);
                let least = situation.least_winning.max(standing.bid.plus(situation.tick)).min(to);
                match limits::most(&strategy.limits, &exposure, to, least, false) {
                    Ok(to) => Some(bidding.reprice(to, reason)),
                    Err(denial) => {
                        self.deny(id, denial);
                        None
                    }
                }
            }
            Wish::GiveUp(denial) => {
                self.deny(id, denial);
                if target.bid.lost == Lost::Wait {
                    return None;
                }
                self.leave_for_cheaper(&bidding.at, None, now)?.into_action()
            }
            Wish::Keep | Wish::Lower { .. } => None,
        }
    }

    /// Leaves a server that no bid can win back: it is offline or hidden, or held for a reason beside the book.
    fn abandon(&mut self, strategy: &Strategy, id: ServerId, now: Time) -> Option<Action> {
        let server = self.servers.get(&id)?;
        let order = server.claim.order().filter(|o| o.cancel.is_none())?;
        let idle = now.since(order.idle_since?);
        let target = strategy.target(server.target)?;
        if target.bid.lost == Lost::Wait || idle < UNWINNABLE_FOR.max(target.bid.raise_wait) {
            return None;
        }
        let seen = server.fresh(now, FRESH_ENOUGH_TO_RAISE)?;
        let market = &seen.value;
        if market.is_open() && !order.is_on_top(&seen.quote) {
            return None;
        }
        let nobody_better =
            market.is_open() && !market.is_held_against(order.bid, strategy.currency, strategy.venue.tick);
        let free = self.facts.get(&id).is_some_and(|f| !f.rented) && self.listing_read.good_at > order.idle_since;
        let place = Place { server: id, order: order.id, target_id: server.target, target };
        if nobody_better && free && idle >= STUCK_FOR {
            return Some(place.cancel(Reason::Dead));
        }
        self.leave_for_cheaper(&place, None, now)?.into_action()
    }

    /// Whether another server is cheaper than winning this one back at `than`.
    fn leave_for_cheaper(&mut self, from: &Place<'_>, than: Option<Price>, now: Time) -> Option<Leave> {
        if !self.knows_enough(from.target, now) {
            return None;
        }
        if !self.may_create_soon(now) {
            // A few seconds without the server cost less than a raise that takes hours to come down from.
            return Some(Leave::Later);
        }
        match self.cheaper_elsewhere(from.target_id, from.target, than, from.server, now) {
            Choice::Bid { server, least_winning, .. } => {
                let reason = Reason::Move { to: server, least_winning };
                Some(Leave::Now(from.cancel(reason)))
            }
            Choice::Read(server) => {
                self.urgent.insert(server);
                Some(Leave::Later)
            }
            Choice::Nothing => None,
        }
    }

    /// Places what is missing.
    fn place(&mut self, strategy: &Strategy, now: Time) -> Option<Action> {
        if self.last_create_end.is_some_and(|end| now < end + CREATE_SPACING) {
            return None;
        }
        for (id, target) in targets(strategy) {
            if self.claimed(id) >= target.want || !self.knows_enough(target, now) {
                continue;
            }
            match self.choose(id, target, None, now) {
                Choice::Bid { server, price, least_winning, floor } => {
                    let request = Request::Create { server, target: id, bid: price };
                    return Some(Action { request, target: Some(id), reason: Reason::Open { least_winning, floor } });
                }
                Choice::Read(server) => {
                    self.urgent.insert(server);
                }
                Choice::Nothing => {}
            }
        }
        None
    }

    /// Takes away what is paid for nothing: one step down, or a new order where that costs less than the steps.
    fn come_down(&mut self, strategy: &Strategy, id: ServerId, now: Time) -> Option<Action> {
        let bidding = self.bidding_on(strategy, id, now, FRESH)?;
        let Bidding { situation, standing, .. } = bidding;
        let Wish::Lower { goal, or_anew, words } = bidding.wish else { return None };
        if or_anew && let Some(steps) = self.replacement_pays(&bidding, goal, now) {
            return Some(bidding.at.cancel(Reason::Replace { new_bid: goal, steps }));
        }
        if now < bidding.next_lower_at || now < bidding.retry_at {
            return None;
        }
        let lowest = self.steps.lowest(id, standing.bid);
        let to = lowest.map_or(goal, |lowest| goal.max(lowest.ceil_to(situation.tick)));
        if to >= standing.bid {
            return None;
        }
        let reason = match words {
            Some(words) => Reason::Policy(Words::new(words).with(to)),
            None => Reason::Slack { goal, lowest },
        };
        Some(bidding.reprice(to, reason))
    }

    /// How many steps down a new order at `goal` would save, where it costs less than they do.
    fn replacement_pays(&self, bidding: &Bidding<'_>, goal: Price, now: Time) -> Option<u32> {
        let Bidding { at: Place { server: id, target, .. }, standing, .. } = *bidding;
        if !target.bid.replace || !standing.holding || !self.may_create_soon(now) {
            return None;
        }
        if !self.knows_enough(target, now) || self.servers.get(&id)?.blocked_until.is_some_and(|t| now < t) {
            return None;
        }
        let wait = bidding.next_lower_at.since(now);
        let Descent { steps, overpaid } =
            descent(standing.bid, goal, self.steps.step(id)?, wait, self.strategy.venue.lower_every)?;
        if overpaid <= self.restart_cost(id, target)? {
            return None;
        }
        let allowed = limits::check(&self.strategy.limits, &self.exposure(now, &[id]), goal, true).is_ok();
        allowed.then_some(steps)
    }

    /// Whether a create could follow a cancellation at once.
    fn may_create_soon(&self, now: Time) -> bool {
        self.last_create_end.is_none_or(|end| now.since(end) >= CREATE_SPACING)
    }

    /// The order on that server, if it may be re-priced, with the market as of a read no older than `limit`.
    fn bidding_on<'a>(&self, strategy: &'a Strategy, id: ServerId, now: Time, limit: Span) -> Option<Bidding<'a>> {
        let server = self.servers.get(&id)?;
        let order = server.claim.order()?;
        let free = order.cancel.is_none() && order.unsettled.is_none() && !order.dead;
        if !free || (order.missing_since.is_some() && !self.is_frozen(order, now)) {
            return None;
        }
        let market = server.fresh(now, limit).filter(|m| m.value.is_open())?;
        let target = strategy.target(server.target)?;
        let situation = self.situation(id, market, target, now)?;
        let standing = standing(order, market);
        let opinion = target.policy.keep(&target.bid, &situation, &standing, &order.policy);
        Some(Bidding {
            at: Place { server: id, order: order.id, target_id: server.target, target },
            situation,
            standing,
            wish: if opinion.patience.is_some() { Wish::Keep } else { opinion.wish },
            missing: order.missing_since.is_some(),
            next_lower_at: order.next_lower_at,
            retry_at: order.retry_at,
        })
    }

    /// Whether my_orders still lists the order although the book has ceased to show it.
    fn is_frozen(&self, order: &Order, now: Time) -> bool {
        let listed_since = match (order.missing_since, self.orders_read.good_at) {
            (Some(missing), Some(read)) => order.listed && read >= missing,
            _ => false,
        };
        listed_since && (order.ever_held || now.since(order.placed_at) >= APPEARS_WITHIN)
    }
}

/// Our order in the market as last read.
pub(crate) fn standing(order: &Order, market: &Seen) -> Standing {
    Standing {
        bid: order.bid,
        on_top: order.is_on_top(&market.quote),
        holding: order.holding,
        lost_since: order.lost_since,
        slack_since: order.slack_since,
    }
}

/// Where an order of ours stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    server: ServerId,
    order: OrderId,
    target_id: TargetId,
    target: &'a Target,
}

impl Place<'_> {
    fn cancel(&self, reason: Reason) -> Action {
        cancel(self.server, self.order, Some(self.target_id), reason)
    }
}

/// An order that may be re-priced, and all that its price depends on.
struct Bidding<'a> {
    at: Place<'a>,
    situation: Situation,
    standing: Standing,
    /// What its policy would like done now.
    wish: Wish,
    /// Whether the book has ceased to show it.
    missing: bool,
    next_lower_at: Time,
    retry_at: Time,
}

impl Bidding<'_> {
    fn reprice(&self, to: Price, reason: Reason) -> Action {
        let request = Request::Reprice { server: self.at.server, order: self.at.order, from: self.standing.bid, to };
        Action { request, target: Some(self.at.target_id), reason }
    }
}

/// Leaving a lost server for a cheaper one: at once, or when a create is allowed and the other market has been read.
enum Leave {
    Now(Action),
    Later,
}

impl Leave {
    fn into_action(self) -> Option<Action> {
        match self {
            Leave::Now(action) => Some(action),
            Leave::Later => None,
        }
    }
}

fn is_going(server: &Server) -> bool {
    server.claim.order().is_some_and(|o| o.cancel.is_some())
}

fn cancel(server: ServerId, order: OrderId, target: Option<TargetId>, reason: Reason) -> Action {
    Action { request: Request::Cancel { server, order }, target, reason }
}
