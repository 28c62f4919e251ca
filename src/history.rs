//! Reading the journal: the views that scripts may rely on, and any other read-only SQL.
//!
//! It opens the file read-only, also while a run writes it, and never creates one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clorebid_core::time::Time;
use futures_util::TryStreamExt;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Executor, SqlSafeStr, Statement};

use crate::clock::rfc3339;
use crate::journal::{
    APPLICATION_ID, ChainFault, Head, JournalError, Unpacker, altered_views, chain_faults, has_sqlite_header,
    head_file, heads_in, lay_over, result_code,
};

mod exchange;
mod paged;
#[cfg(test)]
mod plans;
mod rows;
mod statement;
mod view;

pub use exchange::{Exchange, Kept};
pub(crate) use paged::Paged;
pub use rows::{Cell, Format, Rows};
use view::Keys;
pub use view::View;

/// More rows than this are not gathered in memory: the question is to be narrowed.
const ROWS_MAX: usize = 1_000_000;

/// Why the history cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// There is no such file.
    #[error("there is no database {}; `clorebid run` makes one, --db names another", .0.display())]
    Missing(PathBuf),
    /// The file cannot be read as a journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A filter on a column that the view lacks.
    #[error("`{view}` cannot be filtered by {filter}; it can be by {can}")]
    Filter {
        /// The view.
        view: &'static str,
        /// What was asked for.
        filter: &'static str,
        /// What could be.
        can: String,
    },
    /// SQL that is no query.
    #[error("only reading is allowed here: start with SELECT, WITH, VALUES or EXPLAIN")]
    NotAQuery,
    /// More than one statement.
    #[error("one statement at a time: there is more after the `;`")]
    SeveralStatements,
    /// The SQL is wrong.
    #[error("the SQL is wrong: {0}")]
    Sql(String),
    /// Too much to gather.
    #[error("more than {ROWS_MAX} rows; narrow it with --limit, --run, --since or --until, or LIMIT in SQL")]
    TooManyRows,
    /// The output could not be written.
    #[error("cannot write the result: {0}")]
    Output(#[from] std::io::Error),
}

/// Which rows of a view to show. Empty: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this run.
    pub run: Option<i64>,
    /// Of the target with this name.
    pub target: Option<String>,
    /// About this server.
    pub server: Option<u64>,
    /// At this time or later.
    pub since: Option<Time>,
    /// At this time or earlier.
    pub until: Option<Time>,
    /// The newest so many; they are still shown oldest first.
    pub limit: Option<u64>,
}

/// A journal open for reading.
#[derive(Debug)]
pub struct History {
    conn: SqliteConnection,
    path: PathBuf,
    unpacker: Unpacker,
    /// Whether it shows one moment, whatever is written meanwhile.
    is_still: bool,
}

impl History {
    /// Opens the file, which must exist and be a journal.
    ///
    /// # Errors
    /// When it does not or is not, or cannot be read.
    pub async fn open_read_only(path: &Path) -> Result<History, HistoryError> {
        let owned = path.to_path_buf();
        if !path.exists() {
            return Err(HistoryError::Missing(owned));
        }
        match has_sqlite_header(path) {
            Ok(true) => {}
            Ok(false) => {
                return Err(JournalError::NotAJournal { path: owned, why: "it is not an SQLite database" }.into());
            }
            Err(why) => return Err(JournalError::CannotOpen { path: owned, why: why.to_string() }.into()),
        }
        let failed = |e: sqlx::Error| JournalError::from_sqlx(path, &e);
        let (mut conn, id) = match connect(path, false).await {
            // Reading takes a file of shared memory, which whoever may only read cannot make. While nobody writes, and
            // all is in the one file, it can be read without.
            Err(e) if result_code(&e).is_some_and(|code| CANNOT_MAKE.contains(&(code & 0xff))) && !has_wal(path) => {
                connect(path, true).await
            }
            connected => connected,
        }
        .map_err(failed)?;
        if id != APPLICATION_ID {
            return Err(JournalError::NotAJournal { path: owned, why: "it holds no journal" }.into());
        }
        lay_over(&mut conn).await.map_err(failed)?;
        // From here on, so that it lets the views be made.
        sqlx::query("PRAGMA query_only = ON").execute(&mut conn).await.map_err(failed)?;
        Ok(History { conn, path: owned, unpacker: Unpacker::default(), is_still: false })
    }

