//! **adaptive** bids what costs least with the risk of being outbid, as the moves of the market teach it: see
//! [`crate::policy::mind`], which is asked in its place.

use crate::denial::Denial;
use crate::money::Price;
use crate::policy::chosen::{ChosenPolicy, Row};
use crate::policy::contract::{Opening, Opinion, Policy, Situation, Standing};
use crate::policy::follow::{self, Follow};
use crate::policy::rules::BidRules;

pub(in crate::policy) const ROW: Row = Row { name: "adaptive", read: |_| ChosenPolicy::new(Adaptive) };

/// Learns from the market what to bid, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adaptive;

impl Policy for Adaptive {
    type State = ();

    fn name(&self) -> &'static str {
        ROW.name
    }

    fn learns(&self) -> bool {
        true
    }

    /// Where nothing was learned yet it does what **follow** does.
    fn open(&self, rules: &BidRules, market: &Situation, last_bid: Option<Price>) -> Result<Opening, Denial> {
        follow::open(rules, market, last_bid.is_some())
    }

    fn keep(&self, rules: &BidRules, market: &Situation, order: &Standing, state: &()) -> Opinion {
        Policy::keep(&Follow, rules, market, order, state)
    }
}
