//! Any request, and anything not done, can be explained from the journal.

mod common;

use clorebid::core::time::Span;
use clorebid::history::{History, View};
use clorebid::why::{WhyError, why};
use common::{Ran, World, follow, one_server};

const RIVAL: &str = "[[server.rival]]\nat = \"2m\"\nuntil = \"6m\"\nbid = \"0.000025\"\n";

async fn half_an_hour(bid: &str) -> Ran {
    World::new(&one_server("", RIVAL)).run(&follow(bid), Span::from_secs(1800)).await
}

async fn first(ran: &Ran, action: &str) -> u64 {
    let bids = ran.view(View::Bids).await;
    let row = bids.iter().find(|b| b[6] == action && b[11] == "applied");
    row.or_else(|| bids.iter().find(|b| b[6] == action)).expect("such a bid")[1].parse().expect("a number")
}

#[tokio::test]
async fn a_raise_is_traced_to_the_read_that_showed_the_rival() {
    let ran = half_an_hour("replace = \"never\"").await;
    let seq = first(&ran, "raise").await;
    let mut history = History::open_read_only(&ran.db).await.expect("a journal");
    let why = why(&mut history, 1, seq).await.expect("a chain");
    assert!(why.is_change && why.reason.starts_with("outbid by"), "{why:#?}");
    let market = why.grounds.iter().find(|g| g.read == "spot_marketplace of server 6").expect("the market");
    assert!(market.showed.contains("best rival 0.000025"), "{market:?}");
    assert!(why.grounds.iter().any(|g| g.read == "my_orders") && why.grounds.iter().any(|g| g.read == "wallets"));
    assert_eq!(why.servers.len(), 1);
    assert!(why.servers[0].wish.starts_with("raise to") && why.servers[0].held_back_by.is_empty(), "{why:#?}");
    assert!(why.limits[0].starts_with("max_bid: ") && why.limits[0].ends_with("of 0.00006"), "{why:#?}");
    assert_eq!(why.outcome, "applied");
}

#[tokio::test]
async fn a_lowering_that_was_not_made_is_explained_by_its_clock() {
    let ran = half_an_hour("replace = \"never\"").await;
    let lowered = first(&ran, "lower").await;
    let bids = ran.view(View::Bids).await;
    assert!(bids.iter().filter(|b| b[6] == "lower").count() > 1, "{bids:?}");
    let mut history = History::open_read_only(&ran.db).await.expect("a journal");
    let explained = why(&mut history, 1, lowered + 20).await.expect("a chain");
    assert!(!explained.is_change);
    let seen = &explained.servers[0];
    let waits = seen.held_back_by.iter().any(|held| held.starts_with("the next lowering is allowed in"));
    assert!(seen.wish.starts_with("come down to") && waits, "{seen:#?}");
}

#[tokio::test]
async fn a_raise_that_waits_or_is_not_worth_it_is_explained() {
    let waiting = half_an_hour("raise = { wait = \"10m\" }").await;
    let giving_up = half_an_hour("raise = { give_up = \"0.000022\" }").await;
    // The rival is there from the second minute on; request 200 is sent in about the fourth.
    for (ran, word) in [(waiting, "raise.wait is 10m"), (giving_up, "above 0.000022, the most worth bidding")] {
        let mut history = History::open_read_only(&ran.db).await.expect("a journal");
        let explained = why(&mut history, 1, 200).await.expect("a chain");
        let held = &explained.servers[0].held_back_by;
        assert!(held.iter().any(|h| h.contains(word)), "{word}: {explained:#?}");
    }
}

#[tokio::test]
async fn a_request_that_never_was() {
    let ran = half_an_hour("").await;
    let mut history = History::open_read_only(&ran.db).await.expect("a journal");
    assert!(matches!(why(&mut history, 1, 1_000_000).await, Err(WhyError::NoRequest { .. })));
}
