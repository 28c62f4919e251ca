//! **follow** keeps to the least winning bid plus the margin: opens there, raises when outbid, steps down whenever there
//! is slack.

use crate::denial::Denial;
use crate::event::Reason;
use crate::money::Price;
use crate::policy::chosen::{ChosenPolicy, Row};
use crate::policy::contract::{Opening, Opinion, Patience, Policy, Situation, Standing, Wish};
use crate::policy::rules::{BidRules, Lost, Open};
use crate::time::Time;
use crate::words::Words;

pub(super) const ROW: Row = Row { name: "follow", read: |_| ChosenPolicy::new(Follow) };

/// Keeps to the least winning bid plus the margin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Follow;

impl Policy for Follow {
    type State = ();

    fn name(&self) -> &'static str {
        ROW.name
    }

    fn open(&self, rules: &BidRules, market: &Situation, last_bid: Option<Price>) -> Result<Opening, Denial> {
        open(rules, market, last_bid.is_some())
    }

    fn rests_without_slack(&self) -> bool {
        true
    }

    fn keep(&self, rules: &BidRules, market: &Situation, order: &Standing, _state: &()) -> Opinion {
        if !order.on_top {
            let reason =
                Reason::Outbid { by: market.least_winning.minus(order.bid), least_winning: market.least_winning };
            return win_back(rules, market, order, market.goal, reason);
        }
        let goal = market.goal;
        if order.bid <= goal {
            return Opinion::keep(no_slack(goal));
        }
        let wish = Wish::Lower { goal, or_anew: true, words: None };
        match order.slack_since {
            None => Opinion::later(wish, Words::new("no read of the book has shown the slack yet"), None),
            Some(since) => Opinion::patient(wish, slack_patience(rules, market, since)),
        }
    }
}

/// The first bid of whoever does not know better.
pub(super) fn open(rules: &BidRules, market: &Situation, again: bool) -> Result<Opening, Denial> {
    let goal = market.goal;
    let wanted = match rules.open {
        // Nobody to beat: the floor itself wins, and a margin above nobody would be money for nothing.
        Open::Floor if market.least_winning == market.floor.ceil_to(market.tick) => market.least_winning,
        Open::Floor | Open::Rival => goal,
        // Only the first bid goes to the opening price; whoever bids anew knows the market by then.
        Open::Price(price) if !again => price.max(market.least_winning),
        Open::Price(_) => goal,
    };
    let price = market.capped(wanted, market.ceiling)?;
    Ok(Opening { price, least: market.least_winning })
}

/// Winning a lost server back with `wanted`, or with as much of it as is worth it, once the loss has lasted.
pub(super) fn win_back(
    rules: &BidRules,
    market: &Situation,
    order: &Standing,
    wanted: Price,
    reason: Reason,
) -> Opinion {
    if rules.lost == Lost::Wait {
        return Opinion::keep(Words::new("lost = \"wait\""));
    }
    let wish = match market.capped(wanted, raise_ceiling(rules, market)) {
        Ok(to) if to > order.bid => Wish::Raise { to, reason },
        Ok(_) => return Opinion::keep(Words::new("its bid would win; the book does not show why it lost")),
        Err(denial) => Wish::GiveUp(denial),
    };
    let lost_for = order.lost_since.map_or(crate::time::Span::ZERO, |since| market.now.since(since));
    if lost_for < rules.raise_wait {
        let words = Words::new("outbid for {}, and raise.wait is {}").with(lost_for).with(rules.raise_wait);
        return Opinion::later(wish, words, order.lost_since.map(|since| since + rules.raise_wait));
    }
    Opinion::now(wish)
}

/// What is said where nothing is paid for nothing.
pub(super) fn no_slack(goal: Price) -> Words {
    Words::new("there is no slack: the goal is {}").with(goal)
}

/// Slack must have lasted for a while before it is taken away.
pub(super) fn slack_patience(rules: &BidRules, market: &Situation, since: Time) -> Option<Patience> {
    let (slack_for, after) = (market.now.since(since), rules.lower_after);
    (slack_for < after).then(|| Patience {
        words: Words::new("there is slack above {} for {}, and lower.after is {}")
            .with(market.goal)
            .with(slack_for)
            .with(after),
        until: Some(since + after),
    })
}

/// The most that a raise may go to.
fn raise_ceiling(rules: &BidRules, market: &Situation) -> Price {
    rules.give_up.map_or(market.ceiling, |give_up| give_up.min(market.ceiling))
}
