//! Randomness: integers only, from one seed, each user with a stream of its own.
//!
//! A stream is named by what it is for and for whom. Since nobody shares one, a request more or less never changes what
//! anybody else draws.

use clorebid_core::time::Span;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::text::SpanRange;

/// What a stream is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// Floors of one server.
    FloorWalk = 1,
    /// The crowd of one server.
    Crowd = 2,
    /// Delays of one order.
    Order = 3,
    /// Latency of one request.
    Latency = 4,
    /// One fault.
    Fault = 5,
}

/// One stream of draws.
#[derive(Debug, Clone)]
pub(super) struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of that seed for that purpose and that `who`.
    pub(super) fn new(seed: u64, purpose: Purpose, who: u64) -> Stream {
        let mut bytes = [0_u8; 32];
        let parts = seed.to_le_bytes().into_iter().chain((purpose as u64).to_le_bytes()).chain(who.to_le_bytes());
        for (byte, part) in bytes.iter_mut().zip(parts) {
            *byte = part;
        }
        Stream(ChaCha8Rng::from_seed(bytes))
    }

    /// A whole number from 0 to `most`, each with the same chance.
    pub(super) fn up_to(&mut self, most: u64) -> u64 {
        let Some(count) = most.checked_add(1) else {
            return self.0.next_u64();
        };
        // The few highest draws would favour the low numbers: draw again.
        let fair = u64::MAX - u64::MAX % count;
        loop {
            let draw = self.0.next_u64();
            if draw < fair {
                return draw % count;
            }
        }
    }

    /// True in `percent` of a hundred cases.
    pub(super) fn percent(&mut self, percent: u8) -> bool {
        self.up_to(99) < u64::from(percent)
    }

    /// A length of time within the range.
    pub(super) fn span(&mut self, range: SpanRange) -> Span {
        let width = u64::try_from((range.most - range.least).ms()).unwrap_or(0);
        range.least + Span::from_ms(i64::try_from(self.up_to(width)).unwrap_or(0))
    }
}
