//! `backtest`: a strategy, or a grid of them, on recorded markets.

mod report;

use std::path::Path;
use std::time::Instant;

use clorebid_core::strategy::Strategy;
use toml_edit::DocumentMut;

use super::args::{BacktestArgs, Global, RivalsArg};
use super::{Failure, check, output};
use crate::backtest::{
    Axis, Benchmarks, BoundsError, Grid, GridError, Label, OracleRunError, Recorded, Rivals, Shard, Summary,
    VenueRules, in_order, keep_oracle_run, run, run_recorded, summary,
};
use crate::journal::Journal;
use crate::lock::Lock;
use crate::strategy::{self, StrategyFile};
use crate::tape::{Reader, Series, SeriesOptions};
use report::{Along, Report, Stop};

pub(super) async fn backtest(global: &Global, args: &BacktestArgs) -> Result<(), Failure> {
    let file = check::read(global, &args.strategy)?;
    let points = Points::new(args, &file.text)?;
    points.check()?;
    if global.db.is_some() && (points.grid.count() > 1 || args.rivals == RivalsArg::Both) {
        return Err(Failure::usage("--db keeps one run's history: leave out --vary and --rivals both"));
    }
    let reader = Reader::open(&args.tape)?;
    let options = SeriesOptions { servers: Vec::new(), gap: Some(args.gap) };
    let recorded = Recorded::new(Series::read(reader, &options)?);
    for cut in &recorded.series().cuts {
        output::tell(format_args!(
            "clorebid: {}: the last line, record {}, is cut off and left out\n",
            cut.path.display(),
            cut.record
        ));
    }
    let benchmarks = Benchmarks::new(&recorded, args.oracle_tick);
    let work = Work { args, points: &points, recorded: &recorded, benchmarks: &benchmarks, tape: tape_name(args) };
    let mut report = Report::new(args, work.jobs());
    let ended = match &global.db {
        Some(_) => report.take(work.on_record(global, &points.at(0)?.1).await?),
        None => work.run(&mut report),
    };
    match ended {
        // Whoever read our lines may have seen enough.
        Ok(()) | Err(Stop::Closed) => {}
        Err(Stop::Failed(failure)) => return Err(failure),
    }
    if let Some(path) = &args.oracle_db {
        work.keep_oracle_run(path, &points.at(0)?.1.strategy).await?;
    }
    report.end(global)
}

/// The points of the grid, and which of them are ours. None of them is held: each is made from its number when it is
/// wanted, so that a grid of a million takes no more memory than one of ten.
struct Points<'a> {
    args: &'a BacktestArgs,
    grid: Grid,
    part: Shard,
}

impl Points<'_> {
    /// Each point has the rules of the command line written into it, so that a recorded run says under which rules it
    /// was made.
    fn new<'a>(args: &'a BacktestArgs, text: &str) -> Result<Points<'a>, Failure> {
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
        let told = told.into_iter().filter_map(|(key, value)| Some(Axis { key: key.to_owned(), values: vec![value?] }));
        let axes = args.vary.iter().cloned().chain(told).collect();
        let grid = Grid::new(text, axes).map_err(unusable)?;
        Ok(Points { args, grid, part: args.shard.unwrap_or(Shard::WHOLE) })
    }

    /// How many of them are ours.
    fn count(&self) -> usize {
        self.part.count(self.grid.count())
    }

    /// What was varied at a point, counted among all of the grid, and the strategy there.
    fn at(&self, number: usize) -> Result<(Vec<String>, StrategyFile), Failure> {
        let mut point = self.grid.point(number).map_err(unusable)?;
        point.settings.truncate(self.args.vary.len());
        let name = self.args.strategy.display().to_string();
        let name = if point.settings.is_empty() { name } else { format!("{name} at {}", point.settings.join(", ")) };
        let file = strategy::read(&point.text, &name)
            .map_err(|mistakes| Failure::usage(format!("{}\n", mistakes.picture(100, false).trim_end())))?;
        Ok((point.settings, file))
    }

    /// Every point of ours is checked before the first is run: a grid with a hole is a mistake, not a result. Of the
    /// other parts' points only as many as it takes to see each value once, so that a slip of the pen stops every
    /// machine and not only the one that it falls to.
    fn check(&self) -> Result<(), Failure> {
        if self.count() < self.grid.count() {
            self.grid.each_value_once().into_iter().try_for_each(|number| self.at(number).map(drop))?;
        }
        in_order(threads(self.args), self.count(), |nth| self.at(self.part.number(nth)).map(drop), Ok)
    }
}

fn unusable(error: GridError) -> Failure {
    Failure::usage(error.to_string())
}

