//! **ladder** opens at a price and walks down, rung by rung, until it loses; then it goes one rung back up and stays.
//!
//! It does not look at the rivals' bids on its way down: it finds by trying what they are worth.

use crate::denial::Denial;
use crate::event::Reason;
use crate::money::Price;
use crate::policy::chosen::{ChosenPolicy, Row};
use crate::policy::contract::{Opening, Opinion, Policy, Situation, Standing, Wish};
use crate::policy::follow;
use crate::policy::kept::{Kept, OrderState};
use crate::policy::rules::BidRules;
use crate::policy::settings::Settings;
use crate::time::{Span, Time};
use crate::words::Words;

pub(super) const ROW: Row =
    Row { name: "ladder", read: |keys| ChosenPolicy::new(Ladder { rung: keys.price(RUNG), stay: keys.span(STAY) }) };

/// Its own keys in a strategy file.
const RUNG: &str = "rung";
const STAY: &str = "stay";

/// Walks down until it loses, then one rung up, and stays a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ladder {
    /// Height of a rung; `None`: the venue's largest step, or one hundredth of the bid while that is not known.
    pub rung: Option<Price>,
    /// How long it stays on the rung it fell back to.
    pub stay: Span,
}

/// How long an order stays on its rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OnRung {
    /// No step down before this.
    stay_until: Time,
}

/// The name under which that moment outlives the process.
const STAY_UNTIL: &str = "stay_until";

impl OrderState for OnRung {
    fn keep(&self) -> Kept {
        Kept::default().with_time(STAY_UNTIL, self.stay_until)
    }

    fn recall(kept: &Kept, now: Time) -> OnRung {
        OnRung { stay_until: kept.time(STAY_UNTIL).unwrap_or_default().min(now + Span::DAY) }
    }
}

impl Policy for Ladder {
    type State = OnRung;

    fn name(&self) -> &'static str {
        ROW.name
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        *settings.price_mut(RUNG) = self.rung;
        *settings.span_mut(STAY) = self.stay;
        settings
    }

    fn open(&self, rules: &BidRules, market: &Situation, last_bid: Option<Price>) -> Result<Opening, Denial> {
        // After an order was lost for good: the rung above the one that lost.
        let Some(lost_at) = last_bid else { return follow::open(rules, market, false) };
        let back_up = lost_at.plus(self.height(market, lost_at)).ceil_to(market.tick);
        let price = market.capped(back_up.max(market.least_winning), market.ceiling)?;
        Ok(Opening { price, least: market.least_winning })
    }

    fn keep(&self, rules: &BidRules, market: &Situation, order: &Standing, state: &OnRung) -> Opinion {
        if !order.on_top {
            let back_up = order.bid.plus(self.height(market, order.bid)).ceil_to(market.tick);
            let words = Words::new("lost at {}; one rung back up").with(order.bid);
            return follow::win_back(rules, market, order, back_up.max(market.least_winning), Reason::from(words));
        }
        let floor = market.floor.ceil_to(market.tick);
        let below = order.bid.minus(self.height(market, order.bid)).ceil_to(market.tick).max(floor);
        if below >= order.bid {
            return Opinion::keep(follow::no_slack(market.goal));
        }
        if !order.holding {
            return Opinion::keep(Words::new("it does not hold the server yet"));
        }
        let wish = Wish::Lower { goal: below, or_anew: false, words: Some("next rung down, {}") };
        if market.now < state.stay_until {
            let rest = state.stay_until.since(market.now);
            let words = Words::new("it stays on this rung for another {}").with(rest);
            return Opinion::later(wish, words, Some(state.stay_until));
        }
        match order.slack_since {
            Some(since) => Opinion::patient(wish, follow::slack_patience(rules, market, since)),
            None if rules.lower_after > Span::ZERO => Opinion::later(wish, follow::no_slack(market.goal), None),
            None => Opinion::now(wish),
        }
    }

    fn placed(&self, at: Time, again: bool) -> OnRung {
        // One that was thrown off its lower rung stays on this one.
        OnRung { stay_until: if again { at + self.stay } else { at } }
    }

    fn repriced(&self, state: &mut OnRung, from: Price, to: Price, at: Time) {
        if to >= from {
            state.stay_until = at + self.stay;
        }
    }
}

impl Ladder {
    /// The height of a rung: as told, else the venue's step, else a hundredth of the bid.
    fn height(&self, market: &Situation, bid: Price) -> Price {
        let hundredth = || bid.plus_percent(rust_decimal::Decimal::ONE).minus(bid).ceil_to(market.tick);
        self.rung.or(market.step).unwrap_or_else(hundredth)
    }
}
