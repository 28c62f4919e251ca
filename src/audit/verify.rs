//! Checking a journal against itself: the hash chain, gaps, the views, and the numbered invariants, worked out anew from
//! the requests, states and stretches on record, without the core that is to be checked.
//!
//! | check | what must hold |
//! |---|---|
//! | readable | every row and stored answer can be read |
//! | chain | every row carries the hash that follows from the one before |
//! | heads | every row is there that the file beside the journal, or `--head`, says was committed |
//! | gaps | the requests of a run are numbered from 1 without a gap, in order of time |
//! | answers | every request has an answer, but for the last one of a run that never ended |
//! | views | the views are as a build of this program made them and show every row of the tables, and a strategy has the SHA-256 that is on record |
//! | money | what a stretch cost and how long servers were held is what bid and times come to |
//! | states | every state follows from the one before it, and an order holds for the target that its bid was made for |
//! | I1 | no bid above `max_bid` |
//! | I2 | no bid where an order stands or may stand, and never more than `want` for a target |
//! | I3 | no bid that takes what stands at worst, other people's orders and fees included, past `max_daily_cost` or `max_orders`, nor one with less than `min_balance` in the wallet or `max_total_cost` already spent |
//! | I6 | no second create before the first is settled; one that never appeared: 120 s and two good reads later |
//! | I9 | no lowering within the window after the last one, nor below a lowest price that the venue named |
//! | I10 | 1.05 s between requests, 5.25 s between creates |
//! | I12 | only orders that the bot placed or took over are re-priced or cancelled |
//!
//! It reads a page at a time. What is spent it counts when a stretch of holding has ended; what open ones have cost so
//! far, and how long stopping would take, is for the core to add.

use serde::Serialize;

use crate::audit::replay::{ReplayError, recorded_run, runs};
use crate::history::{History, HistoryError};
use crate::journal::Head;

mod account;
mod first;
mod journal;
mod rules;
mod tally;
mod walk;

use tally::Tally;
pub use tally::{Check, Kind};

/// What verifying came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Every check.
    pub checks: Vec<Check>,
    /// The runs that never ended: what they read just before is on no record.
    pub cut_short: Vec<i64>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.checks.iter().all(|c| c.faults == 0)
    }

    /// The checks that found something.
    pub fn broken(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|c| c.faults > 0)
    }
}

/// Checks the whole journal, or the chain of all of it and everything else of one run.
///
/// `heads`: what is known of it from elsewhere, beside the file of heads that lies with it.
///
/// # Errors
/// When there is no such run. A journal that cannot be read is a fault like others, and in the report.
pub async fn verify(history: &mut History, run: Option<i64>, heads: &[Head]) -> Result<Report, ReplayError> {
    // Before the journal holds still: a run that goes on writes its head after the rows.
    let beside = history.heads_beside();
    // A journal that is no database at all is told of below.
    let _ = history.hold_still().await;
    let report = check(history, run, beside, heads).await;
    let _ = history.go_on().await;
    report
}

async fn check(
    history: &mut History,
    run: Option<i64>,
    beside: Result<Vec<Head>, HistoryError>,
    elsewhere: &[Head],
) -> Result<Report, ReplayError> {
    let mut tally = Tally::new();
    let mut cut_short = Vec::new();
    match history.verify_chain().await {
        Ok(faults) => {
            let rows = journal::count_rows(history).await.unwrap_or(0);
            tally.check(Kind::Chain, faults.is_empty(), || faults.first().map(ToString::to_string).unwrap_or_default());
            if let Some(chain) = tally.0.iter_mut().find(|c| c.check == Kind::Chain.name()) {
                chain.checked = rows;
                chain.faults = u64::try_from(faults.len()).unwrap_or(u64::MAX);
            }
        }
        Err(error) => tally.check(Kind::Readable, false, || error.to_string()),
    }
    let mut heads = unless_unreadable(beside, &mut tally, None).unwrap_or_default();
    heads.extend_from_slice(elsewhere);
    let missing = history.missing_heads(&heads).await;
    if let Some(missing) = unless_unreadable(missing, &mut tally, None) {
        tally.counted(Kind::Heads, u64::try_from(heads.len()).unwrap_or(u64::MAX), missing.iter().map(head_words));
    }
    let altered = history.altered_views().await;
    if let Some((checked, altered)) = unless_unreadable(altered, &mut tally, None) {
        tally.counted(Kind::Views, checked, altered.iter().map(|view| view_words(view)));
    }
    let all = match run {
        Some(run_id) => [run_id].into(),
        None => unless_unreadable(runs(history).await, &mut tally, None).unwrap_or_default(),
    };
    for run_id in all {
        let recorded = match recorded_run(history, run_id).await {
            Ok(Some(recorded)) => recorded,
            Ok(None) => return Err(ReplayError::NoRun(run_id)),
            Err(error) => {
                tally.check(Kind::Readable, false, || format!("run {run_id}: {error}"));
                continue;
            }
        };
        if recorded.ended_at.is_none() {
            cut_short.push(run_id);
        }
        let walked = walk::run(history, &recorded, &mut tally).await;
        unless_unreadable(walked, &mut tally, Some(run_id));
        let counted = journal::run(history, &recorded, &mut tally).await;
        unless_unreadable(counted, &mut tally, Some(run_id));
    }
    Ok(Report { checks: tally.0, cut_short })
}

fn head_words(head: &Head) -> String {
    format!(
        "rows of run {} that were committed are not here: the journal was cut off, or is an older copy, or its -wal file \
         was removed (head {head})",
        head.run_id
    )
}

fn view_words(view: &str) -> String {
    format!("the view {view} in the file is none that this program made; opening the journal for a run makes it anew")
}

/// What could not be read is a fault.
fn unless_unreadable<T>(read: Result<T, HistoryError>, tally: &mut Tally, run_id: Option<i64>) -> Option<T> {
    let error = read.as_ref().err().map(ToString::to_string);
    tally.check(Kind::Readable, error.is_none(), || {
        let of_run = run_id.map(|id| format!("run {id}: ")).unwrap_or_default();
        format!("{of_run}{}", error.unwrap_or_default())
    });
    read.ok()
}
