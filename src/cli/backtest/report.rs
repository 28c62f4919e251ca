//! What a backtest prints: lines of JSON as they come, or a table at the end.

use std::collections::BTreeMap;
use std::io::{ErrorKind, IsTerminal, Write};
use std::time::{Duration, Instant};

use clorebid_core::money::Amount;
use clorebid_core::time::Time;
use indicatif::{ProgressBar, ProgressStyle};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::super::args::{BacktestArgs, Global};
use super::super::{Failure, history};
use crate::backtest::Summary;
use crate::history::{Cell, Rows};

/// The table shows this many points of a grid.
const BEST_SHOWN: usize = 20;
/// A progress bar appears when a grid takes longer than this.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why reporting came to an end before the last run.
pub(super) enum Stop {
    /// Nobody reads our output any more.
    Closed,
    /// Something went wrong.
    Failed(Failure),
}

/// Takes results in the grid's order, and keeps none that it does not need.
pub(super) struct Report {
    shape: Shape,
    progress: Progress,
}

enum Shape {
    /// One JSON object a line, each printed when it comes.
    Lines,
    /// A column for each run.
    Columns(Vec<Summary>),
    /// The best so far, the cheapest first: by effective cost, then settings, then place in the grid.
    Best(BTreeMap<(Option<Amount>, Vec<String>, usize), Summary>),
}

impl Report {
    /// For so many runs.
    pub(super) fn new(args: &BacktestArgs, runs: usize) -> Report {
        let shape = match (args.json, args.vary.is_empty()) {
            (true, _) => Shape::Lines,
            (false, true) => Shape::Columns(Vec::new()),
            (false, false) => Shape::Best(BTreeMap::new()),
        };
        // Lines on the same terminal show by themselves how far it is.
        let lines_show = args.json && std::io::stdout().is_terminal();
        Report { shape, progress: Progress::new(if lines_show { 1 } else { runs }) }
    }

    pub(super) fn take(&mut self, summary: Summary) -> Result<(), Stop> {
        let number = self.progress.step();
        match &mut self.shape {
            Shape::Lines => print_line(&summary)?,
            Shape::Columns(summaries) => summaries.push(summary),
            Shape::Best(best) => {
                let cost = Amount::parse(&summary.effective_cost).ok();
                best.insert((cost, summary.vary.clone(), number), summary);
                if best.len() > BEST_SHOWN {
                    best.pop_last();
                }
            }
        }
        Ok(())
    }

    /// Prints the table, if there is one.
    pub(super) fn end(self, global: &Global) -> Result<(), Failure> {
        self.progress.end();
        match self.shape {
            Shape::Lines => Ok(()),
            Shape::Columns(summaries) => history::print(global, &one_by_one(&summaries)),
            Shape::Best(best) => history::print(global, &table(best.values())),
        }
    }
}

/// One write for a whole line, its end included: a grid that is killed leaves no half of one.
fn print_line(summary: &Summary) -> Result<(), Stop> {
    let mut line = serde_json::to_string(summary).map_err(|e| Stop::Failed(Failure::other(e.to_string())))?;
    line.push('\n');
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).map_err(|e| match e.kind() {
        ErrorKind::BrokenPipe => Stop::Closed,
        _ => Stop::Failed(Failure::other(format!("cannot write: {e}"))),
    })
}

/// A bar on a terminal, once it is worth one.
struct Progress {
    bar: Option<ProgressBar>,
    begun: Instant,
    done: usize,
}

impl Progress {
    fn new(runs: usize) -> Progress {
        let bar = (std::io::stderr().is_terminal() && runs > 1).then(|| {
            let bar = ProgressBar::new(u64::try_from(runs).unwrap_or(u64::MAX));
            let style = ProgressStyle::with_template("{bar:40} {pos}/{len} runs, {eta} left");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Progress { bar, begun: Instant::now(), done: 0 }
    }

    /// One more is done; says how many were before it.
    fn step(&mut self) -> usize {
        self.done += 1;
        if let Some(bar) = self.bar.as_ref().filter(|_| self.begun.elapsed() > PATIENCE) {
            bar.set_position(u64::try_from(self.done).unwrap_or(0));
        }
        self.done - 1
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// How far a single run has come along its tape: a bar on a terminal, once it is worth one.
pub(super) struct Along {
    bar: Option<ProgressBar>,
    from: Time,
    begun: Instant,
    steps: u32,
}

impl Along {
    /// Nothing is run yet of that span.
    pub(super) fn new((from, to): (Time, Time)) -> Along {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(to.since(from).ms().unsigned_abs());
            let style = ProgressStyle::with_template("{bar:40} {percent} % of the tape, {eta} left");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Along { bar, from, begun: Instant::now(), steps: 0 }
    }

    /// The run is at that moment of its tape.
    pub(super) fn at(&mut self, now: Time) {
        // A step takes less time than a look at the clock is worth.
        self.steps = self.steps.wrapping_add(1);
        if !self.steps.is_multiple_of(4096) {
            return;
        }
        if let Some(bar) = self.bar.as_ref().filter(|_| self.begun.elapsed() > PATIENCE) {
            bar.set_position(now.since(self.from).ms().unsigned_abs());
        }
    }

    /// The run is over.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
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

/// The best points of a grid.
fn table<'a>(best: impl Iterator<Item = &'a Summary>) -> Rows {
    let columns =
        ["vary", "rivals", "effective_cost", "over_oracle", "cost", "held_seconds", "restarts", "interruptions"];
    let rows = best.map(|s| {
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
