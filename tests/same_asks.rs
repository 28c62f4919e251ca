//! I8 at the edge: the same scenario and seed give byte-identical asks, in-process and over HTTP.

mod common;

use clorebid::core::time::Span;
use clorebid::sim::Scenario;
use common::World;

const SPAN: Span = Span::from_secs(3 * 3600);

async fn same_asks(scenario: &str, strategy: &str) {
    let scenario = Scenario::builtin_text(scenario).expect("a built-in scenario");
    let in_process = World::new(scenario).run(strategy, SPAN).await.asks;
    let over_http = World::new(scenario).run_over_http(strategy, SPAN).await.asks;
    assert!(in_process.len() > 1000, "{} asks", in_process.len());
    for (n, (here, there)) in in_process.iter().zip(&over_http).enumerate() {
        assert_eq!(here, there, "ask {n} differs");
    }
    assert_eq!(in_process.len(), over_http.len());
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
    assert_eq!(once, again);
}
