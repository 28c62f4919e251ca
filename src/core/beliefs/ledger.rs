//! The books of our orders: when one holds a server and at what bid, when it ends, and what it all costs.
//!
//! Every step of an order goes through [`Beliefs::shift`] or [`Beliefs::end`], so that each is told as an [`Event`] and
//! each stretch of holding is counted once.

use rust_decimal::Decimal;

use crate::beliefs::order::Claim;
use crate::beliefs::servers::Group;
use crate::beliefs::{Beliefs, Server};
use crate::event::{Cause, Event, State};
use crate::ids::{OrderId, ServerId};
use crate::money::{Amount, Price};
use crate::time::{Span, Time};

/// Orders that ended on one server are remembered up to this many.
const ENDED_KEPT: usize = 16;

/// The creation fee is charged once an order has stood this long. Source: said of the venue, not documented.
const CREATION_FEE_AFTER: Span = Span::from_secs(600);

impl Beliefs {
    /// Changes what we have on a server, and tells of the state and the stretch of holding that changed with it.
    pub(crate) fn shift(&mut self, id: ServerId, now: Time, cause: Cause, change: impl FnOnce(&mut Server)) {
        let (fee_percent, events) = (self.fee_percent, &mut self.events);
        self.servers.change(id, |server| {
            let (target, from, held) = (server.target, server.claim.state(), server.held());
            change(server);
            let (to, holds) = (server.claim.state(), server.held());
            if held != holds
                && let Some((order, bid)) = held
            {
                server.end_stretch(now, bid, fee_percent);
                events.push(Event::HoldingTo { server: id, order });
            }
            if from != to {
                // What was denied before says nothing of the new state.
                server.denial = None;
                events.push(Event::State { target, server: id, from, to, cause });
            }
            if held != holds
                && let Some((order, bid)) = holds
            {
                if let Some(o) = server.claim.order_mut() {
                    o.stretch_since = Some(now);
                }
                events.push(Event::HoldingFrom { target, server: id, order, bid, fee_percent });
            }
        });
    }

    /// What we have on that server is over. It is free again.
    pub(crate) fn end(&mut self, id: ServerId, now: Time, cause: Cause) {
        let (fee_percent, events, spent_ended) = (self.fee_percent, &mut self.events, &mut self.spent_ended);
        self.servers.change(id, |server| {
            let (target, from) = (server.target, server.claim.state());
            if let Some((order, bid)) = server.held() {
                server.end_stretch(now, bid, fee_percent);
                events.push(Event::HoldingTo { server: id, order });
            }
            if let Some(order) = server.claim.order() {
                let (order_id, bid, cost) = (order.id, order.bid, order.paid.max(order.venue_spend));
                *spent_ended = spent_ended.plus(cost);
                server.last_bid = Some(bid);
                server.ended.push((order_id, now));
                if server.ended.len() > ENDED_KEPT {
                    server.ended.remove(0);
                }
            }
            server.claim = Claim::Empty;
            let (ended, wanted) = (State::Ended, State::Wanted);
            events.push(Event::State { target, server: id, from, to: ended, cause });
            events.push(Event::State { target, server: id, from: ended, to: wanted, cause: Cause::Free });
        });
    }

    /// Counts creation fees as they fall due.
    pub(crate) fn charge_creation_fees(&mut self, now: Time) {
        let amount = self.creation_fee;
        let mut last = None;
        while let Some(id) = self.servers.next_of(Group::Uncharged, last) {
            last = Some(id);
            let order = self.servers.get(&id).and_then(|s| s.claim.order());
            if order.is_none_or(|order| now.since(order.placed_at) < CREATION_FEE_AFTER) {
                continue;
            }
            let events = &mut self.events;
            self.servers.change(id, |server| {
                let target = server.target;
                let Some(order) = server.claim.order_mut() else { return };
                order.fee_counted = true;
                if !amount.is_zero() {
                    order.paid = order.paid.plus(amount);
                    events.push(Event::CreationFee { target, server: id, order: order.id, amount });
                }
            });
        }
    }

    /// Spent so far, fees included: what we counted or what the venue says, whichever is more.
    pub(crate) fn spent(&self, now: Time) -> Amount {
        let claimed = self.servers.of(Group::Claimed).iter();
        let standing = claimed.filter_map(|id| self.servers.get(id)?.claim.order()).map(|o| {
            let open = o
                .stretch_since
                .map_or(Amount::ZERO, |since| o.bid.accrue(now.since(since)).amount().plus_percent(self.fee_percent));
            o.paid.plus(open).max(o.venue_spend)
        });
        standing.fold(self.spent_ended.plus(self.spent_aside()), Amount::plus)
    }
}

impl Server {
    /// When its order will be charged the creation fee, if it has not been.
    pub(crate) fn next_fee_at(&self) -> Option<Time> {
        self.claim.order().filter(|o| !o.fee_counted).map(|o| o.placed_at + CREATION_FEE_AFTER)
    }

    /// The order that holds the server, and its bid.
    fn held(&self) -> Option<(OrderId, Price)> {
        self.claim.order().filter(|o| o.holds()).map(|o| (o.id, o.bid))
    }

    /// Ends the stretch of holding at `bid` and counts its cost with the order.
    fn end_stretch(&mut self, now: Time, bid: Price, fee_percent: Decimal) {
        let Some(order) = self.claim.order_mut() else { return };
        if let Some(since) = order.stretch_since.take() {
            order.paid = order.paid.plus(bid.accrue(now.since(since)).amount().plus_percent(fee_percent));
        }
    }
}
