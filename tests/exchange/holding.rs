//! Who holds a server, what it costs, and what becomes of an order that loses it.

use clorebid::core::money::{Amount, Currency};
use clorebid::sim::{End, Loss, OrderState};
use serde_json::json;

use crate::support::{Bench, SIX, error, market, spot};

const RIVAL: &str = "[[server.rival]]\nat = \"100s\"\nuntil = \"200s\"\nbid = \"0.00003\"";

fn amount(text: &str) -> Amount {
    Amount::parse(text).unwrap()
}

#[test]
fn the_highest_bid_at_or_above_the_floor_holds() {
    let mut bench = market("", RIVAL);
    let order = bench.bid(6, "0.00002");
    assert!(bench.we_hold(SIX));
    bench.until(100);
    assert!(!bench.we_hold(SIX));
    assert_eq!(bench.reprice(order, "0.00003001")["code"], 0);
    assert!(bench.we_hold(SIX));
}

#[test]
fn a_tie_goes_to_the_older_offer() {
    let mut older = market("", RIVAL);
    older.bid(6, "0.00003");
    older.until(150);
    assert!(older.we_hold(SIX));

    let mut newer = market("", RIVAL);
    newer.until(110);
    newer.bid(6, "0.00003");
    assert!(!newer.we_hold(SIX));
}

#[test]
fn bids_in_different_coins_compete_by_their_value_in_usd() {
    // 250 CLORE at a cent are 2.5 USD a day, as 0.000025 bitcoin are.
    let rival = "[[server.rival]]\nat = \"1s\"\nbid = 250\ncurrency = \"CLORE-Blockchain\"";
    let mut bench = market("", rival);
    let order = bench.bid(6, "0.000025");
    assert!(!bench.we_hold(SIX), "a tie in value goes to the older offer");
    assert_eq!(bench.reprice(order, "0.00002501")["code"], 0);
    assert!(bench.we_hold(SIX));
    assert_eq!(bench.book("6")[0]["currency"], "CLORE-Blockchain");
}

#[test]
fn a_rising_floor_evicts_the_holder_and_a_falling_one_lets_it_back() {
    let event = "event = [{ at = \"60s\", for = \"60s\", kind = \"floor\", floor = { bitcoin = \"0.000025\" } }]";
    let mut bench = market("", event);
    bench.bid(6, "0.00002");
    bench.until(60);
    assert_eq!(bench.exchange.holder(SIX), None);
    assert_eq!(bench.exchange.evictions()[0].cause, Loss::BelowFloor);
    bench.until(120);
    assert!(bench.we_hold(SIX));
}

#[test]
fn going_offline_or_hidden_or_rented_evicts_the_holder() {
    for (kind, cause) in [("offline", Loss::Offline), ("hidden", Loss::Hidden), ("on_demand", Loss::OnDemand)] {
        let event = format!("event = [{{ at = \"60s\", for = \"60s\", kind = \"{kind}\" }}]");
        let mut bench = market("", &event);
        bench.bid(6, "0.00002");
        bench.until(60);
        assert_eq!(bench.exchange.holder(SIX), None, "{kind}");
        assert_eq!(bench.exchange.evictions()[0].cause, cause);
        bench.until(120);
        assert!(bench.we_hold(SIX), "{kind} is undone");
    }
}

#[test]
fn a_paused_order_stays_everywhere_with_its_spend_standing_still_and_wins_again() {
    let mut bench = market("", RIVAL);
    let order = bench.bid(6, "0.00002");
    bench.until(101);
    assert_eq!(bench.exchange.evictions().len(), 1);
    let spend = bench.listed()[0]["spend"].clone();
    bench.until(190);
    let rows = bench.listed();
    assert_eq!((&rows[0]["id"], &rows[0]["spend"]), (&json!(order), &spend));
    let book = bench.book("6");
    assert_eq!((&book[0]["active"], &book[0]["my"]), (&json!(false), &json!(true)));
    assert_eq!((&book[1]["active"], &book[1]["my"]), (&json!(true), &json!(false)));
    bench.until(201);
    assert!(bench.we_hold(SIX));
    assert!(bench.newest().minutes > 2);
}

