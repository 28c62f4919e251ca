//! set_spot_price: raising is free, lowering is limited in time and in size.

use clorebid::core::time::Span;
use serde_json::json;

use crate::support::{Bench, QUIET, error, market, spot};

fn done() -> serde_json::Value {
    json!({ "code": 0 })
}

#[test]
fn the_page_s_three_examples_come_out_as_printed() {
    let mut bench = Bench::new(QUIET);
    let order = bench.bid(6, "0.0000042");
    assert_eq!(
        bench.reprice(order, "0.00000200"),
        json!({ "error": "exceeded_max_step", "max_step": 0.0000032, "code": 6 })
    );
    assert_eq!(bench.reprice(order, "0.00000320"), done());
    bench.wait_secs(86);
    assert_eq!(
        bench.reprice(order, "0.00000220"),
        json!({ "error": "can_lower_every_600_seconds", "time_to_lowering": 513, "code": 6 })
    );
}

#[test]
fn a_lowering_is_accepted_again_after_600_seconds_to_the_millisecond() {
    // Each request comes a second after the wait.
    let after = |ms: i64| {
        let mut bench = Bench::new(QUIET);
        let order = bench.bid(6, "0.0000042");
        assert_eq!(bench.reprice(order, "0.0000032"), done());
        bench.wait(Span::from_ms(ms - 1_000));
        bench.reprice(order, "0.0000022")
    };
    assert_eq!(after(599_999)["time_to_lowering"], json!(0.001));
    assert_eq!(after(600_000), done());
}

#[test]
fn a_raise_is_free_at_any_time_and_starts_no_clock() {
    let mut bench = Bench::new(QUIET);
    let order = bench.bid(6, "0.000003");
    for price in ["0.000004", "0.000005", "0.000009"] {
        assert_eq!(bench.reprice(order, price), done());
    }
    assert_eq!(bench.reprice(order, "0.000008"), done());
}

#[test]
fn a_refused_step_spends_no_clock() {
    let mut bench = Bench::new(QUIET);
    let order = bench.bid(6, "0.000005");
    assert_eq!(bench.reprice(order, "0.000001")["error"], "exceeded_max_step");
    assert_eq!(bench.reprice(order, "0.000004"), done());
}

#[test]
fn the_window_is_asked_before_the_step() {
    let mut bench = Bench::new(QUIET);
    let order = bench.bid(6, "0.000005");
    assert_eq!(bench.reprice(order, "0.000004"), done());
    assert_eq!(bench.reprice(order, "0.000001")["error"], "can_lower_every_600_seconds");
}

#[test]
fn a_raise_in_between_does_not_end_the_wait() {
    let mut bench = Bench::new(QUIET);
    let order = bench.bid(6, "0.000005");
    assert_eq!(bench.reprice(order, "0.000004"), done());
    assert_eq!(bench.reprice(order, "0.000006"), done());
    assert_eq!(bench.reprice(order, "0.0000055")["time_to_lowering"], json!(598));
}

#[test]
fn a_price_below_the_floor_is_too_low() {
    let mut bench = market("", "");
    let order = bench.bid(6, "0.0000205");
    assert_eq!(bench.reprice(order, "0.0000199"), json!({ "error": "too_low_price", "min_price": 0.00002, "code": 6 }));
    assert_eq!(bench.reprice(order, "0.00002"), done());
}

#[test]
fn the_same_price_again_changes_nothing() {
    let mut bench = Bench::new(QUIET);
    let order = bench.bid(6, "0.000005");
    assert_eq!(bench.reprice(order, "0.000005"), done());
    assert_eq!(bench.reprice(order, "0.000004"), done());
}

#[test]
fn each_currency_has_its_own_step() {
    let mut bench = market("", "");
    let body = spot(6, "201").replace("bitcoin", "CLORE-Blockchain");
    assert_eq!(bench.post("create_order", &body).1, done());
    let order = bench.newest().id;
    assert_eq!(bench.reprice(order, "200")["max_step"], json!(200.5));
    assert_eq!(bench.reprice(order, "200.5"), done());
}

#[test]
fn a_step_named_in_the_scenario_replaces_the_default() {
    let mut bench = market("step = { bitcoin = \"0.0000005\" }\nlower_every = \"60s\"", "");
    let order = bench.bid(6, "0.00003");
    assert_eq!(bench.reprice(order, "0.000029")["max_step"], json!(0.0000295));
    assert_eq!(bench.reprice(order, "0.0000295"), done());
    bench.wait_secs(59);
    assert_eq!(bench.reprice(order, "0.000029"), done());
}

#[test]
fn what_starts_the_clock_can_be_chosen() {
    let named = |what: &str| market(&format!("lowering_clock = [\"lower\", \"{what}\"]"), "");
    let mut created = named("create");
    let order = created.bid(6, "0.00003");
    assert_eq!(created.reprice(order, "0.0000295")["error"], "can_lower_every_600_seconds");

    let mut raised = named("raise");
    let order = raised.bid(6, "0.00003");
    assert_eq!(raised.reprice(order, "0.000031"), done());
    assert_eq!(raised.reprice(order, "0.0000305")["time_to_lowering"], json!(599));

    let mut refused = named("refusal");
    let order = refused.bid(6, "0.00003");
    assert_eq!(refused.reprice(order, "0.00002")["error"], "exceeded_max_step");
    assert_eq!(refused.reprice(order, "0.0000295")["error"], "can_lower_every_600_seconds");
}

#[test]
fn an_order_nobody_made_does_not_exist_and_a_rival_s_is_not_ours() {
    let mut bench = market("", "[[server.rival]]\nat = \"1s\"\nbid = \"0.00003\"");
    bench.wait_secs(2);
    let rival = bench.exchange.holder(crate::support::SIX).unwrap().offer;
    assert_eq!(bench.reprice(9999, "0.00003"), error("order_dont_exist"));
    assert_eq!(bench.reprice(rival, "0.00003"), error("you_dont_own_this_order"));
    assert_eq!(bench.cancel(rival), error("you_dont_own_this_order"));
    assert_eq!(bench.cancel(9999), error("order_dont_exist"));
}

#[test]
fn a_malformed_price_is_invalid_input() {
    let mut bench = Bench::new(QUIET);
    let order = bench.bid(6, "0.000005");
    for body in [
        String::new(),
        "[]".to_string(),
        format!(r#"{{"order_id":{order}}}"#),
        format!(r#"{{"order_id":{order},"desired_price":-1}}"#),
        format!(r#"{{"order_id":{order},"desired_price":0}}"#),
        format!(r#"{{"order_id":{order},"desired_price":"much"}}"#),
        format!(r#"{{"order_id":{order},"desired_price":1e27}}"#),
        r#"{"order_id":"one","desired_price":1}"#.to_string(),
    ] {
        assert_eq!(bench.post("set_spot_price", &body), (400, json!({ "code": 2 })), "{body}");
    }
}
