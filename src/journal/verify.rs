//! Walks the chains of hashes and names every row that does not follow from the one before it.

use std::collections::BTreeMap;
use std::fmt;

use futures_util::TryStreamExt;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;

use super::buffer::sealed_tables;
use super::tables::{Hash, RUN_SHIFT, Table, Value, first_head, genesis, heads_digest, row_hash, values};

/// So many faults tell enough; a table torn in the middle would otherwise fill the memory.
const FAULTS_MAX: usize = 1000;

/// A row that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainFault {
    /// In which table.
    pub table: &'static str,
    /// The run it belongs to, going by its key.
    pub run_id: i64,
    /// Its number within the run; 0 in `run_starts`.
    pub number: i64,
    /// What is wrong.
    pub what: &'static str,
}

impl fmt::Display for ChainFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of run {}, row {}: {}", self.table, self.run_id, self.number, self.what)
    }
}

const TOUCHED: &str = "this row or the one before it is not what was written";
const NO_RUN: &str = "it belongs to no run";
const CUT: &str = "the run ended with other rows than are here";

/// Where the chain of one table stands in one run.
#[derive(Debug, Clone, Copy)]
struct Stand {
    rows: u64,
    head: Hash,
}

/// Every row of every table that does not fit.
pub(crate) async fn chain_faults(conn: &mut SqliteConnection) -> Result<Vec<ChainFault>, sqlx::Error> {
    let mut walk = Walk::default();
    for table in Table::ALL {
        let mut rows = sqlx::query(AssertSqlSafe(table.select_sql())).fetch(&mut *conn);
        while let Some(row) = rows.try_next().await? {
            if walk.faults.len() < FAULTS_MAX {
                walk.row(table, values(&row)?);
            }
        }
    }
    Ok(walk.faults)
}

#[derive(Debug, Default)]
struct Walk {
    runs: BTreeMap<i64, Hash>,
    last_run: Option<Hash>,
    stands: BTreeMap<(i64, &'static str), Stand>,
    faults: Vec<ChainFault>,
}

impl Walk {
    fn row(&mut self, table: Table, mut row: Vec<Value>) {
        let Some(Value::Int(id)) = row.first().cloned() else { return };
        let stored = match row.pop() {
            Some(Value::Blob(hash)) => Hash::try_from(hash).ok(),
            _ => None,
        };
        let (run_id, number) = match table {
            Table::RunStarts => (id, 0),
            _ => (id >> RUN_SHIFT, id & i64::from(u32::MAX)),
        };
        let before = match table {
            Table::RunStarts => Some(self.last_run.unwrap_or_else(genesis)),
            _ => self.head(run_id, table),
        };
        let fault = |what| ChainFault { table: table.name(), run_id, number, what };
        let Some(before) = before else {
            self.faults.push(fault(NO_RUN));
            return;
        };
        let computed = row_hash(&before, &row);
        if stored != Some(computed) {
            self.faults.push(fault(TOUCHED));
        }
        if table == Table::RunEnds && row.last() != Some(&Value::Blob(self.heads(run_id).to_vec())) {
            self.faults.push(fault(CUT));
        }
        // The walk goes on from what is stored, so that one touched row does not condemn all that follow.
        let head = stored.unwrap_or(computed);
        if table == Table::RunStarts {
            self.last_run = Some(head);
            self.runs.insert(run_id, head);
        } else {
            let stand = self.stands.entry((run_id, table.name())).or_insert(Stand { rows: 0, head });
            *stand = Stand { rows: stand.rows + 1, head };
        }
    }

    fn head(&self, run_id: i64, table: Table) -> Option<Hash> {
        let stand = self.stands.get(&(run_id, table.name())).map(|stand| stand.head);
        stand.or_else(|| self.runs.get(&run_id).map(|run| first_head(run, table)))
    }

    fn heads(&self, run_id: i64) -> Hash {
        heads_digest(sealed_tables().filter_map(|table| {
            let rows = self.stands.get(&(run_id, table.name())).map_or(0, |stand| stand.rows);
            self.head(run_id, table).map(|head| (table, rows, head))
        }))
    }
}
