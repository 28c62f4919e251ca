//! A job in numbers at one moment, and how they run on while nothing new is seen.

use crate::ids::ServerId;
use crate::policy::deadline::progress::{Holding, Progress};
use crate::time::{Span, Time};

/// A job at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// The moment.
    pub now: Time,
    /// Time left until the deadline.
    pub left: Span,
    /// Work left.
    pub work: Span,
    /// What is left of the restart on what is held.
    pub lead: Span,
    /// What is held.
    pub holding: Option<Holding>,
}

impl Figures {
    /// A job that needs so much by then.
    pub fn new(progress: &Progress, need: Span, until: Time, now: Time) -> Figures {
        Figures {
            now,
            left: until.since(now).min(Span::LONGEST),
            work: need.min(Span::LONGEST) - progress.done(),
            lead: progress.lead().min(Span::LONGEST),
            holding: progress.holding(),
        }
    }

    /// The milliseconds that are not needed for work; below nothing where there is too little time.
    pub fn slack(&self) -> i64 {
        self.left.ms().saturating_sub(self.work.ms())
    }

    /// The same without what is left of a restart.
    pub fn free(&self) -> i64 {
        self.slack().saturating_sub(self.lead.ms())
    }

    /// The spot server that is held.
    pub fn spot(&self) -> Option<ServerId> {
        match self.holding? {
            Holding::Spot(server) => Some(server),
            Holding::OnDemand => None,
        }
    }

    /// Whether it can be done in time at best: by going on with what is held, or else by beginning now.
    pub fn can_be_met(&self, restart: Span) -> bool {
        let lead = if self.holding.is_some() { self.lead } else { restart };
        self.slack() >= lead.ms()
    }

    /// Whether work is being done: then what is left of it falls with the time left, and the slack stays.
    pub fn works(&self) -> bool {
        self.holding.is_some() && self.lead == Span::ZERO
    }

    /// The moment after so many milliseconds, if that is later than now.
    pub fn after(&self, ms: i64) -> Option<Time> {
        (ms > 0).then(|| self.now + Span::from_ms(ms))
    }

    /// When the slack has fallen below so many milliseconds, if it falls.
    pub fn slack_below(&self, ms: i64) -> Option<Time> {
        let falls = !self.works();
        self.after(self.slack().saturating_sub(ms).saturating_add(1)).filter(|_| falls)
    }
}
