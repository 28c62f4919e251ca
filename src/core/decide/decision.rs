//! What is decided for one server: what the core wants there, and everything that keeps it from it.
//!
//! The engine acts where nothing holds. The same value is put into words for a person who asks why nothing happened, and
//! tells the fast forward of a backtest when time alone may make another one of it: so no rule stands in two places.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::beliefs::reconcile::CREATE_SETTLES_AFTER;
use crate::decide::context::Context;
use crate::denial::Denial;
use crate::event::Reason;
use crate::ids::{OrderId, ServerId};
use crate::money::Price;
use crate::policy::Patience;
use crate::time::{Span, Time};

/// What is decided for one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What the core wants there.
    pub wish: Wish,
    /// Everything that keeps it from that now, listed where the context asks for it. If nothing does, it is done as soon
    /// as its turn comes.
    pub holds: Vec<Hold>,
    /// Whether anything keeps it from that.
    pub(crate) held: Held,
    lists_holds: bool,
    /// The first moment at which time alone may make another decision of it, while all reads repeat themselves.
    pub(crate) until: Option<Time>,
    /// Bids that limits or their price ruled out on the way, in the order in which they were thought of.
    pub(crate) denied: Vec<(ServerId, Denial)>,
    /// Another server whose market the decision waits for.
    pub(crate) read_first: Option<ServerId>,
}

/// Whether anything keeps the core from what it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Held {
    /// Nothing does.
    Not,
    /// It waits for reads that will be made for it, and for nothing else.
    ByReads,
    /// Something else does.
    Firmly,
}

/// What the core wants on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Nothing: the target has what it wants elsewhere.
    Nothing,
    /// A first bid.
    Place {
        /// What would be bid, where the market is known well enough to say.
        price: Option<Price>,
    },
    /// To see the order of a create that was sent.
    SeeCreated {
        /// What it bids.
        bid: Price,
        /// When it was sent.
        sent_at: Time,
    },
    /// To leave the order as it is.
    Keep {
        /// What it bids.
        bid: Price,
    },
    /// To hold the server again; how is not decided.
    WinBack {
        /// The least bid that would win.
        least_winning: Price,
        /// Whether that is not worth its price here, so that another server would do as well.
        or_elsewhere: bool,
    },
    /// To bid more.
    Raise {
        /// The new price.
        to: Price,
        /// Why.
        reason: Reason,
    },
    /// To bid less, step by step.
    Lower {
        /// Where to end.
        goal: Price,
        /// The next step.
        to: Price,
        /// Why.
        reason: Reason,
    },
    /// To be rid of the order.
    Cancel {
        /// Why.
        reason: Reason,
        /// When in the order of business.
        turn: Turn,
    },
}

/// The order of business: what must go is cancelled, what is lost is won back, what is missing is placed, what is too
/// dear comes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// An order that may not stand goes.
    Go,
    /// A lost server is won back, or left.
    WinBack,
    /// A first bid is placed.
    Place,
    /// What is paid for nothing is taken away.
    ComeDown,
}

