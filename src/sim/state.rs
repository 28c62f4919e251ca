//! What a simulated venue knows at one moment: servers with their books, our orders, our wallets.

use clorebid_core::ids::ServerId;
use clorebid_core::money::{Amount, Currency, PerCurrency, Price};
use clorebid_core::time::{Span, Time};
use rust_decimal::Decimal;

use super::draw::Stream;
use super::scenario::ServerPlan;

/// Minutes in the day that prices are quoted for.
const MINUTES_A_DAY: Decimal = Decimal::from_parts(1440, 0, 0, false, 0);

/// One offer in a book.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer {
    pub(super) id: u64,
    pub(super) bid: Price,
    pub(super) currency: Currency,
    pub(super) mine: bool,
    /// From when spot_marketplace shows it.
    pub(super) shown_from: Time,
}

/// Who rents a server on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renter {
    Stranger,
    Ours(u64),
}

/// The offer that holds a server, and at what price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The offer, which is the order where it is ours.
    pub offer: u64,
    /// Its price per day.
    pub bid: Price,
    /// In this.
    pub currency: Currency,
    /// Whether it is ours.
    pub mine: bool,
}

/// A server came into other hands, or its holder's bid changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HolderChange {
    /// When.
    pub at: Time,
    /// Which server.
    pub server: ServerId,
    /// Who held it until then.
    pub from: Option<Holder>,
    /// Who holds it now.
    pub to: Option<Holder>,
}

/// An order of ours lost its server without our asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvictionRecord {
    /// When.
    pub at: Time,
    /// Which server.
    pub server: ServerId,
    /// Which order.
    pub order: u64,
    /// What it bid.
    pub bid: Price,
    /// Why.
    pub cause: Loss,
}

/// Why an offer lost its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Another bid is worth more.
    Outbid,
    /// The floor rose above the bid.
    BelowFloor,
    /// The server lost its connection.
    Offline,
    /// The host took it off the market.
    Hidden,
    /// Somebody rented it on demand.
    OnDemand,
}

/// A rival that answers our bids.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Undercutter {
    pub(super) id: u64,
    pub(super) watching: bool,
    pub(super) about_to_answer: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) plan: ServerPlan,
    pub(super) online: bool,
    pub(super) public: bool,
    pub(super) mrl: Span,
    pub(super) floor: PerCurrency<Price>,
    pub(super) on_demand: PerCurrency<Price>,
    pub(super) renter: Option<Renter>,
    pub(super) holder: Option<Holder>,
    /// Oldest first.
    pub(super) offers: Vec<Offer>,
    pub(super) rival_ids: Vec<u64>,
    pub(super) undercutters: Vec<Undercutter>,
    pub(super) walk: Stream,
    pub(super) crowd: Stream,
}

impl Server {
    /// Who should hold it: the highest bid by value that is not below its floor; the older of two equal ones.
    pub(super) fn winner(&self, rates: &PerCurrency<Decimal>) -> Option<Holder> {
        if !self.online || !self.public || self.renter.is_some() {
            return None;
        }
        let mut best: Option<(Decimal, &Offer)> = None;
        for offer in &self.offers {
            let value = worth(offer, rates);
            let over_floor = self.floor.get(offer.currency).is_some_and(|floor| offer.bid >= floor);
            if over_floor && best.is_none_or(|(most, _)| value > most) {
                best = Some((value, offer));
            }
        }
        best.map(|(_, o)| Holder { offer: o.id, bid: o.bid, currency: o.currency, mine: o.mine })
    }

    pub(super) fn offer(&self, id: u64) -> Option<&Offer> {
        self.offers.iter().find(|o| o.id == id)
    }

    /// The best offer by value among those that `wanted` picks.
    pub(super) fn best(&self, rates: &PerCurrency<Decimal>, wanted: impl Fn(&Offer) -> bool) -> Option<&Offer> {
        self.offers.iter().rev().filter(|o| wanted(o)).max_by_key(|o| worth(o, rates))
    }

    pub(super) fn set_bid(&mut self, id: u64, bid: Price) {
        if let Some(offer) = self.offers.iter_mut().find(|o| o.id == id) {
            offer.bid = bid;
        }
    }

    pub(super) fn remove(&mut self, id: u64) {
        self.offers.retain(|o| o.id != id);
    }
}

/// What a bid is worth in USD.
pub(super) fn worth(offer: &Offer, rates: &PerCurrency<Decimal>) -> Decimal {
    offer.bid.decimal() * rates.get(offer.currency).unwrap_or(Decimal::ZERO)
}

/// What an order rents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An offer on the spot market.
    Spot,
    /// A server at its on-demand price.
    OnDemand,
}

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderState {
    /// In the book, or renting on demand.
    Live,
    /// It lost its server under `eviction = "frozen"`: listed, but out of the book for good.
    Frozen,
    /// Over.
    Ended {
        /// Since when.
        at: Time,
        /// Why.
        why: End,
    },
}

/// Why an order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// We cancelled it.
    Cancelled,
    /// It lost its server under `eviction = "vanish"`.
    Vanished,
    /// It lost its server under `eviction = "expire"`.
    Expired,
    /// The wallet was empty.
    Unfunded,
    /// It reached the longest rental.
    RentalOver,
}

#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) id: u64,
    pub(super) server: usize,
    pub(super) kind: Kind,
    pub(super) price: Price,
    pub(super) currency: Currency,
    pub(super) image: String,
    pub(super) ports: Vec<(u16, bool)>,
    pub(super) created: Time,
    pub(super) listed_from: Time,
    pub(super) mrl: Span,
    pub(super) clock_started: Option<Time>,
    pub(super) state: OrderState,
    /// Raised whenever a holding begins or ends, so that bills of an earlier one are void.
    pub(super) stint: u64,
    pub(super) holding: bool,
    pub(super) ever_held: bool,
    /// The price of every minute billed, summed; a day has 1440 of them.
    pub(super) minutes: Decimal,
    pub(super) minutes_count: u64,
}

impl Order {
    pub(super) fn is_live(&self) -> bool {
        self.state == OrderState::Live
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, OrderState::Ended { .. })
    }

    pub(super) fn spend(&self) -> Decimal {
        self.minutes / MINUTES_A_DAY
    }
}

/// One wallet: what was in it and what was taken out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Purse {
    pub(super) deposited: Decimal,
    /// The price of every minute billed, fee included, summed.
    pub(super) minutes: Decimal,
    pub(super) creation_fees: Decimal,
}

impl Purse {
    pub(super) fn new(balance: Amount) -> Purse {
        Purse { deposited: balance.decimal(), minutes: Decimal::ZERO, creation_fees: Decimal::ZERO }
    }

    pub(super) fn balance(&self) -> Decimal {
        self.deposited - self.creation_fees - self.minutes / MINUTES_A_DAY
    }

    /// Pays for a minute, unless there is too little.
    pub(super) fn pay_minute(&mut self, per_day: Decimal) -> bool {
        let enough = self.balance() >= per_day / MINUTES_A_DAY;
        if enough {
            self.minutes += per_day;
        }
        enough
    }
}
