//! The venue's format: how its requests and answers are written. [`crate::api`] decides what is written when, and
//! nothing here sends anything.
//!
//! | file | what it holds |
//! |---|---|
//! | `body` | the bodies of our own requests |
//! | [`form`] | what an order is created with, checked against the page's limits |
//! | [`mod@answer`] | what an answer means: applied, refused or unknown |
//! | [`market`], [`account`], [`host`] | what good answers hold |
//! | [`scrub`] | keeps our secrets out of what comes back |
//!
//! Two rules run through all of it. A number that is money never becomes a float. And a read that cannot be trusted is
//! a doubt, never an empty answer: an order that is missing from a list is taken to be gone, and its server rented anew.

pub mod account;
pub mod answer;
pub(crate) mod body;
pub mod form;
pub mod host;
mod lenient;
pub mod market;
pub mod scrub;
mod stretches;

pub use account::{MyOrders, Order, WalletRow, my_orders, wallets};
pub use answer::{Verdict, verdict};
pub use form::{FormError, OrderForm, PortKind, RawForm};
pub use host::{HostRequest, HostedServer, MyServers, ServerConfig, my_servers, server_config};
pub use lenient::ReadError;
pub use market::{marketplace, spot_marketplace, spot_marketplace_if_good};
pub use scrub::Scrubber;
