//! Why things happen: the reason behind every ask, the states an order goes through, and the cause of each step.
//!
//! All three are closed enums with stable text, since they land in the database and on the screen.

use alloc::boxed::Box;
use core::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::denial::Denial;
use crate::ids::{OrderId, ServerId, TargetId};
use crate::money::{Amount, Price};
use crate::time::{Span, Time};
use crate::words::Words;

/// Why a request is made. Its `Display` is the `reason` column of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// A read that keeps what we know fresh.
    Watch {
        /// How old the last good answer is, if there is one.
        age: Option<Span>,
    },
    /// A read that must settle whether a request took effect.
    Settle,
    /// A first bid.
    Open {
        /// What it takes to win.
        least_winning: Price,
        /// The server's floor.
        floor: Price,
    },
    /// A rival or the floor is above our bid.
    Outbid {
        /// By how much the least winning bid is above ours.
        by: Price,
        /// What it takes to win.
        least_winning: Price,
    },
    /// More is paid than it takes to win.
    Slack {
        /// What it takes to win, margin included.
        goal: Price,
        /// Least price the venue takes now, where known.
        lowest: Option<Price>,
    },
    /// What a policy says of a bid of its own. Boxed: it is larger than all the others, and rarer.
    Policy(Box<Words>),
    /// Bidding anew is cheaper than stepping down.
    Replace {
        /// The bid that will be made.
        new_bid: Price,
        /// Steps that it would take.
        steps: u32,
    },
    /// Another server is cheaper, and this one is lost anyhow.
    Move {
        /// Where to.
        to: ServerId,
        /// What it takes to win there.
        least_winning: Price,
    },
    /// A policy thinks a new order worth a restart.
    Anew {
        /// On this other server; `None`: where the last one stood.
        elsewhere: Option<ServerId>,
        /// The bid that will be made, as of now.
        bid: Price,
        /// What the policy says of it.
        why: Box<Words>,
    },
    /// This order may not stand: a limit forbids it.
    Limit(Denial),
    /// The order can no longer be re-priced; a new one takes its place.
    Dead,
    /// The target has more orders than it wants.
    Surplus,
    /// The run ends and was told to leave nothing behind.
    Exit,
    /// A person asked for it.
    ByHand,
}

impl From<Words> for Reason {
    fn from(words: Words) -> Reason {
        Reason::Policy(Box::new(words))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Watch { age: None } => f.write_str("not read yet"),
            Reason::Watch { age: Some(age) } => write!(f, "last read {age} ago"),
            Reason::Settle => f.write_str("to settle what became of a request"),
            Reason::Open { least_winning, floor } => {
                write!(f, "first bid; least winning bid {least_winning}, floor {floor}")
            }
            Reason::Outbid { by, least_winning } => {
                write!(f, "outbid by {by}; least winning bid {least_winning}")
            }
            Reason::Slack { goal, lowest: None } => {
                write!(f, "slack above {goal}; lowest allowed price not known yet")
            }
            Reason::Slack { goal, lowest: Some(lowest) } => {
                write!(f, "slack above {goal}; lowest allowed now {lowest}")
            }
            Reason::Policy(words) => words.fmt(f),
            Reason::Replace { new_bid, steps } => {
                write!(f, "bidding anew at {new_bid} costs less than {steps} steps down")
            }
            Reason::Move { to, least_winning } => {
                write!(f, "moving to server {to}, where {least_winning} wins")
            }
            Reason::Anew { elsewhere: None, bid, why } => write!(f, "bidding anew at {bid}: {why}"),
            Reason::Anew { elsewhere: Some(to), bid, why } => write!(f, "moving to server {to} at {bid}: {why}"),
            Reason::Limit(denial) => write!(f, "may not stand: {denial}"),
            Reason::Dead => f.write_str("can no longer be re-priced"),
            Reason::Surplus => f.write_str("one order more than wanted"),
            Reason::Exit => f.write_str("the run ends"),
            Reason::ByHand => f.write_str("asked for by hand"),
        }
    }
}

/// The life cycle of what we have on one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing there.
    Wanted,
    /// A create was accepted; its order has not been seen yet.
    Placing,
    /// Nobody knows whether a create took effect.
    Unknown,
    /// The order stands in the book and has not held the server yet.
    Queued,
    /// It holds the server.
    Holding,
    /// It held the server and lost it.
    Outbid,
    /// It is being cancelled.
    Cancelling,
    /// It is gone.
    Ended,
}

