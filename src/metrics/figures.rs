//! The figures of a run, counted while it goes on, and as Prometheus takes them.

use std::collections::BTreeMap;
use std::fmt;

use clorebid_core::engine::Engine;
use clorebid_core::event::{Event, State};
use clorebid_core::money::{Amount, Currency};
use clorebid_core::request::{Answer, Ask, Refusal};
use clorebid_core::status::ServerStatus;
use clorebid_core::time::{Span, Time};
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use rust_decimal::Decimal;

use crate::api;
use crate::notify::is_loss;
use crate::run::blindness::trouble;

/// Which run it is.
#[derive(Debug, Clone)]
pub(super) struct RunInfo {
    pub(super) run_id: i64,
    pub(super) strategy: String,
    pub(super) mode: &'static str,
}

/// What is known of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Figures {
    /// When the last good answer came.
    pub(super) good_at: Option<Time>,
    /// Nothing before the first request.
    currency: Option<Currency>,
    /// By target: wanted, held, lost so far.
    targets: Vec<(String, u32, u32, u64)>,
    servers: Vec<ServerStatus>,
    spent: Amount,
    balance: Option<Amount>,
    /// By call and outcome.
    requests: BTreeMap<(&'static str, &'static str), u64>,
    refusals: BTreeMap<String, u64>,
}

impl Figures {
    pub(super) fn step(&mut self, now: Time, ask: &Ask, answer: &Answer, events: &[Event], engine: &Engine) {
        if trouble(answer).is_none() {
            self.good_at = Some(now);
        }
        *self.requests.entry((api::endpoint(&ask.request), answer.outcome().code())).or_default() += 1;
        let strategy = engine.strategy();
        self.currency = Some(strategy.currency);
        match answer {
            Answer::Refused(refusal) => {
                // Names that nobody has listed are the venue's to choose: each would be one more row for good.
                let name = if let Refusal::Other(_) = refusal { "other" } else { refusal.name() };
                *self.refusals.entry(name.to_owned()).or_default() += 1;
            }
            Answer::Wallets(wallets) => {
                self.balance = wallets.iter().find(|w| w.currency == strategy.currency).and_then(|w| w.balance);
            }
            _ => {}
        }
        let status = engine.status(now);
        if self.targets.is_empty() {
            self.targets = strategy.targets.iter().map(|t| (t.name.clone(), t.want, 0, 0)).collect();
        }
        for (name, _, held, lost) in &mut self.targets {
            let holding = status.servers.iter().filter(|s| s.target == *name && s.state == State::Holding);
            *held = u32::try_from(holding.count()).unwrap_or(u32::MAX);
            let is_lost = |event: &&Event| match event {
                Event::State { target, from, to, cause, .. } => {
                    engine.target_name(*target) == name && is_loss(*from, *to, *cause)
                }
                _ => false,
            };
            *lost += u64::try_from(events.iter().filter(is_lost).count()).unwrap_or(0);
        }
        (self.servers, self.spent) = (status.servers, status.spent);
    }
}

