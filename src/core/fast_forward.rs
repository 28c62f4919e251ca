//! Jumping over reads that can only repeat the last answer.
//!
//! Most of a backtest is a bot looking at a market that stands still. While nothing is under way, a read that brings
//! what the last one brought changes nothing but when things were last read, and no change is asked for before some
//! known moment: the next lowering, the end of a wait, a fee. So the reads up to the first one that could bring something
//! else, or up to the first moment at which a wish could differ, are made at once: the same reads, at the same times,
//! with the same numbers, but without looking at their answers. A test compares whole runs with and without the jump.

use alloc::collections::VecDeque;

use crate::beliefs::order::Claim;
use crate::beliefs::queues::{Class, LIVE, STARVING, Turn, urgency};
use crate::beliefs::servers::Group;
use crate::beliefs::{Beliefs, ReadTimes, Server};
use crate::decide::context::{Context, Repeats};
use crate::decide::decision::Held;
use crate::denial::Denial;
use crate::engine::Engine;
use crate::ids::ServerId;
use crate::reads::schedule::{Need, Overdue, account_needs, first_due, most_overdue};
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

/// A read that is not known to repeat the last one.
const NOT_AT_ALL: Time = Time::from_ms(i64::MIN);
/// Those of which nothing is held.
const IDLE: [Class; 3] = [Class::Wanted, Class::Near, Class::Spare];
/// A read that always repeats the last one.
const EVER: Time = Time::from_ms(i64::MAX);

impl Engine {
    /// Makes every read from `now` on that can only repeat the last answer, one each `slot`.
    ///
    /// `news(request, since)`: when the venue's answer to that read first becomes another than it was at `since`, our own
    /// doings aside, which is asked once for each `since`; `until`: no further than this. The venue must be one that
    /// answers at once. Does nothing, and says so by no reads, unless all stands still.
    pub fn fast_forward(
        &mut self,
        now: Time,
        slot: Span,
        until: Time,
        news: impl Fn(&Request, Time) -> Time,
    ) -> FastForwarded {
        let mut forwarded = FastForwarded { now, reads: 0 };
        let Some(alarm) = self.still_until(now, &news) else { return forwarded };
        let accounts = account_needs(&self.beliefs);
        let news_at = self.beliefs.account_news(&accounts, &news);
        let patience = patience(&self.beliefs, &accounts, slot);
        let mut walk = Walk { beliefs: &mut self.beliefs, slot, accounts, news_at, patience, singles: 0 };
        (forwarded.now, forwarded.reads) = walk.read_until(now, alarm.min(until));
        let accounts = walk.accounts;
        self.beliefs.note_repeats(&accounts, now);
        self.beliefs.learn_repeats(now);
        if let Some(listed_at) = self.beliefs.listing_read.good_at.filter(|at| *at >= now) {
            // The list is always the last read of a jump. That it is new may settle why an order is idle.
            self.beliefs.see_listing_again(listed_at);
            if self.beliefs.servers.touch_group(Group::Lost) {
                self.content_until = None;
            }
        }
        self.count_forwarded(forwarded.reads);
        forwarded
    }

    /// Until when nothing would be asked for but reads, if their answers repeat; `None` where that is not certain.
    fn still_until(&mut self, now: Time, news: &impl Fn(&Request, Time) -> Time) -> Option<Time> {
        if !self.may_fast_forward() || self.beliefs.strategy.limits.max_total_cost.is_some() {
            return None;
        }
        let beliefs = &mut self.beliefs;
        if !beliefs.is_settled(&context(now, Repeats::OrdersAndMarket)) {
            return None;
        }
        beliefs.touch_what_limits_bind();
        while let Some((_, id)) = self.agenda.first().filter(|(until, _)| *until <= now) {
            self.agenda.set(id, None);
            beliefs.servers.touch(id);
        }
        while let Some(id) = beliefs.servers.first_touched() {
            let rest = beliefs.rest(id, now, news)?;
            self.agenda.set(id, (rest.until < EVER).then_some(rest.until));
            beliefs.servers.expect_news(id, rest.news_at);
            beliefs.servers.untouch(id);
        }
        let alarm = self.agenda.first().map_or(EVER, |(until, _)| until);
        self.content_until = Some(alarm.min(beliefs.estimates_fresh_until(now)?));
        self.content_until
    }
}

