//! The tape's answers as the venue would have written them, for a journal that holds what a live run's would.

use clorebid_core::market::{ListedServer, Listing, Market, OrderRow, Visibility, Wallet};
use clorebid_core::money::{Currency, PerCurrency};
use clorebid_core::request::{Answer, Doubt, Refusal};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::json::Number;
use crate::wire::Reply;

/// The answer as an HTTP reply.
pub(super) fn reply(answer: &Answer) -> Reply {
    let body = match answer {
        Answer::Market(market) => spot_marketplace(market),
        Answer::Listing(listing) => marketplace(listing),
        Answer::Orders(rows) => my_orders(rows),
        Answer::Wallets(wallets) => self::wallets(wallets),
        Answer::Unknown(doubt @ Doubt::AlreadyHaveOrder) => json!({"code": 6, "error": doubt.code()}).to_string(),
        Answer::Applied | Answer::Unknown(_) => r#"{"code":0}"#.to_owned(),
        Answer::Refused(refusal) => refused(refusal),
    };
    Reply::Http { status: 200, body: body.into() }
}

/// A number as exact JSON text. It is put in as text and unquoted at the end, since a tree of JSON values knows only
/// floats.
fn number(value: impl Into<Decimal>) -> Value {
    Value::String(format!("{MARK}{}{MARK}", Number::exact(value.into())))
}

/// Stands around a number until the quotes are taken off; no name at the venue has it.
const MARK: char = '\u{1}';

fn finish(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).unwrap_or_default();
    text.replace("\"\\u0001", "").replace("\\u0001\"", "")
}

fn prices<T: Copy>(per: &PerCurrency<T>, decimal: impl Fn(T) -> Decimal) -> Value {
    let named = Currency::ALL.iter().filter_map(|c| per.get(*c).map(|v| (c.name().to_owned(), number(decimal(v)))));
    Value::Object(named.collect::<Map<String, Value>>())
}

fn spot_marketplace(market: &Market) -> String {
    let offers = market.offers.iter().map(|o| {
        let mut offer = json!({"offer_id": o.id.0, "bid": number(o.bid.decimal()), "active": o.active, "my": o.mine});
        if let Some(coin) = o.currency.name() {
            offer["currency"] = coin.into();
        }
        offer
    });
    let mut server = json!({
        "min_pricing": prices(&market.floors, |p| p.decimal()),
        "visibility": if market.visibility == Visibility::Public { "public" } else { "hidden" },
        "online": market.online,
    });
    if let Some(longest) = market.longest_rental {
        server["mrl"] = number(Decimal::new(longest.ms(), 3));
    }
    let mut body = json!({"offers": offers.collect::<Vec<Value>>(), "server": server});
    if Currency::ALL.iter().any(|c| market.usd_rates.get(*c).is_some()) {
        body["currency_rates_in_usd"] = prices(&market.usd_rates, |d| d);
    }
    finish(&json!({"market": body, "exists": market.exists, "code": 0}))
}

fn marketplace(listing: &Listing) -> String {
    let servers: Vec<Value> = listing.servers.iter().map(listed).collect();
    let hosted: Vec<u64> = listing.my_servers.iter().map(|id| id.0).collect();
    finish(&json!({"servers": servers, "my_servers": hosted, "code": 0}))
}

fn listed(server: &ListedServer) -> Value {
    let mut specs = json!({"gpu": server.gpu, "ram": number(server.ram_gb)});
    if let Some(country) = &server.country {
        specs["net"] = json!({"cc": country});
    }
    let cards: Vec<&str> = (0..server.gpus).map(|_| server.gpu.as_str()).collect();
    let mut row = json!({
        "id": server.id.0,
        "price": {"on_demand": prices(&server.on_demand, |p| p.decimal()), "spot": prices(&server.spot, |p| p.decimal())},
        "rented": server.rented,
        "specs": specs,
        "gpu_array": cards,
    });
    if let Some(allowed) = &server.allowed {
        row["allowed_coins"] = allowed.iter().map(|c| c.name()).collect();
    }
    if let Some(reliability) = server.reliability {
        row["reliability"] = number(reliability);
    }
    if let Some(longest) = server.longest_rental {
        row["mrl"] = number(Decimal::from(longest.ms()) / Decimal::from(3_600_000));
    }
    row
}

fn my_orders(rows: &[OrderRow]) -> String {
    let orders = rows.iter().map(|row| {
        let mut order = json!({"id": row.id.0, "si": row.server.0, "spot": row.spot, "expired": row.expired});
        let fields = [
            ("price", row.price.map(|p| p.decimal())),
            ("fee", row.fee_percent),
            ("creation_fee", row.creation_fee.map(|a| a.decimal())),
            ("spend", row.spend.map(|a| a.decimal())),
            ("ct", row.created.map(|t| Decimal::new(t.ms(), 3))),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                order[name] = number(value);
            }
        }
        if let Some(currency) = row.currency {
            order["currency"] = currency.name().into();
        }
        order
    });
    finish(&json!({"orders": orders.collect::<Vec<Value>>(), "code": 0}))
}

fn wallets(wallets: &[Wallet]) -> String {
    let rows =
        wallets.iter().map(|w| json!({"name": w.currency.name(), "balance": w.balance.map(|b| number(b.decimal()))}));
    finish(&json!({"wallets": rows.collect::<Vec<Value>>(), "code": 0}))
}

fn refused(refusal: &Refusal) -> String {
    let code = match refusal {
        Refusal::InvalidInput => 2,
        Refusal::BadKey => 3,
        Refusal::BadEndpoint => 4,
        Refusal::RateLimited => 5,
        _ => 6,
    };
    let mut body = json!({"code": code});
    if code == 6 {
        body["error"] = refusal.name().into();
    }
    match refusal {
        Refusal::StepTooLarge { lowest } => body["max_step"] = number(lowest.decimal()),
        Refusal::LoweringTooSoon { wait } => body["time_to_lowering"] = number(Decimal::new(wait.ms(), 3)),
        Refusal::PriceTooLow { least: Some(least) } => body["min_price"] = number(least.decimal()),
        _ => {}
    }
    finish(&body)
}
