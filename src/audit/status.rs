//! How the newest run stands: from its rows alone, while it goes on or after it has ended.
//!
//! When it was, what was held and what that cost stand in rows. What they do not tell (the next lowering, what the limits
//! hold back, the wallet) the core tells, which is built from a memory on record and the answers that came since. The
//! memory is old enough for every kind of read to have come after it, so that takes the answers of some twenty minutes,
//! however long the run is; a whole replay would take those of weeks.

use clorebid_core::engine::Engine;
use clorebid_core::memory::Memory;
use clorebid_core::request::{Answer, Doubt, Request};
use clorebid_core::time::{Span, Time};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::api;
use crate::audit::replay::{Recorded, ReplayError, recorded_run};
use crate::clock::rfc3339;
use crate::history::{History, HistoryError};
use crate::strategy;
use crate::wire::Reply;

mod books;

pub(super) use books::keys;
use books::{Books, int};

/// A run without a good answer for this long is blind.
pub const BLIND_AFTER: Span = Span::from_secs(30);
/// The least often that any read is made is once in ten minutes.
const READS_COVER: Span = Span::from_secs(660);
/// Requests read from the journal at once.
const PAGE: u32 = 64;

/// One target as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetStands {
    /// Its name.
    pub target: String,
    /// How many servers it wants.
    pub wanted: u32,
    /// How many it holds.
    pub held: u32,
}

/// One server as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServerStands {
    /// The server.
    pub server: u64,
    /// The target it serves.
    pub target: String,
    /// What we have there.
    pub state: &'static str,
    /// Since when, where the record tells.
    pub since: Option<String>,
    /// Our order.
    pub order: Option<u64>,
    /// What we bid a day, at the worst.
    pub bid: Option<String>,
    /// The host's least price.
    pub floor: Option<String>,
    /// The highest bid of anybody else.
    pub best_rival: Option<String>,
    /// When our bid may next be lowered.
    pub next_lower_at: Option<String>,
    /// In how many seconds that is; 0: now.
    pub next_lower_in_seconds: Option<i64>,
    /// What holding it has cost in this run, fees included.
    pub cost: String,
    /// What a day costs at the present bid, fees included; nothing while it is not held.
    pub cost_per_day: Option<String>,
    /// What the core would like to do there.
    pub wish: Option<String>,
    /// What keeps it from doing so.
    pub held_back_by: Vec<String>,
}

/// What is spent, against the limits of the strategy. `null` limits are not set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Money {
    /// The coin of all sums.
    pub currency: String,
    /// What one of it is worth in USD, by the newest read that told.
    pub usd_rate: Option<String>,
    /// Spent in the last 24 hours, fees included.
    pub spent_last_day: String,
    /// A day of everything that stands at the highest price it may stand at: what `max_daily_cost` is held against.
    pub per_day: String,
    /// See the strategy file.
    pub max_daily_cost: Option<String>,
    /// Spent in all, over every run that went on from one another, fees included.
    pub spent_total: String,
    /// See the strategy file.
    pub max_total_cost: Option<String>,
    /// The wallet.
    pub balance: Option<String>,
    /// See the strategy file.
    pub min_balance: Option<String>,
    /// Orders that stand or may stand.
    pub orders: u32,
    /// See the strategy file.
    pub max_orders: Option<u32>,
    /// See the strategy file.
    pub max_bid: String,
}

/// The newest run as it stands. Its JSON form is a contract: keys are added and never renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Its number.
    pub run: i64,
    /// `live`, `dry` or `paper`.
    pub mode: String,
    /// The strategy's name.
    pub strategy: String,
    /// Whether it goes on.
    pub running: bool,
    /// The process, while it goes on.
    pub pid: Option<String>,
    /// When it began.
    pub started_at: String,
    /// When it ended: as it said itself, or by the last moment on record where it was cut short.
    pub ended_at: Option<String>,
    /// Whether it ended without saying so: it was killed, or the machine went down.
    pub cut_short: bool,
    /// The moment that all of this is about, by the clock of the run.
    pub as_of: String,
    /// When the last good answer to a read came.
    pub last_good_read_at: Option<String>,
    /// How old that is.
    pub last_good_read_age_seconds: Option<i64>,
    /// Whether it goes on and has had no good answer for 30 seconds or longer.
    pub blind: bool,
    /// Every target.
    pub targets: Vec<TargetStands>,
    /// Every server that matters.
    pub servers: Vec<ServerStands>,
    /// What is spent.
    pub money: Money,
    /// What is counted and left alone, and what happened to the clock, in the last 24 hours.
    pub notices: Vec<String>,
}

