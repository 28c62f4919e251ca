//! I8 at the edge: the same scenario and seed give byte-identical asks, in-process and over HTTP.

mod common;

use clorebid::core::time::Span;
use clorebid::sim::Scenario;
use common::World;

const SPAN: Span = Span::from_secs(3 * 3600);

/// Two runs without a request would be equal, too.
fn assert_same(one: &[String], other: &[String]) {
    assert!(one.len() > 1000, "{} asks", one.len());
    assert!(one.iter().any(|ask| ask.contains("\"create\"")), "it bids");
    for (n, (one, other)) in one.iter().zip(other).enumerate() {
        assert_eq!(one, other, "ask {n} differs");
    }
    assert_eq!(one.len(), other.len());
}

async fn same_asks(scenario: &str, strategy: &str) {
    let scenario = Scenario::builtin_text(scenario).expect("a built-in scenario");
    let in_process = World::new(scenario).run(strategy, SPAN).await.asks;
    let over_http = World::new(scenario).run_over_http(strategy, SPAN).await.asks;
    assert_same(&in_process, &over_http);
}

#[tokio::test]
async fn on_the_demo_market() {
    same_asks("demo", include_str!("../strategies/follow.toml")).await;
}

#[tokio::test]
async fn among_random_rivals_choosing_by_match() {
    same_asks("crowd", include_str!("../strategies/cheapest.toml")).await;
}

#[tokio::test]
async fn twice_in_process() {
    let scenario = Scenario::builtin_text("demo").expect("a built-in scenario");
    let strategy = include_str!("../strategies/cheapest.toml");
    let once = World::new(scenario).run(strategy, SPAN).await.asks;
    let again = World::new(scenario).run(strategy, SPAN).await.asks;
    assert_same(&once, &again);
}
