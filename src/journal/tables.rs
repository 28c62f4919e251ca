//! The tables as the writer and the verifier see them: names, stored columns, and how a row is hashed.
//!
//! The hashes in the journals out there are made of the following, so none of it can ever change:
//!
//! 1. Each table's first name ([`Table::first_name`]). The name in the schema can: a migration renames the table.
//! 2. Its stored columns, their order, and what kind of value each holds. What is to be stored besides goes into a table
//!    of its own, or into values that no row has yet, as a new `kind` or `encoding`.
//! 3. The order of [`Table::ALL`], and that the end of a run vouches for every table in it, those without a row too. A
//!    new table may be vouched for only in runs that started with it.
//! 4. How a value, a row, a table's start and the end of a run are hashed: [`Value::feed`] and all below it.
//!
//! Keys count up within a run and rows are never touched, which triggers hold. Computed columns, constraints, indexes and
//! views are in no hash: a migration may change them, and views.sql the views.

use std::sync::OnceLock;

use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, TypeInfo, ValueRef};

/// A SHA-256.
pub(crate) type Hash = [u8; 32];

/// Bits of a key that count within a run; the bits above them are the run's number.
pub(crate) const RUN_SHIFT: u32 = 32;

/// The key of a run's `n`-th row.
pub(crate) const fn key(run_id: i64, n: u32) -> i64 {
    // Both halves are in range: run_id is checked to fit 31 bits by the table it comes from.
    (run_id << RUN_SHIFT) | n as i64
}

/// Every table of the journal, in an order in which no row refers to a later table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub(crate) enum Table {
    RunStarts,
    Calls,
    Replies,
    Sightings,
    Reads,
    Changes,
    Answers,
    Memories,
    Transitions,
    Stretches,
    StretchEnds,
    Spending,
    Notices,
    RunEnds,
}

impl Table {
    pub(crate) const ALL: [Table; 14] = [
        Table::RunStarts,
        Table::Calls,
        Table::Replies,
        Table::Sightings,
        Table::Reads,
        Table::Changes,
        Table::Answers,
        Table::Memories,
        Table::Transitions,
        Table::Stretches,
        Table::StretchEnds,
        Table::Spending,
        Table::Notices,
        Table::RunEnds,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Table::RunStarts => "run_starts",
            Table::Calls => "calls",
            Table::Replies => "replies",
            Table::Sightings => "sightings",
            Table::Reads => "reads",
            Table::Changes => "changes",
            Table::Answers => "answers",
            Table::Memories => "memories",
            Table::Transitions => "transitions",
            Table::Stretches => "stretches",
            Table::StretchEnds => "stretch_ends",
            Table::Spending => "spending",
            Table::Notices => "notice_rows",
            Table::RunEnds => "run_ends",
        }
    }

    /// The name that the hashes are made of: the one that the table had when it was first written.
    const fn first_name(self) -> &'static str {
        match self {
            Table::Notices => "notices",
            _ => self.name(),
        }
    }

    /// The stored columns in the table's order: the key first, the hash last.
    pub(crate) const fn columns(self) -> &'static [&'static str] {
        match self {
            Table::RunStarts => &[
                "run_id",
                "started_at",
                "mode",
                "strategy",
                "strategy_sha256",
                "strategy_toml",
                "version",
                "venue",
                "seed",
                "currency",
                "hash",
            ],
            Table::Calls => &["id", "call", "args", "request", "target", "hash"],
            Table::Replies => &["id", "status", "code", "error", "outcome", "encoding", "base", "size", "body", "hash"],
            Table::Sightings => {
                &["id", "server", "floor", "best_rival", "our_bid", "holding", "online", "visibility", "hash"]
            }
            Table::Reads => &["id", "sent_at", "took", "call", "reply", "reason", "hash"],
            Table::Changes => &[
                "id",
                "sent_at",
                "call",
                "args",
                "request",
                "target",
                "reason",
                "action",
                "server",
                "offer",
                "old_price",
                "new_price",
                "hash",
            ],
            Table::Answers => &["id", "answered_at", "reply", "offer", "hash"],
            Table::Memories => &["id", "seq", "before", "at", "encoding", "size", "body", "hash"],
            Table::Transitions => &["id", "seq", "at", "target", "server", "from_state", "to_state", "cause", "hash"],
            Table::Stretches => &["id", "seq", "from_at", "target", "server", "offer", "bid", "fee_percent", "hash"],
            Table::StretchEnds => &["id", "stretch", "seq", "to_at", "cost", "hash"],
            Table::Spending => &["id", "day", "cost", "fees", "held_ms", "hash"],
            Table::Notices => {
                &["id", "seq", "at", "kind", "target", "server", "offer", "amount", "code", "words", "hash"]
            }
            Table::RunEnds => &["id", "ended_at", "ended_by", "heads", "hash"],
        }
    }

    /// An insertion for so many rows, and how many it takes at once, or fewer: those without a key are left out. So two
    /// statements serve every batch. Many rows take memory in the statement, so only many rows get the large one.
    pub(crate) fn insert_sql(self, rows: usize) -> (&'static str, usize) {
        const SIZES: [usize; 2] = [16, 256];
        static SQL: [[OnceLock<String>; SIZES.len()]; Table::ALL.len()] =
            [const { [const { OnceLock::new() }; SIZES.len()] }; Table::ALL.len()];
        let large = usize::from(rows > 4 * SIZES[0]);
        (SQL[self as usize][large].get_or_init(|| self.insertion_of(SIZES[large])), SIZES[large])
    }

    fn insertion_of(self, rows: usize) -> String {
        let columns = self.columns();
        let one = format!("({})", vec!["?"; columns.len()].join(", "));
        let all = vec![one.as_str(); rows].join(", ");
        let (name, columns) = (self.name(), columns.join(", "));
        format!("INSERT INTO {name} ({columns}) SELECT * FROM (VALUES {all}) WHERE column1 IS NOT NULL")
    }

    /// Every row in the order it was written, stored columns only.
    pub(crate) fn select_sql(self) -> String {
        let columns = self.columns();
        let key = columns.first().copied().unwrap_or("id");
        format!("SELECT {} FROM {} ORDER BY {key}", columns.join(", "), self.name())
    }
}

