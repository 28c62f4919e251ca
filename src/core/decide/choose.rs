//! Which server to bid on: the cheapest of those that will do.

use alloc::vec::Vec;

use crate::beliefs::order::Claim;
use crate::beliefs::{Beliefs, Server};
use crate::ids::ServerId;
use crate::ids::TargetId;
use crate::limits::{self, Denial};
use crate::money::Price;
use crate::policy;
use crate::strategy::{PolicyKind, Target};
use crate::time::{Span, Time};

/// A bid is decided only on a market read this recently.
pub(crate) const FRESH: Span = Span::from_secs(3);
/// A first bid needs a good my_orders no older than this: what stands unseen could make it a double rental.
pub(crate) const ORDERS_FRESH: Span = Span::from_secs(90);
/// An estimate of what another server costs may be this old, to decide which market to read.
const ESTIMATE_FRESH: Span = Span::from_secs(60);

/// What choosing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Bid this there.
    Bid { server: ServerId, price: Price, least_winning: Price, floor: Price },
    /// First read that market.
    Read(ServerId),
    /// Nothing will do now.
    Nothing,
}

impl Beliefs {
    /// The cheapest place for one more order of that target. The order on `leaving` would be gone by then.
    pub(crate) fn choose(&mut self, id: TargetId, target: &Target, leaving: Option<ServerId>, now: Time) -> Choice {
        let usable = self.servers.idle(id).filter(|(server, s)| self.is_usable(*server, s, now));
        let mut ranked: Vec<(Price, ServerId)> =
            usable.filter_map(|(server, s)| Some((self.estimate(server, s, now)?, server))).collect();
        ranked.sort_unstable();
        for (_, server) in ranked {
            let Some(entry) = self.servers.get(&server) else { continue };
            let is_fresh = entry.fresh(now, FRESH).is_some();
            let just_tried = entry.tried_at.is_some_and(|at| now.since(at) <= FRESH);
            match self.bid_there(server, target, leaving, now) {
                // What a read of the last minute rules out is not read again for this decision: a few such servers
                // would go stale in turn, and the one behind them would never be reached.
                Some(Err(denial)) => self.deny(server, denial),
                Some(Ok(bid)) if is_fresh => return bid,
                Some(Ok(_)) | None if !is_fresh && !just_tried => return Choice::Read(server),
                Some(Ok(_)) | None => {}
            }
        }
        Choice::Nothing
    }

    /// The bid that one more order on that server would make; `None` where its market is not known well enough.
    pub(crate) fn bid_there(
        &self,
        server: ServerId,
        target: &Target,
        leaving: Option<ServerId>,
        now: Time,
    ) -> Option<Result<Choice, Denial>> {
        let entry = self.servers.get(&server)?;
        let situation = self.situation(server, entry.fresh(now, self.estimate_fresh())?, target, now)?;
        let without: Vec<ServerId> = leaving.into_iter().chain([server]).collect();
        let exposure = self.exposure(now, &without);
        let (least_winning, floor) = (situation.least_winning, situation.floor);
        if let Some(most) = highest_floor(target).filter(|most| floor > *most) {
            // The list is minutes old; the floor has passed what the target takes since.
            return Some(Err(Denial::NotWorthIt { least_winning: floor, ceiling: most }));
        }
        let bid = policy::open(&target.bid, &situation, entry.last_bid).and_then(|price| {
            let least = if target.bid.policy == PolicyKind::Fixed { price } else { least_winning };
            limits::most(&self.strategy.limits, &exposure, price, least, true)
        });
        Some(bid.map(|price| Choice::Bid { server, price, least_winning, floor }))
    }

    /// Whether it is certain that no first bid would be made there while its market stays as it is and is young enough,
    /// nor its market be read for that decision, nor anything be told of it that has not been told.
    pub(crate) fn is_denied_as_told(&self, id: ServerId, server: &Server, target: &Target, now: Time) -> bool {
        if server.fresh(now, self.estimate_fresh()).is_none() {
            return false;
        }
        if !self.is_usable(id, server, now) || self.estimate(id, server, now).is_none() {
            return true;
        }
        matches!(self.bid_there(id, target, None, now), Some(Err(denial)) if server.denial == Some(denial))
    }

    /// How old an estimate may be: where a round of all reads takes longer than a minute, as old as one. Else some would
    /// always be too old, and the servers be read in turn for ever without a bid.
    pub(crate) fn estimate_fresh(&self) -> Span {
        ESTIMATE_FRESH.max(self.servers.queues.starving())
    }

    /// Whether nothing but the price could keep us from bidding there.
    fn is_usable(&self, id: ServerId, server: &Server, now: Time) -> bool {
        let facts = self.facts.get(&id);
        server.watched
            && server.claim == Claim::Empty
            && server.blocked_until.is_none_or(|until| now >= until)
            && !self.hosted.contains(&id)
            && facts.is_none_or(|f| !f.rented && f.takes_currency)
            && !self.foreign.values().any(|f| f.server == id)
            && !self.strays.values().any(|s| s.server == id)
    }

    /// What winning there would take, as far as known: an old read or the listed floor can only be too low or late,
    /// and the market is read before anything is bid. `None` where it is known that nothing can be bid.
    fn estimate(&self, id: ServerId, server: &Server, now: Time) -> Option<Price> {
        let floor = self.facts.get(&id).and_then(|f| f.floor).unwrap_or(Price::ZERO);
        match server.fresh(now, self.estimate_fresh()) {
            Some(market) if !market.value.is_open() || market.value.mine().is_some() => None,
            Some(market) => market.quote.least_winning,
            None => Some(floor),
        }
    }

    /// A server where one more order would be cheaper than `than`; also: which market to read to know.
    pub(crate) fn cheaper_elsewhere(
        &mut self,
        id: TargetId,
        target: &Target,
        than: Option<Price>,
        leaving: ServerId,
        now: Time,
    ) -> Choice {
        match self.choose(id, target, Some(leaving), now) {
            Choice::Bid { price, .. } if than.is_some_and(|than| price >= than) => Choice::Nothing,
            choice => choice,
        }
    }

    /// Whether enough is known to place a first bid.
    pub(crate) fn knows_enough(&self, target: &Target, now: Time) -> bool {
        let orders_known = self.orders_read.good_at.is_some_and(|at| now.since(at) <= ORDERS_FRESH);
        let wallets_known = self.wallets_read.good_at.is_some() || self.strategy.limits.min_balance.is_none();
        let listing_known = self.listing_read.good_at.is_some() || !needs_listing(target);
        let tried = self.wallets_read.tried_at.is_some() && self.listing_read.tried_at.is_some();
        orders_known && wallets_known && listing_known && tried
    }
}

/// The highest floor that the target takes.
fn highest_floor(target: &Target) -> Option<Price> {
    match &target.choice {
        crate::strategy::Choice::Match(wanted) => wanted.max_floor,
        crate::strategy::Choice::Servers(_) => None,
    }
}

/// Whether bidding for that target needs the marketplace.
pub(crate) fn needs_listing(target: &Target) -> bool {
    matches!(target.choice, crate::strategy::Choice::Match(_))
        || matches!(target.value.per_day, crate::strategy::PerDay::OnDemand)
}