    /// The rows of a view that the filter lets through, oldest first.
    ///
    /// # Errors
    /// When the view lacks a column that the filter names, or the file cannot be read.
    pub async fn view(&mut self, view: View, filter: &Filter) -> Result<Rows, HistoryError> {
        let keys = self.keys(view, filter).await.map_err(|e| JournalError::from_sqlx(&self.path, &e))?;
        let (sql, binds) = view.select(filter, keys)?;
        let mut rows = self.gather(sql, binds).await?;
        if filter.limit.is_some() {
            rows.rows.reverse();
        }
        if view.keyed() {
            rows.columns.remove(0);
            rows.rows.iter_mut().for_each(|row| drop(row.remove(0)));
        }
        Ok(rows)
    }

    /// Where among a view's rows those that the filter lets through can be.
    async fn keys(&mut self, view: View, filter: &Filter) -> Result<Keys, sqlx::Error> {
        let mut keys = Keys::of(filter);
        if filter.run.is_some() {
            let run = keys;
            let (mut firsts, mut lasts) = (Vec::new(), Vec::new());
            for (table, time) in view.timed() {
                let sql: Arc<str> = view::select_first(table, time).into();
                let after = filter.until.map(|until| until.ms().saturating_add(1));
                for (moment, found) in [(filter.since.map(Time::ms), &mut firsts), (after, &mut lasts)] {
                    let Some(moment) = moment else { continue };
                    let query = sqlx::query_scalar(AssertSqlSafe(Arc::clone(&sql)));
                    let query = query.bind(run.first).bind(run.last).bind(moment);
                    found.push(query.fetch_one(&mut self.conn).await?);
                }
            }
            keys.first = firsts.into_iter().min().unwrap_or(run.first);
            keys.last = lasts.into_iter().max().map_or(run.last, |after: i64| after - 1);
            if let (View::Observations, Some(server)) = (view, filter.server) {
                let server = i64::try_from(server).unwrap_or(i64::MAX);
                let query = sqlx::query_scalar(view::SELECT_SEEN).bind(run.first).bind(run.last).bind(server);
                let seen: bool = query.fetch_one(&mut self.conn).await?;
                keys = if seen { keys } else { Keys::NONE };
            }
        }
        if let (View::Requests, Some(limit)) = (view, filter.limit) {
            let since = filter.since.map_or(i64::MIN, Time::ms);
            let until = filter.until.map_or(i64::MAX, Time::ms);
            let mut query = sqlx::query_scalar(view::SELECT_OLDEST_WANTED);
            for bind in [keys.first, keys.last, since, until, i64::try_from(limit).unwrap_or(i64::MAX)] {
                query = query.bind(bind);
            }
            let oldest: Option<i64> = query.fetch_one(&mut self.conn).await?;
            keys.first = oldest.unwrap_or(keys.first);
        }
        Ok(keys)
    }

    /// The result of one read-only statement.
    ///
    /// # Errors
    /// When it is wrong, several, or would write.
    pub async fn sql(&mut self, sql: &str) -> Result<Rows, HistoryError> {
        let sql = statement::single(sql)?;
        if !statement::reads(sql) {
            return Err(HistoryError::NotAQuery);
        }
        self.gather(sql.to_string(), Vec::new()).await
    }

