//! The journal's one writer: what it promises is in the module's header.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clorebid_core::event::Event;
use clorebid_core::ids::TargetId;
use clorebid_core::time::Time;
use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection, Row};

use super::anchor::Anchor;
use super::head::{Head, HeadLine, head_file, heads_in, lay_aside};
use super::link::{Batch, Link, Uncommitted, insertions};
use super::run::Run;
use super::tables::{Hash, Table, Value, genesis, row_hash};
use super::{
    ChainFault, JournalError, Journaled, Mode, Received, Resume, RunStart, Sent, closing, open, resume, verify,
};

pub(crate) const SELECT_LAST_RUN: &str = "SELECT run_id, hash FROM run_starts ORDER BY run_id DESC LIMIT 1";

/// The journal of one database file, open for writing.
///
/// Every call that returns an error leaves it unusable: what could not be written must stop the bot.
#[derive(Debug)]
pub struct Journal {
    link: Link,
    path: PathBuf,
    run: Option<Run>,
    anchor: Anchor,
    /// Whether the file was not there before.
    is_new: bool,
    line: Option<HeadLine>,
    last_head: Option<Head>,
    /// What the head is once the rows on their way are committed.
    next_head: Option<Head>,
    broken: bool,
    /// Since when another program has kept the file locked.
    locked_since: Option<Instant>,
}

/// Whether the rows of earlier runs are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Past {
    /// All that is known to have been committed is there, or nothing is known.
    Whole,
    /// The file is new, although there was one in its place, with that head.
    Lost(Head),
    /// Rows are missing that were committed by that head: an older copy, or a log that was removed.
    Behind(Head),
}

/// So often the end of a run is tried to be written while another program keeps the file locked; each try takes 5 s.
const END_TRIES: u32 = 12;

impl Journal {
    /// Opens the file, creating it if it is not there, and brings its schema up to date.
    ///
    /// # Errors
    /// When the file is something else, was made by a newer version, or cannot be written.
    pub async fn open(path: &Path) -> Result<Journal, JournalError> {
        let is_new = !path.exists();
        let link = Link::new(open::open(path).await?);
        let (anchor, path) = (Anchor::drop_at(path), path.to_path_buf());
        let (run, line, last_head, next_head, broken, locked_since) = (None, None, None, None, false, None);
        Ok(Journal { link, path, run, anchor, is_new, line, last_head, next_head, broken, locked_since })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file has all that the one beside it says was committed. Call before the first run begins.
    ///
    /// # Errors
    /// When either cannot be read.
    pub async fn past(&mut self) -> Result<Past, JournalError> {
        let file = head_file(&self.path);
        let heads = heads_in(&file).map_err(|e| JournalError::Io { path: file.clone(), why: e.to_string() })?;
        let Some(head) = heads.into_iter().next_back() else { return Ok(Past::Whole) };
        if self.is_new {
            return Ok(Past::Lost(head));
        }
        let path = self.path.clone();
        let is_in = head.is_in(self.conn().await?).await.map_err(|e| JournalError::from_sqlx(&path, &e))?;
        Ok(if is_in { Past::Whole } else { Past::Behind(head) })
    }

    /// With what the run ended at its last commit, in a form that `verify` takes.
    pub fn head(&self) -> Option<&Head> {
        self.last_head.as_ref()
    }

    /// Keeps the file below so many pages of 4 KiB: beyond them every write says [`JournalError::DiskFull`].
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn limit_pages(&mut self, pages: u32) -> Result<(), JournalError> {
        let sql = AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        let done = sqlx::query(sql).execute(self.conn().await?).await;
        done.map(|_| ()).map_err(|e| JournalError::from_sqlx(&self.path, &e))
    }

    /// What the newest run of that kind at that venue left behind: its memory, and the changes which that memory does
    /// not know the end of. `None` if no such run left one.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub async fn last_memory(&mut self, mode: Mode, venue: &str) -> Result<Option<Resume>, JournalError> {
        let path = self.path.clone();
        resume::last_memory(self.conn().await?, &path, mode, venue).await
    }

