//! Each view's newest hundred rows of one run and one server, out of a journal of a million requests, beside a hundred
//! rows of a table by their key. Whatever takes more than 50 ms is said to.

#![allow(clippy::float_arithmetic, reason = "ratios are for people")]

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use clorebid::core::event::{Cause, Event, State};
use clorebid::core::ids::TargetId;
use clorebid::core::ids::{OrderId, ServerId};
use clorebid::core::request::Outcome;
use clorebid::core::time::Time;
use clorebid::history::{Filter, History, View};
use clorebid::journal::{Action, BidSent, Journal, Received, Sent, Sighting};
use common::{median, price, run_start};
use rust_decimal::Decimal;

const RUNS: i64 = 5;
const REQUESTS_A_RUN: u64 = 200_000;
const SERVERS: u64 = 8;
/// One request in so many changes a bid, which takes a commit before and one after.
const CHANGE_EVERY: u64 = 250;
/// What takes longer is too slow to look at.
const MOST: Duration = Duration::from_millis(50);
const FLOOR: &str = "SELECT * FROM reads WHERE id BETWEEN (3 << 32) + 100000 AND (3 << 32) + 100099";

fn at(seq: u64) -> Time {
    Time::from_ms(1_767_225_600_000 + i64::try_from(seq).expect("small") * 1050)
}

fn server(seq: u64) -> ServerId {
    ServerId(1 + seq % SERVERS)
}

fn sent(seq: u64) -> Sent<'static> {
    let server = server(seq);
    Sent {
        seq,
        at: at(seq),
        call: "spot_marketplace",
        args: format!("{{\"market\":{server}}}"),
        request: format!("{{\"spot_market\":{{\"server\":{server}}}}}"),
        target: Some("trainer"),
        reason: "last read 1.05s ago".to_owned(),
        bid: None,
        memory: None,
    }
}

fn received(seq: u64) -> Received {
    // One answer in ten of a server is new.
    let body = format!("{{\"market\":{{\"offers\":[{{\"offer_id\":{},\"bid\":0.0000421}}]}},\"code\":0}}", seq / 80);
    let sighting = Sighting {
        server: server(seq),
        floor: Some(price("0.000001")),
        best_rival: None,
        our_bid: Some(price("0.0000421")),
        holding: true,
        online: true,
        visibility: "public".to_owned(),
    };
    Received {
        seq,
        at: at(seq),
        status: Some(200),
        body: body.into(),
        code: Some(0),
        error: None,
        outcome: Outcome::Applied,
        offer_id: None,
        sighting: Some(sighting),
    }
}

/// A change with its answer, and what the core says of it: every second one places an order, every other cancels it.
async fn change(journal: &mut Journal, seq: u64) {
    let (n, places) = (seq / CHANGE_EVERY / 2, (seq / CHANGE_EVERY).is_multiple_of(2));
    let (server, order) = (ServerId(1 + n % SERVERS), OrderId(1000 + n));
    let bid = BidSent {
        action: if places { Action::Place } else { Action::Cancel },
        server,
        order: (!places).then_some(order),
        old_price: (!places).then(|| price("0.0000421")),
        new_price: places.then(|| price("0.0000421")),
    };
    let call = if places { "create_order" } else { "cancel_order" };
    let sent = Sent { call, bid: Some(bid), memory: Some("{}".to_owned()), ..sent(seq) };
    journal.intend((), sent).await.expect("an intent");
    journal.record(Received { sighting: None, body: "{\"code\":0}".into(), ..received(seq) }).await.expect("a record");
    let target = TargetId(0);
    let (from, to) = (State::Placing, State::Holding);
    let moved = Event::State { target, server, from, to, cause: Cause::Won };
    let held = match places {
        true => {
            let (bid, fee_percent, since) = (price("0.0000421"), Decimal::ONE, at(seq));
            Event::HoldingFrom { target, server, order, bid, fee_percent, since }
        }
        false => Event::HoldingTo { server, order },
    };
    for said in [moved, held] {
        journal.note(seq, at(seq), |_| "trainer", &said);
    }
}

async fn fill(path: &Path) {
    let mut journal = Journal::open(path).await.expect("a journal");
    for run in 0..RUNS {
        assert_eq!(journal.begin_run(run_start(at(0))).await.expect("a run"), run + 1);
        for seq in 1..=REQUESTS_A_RUN {
            if seq.is_multiple_of(CHANGE_EVERY) {
                change(&mut journal, seq).await;
                continue;
            }
            journal.intend((), sent(seq)).await.expect("an intent");
            journal.record(received(seq)).await.expect("a record");
            journal.flush_if_due().await.expect("a commit");
        }
        journal.end_run(at(REQUESTS_A_RUN), "bench").await.expect("an end");
    }
    journal.close().await.expect("closed");
}

/// The median of five readings, and how many rows came.
macro_rules! read {
    ($read:expr) => {{
        let (mut times, mut rows) = (Vec::new(), 0);
        for _ in 0..5 {
            let begun = Instant::now();
            rows = $read.await.expect("rows").rows.len();
            times.push(begun.elapsed());
        }
        (median(times), rows)
    }};
}

fn tell(what: &str, (time, rows): (Duration, usize), floor: Duration) {
    let slow = if time > MOST { ", TOO SLOW" } else { "" };
    println!("{what}: {time:.2?}, {rows} rows, {:.1}x the floor{slow}", time.as_secs_f64() / floor.as_secs_f64());
}

async fn look(path: &Path) {
    let mut history = History::open_read_only(path).await.expect("a history");
    let floor = read!(history.sql(FLOOR));
    println!("floor, rows of a table by their key: {:.2?}, {} rows", floor.0, floor.1);
    for run in [1, RUNS] {
        for view in View::ALL {
            let has_server = view.has_server();
            for server in [Some(6), Some(999)].into_iter().filter(|_| has_server).chain((!has_server).then_some(None)) {
                let filter = Filter { run: Some(run), server, limit: Some(100), ..Filter::default() };
                let on = server.map_or(String::new(), |s| format!(" --server {s}"));
                let name = view.name();
                tell(&format!("{name} --run {run}{on} --limit 100"), read!(history.view(view, &filter)), floor.0);
                let on = server.map_or(String::new(), |s| format!(" AND server = {s}"));
                let sql = format!("SELECT * FROM {name} WHERE run_id = {run}{on} LIMIT 100");
                tell(&sql, read!(history.sql(&sql)), floor.0);
            }
        }
        let (since, until) = (Some(at(REQUESTS_A_RUN / 2)), Some(at(REQUESTS_A_RUN / 2 + 100)));
        let filter = Filter { run: Some(run), since, until, ..Filter::default() };
        tell(&format!("requests --run {run} --since --until"), read!(history.view(View::Requests, &filter)), floor.0);
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let kept = std::env::var_os("CLOREBID_BENCH_JOURNAL").map(std::path::PathBuf::from);
    let folder = tempfile::tempdir().expect("a folder");
    let path = kept.unwrap_or_else(|| folder.path().join("a.db"));
    if !path.exists() {
        let begun = Instant::now();
        runtime.block_on(fill(&path));
        println!("{} requests written in {:.1?}", REQUESTS_A_RUN * RUNS.unsigned_abs(), begun.elapsed());
    }
    runtime.block_on(look(&path));
}
