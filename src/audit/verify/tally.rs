//! What is checked, how often it was looked at and found wrong; and how the checks read a row.

use serde::Serialize;

use crate::history::Cell;

/// The kinds of checks, in the order they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Every row can be read.
    Readable,
    /// The hash chain.
    Chain,
    /// What the file beside the journal says was committed.
    Heads,
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
    pub const ALL: [Kind; 15] = [
        Kind::Readable,
        Kind::Chain,
        Kind::Heads,
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
            Kind::Heads => "heads",
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

/// Counts what is looked at and what is wrong.
#[derive(Debug)]
pub(super) struct Tally(pub(super) Vec<Check>);

impl Tally {
    pub(super) fn new() -> Tally {
        let check = |kind: Kind| Check { check: kind.name(), checked: 0, faults: 0, first: None };
        Tally(Kind::ALL.into_iter().map(check).collect())
    }

    /// So many things were looked at, and these of them were wrong.
    pub(super) fn counted(&mut self, kind: Kind, checked: u64, mut faults: impl ExactSizeIterator<Item = String>) {
        let Some(check) = self.0.iter_mut().find(|check| check.check == kind.name()) else { return };
        check.checked = check.checked.saturating_add(checked);
        check.faults = check.faults.saturating_add(u64::try_from(faults.len()).unwrap_or(u64::MAX));
        check.first = check.first.take().or_else(|| faults.next());
    }

    /// One thing was looked at; `fault` says in words what is wrong where it is not as it must be.
    pub(super) fn check(&mut self, kind: Kind, holds: bool, fault: impl FnOnce() -> String) {
        let at = Kind::ALL.iter().position(|k| *k == kind).unwrap_or(0);
        let Some(check) = self.0.get_mut(at) else { return };
        check.checked += 1;
        if !holds {
            check.faults += 1;
            check.first.get_or_insert_with(fault);
        }
    }
}

/// The whole number in that column.
pub(super) fn int(row: &[Cell], at: usize) -> Option<i64> {
    row.get(at).and_then(Cell::int)
}

/// The text in that column.
pub(super) fn text(row: &[Cell], at: usize) -> Option<&str> {
    row.get(at).and_then(Cell::text)
}
