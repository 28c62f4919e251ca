//! How SQLite goes about each view: what is asked for one run and one server reads no table whole.

use std::collections::BTreeSet;

use clorebid_core::time::Time;

use super::view::Keys;
use super::{Cell, Filter, History, View};
use crate::journal::Journal;

async fn empty() -> (tempfile::TempDir, History) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("j.db");
    Journal::open(&path).await.unwrap().close().await.unwrap();
    let history = History::open_read_only(&path).await.unwrap();
    (folder, history)
}

/// What the statement scans, other than what it has itself made for the purpose.
async fn scans(history: &mut History, sql: &str, binds: Vec<Cell>) -> Vec<String> {
    let rows = history.gather(format!("EXPLAIN QUERY PLAN {sql}"), binds).await.unwrap().rows;
    let lines: Vec<String> = rows
        .into_iter()
        .filter_map(|row| match row.into_iter().nth(3) {
            Some(Cell::Text(line)) => Some(line),
            _ => None,
        })
        .collect();
    assert!(lines.iter().any(|line| line.starts_with("SEARCH ")), "no plan of {sql}: {lines:?}");
    let made = |line: &String| {
        let name = line.strip_prefix("CO-ROUTINE ").or_else(|| line.strip_prefix("MATERIALIZE "));
        name.map(str::to_string)
    };
    let made: BTreeSet<String> = lines.iter().filter_map(made).collect();
    let scanned = |line: String| line.strip_prefix("SCAN ").filter(|name| !made.contains(*name)).map(str::to_string);
    lines.into_iter().filter_map(scanned).collect()
}

/// Every filter on one run that the view takes.
fn filters(view: View) -> Vec<Filter> {
    let run = Filter { run: Some(1), ..Filter::default() };
    let newest = Filter { limit: Some(100), ..run.clone() };
    let between = Filter { since: Some(Time::from_ms(1000)), until: Some(Time::from_ms(2000)), ..run.clone() };
    let mut filters = vec![run, newest.clone(), between];
    if view.has_server() {
        filters.push(Filter { server: Some(6), ..newest });
    }
    filters
}

#[tokio::test]
async fn one_runs_rows_of_a_view_are_found_without_reading_a_table_whole() {
    let (_folder, mut history) = empty().await;
    for view in View::ALL {
        for filter in filters(view) {
            let (sql, binds) = view.select(&filter, Keys::of(&filter)).unwrap();
            assert_eq!(scans(&mut history, &sql, binds).await, [""; 0], "{sql}");
        }
        let server = if view.has_server() { " AND server = 6" } else { "" };
        let sql = format!("SELECT * FROM {} WHERE run_id = 1{server} LIMIT 100", view.name());
        assert_eq!(scans(&mut history, &sql, Vec::new()).await, [""; 0], "{sql}");
    }
    // What does read one whole is seen to.
    assert_eq!(scans(&mut history, "SELECT * FROM reads r JOIN calls c ON c.id = r.call_id", Vec::new()).await, ["r"]);
}
