//! **ladder** opens at a price and walks down, rung by rung, until it loses; then it goes one rung back up and stays.
//!
//! It does not look at the rivals' bids on its way down: it finds by trying what they are worth.

use super::follow::raise_ceiling;
use super::{Situation, Standing, Wish};
use crate::event::Reason;
use crate::limits::Denial;
use crate::money::Price;
use crate::strategy::{BidRules, Lost};

pub(super) fn keep(rules: &BidRules, situation: &Situation, standing: &Standing) -> Wish {
    let rung = rung(rules, situation, standing.bid);
    if standing.on_top {
        let settled = standing.holding && situation.now >= standing.stay_until;
        let below = standing.bid.minus(rung).ceil_to(situation.tick).max(situation.floor.ceil_to(situation.tick));
        let down = settled && standing.slack_for >= rules.lower_after && below < standing.bid;
        return if down { Wish::Lower { goal: below } } else { Wish::Keep };
    }
    if rules.lost == Lost::Wait || standing.lost_for < rules.raise_wait {
        return Wish::Keep;
    }
    let back_up = standing.bid.plus(rung).ceil_to(situation.tick).max(situation.least_winning);
    match situation.capped(back_up, raise_ceiling(rules, situation)) {
        Ok(to) if to > standing.bid => Wish::Raise { to, reason: Reason::RungUp { lost_at: standing.bid } },
        Ok(_) => Wish::Keep,
        Err(denial) => Wish::GiveUp(denial),
    }
}

/// The bid after an order was lost for good: the rung above the one that lost.
pub(super) fn reopen(rules: &BidRules, situation: &Situation, lost_at: Price) -> Result<Price, Denial> {
    let back_up = lost_at.plus(rung(rules, situation, lost_at)).ceil_to(situation.tick);
    situation.capped(back_up.max(situation.least_winning), situation.ceiling)
}

/// The height of a rung: as told, else the venue's step, else a hundredth of the bid.
fn rung(rules: &BidRules, situation: &Situation, bid: Price) -> Price {
    let hundredth = || bid.plus_percent(rust_decimal::Decimal::ONE).minus(bid).ceil_to(situation.tick);
    rules.rung.or(situation.step).unwrap_or_else(hundredth)
}
