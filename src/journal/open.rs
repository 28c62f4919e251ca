//! Opening the journal: what the file must be, how SQLite is set up, the migrations, and the views.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqlSafeStr};

use super::{JournalError, views};

/// In the file's header, so that no other program's database is taken for a journal.
pub(crate) const APPLICATION_ID: i64 = 1_129_071_172;
/// A write-ahead log of earlier versions can lose a commit when it is reset.
const SQLITE_MIN: [u32; 3] = [3, 51, 3];
/// How long another process may keep the file locked.
const BUSY_MAX: Duration = Duration::from_secs(5);

/// The files of the folder `migrations`, each under its number and its name.
///
/// A migration that has been on the main branch is never edited, a comment in it included: the journals it made would be
/// refused, and a bot that starts another one does not know its own orders. What is to change is a new migration.
const MIGRATIONS: [(i64, &str, &str); 8] = [
    (1, "tables", include_str!("../../migrations/0001_tables.sql")),
    (2, "append only", include_str!("../../migrations/0002_append_only.sql")),
    (3, "views", include_str!("../../migrations/0003_views.sql")),
    (4, "spliced replies", include_str!("../../migrations/0004_spliced_replies.sql")),
    (5, "views", include_str!("../../migrations/0005_views.sql")),
    (6, "notice rows", include_str!("../../migrations/0006_notice_rows.sql")),
    (7, "notice kinds", include_str!("../../migrations/0007_notice_kinds.sql")),
    (8, "clock jumps", include_str!("../../migrations/0008_clock_jumps.sql")),
];

pub(crate) const SELECT_VERSION: &str = "SELECT sqlite_version()";
pub(crate) const SELECT_OTHER_TABLES: &str = "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE '\\_sqlx\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

/// Opens or creates the file and brings its schema up to date.
pub(crate) async fn open(path: &Path) -> Result<SqliteConnection, JournalError> {
    refuse_other_files(path)?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_MAX)
        .statement_cache_capacity(48)
        // One MiB of pages: the writer appends, so it reads little back.
        .pragma("cache_size", "-1024")
        .pragma("mmap_size", "0")
        .pragma("recursive_triggers", "ON")
        .disable_statement_logging();
    let failed = |e: sqlx::Error| JournalError::from_sqlx(path, &e);
    let mut conn = options.connect().await.map_err(failed)?;
    demand_version(&mut conn, path).await?;
    refuse_other_databases(&mut conn, path).await?;
    migrator().run(&mut conn).await.map_err(|e| JournalError::from_migrate(path, &e))?;
    views::renew(&mut conn).await.map_err(failed)?;
    Ok(conn)
}

/// What `sqlx::migrate!` would make of the folder. That macro would have sqlx, tokio and SQLite itself compiled a second
/// time, for the compiler to run.
fn migrator() -> Migrator {
    let migration = |(version, name, sql): (i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(MIGRATIONS.map(migration).to_vec())
}

/// A file that is no database is refused before SQLite sees it.
fn refuse_other_files(path: &Path) -> Result<(), JournalError> {
    if !path.exists() {
        return Ok(());
    }
    let path = path.to_path_buf();
    if path.is_dir() {
        return Err(JournalError::NotAJournal { path, why: "it is a directory" });
    }
    match has_sqlite_header(&path) {
        Ok(true) => Ok(()),
        Ok(false) => Err(JournalError::NotAJournal { path, why: "it is not an SQLite database" }),
        Err(why) => Err(JournalError::CannotOpen { path, why: why.to_string() }),
    }
}

/// Whether the file starts as every SQLite database does. An empty file is a database with nothing in it.
pub(crate) fn has_sqlite_header(path: &Path) -> std::io::Result<bool> {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    let mut start = Vec::with_capacity(MAGIC.len());
    File::open(path)?.take(16).read_to_end(&mut start)?;
    Ok(start.is_empty() || start == MAGIC)
}

async fn demand_version(conn: &mut SqliteConnection, path: &Path) -> Result<(), JournalError> {
    let found: String = sqlx::query_scalar(SELECT_VERSION)
        .fetch_one(&mut *conn)
        .await
        .map_err(|e| JournalError::from_sqlx(path, &e))?;
    let numbers: Vec<u32> = found.split('.').filter_map(|n| n.parse().ok()).collect();
    if numbers.as_slice() >= SQLITE_MIN.as_slice() {
        return Ok(());
    }
    Err(JournalError::OldSqlite { path: path.to_path_buf(), found })
}

/// A database of another program is left alone. One with nothing in it may be ours to fill.
async fn refuse_other_databases(conn: &mut SqliteConnection, path: &Path) -> Result<(), JournalError> {
    let failed = |e: sqlx::Error| JournalError::from_sqlx(path, &e);
    let id: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *conn).await.map_err(failed)?;
    let others: i64 = sqlx::query_scalar(SELECT_OTHER_TABLES).fetch_one(&mut *conn).await.map_err(failed)?;
    if id == APPLICATION_ID || others == 0 {
        return Ok(());
    }
    Err(JournalError::NotAJournal { path: path.to_path_buf(), why: "it is another program's database" })
}
