//! The simulated venue within this process, in the place of the HTTP client.

use std::sync::{Arc, Mutex, PoisonError};

use clorebid_core::request::Doubt;
use clorebid_core::time::Span;

use super::exchange::Exchange;
use super::reply::Wire;
use crate::clock::Clock;
use crate::journal::Journaled;
use crate::session::{Slot, Venue};
use crate::wire::{HttpRequest, Reply};

/// How long a client waits for an answer that never comes.
const PATIENCE: Span = Span::from_secs(30);

/// A client of an [`Exchange`] in the same process.
#[derive(Debug, Clone)]
pub struct SimVenue {
    exchange: Arc<Mutex<Exchange>>,
    clock: Clock,
    key: String,
}

impl SimVenue {
    /// Speaks to `exchange` with that key. `clock` tells when requests arrive, and waits for answers.
    pub fn new(exchange: Arc<Mutex<Exchange>>, clock: Clock, key: impl Into<String>) -> SimVenue {
        SimVenue { exchange, clock, key: key.into() }
    }

    /// Sends one request as it crosses the wire, and waits for its end.
    pub async fn answer_http(&self, request: &HttpRequest) -> Reply {
        let sent = self.clock.now();
        let handled = {
            let mut exchange = self.exchange.lock().unwrap_or_else(PoisonError::into_inner);
            exchange.handle(sent, Some(&self.key), request)
        };
        if handled.wire == Wire::Never {
            self.clock.sleep_until(sent + PATIENCE).await;
            return Reply::None(Doubt::TimedOut);
        }
        if handled.latency > Span::ZERO {
            self.clock.sleep_until(sent + handled.latency).await;
        }
        match handled.wire {
            Wire::Lost | Wire::Never => Reply::None(Doubt::Broken),
            // What a client sees that does not compare the length: half an answer.
            Wire::Whole | Wire::CutOff { .. } => Reply::Http { status: handled.status, body: handled.body },
        }
    }
}

impl Venue for SimVenue {
    async fn send(&mut self, request: Journaled<HttpRequest>, _used_up: Slot) -> Reply {
        self.answer_http(&request.into_inner()).await
    }

    fn name(&self) -> String {
        let exchange = self.exchange.lock().unwrap_or_else(PoisonError::into_inner);
        format!("scenario {}", exchange.name())
    }
}
