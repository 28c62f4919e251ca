//! What a run goes on from: the memory of the last run at the same venue, and the commands that it never saw the end of.
//!
//! What the run starts with is put on record first, and the core is built from that record and from nothing else, as its
//! replay will build it.

use clorebid_core::engine::Engine;
use clorebid_core::memory::Memory;
use clorebid_core::money::Currency;
use clorebid_core::policy::adaptive::lessons::Lessons;
use clorebid_core::request::{Answer, Doubt, Request};
use clorebid_core::strategy::Strategy;
use clorebid_core::time::{Span, Time};

use crate::api;
use crate::journal::{Resume, Unfinished};

/// A core that is ready, and what it started with.
#[derive(Debug)]
pub struct Start {
    /// Decides.
    pub engine: Engine,
    /// What it knew at first, for the record of its run.
    pub memory: String,
}

/// Why the record of the last run cannot be gone on from.
#[derive(Debug, thiserror::Error)]
#[error("{what} in the journal cannot be read ({why})")]
pub struct UnreadableError {
    what: &'static str,
    why: serde_json::Error,
}

/// A run that knows nothing yet but what it was taught. With `observe_only` it reads and never bids.
pub fn anew(strategy: Strategy, observe_only: bool, lessons: &Lessons, now: Time) -> Start {
    let mut memory = Engine::new(strategy.clone(), observe_only).memory(now);
    memory.teach(&strategy, lessons);
    Start::with(strategy, memory, now)
}

impl Start {
    fn with(strategy: Strategy, memory: Memory, now: Time) -> Start {
        // Proof: a memory is made of numbers, texts and lists of these.
        let text = serde_json::to_string(&memory).expect("a memory is JSON");
        Start { engine: Engine::start(strategy, memory, now), memory: text }
    }
}

/// A run that goes on where another stopped, and takes over lessons about servers that it has not watched itself.
///
/// # Errors
/// When what that one left cannot be read.
pub fn go_on(
    strategy: Strategy,
    observe_only: bool,
    left: &Resume,
    lessons: &Lessons,
    now: Time,
) -> Result<Start, UnreadableError> {
    let unreadable = |what| move |why| UnreadableError { what, why };
    let mut memory: Memory = serde_json::from_str(&left.memory).map_err(unreadable("what the last run remembered"))?;
    if let Some(currency) = Currency::from_name(&left.currency) {
        memory.was_in(currency);
    }
    memory.hand_on(observe_only, left.at, left.watched_until);
    for unfinished in &left.unfinished {
        let request: Request =
            serde_json::from_str(&unfinished.request).map_err(unreadable("an unfinished request"))?;
        let answer = recorded_answer(&request, unfinished);
        memory.take_up(request, unfinished.target.clone(), unfinished.sent_at, &answer);
    }
    memory.teach(&strategy, lessons);
    Ok(Start::with(strategy, memory, now))
}

/// The answer that the journal holds, understood anew; without one, nobody knows.
fn recorded_answer(request: &Request, unfinished: &Unfinished) -> Answer {
    match &unfinished.answer {
        Some(recorded) => api::decode(request, &recorded.reply()),
        None => Answer::Unknown(Doubt::Interrupted),
    }
}

/// The last moment that an earlier run has on record.
pub fn last_moment(left: &Resume) -> Time {
    let asked = left.unfinished.iter().map(|u| u.answer.as_ref().map_or(u.sent_at, |a| a.at));
    asked.fold(left.watched_until, Time::max) + Span::from_secs(1)
}
