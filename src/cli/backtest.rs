//! `backtest`: a strategy, or a grid of them, on recorded markets.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clorebid_core::money::{Currency, Price};
use clorebid_core::strategy::Strategy;
use indicatif::{ProgressBar, ProgressStyle};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use toml_edit::DocumentMut;

use super::args::{BacktestArgs, Global, RivalsArg};
use super::{Failure, check, history};
use crate::backtest::{
    Axis, Bounds, Label, PerfectError, Point, Recorded, Rivals, Summary, VenueRules, bounds, keep_perfect_plan, points,
    run, run_recorded, summary,
};
use crate::history::{Cell, Rows};
use crate::journal::Journal;
use crate::lock::Lock;
use crate::strategy::{self, StrategyFile};
use crate::tape::{Reader, Series, SeriesOptions};

/// The table shows this many points of a grid.
const BEST_SHOWN: usize = 20;
/// A progress bar appears when a grid takes longer than this.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) async fn backtest(global: &Global, args: &BacktestArgs) -> Result<(), Failure> {
    let file = check::read(global, &args.strategy)?;
    let points = grid(args, &file.text)?;
    // Every point is checked before the first is run: a grid with a hole is a mistake, not a result.
    let files = points.iter().map(|p| strategy_at(args, p)).collect::<Result<Vec<StrategyFile>, Failure>>()?;
    if global.db.is_some() && (files.len() > 1 || args.rivals == RivalsArg::Both) {
        return Err(Failure::usage("--db keeps one run's history: leave out --vary and --rivals both"));
    }
    let strategies: Vec<Strategy> = files.iter().map(|f| f.strategy.clone()).collect();
    let reader = Reader::open(&args.tape)?;
    let options = SeriesOptions { servers: Vec::new(), gap: Some(args.gap) };
    let recorded = Recorded::new(Series::read(reader, &options)?);
    for cut in &recorded.series().cuts {
        eprintln!("clorebid: {}: the last line, record {}, is cut off and left out", cut.path.display(), cut.record);
    }
    let work = Work { args, points: &points, strategies: &strategies, recorded: &recorded, tape: tape_name(args) };
    let summaries = match (&global.db, files.first()) {
        (Some(_), Some(file)) => vec![work.on_record(global, file).await?],
        _ => work.run()?,
    };
    if let (Some(path), Some(strategy)) = (&args.oracle_db, strategies.first()) {
        work.keep_perfect_plan(path, strategy).await?;
    }
    print(global, args, &summaries)
}

/// The points of the grid, each with the rules of the command line written into it, so that a recorded run says under
/// which rules it was made.
fn grid(args: &BacktestArgs, text: &str) -> Result<Vec<Point>, Failure> {
    let fee_key = "venue.fee_percent";
    let fee_is_said = says_of_venue(text, "fee_percent") || args.vary.iter().any(|axis| axis.key == fee_key);
    // A live run assumes the venue's usual fee; a backtest counts none that nobody has named.
    let no_fee = (!fee_is_said).then(|| "0".to_owned());
    let told = [
        ("venue.tick", args.tick.map(|p| p.to_string())),
        ("venue.lower_every", args.lower_every.map(|d| d.to_string())),
        (fee_key, args.fee_percent.map(|p| p.to_string()).or(no_fee)),
        ("venue.creation_fee", args.creation_fee.map(|a| a.to_string())),
    ];
    let mut axes: Vec<Axis> = told
        .into_iter()
        .filter_map(|(key, value)| value.map(|v| Axis { key: key.to_owned(), values: vec![v] }))
        .collect();
    let rules = axes.len();
    axes.extend(args.vary.iter().cloned());
    let mut points = points(text, &axes).map_err(|e| Failure::usage(e.to_string()))?;
    for point in &mut points {
        point.settings.drain(..rules);
    }
    Ok(points)
}

fn strategy_at(args: &BacktestArgs, point: &Point) -> Result<StrategyFile, Failure> {
    let name = format!("{} at {}", args.strategy.display(), point.settings.join(", "));
    let name = if point.settings.is_empty() { args.strategy.display().to_string() } else { name };
    strategy::read(&point.text, &name)
        .map_err(|mistakes| Failure::usage(format!("{}\n", mistakes.picture(100, false).trim_end())))
}

/// Whether a strategy file sets that key of `[venue]` itself, rather than leaving it to its default.
fn says_of_venue(text: &str, key: &str) -> bool {
    text.parse::<DocumentMut>().is_ok_and(|file| file.get("venue").and_then(|venue| venue.get(key)).is_some())
}

fn tape_name(args: &BacktestArgs) -> String {
    let names: Vec<String> = args.tape.iter().map(|t| t.display().to_string()).collect();
    names.join(" ")
}

