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
use crate::decide::{STUCK_FOR, UNWINNABLE_FOR, standing};
use crate::engine::Engine;
use crate::governing::CREATE_SPACING;
use crate::ids::ServerId;
use crate::ids::TargetId;
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
        let alarm = self.beliefs.quiet_until(now)?;
        let is_still = self.beliefs.wants_nothing(now) && self.beliefs.denials_are_told();
        self.beliefs.denials.clear();
        self.content_until = is_still.then_some(alarm);
        self.content_until
    }
}

impl Beliefs {
    /// The first moment at which time alone could call for a change; `None` while anything is not settled.
    fn quiet_until(&self, now: Time) -> Option<Time> {
        let read = |times: ReadTimes| times.good_at.is_some() && times.good_at == times.tried_at;
        let all_read = read(self.orders_read) && read(self.wallets_read) && read(self.listing_read);
        if !all_read || !self.strays.is_empty() || !self.urgent.is_empty() {
            return None;
        }
        let lacking = |target: TargetId| self.strategy.target(target).filter(|t| self.claimed(target) < t.want);
        let mut alarm = Time::from_ms(i64::MAX);
        let mut ring = |at: Time| {
            if at > now {
                alarm = alarm.min(at);
            }
        };
        self.last_create_end.into_iter().for_each(|end| ring(end + CREATE_SPACING));
        for (id, server) in &self.servers {
            server.blocked_until.into_iter().for_each(&mut ring);
            let repeats = server.market.as_ref().is_some_and(|m| Some(m.sent_at) == server.tried_at);
            match &server.claim {
                Claim::Empty if !server.watched => {}
                Claim::Empty if repeats => {
                    if let Some(target) = lacking(server.target) {
                        ring(self.denied_until(*id, server, target, now)?);
                    }
                }
                Claim::Empty | Claim::Create(_) => return None,
                Claim::Order(order) => {
                    // A read from before our last re-pricing would not come again as it was.
                    let shown = server.market.as_ref().and_then(|m| m.value.mine());
                    let up_to_date = shown.is_some_and(|o| o.id == order.id && order.is_as_shown(o));
                    if !repeats || !up_to_date || order.dead || (order.is_lost() && self.has_choice(server.target)) {
                        return None;
                    }
                    let target = self.target_of(server)?;
                    if let Some(since) = order.idle_since {
                        ring(since + UNWINNABLE_FOR.max(target.bid.raise_wait));
                        ring(since + STUCK_FOR);
                    }
                    ring(order.next_lower_at);
                    ring(order.retry_at);
                    let market = server.market.as_ref()?;
                    let situation = self.situation(*id, market, target, now)?;
                    let opinion = target.policy.keep(&target.bid, &situation, &standing(order, market), &order.policy);
                    opinion.patience.and_then(|patience| patience.until).into_iter().for_each(&mut ring);
                    if !order.fee_counted {
                        ring(order.placed_at + crate::beliefs::CREATION_FEE_AFTER);
                    }
                }
            }
        }
        Some(alarm)
    }

    /// Whether a lost server of that target could be left for another: which one depends on how old every read is.
    fn has_choice(&self, target: TargetId) -> bool {
        self.servers.values().any(|s| s.target == target && s.watched && s.claim == Claim::Empty)
    }

    /// Whether nobody would learn anything from the denials of the last decision.
    fn denials_are_told(&self) -> bool {
        self.denials.iter().all(|(id, denial)| self.servers.get(id).is_some_and(|s| s.denial == Some(*denial)))
    }

    /// Whether no change would be asked for now, were everything read anew with the same answers: a wish that waits only
    /// for a newer read comes true by one that repeats the last.
    fn wants_nothing(&mut self, now: Time) -> bool {
        let claimed = |server: &&mut Server| server.claim != Claim::Empty;
        for server in self.servers.values_mut().filter(claimed) {
            server.market.iter_mut().for_each(|market| market.sent_at = now);
        }
        let orders_read = self.orders_read.good_at.replace(now);
        let change = self.next_change(now, false);
        self.orders_read.good_at = orders_read;
        for server in self.servers.values_mut().filter(claimed) {
            // The last read of each succeeded: see `quiet_until`.
            if let (Some(market), Some(tried_at)) = (&mut server.market, server.tried_at) {
                market.sent_at = tried_at;
            }
        }
        change.is_none()
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
