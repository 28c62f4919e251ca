//! Short ways to write a run.

use std::path::PathBuf;
use std::time::Duration;

use clorebid::core::event::Event;
use clorebid::core::ids::{OrderId, ServerId, TargetId};
use clorebid::core::money::{Currency, Price};
use clorebid::core::request::Outcome;
use clorebid::core::time::Time;
use clorebid::journal::{Action, BidSent, Journal, Mode, Received, RunStart, Sent, Sighting};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};
use tempfile::TempDir;

/// 2026-11-01T00:00:00Z.
pub(crate) const START: Time = Time::from_secs(1_793_491_200);

pub(crate) fn at(ms: i64) -> Time {
    Time::from_ms(START.ms() + ms)
}

pub(crate) fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

pub(crate) fn db() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clorebid.db");
    (dir, path)
}

pub(crate) fn start(memory: &str) -> RunStart<'_> {
    RunStart {
        at: START,
        mode: Mode::Paper,
        strategy: "hold-one",
        strategy_toml: "name = \"hold-one\"\n",
        venue: "calm",
        seed: Some(7),
        currency: Currency::Bitcoin,
        memory,
    }
}

/// A journal with a run open in it.
pub(crate) async fn running() -> (TempDir, PathBuf, Journal) {
    let (dir, path) = db();
    let mut journal = Journal::open(&path).await.unwrap();
    journal.begin_run(start("{\"first\":1}")).await.unwrap();
    (dir, path, journal)
}

pub(crate) fn read_of(seq: u64, ms: i64) -> Sent<'static> {
    Sent {
        seq,
        at: at(ms),
        call: "spot_marketplace",
        args: "{\"market\":6}".to_string(),
        request: "{\"spot_market\":{\"server\":6}}".to_string(),
        target: Some("trainer"),
        reason: "last read 1.05s ago".to_string(),
        bid: None,
        memory: None,
    }
}

pub(crate) fn change_of(seq: u64, ms: i64, action: Action, old: Option<&str>, new: Option<&str>) -> Sent<'static> {
    let order = (action != Action::Place).then_some(OrderId(501));
    Sent {
        call: match action {
            Action::Place => "create_order",
            Action::Raise | Action::Lower => "set_spot_price",
            Action::Cancel => "cancel_order",
        },
        args: "{\"server\":6}".to_string(),
        request: "{\"create\":{\"server\":6}}".to_string(),
        reason: "outbid by 0.0000042; least winning bid 0.00000421".to_string(),
        bid: Some(BidSent { action, server: ServerId(6), order, old_price: old.map(price), new_price: new.map(price) }),
        memory: Some(format!("{{\"seq\":{seq}}}")),
        ..read_of(seq, ms)
    }
}

pub(crate) fn answer(seq: u64, ms: i64, body: &str) -> Received {
    Received {
        seq,
        at: at(ms),
        status: Some(200),
        body: body.to_string().into(),
        code: Some(0),
        error: None,
        outcome: Outcome::Applied,
        offer_id: None,
        sighting: None,
    }
}

pub(crate) fn sighting() -> Sighting {
    Sighting {
        server: ServerId(6),
        floor: Some(price("0.000001")),
        best_rival: None,
        our_bid: Some(price("0.0000421")),
        holding: true,
        online: true,
        visibility: "public".to_string(),
    }
}

/// One read with its answer.
pub(crate) async fn read(journal: &mut Journal, seq: u64, ms: i64, body: &str) {
    let call = journal.intend(seq, read_of(seq, ms)).await.unwrap();
    assert_eq!(call.into_inner(), seq);
    journal.record(answer(seq, ms + 40, body)).await.unwrap();
}

pub(crate) fn note(journal: &mut Journal, seq: u64, ms: i64, change: Event) {
    journal.note(seq, at(ms), |TargetId(_)| "trainer", &change);
}

/// Another process's look at the file.
pub(crate) async fn look(path: &std::path::Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

/// Waits until the table has so many rows, as it soon must.
pub(crate) async fn until_count(conn: &mut SqliteConnection, table: &str, rows: i64) {
    for _ in 0..1000 {
        if count(conn, table).await == rows {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{table} has {} rows and not {rows}", count(conn, table).await);
}

pub(crate) async fn count(conn: &mut SqliteConnection, table: &str) -> i64 {
    let sql = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    sqlx::query_scalar(sql).fetch_one(conn).await.unwrap()
}
