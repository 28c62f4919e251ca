//! What is ours and not this run's to touch: orders of targets that its strategy does not have, and orders in another coin
//! than it bids in.
//!
//! They are handed on from memory to memory, so that they come back with their target or their coin. Until then they are
//! left alone, and counted: those of a target of this run are servers that it has already.

use alloc::vec::Vec;

use crate::beliefs::kept::{KeptCreate, KeptOrder, Left};
use crate::beliefs::order::CREATE_SETTLES_AFTER;
use crate::beliefs::{Beliefs, Foreign};
use crate::event::Event;
use crate::ids::TargetId;
use crate::market::OrderRow;
use crate::money::Amount;
use crate::time::Time;

impl Beliefs {
    /// Leaves an order alone.
    pub(crate) fn leave_order(&mut self, what: KeptOrder, counts_for: Option<TargetId>) {
        self.aside.orders.push(Left::new(what, counts_for));
        self.count_aside();
    }

    /// Leaves a create alone whose order has not been seen.
    pub(crate) fn leave_create(&mut self, what: KeptCreate, counts_for: Option<TargetId>) {
        self.aside.creates.push(Left::new(what, counts_for));
        self.count_aside();
    }

    /// What orders that are left alone cost in this run's coin, by our count or the venue's, whichever is more.
    pub(crate) fn spent_aside(&self, now: Time) -> Amount {
        let ours = self.aside.orders.iter().filter(|left| left.what.currency == Some(self.strategy.currency));
        ours.fold(Amount::ZERO, |sum, left| sum.plus(left.cost(now, self.fee_percent)))
    }

    /// A good my_orders, whose request was sent at `sent_at`: some of these may be over, and some creates be seen.
    pub(crate) fn see_aside(&mut self, rows: &[OrderRow], sent_at: Time, now: Time) {
        if self.aside.orders.is_empty() && self.aside.creates.is_empty() {
            return;
        }
        let tick = self.strategy.venue.tick;
        for mut left in core::mem::take(&mut self.aside.creates) {
            let create = left.what.clone().create(sent_at);
            let coin = left.what.currency.unwrap_or(self.strategy.currency);
            let is_its = |row: &&OrderRow| {
                let is_known = self.aside.has(row.id);
                row.server == left.what.server && !row.expired && !is_known && create.made(row, coin, tick)
            };
            if let Some(row) = rows.iter().find(is_its) {
                let what = left.what.order(row.id, sent_at + self.strategy.venue.lower_every);
                self.aside.orders.push(Left::new(what, left.counts_for));
            } else {
                // Two good lists must agree, the later one long enough after the create.
                let was_absent = left.absent_since.is_some();
                left.absent_since.get_or_insert(sent_at);
                if !was_absent || sent_at.since(create.sent_at) < create.settles_after() {
                    self.aside.creates.push(left);
                }
            }
        }
        for mut left in core::mem::take(&mut self.aside.orders) {
            let row = rows.iter().find(|row| row.id == left.what.id);
            let coin = left.what.currency.unwrap_or(self.strategy.currency);
            if let Some(spend) = row.filter(|row| row.currency.is_none_or(|c| c == coin)).and_then(|row| row.spend) {
                left.tell_spend(spend, sent_at);
            }
            let stands = row.is_some_and(|row| !row.expired);
            let since = if stands { None } else { Some(*left.absent_since.get_or_insert(sent_at)) };
            left.absent_since = since;
            if since.is_none_or(|since| sent_at.since(since) < CREATE_SETTLES_AFTER) {
                self.aside.orders.push(left);
                continue;
            }
            // It was over by the first list that did not show it.
            let over_by = since.unwrap_or(now);
            if coin == self.strategy.currency {
                self.spent_ended = self.spent_ended.plus(left.cost(over_by, self.fee_percent));
            } else if let Some(purse) = self.aside.purse_mut(coin) {
                purse.spent_ended = purse.spent_ended.plus(left.cost(over_by, purse.fee_percent));
            }
        }
        self.count_aside();
    }

    /// That order is counted and left alone, and told of once.
    pub(crate) fn leave_alone(&mut self, row: &OrderRow) {
        let price = row.price.filter(|_| row.currency == Some(self.strategy.currency));
        self.foreign.insert(row.id, Foreign { server: row.server, price });
        let counts_for = self.find(row);
        if self.reported.insert(row.id) {
            self.events.push(Event::ForeignOrder { server: row.server, order: row.id, counts_for });
        }
    }

    /// Tells every target how many servers it has beside those that this run bids on.
    fn count_aside(&mut self) {
        let orders = self.aside.orders.iter().filter_map(|left| left.counts_for);
        let counted: Vec<TargetId> = orders.chain(self.aside.creates.iter().filter_map(|l| l.counts_for)).collect();
        let targets: Vec<TargetId> = self.targets().map(|(id, _)| id).collect();
        for target in targets {
            let count = counted.iter().filter(|id| **id == target).count();
            self.servers.set_aside(target, u32::try_from(count).unwrap_or(u32::MAX));
        }
    }
}
