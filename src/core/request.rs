//! What the core asks of the venue and what comes back. Requests and answers are values; sending is somebody else's work.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::event::Reason;
use crate::ids::{OrderId, ServerId, TargetId};
use crate::market::{Listing, Market, OrderRow, Wallet};
use crate::money::Price;
use crate::time::Span;

/// One request, the same from the decision to the wire, the journal, the tape and the replay. The first five read; the
/// last three are commands: they change something and cost or save money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// spot_marketplace of one server.
    SpotMarket {
        /// Whose.
        server: ServerId,
    },
    /// marketplace: all servers.
    Marketplace,
    /// my_orders.
    MyOrders,
    /// my_orders with those that are over. A person asks for it; the core never does.
    AllOrders,
    /// wallets.
    Wallets,
    /// create_order of type spot, in the strategy's currency.
    Create {
        /// The server to rent.
        server: ServerId,
        /// For which target, whose image, ports and secrets it gets.
        target: TargetId,
        /// Price per day.
        bid: Price,
    },
    /// set_spot_price.
    Reprice {
        /// Whose order it is.
        server: ServerId,
        /// The order.
        order: OrderId,
        /// Its price so far.
        from: Price,
        /// The new price per day.
        to: Price,
    },
    /// cancel_order.
    Cancel {
        /// Whose order it is.
        server: ServerId,
        /// The order.
        order: OrderId,
    },
}

impl Request {
    /// Whether it changes something at the venue.
    pub const fn is_command(&self) -> bool {
        matches!(self, Request::Create { .. } | Request::Reprice { .. } | Request::Cancel { .. })
    }

    /// Whether it is the command that the venue takes only once in five seconds.
    pub const fn is_create(&self) -> bool {
        matches!(self, Request::Create { .. })
    }

    /// The server it is about, if it is about one.
    pub const fn server(&self) -> Option<ServerId> {
        match *self {
            Request::SpotMarket { server }
            | Request::Create { server, .. }
            | Request::Reprice { server, .. }
            | Request::Cancel { server, .. } => Some(server),
            Request::Marketplace | Request::MyOrders | Request::AllOrders | Request::Wallets => None,
        }
    }
}

/// A request with the reason it is made, numbered within its run from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Number of the request in its run.
    pub seq: u64,
    /// What to ask.
    pub request: Request,
    /// For which target, where it is for one.
    pub target: Option<TargetId>,
    /// Why.
    pub reason: Reason,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A good spot_marketplace.
    Market(Market),
    /// A good marketplace.
    Listing(Listing),
    /// A good my_orders: complete, so what is not in it is not there.
    Orders(Vec<OrderRow>),
    /// A good wallets.
    Wallets(Vec<Wallet>),
    /// A change was made.
    Applied,
    /// The venue said no: nothing was changed, or nothing could be read.
    Refused(Refusal),
    /// Nobody knows whether the change was made; for a read: there is no answer.
    Unknown(Doubt),
}

/// The three ways a request can end, as the database names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done, or read.
    Applied,
    /// Refused by the venue.
    Refused,
    /// Nobody knows.
    Unknown,
}

impl Outcome {
    /// The code in the database: `applied`, `refused`, `unknown`.
    pub const fn code(self) -> &'static str {
        match self {
            Outcome::Applied => "applied",
            Outcome::Refused => "refused",
            Outcome::Unknown => "unknown",
        }
    }
}

impl Answer {
    /// Which of the three it is.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Answer::Market(_) | Answer::Listing(_) | Answer::Orders(_) | Answer::Wallets(_) | Answer::Applied => {
                Outcome::Applied
            }
            Answer::Refused(_) => Outcome::Refused,
            Answer::Unknown(_) => Outcome::Unknown,
        }
    }
}

