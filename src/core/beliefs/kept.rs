//! What is remembered of an order and of a create that is not settled, in the form in which it outlives the process; and
//! those of them that a run leaves alone.

use alloc::string::String;
use alloc::vec::Vec;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::beliefs::bill::FeesCharged;
use crate::beliefs::order::{Create, Word};
use crate::ids::{OrderId, ServerId, TargetId};
use crate::lowering::Steps;
use crate::money::{Amount, Currency, Price};
use crate::policy::kept::Kept;
use crate::time::{Span, Time};

/// An order of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptOrder {
    pub server: ServerId,
    /// The name of its target; `None`: it should not be there at all.
    pub target: Option<String>,
    /// The coin of its price and of what it cost; `None`: that of the memory it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    pub id: OrderId,
    pub bid: Price,
    pub unsettled: Option<Price>,
    pub next_lower_at: Time,
    pub placed_at: Time,
    pub listed: bool,
    pub ever_held: bool,
    pub cancelling: bool,
    /// What was charged besides holding: the creation fee; and what an older memory had counted, with the fees in it.
    pub paid: Amount,
    /// What holding cost, fees left out.
    #[serde(default)]
    pub held: Amount,
    pub venue_spend: Amount,
    /// What the venue adds to its price, where it has told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_percent: Option<Decimal>,
    pub fee_counted: bool,
    /// Up to when all this is counted; `None` in older memories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_to: Option<Time>,
    /// Whether it held its server then.
    #[serde(default, skip_serializing_if = "is_false")]
    pub held_then: bool,
    /// What its policy remembers of it.
    #[serde(flatten)]
    pub policy: Kept,
}

impl KeptOrder {
    /// It was watched up to `until`, and nothing about it changed after it was last counted.
    pub(crate) fn count_to(&mut self, until: Time) {
        let Some(counted_to) = self.counted_to.filter(|counted_to| until > *counted_to) else { return };
        if self.held_then {
            self.held = self.held.plus(self.bid.accrue(until.since(counted_to)).amount());
        }
        self.counted_to = Some(until);
    }
}

/// A create whose order has not been seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptCreate {
    pub server: ServerId,
    pub target: String,
    /// The coin of its price; `None`: that of the memory it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    pub bid: Price,
    pub sent_at: Time,
    pub known_accepted: bool,
    /// The venue said that an order stands there already.
    #[serde(default, skip_serializing_if = "is_false")]
    pub already_there: bool,
    pub before: Vec<OrderId>,
    /// Nobody ever saw it, and it was given up.
    #[serde(default, skip_serializing_if = "is_false")]
    pub given_up: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl KeptCreate {
    /// That create, as an unsettled one or as one that was given up.
    pub(crate) fn of(
        server: ServerId,
        target: String,
        currency: Currency,
        create: &Create,
        given_up: bool,
    ) -> KeptCreate {
        KeptCreate {
            server,
            target,
            currency: Some(currency),
            bid: create.bid,
            sent_at: create.sent_at,
            known_accepted: create.word == Word::Accepted,
            already_there: create.word == Word::AlreadyThere,
            before: create.before.clone(),
            given_up,
        }
    }

    /// The create, as of `now`.
    pub(crate) fn create(self, now: Time) -> Create {
        let word = match (self.known_accepted, self.already_there) {
            (true, _) => Word::Accepted,
            (_, true) => Word::AlreadyThere,
            _ => Word::Nothing,
        };
        Create { bid: self.bid, sent_at: self.sent_at.min(now), word, before: self.before, absent_reads: 0 }
    }

    /// The order that it made, as far as a row of my_orders tells. Nobody knows when it was last lowered.
    pub(crate) fn order(&self, id: OrderId, may_lower_at: Time) -> KeptOrder {
        KeptOrder {
            server: self.server,
            target: Some(self.target.clone()),
            currency: self.currency,
            id,
            bid: self.bid,
            unsettled: None,
            next_lower_at: may_lower_at,
            placed_at: self.sent_at,
            listed: true,
            ever_held: false,
            cancelling: false,
            paid: Amount::ZERO,
            held: Amount::ZERO,
            venue_spend: Amount::ZERO,
            fee_percent: None,
            fee_counted: false,
            counted_to: None,
            held_then: false,
            policy: Kept::default(),
        }
    }
}

/// What was learned and spent in one coin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Purse {
    pub currency: Currency,
    pub steps: Steps,
    pub fee_percent: Decimal,
    pub creation_fee: Amount,
    /// Spent on orders that are over, fees included.
    pub spent_ended: Amount,
    /// Creation fees of the last day.
    #[serde(default, skip_serializing_if = "FeesCharged::is_empty")]
    pub fees_charged: FeesCharged,
}

/// Something of ours that is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Left<T> {
    pub what: T,
    /// The target of this run that it is a server of.
    pub counts_for: Option<TargetId>,
    /// Since when my_orders has not shown it.
    pub absent_since: Option<Time>,
    /// When the venue last told what it has cost, and whether that was more than before.
    pub spend_told: Option<(Time, bool)>,
}

impl<T> Left<T> {
    pub(crate) fn new(what: T, counts_for: Option<TargetId>) -> Left<T> {
        Left { what, counts_for, absent_since: None, spend_told: None }
    }
}

impl Left<KeptOrder> {
    /// What it has cost up to `now`, fees included. Nobody reads its book, so only the venue can tell, and until it does, an
    /// order that held its server counts as if it still did.
    pub(crate) fn cost(&self, now: Time, fee_percent: Decimal) -> Amount {
        let order = &self.what;
        let since = match self.spend_told {
            Some((at, grows)) => grows.then_some(at),
            None => order.counted_to.filter(|_| order.held_then),
        };
        let known = order.held.max(order.venue_spend);
        let unwatched = order.bid.accrue(since.map_or(Span::ZERO, |since| now.since(since))).amount();
        known.plus(unwatched).plus_percent(order.fee_percent.unwrap_or(fee_percent)).plus(order.paid)
    }

    /// The venue told what it has cost so far.
    pub(crate) fn tell_spend(&mut self, spend: Amount, at: Time) {
        // What is told at first may all be from before.
        let grows = if self.spend_told.is_some() { spend > self.what.venue_spend } else { self.what.held_then };
        self.what.venue_spend = self.what.venue_spend.max(spend);
        self.spend_told = Some((at, grows));
    }
}

/// All that is left alone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Aside {
    pub orders: Vec<Left<KeptOrder>>,
    pub creates: Vec<Left<KeptCreate>>,
    /// What was learned and spent in the coins that this run does not bid in.
    pub purses: Vec<Purse>,
}

impl Aside {
    /// Whether that order is one of these.
    pub(crate) fn has(&self, order: OrderId) -> bool {
        self.orders.iter().any(|left| left.what.id == order)
    }

    /// The order of that number.
    pub(crate) fn order_mut(&mut self, order: OrderId) -> Option<&mut KeptOrder> {
        self.orders.iter_mut().map(|left| &mut left.what).find(|kept| kept.id == order)
    }

    pub(crate) fn purse_mut(&mut self, currency: Currency) -> Option<&mut Purse> {
        self.purses.iter_mut().find(|purse| purse.currency == currency)
    }
}
