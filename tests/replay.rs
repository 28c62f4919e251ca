//! Every kind of run is decided alike when its journal is played back, and a touched answer shows.

mod common;

use clorebid::core::time::Span;
use clorebid::history::History;
use clorebid::replay::replay;
use clorebid::sim::Scenario;
use common::{World, assert_sound, follow, one_server};

fn builtin(name: &str) -> World {
    World::new(Scenario::builtin_text(name).expect("a built-in scenario"))
}

#[tokio::test]
async fn six_hours_of_the_demo_market() {
    let ran = builtin("demo").run(include_str!("../strategies/follow.toml"), Span::from_secs(6 * 3600)).await;
    let summary = assert_sound(&ran.db).await;
    assert!(summary[0].matched > 10_000 && summary[0].changes > 3, "{summary:?}");
}

#[tokio::test]
async fn a_crowd_of_rivals_chosen_among_by_match() {
    let ran = builtin("crowd").run(include_str!("../strategies/cheapest.toml"), Span::from_secs(2 * 3600)).await;
    assert_sound(&ran.db).await;
}

#[tokio::test]
async fn a_venue_that_fails() {
    let ran = builtin("faults").run(include_str!("../strategies/follow.toml"), Span::from_secs(3 * 3600)).await;
    assert_sound(&ran.db).await;
}

#[tokio::test]
async fn over_http_on_a_ladder() {
    let world = builtin("demo");
    let ran = world.run_over_http(include_str!("../strategies/ladder.toml"), Span::from_secs(3600)).await;
    assert_sound(&ran.db).await;
}

#[tokio::test]
async fn limits_that_refuse_are_noted_alike() {
    let rival = "[[server.rival]]\nat = \"5m\"\nuntil = \"20m\"\nbid = \"0.00005\"\n";
    let strategy = follow("").replace("[[target]]", "max_total_cost = \"0.0000004\"\n[[target]]");
    let ran = World::new(&one_server("", rival)).run(&strategy, Span::from_secs(3600)).await;
    let notices = History::open_read_only(&ran.db).await.expect("a journal");
    let mut notices = notices;
    let denied = notices.sql("SELECT * FROM notices WHERE kind = 'denied'").await.expect("notices");
    assert!(!denied.rows.is_empty(), "a limit said no");
    assert_sound(&ran.db).await;
}

#[tokio::test]
async fn a_run_by_name_that_is_not_there() {
    let ran = builtin("demo").run(&follow(""), Span::from_secs(60)).await;
    let mut history = History::open_read_only(&ran.db).await.expect("a journal");
    let error = replay(&mut history, 7).await.expect_err("there is one run");
    assert!(error.to_string().contains("no run 7"), "{error}");
}