    /// Starts a run and tells its number. It is committed when this returns.
    ///
    /// # Errors
    /// When it cannot be written, or a run is open.
    pub async fn begin_run(&mut self, start: RunStart<'_>) -> Result<i64, JournalError> {
        self.demand_whole().await?;
        if self.run.is_some() {
            return Err(self.misuse("a run begins before the last one ended"));
        }
        self.broken = true;
        let begun = match self.link.conn().await {
            Ok(conn) => match closing::end_stretches(conn, start.mode, start.venue).await {
                Ok(()) => insert_run(conn, &start).await,
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        let (id, hash) = begun.map_err(|e| JournalError::from_sqlx(&self.path, &e))?;
        self.broken = false;
        let mut run = Run::new(id, &hash);
        if std::mem::take(&mut self.is_new) {
            lay_aside(&head_file(&self.path));
        }
        let line = HeadLine::begin(&self.path, &run.buffer.head());
        let told = |e: std::io::Error| JournalError::Io { path: head_file(&self.path), why: e.to_string() };
        self.line = Some(line.map_err(told)?);
        if !start.memory.is_empty() {
            run.remember(0, false, start.at, start.memory);
        }
        self.run = Some(run);
        self.commit().await?;
        Ok(id)
    }

    /// Puts a request on record before it is sent. A read waits for the next commit; a change is committed, with
    /// everything that waited, when this returns.
    ///
    /// # Errors
    /// When it cannot be written. Then it may not be sent. [`JournalError::Busy`] leaves the journal whole: a later commit
    /// takes the command along, with what [`Journal::record_unsent`] says of it.
    pub async fn intend<T>(&mut self, call: T, mut sent: Sent<'_>) -> Result<Journaled<T>, JournalError> {
        self.demand_whole().await?;
        let Some(run) = self.run.as_mut() else { return Err(self.misuse("a request outside any run")) };
        let seq = match u32::try_from(sent.seq) {
            Ok(seq) if seq > run.last_seq => seq,
            _ => {
                let what = format!("request {} follows request {}", sent.seq, run.last_seq);
                return Err(self.misuse(&what));
            }
        };
        run.tick(sent.at);
        let (at, changes) = (sent.at, sent.bid.is_some());
        let memory = sent.memory.take();
        match sent.bid {
            None => run.intend_read(seq, sent),
            Some(bid) => run.intend_change(seq, &sent, &bid),
        }
        if let Some(memory) = memory {
            run.remember(seq.into(), true, at, &memory);
        }
        if changes {
            self.commit().await?;
        }
        Ok(Journaled(call))
    }

    /// Puts an answer on record. That of a change is committed when this returns.
    ///
    /// # Errors
    /// When it cannot be written, or nothing of that number waits for an answer.
    pub async fn record(&mut self, received: Received) -> Result<(), JournalError> {
        self.demand_whole().await?;
        let Some(run) = self.run.as_mut() else { return Err(self.misuse("an answer outside any run")) };
        run.tick(received.at);
        let seq = u32::try_from(received.seq).unwrap_or(u32::MAX);
        if run.is_open_read(seq) {
            run.answer_read(seq, &received);
            return Ok(());
        }
        if !run.is_open_change(seq) {
            let what = format!("an answer to request {}, which waits for none", received.seq);
            return Err(self.misuse(&what));
        }
        run.answer_change(seq, &received);
        self.commit().await
    }

    /// Puts it on record that a command was not sent, since [`Journal::intend`] said [`JournalError::Busy`]. Both wait for
    /// the next commit.
    ///
    /// # Errors
    /// When nothing of that number waits for an answer.
    pub async fn record_unsent(&mut self, received: Received) -> Result<(), JournalError> {
        self.demand_whole().await?;
        let seq = u32::try_from(received.seq).unwrap_or(u32::MAX);
        let Some(run) = self.run.as_mut() else { return Err(self.misuse("an answer outside any run")) };
        if !run.is_open_change(seq) {
            return Err(self.misuse("an answer to a command that was never meant to be sent"));
        }
        run.tick(received.at);
        run.answer_change(seq, &received);
        Ok(())
    }

    /// For how long another program has kept the file locked. Until it is free, reads wait for the next commit and no
    /// command can be sent.
    pub fn locked_for(&self) -> Option<Duration> {
        self.locked_since.map(|since| since.elapsed())
    }

    /// Keeps what the core said for the next commit. Outside a run there is nothing it could belong to.
    pub fn note<'a>(&mut self, seq: u64, at: Time, target_name: impl Fn(TargetId) -> &'a str, change: &Event) {
        if let Some(run) = self.run.as_mut() {
            run.tick(at);
            run.note(seq, at, target_name, change);
        }
    }

    /// Keeps for the next commit that the machine's clock did not go on evenly before request `seq`: by how much, in words.
    pub fn note_jump(&mut self, seq: u64, at: Time, words: &str) {
        if let Some(run) = self.run.as_mut() {
            run.tick(at);
            run.note_jump(seq, at, words);
        }
    }

    /// Keeps the core's memory, as it is after the answer to `seq`, for the next commit.
    pub fn remember(&mut self, seq: u64, at: Time, memory: &str) {
        if let Some(run) = self.run.as_mut() {
            run.remember(seq, false, at, memory);
        }
    }

    /// Commits everything that waits.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn flush(&mut self) -> Result<(), JournalError> {
        self.demand_whole().await?;
        self.commit().await
    }

