//! The same scenario, seed and requests at the same times give the same bytes.

use clorebid::core::time::Span;
use clorebid::sim::Scenario;

use crate::support::{Bench, get, post, spot};

/// A day of reading and bidding; everything that came back.
fn day(name: &str, seed: u64) -> Vec<u8> {
    let mut bench = Bench::seeded(Scenario::builtin_text(name).unwrap(), Some(seed));
    let mut bytes = Vec::new();
    for minute in 0..1440 {
        bench.wait_secs(30);
        let request = match minute % 7 {
            0 => post("create_order", &spot(6, "0.00003")),
            1 => get("my_orders", &[("return_completed", "true")]),
            2 => get("marketplace", &[]),
            3 => get("wallets", &[]),
            4 => post("set_spot_price", &format!(r#"{{"order_id":1001,"desired_price":0.0000{}}}"#, 3100 - minute)),
            _ => get("spot_marketplace", &[("market", "17")]),
        };
        let handled = bench.ours(&request);
        bytes.extend(handled.status.to_be_bytes());
        bytes.extend(handled.latency.ms().to_be_bytes());
        bytes.extend_from_slice(&handled.body);
        bench.wait_secs(30);
    }
    bytes
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_gives_others() {
    for name in ["demo", "crowd", "faults"] {
        let first = day(name, 5);
        assert!(first == day(name, 5), "{name} differs from itself");
        assert!(first != day(name, 6), "{name} does not depend on its seed");
    }
}

#[test]
fn it_makes_no_difference_how_time_is_cut_up() {
    let text = Scenario::builtin_text("crowd").unwrap();
    let (mut at_once, mut bit_by_bit) = (Bench::new(text), Bench::new(text));
    at_once.wait(Span::from_secs(86_400));
    for _ in 0..864 {
        bit_by_bit.wait_secs(100);
    }
    assert_eq!(at_once.exchange.history(), bit_by_bit.exchange.history());
    assert!(at_once.exchange.history().len() > 50);
}

#[test]
fn a_request_from_the_past_is_taken_as_one_from_now() {
    let mut bench = Bench::new(Scenario::builtin_text("crowd").unwrap());
    bench.wait_secs(100);
    let now = bench.now;
    bench.now = bench.at(0);
    assert_eq!(bench.ours(&get("wallets", &[])).log.at, now);
    assert_eq!(bench.exchange.now(), now);
}
