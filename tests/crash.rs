//! `kill -9` at any point of a create or a raise, then a restart on the same journal: the same outcome
//! as without it. The real binary, a real signal, a venue over HTTP.

mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clorebid::account::Account;
use clorebid::clock::Clock;
use clorebid::history::{Filter, History, View};
use clorebid::lock::Lock;
use clorebid::sim::{Exchange, OrderTruth, Scenario, Shared, serve};
use clorebid_core::money::Amount;
use clorebid_core::time::Span;
use common::{Row, World, assert_sound, follow, one_server, rows};
use futures_util::future::join_all;
use rust_decimal::Decimal;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

const TIME_SCALE: u32 = 60;

const POINTS: [&str; 5] = ["before_intent", "after_intent", "after_send", "after_answer", "before_core"];

struct Venue {
    exchange: Arc<Mutex<Exchange>>,
    clock: Clock,
    url: String,
}

impl Venue {
    async fn start(scenario: &str) -> Venue {
        let mut exchange = Exchange::new(Scenario::parse(scenario).expect("a scenario"), None);
        let clock = Clock::system(TIME_SCALE);
        exchange.start_at(clock.now());
        let exchange = Arc::new(Mutex::new(exchange));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let shared = Shared { exchange: Arc::clone(&exchange), clock: clock.clone() };
        tokio::spawn(serve(listener, shared, |_| {}, std::future::pending()));
        Venue { exchange, clock, url }
    }

    /// Every order we ever made, as it truly stands.
    fn orders(&self) -> Vec<OrderTruth> {
        let mut exchange = self.exchange.lock().expect("the venue");
        exchange.advance(self.clock.now());
        exchange.orders()
    }

    fn command(&self, folder: &Path, span: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clorebid"));
        command.args(["run", "--live", "--api-url", &self.url, "--time-scale", &TIME_SCALE.to_string(), "--for", span]);
        command.arg("--strategy").arg(folder.join("strategy.toml")).arg("--db").arg(folder.join("bot.db"));
        command.env("CLORE_API_KEY", clorebid::sim::PAPER_KEY).env_remove("CLOREBID_CRASH_AT");
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }

    fn bot(&self, folder: &Path, span: &str, crash_at: Option<&str>) -> Child {
        let mut command = self.command(folder, span);
        if let Some(point) = crash_at {
            command.env("CLOREBID_CRASH_AT", point);
        }
        command.spawn().expect("the bot")
    }
}

/// Waits until the bot stands at its crash point, then kills it so that no code of its own can run.
async fn kill_at_crash_point(mut bot: Child) {
    let stdout = bot.stdout.take().expect("its output");
    let line = tokio::task::spawn_blocking(move || BufReader::new(stdout).lines().next());
    let line = tokio::time::timeout(Duration::from_secs(60), line).await.expect("in time").expect("a thread");
    assert!(line.is_some_and(|l| l.is_ok_and(|l| l.starts_with("crash point"))), "the crash point was reached");
    bot.kill().expect("SIGKILL");
    bot.wait().expect("its end");
}

async fn finish(mut bot: Child) {
    let ended = tokio::task::spawn_blocking(move || bot.wait());
    let ended = tokio::time::timeout(Duration::from_secs(60), ended).await.expect("in time").expect("a thread");
    assert!(ended.expect("its end").success());
}

