//! The only loop: waits for a slot, asks the core what is best now, journals it, sends it, journals the answer, and hands
//! it to the core. Live, paper and tests differ only in the venue and the clock they bring.
//!
//! I4: a change is committed, with every read that led to it, before it is sent: [`Journal::intend`] returns only then,
//! and only what it returns can be sent. I5: its answer is committed before [`Engine::observe`] sees it.

use std::time::Duration;

use clorebid_core::engine::{Engine, Halt, Next};
use clorebid_core::event::Event;
use clorebid_core::request::{Answer, Ask, Doubt, Request};
use clorebid_core::strategy::Strategy;
use clorebid_core::time::{Span, Time};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::clore::{self, Call, CreateOrder, Kind, OrderForm};
use crate::crash;
use crate::governor::Governor;
use crate::journal::{Action, BidSent, Journal, JournalError, Received, Sent};
use crate::tape;
use crate::venue::{Reply, Venue};

/// How long a request in flight may go on after the run was told to stop.
const GRACE: Duration = Duration::from_secs(4);
/// How often the core's memory is kept when nothing in particular happens.
const REMEMBER_EVERY: Span = Span::from_secs(600);
/// How long a run that leaves may take for each order to be cancelled, and for the first.
const LEAVE_PER_ORDER: Span = Span::from_secs(15);
const LEAVE_AT_MOST: Span = Span::from_secs(180);

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedBy {
    /// Its time was up.
    Time,
    /// It was told to.
    Signal,
    /// Going on was pointless.
    Halt(Halt),
}

impl EndedBy {
    /// The code in the database.
    pub const fn code(self) -> &'static str {
        match self {
            EndedBy::Time => "time",
            EndedBy::Signal => "signal",
            EndedBy::Halt(Halt::BadKey) => "bad_key",
            EndedBy::Halt(Halt::Unreachable) => "unreachable",
        }
    }
}

/// Whoever wants to know what happens while it happens.
pub trait Watcher {
    /// A request has ended, and this changed.
    fn step(&mut self, now: Time, ask: &Ask, answer: &Answer, events: &[Event], engine: &Engine);
}

/// Watches nothing.
impl Watcher for () {
    fn step(&mut self, _: Time, _: &Ask, _: &Answer, _: &[Event], _: &Engine) {}
}

/// Everything a run is made of.
#[derive(Debug)]
pub struct Driver<V, W> {
    /// Decides.
    pub engine: Engine,
    /// Records. Its run has begun.
    pub journal: Journal,
    /// Tells the time.
    pub clock: Clock,
    /// Holds the rate.
    pub governor: Governor,
    /// Answers.
    pub venue: V,
    /// What is to run on the servers, in the order of the strategy's targets.
    pub forms: Vec<OrderForm>,
    /// Watches.
    pub watcher: W,
    /// Whether our orders are cancelled at the end.
    pub cancel_on_exit: bool,
    /// Turns true when the run is to end.
    pub stop: watch::Receiver<bool>,
}

/// What the loop itself keeps.
struct Progress {
    seq: u64,
    remembered_at: Time,
    leave_by: Option<Time>,
}

impl<V: Venue, W: Watcher> Driver<V, W> {
    /// Runs until `until`, or until told to stop, or until going on is pointless. Ends the journal's run.
    ///
    /// # Errors
    /// When the journal cannot be written: nothing is sent that is not recorded, so the run ends.
    pub async fn run(&mut self, until: Option<Time>) -> Result<EndedBy, JournalError> {
        let mut progress = Progress { seq: 0, remembered_at: self.clock.now(), leave_by: None };
        let ended_by = loop {
            if let Some(ended_by) = self.is_over(until, &mut progress) {
                break ended_by;
            }
            self.rest_until(self.governor.free_at(), until).await;
            let now = self.clock.now();
            let cut_short = self.governor.free_at().is_some_and(|free_at| now < free_at);
            if cut_short || (!self.engine.is_leaving() && until.is_some_and(|until| now >= until)) {
                // The run is over, or was told to be.
                continue;
            }
            match self.engine.next(now) {
                Next::Halt(halt) => break EndedBy::Halt(halt),
                Next::Ask(ask) => self.step(&ask, now, &mut progress).await?,
                Next::Wait(at) => {
                    self.journal.flush_if_due().await?;
                    self.rest_until(Some(at), until).await;
                }
            }
        };
        let now = self.clock.now();
        self.note_truth(progress.seq, now, true);
        self.keep_memory(now, &mut progress);
        self.journal.end_run(now, ended_by.code()).await?;
        Ok(ended_by)
    }