#[test]
fn a_vanished_order_is_nowhere() {
    let mut bench = market("eviction = \"vanish\"", RIVAL);
    let order = bench.bid(6, "0.00002");
    bench.until(101);
    assert_eq!(bench.book("6").as_array().map(Vec::len), Some(1));
    assert!(bench.listed().is_empty() && bench.listed_with_completed().is_empty());
    assert_eq!(bench.reprice(order, "0.00004"), error("order_dont_exist"));
    bench.until(210);
    assert_eq!(bench.exchange.holder(SIX), None, "it does not come back");
}

#[test]
fn an_expired_order_is_listed_for_ten_minutes_and_then_only_where_asked() {
    let mut bench = market("eviction = \"expire\"", RIVAL);
    let order = bench.bid(6, "0.00002");
    bench.until(101);
    assert_eq!(bench.listed()[0]["expired"], true);
    assert_eq!(bench.reprice(order, "0.00004"), error("order_dont_exist"));
    bench.until(690);
    assert_eq!(bench.listed().len(), 1);
    bench.until(700);
    assert!(bench.listed().is_empty());
    assert_eq!(bench.listed_with_completed()[0]["id"], order);
}

#[test]
fn a_frozen_order_looks_alive_in_the_list_but_is_out_of_the_book() {
    let mut bench = market("eviction = \"frozen\"", RIVAL);
    let order = bench.bid(6, "0.00002");
    bench.until(99);
    let before = bench.listed()[0].clone();
    bench.until(150);
    assert_eq!(bench.listed()[0], before);
    assert_eq!(bench.book("6").as_array().map(Vec::len), Some(1));
    assert_eq!(bench.reprice(order, "0.00004"), error("order_not_active"));
    let again = bench.bid(6, "0.00004");
    assert!(bench.we_hold(SIX) && again != order);
    assert_eq!(bench.cancel(order)["code"], 0);
    assert_eq!(bench.exchange.open_orders().len(), 1);
}

#[test]
fn in_every_mode_an_offer_that_never_held_stays_in_the_book() {
    for mode in ["pause", "vanish", "expire", "frozen"] {
        let mut bench = market(&format!("eviction = \"{mode}\""), RIVAL);
        bench.until(110);
        bench.bid(6, "0.00002");
        bench.until(205);
        assert!(bench.we_hold(SIX), "{mode}");
    }
}

#[test]
fn every_minute_begun_costs_a_1440th_of_the_price_and_the_fee_comes_on_top() {
    let mut bench = market("creation_fee = { bitcoin = \"0.0000003\" }", "");
    bench.bid(6, "0.0000288");
    let started = bench.now;
    assert_eq!(bench.newest().minutes, 1, "the first minute has begun");
    bench.now = started;
    bench.wait_secs(59);
    assert_eq!(bench.newest().minutes, 1);
    bench.wait_secs(1);
    assert_eq!(bench.newest().minutes, 2);
    assert_eq!(bench.newest().spend, amount("0.00000004"));
    assert_eq!(bench.exchange.balance(Currency::Bitcoin), Some(amount("0.0099999595")));
    bench.wait_secs(539);
    assert_eq!(bench.exchange.balance(Currency::Bitcoin), Some(amount("0.0099997975")), "ten minutes");
    bench.wait_secs(1);
    assert_eq!(
        bench.exchange.balance(Currency::Bitcoin),
        Some(amount("0.00999947725")),
        "eleven minutes and the creation fee"
    );
    let rows = bench.listed();
    assert_eq!(rows[0]["spend"], json!(2.2e-7));
    assert_eq!((&rows[0]["fee"], &rows[0]["creation_fee"]), (&json!(1.25), &json!(3e-7)));
}

