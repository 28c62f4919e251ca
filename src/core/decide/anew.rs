//! An order is cancelled and another one takes its place, here or on another server, since its policy thinks that worth a
//! restart.

use alloc::boxed::Box;

use crate::decide::choose::{FRESH, highest_floor};
use crate::decide::context::FRESH_ENOUGH_TO_RAISE;
use crate::decide::decision::{Decision, Hold, Turn, Wish};
use crate::decide::order::Bidding;
use crate::denial::Denial;
use crate::event::Reason;
use crate::ids::ServerId;
use crate::limits;
use crate::money::Price;
use crate::policy::Situation;
use crate::words::Words;

/// What comes of the wish for a new order.
pub(super) struct Anew {
    pub decision: Decision,
    /// Whether the limits allow it.
    pub is_allowed: bool,
}

impl Bidding<'_> {
    /// Cancels the order to bid anew `there`, which may be here, beside what holds the decision already.
    pub(super) fn bid_anew(
        &self,
        decision: &Decision,
        there: ServerId,
        price: Price,
        why: Words,
        is_lost: bool,
    ) -> Anew {
        let (beliefs, now) = (self.beliefs, self.context.now);
        let mut decision = decision.clone();
        let elsewhere = (there != self.id).then_some(there);
        let reason = Reason::Anew { elsewhere, bid: price, why: Box::new(why) };
        decision.wish = Wish::Cancel { reason, turn: if is_lost { Turn::WinBack } else { Turn::ComeDown } };
        if elsewhere.is_none() && self.hold_unless_it_may_return(price, &mut decision) {
            return Anew { decision, is_allowed: false };
        }
        let exposure = beliefs.exposure(now, &[self.id, there]);
        let market = beliefs.servers.get(&there).and_then(|server| server.market.as_ref());
        // Less than that may be bid there where the limits do not allow as much, as long as it wins.
        let least = market.and_then(|market| beliefs.least_winning(there, market)).unwrap_or(price).min(price);
        if let Err(denial) = limits::most(&beliefs.strategy.limits, &exposure, price, least, true) {
            if !decision.is_held() {
                decision.denied.push((self.id, denial));
            }
            decision.hold(Hold::Denied { denial, until: None });
            return Anew { decision, is_allowed: false };
        }
        // The market of the other one is read in between, however late answers are. One as fresh as a bid needs would be
        // too old whenever the other is fresh, and both be read in turn for ever.
        let fresh = if elsewhere.is_some() { FRESH_ENOUGH_TO_RAISE + beliefs.late } else { FRESH };
        self.hold_unless_fresh(fresh, &mut decision);
        beliefs.missing_knowledge(self.target, self.context, &mut |hold| decision.hold(hold));
        if beliefs.is_another_on_its_way(self.id, self.server.target, is_lost) {
            decision.hold(Hold::OneAtATime);
        }
        if let Some(there) = elsewhere {
            self.read_first(there, &mut decision);
        }
        Anew { decision, is_allowed: true }
    }

    /// Holds what would leave this server for a new order at `price` that could not be placed here; tells whether it does.
    fn hold_unless_it_may_return(&self, price: Price, decision: &mut Decision) -> bool {
        let (beliefs, now) = (self.beliefs, self.context.now);
        let mut is_barred = false;
        let mut hold = |hold| {
            is_barred = true;
            decision.hold(hold);
        };
        beliefs.bars(self.id, self.server, now, &mut hold);
        if !self.server.watched {
            hold(Hold::NotFirst);
        }
        let market = self.server.market.as_ref();
        let situation = market.and_then(|market| beliefs.situation(self.id, market, self.target, now));
        if let Some(Situation { floor, least_winning, ceiling, .. }) = situation {
            let most = ceiling.min(self.target.bid.give_up.unwrap_or(Price::MAX));
            let too_high = highest_floor(self.target).filter(|highest| floor > *highest);
            let denial = match too_high {
                Some(highest) => Some(Denial::NotWorthIt { least_winning: floor, ceiling: highest }),
                None => (price > most).then_some(Denial::NotWorthIt { least_winning, ceiling: most }),
            };
            denial.into_iter().for_each(|denial| hold(Hold::Denied { denial, until: None }));
        }
        is_barred
    }

    /// Reads the market of the other server before the order here is given up for it.
    fn read_first(&self, there: ServerId, decision: &mut Decision) {
        let (beliefs, now) = (self.beliefs, self.context.now);
        let Some(entry) = beliefs.servers.get(&there) else { return };
        // Whether it may be done depends on how old that read is.
        decision.changes_at(now);
        if entry.fresh(now, beliefs.first_bid_fresh()).is_none() {
            let just_tried = entry.tried_at.is_some_and(|at| now.since(at) <= beliefs.first_bid_fresh());
            decision.read_first = (!just_tried).then_some(there);
            decision.hold(Hold::ReadFirst(there));
        }
    }
}
