//! `run`: bid as a strategy file says, on paper or live.

use std::sync::{Arc, Mutex};

use clorebid_core::engine::{Engine, Halt};
use clorebid_core::memory::Memory;
use clorebid_core::request::{Answer, Doubt};
use clorebid_core::time::{Span, Time};
use tokio::sync::watch;
use tracing::info;

use super::args::{Global, OnExit, RunArgs};
use super::screen::Screen;
use super::{Failure, Kind, check, exchange, live, logging, shutdown};
use crate::clock::Clock;
use crate::clore;
use crate::driver::{Driver, EndedBy, memory_json};
use crate::governor::Governor;
use crate::journal::{Journal, Mode, Resume, RunStart, Unfinished};
use crate::lock::Lock;
use crate::sim::{Exchange, SimVenue};
use crate::strategy::StrategyFile;
use crate::venue::{Reply, Venue};

pub(super) async fn run(global: &Global, args: RunArgs) -> Result<(), Failure> {
    let file = check::read(global, &args.strategy)?;
    let stop = shutdown::on_signal()?;
    let screen = Screen::new(global);
    if args.live {
        live_run(global, &args, file, stop, screen).await
    } else {
        paper_run(global, &args, file, stop, screen).await
    }
}

async fn live_run(
    global: &Global,
    args: &RunArgs,
    file: StrategyFile,
    stop: watch::Receiver<bool>,
    screen: Screen,
) -> Result<(), Failure> {
    if args.time_scale != 1 && !live::is_loopback(&args.account.api_url) {
        return Err(Failure::usage("--time-scale with --live is only for an API on this machine"));
    }
    let key = live::api_key(&args.account)?;
    let forms = live::forms(&file, !live::is_loopback(&args.account.api_url))?;
    let mut secrets = live::secrets(&file);
    secrets.push(key.clone());
    logging::start(global, secrets.clone(), screen.bar());
    let _database = Lock::database(global.db())?;
    let _account = Lock::api_key(&key, &args.account.api_url)?;
    let venue = live::venue(&args.account, key, secrets)?;
    let mut journal = Journal::open(global.db()).await?;
    let resume = journal.last_memory(Mode::Live, &venue.name()).await?;
    // Run faster than the machine's, the clock of an earlier run is ahead of it; time never runs backwards.
    let earliest = resume.as_ref().filter(|_| args.time_scale != 1).map_or(Time::from_ms(i64::MIN), last_moment);
    let clock = Clock::system_after(earliest, args.time_scale);
    let mut engine = Engine::new(file.strategy.clone(), args.observe_only);
    let resumed = resume.is_some();
    if let Some(resume) = resume {
        recall(&mut engine, resume, clock.now())?;
    }
    let governor = Governor::new(clock.clone(), resumed.then(|| clock.now())).rested();
    let run = Prepared { file, forms, journal, clock, governor, engine, venue, mode: Mode::Live, seed: None };
    run.go(args, stop, screen).await
}

async fn paper_run(
    global: &Global,
    args: &RunArgs,
    file: StrategyFile,
    stop: watch::Receiver<bool>,
    screen: Screen,
) -> Result<(), Failure> {
    let forms = live::forms(&file, false)?;
    logging::start(global, live::secrets(&file), screen.bar());
    let scenario = exchange::scenario(args.scenario.as_deref())?;
    let _database = Lock::database(global.db())?;
    let journal = Journal::open(global.db()).await?;
    let exchange = Exchange::new(scenario, args.seed);
    let (start, seed, key) = (exchange.start(), exchange.seed(), exchange.key().to_owned());
    // Every paper run is a world of its own: it remembers nothing and is the same every time.
    let clock = Clock::logical(start, Some(args.time_scale));
    let engine = Engine::new(file.strategy.clone(), args.observe_only);
    let governor = Governor::new(clock.clone(), None);
    let venue = SimVenue::new(Arc::new(Mutex::new(exchange)), clock.clone(), key);
    let run = Prepared { file, forms, journal, clock, governor, engine, venue, mode: Mode::Paper, seed: Some(seed) };
    run.go(args, stop, screen).await
}

/// The last moment that an earlier run has on record.
fn last_moment(resume: &Resume) -> Time {
    let asked = resume.unfinished.iter().map(|u| u.answer.as_ref().map_or(u.sent_at, |a| a.at));
    asked.fold(resume.at, Time::max) + Span::from_secs(1)
}

