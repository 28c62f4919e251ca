//! Rows that wait for the next commit, already chained.

use std::time::{Duration, Instant};

use super::head::Head;
use super::link::Batch;
use super::tables::{Hash, Table, Value, first_head, heads_digest, key, row_hash};

/// Rows may wait so long, by the machine's own clock.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// So many rows may wait.
const ROWS_MAX: usize = 500;

/// One table's rows, and where its chain stands.
#[derive(Debug)]
struct Lane {
    table: Table,
    /// Every stored column of every waiting row, one after another.
    values: Vec<Value>,
    head: Hash,
    count: u64,
    /// Number the next row gets, where rows are simply counted.
    next: u32,
}

/// What a run has written and not yet committed.
#[derive(Debug)]
pub(crate) struct Buffer {
    run_id: i64,
    lanes: Vec<Lane>,
    waiting: usize,
    since: Option<Instant>,
}

impl Buffer {
    /// For a run whose own row has that hash.
    pub(crate) fn new(run_id: i64, run_hash: &Hash) -> Buffer {
        let lane = |table| {
            let head = first_head(run_hash, table);
            Lane { table, values: Vec::new(), head, count: 0, next: 1 }
        };
        Buffer { run_id, lanes: Table::ALL.into_iter().map(lane).collect(), waiting: 0, since: None }
    }

    fn lane(&mut self, table: Table) -> Option<&mut Lane> {
        self.lanes.iter_mut().find(|lane| lane.table == table)
    }

    /// The table's rows so far end with that number and that hash.
    pub(crate) fn go_on(&mut self, table: Table, last: u32, head: &[u8]) {
        if let (Some(lane), Ok(head)) = (self.lane(table), Hash::try_from(head)) {
            (lane.head, lane.next) = (head, last.saturating_add(1));
        }
    }

    /// Adds a row under the table's next number, and tells that number.
    pub(crate) fn push(&mut self, table: Table, columns: impl IntoIterator<Item = Value>) -> u32 {
        let n = self.lane(table).map_or(0, |lane| lane.next);
        self.push_at(table, n, columns);
        n
    }

    /// Adds a row under the number `n`, which is above every number the table has in this run.
    pub(crate) fn push_at(&mut self, table: Table, n: u32, columns: impl IntoIterator<Item = Value>) {
        let id = key(self.run_id, n);
        let Some(lane) = self.lane(table) else { return };
        let first = lane.values.len();
        lane.values.push(Value::Int(id));
        lane.values.extend(columns);
        lane.head = row_hash(&lane.head, lane.values.get(first..).unwrap_or_default());
        lane.values.push(Value::Blob(lane.head.to_vec()));
        debug_assert_eq!(lane.values.len() - first, table.columns().len(), "{} has other columns", table.name());
        lane.count += 1;
        lane.next = n.saturating_add(1);
        self.waiting += 1;
        self.since.get_or_insert_with(Instant::now);
    }

    /// The number the table's next row gets.
    pub(crate) fn next(&mut self, table: Table) -> u32 {
        self.lane(table).map_or(0, |lane| lane.next)
    }

    /// Whether rows have waited long enough, or enough of them wait.
    pub(crate) fn is_due(&self) -> bool {
        self.waiting >= ROWS_MAX || self.since.is_some_and(|since| since.elapsed() >= WAIT_MAX)
    }

    /// Whether anything waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// One hash over every table's state, for the row that ends the run.
    pub(crate) fn heads(&self) -> Hash {
        heads_digest(sealed_tables().filter_map(|table| {
            self.lanes.iter().find(|lane| lane.table == table).map(|lane| (table, lane.count, lane.head))
        }))
    }

    /// Takes rows back that were taken and not committed: they wait again, before those that have come since.
    pub(crate) fn put_back(&mut self, rows: Batch) {
        for (table, mut values) in rows.0 {
            self.waiting += values.len() / table.columns().len();
            let Some(lane) = self.lane(table) else { continue };
            values.append(&mut lane.values);
            lane.values = values;
        }
        self.since = Some(Instant::now());
    }

    /// Where every table stands, what waits included.
    pub(crate) fn head(&self) -> Head {
        let lanes = self.lanes.iter().filter(|lane| lane.table != Table::RunStarts);
        Head::new(self.run_id, lanes.map(|lane| (lane.next.saturating_sub(1), lane.head)))
    }

    /// Every waiting row, in an order in which none refers to a later one. From here on nothing waits.
    pub(crate) fn take(&mut self) -> Batch {
        self.waiting = 0;
        self.since = None;
        let full = self.lanes.iter_mut().filter(|lane| !lane.values.is_empty());
        Batch(full.map(|lane| (lane.table, std::mem::take(&mut lane.values))).collect())
    }
}

/// The tables that the end of a run vouches for.
pub(crate) fn sealed_tables() -> impl Iterator<Item = Table> {
    Table::ALL.into_iter().filter(|table| !matches!(table, Table::RunStarts | Table::RunEnds))
}