    /// Sends off what waits to be committed, if something has waited for five seconds or 500 rows have gathered. It
    /// waits for no disk, unless that is still at the commit before; how the commit went is told by a later call.
    ///
    /// # Errors
    /// When an earlier one could not be written.
    pub async fn flush_if_due(&mut self) -> Result<(), JournalError> {
        self.demand_whole().await?;
        // Where another program keeps the file locked, the commit before takes its time.
        let is_locked = self.locked_since.is_some() && self.link.is_away();
        if is_locked || !self.run.as_ref().is_some_and(|run| run.buffer.is_due()) {
            return Ok(());
        }
        // What that one could not write comes first.
        self.conn().await?;
        self.demand_in_place()?;
        let Some(rows) = self.take_waiting() else { return Ok(()) };
        self.broken = true;
        self.link.send(rows).await.map_err(|e| JournalError::from_sqlx(&self.path, &e))?;
        self.broken = false;
        Ok(())
    }

    /// Ends the run: open stretches end at `at`, everything is committed and moved into the main file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn end_run(&mut self, at: Time, ended_by: &str) -> Result<(), JournalError> {
        self.demand_whole().await?;
        let Some(run) = self.run.as_mut() else { return Err(self.misuse("the end of a run that never began")) };
        run.end(at, ended_by);
        let mut done = self.commit().await;
        for _ in 1..END_TRIES {
            if !matches!(done, Err(JournalError::Busy { .. })) {
                break;
            }
            done = self.commit().await;
        }
        done?;
        self.run = None;
        self.line = None;
        // A reader may hold the log back; the next checkpoint then does what this one could not.
        let _ = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(self.conn().await?).await;
        Ok(())
    }

    /// Checks every row of every table against the chain of hashes. An empty list: nothing was touched.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn verify_chain(&mut self) -> Result<Vec<ChainFault>, JournalError> {
        let faults = verify::chain_faults(self.conn().await?).await;
        faults.map_err(|e| JournalError::from_sqlx(&self.path, &e))
    }

    /// Closes the file. What waits and was not flushed is lost.
    ///
    /// # Errors
    /// When the database says so.
    pub async fn close(self) -> Result<(), JournalError> {
        self.link.close().await.map_err(|e| JournalError::from_sqlx(&self.path, &e))
    }

    /// Commits everything that waits. While that is on its way the journal counts as broken, so that a commit cut short,
    /// by an error or by a caller that stopped waiting, is never followed by another.
    async fn commit(&mut self) -> Result<(), JournalError> {
        self.conn().await?;
        self.demand_in_place()?;
        let Some(rows) = self.take_waiting() else { return Ok(()) };
        self.broken = true;
        let done = self.link.commit(rows).await;
        if let Err(Uncommitted::Failed(error)) = done {
            return Err(JournalError::from_sqlx(&self.path, &error));
        }
        self.broken = false;
        if let Err(Uncommitted::Locked(rows)) = done {
            self.put_back(rows);
            return Err(JournalError::Busy { path: self.path.clone() });
        }
        self.committed();
        Ok(())
    }

    /// Rows that could not be committed wait again: another program keeps the file locked.
    fn put_back(&mut self, rows: Batch) {
        self.next_head = None;
        self.locked_since.get_or_insert_with(Instant::now);
        if let Some(run) = self.run.as_mut() {
            run.buffer.put_back(rows);
        }
    }

    fn take_waiting(&mut self) -> Option<Batch> {
        let run = self.run.as_mut()?;
        run.settle_spending();
        if run.buffer.is_empty() {
            return None;
        }
        self.next_head = Some(run.buffer.head());
        Some(run.buffer.take())
    }

    /// The rows that were on their way are in the file. A head that cannot be written leaves the one before, which is as
    /// true.
    fn committed(&mut self) {
        self.locked_since = None;
        if let (Some(line), Some(head)) = (self.line.as_mut(), self.next_head.take()) {
            let _ = line.write(&head);
            self.last_head = Some(head);
        }
    }

    fn demand_in_place(&mut self) -> Result<(), JournalError> {
        match self.anchor.missing() {
            Some(path) => {
                self.broken = true;
                Err(JournalError::Replaced { path: path.to_path_buf() })
            }
            None => Ok(()),
        }
    }

    /// The connection, once it is free.
    async fn conn(&mut self) -> Result<&mut SqliteConnection, JournalError> {
        let has_ended = self.link.has_ended_commit() || self.link.is_away();
        self.broken = true;
        self.link.conn().await.map_err(|e| JournalError::from_sqlx(&self.path, &e))?;
        self.broken = false;
        match self.link.take_locked_out() {
            Some(rows) => self.put_back(rows),
            None if has_ended => self.committed(),
            None => {}
        }
        self.link.conn().await.map_err(|e| JournalError::from_sqlx(&self.path, &e))
    }

    /// Fails if a write has failed, be it one that was sent off.
    async fn demand_whole(&mut self) -> Result<(), JournalError> {
        if self.broken {
            return Err(JournalError::Broken { path: self.path.clone() });
        }
        if self.link.has_ended_commit() {
            self.conn().await?;
        }
        Ok(())
    }

    fn misuse(&self, what: &str) -> JournalError {
        JournalError::Misuse { path: self.path.clone(), what: what.to_string() }
    }
}

