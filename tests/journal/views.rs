//! What the views show of a run.

use clorebid::core::denial::Denial;
use clorebid::core::event::Event;
use clorebid::core::ids::{OrderId, ServerId, TargetId};
use clorebid::core::money::Amount;
use clorebid::core::request::Outcome;
use clorebid::history::{Cell, Filter, History, HistoryError, Rows, View};
use clorebid::journal::{Action, Journal, Received, RunStart, venue_text};
use rust_decimal::Decimal;

use crate::support::*;

const HOUR: i64 = 3_600_000;

fn text(rows: &Rows) -> Vec<String> {
    let shown = |cell: &Cell| match cell {
        Cell::Null => "-".to_string(),
        Cell::Integer(i) => i.to_string(),
        Cell::Real(text) | Cell::Text(text) => text.clone(),
        Cell::Blob(_) => "bytes".to_string(),
    };
    rows.rows.iter().map(|row| row.iter().map(shown).collect::<Vec<_>>().join(" | ")).collect()
}

async fn view(path: &std::path::Path, view: View) -> Vec<String> {
    text(&History::open_read_only(path).await.unwrap().view(view, &Filter::default()).await.unwrap())
}

/// The cells of the column with that name.
fn column(rows: &Rows, name: &str) -> Vec<Cell> {
    let at = rows.columns.iter().position(|column| column == name).expect("such a column");
    rows.rows.iter().map(|row| row[at].clone()).collect()
}

fn holding(order: u64, bid: &str, percent: i64, since: i64) -> Event {
    Event::HoldingFrom {
        target: TargetId(0),
        server: ServerId(6),
        order: OrderId(order),
        bid: price(bid),
        fee_percent: Decimal::from(percent),
        since: at(since),
    }
}

#[tokio::test]
async fn the_views_have_exactly_these_columns() {
    let (_dir, path, journal) = running().await;
    journal.close().await.unwrap();
    let mut history = History::open_read_only(&path).await.unwrap();
    for (view, columns) in [
        (
            View::Runs,
            "run_id, started_at, ended_at, mode, strategy, strategy_sha256, strategy_toml, version, venue, seed, ended_by, account",
        ),
        (View::Requests, "run_id, seq, sent_at, answered_at, call, args, http_status, code, error, outcome"),
        (
            View::Bids,
            "run_id, seq, at, target, server, offer_id, action, old_price, new_price, currency, outcome, reason, error",
        ),
        (View::States, "run_id, seq, at, target, server, from_state, to_state, cause"),
        (View::Observations, "run_id, seq, at, server, floor, best_rival, our_bid, holding, online, visibility"),
        (View::Holdings, "run_id, target, server, offer_id, from_at, to_at, bid, cost, currency, watched"),
        (View::Spend, "run_id, day, currency, cost, fees, held_seconds, venue_cost, difference"),
        (View::Notices, "run_id, seq, at, kind, target, server, offer_id, amount, currency, code, words"),
    ] {
        let shown = history.view(view, &Filter::default()).await.unwrap();
        let ours = history.sql(&format!("SELECT * FROM {}", view.name())).await.unwrap();
        let in_the_file = history.sql(&format!("SELECT * FROM main.{}", view.name())).await.unwrap();
        for rows in [shown, ours, in_the_file] {
            assert_eq!(rows.columns.join(", "), columns, "{}", view.name());
        }
    }
}

