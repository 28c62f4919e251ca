//! Where to place a first bid: on the cheapest server of those that will do.

use alloc::vec::Vec;

use crate::beliefs::order::Claim;
use crate::beliefs::queues::Class;
use crate::beliefs::{Beliefs, Server};
use crate::decide::context::{Context, PREPARES_CREATE, Repeats};
use crate::decide::decision::{Decision, Hold, Wish};
use crate::denial::Denial;
use crate::governing::CREATE_SPACING;
use crate::ids::{ServerId, TargetId};
use crate::limits;
use crate::money::Price;
use crate::strategy::Target;
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

/// A choice, and the bids that were ruled out on the way to it.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub choice: Choice,
    pub denied: Vec<(ServerId, Denial)>,
}

/// A first bid.
#[derive(Debug, Clone, Copy)]
struct FirstBid {
    price: Price,
    least_winning: Price,
    floor: Price,
}

impl Beliefs {
    /// The cheapest place for one more order of that target. The order on `leaving` would be gone by then.
    pub(crate) fn choose(&self, id: TargetId, target: &Target, leaving: Option<ServerId>, context: &Context) -> Chosen {
        let now = context.now;
        let usable = self.servers.idle(id).filter(|(server, s)| self.is_usable(*server, s, now));
        // What was learned of a server counts however old its last read is, and risk is added to what was never read:
        // beside bare floors every server that is read would fall behind one that is not.
        let rank = |server: ServerId, s: &Server| {
            let estimate = self.estimate(server, s, context).ok()?;
            Some(self.cost_with_risk(server, s, estimate, now).unwrap_or(estimate))
        };
        let mut ranked: Vec<(Price, ServerId, &Server)> =
            usable.filter_map(|(server, s)| Some((rank(server, s)?, server, s))).collect();
        ranked.sort_unstable_by_key(|(estimate, server, _)| (*estimate, *server));
        let mut denied = Vec::new();
        for (_, server, entry) in ranked {
            let is_fresh = entry.fresh(now, self.first_bid_fresh()).is_some();
            let just_tried = entry.tried_at.is_some_and(|at| now.since(at) <= self.first_bid_fresh());
            match self.bid_there(server, entry, target, leaving, now) {
                // What a read of the last minute rules out is not read again for this decision: a few such servers
                // would go stale in turn, and the one behind them would never be reached.
                Some(Err(denial)) => denied.push((server, denial)),
                Some(Ok(FirstBid { price, least_winning, floor })) if is_fresh => {
                    return Chosen { choice: Choice::Bid { server, price, least_winning, floor }, denied };
                }
                Some(Ok(_)) | None if !is_fresh && !just_tried => {
                    return Chosen { choice: Choice::Read(server), denied };
                }
                Some(Ok(_)) | None => {}
            }
        }
        Chosen { choice: Choice::Nothing, denied }
    }

    /// What to do about a server where nothing of ours stands. Which of several goes first is for [`Beliefs::choose`].
    pub(crate) fn decide_empty(&self, id: ServerId, server: &Server, target: &Target, context: &Context) -> Decision {
        let (now, has) = (context.now, self.claimed(server.target));
        if has >= target.want {
            let mut decision = Decision::new(Wish::Nothing, context);
            decision.hold(Hold::Enough { has, want: target.want });
            return decision;
        }
        if let Some((order, server)) = self.found.first_of(server.target).filter(|_| !self.servers.lacks(server.target))
        {
            let mut decision = Decision::new(Wish::Nothing, context);
            decision.hold(Hold::FoundOrder { order, server });
            return decision;
        }
        let mut decision = Decision::new(Wish::Place { price: None }, context);
        self.missing_knowledge(target, context, &mut |hold| decision.hold(hold));
        if let Some(until) = self.next_create_at().filter(|until| now < *until) {
            decision.hold(Hold::CreateSpacing { until });
            // Before that its market is read.
            decision.changes_at((until - PREPARES_CREATE).max(now));
        }
        self.bars(id, server, now, &mut |hold| decision.hold(hold));
        let is_held = decision.is_held();
        if let Err(hold) = self.estimate(id, server, context) {
            decision.hold(hold);
            return decision;
        }
        match self.bid_there(id, server, target, None, now) {
            Some(Err(denial)) => {
                if !is_held {
                    decision.denied.push((id, denial));
                }
                decision.hold(Hold::Denied { denial, until: self.estimated_until(server, context) });
            }
            Some(Ok(bid)) => decision.wish = Wish::Place { price: Some(bid.price) },
            None => {}
        }
        if server.fresh(now, self.first_bid_fresh()).is_none() {
            decision.hold(Hold::MarketStale(FRESH));
        }
        decision
    }

