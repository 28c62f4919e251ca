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

impl Call {
    /// x
    pub fn encode(&self) -> crate::venue::HttpRequest {
        let endpoint = "wallets".into();
        crate::venue::HttpRequest { method: crate::venue::Method::Get, endpoint, query: Vec::new(), body: None }
    }
}