    /// Checks every row of every table against the chain of hashes. An empty list: nothing was touched.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn verify_chain(&mut self) -> Result<Vec<ChainFault>, HistoryError> {
        let faults = chain_faults(&mut self.conn).await;
        Ok(faults.map_err(|e| JournalError::from_sqlx(&self.path, &e))?)
    }

    /// Shows the journal as it is now, whatever a run writes to it, until [`History::go_on`]: rows that belong together
    /// are read by several queries.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn hold_still(&mut self) -> Result<(), HistoryError> {
        if self.is_still {
            return Ok(());
        }
        // The moment is that of the first row that is read.
        for sql in ["BEGIN", "SELECT 1 FROM run_starts LIMIT 1"] {
            let done = sqlx::query(sql).execute(&mut self.conn).await;
            done.map_err(|e| JournalError::from_sqlx(&self.path, &e))?;
        }
        self.is_still = true;
        Ok(())
    }

    /// Shows from now on what is written meanwhile.
    ///
    /// # Errors
    /// When the database says so.
    pub async fn go_on(&mut self) -> Result<(), HistoryError> {
        if std::mem::take(&mut self.is_still) {
            let done = sqlx::query("COMMIT").execute(&mut self.conn).await;
            done.map_err(|e| JournalError::from_sqlx(&self.path, &e))?;
        }
        Ok(())
    }

    /// The heads of the file beside the journal.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn heads_beside(&self) -> Result<Vec<Head>, HistoryError> {
        let file = head_file(&self.path);
        Ok(heads_in(&file).map_err(|e| JournalError::Io { path: file, why: e.to_string() })?)
    }

    /// Those of these heads that the journal does not have: rows are missing that were committed.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn missing_heads(&mut self, heads: &[Head]) -> Result<Vec<Head>, HistoryError> {
        let mut missing = Vec::new();
        for head in heads {
            if !head.is_in(&mut self.conn).await.map_err(|e| JournalError::from_sqlx(&self.path, &e))? {
                missing.push(head.clone());
            }
        }
        Ok(missing)
    }

    /// The names of the views in the file that no build of this program made, and how many views there are.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn altered_views(&mut self) -> Result<(u64, Vec<String>), HistoryError> {
        let altered = altered_views(&mut self.conn).await;
        Ok(altered.map_err(|e| JournalError::from_sqlx(&self.path, &e))?)
    }

    async fn gather(&mut self, sql: String, binds: Vec<Cell>) -> Result<Rows, HistoryError> {
        let path = self.path.clone();
        let failed = |e: sqlx::Error| sql_error(&path, &e);
        let prepared = (&mut self.conn).prepare(AssertSqlSafe(sql).into_sql_str()).await.map_err(failed)?;
        let columns = prepared.columns().iter().map(|c| c.name().to_string()).collect();
        let mut query = prepared.query();
        for bind in binds {
            query = match bind {
                Cell::Integer(i) => query.bind(i),
                Cell::Text(text) => query.bind(text),
                Cell::Null | Cell::Real(_) | Cell::Blob(_) => query.bind(None::<i64>),
            };
        }
        let mut gathered = Rows { columns, rows: Vec::new() };
        let mut stream = query.fetch(&mut self.conn);
        while let Some(row) = stream.try_next().await.map_err(failed)? {
            if gathered.rows.len() >= ROWS_MAX {
                return Err(HistoryError::TooManyRows);
            }
            gathered.rows.push(rows::cells(&row).map_err(failed)?);
        }
        Ok(gathered)
    }
}

/// SQLITE_READONLY and SQLITE_CANTOPEN: SQLite could not make a file that it needs.
const CANNOT_MAKE: [u32; 2] = [8, 14];

/// Whether something is written that is not in the one file yet.
fn has_wal(path: &Path) -> bool {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    std::fs::metadata(PathBuf::from(name)).is_ok_and(|wal| wal.len() > 0)
}

/// A connection, and the number by which the file says what it is.
async fn connect(path: &Path, immutable: bool) -> Result<(SqliteConnection, i64), sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .immutable(immutable)
        .pragma("temp_store", "MEMORY")
        .pragma("cache_size", "-4096")
        .pragma("mmap_size", "0")
        .disable_statement_logging();
    let mut conn = options.connect().await?;
    let id = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut conn).await?;
    Ok((conn, id))
}

/// Tells a mistake in the SQL from trouble with the file.
fn sql_error(path: &Path, error: &sqlx::Error) -> HistoryError {
    match result_code(error).map(|code| code & 0xff) {
        // A write to a read-only database, and a refusal to authorise.
        Some(8 | 23) => HistoryError::NotAQuery,
        // SQLITE_ERROR, a type mismatch, a number out of range.
        Some(1 | 20 | 25) => {
            HistoryError::Sql(error.as_database_error().map_or_else(String::new, |e| e.message().to_string()))
        }
        _ => HistoryError::Journal(JournalError::from_sqlx(path, error)),
    }
}

/// A time as the views write it.
pub(crate) fn text_of(time: Time) -> Cell {
    Cell::Text(rfc3339(time))
}
