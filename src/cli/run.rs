//! `run`: bid as a strategy file says, on paper or live.

use std::sync::{Arc, Mutex};

use clorebid_core::engine::Halt;
use clorebid_core::policy::adaptive::lessons::Lessons;
use clorebid_core::policy::adaptive::policy::Adaptive;
use clorebid_core::strategy::Strategy;
use clorebid_core::time::{Span, Time};
use tokio::sync::watch;
use tracing::{info, warn};

use super::args::{Global, OnExit, RunArgs};
use super::beside::Beside;
use super::{Failure, Kind, check, exchange, live, shutdown};
use crate::account::Account;
use crate::api::Enclosure;
use crate::backtest::lessons;
use crate::clock::Clock;
use crate::clore::OrderForm;
use crate::journal::{Journal, Mode, Past, RunStart, head_file, venue_text};
use crate::lock::Lock;
use crate::run::resume::{self, Start};
use crate::run::{Driver, EndedBy};
use crate::session::{Session, Venue};
use crate::sim::{Exchange, SimVenue};
use crate::strategy::StrategyFile;
use crate::tape::{Reader, Series, SeriesOptions};

pub(super) async fn run(global: &Global, args: RunArgs) -> Result<(), Failure> {
    let file = check::read(global, &args.strategy)?;
    let stop = shutdown::on_signal()?;
    let mut beside = Beside::prepare(global, &args, &file).await?;
    let ended = if args.live {
        live_run(global, &args, file, stop, &mut beside).await
    } else {
        paper_run(global, &args, file, stop, &mut beside).await
    };
    beside.finish(&ended).await;
    ended.map(drop)
}

async fn live_run(
    global: &Global,
    args: &RunArgs,
    file: StrategyFile,
    stop: watch::Receiver<bool>,
    beside: &mut Beside,
) -> Result<String, Failure> {
    if args.time_scale != 1 && !live::is_loopback(&args.account.api_url) {
        return Err(Failure::usage("--time-scale with --live is only for an API on this machine"));
    }
    let key = live::api_key(&args.account)?;
    let forms = live::forms(&file, !live::is_loopback(&args.account.api_url))?;
    let mut secrets = live::secrets(&file);
    secrets.push(key.clone());
    beside.begin(global, secrets.clone())?;
    let _database = Lock::database(global.db())?;
    let account = Account::of(&key, &args.account.api_url);
    let _account = Lock::account(&account)?;
    let venue = live::venue(&args.account, key, secrets)?;
    let mut journal = Journal::open(global.db()).await?;
    demand_past(&journal.past().await?, global)?;
    let left = journal.last_memory(Mode::Live, &venue_text(&venue.name(), account.short())).await?;
    // Run faster than the machine's, the clock of an earlier run is ahead of it; time never runs backwards.
    let earliest = left.as_ref().filter(|_| args.time_scale != 1).map_or(Time::from_ms(i64::MIN), resume::last_moment);
    let clock = Clock::system_after(earliest, args.time_scale);
    let strategy = file.strategy.clone();
    // One moment for the core, the record and the pauses: a replay starts its core at the moment on record.
    let at = clock.now();
    let lessons = taught(args, &strategy, at)?;
    let begun = match &left {
        Some(left) => resume::go_on(strategy, args.observe_only, left, &lessons, at)?,
        None => resume::anew(strategy, args.observe_only, &lessons, at),
    };
    for unfinished in left.iter().flat_map(|left| &left.unfinished) {
        info!(seq = unfinished.seq, call = unfinished.call, "taking up an unfinished {}", unfinished.call);
    }
    let rest = Rest::after(left.is_some());
    let run = Prepared { file, forms, clock, at, begun, mode: Mode::Live, account: Some(account), seed: None, rest };
    run.go(args, journal, venue, stop, beside).await
}

async fn paper_run(
    global: &Global,
    args: &RunArgs,
    file: StrategyFile,
    stop: watch::Receiver<bool>,
    beside: &mut Beside,
) -> Result<String, Failure> {
    let forms = live::forms(&file, false)?;
    beside.begin(global, live::secrets(&file))?;
    let scenario = exchange::scenario(args.scenario.as_deref())?;
    let _database = Lock::database(global.db())?;
    let journal = Journal::open(global.db()).await?;
    let exchange = Exchange::new(scenario, args.seed);
    let (start, seed, key) = (exchange.start(), exchange.seed(), exchange.key().to_owned());
    let lessons = taught(args, &file.strategy, start)?;
    // Every paper run is a world of its own: it remembers nothing and is the same every time.
    let clock = Clock::logical(start, Some(args.time_scale));
    let begun = resume::anew(file.strategy.clone(), args.observe_only, &lessons, start);
    let venue = SimVenue::new(Arc::new(Mutex::new(exchange)), clock.clone(), key);
    let (mode, seed, rest) = (Mode::Paper, Some(seed), Rest::None);
    let run = Prepared { file, forms, clock, at: start, begun, mode, account: None, seed, rest };
    run.go(args, journal, venue, stop, beside).await
}

/// What the tapes teach that the run is to learn from.
fn taught(args: &RunArgs, strategy: &Strategy, now: Time) -> Result<Lessons, Failure> {
    if args.learn_from.is_empty() {
        return Ok(Lessons::default());
    }
    if !strategy.targets.iter().any(|target| target.policy == Adaptive.into()) {
        return Err(Failure::usage(
            "--learn-from teaches the policy adaptive, and no target of this strategy bids by it",
        ));
    }
    let options = SeriesOptions { servers: Vec::new(), gap: Some(Span::DAY) };
    let lessons = lessons(strategy, &Series::read(Reader::open(&args.learn_from)?, &options)?, now);
    if lessons.is_empty() {
        return Err(Failure::usage(
            "--learn-from: no price of a server that this strategy could take moves on the tapes",
        ));
    }
    Ok(lessons)
}

