//! After a rival has left, the bid comes down in the fewest windows possible, or by a cheaper replacement.

mod common;

use clorebid::core::time::{Span, Time};
use clorebid::history::View;
use common::{Ran, Row, World, follow, one_server};

/// A rival that holds us up at 0.00003 until `20m`; then nobody.
const GONE_AFTER_20_MINUTES: &str = r#"
[[server.rival]]
at = "2m"
until = "20m"
bid = "0.00003"
"#;

async fn after_the_rival(rival: &str, bid: &str, hours: i64) -> (World, Ran) {
    let world = World::new(&one_server("", rival));
    let ran = world.run(&follow(bid), Span::from_secs(hours * 3600)).await;
    (world, ran)
}

fn lowered(bids: &[Row]) -> Vec<(String, String)> {
    let lowered = bids.iter().filter(|b| b["action"] == "lower" && b["outcome"] == "applied");
    lowered.map(|b| (b["at"].clone(), b["new_price"].clone())).collect()
}

#[tokio::test]
async fn stepping_down_takes_the_fewest_windows() {
    let (world, ran) = after_the_rival(GONE_AFTER_20_MINUTES, "replace = \"never\"", 4).await;
    // From 0.00003001 to the floor of 0.00002 in steps of 0.000001: eleven lowerings, the first at once and one each
    // 600 seconds after it.
    let fewest = (3001_u64 - 2000).div_ceil(100);
    let steps = lowered(&ran.view(View::Bids).await);
    assert_eq!(u64::try_from(steps.len()).ok(), Some(fewest), "{steps:?}");
    assert_eq!(steps.last().map(|s| s.1.as_str()), Some("0.00002"));
    let left_at = world.truth().start() + Span::from_secs(20 * 60);
    let last = Time::from_ms(chrono::DateTime::parse_from_rfc3339(&steps[10].0).expect("a time").timestamp_millis());
    let windows = last.since(left_at).ms() / 600_000;
    assert_eq!(windows, 10, "ten windows after the rival left");
    let polls_lost = last.since(left_at + Span::from_secs(6_000));
    assert!(polls_lost <= Span::from_secs(30), "and no more than a few requests beyond them: {polls_lost}");
}

#[tokio::test]
async fn a_replacement_is_taken_where_it_is_cheaper() {
    // Thirty steps down overpay 0.0000031 bitcoin; ten minutes of lost work are worth 0.00000056.
    let high = GONE_AFTER_20_MINUTES.replace("0.00003", "0.00005");
    let (world, ran) = after_the_rival(&high, "replace = \"auto\"", 2).await;
    let bids = ran.view(View::Bids).await;
    let cancel = bids.iter().find(|b| b["action"] == "cancel").expect("a replacement");
    assert!(cancel["reason"].starts_with("bidding anew at 0.00002 costs less than"), "{}", cancel["reason"]);
    let truth = world.truth();
    let open = truth.open_orders();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].price.to_string(), "0.00002");
    // Away for no longer than it takes to cancel, look and bid.
    let gaps = truth.history().windows(2).filter(|w| w[0].to.is_none()).map(|w| w[1].at.since(w[0].at));
    assert!(gaps.max().is_some_and(|gap| gap <= Span::from_secs(5)), "the gap in holding");
}

#[tokio::test]
async fn no_replacement_where_the_steps_are_cheaper() {
    let (world, ran) = after_the_rival(GONE_AFTER_20_MINUTES, "replace = \"auto\"", 4).await;
    let orders = world.truth().orders();
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0].price.to_string(), "0.00002");
    let bids = ran.view(View::Bids).await;
    let raised: Vec<&str> = bids.iter().filter(|b| b["action"] == "raise").map(|b| b["new_price"].as_str()).collect();
    assert_eq!(raised, ["0.00003001"]);
    assert_eq!(lowered(&bids).len(), 11);
}

#[tokio::test]
async fn no_replacement_where_a_restart_costs_more_than_the_steps() {
    let strategy = follow("").replace("[target.bid]", "[target.value]\nrestart_cost = \"2h\"\n[target.bid]");
    let world = World::new(&one_server("", &GONE_AFTER_20_MINUTES.replace("0.00003", "0.00005")));
    let ran = world.run(&strategy, Span::from_secs(4 * 3600)).await;
    assert_eq!(world.truth().orders().len(), 1);
    assert!(!lowered(&ran.view(View::Bids).await).is_empty());
}

#[tokio::test]
async fn a_lowering_whose_answer_is_lost_counts_as_spent() {
    let fault =
        format!("{GONE_AFTER_20_MINUTES}\n[[fault]]\ncall = \"set_spot_price\"\nnth = 4\nkind = \"lost_after\"\n");
    let world = World::new(&one_server("", &fault));
    let ran = world.run(&follow("replace = \"never\""), Span::from_secs(4 * 3600)).await;
    let bids = ran.view(View::Bids).await;
    let truth = world.truth();
    let repriced: Vec<_> = truth.log().iter().filter(|e| e.endpoint == "set_spot_price").collect();
    let lost: Vec<usize> = (1..).zip(&repriced).filter(|(_, e)| e.fault.is_some()).map(|(nth, _)| nth).collect();
    assert_eq!(lost, [4], "the fourth was lost");
    let in_doubt: Vec<_> = bids
        .iter()
        .filter(|b| b["outcome"] == "unknown")
        .map(|b| (b["action"].as_str(), b["new_price"].as_str()))
        .collect();
    let [("lower", to)] = in_doubt[..] else { panic!("{in_doubt:?}") };
    // The venue took it, so the window is spent although nobody was told.
    assert_eq!(repriced[3].args["desired_price"].get(), to);
    assert!(repriced.len() > 10, "and it goes on stepping down: {}", repriced.len());
    let too_soon = truth.log().iter().filter(|e| e.error == Some("can_lower_every_600_seconds"));
    assert_eq!(too_soon.count(), 0, "the bot never tried inside the window");
    assert_eq!(truth.open_orders()[0].price.to_string(), "0.00002");
}
