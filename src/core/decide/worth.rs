//! What to do about a bid that stands above what holding its server is worth: it comes down as fast as the venue allows,
//! or goes where walking down would cost more than a restart.

use crate::decide::choose::FRESH;
use crate::decide::decision::{Decision, Turn, Wish};
use crate::decide::order::Bidding;
use crate::denial::Denial;
use crate::event::Reason;
use crate::lowering::descent;
use crate::money::Price;
use crate::policy::{self, Situation};
use crate::time::Span;
use crate::words::Words;

impl Bidding<'_> {
    /// The most that this order may bid, on the tick, where it bids more: what a day is worth, `max_bid` and `give_up` bind
    /// what stands as they bind what is bid.
    pub(super) fn worth_if_above(&self) -> Option<Price> {
        self.most_worth(self.beliefs.value_per_day(self.id, self.target)?)
    }

    fn most_worth(&self, a_day: Price) -> Option<Price> {
        let strategy = &self.beliefs.strategy;
        let most = a_day.min(strategy.limits.max_bid).min(self.target.bid.give_up.unwrap_or(Price::MAX));
        (self.order.bid > most).then(|| most.floor_to(strategy.venue.tick))
    }

    /// Takes a bid down to `most`, or the order away; unless `decided` is to leave it for another server.
    pub(super) fn come_down_to_worth(
        &self,
        decided: Decision,
        situation: &Situation,
        most: Price,
        wish: &policy::Wish,
    ) -> Decision {
        if decided.due().is_some() {
            return decided;
        }
        let mut decision = Decision::new(Wish::Keep { bid: self.order.bid }, self.context);
        decided.until.into_iter().for_each(|until| decision.changes_at(until));
        (decision.denied, decision.read_first) = (decided.denied, decided.read_first);
        self.hold_what_is_open(&mut decision);
        if self.is_better_left(situation) {
            let denial = Denial::NotWorthIt { least_winning: situation.least_winning, ceiling: most };
            decision.wish = Wish::Cancel { reason: Reason::Limit(denial), turn: Turn::ComeDown };
            self.hold_unless_fresh(FRESH, &mut decision);
            return decision;
        }
        let wished = match wish {
            policy::Wish::Lower { goal, .. } => most.min(*goal),
            _ => most,
        };
        // The venue takes no bid below the floor.
        let goal = wished.max(situation.floor.ceil_to(situation.tick));
        let or_anew = situation.least_winning <= most;
        self.come_down(
            &mut decision,
            situation,
            goal,
            or_anew,
            Some(Words::new("down to {}: a day is not worth more")),
        );
        decision
    }

    /// Whether holding on costs more than a restart does: no bid that is worth it would win, and the way down is long, or
    /// the host takes no less. Two lists must agree on what a day is worth, since one alone may be wrong.
    fn is_better_left(&self, situation: &Situation) -> bool {
        let (order, beliefs) = (self.order, self.beliefs);
        let Some(most) = beliefs.value_per_day_seen_twice(self.id, self.target).and_then(|day| self.most_worth(day))
        else {
            return false;
        };
        if !order.holds() || situation.least_winning <= most {
            return false;
        }
        let (wait, every) = (order.next_lower_at.since(self.context.now), beliefs.lower_every(self.context.now));
        let overpaid = if situation.floor > most {
            Some(order.bid.minus(most).accrue(Span::DAY))
        } else {
            beliefs.steps.step(self.id).and_then(|step| descent(order.bid, most, step, wait, every)).map(|d| d.overpaid)
        };
        let restart = beliefs.restart_cost(self.id, self.target);
        overpaid.zip(restart).is_some_and(|(overpaid, restart)| overpaid > restart)
    }
}