impl Beliefs {
    /// Whether nothing is under way that a read might settle, or a request, and nothing is wanted of all orders together.
    fn is_settled(&self, context: &Context) -> bool {
        let read = |times: ReadTimes| times.good_at.is_some() && times.good_at == times.tried_at;
        let all_read = read(self.orders_read) && read(self.wallets_read) && read(self.listing_read);
        all_read
            && self.strays.is_empty()
            && !self.servers.any_urgent()
            && self.servers.of(Group::Uncertain).is_empty()
            && self.must_go(context).is_empty()
    }

    /// A wish that a limit holds back may come true when another bid changes.
    fn touch_what_limits_bind(&mut self) {
        let limits = &self.strategy.limits;
        if self.servers.take_bids_changed() && (limits.max_daily_cost.is_some() || limits.max_orders.is_some()) {
            self.servers.touch_all();
        }
    }

    /// Until when nothing but reads of its market could call for a change on that server, and which read could; `None`
    /// where something is wanted now, or might be.
    fn rest(&self, id: ServerId, now: Time, news: &impl Fn(&Request, Time) -> Time) -> Option<Rest> {
        let at_rest = Some(Rest { until: EVER, news_at: EVER });
        let Some(server) = self.servers.get(&id) else { return at_rest };
        let is_empty = server.claim == Claim::Empty;
        if is_empty && !server.watched {
            return at_rest;
        }
        if let Some(seen) = server.market.as_ref().filter(|_| shows_what_stands(server))
            && let Some(until) = self.content_until(id, server, &context(now, Repeats::OrdersAndMarket))
        {
            return Some(Rest { until, news_at: news(&Request::SpotMarket { server: id }, seen.sent_at) });
        }
        if is_empty && self.servers.lacks(server.target) {
            return None;
        }
        // Until it is read the last read only grows older, and nothing is done on an old one.
        let until = self.content_until(id, server, &context(now, Repeats::Orders))?;
        Some(Rest { until, news_at: NOT_AT_ALL })
    }

    /// The first moment at which time alone could call for a change on that server; `None` where one is wanted, or
    /// something would be learnt from what is denied.
    fn content_until(&self, id: ServerId, server: &Server, context: &Context) -> Option<Time> {
        let decision = self.decide(id, server, context)?;
        // A wish that waits only for newer reads comes true by those that repeat the last.
        let waits_in_vain = match context.repeats {
            Repeats::OrdersAndMarket => decision.held == Held::Firmly,
            Repeats::Nothing | Repeats::Orders => decision.is_held(),
        };
        let comes_true = decision.wish.turn().is_some() && !waits_in_vain;
        if comes_true || !decision.denied.iter().all(|(id, denial)| self.is_told(*id, *denial)) {
            return None;
        }
        let until = decision.until.into_iter().chain(server.next_fee_at()).fold(EVER, Time::min);
        (until > context.now).then_some(until)
    }

    /// Whether nobody would learn anything from that denial.
    fn is_told(&self, id: ServerId, denial: Denial) -> bool {
        self.servers.get(&id).is_some_and(|s| s.denial == Some(denial))
    }

    /// Until when what a decision goes by is young enough, of all candidates whose target lacks a server.
    fn estimates_fresh_until(&self, now: Time) -> Option<Time> {
        let oldest = self.servers.queues.of(Class::Wanted).front();
        let young_until = |at: Time| at + self.estimate_fresh() + Span::from_ms(1);
        let until = oldest.map_or(EVER, |turn| turn.tried_at.map_or(NOT_AT_ALL, young_until));
        (until > now).then_some(until)
    }

