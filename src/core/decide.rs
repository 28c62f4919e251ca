//! Which change to ask for now, if any. In this order, since a request a second is all there is:
//! what must go is cancelled, what is lost is won back, what is missing is placed, what is too dear comes down.

pub(crate) mod choose;

use alloc::sync::Arc;

use crate::beliefs::order::Order;
use crate::beliefs::reconcile::APPEARS_WITHIN;
use crate::beliefs::servers::Group;
use crate::beliefs::{Beliefs, Seen, Server, targets};
use crate::decide::choose::{Choice, FRESH};
use crate::event::Reason;
use crate::governing::CREATE_SPACING;
use crate::ids::TargetId;
use crate::ids::{OrderId, ServerId};
use crate::limits::{self, Denial};
use crate::lowering::{Descent, descent};
use crate::money::Price;
use crate::policy::{self, Situation, Standing, Wish};
use crate::request::Request;
use crate::strategy::{Lost, PolicyKind, Strategy, Target};
use crate::time::{Span, Time};

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
        let raise = match self.servers.of(Group::Lost).is_empty() {
            true => None,
            false => self.first_of(FRESH_ENOUGH_TO_RAISE, now, |beliefs, id| beliefs.win_back(&strategy, id, now)),
        };
        raise
            .or_else(|| self.place(&strategy, now))
            .or_else(|| self.first_of(FRESH, now, |beliefs, id| beliefs.take_slack(&strategy, id, now)))
    }

    /// What is wanted of the order on that server alone.
    pub(crate) fn change_of_order(&mut self, id: ServerId, now: Time) -> Option<Action> {
        let strategy = Arc::clone(&self.strategy);
        self.win_back(&strategy, id, now).or_else(|| self.take_slack(&strategy, id, now))
    }

    fn win_back(&mut self, strategy: &Strategy, id: ServerId, now: Time) -> Option<Action> {
        self.servers.get(&id)?.claim.order().filter(|order| order.is_lost())?;
        self.raise(strategy, id, now)
    }

    fn take_slack(&self, strategy: &Strategy, id: ServerId, now: Time) -> Option<Action> {
        let server = self.servers.get(&id)?;
        // A ladder walks down without looking whether it must.
        let walks_blind = strategy.target(server.target).is_some_and(|t| t.bid.policy == PolicyKind::Ladder);
        server.claim.order().filter(|order| order.slack_since.is_some() || walks_blind)?;
        self.come_down(strategy, id, now)
    }

    /// The first action that comes of the servers whose market was read within `limit`: no order is re-priced or left
    /// on an older read.
    fn first_of(
        &mut self,
        limit: Span,
        now: Time,
        act: impl Fn(&mut Beliefs, ServerId) -> Option<Action>,
    ) -> Option<Action> {
        let mut last = None;
        while let Some(id) = self.servers.queues.next_read_since(now - limit, last) {
            last = Some(id);
            if let Some(action) = act(self, id) {
                return Some(action);
            }
        }
        None
    }

    /// Marks the orders that may not stand any longer.
    fn mark_what_must_go(&mut self, strategy: &Strategy, now: Time, leaving: bool) {
        let max_bid = strategy.limits.max_bid;
        let limited = strategy.limits.max_total_cost.is_some();
        let stop = limited.then(|| self.exposure(now, &[]).must_stop(&strategy.limits)).flatten();
        let all_go = leaving || stop.is_some();
        let group = if all_go { Group::Claimed } else { Group::Doomed };
        let mut last = None;
        while let Some(id) = self.servers.next_of(group, last) {
            last = Some(id);
            self.servers.change_order(id, |order| {
                if leaving {
                    order.must_go(Reason::Exit);
                } else if let Some(denial) = stop {
                    order.must_go(Reason::Limit(denial));
                } else if order.bid > max_bid {
                    order.must_go(Reason::Limit(Denial::MaxBid { bid: order.bid, max: max_bid }));
                } else if order.dead {
                    order.must_go(Reason::Dead);
                }
            });
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

    /// Whether our own orders together cost more a day than a limit allows.
    pub(crate) fn costs_too_much_a_day(&mut self) -> bool {
        self.strategy.limits.max_daily_cost.is_some_and(|max| self.own_per_day().for_a_day() > max)
    }

    /// What a day of our own orders costs at worst, fees included.
    fn own_per_day(&mut self) -> Price {
        self.servers.staying_bids().plus_percent(self.fee_percent)
    }

    /// Of those servers, the order to part with: one that holds nothing before one that holds, then the dearest.
    fn mark_dearest(&mut self, of: impl Fn(&Server) -> bool, reason: Reason) {
        let servers = &self.servers;
        let within = |group| servers.of(group).iter().filter_map(|id| Some((*id, servers.get(id).filter(|s| of(s))?)));
        if within(Group::Going).next().is_some() {
            return;
        }
        let orders = within(Group::Claimed).filter_map(|(id, server)| Some((id, server.claim.order()?)));
        let dearest = orders.max_by_key(|(_, order)| (!order.holding, order.bid, order.id));
        if let Some((id, _)) = dearest {
            self.servers.change_order(id, |order| order.must_go(reason));
        }
    }

    fn next_cancel(&mut self, now: Time) -> Option<Action> {
        let due = |asked_at: Option<Time>| asked_at.is_none_or(|at| now.since(at) >= CANCEL_AGAIN);
        let stray = self.strays.iter().find(|(_, s)| due(s.asked_at)).map(|(id, s)| (*id, s.server));
        if let Some((order, server)) = stray {
            return Some(cancel(server, order, None, Reason::Surplus));
        }
        self.servers.of(Group::Going).iter().find_map(|id| {
            let server = self.servers.get(id)?;
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
        match policy::keep(&target.bid, &situation, &standing) {
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
                self.servers.set_urgent(server, true);
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
                    self.servers.set_urgent(server, true);
                }
                Choice::Nothing => {}
            }
        }
        None
    }

    /// Takes away what is paid for nothing: one step down, or a new order where that costs less than the steps.
    fn come_down(&self, strategy: &Strategy, id: ServerId, now: Time) -> Option<Action> {
        let bidding = self.bidding_on(strategy, id, now, FRESH)?;
        let Bidding { at: Place { target, .. }, situation, standing, .. } = bidding;
        let Wish::Lower { goal } = policy::keep(&target.bid, &situation, &standing) else { return None };
        if let Some(steps) = self.replacement_pays(&bidding, goal, now) {
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
        let reason = match target.bid.policy {
            PolicyKind::Ladder => Reason::RungDown { to },
            _ => Reason::Slack { goal, lowest },
        };
        Some(bidding.reprice(to, reason))
    }

    /// How many steps down a new order at `goal` would save, where it costs less than they do.
    fn replacement_pays(&self, bidding: &Bidding<'_>, goal: Price, now: Time) -> Option<u32> {
        let Bidding { at: Place { server: id, target, .. }, standing, .. } = *bidding;
        let follows = target.bid.policy == PolicyKind::Follow;
        if !target.bid.replace || !follows || !standing.holding || !self.may_create_soon(now) {
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
        Some(Bidding {
            at: Place { server: id, order: order.id, target_id: server.target, target },
            situation: self.situation(id, market, target, now)?,
            standing: standing(order, market, now),
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
pub(crate) fn standing(order: &Order, market: &Seen, now: Time) -> Standing {
    let for_how_long = |since: Option<Time>| since.map_or(Span::ZERO, |s| now.since(s));
    Standing {
        bid: order.bid,
        on_top: order.is_on_top(&market.quote),
        holding: order.holding,
        lost_for: for_how_long(order.lost_since),
        slack_for: for_how_long(order.slack_since),
        stay_until: order.stay_until,
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
#[derive(Clone, Copy)]
struct Bidding<'a> {
    at: Place<'a>,
    situation: Situation,
    standing: Standing,
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

fn cancel(server: ServerId, order: OrderId, target: Option<TargetId>, reason: Reason) -> Action {
    Action { request: Request::Cancel { server, order }, target, reason }
}
