//! The answers have the page's keys, in its order, and numbers as it writes them.

use serde_json::{Value, json};

use crate::support::{Bench, QUIET, get, post};

fn page() -> Bench {
    let mut bench = Bench::new(
        &QUIET.replace("[venue]\norder_delay = \"2s..20s\"", "[venue]\nanswers = \"page\"\norder_delay = \"0s\""),
    );
    bench.wait_secs(10);
    bench
}

fn text(bench: &mut Bench, request: &clorebid::wire::HttpRequest) -> String {
    bench.wait_secs(1);
    String::from_utf8(bench.ours(request).body.to_vec()).unwrap()
}

const SPECS: &str = r#"{"mb":"SIMULATED BOARD","cpu":"Simulated CPU @ 2.50GHz","cpus":"16/32","ram":64,"disk":"NVMe disk 512GB","disk_speed":2000,"gpu":"1x NVIDIA GeForce RTX 4090","gpuram":24,"net":{"up":26.38,"down":118.42,"cc":"CZ"}}"#;

#[test]
fn wallets_look_like_the_page() {
    let answer = text(&mut page(), &get("wallets", &[]));
    assert!(answer.starts_with(
        r#"{"wallets":[{"name":"bitcoin","deposit":"simulated-bitcoin-deposit","balance":0.00153176,"withdrawal_fee":0.0001}"#
    ));
    assert!(answer.ends_with(r#"],"code":0}"#));
}

#[test]
fn the_spot_market_looks_like_the_page() {
    let mut bench = page();
    let order = bench.bid(6, "0.0000042");
    let answer = text(&mut bench, &get("spot_marketplace", &[("market", "6")]));
    let expected = format!(
        r#"{{"market":{{"offers":[{{"offer_id":{order},"bid":0.0000042,"active":true,"my":true}}],"server":{{"min_pricing":{{"bitcoin":0.000001,"CLORE-Blockchain":10}},"mrl":262800,"visibility":"public","online":true}}}},"exists":true,"code":0}}"#
    );
    assert_eq!(answer, expected);
}

#[test]
fn a_market_that_does_not_exist_says_so_and_a_hidden_one_says_hidden() {
    let mut bench = page();
    assert_eq!(bench.get("spot_marketplace", &[("market", "99")]), (200, json!({ "exists": false, "code": 0 })));
    assert_eq!(bench.get("spot_marketplace", &[("market", "17")]).1["market"]["server"]["visibility"], "hidden");
    assert_eq!(bench.get("spot_marketplace", &[]), (400, json!({ "code": 2 })));
    assert_eq!(bench.get("spot_marketplace", &[("market", "six")]), (400, json!({ "code": 2 })));
}

#[test]
fn the_marketplace_looks_like_the_page() {
    let answer = text(&mut page(), &get("marketplace", &[]));
    let six = format!(
        r#"{{"id":6,"owner":4,"mrl":73,"price":{{"on_demand":{{"bitcoin":0.00001,"CLORE-Blockchain":100}},"spot":{{"bitcoin":0.000001,"CLORE-Blockchain":10}}}},"rented":false,"specs":{SPECS}}}"#
    );
    assert!(answer.contains(&six), "{answer}");
    assert!(answer.ends_with(r#""my_servers":[4,5],"code":0}"#), "{answer}");
    assert!(!answer.contains(r#""id":17"#), "a hidden server is not listed");
}

#[test]
fn the_live_marketplace_has_what_was_seen_besides() {
    let mut bench = Bench::new(QUIET);
    let server = bench.get("marketplace", &[]).1["servers"][2].clone();
    assert_eq!(server["id"], 23);
    assert_eq!(server["allowed_coins"], json!(["bitcoin"]));
    assert_eq!(server["reliability"], json!(0.99));
    assert_eq!(server["gpu_array"], json!(["NVIDIA GeForce RTX 3090"]));
    assert_eq!(server.get("autoprice"), None);
}

#[test]
fn my_orders_look_like_the_page_newest_first() {
    let mut bench = page();
    let first = bench.bid(6, "0.00001");
    bench.cancel(first);
    bench.wait_secs(60);
    let body = crate::support::spot_with(6, "0.00001", r#","ports":{"22":"tcp","8888":"http"}"#);
    assert_eq!(bench.post("create_order", &body).1["code"], 0);
    let second = bench.newest();
    let answer = text(&mut bench, &get("my_orders", &[("return_completed", "true")]));
    let head = |id: u64, ct: i64| {
        format!(
            r#"{{"id":{id},"fee":1.25,"creation_fee":3e-7,"price":0.00001,"mrl":262800,"image":"cloreai/ubuntu20.04-jupyter","currency":"bitcoin","spend":6.9444444444444444e-9,"ct":{ct},"#
        )
    };
    let created = second.created.ms() / 1000;
    let expected = format!(
        r#"{{"orders":[{}"p":1,"specs":{SPECS},"si":6,"spot":true,"pub_cluster":["n1.c1.simulated.invalid","n2.c1.simulated.invalid"],"tcp_ports":["22:10000"],"http_port":"8888"}},{}"specs":{SPECS},"si":6,"spot":true,"expired":true,"tcp_ports":[]}}],"limit":13,"code":0}}"#,
        head(second.id, created),
        head(first, created - 66),
    );
    assert_eq!(answer, expected);
}

#[test]
fn my_servers_look_like_the_page() {
    let answer = text(&mut page(), &get("my_servers", &[]));
    let specs = SPECS.replace("RTX 4090", "GTX 1080 Ti");
    let expected = format!(
        r#"{{"servers":[{{"name":"cellar","connected":true,"visibility":"public","pricing":{{"bitcoin":0.00010337,"usd":0}},"online":true,"min_spot_pricing":{{"bitcoin":0.00005168,"usd":0}},"specs":{specs}}},{{"name":"attic","connected":false,"visibility":"hidden","pricing":{{"bitcoin":0,"usd":0}},"online":false,"min_spot_pricing":{{"bitcoin":0,"usd":0}},"init_token":"simulated-init-token-5"}}],"limit":16,"code":0}}"#
    );
    assert_eq!(answer, expected);
}

fn config(bench: &mut Bench, name: &str) -> (u16, Value) {
    let mut request = get("server_config", &[]);
    request.body = Some(format!(r#"{{"server_name":"{name}"}}"#));
    bench.wait_secs(1);
    crate::support::json(&bench.ours(&request))
}

#[test]
fn server_config_takes_a_body_with_get_and_looks_like_the_page() {
    let mut bench = page();
    let (status, answer) = config(&mut bench, "cellar");
    assert_eq!((status, &answer["creation_completed"]), (200, &json!(true)));
    let keys: Vec<&str> = answer["config"].as_object().unwrap().keys().map(String::as_str).collect();
    let mut page = vec!["name", "connected", "visibility", "pricing", "spot_pricing", "mrl", "online", "initialized"];
    page.extend(["id", "rental_status", "specs", "background_job"]);
    page.sort_unstable();
    assert_eq!(keys, page);
    assert_eq!(config(&mut bench, "barn").1["error"], "server-dont-exist");
    assert_eq!(bench.get("server_config", &[]), (400, json!({ "code": 2 })));
}

#[test]
fn set_server_settings_changes_what_everybody_sees() {
    let mut bench = page();
    let body = r#"{"name":"cellar","availability":false,"mrl":96,"on_demand":0.0001,"spot":0.00000113}"#;
    assert_eq!(bench.post("set_server_settings", body), (200, json!({ "code": 0 })));
    let answer = config(&mut bench, "cellar").1["config"].clone();
    assert_eq!((&answer["mrl"], &answer["visibility"]), (&json!(96), &json!("hidden")));
    assert_eq!(answer["spot_pricing"]["bitcoin"], json!(0.00000113));
    assert_eq!(bench.get("spot_marketplace", &[("market", "4")]).1["market"]["server"]["mrl"], 96 * 3600);
    let unknown = body.replace("cellar", "barn");
    assert_eq!(bench.post("set_server_settings", &unknown).1["error"], "server-dont-exist");
    assert_eq!(bench.post("set_server_settings", r#"{"name":"cellar"}"#), (400, json!({ "code": 2 })));
}

#[test]
fn small_numbers_are_written_with_an_exponent_as_the_page_does() {
    let mut bench = Bench::new(QUIET);
    bench.wait_secs(5);
    let body = crate::support::spot(6, "0.00000123456789");
    bench.ours(&post("create_order", &body));
    bench.wait_secs(60);
    let answer = text(&mut bench, &get("my_orders", &[]));
    assert!(answer.contains(r#""price":0.00000123456789,"#), "{answer}");
    assert!(answer.contains(r#""creation_fee":3e-7,"#), "{answer}");
    assert!(
        answer.contains(r#""spend":1.7146776249999999e-9,"#) || answer.contains(r#""spend":1.71467762"#),
        "{answer}"
    );
}