/// The run's own row follows the newest one in the file, so both are settled in one transaction.
async fn insert_run(conn: &mut SqliteConnection, start: &RunStart<'_>) -> Result<(i64, Hash), sqlx::Error> {
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
    let last = sqlx::query(SELECT_LAST_RUN).fetch_optional(&mut *tx).await?;
    let (before, head) = match last {
        None => (0, genesis()),
        Some(row) => {
            let stored: Vec<u8> = row.try_get(1)?;
            (row.try_get::<i64, _>(0)?, Hash::try_from(stored).unwrap_or_else(|_| genesis()))
        }
    };
    let id = before + 1;
    let seed = match start.seed {
        None => Value::Null,
        Some(seed) => i64::try_from(seed).map_or_else(|_| Value::Text(seed.to_string()), Value::Int),
    };
    let digest = Sha256::digest(start.strategy_toml.as_bytes());
    let mut row = vec![
        Value::Int(id),
        Value::Int(start.at.ms()),
        Value::text(Some(start.mode.code())),
        Value::text(Some(start.strategy)),
        Value::text(Some(hex(&digest))),
        Value::text(Some(start.strategy_toml)),
        Value::text(Some(env!("CARGO_PKG_VERSION"))),
        Value::text(Some(start.venue)),
        seed,
        Value::text(Some(start.currency.name())),
    ];
    let hash = row_hash(&head, &row);
    row.push(Value::Blob(hash.to_vec()));
    for (sql, values) in insertions(Batch(vec![(Table::RunStarts, row)])) {
        sqlx::query_with(sql, values?).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok((id, hash))
}

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
