//! What tests and reports may know of a simulated venue that no client is told.

use clorebid_core::ids::ServerId;
use clorebid_core::money::{Amount, Currency, Price};
use clorebid_core::time::Time;

use super::exchange::Exchange;
use super::state::{EvictionRecord, Holder, HolderChange, Kind, OrderState};

/// An order of ours as it truly stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderTruth {
    /// Its number.
    pub id: u64,
    /// The server it rents.
    pub server: ServerId,
    /// Spot or on demand.
    pub kind: Kind,
    /// Its price per day now.
    pub price: Price,
    /// In this.
    pub currency: Currency,
    /// When it was made.
    pub created: Time,
    /// Where it stands.
    pub state: OrderState,
    /// Whether it has the server now.
    pub holding: bool,
    /// How many minutes were billed.
    pub minutes: u64,
    /// What they cost, without the venue's fee.
    pub spend: Amount,
}

impl Exchange {
    /// Every order we ever made, oldest first.
    pub fn orders(&self) -> Vec<OrderTruth> {
        let orders = self.orders.values().map(|o| OrderTruth {
            id: o.id,
            server: self.servers[o.server].plan.server(),
            kind: o.kind,
            price: o.price,
            currency: o.currency,
            created: o.created,
            state: o.state,
            holding: o.holding,
            minutes: o.minutes_count,
            spend: Amount::new(o.spend()).unwrap_or(Amount::ZERO),
        });
        orders.collect()
    }

    /// Our orders that are not over.
    pub fn open_orders(&self) -> Vec<OrderTruth> {
        self.orders().into_iter().filter(|o| !matches!(o.state, OrderState::Ended { .. })).collect()
    }

    /// Who holds that server on the spot market.
    pub fn holder(&self, server: ServerId) -> Option<Holder> {
        self.servers.iter().find(|s| s.plan.server() == server)?.holder
    }

    /// Every change of hands and of the holder's bid so far, oldest first.
    pub fn history(&self) -> &[HolderChange] {
        &self.history
    }

    /// Every eviction of ours so far, oldest first.
    pub fn evictions(&self) -> &[EvictionRecord] {
        &self.evictions
    }

    /// What is left in a wallet, to the last digit; `None` where there is no such wallet.
    pub fn balance(&self, currency: Currency) -> Option<Amount> {
        self.purses.get(&currency).map(|p| Amount::new(p.balance()).unwrap_or(Amount::ZERO))
    }
}
