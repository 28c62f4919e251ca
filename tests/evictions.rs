//! What happens after an eviction: the bid is back on top within seconds, whatever the venue does to the lost order.

mod common;

use clorebid::core::ids::ServerId;
use clorebid::core::time::Span;
use common::{World, assert_sound_and_busy, follow, one_server};

/// Rivals that come and go all day, each above what holds the server.
const RIVALS: &str = r#"
[[server.rival]]
at = "10m"
until = "25m"
bid = "0.000024"
[[server.rival]]
at = "40m"
until = "50m"
bid = "0.000027"
moves = [{ at = "45m", bid = "0.00003" }]
[[server.rival]]
at = "70m"
until = "80m"
bid = "0.000035"
[[server.rival]]
at = "100m"
bid = "0.00003"
[server.undercutter]
at = "110m"
max = "0.000045"
raise_by = "0.000001"
react = "45s"
"#;

/// How long it took after each eviction by a rival until the server was ours again, in milliseconds of the venue's time.
async fn times_to_win_back(eviction: &str) -> Vec<i64> {
    let world = World::new(&one_server(&format!("eviction = \"{eviction}\"\nlatency = \"50ms..250ms\""), RIVALS));
    let ran = world.run_over_http(&follow("margin = \"1%\""), Span::from_secs(2 * 3600)).await;
    assert_sound_and_busy(&ran.db, 5_500, 10).await;
    let truth = world.truth();
    assert!(truth.holder(ServerId(6)).is_some_and(|h| h.mine), "{eviction}: ours at the end");
    assert_eq!(truth.open_orders().iter().filter(|o| o.holding).count(), 1);
    let won_back = |at| {
        let ours = truth.history().iter().find(|c| c.at >= at && c.to.is_some_and(|h| h.mine));
        ours.map_or(i64::MAX, |c| c.at.since(at).ms())
    };
    truth.evictions().iter().map(|e| won_back(e.at)).collect()
}

fn assert_median_and_most(eviction: &str, mut times: Vec<i64>, median_ms: i64, most_ms: i64) {
    times.sort_unstable();
    assert!(times.len() >= 5, "{eviction}: {} evictions", times.len());
    let (median, most) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{eviction}: {} evictions, back on top after {median} ms (median), {most} ms at most", times.len());
    assert!(median <= median_ms, "{eviction}: median {median} ms of {times:?}");
    assert!(most <= most_ms, "{eviction}: {most} ms at most of {times:?}");
}

#[tokio::test]
async fn a_paused_order_is_back_on_top_in_three_seconds_and_five_at_most() {
    assert_median_and_most("pause", times_to_win_back("pause").await, 3_000, 5_000);
}

#[tokio::test]
async fn a_vanished_order_is_replaced_as_soon_as_two_reads_agree_that_it_is_gone() {
    // The create may have to wait for its five seconds after the last one.
    assert_median_and_most("vanish", times_to_win_back("vanish").await, 5_000, 12_000);
}

#[tokio::test]
async fn an_expired_order_is_replaced() {
    assert_median_and_most("expire", times_to_win_back("expire").await, 5_000, 12_000);
}

#[tokio::test]
async fn a_frozen_order_is_cancelled_and_replaced() {
    assert_median_and_most("frozen", times_to_win_back("frozen").await, 8_000, 15_000);
}

#[tokio::test]
async fn an_hour_of_bidding_never_breaks_the_rate_or_is_refused_a_lowering_twice() {
    let world = World::new(&one_server("latency = \"100ms..400ms\"", RIVALS));
    let ran = world.run_over_http(&follow("replace = \"never\""), Span::from_secs(4 * 3600)).await;
    assert_sound_and_busy(&ran.db, 10_000, 20).await;
    let truth = world.truth();
    let gaps = truth.log().windows(2).map(|w| w[1].at.since(w[0].at));
    assert!(gaps.min().is_some_and(|gap| gap >= Span::from_ms(1_050)), "I10");
    let refused: Vec<_> = truth.log().iter().filter_map(|e| e.error).collect();
    assert_eq!(refused, ["exceeded_max_step"], "the first lowering teaches the step, and nothing is refused after it");
}
