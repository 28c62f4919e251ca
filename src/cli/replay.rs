//! `replay`: decides a recorded run again. Exit 5 where it comes out otherwise.

use std::io::Write;

use super::args::{Format, Global, ReplayArgs};
use super::{Failure, Kind, logging, output};
use crate::audit::replay::{self, Difference, ReplayError, Summary};
use crate::history::{Cell, History, HistoryError, Rows};
use crate::journal::JournalError;

pub(super) async fn replay(global: &Global, args: &ReplayArgs) -> Result<(), Failure> {
    logging::start(global, Vec::new(), None);
    let mut history = History::open_read_only(global.db()).await?;
    let run_id = match args.run {
        Some(run_id) => run_id,
        None => replay::newest_replayable(&mut history).await?,
    };
    let summary = replay::replay(&mut history, run_id).await?;
    print(global, &summary)?;
    match &summary.difference {
        None => Ok(()),
        Some(d) => Err(Failure::new(
            Kind::Difference,
            format!("run {run_id} is decided otherwise: the {} of request {} differ", d.what, d.seq),
        )),
    }
}

fn print(global: &Global, summary: &Summary) -> Result<(), Failure> {
    match global.format {
        Format::Json => {
            let text = serde_json::to_string(summary).map_err(|e| Failure::other(e.to_string()))?;
            output::print(format_args!("{text}\n"))
        }
        Format::Csv => super::history::print(global, &as_row(summary)),
        Format::Table => output::written(tell(summary, &mut std::io::stdout().lock())),
    }
}

fn tell(summary: &Summary, out: &mut impl Write) -> std::io::Result<()> {
    let alike = if summary.difference.is_none() { ", all decided alike" } else { " decided alike" };
    let (run, matched, changes, notes) = (summary.run, summary.matched, summary.changes, summary.notes);
    writeln!(out, "run {run}: {matched} requests, {changes} of them changes, {notes} notes{alike}")?;
    if let Some(seq) = summary.unanswered {
        writeln!(out, "the answer to request {seq} was never recorded: the replay ends there")?;
    }
    summary.difference.as_ref().map_or(Ok(()), |d| side_by_side(d, out))
}

fn as_row(summary: &Summary) -> Rows {
    let number = |n: u64| i64::try_from(n).map_or(Cell::Null, Cell::Integer);
    let columns = ["run", "matched", "changes", "notes", "unanswered", "differs_at", "what"];
    let difference = summary.difference.as_ref();
    let row = vec![
        Cell::Integer(summary.run),
        number(summary.matched),
        number(summary.changes),
        number(summary.notes),
        summary.unanswered.map_or(Cell::Null, number),
        difference.map_or(Cell::Null, |d| number(d.seq)),
        difference.map_or(Cell::Null, |d| Cell::Text(d.what.to_owned())),
    ];
    Rows { columns: columns.map(str::to_owned).to_vec(), rows: vec![row] }
}

/// Recorded left, decided now right, what differs marked.
fn side_by_side(difference: &Difference, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "\nbefore it:")?;
    for line in &difference.before {
        writeln!(out, "  {line}")?;
    }
    writeln!(
        out,
        "\nfirst difference, in the {} of request {} at {}:",
        difference.what, difference.seq, difference.at
    )?;
    let (recorded, decided) = (&difference.recorded, &difference.decided);
    let width = recorded.iter().map(|l| l.chars().count()).max().unwrap_or(0).max("recorded".len());
    writeln!(out, "    {:width$}  |  decided now", "recorded")?;
    for n in 0..recorded.len().max(decided.len()) {
        let left = recorded.get(n).map_or("", String::as_str);
        let right = decided.get(n).map_or("", String::as_str);
        let mark = if left == right { ' ' } else { '!' };
        writeln!(out, "  {mark} {left:width$}  |  {right}")?;
    }
    Ok(())
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Failure {
        match error {
            // What is on record makes no sense any more: that is a difference, too.
            ReplayError::History(HistoryError::Journal(e @ JournalError::Damaged { .. })) => {
                Failure::new(Kind::Difference, e.to_string())
            }
            ReplayError::History(e) => e.into(),
            ReplayError::Strategy(..) | ReplayError::Memory(..) => Failure::new(Kind::Difference, error.to_string()),
            ReplayError::NoRun(_) | ReplayError::NoRuns | ReplayError::NotDecided(..) => {
                Failure::usage(error.to_string())
            }
        }
    }
}
