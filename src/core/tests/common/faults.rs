//! What may go wrong at the venue: with a request, and with an order that is outbid.

use clorebid_core::request::Answer;

/// What becomes of a spot order that is outbid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eviction {
    /// It stays in the book, inactive.
    Pause,
    /// It is gone from the book and from my_orders.
    Vanish,
    /// It is gone from the book and listed as expired.
    Expire,
    /// It is gone from the book, still listed, and no bid brings it back.
    Freeze,
    /// It stays in the book, inactive for good, even where it is the highest.
    Stick,
}

/// What may go wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It never arrives; nobody knows.
    LostBefore,
    /// It is carried out and the answer is lost.
    LostAfter,
    /// code 5.
    TooFast,
    /// code 1, not carried out.
    Database,
    /// No connection is made.
    Unreachable,
    /// It arrives twice, and the second answer comes back.
    Twice,
}

/// Which requests a forced fault waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Create,
    Raise,
    Lower,
    Cancel,
    Read,
}

/// A way in which the venue tells an answer otherwise than it is.
#[derive(Debug, Clone)]
pub struct Lie {
    /// How often it does so.
    pub times: u32,
    /// Changes an answer that it is about, and says whether it was.
    pub tell: fn(&mut Answer) -> bool,
}