/// One thing that keeps the core from what it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// The run only observes.
    ObserveOnly,
    /// The run ends: it places nothing.
    Leaving,
    /// The venue failed, and is left alone for a while.
    VenueFailed {
        /// Until then.
        until: Time,
    },
    /// The target has all it wants.
    Enough {
        /// What it has or may have.
        has: u32,
        /// What it wants.
        want: u32,
    },
    /// A first bid needs a good my_orders that is no older than this.
    OrdersUnread(Span),
    /// The wallets have not been read.
    WalletsUnread,
    /// The marketplace has not been read.
    ListingUnread,
    /// The server refused a create.
    CreateRefused {
        /// The next try is then.
        until: Time,
    },
    /// A rival answered our last bid with more than the server is worth: it is left to that rival for a while.
    RivalAnswers {
        /// It is bid on again then.
        until: Time,
    },
    /// It is a server of our own.
    OurServer,
    /// It is rented on demand.
    Rented,
    /// Its host does not take the currency.
    CurrencyNotTaken,
    /// An order that the bot did not make stands there.
    ForeignOrder,
    /// An order that the journal says nothing of may be the target's own.
    FoundOrder {
        /// Which.
        order: OrderId,
        /// Where it stands.
        server: ServerId,
    },
    /// An order that is being cancelled stands there.
    StrayOrder,
    /// It is offline or hidden.
    Closed {
        /// An old read says so no longer than this; `None`: it is read again and again.
        until: Option<Time>,
    },
    /// Its book shows an offer of ours.
    OfferOfOurs {
        /// An old read says so no longer than this; `None`: it is read again and again.
        until: Option<Time>,
    },
    /// Its host names no price in the currency.
    NoBidWins {
        /// An old read says so no longer than this; `None`: it is read again and again.
        until: Option<Time>,
    },
    /// Its market was last read longer ago than this: it is read first.
    MarketStale(Span),
    /// Nothing is known of its market, or not what a day of it is worth.
    MarketUnknown,
    /// Creates have their own pace.
    CreateSpacing {
        /// The next one is allowed then.
        until: Time,
    },
    /// A limit, or what the server is worth, says no.
    Denied {
        /// What it says.
        denial: Denial,
        /// An old read says so no longer than this; `None`: it is read again and again.
        until: Option<Time>,
    },
    /// Another server of the target goes first, or it is next.
    NotFirst,
    /// The venue accepted a create, and no read has shown its order yet.
    CreateUnseen,
    /// Nobody knows whether a create took effect.
    CreateInDoubt {
        /// So many good my_orders did not show it.
        absent_reads: u32,
    },
    /// The venue accepted the cancellation; reads must agree.
    CancelAccepted {
        /// When it did.
        at: Time,
    },
    /// The cancellation was asked for.
    CancelAsked {
        /// When it was.
        at: Time,
        /// It is asked for again then.
        until: Time,
    },
    /// Nobody knows whether a re-pricing took effect.
    Unsettled {
        /// Its price.
        to: Price,
    },
    /// The book has ceased to show the order, and my_orders must tell whether it stands.
    Missing {
        /// Since when.
        since: Time,
        /// The word of my_orders counts from then on.
        until: Option<Time>,
    },
    /// No read of the book has shown the order since it changed.
    NotShown,
    /// One answer alone says that the order is gone or dead: another one has to agree, since a new order costs a restart.
    OneWitness,
    /// The venue refused the last re-pricing.
    RepriceRefused {
        /// The next try is then.
        until: Time,
    },
    /// The policy wants nothing, or has patience.
    Policy(Box<Patience>),
    /// Another order of the target is on its way in or out: one at a time leaves its server.
    OneAtATime,
    /// The target waits until the rival has gone: `lost = "wait"`.
    LostWait,
    /// The market of a server that may be cheaper is read first.
    ReadFirst(ServerId),
    /// The venue's clock for lowering.
    LowerWait {
        /// The next lowering is allowed then.
        until: Time,
    },
    /// One step down goes no lower than this.
    Step {
        /// The lowest price that the venue takes.
        lowest: Price,
    },
}

impl Decision {
    pub(crate) fn new(wish: Wish, context: &Context) -> Decision {
        let (holds, lists_holds) = (Vec::new(), context.lists_holds);
        Decision { wish, holds, held: Held::Not, lists_holds, until: None, denied: Vec::new(), read_first: None }
    }

    /// Whether nothing keeps the core from a change that it wants, and when it would be that change's turn.
    pub(crate) fn due(&self) -> Option<Turn> {
        self.wish.turn().filter(|_| !self.is_held())
    }

    pub(crate) fn hold(&mut self, hold: Hold) {
        hold.until().into_iter().for_each(|until| self.changes_at(until));
        self.held = self.held.max(if hold.waits_for_read() { Held::ByReads } else { Held::Firmly });
        if self.lists_holds {
            self.holds.push(hold);
        }
    }

    /// Whether anything keeps the core from what it wants.
    pub(crate) fn is_held(&self) -> bool {
        self.held != Held::Not
    }

    /// Time alone may make another decision of it at that moment.
    pub(crate) fn changes_at(&mut self, at: Time) {
        self.until = Some(self.until.map_or(at, |until| until.min(at)));
    }

    /// Another wish takes the place of the one so far, and nothing holds it.
    pub(crate) fn do_at_once(&mut self, wish: Wish) {
        self.holds.clear();
        self.held = Held::Not;
        self.wish = wish;
    }
}

impl Wish {
    /// When in the order of business it would be fulfilled; `None` where it takes no change.
    pub fn turn(&self) -> Option<Turn> {
        match self {
            Wish::Nothing | Wish::SeeCreated { .. } | Wish::Keep { .. } | Wish::WinBack { .. } => None,
            Wish::Place { .. } => Some(Turn::Place),
            Wish::Raise { .. } => Some(Turn::WinBack),
            Wish::Lower { .. } => Some(Turn::ComeDown),
            Wish::Cancel { turn, .. } => Some(*turn),
        }
    }

    /// The wish in words, at `now`.
    pub fn words(&self, now: Time) -> String {
        match self {
            Wish::Nothing => "nothing".to_string(),
            Wish::Place { price: Some(price) } => format!("place {price}"),
            Wish::Place { price: None } => "place a bid, once its market is known".to_string(),
            Wish::SeeCreated { bid, sent_at } => {
                format!("see the order of the create at {bid} sent {} ago", now.since(*sent_at))
            }
            Wish::Keep { bid } => format!("keep {bid}"),
            Wish::WinBack { least_winning, or_elsewhere: false } => format!("win with {least_winning} or more"),
            Wish::WinBack { least_winning, or_elsewhere: true } => {
                format!("win it back with {least_winning} or more, or go elsewhere")
            }
            Wish::Raise { to, reason } => format!("raise to {to}: {reason}"),
            Wish::Lower { goal, .. } => format!("come down to {goal}"),
            Wish::Cancel { reason, .. } => format!("cancel: {reason}"),
        }
    }
}

