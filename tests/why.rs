//! Any request, and anything not done, can be explained from the journal.

mod common;

use std::process::Command;

use clorebid::audit::why::{WhyError, why};
use clorebid::clock::rfc3339;
use clorebid::core::money::Price;
use clorebid::core::time::{Span, Time};
use clorebid::history::{History, View};
use common::{Ran, Row, World, follow, one_server, rows};

const RIVAL: &str = "[[server.rival]]\nat = \"2m\"\nuntil = \"6m\"\nbid = \"0.000025\"\n";

async fn half_an_hour(bid: &str) -> Ran {
    World::new(&one_server("", RIVAL)).run(&follow(bid), Span::from_secs(1800)).await
}

async fn first(ran: &Ran, action: &str) -> u64 {
    let bids = ran.view(View::Bids).await;
    let row = bids.iter().find(|b| b["action"] == action && b["reason"] == "applied");
    row.or_else(|| bids.iter().find(|b| b["action"] == action)).expect("such a bid")["seq"].parse().expect("a number")
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
    assert!(bids.iter().filter(|b| b["action"] == "lower").count() > 1, "{bids:?}");
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

/// What `clorebid why 1 SEQ` prints.
fn told(ran: &Ran, seq: u64) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_clorebid"))
        .args(["why", "1", &seq.to_string(), "--db"])
        .arg(&ran.db)
        .output()
        .expect("the binary");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn assert_says(told: &str, line: &str) {
    assert!(told.lines().any(|l| l.trim_start() == line), "`{line}` is not a line of\n{told}");
}

/// The bid of that number as the view has it, and the row of its request.
async fn bid(ran: &Ran, seq: u64) -> (Row, Row) {
    let number = seq.to_string();
    let find = |rows: Vec<Row>| rows.into_iter().find(|row| row["seq"] == number).expect("a row");
    (find(ran.view(View::Bids).await), find(rows(&ran.db, View::Requests).await))
}

fn time(text: &str) -> Time {
    Time::from_ms(chrono::DateTime::parse_from_rfc3339(text).expect("a time").timestamp_millis())
}

#[tokio::test]
async fn what_a_raise_did_is_told_with_both_bids_and_the_state_that_followed() {
    let ran = half_an_hour("replace = \"never\"").await;
    let raised = first(&ran, "raise").await;
    let (row, request) = bid(&ran, raised).await;
    let told = told(&ran, raised);
    assert_says(
        &told,
        &format!(
            "server 6: the bid of order {} went from {} to {}",
            row["offer_id"], row["old_price"], row["new_price"]
        ),
    );
    assert_says(&told, "server 6: still outbid");
    assert!(!told.contains("nothing changed") && !told.contains("what was not done"), "{told}");
    let states = ran.view(View::States).await;
    let won = states.iter().find(|s| s["to_state"] == "holding" && s["seq"].parse::<u64>().expect("a number") > raised);
    let won = won.expect("it won");
    let read = rows(&ran.db, View::Requests).await.into_iter().find(|r| r["seq"] == won["seq"]).expect("the read");
    let after = time(&read["sent_at"]).since(time(&request["answered_at"]));
    let followed = told.lines().find(|l| l.contains(&format!("{after} later (request {}): ", won["seq"])));
    let followed = followed.unwrap_or_else(|| panic!("request {} is not in\n{told}", won["seq"]));
    assert!(followed.contains(&format!("our bid {} (holds the server)", row["new_price"])), "{followed}");
    assert!(followed.ends_with("server 6: outbid to holding (won)"), "{followed}");
}

#[tokio::test]
async fn a_refused_lowering_names_the_refusal_and_what_was_tried_next() {
    let ran = half_an_hour("replace = \"never\"").await;
    let bids = ran.view(View::Bids).await;
    let refused =
        bids.iter().find(|b| b["action"] == "lower" && b["outcome"] == "refused").expect("the step is learned");
    let next = bids.iter().find(|b| b["action"] == "lower" && b["outcome"] == "applied").expect("a lowering");
    let told = told(&ran, refused["seq"].parse().expect("a number"));
    let stays =
        format!("server 6: the bid of order {} stays at {} and is not", refused["offer_id"], refused["old_price"]);
    assert_says(&told, &format!("{stays} {}: exceeded_max_step", refused["new_price"]));
    assert_says(&told, "server 6: still holding");
    assert_says(&told, &format!("server 6: one step goes no lower than {}", next["new_price"]));
    let tried = told.lines().find(|l| l.contains(&format!("later (request {}): set_spot_price", next["seq"])));
    assert!(tried.is_some_and(|l| l.ends_with(&next["reason"])), "{told}");
}

#[tokio::test]
async fn a_raise_whose_answer_was_lost_is_in_doubt_until_a_read_tells() {
    let fault = format!("{RIVAL}[[fault]]\ncall = \"set_spot_price\"\nnth = 1\nkind = \"timeout\"\napplied = true\n");
    let ran = World::new(&one_server("", &fault)).run(&follow("replace = \"never\""), Span::from_secs(1200)).await;
    let bids = ran.view(View::Bids).await;
    let lost = bids.iter().find(|b| b["action"] == "raise" && b["outcome"] == "unknown").expect("a lost answer");
    let told = told(&ran, lost["seq"].parse().expect("a number"));
    let doubt = format!(
        "server 6: nobody knows whether the bid of order {} went from {} to {}",
        lost["offer_id"], lost["old_price"], lost["new_price"]
    );
    assert_says(&told, &format!("{doubt}; until reads tell the higher one counts: {}", lost["error"]));
    let settled = told.lines().find(|l| l.contains("later (request ")).expect("a read");
    assert!(settled.contains(&format!("our bid {} (holds the server)", lost["new_price"])), "{settled}");
}

#[tokio::test]
async fn a_lowering_that_was_not_made_is_told_with_its_moment_and_its_price() {
    let ran = half_an_hour("replace = \"never\"").await;
    let bids = ran.view(View::Bids).await;
    let lowered: Vec<_> = bids.iter().filter(|b| b["action"] == "lower" && b["outcome"] == "applied").collect();
    let [first, second, ..] = lowered.as_slice() else { panic!("{} lowerings", lowered.len()) };
    let seq: u64 = first["seq"].parse().expect("a number");
    let told = told(&ran, seq + 20);
    let (_, request) = bid(&ran, seq).await;
    // The 600 seconds count from the answer, and what was then bid is what had been said.
    let due = time(&request["answered_at"]) + Span::from_secs(600);
    assert!(time(&second["at"]) >= due, "{second:?}");
    let line = told.lines().find(|l| l.contains("our bid was not lowered")).unwrap_or_else(|| panic!("{told}"));
    let moved = format!("server 6: our bid was not lowered from {} to {}: ", second["old_price"], second["new_price"]);
    assert!(line.trim_start().starts_with(&moved), "{moved}\n{line}");
    assert!(
        line.contains("the next lowering is allowed in ") && line.contains(&format!(", at {}", rfc3339(due))),
        "{line}"
    );
    // The lowering itself says when the next one may come, and that none was left out.
    let made = self::told(&ran, seq);
    assert_says(&made, &format!("server 6: the next lowering is allowed at {}", rfc3339(due)));
    assert!(!made.contains("what was not done"), "{made}");
}

#[tokio::test]
async fn a_lowering_that_the_strategy_puts_off_is_told_too() {
    let ran = half_an_hour("replace = \"never\"\nlower = { after = \"10m\" }").await;
    let lowered = first(&ran, "lower").await;
    let told = told(&ran, lowered - 30);
    let line = told.lines().find(|l| l.contains("our bid was not lowered")).unwrap_or_else(|| panic!("{told}"));
    assert!(line.contains("there is slack above 0.0000") && line.ends_with("and lower.after is 10m"), "{line}");
}

#[tokio::test]
async fn a_raise_that_was_not_made_is_told_with_what_it_would_have_taken() {
    let giving_up = half_an_hour("raise = { give_up = \"0.000022\" }").await;
    let waiting = half_an_hour("raise = { wait = \"10m\" }").await;
    let fixed = World::new(&one_server("", RIVAL));
    let fixed =
        fixed.run(&follow("").replace("follow\"\n\n", "fixed\"\nopen = \"0.00002\"\n"), Span::from_secs(600)).await;
    let over = Price::parse("0.000025").expect("a price").plus(Price::parse("0.00000001").expect("a price"));
    let cases = [
        (
            &giving_up,
            over.to_string(),
            format!("the least winning bid {over} is above 0.000022, the most worth bidding"),
        ),
        (&waiting, String::new(), "and raise.wait is 10m".to_owned()),
        (&fixed, over.to_string(), "a fixed bid keeps its price".to_owned()),
    ];
    for (ran, to, why) in cases {
        let told = told(ran, 200);
        let line = told
            .lines()
            .find(|l| l.contains("our bid was not raised from 0.00002 to "))
            .unwrap_or_else(|| panic!("{told}"));
        assert!(line.contains(&to) && line.ends_with(&why), "{why}: {line}");
    }
}

#[tokio::test]
async fn a_create_in_doubt_is_followed_until_reads_have_settled_it() {
    let fault = "[[fault]]\ncall = \"create_order\"\nnth = 1\nkind = \"lost_before\"\n";
    let ran = World::new(&one_server("", fault)).run(&follow(""), Span::from_secs(400)).await;
    let bids = ran.view(View::Bids).await;
    assert_eq!([&bids[0]["action"], &bids[0]["outcome"]], ["place", "unknown"], "{bids:?}");
    let states = ran.view(View::States).await;
    let settled = states.iter().find(|s| s["cause"] == "never_appeared").expect("it never was");
    let told = told(&ran, bids[0]["seq"].parse().expect("a number"));
    assert_says(&told, "server 6: wanted to unknown (answer_unknown)");
    let last = told.lines().last().expect("a line");
    assert!(
        last.contains(&format!("later (request {}): server 6: unknown to ended (never_appeared)", settled["seq"])),
        "{told}"
    );
}