    /// From when on each account read may bring something else than last time, or teach something all the same.
    fn account_news(&self, accounts: &[Need; 3], news: &impl Fn(&Request, Time) -> Time) -> [Time; 3] {
        let matches_any = self.targets().any(|(_, t)| matches!(t.choice, Choice::Match(_)));
        accounts.each_ref().map(|need| match need.request {
            // The same list ranks candidates anew by what was read of their markets since.
            Request::Marketplace if matches_any => NOT_AT_ALL,
            Request::Marketplace => self.listing_read.good_at.map_or(NOT_AT_ALL, |at| news(&need.request, at)),
            Request::MyOrders if self.orders_tell_more || !self.servers.of(Group::Unlisted).is_empty() => NOT_AT_ALL,
            _ => EVER,
        })
    }

    /// Takes note of the reads made since `from`, which brought what the last ones brought.
    fn note_repeats(&mut self, accounts: &[Need; 3], from: Time) {
        for need in accounts.iter().filter(|need| need.tried_at >= Some(from)) {
            let times = ReadTimes { tried_at: need.tried_at, good_at: need.tried_at };
            match need.request {
                Request::MyOrders => self.orders_read = times,
                Request::Wallets => self.wallets_read = times,
                _ => self.listing_read = times,
            }
        }
        self.servers.note_read_again(from);
    }
}

/// Until when a server may be left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rest {
    /// When time alone could call for a change there.
    until: Time,
    /// From when on a read of its market may bring something else than the last one, or call for a change.
    news_at: Time,
}

fn context(now: Time, repeats: Repeats) -> Context {
    Context { now, leaving: false, repeats, lists_holds: false }
}

/// Whether the last read of that server's market succeeded.
fn is_last_read(server: &Server) -> bool {
    server.market.as_ref().is_some_and(|market| Some(market.sent_at) == server.tried_at)
}

/// Whether the last read of that server's market shows what stands there, so that another one can only repeat it.
fn shows_what_stands(server: &Server) -> bool {
    let shown = server.market.as_ref().and_then(|market| market.value.mine());
    is_last_read(server)
        && match &server.claim {
            Claim::Empty => true,
            Claim::Create(_) => false,
            Claim::Order(order) => shown.is_some_and(|offer| offer.id == order.id && order.is_as_shown(offer)),
        }
}

/// The reads of a jump, one after the other, in the order of the schedule.
struct Walk<'a> {
    beliefs: &'a mut Beliefs,
    slot: Span,
    accounts: [Need; 3],
    /// From when on each of those may bring something else than last time.
    news_at: [Time; 3],
    /// How old candidates and accounts may grow before they could come before a live one.
    patience: [Span; 6],
    /// How many reads to make one by one before whole rounds are looked for again.
    singles: usize,
}

