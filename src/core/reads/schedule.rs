//! Which read comes next: the one that is most overdue for what it is worth.
//!
//! One request a second is all there is. Every read has a period that says how fresh it should be; the read whose age
//! is the largest multiple of its period goes first. So a held server is looked at almost every second, while orders,
//! wallet and marketplace take their turn as they grow old. Markets wait in queues, one for each period, so that no read
//! costs a look at all of them.

use crate::beliefs::queues::{Class, STARVING, Turn, urgency};
use crate::beliefs::servers::Group;
use crate::beliefs::{Beliefs, ReadTimes};
use crate::decide::choose::needs_listing;
use crate::ids::TargetId;
use crate::request::Request;
use crate::strategy::Choice;
use crate::time::{Span, Time};

/// my_orders while something about our orders is not settled.
const ORDERS_UNSETTLED: Span = Span::from_secs(3);
/// my_orders otherwise.
const ORDERS: Span = Span::from_secs(30);
/// wallets.
const WALLETS: Span = Span::from_secs(300);
/// marketplace while a matching target lacks a server.
const LISTING_WANTED: Span = Span::from_secs(60);
/// marketplace otherwise.
const LISTING: Span = Span::from_secs(600);
/// A read that is about no single server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    /// What would be read.
    pub(crate) request: Request,
    /// When that was last tried.
    pub(crate) tried_at: Option<Time>,
    /// How old it should grow at most.
    pub(crate) period: Span,
}

impl Need {
    /// How overdue it is, in thousandths of its period. What was never read comes before all else.
    fn urgency(&self, now: Time) -> i64 {
        self.tried_at.map_or(i64::MAX, |tried_at| urgency(now.since(tried_at), self.period, STARVING))
    }

    fn due_at(&self) -> Option<Time> {
        self.tried_at.map(|t| t + self.period)
    }

    fn read_now(&self, now: Time) -> NextRead {
        let age = self.tried_at.map(|t| now.since(t));
        NextRead::Now { request: self.request, target: None, age, settles: self.period == ORDERS_UNSETTLED }
    }
}

/// The next read, or when there will be one worth making.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NextRead {
    /// This one.
    Now {
        /// What to read.
        request: Request,
        /// For which target.
        target: Option<TargetId>,
        /// How old the last try is.
        age: Option<Span>,
        /// Whether something waits for it to be settled.
        settles: bool,
    },
    /// None before this.
    At(Time),
}

/// The read that is most overdue: of two that are as overdue as each other, an account's goes before a market's, and the
/// market of the server with the lower number first.
pub(crate) fn next_read(beliefs: &Beliefs, now: Time) -> NextRead {
    let accounts = account_needs(beliefs);
    match most_overdue(beliefs, &accounts, now) {
        Some(Overdue::Account(index)) => accounts.get(index).map_or(NextRead::At(now), |need| need.read_now(now)),
        Some(Overdue::Market(class, turn, _)) => NextRead::Now {
            request: Request::SpotMarket { server: turn.server },
            target: beliefs.servers.get(&turn.server).map(|server| server.target),
            age: turn.tried_at.map(|t| now.since(t)),
            settles: class == Class::Urgent,
        },
        None => NextRead::At(first_due(beliefs, &accounts).unwrap_or(now)),
    }
}

/// The read whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overdue {
    /// That one of the account reads.
    Account(usize),
    /// The market of the server at that place in that queue.
    Market(Class, Turn, usize),
}

/// The read that is most overdue, if any is due.
pub(crate) fn most_overdue(beliefs: &Beliefs, accounts: &[Need; 3], now: Time) -> Option<Overdue> {
    /// What is not due waits, however long its period is.
    const DUE: i64 = 1000;
    let mut best: Option<(i64, Overdue)> = None;
    for (index, need) in accounts.iter().enumerate() {
        if need.due_at().is_some_and(|due| due > now) {
            // How overdue it is takes a division.
            continue;
        }
        let urgency = need.urgency(now);
        if best.is_none_or(|(most, _)| urgency > most) {
            best = Some((urgency, Overdue::Account(index)));
        }
    }
    let queues = &beliefs.servers.queues;
    let starving = queues.starving();
    for class in Class::ALL {
        let Some((urgency, turn, index)) = queues.most_overdue(class, starving, now) else { continue };
        let comes_first = |(most, other): (i64, Overdue)| match other {
            Overdue::Market(_, other, _) if urgency == most => turn.server < other.server,
            _ => urgency > most,
        };
        if urgency >= DUE && best.is_none_or(comes_first) {
            best = Some((urgency, Overdue::Market(class, turn, index)));
        }
    }
    best.map(|(_, overdue)| overdue)
}

/// When the first read falls due.
pub(crate) fn first_due(beliefs: &Beliefs, accounts: &[Need; 3]) -> Option<Time> {
    let firsts = Class::ALL.iter().filter_map(|class| {
        let first = beliefs.servers.queues.of(*class).front()?;
        first.tried_at.map(|at| at + beliefs.servers.queues.period(*class))
    });
    accounts.iter().filter_map(Need::due_at).chain(firsts).min()
}

/// The reads that are about no single server.
pub(crate) fn account_needs(beliefs: &Beliefs) -> [Need; 3] {
    let servers = &beliefs.servers;
    let unsettled =
        beliefs.orders_read.good_at.is_none() || !beliefs.strays.is_empty() || !servers.of(Group::Unsettled).is_empty();
    // Since when an order that should hold its server does not.
    let unexplained =
        servers.of(Group::Unexplained).iter().filter_map(|id| servers.get(id)?.claim.order()?.position.idle_since());
    let listing = if needs_list_soon(beliefs, unexplained.max()) { LISTING_WANTED } else { LISTING };
    let orders = if unsettled { ORDERS_UNSETTLED } else { ORDERS };
    let need = |request, times: &ReadTimes, period| Need { request, tried_at: times.tried_at, period };
    [
        need(Request::MyOrders, &beliefs.orders_read, orders),
        need(Request::Wallets, &beliefs.wallets_read, WALLETS),
        need(Request::Marketplace, &beliefs.listing_read, listing),
    ]
}

/// Whether a target lacks a server that the marketplace may list for it, or has never seen a listing; or whether the list
/// must tell why an order that should hold its server does not, `unexplained` being since when.
fn needs_list_soon(beliefs: &Beliefs, unexplained: Option<Time>) -> bool {
    let must_tell = unexplained.is_some_and(|since| beliefs.listing_read.good_at.is_none_or(|at| at <= since));
    must_tell
        || beliefs.targets().any(|(id, target)| {
            let unread = needs_listing(target) && beliefs.listing_read.good_at.is_none();
            // The list alone tells when whoever rents a server on demand has left it.
            let waits = || usize::try_from(id.0).ok().and_then(|i| beliefs.rented.get(i)).copied().unwrap_or(false);
            unread || (beliefs.servers.lacks(id) && (matches!(target.choice, Choice::Match(_)) || waits()))
        })
}
