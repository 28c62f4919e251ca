//! What a strategy says of a deadline, and what a job must know besides.

use crate::time::{Span, Time};

/// What stands under `[target.deadline]`: so many hours of one server by a time, at least cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// How long a server is to be held in all, restarts left out.
    pub need: Span,
    /// By when.
    pub by: By,
    /// Whether one may be rented on demand where the spot market can no longer make it.
    pub on_demand: bool,
}

/// When the time is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// At that moment.
    Until(Time),
    /// So long after the job began.
    Within(Span),
}

impl By {
    /// The moment, for a job that began then.
    pub fn moment(self, began: Time) -> Time {
        match self {
            By::Until(moment) => moment,
            By::Within(span) => began + span,
        }
    }
}

/// What changes cost in time, and how closely it is looked. It may differ from look to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// The work that is lost at each beginning on a server.
    pub restart: Span,
    /// The longest time until the next look that is acted on.
    pub beat: Span,
    /// How long it may take until one is rented on demand, refusals and doubt included.
    pub margin: Span,
    /// For how long a spot server that is held now is sure to stay held: nothing on a market that moves at any moment, up
    /// to a `beat` on one that is known to move only at looks.
    pub sure: Span,
}
