//! The record of everything: an append-only, hash-chained SQLite file that every run writes and nothing rewrites.
//!
//! 1. What changes something at the venue is committed, with every read before it, before it can be sent: only
//!    [`Journal::intend`] makes a [`Journaled`], and a sender takes nothing else.
//! 2. The answer to a change is committed before [`Journal::record`] returns.
//! 3. Reads and notes wait for the next commit, five seconds or 500 rows at most while [`Journal::flush_if_due`] is
//!    called; that one goes to the disk while the run goes on, and whatever is committed next comes after it.
//! 4. After a write has failed nothing more is written: every later call says [`JournalError::Broken`].
//! 5. Every row carries the hash of the one before it; [`Journal::verify_chain`] finds any that was touched, and what a
//!    run last ended with stands in a file beside it ([`Head`]), so that rows cut off its end are missed.
//! 6. A file that is deleted or replaced while it is open is noticed before the next commit.
//!
//! Times are the run's own: what the caller hands in is stored. Only the five seconds are the machine's.

use std::fmt;

use bytes::Bytes;
use clorebid_core::ids::{OrderId, ServerId};
use clorebid_core::money::{Currency, Price};
use clorebid_core::request::Outcome;
use clorebid_core::time::Time;

mod accounts;
mod anchor;
mod bodies;
mod buffer;
mod closing;
mod error;
mod head;
mod ledger;
mod link;
mod open;
mod resume;
mod run;
#[cfg(test)]
mod statements;
mod tables;
mod verify;
mod views;
mod writer;

pub use accounts::venue_text;
pub(crate) use bodies::{BodyError, Unpacker, unpack};
pub use error::JournalError;
pub(crate) use error::result_code;
pub use head::{Head, NoHeadError, head_file, heads_in};
pub(crate) use open::{APPLICATION_ID, has_sqlite_header};
pub use resume::{RecordedAnswer, Resume, Unfinished};
pub(crate) use tables::key;
pub use verify::ChainFault;
pub(crate) use verify::chain_faults;
pub(crate) use views::{altered_views, lay_over};
pub use writer::{Journal, Past};

/// Proof that a value is in the journal. Only the journal makes one.
#[derive(Debug)]
pub struct Journaled<T>(T);

impl<T> Journaled<T> {
    /// The value, used up.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// What kind of run it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Against the venue, with real money.
    Live,
    /// Against the simulated venue.
    Paper,
    /// Over a tape.
    Backtest,
}

impl Mode {
    /// The code in the database.
    pub const fn code(self) -> &'static str {
        match self {
            Mode::Live => "live",
            Mode::Paper => "paper",
            Mode::Backtest => "backtest",
        }
    }
}

/// What is known of a run when it starts.
#[derive(Debug, Clone, Copy)]
pub struct RunStart<'a> {
    /// When, by the run's clock.
    pub at: Time,
    /// What kind of run.
    pub mode: Mode,
    /// The strategy's name.
    pub strategy: &'a str,
    /// The strategy file as it was read; its SHA-256 is computed here.
    pub strategy_toml: &'a str,
    /// Where requests go; with the account there, where it matters whose orders the run's are ([`venue_text`]).
    pub venue: &'a str,
    /// What every random choice of a paper run follows from.
    pub seed: Option<u64>,
    /// What every price of the run is counted in.
    pub currency: Currency,
    /// What the core starts with. Empty: nothing. It must already hold whatever [`Resume`] told, since the next
    /// resumption looks at this run alone.
    pub memory: &'a str,
}

/// A request about to be sent.
#[derive(Debug, Clone)]
pub struct Sent<'a> {
    /// Its number in the run, from 1 upwards.
    pub seq: u64,
    /// When.
    pub at: Time,
    /// The endpoint's name.
    pub call: &'static str,
    /// The arguments as JSON, without secrets.
    pub args: String,
    /// The core's request as JSON.
    pub request: String,
    /// For which target.
    pub target: Option<&'a str>,
    /// Why, in words.
    pub reason: String,
    /// What it does to our bid: set for a change, `None` for a read.
    pub bid: Option<BidSent>,
    /// The core's memory with this request in it.
    pub memory: Option<String>,
}

/// What a change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A first bid.
    Place,
    /// A higher one.
    Raise,
    /// A lower one.
    Lower,
    /// The order is taken back.
    Cancel,
}

impl Action {
    /// The code in the database.
    pub const fn code(self) -> &'static str {
        match self {
            Action::Place => "place",
            Action::Raise => "raise",
            Action::Lower => "lower",
            Action::Cancel => "cancel",
        }
    }
}

/// A change to one of our bids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BidSent {
    /// What is done to it.
    pub action: Action,
    /// Where.
    pub server: ServerId,
    /// The order, which a place does not know yet.
    pub order: Option<OrderId>,
    /// The bid before.
    pub old_price: Option<Price>,
    /// The bid after; a cancel has none.
    pub new_price: Option<Price>,
}

/// What came back, or that nothing did.
#[derive(Clone)]
pub struct Received {
    /// The request's number.
    pub seq: u64,
    /// When.
    pub at: Time,
    /// The HTTP status, if an answer came.
    pub status: Option<u16>,
    /// The body as it came; empty if none did.
    pub body: Bytes,
    /// The venue's code, where the body has one.
    pub code: Option<i64>,
    /// What went wrong, as a code.
    pub error: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// The order a change was about, where the answer tells.
    pub offer_id: Option<OrderId>,
    /// What a good spot_marketplace says about us.
    pub sighting: Option<Sighting>,
}

/// Leaves the body out: it is for the journal, not for a log.
impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Received { seq, at, status, body, code, error, outcome, .. } = self;
        let length = body.len();
        write!(f, "Received {{ {seq} at {at:?}: {status:?}, {length} bytes, {code:?}, {error:?}, {outcome:?} }}")
    }
}

/// What a spot_marketplace answer says about us, in the run's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Whose market.
    pub server: ServerId,
    /// Least price the host takes.
    pub floor: Option<Price>,
    /// Highest bid of anybody else.
    pub best_rival: Option<Price>,
    /// Our bid.
    pub our_bid: Option<Price>,
    /// Whether we hold it.
    pub holding: bool,
    /// Whether it is connected.
    pub online: bool,
    /// Whether offers may be made on it, in the venue's words.
    pub visibility: String,
}
