//! Re-deciding a recorded run: the core is built anew from the run's own strategy and first memory, given every recorded
//! answer at its recorded time, and must ask the same again (I8).
//!
//! 1. An answer is understood anew from the recorded status and body, so a body that was touched shows as another ask.
//! 2. What is compared: number, time, endpoint, request, target and reason of each ask, and every state, stretch of
//!    holding and notice that came of its answer.
//! 3. Decisions to wait are not on record. They need not be: [`Engine::next`] leaves nothing behind that matters then.
//! 4. An answer that was never recorded ends the replay.
//!
//! It holds one page of requests at a time, however long the run was.

use std::collections::VecDeque;

use clorebid_core::engine::{Engine, Halt, Next};
use clorebid_core::event::Event;
use clorebid_core::memory::Memory;
use clorebid_core::request::{Answer, Ask, Request};

use crate::api;
use crate::clock::rfc3339;
use crate::history::{Exchange, History};
use crate::strategy;
use crate::wire::Reply;

mod error;
mod notes;
mod run;

pub use error::ReplayError;
use notes::Notes;
pub use run::{Recorded, newest_replayable, recorded_run, runs};

/// Requests read from the journal at once.
const PAGE: u32 = 64;
/// Requests shown before a difference.
const SHOWN_BEFORE: usize = 5;

/// Where recorded and re-decided part.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// The request at which it shows.
    pub seq: u64,
    /// When it was sent.
    pub at: String,
    /// What differs: `ask`, `states`, `holdings`, `holding ends` or `notices`.
    pub what: &'static str,
    /// As it is on record, one thing a line.
    pub recorded: Vec<String>,
    /// As the core decides it now.
    pub decided: Vec<String>,
    /// The requests before it.
    pub before: Vec<String>,
}

/// One request that was decided alike.
#[derive(Debug, Clone)]
pub struct Step {
    /// As it is on record.
    pub exchange: Exchange,
    /// As the core asked it.
    pub ask: Ask,
    /// What the recorded answer means; `None` where none was recorded.
    pub answer: Option<Answer>,
    /// What came of it.
    pub events: Vec<Event>,
}

/// What one step came to.
#[derive(Debug, Clone)]
pub enum Stepped {
    /// Decided alike.
    Same(Box<Step>),
    /// Decided otherwise.
    Differs(Box<Difference>),
    /// Nothing more is on record.
    Over,
}

/// How a whole replay went.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// The run.
    pub run: i64,
    /// Requests decided alike.
    pub matched: u64,
    /// How many of them were changes.
    pub changes: u64,
    /// States, stretches and notices that came out alike.
    pub notes: u64,
    /// A request without a recorded answer, at which the replay had to end.
    pub unanswered: Option<u64>,
    /// The first difference.
    pub difference: Option<Difference>,
}

/// Re-decides a whole run, or as far as it is decided alike.
///
/// # Errors
/// When the run is not there, was not decided by the core, or cannot be read.
pub async fn replay(history: &mut History, run_id: i64) -> Result<Summary, ReplayError> {
    history.hold_still().await?;
    let summary = decide_again(history, run_id).await;
    history.go_on().await?;
    summary
}

async fn decide_again(history: &mut History, run_id: i64) -> Result<Summary, ReplayError> {
    let mut replay = Replay::open(history, run_id).await?;
    let mut summary = Summary { run: run_id, matched: 0, changes: 0, notes: 0, unanswered: None, difference: None };
    loop {
        match replay.step(history).await? {
            Stepped::Same(step) => {
                summary.matched += 1;
                summary.changes += u64::from(step.ask.request.is_command());
                summary.notes += u64::try_from(step.events.len()).unwrap_or(0);
                if step.answer.is_none() {
                    summary.unanswered = Some(step.ask.seq);
                }
            }
            Stepped::Differs(difference) => {
                summary.difference = Some(*difference);
                return Ok(summary);
            }
            Stepped::Over => return Ok(summary),
        }
    }
}

/// A replay under way.
#[derive(Debug)]
pub struct Replay {
    run: Recorded,
    engine: Engine,
    page: VecDeque<Exchange>,
    /// The last request read from the journal.
    read: u64,
    /// The last request decided.
    decided: u64,
    /// After which request the run was told to leave.
    leaves_after: Option<u64>,
    notes: Notes,
    before: VecDeque<String>,
    over: bool,
}

impl Replay {
    /// Builds the core as it was when the run began.
    ///
    /// # Errors
    /// When the run is not there, was not decided by the core, or cannot be read.
    pub async fn open(history: &mut History, run_id: i64) -> Result<Replay, ReplayError> {
        let run = recorded_run(history, run_id).await?.ok_or(ReplayError::NoRun(run_id))?;
        if !run.is_decided() {
            return Err(ReplayError::NotDecided(run_id, run.strategy));
        }
        let file =
            strategy::read(&run.strategy_toml, "strategy").map_err(|e| ReplayError::Strategy(run_id, e.to_string()))?;
        let engine = match history.first_memory(run_id).await? {
            Some(text) => {
                let memory: Memory =
                    serde_json::from_str(&text).map_err(|e| ReplayError::Memory(run_id, e.to_string()))?;
                Engine::start(file.strategy, memory, run.started_at)
            }
            None => return Err(ReplayError::Memory(run_id, "there is none".to_owned())),
        };
        let leaves_after = run::leaves_after(history, run_id).await?;
        let (notes, page, before) = (Notes::new(run_id), VecDeque::new(), VecDeque::new());
        Ok(Replay { run, engine, page, read: 0, decided: 0, leaves_after, notes, before, over: false })
    }

