//! Which read comes next: the one that is most overdue for what it is worth.
//!
//! One request a second is all there is. Every read has a period that says how fresh it should be; the read whose age
//! is the largest multiple of its period goes first. So a held server is looked at almost every second, while orders,
//! wallet and marketplace take their turn as they grow old.

use crate::beliefs::order::Claim;
use crate::beliefs::{Beliefs, ReadTimes, Server};
use crate::decide::choose::needs_listing;
use crate::ids::{ServerId, TargetId};
use crate::request::Request;
use crate::strategy::Choice;
use crate::time::{Span, Time};

/// A server that is held or to be won back.
pub(crate) const LIVE: Span = Span::from_secs(1);
/// A decision waits for it.
const URGENT: Span = Span::from_ms(300);
/// A candidate while its target lacks a server.
const WANTED: Span = Span::from_secs(2);
/// A candidate while its target has all it wants.
pub(crate) const SPARE: Span = Span::from_secs(60);
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
/// No read waits longer than this beyond its period, however many servers there are; but servers to spare do, since
/// they would all fall due at once, and what is held would not be looked at meanwhile.
pub(crate) const STARVING: Span = Span::from_secs(60);

/// A read that could be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    /// What would be read.
    pub(crate) request: Request,
    target: Option<TargetId>,
    /// When that was last tried.
    pub(crate) tried_at: Option<Time>,
    /// How old it should grow at most.
    pub(crate) period: Span,
}

impl Need {
    /// How overdue it is, in thousandths of its period. What was never read comes before all else.
    fn urgency(&self, now: Time) -> i64 {
        self.tried_at.map_or(i64::MAX, |tried_at| urgency(now.since(tried_at), self.period))
    }

    fn due_at(&self) -> Option<Time> {
        self.tried_at.map(|t| t + self.period)
    }
}

/// How overdue a read of that age is, in thousandths of its period.
pub(crate) fn urgency(age: Span, period: Span) -> i64 {
    let starving = if period != SPARE && age > period + STARVING { 1_000_000 } else { 0 };
    let due = match period {
        // The most common one, without a division.
        LIVE => age.ms(),
        _ => age.ms().saturating_mul(1000).checked_div(period.ms().max(1)).unwrap_or(i64::MAX),
    };
    due.saturating_add(starving)
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

/// The read that is most overdue.
pub(crate) fn next_read(beliefs: &Beliefs, now: Time) -> NextRead {
    let mut best: Option<(i64, Need)> = None;
    let mut earliest: Option<Time> = None;
    for need in needs(beliefs) {
        let due = need.due_at().unwrap_or(now);
        earliest = Some(earliest.map_or(due, |e| e.min(due)));
        if due > now {
            // Of those that wait, only the first moment matters, and how overdue one is takes a division.
            continue;
        }
        let urgency = need.urgency(now);
        if best.is_none_or(|(most, _)| urgency > most) {
            best = Some((urgency, need));
        }
    }
    match best {
        Some((_, need)) => NextRead::Now {
            request: need.request,
            target: need.target,
            age: need.tried_at.map(|t| now.since(t)),
            settles: need.period == URGENT || need.period == ORDERS_UNSETTLED,
        },
        None => NextRead::At(earliest.unwrap_or(now)),
    }
}

/// Every read that could be made: of two that are as overdue as each other, the first goes first.
pub(crate) fn needs(beliefs: &Beliefs) -> impl Iterator<Item = Need> {
    let markets = beliefs.servers.iter().filter_map(|(id, server)| market_need(beliefs, *id, server));
    account_needs(beliefs).into_iter().chain(markets)
}

/// The reads that are about no single server. How soon they are due depends on all of them, which one walk finds out:
/// it is asked at every look.
fn account_needs(beliefs: &Beliefs) -> [Need; 3] {
    let mut unsettled = beliefs.orders_read.good_at.is_none() || !beliefs.strays.is_empty();
    // Since when an order that should hold its server does not.
    let mut unlisted: Option<Time> = None;
    for server in beliefs.servers.values() {
        match &server.claim {
            Claim::Empty => {}
            Claim::Create(_) => unsettled = true,
            Claim::Order(order) if order.cancel.is_some() => unsettled = true,
            Claim::Order(order) => {
                unsettled |= order.position.missing_since().is_some();
                unlisted = unlisted.max(order.position.idle_since().filter(|_| order.position.lost_since().is_none()));
            }
        }
    }
    let listing = if lacks_match(beliefs, unlisted) { LISTING_WANTED } else { LISTING };
    let orders = if unsettled { ORDERS_UNSETTLED } else { ORDERS };
    let need = |request, times: &ReadTimes, period| Need { request, target: None, tried_at: times.tried_at, period };
    [
        need(Request::MyOrders, &beliefs.orders_read, orders),
        need(Request::Wallets, &beliefs.wallets_read, WALLETS),
        need(Request::Marketplace, &beliefs.listing_read, listing),
    ]
}

/// Whether a target that takes what the marketplace lists lacks a server, or has never seen a listing; or whether the
/// list must tell why an order that should hold its server does not, `unlisted` being since when.
fn lacks_match(beliefs: &Beliefs, unlisted: Option<Time>) -> bool {
    let must_tell = unlisted.is_some_and(|since| beliefs.listing_read.good_at.is_none_or(|at| at <= since));
    must_tell
        || beliefs.targets().any(|(id, target)| {
            let unread = needs_listing(target) && beliefs.listing_read.good_at.is_none();
            unread || (matches!(target.choice, Choice::Match(_)) && beliefs.claimed(id) < target.want)
        })
}

fn market_need(beliefs: &Beliefs, id: ServerId, server: &Server) -> Option<Need> {
    let target = beliefs.target_of(server)?;
    let period = match &server.claim {
        _ if beliefs.urgent.contains(&id) => URGENT,
        Claim::Create(_) | Claim::Order(_) => LIVE,
        Claim::Empty if !server.watched => return None,
        Claim::Empty if beliefs.claimed(server.target) < target.want => WANTED,
        Claim::Empty => SPARE,
    };
    Some(Need {
        request: Request::SpotMarket { server: id },
        target: Some(server.target),
        tried_at: server.tried_at,
        period,
    })
}
