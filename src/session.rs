//! The only way to send anything to a venue: for the run, for commands by hand and for the recorder alike.
//!
//! [`Session::send`] waits for the slot, puts the request on record, sends it, puts the answer on record, and only then
//! tells what it means.
//!
//! 1. I4: a command is committed, with every read that led to it, before a byte leaves: a [`Venue`] takes nothing but a
//!    [`Journaled`](crate::journal::Journaled) request, which the journal alone makes.
//! 2. I5: its answer is committed before anybody learns of it.
//! 3. I10: a venue takes a [`Slot`] with it, which the governor in here alone makes.
//! 4. An answer that does not come, or is cut short by the end of the run, is unknown and never 'failed'.

mod crash;
mod governor;
mod rows;
mod venue;

use std::time::Duration;

use clorebid_core::money::{Currency, Price};
use clorebid_core::request::{Answer, Doubt, Request};
use clorebid_core::time::Time;
use tokio::sync::watch;

use crate::api::{self, Enclosure};
use crate::clock::Clock;
use crate::journal::{Head, Journal, JournalError};
use crate::wire::Reply;

use governor::Governor;
pub use governor::Slot;
pub use rows::{Asked, received, sent};
pub use venue::Venue;

/// How long a request in flight may go on after the program was told to stop.
const GRACE: Duration = Duration::from_secs(4);

/// What came of a request.
#[derive(Debug, Clone)]
pub struct Answered {
    /// When its end was known.
    pub at: Time,
    /// What it means.
    pub answer: Answer,
    /// What came back.
    pub reply: Reply,
}

/// A venue, the journal and the pace of one program.
#[derive(Debug)]
pub struct Session<V> {
    journal: Journal,
    clock: Clock,
    governor: Governor,
    venue: V,
    enclosed: Enclosure,
    /// What the journal shows markets in: a currency, and how finely its prices move.
    shown_in: (Currency, Price),
    stop: watch::Receiver<bool>,
}

impl<V: Venue> Session<V> {
    /// A session whose journal has a run open. `stop` turns true when the program is to end: a request in flight then
    /// has four seconds left.
    pub fn new(
        journal: Journal,
        clock: Clock,
        venue: V,
        enclosed: Enclosure,
        shown_in: (Currency, Price),
        stop: watch::Receiver<bool>,
    ) -> Session<V> {
        let governor = Governor::new(clock.clone());
        Session { journal, clock, governor, venue, enclosed, shown_in, stop }
    }

    /// The same, but resting first: whoever asked with this key just before `at`, another process perhaps, is given its
    /// second.
    #[must_use]
    pub fn rested(mut self, at: Time) -> Session<V> {
        self.governor.ended(false, at);
        self
    }

    /// The same after a run that may have made a create just before `at`. The core must count from the same moment.
    #[must_use]
    pub fn rested_from_creates(mut self, at: Time) -> Session<V> {
        self.governor.ended(true, at);
        self
    }

    /// When the next request may start.
    pub fn free_at(&self) -> Option<Time> {
        self.governor.free_at()
    }

    /// The clock that requests are timed by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The journal, for what is noted beside requests.
    pub fn journal(&mut self) -> &mut Journal {
        &mut self.journal
    }

    /// With what the journal's run ended at its last commit.
    pub fn journal_head(&self) -> Option<&Head> {
        self.journal.head()
    }

    /// The venue's name: an address, or that of a scenario.
    pub fn venue_name(&self) -> String {
        self.venue.name()
    }

    /// Cancellations say from now on what was wrong with the server.
    pub fn enclose(&mut self, enclosed: Enclosure) {
        self.enclosed = enclosed;
    }

    /// The journal back, when nothing more is to be sent.
    pub fn into_journal(self) -> Journal {
        self.journal
    }

    /// Waits until a request may start.
    pub async fn wait(&self) {
        if let Some(free_at) = self.free_at() {
            self.clock.sleep_until(free_at).await;
        }
    }

    /// One request from the record to the record: see the module's header.
    ///
    /// # Errors
    /// When the journal cannot be written: then nothing was sent that is not on record.
    ///
    /// # Panics
    /// When it is too early (I10): a caller that did not wait would get the key throttled.
    pub async fn send(&mut self, asked: Asked<'_>) -> Result<Answered, JournalError> {
        let (seq, request) = (asked.seq, asked.request);
        let endpoint = api::endpoint(&request);
        crash::point("before_intent", endpoint);
        let args = api::describe(&request, &self.enclosed);
        let http = api::encode(&request, &self.enclosed);
        let journaled = match self.journal.intend(http, sent(asked, args)).await {
            Ok(journaled) => journaled,
            Err(JournalError::Busy { .. }) if request.is_command() => return self.not_sent(seq, &request).await,
            Err(error) => return Err(error),
        };
        crash::point("after_intent", endpoint);
        let slot = self.governor.take(request.is_create());
        let reply = tokio::select! {
            reply = self.venue.send(journaled, slot) => reply,
            () = patience(self.stop.clone()) => Reply::None(Doubt::Interrupted),
        };
        crash::point("after_send", endpoint);
        // The one moment from which record, core and governor count their pauses: had each its own, the core could ask for a
        // create a millisecond before the governor allows it.
        let at = self.clock.now();
        self.governor.ended(request.is_create(), at);
        let answer = api::decode(&request, &reply);
        crash::point("after_answer", endpoint);
        self.journal.record(received(seq, at, &request, reply.clone(), &answer, self.shown_in)).await?;
        crash::point("before_core", endpoint);
        Ok(Answered { at, answer, reply })
    }
}

impl<V: Venue> Session<V> {
    /// A command that the journal could not take, since another program keeps it locked: nothing is sent, and both it
    /// and that go on record once the journal is free. It takes its turn all the same.
    async fn not_sent(&mut self, seq: u64, request: &Request) -> Result<Answered, JournalError> {
        let at = self.clock.now();
        self.governor.ended(request.is_create(), at);
        let (reply, answer) = (Reply::None(Doubt::NotRecorded), Answer::Unknown(Doubt::NotRecorded));
        self.journal.record_unsent(received(seq, at, request, reply.clone(), &answer, self.shown_in)).await?;
        Ok(Answered { at, answer, reply })
    }
}

/// Ends when a request in flight has had its time after the program was told to stop; never if it is not told, or was
/// before the request began: those that cancel at the end have the client's own time.
async fn patience(mut stop: watch::Receiver<bool>) {
    if *stop.borrow() {
        std::future::pending::<()>().await;
    }
    if stop.wait_for(|stopped| *stopped).await.is_err() {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(GRACE).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_request_in_flight_is_cut_short_by_a_stop() {
        let (stop, stopped) = watch::channel(false);
        let in_flight = tokio::spawn(tokio::time::timeout(GRACE * 2, patience(stopped.clone())));
        tokio::task::yield_now().await;
        let told_at = tokio::time::Instant::now();
        stop.send(true).expect("a receiver");
        assert!(in_flight.await.expect("no panic").is_ok(), "it has its four seconds, and no more");
        assert!(told_at.elapsed() >= GRACE, "and no less");
        let begun_later = tokio::time::timeout(GRACE * 2, patience(stopped)).await;
        assert!(begun_later.is_err(), "what cancels at the end is not cut short");
    }
}
