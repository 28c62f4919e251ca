//! Which orders may not stand any longer, and why.

use alloc::vec::Vec;

use crate::beliefs::kept::KeptOrder;
use crate::beliefs::order::Dead;
use crate::beliefs::servers::Group;
use crate::beliefs::{Beliefs, Server, Stray, targets};
use crate::decide::context::Context;
use crate::denial::Denial;
use crate::event::Reason;
use crate::ids::ServerId;
use crate::money::Price;
use crate::time::Time;

/// The orders to be marked, by their servers.
type Going = Vec<(ServerId, Reason)>;

impl Beliefs {
    /// The orders that are to go and are not marked yet.
    pub(crate) fn must_go(&self, context: &Context) -> Going {
        let mut going: Going = Vec::new();
        let limits = &self.strategy.limits;
        let stop = self.must_stop(context.now);
        let all_go = context.leaving || stop.is_some();
        for (id, server) in self.of_group(if all_go { Group::Claimed } else { Group::Doomed }) {
            let Some(order) = server.claim.order().filter(|order| order.cancel.is_none()) else { continue };
            let reason = if context.leaving {
                Reason::Exit
            } else if let Some(denial) = stop {
                Reason::Limit(denial)
            } else if order.bid > limits.max_bid {
                Reason::Limit(Denial::MaxBid { bid: order.bid, max: limits.max_bid })
            } else if order.dead == Some(Dead::Surely) {
                Reason::Dead
            } else {
                continue;
            };
            going.push((id, reason));
        }
        for (target, wanted) in targets(&self.strategy) {
            if self.claimed(target) > wanted.want {
                self.add_dearest(&mut going, |s| s.target == target, Reason::Surplus);
            }
        }
        if let Some(max) = limits.max_daily_cost {
            let own = if going.is_empty() { self.servers.staying_bids() } else { self.own_bids_but(&going) };
            let cost = own.plus_percent(self.fee_percent).for_a_day();
            if cost > max {
                self.add_dearest(&mut going, |_| true, Reason::Limit(Denial::MaxDailyCost { cost, max }));
            }
        }
        going
    }

    /// Why everything has to be cancelled now, if it has to.
    fn must_stop(&self, now: Time) -> Option<Denial> {
        let limits = &self.strategy.limits;
        limits.max_total_cost?;
        self.exposure(now, &[]).must_stop(limits)
    }

    /// An order that this run leaves alone costs money all the same: when everything has to stop, it goes, too. One in
    /// another coin is no matter of this run's limits.
    pub(super) fn stop_aside(&mut self, now: Time) {
        let coin = self.strategy.currency;
        let ours = |kept: &&KeptOrder| kept.currency.is_none_or(|c| c == coin) && !self.strays.contains_key(&kept.id);
        if !self.aside.orders.iter().map(|left| &left.what).any(|kept| ours(&kept)) {
            return;
        }
        let Some(denial) = self.must_stop(now) else { return };
        let go = self.aside.orders.iter().map(|left| &left.what).filter(ours);
        let go: Vec<_> = go
            .map(|kept| (kept.id, Stray { server: kept.server, bid: kept.bid, asked_at: None, limit: Some(denial) }))
            .collect();
        for (id, stray) in go {
            // It counts once.
            self.foreign.remove(&id);
            self.strays.insert(id, stray);
        }
    }

    /// What our own orders bid at worst, without those that go.
    fn own_bids_but(&self, going: &Going) -> Price {
        let own = self.of_group(Group::Claimed).filter(|(id, s)| !is_going(going, *id, s));
        let bids = own.filter_map(|(_, s)| s.claim.worst_bid());
        bids.fold(Price::ZERO, Price::plus)
    }

    /// Of those servers, the order to part with, unless one goes already: one that holds nothing before one that holds,
    /// then the dearest.
    fn add_dearest(&self, going: &mut Going, of: impl Fn(&Server) -> bool, reason: Reason) {
        let all = || self.of_group(Group::Claimed).filter(|(_, s)| of(s));
        if all().any(|(id, s)| is_going(going, id, s)) {
            return;
        }
        let orders = all().filter_map(|(id, s)| Some((id, s.claim.order()?)));
        let dearest = orders.max_by_key(|(_, order)| (!order.holds(), order.bid, order.id));
        going.extend(dearest.map(|(id, _)| (id, reason)));
    }

    /// The servers of that group, by number.
    fn of_group(&self, group: Group) -> impl Iterator<Item = (ServerId, &Server)> {
        self.servers.of(group).iter().filter_map(|id| Some((*id, self.servers.get(id)?)))
    }
}

fn is_going(going: &Going, id: ServerId, server: &Server) -> bool {
    server.claim.order().is_some_and(|o| o.cancel.is_some()) || going.iter().any(|(gone, _)| *gone == id)
}
