//! The one place that says which of a run's events are told, and in which words.
//!
//! | told | where it comes from |
//! |---|---|
//! | won, lost | the state of what we have on a server |
//! | moved | a cancellation whose reason is the move to another server |
//! | limit, balance | a denied bid, a cancellation that a limit asked for, the venue's refusal |
//! | blind | no good answer for half a minute; told once, and once when it is over |
//! | stuck | what takes minutes and should take seconds: a step of an order, a target without any, a locked journal |
//!
//! How a run ended is told by whoever knows why.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use clorebid_core::denial::Denial;
use clorebid_core::engine::Engine;
use clorebid_core::event::{Cause, Event, Reason, State};
use clorebid_core::ids::{ServerId, TargetId};
use clorebid_core::request::{Answer, Ask, Refusal, Request};
use clorebid_core::status::ServerStatus;
use clorebid_core::time::{Span, Time};

use super::News;
use crate::run::{Blindness, Sight};
use crate::strategy::Occasion;

/// What lasts longer than this is stuck.
const STUCK_AFTER: Span = Span::from_secs(600);
/// How often that is looked for.
const LOOK_EVERY: Span = Span::from_secs(10);
/// An order found at the start that is seen to hold its server so soon has held it before, as far as anybody knows.
const FOUND_WITHIN: Span = Span::from_secs(60);
/// A journal that is locked for longer than this keeps the run from bidding.
const LOCKED_AFTER: Duration = Duration::from_secs(30);

/// What has been told, so that nothing is told twice.
#[derive(Debug, Default)]
pub(super) struct Reporter {
    only_observes: bool,
    blindness: Blindness,
    is_blind: bool,
    /// By target, which limits were told of since a bid of it was last taken.
    limits_told: BTreeSet<(TargetId, &'static str)>,
    /// What should be over within seconds, since when, and whether it was told of.
    steps: BTreeMap<ServerId, (State, Time, bool)>,
    /// Targets without an order, since when, and whether it was told of.
    idle: BTreeMap<usize, (Time, bool)>,
    /// Where an order was found or taken up again, when, and nothing was bid since.
    found: BTreeMap<ServerId, Time>,
    looked_at: Option<Time>,
    is_locked: bool,
}

impl Reporter {
    pub(super) fn new(only_observes: bool) -> Reporter {
        Reporter { only_observes, ..Reporter::default() }
    }

    /// What there is to tell after a request.
    pub(super) fn step(
        &mut self,
        now: Time,
        ask: &Ask,
        answer: &Answer,
        events: &[Event],
        engine: &Engine,
    ) -> Vec<News> {
        let mut news: Vec<News> = self.sight(now, answer).into_iter().collect();
        news.extend(self.command(now, ask, answer, engine));
        for event in events {
            news.extend(self.event(now, event, engine));
        }
        if self.looked_at.is_none_or(|at| now.since(at) >= LOOK_EVERY) {
            self.looked_at = Some(now);
            news.extend(self.stuck_steps(now));
            news.extend(self.idle_targets(now, engine));
        }
        news
    }

    /// What there is to tell of the journal, which another program may keep locked.
    pub(super) fn journal(&mut self, now: Time, locked_for: Option<Duration>) -> Option<News> {
        let text = match locked_for {
            Some(locked_for) if locked_for >= LOCKED_AFTER && !self.is_locked => {
                self.is_locked = true;
                "another program keeps the journal locked: nothing can be bid until it is free"
            }
            None if self.is_locked => {
                self.is_locked = false;
                "the journal is free again"
            }
            _ => return None,
        };
        Some(News::of_the_run(Occasion::Stuck, now, text.to_owned()))
    }

    fn sight(&mut self, now: Time, answer: &Answer) -> Option<News> {
        let text = match self.blindness.step(now, answer)? {
            Sight::Blind(..) if self.is_blind => return None,
            Sight::Blind(blind_for, last) => {
                self.is_blind = true;
                format!(
                    "no good answer from the venue for {blind_for} (the last: {last}): nothing can be bid; trying on"
                )
            }
            Sight::Again(after) => {
                self.is_blind = false;
                format!("the venue answers again, after {after}")
            }
        };
        Some(News::of_the_run(Occasion::Blind, now, text))
    }

    /// What a command of ours and its answer tell.
    fn command(&mut self, now: Time, ask: &Ask, answer: &Answer, engine: &Engine) -> Option<News> {
        let server = ask.request.server().filter(|_| ask.request.is_command())?;
        self.found.remove(&server);
        let target = ask.target.map(|id| engine.target_name(id).to_owned());
        let name = target.clone().unwrap_or_default();
        let (occasion, text) = match (&ask.request, answer, &ask.reason) {
            (Request::Cancel { .. }, Answer::Applied, Reason::Move { to, least_winning }) => {
                (Occasion::Moved, format!("{name} leaves server {server} for server {to}, where {least_winning} wins"))
            }
            (Request::Cancel { order, .. }, Answer::Applied, Reason::Limit(denial)) => {
                (Occasion::Limit, format!("order {order} on server {server} is cancelled: {denial}"))
            }
            (Request::Create { .. } | Request::Reprice { .. }, Answer::Refused(Refusal::NotEnoughBalance), _) => {
                if !self.limits_told.insert((ask.target?, "not_enough_balance")) {
                    return None;
                }
                let text = format!("{name}: the venue refuses a bid on server {server}: the balance is too low for it");
                (Occasion::Balance, text)
            }
            (request, Answer::Applied, _) if is_more(request) => {
                // Bids are taken again, so what is in the way after this is news.
                self.limits_told.retain(|(told_of, _)| Some(*told_of) != ask.target);
                return None;
            }
            _ => return None,
        };
        Some(News { occasion: Some(occasion), at: now, target, server: Some(server), text })
    }

