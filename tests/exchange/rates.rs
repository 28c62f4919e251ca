//! Keys, addresses and rates: who gets an answer at all.

use clorebid::core::time::Span;
use clorebid::sim::PAPER_KEY;
use serde_json::json;

use crate::support::{Bench, QUIET, get, json as parsed, market, post, spot};

#[test]
fn a_second_request_within_a_second_is_throttled() {
    let mut bench = Bench::new(QUIET);
    assert_eq!(bench.ours(&get("wallets", &[])).status, 200);
    bench.wait(Span::from_ms(999));
    assert_eq!(parsed(&bench.ours(&get("my_orders", &[]))), (429, json!({ "code": 5 })));
    bench.wait(Span::from_ms(1000));
    assert_eq!(bench.ours(&get("my_orders", &[])).status, 200);
}

#[test]
fn a_throttled_request_restarts_the_wait_only_where_the_venue_is_strict() {
    for (strict, status) in [(true, 429), (false, 200)] {
        let mut bench = market(&format!("strict_throttle = {strict}"), "");
        bench.ours(&get("wallets", &[]));
        bench.wait(Span::from_ms(600));
        assert_eq!(bench.ours(&get("wallets", &[])).status, 429);
        bench.wait(Span::from_ms(600));
        assert_eq!(bench.ours(&get("wallets", &[])).status, status, "strict: {strict}");
    }
}

#[test]
fn a_second_create_within_five_seconds_is_throttled() {
    let mut bench = Bench::new(QUIET);
    bench.wait_secs(5);
    assert_eq!(bench.ours(&post("create_order", &spot(6, "0.000002"))).status, 200);
    bench.wait(Span::from_ms(4_999));
    let second = post("create_order", &spot(23, "0.00002"));
    assert_eq!(parsed(&bench.ours(&second)), (429, json!({ "code": 5 })));
    bench.wait_secs(5);
    assert_eq!(bench.ours(&second).status, 200);
}

#[test]
fn a_venue_may_want_quiet_before_a_create() {
    let mut bench = market("quiet_before_create = \"5s\"", "");
    bench.ours(&get("wallets", &[]));
    bench.wait_secs(4);
    assert_eq!(bench.ours(&post("create_order", &spot(6, "0.00002"))).status, 429);
    bench.wait_secs(5);
    assert_eq!(bench.ours(&post("create_order", &spot(6, "0.00002"))).status, 200);
}

#[test]
fn a_missing_or_wrong_key_is_refused_everywhere_but_at_the_marketplace() {
    let mut bench = Bench::new(QUIET);
    let refused = (401, json!({ "code": 3 }));
    assert_eq!(parsed(&bench.raw(None, &get("wallets", &[]))), refused);
    assert_eq!(parsed(&bench.raw(Some("wrong"), &get("wallets", &[]))), refused);
    assert_eq!(parsed(&bench.raw(Some("wrong"), &get("marketplace", &[]))), refused);
    let (status, listing) = parsed(&bench.raw(None, &get("marketplace", &[])));
    assert_eq!((status, &listing["my_servers"]), (200, &json!([])), "nobody knows whose servers are ours");
    assert_eq!(bench.ours(&get("wallets", &[])).status, 200, "strangers do not use up our rate");
}

#[test]
fn an_unknown_endpoint_or_the_wrong_method_is_code_4() {
    let mut bench = Bench::new(QUIET);
    for request in [get("gpus", &[]), get("create_order", &[]), post("wallets", "{}"), get("", &[])] {
        assert_eq!(parsed(&bench.ours(&request)), (404, json!({ "code": 4 })));
    }
}

#[test]
fn the_log_tells_every_request_and_no_secret() {
    let mut bench = Bench::new(QUIET);
    bench.exchange.keep_log();
    bench.wait_secs(5);
    let body =
        spot(6, "0.000002").replace('}', r#","ssh_password":"hidden","env":{"TOKEN":"hidden"},"command":"hidden"}"#);
    bench.ours(&post("create_order", &body));
    bench.wait_secs(2);
    bench.ours(&get("spot_marketplace", &[("market", "6")]));
    bench.raw(Some("a-wrong-key"), &get("wallets", &[]));
    let lines: Vec<String> = bench.exchange.log().iter().map(|e| serde_json::to_string(e).unwrap()).collect();
    assert!(lines.iter().all(|line| !line.contains("hidden") && !line.contains(PAPER_KEY)), "{lines:?}");
    assert_eq!(
        lines[1],
        r#"{"at":"2026-01-01T00:00:07.000Z","key_hint":"…ey","method":"GET","endpoint":"spot_marketplace","args":{"market":6},"status":200,"code":0,"error":null,"detail":null,"fault":null,"since_last_ms":2000}"#
    );
    let first: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!((&first["args"]["renting_server"], &first["args"]["spotprice"]), (&json!(6), &json!(0.000002)));
    assert!(lines[2].contains(r#""status":401,"code":3"#), "{}", lines[2]);
}
