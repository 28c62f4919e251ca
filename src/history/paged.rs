//! The rows of one table and run, a page at a time: a run may be longer than the memory is large.

use std::collections::VecDeque;

use super::{Cell, History, HistoryError};
use crate::journal::key;

/// Rows read at once.
const PAGE: usize = 512;

/// Rows that wait to be looked at, and where to read on.
#[derive(Debug)]
pub(crate) struct Paged {
    /// The query with `{}` where the condition on the key goes.
    select: &'static str,
    /// The key's column.
    key: &'static str,
    last: i64,
    until: i64,
    dry: bool,
    waiting: VecDeque<Vec<Cell>>,
}

impl Paged {
    /// The rows of that run. Every `{}` in `select` becomes a condition on `key`, whose value is the first column.
    pub(crate) fn of_run(run_id: i64, select: &'static str, key_column: &'static str) -> Paged {
        let (last, until) = (key(run_id, 0), key(run_id, u32::MAX));
        Paged { select, key: key_column, last, until, dry: false, waiting: VecDeque::new() }
    }

    /// The next row, if there is one and it is wanted.
    pub(crate) async fn next_if(
        &mut self,
        history: &mut History,
        wanted: impl Fn(&[Cell]) -> bool,
    ) -> Result<Option<Vec<Cell>>, HistoryError> {
        if self.waiting.is_empty() && !self.dry {
            let (key, first, until) = (self.key, self.last.saturating_add(1), self.until);
            let page = self.select.replace("{}", &format!("{key} BETWEEN {first} AND {until}"));
            let rows = history.sql(&format!("{page} ORDER BY id LIMIT {PAGE}")).await?.rows;
            self.dry = rows.len() < PAGE;
            self.last = rows.last().and_then(|row| row.first()).and_then(Cell::int).unwrap_or(until);
            self.waiting = rows.into();
        }
        Ok(self.waiting.pop_front_if(|row| wanted(row)))
    }
}
