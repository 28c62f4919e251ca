//! The only loop: waits for a slot, asks the core what is best now, sends it through the session, and hands the core the
//! answer. Live, paper and tests differ only in the venue and the clock they bring.

use std::time::Duration;

use clorebid_core::engine::{Engine, Halt, Next};
use clorebid_core::event::Event;
use clorebid_core::request::{Answer, Ask, Request};
use clorebid_core::time::{Span, Time};
use tokio::sync::watch;

use crate::clock::Jump;
use crate::journal::JournalError;
use crate::session::{Answered, Asked, Session, Venue};

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

    /// The machine slept, or its clock was set.
    fn jumped(&mut self, _now: Time, _jump: Jump) {}

    /// For how long another program has kept the journal locked, by the machine's own time; `None`: it is free. Told
    /// after every request.
    fn journal(&mut self, _locked_for: Option<Duration>) {}
}

/// Watches nothing.
impl Watcher for () {
    fn step(&mut self, _: Time, _: &Ask, _: &Answer, _: &[Event], _: &Engine) {}
}

/// Watches for somebody who wants to have the watcher back.
impl<W: Watcher + ?Sized> Watcher for &mut W {
    fn step(&mut self, now: Time, ask: &Ask, answer: &Answer, events: &[Event], engine: &Engine) {
        (**self).step(now, ask, answer, events, engine);
    }

    fn jumped(&mut self, now: Time, jump: Jump) {
        (**self).jumped(now, jump);
    }

    fn journal(&mut self, locked_for: Option<Duration>) {
        (**self).journal(locked_for);
    }
}

/// Everything a run is made of.
#[derive(Debug)]
pub struct Driver<V, W> {
    /// Decides.
    pub engine: Engine,
    /// Sends and records. Its journal's run has begun.
    pub session: Session<V>,
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
        let mut progress = Progress { seq: 0, remembered_at: self.session.clock().now(), leave_by: None };
        let ended_by = loop {
            if let Some(ended_by) = self.is_over(until, &mut progress) {
                break ended_by;
            }
            self.rest_until(self.session.free_at(), until).await;
            let now = self.session.clock().now();
            let cut_short = self.session.free_at().is_some_and(|free_at| now < free_at);
            if cut_short || (!self.engine.is_leaving() && until.is_some_and(|until| now >= until)) {
                // The run is over, or was told to be.
                continue;
            }
            match self.engine.next(now) {
                Next::Halt(halt) => break EndedBy::Halt(halt),
                Next::Ask(ask) => self.step(&ask, now, &mut progress).await?,
                Next::Wait(at) => {
                    self.session.journal().flush_if_due().await?;
                    self.rest_until(Some(at), until).await;
                }
            }
        };
        let now = self.session.clock().now();
        self.keep_memory(now, &mut progress);
        self.session.journal().end_run(now, ended_by.code()).await?;
        Ok(ended_by)
    }

    /// Whether the run is over; told to leave nothing behind, it first cancels what stands.
    fn is_over(&mut self, until: Option<Time>, progress: &mut Progress) -> Option<EndedBy> {
        let now = self.session.clock().now();
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
            return self.session.clock().sleep_until(at).await;
        }
        let at = until.map_or(at, |until| at.min(until));
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            () = self.session.clock().sleep_until(at) => {}
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
        let asked = Asked {
            seq: ask.seq,
            at: now,
            request: ask.request,
            target: ask.target.map(|id| self.engine.target_name(id)),
            reason: ask.reason.to_string(),
            cancelled_bid: None,
            // A command takes the core's memory along.
            memory: ask.request.is_command().then(|| memory_json(&self.engine, now)),
        };
        let Answered { at, answer, .. } = self.session.send(asked).await?;
        self.engine.observe(at, ask, &answer);
        events.extend(self.engine.take_events());
        if let Some(jump) = self.session.clock().take_jump() {
            self.session.journal().note_jump(ask.seq, at, &jump.to_string());
            self.watcher.jumped(at, jump);
        }
        for event in &events {
            let engine = &self.engine;
            self.session.journal().note(ask.seq, at, |id| engine.target_name(id), event);
        }
        if is_worth_remembering(&ask.request, &events, at.since(progress.remembered_at)) {
            self.keep_memory(at, progress);
        }
        self.watcher.step(at, ask, &answer, &events, &self.engine);
        self.session.journal().flush_if_due().await?;
        self.watcher.journal(self.session.journal().locked_for());
        Ok(())
    }

    fn keep_memory(&mut self, now: Time, progress: &mut Progress) {
        progress.remembered_at = now;
        self.session.journal().remember(progress.seq, now, &memory_json(&self.engine, now));
    }
}

/// What the core must not forget, as the journal keeps it.
pub fn memory_json(engine: &Engine, now: Time) -> String {
    serde_json::to_string(&engine.memory(now)).unwrap_or_default()
}

/// Whether the core's memory is to be kept after that request and what came of it, when it was last kept so long ago.
pub(crate) fn is_worth_remembering(request: &Request, events: &[Event], age: Span) -> bool {
    request.is_command() || events.iter().any(|e| matches!(e, Event::State { .. })) || age >= REMEMBER_EVERY
}
