//! Which change to ask for now, if any. In this order, since a request a second is all there is:
//! what must go is cancelled, what is lost is won back, what is missing is placed, what is too dear comes down.
//!
//! What is wanted on one server, and what keeps us from it, is decided for that server alone: see [`decision`].

mod anew;
pub(crate) mod choose;
pub(crate) mod context;
pub mod decision;
pub(crate) mod going;
mod minds;
pub(crate) mod order;
mod pricing;
mod worth;

use alloc::vec::Vec;

use crate::beliefs::order::{Claim, Create, Order, Word};
use crate::beliefs::servers::Group;
use crate::beliefs::{Beliefs, Server, targets};
use crate::decide::choose::Choice;
use crate::decide::context::{CANCEL_AGAIN, Context, FRESH_ENOUGH_TO_RAISE, PREPARES_CREATE, Repeats};
use crate::decide::decision::{Decision, Hold, Turn, Wish};
use crate::decide::order::Bidding;
use crate::denial::Denial;
use crate::event::Reason;
use crate::ids::{OrderId, ServerId, TargetId};
use crate::request::Request;
use crate::time::Time;

/// A command and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Action {
    pub request: Request,
    pub target: Option<TargetId>,
    pub reason: Reason,
}

/// The change to ask for now, if any.
#[derive(Debug, Default)]
pub(crate) struct NextChange {
    pub action: Option<Action>,
    /// The bids that were denied on the way to it: to be told if a request is made.
    pub denied: Vec<(ServerId, Denial)>,
    /// The markets that decisions wait for: to be read soon, unless it comes to a wait.
    pub read_first: Vec<ServerId>,
    /// When a create may be made that waits for nothing else.
    pub wait_until: Option<Time>,
}

/// What decisions say beside their wishes, in the order in which they were made.
#[derive(Debug, Default)]
struct Noted {
    denied: Vec<(ServerId, Denial)>,
    read_first: Vec<ServerId>,
    /// When the next create may be made, where there is one to be made.
    wait_until: Option<Time>,
}

impl Beliefs {
    /// The change to ask for now, and what is to be known beside it.
    pub(crate) fn next_change(&mut self, now: Time, leaving: bool) -> NextChange {
        let context = Context { now, leaving, repeats: Repeats::Nothing, lists_holds: false };
        for (id, reason) in self.must_go(&context) {
            self.servers.change_order(id, |order| order.must_go(reason));
        }
        self.stop_aside(now);
        let cancelled = self.stray_to_cancel(now).or_else(|| self.order_to_cancel(&context));
        if cancelled.is_some() || leaving {
            return NextChange { action: cancelled, ..NextChange::default() };
        }
        let mut noted = Noted::default();
        let action = match self.first_change(&context, &mut noted) {
            (Some(won_back), _) => Some(won_back),
            (None, lowered) => self.place(&context, &mut noted).or(lowered),
        };
        let Noted { denied, read_first, wait_until } = noted;
        NextChange { action, denied, read_first, wait_until }
    }

    /// What is decided for that server.
    pub(crate) fn decide(&self, id: ServerId, server: &Server, context: &Context) -> Option<Decision> {
        let target = self.target_of(server)?;
        Some(match &server.claim {
            Claim::Empty => self.decide_empty(id, server, target, context),
            Claim::Create(create) => await_order(create, context),
            Claim::Order(order) => Bidding { beliefs: self, context, id, server, order, target }.decide(),
        })
    }

    /// The first order to cancel of those that must go.
    fn order_to_cancel(&self, context: &Context) -> Option<Action> {
        self.servers.of(Group::Going).iter().find_map(|id| {
            let server = self.servers.get(id)?;
            let order = server.claim.order()?;
            let decision = self.decide(*id, server, context)?;
            decision.due().and_then(|_| action(*id, server.target, order, decision.wish))
        })
    }

