//! The steps of a backtest, one after the other, and what may see or keep each of them.

use clorebid_core::engine::{Engine, Next};
use clorebid_core::event::Event;
use clorebid_core::governing::SPACING;
use clorebid_core::request::{Answer, Ask};
use clorebid_core::time::{Span, Time};

use super::terms::Counts;
use super::venue::TapeVenue;
use crate::journal::JournalError;

/// Sees every request that goes through the core one by one, and what changed by it.
pub type Look<'a> = &'a mut dyn FnMut(Time, &Ask, &Answer, &[Event]);

/// What a backtest keeps of its steps, in the order in which they happen.
pub(super) trait Keep {
    /// Whether a step that is left out would be missed.
    const EVERY_STEP: bool;

    /// Something is about to be asked.
    async fn asks(&mut self, now: Time, ask: &Ask, engine: &Engine, venue: &mut TapeVenue) -> Result<(), JournalError>;

    /// It was answered.
    async fn answers(&mut self, now: Time, ask: &Ask, answer: &Answer) -> Result<(), JournalError>;

    /// That came of it.
    async fn follows(
        &mut self,
        now: Time,
        ask: &Ask,
        events: &[Event],
        engine: &Engine,
        venue: &mut TapeVenue,
    ) -> Result<(), JournalError>;
}

/// Keeps nothing.
pub(super) struct Nothing;

impl Keep for Nothing {
    const EVERY_STEP: bool = false;

    async fn asks(&mut self, _: Time, _: &Ask, _: &Engine, _: &mut TapeVenue) -> Result<(), JournalError> {
        Ok(())
    }

    async fn answers(&mut self, _: Time, _: &Ask, _: &Answer) -> Result<(), JournalError> {
        Ok(())
    }

    async fn follows(
        &mut self,
        _: Time,
        _: &Ask,
        _: &[Event],
        _: &Engine,
        _: &mut TapeVenue,
    ) -> Result<(), JournalError> {
        Ok(())
    }
}

/// The only loop of a backtest, whether it keeps its history or not: the core's asks, a slot apart, each answered as of
/// its own moment. `every_look`: whether no repeated read is jumped over.
pub(super) async fn drive<K: Keep>(
    mut engine: Engine,
    venue: &mut TapeVenue,
    (from, to): (Time, Time),
    every_look: bool,
    keep: &mut K,
    look: Look<'_>,
) -> Result<(Counts, Engine), JournalError> {
    let mut counts = Counts::default();
    let mut now = from;
    while now < to {
        match engine.next(now) {
            Next::Halt(_) => break,
            Next::Wait(at) => now = at.max(now + Span::from_ms(1)),
            Next::Ask(ask) => {
                keep.asks(now, &ask, &engine, venue).await?;
                let answer = venue.answer(now, &ask.request);
                keep.answers(now, &ask, answer).await?;
                engine.observe(now, &ask, answer);
                counts.note(&ask, answer);
                let events = engine.take_events();
                look(now, &ask, answer, &events);
                keep.follows(now, &ask, &events, &engine, venue).await?;
                now = now + SPACING;
                if !every_look && !K::EVERY_STEP {
                    let forwarded = engine.fast_forward(now, SPACING, to, |read, since| venue.news(read, since));
                    counts.requests += forwarded.reads;
                    now = forwarded.now;
                }
            }
        }
    }
    Ok((counts, engine))
}