/// What the first request must wait for.
#[derive(Clone, Copy)]
enum Rest {
    /// Nothing: the venue is a world of its own.
    None,
    /// The second of whoever asked with this key just before.
    Requests,
    /// That, and the pause after a create that an earlier run may have made.
    Creates,
}

impl Rest {
    const fn after(an_earlier_run: bool) -> Rest {
        if an_earlier_run { Rest::Creates } else { Rest::Requests }
    }
}

/// A run with everything it needs, before its first request.
struct Prepared {
    file: StrategyFile,
    forms: Vec<OrderForm>,
    clock: Clock,
    /// When it began.
    at: Time,
    begun: Start,
    mode: Mode,
    /// The one at the venue, where a key opens it.
    account: Option<Account>,
    seed: Option<u64>,
    rest: Rest,
}

impl Prepared {
    /// Runs to the end, and says in words how that came.
    async fn go<V: Venue>(
        self,
        args: &RunArgs,
        mut journal: Journal,
        venue: V,
        stop: watch::Receiver<bool>,
        beside: &mut Beside,
    ) -> Result<String, Failure> {
        let (at, name, strategy) = (self.at, venue.name(), &self.file.strategy);
        let text = self.account.as_ref().map_or_else(|| name.clone(), |account| venue_text(&name, account.short()));
        let start = RunStart {
            at,
            mode: self.mode,
            strategy: &strategy.name,
            strategy_toml: &self.file.text,
            venue: &text,
            seed: self.seed,
            currency: strategy.currency,
            memory: &self.begun.memory,
        };
        let run_id = journal.begin_run(start).await?;
        info!(run_id, mode = self.mode.code(), venue = name, "run {run_id}: {} on {name}", strategy.name);
        beside.serve(run_id, &self.clock);
        let until = args.duration.map(|span| at + span);
        let shown_in = (strategy.currency, strategy.venue.tick);
        let enclosed = Enclosure::new(strategy.currency, self.forms);
        let session = Session::new(journal, self.clock, venue, enclosed, shown_in, stop.clone());
        let session = match self.rest {
            Rest::None => session,
            Rest::Requests => session.rested(at),
            Rest::Creates => session.rested_from_creates(at),
        };
        let cancel_on_exit = args.on_exit == OnExit::Cancel;
        let mut driver = Driver { engine: self.begun.engine, session, watcher: beside, cancel_on_exit, stop };
        let ended_by = driver.run(until).await?;
        report(&driver, run_id, ended_by, &name)
    }
}

/// How the run ended, in words, or as a failure.
fn report<V: Venue, W>(driver: &Driver<V, W>, run_id: i64, ended_by: EndedBy, venue: &str) -> Result<String, Failure> {
    let status = driver.engine.status(driver.session.clock().now());
    let currency = driver.engine.strategy().currency;
    if let Some(head) = driver.session.journal_head() {
        info!(run_id, "head of the journal, for `verify --head`: {head}");
    }
    let words = format!("run {run_id} ended ({}): spent {} {currency}", ended_by.code(), status.spent);
    info!(run_id, ended_by = ended_by.code(), "{words}");
    if driver.cancel_on_exit && !driver.engine.is_empty() {
        return Err(Failure::other(
            "not every order could be cancelled in time; see `clorebid orders` and cancel by hand",
        ));
    }
    let is_blind = !driver.engine.was_answered();
    match ended_by {
        EndedBy::Time if is_blind => Err(nobody_answers(venue)),
        EndedBy::Time | EndedBy::Signal => {
            let standing = status.servers.iter().filter(|s| s.our_bid.is_some()).count();
            Ok(if standing > 0 { format!("{words}; {standing} of our orders stand") } else { words })
        }
        EndedBy::Halt(Halt::BadKey) => {
            Err(Failure::new(Kind::Key, format!("{venue} refuses the API key; make a new one at the venue's site")))
        }
        EndedBy::Halt(Halt::Unreachable) => Err(nobody_answers(venue)),
    }
}

/// A live run goes on from what the journal tells, so that has to be all there is.
fn demand_past(past: &Past, global: &Global) -> Result<(), Failure> {
    let (db, heads) = (global.db().display(), head_file(global.db()));
    let heads = heads.display();
    match past {
        Past::Whole => Ok(()),
        Past::Lost(head) => {
            let run_id = head.run_id;
            warn!(
                run_id,
                "{db} is new, although {heads} tells of {run_id} runs: orders of theirs that stand are found at the venue, \
                 and counted; with the old journal put back the bot knows them as its own"
            );
            Ok(())
        }
        Past::Behind(head) => Err(Failure::new(
            Kind::Journal,
            format!(
                "{db} lacks rows of run {} that were committed by {heads}: it is an older copy, or its -wal file was removed. \
             The bot would not know what it has done since. Put the whole journal back, with its -wal file; or, if there is \
             no other, remove {heads} and start again: orders that the journal does not know are then found at the venue",
                head.run_id
            ),
        )),
    }
}

fn nobody_answers(venue: &str) -> Failure {
    Failure::other(format!("nobody answers at {venue}; is the address right, and the network up?"))
}
