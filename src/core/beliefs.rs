//! What we believe: of every server that matters, of our orders, of the wallet, of what was spent.
//!
//! Beliefs change only through reads and through answers to our own requests (`reconcile`, `outcomes`), and every step
//! that an order takes is told as an [`Event`] on its way.

mod ledger;
pub(crate) mod order;
mod outcomes;
pub(crate) mod position;
pub mod reconcile;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use rust_decimal::Decimal;

use crate::beliefs::order::{Claim, Order};
use crate::denial::Denial;
use crate::event::Event;
use crate::ids::{OrderId, ServerId, TargetId};
use crate::lowering::Steps;
use crate::market::{Market, Quote};
use crate::money::{Amount, Price};
use crate::strategy::{Margin, Strategy, Target};
use crate::time::{Span, Time};

/// A market as a good answer showed it, and when its request was sent: what it shows may be that old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub value: Market,
    pub sent_at: Time,
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

/// When a kind of read was last tried, and when it last succeeded (both: sent).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ReadTimes {
    pub tried_at: Option<Time>,
    pub good_at: Option<Time>,
}

/// What the marketplace says of one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    pub on_demand: Option<Price>,
    pub floor: Option<Price>,
    pub rented: bool,
    pub takes_currency: bool,
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
    /// Our orders that ended here, and when: a late listing must not bring them back to life.
    pub ended: Vec<(OrderId, Time)>,
    /// What our last order here bid.
    pub last_bid: Option<Price>,
    /// The last denial told.
    pub denial: Option<Denial>,
}

/// An order at the venue that is not ours to touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Foreign {
    pub server: ServerId,
    /// Its price, where it is in the strategy's currency.
    pub price: Option<Price>,
}

/// An order of ours that should not be there: it is cancelled until it is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stray {
    pub server: ServerId,
    pub bid: Price,
    pub asked_at: Option<Time>,
}

/// Everything we believe.
#[derive(Debug, Clone)]
pub(crate) struct Beliefs {
    pub strategy: Arc<Strategy>,
    pub servers: BTreeMap<ServerId, Server>,
    /// For each target, the servers that will do, cheapest floor first.
    pub candidates: Vec<Vec<ServerId>>,
    pub facts: BTreeMap<ServerId, Facts>,
    pub hosted: BTreeSet<ServerId>,
    pub foreign: BTreeMap<OrderId, Foreign>,
    pub reported: BTreeSet<OrderId>,
    pub strays: BTreeMap<OrderId, Stray>,
    pub orders_read: ReadTimes,
    pub wallets_read: ReadTimes,
    pub listing_read: ReadTimes,
    pub balance: Option<Amount>,
    pub fee_percent: Decimal,
    pub creation_fee: Amount,
    pub steps: Steps,
    /// Spent on orders that are over, fees included.
    pub spent_ended: Amount,
    pub last_create_end: Option<Time>,
    pub events: Vec<Event>,
    /// Servers whose market a decision is waiting for.
    pub urgent: BTreeSet<ServerId>,
}

impl Beliefs {
    pub(crate) fn new(strategy: Strategy) -> Beliefs {
        let candidates = strategy
            .targets
            .iter()
            .map(|t| match &t.choice {
                crate::strategy::Choice::Servers(ids) => ids.clone(),
                crate::strategy::Choice::Match(_) => Vec::new(),
            })
            .collect();
        let mut beliefs = Beliefs {
            servers: BTreeMap::new(),
            candidates,
            facts: BTreeMap::new(),
            hosted: BTreeSet::new(),
            foreign: BTreeMap::new(),
            reported: BTreeSet::new(),
            strays: BTreeMap::new(),
            orders_read: ReadTimes::default(),
            wallets_read: ReadTimes::default(),
            listing_read: ReadTimes::default(),
            balance: None,
            fee_percent: strategy.venue.fee_percent,
            creation_fee: strategy.venue.creation_fee,
            steps: Steps::new(strategy.venue.step),
            spent_ended: Amount::ZERO,
            last_create_end: None,
            events: Vec::new(),
            urgent: BTreeSet::new(),
            strategy: Arc::new(strategy),
        };
        beliefs.watch_candidates();
        beliefs
    }

