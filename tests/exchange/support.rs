//! A bench to put a simulated venue on: requests by name, time by hand.

use std::borrow::Cow;

use clorebid::core::ids::ServerId;
use clorebid::core::time::{Span, Time};
use clorebid::sim::{Exchange, Handled, OrderTruth, PAPER_KEY, Scenario};
use clorebid::wire::{HttpRequest, Method};
use serde_json::Value;

pub(crate) const QUIET: &str = include_str!("../scenarios/quiet.toml");

/// The server most tests bid on.
pub(crate) const SIX: ServerId = ServerId(6);

pub(crate) struct Bench {
    pub(crate) exchange: Exchange,
    pub(crate) now: Time,
}

/// One server with a floor of 0.00002, and whatever the test adds.
pub(crate) fn market(venue: &str, server: &str) -> Bench {
    Bench::new(&format!(
        "name = \"test\"\n[venue]\norder_delay = \"0s\"\n{venue}\n[wallets]\nbitcoin = \"0.01\"\n\"CLORE-Blockchain\" = 5000\n\
         [[server]]\nid = 6\ngpu = \"RTX 4090\"\nmrl = \"90d\"\n\
         floor = {{ bitcoin = \"0.00002\", \"CLORE-Blockchain\" = 200 }}\non_demand = {{ bitcoin = \"0.00008\" }}\n{server}"
    ))
}

impl Bench {
    pub(crate) fn new(toml: &str) -> Bench {
        Bench::seeded(toml, None)
    }

    pub(crate) fn seeded(toml: &str, seed: Option<u64>) -> Bench {
        let exchange = Exchange::new(Scenario::parse(toml).unwrap(), seed);
        Bench { now: exchange.start(), exchange }
    }

    pub(crate) fn wait(&mut self, span: Span) {
        self.now = self.now + span;
        self.exchange.advance(self.now);
    }

    pub(crate) fn wait_secs(&mut self, secs: i64) {
        self.wait(Span::from_secs(secs));
    }

    /// The moment so many seconds after the start.
    pub(crate) fn at(&self, secs: i64) -> Time {
        self.exchange.start() + Span::from_secs(secs)
    }

    /// Waits until so many seconds after the start.
    pub(crate) fn until(&mut self, secs: i64) {
        let then = self.at(secs);
        assert!(then >= self.now, "the bench's time runs forward only");
        self.wait(then.since(self.now));
    }

    /// Sends it now, with that key.
    pub(crate) fn raw(&mut self, key: Option<&str>, request: &HttpRequest) -> Handled {
        self.exchange.handle(self.now, key, request)
    }

    /// Sends it now, as we would.
    pub(crate) fn ours(&mut self, request: &HttpRequest) -> Handled {
        self.raw(Some(PAPER_KEY), request)
    }

    /// Waits a second and reads.
    pub(crate) fn get(&mut self, call: &'static str, query: &[(&'static str, &str)]) -> (u16, Value) {
        self.wait_secs(1);
        json(&self.ours(&get(call, query)))
    }

    /// Waits a second, or five for a create_order, and posts.
    pub(crate) fn post(&mut self, call: &'static str, body: &str) -> (u16, Value) {
        self.wait_secs(if call == "create_order" { 5 } else { 1 });
        json(&self.ours(&post(call, body)))
    }

    /// Makes a spot order in bitcoin; gives its number.
    pub(crate) fn bid(&mut self, server: u64, price: &str) -> u64 {
        assert_eq!(self.post("create_order", &spot(server, price)), (200, serde_json::json!({ "code": 0 })));
        self.newest().id
    }

    pub(crate) fn reprice(&mut self, order: u64, price: &str) -> Value {
        self.post("set_spot_price", &format!(r#"{{"order_id":{order},"desired_price":{price}}}"#)).1
    }

    pub(crate) fn cancel(&mut self, order: u64) -> Value {
        self.post("cancel_order", &format!(r#"{{"id":{order}}}"#)).1
    }

    pub(crate) fn book(&mut self, server: &str) -> Value {
        self.get("spot_marketplace", &[("market", server)]).1["market"]["offers"].clone()
    }

    pub(crate) fn listed(&mut self) -> Vec<Value> {
        self.get("my_orders", &[]).1["orders"].as_array().unwrap().clone()
    }

    pub(crate) fn listed_with_completed(&mut self) -> Vec<Value> {
        self.get("my_orders", &[("return_completed", "true")]).1["orders"].as_array().unwrap().clone()
    }

    pub(crate) fn newest(&self) -> OrderTruth {
        self.exchange.orders().pop().unwrap()
    }

    pub(crate) fn we_hold(&self, server: ServerId) -> bool {
        self.exchange.holder(server).is_some_and(|h| h.mine)
    }
}

pub(crate) fn json(handled: &Handled) -> (u16, Value) {
    (handled.status, serde_json::from_slice(&handled.body).unwrap())
}

pub(crate) fn get(call: &'static str, query: &[(&'static str, &str)]) -> HttpRequest {
    let query = query.iter().map(|(name, value)| (Cow::Borrowed(*name), (*value).to_string())).collect();
    HttpRequest { method: Method::Get, endpoint: Cow::Borrowed(call), query, body: None }
}

pub(crate) fn post(call: &'static str, body: &str) -> HttpRequest {
    let body = Some(body.to_string());
    HttpRequest { method: Method::Post, endpoint: Cow::Borrowed(call), query: Vec::new(), body }
}

pub(crate) fn spot(server: u64, price: &str) -> String {
    spot_with(server, price, "")
}

/// A spot order in bitcoin with further keys, each after a comma.
pub(crate) fn spot_with(server: u64, price: &str, more: &str) -> String {
    format!(
        r#"{{"currency":"bitcoin","image":"cloreai/ubuntu20.04-jupyter","renting_server":{server},"type":"spot","spotprice":{price}{more}}}"#
    )
}

pub(crate) fn error(name: &str) -> Value {
    serde_json::json!({ "error": name, "code": 6 })
}