impl Walk<'_> {
    /// Makes the reads from `now` on until `limit`, until the next one may bring news, or until the marketplace was read:
    /// it may settle why a server is idle, and how often it is read depends on that. Tells when the next may be made, and
    /// how many were.
    fn read_until(&mut self, mut now: Time, limit: Time) -> (Time, u64) {
        let mut reads = 0_u64;
        while now < limit {
            let block = self.live_block(now, limit);
            if block > 0 {
                self.beliefs.servers.queues.rotate_by(Class::Live, block, now, self.slot);
                reads = reads.saturating_add(block.unsigned_abs());
                now = now + self.slot.times(block);
                continue;
            }
            let (news_at, ends) = match most_overdue(self.beliefs, &self.accounts, now) {
                None => {
                    now = first_due(self.beliefs, &self.accounts).unwrap_or(now).max(now + Span::from_ms(1));
                    continue;
                }
                Some(Overdue::Market(class, turn, index)) if turn.news_at > now => {
                    self.beliefs.servers.queues.rotate(class, index, now);
                    (turn.news_at, false)
                }
                Some(Overdue::Market(_, turn, _)) => (turn.news_at, true),
                Some(Overdue::Account(index)) => self.read_account(index, now),
            };
            if news_at <= now {
                break;
            }
            reads = reads.saturating_add(1);
            now = now + self.slot;
            if ends {
                break;
            }
        }
        (now, reads)
    }

    /// Reads that account's list, unless it may bring news; tells from when on it may, and whether the jump ends with it.
    fn read_account(&mut self, index: usize, now: Time) -> (Time, bool) {
        let news_at = self.news_at.get(index).copied().unwrap_or(NOT_AT_ALL);
        match self.accounts.get_mut(index) {
            Some(need) if news_at > now => {
                need.tried_at = Some(now);
                (news_at, need.request == Request::Marketplace)
            }
            _ => (news_at, true),
        }
    }

    /// How many reads from `now` on are certain to be those of the live ones in turn, where they are whole rounds.
    fn live_block(&mut self, now: Time, limit: Time) -> i64 {
        if self.singles > 0 {
            self.singles = self.singles.saturating_sub(1);
            return 0;
        }
        let live = self.beliefs.servers.queues.of(Class::Live);
        let Some(turns) = i64::try_from(live.len()).ok().filter(|turns| *turns > 0) else { return 0 };
        let round = self.slot.times(turns);
        let end = self.others_wait_until(limit);
        if self.slot < LIVE || end <= now + round {
            return 0;
        }
        let Some(news_at) = news_of_steady_round(live, now, self.slot) else {
            self.singles = live.len();
            return 0;
        };
        let end = end.min(news_at);
        // Reads at `now`, one slot later and so on, all before the end.
        let whole = end.since(now).ms().saturating_sub(1).checked_div(self.slot.ms()).unwrap_or(0);
        if end <= now || whole < turns {
            self.singles = live.len();
            return 0;
        }
        whole.saturating_add(1)
    }

    /// Until when no other read comes before a live one, while those come round in that time.
    fn others_wait_until(&self, limit: Time) -> Time {
        let [wanted, near, spare] = IDLE.map(|class| {
            let first = self.beliefs.servers.queues.of(class).front();
            first.map_or(Some(EVER), |turn| turn.tried_at)
        });
        let [orders, wallets, listing] = self.accounts.each_ref().map(|need| need.tried_at);
        let tried = [wanted, near, spare, orders, wallets, listing].into_iter().zip(self.patience);
        tried.map(|(at, patience)| at.map_or(NOT_AT_ALL, |at| at + patience)).fold(limit, Time::min)
    }
}

/// How old the candidates' and the accounts' reads may grow before they could come before a live one, while the live
/// ones come round, one each slot.
fn patience(beliefs: &Beliefs, accounts: &[Need; 3], slot: Span) -> [Span; 6] {
    let queues = &beliefs.servers.queues;
    let live = i64::try_from(queues.of(Class::Live).len()).unwrap_or(i64::MAX);
    // With one read each slot, every live one is as overdue as this when its turn comes.
    let steady = urgency(slot.times(live), LIVE, queues.starving());
    let patience = |period: Span, starving: Span| {
        let age = Span::from_ms(period.ms().saturating_mul(steady).checked_div(1000).unwrap_or(0));
        age.min(period + starving)
    };
    let [wanted, near, spare] = IDLE.map(|class| patience(queues.period(class), class.starving(queues.starving())));
    let [orders, wallets, listing] = accounts.each_ref().map(|need| patience(need.period, STARVING));
    [wanted, near, spare, orders, wallets, listing]
}

/// From when on a read of one of them may bring news, if each of them has waited, when its turn comes, for as long as a
/// round takes: once they do, they go on to.
fn news_of_steady_round(live: &VecDeque<Turn>, now: Time, slot: Span) -> Option<Time> {
    let round = slot.times(i64::try_from(live.len()).unwrap_or(i64::MAX));
    let (mut at, mut news_at) = (now, EVER);
    for turn in live {
        if turn.tried_at.is_none_or(|tried_at| at.since(tried_at) < round) {
            return None;
        }
        news_at = news_at.min(turn.news_at);
        at = at + slot;
    }
    Some(news_at)
}