/// One column's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// Nothing.
    Null,
    /// A whole number.
    Int(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Value {
    /// An identifier of the venue's. Those past 63 bits, which it never gave, count as the largest.
    pub(crate) fn id(id: u64) -> Value {
        Value::Int(i64::try_from(id).unwrap_or(i64::MAX))
    }

    /// Text, or nothing.
    pub(crate) fn text(text: Option<impl ToString>) -> Value {
        text.map_or(Value::Null, |t| Value::Text(t.to_string()))
    }

    /// A number, or nothing.
    pub(crate) fn int(int: Option<impl Into<i64>>) -> Value {
        int.map_or(Value::Null, |i| Value::Int(i.into()))
    }

    /// Feeds the value to a hash: its kind, its length where it has one, its bytes. No two values feed the same.
    pub(crate) fn feed(&self, hash: &mut Sha256) {
        match self {
            Value::Null => hash.update([0]),
            Value::Int(i) => feed_number(hash, 1, i.to_le_bytes()),
            Value::Text(text) => feed_text(hash, Some(text)),
            Value::Blob(blob) => feed_long(hash, 3, blob),
        }
    }
}

/// Feeds text, or nothing, as a [`Value`] of it would.
pub(crate) fn feed_text(hash: &mut Sha256, text: Option<&str>) {
    match text {
        None => Value::Null.feed(hash),
        Some(text) => feed_long(hash, 2, text.as_bytes()),
    }
}

fn feed_long(hash: &mut Sha256, kind: u8, bytes: &[u8]) {
    feed_number(hash, kind, (bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

/// In one piece: each costs.
fn feed_number(hash: &mut Sha256, kind: u8, [a, b, c, d, e, f, g, h]: [u8; 8]) {
    hash.update([kind, a, b, c, d, e, f, g, h]);
}

/// What the first row of `run_starts` follows.
pub(crate) fn genesis() -> Hash {
    Sha256::digest(b"clorebid journal 1").into()
}

/// What a run's first row in `table` follows: the run's own row, bound to the table.
pub(crate) fn first_head(run: &Hash, table: Table) -> Hash {
    let mut hash = Sha256::new();
    hash.update(run);
    hash.update(table.first_name());
    hash.finalize().into()
}

/// The hash of a row, its own hash column left out.
pub(crate) fn row_hash(before: &Hash, row: &[Value]) -> Hash {
    let mut hash = Sha256::new();
    hash.update(before);
    row.iter().for_each(|value| value.feed(&mut hash));
    hash.finalize().into()
}

/// One hash over how many rows each table of a run has and where its chain ended.
pub(crate) fn heads_digest(heads: impl Iterator<Item = (Table, u64, Hash)>) -> Hash {
    let mut hash = Sha256::new();
    for (table, rows, head) in heads {
        hash.update(table.first_name());
        hash.update(rows.to_le_bytes());
        hash.update(head);
    }
    hash.finalize().into()
}

/// The values of a row as they are stored. A float, which no column may hold, reads as its text.
pub(crate) fn values(row: &SqliteRow) -> Result<Vec<Value>, sqlx::Error> {
    (0..row.len())
        .map(|at| {
            let raw = row.try_get_raw(at)?;
            // A NULL's type is told as its column's.
            if raw.is_null() {
                return Ok(Value::Null);
            }
            let kind = raw.type_info().into_owned();
            Ok(match kind.name() {
                "INTEGER" => Value::Int(row.try_get_unchecked(at)?),
                "BLOB" => Value::Blob(row.try_get_unchecked(at)?),
                // Text that is not UTF-8 is damage, and must show as a wrong hash and not as an error.
                _ => match row.try_get_unchecked::<String, _>(at) {
                    Ok(text) => Value::Text(text),
                    Err(_) => Value::Blob(row.try_get_unchecked(at)?),
                },
            })
        })
        .collect()
}
