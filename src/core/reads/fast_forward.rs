//! Jumping over reads that can only repeat the last answer.
//!
//! Most of a backtest is a bot looking at a market that stands still. While an order stands wherever one is wanted and
//! nothing is under way, a read that brings what the last one brought changes nothing but when things were last read,
//! and no change is asked for before some known moment: the next lowering, the end of a wait, a fee. So the reads up to
//! the first one that could bring something else, or up to the first moment at which a wish could differ, are made at
//! once: the same reads, at the same times, with the same numbers, but without looking at their answers. A test compares
//! whole runs with and without the jump.

use crate::beliefs::order::Claim;
use crate::beliefs::{Beliefs, ReadTimes, Server};
use crate::decide::context::Context;
use crate::decide::decision::Held;
use crate::denial::Denial;
use crate::engine::Engine;
use crate::ids::ServerId;
use crate::request::Request;
use crate::strategy::Choice;
use crate::time::{Span, Time};

/// A jump: where it ends, and what was read on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FastForwarded {
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
    pub fn fast_forward(
        &mut self,
        now: Time,
        slot: Span,
        until: Time,
        news: impl Fn(&Request, Time) -> Time,
    ) -> FastForwarded {
        let mut forwarded = FastForwarded { now, reads: 0 };
        let Some(alarm) = self.still_until(now) else { return forwarded };
        let beliefs = &self.beliefs;
        let idle_reads = core::mem::take(&mut self.idle_reads)
            .made_anew(beliefs, slot, |request| beliefs.repeats_until(request, &news));
        let Some(mut idle_reads) = idle_reads else { return forwarded };
        // The list may settle why a server is idle, and how often the list is read depends on that.
        (forwarded.now, forwarded.reads) = idle_reads.read_until(now, alarm.min(until), Some(&Request::Marketplace));
        for (request, at) in idle_reads.made() {
            self.beliefs.note_repeat(request, at);
        }
        self.idle_reads = idle_reads;
        if let Some(listed_at) = self.beliefs.listing_read.good_at.filter(|at| *at >= now) {
            // The list is always the last read of a jump.
            self.beliefs.see_listing_again(listed_at);
        }
        self.count_forwarded(forwarded.reads);
        forwarded
    }

    /// Until when nothing would be asked for but reads, if their answers repeat; `None` where that is not certain.
    fn still_until(&mut self, now: Time) -> Option<Time> {
        if !self.may_fast_forward() || self.beliefs.strategy.limits.max_total_cost.is_some() {
            return None;
        }
        self.content_until = self.beliefs.quiet_until(now);
        self.content_until
    }
}

impl Beliefs {
    /// The first moment at which time alone could call for a change, or a read could bring news of our own doings;
    /// `None` where that may be now.
    fn quiet_until(&self, now: Time) -> Option<Time> {
        let read = |times: ReadTimes| times.good_at.is_some() && times.good_at == times.tried_at;
        let all_read = read(self.orders_read) && read(self.wallets_read) && read(self.listing_read);
        let context = Context { now, leaving: false, reads_repeat: true, lists_holds: false };
        if !all_read || !self.strays.is_empty() || !self.urgent.is_empty() {
            return None;
        }
        let matters = |server: &Server| server.watched || server.claim != Claim::Empty;
        let repeats = self.servers.values().filter(|s| matters(s)).all(Server::repeats);
        if !repeats || !self.must_go(&context).is_empty() {
            return None;
        }
        let mut alarm = Time::from_ms(i64::MAX);
        for (id, server) in self.servers.iter().filter(|(_, s)| matters(s)) {
            let decision = self.decide(*id, server, &context)?;
            // A wish that waits only for a newer read comes true by one that repeats the last.
            let comes_true = decision.wish.turn().is_some() && decision.held != Held::Firmly;
            if comes_true || !decision.denied.iter().all(|(id, denial)| self.is_told(*id, *denial)) {
                return None;
            }
            alarm = alarm.min(decision.until.unwrap_or(alarm)).min(server.next_fee_at().unwrap_or(alarm));
        }
        (alarm > now).then_some(alarm)
    }

    /// Whether nobody would learn anything from that denial.
    fn is_told(&self, id: ServerId, denial: Denial) -> bool {
        self.servers.get(&id).is_some_and(|s| s.denial == Some(denial))
    }

    /// Until when that read brings what it brought last time, and that teaches nothing.
    fn repeats_until(&self, request: &Request, news: impl Fn(&Request, Time) -> Time) -> Time {
        const NOT_AT_ALL: Time = Time::from_ms(i64::MIN);
        const EVER: Time = Time::from_ms(i64::MAX);
        match request {
            Request::SpotMarket { server } => {
                let seen = self.servers.get(server).and_then(|s| s.market.as_ref());
                seen.map_or(NOT_AT_ALL, |seen| news(request, seen.sent_at))
            }
            // The same list ranks candidates anew by what was read of their markets since.
            Request::Marketplace if self.targets().any(|(_, t)| matches!(t.choice, Choice::Match(_))) => NOT_AT_ALL,
            Request::Marketplace => self.listing_read.good_at.map_or(NOT_AT_ALL, |at| news(request, at)),
            Request::MyOrders => {
                let unlisted = self.servers.values().filter_map(|s| s.claim.order()).any(|order| !order.listed);
                if unlisted { NOT_AT_ALL } else { EVER }
            }
            _ => EVER,
        }
    }

    /// A read that brought what the last one brought.
    fn note_repeat(&mut self, request: &Request, at: Time) {
        let times = ReadTimes { tried_at: Some(at), good_at: Some(at) };
        match *request {
            Request::MyOrders => self.orders_read = times,
            Request::Wallets => self.wallets_read = times,
            Request::Marketplace => self.listing_read = times,
            Request::SpotMarket { server } => self.note_market_repeat(server, at),
            Request::AllOrders | Request::Create { .. } | Request::Reprice { .. } | Request::Cancel { .. } => {}
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

impl Server {
    /// Whether its market, read again, can only show what the last read showed, our own doings included.
    fn repeats(&self) -> bool {
        let Some(market) = self.market.as_ref().filter(|m| Some(m.sent_at) == self.tried_at) else { return false };
        match &self.claim {
            Claim::Empty => true,
            Claim::Create(_) => false,
            // A read from before our last re-pricing would not come again as it was.
            Claim::Order(order) => market.value.mine().is_some_and(|o| o.id == order.id && order.is_as_shown(o)),
        }
    }
}
