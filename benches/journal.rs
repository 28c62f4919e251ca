//! Rows a second through the journal, beside bare SQLite that keeps the same bytes with the same durability.

mod common;

use std::time::Duration;

use clorebid::core::ask::Outcome;
use clorebid::core::money::Currency;
use clorebid::core::time::Time;
use clorebid::journal::{Journal, Mode, Received, RunStart, Sent};
use common::{in_turns, print, time};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

const ROWS: u64 = 20_000;
const ROWS_A_COMMIT: u64 = 500;

fn sent(seq: u64) -> Sent<'static> {
    Sent {
        seq,
        at: at(seq),
        call: "spot_marketplace",
        args: "{\"market\":6}".to_owned(),
        request: "{\"spot_market\":{\"server\":6}}".to_owned(),
        target: Some("trainer"),
        reason: "last read 1.05s ago".to_owned(),
        bid: None,
        memory: None,
    }
}

fn at(seq: u64) -> Time {
    Time::from_ms(1_767_225_600_000 + i64::try_from(seq).expect("small") * 1050)
}

/// An answer that differs from the one before, as a market that moves.
fn body(seq: u64) -> String {
    format!(
        "{{\"market\":{{\"offers\":[{{\"offer_id\":7,\"bid\":0.{:06},\"active\":true,\"my\":true}}],\"server\":\
         {{\"min_pricing\":{{\"bitcoin\":0.000001}},\"mrl\":2592000,\"visibility\":\"public\",\"online\":true}}}},\
         \"exists\":true,\"code\":0}}",
        seq % 1_000_000
    )
}

async fn journal() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut journal = Journal::open(&folder.path().join("a.db")).await.expect("a journal");
    let start = RunStart {
        at: at(0),
        mode: Mode::Paper,
        strategy: "bench",
        strategy_toml: "",
        venue: "bench",
        seed: None,
        currency: Currency::Bitcoin,
        memory: "",
    };
    journal.begin_run(start).await.expect("a run");
    for seq in 1..=ROWS {
        journal.intend((), sent(seq)).await.expect("an intent");
        let received = Received {
            seq,
            at: at(seq),
            status: Some(200),
            body: body(seq).into(),
            code: Some(0),
            error: None,
            outcome: Outcome::Applied,
            offer_id: None,
            sighting: None,
        };
        journal.record(received).await.expect("a record");
        if seq.is_multiple_of(ROWS_A_COMMIT) {
            journal.flush().await.expect("a commit");
        }
    }
    journal.flush().await.expect("a commit");
    journal.close().await.expect("closed");
}

/// The same columns and bytes in as few statements as SQLite is fast with.
async fn bare() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("a.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut conn = options.connect().await.expect("a file");
    let create = "CREATE TABLE r (seq, at, call, args, request, target, reason, status, body, code)";
    sqlx::query(create).execute(&mut conn).await.expect("a table");
    for first in (1..=ROWS).step_by(500) {
        let mut tx = conn.begin().await.expect("a transaction");
        for from in (first..first + ROWS_A_COMMIT).step_by(100) {
            let sql = format!("INSERT INTO r VALUES {}", ["(?,?,?,?,?,?,?,?,?,?)"; 100].join(","));
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for seq in from..from + 100 {
                let sent = sent(seq);
                query = query.bind(i64::try_from(seq).expect("small")).bind(sent.at.ms()).bind(sent.call);
                query = query.bind(sent.args).bind(sent.request).bind(sent.target).bind(sent.reason);
                query = query.bind(200).bind(body(seq)).bind(0);
            }
            query.execute(&mut *tx).await.expect("rows");
        }
        tx.commit().await.expect("a commit");
    }
    conn.close().await.expect("closed");
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let run =
        |work: fn() -> std::pin::Pin<Box<dyn Future<Output = ()>>>| -> Duration { time(|| runtime.block_on(work())) };
    let times = in_turns(5, || run(|| Box::pin(bare())), || run(|| Box::pin(journal())));
    print("journal of reads", ROWS, "rows", "bare SQLite", times);
}
