//! What a run started with, as far as its invariants need it: the memory of the run before, read without the core.

use clorebid_core::money::{Amount, Currency, Price};
use clorebid_core::request::{Doubt, Request};
use clorebid_core::time::Time;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// What a run started with, as far as it matters here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct First {
    pub(super) orders: Vec<FirstOrder>,
    pub(super) creates: Vec<FirstCreate>,
    pub(super) ended: Vec<(i64, i64, i64)>,
    pub(super) fee_percent: Option<Decimal>,
    pub(super) spent_ended: Amount,
    /// The coin of these; `None`: the strategy's.
    pub(super) currency: Option<Currency>,
    /// The same of other coins.
    pub(super) purses: Vec<FirstPurse>,
    pub(super) unfinished: Vec<FirstUnfinished>,
}

/// What was known of one coin.
#[derive(Debug, Deserialize)]
pub(super) struct FirstPurse {
    pub(super) currency: Currency,
    pub(super) fee_percent: Decimal,
    pub(super) spent_ended: Amount,
}

impl First {
    /// Whether an order of ours stood there, or may have.
    pub(super) fn is_on(&self, server: i64) -> bool {
        self.orders.iter().any(|o| o.server == server && o.target.is_some())
            || self.creates.iter().any(|c| c.server == server && !c.given_up)
    }

    /// The venue's percentage and what had been spent, in that coin.
    pub(super) fn purse(&self, currency: Currency) -> (Option<Decimal>, Amount) {
        if self.currency.is_none_or(|own| own == currency) {
            return (self.fee_percent, self.spent_ended);
        }
        let purse = self.purses.iter().find(|purse| purse.currency == currency);
        (purse.map(|purse| purse.fee_percent), purse.map_or(Amount::ZERO, |purse| purse.spent_ended))
    }
}

/// A command whose end the run before never saw.
#[derive(Debug, Deserialize)]
pub(super) struct FirstUnfinished {
    pub(super) request: Request,
    pub(super) sent_at: Time,
    pub(super) answer: FirstAnswer,
}

/// What is on record of its answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FirstAnswer {
    Applied,
    Refused(IgnoredAny),
    Unknown(Doubt),
}

#[derive(Debug, Deserialize)]
pub(super) struct FirstOrder {
    pub(super) server: i64,
    pub(super) target: Option<String>,
    pub(super) id: i64,
    pub(super) bid: Price,
    pub(super) unsettled: Option<Price>,
    pub(super) next_lower_at: Time,
}

#[derive(Debug, Deserialize)]
pub(super) struct FirstCreate {
    pub(super) server: i64,
    pub(super) target: String,
    pub(super) bid: Price,
    pub(super) sent_at: Time,
    /// Nobody ever saw it: nothing of it stands, as far as is known.
    #[serde(default)]
    pub(super) given_up: bool,
}
