//! A backtest on record: the same run as without a record, its numbers recomputed from the views alone, and the tape of
//! a paper run asked the same again.

mod common;

use clorebid::backtest::{Ran, Recorded, Rivals, VenueRules, bounds, keep_oracle_run, run, run_recorded};
use clorebid::core::money::{Accrual, Amount, Price};
use clorebid::core::time::{Span, Time};
use clorebid::history::{History, View};
use clorebid::journal::Journal;
use clorebid::strategy::{self, StrategyFile};
use clorebid::tape::{Reader, Series, SeriesOptions, Writer, export};
use common::{World, assert_sound_and_busy, follow, one_server, rows};
use rust_decimal::Decimal;

/// Rivals that come and go by a script and answer nobody.
const SCRIPT: &str = r#"
[[server.rival]]
at = "5m"
until = "35m"
bid = "0.000023"
moves = [{ at = "15m", bid = "0.000026" }]
[[server.rival]]
at = "70m"
until = "75m"
bid = "0.0000225"
[[server.event]]
at = "80m"
for = "4m"
kind = "offline"
"#;

/// A paper run of two hours and the tape of everything it read.
async fn paper_run_and_its_tape(strategy: &str) -> (Vec<String>, Recorded) {
    let world = World::new(&one_server("order_delay = \"0s\"\nfee_percent = \"0\"", SCRIPT));
    let ran = world.run(strategy, Span::from_secs(2 * 3600)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("paper.jsonl.zst");
    let mut history = History::open_read_only(&ran.db).await.expect("a journal");
    let mut writer = Writer::create(&path).expect("a tape");
    assert!(export(&mut history, 1, &mut writer).await.expect("an export") > 6000);
    writer.finish().expect("a tape");
    let series = Series::read(Reader::open(&[path]).expect("a tape"), &SeriesOptions::default()).expect("a series");
    (ran.asks, Recorded::new(series))
}

fn rules(strategy: &StrategyFile) -> VenueRules {
    VenueRules {
        tick: strategy.strategy.venue.tick,
        step: Price::parse("0.000001").expect("a price"),
        lower_every: Span::from_secs(600),
        creation_fee: Amount::ZERO,
        fee_percent: Decimal::ZERO,
    }
}

/// Without the order's number, which each venue gives out as it likes.
fn without_order(ask: &str) -> String {
    let Some((before, rest)) = ask.split_once("\"order\":") else { return ask.to_owned() };
    format!("{before}{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[tokio::test]
async fn the_tape_of_a_paper_run_is_asked_what_the_paper_run_asked() {
    let text = follow("replace = \"never\"");
    let (paper, recorded) = paper_run_and_its_tape(&text).await;
    let file = strategy::read(&text, "s.toml").expect("a strategy");
    let mut asked = Vec::new();
    run(&file.strategy, &recorded, &rules(&file), Rivals::Static, false, &mut |now, ask, _, _| {
        let request = serde_json::to_string(&ask.request).expect("JSON");
        asked.push(format!("{} {} {request} {}", clorebid::clock::rfc3339(now), ask.seq, ask.reason));
    });
    // The tape begins with its first answer, which is what the paper run asked first.
    assert!(asked.len() + 5 > paper.len(), "{} asks of {}", asked.len(), paper.len());
    for (n, (taped, paper)) in asked.iter().zip(&paper).enumerate() {
        assert_eq!(without_order(taped), without_order(paper), "ask {n}");
    }
}

async fn on_record(file: &StrategyFile, recorded: &Recorded) -> (Ran, tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("backtest.db");
    let journal = Journal::open(&db).await.expect("a journal");
    let (ran, journal, _) =
        run_recorded(file, recorded, &rules(file), Rivals::Static, "paper", journal, &mut |_, _, _, _| {})
            .await
            .expect("a run");
    journal.close().await.expect("a closed journal");
    (ran, folder, db)
}

fn time(text: &str) -> Time {
    Time::from_ms(chrono::DateTime::parse_from_rfc3339(text).expect("a time").timestamp_millis())
}

#[tokio::test]
async fn the_numbers_of_a_backtest_are_those_of_its_views() {
    let text = follow("replace = \"never\"");
    let (_, recorded) = paper_run_and_its_tape(&text).await;
    let file = strategy::read(&text, "s.toml").expect("a strategy");
    let (ran, _folder, db) = on_record(&file, &recorded).await;

    let mut unrecorded = run(&file.strategy, &recorded, &rules(&file), Rivals::Static, true, &mut |_, _, _, _| {});
    unrecorded.counts.steps = ran.counts.steps;
    assert_eq!(ran, unrecorded, "recording changes nothing");

    let holdings = rows(&db, View::Holdings).await;
    let mut cost = Accrual::ZERO;
    let (mut held_ms, mut restarts, mut last_end) = (0, 0, None);
    for row in &holdings {
        let (from, to) = (time(&row["from_at"]), time(&row["to_at"]));
        let bid = Price::parse(&row["bid"]).expect("a price");
        cost = cost.plus(bid.accrue(to.since(from)));
        held_ms += to.since(from).ms();
        restarts += u64::from(last_end != Some(from));
        last_end = Some(to);
    }
    assert_eq!(ran.cost, cost.amount());
    assert_eq!(ran.held_ms, held_ms);
    assert_eq!(ran.restarts, restarts);
    assert!(restarts >= 3, "the script evicts: {holdings:?}");

    let per_day = Price::parse("0.00008").expect("a price");
    let (from, to) = recorded.span();
    let unheld = Span::from_ms(to.since(from).ms() - held_ms);
    let restart_cost = per_day.accrue(Span::from_secs(600)).amount().decimal() * Decimal::from(restarts);
    let effective = ran.cost.plus(Amount::new(restart_cost).expect("a sum")).plus(per_day.accrue(unheld).amount());
    assert_eq!(ran.effective_cost, effective);

    let bids = rows(&db, View::Bids).await;
    let count = |action: &str| bids.iter().filter(|b| b["action"] == action && b["outcome"] == "applied").count();
    let counts = ran.counts;
    assert_eq!((count("place"), count("raise")), (to_usize(counts.places), to_usize(counts.raises)));
    assert_eq!((count("lower"), count("cancel")), (to_usize(counts.lowerings), to_usize(counts.cancels)));
}

fn to_usize(n: u64) -> usize {
    usize::try_from(n).expect("a count")
}

#[tokio::test]
async fn a_recorded_backtest_replays_and_verifies_like_any_run() {
    let text = follow("");
    let (_, recorded) = paper_run_and_its_tape(&text).await;
    let file = strategy::read(&text, "s.toml").expect("a strategy");
    let (_, _folder, db) = on_record(&file, &recorded).await;
    assert_sound_and_busy(&db, 6_000, 8).await;
}

#[tokio::test]
async fn the_oracles_run_costs_what_the_oracle_says() {
    let text = follow("");
    let (_, recorded) = paper_run_and_its_tape(&text).await;
    let file = strategy::read(&text, "s.toml").expect("a strategy");
    let (rules, tick) = (rules(&file), Span::from_secs(60));
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("oracle.db");
    let mut journal = Journal::open(&db).await.expect("a journal");
    keep_oracle_run(&file.strategy, &recorded, &rules, tick, "paper", &mut journal).await.expect("a plan");
    journal.close().await.expect("a closed journal");

    let bids = rows(&db, View::Bids).await;
    let places = bids.iter().filter(|b| b["action"] == "place").count();
    let mut cost = Accrual::ZERO;
    let mut held_ms = 0;
    for row in &rows(&db, View::Holdings).await {
        let span = time(&row["to_at"]).since(time(&row["from_at"]));
        cost = cost.plus(Price::parse(&row["bid"]).expect("a price").accrue(span));
        held_ms += span.ms();
    }
    let per_day = Price::parse("0.00008").expect("a price");
    let (from, to) = recorded.span();
    let planned_ms = to.since(from).ms() / tick.ms() * tick.ms();
    let unheld = per_day.accrue(Span::from_ms(planned_ms - held_ms)).amount();
    let restart = per_day.accrue(Span::from_secs(600)).amount().decimal() * Decimal::from(places);
    let total = cost.amount().plus(unheld).plus(Amount::new(restart).expect("a sum"));
    let oracle = bounds(&file.strategy, &recorded, &rules, tick).expect("bounds").oracle_cost;
    let off = total.minus(oracle).plus(oracle.minus(total));
    assert!(
        off <= Amount::parse("0.000000000000000010").expect("a sum"),
        "{total} by the views, {oracle} by the oracle"
    );
    assert!(places >= 1 && held_ms > 0);
}
