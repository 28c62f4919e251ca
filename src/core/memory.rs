//! What must outlive the process: our orders with their clocks, creates that are not settled, what was learned and spent.
//!
//! A run that starts with this memory goes on where the last one ended. In doubt it takes the worse: an order whose
//! lowering clock makes no sense waits the full window, a create that was in flight is unknown.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::beliefs::bill::{Bill, FeesCharged, Unwatched};
use crate::beliefs::kept::{KeptCreate, KeptOrder, Purse};
use crate::beliefs::order::{Cancelling, Claim, Order};
use crate::beliefs::{Beliefs, Stray};
use crate::engine::Engine;
use crate::event::{Cause, Reason};
use crate::ids::{OrderId, ServerId, TargetId};
use crate::lowering::Steps;
use crate::money::{Amount, Currency, Price};
use crate::policy::adaptive::lessons::Lessons;
use crate::policy::mind::{self, Mind};
use crate::request::{Answer, Doubt, Refusal, Request};
use crate::selection::likely_target;
use crate::strategy::{Strategy, Target};
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
    #[serde(default, skip_serializing_if = "FeesCharged::is_empty")]
    fees_charged: FeesCharged,
    /// The coin of all sums and prices in it; `None`: that of the strategy, as before there could be another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
    /// What was learned and spent in other coins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    purses: Vec<Purse>,
    /// Orders at the venue that the user made while the bot watched; `None` in older memories, which did not tell them
    /// from those that nobody knows of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    users_orders: Option<Vec<OrderId>>,
    /// What was learned for each target whose policy learns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    minds: Vec<KeptMind>,
    #[serde(default)]
    manner: Manner,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unfinished: Vec<Unfinished>,
}

