//! **fixed** keeps one price, winning or not: it waits in the book until its price is enough.

use super::Situation;
use crate::limits::Denial;
use crate::money::Price;
use crate::strategy::{BidRules, Open};

pub(super) fn open(rules: &BidRules, situation: &Situation) -> Result<Price, Denial> {
    let price = match rules.open {
        Open::Floor => situation.floor.ceil_to(situation.tick),
        Open::Rival => situation.goal,
        Open::Price(price) => price,
    };
    let too_dear = price > situation.ceiling;
    if too_dear || price < situation.floor {
        let ceiling = price.min(situation.ceiling);
        return Err(Denial::NotWorthIt { least_winning: situation.least_winning.max(price), ceiling });
    }
    Ok(price)
}
