//! No answer to a create, however mangled, leads to a second rental, and none to an orphan (I2, I6, I7).

mod common;

use clorebid::core::time::Span;
use clorebid::history::View;
use common::{World, assert_sound_and_busy, follow, one_server};

/// Runs ten minutes with that fault on the first create, over HTTP, and demands exactly one order: held, ours, journaled.
async fn one_order_after(kind: &str) {
    let fault = format!("[[fault]]\ncall = \"create_order\"\nnth = 1\nkind = \"{kind}\"\n");
    let world = World::new(&one_server("", &fault));
    let ran = world.run_over_http(&follow(""), Span::from_secs(600)).await;

    let ever = world.truth().orders();
    assert_eq!(ever.len(), 1, "{kind}: exactly one order was ever made: {ever:?}");
    assert_eq!(world.truth().open_orders().len(), 1, "{kind}: and it stands");
    assert!(ever[0].holding, "{kind}: and holds the server");

    let order = ever[0].id.to_string();
    let held = ran.engine.status(world.clock.now()).servers.first().and_then(|s| s.order).map(|o| o.to_string());
    assert_eq!(held, Some(order.clone()), "{kind}: it is adopted");
    let holdings = ran.view(View::Holdings).await;
    assert!(holdings.iter().any(|row| row["offer_id"] == order), "{kind}: its holding is journaled: {holdings:?}");
    let bids = ran.view(View::Bids).await;
    let outcomes: Vec<&str> = bids.iter().filter(|b| b["action"] == "place").map(|b| b["outcome"].as_str()).collect();
    assert_eq!(outcomes[0], "unknown", "{kind}: nobody could know from the answer alone");
    assert_sound_and_busy(&ran.db, 500, 1).await;
}

#[tokio::test]
async fn an_answer_lost_after_the_venue_took_the_order_is_settled_by_reading() {
    one_order_after("lost_after").await;
}

#[tokio::test]
async fn an_answer_lost_before_the_venue_took_the_order_leads_to_one_more_create() {
    one_order_after("lost_before").await;
}

#[tokio::test]
async fn a_502_page_after_the_venue_took_the_order() {
    one_order_after("html_502_after").await;
}

#[tokio::test]
async fn a_502_page_before_the_venue_took_the_order() {
    one_order_after("html_502_before").await;
}

#[tokio::test]
async fn an_answer_cut_off() {
    one_order_after("cut_off").await;
}

#[tokio::test]
async fn code_1_although_the_order_was_made() {
    one_order_after("code_1_after").await;
}

#[tokio::test]
async fn code_1_and_no_order() {
    one_order_after("code_1_before").await;
}

#[tokio::test]
async fn a_create_that_never_was_is_not_repeated_before_two_good_reads_120_seconds_on() {
    let fault = "[[fault]]\ncall = \"create_order\"\nnth = 1\nkind = \"lost_before\"\n";
    let world = World::new(&one_server("", fault));
    let ran = world.run_over_http(&follow(""), Span::from_secs(600)).await;
    assert_sound_and_busy(&ran.db, 500, 2).await;
    let truth = world.truth();
    let creates: Vec<_> = truth.log().iter().filter(|e| e.endpoint == "create_order").map(|e| e.at).collect();
    assert_eq!(creates.len(), 2);
    assert!(creates[1].since(creates[0]) >= Span::from_secs(120), "{creates:?}");
    let reads = truth.log().iter().filter(|e| e.endpoint == "my_orders" && e.at > creates[0] && e.at < creates[1]);
    assert!(reads.count() >= 2);
}

#[tokio::test]
async fn lost_repricings_settle_too() {
    let faults = r#"
        [[server.rival]]
        at = "5m"
        until = "15m"
        bid = "0.000023"
        [[fault]]
        call = "set_spot_price"
        every = 2
        kind = "lost_after"
        [[fault]]
        call = "my_orders"
        every = 3
        kind = "html_502_before"
        [[fault]]
        call = "spot_marketplace"
        every = 5
        kind = "cut_off"
    "#;
    let world = World::new(&one_server("", faults));
    let ran = world.run_over_http(&follow("replace = \"never\""), Span::from_secs(3600)).await;
    assert_sound_and_busy(&ran.db, 3_000, 6).await;
    let truth = world.truth();
    let lost = |call: &str| truth.log().iter().filter(|e| e.endpoint == call && e.fault.is_some()).count();
    assert!(
        lost("set_spot_price") >= 2 && lost("my_orders") >= 10 && lost("spot_marketplace") >= 100,
        "they were lost"
    );
    let orders = truth.orders();
    assert_eq!(orders.len(), 1, "{orders:?}");
    assert_eq!(orders[0].price.to_string(), "0.00002", "it is back at the floor: {:?}", ran.asks.last());
}

#[tokio::test]
async fn a_lost_cancellation_settles_too() {
    for kind in ["lost_before", "lost_after", "html_502_after"] {
        // Thirty steps down are dearer than bidding anew once the rival has left.
        let rival = "[[server.rival]]\nat = \"2m\"\nuntil = \"5m\"\nbid = \"0.00005\"\n";
        let fault = format!("{rival}[[fault]]\ncall = \"cancel_order\"\nnth = 1\nkind = \"{kind}\"\n");
        let world = World::new(&one_server("", &fault));
        let ran = world.run_over_http(&follow("replace = \"auto\""), Span::from_secs(1200)).await;
        assert_sound_and_busy(&ran.db, 1_000, 4).await;
        let bids = ran.view(View::Bids).await;
        let cancelled = bids.iter().find(|b| b["action"] == "cancel").expect("a cancellation");
        assert_eq!(cancelled["outcome"], "unknown", "{kind}");
        let open = world.truth().open_orders();
        assert_eq!(open.len(), 1, "{kind}: {open:?}");
        assert!(open[0].holding && open[0].price.to_string() == "0.00002", "{kind}: {open:?}");
        assert_eq!(world.truth().orders().len(), 2, "{kind}");
    }
}
