//! Who holds a server and what that costs: winning, losing, paying by the minute, ending.

use clorebid_core::time::Span;
use rust_decimal::Decimal;

use super::exchange::Exchange;
use super::queue::Event;
use super::rules::Eviction;
use super::state::{End, EvictionRecord, HolderChange, Kind, Loss, OrderState, Renter};

/// What is paid for as a whole once it has begun.
const MINUTE: Span = Span::from_secs(60);

impl Exchange {
    /// Gives the server to whom it belongs now. Call it after anything that may have changed that.
    pub(super) fn settle(&mut self, at: usize) {
        let server = &mut self.servers[at];
        let (from, to) = (server.holder, server.winner(&self.rates));
        if from == to {
            return;
        }
        server.holder = to;
        let id = server.plan.server();
        let loss = if !server.online {
            Loss::Offline
        } else if !server.public {
            Loss::Hidden
        } else if server.renter.is_some() {
            Loss::OnDemand
        } else if from.is_some_and(|h| server.floor.get(h.currency).is_none_or(|floor| h.bid < floor)) {
            Loss::BelowFloor
        } else {
            Loss::Outbid
        };
        self.history.push(HolderChange { at: self.now, server: id, from, to });
        let same = from.zip(to).is_some_and(|(a, b)| a.offer == b.offer);
        if same {
            return;
        }
        if let Some(lost) = from.filter(|h| h.mine) {
            self.end_stint(lost.offer);
            let was_live = self.orders.get(&lost.offer).is_some_and(|o| o.is_live());
            if was_live {
                let record = EvictionRecord { at: self.now, server: id, order: lost.offer, bid: lost.bid, cause: loss };
                self.evictions.push(record);
                self.evict(at, lost.offer);
            }
        }
        if let Some(won) = to.filter(|h| h.mine) {
            self.begin_stint(won.offer);
        }
    }

    fn evict(&mut self, at: usize, id: u64) {
        let state = match self.rules.eviction {
            Eviction::Pause => return,
            Eviction::Vanish => OrderState::Ended { at: self.now, why: End::Vanished },
            Eviction::Expire => OrderState::Ended { at: self.now, why: End::Expired },
            Eviction::Frozen => OrderState::Frozen,
        };
        self.servers[at].remove(id);
        if let Some(order) = self.orders.get_mut(&id) {
            order.state = state;
        }
    }

    /// The order has the server from now on, and its first minute is due.
    pub(super) fn begin_stint(&mut self, id: u64) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        order.stint += 1;
        order.holding = true;
        let (stint, first) = (order.stint, !order.ever_held);
        order.ever_held = true;
        if first {
            self.queue.plan(self.now + self.rules.creation_fee_after, Event::CreationFee { order: id });
        }
        // Planned rather than paid at once: whoever called may still be changing things.
        self.queue.plan(self.now, Event::Bill { order: id, stint });
    }

    fn end_stint(&mut self, id: u64) {
        if let Some(order) = self.orders.get_mut(&id) {
            order.stint += 1;
            order.holding = false;
        }
    }

    /// Charges a minute that has begun, and plans the next.
    pub(super) fn bill(&mut self, id: u64, stint: u64) {
        let fee = self.rules.fee_percent;
        let Some(order) = self.orders.get_mut(&id).filter(|o| o.stint == stint && o.holding) else { return };
        let price = order.price.decimal();
        let with_fee = price + price * fee / Decimal::ONE_HUNDRED;
        let paid = self.purses.get_mut(&order.currency).is_some_and(|purse| purse.pay_minute(with_fee));
        if paid {
            order.minutes += price;
            order.minutes_count += 1;
            self.queue.plan(self.now + MINUTE, Event::Bill { order: id, stint });
        } else {
            self.end(id, End::Unfunded);
        }
    }

    /// Charges the creation fee of an order that is still there.
    pub(super) fn charge_creation(&mut self, id: u64) {
        let Some(order) = self.orders.get(&id).filter(|o| o.is_live()) else { return };
        let fee = self.rules.creation_fee.get(order.currency).map_or(Decimal::ZERO, |f| f.decimal());
        if let Some(purse) = self.purses.get_mut(&order.currency) {
            purse.creation_fees += fee.min(purse.balance());
        }
    }

    pub(super) fn rental_over(&mut self, id: u64) {
        if self.orders.get(&id).is_some_and(|o| o.is_live()) {
            self.end(id, End::RentalOver);
        }
    }

    /// Ends an order and passes its server on.
    pub(super) fn end(&mut self, id: u64, why: End) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        order.state = OrderState::Ended { at: self.now, why };
        let (at, kind) = (order.server, order.kind);
        self.end_stint(id);
        match kind {
            Kind::Spot => self.servers[at].remove(id),
            Kind::OnDemand if self.servers[at].renter == Some(Renter::Ours(id)) => self.servers[at].renter = None,
            Kind::OnDemand => {}
        }
        self.settle(at);
    }
}
