//! What a run shows: a log line for each thing that happens, and one status line on a terminal.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use clorebid_core::engine::Engine;
use clorebid_core::event::{Event, State};
use clorebid_core::money::Price;
use clorebid_core::request::{Answer, Ask, Request};
use clorebid_core::status::ServerStatus;
use clorebid_core::time::Time;
use indicatif::{ProgressBar, ProgressStyle};
use tracing::{debug, info, trace, warn};

use super::args::Global;
use crate::clock::{Jump, rfc3339};
use crate::run::{Blindness, Sight, Watcher};

/// The status line is drawn no more often than this.
const REDRAW_EVERY: Duration = Duration::from_millis(100);

/// That the journal is locked is told of again after this long, and then with growing pauses.
const LOCKED_AGAIN: Duration = Duration::from_secs(30);

/// Shows a run while it goes on.
pub(super) struct Screen {
    bar: Option<ProgressBar>,
    drawn_at: Option<Instant>,
    blindness: Blindness,
    /// After how long of being locked out of the journal that is told of next.
    locked_next: Duration,
}

impl Screen {
    /// With a status line if stderr is a terminal and the user wants to hear anything.
    pub(super) fn new(global: &Global) -> Screen {
        let wanted = std::io::stderr().is_terminal() && !global.quiet;
        let bar = wanted.then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Screen { bar, drawn_at: None, blindness: Blindness::default(), locked_next: Duration::ZERO }
    }

    /// The status line, for the log to print above.
    pub(super) fn bar(&self) -> Option<ProgressBar> {
        self.bar.clone()
    }

