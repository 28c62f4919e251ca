//! Every statement the journal uses, prepared against the schema it is used on. Those of the history are run by its tests.

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Executor, Row, SqlSafeStr};

use super::tables::Table;
use super::{bodies, closing, open, resume, views, writer};

async fn migrated() -> (tempfile::TempDir, SqliteConnection) {
    let dir = tempfile::tempdir().unwrap();
    let conn = open::open(&dir.path().join("j.db")).await.unwrap();
    (dir, conn)
}

#[tokio::test]
async fn every_statement_prepares_against_the_migrated_schema() {
    let (_dir, mut conn) = migrated().await;
    let mut all: Vec<String> = [
        closing::SELECT_CUT_SHORT,
        closing::SELECT_MOVES,
        closing::SELECT_WATCHED_UNTIL,
        open::SELECT_VERSION,
        open::SELECT_OTHER_TABLES,
        bodies::SELECT_BODY,
        resume::SELECT_MEMORY,
        resume::SELECT_UNFINISHED,
        views::SELECT_VIEWS,
        views::SELECT_NOTICE_ROWS,
        writer::SELECT_LAST_RUN,
    ]
    .map(str::to_string)
    .to_vec();
    for table in Table::ALL {
        all.extend([table.select_sql(), table.insert_sql(1).0.to_owned(), table.insert_sql(1000).0.to_owned()]);
    }
    for sql in all {
        let prepared = (&mut conn).prepare(AssertSqlSafe(sql.clone()).into_sql_str()).await;
        assert!(prepared.is_ok(), "{sql}: {prepared:?}");
    }
}

#[tokio::test]
async fn the_tables_have_the_columns_that_are_hashed_and_no_others() {
    let (_dir, mut conn) = migrated().await;
    for table in Table::ALL {
        let sql = format!("SELECT name FROM pragma_table_xinfo('{}') WHERE hidden = 0", table.name());
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut conn).await.unwrap();
        let columns: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(columns, table.columns(), "{}", table.name());
    }
    let names = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_sqlx%' ESCAPE '\\'";
    let count: i64 = sqlx::query_scalar(names).fetch_one(&mut conn).await.unwrap();
    assert_eq!(usize::try_from(count).unwrap(), Table::ALL.len());
}
