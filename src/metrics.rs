//! What a run shows to programs that watch it: `/healthz` and `/metrics`, on an address of their own.
//!
//! The run's own figures are copied after each request into a place that the server reads: neither waits for the other
//! for longer than a copy takes.

mod figures;
mod page;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use clorebid_core::engine::Engine;
use clorebid_core::event::Event;
use clorebid_core::request::{Answer, Ask};
use clorebid_core::time::Time;
use tokio::net::TcpListener;

use crate::clock::Clock;
use crate::notify::Counts;
use crate::run::Watcher;
use figures::{Figures, RunInfo};

/// Watches a run for the pages.
#[derive(Debug, Default)]
pub struct Meter(Arc<Mutex<Figures>>);

impl Watcher for Meter {
    fn step(&mut self, now: Time, ask: &Ask, answer: &Answer, events: &[Event], engine: &Engine) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).step(now, ask, answer, events, engine);
    }
}

/// What the pages say beside what is measured.
#[derive(Debug)]
pub struct RunFacts {
    /// The run's number in its journal.
    pub run_id: i64,
    /// The strategy's name.
    pub strategy: String,
    /// `live` or `paper`.
    pub mode: &'static str,
    /// The run's clock, by which ages are told.
    pub clock: Clock,
    /// What has reached each receiver of notifications, by its name.
    pub notifications: Vec<(String, Arc<Counts>)>,
}

impl Meter {
    /// Serves the pages until the process ends.
    pub fn serve(&self, listener: TcpListener, facts: RunFacts) {
        let RunFacts { run_id, strategy, mode, clock, notifications } = facts;
        let info = RunInfo { run_id, strategy, mode };
        let shown = page::Shown { figures: Arc::clone(&self.0), info, clock, notifications };
        let pages = page::pages(shown);
        // It ends with the process; what it cannot serve, nobody asked for twice.
        tokio::spawn(async move { axum::serve(listener, pages).await });
    }
}

/// The address that `--listen` names: a port alone is one of this machine, for nobody else.
///
/// # Errors
/// When it is no address.
pub fn read_address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text);
    match port.parse::<u16>() {
        Ok(port) => Ok(SocketAddr::from(([127, 0, 0, 1], port))),
        Err(_) => text.parse().map_err(|_| format!("`{text}` is neither a port nor an address such as 127.0.0.1:9464")),
    }
}

#[cfg(test)]
mod tests {
    use super::read_address;

    #[test]
    fn a_port_alone_is_one_of_this_machine() {
        for (written, address) in [
            ("9464", "127.0.0.1:9464"),
            (":9464", "127.0.0.1:9464"),
            ("0.0.0.0:9464", "0.0.0.0:9464"),
            ("[::1]:9464", "[::1]:9464"),
        ] {
            assert_eq!(read_address(written).map(|a| a.to_string()), Ok(address.to_owned()));
        }
        for wrong in ["", "localhost", "99999", "127.0.0.1", "http://127.0.0.1:1"] {
            assert!(read_address(wrong).is_err(), "{wrong}");
        }
    }
}
