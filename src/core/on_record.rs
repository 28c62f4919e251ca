//! Answers that are on record, taken without having asked for them: whoever looks at a run from outside rebuilds its core
//! from a memory and the answers that came since, and need not decide every request again.
//!
//! It is for looking only: the core that comes of it is never asked for a request.

use crate::engine::Engine;
use crate::event::Reason;
use crate::request::{Answer, Ask, Request};
use crate::time::Time;

impl Engine {
    /// Takes a recorded request and its answer: the same beliefs come of it as in the run that asked.
    pub fn take_recorded(&mut self, request: Request, sent_at: Time, answered_at: Time, answer: &Answer) {
        self.beliefs.charge_creation_fees(sent_at);
        let target = match request {
            Request::Create { server, target, .. } => {
                self.beliefs.servers.add(server, target);
                Some(target)
            }
            _ => None,
        };
        // Why an order was cancelled is on record in words alone. That it has to go is all that shows.
        let ask = Ask { seq: 0, request, target, reason: Reason::Surplus };
        self.note_sent(&ask, sent_at);
        self.take_answer(&request, sent_at, answered_at, answer);
    }
}
