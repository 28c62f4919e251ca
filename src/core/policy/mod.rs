//! What to bid. A policy sees one server's market and our standing in it, and says what it would like to do.
//!
//! A policy only wishes. Whether the wish is allowed (limits, the 600 seconds, the step) is decided outside, so that no
//! policy can break a rule by mistake.

mod fixed;
mod follow;
mod ladder;

use crate::event::Reason;
use crate::limits::Denial;
use crate::money::Price;
use crate::strategy::{BidRules, PolicyKind};
use crate::time::{Span, Time};

/// One server's market, as far as a bid depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation {
    /// Now.
    pub now: Time,
    /// Price resolution.
    pub tick: Price,
    /// The host's least price.
    pub floor: Price,
    /// The least bid that wins: floor, or a tick above the best rival.
    pub least_winning: Price,
    /// That with the strategy's margin on top, on the tick.
    pub goal: Price,
    /// The most worth bidding: the smaller of `max_bid` and what holding is worth.
    pub ceiling: Price,
    /// The venue's largest lowering, where known.
    pub step: Option<Price>,
}

impl Situation {
    /// `wanted`, or as much of it as `ceiling` allows and still wins.
    ///
    /// # Errors
    /// [`Denial::NotWorthIt`] when winning takes more than the ceiling.
    fn capped(&self, wanted: Price, ceiling: Price) -> Result<Price, Denial> {
        let top = ceiling.floor_to(self.tick);
        if self.least_winning > top {
            return Err(Denial::NotWorthIt { least_winning: self.least_winning, ceiling });
        }
        Ok(wanted.min(top))
    }
}

/// Our order in that market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What it bids.
    pub bid: Price,
    /// Whether no rival and no floor stands above it: raising could not improve it.
    pub on_top: bool,
    /// Whether it holds the server.
    pub holding: bool,
    /// For how long it has not been on top.
    pub lost_for: Span,
    /// For how long it has been above the goal.
    pub slack_for: Span,
    /// ladder: no step down before this.
    pub stay_until: Time,
}

/// What a policy would like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Leave it.
    Keep,
    /// Bid more, at once.
    Raise {
        /// The new price.
        to: Price,
        /// Why.
        reason: Reason,
    },
    /// Come down to this as soon as the rules allow.
    Lower {
        /// Where to end.
        goal: Price,
    },
    /// It is lost and winning it back is not worth its price.
    GiveUp(Denial),
}

/// The price of a bid where none of ours stands. `last_bid` is what our former order on that server bid, if there was one.
///
/// # Errors
/// The denial that says why none is worth making.
pub fn open(rules: &BidRules, situation: &Situation, last_bid: Option<Price>) -> Result<Price, Denial> {
    match (rules.policy, last_bid) {
        (PolicyKind::Fixed, _) => fixed::open(rules, situation),
        (PolicyKind::Ladder, Some(lost_at)) => ladder::reopen(rules, situation, lost_at),
        (PolicyKind::Follow | PolicyKind::Ladder, _) => follow::open(rules, situation, last_bid.is_some()),
    }
}

/// What to do about an order that stands.
pub fn keep(rules: &BidRules, situation: &Situation, standing: &Standing) -> Wish {
    match rules.policy {
        PolicyKind::Fixed => Wish::Keep,
        PolicyKind::Follow => follow::keep(rules, situation, standing),
        PolicyKind::Ladder => ladder::keep(rules, situation, standing),
    }
}
