//! Jumping over reads that can only repeat the last answer.
//!
//! Most of a backtest is a bot looking at a market that stands still. While everything wanted is held and nothing is
//! under way, a read that brings what the last one brought changes nothing but when things were last read, and no change
//! is asked for before some known moment: the next lowering, the end of a wait, a fee. So the reads up to the first
//! moment at which an answer or a wish could differ are made at once: the same reads, at the same times, with the same
//! numbers, but without looking at their answers. A test compares whole runs with and without the jump.

use alloc::vec::Vec;

use crate::ask::Request;
use crate::book::{Book, ReadTimes};
use crate::engine::Engine;
use crate::governing::CREATE_SPACING;
use crate::market::ServerId;
use crate::order::{Hand, Order};
use crate::rota::Rota;
use crate::time::{Span, Time};

/// A jump: where it ends, and what was read on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    /// When the next request may be made: ask [`Engine::next`] then.
    pub now: Time,
    /// How many reads were made.
    pub reads: u64,
}

impl Engine {
    /// Makes every read from `now` on that can only repeat the last answer, one each `slot`.
    ///
    /// `news(request, since)`: when the venue's answer to that read first becomes another than it was at `since`, our own
    /// doings aside; `until`: no further than this. The venue must be one that answers at once. Does nothing, and says
    /// so by no reads, unless all stands still.
    pub fn skip_repeats(
        &mut self,
        now: Time,
        slot: Span,
        until: Time,
        news: impl Fn(&Request, Time) -> Time,
    ) -> Skipped {
        let mut skipped = Skipped { now, reads: 0 };
        let Some(alarm) = self.still_until(now) else { return skipped };
        let limit = self.book.first_news(news).min(alarm).min(until);
        let Some(mut rota) = Rota::of(&self.book, slot) else { return skipped };
        // The list may settle why a server is idle, and how often the list is read depends on that.
        (skipped.now, skipped.reads) = rota.read_until(now, limit, Some(&Request::Marketplace));
        for (request, at) in rota.made() {
            self.book.note_repeat(request, at);
        }
        self.count_skipped(skipped.reads);
        skipped
    }

    /// Until when nothing would be asked for but reads, if their answers repeat; `None` where that is not certain.
    fn still_until(&mut self, now: Time) -> Option<Time> {
        if !self.may_skip() || self.book.strategy.limits.max_total_cost.is_some() {
            return None;
        }
        let alarm = self.book.quiet_until(now)?;
        self.book.wants_nothing(now).then_some(alarm)
    }
}

impl Book {
    /// The first moment at which time alone could call for a change; `None` while anything is not settled.
    fn quiet_until(&self, now: Time) -> Option<Time> {
        let all_held = self.targets().all(|(id, target)| self.in_hand(id) == target.want);
        let read = |times: ReadTimes| times.good_at.is_some() && times.good_at == times.tried_at;
        let all_read = read(self.orders_read) && read(self.wallets_read) && read(self.listing_read);
        if !all_held || !all_read || !self.strays.is_empty() || !self.urgent.is_empty() {
            return None;
        }
        let mut alarm = Time::from_ms(i64::MAX);
        let mut ring = |at: Time| {
            if at > now {
                alarm = alarm.min(at);
            }
        };
        self.last_create_end.into_iter().for_each(|end| ring(end + CREATE_SPACING));
        for server in self.servers.values() {
            server.blocked_until.into_iter().for_each(&mut ring);
            let repeats = server.market.as_ref().is_some_and(|m| Some(m.sent_at) == server.tried_at);
            match &server.hand {
                Hand::Empty if repeats || !server.watched => {}
                Hand::Empty | Hand::Create(_) => return None,
                Hand::Order(order) => {
                    // A read from before our last re-pricing would not come again as it was.
                    let shown = server.market.as_ref().and_then(|m| m.value.mine());
                    let up_to_date = shown.is_some_and(|o| o.id == order.id && o.bid == order.bid && o.active);
                    if !repeats || !up_to_date || !rests(order) {
                        return None;
                    }
                    let target = self.target_of(server)?;
                    ring(order.next_lower_at);
                    ring(order.retry_at);
                    ring(order.stay_until);
                    order.slack_since.into_iter().for_each(|since| ring(since + target.bid.lower_after));
                    if !order.fee_counted {
                        ring(order.placed_at + crate::book::CREATION_FEE_AFTER);
                    }
                }
            }
        }
        Some(alarm)
    }

    /// Whether no change would be asked for now, were everything read anew with the same answers: a wish that waits only
    /// for a newer read comes true by one that repeats the last.
    fn wants_nothing(&mut self, now: Time) -> bool {
        let mut read: Vec<(ServerId, Time)> = Vec::with_capacity(self.servers.len());
        for (id, server) in self.servers.iter_mut().filter(|(_, server)| server.hand != Hand::Empty) {
            if let Some(market) = &mut server.market {
                read.push((*id, core::mem::replace(&mut market.sent_at, now)));
            }
        }
        let orders_read = self.orders_read.good_at.replace(now);
        let change = self.next_change(now, false);
        self.orders_read.good_at = orders_read;
        for (id, sent_at) in read {
            if let Some(market) = self.servers.get_mut(&id).and_then(|server| server.market.as_mut()) {
                market.sent_at = sent_at;
            }
        }
        change.is_none()
    }

    /// When any read first brings something else than it did last time.
    fn first_news(&self, news: impl Fn(&Request, Time) -> Time) -> Time {
        let listing = self.listing_read.good_at.map(|at| news(&Request::Marketplace, at));
        let markets = self.servers.iter().filter_map(|(id, server)| {
            let seen = server.market.as_ref()?;
            let is_read = server.watched || server.hand != Hand::Empty;
            is_read.then(|| news(&Request::SpotMarket { server: *id }, seen.sent_at))
        });
        markets.chain(listing).min().unwrap_or(Time::from_ms(i64::MAX))
    }

    /// A read that brought what the last one brought.
    fn note_repeat(&mut self, request: &Request, at: Time) {
        let times = ReadTimes { tried_at: Some(at), good_at: Some(at) };
        match *request {
            Request::MyOrders => self.orders_read = times,
            Request::Wallets => self.wallets_read = times,
            Request::Marketplace => self.listing_read = times,
            Request::SpotMarket { server } => self.note_market_repeat(server, at),
            Request::Create { .. } | Request::Reprice { .. } | Request::Cancel { .. } => {}
        }
    }

    fn note_market_repeat(&mut self, id: ServerId, at: Time) {
        if let Some(server) = self.servers.get_mut(&id) {
            server.tried_at = Some(at);
            if let Some(market) = &mut server.market {
                market.sent_at = at;
            }
        }
    }
}

/// Whether an order holds its server, is on top and has nothing under way.
fn rests(order: &Order) -> bool {
    order.holding
        && order.listed
        && !order.dead
        && order.cancel.is_none()
        && order.unsettled.is_none()
        && order.missing_since.is_none()
        && order.lost_since.is_none()
        && order.idle_since.is_none()
}