#[tokio::test]
async fn notices_tell_of_denials_orders_that_are_not_ours_and_creation_fees() {
    let (_dir, path, mut journal) = running().await;
    let (target, server) = (TargetId(0), ServerId(6));
    let amount = Amount::parse("0.000002").unwrap();
    let denial = Denial::MaxBid { bid: price("0.00007"), max: price("0.00006") };
    let words = denial.to_string();
    note(&mut journal, 1, 1000, Event::Denied { target, server, denial });
    note(&mut journal, 2, 2000, Event::ForeignOrder { server, order: OrderId(77), counts_for: Some(target) });
    note(&mut journal, 3, 3000, Event::CreationFee { target, server, order: OrderId(501), amount });
    journal.flush().await.unwrap();
    assert_eq!(
        view(&path, View::Notices).await,
        [
            format!("1 | 1 | 2026-11-01T00:00:01.000Z | denied | trainer | 6 | - | - | - | max_bid | {words}"),
            "1 | 2 | 2026-11-01T00:00:02.000Z | foreign_order | trainer | 6 | 77 | - | - | - | -".to_string(),
            "1 | 3 | 2026-11-01T00:00:03.000Z | creation_fee | trainer | 6 | 501 | 0.000002 | bitcoin | - | -"
                .to_string(),
        ]
    );
    let mut history = History::open_read_only(&path).await.unwrap();
    let of_target = Filter { target: Some("trainer".into()), limit: Some(1), ..Filter::default() };
    assert_eq!(column(&history.view(View::Notices, &of_target).await.unwrap(), "seq"), [Cell::Integer(3)]);
}

#[tokio::test]
async fn a_run_tells_the_account_apart_from_the_address() {
    let (_dir, path) = db();
    let mut journal = Journal::open(&path).await.unwrap();
    let venue = venue_text("https://api.example/v1", "1a2b3c4d");
    journal.begin_run(RunStart { venue: &venue, ..start("") }).await.unwrap();
    let mut history = History::open_read_only(&path).await.unwrap();
    let runs = history.view(View::Runs, &Filter::default()).await.unwrap();
    assert_eq!(column(&runs, "venue"), [Cell::Text("https://api.example/v1".into())]);
    assert_eq!(column(&runs, "account"), [Cell::Text("1a2b3c4d".into())]);
}

#[tokio::test]
async fn runs_and_requests_tell_what_happened_to_the_millisecond() {
    let (_dir, path, mut journal) = running().await;
    journal.intend((), read_of(1, 7)).await.unwrap();
    journal.record(Received { sighting: Some(sighting()), ..answer(1, 1006, "{}") }).await.unwrap();
    journal.intend((), read_of(2, 2000)).await.unwrap();
    let lost = Received {
        status: None,
        code: None,
        error: Some("timed_out".into()),
        outcome: Outcome::Unknown,
        ..answer(2, 9000, "")
    };
    journal.record(lost).await.unwrap();
    journal.intend((), change_of(3, 10_000, Action::Place, None, Some("0.00005"))).await.unwrap();
    journal.flush().await.unwrap();
    assert_eq!(
        view(&path, View::Requests).await,
        [
            "1 | 1 | 2026-11-01T00:00:00.007Z | 2026-11-01T00:00:01.006Z | spot_marketplace | {\"market\":6} | 200 | 0 | - | applied",
            "1 | 2 | 2026-11-01T00:00:02.000Z | 2026-11-01T00:00:09.000Z | spot_marketplace | {\"market\":6} | - | - | timed_out | unknown",
            "1 | 3 | 2026-11-01T00:00:10.000Z | - | create_order | {\"server\":6} | - | - | - | pending",
        ]
    );
    assert_eq!(
        view(&path, View::Observations).await,
        ["1 | 1 | 2026-11-01T00:00:01.006Z | 6 | 0.000001 | - | 0.0000421 | 1 | 1 | public"]
    );
    journal.end_run(at(20_000), "signal").await.unwrap();
    let runs = view(&path, View::Runs).await;
    assert!(runs[0].starts_with("1 | 2026-11-01T00:00:00.000Z | 2026-11-01T00:00:20.000Z | paper | hold-one | "));
    assert!(runs[0].ends_with(&format!(" | {} | calm | 7 | signal | -", env!("CARGO_PKG_VERSION"))), "{}", runs[0]);
    // The strategy file's bytes through sha256sum.
    assert!(runs[0].contains("| 43d8a1800716a30dba65726556e524550540ce49383aec233b588fc93739ab0a |"), "{}", runs[0]);
}

async fn change(journal: &mut Journal, seq: u64, ms: i64, action: Action, old: Option<&str>, new: Option<&str>) {
    journal.intend((), change_of(seq, ms, action, old, new)).await.unwrap();
}