    fn draw(&mut self, now: Time, engine: &Engine) {
        let Some(bar) = &self.bar else { return };
        if self.drawn_at.is_some_and(|at| at.elapsed() < REDRAW_EVERY) {
            return;
        }
        self.drawn_at = Some(Instant::now());
        let status = engine.status(now);
        let mut servers: Vec<&ServerStatus> = status.servers.iter().filter(|s| s.state != State::Wanted).collect();
        if servers.is_empty() {
            servers = status.servers.iter().take(1).collect();
        }
        let shown: Vec<String> = servers.iter().take(3).map(|s| line(s, now)).collect();
        let spent = format!("spent {}", status.spent);
        bar.set_message(format!("{}  {}  {spent}", time_of_day(now), shown.join(" | ")));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Watcher for Screen {
    fn step(&mut self, now: Time, ask: &Ask, answer: &Answer, events: &[Event], engine: &Engine) {
        let at = rfc3339(now);
        tell_request(&at, ask, answer);
        tell_sight(&at, self.blindness.step(now, answer));
        for event in events {
            tell_event(&at, event, engine);
        }
        self.draw(now, engine);
    }

    fn jumped(&mut self, now: Time, jump: Jump) {
        warn!(at = rfc3339(now), "{jump}");
    }

    fn journal(&mut self, locked_for: Option<Duration>) {
        match locked_for {
            Some(locked_for) if locked_for >= self.locked_next => {
                let secs = locked_for.as_secs();
                warn!(
                    secs,
                    "another program keeps the journal locked: nothing can be bid until it is free; what is read waits"
                );
                self.locked_next = (locked_for * 2).max(LOCKED_AGAIN);
            }
            Some(_) => {}
            None if self.locked_next > Duration::ZERO => {
                info!("the journal is free again");
                self.locked_next = Duration::ZERO;
            }
            None => {}
        }
    }
}

fn tell_request(at: &str, ask: &Ask, answer: &Answer) {
    let (seq, reason, outcome) = (ask.seq, &ask.reason, answer.outcome().code());
    let why = match answer {
        Answer::Refused(refusal) => format!(" ({})", refusal.name()),
        Answer::Unknown(doubt) => format!(" ({doubt})"),
        _ => String::new(),
    };
    match ask.request {
        Request::Create { server, bid, .. } => {
            info!(at, seq, server = server.0, %bid, "place {bid} on server {server}: {reason}: {outcome}{why}");
        }
        Request::Reprice { server, from, to, .. } => {
            let verb = if to > from { "raise" } else { "lower" };
            info!(at, seq, server = server.0, %from, %to, "{verb} {from} to {to} on server {server}: {reason}: {outcome}{why}");
        }
        Request::Cancel { server, order } => {
            info!(
                at,
                seq,
                server = server.0,
                order = order.0,
                "cancel order {order} on server {server}: {reason}: {outcome}{why}"
            );
        }
        request if why.is_empty() => trace!(at, seq, ?request, "{reason}"),
        request => debug!(at, seq, ?request, "{reason}: {outcome}{why}"),
    }
}

fn tell_sight(at: &str, sight: Option<Sight>) {
    match sight {
        Some(Sight::Blind(blind_for, last)) => {
            let ms = blind_for.ms();
            warn!(
                at,
                blind_ms = ms,
                last,
                "no good answer for {blind_for} (the last: {last}): nothing can be bid; trying on"
            );
        }
        Some(Sight::Again(after)) => info!(at, blind_ms = after.ms(), "the venue answers again, after {after}"),
        None => {}
    }
}

fn tell_event(at: &str, event: &Event, engine: &Engine) {
    match event {
        Event::State { server, from, to, cause, .. } => {
            let (from, to, cause) = (from.code(), to.code(), cause.code());
            info!(at, server = server.0, from, to, cause, "server {server}: {from} -> {to} ({cause})");
        }
        Event::Denied { server, denial, .. } => {
            info!(at, server = server.0, denial = denial.code(), "server {server}: no bid: {denial}");
        }
        Event::ForeignOrder { server, order, counts_for: None } => {
            warn!(
                at,
                server = server.0,
                order = order.0,
                "order {order} on server {server} is not this run's to touch: it is counted and left alone"
            );
        }
        Event::ForeignOrder { server, order, counts_for: Some(target) } => {
            let target = engine.target_name(*target);
            warn!(
                at,
                server = server.0,
                order = order.0,
                target,
                "order {order} on server {server} stands there already, and this journal knows nothing of it: it counts for \
                 target {target:?}, and nothing is placed beside it. If the bot made it, `adopt = true` in the target takes \
                 it over (or go on with the journal that knows it); `beside = true` places as if it were not there"
            );
        }
        Event::CreationFee { server, order, amount, .. } => {
            let currency = engine.strategy().currency;
            debug!(at, server = server.0, order = order.0, %amount, "order {order}: creation fee {amount} {currency}");
        }
        Event::HeldUnwatched { server, order, bid, from, to, .. } => {
            let (from, to) = (rfc3339(*from), rfc3339(*to));
            info!(
                at,
                server = server.0,
                order = order.0,
                "server {server}: held from {from} to {to} at {bid}, while nobody watched"
            );
        }
        Event::FeeTold { order, percent, .. } => {
            debug!(at, order = order.0, "order {order}: the venue adds {percent} % to its price");
        }
        Event::HoldingFrom { .. } | Event::HoldingTo { .. } | Event::VenueSpent { .. } => {}
    }
}

fn line(s: &ServerStatus, now: Time) -> String {
    let price = |p: Option<Price>| p.map_or_else(|| "-".to_owned(), |p| p.to_string());
    let mut text = format!("{} {}", s.server, s.state.code());
    if let Some(bid) = s.our_bid {
        text.push_str(&format!(" bid {bid}"));
    }
    text.push_str(&format!(" floor {} rival {}", price(s.floor), price(s.best_rival)));
    match s.next_lower_at {
        Some(at) if at > now => text.push_str(&format!(" lower in {}s", at.since(now).ms() / 1000)),
        Some(_) => text.push_str(" may lower"),
        None => {}
    }
    text
}

fn time_of_day(now: Time) -> String {
    rfc3339(now).get(11..19).unwrap_or_default().to_owned()
}
