//! Rivals: scripted ones, ones that answer, ones that come and go at random; floors that walk.

use clorebid::core::money::Price;
use serde_json::Value;

use crate::support::{Bench, SIX, get, market};

fn best_rival(bench: &Bench) -> Option<String> {
    bench.exchange.holder(SIX).filter(|h| !h.mine).map(|h| h.bid.to_string())
}

#[test]
fn a_scripted_rival_comes_moves_and_goes_on_time() {
    let rival = "rival = [{ at = \"10s\", until = \"40s\", bid = \"0.00003\", moves = [{ at = \"20s\", bid = \"0.00004\" }, { at = \"30s\", bid = \"0.000025\" }] }]";
    let mut bench = market("", rival);
    for (secs, bid) in [(9, None), (10, Some("0.00003")), (20, Some("0.00004")), (30, Some("0.000025")), (40, None)] {
        bench.until(secs);
        assert_eq!(best_rival(&bench).as_deref(), bid, "after {secs} s");
    }
}

#[test]
fn an_undercutter_answers_our_bid_after_its_time_and_up_to_its_max() {
    let rival = "undercutter = [{ at = \"0s\", max = \"0.000025\", raise_by = \"0.000001\", react = \"20s\" }]";
    let mut bench = market("", rival);
    let order = bench.bid(6, "0.00002");
    bench.wait_secs(19);
    assert!(bench.we_hold(SIX));
    bench.wait_secs(1);
    assert_eq!(best_rival(&bench).as_deref(), Some("0.000021"));
    assert_eq!(bench.reprice(order, "0.000024")["code"], 0);
    bench.wait_secs(20);
    assert_eq!(best_rival(&bench).as_deref(), Some("0.000025"));
    assert_eq!(bench.reprice(order, "0.0000245")["code"], 0);
    assert_eq!(bench.reprice(order, "0.000025")["code"], 0, "a tie: the older offer is ours");
    assert!(bench.we_hold(SIX));
    bench.wait_secs(3600);
    assert!(bench.we_hold(SIX), "above its max it keeps still");
}

#[test]
fn an_undercutter_leaves_at_its_time_and_answers_no_more() {
    let rival = "undercutter = { at = \"0s\", until = \"60s\", max = \"0.00005\" }";
    let mut bench = market("", rival);
    let order = bench.bid(6, "0.00002");
    bench.until(59);
    assert_eq!(best_rival(&bench).as_deref(), Some("0.00002001"), "one tick above");
    bench.until(60);
    assert!(bench.we_hold(SIX));
    assert_eq!(bench.reprice(order, "0.00003")["code"], 0);
    bench.wait_secs(60);
    assert!(bench.we_hold(SIX));
}

const CROWD: &str = "crowd = { arrive_every = \"5m\", stay = \"20m\", bid_min = \"0.00002\", bid_max = \"0.00004\" }";

fn book_at(bench: &mut Bench, secs: i64) -> String {
    bench.until(secs);
    String::from_utf8(bench.ours(&get("spot_marketplace", &[("market", "6")])).body.to_vec()).unwrap()
}

#[test]
fn a_crowd_comes_and_goes_within_its_bounds() {
    let mut bench = market("", CROWD);
    let mut sizes = Vec::new();
    for minute in 1..600 {
        let book: Value = serde_json::from_str(&book_at(&mut bench, minute * 60)).unwrap();
        let offers = book["market"]["offers"].as_array().unwrap();
        sizes.push(offers.len());
        assert!(offers.iter().filter(|o| o["active"] == true).count() <= 1);
    }
    assert!(sizes.contains(&0) && sizes.iter().any(|n| *n >= 4), "{sizes:?}");
    let (min, max) = (Price::parse("0.00002").unwrap(), Price::parse("0.00004").unwrap());
    let bids = bench.exchange.history().iter().filter_map(|c| c.to).map(|h| h.bid);
    assert!(bids.into_iter().all(|bid| bid >= min && bid <= max && bid.decimal().scale() <= 8));
}

#[test]
fn asking_more_often_changes_no_rival() {
    let (mut seldom, mut often) = (market("", CROWD), market("", CROWD));
    for minute in 1..120 {
        for second in 1..60 {
            book_at(&mut often, (minute - 1) * 60 + second);
        }
        assert_eq!(book_at(&mut seldom, minute * 60), book_at(&mut often, minute * 60));
    }
}

#[test]
fn a_bid_of_ours_changes_no_rival_that_does_not_answer() {
    let (mut quiet, mut busy) = (market("", CROWD), market("", CROWD));
    busy.bid(6, "0.00002");
    let rivals = |bench: &mut Bench, secs: i64| -> Vec<(Value, Value)> {
        let book: Value = serde_json::from_str(&book_at(bench, secs)).unwrap();
        let offers = book["market"]["offers"].as_array().unwrap().clone();
        let rivals = offers.into_iter().filter(|o| o["my"] == false);
        rivals.map(|o| (o["offer_id"].clone(), o["bid"].clone())).collect()
    };
    let mut seen = std::collections::BTreeSet::new();
    for minute in 1..300 {
        let (without_us, with_us) = (rivals(&mut quiet, minute * 60), rivals(&mut busy, minute * 60));
        assert_eq!(without_us, with_us);
        seen.extend(with_us.iter().map(|(offer, _)| offer.to_string()));
    }
    assert!(seen.len() > 20, "{} rivals came by", seen.len());
}

#[test]
fn those_of_the_crowd_that_undercut_go_one_tick_above_the_best_offer() {
    let crowd = "crowd = { arrive_every = \"5m\", stay = \"1m..2m\", bid_min = \"0.00002\", bid_max = \"0.00004\", undercut_percent = 100 }";
    let mut bench = market("", crowd);
    bench.bid(6, "0.00003");
    bench.until(7200);
    let rivals: Vec<String> =
        bench.exchange.history().iter().filter_map(|c| c.to).filter(|h| !h.mine).map(|h| h.bid.to_string()).collect();
    assert!(rivals.len() > 10 && rivals.iter().any(|bid| bid == "0.00003001"), "{rivals:?}");
    assert!(rivals.iter().all(|bid| bid.starts_with("0.0000300")), "{rivals:?}");
}

#[test]
fn a_walking_floor_stays_within_its_bounds_and_moves() {
    let walk = "floor_walk = { every = \"1m\", step = \"0.000001\", min = \"0.000018\", max = \"0.000022\" }";
    let mut bench = market("", walk);
    let mut floors = std::collections::BTreeSet::new();
    for minute in 1..300 {
        let answer: Value = serde_json::from_str(&book_at(&mut bench, minute * 60)).unwrap();
        floors.insert(answer["market"]["server"]["min_pricing"]["bitcoin"].to_string());
        assert_eq!(answer["market"]["server"]["min_pricing"]["CLORE-Blockchain"], 200);
    }
    let all = ["0.000018", "0.000019", "0.00002", "0.000021", "0.000022"];
    assert_eq!(floors.iter().map(String::as_str).collect::<Vec<_>>(), all);
}
