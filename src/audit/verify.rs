//! Checking a journal against itself: the hash chain, gaps, the views, and the numbered invariants, worked out anew from
//! the requests, states and stretches on record, without the core that is to be checked.
//!
//! | check | what must hold |
//! |---|---|
//! | readable | every row and stored answer can be read |
//! | chain | every row carries the hash that follows from the one before |
//! | gaps | the requests of a run are numbered from 1 without a gap, in order of time |
//! | answers | every request has an answer, but for the last one of a run that never ended |
//! | views | the views show every row of the tables, and a strategy has the SHA-256 that is on record |
//! | money | what a stretch cost and how long servers were held is what bid and times come to |
//! | states | every state follows from the one before it |
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
use crate::history::{Cell, History, HistoryError};

mod account;
mod journal;
mod rules;
mod walk;

/// The kinds of checks, in the order they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Every row can be read.
    Readable,
    /// The hash chain.
    Chain,
    /// Numbers and times of requests.
    Gaps,
    /// Requests without an answer.
    Answers,
    /// Views against tables.
    Views,
    /// Costs and times of holding.
    Money,
    /// States.
    States,
    /// Bids and `max_bid`.
    I1,
    /// Orders a server and a target.
    I2,
    /// The worst case a day.
    I3,
    /// Creates that are not settled.
    I6,
    /// Lowering.
    I9,
    /// Pace.
    I10,
    /// Other people's orders.
    I12,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 14] = [
        Kind::Readable,
        Kind::Chain,
        Kind::Gaps,
        Kind::Answers,
        Kind::Views,
        Kind::Money,
        Kind::States,
        Kind::I1,
        Kind::I2,
        Kind::I3,
        Kind::I6,
        Kind::I9,
        Kind::I10,
        Kind::I12,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Readable => "readable",
            Kind::Chain => "chain",
            Kind::Gaps => "gaps",
            Kind::Answers => "answers",
            Kind::Views => "views",
            Kind::Money => "money",
            Kind::States => "states",
            Kind::I1 => "I1",
            Kind::I2 => "I2",
            Kind::I3 => "I3",
            Kind::I6 => "I6",
            Kind::I9 => "I9",
            Kind::I10 => "I10",
            Kind::I12 => "I12",
        }
    }
}

/// One check and what it found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name.
    pub check: &'static str,
    /// How many things were looked at.
    pub checked: u64,
    /// How many of them were wrong.
    pub faults: u64,
    /// The first of those, in words.
    pub first: Option<String>,
}

/// What verifying came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Every check.
    pub checks: Vec<Check>,
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

/// Counts what is looked at and what is wrong.
#[derive(Debug)]
struct Tally(Vec<Check>);

impl Tally {
    fn new() -> Tally {
        let check = |kind: Kind| Check { check: kind.name(), checked: 0, faults: 0, first: None };
        Tally(Kind::ALL.into_iter().map(check).collect())
    }

    /// One thing was looked at; `fault` says in words what is wrong where it is not as it must be.
    fn check(&mut self, kind: Kind, holds: bool, fault: impl FnOnce() -> String) {
        let at = Kind::ALL.iter().position(|k| *k == kind).unwrap_or(0);
        let Some(check) = self.0.get_mut(at) else { return };
        check.checked += 1;
        if !holds {
            check.faults += 1;
            check.first.get_or_insert_with(fault);
        }
    }
}

/// Checks the whole journal, or the chain of all of it and everything else of one run.
///
/// # Errors
/// When there is no such run. A journal that cannot be read is a fault like others, and in the report.
pub async fn verify(history: &mut History, run: Option<i64>) -> Result<Report, ReplayError> {
    let mut tally = Tally::new();
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
        let walked = walk::run(history, &recorded, &mut tally).await;
        unless_unreadable(walked, &mut tally, Some(run_id));
        let counted = journal::run(history, &recorded, &mut tally).await;
        unless_unreadable(counted, &mut tally, Some(run_id));
    }
    Ok(Report { checks: tally.0 })
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

/// The whole number in that column.
fn int(row: &[Cell], at: usize) -> Option<i64> {
    row.get(at).and_then(Cell::int)
}

/// The text in that column.
fn text(row: &[Cell], at: usize) -> Option<&str> {
    row.get(at).and_then(Cell::text)
}
