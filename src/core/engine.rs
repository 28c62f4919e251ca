//! The core's one entry point: [`Engine::next`] says what to ask, [`Engine::observe`] takes the answer.
//!
//! Invariants, asserted in every build where the core alone can hold them, tested under the same numbers:
//!
//! - I1 no bid above max_bid.
//! - I2 at most one live or unresolved order per server, and `want` per target.
//! - I3 held + open + unknown cost never above the limits.
//! - I4 a changing request and every read that led to it are committed before a byte is sent (the journal's part).
//! - I5 its answer is committed before the core sees it (the driver's part).
//! - I6 no second create until the first is shown present or absent.
//! - I7 every order of ours is adopted or reported within one good read.
//! - I8 same inputs, same asks.
//! - I9 no lowering inside the window or below the lowest allowed price.
//! - I10 1.05 s between requests, 5.25 s between creates (the governor's part; the core plans with the same numbers).
//! - I11 no secret in log, database or panic: none ever enters the core.
//! - I12 other people's and the user's other orders untouched.
//! - I13 once faults stop, the bot converges.

use alloc::vec::Vec;

use crate::beliefs::Beliefs;
use crate::beliefs::order::Claim;
use crate::event::{Event, Reason};
use crate::governing::{CREATE_SPACING, SPACING};
use crate::ids::{ServerId, TargetId};
use crate::reads::agenda::Agenda;
use crate::reads::schedule::{NextRead, next_read};
use crate::request::{Answer, Ask, Doubt, Refusal, Request};
use crate::strategy::Strategy;
use crate::time::{Span, Time};

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Send this; then bring back its answer.
    Ask(Ask),
    /// Nothing is worth a request before then.
    Wait(Time),
    /// Going on is pointless.
    Halt(Halt),
}

/// Why a run cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// The venue refuses the key.
    BadKey,
    /// Nothing ever answered.
    Unreachable,
}

/// After this many failures with never an answer before, there is nobody there.
const UNREACHABLE_MAX: u32 = 4;
/// After so many reads in a row that the venue refused, it is asked more slowly.
const READS_REFUSED: u32 = 2;
/// The longest pause between tries while the venue fails.
const BACKOFF_MAX: Span = Span::from_secs(60);

/// The state machine that decides.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) beliefs: Beliefs,
    seq: u64,
    pending: Option<(Ask, Time)>,
    pub(crate) observe_only: bool,
    pub(crate) resumed: bool,
    pub(crate) leaving: bool,
    ever_answered: bool,
    failures: u32,
    bad_keys: u32,
    /// When the last answer came.
    answered_at: Option<Time>,
    pub(crate) quiet_until: Option<Time>,
    /// Until when it is known that no change will be wanted, whatever is read again as it was.
    pub(crate) content_until: Option<Time>,
    /// Until when each server wants nothing, as far as it is known.
    pub(crate) agenda: Agenda,
}

impl Engine {
    /// An engine that knows nothing yet. With `observe_only` it reads and never bids.
    pub fn new(strategy: Strategy, observe_only: bool) -> Engine {
        Engine {
            beliefs: Beliefs::new(strategy),
            seq: 0,
            pending: None,
            observe_only,
            resumed: false,
            leaving: false,
            ever_answered: false,
            failures: 0,
            bad_keys: 0,
            answered_at: None,
            quiet_until: None,
            content_until: None,
            agenda: Agenda::default(),
        }
    }

    /// The strategy it follows.
    pub fn strategy(&self) -> &Strategy {
        &self.beliefs.strategy
    }

    /// From now on place nothing, and cancel what stands.
    pub fn leave(&mut self) {
        self.leaving = true;
        self.content_until = None;
    }

    /// Whether it was told to leave.
    pub fn is_leaving(&self) -> bool {
        self.leaving
    }

    /// Whether nothing of ours stands or may stand at the venue.
    pub fn is_empty(&self) -> bool {
        self.beliefs.strays.is_empty() && self.beliefs.servers.values().all(|s| s.claim == Claim::Empty)
    }

