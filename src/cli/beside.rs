//! What goes on beside a run's loop: the screen, the receivers of notifications, and the pages for other programs.

use std::time::Duration;

use clorebid_core::engine::Engine;
use clorebid_core::event::Event;
use clorebid_core::request::{Answer, Ask};
use clorebid_core::time::Time;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tracing::{info, warn};

use super::args::{Global, RunArgs};
use super::screen::Screen;
use super::{Failure, Kind, logging, notify};
use crate::clock::{Clock, Jump};
use crate::journal::Mode;
use crate::metrics::{self, Meter};
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
    /// Until the run has a number.
    listener: Option<TcpListener>,
    meter: Option<Meter>,
}

impl Beside {
    /// Makes ready what must not fail once the run is on: the receivers' secrets and the address to listen on.
    pub(super) async fn prepare(global: &Global, args: &RunArgs, file: &StrategyFile) -> Result<Beside, Failure> {
        let mode = if args.live { Mode::Live } else { Mode::Paper };
        let strategy = file.strategy.name.clone();
        let about = About { strategy, mode: mode.code(), only_observes: args.observe_only };
        let receivers = notify::receivers(global, &file.receivers, args.notify.as_deref())?;
        let listener = match args.listen {
            Some(address) => Some(TcpListener::bind(address).await.map_err(|e| {
                Failure::usage(format!("cannot listen on {address} ({e}); name another address or port with --listen"))
            })?),
            None => None,
        };
        let meter = listener.as_ref().map(|_| Meter::default());
        Ok(Beside { screen: Screen::new(global), about, receivers, telling: None, listener, meter })
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

    /// Serves the pages of the run, if an address was named.
    pub(super) fn serve(&mut self, run_id: i64, clock: &Clock) {
        let (Some(listener), Some(meter)) = (self.listener.take(), &self.meter) else { return };
        if let Ok(address) = listener.local_addr() {
            info!("http://{address}/metrics and http://{address}/healthz show this run");
        }
        let notifications = self.telling.as_ref().map(Telling::counts).unwrap_or_default();
        let (strategy, mode, clock) = (self.about.strategy.clone(), self.about.mode, clock.clone());
        meter.serve(listener, metrics::RunFacts { run_id, strategy, mode, clock, notifications });
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
        if let Some(meter) = &mut self.meter {
            meter.step(now, ask, answer, events, engine);
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
