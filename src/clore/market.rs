//! What the venue offers: the marketplace of all servers, and the spot market of one.

use clorebid_core::ids::{OrderId, ServerId};
use clorebid_core::market::{BidIn, ListedServer, Listing, Market, Offer, Visibility};
use clorebid_core::money::{Currency, PerCurrency, Price};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::lenient::{Count, Flag, HOUR_MS, Id, Lax, PerCoin, ReadError, SECOND_MS, body, is_true, object, span};
use crate::json::Number;

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawMarketplace<'a> {
    #[serde(borrow)]
    servers: Option<Vec<&'a RawValue>>,
    my_servers: Lax<Vec<Lax<Id>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawServer<'a> {
    id: Option<Id>,
    mrl: Lax<Number>,
    price: Lax<RawPrice>,
    spot: Lax<PerCoin>,
    #[serde(borrow)]
    rented: Option<&'a RawValue>,
    specs: Lax<RawSpecs>,
    #[serde(borrow)]
    allowed_coins: Lax<Vec<&'a RawValue>>,
    gpu_array: Lax<Count>,
    reliability: Lax<Number>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawPrice {
    on_demand: Lax<PerCoin>,
    spot: Lax<PerCoin>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawSpecs {
    gpu: Lax<String>,
    ram: Lax<Number>,
    net: Lax<RawNet>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawNet {
    cc: Lax<String>,
}

/// A good marketplace. One server that cannot be read is left out: it could not be bid on anyway.
///
/// # Errors
/// When there is no list of servers, or a list of which not one can be read.
pub fn marketplace(bytes: &[u8]) -> Result<Listing, ReadError> {
    let raw: RawMarketplace<'_> = body(bytes)?;
    let rows = raw.servers.ok_or(ReadError::Missing("servers"))?;
    let servers: Vec<ListedServer> = rows.iter().filter_map(|row| listed(row.get()).ok()).collect();
    if servers.is_empty() && !rows.is_empty() {
        return Err(ReadError::NoRow("servers"));
    }
    let hosted = raw.my_servers.get().unwrap_or_default();
    let my_servers = hosted.into_iter().filter_map(|id| id.get().map(|id| ServerId(id.0))).collect();
    Ok(Listing { servers, my_servers })
}

fn listed(row: &str) -> Result<ListedServer, ReadError> {
    let raw: RawServer<'_> = object(row)?;
    let id = raw.id.ok_or(ReadError::Missing("servers[x].id"))?;
    let price = raw.price.get().unwrap_or_default();
    let specs = raw.specs.get().unwrap_or_default();
    // The page's table has the spot price beside `price`, its example has it inside: inside is what is sent.
    let inside = price.spot.get().filter(|p| !p.is_empty());
    let spot = inside.or_else(|| raw.spot.get()).map_or_else(PerCurrency::none, |p| p.prices());
    let gpu = specs.gpu.get().unwrap_or_default();
    Ok(ListedServer {
        id: ServerId(id.0),
        on_demand: price.on_demand.get().map_or_else(PerCurrency::none, |p| p.prices()),
        spot,
        rented: raw.rented.is_some_and(maybe_true),
        allowed: raw.allowed_coins.get().map(|coins| coins.into_iter().filter_map(coin).collect()),
        gpus: raw.gpu_array.get().map(|n| n.0).filter(|n| *n > 0).unwrap_or_else(|| count_in(&gpu)),
        gpu,
        ram_gb: specs.ram.get().map_or(Decimal::ZERO, |n| n.value),
        reliability: raw.reliability.get().map(|n| n.value),
        country: specs.net.get().and_then(|net| net.cc.get()),
        longest_rental: raw.mrl.get().and_then(|hours| span(hours, HOUR_MS, false)),
    })
}

/// A word nobody knows counts as true: a server that may be rented is not worth a bid.
fn maybe_true(raw: &RawValue) -> bool {
    serde_json::from_str::<Flag>(raw.get()).map_or(true, |flag| flag.0)
}

fn coin(raw: &RawValue) -> Option<Currency> {
    Currency::from_name(raw.get().trim_matches('"'))
}

/// The number in front of `x`, as in `4x NVIDIA GeForce RTX 3090`; 1 where there is none.
fn count_in(gpu: &str) -> u32 {
    let before = gpu.trim_start().split_once(['x', 'X']).and_then(|(n, _)| n.trim().parse().ok());
    before.filter(|n| *n > 0).unwrap_or(1)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawSpotMarketplace<'a> {
    exists: Option<Flag>,
    #[serde(borrow)]
    market: Option<&'a RawValue>,
    #[serde(borrow)]
    code: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawMarket<'a> {
    #[serde(borrow)]
    offers: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    server: Option<&'a RawValue>,
    currency_rates_in_usd: Lax<PerCoin>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawMarketServer {
    min_pricing: Lax<PerCoin>,
    mrl: Lax<Number>,
    visibility: Lax<String>,
    online: Option<Flag>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawOffer {
    offer_id: Option<Id>,
    bid: Option<Number>,
    active: Option<Flag>,
    my: Option<Flag>,
    currency: Lax<String>,
}

/// A good spot_marketplace of `server`.
///
/// # Errors
/// When the market of a server that exists lacks its offers or its server, or when any one offer cannot be read: a
/// rival that is left out would be a bid too low, and an offer of ours that is left out would count as lost.
pub fn spot_marketplace(server: ServerId, bytes: &[u8]) -> Result<Market, ReadError> {
    spot_market(server, body(bytes)?)
}

/// A spot_marketplace of `server` that may be any answer; `None` where the venue does not say itself that all is well,
/// or where [`spot_marketplace`] is an error. The body is read once.
pub fn spot_marketplace_if_good(server: ServerId, bytes: &[u8]) -> Option<Market> {
    let raw: RawSpotMarketplace<'_> = body(bytes).ok()?;
    let is_good = raw.code.is_some_and(|code| matches!(code.get(), "0" | "\"0\""));
    is_good.then(|| spot_market(server, raw).ok()).flatten()
}

fn spot_market(server: ServerId, raw: RawSpotMarketplace<'_>) -> Result<Market, ReadError> {
    let exists = is_true(raw.exists);
    // Only the venue's own word that there is no such market may stand in for one.
    let denied = raw.exists.is_some_and(|flag| !flag.0);
    let market: RawMarket<'_> = match raw.market {
        Some(market) if market.get().starts_with('{') => object(market.get())?,
        _ if denied => return Ok(Market::missing(server)),
        Some(_) => return Err(ReadError::NotAnObject),
        None => return Err(ReadError::Missing("market")),
    };
    let offers = match market.offers {
        Some(offers) => offers,
        None if denied => return Ok(Market::missing(server)),
        None => return Err(ReadError::Missing("market.offers")),
    };
    let offers = offers.into_iter().map(|row| offer(row.get())).collect::<Result<Vec<Offer>, ReadError>>()?;
    let state: RawMarketServer = match market.server {
        Some(state) => object(state.get())?,
        None if exists => return Err(ReadError::Missing("market.server")),
        None => RawMarketServer::default(),
    };
    Ok(Market {
        server,
        exists,
        online: is_true(state.online),
        visibility: visibility(state.visibility),
        floors: state.min_pricing.get().map_or_else(PerCurrency::none, |p| p.prices()),
        longest_rental: state.mrl.get().and_then(|seconds| span(seconds, SECOND_MS, false)),
        offers,
        usd_rates: market.currency_rates_in_usd.get().map_or_else(PerCurrency::none, |p| p.rates()),
    })
}

/// Only the word `public` opens a market.
pub(super) fn visibility(word: Lax<String>) -> Visibility {
    if word.get().as_deref() == Some("public") { Visibility::Public } else { Visibility::Hidden }
}

fn offer(row: &str) -> Result<Offer, ReadError> {
    let raw: RawOffer = object(row)?;
    let id = raw.offer_id.ok_or(ReadError::Missing("offer_id"))?;
    let bid: Number = raw.bid.ok_or(ReadError::Missing("bid"))?;
    let bid: Price = bid.price().ok_or(ReadError::Negative("bid"))?;
    let currency = match raw.currency.get() {
        None => BidIn::Unsaid,
        Some(name) => Currency::from_name(&name).map_or(BidIn::UnknownCoin, BidIn::Coin),
    };
    Ok(Offer { id: OrderId(id.0), bid, active: is_true(raw.active), mine: is_true(raw.my), currency })
}