impl State {
    /// The code in the database.
    pub const fn code(self) -> &'static str {
        match self {
            State::Wanted => "wanted",
            State::Placing => "placing",
            State::Unknown => "unknown",
            State::Queued => "queued",
            State::Holding => "holding",
            State::Outbid => "outbid",
            State::Cancelling => "cancelling",
            State::Ended => "ended",
        }
    }
}

/// Why a state changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The venue accepted our request.
    Accepted,
    /// The venue refused our request.
    Refused,
    /// The answer was ambiguous.
    AnswerUnknown,
    /// The order showed up in my_orders or as our offer.
    Seen,
    /// Found at the start of a run, or taken over since the strategy adopts.
    Adopted,
    /// The book shows our offer active.
    Won,
    /// A rival's bid is above ours.
    Rival,
    /// The floor is above our bid.
    Floor,
    /// The server is offline or hidden.
    Offline,
    /// The server is rented on demand, or the offer is inactive for a reason the book does not show.
    Inactive,
    /// Our offer is no longer in the book.
    OfferMissing,
    /// We asked for the cancellation.
    Cancelled,
    /// The venue marked it expired.
    Expired,
    /// Neither my_orders nor the book shows it any more.
    Vanished,
    /// Reads showed that the create never took effect.
    NeverAppeared,
    /// Settled by reads.
    Settled,
    /// Free for a new order.
    Free,
}

impl Cause {
    /// The code in the database.
    pub const fn code(self) -> &'static str {
        match self {
            Cause::Accepted => "accepted",
            Cause::Refused => "refused",
            Cause::AnswerUnknown => "answer_unknown",
            Cause::Seen => "seen",
            Cause::Adopted => "adopted",
            Cause::Won => "won",
            Cause::Rival => "rival",
            Cause::Floor => "floor",
            Cause::Offline => "offline",
            Cause::Inactive => "inactive",
            Cause::OfferMissing => "offer_missing",
            Cause::Cancelled => "cancelled",
            Cause::Expired => "expired",
            Cause::Vanished => "vanished",
            Cause::NeverAppeared => "never_appeared",
            Cause::Settled => "settled",
            Cause::Free => "free",
        }
    }
}

/// What the core tells the outside besides its asks: to be journaled, shown and logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// What we have on a server went from one state to another.
    State {
        /// For which target.
        target: TargetId,
        /// Where.
        server: ServerId,
        /// Before.
        from: State,
        /// After.
        to: State,
        /// Why.
        cause: Cause,
    },
    /// A stretch of holding at one bid began.
    HoldingFrom {
        /// For which target.
        target: TargetId,
        /// Where.
        server: ServerId,
        /// The order that holds it.
        order: OrderId,
        /// At what price per day.
        bid: Price,
        /// What the venue adds to it, in percent.
        fee_percent: Decimal,
        /// From when on: with the last thing that may have begun it, a command of ours or a read of the book.
        since: Time,
    },
    /// An order held its server while nobody watched, as far as can be told afterwards.
    HeldUnwatched {
        /// For which target.
        target: TargetId,
        /// Where.
        server: ServerId,
        /// The order that held it.
        order: OrderId,
        /// At what price per day.
        bid: Price,
        /// What the venue adds to it, in percent.
        fee_percent: Decimal,
        /// From when on.
        from: Time,
        /// Until when.
        to: Time,
    },
    /// The venue told what it adds to an order's price, and it is not what was counted with.
    FeeTold {
        /// For which target.
        target: TargetId,
        /// Where.
        server: ServerId,
        /// The order.
        order: OrderId,
        /// In percent.
        percent: Decimal,
    },
    /// The venue told that holding has cost more than when it last told.
    VenueSpent {
        /// Where.
        server: ServerId,
        /// The order.
        order: OrderId,
        /// So much more, fees left out.
        more: Amount,
    },
    /// The stretch that order had begun is over.
    HoldingTo {
        /// Where.
        server: ServerId,
        /// The order that held it.
        order: OrderId,
    },
    /// The venue charges an order's creation fee: once, when it has stood long enough.
    CreationFee {
        /// For which target.
        target: TargetId,
        /// Where.
        server: ServerId,
        /// The order.
        order: OrderId,
        /// How much.
        amount: Amount,
    },
    /// A bid that would have been made was refused by a limit. Told once until it changes.
    Denied {
        /// For which target.
        target: TargetId,
        /// Where.
        server: ServerId,
        /// Why.
        denial: Denial,
    },
    /// An order that the bot did not make, as far as its journal tells, stands at the venue. It is left alone.
    ForeignOrder {
        /// Where.
        server: ServerId,
        /// Which.
        order: OrderId,
        /// The target that it may be an order of: nothing is placed for that one beside it.
        counts_for: Option<TargetId>,
    },
}