/// The venue's rules on this tape.
fn rules(args: &BacktestArgs, strategy: &Strategy) -> VenueRules {
    let usual = match strategy.currency {
        Currency::Bitcoin => "0.000001",
        Currency::Clore | Currency::Usd => "0.5",
    };
    let usual = Price::parse(usual).unwrap_or(Price::ZERO);
    VenueRules {
        tick: strategy.venue.tick,
        step: args.step.or(strategy.venue.step).unwrap_or(usual),
        lower_every: strategy.venue.lower_every,
        creation_fee: strategy.venue.creation_fee,
        fee_percent: strategy.venue.fee_percent,
    }
}

/// A grid, or a single point, and the tape that all of them share.
struct Work<'a> {
    args: &'a BacktestArgs,
    points: &'a [Point],
    strategies: &'a [Strategy],
    recorded: &'a Recorded,
    tape: String,
}

/// The rulers computed so far: points that differ only in how they bid share one.
type Rulers = Mutex<BTreeMap<String, Bounds>>;

impl Work<'_> {
    /// Runs every point of this shard on as many cores as wanted; the order of the results is the grid's.
    fn run(&self) -> Result<Vec<Summary>, Failure> {
        let rivals: &[Rivals] = match self.args.rivals {
            RivalsArg::Static => &[Rivals::Static],
            RivalsArg::Counter => &[Rivals::Counter],
            RivalsArg::Both => &[Rivals::Static, Rivals::Counter],
        };
        let shard = |n: &usize| self.args.shard.is_none_or(|s| s.has(*n));
        let jobs: Vec<(usize, Rivals)> =
            (0..self.points.len()).filter(shard).flat_map(|n| rivals.iter().map(move |r| (n, *r))).collect();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = self.args.jobs.map_or(cores, |n| usize::try_from(n).unwrap_or(1)).min(jobs.len().max(1));
        let (next, rulers, done) = (AtomicUsize::new(0), Rulers::default(), Mutex::new(BTreeMap::new()));
        let progress = Progress::new(jobs.len());
        let work = || -> Result<(), Failure> {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some((point, rivals)) = jobs.get(index) else { return Ok(()) };
                let summary = self.one(*point, *rivals, &rulers)?;
                if let Ok(mut done) = done.lock() {
                    done.insert(index, summary);
                    progress.show(done.len());
                }
            }
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            threads.into_iter().try_for_each(|t| t.join().unwrap_or_else(|_| Err(Failure::other("a run failed"))))
        })?;
        progress.end();
        Ok(done.into_inner().map(|d| d.into_values().collect()).unwrap_or_default())
    }

    /// The one run there is, with its whole history.
    async fn on_record(&self, global: &Global, file: &StrategyFile) -> Result<Summary, Failure> {
        let rules = rules(self.args, &file.strategy);
        let rivals = if self.args.rivals == RivalsArg::Counter { Rivals::Counter } else { Rivals::Static };
        let _database = Lock::database(global.db())?;
        let journal = Journal::open(global.db()).await?;
        let begun = Instant::now();
        let (ran, journal, run_id) = run_recorded(file, self.recorded, &rules, rivals, &self.tape, journal).await?;
        let wall = begun.elapsed();
        journal.close().await?;
        eprintln!("clorebid: run {run_id} in {}", global.db().display());
        let ruler = self.ruler(&file.strategy, &rules, &Rulers::default())?;
        let label = Label {
            strategy: file.strategy.name.clone(),
            tape: self.tape.clone(),
            rivals: rivals.name(),
            vary: Vec::new(),
        };
        Ok(summary(label, &ran, Some(&ruler), wall))
    }

    /// What perfection would have done about the first point's wants.
    async fn keep_perfect_plan(&self, path: &Path, strategy: &Strategy) -> Result<(), Failure> {
        let _database = Lock::database(path)?;
        let mut journal = Journal::open(path).await?;
        let rules = rules(self.args, strategy);
        let tick = self.args.oracle_tick;
        let run_id = keep_perfect_plan(strategy, self.recorded, &rules, tick, &self.tape, &mut journal).await;
        let run_id = run_id.map_err(|e| match e {
            PerfectError::Journal(e) => Failure::from(e),
            PerfectError::Bounds(e) => Failure::usage(e.to_string()),
        })?;
        journal.close().await?;
        eprintln!("clorebid: what perfection would have done is run {run_id} in {}", path.display());
        Ok(())
    }

    fn one(&self, point: usize, rivals: Rivals, rulers: &Rulers) -> Result<Summary, Failure> {
        let strategy = &self.strategies[point];
        let rules = rules(self.args, strategy);
        let begun = Instant::now();
        let ran = run(strategy, self.recorded, &rules, rivals, !self.args.no_jump, &mut |_, _, _, _| {});
        let wall = begun.elapsed();
        let ruler = self.ruler(strategy, &rules, rulers)?;
        let settings = self.points[point].settings.clone();
        let label =
            Label { strategy: strategy.name.clone(), tape: self.tape.clone(), rivals: rivals.name(), vary: settings };
        Ok(summary(label, &ran, Some(&ruler), wall))
    }

    /// The ruler for a strategy: it depends on what is wanted and what that is worth, not on how is bid.
    fn ruler(&self, strategy: &Strategy, rules: &VenueRules, rulers: &Rulers) -> Result<Bounds, Failure> {
        let wanted = strategy.targets.iter().map(|t| format!("{} {:?} {:?} {:?}", t.want, t.choice, t.value, t.name));
        let (currency, most) = (strategy.currency, strategy.limits.max_bid);
        let key = format!("{rules:?} {currency:?} {most} {:?}", wanted.collect::<Vec<_>>());
        if let Some(known) = rulers.lock().ok().and_then(|r| r.get(&key).cloned()) {
            return Ok(known);
        }
        let ruler =
            bounds(strategy, self.recorded, rules, self.args.oracle_tick).map_err(|e| Failure::usage(e.to_string()))?;
        if let Ok(mut rulers) = rulers.lock() {
            rulers.insert(key, ruler.clone());
        }
        Ok(ruler)
    }
}

