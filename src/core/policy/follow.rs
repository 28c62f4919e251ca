//! **follow** keeps to the least winning bid plus the margin: opens there, raises when outbid, steps down whenever there
//! is slack.

use super::{Situation, Standing, Wish};
use crate::event::Reason;
use crate::limits::Denial;
use crate::money::Price;
use crate::strategy::{BidRules, Lost, Open};

pub(super) fn open(rules: &BidRules, situation: &Situation, again: bool) -> Result<Price, Denial> {
    let goal = situation.goal;
    let wanted = match rules.open {
        // Nobody to beat: the floor itself wins, and a margin above nobody would be money for nothing.
        Open::Floor if situation.least_winning == situation.floor.ceil_to(situation.tick) => situation.least_winning,
        Open::Floor | Open::Rival => goal,
        // Only the first bid goes to the opening price; whoever bids anew knows the market by then.
        Open::Price(price) if !again => price.max(situation.least_winning),
        Open::Price(_) => goal,
    };
    situation.capped(wanted, situation.ceiling)
}

pub(super) fn keep(rules: &BidRules, situation: &Situation, standing: &Standing) -> Wish {
    if standing.on_top {
        let goal = situation.goal;
        let slack = standing.bid > goal && standing.slack_for >= rules.lower_after;
        return if slack { Wish::Lower { goal } } else { Wish::Keep };
    }
    if rules.lost == Lost::Wait || standing.lost_for < rules.raise_wait {
        return Wish::Keep;
    }
    match situation.capped(situation.goal, raise_ceiling(rules, situation)) {
        Ok(to) if to > standing.bid => Wish::Raise {
            to,
            reason: Reason::Outbid {
                by: situation.least_winning.minus(standing.bid),
                least_winning: situation.least_winning,
            },
        },
        Ok(_) => Wish::Keep,
        Err(denial) => Wish::GiveUp(denial),
    }
}

/// The most that a raise may go to.
pub(super) fn raise_ceiling(rules: &BidRules, situation: &Situation) -> Price {
    rules.give_up.map_or(situation.ceiling, |give_up| give_up.min(situation.ceiling))
}
