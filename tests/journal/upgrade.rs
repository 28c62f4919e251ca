//! A journal of an earlier build is taken up where it stopped, and what it was made with is never edited.

use std::path::{Path, PathBuf};

use clorebid::audit::verify::verify;
use clorebid::history::{Cell, Filter, History, View};
use clorebid::journal::{Journal, JournalError, Mode, Resume};
use sha2::{Digest, Sha256};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;

use crate::support::*;

/// What the first builds that ran live made their journals with.
const FIRST_SCHEMA: i64 = 3;
/// A run under that schema, killed while a raise was under way.
const KILLED_RUN: &str = include_str!("killed_run.sql");
const VENUE: &str = "scenario one server";
const SENT: usize = 14;

/// Every migration that has been on the main branch, with the SHA-256 of its file.
const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_tables.sql", "1c21c44fb6e553a0224f73a4b663eafec9f30858b8d0a01fe4e3ad22e53057c7"),
    ("0002_append_only.sql", "893a5aa1345d87904a2f3d8bf7242f8e3bc2ef1920ea9b1ad2d30d9edac1adb8"),
    ("0003_views.sql", "7916e666a836bc724e1d7b6dc35dba5239fd5660c3ae1117d3c90b7a1fe16012"),
    ("0004_spliced_replies.sql", "bdaec4963b75d6227f9ceba39cf85cb68a47b4141d252e8a33f6caf61d1d55ad"),
    ("0005_views.sql", "d890da33e100470e147dd147c8880b7153db6c26682175d9be4cd789b757494c"),
    ("0006_notice_rows.sql", "89f6c8b0cf922ee388444e484d4a0bb5117fadf21d3b8e018d5b583d73444790"),
    ("0007_notice_kinds.sql", "dcef8a02596db05ddc6665693a722d1893bf9304e2d14607d2051519f4524883"),
    ("0008_clock_jumps.sql", "e3157a95edfb1218e53ec52b4664bde0d9037033b1ad1992497be2d57035bf12"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")
}

/// A journal as the earlier build left it.
async fn earlier() -> (TempDir, PathBuf) {
    let (dir, path) = db();
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut conn = options.journal_mode(SqliteJournalMode::Wal).connect().await.unwrap();
    let migrator = Migrator::new(folder()).await.unwrap();
    migrator.run_to(FIRST_SCHEMA, &mut conn).await.unwrap();
    sqlx::raw_sql(KILLED_RUN).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    (dir, path)
}

async fn texts(conn: &mut SqliteConnection, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(conn).await.unwrap()
}

/// All that the schema consists of but the migrations' own table.
async fn schema(path: &Path) -> Vec<String> {
    let sql = "SELECT type || ' ' || name || ' on ' || tbl_name || ': ' || coalesce(sql, '') FROM sqlite_schema \
               WHERE tbl_name NOT LIKE '\\_sqlx%' ESCAPE '\\' ORDER BY 1";
    texts(&mut look(path).await, sql).await
}

fn demand_resume(resume: Option<Resume>) {
    let resume = resume.expect("the killed run's memory");
    assert_eq!(resume.run_id, 1);
    assert!(resume.memory.contains("\"orders\""), "{}", resume.memory);
    let [raise] = resume.unfinished.as_slice() else { panic!("{:?}", resume.unfinished) };
    assert_eq!((raise.seq, raise.call.as_str(), &raise.answer), (14, "set_spot_price", &None));
}

async fn demand_sound(path: &Path, runs: usize) {
    let mut history = History::open_read_only(path).await.unwrap();
    let report = verify(&mut history, None, &[]).await.unwrap();
    assert!(report.is_sound(), "{:?}", report.broken().collect::<Vec<_>>());
    assert_eq!(history.view(View::Runs, &Filter::default()).await.unwrap().rows.len(), runs);
    // Whatever it was packed as, every answer of the killed run reads as the venue gave it.
    let exchanges = history.exchanges(1, 0, 100).await.unwrap();
    assert_eq!(exchanges.len(), SENT);
    for exchange in exchanges.iter().take(SENT - 1) {
        let body = std::str::from_utf8(exchange.body.as_ref().expect("an answer")).unwrap();
        assert!(body.starts_with('{') && body.ends_with('}') && body.contains("\"code\":0"), "{body}");
    }
}

