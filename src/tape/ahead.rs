//! A tape read on a thread of its own, a few batches of records ahead of who takes them: unpacking and finding the lines
//! goes on while the answers in them are being understood.

use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::mpsc::{channel, sync_channel};
use std::thread;

use clorebid_core::request::Request;
use clorebid_core::time::Time;

use super::error::TapeError;
use super::reader::Reader;
use super::record::Record;

/// A batch is full when its bodies have so many bytes.
const BATCH_BYTES: usize = 64 * 1024;
/// Batches that are read and not yet taken. So the reader's memory has a limit, whatever the tape's length.
const AHEAD: usize = 2;

/// Records, with their bodies in one place.
#[derive(Default)]
struct Batch {
    bodies: String,
    records: Vec<(Time, Request, u16, Range<usize>)>,
}

impl Batch {
    fn push(&mut self, record: &Record<'_>) {
        let from = self.bodies.len();
        self.bodies.push_str(record.body);
        self.records.push((record.at, record.request, record.status, from..self.bodies.len()));
    }

    fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let body = |range: &Range<usize>| self.bodies.get(range.clone()).unwrap_or_default();
        self.records.iter().map(move |(at, request, status, range)| Record {
            at: *at,
            request: *request,
            status: *status,
            body: body(range),
        })
    }
}

/// Hands every record to `take`, in the tape's order, and the reader back when the tape is over.
///
/// # Errors
/// When the tape is bad; some of the records before that place may not have been taken.
pub(super) fn each(reader: Reader, mut take: impl FnMut(&Record<'_>)) -> Result<Reader, TapeError> {
    let (full, batches) = sync_channel::<Batch>(AHEAD);
    let (used, empty) = channel::<Batch>();
    thread::scope(|scope| {
        let reading = scope.spawn(move || {
            let mut reader = reader;
            loop {
                let mut batch = empty.try_recv().unwrap_or_default();
                batch.bodies.clear();
                batch.records.clear();
                let mut over = false;
                while batch.bodies.len() < BATCH_BYTES && !over {
                    match reader.next()? {
                        Some(record) => batch.push(&record),
                        None => over = true,
                    }
                }
                // Nobody is there any more only when the taker panicked.
                if full.send(batch).is_err() || over {
                    return Ok(reader);
                }
            }
        });
        for batch in batches {
            batch.records().for_each(|record| take(&record));
            // The last batches come back to nobody.
            let _ = used.send(batch);
        }
        reading.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}
