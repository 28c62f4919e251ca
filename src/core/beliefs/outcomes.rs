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

/// A server that refused a create for a reason that passes is left alone this long.
const RETRY_SOON: Span = Span::from_secs(60);
/// A server that refused for a reason that will not pass soon.
const RETRY_LATE: Span = Span::from_secs(3_600);
/// A lowering that came too soon is asked for again after this long at the least.
const LOWER_AGAIN: Span = Span::from_secs(1);
/// After a refused re-pricing that says nothing about when to try again.
const REPRICE_AGAIN: Span = Span::from_secs(10);

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
        if let Answer::Refused(refusal) = answer {
            return self.create_refused(id, now, refusal);
        }
        if matches!(answer, Answer::Unknown(Doubt::Unreachable)) {
            // No connection was made, so nothing was sent: the next good answer may try again.
            return;
        }
        let (word, cause) = match answer {
            Answer::Applied => (Word::Accepted, Cause::Accepted),
            Answer::Unknown(Doubt::AlreadyHaveOrder) => (Word::AlreadyThere, Cause::AnswerUnknown),
            _ => (Word::Nothing, Cause::AnswerUnknown),
        };
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
            Refusal::RateLimited | Refusal::BadKey => Span::ZERO,
            Refusal::PriceTooLow { .. } | Refusal::ServerOffline | Refusal::ServerRented => RETRY_SOON,
            Refusal::NotEnoughBalance => {
                self.wallets_read.tried_at = None;
                RETRY_SOON.times(5)
            }
            _ => RETRY_LATE,
        };
        self.servers.change(id, |server| server.blocked_until = Some(now + wait));
    }

    /// A re-pricing was answered.
    pub(crate) fn repriced(&mut self, id: ServerId, order: OrderId, to: Price, now: Time, answer: &Answer) {
        let every = self.strategy.venue.lower_every;
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
            self.steps.learn(id, bid, *lowest);
            self.servers.touch_all();
        }
        self.shift(id, now, Cause::Accepted, |server| {
            let Some(order) = server.claim.order_mut() else { return };
            match answer {
                Answer::Refused(refusal) => refused(order, to, now, every, refusal),
                Answer::Applied => {
                    note(order);
                    order.bid = to;
                    order.unsettled = None;
                    order.changed_at = now;
                    if lowering {
                        order.next_lower_at = now + every;
                    } else {
                        order.position = order.position.raised();
                    }
                }
                // No connection was made, so nothing was sent.
                Answer::Unknown(Doubt::Unreachable) => {}
                _ => {
                    note(order);
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
    match refusal {
        // The refusal names the price it would take: the next request may ask for it at once.
        Refusal::StepTooLarge { lowest } if to < *lowest && *lowest < order.bid => {}
        Refusal::StepTooLarge { .. } if to < order.bid => order.next_lower_at = now + every,
        Refusal::LoweringTooSoon { wait } if to < order.bid => {
            order.next_lower_at = now + (*wait).max(LOWER_AGAIN);
        }
        Refusal::OrderNotActive => (order.dead, order.changed_at) = (Some(Dead::SaidInactive), now),
        Refusal::OrderGone | Refusal::NotOurOrder => (order.dead, order.changed_at) = (Some(Dead::SaidGone), now),
        Refusal::RateLimited => {}
        _ => order.retry_at = now + REPRICE_AGAIN,
    }
}