/// Kills the bot at that point of that call, restarts it, and demands one order that holds, known and journaled.
async fn survives(point: &str, call: &str) {
    let rival = "[[server.rival]]\nat = \"2m\"\nuntil = \"30m\"\nbid = \"0.000021\"\n";
    let venue = Venue::start(&one_server("order_delay = \"2s..10s\"", rival)).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("strategy.toml"), follow("")).expect("a strategy");

    kill_at_crash_point(venue.bot(folder.path(), "1h", Some(&format!("{point}:{call}")))).await;
    finish(venue.bot(folder.path(), "10m", None)).await;

    let orders = venue.orders();
    assert_eq!(orders.len(), 1, "{point}:{call}: one order, ever: {orders:?}");
    assert!(orders[0].holding, "{point}:{call}: it holds the server");
    let db = folder.path().join("bot.db");
    let holdings = rows(&db, View::Holdings).await;
    let id = orders[0].id.to_string();
    assert!(
        holdings.iter().any(|h| h["run_id"] == "2" && h["offer_id"] == id),
        "{point}:{call}: run 2 adopted it: {holdings:?}"
    );
    let runs = rows(&db, View::Runs).await;
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0]["ended_by"], "", "the first run never ended");
    // Both runs are decided alike again, the one that was cut short and the one that went on from it.
    assert_eq!(assert_sound(&db).await.len(), 2, "{point}:{call}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_around_a_create() {
    join_all(POINTS.map(|point| survives(point, "create_order"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_around_a_raise() {
    join_all(POINTS.map(|point| survives(point, "set_spot_price"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_is_taken_up_with_the_answer_that_is_on_record() {
    for (point, to) in [("after_send", "unknown"), ("before_core", "placing")] {
        let venue = Venue::start(&one_server("", "")).await;
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("strategy.toml"), follow("")).expect("a strategy");
        kill_at_crash_point(venue.bot(folder.path(), "1h", Some(&format!("{point}:create_order")))).await;
        finish(venue.bot(folder.path(), "1m", None)).await;
        let states = rows(&folder.path().join("bot.db"), View::States).await;
        let taken_up = states.iter().find(|s| s["run_id"] == "2").expect("a state");
        assert_eq!(taken_up["to_state"], to, "{point}: {states:?}");
    }
}

/// Kills the bot at that point of the cancellation at its end, restarts it, and demands that the record holds.
async fn survives_a_cancel(point: &str) {
    let venue = Venue::start(&one_server("", "")).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("strategy.toml"), follow("")).expect("a strategy");
    let mut bot = venue.command(folder.path(), "4m");
    bot.args(["--on-exit", "cancel"]).env("CLOREBID_CRASH_AT", format!("{point}:cancel_order"));
    kill_at_crash_point(bot.spawn().expect("the bot")).await;
    finish(venue.bot(folder.path(), "10m", None)).await;
    let standing = venue.orders().iter().filter(|order| order.holding).count();
    assert_eq!(standing, 1, "{point}: one order holds the server");
    assert_eq!(assert_sound(&folder.path().join("bot.db")).await.len(), 2, "{point}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_around_a_cancel() {
    join_all(POINTS.map(survives_a_cancel)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_of_a_lowering_outlives_the_process() {
    let rival = "[[server.rival]]\nat = \"2m\"\nuntil = \"5m\"\nbid = \"0.000025\"\n";
    let venue = Venue::start(&one_server("", rival)).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("strategy.toml"), follow("replace = \"never\"")).expect("a strategy");
    // Run 1 lowers once, at about five minutes, and ends; run 2 follows within the ten minutes.
    finish(venue.bot(folder.path(), "8m", None)).await;
    finish(venue.bot(folder.path(), "30m", None)).await;
    assert_sound(&folder.path().join("bot.db")).await;
    let bids = rows(&folder.path().join("bot.db"), View::Bids).await;
    let lowered: Vec<_> = bids.iter().filter(|b| b["action"] == "lower" && b["outcome"] == "applied").collect();
    assert!(lowered.iter().any(|b| b["run_id"] == "1") && lowered.iter().any(|b| b["run_id"] == "2"), "{lowered:?}");
    let too_soon = bids.iter().filter(|b| b["error"] == "can_lower_every_600_seconds").count();
    assert_eq!(too_soon, 0, "the second run waited for the first one's window: {bids:?}");
    let taught = bids.iter().filter(|b| b["error"] == "exceeded_max_step").count();
    assert_eq!(taught, 1, "and remembered the step");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_on_record_never_goes_back_where_the_clock_of_the_run_before_was_fast() {
    let venue = Venue::start(&one_server("", "")).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("strategy.toml"), follow("")).expect("a strategy");
    for _ in 0..2 {
        finish(venue.bot(folder.path(), "2m", None)).await;
    }
    let runs = rows(&folder.path().join("bot.db"), View::Runs).await;
    assert_eq!(runs.len(), 2);
    assert!(runs[1]["started_at"] > runs[0]["ended_at"], "{runs:?}");
}

/// What the venue told of its charges adds up, over all runs, to what it charged, to within two minutes: it charges by the
/// minute and tells once a minute.
async fn demand_told(db: &Path, charged: Amount) {
    let spend = rows(db, View::Spend).await;
    let told = spend.iter().filter(|day| !day["venue_cost"].is_empty());
    let told = told.fold(Amount::ZERO, |sum, day| sum.plus(Amount::parse(&day["venue_cost"]).expect("a sum")));
    let two_minutes = Amount::parse("0.00000003").expect("a sum");
    assert!(told <= charged && charged.minus(told) <= two_minutes, "{told} of {charged}: {spend:?}");
}

#[tokio::test]
async fn every_command_is_on_record_with_what_the_core_knew_before_it_and_after_it() {
    let rival = "[[server.rival]]\nat = \"5m\"\nuntil = \"30m\"\nbid = \"0.000021\"\n";
    let ran = World::new(&one_server("", rival)).run(&follow(""), Span::from_secs(7_200)).await;
    let mut journal = SqliteConnectOptions::new().filename(&ran.db).connect().await.expect("its journal");
    let kept =
        "SELECT count(*), sum((SELECT count(DISTINCT m.before) FROM memories m WHERE m.seq = c.seq)) FROM changes c";
    let (commands, memories): (i64, i64) = sqlx::query_as(kept).fetch_one(&mut journal).await.expect("a count");
    assert!(commands >= 3, "a bid, a raise and a lowering");
    assert_eq!(memories, 2 * commands);
}

#[tokio::test]
async fn what_an_order_costs_after_a_kill_and_until_the_next_run_is_counted() {
    let venue = Venue::start(&one_server("", "")).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("strategy.toml"), follow("")).expect("a strategy");
    let mut first = venue.bot(folder.path(), "20h", None);
    let db = folder.path().join("bot.db");
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline && !holds_one(&db).await {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    first.kill().expect("killed");
    first.wait().expect("gone");
    let before = venue.orders()[0].spend;
    tokio::time::sleep(Duration::from_secs(3)).await;
    finish(venue.bot(folder.path(), "4m", None)).await;
    let orders = venue.orders();
    assert!(orders[0].spend > before, "it went on costing");
    let holdings = rows(&db, View::Holdings).await;
    assert!(holdings.iter().any(|h| h["run_id"] == "2" && h["watched"] == "0"), "{holdings:?}");
    demand_told(&db, orders[0].spend).await;
    let spend = rows(&db, View::Spend).await;
    let days = spend.iter().map(|day| Amount::parse(&day["cost"]).expect("a sum"));
    let stretches = holdings.iter().map(|h| Amount::parse(&h["cost"]).expect("a sum"));
    let off = days.fold(Amount::ZERO, Amount::plus).decimal() - stretches.fold(Amount::ZERO, Amount::plus).decimal();
    assert!(off.abs() < Decimal::new(1, 15), "the days come to the same: {spend:?}");
    assert_sound(&db).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_spelling_of_the_address_is_the_same_account() {
    let mut venue = Venue::start(&one_server("", "")).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("strategy.toml"), follow("")).expect("a strategy");
    finish(venue.bot(folder.path(), "4m", None)).await;
    venue.url = venue.url.replace("127.0.0.1", "localhost") + "/";
    finish(venue.bot(folder.path(), "4m", None)).await;
    let orders = venue.orders();
    assert_eq!(orders.len(), 1, "one order, ever: {orders:?}");
    let (db, id) = (folder.path().join("bot.db"), orders[0].id.to_string());
    let holdings = rows(&db, View::Holdings).await;
    assert!(holdings.iter().any(|h| h["run_id"] == "2" && h["offer_id"] == id), "run 2 took it up: {holdings:?}");
}

#[tokio::test]
async fn two_strategies_in_turn_on_one_journal_know_their_own_orders_again() {
    let venue = Venue::start(&one_server("", "")).await;
    let folder = tempfile::tempdir().expect("a folder");
    let first = follow("");
    let other = first.replace("name = \"trainer\"", "name = \"other\"").replace("[6]", "[999]");
    for strategy in [&first, &other, &first] {
        std::fs::write(folder.path().join("strategy.toml"), strategy).expect("a strategy");
        finish(venue.bot(folder.path(), "4m", None)).await;
    }
    let orders = venue.orders();
    assert_eq!(orders.len(), 1, "one order, ever: {orders:?}");
    let (db, id) = (folder.path().join("bot.db"), orders[0].id.to_string());
    let holdings = rows(&db, View::Holdings).await;
    let of_run = |run: &str, watched: &str| {
        let of_it = |h: &&Row| h["run_id"] == run && h["offer_id"] == id && h["watched"] == watched;
        holdings.iter().filter(of_it).count()
    };
    assert_eq!((of_run("2", "1"), of_run("3", "1")), (0, 1), "left alone by run 2, taken up by run 3: {holdings:?}");
    assert_eq!(of_run("3", "0"), 1, "and run 3 tells what it did meanwhile: {holdings:?}");
    assert_sound(&db).await;
}

#[tokio::test]
async fn an_order_in_another_coin_is_left_alone_and_the_record_holds() {
    let in_dollars = "floor = { bitcoin = \"0.00002\", USD-Blockchain = \"0.5\" }";
    let scenario = one_server("", "").replace("floor = { bitcoin = \"0.00002\" }", in_dollars);
    let venue = Venue::start(&scenario).await;
    let folder = tempfile::tempdir().expect("a folder");
    let bitcoin = follow("");
    let dollars = bitcoin.replace("\"bitcoin\"", "\"USD-Blockchain\"").replace("0.00006", "2");
    for strategy in [&bitcoin, &dollars, &bitcoin] {
        std::fs::write(folder.path().join("strategy.toml"), strategy).expect("a strategy");
        finish(venue.bot(folder.path(), "12m", None)).await;
    }
    let orders = venue.orders();
    assert_eq!(orders.len(), 1, "one order, ever: {orders:?}");
    let db = folder.path().join("bot.db");
    let bids = rows(&db, View::Bids).await;
    assert!(bids.iter().all(|b| b["run_id"] != "2"), "the run in dollars changes nothing: {bids:?}");
    assert_sound(&db).await;
}

#[test]
fn two_spellings_of_one_address_are_one_account() {
    let key = "two-spellings".into();
    let of = |url: &str| Account::of(&key, url);
    let account = of("https://api.example/v1");
    let held = Lock::account(&account).expect("the first");
    for same in ["https://api.example/v1/", "https://API.example:443/v1", "https://203.0.113.7/v1"] {
        assert!(Lock::account(&of(same)).is_err(), "{same}");
    }
    let other = Account::of(&"another-key".into(), "https://api.example/v1");
    assert_ne!(other.short(), account.short());
    Lock::account(&other).expect("another account");
    let here = Lock::account(&of("http://127.0.0.1:4000/v1")).expect("a simulated venue");
    assert!(Lock::account(&of("http://localhost:4000")).is_err(), "the same one");
    Lock::account(&of("http://127.0.0.1:4001/v1")).expect("another simulated venue");
    drop(here);
    drop(held);
}

#[tokio::test]
async fn a_lost_journal_places_nothing_beside_the_order_that_it_does_not_know() {
    let one = one_server("", "");
    let second = one.find("[[server]]").map(|at| one[at..].replace("id = 6", "id = 17").replace("0.00002", "0.00003"));
    let venue = Venue::start(&format!("{one}{}", second.expect("a server"))).await;
    let folder = tempfile::tempdir().expect("a folder");
    let strategy = follow("").replace("[6]", "[6, 17]");
    std::fs::write(folder.path().join("strategy.toml"), &strategy).expect("a strategy");
    finish(venue.bot(folder.path(), "4m", None)).await;
    let db = folder.path().join("bot.db");
    for file in ["bot.db", "bot.db-wal", "bot.db-shm"] {
        drop(std::fs::remove_file(folder.path().join(file)));
    }
    finish(venue.bot(folder.path(), "10m", None)).await;
    let orders = venue.orders();
    assert_eq!(orders.len(), 1, "one order, ever: {orders:?}");
    assert!(orders[0].holding);
    let notices = rows(&db, View::Notices).await;
    let told = notices.iter().find(|n| n["kind"] == "foreign_order").expect("it is told of");
    assert_eq!((told["target"].as_str(), told["server"].as_str()), ("trainer", "6"), "{told:?}");
    assert_sound(&db).await;
    // The user says whose it is.
    std::fs::write(folder.path().join("strategy.toml"), strategy.replace("servers", "adopt = true\nservers"))
        .expect("written");
    finish(venue.bot(folder.path(), "4m", None)).await;
    let states = rows(&db, View::States).await;
    assert!(states.iter().any(|s| s["run_id"] == "2" && s["cause"] == "adopted" && s["server"] == "6"), "{states:?}");
    assert_eq!(venue.orders().len(), 1, "and it is still the only one");
    assert_sound(&db).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_another_program_locks_for_a_while_does_not_end_the_run() {
    // Evicted while it is locked, and won back when it is free.
    let rival = "[[server.rival]]\nat = \"8m\"\nuntil = \"3h\"\nbid = \"0.000025\"\n";
    let venue = Venue::start(&one_server("", rival)).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("strategy.toml"), follow("")).expect("a strategy");
    let bot = venue.bot(folder.path(), "40m", None);
    let db = folder.path().join("bot.db");
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline && !(db.exists() && rows(&db, View::Holdings).await.len() == 1) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut other = SqliteConnectOptions::new().filename(&db).connect().await.expect("another program");
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.expect("locked");
    tokio::time::sleep(Duration::from_secs(17)).await;
    sqlx::query("ROLLBACK").execute(&mut other).await.expect("free");
    finish(bot).await;
    let orders = venue.orders();
    assert_eq!(orders.len(), 1, "one order, ever: {orders:?}");
    assert!(orders[0].holding, "it was won back");
    let bids = rows(&db, View::Bids).await;
    let unsent = bids.iter().filter(|b| b["error"] == "not_recorded").count();
    assert!(unsent > 0 && bids.last().is_some_and(|b| b["outcome"] == "applied"), "{bids:?}");
    assert_sound(&db).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_whose_log_was_removed_after_a_kill_is_not_gone_on_from() {
    let venue = Venue::start(&one_server("", "")).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("strategy.toml"), follow("")).expect("a strategy");
    kill_at_crash_point(venue.bot(folder.path(), "1h", Some("after_answer:create_order"))).await;
    for log in ["bot.db-wal", "bot.db-shm"] {
        std::fs::remove_file(folder.path().join(log)).expect("removed");
    }
    let mut bot = venue.command(folder.path(), "10m");
    let output = tokio::task::spawn_blocking(move || bot.stderr(Stdio::piped()).output()).await.expect("a thread");
    let output = output.expect("the bot");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("-wal") && said.contains("bot.db.head"), "it says what is wrong and what to do: {said}");
    // As it says: without the file of heads it goes on, and finds the order.
    std::fs::remove_file(folder.path().join("bot.db.head")).expect("removed");
    finish(venue.bot(folder.path(), "10m", None)).await;
    assert_eq!(venue.orders().len(), 1, "one order, ever: {:?}", venue.orders());
}

/// Whether the journal says that one server is held; one that is only being made says nothing yet.
async fn holds_one(db: &Path) -> bool {
    let Ok(mut history) = History::open_read_only(db).await else { return false };
    history.view(View::Holdings, &Filter::default()).await.is_ok_and(|rows| rows.rows.len() == 1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_is_deleted_under_a_run_ends_it() {
    let venue = Venue::start(&one_server("", "")).await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("strategy.toml"), follow("")).expect("a strategy");
    let mut bot = venue.command(folder.path(), "20h");
    let bot = bot.stderr(Stdio::piped()).spawn().expect("the bot");
    let db = folder.path().join("bot.db");
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline && !(db.exists() && rows(&db, View::Holdings).await.len() == 1) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    std::fs::remove_file(&db).expect("deleted");
    let ended = tokio::task::spawn_blocking(move || bot.wait_with_output());
    let output = tokio::time::timeout(Duration::from_secs(60), ended).await.expect("in time").expect("a thread");
    let output = output.expect("its end");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("was deleted or replaced"), "{said}");
}
