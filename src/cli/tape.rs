//! `tape`: what is on a tape, a run's tape out of the journal, and a tape into it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clorebid_core::ids::ServerId;
use clorebid_core::money::Currency;
use clorebid_core::time::{Span, Time};
use tracing::{info, warn};

use super::args::{Global, TapeArgs, TapeCommand};
use super::{Failure, Kind, history, logging, output};
use crate::clock::rfc3339;
use crate::history::{Cell, Filter, History, Rows, View};
use crate::journal::Journal;
use crate::lock::Lock;
use crate::tape::{self, Gap, Reader, SeriesOptions, State, Survey, TapeError, TransferError, Writer};

pub(super) async fn tape(global: &Global, args: TapeArgs) -> Result<(), Failure> {
    logging::start(global, Vec::new(), None);
    match args.what {
        TapeCommand::Info { tapes, gap } => info(global, &tapes, gap),
        TapeCommand::Export { run, out } => export(global, run, &out).await,
        TapeCommand::Import { tapes, currency } => import(global, &tapes, currency).await,
    }
}

/// Reads tapes to their end, and warns where one was cut off.
fn read(tapes: &[PathBuf], gap: Span, keep: impl FnMut(ServerId, State)) -> Result<Survey, Failure> {
    let options = SeriesOptions { gap: Some(gap), ..SeriesOptions::default() };
    let survey = Survey::read(Reader::open(tapes)?, &options, keep)?;
    for cut in &survey.cuts {
        warn!("{cut}");
    }
    Ok(survey)
}

fn info(global: &Global, tapes: &[PathBuf], gap: Span) -> Result<(), Failure> {
    let survey = read(tapes, gap, |_, _| {})?;
    let columns = ["of", "server", "records", "changes", "gaps", "longest_gap", "from", "to", "bytes", "file_bytes"];
    let mut table = Table(Rows { columns: columns.map(str::to_owned).to_vec(), rows: Vec::new() });
    let packed: u64 = tapes.iter().filter_map(|t| std::fs::metadata(t).ok()).map(|m| m.len()).sum();
    let all: u64 = survey.records.iter().sum();
    let changes: u64 = survey.servers.values().map(|s| s.changes).sum();
    let mut row = table.row("tape", Some((survey.from, survey.to)));
    row.counts(all, Some(changes), Some(&survey.gaps));
    row.0[8] = whole(survey.bytes);
    row.0[9] = whole(packed);
    for (name, count) in ["spot_marketplace", "marketplace", "my_orders", "wallets"].iter().zip(survey.records) {
        table.row(name, None).counts(count, None, None);
    }
    table.row("errors", None).counts(survey.errors, None, None);
    for (id, server) in &survey.servers {
        let mut row = table.row("server", server.seen);
        row.0[1] = whole(id.0);
        row.counts(server.records, Some(server.changes), Some(&server.gaps));
    }
    for gap in &survey.gaps {
        table.row("gap", Some((gap.from, gap.to))).0[5] = Cell::Text(length(gap).to_string());
    }
    for (id, server) in &survey.servers {
        for gap in &server.gaps {
            let row = table.row("gap", Some((gap.from, gap.to)));
            row.0[1] = whole(id.0);
            row.0[5] = Cell::Text(length(gap).to_string());
        }
    }
    history::print(global, &table.0)
}

/// One row for the tape, each kind of call, each server and each gap: one shape for people, scripts and spreadsheets.
struct Table(Rows);

struct Row<'a>(&'a mut [Cell]);

impl Table {
    fn row(&mut self, of: &str, seen: Option<(Time, Time)>) -> Row<'_> {
        let mut cells = vec![Cell::Null; self.0.columns.len()];
        cells[0] = Cell::Text(of.to_owned());
        if let Some((from, to)) = seen {
            cells[6] = Cell::Text(rfc3339(from));
            cells[7] = Cell::Text(rfc3339(to));
        }
        self.0.rows.push(cells);
        // Proof: a row was pushed the line before.
        Row(self.0.rows.last_mut().expect("a row"))
    }
}

impl Row<'_> {
    fn counts(&mut self, records: u64, changes: Option<u64>, gaps: Option<&[Gap]>) {
        self.0[2] = whole(records);
        self.0[3] = changes.map_or(Cell::Null, whole);
        let Some(gaps) = gaps else { return };
        self.0[4] = whole(gaps.len() as u64);
        self.0[5] = gaps.iter().map(length).max().map_or(Cell::Null, |span| Cell::Text(span.to_string()));
    }
}

fn length(gap: &Gap) -> Span {
    gap.to.since(gap.from)
}

fn whole(n: u64) -> Cell {
    i64::try_from(n).map_or_else(|_| Cell::Text(n.to_string()), Cell::Integer)
}

async fn export(global: &Global, run: i64, out: &Path) -> Result<(), Failure> {
    let mut journal = History::open_read_only(global.db()).await?;
    let filter = Filter { run: Some(run), ..Filter::default() };
    if journal.view(View::Runs, &filter).await?.rows.is_empty() {
        return Err(Failure::usage(format!(
            "there is no run {run} in {}; see `clorebid history runs`",
            global.db().display()
        )));
    }
    let mut writer = Writer::create(out)?;
    let exported = tape::export(&mut journal, run, &mut writer).await;
    writer.finish()?;
    match exported {
        Ok(0) => Err(Failure::other(format!("run {run} was answered nothing that a tape holds; no tape was written"))),
        Ok(count) => {
            info!("run {run}: {count} records on {}", out.display());
            Ok(())
        }
        Err(error) => {
            // Half a run would pass for a whole one.
            let _ = std::fs::remove_file(out);
            Err(error.into())
        }
    }
}

async fn import(global: &Global, tapes: &[PathBuf], currency: Option<Currency>) -> Result<(), Failure> {
    // The journal only grows, so the tape is read to its end before the first row of it is written.
    let mut in_floors = BTreeSet::new();
    read(tapes, Span::from_secs(3600), |_, state| {
        if let State::Market(change) = state {
            in_floors.extend(Currency::ALL.into_iter().filter(|c| change.floors.get(*c).is_some()));
        }
    })?;
    let currency = currency.or_else(|| in_floors.first().copied()).unwrap_or(Currency::Bitcoin);
    let names: Vec<String> = tapes.iter().map(|t| t.display().to_string()).collect();
    let _database = Lock::database(global.db())?;
    let mut journal = Journal::open(global.db()).await?;
    let (run, count) = tape::import(&mut journal, Reader::open(tapes)?, &names.join(" "), currency).await?;
    journal.close().await?;
    info!("run {run}: {count} records from {}", names.join(" "));
    output::print(format_args!("{run}\n"))
}

impl From<TapeError> for Failure {
    fn from(error: TapeError) -> Failure {
        let kind = match error {
            TapeError::Write { .. } | TapeError::InUse { .. } | TapeError::Unsorted { .. } => Kind::Failed,
            _ => Kind::Usage,
        };
        Failure::new(kind, error.to_string())
    }
}

impl From<TransferError> for Failure {
    fn from(error: TransferError) -> Failure {
        match error {
            TransferError::Tape(e) => e.into(),
            TransferError::Journal(e) => e.into(),
            TransferError::History(e) => e.into(),
        }
    }
}
