//! What a run leaves open that was cut short: until when it was watching, and the stretches of holding that it never ended.
//!
//! The next run ends them where the record does, so that what they cost is in the sums. The rows follow in the chains of
//! the run that they belong to; it stays a run without an end.

use clorebid_core::money::{Amount, Price};
use clorebid_core::time::Time;
use rust_decimal::Decimal;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Connection, Row};

use super::Mode;
use super::accounts::same_account;
use super::buffer::Buffer;
use super::ledger::Ledger;
use super::link::insertions;
use super::tables::{Hash, Table, Value, key};

pub(crate) const SELECT_CUT_SHORT: &str = concat!(
    "SELECT r.run_id, r.hash FROM run_starts r ",
    "WHERE r.run_id = (SELECT max(run_id) FROM run_starts WHERE mode = ?1 AND ",
    same_account!("venue", "?2"),
    ") AND NOT EXISTS (SELECT 1 FROM run_ends e WHERE e.run_id = r.run_id)"
);

/// The last moment on record of the run whose keys lie between these.
pub(crate) const SELECT_WATCHED_UNTIL: &str = "SELECT max(coalesce( \
         (SELECT sent_at + took FROM reads WHERE id BETWEEN ?1 AND ?2 AND took IS NOT NULL ORDER BY id DESC LIMIT 1), 0), \
         coalesce((SELECT answered_at FROM answers WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1), 0), \
         coalesce((SELECT at FROM memories WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1), 0))";

/// What moved a run's sums, in order: its stretches' ends and begins, and its notices.
pub(crate) const SELECT_MOVES: &str = "SELECT e.seq, 0 AS kind, e.to_at AS at, s.offer, NULL, NULL, NULL, NULL FROM stretch_ends e \
         JOIN stretches s ON s.id = e.stretch_id WHERE e.id BETWEEN ?1 AND ?2 \
     UNION ALL SELECT s.seq, 1, s.from_at, s.offer, s.id & 4294967295, s.bid, s.fee_percent, \
         CASE WHEN e.seq = s.seq THEN e.to_at END \
         FROM stretches s LEFT JOIN stretch_ends e ON e.stretch_id = s.id WHERE s.id BETWEEN ?1 AND ?2 \
     UNION ALL SELECT seq, 2, at, offer, NULL, amount, words, NULL FROM notice_rows \
         WHERE kind IN ('creation_fee', 'fee_told') AND id BETWEEN ?1 AND ?2 \
     ORDER BY 1, 2";

/// Stands for the number of a request in a row that follows from none of its run's.
const OF_NO_REQUEST: i64 = 1 << 32;

/// Ends what the last run of that kind at that venue left open, if it was cut short.
pub(crate) async fn end_stretches(conn: &mut SqliteConnection, mode: Mode, venue: &str) -> Result<(), sqlx::Error> {
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    let run = sqlx::query(SELECT_CUT_SHORT).bind(mode.code()).bind(venue).fetch_optional(&mut *tx).await?;
    let Some(run) = run else { return Ok(()) };
    let (run_id, hash): (i64, Vec<u8>) = (run.try_get(0)?, run.try_get(1)?);
    let Ok(hash) = Hash::try_from(hash) else { return Ok(()) };
    let until = watched_until(&mut tx, run_id).await?;
    let moves = sqlx::query(SELECT_MOVES).bind(key(run_id, 0)).bind(key(run_id, u32::MAX)).fetch_all(&mut *tx).await?;
    let mut ledger = Ledger::default();
    for row in &moves {
        count(&mut ledger, row)?;
    }
    let open = ledger.orders();
    if open.is_empty() {
        return Ok(());
    }
    let mut buffer = Buffer::new(run_id, &hash);
    for table in [Table::StretchEnds, Table::Spending] {
        let sql = format!("SELECT id, hash FROM {} WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1", table.name());
        let last = sqlx::query(AssertSqlSafe(sql)).bind(key(run_id, 0)).bind(key(run_id, u32::MAX));
        if let Some(last) = last.fetch_optional(&mut *tx).await? {
            let (id, head): (i64, Vec<u8>) = (last.try_get(0)?, last.try_get(1)?);
            buffer.go_on(table, u32::try_from(id & i64::from(u32::MAX)).unwrap_or(u32::MAX), &head);
        }
    }
    ledger.take_changed();
    for order in open {
        let Some(ended) = ledger.end(order, until) else { continue };
        let row = [
            Value::Int(ended.number.into()),
            Value::Int(OF_NO_REQUEST),
            Value::Int(ended.at.ms()),
            Value::text(Some(ended.cost)),
        ];
        buffer.push(Table::StretchEnds, row);
    }
    for total in ledger.take_changed() {
        buffer.push(Table::Spending, total.row());
    }
    for (sql, values) in insertions(buffer.take()) {
        sqlx::query_with(sql, values?).execute(&mut *tx).await?;
    }
    tx.commit().await
}

/// The last moment that a run has on record.
pub(crate) async fn watched_until(conn: &mut SqliteConnection, run_id: i64) -> Result<Time, sqlx::Error> {
    let bounds = (key(run_id, 0), key(run_id, u32::MAX));
    let until: i64 = sqlx::query_scalar(SELECT_WATCHED_UNTIL).bind(bounds.0).bind(bounds.1).fetch_one(conn).await?;
    Ok(Time::from_ms(until))
}

/// One of [`SELECT_MOVES`].
fn count(ledger: &mut Ledger, row: &SqliteRow) -> Result<(), sqlx::Error> {
    let (kind, at): (i64, Time) = (row.try_get(1)?, Time::from_ms(row.try_get(2)?));
    let order = u64::try_from(row.try_get::<i64, _>(3)?).unwrap_or(u64::MAX);
    let (sum, percent): (Option<String>, Option<String>) = (row.try_get(5)?, row.try_get(6)?);
    let percent = || percent.as_deref().and_then(|text| text.parse::<Decimal>().ok()).unwrap_or_default();
    match kind {
        0 => drop(ledger.end(order, at)),
        1 => {
            let stretch = u32::try_from(row.try_get::<i64, _>(4)?).unwrap_or(0);
            let bid = sum.as_deref().and_then(|text| Price::parse(text).ok()).unwrap_or(Price::ZERO);
            match row.try_get::<Option<i64>, _>(7)? {
                Some(to) => drop(ledger.past(bid, percent(), at, Time::from_ms(to))),
                None => ledger.begin(order, stretch, bid, percent(), at),
            }
        }
        _ => match sum.as_deref().map(Amount::parse) {
            Some(Ok(amount)) => ledger.charge(amount, at),
            _ => ledger.fee_told(order, percent()),
        },
    }
    Ok(())
}