    fn event(&mut self, now: Time, event: &Event, engine: &Engine) -> Option<News> {
        match *event {
            Event::State { target, server, from, to, cause } => {
                self.note_step(now, server, to);
                if self.was_found(now, server, to, cause) {
                    return None;
                }
                let name = engine.target_name(target);
                let (occasion, text) = change(name, server, from, to, cause, engine, now)?;
                Some(News {
                    occasion: Some(occasion),
                    at: now,
                    target: Some(name.to_owned()),
                    server: Some(server),
                    text,
                })
            }
            Event::Denied { target, server, denial } => {
                let occasion = match denial {
                    Denial::MinBalance { .. } => Occasion::Balance,
                    // Before the wallet is first read it is not known; where it stays so, the target gets stuck.
                    Denial::BalanceUnknown | Denial::ObserveOnly => return None,
                    _ => Occasion::Limit,
                };
                if !self.limits_told.insert((target, denial.code())) {
                    return None;
                }
                let name = engine.target_name(target).to_owned();
                let text = format!("{name}: no bid on server {server}: {denial}");
                Some(News { occasion: Some(occasion), at: now, target: Some(name), server: Some(server), text })
            }
            _ => None,
        }
    }

    /// Whether this step only shows what stood there before the run: its server is not won again.
    fn was_found(&mut self, now: Time, server: ServerId, to: State, cause: Cause) -> bool {
        if cause == Cause::Adopted {
            self.found.insert(server, now);
            return true;
        }
        let found = self.found.remove(&server);
        to == State::Holding && found.is_some_and(|at| now.since(at) <= FOUND_WITHIN)
    }

    fn note_step(&mut self, now: Time, server: ServerId, to: State) {
        if matches!(to, State::Placing | State::Unknown | State::Cancelling) {
            self.steps.insert(server, (to, now, false));
        } else {
            self.steps.remove(&server);
        }
    }

    fn stuck_steps(&mut self, now: Time) -> Vec<News> {
        let late = self.steps.iter_mut().filter(|(_, (_, since, told))| !told && now.since(*since) >= STUCK_AFTER);
        let late = late.map(|(server, (state, since, told))| {
            *told = true;
            let what = match state {
                State::Placing => "a bid was taken, and its order is not to be seen",
                State::Cancelling => "an order is being cancelled, and does not go",
                _ => "nobody knows whether a bid was taken",
            };
            let text = format!("server {server}: {what}, for {} now", now.since(*since));
            let occasion = Some(Occasion::Stuck);
            News { occasion, at: now, target: None, server: Some(*server), text }
        });
        late.collect()
    }

    /// A target that wants a server and has had no order anywhere for minutes.
    fn idle_targets(&mut self, now: Time, engine: &Engine) -> Vec<News> {
        if self.only_observes || engine.is_leaving() {
            return Vec::new();
        }
        let status = engine.status(now);
        let mut news = Vec::new();
        for (index, target) in engine.strategy().targets.iter().enumerate() {
            let servers = || status.servers.iter().filter(|s| s.target == target.name);
            if servers().any(|s| !matches!(s.state, State::Wanted | State::Ended)) {
                self.idle.remove(&index);
                continue;
            }
            let (since, told) = self.idle.entry(index).or_insert((now, false));
            if *told || self.is_blind || now.since(*since) < STUCK_AFTER {
                continue;
            }
            *told = true;
            let why = servers()
                .find_map(|s: &ServerStatus| s.denial.map(|denial| format!("; server {}: {denial}", s.server)));
            let why = why.unwrap_or_default();
            let text = format!("{} has had no order for {}{why}", target.name, now.since(*since));
            let (occasion, name) = (Some(Occasion::Stuck), Some(target.name.clone()));
            news.push(News { occasion, at: now, target: name, server: None, text });
        }
        news
    }
}

/// Whether a command bids, or bids more.
fn is_more(request: &Request) -> bool {
    match request {
        Request::Create { .. } => true,
        Request::Reprice { from, to, .. } => to > from,
        _ => false,
    }
}

/// What a change of state tells, if anything.
fn change(
    target: &str,
    server: ServerId,
    from: State,
    to: State,
    cause: Cause,
    engine: &Engine,
    now: Time,
) -> Option<(Occasion, String)> {
    match (from, to) {
        (_, State::Holding) => {
            let status = engine.status(now);
            let bid = status.servers.iter().find(|s| s.server == server).and_then(|s| s.our_bid);
            let at = bid.map(|bid| format!(" at {bid} {} a day", engine.strategy().currency)).unwrap_or_default();
            Some((Occasion::Won, format!("{target} holds server {server}{at}")))
        }
        _ if is_loss(from, to, cause) => {
            Some((Occasion::Lost, format!("{target} lost server {server}: {}", in_words(cause))))
        }
        _ => None,
    }
}

/// Whether a server was lost: what we give up ourselves is not.
pub fn is_loss(from: State, to: State, cause: Cause) -> bool {
    from == State::Holding && to != State::Cancelling && cause != Cause::Cancelled
}

fn in_words(cause: Cause) -> &'static str {
    match cause {
        Cause::Rival => "a rival bids more",
        Cause::Floor => "the host's floor is above our bid",
        Cause::Offline => "it is offline or hidden",
        Cause::Inactive => "it is rented on demand, or our offer is inactive for a reason that the book does not show",
        Cause::OfferMissing => "our offer is no longer in the book",
        Cause::Expired => "the venue marked our order expired",
        Cause::Vanished => "our order is gone",
        other => other.code(),
    }
}
