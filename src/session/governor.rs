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

    /// A request has ended at `at`, answered or not: the one that took the slot, or one of another process with this key.
    /// The moment is the caller's, who tells it to the core as well.
    pub(super) fn ended(&mut self, was_create: bool, at: Time) {
        self.last_end = Some(at);
        if was_create {
            self.last_create_end = Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_create_is_allowed_exactly_when_the_core_counts_that_it_is() {
        let end = Time::from_ms(1_000_000);
        // Some milliseconds have passed since the moment that the core was told.
        let clock = Clock::logical(end + Span::from_ms(7), None);
        let mut governor = Governor::new(clock.clone());
        governor.ended(true, end);
        clock.sleep_until(end + CREATE_SPACING).await;
        assert_eq!(governor.take(true).at(), end + CREATE_SPACING);
    }

    #[test]
    #[should_panic(expected = "I10: a create too early")]
    fn a_create_is_refused_a_millisecond_earlier() {
        let end = Time::from_ms(1_000_000);
        let mut governor = Governor::new(Clock::logical(end + CREATE_SPACING - Span::from_ms(1), None));
        governor.ended(true, end);
        governor.take(true);
    }
}