    /// What happened since the last call, oldest first.
    pub fn take_events(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.beliefs.events)
    }

    /// Which request is best now.
    ///
    /// A call that says to wait leaves nothing behind that a later one would not do just the same: it is not on record,
    /// and a replay that does not know of it must decide alike (I8).
    ///
    /// # Panics
    /// When the last ask has not been observed: two requests at once would break the order that everything rests on.
    pub fn next(&mut self, now: Time) -> Next {
        assert!(self.pending.is_none(), "the last ask has not been observed");
        if let Some(halt) = self.halt() {
            return Next::Halt(halt);
        }
        if let Some(until) = self.quiet_until.filter(|until| now < *until) {
            return Next::Wait(until);
        }
        self.beliefs.charge_creation_fees(now);
        let is_content = self.content_until.take().is_some_and(|until| now < until);
        let decides = !self.observe_only && !is_content;
        let next = if decides { self.beliefs.next_change(now, self.leaving) } else { Default::default() };
        let (change, denied, wait_until) = (next.action, next.denied, next.wait_until);
        // There is no time for a read before it.
        if let Some(at) = wait_until.filter(|at| change.is_none() && at.since(now) < SPACING) {
            return Next::Wait(at);
        }
        let is_create = change.as_ref().is_some_and(|action| action.request.is_create());
        if let Some(quiet_since) = self.answered_at.filter(|_| is_create) {
            let until = quiet_since + self.beliefs.quiet;
            if now < until {
                return Next::Wait(until);
            }
        }
        let servers = &mut self.beliefs.servers;
        let made_urgent: Vec<ServerId> =
            next.read_first.into_iter().filter(|id| servers.set_urgent(*id, true)).collect();
        let (request, target, reason) = match change {
            Some(action) => (action.request, action.target, action.reason),
            None => match next_read(&self.beliefs, now) {
                NextRead::At(at) => {
                    for id in made_urgent {
                        self.beliefs.servers.set_urgent(id, false);
                    }
                    return Next::Wait(at);
                }
                NextRead::Now { request, target, settles: true, .. } => (request, target, Reason::Settle),
                NextRead::Now { request, target, age, .. } => (request, target, Reason::Watch { age }),
            },
        };
        self.assert_allowed(&request, now);
        self.beliefs.tell(denied);
        self.seq = self.seq.saturating_add(1);
        let ask = Ask { seq: self.seq, request, target, reason };
        self.note_sent(&ask, now);
        self.pending = Some((ask.clone(), now));
        Next::Ask(ask)
    }

    /// Takes the answer to the pending ask.
    ///
    /// # Panics
    /// When there is none, or another.
    pub fn observe(&mut self, now: Time, ask: &Ask, answer: &Answer) {
        let (pending, sent_at) = self.pending.take().unwrap_or_else(|| panic!("no ask is pending"));
        assert!(pending == *ask, "the answer belongs to another ask");
        self.answered_at = Some(now);
        self.take_answer(&ask.request, sent_at, now, answer);
    }

    pub(crate) fn take_answer(&mut self, request: &Request, sent_at: Time, now: Time, answer: &Answer) {
        self.note_health(now, request, answer);
        self.beliefs.catch_up(now);
        match *request {
            Request::Create { server, target, bid } => self.beliefs.created(server, target, bid, sent_at, now, answer),
            Request::Reprice { server, order, to, .. } => self.beliefs.repriced(server, order, to, now, answer),
            Request::Cancel { server, order } => self.beliefs.cancelled(server, order, now, answer),
            _ => self.see(sent_at, now, answer),
        }
        self.beliefs.learn(now);
    }

    fn see(&mut self, sent_at: Time, now: Time, answer: &Answer) {
        let good = Some(sent_at);
        match answer {
            Answer::Market(market) => self.beliefs.see_market(market, sent_at, now),
            Answer::Orders(rows) => {
                self.beliefs.orders_read.good_at = good;
                self.beliefs.see_orders(rows, sent_at, now);
            }
            Answer::Wallets(wallets) => {
                self.beliefs.wallets_read.good_at = good;
                self.beliefs.see_wallets(wallets);
            }
            Answer::Listing(listing) => {
                self.beliefs.listing_read.good_at = good;
                self.beliefs.see_listing(listing, now);
            }
            // A read that failed is not an empty answer: it teaches nothing.
            Answer::Applied | Answer::Refused(_) | Answer::Unknown(_) => {}
        }
    }

    pub(crate) fn note_sent(&mut self, ask: &Ask, now: Time) {
        let tried = Some(now);
        match ask.request {
            Request::MyOrders => self.beliefs.orders_read.tried_at = tried,
            Request::Wallets => self.beliefs.wallets_read.tried_at = tried,
            Request::Marketplace => self.beliefs.listing_read.tried_at = tried,
            Request::SpotMarket { server } => self.beliefs.servers.note_tried(server, now),
            Request::Cancel { server, order } => {
                self.beliefs.learn_leaving(server, now);
                let reason = ask.reason.clone();
                self.beliefs.shift(server, now, crate::event::Cause::Cancelled, |server| {
                    let Some(order) = server.claim.order_mut().filter(|o| o.id == order) else { return };
                    order.must_go(reason);
                    if let Some(cancel) = &mut order.cancel {
                        cancel.asked_at = Some(now);
                    }
                });
            }
            Request::AllOrders | Request::Create { .. } | Request::Reprice { .. } => {}
        }
    }

    /// Backs off while the venue fails, and notices when going on is pointless.
    fn note_health(&mut self, now: Time, request: &Request, answer: &Answer) {
        let pause = |failures: u32, first: Span| {
            let doubled = first.times(1_i64.checked_shl(failures.saturating_sub(1).min(16)).unwrap_or(1));
            Some(now + doubled.min(BACKOFF_MAX))
        };
        match answer {
            Answer::Refused(Refusal::BadKey) => {
                self.bad_keys = self.bad_keys.saturating_add(1);
                self.quiet_until = pause(self.bad_keys, Span::from_secs(2));
            }
            Answer::Refused(Refusal::RateLimited) => {
                self.failures = self.failures.saturating_add(1);
                self.quiet_until = pause(self.failures, Span::from_secs(2));
            }
            // That is the journal's doing, and says nothing of the venue.
            Answer::Unknown(Doubt::NotRecorded) => {}
            Answer::Unknown(doubt) => {
                // A garbled answer is an answer: somebody is there.
                self.ever_answered |= !matches!(doubt, Doubt::Unreachable | Doubt::TimedOut | Doubt::Broken);
                self.failures = self.failures.saturating_add(1);
                if !request.is_command() || *doubt == Doubt::Unreachable {
                    self.quiet_until = pause(self.failures, Span::from_secs(1));
                }
            }
            // Somebody is there, and one read may well be refused; if all are, asking faster helps nobody.
            Answer::Refused(_) if !request.is_command() => {
                self.ever_answered = true;
                self.failures = self.failures.saturating_add(1);
                let in_a_row = self.failures.saturating_sub(READS_REFUSED);
                self.quiet_until = if in_a_row > 0 { pause(in_a_row, Span::from_secs(1)) } else { None };
            }
            _ => {
                self.ever_answered = true;
                self.failures = 0;
                self.bad_keys = 0;
                self.quiet_until = None;
            }
        }
    }

    pub(crate) fn failures_forgotten(&mut self) {
        self.failures = 0;
        self.bad_keys = 0;
        self.quiet_until = None;
    }

    /// Whether nothing but the book could call for a request now.
    pub(crate) fn may_fast_forward(&self) -> bool {
        self.pending.is_none() && !self.leaving && self.quiet_until.is_none() && self.beliefs.events.is_empty()
    }

    /// Reads were made without asking for them one by one.
    pub(crate) fn count_forwarded(&mut self, reads: u64) {
        self.seq = self.seq.saturating_add(reads);
    }

    /// Whether the venue ever gave an answer that said anything, to this run or to one before whose orders may stand.
    pub fn was_answered(&self) -> bool {
        self.ever_answered
    }

    /// What an earlier run left shows that the venue once answered.
    pub(crate) fn answered_before(&mut self) {
        self.ever_answered = true;
    }

    fn halt(&self) -> Option<Halt> {
        // A key that once worked is tried on: the venue may have a bad day, and orders stand.
        if self.bad_keys > 0 && !self.ever_answered {
            Some(Halt::BadKey)
        } else if !self.ever_answered && self.failures >= UNREACHABLE_MAX {
            Some(Halt::Unreachable)
        } else {
            None
        }
    }

    /// The last wall: whatever led here, a request that breaks an invariant is not made.
    fn assert_allowed(&self, request: &Request, now: Time) {
        let (beliefs, limits) = (&self.beliefs, &self.beliefs.strategy.limits);
        assert!(!request.is_command() || !self.observe_only, "a run that observes made a change");
        match *request {
            Request::Create { server, target, bid } => {
                assert!(bid <= limits.max_bid, "I1: a bid of {bid} above max_bid {}", limits.max_bid);
                let want = beliefs.strategy.target(target).map_or(0, |t| t.want);
                assert!(
                    beliefs.servers.get(&server).is_some_and(|s| s.claim == Claim::Empty),
                    "I2: two orders on one server"
                );
                assert!(beliefs.claimed(target) < want, "I2: more than {want} orders for one target");
                self.assert_limits(server, bid, now, true);
                assert!(!beliefs.foreign.values().any(|f| f.server == server), "I12: a bid beside another order");
                let spaced = beliefs.last_create_end.is_none_or(|end| now >= end + CREATE_SPACING);
                assert!(spaced, "I10: a create too early");
            }
            Request::Reprice { server, order, to, .. } => {
                assert!(to <= limits.max_bid, "I1: a bid of {to} above max_bid {}", limits.max_bid);
                let ours = beliefs.servers.get(&server).and_then(|s| s.claim.order()).filter(|o| o.id == order);
                let Some(ours) = ours else { panic!("I12: re-pricing an order that is not ours") };
                if to < ours.bid {
                    assert!(now >= ours.next_lower_at, "I9: lowering inside the window");
                    let lowest = beliefs.steps.lowest(server, ours.bid, now);
                    assert!(lowest.is_none_or(|lowest| to >= lowest), "I9: lowering below the lowest allowed price");
                } else {
                    self.assert_limits(server, to, now, false);
                }
            }
            Request::Cancel { server, order } => {
                let ours = beliefs.servers.get(&server).and_then(|s| s.claim.order()).is_some_and(|o| o.id == order);
                assert!(ours || beliefs.strays.contains_key(&order), "I12: cancelling an order that is not ours");
            }
            _ => {}
        }
    }

    fn assert_limits(&self, server: ServerId, bid: crate::money::Price, now: Time, is_new: bool) {
        let exposure = self.beliefs.exposure(now, &[server]);
        let checked = crate::limits::check(&self.beliefs.strategy.limits, &exposure, bid, is_new);
        assert!(checked.is_ok(), "I3: a bid beyond the limits");
    }

    /// The name of that target.
    pub fn target_name(&self, id: TargetId) -> &str {
        self.beliefs.strategy.target(id).map_or("", |t| t.name.as_str())
    }
}