#[tokio::test]
async fn an_earlier_builds_journal_is_upgraded_resumed_and_written_on() {
    let (_dir, path) = earlier().await;
    let mut journal = Journal::open(&path).await.unwrap();
    let resume = journal.last_memory(Mode::Paper, VENUE).await.unwrap();
    demand_resume(resume.clone());
    assert_eq!(journal.verify_chain().await.unwrap(), []);
    assert_eq!(journal.begin_run(start(&resume.unwrap().memory)).await.unwrap(), 2);
    for seq in 1..=6 {
        let body = format!("{{\"code\":0,\"bid\":0.0000{},\"padding\":\"{}\"}}", 4000 + seq, "offers ".repeat(60));
        read(&mut journal, seq, seq as i64 * 1050, &body).await;
    }
    journal.end_run(at(10_000), "signal").await.unwrap();
    assert_eq!(journal.verify_chain().await.unwrap(), []);
    let mut conn = look(&path).await;
    let encodings = "SELECT DISTINCT (id >> 32) || ': ' || encoding FROM replies ORDER BY 1";
    assert_eq!(texts(&mut conn, encodings).await, ["1: 0", "1: 1", "1: 2", "2: 1", "2: 3"]);
    assert_eq!(texts(&mut conn, "PRAGMA integrity_check").await, ["ok"]);
    assert_eq!(sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut conn).await.unwrap().len(), 0);
}

#[tokio::test]
async fn an_upgraded_journal_has_the_schema_of_a_fresh_one() {
    let (_fresh_dir, fresh) = db();
    Journal::open(&fresh).await.unwrap().close().await.unwrap();
    let (_dir, path) = earlier().await;
    assert_ne!(schema(&path).await, schema(&fresh).await);
    Journal::open(&path).await.unwrap().close().await.unwrap();
    assert_eq!(schema(&path).await, schema(&fresh).await);
    // Of encodings there are four, and what the two newer ones hang on is demanded of both.
    let mut conn = look(&path).await;
    for (encoding, base, refused_by) in
        [("4", "1", "reply_encoding"), ("3", "NULL", "reply_base_if_delta"), ("1", "1", "reply_base_if_delta")]
    {
        let sql = format!(
            "INSERT INTO replies (id, outcome, encoding, base, size, body, hash) \
             VALUES ((1 << 32) + 99, 'applied', {encoding}, {base}, 0, x'', zeroblob(32))"
        );
        let refused = sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut conn).await.unwrap_err();
        assert!(refused.to_string().contains(refused_by), "{refused}");
    }
}

#[tokio::test]
async fn history_and_verify_read_an_earlier_builds_journal_without_touching_it() {
    let (_dir, path) = earlier().await;
    let before = std::fs::read(&path).unwrap();
    demand_sound(&path, 1).await;
    let mut history = History::open_read_only(&path).await.unwrap();
    for (view, rows) in [
        (View::Runs, 1),
        (View::Requests, SENT),
        (View::Bids, 2),
        (View::States, 4),
        (View::Observations, 9),
        (View::Holdings, 1),
        (View::Spend, 1),
        (View::Notices, 0),
    ] {
        for limit in [None, Some(100)] {
            let filter = Filter { run: Some(1), limit, ..Filter::default() };
            let shown = history.view(view, &filter).await.unwrap();
            assert_eq!(shown.columns, history.sql(&format!("SELECT * FROM {}", view.name())).await.unwrap().columns);
            assert_eq!(shown.rows.len(), rows, "{}", view.name());
        }
    }
    drop(history);
    assert!(std::fs::read(&path).unwrap() == before, "reading has written");
    Journal::open(&path).await.unwrap().close().await.unwrap();
    demand_sound(&path, 1).await;
}

#[tokio::test]
async fn a_reader_that_was_there_before_the_upgrade_reads_on() {
    let (_dir, path) = earlier().await;
    let mut history = History::open_read_only(&path).await.unwrap();
    let run = Filter { run: Some(1), ..Filter::default() };
    let before = history.view(View::Requests, &run).await.unwrap();
    let journal = Journal::open(&path).await.unwrap();
    assert_eq!(history.view(View::Requests, &run).await.unwrap(), before);
    let spliced = history.sql("SELECT count(*) FROM sqlite_schema WHERE sql LIKE '%(0, 1, 2, 3)%'").await.unwrap();
    assert_eq!(spliced.rows, [[Cell::Integer(1)]]);
    journal.close().await.unwrap();
}