impl Hold {
    /// When it ends, or may end, by time alone; `None`: it takes a read, an answer or a person to end it.
    pub fn until(&self) -> Option<Time> {
        match self {
            Hold::VenueFailed { until }
            | Hold::CreateRefused { until }
            | Hold::RivalAnswers { until }
            | Hold::CreateSpacing { until }
            | Hold::CancelAsked { until, .. }
            | Hold::RepriceRefused { until }
            | Hold::LowerWait { until } => Some(*until),
            Hold::Closed { until }
            | Hold::OfferOfOurs { until }
            | Hold::NoBidWins { until }
            | Hold::Denied { until, .. }
            | Hold::Missing { until, .. } => *until,
            Hold::Policy(patience) => patience.until,
            _ => None,
        }
    }

    /// Whether a read will be made to end it, whatever that brings.
    fn waits_for_read(&self) -> bool {
        matches!(
            self,
            Hold::OrdersUnread(_)
                | Hold::WalletsUnread
                | Hold::ListingUnread
                | Hold::MarketStale(_)
                | Hold::ReadFirst(_)
                | Hold::OneWitness
        )
    }

    /// What holds, in words, at `now`.
    pub fn words(&self, now: Time) -> String {
        let wait = |until: &Time| until.since(now);
        match self {
            Hold::ObserveOnly => "the run only observes".to_string(),
            Hold::Leaving => "the run ends: it cancels and places nothing".to_string(),
            Hold::VenueFailed { until } => format!("the venue failed; the next try is in {}", wait(until)),
            Hold::Enough { has, want } => format!("the target has {has} of {want}"),
            Hold::OrdersUnread(within) => format!("no good my_orders in the last {within}"),
            Hold::WalletsUnread => "the wallets have not been read".to_string(),
            Hold::ListingUnread => "the marketplace has not been read".to_string(),
            Hold::CreateRefused { until } => format!("it refused a create; the next try is in {}", wait(until)),
            Hold::RivalAnswers { until } => format!(
                "a rival answered the last bid with more than it is worth; it is left to that rival for {}",
                wait(until)
            ),
            Hold::OurServer => "it is a server of our own".to_string(),
            Hold::Rented => "it is rented on demand".to_string(),
            Hold::CurrencyNotTaken => "its host does not take the currency".to_string(),
            Hold::ForeignOrder => "an order that the bot did not make stands there".to_string(),
            Hold::FoundOrder { order, server } => format!(
                "order {order} on server {server}, of which this journal knows nothing, counts for the target: \
                 `adopt = true` takes it over, `beside = true` places beside it"
            ),
            Hold::StrayOrder => "an order that is being cancelled stands there".to_string(),
            Hold::Closed { .. } => "the server is offline or hidden".to_string(),
            Hold::OfferOfOurs { .. } => "its book shows an offer of ours".to_string(),
            Hold::NoBidWins { .. } => "its host names no price in the currency".to_string(),
            Hold::MarketStale(within) => format!("its market has not been read in the last {within}"),
            Hold::MarketUnknown => "its market is not known".to_string(),
            Hold::CreateSpacing { until } => format!("the next create is allowed in {}", wait(until)),
            Hold::Denied { denial, .. } => denial.to_string(),
            Hold::NotFirst => "a cheaper server of the same target goes first, or it is next".to_string(),
            Hold::CreateUnseen => "the venue accepted it, and no read has shown its order yet".to_string(),
            Hold::CreateInDoubt { absent_reads } => format!(
                "nobody knows whether it took effect; {absent_reads} good my_orders without it so far, two are needed, \
                 the later {CREATE_SETTLES_AFTER} after it"
            ),
            Hold::CancelAccepted { at } => {
                format!("the venue accepted it {} ago; reads must agree that it is gone", now.since(*at))
            }
            Hold::CancelAsked { at, .. } => format!("it was asked for {} ago", now.since(*at)),
            Hold::OneAtATime => "another order of the target is on its way".to_string(),
            Hold::Unsettled { to } => format!("nobody knows whether a re-pricing to {to} took effect"),
            Hold::Missing { since, .. } => format!("the book has not shown it for {}", now.since(*since)),
            Hold::OneWitness => "one answer alone says that it is gone or dead; the book is read once more".to_string(),
            Hold::NotShown => "no read of the book has shown it as it stands now".to_string(),
            Hold::RepriceRefused { until } => {
                format!("the venue refused the last re-pricing; the next try is in {}", wait(until))
            }
            Hold::Policy(patience) => patience.words.to_string(),
            Hold::LostWait => "lost = \"wait\"".to_string(),
            Hold::ReadFirst(server) => format!("the market of server {server} is read first: it may be cheaper"),
            Hold::LowerWait { until } => format!("the next lowering is allowed in {}", wait(until)),
            Hold::Step { lowest } => format!("one step goes no lower than {lowest}"),
        }
    }
}
