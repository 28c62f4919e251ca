//! The venue's HTTP API: its ten calls, its answers, and a client for it.
//!
//! ```text
//! Call ── encode ──► HttpRequest ── Client ──► Reply ── answer ──► core::ask::Answer
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | [`call`] | the ten calls, and how they are written |
//! | [`form`] | what an order is created with, checked against the page's limits |
//! | [`mod@answer`] | what an answer means: applied, refused or unknown |
//! | [`market`], [`account`], [`host`] | what good answers hold |
//! | [`client`] | the way to the venue and back |
//! | [`scrub`] | keeps our secrets out of what comes back |
//!
//! Two rules run through all of it. A number that is money never becomes a float. And a read that cannot be trusted is
//! a doubt, never an empty answer: an order that is missing from a list is taken to be gone, and its server rented anew.

pub mod account;
pub mod answer;
pub mod call;
pub mod client;
pub mod form;
pub mod host;
mod lenient;
pub mod market;
pub mod scrub;

pub use account::{MyOrders, Order, WalletRow, my_orders, wallets};
pub use answer::{Verdict, answer, answer_to_change, verdict};
pub use call::{Call, CreateOrder, Kind};
pub use client::{Client, ClientError, HttpVenue, is_loopback};
pub use form::{FormError, OrderForm, PortKind, RawForm};
pub use host::{HostedServer, MyServers, ServerConfig, my_servers, server_config};
pub use lenient::ReadError;
pub use market::{marketplace, spot_marketplace, spot_marketplace_if_good};
pub use scrub::Scrubber;