fn threads(args: &BacktestArgs) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    args.jobs.and_then(|n| usize::try_from(n).ok()).unwrap_or_else(cores)
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
    let rules = VenueRules::of(strategy);
    VenueRules { step: args.step.unwrap_or(rules.step), ..rules }
}

/// A grid, or a single point, and the tape that all of them share.
struct Work<'a> {
    args: &'a BacktestArgs,
    points: &'a Points<'a>,
    recorded: &'a Recorded,
    benchmarks: &'a Benchmarks<'a>,
    tape: String,
}

impl Work<'_> {
    /// What each point is run with.
    fn rivals(&self) -> &'static [Rivals] {
        match self.args.rivals {
            RivalsArg::Static => &[Rivals::Static],
            RivalsArg::Counter => &[Rivals::Counter],
            RivalsArg::Both => &[Rivals::Static, Rivals::Counter],
        }
    }

    /// How many runs there are.
    fn jobs(&self) -> usize {
        self.points.count() * self.rivals().len()
    }

    /// Runs every point of ours on as many cores as wanted; the results are reported in the grid's order.
    fn run(&self, report: &mut Report) -> Result<(), Stop> {
        let rivals = self.rivals();
        let job = |number: usize| {
            let kind = rivals.get(number % rivals.len()).copied().unwrap_or(Rivals::Static);
            self.one(self.points.part.number(number / rivals.len()), kind).map_err(Stop::Failed)
        };
        in_order(threads(self.args), self.jobs(), job, |summary| report.take(summary))
    }

    /// The one run there is, with its whole history.
    async fn on_record(&self, global: &Global, file: &StrategyFile) -> Result<Summary, Failure> {
        let rules = rules(self.args, &file.strategy);
        let rivals = if self.args.rivals == RivalsArg::Counter { Rivals::Counter } else { Rivals::Static };
        let _database = Lock::database(global.db())?;
        let journal = Journal::open(global.db()).await?;
        let begun = Instant::now();
        let mut along = Along::new(self.recorded.span());
        let (ran, journal, run_id) =
            run_recorded(file, self.recorded, &rules, rivals, &self.tape, journal, &mut |now, _, _, _| along.at(now))
                .await?;
        along.end();
        let wall = begun.elapsed();
        journal.close().await?;
        output::tell(format_args!("clorebid: run {run_id} in {}\n", global.db().display()));
        let benchmark = self.benchmarks.of(&file.strategy, &rules).bounds().map_err(no_benchmark)?;
        let label = Label {
            strategy: file.strategy.name.clone(),
            tape: self.tape.clone(),
            rivals: rivals.name(),
            vary: Vec::new(),
        };
        Ok(summary(label, &ran, Some(&benchmark), wall))
    }

    /// What the oracle would have done about the first point's wants.
    async fn keep_oracle_run(&self, path: &Path, strategy: &Strategy) -> Result<(), Failure> {
        let _database = Lock::database(path)?;
        let mut journal = Journal::open(path).await?;
        let rules = rules(self.args, strategy);
        let tick = self.args.oracle_tick;
        let run_id = keep_oracle_run(strategy, self.recorded, &rules, tick, &self.tape, &mut journal).await;
        let run_id = run_id.map_err(|e| match e {
            OracleRunError::Journal(e) => Failure::from(e),
            OracleRunError::Bounds(e) => no_benchmark(e),
        })?;
        journal.close().await?;
        output::tell(format_args!("clorebid: what the oracle would have done is run {run_id} in {}\n", path.display()));
        Ok(())
    }

    fn one(&self, point: usize, rivals: Rivals) -> Result<Summary, Failure> {
        let (vary, file) = self.points.at(point)?;
        let strategy = &file.strategy;
        let rules = rules(self.args, strategy);
        let benchmark = self.benchmarks.of(strategy, &rules);
        let begun = Instant::now();
        // Of many runs the bar counts the runs.
        let mut along = (self.jobs() == 1).then(|| Along::new(self.recorded.span()));
        let ran = run(strategy, self.recorded, &rules, rivals, !self.args.no_jump, &mut |now, _, _, _| {
            along.iter_mut().for_each(|along| along.at(now));
        });
        along.iter().for_each(Along::end);
        let wall = begun.elapsed();
        let benchmark = benchmark.bounds().map_err(no_benchmark)?;
        let label = Label { strategy: strategy.name.clone(), tape: self.tape.clone(), rivals: rivals.name(), vary };
        Ok(summary(label, &ran, Some(&benchmark), wall))
    }
}

fn no_benchmark(error: BoundsError) -> Failure {
    Failure::usage(error.to_string())
}
