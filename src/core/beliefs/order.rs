//! What we have on one server: nothing, a create whose order has not been seen, or an order.
//!
//! The type itself holds I2: there is room for one.

use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::beliefs::position::{Position, Rank};
use crate::event::{Reason, State};
use crate::ids::OrderId;
use crate::market::{Offer, Quote};
use crate::money::{Amount, Price};
use crate::policy::chosen::PolicyState;
use crate::time::Time;

/// What we have on one server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "there are a few dozen of them, and most hold an order")]
pub(crate) enum Claim {
    /// Nothing.
    Empty,
    /// A create_order whose order has not been seen.
    Create(Create),
    /// An order.
    Order(Order),
}

impl Claim {
    /// The state it is in.
    pub(crate) fn state(&self) -> State {
        match self {
            Claim::Empty => State::Wanted,
            Claim::Create(c) if c.known_accepted => State::Placing,
            Claim::Create(_) => State::Unknown,
            Claim::Order(o) => o.state(),
        }
    }

    pub(crate) fn order(&self) -> Option<&Order> {
        match self {
            Claim::Order(order) => Some(order),
            Claim::Empty | Claim::Create(_) => None,
        }
    }

    pub(crate) fn order_mut(&mut self) -> Option<&mut Order> {
        match self {
            Claim::Order(order) => Some(order),
            Claim::Empty | Claim::Create(_) => None,
        }
    }

    /// The highest price it may stand at: what limits count.
    pub(crate) fn worst_bid(&self) -> Option<Price> {
        match self {
            Claim::Empty => None,
            Claim::Create(c) => Some(c.bid),
            Claim::Order(o) => Some(o.worst_bid()),
        }
    }
}

/// A create_order that was sent, as long as its order has not been seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Create {
    /// What it bids.
    pub bid: Price,
    /// When it was sent.
    pub sent_at: Time,
    /// Whether the venue said yes. Otherwise nobody knows.
    pub known_accepted: bool,
    /// Our orders on that server that were there before: none of them is the new one.
    pub before: Vec<OrderId>,
    /// Good my_orders reads since that showed nothing.
    pub absent_reads: u32,
}

/// A cancellation that is wanted or under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cancelling {
    /// Why.
    pub reason: Reason,
    /// When it was last asked for.
    pub asked_at: Option<Time>,
    /// When the venue said yes, or that the order is not there.
    pub accepted_at: Option<Time>,
}

/// Why the venue will never re-price an order again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dead {
    /// It refuses to.
    Refused,
    /// It says that there is no such order of ours.
    Gone,
}

/// An order of ours at the venue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    /// Its number.
    pub id: OrderId,
    /// Its price, as last seen or accepted.
    pub bid: Price,
    /// A re-pricing that nobody knows the outcome of.
    pub unsettled: Option<Price>,
    /// When it may next be lowered.
    pub next_lower_at: Time,
    /// When it was made, or first seen.
    pub placed_at: Time,
    /// Whether a good my_orders has listed it.
    pub listed: bool,
    /// Where it stands in the book, as far as reads have shown.
    pub position: Position,
    /// Whether it ever held the server.
    pub ever_held: bool,
    /// What its policy remembers of it.
    pub policy: PolicyState,
    /// No re-pricing before this, after a refusal that time may heal.
    pub retry_at: Time,
    /// Why it will never be re-priced again, if it won't.
    pub dead: Option<Dead>,
    /// Whether it is to go.
    pub cancel: Option<Cancelling>,
    /// When the stretch of holding at this bid began.
    pub stretch_since: Option<Time>,
    /// What the ended stretches cost, fees included.
    pub paid: Amount,
    /// What the venue says it cost.
    pub venue_spend: Amount,
    /// Whether the creation fee was counted.
    pub fee_counted: bool,
}

impl Order {
    pub(crate) fn new(id: OrderId, bid: Price, placed_at: Time, next_lower_at: Time) -> Order {
        Order {
            id,
            bid,
            unsettled: None,
            next_lower_at,
            placed_at,
            listed: false,
            position: Position::Unseen,
            ever_held: false,
            policy: PolicyState::default(),
            retry_at: placed_at,
            dead: None,
            cancel: None,
            stretch_since: None,
            paid: Amount::ZERO,
            venue_spend: Amount::ZERO,
            fee_counted: false,
        }
    }

    pub(crate) fn state(&self) -> State {
        if self.cancel.as_ref().is_some_and(|c| c.asked_at.is_some()) {
            State::Cancelling
        } else if self.holds() {
            State::Holding
        } else if self.ever_held {
            State::Outbid
        } else {
            State::Queued
        }
    }

    /// Whether it holds the server.
    pub(crate) fn holds(&self) -> bool {
        self.position.holds()
    }

    /// Whether neither a rival nor the floor stands above it in the book.
    pub(crate) fn is_on_top(&self, quote: &Quote) -> bool {
        self.position.missing_since().is_none() && is_on_top(self.bid, self.holds(), quote)
    }

    /// Whether the book, where it shows this offer again, has nothing to tell that is not known.
    pub(crate) fn is_as_shown(&self, offer: &Offer) -> bool {
        let is_placed = !matches!(self.position, Position::Unseen | Position::Missing { .. });
        is_placed
            && self.bid == offer.bid
            && self.holds() == offer.active
            && self.unsettled.is_none()
            && self.cancel.is_none()
    }

    pub(crate) fn worst_bid(&self) -> Price {
        self.unsettled.map_or(self.bid, |to| to.max(self.bid))
    }

    /// Marks it to go; a cancellation under way keeps its first reason.
    pub(crate) fn must_go(&mut self, reason: Reason) {
        if self.cancel.is_none() {
            self.cancel = Some(Cancelling { reason, asked_at: None, accepted_at: None });
        }
    }
}

/// Whether neither a rival nor the floor stands above that bid: a tie is won by whoever holds the server.
fn is_on_top(bid: Price, holds: bool, quote: &Quote) -> bool {
    let beaten = quote.best_rival.is_some_and(|rival| match rival.cmp(&bid) {
        Ordering::Greater => true,
        Ordering::Equal => !holds,
        Ordering::Less => false,
    });
    !beaten && quote.floor.is_none_or(|floor| bid >= floor)
}

/// How that bid compares with the others in the book; `goal`: the least winning bid with the margin on top.
pub(crate) fn rank(bid: Price, holds: bool, quote: &Quote, goal: Price) -> Rank {
    match is_on_top(bid, holds, quote) {
        false => Rank::Below,
        true if bid > goal => Rank::AboveGoal,
        true => Rank::OnTop,
    }
}
