//! Requests a second through the journal, beside bare SQLite that keeps what the journal was handed, in as many commits
//! and as durably. Making the files is left out of both.

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use clorebid::core::ids::ServerId;
use clorebid::core::request::Outcome;
use clorebid::core::time::Time;
use clorebid::journal::{Journal, Received, Sent, Sighting};
use common::{in_turns, price, print, run_start};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

const ROWS: u64 = 20_000;
/// The journal commits as often as so many rows of its own have gathered.
const OWN_ROWS_A_COMMIT: u64 = 500;
/// Rows a statement: bare SQLite is no faster with more.
const BATCH: u64 = 100;

/// What comes back to the reads.
#[derive(Clone, Copy)]
struct Answers {
    /// One in so many is new.
    new_every: u64,
    /// Whether each tells where we stand on the market, as those of the spot market do.
    seen: bool,
}

impl Answers {
    /// Requests a commit: each is a row, and each new answer another, or two with our place on the market.
    fn a_commit(self) -> u64 {
        OWN_ROWS_A_COMMIT * self.new_every / (self.new_every + 1 + u64::from(self.seen))
    }
}

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

/// An answer that differs from the one before in one bid.
fn body(seq: u64) -> String {
    format!(
        "{{\"market\":{{\"offers\":[{{\"offer_id\":7,\"bid\":0.{:06},\"active\":true,\"my\":true}}],\"server\":\
         {{\"min_pricing\":{{\"bitcoin\":0.000001}},\"mrl\":2592000,\"visibility\":\"public\",\"online\":true}}}},\
         \"exists\":true,\"code\":0}}",
        seq % 1_000_000
    )
}

fn sighting() -> Sighting {
    Sighting {
        server: ServerId(6),
        floor: Some(price("0.000001")),
        best_rival: Some(price("0.0000421")),
        our_bid: Some(price("0.00004211")),
        holding: true,
        online: true,
        visibility: "public".to_owned(),
    }
}

async fn journal(answers: Answers) -> Duration {
    let folder = tempfile::tempdir().expect("a folder");
    let mut journal = Journal::open(&folder.path().join("a.db")).await.expect("a journal");
    journal.begin_run(run_start(at(0))).await.expect("a run");
    let begun = Instant::now();
    for seq in 1..=ROWS {
        journal.intend((), sent(seq)).await.expect("an intent");
        let received = Received {
            seq,
            at: at(seq),
            status: Some(200),
            body: body(seq / answers.new_every).into(),
            code: Some(0),
            error: None,
            outcome: Outcome::Applied,
            offer_id: None,
            sighting: answers.seen.then(sighting),
        };
        journal.record(received).await.expect("a record");
        journal.flush_if_due().await.expect("no commit failed");
    }
    journal.flush().await.expect("a commit");
    journal.close().await.expect("closed");
    begun.elapsed()
}

/// The same columns and bytes in as few statements as SQLite is fast with.
async fn bare(answers: Answers) -> Duration {
    let folder = tempfile::tempdir().expect("a folder");
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("a.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut conn = options.connect().await.expect("a file");
    let mut columns =
        "seq, at, call, args, request, target, reason, answered_at, status, body, code, outcome".to_owned();
    if answers.seen {
        columns.push_str(", server, floor, best_rival, our_bid, holding, online, visibility");
    }
    let create = format!("CREATE TABLE r ({columns})");
    sqlx::query(AssertSqlSafe(create)).execute(&mut conn).await.expect("a table");
    let row = format!("({})", vec!["?"; columns.split(',').count()].join(","));
    let insert = |rows: u64| format!("INSERT INTO r VALUES {}", vec![row.as_str(); rows as usize].join(",")).into();
    let inserts: Vec<Arc<str>> = (0..=BATCH).map(insert).collect();
    let begun = Instant::now();
    for first in (1..=ROWS).step_by(answers.a_commit() as usize) {
        let mut tx = conn.begin().await.expect("a transaction");
        let past = (first + answers.a_commit()).min(ROWS + 1);
        for from in (first..past).step_by(BATCH as usize) {
            let rows = BATCH.min(past - from);
            let mut query = sqlx::query(AssertSqlSafe(Arc::clone(&inserts[rows as usize])));
            for seq in from..from + rows {
                let sent = sent(seq);
                query = query.bind(i64::try_from(seq).expect("small")).bind(sent.at.ms()).bind(sent.call);
                query = query.bind(sent.args).bind(sent.request).bind(sent.target).bind(sent.reason);
                query = query.bind(at(seq).ms()).bind(200).bind(body(seq / answers.new_every)).bind(0).bind("applied");
                if answers.seen {
                    let seen = sighting();
                    query = query.bind(6).bind(seen.floor.map(|p| p.to_string()));
                    query =
                        query.bind(seen.best_rival.map(|p| p.to_string())).bind(seen.our_bid.map(|p| p.to_string()));
                    query = query.bind(seen.holding).bind(seen.online).bind(seen.visibility);
                }
            }
            query.execute(&mut *tx).await.expect("rows");
        }
        tx.commit().await.expect("a commit");
    }
    conn.close().await.expect("closed");
    begun.elapsed()
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for (what, new_every, seen) in [
        ("every answer new", 1, false),
        ("every answer new, with our place on the market", 1, true),
        ("one answer in 60 new, with our place on the market", 60, true),
    ] {
        let answers = Answers { new_every, seen };
        let times = in_turns(7, || runtime.block_on(bare(answers)), || runtime.block_on(journal(answers)));
        print(&format!("journal of reads, {what}"), ROWS, "rows", "bare SQLite", times);
    }
}