#[tokio::test]
async fn bids_tell_every_change_with_the_order_a_place_turned_out_to_be() {
    let (_dir, path, mut journal) = running().await;
    change(&mut journal, 1, 0, Action::Place, None, Some("0.00005")).await;
    let refused = Received {
        code: Some(6),
        error: Some("not_enough_balance".into()),
        outcome: Outcome::Refused,
        ..answer(1, 50, "{}")
    };
    journal.record(refused).await.unwrap();
    change(&mut journal, 2, 1000, Action::Place, None, Some("0.00005")).await;
    journal.record(answer(2, 1050, "{}")).await.unwrap();
    note(&mut journal, 3, 2000, holding(501, "0.00005", 0, 2000));
    change(&mut journal, 4, 3000, Action::Lower, Some("0.00005"), Some("0.000049")).await;
    journal.record(answer(4, 3050, "{}")).await.unwrap();
    change(&mut journal, 5, 4000, Action::Cancel, Some("0.000049"), None).await;
    let reason = "outbid by 0.0000042; least winning bid 0.00000421";
    assert_eq!(
        view(&path, View::Bids).await,
        [
            format!(
                "1 | 1 | 2026-11-01T00:00:00.000Z | trainer | 6 | - | place | - | 0.00005 | bitcoin | refused | {reason} | not_enough_balance"
            ),
            format!(
                "1 | 2 | 2026-11-01T00:00:01.000Z | trainer | 6 | 501 | place | - | 0.00005 | bitcoin | applied | {reason} | -"
            ),
            format!(
                "1 | 4 | 2026-11-01T00:00:03.000Z | trainer | 6 | 501 | lower | 0.00005 | 0.000049 | bitcoin | applied | {reason} | -"
            ),
            format!(
                "1 | 5 | 2026-11-01T00:00:04.000Z | trainer | 6 | 501 | cancel | 0.000049 | - | bitcoin | pending | {reason} | -"
            ),
        ]
    );
}

#[tokio::test]
async fn holdings_and_spend_are_exact_through_a_new_price_and_over_midnight() {
    let (_dir, path, mut journal) = running().await;
    note(&mut journal, 1, 23 * HOUR, holding(501, "0.0001", 5, 23 * HOUR));
    // The same order at another price: the former stretch ends at that instant.
    note(&mut journal, 2, 23 * HOUR + 30 * 60_000, holding(501, "0.00007", 5, 23 * HOUR + 30 * 60_000));
    let fee = Amount::parse("0.000002").unwrap();
    let charged = Event::CreationFee { target: TargetId(0), server: ServerId(6), order: OrderId(501), amount: fee };
    note(&mut journal, 2, 23 * HOUR + 30 * 60_000, charged);
    note(&mut journal, 3, 25 * HOUR + 1, Event::HoldingTo { server: ServerId(6), order: OrderId(501) });
    note(&mut journal, 4, 26 * HOUR, holding(502, "0.00007", 0, 26 * HOUR));
    journal.flush().await.unwrap();
    assert_eq!(
        view(&path, View::Holdings).await,
        [
            "1 | trainer | 6 | 501 | 2026-11-01T23:00:00.000Z | 2026-11-01T23:30:00.000Z | 0.0001 | 0.000002083333333333 | bitcoin | 1",
            "1 | trainer | 6 | 501 | 2026-11-01T23:30:00.000Z | 2026-11-02T01:00:00.001Z | 0.00007 | 0.000004375000810185 | bitcoin | 1",
            "1 | trainer | 6 | 502 | 2026-11-02T02:00:00.000Z | - | 0.00007 | - | bitcoin | 1",
        ]
    );
    // 0.0001 × 1,800,000 + 0.00007 × 1,800,000 = 306 on the first day, 0.00007 × 3,600,001 = 252.00007 on the second.
    assert_eq!(
        view(&path, View::Spend).await,
        [
            "1 | 2026-11-01 | bitcoin | 0.000003541666666667 | 0.000002177083333333 | 3600 | - | -",
            "1 | 2026-11-02 | bitcoin | 0.000002916667476852 | 0.000000145833373843 | 3600 | - | -",
        ]
    );
    // An open stretch is counted every ten minutes of the run's time, and ends with the run.
    read(&mut journal, 5, 26 * HOUR + 600_000, "{}").await;
    journal.flush().await.unwrap();
    assert!(view(&path, View::Spend).await[1].ends_with(" | 4200 | - | -"));
    journal.end_run(at(27 * HOUR), "signal").await.unwrap();
    assert!(view(&path, View::Spend).await[1].ends_with(" | 7200 | - | -"));
    assert!(view(&path, View::Holdings).await[2].contains("2026-11-02T03:00:00.000Z | 0.00007 | 0.000002916666666667"));
}

