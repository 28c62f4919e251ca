//! The connection to the file, and the commits that go over it while the next rows are being made.

use futures_util::future::join;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnection};
use sqlx::{Arguments, Connection, Transaction};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::error::result_code;
use super::tables::{Table, Value};

/// Stored rows, by table, in an order in which none refers to a later one.
#[derive(Debug)]
pub(crate) struct Batch(pub(crate) Vec<(Table, Vec<Value>)>);

/// Why rows were not committed.
#[derive(Debug)]
pub(crate) enum Uncommitted {
    /// Another program kept the file locked; these are the rows.
    Locked(Batch),
    /// Anything else.
    Failed(sqlx::Error),
}

/// The connection, wherever it is.
#[derive(Debug)]
enum Place {
    Here(SqliteConnection),
    /// With a commit, which goes on whether or not anybody waits for it.
    Away(JoinHandle<(SqliteConnection, Result<(), Uncommitted>)>),
    /// Its commit panicked.
    Lost,
}

/// The one way to the file.
#[derive(Debug)]
pub(crate) struct Link {
    place: Place,
    /// The rows of a commit that was sent off while another program kept the file locked.
    locked_out: Option<Batch>,
}

impl Link {
    pub(crate) fn new(conn: SqliteConnection) -> Link {
        Link { place: Place::Here(conn), locked_out: None }
    }

    /// The connection, once the commit that has it is done. An error of that commit comes out here, once.
    pub(crate) async fn conn(&mut self) -> Result<&mut SqliteConnection, sqlx::Error> {
        if let Place::Away(commit) = &mut self.place {
            let (place, result) = match commit.await {
                Ok((conn, Ok(()))) => (Place::Here(conn), Ok(())),
                Ok((conn, Err(Uncommitted::Locked(rows)))) => {
                    self.locked_out = Some(rows);
                    (Place::Here(conn), Ok(()))
                }
                Ok((conn, Err(Uncommitted::Failed(error)))) => (Place::Here(conn), Err(error)),
                Err(_) => (Place::Lost, Err(sqlx::Error::WorkerCrashed)),
            };
            self.place = place;
            result?;
        }
        match &mut self.place {
            Place::Here(conn) => Ok(conn),
            Place::Away(_) | Place::Lost => Err(sqlx::Error::WorkerCrashed),
        }
    }

    /// The rows that a commit which was sent off could not write, since the file was locked. They come before all others.
    pub(crate) fn take_locked_out(&mut self) -> Option<Batch> {
        self.locked_out.take()
    }

    /// Whether a commit that was sent off is still on its way.
    pub(crate) fn is_away(&self) -> bool {
        matches!(&self.place, Place::Away(commit) if !commit.is_finished())
    }

    /// Whether a commit that was sent off has ended and [`Self::conn`] has not yet told how.
    pub(crate) fn has_ended_commit(&self) -> bool {
        matches!(&self.place, Place::Away(commit) if commit.is_finished())
    }

    /// Commits the rows, and says so when they are committed.
    pub(crate) async fn commit(&mut self, rows: Batch) -> Result<(), Uncommitted> {
        commit(self.conn().await.map_err(Uncommitted::Failed)?, rows).await
    }

    /// Sends the rows off to be committed. The commit before it must have ended first, and what it could not write been
    /// taken back.
    pub(crate) async fn send(&mut self, rows: Batch) -> Result<(), sqlx::Error> {
        self.conn().await?;
        debug_assert!(self.locked_out.is_none(), "rows that wait are left behind");
        let Place::Here(mut conn) = std::mem::replace(&mut self.place, Place::Lost) else {
            return Err(sqlx::Error::WorkerCrashed);
        };
        let runtime = Handle::current();
        self.place = Place::Away(tokio::task::spawn_blocking(move || {
            let result = runtime.block_on(commit(&mut conn, rows));
            (conn, result)
        }));
        Ok(())
    }

    /// Closes the file, after the commit that is on its way.
    pub(crate) async fn close(mut self) -> Result<(), sqlx::Error> {
        self.conn().await?;
        match self.place {
            Place::Here(conn) => conn.close().await,
            Place::Away(_) | Place::Lost => Err(sqlx::Error::WorkerCrashed),
        }
    }
}

async fn commit(conn: &mut SqliteConnection, rows: Batch) -> Result<(), Uncommitted> {
    match conn.begin_with("BEGIN IMMEDIATE").await {
        Ok(tx) => insert(tx, rows).await.map_err(Uncommitted::Failed),
        Err(error) if is_locked(&error) => Err(Uncommitted::Locked(rows)),
        Err(error) => Err(Uncommitted::Failed(error)),
    }
}

/// Whether another program kept the file locked for longer than SQLite waits.
fn is_locked(error: &sqlx::Error) -> bool {
    matches!(result_code(error).map(|code| code & 0xff), Some(5 | 6))
}

/// While SQLite is at one statement, the values of the next are laid out for it.
async fn insert(mut tx: Transaction<'_, Sqlite>, rows: Batch) -> Result<(), sqlx::Error> {
    let mut insertions = insertions(rows);
    let mut next = insertions.next();
    while let Some((sql, values)) = next {
        let insertion = sqlx::query_with(sql, values?).execute(&mut *tx);
        let (inserted, after) = join(insertion, async { insertions.next() }).await;
        inserted?;
        next = after;
    }
    tx.commit().await
}

type Insertion = (&'static str, Result<SqliteArguments, sqlx::Error>);

/// Few large statements: each costs a hop to SQLite's thread.
pub(crate) fn insertions(rows: Batch) -> impl Iterator<Item = Insertion> {
    rows.0.into_iter().flat_map(|(table, values)| {
        let width = table.columns().len();
        let (sql, rows_a_statement) = table.insert_sql(values.len() / width);
        let mut rest = values.into_iter();
        std::iter::from_fn(move || {
            let most = rest.len().min(rows_a_statement * width);
            (most > 0).then(|| (sql, arguments(rest.by_ref().take(most))))
        })
    })
}

fn arguments(values: impl ExactSizeIterator<Item = Value>) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        match value {
            Value::Null => arguments.add(None::<i64>),
            Value::Int(i) => arguments.add(i),
            Value::Text(text) => arguments.add(text),
            Value::Blob(blob) => arguments.add(blob),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}
