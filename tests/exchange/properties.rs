//! What holds after any requests at any times, whatever the rivals do.
//!
//! 1. At most one offer of a book is active, and it is the holder's.
//! 2. Nobody who holds is worth less than another offer at or above its floor.
//! 3. We have at most one live spot order on a server.
//! 4. What left the wallet is what the orders spent, the venue's percentage and the creation fees.
//! 5. A lowering was accepted only 600 s after the one before, and by no more than a step.

use std::cell::Cell;

use clorebid::core::money::{Currency, Price};
use clorebid::core::time::{Span, Time};
use clorebid::sim::{Kind, OrderState};
use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, TestRunner};
use rust_decimal::Decimal;

use crate::support::{Bench, get, json, post, spot};

const MARKET: &str = r#"
name = "any"
[venue]
order_delay = "0s"
creation_fee = { bitcoin = "0.0000003" }
[wallets]
bitcoin = "0.01"
[[server]]
id = 6
gpu = "x"
mrl = "90d"
floor = { bitcoin = "0.00002", "CLORE-Blockchain" = 200 }
on_demand = { bitcoin = "0.00008" }
floor_walk = { every = "7m", step = "0.000001", min = "0.000018", max = "0.000024" }
crowd = { arrive_every = "6m", stay = "10m", bid_min = "0.00002", bid_max = "0.00004", undercut_percent = 50 }
undercutter = { at = "1h", until = "3h", max = "0.00004" }
rival = [{ at = "30m", until = "90m", bid = 300, currency = "CLORE-Blockchain" }]
event = [{ at = "20m", for = "5m", kind = "offline" }, { at = "2h", for = "10m", kind = "on_demand" }]
[[server]]
id = 17
gpu = "x"
mrl = "1h"
floor = { bitcoin = "0.00002" }
on_demand = { bitcoin = "0.00008" }
"#;

#[derive(Debug, Clone)]
enum Step {
    Create { server: u64, micro_bid: u32, on_demand: bool },
    Reprice { nth: usize, half_micros: i64 },
    Cancel { nth: usize },
    Look,
}

fn step() -> impl Strategy<Value = (u16, Step)> {
    let server = prop_oneof![Just(6_u64), Just(17)];
    let what = prop_oneof![
        (server, 15_u32..45, prop::bool::weighted(0.1)).prop_map(|(server, micro_bid, on_demand)| Step::Create {
            server,
            micro_bid,
            on_demand
        }),
        (0_usize..2, 1_i64..20).prop_map(|(nth, half_micros)| Step::Reprice { nth, half_micros }),
        (0_usize..2, -3_i64..0).prop_map(|(nth, half_micros)| Step::Reprice { nth, half_micros }),
        (0_usize..2, -3_i64..0).prop_map(|(nth, half_micros)| Step::Reprice { nth, half_micros }),
        (0_usize..3).prop_map(|nth| Step::Cancel { nth }),
        Just(Step::Look),
    ];
    (1_u16..700, what)
}

fn price(micro: u32) -> Price {
    Price::new(Decimal::new(i64::from(micro), 6)).unwrap()
}

fn check_book(bench: &mut Bench) {
    let (status, answer) = json(&bench.ours(&get("spot_marketplace", &[("market", "6")])));
    assert_eq!(status, 200, "{answer}");
    let offers = answer["market"]["offers"].as_array().unwrap();
    let active: Vec<u64> =
        offers.iter().filter(|o| o["active"] == true).map(|o| o["offer_id"].as_u64().unwrap()).collect();
    let holder = bench.exchange.holder(crate::support::SIX);
    assert_eq!(active, holder.iter().map(|h| h.offer).collect::<Vec<_>>(), "1");
    let Some(holder) = holder else { return };
    let rates = |name: &str| if name == "bitcoin" { Decimal::from(100_000) } else { Decimal::new(1, 2) };
    let number = |value: &serde_json::Value| Price::parse(&value.to_string()).unwrap().decimal();
    let value = holder.bid.decimal() * rates(holder.currency.name());
    for offer in offers {
        let currency = offer["currency"].as_str().unwrap();
        let floor = number(&answer["market"]["server"]["min_pricing"][currency]);
        let bid = number(&offer["bid"]);
        assert!(bid < floor || bid * rates(currency) <= value, "2: {answer}");
    }
}

fn check_money(bench: &Bench) {
    let orders = bench.exchange.orders();
    for server in [6, 17] {
        let live = orders.iter().filter(|o| o.kind == Kind::Spot && o.state == OrderState::Live);
        assert!(live.filter(|o| o.server.0 == server).count() <= 1, "3");
    }
    let spent: Decimal = orders.iter().map(|o| o.spend.decimal()).sum();
    let with_fee = spent * Decimal::new(10_125, 4);
    let left = bench.exchange.balance(Currency::Bitcoin).unwrap().decimal();
    let creation_fees = Decimal::new(1, 2) - left - with_fee;
    let count = creation_fees / Decimal::new(3, 7);
    assert!((count - count.round()).abs() < Decimal::new(1, 9), "4: {count}");
    assert!(count.round() >= Decimal::ZERO && count.round() <= Decimal::from(orders.len()), "4: {count}");
}

/// Plays the steps on the market with that seed; tells how many lowerings came after another one of the same order.
fn play(seed: u64, steps: Vec<(u16, Step)>) -> u32 {
    let mut again = 0;
    let mut bench = Bench::seeded(MARKET, Some(seed));
    let mut lowered: Vec<(u64, Time)> = Vec::new();
    for (wait, step) in steps {
        bench.wait_secs(i64::from(wait));
        let open = bench.exchange.open_orders();
        match step {
            Step::Create { server, micro_bid, on_demand } => {
                let body = spot(server, &price(micro_bid).to_string());
                let body = if on_demand { body.replace("\"spot\"", "\"on-demand\"") } else { body };
                bench.ours(&post("create_order", &body));
            }
            Step::Reprice { nth, half_micros } => {
                let Some(order) = open.get(nth) else { continue };
                let wanted = order.price.decimal() + Decimal::new(5 * half_micros, 7);
                let wanted = Price::new(wanted).unwrap_or(order.price);
                if bench.reprice(order.id, &wanted.to_string())["code"] == 0 && wanted < order.price {
                    let step = Decimal::new(1, 6);
                    assert!(order.price.decimal() - wanted.decimal() <= step, "5");
                    let before = lowered.iter().rev().find(|(id, _)| *id == order.id);
                    assert!(before.is_none_or(|(_, at)| bench.now >= *at + Span::from_secs(600)), "5");
                    again += u32::from(before.is_some());
                    lowered.push((order.id, bench.now));
                }
            }
            Step::Cancel { nth } => {
                if let Some(order) = open.get(nth) {
                    bench.cancel(order.id);
                }
            }
            Step::Look => {}
        }
        check_money(&bench);
        bench.wait_secs(1);
        check_book(&mut bench);
    }
    again
}

#[test]
fn the_rules_hold_after_any_requests() {
    let config = ProptestConfig {
        cases: 96,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        source_file: Some(file!()),
        ..ProptestConfig::default()
    };
    let again = Cell::new(0);
    let cases = (any::<u64>(), prop::collection::vec(step(), 1..60));
    let tried = TestRunner::new(config).run(&cases, |(seed, steps)| {
        again.set(again.get() + play(seed, steps));
        Ok(())
    });
    tried.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(again.get() > 5, "rule 5 was tried {} times only", again.get());
}
