//! What the answers to our own changes teach.
//!
//! An answer is applied, refused or unknown. Unknown counts as the worse of both: a create as an order (I6), a lowering
//! as having spent its 600 seconds, a re-pricing as the higher of the two prices (I3).

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::beliefs::Beliefs;
use crate::beliefs::order::{Claim, Create, Dead, Order, Word};
use crate::event::Cause;
use crate::ids::{OrderId, ServerId, TargetId};
use crate::money::Price;
use crate::request::{Answer, Doubt, Refusal};
use crate::time::{Span, Time};

/// A server on which a create came to nothing is left alone this long, and twice as long each time it happens again.
const RETRY_SOON: Span = Span::from_secs(60);
/// But never longer.
const RETRY_LATE: Span = Span::from_secs(3_600);
/// A lowering that came too soon is asked for again after this long at the least, and twice as long each time again.
const LOWER_AGAIN: Span = Span::from_secs(1);
/// And after this long at the most, whatever the venue says: it may have told nonsense.
const LOWER_AGAIN_LATEST: Span = Span::from_secs(3_600);
/// Where the venue called a create one too many, nothing is sent for this long before the next one, and longer each time
/// again: it may want more quiet than it says.
const QUIET_LEAST: Span = Span::from_secs(6);
/// But never longer, since what a bid rests on grows old meanwhile.
const QUIET_MOST: Span = Span::from_secs(24);
/// After a refused re-pricing that says nothing about when to try again; twice as long each time again.
const REPRICE_AGAIN: Span = Span::from_secs(10);
/// After the second re-pricing in a row of which nobody knows the end; twice as long each time again.
const REPRICE_DOUBTED_AGAIN: Span = Span::from_secs(2);
/// But never longer.
const REPRICE_LATEST: Span = Span::from_secs(600);

/// `first`, doubled for each time before, and no longer than `most`.
fn backed_off(first: Span, before: u32, most: Span) -> Span {
    first.times(1_i64.checked_shl(before.min(20)).unwrap_or(1)).min(most)
}

impl Beliefs {
    /// A create was sent at `sent_at` and this came back.
    pub(crate) fn created(
        &mut self,
        id: ServerId,
        target: TargetId,
        bid: Price,
        sent_at: Time,
        now: Time,
        answer: &Answer,
    ) {
        self.last_create_end = Some(now);
        self.quiet = match answer {
            Answer::Refused(Refusal::RateLimited) => (self.quiet + self.quiet).max(QUIET_LEAST).min(QUIET_MOST),
            Answer::Applied if self.quiet > QUIET_LEAST => self.quiet - QUIET_LEAST,
            _ => self.quiet,
        };
        if let Answer::Refused(refusal) = answer {
            return self.create_refused(id, now, refusal);
        }
        if matches!(answer, Answer::Unknown(doubt) if doubt.sent_nothing()) {
            // The next good answer may try again.
            return;
        }
        let (word, cause) = match answer {
            Answer::Applied => (Word::Accepted, Cause::Accepted),
            Answer::Unknown(Doubt::AlreadyHaveOrder) => (Word::AlreadyThere, Cause::AnswerUnknown),
            _ => (Word::Nothing, Cause::AnswerUnknown),
        };
        let meanwhile = bid.plus_percent(self.fee_percent).accrue(now.since(sent_at)).amount();
        self.on_the_way = self.on_the_way.plus(meanwhile);
        let before = self.orders_on(id);
        self.shift(id, now, cause, |server| {
            server.target = target;
            server.denial = None;
            server.claim = Claim::Create(Create { bid, sent_at, word, before, absent_reads: 0 });
        });
    }

    /// Every order known on that server, ours or not.
    pub(crate) fn orders_on(&self, id: ServerId) -> Vec<OrderId> {
        let mut known: BTreeSet<OrderId> =
            self.foreign.iter().filter(|(_, f)| f.server == id).map(|(order, _)| *order).collect();
        known.extend(self.strays.iter().filter(|(_, s)| s.server == id).map(|(order, _)| *order));
        if let Some(server) = self.servers.get(&id) {
            known.extend(server.ended.iter().map(|(order, _)| *order));
            known.extend(server.market.iter().flat_map(|m| m.value.offers.iter()).filter(|o| o.mine).map(|o| o.id));
        }
        known.into_iter().collect()
    }

    fn create_refused(&mut self, id: ServerId, now: Time, refusal: &Refusal) {
        let wait = match refusal {
            // Neither says anything of the server; the pause after them is for every request.
            Refusal::RateLimited | Refusal::BadKey => return,
            Refusal::PriceTooLow { .. } | Refusal::ServerOffline | Refusal::ServerRented => RETRY_SOON,
            Refusal::NotEnoughBalance => {
                self.wallets_read.tried_at = None;
                RETRY_SOON.times(5)
            }
            Refusal::OwnServer | Refusal::ServerGone | Refusal::Gigaspot | Refusal::CurrencyNotAllowed => RETRY_LATE,
            // It may be about this one request, or pass.
            _ => RETRY_SOON,
        };
        if let Refusal::PriceTooLow { least: Some(least) } = refusal {
            let least = *least;
            self.servers.change(id, |server| {
                let floor = server.market.as_ref().and_then(|market| market.quote.floor);
                server.least_told = Some((least, floor));
            });
        }
        self.create_failed(id, now, wait);
    }

