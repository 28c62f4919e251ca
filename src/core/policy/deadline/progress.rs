//! How much of a job is done: the time that a server was truly held, less the restart at each beginning.

use serde::{Deserialize, Serialize};

use crate::ids::ServerId;
use crate::time::{Span, Time};

/// What is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holding {
    /// A server on the spot market.
    Spot(ServerId),
    /// One on demand.
    OnDemand,
}

/// What is held, and since when without a break: a server that was lost and won back is held since then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// What.
    pub what: Holding,
    /// Since when.
    pub since: Time,
}

/// How much of a job is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    done: Span,
    /// Up to when that is counted.
    counted_to: Time,
    held: Option<Held>,
    /// What is left of the restart on what is held.
    lead: Span,
    /// Until when it is sure to stay held.
    sure_to: Time,
}

impl Progress {
    /// Nothing is done yet. What was held before the job began does not count.
    pub fn new(began: Time) -> Progress {
        Progress { done: Span::ZERO, counted_to: began, held: None, lead: Span::ZERO, sure_to: began }
    }

    /// Counts up to now. What is not held any more counts up to the last look at which it was, or to when it was sure to
    /// stay: nobody knows more.
    pub fn count(&mut self, now: Time, held: Option<Held>, restart: Span) {
        let is_other = held != self.held;
        let lost = held.map_or(now, |held| held.since.min(now)).min(self.sure_to);
        self.go_on(if is_other { lost } else { now });
        if is_other {
            self.counted_to = held.map_or(now, |held| held.since).max(self.counted_to);
            self.held = held;
            self.lead = if held.is_some() { restart } else { Span::ZERO };
            self.go_on(now);
        }
        self.sure_to = self.counted_to;
    }

    /// What is held is not let go, and is sure to stay for so long.
    pub fn stays(&mut self, sure: Span) {
        self.sure_to = self.counted_to + sure;
    }

    /// Counts what is held up to that moment.
    fn go_on(&mut self, until: Time) {
        if self.held.is_some() {
            let passed = until.since(self.counted_to);
            self.done = self.done + (passed - self.lead);
            self.lead = self.lead - passed;
        }
        self.counted_to = self.counted_to.max(until);
    }

    /// The time that was held, restarts left out.
    pub fn done(&self) -> Span {
        self.done
    }

    /// What is left of the restart on what is held.
    pub fn lead(&self) -> Span {
        self.lead
    }

    /// What is held.
    pub fn holding(&self) -> Option<Holding> {
        self.held.map(|held| held.what)
    }
}