/// Why the venue said no. Source: the page's code table, and its error names of code 6.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// code 2.
    InvalidInput,
    /// code 3.
    BadKey,
    /// code 4.
    BadEndpoint,
    /// code 5 or HTTP 429.
    RateLimited,
    /// exceeded_max_step: `max_step` is the lowest price that may be set now, not a step.
    StepTooLarge {
        /// Least price the venue accepts now, per day.
        lowest: Price,
    },
    /// can_lower_every_600_seconds.
    LoweringTooSoon {
        /// How long until it may be lowered, rounded up to a millisecond.
        wait: Span,
    },
    /// too_low_price or amount_too_low.
    PriceTooLow {
        /// Least price, where told.
        least: Option<Price>,
    },
    /// order_dont_exist.
    OrderGone,
    /// order_not_active.
    OrderNotActive,
    /// you_dont_own_this_order.
    NotOurOrder,
    /// server-dont-exist.
    ServerGone,
    /// server-offline.
    ServerOffline,
    /// server-already-rented.
    ServerRented,
    /// not_enough_balance.
    NotEnoughBalance,
    /// currency-not-allowed.
    CurrencyNotAllowed,
    /// cant_rent_from_yourself.
    OwnServer,
    /// machine-is-on-gigaspot.
    Gigaspot,
    /// code 6 with a name that is not listed: only for a read, since for a change it would be a doubt.
    Other(String),
}

impl Refusal {
    /// The venue's own name for it.
    pub fn name(&self) -> &str {
        match self {
            Refusal::InvalidInput => "invalid_input",
            Refusal::BadKey => "bad_key",
            Refusal::BadEndpoint => "bad_endpoint",
            Refusal::RateLimited => "rate_limited",
            Refusal::StepTooLarge { .. } => "exceeded_max_step",
            Refusal::LoweringTooSoon { .. } => "can_lower_every_600_seconds",
            Refusal::PriceTooLow { .. } => "too_low_price",
            Refusal::OrderGone => "order_dont_exist",
            Refusal::OrderNotActive => "order_not_active",
            Refusal::NotOurOrder => "you_dont_own_this_order",
            Refusal::ServerGone => "server-dont-exist",
            Refusal::ServerOffline => "server-offline",
            Refusal::ServerRented => "server-already-rented",
            Refusal::NotEnoughBalance => "not_enough_balance",
            Refusal::CurrencyNotAllowed => "currency-not-allowed",
            Refusal::OwnServer => "cant_rent_from_yourself",
            Refusal::Gigaspot => "machine-is-on-gigaspot",
            Refusal::Other(name) => name,
        }
    }
}

/// Why nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// No connection could be made: for a read only, and for a change proof that nothing was sent.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// The connection broke after the request may have left.
    Broken,
    /// An HTTP status of 5xx, or any other, with a body that is not the venue's JSON.
    Garbled {
        /// The HTTP status.
        status: u16,
    },
    /// code 1: the venue's database failed, perhaps after the change.
    DatabaseError,
    /// you_already_have_spot_order: an order of the account stands there. It may be the one just asked for, since a
    /// request that arrives twice is carried out once and answered twice.
    AlreadyHaveOrder,
    /// code 6 with a name that nobody has listed.
    Unlisted(String),
    /// The process ended before the answer was recorded.
    Interrupted,
    /// The journal could not take the command, so it was not sent.
    NotRecorded,
}

impl Doubt {
    /// Whether it is certain that the venue got nothing.
    pub const fn sent_nothing(&self) -> bool {
        matches!(self, Doubt::Unreachable | Doubt::NotRecorded)
    }

    /// A stable code.
    pub fn code(&self) -> &str {
        match self {
            Doubt::Unreachable => "unreachable",
            Doubt::TimedOut => "timed_out",
            Doubt::Broken => "broken",
            Doubt::Garbled { .. } => "garbled",
            Doubt::DatabaseError => "database_error",
            Doubt::AlreadyHaveOrder => "you_already_have_spot_order",
            Doubt::Unlisted(name) => name,
            Doubt::Interrupted => "interrupted",
            Doubt::NotRecorded => "not_recorded",
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Doubt::Garbled { status } => write!(f, "garbled answer with HTTP status {status}"),
            Doubt::NotRecorded => f.write_str("not sent, since another program keeps the journal locked"),
            other => f.write_str(other.code()),
        }
    }
}
