//! The books of our orders: when one holds a server and at what bid, when it ends, and what it all costs.
//!
//! Every step of an order goes through [`Beliefs::shift`] or [`Beliefs::end`], so that each is told as an [`Event`] and
//! each stretch of holding is counted once.

use rust_decimal::Decimal;

use crate::beliefs::order::{Claim, Order};
use crate::beliefs::servers::Group;
use crate::beliefs::{Beliefs, Server};
use crate::event::{Cause, Event, State};
use crate::ids::{OrderId, ServerId};
use crate::market::OrderRow;
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
                && let Some((order, _)) = held
            {
                server.end_stretch(now);
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
                let (since, fee_percent) = server.begin_stretch(now, held.is_some(), fee_percent);
                events.push(Event::HoldingFrom { target, server: id, order, bid, fee_percent, since });
            }
        });
    }

    /// What we have on that server is over. It is free again.
    pub(crate) fn end(&mut self, id: ServerId, now: Time, cause: Cause) {
        self.account_for_unwatched(id, now, None, false);
        let (fee_percent, events, spent_ended) = (self.fee_percent, &mut self.events, &mut self.spent_ended);
        self.servers.change(id, |server| {
            let (target, from) = (server.target, server.claim.state());
            if let Some((order, _)) = server.held() {
                server.end_stretch(now);
                events.push(Event::HoldingTo { server: id, order });
            }
            if let Some(order) = server.claim.order() {
                let (order_id, bid, cost) = (order.id, order.bid, order.cost(now, fee_percent));
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

    /// What the venue's list says that our order has cost, live or over.
    pub(crate) fn see_bill(&mut self, id: ServerId, row: &OrderRow, now: Time) {
        let currency = self.strategy.currency;
        let is_sane = |percent: &Decimal| *percent >= Decimal::ZERO && *percent <= Decimal::ONE_HUNDRED;
        let percent = row.fee_percent.filter(is_sane);
        // Told in another coin it says nothing of the limits, which are in ours.
        let spend = row.spend.filter(|_| row.currency.is_none_or(|c| c == currency));
        let counted_with = self.fee_percent;
        self.account_for_unwatched(id, now, spend, !row.expired);
        let events = &mut self.events;
        self.servers.change(id, |server| {
            let target = server.target;
            let Some(order) = server.claim.order_mut() else { return };
            if let Some(percent) = percent
                && order.bill.fee_percent.replace(percent).unwrap_or(counted_with) != percent
                && order.bill.stretch.is_some()
            {
                events.push(Event::FeeTold { target, server: id, order: order.id, percent });
            }
            let more = spend.map_or(Amount::ZERO, |spend| spend.minus(order.bill.venue_spend));
            if !more.is_zero() {
                order.bill.venue_spend = order.bill.venue_spend.plus(more);
                events.push(Event::VenueSpent { server: id, order: order.id, more });
            }
        });
    }

    /// Tells of the time in which nobody watched that order, once there is something to go by.
    fn account_for_unwatched(&mut self, id: ServerId, now: Time, spend: Option<Amount>, stands: bool) {
        let is_due = |s: &Server| s.claim.order().is_some_and(|order| order.bill.unwatched.is_some());
        if !self.servers.get(&id).is_some_and(is_due) {
            return;
        }
        let (fee_percent, events) = (self.fee_percent, &mut self.events);
        self.servers.change(id, |server| {
            let target = server.target;
            let Some(order) = server.claim.order_mut() else { return };
            let (order_id, bid) = (order.id, order.bid);
            let fee_percent = order.bill.fee_percent.unwrap_or(fee_percent);
            if let Some((from, to)) = order.bill.account_for_unwatched(now, bid, spend, stands) {
                events.push(Event::HeldUnwatched { target, server: id, order: order_id, bid, fee_percent, from, to });
            }
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
            let (events, fees_charged) = (&mut self.events, &mut self.fees_charged);
            self.servers.change(id, |server| {
                let target = server.target;
                let Some(order) = server.claim.order_mut() else { return };
                order.bill.fee_counted = true;
                if !amount.is_zero() {
                    order.bill.paid = order.bill.paid.plus(amount);
                    fees_charged.charge(now, amount);
                    events.push(Event::CreationFee { target, server: id, order: order.id, amount });
                }
            });
        }
    }

    /// Spent so far, fees included: what we counted or what the venue says, whichever is more.
    pub(crate) fn spent(&self, now: Time) -> Amount {
        let claimed = self.servers.of(Group::Claimed).iter();
        let standing = claimed.filter_map(|id| self.servers.get(id)?.claim.order());
        let costs = standing.map(|order| order.cost(now, self.fee_percent));
        costs.fold(self.spent_ended.plus(self.spent_aside(now)), Amount::plus)
    }

    /// The creation fees that are bound to fall due for what stands or may stand.
    pub(crate) fn fees_ahead(&self) -> Amount {
        if self.creation_fee.is_zero() {
            return Amount::ZERO;
        }
        let is_due = |claim: &Claim| claim.order().is_none_or(|order| !order.bill.fee_counted);
        let claimed = self.servers.of(Group::Claimed).iter().filter_map(|id| self.servers.get(id));
        claimed.filter(|s| is_due(&s.claim)).fold(Amount::ZERO, |sum, _| sum.plus(self.creation_fee))
    }
}

impl Order {
    /// What it has cost up to `now`, fees included.
    pub(crate) fn cost(&self, now: Time, fee_percent: Decimal) -> Amount {
        self.bill.cost(now, self.bid, fee_percent)
    }
}

impl Server {
    /// When its order will be charged the creation fee, if it has not been.
    pub(crate) fn next_fee_at(&self) -> Option<Time> {
        self.claim.order().filter(|o| !o.bill.fee_counted).map(|o| o.placed_at + CREATION_FEE_AFTER)
    }

    /// The order that holds the server, and its bid.
    fn held(&self) -> Option<(OrderId, Price)> {
        self.claim.order().filter(|o| o.holds()).map(|o| (o.id, o.bid))
    }

    /// Begins a stretch of holding: since when, and what the venue adds to its price.
    ///
    /// `goes_on`: whether it held the server before, at another bid.
    fn begin_stretch(&mut self, now: Time, goes_on: bool, fee_percent: Decimal) -> (Time, Decimal) {
        let last_read = self.market.as_ref().map(|market| market.sent_at);
        let Some(order) = self.claim.order_mut() else { return (now, fee_percent) };
        let may_have_begun = last_read.map_or(order.changed_at, |at| at.max(order.changed_at));
        let since = if goes_on { now } else { order.bill.backdated(may_have_begun, now) };
        order.bill.begin(since, order.bid);
        (since, order.bill.fee_percent.unwrap_or(fee_percent))
    }

    /// Ends the stretch of holding and counts its cost with the order.
    fn end_stretch(&mut self, now: Time) {
        if let Some(order) = self.claim.order_mut() {
            order.bill.end(now);
        }
    }
}
