//! Faults: what the client sees, and what was done all the same.

use clorebid::clock::Clock;
use clorebid::core::request::Doubt;
use clorebid::core::time::Span;
use clorebid::sim::{Exchange, PAPER_KEY, Scenario, SimVenue, Wire};
use clorebid::wire::Reply;
use std::sync::{Arc, Mutex};

use crate::support::{Bench, get, market, post, spot};

fn create_with(fault: &str) -> (Bench, clorebid::sim::Handled) {
    let mut bench = market("", &format!("[[fault]]\ncall = \"create_order\"\nnth = 1\n{fault}"));
    bench.exchange.keep_log();
    bench.wait_secs(5);
    let handled = bench.ours(&post("create_order", &spot(6, "0.00002")));
    (bench, handled)
}

#[test]
fn every_kind_of_fault_shows_what_it_should_and_does_what_it_should() {
    let cases = [
        ("lost_before", Wire::Lost, 0, false),
        ("lost_after", Wire::Lost, 0, true),
        ("html_502_before", Wire::Whole, 502, false),
        ("html_502_after", Wire::Whole, 502, true),
        ("cut_off", Wire::CutOff { promised: 10 }, 200, true),
        ("code_1_before", Wire::Whole, 500, false),
        ("code_1_after", Wire::Whole, 500, true),
        ("timeout", Wire::Never, 0, false),
        ("timeout\"\napplied = true\n#\"", Wire::Never, 0, true),
        ("rate_limited", Wire::Whole, 429, false),
        ("garbage", Wire::Whole, 200, false),
        ("garbage\"\napplied = true\n#\"", Wire::Whole, 200, true),
    ];
    for (kind, wire, status, applied) in cases {
        let (bench, handled) = create_with(&format!("kind = \"{kind}\""));
        assert_eq!(handled.wire, wire, "{kind}");
        assert_eq!(bench.exchange.orders().len(), usize::from(applied), "{kind}");
        let log = &bench.exchange.log()[0];
        assert!(kind.starts_with(log.fault.unwrap()), "{kind}");
        assert_eq!(log.status, (status > 0).then_some(status), "{kind}");
    }
}

#[test]
fn the_bodies_are_what_a_bad_line_makes_of_them() {
    let body = |kind: &str| create_with(&format!("kind = \"{kind}\"")).1.body;
    assert!(body("lost_after").is_empty());
    assert!(body("html_502_before").starts_with(b"<html>"));
    assert_eq!(body("cut_off").as_ref(), br#"{"cod"#);
    assert_eq!(body("code_1_after").as_ref(), br#"{"code":1}"#);
    assert_eq!(body("rate_limited").as_ref(), br#"{"code":5}"#);
    assert!(serde_json::from_slice::<serde_json::Value>(&body("garbage")).is_err());
}

fn statuses(fault: &str, n: usize) -> Vec<u16> {
    let mut bench = market("", &format!("[[fault]]\nkind = \"code_1_before\"\n{fault}"));
    let mut ask = || {
        bench.wait_secs(1);
        bench.ours(&get("wallets", &[])).status
    };
    (0..n).map(|_| ask()).collect()
}

#[test]
fn a_fault_hits_the_requests_it_names() {
    assert_eq!(statuses("call = \"wallets\"\nnth = 2", 4), [200, 500, 200, 200]);
    assert_eq!(statuses("call = \"wallets\"\nfrom = 3", 4), [200, 200, 500, 500]);
    assert_eq!(statuses("call = \"wallets\"\nevery = 2", 5), [200, 500, 200, 500, 200]);
    assert_eq!(statuses("call = \"wallets\"\nfrom = 1\nevery = 3", 5), [500, 200, 200, 500, 200]);
    assert_eq!(statuses("call = \"wallets\"\nat = \"2s\"\nuntil = \"4s\"", 5), [200, 500, 500, 200, 200]);
    assert_eq!(statuses("call = \"my_orders\"", 2), [200, 200]);
    assert_eq!(statuses("call = \"*\"", 2), [500, 500]);
    let some = statuses("call = \"*\"\npercent = 50", 60).iter().filter(|s| **s == 500).count();
    assert!((15..=45).contains(&some), "{some}");
}

#[test]
fn a_request_that_came_too_early_is_not_counted() {
    let mut bench = market("", "[[fault]]\ncall = \"wallets\"\nnth = 2\nkind = \"code_1_before\"");
    bench.wait_secs(1);
    let ask = get("wallets", &[]);
    assert_eq!(bench.ours(&ask).status, 200);
    assert_eq!(bench.ours(&ask).status, 429);
    bench.wait_secs(1);
    assert_eq!(bench.ours(&ask).status, 500);
}

#[tokio::test]
async fn the_venue_in_process_takes_as_long_as_the_real_one_and_loses_what_is_lost() {
    let text = "name = \"slow\"\n[venue]\nlatency = \"250ms\"\n[wallets]\nbitcoin = 1\n\
                [[fault]]\ncall = \"wallets\"\nnth = 2\nkind = \"lost_after\"\n\
                [[fault]]\ncall = \"wallets\"\nnth = 3\nkind = \"timeout\"";
    let exchange = Exchange::new(Scenario::parse(text).unwrap(), None);
    let clock = Clock::logical(exchange.start(), None);
    let venue = SimVenue::new(Arc::new(Mutex::new(exchange)), clock.clone(), PAPER_KEY);
    let ask = get("wallets", &[]);
    let mut took = Vec::new();
    let mut replies = Vec::new();
    for _ in 0..3 {
        clock.sleep_until(clock.now() + Span::from_secs(1)).await;
        let sent = clock.now();
        replies.push(venue.answer_http(&ask).await);
        took.push(clock.now().since(sent).ms());
    }
    assert_eq!(took, [250, 250, 30_000]);
    assert!(matches!(&replies[0], Reply::Http { status: 200, .. }));
    assert_eq!(replies[1..], [Reply::None(Doubt::Broken), Reply::None(Doubt::TimedOut)]);
}