/// What was learned for one target: in its coin, and in ticks of that size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KeptMind {
    target: String,
    currency: Currency,
    tick: Price,
    learned: mind::Kept,
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

    /// Says which coin it is in, where it does not say so itself.
    pub fn was_in(&mut self, currency: Currency) {
        self.currency.get_or_insert(currency);
    }

    /// Makes it the memory that a later run starts with. The run that wrote it at `written_at` was watching its
    /// orders until `watched_until`, and nothing happened in between: it is written anew whenever something does.
    pub fn hand_on(&mut self, observe_only: bool, written_at: Time, watched_until: Time) {
        // Those that the run left alone were counted before it.
        let watched = self.orders.iter_mut().filter(|order| order.counted_to == Some(written_at));
        watched.for_each(|order| order.count_to(watched_until));
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

impl Memory {
    /// Has the targets whose policy learns take over what a tape teaches of their servers.
    pub fn teach(&mut self, strategy: &Strategy, lessons: &Lessons) {
        let (currency, tick) = (strategy.currency, strategy.venue.tick);
        for target in strategy.targets.iter().filter(|target| target.policy.learns()) {
            let is_its = |m: &KeptMind| m.target == target.name && m.currency == currency && m.tick == tick;
            let known = self.minds.iter().position(is_its).map(|index| self.minds.swap_remove(index));
            let mut mind = known.map_or_else(Mind::default, |known| Mind::recall(known.learned));
            for (server, market) in lessons.markets().filter(|(server, _)| target.choice.could_take(*server)) {
                mind.teach(server, market);
            }
            self.minds.push(KeptMind { target: target.name.clone(), currency, tick, learned: mind.keep() });
        }
    }
}

impl Engine {
    /// What a later run needs to know, as of `now`.
    pub fn memory(&self, now: Time) -> Memory {
        let beliefs = &self.beliefs;
        let currency = beliefs.strategy.currency;
        let mut orders = Vec::new();
        let mut creates = Vec::new();
        let mut ended = Vec::new();
        for (id, server) in beliefs.servers.iter() {
            let target = self.target_name(server.target).to_string();
            ended.extend(server.ended.iter().map(|(order, at)| (*id, *order, *at)));
            creates.extend(server.given_up.iter().map(|c| KeptCreate::of(*id, target.clone(), currency, c, true)));
            match &server.claim {
                Claim::Empty => {}
                Claim::Create(create) => creates.push(KeptCreate::of(*id, target, currency, create, false)),
                Claim::Order(o) => orders.push(kept(*id, target, o, beliefs, now)),
            }
        }
        for (id, stray) in &beliefs.strays {
            let order = Order::new(*id, stray.bid, now, now);
            orders.push(KeptOrder { target: None, ..kept(stray.server, String::new(), &order, beliefs, now) });
        }
        orders.extend(beliefs.aside.orders.iter().map(|left| left.what.clone()));
        creates.extend(beliefs.aside.creates.iter().map(|left| left.what.clone()));
        Memory {
            orders,
            creates,
            ended,
            steps: beliefs.steps.clone(),
            fee_percent: beliefs.fee_percent,
            creation_fee: beliefs.creation_fee,
            spent_ended: beliefs.spent_ended,
            fees_charged: beliefs.fees_charged.clone(),
            currency: Some(currency),
            purses: beliefs.aside.purses.clone(),
            users_orders: Some(beliefs.users_orders()),
            minds: self.kept_minds(),
            manner: Manner { observe_only: self.observe_only, resumed: self.resumed, leaving: self.leaving },
            unfinished: Vec::new(),
        }
    }

    /// The engine of a run that begins at `now` with this on record. Run and replay both start here, so that nothing
    /// the record lacks can make a difference between them.
    pub fn start(strategy: Strategy, first: Memory, now: Time) -> Engine {
        let mut engine = Engine::new(strategy, first.manner.observe_only);
        engine.beliefs.found.recall(first.users_orders.clone());
        for kept in &first.minds {
            engine.beliefs.recall_mind(kept);
        }
        if first.manner.resumed {
            engine.recall(first, now);
        }
        engine
    }

    /// Goes on from what an earlier run remembered. Call before the first [`Engine::next`].
    ///
    /// An order whose target the strategy does not have, or which bids in another coin, is left alone, counted, and handed
    /// on to the next run.
    fn recall(&mut self, memory: Memory, now: Time) {
        self.resumed = true;
        let coin = memory.currency.unwrap_or(self.beliefs.strategy.currency);
        let (steps, fee_percent) = (memory.steps, memory.fee_percent);
        let (creation_fee, spent_ended, fees_charged) = (memory.creation_fee, memory.spent_ended, memory.fees_charged);
        let last = Purse { currency: coin, steps, fee_percent, creation_fee, spent_ended, fees_charged };
        self.recall_purses(memory.purses, last);
        let beliefs = &mut self.beliefs;
        // When the last run's last create ended is not known to the millisecond.
        beliefs.last_create_end = Some(now);
        for (server, order, at) in memory.ended {
            if let Some(target) = self.target_for(None, server) {
                self.beliefs.servers.add(server, target);
                self.beliefs.servers.change(server, |s| s.ended.push((order, at.min(now))));
            }
        }
        for order in memory.orders {
            self.recall_order(order, coin, now);
        }
        for create in memory.creates {
            let (server, given_up) = (create.server, create.given_up);
            let create = KeptCreate { currency: Some(create.currency.unwrap_or(coin)), ..create };
            let Some(target) = self.target_of_ours(&create.target, server, create.currency) else {
                let counts_for = self.target_named(&create.target).filter(|_| !given_up);
                self.beliefs.leave_create(create, counts_for);
                continue;
            };
            let create = create.create(now);
            if given_up {
                self.beliefs.servers.add(server, target);
                self.beliefs.servers.change(server, |s| s.given_up.push(create));
            } else {
                self.put(server, target, Claim::Create(create), now);
            }
        }
        for unfinished in memory.unfinished {
            self.take_up(unfinished, coin, now);
        }
        if !self.is_empty() || !self.beliefs.aside.orders.is_empty() {
            // Something of ours may stand, and only whoever goes on trying can look after it.
            self.answered_before();
        }
    }

    /// What was learned for each target.
    fn kept_minds(&self) -> Vec<KeptMind> {
        let (currency, tick) = (self.beliefs.strategy.currency, self.beliefs.strategy.venue.tick);
        let kept = |(id, target): (TargetId, &Target)| {
            let learned = self.beliefs.mind(id)?.keep();
            Some(KeptMind { target: target.name.clone(), currency, tick, learned })
        };
        self.beliefs.targets().filter_map(kept).collect()
    }

    /// Goes on with what is known of the strategy's coin, and keeps what is known of the others. `last`: what the last run
    /// knew of its own coin.
    fn recall_purses(&mut self, others: Vec<Purse>, last: Purse) {
        let beliefs = &mut self.beliefs;
        let all = others.into_iter().chain([last]);
        let (ours, others) = all.partition(|purse| purse.currency == beliefs.strategy.currency);
        beliefs.aside.purses = others;
        let ours: Vec<Purse> = ours;
        if let Some(purse) = ours.into_iter().next_back() {
            beliefs.steps = purse.steps.assuming(beliefs.strategy.venue.step);
            beliefs.fee_percent = purse.fee_percent;
            beliefs.creation_fee = purse.creation_fee;
            beliefs.spent_ended = purse.spent_ended;
            beliefs.fees_charged = purse.fees_charged;
        }
    }

    fn recall_order(&mut self, kept: KeptOrder, coin: Currency, now: Time) {
        let kept = KeptOrder { currency: Some(kept.currency.unwrap_or(coin)), ..kept };
        let is_our_coin = kept.currency == Some(self.beliefs.strategy.currency);
        let Some(target_name) = &kept.target else {
            // It is cancelled, whatever coin it bids in; a price in another one is nothing to add up.
            let bid = if is_our_coin { kept.bid } else { Price::ZERO };
            self.beliefs.strays.insert(kept.id, Stray { server: kept.server, bid, asked_at: None, limit: None });
            return;
        };
        let Some(target) = self.target_of_ours(target_name, kept.server, kept.currency) else {
            let counts_for = self.target_named(target_name);
            return self.beliefs.leave_order(kept, counts_for);
        };
        let full_window = now + self.beliefs.lower_every(now);
        let mut order = Order::new(kept.id, kept.bid, kept.placed_at.min(now), kept.next_lower_at.min(full_window));
        order.unsettled = kept.unsettled;
        if let Some(target) = self.beliefs.strategy.target(target) {
            order.policy = target.policy.recall(&kept.policy, now);
        }
        order.ever_held = kept.ever_held;
        order.listed = kept.listed;
        order.bill = Bill {
            held: kept.held,
            paid: kept.paid,
            venue_spend: kept.venue_spend,
            fee_percent: kept.fee_percent,
            fee_counted: kept.fee_counted,
            stretch: None,
            counted_to: kept.counted_to,
            unwatched: kept.counted_to.map(|since| Unwatched { since, held: kept.held_then, until: None }),
        };
        if kept.cancelling {
            order.cancel = Some(Cancelling { reason: Reason::Surplus, asked_at: None, accepted_at: None });
        }
        self.put(kept.server, target, Claim::Order(order), now);
    }

    /// Takes up a command that the last run sent and never saw the end of.
    fn take_up(&mut self, unfinished: Unfinished, coin: Currency, now: Time) {
        let Unfinished { request, target, sent_at, answer } = unfinished;
        if self.take_up_aside(request, target.as_deref(), sent_at, &answer, coin, now) {
            return;
        }
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

    /// The same for a command about what this run leaves alone; tells whether it was one.
    fn take_up_aside(
        &mut self,
        request: Request,
        target: Option<&str>,
        sent_at: Time,
        answer: &CommandAnswer,
        coin: Currency,
        now: Time,
    ) -> bool {
        let may_have_arrived = match answer {
            CommandAnswer::Applied => true,
            CommandAnswer::Refused(_) => false,
            CommandAnswer::Unknown(doubt) => !doubt.sent_nothing(),
        };
        let window = self.beliefs.strategy.venue.lower_every;
        match request {
            Request::Create { server, bid, .. } => {
                let name = target.unwrap_or_default();
                if self.target_of_ours(name, server, Some(coin)).is_some() {
                    return false;
                }
                if may_have_arrived {
                    let known_accepted = *answer == CommandAnswer::Applied;
                    let create = KeptCreate {
                        server,
                        target: name.to_string(),
                        currency: Some(coin),
                        bid,
                        sent_at: sent_at.min(now),
                        known_accepted,
                        already_there: *answer == CommandAnswer::Unknown(Doubt::AlreadyHaveOrder),
                        before: self.beliefs.orders_on(server),
                        given_up: false,
                    };
                    let counts_for = self.target_named(name);
                    self.beliefs.leave_create(create, counts_for);
                }
                true
            }
            Request::Reprice { order, to, .. } => {
                let Some(kept) = self.beliefs.aside.order_mut(order) else { return false };
                if may_have_arrived {
                    (kept.unsettled, kept.next_lower_at) = (Some(to), now + window);
                }
                true
            }
            Request::Cancel { order, .. } => {
                let Some(kept) = self.beliefs.aside.order_mut(order) else { return false };
                kept.cancelling = true;
                true
            }
            _ => false,
        }
    }

    fn put(&mut self, server: ServerId, target: TargetId, claim: Claim, now: Time) {
        self.beliefs.servers.add(server, target);
        self.beliefs.shift(server, now, Cause::Adopted, |s| {
            s.target = target;
            s.claim = claim;
        });
    }

    /// The target of that name.
    fn target_named(&self, name: &str) -> Option<TargetId> {
        self.beliefs.targets().find(|(_, target)| target.name == name).map(|(id, _)| id)
    }

    /// The target that an order of ours is to be bid on for; `None` where this run has none for it, or another coin.
    fn target_of_ours(&self, name: &str, server: ServerId, currency: Option<Currency>) -> Option<TargetId> {
        let is_our_coin = currency == Some(self.beliefs.strategy.currency);
        self.target_for(Some(name), server).filter(|_| is_our_coin)
    }

    /// The target of that name, else the one that the server most likely belongs to.
    fn target_for(&self, name: Option<&str>, server: ServerId) -> Option<TargetId> {
        let by_name = self.beliefs.targets().find(|(_, t)| name == Some(t.name.as_str())).map(|(id, _)| id);
        by_name.or_else(|| likely_target(&self.beliefs.strategy, server, |_| true))
    }
}

impl Beliefs {
    /// Goes on with what was learned for a target of that name, unless it was learned in another coin or tick.
    fn recall_mind(&mut self, kept: &KeptMind) {
        let is_ours = kept.currency == self.strategy.currency && kept.tick == self.strategy.venue.tick;
        let target = self.targets().find(|(_, target)| target.name == kept.target && target.policy.learns());
        if let Some((id, _)) = target.filter(|_| is_ours) {
            self.put_mind(id, Mind::recall(kept.learned.clone()));
        }
    }
}

fn kept(server: ServerId, target: String, order: &Order, beliefs: &Beliefs, now: Time) -> KeptOrder {
    let bill = &order.bill;
    let open = bill.stretch.map_or(Amount::ZERO, |stretch| stretch.cost(now).amount());
    // What is still to be accounted for goes on being that.
    let unwatched = bill.unwatched.filter(|u| u.until.is_none());
    KeptOrder {
        server,
        target: Some(target),
        currency: Some(beliefs.strategy.currency),
        id: order.id,
        bid: order.bid,
        unsettled: order.unsettled,
        next_lower_at: order.next_lower_at,
        placed_at: order.placed_at,
        listed: order.listed,
        ever_held: order.ever_held,
        cancelling: order.cancel.is_some(),
        paid: bill.paid,
        held: bill.held.plus(open),
        venue_spend: bill.venue_spend,
        fee_percent: bill.fee_percent,
        fee_counted: bill.fee_counted,
        counted_to: Some(unwatched.map_or(now, |u| u.since)),
        held_then: unwatched.map_or(bill.stretch.is_some(), |u| u.held),
        policy: order.policy.keep(),
    }
}