/// A bar on a terminal, once it is worth one.
struct Progress {
    bar: Option<ProgressBar>,
    begun: Instant,
}

impl Progress {
    fn new(runs: usize) -> Progress {
        let bar = (std::io::stderr().is_terminal() && runs > 1).then(|| {
            let bar = ProgressBar::new(u64::try_from(runs).unwrap_or(u64::MAX));
            let style = ProgressStyle::with_template("{bar:40} {pos}/{len} runs, {eta} left");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Progress { bar, begun: Instant::now() }
    }

    fn show(&self, done: usize) {
        if let Some(bar) = self.bar.as_ref().filter(|_| self.begun.elapsed() > PATIENCE) {
            bar.set_position(u64::try_from(done).unwrap_or(0));
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn print(global: &Global, args: &BacktestArgs, summaries: &[Summary]) -> Result<(), Failure> {
    if args.json {
        let mut out = std::io::stdout().lock();
        for summary in summaries {
            let line = serde_json::to_string(summary).map_err(|e| Failure::other(e.to_string()))?;
            if writeln!(out, "{line}").is_err() {
                return Ok(());
            }
        }
        return Ok(());
    }
    let rows = if args.vary.is_empty() { one_by_one(summaries) } else { best(summaries) };
    history::print(global, &rows)
}

/// A run as a column, its numbers as rows, in the order that the JSON has them.
fn one_by_one(summaries: &[Summary]) -> Rows {
    let mut columns = vec!["what".to_owned()];
    columns.extend(summaries.iter().map(|s| format!("rivals {}", s.rivals)));
    let runs: Vec<Fields> = summaries.iter().filter_map(fields).collect();
    let names: Vec<String> =
        runs.first().map(|f| f.0.iter().map(|(name, _)| name.clone()).collect()).unwrap_or_default();
    let rows = names.into_iter().enumerate().map(|(n, name)| {
        let value = |f: &Fields| f.0.get(n).map_or(Cell::Null, |(_, value)| value.clone());
        std::iter::once(Cell::Text(name)).chain(runs.iter().map(value)).collect()
    });
    Rows { columns, rows: rows.collect() }
}

/// A summary's keys and values, in its own order.
struct Fields(Vec<(String, Cell)>);

fn fields(summary: &Summary) -> Option<Fields> {
    serde_json::from_str(&serde_json::to_string(summary).ok()?).ok()
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a summary")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, serde_json::Value>()? {
                    let cell = match value {
                        serde_json::Value::Null => Cell::Null,
                        serde_json::Value::String(text) => Cell::Text(text),
                        other => Cell::Text(other.to_string()),
                    };
                    fields.push((name, cell));
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// The best points of a grid, the cheapest first.
fn best(summaries: &[Summary]) -> Rows {
    let mut ranked: Vec<&Summary> = summaries.iter().collect();
    ranked.sort_by_cached_key(|s| (clorebid_core::money::Amount::parse(&s.effective_cost).ok(), s.vary.clone()));
    let columns =
        ["vary", "rivals", "effective_cost", "over_oracle", "cost", "held_seconds", "restarts", "interruptions"];
    let rows = ranked.iter().take(BEST_SHOWN).map(|s| {
        vec![
            Cell::Text(s.vary.join(" ")),
            Cell::Text(s.rivals.to_owned()),
            Cell::Text(s.effective_cost.clone()),
            s.effective_over_oracle.clone().map_or(Cell::Null, Cell::Text),
            Cell::Text(s.cost.clone()),
            Cell::Text(s.held_server_seconds.clone()),
            Cell::Text(s.restarts.to_string()),
            Cell::Text(s.interruptions.to_string()),
        ]
    });
    Rows { columns: columns.iter().map(|c| (*c).to_owned()).collect(), rows: rows.collect() }
}
