//! Answers recorded from the live venue by others, where `CLOREBID_TAPES` says they are. They stay outside this
//! repository; without them these tests say what they leave out and pass.

#[path = "common/left_out.rs"]
mod left_out;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use clorebid::api::decode;
use clorebid::clore::{marketplace, my_orders};
use clorebid::wire::Reply;
use clorebid_core::ids::{ServerId, TargetId};
use clorebid_core::market::{ListedServer, Listing, OrderRow};
use clorebid_core::money::{Currency, Price};
use clorebid_core::request::{Answer, Refusal, Request};
use serde_json::Value;

fn http(status: u16, body: &str) -> Reply {
    Reply::Http { status, body: Bytes::copy_from_slice(body.as_bytes()) }
}

fn orders_of(body: &str) -> Vec<OrderRow> {
    my_orders(body.as_bytes()).unwrap().orders.into_iter().map(|order| order.row).collect()
}

fn only_server(row: &str) -> ListedServer {
    let Listing { mut servers, .. } = marketplace(format!(r#"{{"servers":[{row}],"code":0}}"#).as_bytes()).unwrap();
    assert_eq!(servers.len(), 1);
    servers.remove(0)
}

fn create() -> Request {
    Request::Create { server: ServerId(6), target: TargetId(0), bid: Price::ZERO }
}

/// One recorded file, its numbers not to be trusted to the last digit.
fn recording(folder: &Path, name: &str) -> Value {
    let text = std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The rows of a recorded list, of which there must be some to look at.
fn rows(list: &Value) -> &Vec<Value> {
    let rows = list.as_array().unwrap();
    assert!(!rows.is_empty(), "an empty list shows nothing");
    rows
}

/// The folder of recorded answers, if there is one here.
fn recordings() -> Option<PathBuf> {
    left_out::recording("clore-answers")
}

#[test]
fn recorded_marketplaces_are_read_whole() {
    let Some(folder) = recordings() else { return };
    let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: Vec<String> = names.filter(|name| name.starts_with("market")).collect();
    assert!(!names.is_empty());
    for name in names {
        let bytes = std::fs::read(folder.join(&name)).unwrap();
        let listing = marketplace(&bytes).unwrap();
        assert_eq!(listing.servers.len(), rows(&recording(&folder, &name)["servers"]).len(), "{name}");
        for server in &listing.servers {
            assert!(server.spot.get(Currency::Bitcoin).is_some() && server.reliability.is_some(), "{server:?}");
            assert!(server.gpu.starts_with(&format!("{}x ", server.gpus)) && server.country.is_some(), "{server:?}");
        }
    }
}

#[test]
fn recorded_servers_and_orders_are_read() {
    let Some(folder) = recordings() else { return };
    for row in rows(&recording(&folder, "clore-5090-classify-debug.json")["samples"]) {
        let server = only_server(&row.to_string());
        assert_eq!(server.gpus as usize, rows(&row["gpu_array"]).len());
    }
    for row in rows(&recording(&folder, "clore-allowed-coins.json")["samples"]) {
        let server = only_server(&format!(r#"{{"id":{},"allowed_coins":{}}}"#, row["id"], row["allowed"]));
        assert_eq!(server.allowed.unwrap().len(), rows(&row["allowed"]).len());
    }
    for row in rows(&recording(&folder, "clore-step01-currency.json")["sampleNoUsd"]) {
        let price = format!(r#"{{"on_demand":{},"usd":{}}}"#, row["on_demand"], row["usd"]);
        let server = only_server(&format!(r#"{{"id":{},"price":{price}}}"#, row["id"]));
        assert!(Currency::ALL.into_iter().all(|coin| server.on_demand.get(coin).is_some()), "{server:?}");
        assert!(!server.takes(Currency::Usd), "no spot price is given");
    }
    let sample = &recording(&folder, "clore-my-orders-sample.json")["sample"];
    let row = orders_of(&format!(r#"{{"orders":[{sample}],"code":0}}"#)).remove(0);
    assert_eq!((Some(row.id.0), Some(row.server.0)), (sample["id"].as_u64(), sample["si"].as_u64()));
    assert_eq!(row.currency.map(Currency::name), sample["currency"].as_str());
    assert!(row.spot.is_none() && !row.expired && row.price.is_some() && row.created.is_some(), "{row:?}");
}

#[test]
fn recorded_answers_to_creates_are_told_apart() {
    let Some(folder) = recordings() else { return };
    let create = create();
    let status = |row: &Value| u16::try_from(row["status"].as_u64().unwrap()).unwrap();
    let told = |row: &Value, payload: &Value| decode(&create, &http(status(row), &payload.to_string()));
    for result in rows(&recording(&folder, "clore-code1-diag.json")["results"]) {
        assert_eq!(told(result, &result["payload"]), Answer::Refused(Refusal::CurrencyNotAllowed));
    }
    let made = &recording(&folder, "clore-create-response.json")["create"];
    assert_eq!(told(made, &made["payload"]), Answer::Applied);
    let rent = &recording(&folder, "clore-step01-currency.json")["rentUsdAllowed"];
    assert_eq!(told(rent, rent), Answer::Applied);
    let now = recording(&folder, "clore-code1-now.json");
    let attempts: Vec<Answer> = rows(&now["attempts"]).iter().map(|attempt| told(attempt, attempt)).collect();
    let rented = Answer::Refused(Refusal::ServerRented);
    assert_eq!(attempts, [Answer::Applied, rented.clone(), rented]);
    let throttled = &now["my_orders"];
    let reply = http(status(throttled), &throttled.to_string());
    let call = Request::MyOrders;
    assert_eq!(decode(&call, &reply), Answer::Refused(Refusal::RateLimited));
}