    /// Targets with their numbers, in the file's order.
    pub(crate) fn targets(&self) -> impl Iterator<Item = (TargetId, &Target)> {
        targets(&self.strategy)
    }

    /// The target whose server it is.
    pub(crate) fn target_of(&self, server: &Server) -> Option<&Target> {
        self.strategy.target(server.target)
    }

    /// Makes an entry for each candidate worth watching, and drops those that are neither watched nor hold anything.
    pub(crate) fn watch_candidates(&mut self) {
        let mut watched = BTreeMap::new();
        for (id, target) in (0_u32..).map(TargetId).zip(self.strategy.targets.iter()) {
            let of_target = usize::try_from(id.0).ok().and_then(|i| self.candidates.get(i));
            let few = match target.choice {
                crate::strategy::Choice::Servers(_) => usize::MAX,
                crate::strategy::Choice::Match(_) => {
                    usize::try_from(target.want).unwrap_or(usize::MAX).saturating_add(4)
                }
            };
            let unclaimed: Vec<ServerId> =
                of_target.into_iter().flatten().filter(|s| !watched.contains_key(*s)).copied().take(few).collect();
            watched.extend(unclaimed.into_iter().map(|server| (server, id)));
        }
        self.servers.retain(|id, s| watched.contains_key(id) || !s.is_forgettable());
        for (id, server) in &mut self.servers {
            server.watched = watched.contains_key(id);
        }
        for (id, target) in watched {
            let server = self.servers.entry(id).or_insert_with(|| Server::new(target));
            server.watched = true;
            if server.claim == Claim::Empty {
                server.target = target;
            }
        }
    }

    /// The entry of that server, made for `target` if there is none.
    pub(crate) fn server_entry(&mut self, id: ServerId, target: TargetId) -> &mut Server {
        self.servers.entry(id).or_insert_with(|| Server::new(target))
    }

    /// Tells of the denials of a decision, each once until it changes.
    pub(crate) fn tell(&mut self, denied: Vec<(ServerId, Denial)>) {
        for (id, denial) in denied {
            let Some(server) = self.servers.get_mut(&id) else { continue };
            let news = server.denial.is_none_or(|told| told.code() != denial.code());
            server.denial = Some(denial);
            if news {
                self.events.push(Event::Denied { target: server.target, server: id, denial });
            }
        }
    }

    /// How many servers a target has or may have.
    pub(crate) fn claimed(&self, target: TargetId) -> u32 {
        let count = self.servers.values().filter(|s| s.target == target && s.claim != Claim::Empty).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

/// A strategy's targets with their numbers, in the file's order.
pub(crate) fn targets(strategy: &Strategy) -> impl Iterator<Item = (TargetId, &Target)> {
    (0_u32..).map(TargetId).zip(strategy.targets.iter())
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
            ended: Vec::new(),
            last_bid: None,
            denial: None,
        }
    }

    /// Whether nothing is lost with this entry: nothing stands there, nothing ended there, its market is not known.
    fn is_forgettable(&self) -> bool {
        self.claim == Claim::Empty && self.ended.is_empty() && self.market.is_none()
    }

    /// Lets go of a market read that is older than `limit`, where nothing of ours stands.
    pub(crate) fn forget_market_before(&mut self, now: Time, limit: Span) {
        if self.claim == Claim::Empty && self.fresh(now, limit).is_none() {
            self.market = None;
        }
    }

    /// The market, where its read is no older than `limit`.
    pub(crate) fn fresh(&self, now: Time, limit: Span) -> Option<&Seen> {
        self.market.as_ref().filter(|m| now.since(m.sent_at) <= limit)
    }

    /// Until when what its last read showed counts, where it counts for `limit`.
    pub(crate) fn read_counts_until(&self, limit: Span) -> Option<Time> {
        self.market.as_ref().map(|m| m.sent_at + limit + Span::from_ms(1))
    }

    /// Whether that order of ours is over.
    pub(crate) fn has_ended(&self, order: OrderId) -> Option<Time> {
        self.ended.iter().find(|(id, _)| *id == order).map(|(_, at)| *at)
    }

    /// Claims the server by that order.
    pub(crate) fn take(&mut self, order: Order) {
        self.claim = Claim::Order(order);
    }
}
