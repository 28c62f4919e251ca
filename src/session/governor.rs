//! The venue's rate, held in one place: whoever wants to send needs a [`Slot`], and only the governor makes them.
//!
//! I10: at least 1.05 s between the end of one request and the start of the next, 5.25 s between creates.
//! Source: one request a second per key, one create_order in five seconds (the API page); the rest is margin.

use clorebid_core::governing::{CREATE_SPACING, SPACING};
use clorebid_core::time::{Span, Time};

use crate::clock::Clock;

/// The right to send one request, now.
#[derive(Debug)]
pub struct Slot {
    at: Time,
}

impl Slot {
    /// When it was given.
    pub fn at(&self) -> Time {
        self.at
    }
}

/// Hands out slots, one at a time.
#[derive(Debug)]
pub(super) struct Governor {
    clock: Clock,
    last_end: Option<Time>,
    last_create_end: Option<Time>,
}

impl Governor {
    /// A governor that may send at once.
    pub(super) fn new(clock: Clock) -> Governor {
        Governor { clock, last_end: None, last_create_end: None }
    }

    /// Lets the second of whoever asked with this key just before pass first.
    pub(super) fn rest(&mut self) {
        self.last_end = Some(self.clock.now());
    }

    /// The same where that may have been a create.
    pub(super) fn rest_from_creates(&mut self) {
        self.rest();
        self.last_create_end = self.last_end;
    }

    /// When the next request may start.
    pub(super) fn free_at(&self) -> Option<Time> {
        self.last_end.map(|t| t + SPACING)
    }

    /// Takes the slot that a caller has waited for.
    ///
    /// # Panics
    /// When it is too early (I10): a caller that did not wait would get the key throttled.
    pub(super) fn take(&mut self, is_create: bool) -> Slot {
        let at = self.clock.now();
        let early = |end: Option<Time>, spacing: Span| end.is_some_and(|e| at < e + spacing);
        assert!(!early(self.last_end, SPACING), "I10: a request too early");
        assert!(!is_create || !early(self.last_create_end, CREATE_SPACING), "I10: a create too early");
        Slot { at }
    }

    /// The request that took the slot has ended, answered or not.
    pub(super) fn ended(&mut self, slot_was_create: bool) {
        let now = self.clock.now();
        self.last_end = Some(now);
        if slot_was_create {
            self.last_create_end = Some(now);
        }
    }
}
