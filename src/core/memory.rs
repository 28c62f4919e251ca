//! What must outlive the process: our orders with their clocks, creates that are not settled, what was learned and spent.
//!
//! A run that starts with this memory goes on where the last one ended. In doubt it takes the worse: an order whose
//! lowering clock makes no sense waits the full window, a create that was in flight is unknown.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::beliefs::Stray;
use crate::beliefs::order::{Cancelling, Claim, Create, Order, Word};
use crate::engine::Engine;
use crate::event::{Cause, Reason};
use crate::ids::{OrderId, ServerId, TargetId};
use crate::lowering::Steps;
use crate::money::{Amount, Price};
use crate::policy::kept::Kept;
use crate::request::{Answer, Doubt, Refusal, Request};
use crate::selection::likely_target;
use crate::strategy::Strategy;
use crate::time::Time;

/// Everything a later run needs to know of an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    orders: Vec<KeptOrder>,
    creates: Vec<KeptCreate>,
    ended: Vec<(ServerId, OrderId, Time)>,
    steps: Steps,
    fee_percent: Decimal,
    creation_fee: Amount,
    spent_ended: Amount,
    #[serde(default)]
    manner: Manner,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unfinished: Vec<Unfinished>,
}

/// A command that an earlier run sent and never saw the end of, with what its journal holds as the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Unfinished {
    request: Request,
    target: Option<String>,
    sent_at: Time,
    answer: CommandAnswer,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CommandAnswer {
    Applied,
    Refused(Refusal),
    Unknown(Doubt),
}

impl CommandAnswer {
    fn answer(self) -> Answer {
        match self {
            CommandAnswer::Applied => Answer::Applied,
            CommandAnswer::Refused(refusal) => Answer::Refused(refusal),
            CommandAnswer::Unknown(doubt) => Answer::Unknown(doubt),
        }
    }
}

/// How the run that wrote a memory went about it. The next run has a manner of its own; whoever re-decides the run that
/// wrote it needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Manner {
    /// It read and never bid.
    pub observe_only: bool,
    /// It went on from the memory of an earlier run.
    pub resumed: bool,
    /// It had been told to cancel what stands and place nothing more.
    pub leaving: bool,
}

impl Memory {
    /// How the run that wrote it went about it.
    pub fn manner(&self) -> Manner {
        self.manner
    }

    /// Makes it the memory that a later run starts with.
    pub fn hand_on(&mut self, observe_only: bool) {
        self.manner = Manner { observe_only, resumed: true, leaving: false };
    }

