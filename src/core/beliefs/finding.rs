//! Finding orders that stood at the venue before the run first looked, and that its journal says nothing of.
//!
//! The journal may be new, lost, or an older copy, and the orders ours: placing another one for the same target would
//! rent twice. Nobody knows, so they are left alone like any order that the bot did not make, and those on a server of
//! a target count for it. The user decides: `adopt` takes them over, `beside` places as if they were not there.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::beliefs::found::Found;
use crate::beliefs::order::CREATE_SETTLES_AFTER;
use crate::beliefs::{Beliefs, targets};
use crate::event::Event;
use crate::ids::{OrderId, TargetId};
use crate::market::{Listing, OrderRow};
use crate::selection::likely_target;
use crate::strategy::Choice;
use crate::time::Time;

impl Beliefs {
    /// The orders that the next run may take for the user's, for its memory.
    pub(crate) fn users_orders(&self) -> Vec<OrderId> {
        let foreign = self.foreign.keys().copied();
        foreign.filter(|id| !self.found.has(*id) && !self.aside.has(*id)).collect()
    }

    /// Takes note of an order that is not the bot's, where nobody can know whose it is. Tells which target it counts for.
    pub(crate) fn find(&mut self, row: &OrderRow) -> Option<TargetId> {
        let is_unheard_of = !self.found.looked && row.spot != Some(false) && !self.found.users.contains(&row.id);
        if is_unheard_of && !self.aside.has(row.id) {
            let may_count = |id| self.strategy.target(id).is_some_and(|target| !target.beside);
            let counts_for = likely_target(&self.strategy, row.server, may_count);
            self.found.orders.insert(row.id, Found { server: row.server, counts_for, absent_since: None });
        }
        self.found.orders.get(&row.id).and_then(|found| found.counts_for)
    }

    /// A good my_orders, whose request was sent at `sent_at`, has been gone through: what was not found until now never
    /// will be, and what two lists did not show, the later one long enough after the first, is over.
    pub(crate) fn end_finding(&mut self, rows: &[OrderRow], sent_at: Time) {
        self.found.looked = true;
        if self.found.orders.is_empty() {
            return;
        }
        let live: BTreeSet<OrderId> = rows.iter().filter(|row| !row.expired).map(|row| row.id).collect();
        let claims = &self.servers;
        self.found.orders.retain(|id, found| {
            let is_ours = claims.get(&found.server).and_then(|s| s.claim.order()).is_some_and(|o| o.id == *id);
            let since = if live.contains(id) { None } else { Some(*found.absent_since.get_or_insert(sent_at)) };
            found.absent_since = since;
            !is_ours && since.is_none_or(|since| sent_at.since(since) < CREATE_SETTLES_AFTER)
        });
        self.count_found();
    }

    /// A good marketplace: it shows whether a target that takes what is listed may have taken the servers of these.
    pub(crate) fn place_found(&mut self, listing: &Listing) {
        if self.found.orders.is_empty() {
            return;
        }
        let mut told_otherwise = Vec::new();
        for (order, found) in &mut self.found.orders {
            let by_match = |id| self.strategy.target(id).is_some_and(|t| matches!(t.choice, Choice::Match(_)));
            if !found.counts_for.is_some_and(by_match) {
                continue;
            }
            let Some(listed) = listing.servers.iter().find(|server| server.id == found.server) else { continue };
            let may_have_taken = targets(&self.strategy).find(|(_, t)| !t.beside && t.choice.may_have_taken(listed));
            let counts_for = may_have_taken.map(|(id, _)| id);
            if core::mem::replace(&mut found.counts_for, counts_for) != counts_for {
                told_otherwise.push(Event::ForeignOrder { server: found.server, order: *order, counts_for });
            }
        }
        self.events.append(&mut told_otherwise);
        self.count_found();
    }

    /// Tells every target how many of these count for it.
    fn count_found(&mut self) {
        let all: Vec<TargetId> = targets(&self.strategy).map(|(id, _)| id).collect();
        for target in all {
            let count = self.found.orders.values().filter(|found| found.counts_for == Some(target)).count();
            self.servers.set_found(target, u32::try_from(count).unwrap_or(u32::MAX));
        }
    }
}