#[tokio::test]
async fn a_filter_picks_and_a_limit_keeps_the_newest_in_order() {
    let (_dir, path, mut journal) = running().await;
    for seq in 1..=10 {
        read(&mut journal, seq, seq as i64 * 1000, "{}").await;
    }
    journal.end_run(at(11_000), "signal").await.unwrap();
    let mut history = History::open_read_only(&path).await.unwrap();
    let seqs = |rows: Rows| column(&rows, "seq");
    let newest = Filter { limit: Some(2), run: Some(1), ..Filter::default() };
    assert_eq!(seqs(history.view(View::Requests, &newest).await.unwrap()), [Cell::Integer(9), Cell::Integer(10)]);
    // Both ends are in.
    for (until, newest) in [(4999, 4), (5000, 5), (5001, 5)] {
        let between = Filter { since: Some(at(3000)), until: Some(at(until)), ..Filter::default() };
        let wanted: Vec<Cell> = (3..=newest).map(Cell::Integer).collect();
        assert_eq!(seqs(history.view(View::Requests, &between).await.unwrap()), wanted);
    }
    let none = Filter { run: Some(2), ..Filter::default() };
    assert!(history.view(View::Requests, &none).await.unwrap().rows.is_empty());
    for (view, filter) in [
        (View::Runs, Filter { server: Some(6), ..Filter::default() }),
        (View::Spend, Filter { target: Some("trainer".into()), ..Filter::default() }),
    ] {
        let error = history.view(view, &filter).await.unwrap_err();
        assert!(matches!(error, HistoryError::Filter { .. }), "{error}");
        assert!(error.to_string().contains("--run, --since, --until, --limit"), "{error}");
    }
}

/// Whatever the bounds, a filter by time keeps exactly the rows whose own time is within them.
#[tokio::test]
async fn a_filter_by_time_keeps_what_lies_within_it_and_nothing_else() {
    let (_dir, path, mut journal) = running().await;
    // Some requests share a moment, some are never answered, and every fifth is a change.
    for seq in 1..=40 {
        let ms = (seq as i64 / 2) * 1000;
        if seq % 5 == 0 {
            change(&mut journal, seq, ms, Action::Place, None, Some("0.00005")).await;
            journal.record(answer(seq, ms + 400, "{}")).await.unwrap();
            continue;
        }
        journal.intend((), read_of(seq, ms)).await.unwrap();
        if seq % 7 != 0 {
            journal.record(Received { sighting: Some(sighting()), ..answer(seq, ms + 400, "{}") }).await.unwrap();
        }
    }
    journal.end_run(at(30_000), "signal").await.unwrap();
    let mut history = History::open_read_only(&path).await.unwrap();
    for (view, time_column) in [(View::Requests, "sent_at"), (View::Observations, "at")] {
        let run = Filter { run: Some(1), ..Filter::default() };
        let all = history.view(view, &run).await.unwrap();
        let times = column(&all, time_column);
        for (since, until) in
            (-1..23).flat_map(|a| (-1..23).map(move |b| (a * 1000 + 200 * (a % 3), b * 1000 + 400 * (b % 2))))
        {
            let filter = Filter { since: Some(at(since)), until: Some(at(until)), ..run.clone() };
            let (first, last) = (clorebid::clock::rfc3339(at(since)), clorebid::clock::rfc3339(at(until)));
            let within = |at: &Cell| matches!(at, Cell::Text(at) if *at >= first && *at <= last);
            let wanted = all.rows.iter().zip(&times).filter(|(_, at)| within(at));
            let wanted: Vec<Vec<Cell>> = wanted.map(|(row, _)| row.clone()).collect();
            assert_eq!(history.view(view, &filter).await.unwrap().rows, wanted, "{} {since} {until}", view.name());
            let two = Filter { limit: Some(2), ..filter };
            let newest = wanted[wanted.len().saturating_sub(2)..].to_vec();
            assert_eq!(history.view(view, &two).await.unwrap().rows, newest, "{} {since} {until}", view.name());
        }
    }
}

