//! What a decision about one server rests on beside our beliefs: the time, and how old what was read may be.

use crate::beliefs::{Seen, Server};
use crate::time::{Span, Time};

/// A raise may rest on a market read a little older than other bids may: it only ever wins back what is wanted.
pub(crate) const FRESH_ENOUGH_TO_RAISE: Span = Span::from_secs(5);
/// A server that no bid of ours can win is left for another one after this long.
pub(crate) const UNWINNABLE_FOR: Span = Span::from_secs(60);
/// An order that should hold its server, and does not for no reason to be seen, is taken for dead after this long.
pub(crate) const STUCK_FOR: Span = Span::from_secs(300);
/// A cancellation without effect is asked for again after this long.
pub(crate) const CANCEL_AGAIN: Span = Span::from_secs(10);

/// This long before the next create may be made, the market that it will rest on is read.
pub(crate) const PREPARES_CREATE: Span = Span::from_ms(2_500);

/// What counts as read just now, with what its last read brought: a jump asks what such reads would call for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Repeats {
    /// Nothing.
    Nothing,
    /// Our orders.
    Orders,
    /// Our orders, and the market that is decided on.
    OrdersAndMarket,
}

/// What a decision about one server rests on beside our beliefs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context {
    /// Now.
    pub now: Time,
    /// Whether the run ends and leaves nothing behind.
    pub leaving: bool,
    /// What counts as read just now.
    pub repeats: Repeats,
    /// Whether every hold is to be listed, for a person to read.
    pub lists_holds: bool,
}

impl Context {
    /// How old the last good my_orders, which was read at `at`, is.
    pub(crate) fn age_of_orders(&self, at: Time) -> Span {
        if self.repeats >= Repeats::Orders { Span::ZERO } else { self.now.since(at) }
    }

    /// The market of a server on which something of ours stands, where its read is no older than `limit`.
    pub(crate) fn fresh<'a>(&self, server: &'a Server, limit: Span) -> Option<&'a Seen> {
        let repeats = self.repeats == Repeats::OrdersAndMarket;
        server.market.as_ref().filter(|m| repeats || self.now.since(m.sent_at) <= limit + m.late)
    }
}
