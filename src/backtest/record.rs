//! A backtest with its whole history: the same steps as without, each of them on record as a live run's would be, so that
//! the journal can be replayed and verified like any other.
//!
//! Stretches of holding are recorded as they truly were on the tape, not as the bot came to see them.

use clorebid_core::engine::Engine;
use clorebid_core::event::Event;
use clorebid_core::money::{Currency, Price};
use clorebid_core::request::{Answer, Ask};
use clorebid_core::strategy::Strategy;
use clorebid_core::time::Time;

use super::steps::{Keep, drive};
use super::terms::total;
use super::venue::TapeVenue;
use super::{Look, Ran, Recorded, Rivals, VenueRules, render};
use crate::api::{self, Enclosure};
use crate::clore::{OrderForm, RawForm};
use crate::journal::{Journal, JournalError, Mode, RunStart};
use crate::run::driver::is_worth_remembering;
use crate::run::memory_json;
use crate::session::{Asked, received, sent};
use crate::strategy::StrategyFile;

/// Runs a strategy over a tape, every step of it on record, and ends the journal's run. `look` sees each step.
///
/// # Errors
/// When the journal cannot be written.
pub async fn run_recorded(
    file: &StrategyFile,
    recorded: &Recorded,
    rules: &VenueRules,
    rivals: Rivals,
    tape: &str,
    mut journal: Journal,
    look: Look<'_>,
) -> Result<(Ran, Journal, i64), JournalError> {
    let strategy = &file.strategy;
    let (from, to) = recorded.span();
    let engine = Engine::new(strategy.clone(), false);
    let start = RunStart {
        at: from,
        mode: Mode::Backtest,
        strategy: &strategy.name,
        strategy_toml: &file.text,
        venue: &format!("{tape} (rivals {})", rivals.name()),
        seed: None,
        currency: strategy.currency,
        memory: &memory_json(&engine, from),
    };
    let run_id = journal.begin_run(start).await?;
    let mut keeper = InJournal::new(journal, strategy, from);
    let mut venue = TapeVenue::for_run(strategy, recorded, rules, rivals);
    venue.ledger.keep_moves();
    let (counts, engine) = drive(engine, &mut venue, (from, to), true, &mut keeper, look).await?;
    venue.finish(to);
    let journal = keeper.end(to, &engine, &mut venue).await?;
    Ok((total(rules, (from, to), counts, venue.ledger), journal, run_id))
}

/// Keeps every step in a journal.
struct InJournal {
    journal: Journal,
    enclosed: Enclosure,
    shown_in: (Currency, Price),
    seq: u64,
    remembered_at: Time,
}

impl InJournal {
    fn new(journal: Journal, strategy: &Strategy, from: Time) -> InJournal {
        let enclosed = Enclosure::new(strategy.currency, vec![form(); strategy.targets.len()]);
        let shown_in = (strategy.currency, strategy.venue.tick);
        InJournal { journal, enclosed, shown_in, seq: 0, remembered_at: from }
    }

    /// Notes what truly happened to our holdings on the tape.
    fn note_moves(&mut self, engine: &Engine, venue: &mut TapeVenue) {
        for (at, event) in venue.ledger.take_moves() {
            self.journal.note(self.seq, at, |id| engine.target_name(id), &event);
        }
    }

    fn remember(&mut self, now: Time, engine: &Engine) {
        self.remembered_at = now;
        self.journal.remember(self.seq, now, &memory_json(engine, now));
    }

    async fn end(mut self, now: Time, engine: &Engine, venue: &mut TapeVenue) -> Result<Journal, JournalError> {
        self.note_moves(engine, venue);
        self.remember(now, engine);
        self.journal.end_run(now, "time").await?;
        Ok(self.journal)
    }
}

impl Keep for InJournal {
    const EVERY_STEP: bool = true;

    async fn asks(&mut self, now: Time, ask: &Ask, engine: &Engine, venue: &mut TapeVenue) -> Result<(), JournalError> {
        self.seq = ask.seq;
        venue.advance(now);
        self.note_moves(engine, venue);
        let asked = Asked {
            seq: ask.seq,
            at: now,
            request: ask.request,
            target: ask.target.map(|id| engine.target_name(id)),
            reason: ask.reason.to_string(),
            cancelled_bid: None,
            memory: ask.request.is_command().then(|| memory_json(engine, now)),
        };
        let args = api::describe(&ask.request, &self.enclosed);
        self.journal.intend((), sent(asked, args)).await.map(drop)
    }

    async fn answers(&mut self, now: Time, ask: &Ask, answer: &Answer) -> Result<(), JournalError> {
        let reply = render::reply(answer);
        let received = received(ask.seq, now, &ask.request, reply, answer, self.shown_in);
        self.journal.record(received).await
    }

    async fn follows(
        &mut self,
        now: Time,
        ask: &Ask,
        events: &[Event],
        engine: &Engine,
        venue: &mut TapeVenue,
    ) -> Result<(), JournalError> {
        let by_the_core =
            |e: &&Event| !matches!(e, Event::HoldingFrom { .. } | Event::HoldingTo { .. } | Event::VenueSpent { .. });
        for event in events.iter().filter(by_the_core) {
            self.journal.note(ask.seq, now, |id| engine.target_name(id), event);
        }
        self.note_moves(engine, venue);
        if is_worth_remembering(&ask.request, events, now.since(self.remembered_at)) {
            self.remember(now, engine);
        }
        self.journal.flush_if_due().await
    }
}

/// Nothing is run on a tape's servers.
fn form() -> OrderForm {
    let raw = RawForm { image: "none".to_owned(), ..RawForm::default() };
    OrderForm::new(raw).unwrap_or_else(|_| unreachable!("an image is all that a form needs"))
}