    /// A create on that server came to nothing: the server is left alone for `first`, and longer each time again, so that
    /// others have their turn.
    pub(crate) fn create_failed(&mut self, id: ServerId, now: Time, first: Span) {
        self.servers.change(id, |server| {
            let wait = backed_off(first, server.failed_creates, RETRY_LATE);
            server.failed_creates = server.failed_creates.saturating_add(1);
            server.blocked_until = Some(now + wait);
        });
    }

    /// Nobody ever saw the order of a create there. One may get lost on its way; if it happens again, others have their
    /// turn.
    pub(crate) fn create_never_appeared(&mut self, id: ServerId, now: Time) {
        self.servers.change(id, |server| {
            if let Some(before) = server.failed_creates.checked_sub(1) {
                server.blocked_until = Some(now + backed_off(RETRY_SOON, before, RETRY_LATE));
            }
            server.failed_creates = server.failed_creates.saturating_add(1);
        });
    }

    /// A re-pricing was answered.
    pub(crate) fn repriced(&mut self, id: ServerId, order: OrderId, to: Price, now: Time, answer: &Answer) {
        let policy = self.servers.get(&id).and_then(|s| self.target_of(s)).map(|t| t.policy.clone());
        let note = |order: &mut Order| {
            let (policy, from) = (policy.iter(), order.bid);
            policy.for_each(|policy| policy.repriced(&mut order.policy, from, to, now));
        };
        let Some(bid) = self.servers.get(&id).and_then(|s| s.claim.order()).filter(|o| o.id == order).map(|o| o.bid)
        else {
            return;
        };
        let lowering = to < bid;
        if let Answer::Refused(Refusal::StepTooLarge { lowest }) = answer {
            self.steps.learn(id, bid, *lowest, now);
            self.servers.touch_all();
        }
        let changed_at = self.servers.get(&id).and_then(|s| s.claim.order()).map_or(now, |o| o.changed_at);
        match answer {
            Answer::Refused(Refusal::LoweringTooSoon { wait }) if lowering => {
                let assumed = self.strategy.venue.lower_every;
                self.steps.learn_window(now.since(changed_at), *wait, assumed, now);
            }
            Answer::Applied if lowering => self.steps.taken(id, bid.minus(to)),
            _ => {}
        }
        let every = self.lower_every(now);
        self.shift(id, now, Cause::Accepted, |server| {
            let Some(order) = server.claim.order_mut() else { return };
            match answer {
                Answer::Refused(refusal) => refused(order, to, now, every, refusal),
                Answer::Applied => {
                    note(order);
                    order.failures = 0;
                    order.bid = to;
                    order.unsettled = None;
                    order.changed_at = now;
                    if lowering {
                        order.next_lower_at = now + every;
                    } else {
                        order.position = order.position.raised();
                    }
                }
                Answer::Unknown(doubt) if doubt.sent_nothing() => {}
                _ => {
                    note(order);
                    if order.failures > 0 {
                        order.retry_at =
                            now + backed_off(REPRICE_DOUBTED_AGAIN, order.failures.saturating_sub(1), REPRICE_LATEST);
                    }
                    order.failures = order.failures.saturating_add(1);
                    order.unsettled = Some(to);
                    order.changed_at = now;
                    if lowering {
                        order.next_lower_at = now + every;
                    }
                }
            }
        });
    }

    /// A cancellation was answered.
    pub(crate) fn cancelled(&mut self, id: ServerId, order: OrderId, now: Time, answer: &Answer) {
        let there_no_more = matches!(answer, Answer::Applied | Answer::Refused(Refusal::OrderGone));
        if let Some(stray) = self.strays.get_mut(&order) {
            stray.asked_at = Some(now);
            return;
        }
        self.shift(id, now, Cause::Cancelled, |server| {
            let Some(order) = server.claim.order_mut().filter(|o| o.id == order) else { return };
            if let Some(cancel) = &mut order.cancel {
                cancel.asked_at = Some(now);
                cancel.accepted_at = there_no_more.then_some(now);
                // It may cost nothing from here on; until the reads agree it still counts against the limits.
                if there_no_more {
                    order.position = order.position.let_go(now);
                }
            }
        });
        self.servers.set_urgent(id, true);
    }
}

/// The venue refused to re-price the order to `to`. Whatever it says, the same is not asked again at once for ever.
fn refused(order: &mut Order, to: Price, now: Time, every: Span, refusal: &Refusal) {
    let failed_before = order.failures;
    order.failures = failed_before.saturating_add(1);
    match refusal {
        // The refusal names the price it would take: the next request may ask for it at once.
        Refusal::StepTooLarge { lowest } if to < *lowest && *lowest < order.bid => {}
        Refusal::StepTooLarge { .. } if to < order.bid => order.next_lower_at = now + every,
        Refusal::LoweringTooSoon { wait } if to < order.bid => {
            let least = backed_off(LOWER_AGAIN, failed_before, every);
            order.next_lower_at = now + (*wait).max(least).min(LOWER_AGAIN_LATEST.max(every));
        }
        Refusal::OrderNotActive => (order.dead, order.changed_at) = (Some(Dead::SaidInactive), now),
        Refusal::OrderGone | Refusal::NotOurOrder => (order.dead, order.changed_at) = (Some(Dead::SaidGone), now),
        Refusal::RateLimited => {}
        _ => order.retry_at = now + backed_off(REPRICE_AGAIN, failed_before, REPRICE_LATEST),
    }
}