/// Who holds the lock of the journal, and what time it is.
#[derive(Debug, Clone)]
pub struct Outside {
    /// The pid of the process that holds it.
    pub holder: Option<String>,
    /// The machine's time.
    pub now: Time,
}

/// How the newest run stands.
///
/// # Errors
/// When there is none, or the journal cannot be read.
pub async fn status(history: &mut History, outside: &Outside) -> Result<Standing, ReplayError> {
    history.hold_still().await?;
    let standing = at_one_moment(history, outside).await;
    history.go_on().await?;
    standing
}

async fn at_one_moment(history: &mut History, outside: &Outside) -> Result<Standing, ReplayError> {
    let ours = "SELECT max(run_id) FROM run_starts WHERE strategy_toml <> '' AND mode <> 'backtest'";
    let run_id = int(history, ours).await?.ok_or(ReplayError::NoRuns)?;
    let newest = int(history, "SELECT max(run_id) FROM run_starts").await?;
    let run = recorded_run(history, run_id).await?.ok_or(ReplayError::NoRun(run_id))?;
    let recorded_until = Books::recorded_until(history, &run).await?;
    // A command by hand holds the lock, too, but then its own run is the newest.
    let running = run.ended_at.is_none() && outside.holder.is_some() && newest == Some(run_id);
    // On paper time goes by another clock, of which the record alone tells; so does it live where it is made to run faster.
    let now = match run.ended_at {
        Some(ended_at) => ended_at,
        None if running && run.mode != "paper" => outside.now.max(recorded_until),
        None => recorded_until,
    };
    let good_at = Books::last_good_read(history, run_id).await?;
    let (engine, usd_rate) = rebuild(history, &run, recorded_until).await?;
    let books = Books::read(history, &run, now).await?;
    let age = good_at.map(|at| now.since(at));
    let dark_for = age.unwrap_or_else(|| now.since(run.started_at));
    let (servers, targets) = (servers(&engine, &books, now), targets(&engine, now));
    Ok(Standing {
        run: run_id,
        money: money(&engine, &books, usd_rate, now),
        mode: run.mode,
        strategy: run.strategy,
        running,
        pid: outside.holder.clone().filter(|_| running),
        started_at: rfc3339(run.started_at),
        ended_at: (!running).then(|| rfc3339(now)),
        cut_short: !running && run.ended_at.is_none(),
        as_of: rfc3339(now),
        last_good_read_at: good_at.map(rfc3339),
        last_good_read_age_seconds: age.map(secs),
        blind: running && dark_for >= BLIND_AFTER,
        targets,
        servers,
        notices: books.notices,
    })
}