#[tokio::test]
async fn an_upgrade_that_fails_leaves_the_journal_as_it_was() {
    let (_dir, path) = earlier().await;
    let mut conn = look(&path).await;
    // The very last of what the migration makes is there already.
    sqlx::query("CREATE INDEX stretches_of_server ON stretches (bid)").execute(&mut conn).await.unwrap();
    let before = schema(&path).await;
    let error = Journal::open(&path).await.unwrap_err();
    assert!(matches!(error, JournalError::Database { .. }), "{error}");
    assert_eq!(schema(&path).await, before);
    assert_eq!(texts(&mut conn, "PRAGMA integrity_check").await, ["ok"]);
    sqlx::query("DROP INDEX stretches_of_server").execute(&mut conn).await.unwrap();
    demand_resume(Journal::open(&path).await.unwrap().last_memory(Mode::Paper, VENUE).await.unwrap());
}

/// Some other program's idea of what was spent, and a view that its user has made.
const ALTERED: &str = "DROP VIEW spend; CREATE VIEW spend AS SELECT 1 AS run_id, '1970-01-01' AS day, 'nothing' AS cost; \
                       CREATE VIEW of_my_own AS SELECT * FROM notices";

#[tokio::test]
async fn views_are_shown_as_this_build_has_them_and_made_so_when_the_journal_is_opened() {
    let (_dir, path) = earlier().await;
    let mut history = History::open_read_only(&path).await.unwrap();
    let spend = history.view(View::Spend, &Filter::default()).await.unwrap();
    sqlx::raw_sql(ALTERED).execute(&mut look(&path).await).await.unwrap();
    assert_eq!(history.view(View::Spend, &Filter::default()).await.unwrap(), spend);
    drop(history);
    Journal::open(&path).await.unwrap().close().await.unwrap();
    let mut history = History::open_read_only(&path).await.unwrap();
    for sql in ["SELECT * FROM spend", "SELECT * FROM main.spend"] {
        assert_eq!(history.sql(sql).await.unwrap(), spend, "{sql}");
    }
    // What the user made goes on showing what it did.
    assert_eq!(history.sql("SELECT * FROM main.of_my_own").await.unwrap().columns[0], "id");
    // As in a fresh journal, nothing is left of the views of earlier builds.
    let (_fresh_dir, fresh) = db();
    Journal::open(&fresh).await.unwrap().close().await.unwrap();
    sqlx::query("DROP VIEW of_my_own").execute(&mut look(&path).await).await.unwrap();
    assert_eq!(schema(&path).await, schema(&fresh).await);
}

#[test]
fn a_migration_that_was_on_main_is_never_edited() {
    let mut found: Vec<(String, String)> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let digest = Sha256::digest(std::fs::read(entry.path()).unwrap());
            let name = entry.file_name().into_string().unwrap();
            (name, digest.iter().map(|byte| format!("{byte:02x}")).collect())
        })
        .collect();
    found.sort();
    let pinned: Vec<(String, String)> =
        MIGRATIONS.iter().map(|(name, digest)| (name.to_string(), digest.to_string())).collect();
    assert_eq!(
        found, pinned,
        "journals out there were made with these migrations and are refused if one of them changes: put it back as it \
         was, write the change as a new one with the next number, and add that one's SHA-256 here"
    );
}

#[tokio::test]
async fn the_program_carries_the_migrations_that_are_in_the_folder() {
    let (_dir, path) = db();
    Journal::open(&path).await.unwrap().close().await.unwrap();
    let applied: Vec<(i64, String, Vec<u8>)> =
        sqlx::query_as("SELECT version, description, checksum FROM _sqlx_migrations ORDER BY version")
            .fetch_all(&mut look(&path).await)
            .await
            .unwrap();
    let folder = Migrator::new(folder()).await.unwrap();
    let wanted: Vec<(i64, String, Vec<u8>)> =
        folder.iter().map(|m| (m.version, m.description.to_string(), m.checksum.to_vec())).collect();
    assert_eq!(applied, wanted, "the list in src/journal/open.rs and the folder `migrations` differ");
}