    /// The first change that wins a server back, or else the first that takes away what is paid for nothing. No order is
    /// re-priced or left on an older read than these rest on, so only servers that were read since are looked at.
    fn first_change(&self, context: &Context, noted: &mut Noted) -> (Option<Action>, Option<Action>) {
        let (mut lowered, mut last) = (None, None);
        // Whoever leaves for another server waits for one read of that.
        let oldest = context.now - FRESH_ENOUGH_TO_RAISE - self.late.times(2);
        while let Some(id) = self.servers.queues.next_read_since(oldest, last) {
            last = Some(id);
            let Some(server) = self.servers.get(&id) else { continue };
            let Some(order) = server.claim.order() else { continue };
            let Some(mut decision) = self.decide(id, server, context) else { continue };
            noted.denied.append(&mut decision.denied);
            noted.read_first.extend(decision.read_first);
            match decision.due() {
                Some(Turn::WinBack) => return (action(id, server.target, order, decision.wish), None),
                Some(Turn::ComeDown) if lowered.is_none() => {
                    lowered = action(id, server.target, order, decision.wish);
                }
                _ => {}
            }
        }
        (None, lowered)
    }

    /// The order to cancel that should not be there at all.
    fn stray_to_cancel(&self, now: Time) -> Option<Action> {
        let due = |asked_at: Option<Time>| {
            asked_at.is_none_or(|at| now.since(at) >= CANCEL_AGAIN && self.was_listed_since(at))
        };
        let (id, stray) = self.strays.iter().find(|(_, s)| due(s.asked_at))?;
        Some(cancel(stray.server, *id, None, stray.limit.map_or(Reason::Surplus, Reason::Limit)))
    }

    /// Whether my_orders was asked for since then. No cancellation is repeated before: where many go wrong, their turns
    /// would leave none for the list, which alone tells what is gone.
    pub(crate) fn was_listed_since(&self, at: Time) -> bool {
        self.orders_read.tried_at.is_some_and(|tried_at| tried_at >= at)
    }

    /// Places what is missing.
    fn place(&self, context: &Context, noted: &mut Noted) -> Option<Action> {
        let not_before = self.next_create_at().filter(|at| context.now < *at);
        if not_before.is_some_and(|at| context.now < at - PREPARES_CREATE) {
            return None;
        }
        for (id, target) in targets(&self.strategy) {
            if !self.servers.lacks(id) || !self.knows_enough(target, context) {
                continue;
            }
            let mut chosen = self.choose(id, target, None, context);
            noted.denied.append(&mut chosen.denied);
            match chosen.choice {
                // Read just before, and placed as soon as it may be: a read in between would cost a second more.
                Choice::Bid { .. } if not_before.is_some() => {
                    noted.wait_until = not_before;
                    return None;
                }
                Choice::Bid { server, price, least_winning, floor } => {
                    let request = Request::Create { server, target: id, bid: price };
                    return Some(Action { request, target: Some(id), reason: Reason::Open { least_winning, floor } });
                }
                Choice::Read(server) => noted.read_first.push(server),
                Choice::Nothing => {}
            }
        }
        None
    }
}

/// A create whose order has not been seen: only reads can tell.
fn await_order(create: &Create, context: &Context) -> Decision {
    let mut decision = Decision::new(Wish::SeeCreated { bid: create.bid, sent_at: create.sent_at }, context);
    decision.hold(if create.word == Word::Accepted {
        Hold::CreateUnseen
    } else {
        Hold::CreateInDoubt { absent_reads: create.absent_reads }
    });
    decision
}

/// The change that fulfils a wish about an order.
fn action(server: ServerId, target: TargetId, order: &Order, wish: Wish) -> Option<Action> {
    let (to, reason) = match wish {
        Wish::Cancel { reason, .. } => return Some(cancel(server, order.id, Some(target), reason)),
        Wish::Raise { to, reason } | Wish::Lower { to, reason, .. } => (to, reason),
        Wish::Nothing | Wish::Place { .. } | Wish::SeeCreated { .. } | Wish::Keep { .. } | Wish::WinBack { .. } => {
            return None;
        }
    };
    let request = Request::Reprice { server, order: order.id, from: order.bid, to };
    Some(Action { request, target: Some(target), reason })
}

fn cancel(server: ServerId, order: OrderId, target: Option<TargetId>, reason: Reason) -> Action {
    Action { request: Request::Cancel { server, order }, target, reason }
}
