//! What we believe: of every server that matters, of our orders, of the wallet, of what was spent.
//!
//! Beliefs change only through reads and through answers to our own requests (`reconcile`, `outcomes`), and every step
//! that an order takes is told as an [`Event`] on its way.

mod aside;
pub(crate) mod bill;
mod finding;
pub(crate) mod found;
mod given_up;
pub(crate) mod kept;
mod ledger;
pub(crate) mod order;
mod outcomes;
pub(crate) mod position;
pub(crate) mod queues;
pub mod reconcile;
pub(crate) mod served;
pub(crate) mod server;
pub(crate) mod servers;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use rust_decimal::Decimal;

use crate::beliefs::bill::FeesCharged;
use crate::beliefs::found::FoundOrders;
use crate::beliefs::kept::Aside;
pub(crate) use crate::beliefs::server::{Seen, Server};
use crate::beliefs::servers::Servers;
use crate::denial::Denial;
use crate::event::Event;
use crate::ids::{OrderId, ServerId, TargetId};
use crate::lowering::Steps;
use crate::money::{Amount, Price};
use crate::policy::mind::Mind;
use crate::strategy::{Strategy, Target};
use crate::time::{Span, Time};

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
    /// The same by the list before.
    pub on_demand_before: Option<Price>,
    pub floor: Option<Price>,
    pub rented: bool,
    pub takes_currency: bool,
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
    /// The limit that forbids it, where one does.
    pub limit: Option<Denial>,
}

/// So many candidates more than it wants are watched for a target that takes what the marketplace lists.
const SPARES: usize = 4;

/// Everything we believe.
#[derive(Debug, Clone)]
pub(crate) struct Beliefs {
    pub strategy: Arc<Strategy>,
    pub servers: Servers,
    /// For each target, the servers that will do, cheapest floor first.
    pub candidates: Vec<Vec<ServerId>>,
    pub facts: BTreeMap<ServerId, Facts>,
    /// For each target whose policy learns, what was learned.
    pub minds: Vec<Option<Mind>>,
    pub hosted: BTreeSet<ServerId>,
    pub foreign: BTreeMap<OrderId, Foreign>,
    pub found: FoundOrders,
    pub reported: BTreeSet<OrderId>,
    pub strays: BTreeMap<OrderId, Stray>,
    /// What is ours and not this run's to touch.
    pub aside: Aside,
    pub orders_read: ReadTimes,
    /// Whether the last my_orders brought an order to light: what else its row says is learnt from the next one.
    pub orders_tell_more: bool,
    pub wallets_read: ReadTimes,
    pub listing_read: ReadTimes,
    pub balance: Option<Amount>,
    pub fee_percent: Decimal,
    pub creation_fee: Amount,
    pub steps: Steps,
    /// Spent on orders that are over, fees included.
    pub spent_ended: Amount,
    /// Creation fees of the last day, by the hour in which they were charged.
    pub fees_charged: FeesCharged,
    pub last_create_end: Option<Time>,
    /// For each target, whether the last list showed any of its servers rented on demand.
    pub rented: Vec<bool>,
    /// How long nothing may have been sent before a create.
    pub quiet: Span,
    /// How late the last market's answer was.
    pub late: Span,
    /// What orders may have cost while the answers that they were made were on their way, beside what is counted as
    /// spent: an order is counted from its answer on. A limit counts it as spent.
    pub on_the_way: Amount,
    pub events: Vec<Event>,
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
            servers: Servers::new(&strategy),
            candidates,
            facts: BTreeMap::new(),
            minds: strategy.targets.iter().map(|t| t.policy.learns().then(Mind::default)).collect(),
            hosted: BTreeSet::new(),
            foreign: BTreeMap::new(),
            found: FoundOrders::default(),
            reported: BTreeSet::new(),
            strays: BTreeMap::new(),
            aside: Aside::default(),
            orders_read: ReadTimes::default(),
            orders_tell_more: false,
            wallets_read: ReadTimes::default(),
            listing_read: ReadTimes::default(),
            balance: None,
            fee_percent: strategy.venue.fee_percent,
            creation_fee: strategy.venue.creation_fee,
            steps: Steps::new(strategy.venue.step),
            spent_ended: Amount::ZERO,
            fees_charged: FeesCharged::default(),
            last_create_end: None,
            rented: Vec::new(),
            quiet: Span::ZERO,
            late: Span::ZERO,
            on_the_way: Amount::ZERO,
            events: Vec::new(),
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
        // First each target gets as many as it wants, then some to spare: one must not take them all from the next.
        for spares in [0, SPARES] {
            for (id, target) in targets(&self.strategy) {
                let of_target = usize::try_from(id.0).ok().and_then(|i| self.candidates.get(i));
                let few = match target.choice {
                    crate::strategy::Choice::Servers(_) => usize::MAX,
                    crate::strategy::Choice::Match(_) => {
                        usize::try_from(target.want).unwrap_or(usize::MAX).saturating_add(spares)
                    }
                };
                let its_own = |server: &&ServerId| watched.get(*server).is_none_or(|of| *of == id);
                let of_target: Vec<ServerId> =
                    of_target.into_iter().flatten().filter(its_own).copied().take(few).collect();
                watched.extend(of_target.into_iter().map(|server| (server, id)));
            }
        }
        self.servers.watch(&watched);
    }

    /// Tells of the denials of a decision, each once until it changes.
    pub(crate) fn tell(&mut self, denied: Vec<(ServerId, Denial)>) {
        for (id, denial) in denied {
            let events = &mut self.events;
            self.servers.change(id, |server| {
                let news = server.denial.is_none_or(|told| told.code() != denial.code());
                server.denial = Some(denial);
                if news {
                    events.push(Event::Denied { target: server.target, server: id, denial });
                }
            });
        }
    }

    /// The time between two lowerings, as far as known.
    pub(crate) fn lower_every(&self, now: Time) -> Span {
        self.steps.every(self.strategy.venue.lower_every, now)
    }

    /// How many servers a target has or may have.
    pub(crate) fn claimed(&self, target: TargetId) -> u32 {
        self.servers.claimed(target)
    }
}

/// A strategy's targets with their numbers, in the file's order.
pub(crate) fn targets(strategy: &Strategy) -> impl Iterator<Item = (TargetId, &Target)> {
    (0_u32..).map(TargetId).zip(strategy.targets.iter())
}