/// Goes on where an earlier run stopped: what it remembered, then the changes it never saw the end of.
fn recall(engine: &mut Engine, resume: Resume, now: Time) -> Result<(), Failure> {
    let unreadable = |what: &str, e: serde_json::Error| {
        let kind = Kind::Journal;
        Failure::new(
            kind,
            format!(
                "{what} in the journal cannot be read ({e}); give this run another --db, and look after the orders at the venue by hand"
            ),
        )
    };
    let memory: Memory =
        serde_json::from_str(&resume.memory).map_err(|e| unreadable("what the last run remembered", e))?;
    engine.recall(memory, now);
    for unfinished in &resume.unfinished {
        let request = serde_json::from_str(&unfinished.request).map_err(|e| unreadable("an unfinished request", e))?;
        let answer = recorded_answer(unfinished);
        info!(
            seq = unfinished.seq,
            call = unfinished.call,
            outcome = answer.outcome().code(),
            "taking up an unfinished {}",
            unfinished.call
        );
        engine.recall_unfinished(&request, unfinished.sent_at, &answer, now);
    }
    Ok(())
}

/// The answer that the journal holds, understood anew; without one, nobody knows.
fn recorded_answer(unfinished: &Unfinished) -> Answer {
    match &unfinished.answer {
        Some(recorded) => match recorded.status {
            Some(status) => clore::answer_to_change(&Reply::Http { status, body: recorded.body.clone() }),
            None => Answer::Unknown(Doubt::Broken),
        },
        None => Answer::Unknown(Doubt::Interrupted),
    }
}

/// A run with everything it needs, before its first request.
struct Prepared<V> {
    file: StrategyFile,
    forms: Vec<clore::OrderForm>,
    journal: Journal,
    clock: Clock,
    governor: Governor,
    engine: Engine,
    venue: V,
    mode: Mode,
    seed: Option<u64>,
}

impl<V: Venue> Prepared<V> {
    async fn go(mut self, args: &RunArgs, stop: watch::Receiver<bool>, screen: Screen) -> Result<(), Failure> {
        let now = self.clock.now();
        let venue = self.venue.name();
        // The run starts from what it has on record and from nothing else, as its replay will.
        let memory = memory_json(&self.engine, now);
        let engine = Engine::start(self.file.strategy.clone(), self.engine.memory(now), now);
        let start = RunStart {
            at: now,
            mode: self.mode,
            strategy: &self.file.strategy.name,
            strategy_toml: &self.file.text,
            venue: &venue,
            seed: self.seed,
            currency: self.file.strategy.currency,
            memory: &memory,
        };
        let run_id = self.journal.begin_run(start).await?;
        info!(run_id, mode = self.mode.code(), venue, "run {run_id}: {} on {venue}", self.file.strategy.name);
        let until = args.duration.map(|span| now + span);
        let mut driver = Driver {
            engine,
            journal: self.journal,
            clock: self.clock,
            governor: self.governor,
            venue: self.venue,
            forms: self.forms,
            watcher: screen,
            cancel_on_exit: args.on_exit == OnExit::Cancel,
            stop,
        };
        let ended_by = driver.run(until).await?;
        report(&driver, run_id, ended_by, &venue)
    }
}

fn report<V, W>(driver: &Driver<V, W>, run_id: i64, ended_by: EndedBy, venue: &str) -> Result<(), Failure> {
    let status = driver.engine.status(driver.clock.now());
    let currency = driver.engine.strategy().currency;
    info!(
        run_id,
        ended_by = ended_by.code(),
        "run {run_id} ended ({}): spent {} {currency}",
        ended_by.code(),
        status.spent
    );
    if driver.cancel_on_exit && !driver.engine.is_empty() {
        return Err(Failure::other(
            "not every order could be cancelled in time; see `clorebid orders` and cancel by hand",
        ));
    }
    match ended_by {
        EndedBy::Time | EndedBy::Signal => Ok(()),
        EndedBy::Halt(Halt::BadKey) => {
            Err(Failure::new(Kind::Key, format!("{venue} refuses the API key; make a new one at the venue's site")))
        }
        EndedBy::Halt(Halt::Unreachable) => {
            Err(Failure::other(format!("nobody answers at {venue}; is the address right, and the network up?")))
        }
    }
}
