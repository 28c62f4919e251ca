//! Rows as they are written, and SQL that is refused.

use clorebid::history::{Cell, Format, History, HistoryError, Rows};

use crate::support::*;

fn written(rows: &Rows, format: Format) -> String {
    let mut out = Vec::new();
    rows.write(format, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn rows() -> Rows {
    Rows {
        columns: ["seq", "price", "note", "hash"].map(str::to_string).to_vec(),
        rows: vec![
            vec![Cell::Integer(1), Cell::Text("0.000042".into()), Cell::Null, Cell::Blob(vec![0xde, 0xad])],
            vec![Cell::Integer(2), Cell::Text("0.00005".into()), Cell::Text("a \"b\", c".into()), Cell::Null],
        ],
    }
}

#[test]
fn json_is_one_array_of_objects() {
    let golden = "[\n\
        {\"seq\":1,\"price\":\"0.000042\",\"note\":null,\"hash\":\"dead\"},\n\
        {\"seq\":2,\"price\":\"0.00005\",\"note\":\"a \\\"b\\\", c\",\"hash\":null}\n\
        ]\n";
    assert_eq!(written(&rows(), Format::Json), golden);
    assert_eq!(written(&Rows { columns: vec!["a".into()], rows: vec![] }, Format::Json), "[]\n");
}

#[test]
fn csv_has_a_header_and_quotes_where_needed() {
    assert_eq!(written(&rows(), Format::Csv), "seq,price,note,hash\n1,0.000042,,dead\n2,0.00005,\"a \"\"b\"\", c\",\n");
}

#[test]
fn a_table_has_one_line_a_row_and_nothing_a_terminal_would_obey() {
    let mut rows = rows();
    rows.rows.push(vec![
        Cell::Integer(3),
        Cell::Text("\u{1b}[31mred".into()),
        Cell::Text("two\nlines".into()),
        Cell::Null,
    ]);
    let table = written(&rows, Format::Table);
    assert!(!table.contains('\u{1b}') && table.contains("two…"), "{table}");
    assert!(table.lines().any(|line| line.contains("0.000042")), "{table}");
}

#[tokio::test]
async fn sql_reads_anything_and_writes_nothing() {
    let (_dir, path, journal) = running().await;
    journal.close().await.unwrap();
    let mut history = History::open_read_only(&path).await.unwrap();
    let rows = history.sql("SELECT run_id, 1.5 AS half, x'00ff' AS bytes, mode FROM runs; -- all").await.unwrap();
    assert_eq!(rows.columns, ["run_id", "half", "bytes", "mode"]);
    assert_eq!(
        written(&rows, Format::Json),
        "[\n{\"run_id\":1,\"half\":1.5,\"bytes\":\"00ff\",\"mode\":\"paper\"}\n]\n"
    );
    let empty = history.sql("SELECT * FROM bids").await.unwrap();
    assert_eq!((empty.columns.len(), empty.rows.len()), (13, 0));
    for sql in [
        "DELETE FROM reads",
        "WITH a AS (SELECT 1) DELETE FROM reads",
        "PRAGMA query_only = OFF",
        "VACUUM INTO '/tmp/x'",
    ] {
        assert!(matches!(history.sql(sql).await, Err(HistoryError::NotAQuery)), "{sql}");
    }
    assert!(matches!(history.sql("SELECT 1; SELECT 2").await, Err(HistoryError::SeveralStatements)));
    let error = history.sql("SELECT floor FROM nowhere").await.unwrap_err();
    assert!(matches!(&error, HistoryError::Sql(why) if why.contains("nowhere")), "{error}");
    for sql in ["", "SELECT", "SELECT ?", "SELECT 'unclosed"] {
        let _ = history.sql(sql).await;
    }
    assert_eq!(history.sql("SELECT 1").await.unwrap().rows.len(), 1);
}
