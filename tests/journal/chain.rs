//! Any byte that is changed in any row of any table is found.

use clorebid::core::event::{Cause, Event, State};
use clorebid::core::ids::{OrderId, ServerId, TargetId};
use clorebid::core::limits::Denial;
use clorebid::core::money::Amount;
use clorebid::history::History;
use clorebid::journal::{Action, Journal, Received};
use rust_decimal::Decimal;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Row};
use tempfile::TempDir;

use crate::support::*;

const TARGET: TargetId = TargetId(0);
const SERVER: ServerId = ServerId(6);
const ORDER: OrderId = OrderId(501);

/// A run with rows in every table, two or more in most, still open.
pub(crate) async fn full_run() -> (TempDir, std::path::PathBuf, Journal) {
    let (dir, path, mut journal) = running().await;
    for seq in 1..=6 {
        journal.intend((), read_of(seq, seq as i64 * 1050)).await.unwrap();
        let body = format!("{{\"code\":0,\"seq\":{seq},\"padding\":\"{}\"}}", "offers ".repeat(60));
        let seen = Received { sighting: Some(sighting()), ..answer(seq, seq as i64 * 1050 + 40, &body) };
        journal.record(seen).await.unwrap();
    }
    journal.intend((), change_of(7, 8000, Action::Place, None, Some("0.00005"))).await.unwrap();
    journal.record(answer(7, 8070, "{\"code\":0}")).await.unwrap();
    let state = |from, to| Event::State { target: TARGET, server: SERVER, from, to, cause: Cause::Accepted };
    note(&mut journal, 7, 8070, state(State::Wanted, State::Placing));
    note(&mut journal, 8, 9000, state(State::Placing, State::Holding));
    let holding = |bid, since| Event::HoldingFrom {
        target: TARGET,
        server: SERVER,
        order: ORDER,
        bid: price(bid),
        fee_percent: Decimal::from(5),
        since: at(since),
    };
    note(&mut journal, 8, 9000, holding("0.00005", 9000));
    note(&mut journal, 8, 9000, Event::ForeignOrder { server: ServerId(17), order: OrderId(900), counts_for: None });
    note(&mut journal, 8, 9000, Event::Denied { target: TARGET, server: SERVER, denial: Denial::BalanceUnknown });
    let amount = Amount::parse("0.000001").unwrap();
    note(&mut journal, 9, 300_000, Event::CreationFee { target: TARGET, server: SERVER, order: ORDER, amount });
    journal.intend((), change_of(10, 600_000, Action::Raise, Some("0.00005"), Some("0.00006"))).await.unwrap();
    journal.record(answer(10, 600_080, "{\"code\":0}")).await.unwrap();
    note(&mut journal, 10, 600_080, holding("0.00006", 600_080));
    note(&mut journal, 11, 700_000, Event::HoldingTo { server: SERVER, order: ORDER });
    (dir, path, journal)
}

/// Other values for a column: the first that it takes will do.
fn corruptions(kind: &str, column: &str, random: u64) -> Vec<String> {
    let changed = match kind {
        "integer" => format!("{column} + {}", 1 + random % 1000),
        "text" => format!("'!' || substr({column}, 2)"),
        "blob" => format!("CAST(x'5a' || substr({column}, 2) AS BLOB)"),
        _ => "0".to_string(),
    };
    vec![changed, "'0'".to_string(), "x'00'".to_string()]
}

async fn stored_columns(conn: &mut SqliteConnection, table: &str) -> Vec<String> {
    let sql = AssertSqlSafe(format!("SELECT name FROM pragma_table_xinfo('{table}') WHERE hidden = 0"));
    sqlx::query_scalar(sql).fetch_all(conn).await.unwrap()
}

async fn disarm(conn: &mut SqliteConnection) -> Vec<String> {
    for pragma in ["foreign_keys = OFF", "ignore_check_constraints = ON"] {
        sqlx::query(AssertSqlSafe(format!("PRAGMA {pragma}"))).execute(&mut *conn).await.unwrap();
    }
    let triggers: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        .fetch_all(&mut *conn)
        .await
        .unwrap();
    for trigger in triggers {
        sqlx::query(AssertSqlSafe(format!("DROP TRIGGER {trigger}"))).execute(&mut *conn).await.unwrap();
    }
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'";
    sqlx::query_scalar(tables).fetch_all(conn).await.unwrap()
}

#[tokio::test]
async fn an_untouched_journal_has_no_faults() {
    let (_dir, path, mut journal) = full_run().await;
    journal.end_run(at(900_000), "signal").await.unwrap();
    journal.begin_run(start("more")).await.unwrap();
    read(&mut journal, 1, 0, "{}").await;
    journal.flush().await.unwrap();
    assert_eq!(journal.verify_chain().await.unwrap(), []);
    assert_eq!(History::open_read_only(&path).await.unwrap().verify_chain().await.unwrap(), []);
}

#[tokio::test]
async fn a_change_to_any_column_of_any_row_is_found_in_its_table() {
    let (_dir, path, mut journal) = full_run().await;
    journal.end_run(at(900_000), "signal").await.unwrap();
    journal.begin_run(start("more")).await.unwrap();
    let mut conn = look(&path).await;
    let tables = disarm(&mut conn).await;
    assert_eq!(tables.len(), 14);
    let mut random = 88_172_645_463_325_252_u64;
    for table in &tables {
        for column in stored_columns(&mut conn, table).await {
            let rows = count(&mut conn, table).await;
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let row = i64::try_from(random % 1_000_000).unwrap() % rows;
            let sql = format!("SELECT rowid, typeof({column}) FROM {table} LIMIT 1 OFFSET {row}");
            let picked = sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut conn).await.unwrap();
            let (id, kind): (i64, String) = (picked.get(0), picked.get(1));
            let keep = format!("CREATE TEMP TABLE kept AS SELECT {column} AS was FROM {table} WHERE rowid = {id}");
            run(&mut conn, &keep).await.unwrap();
            let mut moved = id;
            for other in corruptions(&kind, &column, random) {
                let sql = format!("UPDATE {table} SET {column} = {other} WHERE rowid = {id} RETURNING rowid");
                if let Ok(row) = sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut conn).await {
                    moved = row.get(0);
                    break;
                }
            }
            let faults = journal.verify_chain().await.unwrap();
            assert!(faults.iter().any(|f| f.table == table), "{table}.{column} of row {id} ({kind}): {faults:?}");
            let undo = format!("UPDATE {table} SET {column} = (SELECT was FROM kept) WHERE rowid = {moved}");
            run(&mut conn, &undo).await.unwrap();
            run(&mut conn, "DROP TABLE kept").await.unwrap();
            assert_eq!(journal.verify_chain().await.unwrap(), [], "{table}.{column} was put back");
        }
    }
}

async fn run(conn: &mut SqliteConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::query(AssertSqlSafe(sql.to_string())).execute(conn).await.map(|_| ())
}

#[tokio::test]
async fn rows_cut_off_the_end_of_a_table_are_missed_once_the_run_has_ended() {
    for table in ["reads", "answers", "transitions", "spending", "notice_rows"] {
        let (_dir, path, mut journal) = full_run().await;
        journal.end_run(at(900_000), "signal").await.unwrap();
        let mut conn = look(&path).await;
        disarm(&mut conn).await;
        let sql = format!("DELETE FROM {table} WHERE id = (SELECT max(id) FROM {table})");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut conn).await.unwrap();
        let faults = journal.verify_chain().await.unwrap();
        assert!(faults.iter().any(|f| f.table == "run_ends"), "{table}: {faults:?}");
    }
}
