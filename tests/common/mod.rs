//! What the end-to-end tests share: a simulated venue, reached in-process or over HTTP on 127.0.0.1, a run against it on
//! a logical clock, and what was asked in it.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(unreachable_pub, reason = "a module of several test programs")]

use std::collections::BTreeMap;
use std::ops::Index;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use clorebid::api::Enclosure;
use clorebid::audit::replay::{self, ReplayError, Summary};
use clorebid::audit::verify;
use clorebid::client::Client;
use clorebid::clock::{Clock, rfc3339};
use clorebid::clore::{OrderForm, RawForm};
use clorebid::core::engine::Engine;
use clorebid::core::event::Event;
use clorebid::core::request::{Answer, Ask};
use clorebid::core::time::{Span, Time};
use clorebid::history::{Cell, Filter, History, View};
use clorebid::journal::{Journal, Mode, RunStart};
use clorebid::run::{Driver, EndedBy, Watcher, memory_json};
use clorebid::session::{Session, Venue};
use clorebid::sim::{Exchange, Scenario, Shared, SimVenue, serve};
use clorebid::strategy;
use tokio::sync::watch;

/// A simulated venue and its clock.
pub struct World {
    pub exchange: Arc<Mutex<Exchange>>,
    pub clock: Clock,
    key: String,
}

/// What a run came to.
pub struct Ran {
    pub ended_by: EndedBy,
    /// One line for each ask: time, number, request, reason.
    pub asks: Vec<String>,
    pub engine: Engine,
    pub db: PathBuf,
    _folder: Option<tempfile::TempDir>,
}

impl World {
    /// From the text of a scenario file.
    pub fn new(scenario: &str) -> World {
        let scenario = Scenario::parse(scenario).expect("a scenario");
        let mut exchange = Exchange::new(scenario, None);
        exchange.keep_log();
        let (start, key) = (exchange.start(), exchange.key().to_owned());
        World { exchange: Arc::new(Mutex::new(exchange)), clock: Clock::logical(start, None), key }
    }

    /// The venue's own truth, as of now.
    pub fn truth(&self) -> MutexGuard<'_, Exchange> {
        let mut exchange = self.exchange.lock().expect("the venue");
        exchange.advance(self.clock.now());
        exchange
    }

    /// Runs a strategy against it without a network.
    pub async fn run(&self, strategy: &str, span: Span) -> Ran {
        self.run_watched(strategy, span, &mut ()).await
    }

    /// The same, watched by somebody else, too.
    pub async fn run_watched(&self, strategy: &str, span: Span, watcher: &mut impl Watcher) -> Ran {
        let venue = SimVenue::new(Arc::clone(&self.exchange), self.clock.clone(), self.key.clone());
        self.drive(strategy, span, venue, Mode::Paper, watcher).await
    }

    /// Runs a strategy against it over HTTP.
    pub async fn run_over_http(&self, strategy: &str, span: Span) -> Ran {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let shared = Shared { exchange: Arc::clone(&self.exchange), clock: self.clock.clone() };
        let (stop, mut stopped) = watch::channel(false);
        let server = tokio::spawn(serve(listener, shared, |_| {}, async move {
            let _gone_is_stopped = stopped.wait_for(|s| *s).await;
        }));
        let client = Client::new(&url, self.key.clone().into(), Duration::from_secs(5)).expect("a client");
        let ran = self.drive(strategy, span, client, Mode::Live, &mut ()).await;
        stop.send_replace(true);
        server.abort();
        ran
    }

    async fn drive(&self, strategy: &str, span: Span, venue: impl Venue, mode: Mode, other: &mut impl Watcher) -> Ran {
        let folder = tempfile::tempdir().expect("a folder");
        let db = folder.path().join("run.db");
        let mut journal = Journal::open(&db).await.expect("a journal");
        let file = strategy::read(strategy, "test.toml").expect("a strategy");
        let engine = Engine::new(file.strategy.clone(), false);
        let now = self.clock.now();
        let (name, memory) = (venue.name(), memory_json(&engine, now));
        let start = RunStart {
            at: now,
            mode,
            strategy: &file.strategy.name,
            strategy_toml: &file.text,
            venue: &name,
            seed: None,
            currency: file.strategy.currency,
            memory: &memory,
        };
        journal.begin_run(start).await.expect("a run");
        let (_keep, stop) = watch::channel(false);
        let enclosed = Enclosure::new(file.strategy.currency, vec![plain_form(); file.orders.len()]);
        let shown_in = (file.strategy.currency, file.strategy.venue.tick);
        let session = Session::new(journal, self.clock.clone(), venue, enclosed, shown_in, stop.clone());
        let mut driver =
            Driver { engine, session, watcher: Both { asks: Asks::default(), other }, cancel_on_exit: false, stop };
        let ended_by = driver.run(Some(now + span)).await.expect("a run that can be journaled");
        let Driver { engine, session, watcher, .. } = driver;
        session.into_journal().close().await.expect("a closed journal");
        Ran { ended_by, asks: watcher.asks.0, engine, db, _folder: Some(folder) }
    }
}

