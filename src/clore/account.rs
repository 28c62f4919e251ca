//! What the venue knows of us as a renter: our orders and our wallets.

use clorebid_core::ids::{OrderId, ServerId};
use clorebid_core::market::{OrderRow, Wallet};
use clorebid_core::money::{Amount, Currency};
use clorebid_core::time::{Span, Time};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::lenient::{Flag, Id, Lax, ReadError, SECOND_MS, Text, body, is_true, object, span, texts};
use crate::json::Number;

/// A good my_orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MyOrders {
    /// Every order, in the venue's order.
    pub orders: Vec<Order>,
    /// How many active orders one may have.
    pub limit: Option<u64>,
}

/// One order with the ways to reach its machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What decisions are made on.
    pub row: OrderRow,
    /// Longest time it may run.
    pub longest_rental: Option<Span>,
    /// The Docker image it runs.
    pub image: Option<String>,
    /// The proxy cluster in use.
    pub proxy_cluster: Option<u64>,
    /// Public hosts that forward to it.
    pub pub_cluster: Vec<String>,
    /// Forwarded ports, such as `22:10000`.
    pub tcp_ports: Vec<String>,
    /// The container's port behind the HTTPS proxy.
    pub http_port: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawOrders<'a> {
    #[serde(borrow)]
    orders: Option<Vec<&'a RawValue>>,
    limit: Lax<Id>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawOrder {
    id: Option<Id>,
    si: Option<Id>,
    price: Option<Number>,
    spot: Option<Flag>,
    expired: Option<Flag>,
    spend: Option<Number>,
    currency: Lax<String>,
    ct: Lax<Number>,
    fee: Lax<Number>,
    creation_fee: Lax<Number>,
    mrl: Lax<Number>,
    image: Lax<String>,
    p: Lax<Id>,
    pub_cluster: Lax<Vec<Lax<Text>>>,
    tcp_ports: Lax<Vec<Lax<Text>>>,
    http_port: Lax<Text>,
}

/// A good my_orders: complete, so that an order which is not in it does not exist.
///
/// # Errors
/// When there is no list of orders, or when any one order cannot be read: left out, it would count as gone, and its
/// server would be rented a second time.
pub fn my_orders(bytes: &[u8]) -> Result<MyOrders, ReadError> {
    let raw: RawOrders<'_> = body(bytes)?;
    let rows = raw.orders.ok_or(ReadError::Missing("orders"))?;
    let orders = rows.into_iter().map(|row| order(row.get())).collect::<Result<Vec<Order>, ReadError>>()?;
    Ok(MyOrders { orders, limit: raw.limit.get().map(|id| id.0) })
}

fn order(row: &str) -> Result<Order, ReadError> {
    let raw: RawOrder = object(row)?;
    let price = raw.price.map(|n| n.price().ok_or(ReadError::Negative("price"))).transpose()?;
    if raw.si.is_none() && price.is_none() {
        return Err(ReadError::Missing("orders[x].si"));
    }
    let spend = raw.spend.map(|n| n.amount().ok_or(ReadError::Negative("spend"))).transpose()?;
    Ok(Order {
        row: OrderRow {
            id: OrderId(raw.id.ok_or(ReadError::Missing("orders[x].id"))?.0),
            // The order stands all the same, and its number alone may tell whose it is.
            server: raw.si.map_or(ServerId::UNKNOWN, |id| ServerId(id.0)),
            price,
            spot: raw.spot.map(|flag| flag.0),
            expired: is_true(raw.expired),
            currency: raw.currency.get().and_then(|name| Currency::from_name(&name)),
            spend,
            created: raw.ct.get().and_then(|s| span(s, SECOND_MS, false)).map(|since| Time::from_ms(since.ms())),
            fee_percent: raw.fee.get().map(|n| n.value),
            creation_fee: raw.creation_fee.get().and_then(Number::amount),
        },
        longest_rental: raw.mrl.get().and_then(|seconds| span(seconds, SECOND_MS, false)),
        image: raw.image.get(),
        proxy_cluster: raw.p.get().map(|id| id.0),
        pub_cluster: texts(raw.pub_cluster),
        tcp_ports: texts(raw.tcp_ports),
        http_port: raw.http_port.get().map(|t| t.0),
    })
}

/// One wallet, of any coin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletRow {
    /// The coin's name at the venue.
    pub name: String,
    /// Where to pay in.
    pub deposit: Option<String>,
    /// What is in it; `None` where the venue does not say. A debt counts as nothing.
    pub balance: Option<Amount>,
    /// What paying out costs.
    pub withdrawal_fee: Option<Amount>,
}

impl WalletRow {
    /// As the core sees it; `None` for a coin that nothing is bid in.
    pub fn wallet(&self) -> Option<Wallet> {
        Some(Wallet { currency: Currency::from_name(&self.name)?, balance: self.balance })
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawWallets<'a> {
    #[serde(borrow)]
    wallets: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawWallet {
    name: Lax<String>,
    deposit: Lax<Text>,
    balance: Lax<Number>,
    withdrawal_fee: Lax<Number>,
}

/// A good wallets.
///
/// # Errors
/// When there is no list of wallets, or a wallet without a name.
pub fn wallets(bytes: &[u8]) -> Result<Vec<WalletRow>, ReadError> {
    let raw: RawWallets<'_> = body(bytes)?;
    let rows = raw.wallets.ok_or(ReadError::Missing("wallets"))?;
    rows.into_iter().map(|row| wallet(row.get())).collect()
}

fn wallet(row: &str) -> Result<WalletRow, ReadError> {
    let raw: RawWallet = object(row)?;
    Ok(WalletRow {
        name: raw.name.get().ok_or(ReadError::Missing("wallets[x].name"))?,
        deposit: raw.deposit.get().map(|t| t.0),
        balance: raw.balance.get().map(|n| n.amount().unwrap_or(Amount::ZERO)),
        withdrawal_fee: raw.withdrawal_fee.get().and_then(Number::amount),
    })
}