#[tokio::test]
async fn a_run_or_a_server_that_is_not_there_shows_nothing_under_every_column() {
    let (_dir, path, mut journal) = running().await;
    read(&mut journal, 1, 0, "{}").await;
    journal.end_run(at(1000), "signal").await.unwrap();
    let mut history = History::open_read_only(&path).await.unwrap();
    let absent =
        [(View::Observations, Some(1), Some(7)), (View::Requests, Some(2), None), (View::Requests, Some(-1), None)];
    for (view, run, server) in absent {
        let filter = Filter { run, server, since: Some(at(0)), limit: Some(9), ..Filter::default() };
        let rows = history.view(view, &filter).await.unwrap();
        assert_eq!((rows.columns[1].as_str(), rows.columns.len(), rows.rows.len()), ("seq", 10, 0), "{}", view.name());
    }
}

#[tokio::test]
async fn a_day_of_spend_is_shown_when_any_moment_of_it_is_asked_for() {
    let (_dir, path, mut journal) = running().await;
    note(&mut journal, 1, 12 * HOUR, holding(501, "0.0001", 0, 12 * HOUR));
    journal.end_run(at(36 * HOUR), "signal").await.unwrap();
    let mut history = History::open_read_only(&path).await.unwrap();
    for (since, until, days) in [(13, 14, 1), (0, 23, 1), (0, 24, 2), (24, 25, 1), (23, 25, 2), (48, 49, 0)] {
        let filter = Filter { since: Some(at(since * HOUR)), until: Some(at(until * HOUR)), ..Filter::default() };
        assert_eq!(history.view(View::Spend, &filter).await.unwrap().rows.len(), days, "{since} to {until}");
    }
}

#[tokio::test]
async fn notices_tell_of_a_machine_that_slept() {
    let (_dir, path, mut journal) = running().await;
    journal.note_jump(4, at(5_000), "the machine slept for 15m");
    journal.flush().await.unwrap();
    let row = "1 | 4 | 2026-11-01T00:00:05.000Z | clock_jump | - | - | - | - | - | - | the machine slept for 15m";
    assert_eq!(view(&path, View::Notices).await, [row]);
}

#[tokio::test]
async fn a_stretch_of_holding_is_in_if_any_moment_of_it_is() {
    let (_dir, path, mut journal) = running().await;
    note(&mut journal, 1, HOUR, holding(501, "0.0001", 0, HOUR));
    note(&mut journal, 2, 2 * HOUR, Event::HoldingTo { server: ServerId(6), order: OrderId(501) });
    note(&mut journal, 3, 3 * HOUR, holding(502, "0.0001", 0, 3 * HOUR));
    journal.flush().await.unwrap();
    let mut history = History::open_read_only(&path).await.unwrap();
    for (since, until, orders) in [
        (0, HOUR - 1, vec![]),
        (0, HOUR, vec![501]),
        (HOUR + 60_000, 2 * HOUR, vec![501]),
        (2 * HOUR + 1, 3 * HOUR - 1, vec![]),
        (9 * HOUR, 10 * HOUR, vec![502]),
    ] {
        let filter = Filter { since: Some(at(since)), until: Some(at(until)), ..Filter::default() };
        let shown = history.view(View::Holdings, &filter).await.unwrap();
        let orders: Vec<Cell> = orders.into_iter().map(Cell::Integer).collect();
        assert_eq!(column(&shown, "offer_id"), orders, "{since} to {until}");
    }
}
