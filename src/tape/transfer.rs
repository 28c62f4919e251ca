//! From a journal to a tape and back. A run's answers become a tape without loss; a tape becomes a run of its own, whose
//! tape is the same again, byte for byte.

use bytes::Bytes;
use clorebid_core::money::Currency;
use clorebid_core::request::Request;
use clorebid_core::time::Time;

use super::error::TapeError;
use super::reader::Reader;
use super::record::Record;
use super::writer::Writer;
use crate::api;
use crate::history::{Exchange, History, HistoryError};
use crate::journal::{Journal, JournalError, Mode, RunStart};
use crate::session::{Asked, received, sent};

/// The strategy's name in a run that came from a tape.
pub const IMPORT_NAME: &str = "tape-import";
/// Requests are read from the journal so many at a time.
const PAGE: u32 = 1000;

/// Why a transfer failed.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The tape.
    #[error(transparent)]
    Tape(#[from] TapeError),
    /// The journal, in writing.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal, in reading.
    #[error(transparent)]
    History(#[from] HistoryError),
}

/// Writes every answer of a run that a tape holds: HTTP answers to spot_marketplace, marketplace, my_orders and wallets,
/// in order. Returns how many.
///
/// # Errors
/// When the journal cannot be read or the tape cannot be written.
pub async fn export(history: &mut History, run_id: i64, tape: &mut Writer) -> Result<u64, TransferError> {
    let before = tape.count();
    let mut after = 0;
    loop {
        let page = history.exchanges(run_id, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(tape.count() - before) };
        after = last.seq;
        for exchange in &page {
            if let Some((at, read, status, body)) = answer_of(exchange) {
                tape.write(at, &read, status, body)?;
            }
        }
    }
}

fn answer_of(exchange: &Exchange) -> Option<(Time, Request, u16, &Bytes)> {
    // A command is no fault here: tapes do not hold them.
    let read = api::read_back(&exchange.call, &exchange.args).ok()?;
    Some((exchange.answered_at?, read, exchange.status?, exchange.body.as_ref()?))
}

/// Writes the records of a tape into the journal, as a run of mode `backtest` named [`IMPORT_NAME`] with `venue` as its
/// venue, every request and answer at the record's own time. `observations` is in `currency`. Returns the run's number
/// and how many records it holds.
///
/// The journal only grows, so a tape that may be bad is best read through once before.
///
/// # Errors
/// When the tape is bad or the journal cannot be written.
pub async fn import(
    journal: &mut Journal,
    mut reader: Reader,
    venue: &str,
    currency: Currency,
) -> Result<(i64, u64), TransferError> {
    let mut run_id = None;
    let (mut seq, mut last_at) = (0, Time::default());
    while let Some(record) = reader.next()? {
        let id = match run_id {
            Some(id) => id,
            None => journal.begin_run(start(&record, venue, currency)).await?,
        };
        run_id = Some(id);
        seq += 1;
        last_at = record.at;
        let (at, request, reply) = (record.at, record.request, record.reply());
        journal.intend((), sent(Asked::plain(seq, at, request, "on the tape"), api::read_args(&request))).await?;
        let answer = api::decode(&request, &reply);
        journal.record(received(seq, at, &request, reply, &answer, (currency, currency.tick()))).await?;
        journal.flush_if_due().await?;
    }
    let Some(run_id) = run_id else { return Err(TapeError::NoTape.into()) };
    journal.end_run(last_at, "tape_end").await?;
    Ok((run_id, seq))
}

fn start<'a>(first: &Record<'_>, venue: &'a str, currency: Currency) -> RunStart<'a> {
    RunStart {
        at: first.at,
        mode: Mode::Backtest,
        strategy: IMPORT_NAME,
        strategy_toml: "",
        venue,
        seed: None,
        currency,
        memory: "",
    }
}
