//! Making what we believe agree with what the venue shows.
//!
//! What holds after each good read:
//! - I6: a create whose outcome is unknown ends only by being seen, or by two good my_orders reads without it, the later
//!   sent at least 120 s after the create. Until then it counts as an order.
//! - I7: every order of ours that the read shows is adopted or reported.
//! - I12: an order that the bot did not make is counted and left alone, unless its target says `adopt`.
//!
//! A read that failed never comes here: no answer is not an empty answer.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::beliefs::order::{Claim, Create, Dead, Order, Word, rank};
use crate::beliefs::server::lateness;
use crate::beliefs::servers::Group;
use crate::beliefs::{Beliefs, Facts, Seen, Server, Stray};
use crate::event::Cause;
use crate::ids::{OrderId, ServerId};
use crate::market::{ListedServer, Listing, Market, Offer, OrderRow, Wallet};
use crate::money::Price;
use crate::strategy::Choice;
use crate::time::{Span, Time};
use rust_decimal::Decimal;

pub use crate::beliefs::order::CREATE_SETTLES_AFTER;

/// A new order can take this long to appear in my_orders; until then its absence there says nothing.
pub(crate) const APPEARS_WITHIN: Span = Span::from_secs(30);
/// A cancelled order that is still listed after this long is not a late listing.
const DISAPPEARS_WITHIN: Span = Span::from_secs(60);
/// After the venue called an order dead that holds its server, it is not re-priced for this long.
const REPRICE_LATER: Span = Span::from_secs(60);
/// What was read of a listed server's market ranks it among the others for this long.
const RANKED_FOR: Span = Span::from_secs(600);

impl Beliefs {
    /// A good spot_marketplace, whose request was sent at `sent_at`.
    pub(crate) fn see_market(&mut self, market: &Market, sent_at: Time, now: Time) {
        let id = market.server;
        let market = &*self.with_ours_known(market);
        let late = lateness(sent_at, now);
        self.late = late;
        if self.see_repeated(market, sent_at, late) {
            return;
        }
        let tick = self.strategy.venue.tick;
        let quote = market.quote(self.strategy.currency, tick);
        let Some(server) = self.servers.get(&id) else { return };
        let margin = self.target_of(server).map(|target| target.bid.margin);
        let goal = margin.zip(quote.least_winning).map(|(margin, least)| (margin, margin.above(least, tick)));
        let seen = Seen { value: market.clone(), sent_at, late, quote, goal };
        match &server.claim {
            Claim::Order(order) => {
                let order_id = order.id;
                match market.offers.iter().find(|o| o.mine && o.id == order_id) {
                    Some(offer) => self.see_our_offer(*offer, &seen, now),
                    None => self.miss_our_offer(id, &seen, now),
                }
            }
            Claim::Create(create) => {
                let is_its = |o: &Offer| match create.word {
                    Word::Accepted => true,
                    Word::Nothing => o.bid.shows(create.bid, tick),
                    // The order that stands there may be an older one, or the user's own: the list tells its age.
                    Word::AlreadyThere => false,
                };
                let is_new = |o: &&Offer| {
                    let is_free = self.may_be_new(create, server, o.id) && !self.foreign.contains_key(&o.id);
                    o.mine && is_free && is_its(o)
                };
                let new = market.offers.iter().find(is_new);
                if let Some(offer) = new.copied() {
                    self.found_created(id, offer.id, Cause::Seen, now);
                    self.see_our_offer(offer, &seen, now);
                }
            }
            Claim::Empty => {}
        }
        self.servers.change(id, |server| server.market = Some(seen));
    }

