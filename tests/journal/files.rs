//! Files that are no journal, and disks that are full.

use std::fs;
use std::path::PathBuf;

use clorebid::history::{History, HistoryError};
use clorebid::journal::{Action, Journal, JournalError, Past, Received, head_file, heads_in};
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;

use crate::support::*;

#[tokio::test]
async fn a_text_file_is_refused_and_left_untouched() {
    let (dir, path) = db();
    fs::write(&path, "dear diary, this is no database at all\n").unwrap();
    let error = Journal::open(&path).await.unwrap_err();
    assert!(matches!(error, JournalError::NotAJournal { .. }), "{error}");
    assert!(error.to_string().contains("clorebid.db") && error.to_string().contains("--db"), "{error}");
    assert!(matches!(History::open_read_only(&path).await, Err(HistoryError::Journal(_))));
    assert_eq!(fs::read_to_string(&path).unwrap(), "dear diary, this is no database at all\n");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn another_programs_database_is_refused() {
    let (_dir, path) = db();
    let mut conn = SqliteConnectOptions::new().filename(&path).create_if_missing(true).connect().await.unwrap();
    sqlx::query("CREATE TABLE cats (name TEXT)").execute(&mut conn).await.unwrap();
    assert!(matches!(Journal::open(&path).await, Err(JournalError::NotAJournal { .. })));
    assert_eq!(count(&mut conn, "sqlite_schema").await, 1);
}

#[tokio::test]
async fn a_journal_of_a_newer_version_is_refused() {
    let (_dir, path, journal) = running().await;
    journal.close().await.unwrap();
    let mut conn = look(&path).await;
    sqlx::query("INSERT INTO _sqlx_migrations VALUES (9999, 'later', CURRENT_TIMESTAMP, 1, x'00', 0)")
        .execute(&mut conn)
        .await
        .unwrap();
    let error = Journal::open(&path).await.unwrap_err();
    assert!(matches!(error, JournalError::Newer { version: 9999, .. }), "{error}");
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_told_of() {
    let (dir, _) = db();
    let error = Journal::open(&dir.path().join("no/such/place.db")).await.unwrap_err();
    assert!(matches!(error, JournalError::CannotOpen { .. }), "{error}");
    assert!(matches!(Journal::open(dir.path()).await, Err(JournalError::NotAJournal { .. })));
}

#[tokio::test]
async fn reading_a_missing_database_is_an_error_and_creates_nothing() {
    let (dir, path) = db();
    assert!(matches!(History::open_read_only(&path).await, Err(HistoryError::Missing(_))));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// A run on a disk with room for two pages more, and a reader of it.
async fn nearly_full() -> (TempDir, PathBuf, Journal, SqliteConnection) {
    let (dir, path, mut journal) = running().await;
    let mut other = look(&path).await;
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut other).await.unwrap();
    journal.limit_pages(u32::try_from(pages).unwrap() + 2).await.unwrap();
    (dir, path, journal, other)
}

#[tokio::test]
async fn a_full_disk_stops_the_journal_and_leaves_nothing_half_written() {
    let (_dir, path, mut journal, mut other) = nearly_full().await;
    for seq in 1..=400 {
        read(&mut journal, seq, seq as i64 * 1050, &format!("{{\"seq\":{seq}}}")).await;
    }
    let change = change_of(401, 500_000, Action::Place, None, Some("0.00005"));
    let error = journal.intend((), change.clone()).await.unwrap_err();
    assert!(matches!(error, JournalError::DiskFull { .. }), "{error}");
    for table in ["calls", "replies", "reads", "changes"] {
        assert_eq!(count(&mut other, table).await, 0, "{table}");
    }
    assert!(matches!(journal.record(answer(401, 500_001, "{}")).await, Err(JournalError::Broken { .. })));
    assert!(matches!(journal.flush().await, Err(JournalError::Broken { .. })));
    assert!(matches!(journal.end_run(at(600_000), "error").await, Err(JournalError::Broken { .. })));

    drop(journal);
    let mut journal = Journal::open(&path).await.unwrap();
    journal.begin_run(start("")).await.unwrap();
    journal.intend((), change).await.unwrap();
    assert_eq!(journal.verify_chain().await.unwrap(), []);
}

async fn as_a_run_reads(journal: &mut Journal, seq: u64) -> Result<(), JournalError> {
    let sent_at = seq as i64 * 1050;
    journal.intend((), read_of(seq, sent_at)).await?;
    journal.record(answer(seq, sent_at + 70, &format!("{{\"seq\":{seq}}}"))).await?;
    journal.flush_if_due().await
}

#[tokio::test]
async fn a_commit_that_was_sent_off_and_failed_stops_the_next_call() {
    let (_dir, _path, mut journal, mut other) = nearly_full().await;
    let mut seq = 0;
    let error = loop {
        seq += 1;
        assert!(seq < 2000, "no full disk was told of");
        if let Err(error) = as_a_run_reads(&mut journal, seq).await {
            break error;
        }
    };
    assert!(matches!(error, JournalError::DiskFull { .. }), "{error}");
    let change = change_of(seq + 1, 9_000_000, Action::Place, None, Some("0.00005"));
    assert!(matches!(journal.intend((), change).await, Err(JournalError::Broken { .. })));
    assert_eq!(count(&mut other, "reads").await, 0);
}

/// Another program that writes to the file, and takes its time.
async fn lock(path: &std::path::Path) -> SqliteConnection {
    let mut other = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    other
}

#[tokio::test]
async fn a_journal_that_another_program_keeps_locked_is_waited_for_and_takes_no_command() {
    let (_dir, path, mut journal) = running().await;
    let mut other = lock(&path).await;
    for seq in 1..=600 {
        read(&mut journal, seq, i64::try_from(seq).unwrap() * 1050, &format!("{{\"seq\":{seq}}}")).await;
        journal.flush_if_due().await.unwrap();
    }
    // Nothing is sent that is not on record, and it goes on record that it was not.
    let change = change_of(601, 700_000, Action::Place, None, Some("0.00005"));
    let error = journal.intend((), change).await.unwrap_err();
    assert!(matches!(error, JournalError::Busy { .. }), "{error}");
    assert!(journal.locked_for().is_some());
    let unsent = Received { status: None, code: None, error: Some("not_recorded".into()), ..answer(601, 710_000, "") };
    journal.record_unsent(unsent).await.unwrap();
    read(&mut journal, 602, 711_000, "{}").await;
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    journal.flush().await.unwrap();
    assert_eq!(journal.locked_for(), None);
    assert_eq!(count(&mut other, "reads").await, 601);
    assert_eq!((count(&mut other, "changes").await, count(&mut other, "answers").await), (1, 1));
    journal.end_run(at(800_000), "signal").await.unwrap();
    assert_eq!(journal.verify_chain().await.unwrap(), []);
}

#[tokio::test]
async fn a_journal_that_is_deleted_or_replaced_while_it_is_written_stops_the_run() {
    type Harm = fn(&std::path::Path);
    let harms: [Harm; 3] = [
        |path| fs::remove_file(path).unwrap(),
        |path| {
            let copy = path.with_extension("copy");
            fs::copy(path, &copy).unwrap();
            fs::rename(copy, path).unwrap();
        },
        |path| fs::remove_file(path.with_extension("db-wal")).unwrap(),
    ];
    for harm in harms {
        let (_dir, path, mut journal) = running().await;
        read(&mut journal, 1, 0, "{}").await;
        journal.flush().await.unwrap();
        harm(&path);
        let change = change_of(2, 1050, Action::Place, None, Some("0.00005"));
        let error = journal.intend((), change).await.unwrap_err();
        assert!(matches!(error, JournalError::Replaced { .. }), "{error}");
        assert!(matches!(journal.flush().await, Err(JournalError::Broken { .. })), "and nothing more is written");
    }
    let (_dir, path, mut journal) = running().await;
    fs::remove_file(&path).unwrap();
    for seq in 1..=500 {
        read(&mut journal, seq, i64::try_from(seq).unwrap() * 1050, "{}").await;
    }
    assert!(matches!(journal.flush_if_due().await, Err(JournalError::Replaced { .. })), "a run that only reads, too");
}

#[tokio::test]
async fn what_was_committed_is_missed_where_it_is_not_there() {
    let (_dir, path, mut journal) = running().await;
    read(&mut journal, 1, 0, "{}").await;
    journal.flush().await.unwrap();
    let copy = path.with_extension("copy");
    drop(journal);
    fs::copy(&path, &copy).unwrap();
    let mut journal = Journal::open(&path).await.unwrap();
    assert_eq!(journal.past().await.unwrap(), Past::Whole);
    assert_eq!(journal.begin_run(start("{}")).await.unwrap(), 2);
    journal.end_run(at(90_000), "signal").await.unwrap();
    let head = journal.head().unwrap().clone();
    drop(journal);

    let heads = heads_in(&head_file(&path)).unwrap();
    assert_eq!((heads.len(), heads.last()), (2, Some(&head)));
    let mut history = History::open_read_only(&path).await.unwrap();
    assert_eq!(history.missing_heads(&heads).await.unwrap(), []);
    drop(history);

    // An older copy in its place, then none at all.
    fs::copy(&copy, &path).unwrap();
    let mut journal = Journal::open(&path).await.unwrap();
    assert_eq!(journal.past().await.unwrap(), Past::Behind(head.clone()));
    drop(journal);
    let mut history = History::open_read_only(&path).await.unwrap();
    assert_eq!(history.heads_beside().unwrap(), heads);
    assert_eq!(history.missing_heads(&heads).await.unwrap().last(), Some(&head));
    drop(history);
    for name in ["db", "db-wal", "db-shm"] {
        drop(fs::remove_file(path.with_extension(name)));
    }
    let mut journal = Journal::open(&path).await.unwrap();
    assert_eq!(journal.past().await.unwrap(), Past::Lost(head));
    journal.begin_run(start("{}")).await.unwrap();
    assert_eq!(heads_in(&head_file(&path)).unwrap().len(), 1, "the new journal has heads of its own");
    assert!(path.with_extension("db.head.old").exists());
}
