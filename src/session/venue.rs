//! Whatever answers requests: the venue's HTTP API, or the simulated venue inside this process.

use std::future::Future;

use super::governor::Slot;
use crate::journal::Journaled;
use crate::wire::{HttpRequest, Reply};

/// Something that answers requests. A request must be journaled and have its slot: both are used up.
pub trait Venue {
    /// Sends one request and waits for its end.
    fn send(&mut self, request: Journaled<HttpRequest>, slot: Slot) -> impl Future<Output = Reply>;

    /// Where requests go, for the journal: an address, or the name of a scenario.
    fn name(&self) -> String;
}
