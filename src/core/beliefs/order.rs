//! What we have on one server: nothing, a create whose order has not been seen, or an order.
//!
//! The type itself holds I2: there is room for one.

use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::beliefs::bill::Bill;
use crate::beliefs::position::{Position, Rank};
use crate::event::{Reason, State};
use crate::ids::OrderId;
use crate::market::{Offer, OrderRow, Quote};
use crate::money::{Currency, Price};
use crate::policy::chosen::PolicyState;
use crate::time::{Span, Time};

/// A create of which nobody knows whether it arrived, and which nobody has seen for this long, in two good reads, never
/// took effect.
pub const CREATE_SETTLES_AFTER: Span = Span::from_secs(120);
/// The same for one that the venue said yes to, or to which it said that an order stands there. A new order has been
/// seen to appear minutes late, and giving it up too soon rents a second server.
const WITNESSED_CREATE_SETTLES_AFTER: Span = Span::from_secs(600);
/// The venue's clock and ours are taken to differ by less than this.
const CLOCKS_AGREE: Span = Span::from_secs(600);

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
            Claim::Create(c) if c.word == Word::Accepted => State::Placing,
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
    /// What the venue said of it.
    pub word: Word,
    /// Our orders on that server that were there before: none of them is the new one.
    pub before: Vec<OrderId>,
    /// Good my_orders reads since that showed nothing.
    pub absent_reads: u32,
}

/// What the venue said of a create whose order has not been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// Yes.
    Accepted,
    /// That an order of the account stands there already: this one, if the request arrived twice, or another.
    AlreadyThere,
    /// Nothing that could be understood.
    Nothing,
}

impl Create {
    /// A create that nobody has seen for this long, in two good reads, is given up.
    pub(crate) fn settles_after(&self) -> Span {
        match self.word {
            Word::Accepted | Word::AlreadyThere => WITNESSED_CREATE_SETTLES_AFTER,
            Word::Nothing => CREATE_SETTLES_AFTER,
        }
    }

    /// Whether that live row of my_orders, on the same server, is its order: same coin, same price, made at that time.
    pub(crate) fn made(&self, row: &OrderRow, currency: Currency, tick: Price) -> bool {
        row.spot != Some(false)
            && !self.before.contains(&row.id)
            && row.currency.is_none_or(|c| c == currency)
            && row.price.is_some_and(|price| price.shows(self.bid, tick))
            && self.is_as_old_as(row)
    }

    /// Whether that row was made when it was sent, as far as two clocks can tell.
    pub(crate) fn is_as_old_as(&self, row: &OrderRow) -> bool {
        row.created.is_none_or(|at| at.since(self.sent_at) <= CLOCKS_AGREE && self.sent_at.since(at) <= CLOCKS_AGREE)
    }
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
    /// It said once that the order is not active. The book has to agree.
    SaidInactive,
    /// It said once that there is no such order of ours. The book or my_orders has to agree.
    SaidGone,
    /// It said so, and a read of the book since does not show that it holds its server.
    Surely,
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
    /// Since when my_orders has said that it is over, while the book shows it.
    pub unlisted_since: Option<Time>,
    /// Where it stands in the book, as far as reads have shown.
    pub position: Position,
    /// Whether it ever held the server.
    pub ever_held: bool,
    /// What its policy remembers of it.
    pub policy: PolicyState,
    /// No re-pricing before this, after a refusal that time may heal.
    pub retry_at: Time,
    /// How many re-pricings in a row came to nothing, or to nobody knows what.
    pub failures: u32,
    /// Why it will never be re-priced again, if it won't.
    pub dead: Option<Dead>,
    /// When a command of ours last changed it, or may have: an older read tells nothing of how it stands now.
    pub changed_at: Time,
    /// Whether it is to go.
    pub cancel: Option<Cancelling>,
    /// What it has cost so far.
    pub bill: Bill,
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
            unlisted_since: None,
            position: Position::Unseen,
            ever_held: false,
            policy: PolicyState::default(),
            retry_at: placed_at,
            failures: 0,
            dead: None,
            changed_at: placed_at,
            cancel: None,
            bill: Bill::default(),
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
            && self.dead.is_none()
            && self.cancel.is_none()
    }

    /// The price that the venue means where it shows `shown` for it: the one we know, if only a float lies between.
    pub(crate) fn price_shown(&self, shown: Price, tick: Price) -> Price {
        let known = self.unsettled.into_iter().chain([self.bid]).find(|known| shown.shows(*known, tick));
        known.unwrap_or(shown)
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
