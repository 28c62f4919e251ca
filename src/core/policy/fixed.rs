//! **fixed** keeps one price, winning or not: it waits in the book until its price is enough.

use crate::denial::Denial;
use crate::money::Price;
use crate::policy::chosen::{ChosenPolicy, Row};
use crate::policy::contract::{Opening, Opinion, Policy, Situation, Standing};
use crate::policy::rules::{BidRules, Open};
use crate::words::Words;

pub(super) const ROW: Row = Row { name: "fixed", read: |_| ChosenPolicy::new(Fixed) };

/// Keeps one price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fixed;

impl Policy for Fixed {
    type State = ();

    fn name(&self) -> &'static str {
        ROW.name
    }

    fn open(&self, rules: &BidRules, market: &Situation, _last_bid: Option<Price>) -> Result<Opening, Denial> {
        let price = match rules.open {
            Open::Floor => market.floor.ceil_to(market.tick),
            Open::Rival => market.goal,
            Open::Price(price) => price,
        };
        let too_dear = price > market.ceiling;
        if too_dear || price < market.floor {
            let ceiling = price.min(market.ceiling);
            return Err(Denial::NotWorthIt { least_winning: market.least_winning.max(price), ceiling });
        }
        Ok(Opening { price, least: price })
    }

    fn rests_without_slack(&self) -> bool {
        true
    }

    fn keep(&self, _rules: &BidRules, _market: &Situation, _order: &Standing, _state: &()) -> Opinion {
        Opinion::keep(Words::new("a fixed bid keeps its price"))
    }
}