    /// That market with every offer marked as ours whose number is that of an order of our account, whatever the venue
    /// says of it: we would bid against ourselves.
    fn with_ours_known<'a>(&self, market: &'a Market) -> Cow<'a, Market> {
        let server = self.servers.get(&market.server);
        let is_known = |id: OrderId| {
            server.is_some_and(|s| s.claim.order().is_some_and(|o| o.id == id) || s.has_ended(id).is_some())
                || self.strays.contains_key(&id)
                || self.foreign.contains_key(&id)
        };
        if market.offers.iter().all(|o| o.mine || !is_known(o.id)) {
            return Cow::Borrowed(market);
        }
        let mut corrected = market.clone();
        corrected.offers.iter_mut().for_each(|o| o.mine |= is_known(o.id));
        Cow::Owned(corrected)
    }

    /// Takes note of a market that shows what the last read showed, where that can teach nothing else.
    fn see_repeated(&mut self, market: &Market, sent_at: Time, late: Span) -> bool {
        let Some(server) = self.servers.get(&market.server) else { return true };
        let Some(seen) = server.market.as_ref().filter(|seen| seen.value == *market) else { return false };
        let is_known = match &server.claim {
            Claim::Empty => true,
            Claim::Create(_) => false,
            Claim::Order(order) => {
                let shown = seen.value.offers.iter().find(|o| o.mine && o.id == order.id);
                shown.is_some_and(|offer| order.is_as_shown(offer))
            }
        };
        if is_known {
            self.servers.note_repeat(market.server, sent_at, late);
        }
        is_known
    }

    /// The book shows our offer: its price and whether it holds the server are the truth.
    fn see_our_offer(&mut self, offer: Offer, seen: &Seen, now: Time) {
        let cause = if offer.active { Cause::Won } else { why_inactive(&offer, seen) };
        let tick = self.strategy.venue.tick;
        self.shift(seen.value.server, now, cause, |server| {
            let Some(order) = server.claim.order_mut() else { return };
            let holds = offer.active && order.cancel.as_ref().is_none_or(|c| c.accepted_at.is_none());
            order.bid = order.price_shown(offer.bid, tick);
            if order.unsettled.is_some_and(|to| to == order.bid) {
                order.failures = 0;
            }
            let rank = seen.goal.map(|(_, goal)| rank(order.bid, holds, &seen.quote, goal));
            order.unsettled = None;
            order.position = order.position.shown(holds, rank, now);
            order.ever_held |= holds;
            if order.dead.is_some() && seen.sent_at >= order.changed_at {
                // What holds its server is not dead, whatever the venue said of it.
                order.dead = (!offer.active).then_some(Dead::Surely);
                order.retry_at = now + REPRICE_LATER;
            }
        });
    }

    /// The book does not show our order: it holds nothing, and my_orders must tell whether it still stands.
    fn miss_our_offer(&mut self, id: ServerId, seen: &Seen, now: Time) {
        let gone = self.servers.get(&id).and_then(|s| s.claim.order()).is_some_and(|o| {
            // The venue accepted the cancellation and the book agrees: two witnesses.
            o.cancel.as_ref().is_some_and(|c| c.accepted_at.is_some())
        });
        if gone {
            return self.end(id, now, Cause::Cancelled);
        }
        let cause = match self.servers.get(&id).and_then(|s| s.claim.order()) {
            Some(order) if seen.quote.best_rival.is_some_and(|r| r >= order.bid) => Cause::Rival,
            _ => Cause::OfferMissing,
        };
        self.shift(id, now, cause, |server| {
            let Some(order) = server.claim.order_mut() else { return };
            order.position = order.position.missed(seen.goal.is_some(), now);
            if order.dead.is_some() && seen.sent_at >= order.changed_at {
                order.dead = Some(Dead::Surely);
            }
        });
        let is_certain = |s: &Server| s.claim.order().is_some_and(|o| o.position.is_certainly_missing());
        if !self.servers.get(&id).is_some_and(is_certain) {
            self.servers.set_urgent(id, true);
        }
    }

    /// A good my_orders, whose request was sent at `sent_at`. It is complete: what is not in it is not listed.
    pub(crate) fn see_orders(&mut self, rows: &[OrderRow], sent_at: Time, now: Time) {
        let by_id: BTreeMap<OrderId, &OrderRow> = rows.iter().map(|r| (r.id, r)).collect();
        self.orders_tell_more = false;
        let mut last = None;
        while let Some(id) = self.servers.next_of(Group::Claimed, last) {
            last = Some(id);
            match self.servers.get(&id).map(|s| &s.claim) {
                Some(Claim::Order(order)) => match by_id.get(&order.id) {
                    Some(row) if row.expired => self.see_expired(id, row, sent_at, now),
                    Some(row) => self.see_listed(id, row, sent_at, now),
                    None => self.miss_listed(id, sent_at, now),
                },
                Some(Claim::Create(_)) => self.look_for_created(id, rows, sent_at, now),
                Some(Claim::Empty) | None => {}
            }
        }
        self.see_aside(rows, sent_at, now);
        let strays = self.strays.len();
        self.strays.retain(|id, _| by_id.get(id).is_some_and(|row| !row.expired));
        let foreign = core::mem::take(&mut self.foreign);
        for row in rows.iter().filter(|r| !r.expired) {
            self.account_for(row, sent_at, now);
        }
        self.end_finding(rows, sent_at);
        if strays != self.strays.len() || foreign != self.foreign {
            self.servers.touch_all();
        }
    }

    fn see_listed(&mut self, id: ServerId, row: &OrderRow, sent_at: Time, now: Time) {
        self.see_bill(id, row, now);
        let before = (self.fee_percent, self.creation_fee);
        let is_sane = |percent: &Decimal| *percent >= Decimal::ZERO && *percent <= Decimal::ONE_HUNDRED;
        if let Some(percent) = row.fee_percent.filter(is_sane) {
            self.fee_percent = percent;
        }
        if let Some(fee) = row.creation_fee.filter(|_| row.currency == Some(self.strategy.currency)) {
            self.creation_fee = fee;
        }
        if before != (self.fee_percent, self.creation_fee) {
            self.servers.touch_all();
        }
        let tick = self.strategy.venue.tick;
        self.servers.change_order(id, |order| {
            order.listed = true;
            order.unlisted_since = None;
            if let (Some(to), true) = (order.unsettled, order.position.missing_since().is_some()) {
                // The book does not show it, so the list must tell; where it tells neither price, the worse one counts.
                let is_either = |p: &Price| p.shows(to, tick) || p.shows(order.bid, tick);
                order.bid = row.price.filter(is_either).map_or(order.worst_bid(), |p| order.price_shown(p, tick));
                order.unsettled = None;
            }
            if let Some(cancel) = &mut order.cancel
                && cancel.accepted_at.is_some_and(|at| sent_at.since(at) >= APPEARS_WITHIN)
            {
                // Accepted, and yet it stands: ask again.
                cancel.accepted_at = None;
            }
        });
    }

    /// my_orders does not list our order. It is gone if the book does not show it either: one list alone may be wrong, and
    /// an order wrongly given up frees its server for a second one.
    fn miss_listed(&mut self, id: ServerId, sent_at: Time, now: Time) {
        let Some(order) = self.servers.get(&id).and_then(|s| s.claim.order()) else { return };
        let is_cancelled = order.cancel.as_ref().is_some_and(|c| c.accepted_at.is_some());
        let is_late = !order.listed && now.since(order.placed_at) < APPEARS_WITHIN;
        // A list that never showed it may be later still: then one look at the book is not enough.
        let position = order.position;
        let is_missed = if order.listed { position.missing_since().is_some() } else { position.is_certainly_missing() };
        let is_gone = is_missed || order.dead == Some(Dead::SaidGone);
        if is_cancelled {
            self.end(id, now, Cause::Cancelled);
        } else if is_late {
            self.servers.set_urgent(id, true);
        } else if is_gone {
            self.end(id, now, Cause::Vanished);
        } else {
            self.doubt_listed(id, sent_at, now, Cause::Vanished);
        }
    }

    /// my_orders lists our order as over. What the book shows to hold its server is looked at once more.
    fn see_expired(&mut self, id: ServerId, row: &OrderRow, sent_at: Time, now: Time) {
        self.see_bill(id, row, now);
        if self.servers.get(&id).and_then(|s| s.claim.order()).is_some_and(Order::holds) {
            self.doubt_listed(id, sent_at, now, Cause::Expired);
        } else {
            self.end(id, now, Cause::Expired);
        }
    }

    /// my_orders says that our order is over, and the book has not said so: it is read again. Where it can't be read, a
    /// second list must say the same long enough after the first.
    fn doubt_listed(&mut self, id: ServerId, sent_at: Time, now: Time, cause: Cause) {
        let since = self.servers.change(id, |s| s.claim.order_mut().map(|o| *o.unlisted_since.get_or_insert(sent_at)));
        let Some(since) = since.flatten() else { return };
        let is_read = self.servers.get(&id).and_then(|s| s.market.as_ref()).is_some_and(|m| m.sent_at >= since);
        if !is_read && sent_at.since(since) >= CREATE_SETTLES_AFTER {
            return self.end(id, now, cause);
        }
        self.servers.set_urgent(id, true);
    }

    /// Looks for the order of a create that has not been seen, and settles it when it can be neither seen nor coming.
    fn look_for_created(&mut self, id: ServerId, rows: &[OrderRow], sent_at: Time, now: Time) {
        let Some(server) = self.servers.get(&id) else { return };
        let Claim::Create(create) = &server.claim else { return };
        let (currency, tick) = (self.strategy.currency, self.strategy.venue.tick);
        let is_new = |row: &&OrderRow| row.server == id && self.may_be_new(create, server, row.id);
        let fits = |row: &&OrderRow| match create.word {
            // There can be only one, and it may have been re-priced by somebody since.
            Word::Accepted if !row.expired && row.spot == Some(true) => true,
            Word::Accepted | Word::Nothing | Word::AlreadyThere => create.made(row, currency, tick),
        };
        let newest = rows.iter().filter(is_new).filter(fits).max_by_key(|row| (!row.expired, row.created, row.id));
        let newest = newest.map(|row| (row.id, row.expired));
        let is_due = create.absent_reads >= 1 && sent_at.since(create.sent_at) >= create.settles_after();
        let stands_another = || rows.iter().filter(is_new).any(|row| !row.expired && row.spot != Some(false));
        // An order that the list puts on no server may be the one.
        let is_unplaced = |row: &OrderRow| {
            let is_its = row.server == ServerId::UNKNOWN && !row.expired && self.may_be_new(create, server, row.id);
            is_its && create.made(row, currency, tick)
        };
        if newest.is_none() && rows.iter().any(is_unplaced) {
            return;
        }
        let is_explained = create.word == Word::AlreadyThere && stands_another();
        match newest {
            Some((order, expired)) => {
                self.found_created(id, order, Cause::Seen, now);
                self.servers.change_order(id, |order| order.listed = true);
                self.orders_tell_more = true;
                if expired {
                    self.end(id, now, Cause::Expired);
                }
            }
            None if is_due => self.give_up_created(id, now),
            None if is_explained => self.end(id, now, Cause::Refused),
            None => {
                self.servers.change(id, |server| {
                    if let Claim::Create(create) = &mut server.claim {
                        create.absent_reads = create.absent_reads.saturating_add(1);
                    }
                });
            }
        }
    }

    /// Whether that number may be the one that a create on that server got.
    fn may_be_new(&self, create: &Create, server: &Server, order: OrderId) -> bool {
        !create.before.contains(&order) && server.has_ended(order).is_none() && !self.strays.contains_key(&order)
    }

    /// The order of a create has been seen. When it may be lowered is in doubt only if we did not just make it.
    fn found_created(&mut self, id: ServerId, order: OrderId, cause: Cause, now: Time) {
        let policy = self.servers.get(&id).and_then(|s| self.target_of(s)).map(|t| t.policy.clone());
        self.shift(id, now, cause, |server| {
            if let Claim::Create(Create { bid, sent_at, .. }) = server.claim {
                let mut order = Order::new(order, bid, sent_at, sent_at);
                policy.iter().for_each(|p| order.policy = p.placed(sent_at, server.last_bid.is_some()));
                server.take(order);
            }
        });
    }

    /// One live row of my_orders that may be the order we know, a stray of ours, somebody else's doing, or to be adopted.
    fn account_for(&mut self, row: &OrderRow, sent_at: Time, now: Time) {
        let server = self.servers.get(&row.server);
        if self.strays.contains_key(&row.id) || server.and_then(|s| s.claim.order()).is_some_and(|o| o.id == row.id) {
            return;
        }
        if self.aside.has(row.id) {
            return self.leave_alone(row);
        }
        if let Some(ended_at) = server.and_then(|s| s.has_ended(row.id)) {
            if sent_at.since(ended_at) >= DISAPPEARS_WITHIN {
                let bid = row.price.unwrap_or(self.strategy.limits.max_bid);
                self.strays.insert(row.id, Stray { server: row.server, bid, asked_at: None, limit: None });
            }
            return;
        }
        if self.take_back(row, now) {
            return;
        }
        let server = self.servers.get(&row.server);
        // Never more than are wanted: the surplus would be cancelled, and it is not ours to cancel.
        let may_adopt = server.is_some_and(|s| {
            let wanting = self.target_of(s).is_some_and(|t| t.adopt && self.claimed(s.target) < t.want);
            s.claim == Claim::Empty && row.spot == Some(true) && wanting
        });
        if let (true, Some(price)) = (may_adopt, row.price.filter(|_| row.currency == Some(self.strategy.currency))) {
            // Nobody knows when it was last lowered: the full window is the safe answer.
            let next_lower_at = now + self.lower_every(now);
            let placed_at = row.created.unwrap_or(now).min(now);
            let policy = server.and_then(|s| self.target_of(s)).map(|t| t.policy.clone());
            self.shift(row.server, now, Cause::Adopted, |server| {
                let mut order = Order::new(row.id, price, placed_at, next_lower_at);
                order.listed = true;
                // What it cost before was not our doing.
                order.bill.counted_to = Some(now);
                policy.iter().for_each(|p| order.policy = p.placed(placed_at, false));
                server.take(order);
            });
            self.orders_tell_more = true;
            return;
        }
        self.leave_alone(row);
    }

    /// A good wallets.
    pub(crate) fn see_wallets(&mut self, wallets: &[Wallet]) {
        let balance = wallets.iter().find(|w| w.currency == self.strategy.currency).and_then(|w| w.balance);
        if balance != self.balance {
            self.balance = balance;
            self.servers.touch_all();
        }
    }

    /// A good marketplace.
    pub(crate) fn see_listing(&mut self, listing: &Listing, now: Time) {
        let currency = self.strategy.currency;
        self.hosted = listing.my_servers.iter().copied().collect();
        let mut candidates = Vec::with_capacity(self.strategy.targets.len());
        let mut facts = BTreeMap::new();
        let mut note = |s: &ListedServer| {
            facts.insert(
                s.id,
                Facts {
                    on_demand: s.on_demand.get(currency),
                    on_demand_before: self.facts.get(&s.id).and_then(|f| f.on_demand),
                    floor: s.spot.get(currency),
                    rented: s.rented,
                    takes_currency: s.takes(currency),
                },
            );
        };
        for target in &self.strategy.targets {
            let taken = listing.servers.iter().filter(|s| target.choice.takes(s, currency));
            match &target.choice {
                Choice::Servers(ids) => {
                    taken.for_each(&mut note);
                    candidates.push(ids.clone());
                }
                Choice::Match(_) => {
                    let mut found: Vec<&ListedServer> = taken.filter(|s| !s.rented).collect();
                    found.sort_by_key(|s| (self.rank(s, now), s.id));
                    found.iter().for_each(|s| note(s));
                    candidates.push(found.iter().map(|s| s.id).filter(|id| !self.hosted.contains(id)).collect());
                }
            }
        }
        for server in listing.servers.iter().filter(|s| self.servers.contains_key(&s.id)) {
            note(server);
        }
        let is_rented = |id: &ServerId| facts.get(id).is_some_and(|f| f.rented);
        self.rented = candidates.iter().map(|of_target| of_target.iter().any(is_rented)).collect();
        self.facts = facts;
        self.candidates = candidates;
        self.place_found(listing);
        self.forget_markets(now);
        self.servers.touch_all();
    }

    /// The same list once more: only old reads are let go of, and what it says has been said twice.
    pub(crate) fn see_listing_again(&mut self, now: Time) {
        let mut is_news = false;
        for facts in self.facts.values_mut().filter(|f| f.on_demand_before != f.on_demand) {
            (facts.on_demand_before, is_news) = (facts.on_demand, true);
        }
        if is_news {
            self.servers.touch_all();
        }
        let is_old = |s: &Server| s.claim == Claim::Empty && s.market.is_some() && s.fresh(now, RANKED_FOR).is_none();
        if self.servers.values().any(is_old) {
            self.forget_markets(now);
        }
    }

    /// Lets go of old reads, and of servers that are not candidates any longer and of which nothing else is known.
    fn forget_markets(&mut self, now: Time) {
        let is_old = |s: &Server| s.claim == Claim::Empty && s.market.is_some() && s.fresh(now, RANKED_FOR).is_none();
        let old: Vec<ServerId> = self.servers.iter().filter(|(_, s)| is_old(s)).map(|(id, _)| *id).collect();
        for id in old {
            self.servers.change(id, |server| server.market = None);
        }
        self.watch_candidates();
    }

    /// What a listed server would cost, as far as known. The list shows floors and no rivals: where a read of the last
    /// minutes saw the market, that counts, so that beaten or closed servers make room for others to be looked at.
    fn rank(&self, listed: &ListedServer, now: Time) -> Option<Price> {
        let floor = listed.spot.get(self.strategy.currency);
        match self.servers.get(&listed.id).and_then(|s| s.fresh(now, RANKED_FOR)) {
            Some(market) if !market.value.is_open() => Some(Price::MAX),
            Some(market) => market.quote.least_winning.or(floor),
            None => floor,
        }
    }
}

fn why_inactive(offer: &Offer, seen: &Seen) -> Cause {
    let quote = &seen.quote;
    if !seen.value.is_open() {
        Cause::Offline
    } else if quote.floor.is_some_and(|floor| floor > offer.bid) {
        Cause::Floor
    } else if quote.best_rival.is_some_and(|rival| rival >= offer.bid) {
        Cause::Rival
    } else {
        Cause::Inactive
    }
}