/// The core as it was after the last answer on record, and what its coin is worth in USD.
async fn rebuild(
    history: &mut History,
    run: &Recorded,
    recorded_until: Time,
) -> Result<(Engine, Option<Decimal>), ReplayError> {
    let run_id = run.run_id;
    let file =
        strategy::read(&run.strategy_toml, "strategy").map_err(|e| ReplayError::Strategy(run_id, e.to_string()))?;
    let currency = file.strategy.currency;
    let unreadable = |e: serde_json::Error| ReplayError::Memory(run_id, e.to_string());
    let parse = |text: &str| serde_json::from_str::<Memory>(text).map_err(unreadable);
    let kept = Books::memory_before(history, run_id, recorded_until - READS_COVER).await?;
    let (mut engine, mut seen) = match kept {
        Some((kept, at, after)) => {
            let mut memory = parse(&kept.memory)?;
            memory.hand_on(memory.manner().observe_only, at, at);
            (Engine::start(file.strategy, memory, at), after)
        }
        None => {
            let first = history.first_memory(run_id).await?;
            let first = first.ok_or_else(|| ReplayError::Memory(run_id, "there is none".to_owned()))?;
            (Engine::start(file.strategy, parse(&first)?, run.started_at), 0)
        }
    };
    let mut usd_rate = None;
    loop {
        let page = history.exchanges(run_id, seen, PAGE).await?;
        let Some(last) = page.last() else { break };
        seen = last.seq;
        for exchange in page {
            let request: Request = serde_json::from_str(&exchange.request).map_err(unreadable)?;
            let body = exchange.body.unwrap_or_default();
            let (answer, at) = match exchange.answered_at {
                Some(at) => {
                    let reply = Reply::recorded(exchange.status, body, exchange.error.as_deref());
                    (api::decode(&request, &reply), at)
                }
                // Nobody knows yet, or ever, what became of it.
                None => (Answer::Unknown(Doubt::Interrupted), exchange.sent_at),
            };
            if let Answer::Market(market) = &answer {
                usd_rate = market.usd_rates.get(currency).or(usd_rate);
            }
            if exchange.answered_at.is_some() || request.is_command() {
                engine.take_recorded(request, exchange.sent_at, at, &answer);
            }
        }
    }
    let newest = history.memories_back(run_id, u32::MAX, 1).await?;
    if newest.first().map(|kept| parse(&kept.memory)).transpose()?.is_some_and(|memory| memory.manner().leaving) {
        engine.leave();
    }
    Ok((engine, usd_rate))
}

fn targets(engine: &Engine, now: Time) -> Vec<TargetStands> {
    let targets = engine.status(now).targets.into_iter();
    targets.map(|t| TargetStands { target: t.name, wanted: t.wanted, held: t.held }).collect()
}

fn servers(engine: &Engine, books: &Books, now: Time) -> Vec<ServerStands> {
    let (status, explained) = (engine.status(now), engine.explain(now));
    let stands = |s: &clorebid_core::status::ServerStatus| {
        let why = explained.iter().find(|e| e.server == s.server);
        let state = s.state.code();
        let held = s.our_bid.filter(|_| s.state == clorebid_core::event::State::Holding);
        ServerStands {
            server: s.server.0,
            target: s.target.clone(),
            state,
            since: books.since(s.server.0, state).map(rfc3339),
            order: s.order.map(|o| o.0),
            bid: s.our_bid.map(|p| p.to_string()),
            floor: s.floor.map(|p| p.to_string()),
            best_rival: s.best_rival.map(|p| p.to_string()),
            next_lower_at: s.next_lower_at.map(rfc3339),
            next_lower_in_seconds: s.next_lower_at.map(|at| secs(at.since(now)).max(0)),
            cost: books.cost(s.server.0).to_string(),
            cost_per_day: held.map(|bid| bid.plus_percent(status.fee_percent).for_a_day().to_string()),
            wish: why.map(|e| e.wish.clone()),
            held_back_by: why.map_or_else(Vec::new, |e| e.held_back_by.iter().map(|h| h.words(now)).collect()),
        }
    };
    status.servers.iter().map(stands).collect()
}

fn money(engine: &Engine, books: &Books, usd_rate: Option<Decimal>, now: Time) -> Money {
    let (status, strategy) = (engine.status(now), engine.strategy());
    let limits = &strategy.limits;
    Money {
        currency: strategy.currency.name().to_owned(),
        usd_rate: usd_rate.map(|rate| rate.normalize().to_string()),
        spent_last_day: books.last_day.to_string(),
        per_day: status.per_day.to_string(),
        max_daily_cost: limits.max_daily_cost.map(|v| v.to_string()),
        spent_total: status.spent.to_string(),
        max_total_cost: limits.max_total_cost.map(|v| v.to_string()),
        balance: status.balance.map(|v| v.to_string()),
        min_balance: limits.min_balance.map(|v| v.to_string()),
        orders: status.orders,
        max_orders: limits.max_orders,
        max_bid: limits.max_bid.to_string(),
    }
}

fn secs(span: Span) -> i64 {
    span.ms().div_euclid(1000)
}

/// The last moment that a run has on record.
pub(super) async fn recorded_until(history: &mut History, run: &Recorded) -> Result<Time, HistoryError> {
    Books::recorded_until(history, run).await
}