impl Ran {
    /// Rows of a view as text.
    pub async fn view(&self, view: View) -> Vec<Row> {
        rows(&self.db, view).await
    }
}

/// One row of a view as text: `row["bid"]`.
#[derive(Debug, Clone)]
pub struct Row(BTreeMap<String, String>);

impl Index<&str> for Row {
    type Output = String;
    fn index(&self, column: &str) -> &String {
        self.0.get(column).unwrap_or_else(|| panic!("no column {column} in {:?}", self.0))
    }
}

/// Rows of a view as text.
pub async fn rows(db: &Path, view: View) -> Vec<Row> {
    let mut history = History::open_read_only(db).await.expect("a journal");
    let rows = history.view(view, &Filter::default()).await.expect("a view");
    rows.rows.iter().map(|row| Row(rows.columns.iter().cloned().zip(row.iter().map(text)).collect())).collect()
}

/// Demands that the journal checks out, that every run in it which a strategy decided is decided alike again, and that
/// at least one of them asked something.
pub async fn assert_sound(db: &Path) -> Vec<Summary> {
    let summaries = sound(db).await.unwrap_or_else(|why| panic!("{why}"));
    // One that was killed before its first commit left nothing to decide again, but not all may be like that.
    assert!(summaries.iter().any(|s| s.matched > 0), "no strategy decided anything here: {summaries:?}");
    summaries
}

/// What replaying each run came to, or what is wrong with the journal.
///
/// # Errors
/// When a run is decided otherwise, or the journal does not check out.
pub async fn sound(db: &Path) -> Result<Vec<Summary>, String> {
    let mut history = History::open_read_only(db).await.expect("a journal");
    let mut summaries = Vec::new();
    for run_id in replay::runs(&mut history).await.expect("runs") {
        match replay::replay(&mut history, run_id).await {
            Ok(Summary { difference: Some(difference), .. }) => {
                return Err(format!("run {run_id} is decided otherwise: {difference:#?}"));
            }
            Ok(summary) => summaries.push(summary),
            Err(ReplayError::NotDecided(..)) => {}
            Err(error) => return Err(format!("run {run_id} cannot be replayed: {error}")),
        }
    }
    let report = verify::verify(&mut history, None, &[]).await.expect("a report");
    let broken: Vec<_> = report.broken().collect();
    if broken.is_empty() { Ok(summaries) } else { Err(format!("the journal is not sound: {broken:#?}")) }
}

/// The same of a journal of one run, which must have asked and changed that much: an idle run is sound, too.
pub async fn assert_sound_and_busy(db: &Path, requests: u64, changes: u64) {
    let summaries = assert_sound(db).await;
    let [summary] = summaries.as_slice() else { panic!("{} runs", summaries.len()) };
    assert!(summary.matched >= requests && summary.changes >= changes, "{summary:?}");
    assert!(summary.notes > 0, "{summary:?}");
}

/// A cell as text; NULL is empty.
pub fn text(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Integer(i) => i.to_string(),
        Cell::Real(text) | Cell::Text(text) => text.clone(),
        Cell::Blob(bytes) => format!("{bytes:?}"),
    }
}

/// Keeps every ask.
#[derive(Default)]
pub struct Asks(Vec<String>);

impl Watcher for Asks {
    fn step(&mut self, now: Time, ask: &Ask, _: &Answer, _: &[Event], _: &Engine) {
        let request = serde_json::to_string(&ask.request).expect("JSON");
        self.0.push(format!("{} {} {request} {}", rfc3339(now), ask.seq, ask.reason));
    }
}

/// Keeps every ask, and lets somebody else watch, too.
struct Both<'w, W> {
    asks: Asks,
    other: &'w mut W,
}

impl<W: Watcher> Watcher for Both<'_, W> {
    fn step(&mut self, now: Time, ask: &Ask, answer: &Answer, events: &[Event], engine: &Engine) {
        self.asks.step(now, ask, answer, events, engine);
        self.other.step(now, ask, answer, events, engine);
    }
}

fn plain_form() -> OrderForm {
    OrderForm::new(RawForm { image: "cloreai/ubuntu22.04-cuda12".to_owned(), ..RawForm::default() }).expect("a form")
}

/// A strategy that follows on server 6, with `more` in its `[target.bid]`.
pub fn follow(more: &str) -> String {
    format!(
        r#"
name = "follow"
currency = "bitcoin"
[limits]
max_bid = "0.00006"
[[target]]
name = "trainer"
servers = [6]
[target.bid]
policy = "follow"
{more}
"#
    )
}

/// A venue with server 6 alone: floor 0.00002 bitcoin, on demand 0.00008; `venue` goes into `[venue]`, `more` behind the
/// server.
pub fn one_server(venue: &str, more: &str) -> String {
    format!(
        r#"
name = "one server"
[venue]
{venue}
[wallets]
bitcoin = "0.01"
[[server]]
id = 6
owner = 4
gpu = "NVIDIA GeForce RTX 4090"
ram_gb = 64
country = "CZ"
mrl = "365d"
on_demand = {{ bitcoin = "0.00008" }}
floor = {{ bitcoin = "0.00002" }}
{more}
"#
    )
}