    /// Adds a command that the run sent and never saw the end of. `target`: the name of the one it was for.
    pub fn take_up(&mut self, request: Request, target: Option<String>, sent_at: Time, answer: &Answer) {
        let answer = match answer {
            Answer::Refused(refusal) => CommandAnswer::Refused(refusal.clone()),
            Answer::Unknown(doubt) => CommandAnswer::Unknown(doubt.clone()),
            _ => CommandAnswer::Applied,
        };
        self.unfinished.push(Unfinished { request, target, sent_at, answer });
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KeptOrder {
    server: ServerId,
    target: Option<String>,
    id: OrderId,
    bid: Price,
    unsettled: Option<Price>,
    next_lower_at: Time,
    placed_at: Time,
    listed: bool,
    ever_held: bool,
    cancelling: bool,
    paid: Amount,
    venue_spend: Amount,
    fee_counted: bool,
    /// What its policy remembers of it.
    #[serde(flatten)]
    policy: Kept,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KeptCreate {
    server: ServerId,
    target: String,
    bid: Price,
    sent_at: Time,
    known_accepted: bool,
    /// The venue said that an order stands there already.
    #[serde(default, skip_serializing_if = "is_false")]
    already_there: bool,
    before: Vec<OrderId>,
    /// Nobody ever saw it, and it was given up.
    #[serde(default, skip_serializing_if = "is_false")]
    given_up: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl KeptCreate {
    fn of(server: ServerId, target: String, create: &Create, given_up: bool) -> KeptCreate {
        KeptCreate {
            server,
            target,
            bid: create.bid,
            sent_at: create.sent_at,
            known_accepted: create.word == Word::Accepted,
            already_there: create.word == Word::AlreadyThere,
            before: create.before.clone(),
            given_up,
        }
    }

    fn create(self, now: Time) -> Create {
        let word = match (self.known_accepted, self.already_there) {
            (true, _) => Word::Accepted,
            (_, true) => Word::AlreadyThere,
            _ => Word::Nothing,
        };
        Create { bid: self.bid, sent_at: self.sent_at.min(now), word, before: self.before, absent_reads: 0 }
    }
}

impl Engine {
    /// What a later run needs to know, as of `now`.
    pub fn memory(&self, now: Time) -> Memory {
        let beliefs = &self.beliefs;
        let mut orders = Vec::new();
        let mut creates = Vec::new();
        let mut ended = Vec::new();
        for (id, server) in beliefs.servers.iter() {
            let target = self.target_name(server.target).to_string();
            ended.extend(server.ended.iter().map(|(order, at)| (*id, *order, *at)));
            creates.extend(server.given_up.iter().map(|c| KeptCreate::of(*id, target.clone(), c, true)));
            match &server.claim {
                Claim::Empty => {}
                Claim::Create(create) => creates.push(KeptCreate::of(*id, target, create, false)),
                Claim::Order(o) => orders.push(kept(*id, target, o, beliefs.fee_percent, now)),
            }
        }
        for (id, stray) in &beliefs.strays {
            let order = Order::new(*id, stray.bid, now, now);
            orders.push(KeptOrder {
                target: None,
                ..kept(stray.server, String::new(), &order, beliefs.fee_percent, now)
            });
        }
        Memory {
            orders,
            creates,
            ended,
            steps: beliefs.steps.clone(),
            fee_percent: beliefs.fee_percent,
            creation_fee: beliefs.creation_fee,
            spent_ended: beliefs.spent_ended,
            manner: Manner { observe_only: self.observe_only, resumed: self.resumed, leaving: self.leaving },
            unfinished: Vec::new(),
        }
    }

    /// The engine of a run that begins at `now` with this on record. Run and replay both start here, so that nothing
    /// the record lacks can make a difference between them.
    pub fn start(strategy: Strategy, first: Memory, now: Time) -> Engine {
        let mut engine = Engine::new(strategy, first.manner.observe_only);
        if first.manner.resumed {
            engine.recall(first, now);
        }
        engine
    }

    /// Goes on from what an earlier run remembered. Call before the first [`Engine::next`].
    ///
    /// An order whose target the strategy no longer has is left alone and reported once my_orders shows it.
    fn recall(&mut self, memory: Memory, now: Time) {
        self.resumed = true;
        let beliefs = &mut self.beliefs;
        beliefs.steps = memory.steps.assuming(beliefs.strategy.venue.step);
        beliefs.fee_percent = memory.fee_percent;
        beliefs.creation_fee = memory.creation_fee;
        beliefs.spent_ended = memory.spent_ended;
        // When the last run's last create ended is not known to the millisecond.
        beliefs.last_create_end = Some(now);
        for (server, order, at) in memory.ended {
            if let Some(target) = self.target_for(None, server) {
                self.beliefs.servers.add(server, target);
                self.beliefs.servers.change(server, |s| s.ended.push((order, at.min(now))));
            }
        }
        for order in memory.orders {
            self.recall_order(order, now);
        }
        for create in memory.creates {
            let Some(target) = self.target_for(Some(&create.target), create.server) else { continue };
            let (server, given_up) = (create.server, create.given_up);
            let create = create.create(now);
            if given_up {
                self.beliefs.servers.add(server, target);
                self.beliefs.servers.change(server, |s| s.given_up.push(create));
            } else {
                self.put(server, target, Claim::Create(create), now);
            }
        }
        for unfinished in memory.unfinished {
            self.take_up(unfinished, now);
        }
    }

    fn recall_order(&mut self, kept: KeptOrder, now: Time) {
        let Some(target_name) = &kept.target else {
            self.beliefs.strays.insert(kept.id, Stray { server: kept.server, bid: kept.bid, asked_at: None });
            return;
        };
        let Some(target) = self.target_for(Some(target_name), kept.server) else {
            self.beliefs.spent_ended = self.beliefs.spent_ended.plus(kept.paid.max(kept.venue_spend));
            return;
        };
        let full_window = now + self.beliefs.strategy.venue.lower_every;
        let mut order = Order::new(kept.id, kept.bid, kept.placed_at.min(now), kept.next_lower_at.min(full_window));
        order.unsettled = kept.unsettled;
        if let Some(target) = self.beliefs.strategy.target(target) {
            order.policy = target.policy.recall(&kept.policy, now);
        }
        order.ever_held = kept.ever_held;
        order.listed = kept.listed;
        order.paid = kept.paid;
        order.venue_spend = kept.venue_spend;
        order.fee_counted = kept.fee_counted;
        if kept.cancelling {
            order.cancel = Some(Cancelling { reason: Reason::Surplus, asked_at: None, accepted_at: None });
        }
        self.put(kept.server, target, Claim::Order(order), now);
    }

    /// Takes up a command that the last run sent and never saw the end of.
    fn take_up(&mut self, unfinished: Unfinished, now: Time) {
        let Unfinished { request, target, sent_at, answer } = unfinished;
        if let Request::Cancel { server, order: id } = request {
            self.beliefs.servers.change_order(server, |order| {
                if order.id == id {
                    order.must_go(Reason::Surplus);
                }
            });
        }
        let request = match request {
            Request::Create { server, bid, .. } => {
                let Some(target) = self.target_for(target.as_deref(), server) else { return };
                self.beliefs.servers.add(server, target);
                Request::Create { server, target, bid }
            }
            other => other,
        };
        self.take_answer(&request, sent_at.min(now), now, &answer.answer());
        self.failures_forgotten();
    }

    fn put(&mut self, server: ServerId, target: TargetId, claim: Claim, now: Time) {
        self.beliefs.servers.add(server, target);
        self.beliefs.shift(server, now, Cause::Adopted, |s| {
            s.target = target;
            s.claim = claim;
        });
    }

    /// The target of that name, else the one that the server most likely belongs to.
    fn target_for(&self, name: Option<&str>, server: ServerId) -> Option<TargetId> {
        let by_name = self.beliefs.targets().find(|(_, t)| name == Some(t.name.as_str())).map(|(id, _)| id);
        by_name.or_else(|| likely_target(&self.beliefs.strategy, server))
    }
}

fn kept(server: ServerId, target: String, order: &Order, fee_percent: Decimal, now: Time) -> KeptOrder {
    let open = order
        .stretch_since
        .map_or(Amount::ZERO, |since| order.bid.accrue(now.since(since)).amount().plus_percent(fee_percent));
    KeptOrder {
        server,
        target: Some(target),
        id: order.id,
        bid: order.bid,
        unsettled: order.unsettled,
        next_lower_at: order.next_lower_at,
        placed_at: order.placed_at,
        listed: order.listed,
        ever_held: order.ever_held,
        cancelling: order.cancel.is_some(),
        paid: order.paid.plus(open),
        venue_spend: order.venue_spend,
        fee_counted: order.fee_counted,
        policy: order.policy.keep(),
    }
}
