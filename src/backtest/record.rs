//! A backtest with its whole history: the driver of a live run, on a tape and a clock that only moves when told to.
//!
//! Every read is made and recorded, none is jumped over; so the journal can be replayed and verified like any other.
//! Stretches of holding are recorded as they truly were on the tape, not as the bot came to see them.

use std::sync::{Arc, Mutex, PoisonError};

use clorebid_core::ask::{Answer, Ask, Request, TargetId};
use clorebid_core::change::Change;
use clorebid_core::engine::Engine;
use clorebid_core::market::ServerId;
use clorebid_core::strategy::Choice;
use clorebid_core::time::Time;
use tokio::sync::watch;

use super::ledger::Ledger;
use super::venue::TapeVenue;
use super::{Counts, Ran, Recorded, Rivals, VenueRules, render, total};
use crate::clock::Clock;
use crate::clore::{Call, Kind, OrderForm, RawForm};
use crate::driver::{Driver, Watcher, memory_json};
use crate::governor::{Governor, Slot};
use crate::journal::{Journal, JournalError, Journaled, Mode, RunStart};
use crate::strategy::StrategyFile;
use crate::venue::{Reply, Venue};

/// Runs a strategy over a tape, every step of it on record, and ends the journal's run. `along` is told of each step's
/// moment.
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
    along: &mut dyn FnMut(Time),
) -> Result<(Ran, Journal, i64), JournalError> {
    let strategy = &file.strategy;
    let (from, to) = recorded.span();
    let mut ledger = Ledger::new(strategy, recorded.series());
    ledger.set_fixed_worth();
    ledger.keep_moves();
    let venue = TapeVenue::new(recorded, rules.clone(), strategy.currency, rivals, ledger);
    let venue = Arc::new(Mutex::new(venue));
    let engine = Engine::new(strategy.clone(), false);
    let clock = Clock::logical(from, None);
    let memory = memory_json(&engine, from);
    let name = format!("{tape} (rivals {})", rivals.name());
    let start = RunStart {
        at: from,
        mode: Mode::Backtest,
        strategy: &strategy.name,
        strategy_toml: &file.text,
        venue: &name,
        seed: None,
        currency: strategy.currency,
        memory: &memory,
    };
    let run_id = journal.begin_run(start).await?;
    let (_never_told, stop) = watch::channel(false);
    let mut driver = Driver {
        engine,
        journal,
        clock: clock.clone(),
        governor: Governor::new(clock.clone(), None),
        venue: OnTape { venue: Arc::clone(&venue), clock, strategy: strategy.clone(), name },
        forms: vec![form(); strategy.targets.len()],
        watcher: Counter { counts: Counts::default(), along },
        cancel_on_exit: false,
        stop,
    };
    driver.run(Some(to)).await?;
    let counts = driver.watcher.counts;
    let Driver { journal, .. } = driver;
    let ledger = venue.lock().unwrap_or_else(PoisonError::into_inner).ledger.clone();
    Ok((total(rules, (from, to), counts, ledger), journal, run_id))
}

/// Nothing is run on a tape's servers.
fn form() -> OrderForm {
    let raw = RawForm { image: "none".to_owned(), ..RawForm::default() };
    OrderForm::new(raw).unwrap_or_else(|_| unreachable!("an image is all that a form needs"))
}

/// Counts what was done.
struct Counter<'a> {
    counts: Counts,
    along: &'a mut dyn FnMut(Time),
}

impl Watcher for Counter<'_> {
    fn step(&mut self, now: Time, ask: &Ask, answer: &Answer, _: &[Change], _: &Engine) {
        self.counts.note(ask, answer);
        (self.along)(now);
    }
}

/// A tape as a venue that writes its answers out.
struct OnTape {
    venue: Arc<Mutex<TapeVenue>>,
    clock: Clock,
    strategy: clorebid_core::strategy::Strategy,
    name: String,
}

impl OnTape {
    /// The target that a create is for: the first that names the server, else the first that takes what is listed.
    fn target(&self, server: ServerId) -> TargetId {
        let names = |c: &Choice| matches!(c, Choice::Servers(ids) if ids.contains(&server));
        let named = self.strategy.targets.iter().position(|t| names(&t.choice));
        let any = || self.strategy.targets.iter().position(|t| matches!(t.choice, Choice::Match(_)));
        let index = named.or_else(any).unwrap_or(0);
        TargetId(u32::try_from(index).unwrap_or(0))
    }

    fn request(&self, call: &Call) -> Option<Request> {
        match call {
            Call::SpotMarketplace { market } => Some(Request::SpotMarket { server: *market }),
            Call::Marketplace => Some(Request::Marketplace),
            Call::MyOrders { .. } => Some(Request::MyOrders),
            Call::Wallets => Some(Request::Wallets),
            Call::SetSpotPrice { order, price } => {
                let venue = self.venue.lock().unwrap_or_else(PoisonError::into_inner);
                let (server, from) = venue.standing(*order)?;
                Some(Request::Reprice { server, order: *order, from, to: *price })
            }
            Call::CancelOrder { id, .. } => {
                let venue = self.venue.lock().unwrap_or_else(PoisonError::into_inner);
                Some(Request::Cancel { server: venue.standing(*id)?.0, order: *id })
            }
            Call::CreateOrder(create) => match create.kind {
                Kind::Spot { bid } => {
                    let server = create.renting_server;
                    Some(Request::Create { server, target: self.target(server), bid })
                }
                Kind::OnDemand { .. } => None,
            },
            _ => None,
        }
    }
}

impl Venue for OnTape {
    async fn send(&mut self, call: Journaled<Call>, _used_up: Slot) -> Reply {
        let call = call.into_inner();
        let Some(request) = self.request(&call) else {
            return Reply::Http { status: 200, body: r#"{"code":6,"error":"order_dont_exist"}"#.into() };
        };
        let mut venue = self.venue.lock().unwrap_or_else(PoisonError::into_inner);
        render::reply(venue.answer(self.clock.now(), &request))
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn truth(&mut self, now: Time, over: bool) -> Option<Vec<(Time, Change)>> {
        let mut venue = self.venue.lock().unwrap_or_else(PoisonError::into_inner);
        if over {
            venue.finish(now);
        } else {
            venue.advance(now);
        }
        Some(venue.ledger.take_moves())
    }
}
