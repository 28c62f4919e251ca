//! The venue's HTTP API: its ten calls, its answers, and a client for it.

use clorebid_core::market::{OrderId, ServerId};
use clorebid_core::money::Price;

/// One call of the API page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// x
    Wallets,
    /// x
    SpotMarketplace {
        /// x
        market: ServerId,
    },
    /// x
    SetSpotPrice {
        /// x
        order: OrderId,
        /// x
        price: Price,
    },
}