#[test]
fn a_new_price_is_billed_from_the_next_minute_on() {
    let mut bench = market("fee_percent = 0", "");
    let order = bench.bid(6, "0.0000288");
    assert_eq!(bench.reprice(order, "0.0000576")["code"], 0);
    assert_eq!(bench.newest().spend, amount("0.00000002"));
    bench.wait_secs(60);
    assert_eq!(bench.newest().spend, amount("0.00000006"));
}

#[test]
fn the_creation_fee_is_spared_by_an_order_that_ends_within_ten_minutes() {
    let mut bench = market("creation_fee = { bitcoin = \"0.0000003\" }\nfee_percent = 0", "");
    let order = bench.bid(6, "0.0000288");
    assert_eq!(bench.cancel(order)["code"], 0);
    bench.wait_secs(700);
    assert_eq!(bench.exchange.balance(Currency::Bitcoin), Some(amount("0.00999998")));
}

#[test]
fn an_offer_that_holds_nothing_costs_nothing() {
    let mut bench = market("", "[[server.rival]]\nat = \"0s\"\nbid = \"0.00003\"");
    bench.bid(6, "0.00002");
    bench.wait_secs(3600);
    assert_eq!(bench.exchange.balance(Currency::Bitcoin), Some(amount("0.01")));
}

#[test]
fn an_order_whose_wallet_is_empty_ends() {
    let mut bench = Bench::new(
        "name = \"poor\"\n[venue]\norder_delay = \"0s\"\nfunded_for = \"1m\"\n[wallets]\nbitcoin = \"0.0000001\"\n\
         [[server]]\nid = 6\ngpu = \"x\"\nfloor = { bitcoin = \"0.00002\" }",
    );
    bench.bid(6, "0.0000288");
    bench.wait_secs(600);
    let order = bench.newest();
    assert_eq!(order.minutes, 4);
    assert!(matches!(order.state, OrderState::Ended { why: End::Unfunded, .. }));
    assert_eq!(bench.exchange.holder(SIX), None);
    assert_eq!(bench.listed()[0]["expired"], true);
    assert_eq!(bench.post("create_order", &spot(6, "0.0000288")).1, error("not_enough_balance"));
}

#[test]
fn an_order_ends_at_the_longest_rental() {
    let mut bench = market("", "").shortened();
    bench.bid(6, "0.00002");
    bench.wait_secs(3599);
    assert!(bench.we_hold(SIX));
    bench.wait_secs(1);
    assert!(matches!(bench.newest().state, OrderState::Ended { why: End::RentalOver, .. }));
}

impl Bench {
    /// The same market with an hour as its longest rental.
    fn shortened(self) -> Bench {
        Bench::new(
            "name = \"short\"\n[wallets]\nbitcoin = 1\n[[server]]\nid = 6\ngpu = \"x\"\nmrl = \"1h\"\n\
             floor = { bitcoin = \"0.00002\" }",
        )
    }
}

#[test]
fn the_history_tells_who_held_when_and_at_what_bid() {
    let mut bench = market("", RIVAL);
    let order = bench.bid(6, "0.00002");
    assert_eq!(bench.reprice(order, "0.000022")["code"], 0);
    bench.until(300);
    let history = bench.exchange.history();
    let told: Vec<(i64, Option<(bool, String)>)> = history
        .iter()
        .map(|c| (c.at.since(bench.at(0)).ms() / 1000, c.to.map(|h| (h.mine, h.bid.to_string()))))
        .collect();
    let ours = |bid: &str| Some((true, bid.to_string()));
    let expected = vec![
        (5, ours("0.00002")),
        (6, ours("0.000022")),
        (100, Some((false, "0.00003".to_string()))),
        (200, ours("0.000022")),
    ];
    assert_eq!(told, expected);
}