    /// The run that is re-decided.
    pub fn run(&self) -> &Recorded {
        &self.run
    }

    /// The core, as it was before the upcoming request.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The request that will be decided next, with the core ready for it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn upcoming(&mut self, history: &mut History) -> Result<Option<Exchange>, ReplayError> {
        if self.over {
            return Ok(None);
        }
        if self.page.is_empty() {
            self.page = history.exchanges(self.run.run_id, self.read, PAGE).await?.into();
            self.read = self.page.back().map_or(self.read, |last| last.seq);
        }
        if self.leaves_after.is_some_and(|seq| self.decided >= seq) && !self.engine.is_leaving() {
            self.engine.leave();
        }
        Ok(self.page.front().cloned())
    }

    /// Decides one more request and takes its answer.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn step(&mut self, history: &mut History) -> Result<Stepped, ReplayError> {
        let Some(exchange) = self.upcoming(history).await? else { return Ok(Stepped::Over) };
        self.page.pop_front();
        let ask = match self.decide(&exchange) {
            Ok(ask) => ask,
            Err(decided) => return Ok(self.differs(&exchange, "ask", recorded_lines(&exchange), decided)),
        };
        self.decided = ask.seq;
        let mut events = self.engine.take_events();
        let answer = recorded_answer(&ask.request, &exchange);
        if let (Some(answer), Some(at)) = (&answer, exchange.answered_at) {
            self.engine.observe(at, &ask, answer);
            events.extend(self.engine.take_events());
            let last = self.upcoming(history).await?.is_none();
            let decided = self.notes.decided(&self.engine, at, &events, self.run.ended_at.filter(|_| last));
            let recorded = self.notes.recorded(history, exchange.seq).await?;
            // A run that was cut short may not have got to note what came of its last answer.
            let cut_short = last && self.run.ended_at.is_none() && recorded.iter().all(Vec::is_empty);
            if !cut_short {
                for ((kind, decided), recorded) in notes::Kind::ALL.into_iter().zip(decided).zip(recorded) {
                    // A backtest's stretches are recorded as they were on the tape, which the bot learns of later.
                    let of_the_tape = kind.is_of_holding() && self.run.mode == "backtest";
                    if decided != recorded && !of_the_tape {
                        return Ok(self.differs(&exchange, kind.name(), recorded, decided));
                    }
                }
            }
        } else {
            self.over = true;
        }
        self.before.push_back(in_a_line(&exchange));
        if self.before.len() > SHOWN_BEFORE {
            self.before.pop_front();
        }
        Ok(Stepped::Same(Box::new(Step { exchange, ask, answer, events })))
    }

    /// What the core asks at the recorded time, if it is what is on record; else what it does instead.
    fn decide(&mut self, exchange: &Exchange) -> Result<Ask, Vec<String>> {
        match self.engine.next(exchange.sent_at) {
            Next::Ask(ask) => {
                let lines = self.decided_lines(&ask);
                if lines == recorded_lines(exchange) { Ok(ask) } else { Err(lines) }
            }
            Next::Wait(until) => Err(vec![format!("waits until {}", rfc3339(until))]),
            Next::Halt(Halt::BadKey) => Err(vec!["ends: the venue refuses the key".to_owned()]),
            Next::Halt(Halt::Unreachable) => Err(vec!["ends: nobody answers".to_owned()]),
        }
    }

    fn decided_lines(&self, ask: &Ask) -> Vec<String> {
        let request = serde_json::to_string(&ask.request).unwrap_or_default();
        let target = ask.target.map(|id| self.engine.target_name(id));
        lines(ask.seq, api::endpoint(&ask.request), &request, target, &ask.reason.to_string())
    }

    fn differs(&mut self, at: &Exchange, what: &'static str, recorded: Vec<String>, decided: Vec<String>) -> Stepped {
        self.over = true;
        let before = self.before.drain(..).collect();
        let difference = Difference { seq: at.seq, at: rfc3339(at.sent_at), what, recorded, decided, before };
        Stepped::Differs(Box::new(difference))
    }
}

/// What a recorded answer means, understood anew; `None` where none was recorded.
fn recorded_answer(request: &Request, exchange: &Exchange) -> Option<Answer> {
    exchange.answered_at?;
    let body = exchange.body.clone().unwrap_or_default();
    Some(api::decode(request, &Reply::recorded(exchange.status, body, exchange.error.as_deref())))
}

fn recorded_lines(exchange: &Exchange) -> Vec<String> {
    lines(exchange.seq, &exchange.call, &exchange.request, exchange.target.as_deref(), &exchange.reason)
}

/// An ask, one thing a line.
fn lines(seq: u64, call: &str, request: &str, target: Option<&str>, reason: &str) -> Vec<String> {
    let target = target.map_or_else(|| "no target".to_owned(), |t| format!("target {t}"));
    vec![format!("request {seq}: {call}"), request.to_owned(), target, format!("reason: {reason}")]
}

/// A request in a line.
pub(crate) fn in_a_line(exchange: &Exchange) -> String {
    let (seq, at, call, args) = (exchange.seq, rfc3339(exchange.sent_at), &exchange.call, &exchange.args);
    let error = exchange.error.as_deref().map(|e| format!(" ({e})")).unwrap_or_default();
    format!("{seq}  {at}  {call} {args}  {}{error}", exchange.outcome)
}
