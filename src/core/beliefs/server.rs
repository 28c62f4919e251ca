//! One server that matters to a target, with its market as the last good read showed it.

use alloc::vec::Vec;

use crate::beliefs::order::{Claim, Create, Order};
use crate::denial::Denial;
use crate::ids::{OrderId, TargetId};
use crate::market::{Market, Quote};
use crate::money::Price;
use crate::strategy::Margin;
use crate::time::{Span, Time};

/// A market as a good answer showed it, and when its request was sent: what it shows may be that old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub value: Market,
    pub sent_at: Time,
    /// How late its answer was: the longer the way, the older every answer, and the older is as fresh as it gets.
    pub late: Span,
    /// What it comes to in the strategy's currency.
    pub quote: Quote,
    /// The least winning bid with a margin on top: that margin, and what it came to.
    pub goal: Option<(Margin, Price)>,
}

impl Seen {
    /// The least winning bid with that margin on top, on the tick; `None` where no bid would win.
    pub(crate) fn goal(&self, margin: Margin, tick: Price) -> Option<Price> {
        match self.goal {
            Some((known, goal)) if known == margin => Some(goal),
            _ => self.quote.least_winning.map(|least| margin.above(least, tick)),
        }
    }
}

/// An answer that takes longer than this is late.
const IN_TIME: Span = Span::from_secs(1);
/// An answer that took longer yet is no fresher than one that is this late.
const LATEST: Span = Span::from_secs(12);

/// How late an answer is that came at `now`.
pub(crate) fn lateness(sent_at: Time, now: Time) -> Span {
    (now.since(sent_at) - IN_TIME).min(LATEST)
}

/// One server that matters to a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub target: TargetId,
    /// Whether it is a candidate of its target.
    pub watched: bool,
    pub claim: Claim,
    pub market: Option<Seen>,
    pub tried_at: Option<Time>,
    /// No create before this, after a refusal that time may heal.
    pub blocked_until: Option<Time>,
    /// The least price that the venue named when it refused one as too low, and the floor that it showed then.
    pub least_told: Option<(Price, Option<Price>)>,
    /// How many creates in a row came to nothing here.
    pub failed_creates: u32,
    /// Our orders that ended here, and when: a late listing must not bring them back to life.
    pub ended: Vec<(OrderId, Time)>,
    /// Creates that nobody ever saw: their orders may yet appear.
    pub given_up: Vec<Create>,
    /// What our last order here bid.
    pub last_bid: Option<Price>,
    /// The last denial told.
    pub denial: Option<Denial>,
}

impl Server {
    pub(crate) fn new(target: TargetId) -> Server {
        Server {
            target,
            watched: false,
            claim: Claim::Empty,
            market: None,
            tried_at: None,
            blocked_until: None,
            least_told: None,
            failed_creates: 0,
            ended: Vec::new(),
            given_up: Vec::new(),
            last_bid: None,
            denial: None,
        }
    }

    /// Whether nothing is lost with this entry: nothing stands there, nothing ended there, its market is not known.
    pub(crate) fn is_forgettable(&self) -> bool {
        self.claim == Claim::Empty && self.ended.is_empty() && self.given_up.is_empty() && self.market.is_none()
    }

    /// Whether it is a candidate on which nothing of ours stands.
    pub(crate) fn is_idle(&self) -> bool {
        self.watched && self.claim == Claim::Empty
    }

    /// The market, where its read is no older than `limit`.
    pub(crate) fn fresh(&self, now: Time, limit: Span) -> Option<&Seen> {
        self.market.as_ref().filter(|m| now.since(m.sent_at) <= limit + m.late)
    }

    /// The least price that the venue takes here beyond what its book shows: what a refusal named, while the floor is what
    /// it was then.
    pub(crate) fn least_taken(&self, floor: Price) -> Option<Price> {
        self.least_told.filter(|(_, then)| *then == Some(floor)).map(|(least, _)| least)
    }

    /// Until when what its last read showed counts, where it counts for `limit`.
    pub(crate) fn read_counts_until(&self, limit: Span) -> Option<Time> {
        self.market.as_ref().map(|m| m.sent_at + limit + m.late + Span::from_ms(1))
    }

    /// Whether that order of ours is over.
    pub(crate) fn has_ended(&self, order: OrderId) -> Option<Time> {
        self.ended.iter().find(|(id, _)| *id == order).map(|(_, at)| *at)
    }

    /// Claims the server by that order.
    pub(crate) fn take(&mut self, order: Order) {
        self.claim = Claim::Order(order);
        (self.failed_creates, self.least_told) = (0, None);
    }
}
