//! Telling people what happens in a run: beside its loop, and never in its way.
//!
//! ```text
//! events ── reporter ──► News, in words ── courier ──► queue, pauses, tries ── receiver ──► Letter ── post ──► HTTP
//! ```
//!
//! 1. The loop never waits for a receiver: what is told goes into a queue, and where that is full it is dropped.
//! 2. What is dropped is counted and warned of.
//! 3. No address or token is in a warning, in an error, or in what prints itself.
//! 4. What is told to whom decides nothing: the core knows nothing of it, and it is no part of the record.

mod courier;
mod post;
mod receiver;
mod reporter;
mod telling;
mod wording;

use std::sync::Arc;

use clorebid_core::ids::ServerId;
use clorebid_core::time::Time;

use crate::strategy::Occasion;

pub use courier::{Counts, Patience};
pub use post::{Said, Trouble};
pub use receiver::{Receiver, ReceiverError};
pub use reporter::is_loss;
pub use telling::{Telling, Tried, try_out};

/// The run that is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The strategy's name.
    pub strategy: String,
    /// `live` or `paper`.
    pub mode: &'static str,
    /// Whether it only reads: that it bids nothing is then no news.
    pub only_observes: bool,
}

/// One thing that happened, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// What it is; `None`: nothing happened, and it is a test.
    pub occasion: Option<Occasion>,
    /// When, by the run's clock.
    pub at: Time,
    /// To which target.
    pub target: Option<String>,
    /// On which server.
    pub server: Option<ServerId>,
    /// A sentence about it.
    pub text: String,
}

impl News {
    /// News about the run as a whole.
    pub fn of_the_run(occasion: Occasion, at: Time, text: String) -> News {
        News { occasion: Some(occasion), at, target: None, server: None, text }
    }

    fn code(&self) -> &'static str {
        self.occasion.map_or("test", Occasion::code)
    }
}

/// News that all receivers share.
type Shared = Arc<News>;
