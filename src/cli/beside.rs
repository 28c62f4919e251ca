//! What goes on beside a run's loop: the screen, and the receivers of notifications.

use std::time::Duration;

use clorebid_core::engine::Engine;
use clorebid_core::event::Event;
use clorebid_core::request::{Answer, Ask};
use clorebid_core::time::Time;
use secrecy::SecretString;
use tracing::warn;

use super::args::{Global, RunArgs};
use super::screen::Screen;
use super::{Failure, Kind, logging, notify};
use crate::clock::Jump;
use crate::journal::Mode;
use crate::notify::{About, News, Patience, Receiver, Telling};
use crate::run::Watcher;
use crate::strategy::{Occasion, StrategyFile};

/// Everything beside the loop. It watches the run.
pub(super) struct Beside {
    screen: Screen,
    about: About,
    /// Until they are told.
    receivers: Vec<Receiver>,
    telling: Option<Telling>,
}

impl Beside {
    /// Makes ready what must not fail once the run is on: the receivers' secrets.
    pub(super) fn prepare(global: &Global, args: &RunArgs, file: &StrategyFile) -> Result<Beside, Failure> {
        let mode = if args.live { Mode::Live } else { Mode::Paper };
        let strategy = file.strategy.name.clone();
        let about = About { strategy, mode: mode.code(), only_observes: args.observe_only };
        let receivers = notify::receivers(global, &file.receivers, args.notify.as_deref())?;
        Ok(Beside { screen: Screen::new(global), about, receivers, telling: None })
    }

    /// Starts the log, which hides these secrets and the receivers', and the notifications.
    pub(super) fn begin(&mut self, global: &Global, mut secrets: Vec<SecretString>) -> Result<(), Failure> {
        secrets.extend(self.receivers.iter().flat_map(Receiver::secrets));
        logging::start(global, secrets, self.screen.bar());
        for receiver in self.receivers.iter().filter(|receiver| receiver.is_in_the_clear()) {
            let name = receiver.name();
            warn!(receiver = name, "what receiver {name} is told, and its token, goes over the network unencrypted");
        }
        let receivers = std::mem::take(&mut self.receivers);
        self.telling = Some(Telling::start(receivers, self.about.clone(), Patience::default())?);
        Ok(())
    }

    /// Tells how the run ended, in words or by its failure.
    pub(super) async fn finish(self, ended: &Result<String, Failure>) {
        let Some(telling) = self.telling else { return };
        let at = telling.last_moment();
        let last = match ended {
            Ok(words) => News::of_the_run(Occasion::Ended, at, words.clone()),
            // Whoever started it with a mistake is still there to read of it.
            Err(failure) if failure.kind() == Kind::Usage => return,
            Err(failure) => News::of_the_run(Occasion::Failed, at, format!("the run failed: {}", failure.message())),
        };
        telling.finish(last).await;
    }
}

impl Watcher for Beside {
    fn step(&mut self, now: Time, ask: &Ask, answer: &Answer, events: &[Event], engine: &Engine) {
        self.screen.step(now, ask, answer, events, engine);
        if let Some(telling) = &mut self.telling {
            telling.step(now, ask, answer, events, engine);
        }
    }

    fn jumped(&mut self, now: Time, jump: Jump) {
        self.screen.jumped(now, jump);
    }

    fn journal(&mut self, locked_for: Option<Duration>) {
        self.screen.journal(locked_for);
        if let Some(telling) = &mut self.telling {
            telling.journal(locked_for);
        }
    }
}
