//! From a journal to a tape and back. A run's answers become a tape without loss; a tape becomes a run of its own, whose
//! tape is the same again, byte for byte.

use bytes::Bytes;
use clorebid_core::market::{Market, Visibility};
use clorebid_core::money::{Currency, Price};
use clorebid_core::request::{Answer, Outcome};
use clorebid_core::time::Time;

use super::error::TapeError;
use super::reader::Reader;
use super::record::{Record, TapeCall};
use super::writer::Writer;
use crate::clore;
use crate::history::{Exchange, History, HistoryError};
use crate::journal::{Journal, JournalError, Mode, Received, RunStart, Sent, Sighting};
use crate::venue::Reply;

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
            if let Some((at, call, status, body)) = answer_of(exchange) {
                tape.write(at, call, status, body)?;
            }
        }
    }
}

fn answer_of(exchange: &Exchange) -> Option<(Time, TapeCall, u16, &Bytes)> {
    // A call that tapes do not hold is no fault here.
    let call = TapeCall::parse(&exchange.call, &exchange.args).ok()?;
    Some((exchange.answered_at?, call, exchange.status?, exchange.body.as_ref()?))
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
        let call = record.call.call();
        let sent = Sent {
            seq,
            at: record.at,
            call: call.name(),
            args: call.args(),
            request: serde_json::to_string(&record.call.request()).unwrap_or_default(),
            target: None,
            reason: "on the tape".to_owned(),
            bid: None,
            memory: None,
        };
        journal.intend((), sent).await?;
        let reply = record.reply();
        let answer = clore::answer(&record.call.call(), &reply);
        journal.record(received(seq, record.at, reply, &answer, (currency, currency.tick()))).await?;
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

/// An answer as it goes on record, of no order in particular; a market is seen in `currency`, in which prices move by
/// `tick`.
pub(crate) fn received(
    seq: u64,
    at: Time,
    reply: Reply,
    answer: &Answer,
    (currency, tick): (Currency, Price),
) -> Received {
    let verdict = clore::verdict(&reply);
    let error = match answer {
        Answer::Refused(refusal) => Some(refusal.name().to_owned()),
        Answer::Unknown(doubt) => Some(doubt.code().to_owned()),
        _ => verdict.error,
    };
    let outcome: Outcome = answer.outcome();
    let sighting = match answer {
        Answer::Market(market) => Some(sighting(market, currency, tick)),
        _ => None,
    };
    let (status, body) = match reply {
        Reply::Http { status, body } => (Some(status), body),
        Reply::None(_) => (None, Bytes::new()),
    };
    Received { seq, at, status, body, code: verdict.code, error, outcome, offer_id: None, sighting }
}

fn sighting(market: &Market, currency: Currency, tick: Price) -> Sighting {
    let mine = market.mine();
    let visibility = if market.visibility == Visibility::Public { "public" } else { "hidden" };
    Sighting {
        server: market.server,
        floor: market.floors.get(currency),
        best_rival: market.best_rival(currency, tick),
        our_bid: mine.map(|o| o.bid),
        holding: mine.is_some_and(|o| o.active),
        online: market.online,
        visibility: visibility.to_owned(),
    }
}