/// One value and its labels.
type Row = (Vec<(&'static str, String)>, Number);

#[derive(Clone, Copy)]
enum Number {
    Count(u64),
    Money(Decimal),
}

/// What is said of the notifications to one receiver: its name, told, dropped.
pub(super) type Told = (String, u64, u64);

/// Figures with all that is said beside them, at one moment.
#[derive(Debug)]
pub(super) struct Moment {
    pub(super) figures: Figures,
    pub(super) info: RunInfo,
    /// How old the last good answer is.
    pub(super) age: Option<Span>,
    pub(super) told: Vec<Told>,
}

impl Moment {
    /// Writes every metric.
    pub(super) fn encode(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        self.encode_run(to)?;
        self.encode_targets(to)?;
        self.encode_servers(to)?;
        self.encode_requests(to)?;
        let told = |count: fn(&Told) -> u64| {
            self.told.iter().map(move |told| (vec![("receiver", told.0.clone())], Number::Count(count(told))))
        };
        counter(to, "clorebid_notifications_sent", "Events that a receiver was told of", told(|t| t.1))?;
        counter(to, "clorebid_notifications_dropped", "Events that a receiver will not be told of", told(|t| t.2))
    }

    fn encode_run(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let RunInfo { run_id, strategy, mode } = &self.info;
        let labels = vec![
            ("run", run_id.to_string()),
            ("strategy", strategy.clone()),
            ("mode", (*mode).to_owned()),
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        to.encode_descriptor("clorebid_run", "The run that is going on", None, MetricType::Info)?
            .encode_info(&labels)?;
        let age = self.age.map(|age| (Vec::new(), Number::Count(u64::try_from(age.ms() / 1_000).unwrap_or(0))));
        gauge(to, "clorebid_last_good_answer_age_seconds", "Age of the venue's last good answer", age)?;
        let figures = &self.figures;
        let Some(currency) = figures.currency else { return Ok(()) };
        let money = |amount: Amount| (vec![("currency", currency.name().to_owned())], Number::Money(amount.decimal()));
        gauge(to, "clorebid_spent", "Spent so far, fees included", [money(figures.spent)])?;
        gauge(to, "clorebid_balance", "What the wallet holds", figures.balance.map(money))
    }

    fn encode_targets(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let targets = |of: fn(&(String, u32, u32, u64)) -> u64| {
            self.figures.targets.iter().map(move |t| (vec![("target", t.0.clone())], Number::Count(of(t))))
        };
        gauge(to, "clorebid_wanted", "Servers that a target wants", targets(|t| t.1.into()))?;
        gauge(to, "clorebid_held", "Servers that a target holds", targets(|t| t.2.into()))?;
        counter(to, "clorebid_interruptions", "Servers that a target held and lost", targets(|t| t.3))
    }

    fn encode_servers(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let currency = self.figures.currency.map_or("", Currency::name);
        let servers = |of: fn(&ServerStatus) -> Option<Decimal>| {
            self.figures.servers.iter().filter_map(move |s| {
                let (server, target) = (s.server.to_string(), s.target.clone());
                let labels = vec![("server", server), ("target", target), ("currency", currency.to_owned())];
                Some((labels, Number::Money(of(s)?)))
            })
        };
        gauge(to, "clorebid_bid", "Our bid, per day", servers(|s| s.our_bid.map(|p| p.decimal())))?;
        gauge(to, "clorebid_floor", "The host's least price, per day", servers(|s| s.floor.map(|p| p.decimal())))?;
        let rivals = servers(|s| s.best_rival.map(|p| p.decimal()));
        gauge(to, "clorebid_best_rival", "The highest bid of anybody else, per day", rivals)
    }

    fn encode_requests(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let requests = self.figures.requests.iter().map(|((call, outcome), count)| {
            (vec![("call", (*call).to_owned()), ("outcome", (*outcome).to_owned())], Number::Count(*count))
        });
        counter(to, "clorebid_requests", "Requests to the venue", requests)?;
        let refusals =
            self.figures.refusals.iter().map(|(name, n)| (vec![("reason", name.clone())], Number::Count(*n)));
        counter(to, "clorebid_refusals", "Requests that the venue refused", refusals)
    }
}

fn gauge(to: &mut DescriptorEncoder<'_>, name: &str, help: &str, rows: impl IntoIterator<Item = Row>) -> fmt::Result {
    family(to, name, help, MetricType::Gauge, rows)
}

fn counter(to: &mut DescriptorEncoder<'_>, name: &str, help: &str, rows: impl IntoIterator<Item = Row>) -> fmt::Result {
    family(to, name, help, MetricType::Counter, rows)
}

fn family(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    kind: MetricType,
    rows: impl IntoIterator<Item = Row>,
) -> fmt::Result {
    let mut rows = rows.into_iter().peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    let mut metric = to.encode_descriptor(name, help, None, kind)?;
    for (labels, number) in rows {
        let to = metric.encode_family(&labels)?;
        match (number, kind) {
            (Number::Count(count), MetricType::Counter) => ConstCounter::new(count).encode(to)?,
            (Number::Count(count), _) => ConstGauge::new(count).encode(to)?,
            (Number::Money(money), _) => ConstGauge::new(float(money)).encode(to)?,
        }
    }
    Ok(())
}

/// The one place where money becomes a float, on its way out and never back: prometheus-client writes a gauge from a
/// number of the machine only, and Prometheus keeps nothing else. Read from the decimal's own text it is the nearest one
/// there is, so that up to 15 digits come out again as they were.
fn float(money: Decimal) -> f64 {
    money.to_string().parse().unwrap_or(f64::NAN)
}