    /// Whether the run is over; told to leave nothing behind, it first cancels what stands.
    fn is_over(&mut self, until: Option<Time>, progress: &mut Progress) -> Option<EndedBy> {
        let now = self.clock.now();
        let ended_by = match until {
            _ if self.stopped() => EndedBy::Signal,
            Some(until) if now >= until => EndedBy::Time,
            _ => return None,
        };
        if !self.cancel_on_exit || self.engine.is_empty() {
            return Some(ended_by);
        }
        if !self.engine.is_leaving() {
            self.engine.leave();
            // When it was told to leave shows in no request, and a replay must know.
            self.keep_memory(now, progress);
            let orders = self.engine.status(now).servers.iter().filter(|s| s.our_bid.is_some()).count();
            let time = LEAVE_PER_ORDER.times(i64::try_from(orders).unwrap_or(1) + 1).min(LEAVE_AT_MOST);
            progress.leave_by = Some(now + time);
        }
        progress.leave_by.is_some_and(|by| now >= by).then_some(ended_by)
    }

    /// Waits until `at`, unless the run ends or is stopped before.
    async fn rest_until(&self, at: Option<Time>, until: Option<Time>) {
        let Some(at) = at else { return };
        if self.engine.is_leaving() {
            return self.clock.sleep_until(at).await;
        }
        let at = until.map_or(at, |until| at.min(until));
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            () = self.clock.sleep_until(at) => {}
            _ = stop.wait_for(|stopped| *stopped) => {}
        }
    }

    fn stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// One request from decision to understanding.
    async fn step(&mut self, ask: &Ask, now: Time, progress: &mut Progress) -> Result<(), JournalError> {
        progress.seq = ask.seq;
        let mut events = self.engine.take_events();
        let call = self.call(&ask.request);
        let truth_known = self.note_truth(ask.seq, now, false);
        crash::point("before_intent", &call);
        let journaled = self.journal.intend(call.clone(), sent(&self.engine, ask, &call, now)).await?;
        crash::point("after_intent", &call);
        let slot = self.governor.take(call.is_create());
        let reply = tokio::select! {
            reply = self.venue.send(journaled, slot) => reply,
            () = patience(self.stop.clone()) => Reply::None(Doubt::Interrupted),
        };
        crash::point("after_send", &call);
        // Taken before the governor counts its pause, so that the pause between two requests on record is no shorter.
        let answered_at = self.clock.now();
        self.governor.ended(call.is_create());
        let answer = clore::answer(&call, &reply);
        crash::point("after_answer", &call);
        self.journal.record(received(ask, answered_at, reply, &answer, self.engine.strategy())).await?;
        crash::point("before_core", &call);
        self.engine.observe(answered_at, ask, &answer);
        events.extend(self.engine.take_events());
        for event in &events {
            let engine = &self.engine;
            if truth_known && matches!(event, Event::HoldingFrom { .. } | Event::HoldingTo { .. }) {
                continue;
            }
            self.journal.note(ask.seq, answered_at, |id| engine.target_name(id), event);
        }
        self.note_truth(ask.seq, answered_at, false);
        let news = ask.request.is_command() || events.iter().any(|c| matches!(c, Event::State { .. }));
        if news || answered_at.since(progress.remembered_at) >= REMEMBER_EVERY {
            self.keep_memory(answered_at, progress);
        }
        self.watcher.step(answered_at, ask, &answer, &events, &self.engine);
        self.journal.flush_if_due().await
    }

    /// Records what truly happened to our holdings, where the venue can tell; says whether it can.
    fn note_truth(&mut self, seq: u64, now: Time, over: bool) -> bool {
        let Some(moves) = self.venue.truth(now, over) else { return false };
        for (at, event) in &moves {
            let engine = &self.engine;
            self.journal.note(seq, *at, |id| engine.target_name(id), event);
        }
        true
    }

    fn keep_memory(&mut self, now: Time, progress: &mut Progress) {
        progress.remembered_at = now;
        self.journal.remember(progress.seq, now, &memory_json(&self.engine, now));
    }

    /// The core's request as a call of the venue.
    fn call(&self, request: &Request) -> Call {
        match *request {
            Request::SpotMarket { server } => Call::SpotMarketplace { market: server },
            Request::Marketplace => Call::Marketplace,
            Request::MyOrders => Call::MyOrders { return_completed: false },
            Request::Wallets => Call::Wallets,
            Request::Reprice { order, to, .. } => Call::SetSpotPrice { order, price: to },
            Request::Cancel { order, .. } => Call::CancelOrder { id: order, issue: None },
            Request::Create { server, target, bid } => {
                let index = usize::try_from(target.0).unwrap_or(usize::MAX);
                Call::CreateOrder(Box::new(CreateOrder {
                    currency: self.engine.strategy().currency,
                    renting_server: server,
                    kind: Kind::Spot { bid },
                    form: self.forms[index].clone(),
                }))
            }
        }
    }
}

