//! create_order and cancel_order: what is accepted, what is refused and by which name.

use serde_json::json;

use crate::support::{Bench, QUIET, SIX, error, market, spot, spot_with};

fn refused(bench: &mut Bench, body: &str) -> serde_json::Value {
    let orders = bench.exchange.orders();
    let answer = bench.post("create_order", body).1;
    assert_eq!(bench.exchange.orders().len(), orders.len(), "a refused order was made all the same: {body}");
    answer
}

#[test]
fn the_answer_to_a_spot_order_is_code_0_without_an_id() {
    let mut bench = Bench::new(QUIET);
    bench.wait_secs(5);
    let body = spot_with(
        6,
        "0.000001",
        r##","ports":{"22":"tcp","8888":"http"},"env":{"VARIABLE_NAME":"VARIABLE_VALUE"},"jupyter_token":"hoZluOjbCOQ5D5yH7R","ssh_password":"Hpcj08ZaOpCbTmn1Eu","command":"#!/bin/sh\napt update -y && apt install htop""##,
    );
    let handled = bench.ours(&crate::support::post("create_order", &body));
    assert_eq!((handled.status, handled.body.as_ref()), (200, br#"{"code":0}"#.as_slice()));
    assert!(bench.we_hold(SIX));
}

#[test]
fn ids_increase() {
    let mut bench = Bench::new(QUIET);
    let first = bench.bid(6, "0.000001");
    assert_eq!(bench.cancel(first)["code"], 0);
    assert!(bench.bid(6, "0.000001") > first);
}

#[test]
fn every_refusal_has_its_name() {
    let mut bench = Bench::new(QUIET);
    assert_eq!(refused(&mut bench, &spot(99, "1")), error("server-dont-exist"));
    assert_eq!(refused(&mut bench, &spot(4, "1")), error("cant_rent_from_yourself"));
    assert_eq!(refused(&mut bench, &spot(17, "0.00003")), error("server-offline"), "hidden");
    assert_eq!(
        refused(&mut bench, &spot(6, "0.0000009")),
        json!({ "error": "too_low_price", "min_price": 0.000001, "code": 6 })
    );
    assert_eq!(refused(&mut bench, &spot(6, "40")), error("not_enough_balance"));
    bench.bid(6, "0.000002");
    assert_eq!(refused(&mut bench, &spot(6, "0.000003")), error("you_already_have_spot_order"));
}

#[test]
fn a_coin_that_the_host_does_not_take_is_refused_with_status_500() {
    let mut bench = Bench::new(QUIET);
    for coin in ["USD-Blockchain", "CLORE-Blockchain", "dogecoin"] {
        let body = spot(23, "3").replace("bitcoin", coin);
        assert_eq!(bench.post("create_order", &body), (500, error("currency-not-allowed")), "{coin}");
    }
}

#[test]
fn a_server_that_is_offline_takes_no_offers() {
    let mut bench = market("", "event = [{ at = \"1s\", for = \"10s\", kind = \"offline\" }]");
    assert_eq!(refused(&mut bench, &spot(6, "0.00003")), error("server-offline"));
    bench.wait_secs(10);
    bench.bid(6, "0.00003");
}

#[test]
fn a_server_rented_on_demand_takes_no_offers() {
    let mut bench = market("", "event = [{ at = \"1s\", for = \"10s\", kind = \"on_demand\" }]");
    assert_eq!(refused(&mut bench, &spot(6, "0.00003")), error("server-already-rented"));
    assert_eq!(bench.get("marketplace", &[]).1["servers"][0]["rented"], true);
    bench.wait_secs(10);
    bench.bid(6, "0.00003");
    assert_eq!(bench.get("marketplace", &[]).1["servers"][0]["rented"], false, "a spot holder does not count");
}

#[test]
fn only_so_many_orders_may_be_open() {
    let mut bench = Bench::new(&QUIET.replace("[venue]", "[venue]\nmax_orders = 1"));
    bench.bid(6, "0.000002");
    assert_eq!(refused(&mut bench, &spot(23, "0.00003")), error("order_limit_reached"));
    assert_eq!(bench.get("my_orders", &[]).1["limit"], 1);
}

#[test]
fn an_on_demand_order_rents_at_the_host_s_price_and_evicts_the_spot_holder() {
    let mut bench = Bench::new(QUIET);
    let spot_order = bench.bid(6, "0.000002");
    let body = spot(6, "1").replace("\"spot\"", "\"on-demand\"");
    let wrong = body.replace('}', ",\"required_price\":0.00002}");
    assert_eq!(refused(&mut bench, &wrong), error("required_price_mismatch"));
    let right = body.replace('}', ",\"required_price\":0.00001}");
    assert_eq!(bench.post("create_order", &right).1, json!({ "code": 0 }));
    assert_eq!(bench.exchange.holder(SIX), None);
    assert_eq!(bench.exchange.evictions().len(), 1);
    let listing = bench.get("marketplace", &[]).1;
    let six = listing["servers"].as_array().unwrap().iter().find(|s| s["id"] == 6).unwrap();
    assert_eq!(six["rented"], true);
    bench.wait_secs(60);
    let rented = bench.newest();
    assert_eq!((rented.price.to_string().as_str(), rented.minutes), ("0.00001", 2));
    assert_eq!(refused(&mut bench, &body), error("server-already-rented"));
    assert_eq!(bench.reprice(rented.id, "0.00002"), error("order_not_active"));
    let rows = bench.listed();
    assert_eq!(rows[0].get("spot"), None, "an on-demand order has no `spot`");
    assert_eq!(bench.cancel(rented.id)["code"], 0);
    assert_eq!(bench.exchange.holder(SIX).map(|h| h.offer), Some(spot_order), "the paused offer has it back");
}

#[test]
fn malformed_orders_are_invalid_input() {
    let mut bench = Bench::new(QUIET);
    let long = |n: usize| "a".repeat(n);
    let with = |more: &str| spot_with(6, "0.000002", more);
    let many: Vec<String> = (1..=9).map(|n| format!("\"V{n}\":\"{}\"", long(1400))).collect();
    let cases = [
        String::new(),
        "not json".to_string(),
        r#"{"currency":"bitcoin"}"#.to_string(),
        with("").replace("bitcoin\"", "bitcoin\","),
        with("").replace("\"spot\"", "\"rent\""),
        with("").replace(",\"spotprice\":0.000002", ""),
        with("").replace("\"renting_server\":6", "\"renting_server\":\"six\""),
        with("").replace("cloreai/ubuntu20.04-jupyter", ""),
        with("").replace("0.000002", "-1"),
        with(r#","ports":{"1":"tcp","2":"tcp","3":"tcp","4":"tcp","5":"tcp","6":"tcp"}"#),
        with(r#","ports":{"22":"udp"}"#),
        with(r#","ports":{"99999":"tcp"}"#),
        with(&format!(r#","env":{{"{}":"x"}}"#, long(129))),
        with(&format!(r#","env":{{"X":"{}"}}"#, long(1537))),
        with(&format!(r#","env":{{{}}}"#, many.join(","))),
        with(r#","env":{"X":1}"#),
        with(&format!(r#","jupyter_token":"{}""#, long(33))),
        with(&format!(r#","ssh_password":"{}""#, long(33))),
        with(&format!(r#","ssh_key":"{}""#, long(3073))),
        with(r#","ssh_password":"semi;colon""#),
        with(r#","ssh_password":"under_score""#),
        with(r#","jupyter_token":"""#),
    ];
    for body in cases {
        bench.wait_secs(1);
        assert_eq!(bench.post("create_order", &body), (400, json!({ "code": 2 })), "{body}");
    }
    let longest = format!(
        r#","env":{{"{}":"{}"}},"jupyter_token":"{}","ssh_key":"ssh-rsa AAAA+/= a@b.c","ssh_password":"{}""#,
        long(128),
        long(1536),
        long(32),
        long(32)
    );
    assert_eq!(bench.post("create_order", &with(&longest)).1["code"], 0);
}

#[test]
fn a_cancelled_order_is_gone_from_the_book_and_the_list_but_not_from_history() {
    let mut bench = market("", "");
    let order = bench.bid(6, "0.00002");
    assert_eq!(bench.post("cancel_order", &format!(r#"{{"id":{order},"issue":"GPU #1 throttled"}}"#)).1["code"], 0);
    assert_eq!(bench.book("6"), json!([]));
    assert_eq!(bench.listed(), Vec::<serde_json::Value>::new());
    assert_eq!(bench.listed_with_completed()[0]["expired"], true);
    assert_eq!(bench.cancel(order), error("order_dont_exist"));
    assert_eq!(bench.reprice(order, "0.00003"), error("order_dont_exist"));
    assert!(bench.exchange.evictions().is_empty(), "we asked for it");
}

#[test]
fn an_issue_of_more_than_2048_characters_is_invalid() {
    let mut bench = market("", "");
    let order = bench.bid(6, "0.00002");
    let body = |n: usize| format!(r#"{{"id":{order},"issue":"{}"}}"#, "x".repeat(n));
    assert_eq!(bench.post("cancel_order", &body(2049)), (400, json!({ "code": 2 })));
    assert_eq!(bench.post("cancel_order", &body(2048)).1["code"], 0);
}

#[test]
fn a_new_order_shows_in_the_book_at_once_and_in_my_orders_after_2_to_20_seconds() {
    let mut waits = Vec::new();
    for seed in 0..20 {
        let mut bench = Bench::seeded(QUIET, Some(seed));
        let order = bench.bid(6, "0.000002");
        let made = bench.now;
        assert_eq!(bench.book("6")[0]["offer_id"], order);
        while bench.listed().is_empty() {}
        waits.push(bench.now.since(made).ms() / 1000);
    }
    assert!(waits.iter().all(|w| (2..=21).contains(w)), "{waits:?}");
    assert!(waits.iter().any(|w| *w != waits[0]), "drawn for each: {waits:?}");
}

#[test]
fn an_offer_can_be_slow_to_show_in_the_book_and_competes_all_the_same() {
    let mut bench = market("offer_delay = \"30s\"", "");
    bench.bid(6, "0.00002");
    assert_eq!(bench.book("6"), json!([]));
    assert!(bench.we_hold(SIX));
    bench.wait_secs(30);
    assert_eq!(bench.book("6").as_array().map(Vec::len), Some(1));
}
