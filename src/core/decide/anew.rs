//! An order is cancelled and another one takes its place, here or on another server, since its policy thinks that worth a
//! restart.

use alloc::boxed::Box;

use crate::decide::choose::FRESH;
use crate::decide::decision::{Decision, Hold, Turn, Wish};
use crate::decide::order::Bidding;
use crate::event::Reason;
use crate::ids::ServerId;
use crate::limits;
use crate::money::Price;
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
        self.hold_unless_fresh(FRESH, &mut decision);
        beliefs.missing_knowledge(self.target, self.context, &mut |hold| decision.hold(hold));
        if beliefs.is_another_on_its_way(self.id, self.server.target) {
            decision.hold(Hold::OneAtATime);
        }
        if let Some(there) = elsewhere {
            self.read_first(there, &mut decision);
        }
        Anew { decision, is_allowed: true }
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