/// A request as it goes on record; a change takes the core's memory along.
fn sent<'a>(engine: &'a Engine, ask: &Ask, call: &Call, now: Time) -> Sent<'a> {
    Sent {
        seq: ask.seq,
        at: now,
        call: call.name(),
        args: call.args(),
        request: serde_json::to_string(&ask.request).unwrap_or_default(),
        target: ask.target.map(|id| engine.target_name(id)),
        reason: ask.reason.to_string(),
        bid: bid_sent(&ask.request),
        memory: ask.request.is_command().then(|| memory_json(engine, now)),
    }
}

/// What the core must not forget, as the journal keeps it.
pub fn memory_json(engine: &Engine, now: Time) -> String {
    serde_json::to_string(&engine.memory(now)).unwrap_or_default()
}

/// Ends when a request in flight has had its time after the run was told to stop; never if it is not told.
async fn patience(mut stop: watch::Receiver<bool>) {
    if stop.wait_for(|stopped| *stopped).await.is_err() {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(GRACE).await;
}

fn bid_sent(request: &Request) -> Option<BidSent> {
    match *request {
        Request::Create { server, bid, .. } => {
            Some(BidSent { action: Action::Place, server, order: None, old_price: None, new_price: Some(bid) })
        }
        Request::Reprice { server, order, from, to } => {
            let action = if to > from { Action::Raise } else { Action::Lower };
            Some(BidSent { action, server, order: Some(order), old_price: Some(from), new_price: Some(to) })
        }
        Request::Cancel { server, order } => {
            Some(BidSent { action: Action::Cancel, server, order: Some(order), old_price: None, new_price: None })
        }
        _ => None,
    }
}

/// An answer as it goes on record; one to a change names the order that was meant.
fn received(ask: &Ask, at: Time, reply: Reply, answer: &Answer, strategy: &Strategy) -> Received {
    let offer_id = match ask.request {
        Request::Reprice { order, .. } | Request::Cancel { order, .. } => Some(order),
        _ => None,
    };
    let seen_in = (strategy.currency, strategy.venue.tick);
    Received { offer_id, ..tape::received(ask.seq, at, reply, answer, seen_in) }
}