    /// The bid that one more order on that server would make; `None` where its market is not known well enough.
    fn bid_there(
        &self,
        id: ServerId,
        server: &Server,
        target: &Target,
        leaving: Option<ServerId>,
        now: Time,
    ) -> Option<Result<FirstBid, Denial>> {
        let situation = self.situation(id, server.fresh(now, self.estimate_fresh())?, target, now)?;
        let (least_winning, floor) = (situation.least_winning, situation.floor);
        if let Some(most) = highest_floor(target).filter(|most| floor > *most) {
            // The list is minutes old; the floor has passed what the target takes since.
            return Some(Err(Denial::NotWorthIt { least_winning: floor, ceiling: most }));
        }
        let learned =
            self.mind(server.target).and_then(|mind| mind.open(id, &situation, self.most_there(&situation, target)));
        let opening = learned.unwrap_or_else(|| target.policy.open(&target.bid, &situation, server.last_bid));
        let bid = opening.and_then(|opening| {
            let without = [leaving.unwrap_or(id), id];
            let exposure = self.exposure(now, &without);
            limits::most(&self.strategy.limits, &exposure, opening.price, opening.least, true)
        });
        Some(bid.map(|price| FirstBid { price, least_winning, floor }))
    }

    /// Whether nothing but the price could keep us from bidding there.
    pub(super) fn is_usable(&self, id: ServerId, server: &Server, now: Time) -> bool {
        let mut is_barred = false;
        self.bars(id, server, now, &mut |_| is_barred = true);
        server.watched && server.claim == Claim::Empty && !is_barred
    }

    /// Tells of everything but the price that keeps us from bidding there.
    pub(super) fn bars(&self, id: ServerId, server: &Server, now: Time, tell: &mut impl FnMut(Hold)) {
        if let Some(until) = server.blocked_until.filter(|until| now < *until) {
            tell(Hold::CreateRefused { until });
        }
        if let Some(until) = self.mind(server.target).and_then(|mind| mind.rests_until(id, now)) {
            tell(Hold::RivalAnswers { until });
        }
        let facts = self.facts.get(&id);
        let mut tell_if = |is: bool, hold: Hold| {
            if is {
                tell(hold);
            }
        };
        tell_if(self.hosted.contains(&id), Hold::OurServer);
        tell_if(facts.is_some_and(|f| f.rented), Hold::Rented);
        tell_if(facts.is_some_and(|f| !f.takes_currency), Hold::CurrencyNotTaken);
        tell_if(self.foreign.values().any(|f| f.server == id), Hold::ForeignOrder);
        tell_if(self.strays.values().any(|s| s.server == id), Hold::StrayOrder);
    }

    /// What winning there would take, as far as known: an old read or the listed floor can only be too low or late,
    /// and the market is read before anything is bid. An error where it is known that nothing can be bid.
    fn estimate(&self, id: ServerId, server: &Server, context: &Context) -> Result<Price, Hold> {
        let floor = self.facts.get(&id).and_then(|f| f.floor).unwrap_or(Price::ZERO);
        let Some(market) = server.fresh(context.now, self.estimate_fresh()) else { return Ok(floor) };
        let until = self.estimated_until(server, context);
        if !market.value.is_open() {
            return Err(Hold::Closed { until });
        }
        if market.value.mine().is_some() {
            return Err(Hold::OfferOfOurs { until });
        }
        market.quote.least_winning.ok_or(Hold::NoBidWins { until })
    }

    /// How old the market may be that a first bid is decided on: what a venue that wants quiet before it makes older is
    /// still the last that can be known.
    pub(super) fn first_bid_fresh(&self) -> Span {
        FRESH + self.quiet
    }

    /// How old an estimate may be: where a round of all reads takes longer than a minute, as old as one. Else some would
    /// always be too old, and the servers be read in turn for ever without a bid.
    pub(crate) fn estimate_fresh(&self) -> Span {
        let queues = &self.servers.queues;
        ESTIMATE_FRESH.max(queues.starving()).max(queues.period(Class::Wanted).times(2))
    }

    /// Until when the last read of that server's market counts; `None` where it repeats itself before.
    fn estimated_until(&self, server: &Server, context: &Context) -> Option<Time> {
        let counts_until = server.read_counts_until(self.estimate_fresh());
        counts_until.filter(|_| context.repeats != Repeats::OrdersAndMarket)
    }

    /// Whether another server of that target could be bid on instead of one that is lost.
    pub(crate) fn has_choice(&self, target: TargetId) -> bool {
        self.servers.idle(target).next().is_some()
    }

    /// When the next create may be sent.
    pub(crate) fn next_create_at(&self) -> Option<Time> {
        self.last_create_end.map(|end| end + CREATE_SPACING)
    }

    /// Whether enough is known to place a first bid.
    pub(crate) fn knows_enough(&self, target: &Target, context: &Context) -> bool {
        let mut is_missing = false;
        self.missing_knowledge(target, context, &mut |_| is_missing = true);
        !is_missing
    }

    /// Tells of what a first bid needs to know and does not.
    pub(super) fn missing_knowledge(&self, target: &Target, context: &Context, tell: &mut impl FnMut(Hold)) {
        let orders_known = self.orders_read.good_at.is_some_and(|at| context.age_of_orders(at) <= ORDERS_FRESH);
        if !orders_known {
            tell(Hold::OrdersUnread(ORDERS_FRESH));
        }
        let needs_wallets = self.strategy.limits.min_balance.is_some();
        if self.wallets_read.tried_at.is_none() || (needs_wallets && self.wallets_read.good_at.is_none()) {
            tell(Hold::WalletsUnread);
        }
        if self.listing_read.tried_at.is_none() || (needs_listing(target) && self.listing_read.good_at.is_none()) {
            tell(Hold::ListingUnread);
        }
    }
}

/// The highest floor that the target takes.
pub(super) fn highest_floor(target: &Target) -> Option<Price> {
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
