//! `exchange`: the simulated venue over HTTP. Each request is printed on stdout as a line of JSON.

use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tracing::info;

use super::args::{ExchangeArgs, Global};
use super::output::report;
use super::{Failure, logging, shutdown};
use crate::clock::{Clock, rfc3339};
use crate::sim::{Exchange, LogEntry, Scenario, Shared, serve as serve_http};

pub(super) async fn serve(global: &Global, args: ExchangeArgs) -> Result<(), Failure> {
    logging::start(global, Vec::new(), None);
    let mut stop = shutdown::on_signal()?;
    let mut exchange = Exchange::new(scenario(args.scenario.as_deref())?, args.seed);
    let clock = Clock::system(args.time_scale);
    exchange.start_at(clock.now());
    exchange.set_key(&args.api_key);
    let listener = TcpListener::bind(args.listen)
        .await
        .map_err(|e| Failure::other(format!("cannot listen on {}: {e}", args.listen)))?;
    let address = listener.local_addr().map_err(|e| Failure::other(e.to_string()))?;
    info!("{} on http://{address}/v1, seed {}", exchange.name(), exchange.seed());
    let shared = Shared { exchange: Arc::new(Mutex::new(exchange)), clock };
    let told = Mutex::new(Told { exchange: Arc::clone(&shared.exchange), holders: 0, evictions: 0 });
    let print = move |entry: LogEntry| {
        if let Ok(mut told) = told.lock() {
            told.tell_news();
        }
        if let Ok(line) = serde_json::to_string(&entry) {
            report(line);
        }
    };
    let stopped = async move {
        let _gone_is_stopped = stop.wait_for(|stopped| *stopped).await;
    };
    serve_http(listener, shared, print, stopped).await.map_err(|e| Failure::other(format!("cannot serve: {e}")))
}

/// What has happened at the venue by itself and was printed.
struct Told {
    exchange: Arc<Mutex<Exchange>>,
    holders: usize,
    evictions: usize,
}

impl Told {
    /// Prints who came to hold a server, and every eviction of ours, since the last request.
    fn tell_news(&mut self) {
        let Ok(exchange) = self.exchange.lock() else { return };
        for eviction in exchange.evictions().get(self.evictions..).unwrap_or_default() {
            let (at, cause) = (rfc3339(eviction.at), format!("{:?}", eviction.cause));
            let (server, order, bid) = (eviction.server, eviction.order, eviction.bid);
            report(format_args!(
                r#"{{"at":"{at}","event":"evicted","server":{server},"order":{order},"bid":{bid},"cause":"{cause}"}}"#
            ));
        }
        for change in exchange.history().get(self.holders..).unwrap_or_default() {
            let (at, server) = (rfc3339(change.at), change.server);
            match change.to {
                Some(h) => report(format_args!(
                    r#"{{"at":"{at}","event":"holder","server":{server},"offer":{},"bid":{},"my":{}}}"#,
                    h.offer, h.bid, h.mine
                )),
                None => report(format_args!(r#"{{"at":"{at}","event":"holder","server":{server},"offer":null}}"#)),
            }
        }
        (self.evictions, self.holders) = (exchange.evictions().len(), exchange.history().len());
    }
}

/// The built-in scenario of that name, else the file; `demo` where none is named.
pub(super) fn scenario(named: Option<&str>) -> Result<Scenario, Failure> {
    let named = named.unwrap_or("demo");
    if let Some(scenario) = Scenario::builtin(named) {
        return Ok(scenario);
    }
    let text = std::fs::read_to_string(named).map_err(|e| {
        let builtin: Vec<&str> = Scenario::builtin_names().collect();
        Failure::usage(format!("cannot read the scenario {named}: {e}; built in are: {}", builtin.join(", ")))
    })?;
    Scenario::parse(&text).map_err(|e| Failure::usage(format!("{named}: {e}")))
}
