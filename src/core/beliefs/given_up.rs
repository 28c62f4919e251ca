//! Creates that nobody has seen and that were given up. Their orders may appear all the same, and are known again then: an
//! order that nobody manages costs money for good.

use crate::beliefs::order::{Claim, Create, Order};
use crate::beliefs::{Beliefs, Stray};
use crate::event::Cause;
use crate::ids::ServerId;
use crate::market::OrderRow;
use crate::time::Time;

/// Creates that were given up on one server are remembered up to this many.
const GIVEN_UP_KEPT: usize = 8;

impl Beliefs {
    /// A create that nobody has seen is given up. Should its order appear all the same, it is known again.
    pub(crate) fn give_up_created(&mut self, id: ServerId, now: Time) {
        self.servers.change(id, |server| {
            if let Claim::Create(create) = &server.claim {
                server.given_up.push(create.clone());
                if server.given_up.len() > GIVEN_UP_KEPT {
                    server.given_up.remove(0);
                }
            }
        });
        self.end(id, now, Cause::NeverAppeared);
        self.create_never_appeared(id, now);
    }

    /// Takes back the order of a create that was given up: it took longer to appear than anybody waits. Where something
    /// else of ours stands by now, it is one too many and goes.
    pub(crate) fn take_back(&mut self, row: &OrderRow, now: Time) -> bool {
        let (currency, tick) = (self.strategy.currency, self.strategy.venue.tick);
        let Some(server) = self.servers.get(&row.server) else { return false };
        let Some(at) = server.given_up.iter().position(|create| create.made(row, currency, tick)) else { return false };
        let is_free = server.claim == Claim::Empty;
        let policy = self.target_of(server).map(|t| t.policy.clone());
        let created = self.servers.change(row.server, |server| server.given_up.remove(at));
        let Some(Create { bid, sent_at, .. }) = created else { return false };
        if !is_free {
            self.strays.insert(row.id, Stray { server: row.server, bid, asked_at: None, limit: None });
            return true;
        }
        self.shift(row.server, now, Cause::Seen, |server| {
            let mut order = Order::new(row.id, bid, sent_at, sent_at);
            order.listed = true;
            policy.iter().for_each(|p| order.policy = p.placed(sent_at, server.last_bid.is_some()));
            server.take(order);
        });
        self.orders_tell_more = true;
        true
    }
}
