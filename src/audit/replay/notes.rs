//! What came of the answers besides the next ask: states, stretches of holding, notices; as recorded and as re-decided.
//!
//! Both are put into the same words, so that a difference can be read.

use std::collections::BTreeSet;

use clorebid_core::engine::Engine;
use clorebid_core::event::Event;
use clorebid_core::time::Time;

use crate::clock::rfc3339;
use crate::history::{Cell, History, HistoryError, Paged};

/// A kind of notes; each has a table of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    States,
    Holdings,
    HoldingEnds,
    Notices,
}

impl Kind {
    /// Every kind, in the order of [`Lines`].
    pub(super) const ALL: [Kind; 4] = [Kind::States, Kind::Holdings, Kind::HoldingEnds, Kind::Notices];

    /// Its name, as a difference is reported.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Kind::States => "states",
            Kind::Holdings => "holdings",
            Kind::HoldingEnds => "holding ends",
            Kind::Notices => "notices",
        }
    }

    /// Whether it tells when an order held a server.
    pub(super) const fn is_of_holding(self) -> bool {
        matches!(self, Kind::Holdings | Kind::HoldingEnds)
    }
}

/// For each kind: id, seq, time, and the line's pieces; with the column of the key.
const SELECTS: [(&str, &str); 4] = [
    ("SELECT id, seq, at, target, server, from_state, to_state, cause FROM transitions WHERE {}", "id"),
    ("SELECT id, seq, from_at, target, server, offer, bid, fee_percent FROM stretches WHERE {}", "id"),
    (
        "SELECT e.id AS id, e.seq, e.to_at, s.offer FROM stretch_ends e JOIN stretches s ON s.id = e.stretch_id \
         WHERE {}",
        "e.id",
    ),
    (
        "SELECT id, seq, at, kind, target, server, offer, amount, code, words FROM notice_rows \
         WHERE kind NOT IN ('venue_spend', 'clock_jump') AND {}",
        "id",
    ),
];

/// Lines of each kind.
pub(super) type Lines = [Vec<String>; 4];

/// The notes of a run.
#[derive(Debug)]
pub(super) struct Notes {
    tables: [Paged; 4],
    /// Orders with an open stretch, as re-decided.
    open: BTreeSet<u64>,
}

impl Notes {
    pub(super) fn new(run_id: i64) -> Notes {
        let tables = SELECTS.map(|(select, key)| Paged::of_run(run_id, select, key));
        Notes { tables, open: BTreeSet::new() }
    }

    /// What is on record up to that request and was not asked for before.
    pub(super) async fn recorded(&mut self, history: &mut History, seq: u64) -> Result<Lines, HistoryError> {
        let mut lines = Lines::default();
        let due =
            |row: &[Cell]| row.get(1).and_then(Cell::int).is_some_and(|of| u64::try_from(of).is_ok_and(|of| of <= seq));
        for (table, lines) in self.tables.iter_mut().zip(&mut lines) {
            while let Some(row) = table.next_if(history, due).await? {
                lines.push(line(&row));
            }
        }
        Ok(lines)
    }

    /// The same as re-decided: the changes noted at `at`; what is still open ends at `ended_at`, where the run did.
    pub(super) fn decided(&mut self, engine: &Engine, at: Time, changes: &[Event], ended_at: Option<Time>) -> Lines {
        let [mut states, mut holdings, mut ends, mut notices] = Lines::default();
        let stamp = rfc3339(at);
        for change in changes {
            match *change {
                Event::State { target, server, from, to, cause } => states.push(join(&[
                    &stamp,
                    engine.target_name(target),
                    &server.to_string(),
                    from.code(),
                    to.code(),
                    cause.code(),
                ])),
                Event::HoldingFrom { target, server, order, bid, fee_percent, since } => {
                    if self.open.replace(order.0).is_some() {
                        ends.push(join(&[&stamp, &order.to_string()]));
                    }
                    let [server, order, bid] = [server.to_string(), order.to_string(), bid.to_string()];
                    let fee = fee_percent.normalize().to_string();
                    holdings.push(join(&[&rfc3339(since), engine.target_name(target), &server, &order, &bid, &fee]));
                }
                Event::HeldUnwatched { target, server, order, bid, fee_percent, from, to } => {
                    let [server, order, bid] = [server.to_string(), order.to_string(), bid.to_string()];
                    let fee = fee_percent.normalize().to_string();
                    holdings.push(join(&[&rfc3339(from), engine.target_name(target), &server, &order, &bid, &fee]));
                    ends.push(join(&[&rfc3339(to), &order]));
                }
                Event::FeeTold { target, server, order, percent } => {
                    let [server, order, percent] =
                        [server.to_string(), order.to_string(), percent.normalize().to_string()];
                    let pieces = [&stamp, "fee_told", engine.target_name(target), &server, &order, "", "", &percent];
                    notices.push(join(&pieces));
                }
                // It goes into sums alone.
                Event::VenueSpent { .. } => {}
                Event::HoldingTo { order, .. } => {
                    if self.open.remove(&order.0) {
                        ends.push(join(&[&stamp, &order.to_string()]));
                    }
                }
                Event::CreationFee { target, server, order, amount } => {
                    let [server, order, amount] = [server.to_string(), order.to_string(), amount.to_string()];
                    let pieces = [&stamp, "creation_fee", engine.target_name(target), &server, &order, &amount, "", ""];
                    notices.push(join(&pieces));
                }
                Event::Denied { target, server, denial } => {
                    let (server, words) = (server.to_string(), denial.to_string());
                    let pieces = [&stamp, "denied", engine.target_name(target), &server, "", "", denial.code(), &words];
                    notices.push(join(&pieces));
                }
                Event::ForeignOrder { server, order, counts_for } => {
                    let [server, order] = [server.to_string(), order.to_string()];
                    let target = counts_for.map_or("", |target| engine.target_name(target));
                    notices.push(join(&[&stamp, "foreign_order", target, &server, &order, "", "", ""]));
                }
            }
        }
        if let Some(ended_at) = ended_at {
            let stamp = rfc3339(ended_at);
            ends.extend(std::mem::take(&mut self.open).into_iter().map(|order| join(&[&stamp, &order.to_string()])));
        }
        [states, holdings, ends, notices]
    }
}

/// A row in the words of [`Notes::decided`].
fn line(row: &[Cell]) -> String {
    let at = row.get(2).and_then(Cell::int).unwrap_or(0);
    let pieces: Vec<String> = std::iter::once(rfc3339(Time::from_ms(at))).chain(row.iter().skip(3).map(word)).collect();
    join(&pieces.iter().map(String::as_str).collect::<Vec<_>>())
}

fn join(pieces: &[&str]) -> String {
    pieces.iter().filter(|piece| !piece.is_empty()).copied().collect::<Vec<_>>().join("  ")
}

fn word(cell: &Cell) -> String {
    match cell {
        Cell::Integer(i) => i.to_string(),
        Cell::Text(text) => text.clone(),
        Cell::Null | Cell::Real(_) | Cell::Blob(_) => String::new(),
    }
}
