//! What the tests of the core share: a venue in memory, a loop that keeps the venue's rate, and short names for prices
//! and strategies.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::arithmetic_side_effects,
    reason = "each test binary uses a part of it; test sums are small"
)]

pub mod faults;
pub mod venue;

use clorebid_core::engine::{Engine, Halt, Next};
use clorebid_core::event::{Event, State};
use clorebid_core::governing::{CREATE_SPACING, SPACING};
use clorebid_core::ids::{ServerId, TargetId};
use clorebid_core::limits::Denial;
use clorebid_core::memory::Memory;
use clorebid_core::money::{Amount, Currency, Price};
use clorebid_core::policy::adaptive::policy::Adaptive;
use clorebid_core::policy::follow::Follow;
use clorebid_core::request::{Answer, Ask, Doubt, Request};
use clorebid_core::status::ServerStatus;
use clorebid_core::strategy::{
    BidRules, Choice, Limits, Lost, Margin, Match, Open, PerDay, RestartCost, Strategy, Target, Value, VenueRules,
};
use clorebid_core::time::{Span, Time};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use venue::{Fault, Kind, Lie, Machine, Venue};

/// The moment every test begins.
pub const START: Time = Time::from_secs(1_790_000_000);

/// A price of so many ticks of 0.00000001 bitcoin.
pub fn price(ticks: i64) -> Price {
    Price::new(Decimal::new(ticks, 8)).expect("not negative")
}

/// A sum of so many ticks.
pub fn sum(ticks: i64) -> Amount {
    Amount::new(Decimal::new(ticks, 8)).expect("not negative")
}

/// How many ticks a price is; it must be on one.
pub fn ticks(price: Price) -> i64 {
    let scaled = price.decimal() * Decimal::new(100_000_000, 0);
    assert!(scaled.is_integer(), "{price} is not on a tick");
    scaled.to_i64().expect("a small price")
}

/// A small generator of its own (splitmix64), so that a seed means the same everywhere.
#[derive(Debug, Clone)]
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    pub fn between(&mut self, lo: u64, hi: u64) -> u64 {
        lo + self.below(hi - lo + 1)
    }

    pub fn price(&mut self, lo: i64, hi: i64) -> i64 {
        lo + self.below((hi - lo + 1) as u64) as i64
    }

    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }
}

/// Bids as the defaults of a strategy file would.
pub fn follow() -> BidRules {
    BidRules {
        open: Open::Floor,
        margin: Margin::Price(Price::ZERO),
        raise_wait: Span::ZERO,
        give_up: None,
        lower_after: Span::ZERO,
        replace: false,
        lost: Lost::Raise,
    }
}

/// One target with explicit servers.
pub fn target(name: &str, servers: &[u64]) -> Target {
    Target {
        name: name.into(),
        want: 1,
        choice: Choice::Servers(servers.iter().copied().map(ServerId).collect()),
        value: Value { per_day: PerDay::Price(price(50_000)), restart: RestartCost::Time(Span::from_secs(600)) },
        policy: Follow.into(),
        bid: follow(),
        adopt: false,
        beside: false,
    }
}

/// The same with a description instead of numbers.
pub fn matching(name: &str, gpu: &str) -> Target {
    let wanted = Match { gpu: Some(gpu.into()), ..Match::default() };
    Target { choice: Choice::Match(wanted), ..target(name, &[]) }
}

/// That target with its bids made by what is learned. A restart costs so many ticks.
pub fn learning(target: Target, restart: i64) -> Target {
    let mut target = target;
    target.policy = Adaptive.into();
    target.value.restart = RestartCost::Amount(sum(restart));
    target
}

/// A strategy with nothing but `max_bid` = 10,000 ticks as a limit.
pub fn strategy(targets: Vec<Target>) -> Strategy {
    Strategy {
        name: "test".into(),
        currency: Currency::Bitcoin,
        limits: Limits {
            max_bid: price(10_000),
            max_daily_cost: None,
            max_total_cost: None,
            min_balance: None,
            max_orders: None,
        },
        venue: VenueRules {
            tick: price(1),
            step: None,
            lower_every: Span::from_secs(600),
            fee_percent: Decimal::ZERO,
            creation_fee: Amount::ZERO,
        },
        targets,
    }
}

/// One request and what became of it.
#[derive(Debug, Clone)]
pub struct Step {
    pub sent: Time,
    pub ask: Ask,
    pub answered: Time,
    pub answer: Answer,
}

/// An engine and a venue, and the loop between them.
pub struct World {
    pub engine: Engine,
    pub venue: Venue,
    pub now: Time,
    pub log: Vec<Step>,
    pub changes: Vec<(Time, Event)>,
    pub halted: Option<Halt>,
    /// What every request comes to while nothing gets through.
    pub down: Option<Answer>,
    /// How much longer than usual every answer takes.
    pub late: Span,
    last_create: Option<Time>,
}

impl World {
    pub fn new(strategy: Strategy, machines: &[(u64, i64)]) -> World {
        let mut venue = Venue::new(START);
        venue.max_bid = ticks(strategy.limits.max_bid.floor_to(price(1)));
        venue.max_daily = strategy.limits.max_daily_cost.map(|a| ticks(Price::new(a.decimal()).expect("a sum")));
        for (id, floor) in machines {
            venue.machines.insert(*id, Machine::new(*floor));
        }
        World {
            engine: Engine::new(strategy, false),
            venue,
            now: START,
            log: Vec::new(),
            changes: Vec::new(),
            halted: None,
            down: None,
            late: Span::ZERO,
            last_create: None,
        }
    }

    /// One turn of the loop: a request and its answer, or a wait no longer than until `until`.
    pub fn turn(&mut self, until: Time) -> bool {
        let ask = match self.engine.next(self.now) {
            Next::Ask(ask) => ask,
            Next::Wait(at) => {
                assert!(at > self.now, "a wait until the past would spin");
                self.now = at.min(until).max(self.now + Span::from_ms(1));
                self.take_events();
                return true;
            }
            Next::Halt(halt) => {
                self.halted = Some(halt);
                return false;
            }
        };
        let sent = self.now;
        if matches!(ask.request, Request::Create { .. }) {
            assert!(self.last_create.is_none_or(|at| sent >= at + CREATE_SPACING), "I10: creates too close together");
        }
        let arrived = sent + Span::from_ms(self.venue.rng.between(20, 150) as i64);
        self.venue.pass_to(arrived);
        let answer = self.down.clone().unwrap_or_else(|| self.venue.send(&ask.request));
        let answered = arrived + self.late + Span::from_ms(self.venue.rng.between(20, 150) as i64);
        self.engine.observe(answered, &ask, &answer);
        if matches!(ask.request, Request::Create { .. }) {
            self.last_create = Some(answered);
        }
        self.now = answered + SPACING;
        self.log.push(Step { sent, ask, answered, answer });
        self.take_events();
        true
    }

    fn take_events(&mut self) {
        let now = self.now;
        self.changes.extend(self.engine.take_events().into_iter().map(|c| (now, c)));
    }

    /// Runs for so many seconds.
    pub fn run(&mut self, secs: i64) {
        let until = self.now + Span::from_secs(secs);
        while self.now < until && self.turn(until) {}
        self.venue.pass_to(self.now);
    }

    /// Runs until that is so, and says how many seconds it took.
    ///
    /// # Panics
    /// When it is not so after `within` seconds.
    #[track_caller]
    pub fn until(&mut self, within: i64, what: &str, holds: impl Fn(&World) -> bool) -> i64 {
        let (from, until) = (self.now, self.now + Span::from_secs(within));
        while !holds(self) {
            assert!(self.now < until, "not within {within} s: {what}\n{}", self.tail(40));
            assert!(self.turn(until), "halted before: {what}");
        }
        self.now.since(from).ms() / 1000
    }

    /// Changes the venue now.
    pub fn change(&mut self, change: impl FnOnce(&mut Venue)) {
        self.venue.pass_to(self.now);
        change(&mut self.venue);
        self.venue.settle();
    }

    /// One rival bids that much; with 0 there is none.
    pub fn rival(&mut self, server: u64, bid: i64) {
        self.change(|v| {
            let rivals = &mut v.machine(server).rivals;
            rivals.clear();
            if bid > 0 {
                rivals.insert(1, bid);
            }
        });
    }

    /// The next request of that kind goes wrong.
    pub fn force(&mut self, kind: Kind, fault: Fault) {
        self.venue.forced.push((kind, fault));
    }

    /// So many answers are told otherwise than they are.
    pub fn lie(&mut self, times: u32, tell: fn(&mut Answer) -> bool) {
        self.venue.lies.push(Lie { times, tell });
    }

    /// The process ends and a new one starts from what it remembered.
    pub fn restart(&mut self) {
        let memory = self.engine.memory(self.now);
        self.resume(memory);
    }

    /// A new process starts from that memory.
    pub fn resume(&mut self, memory: Memory) {
        self.resume_with(self.engine.strategy().clone(), memory);
        self.now = self.now + Span::from_secs(3);
    }

    /// A new process starts from that memory with another strategy, at once.
    pub fn resume_with(&mut self, strategy: Strategy, mut memory: Memory) {
        memory.hand_on(false, self.now, self.now);
        self.engine = Engine::start(strategy, memory, self.now);
    }

    /// The process dies in its next change: after the venue carried it out if `arrives`, before otherwise.
    pub fn crash_in_change(&mut self, within: i64, arrives: bool) -> Request {
        let until = self.now + Span::from_secs(within);
        loop {
            assert!(self.now < until, "no change within {within} s");
            let mut ahead = self.engine.clone();
            match ahead.next(self.now) {
                Next::Ask(ask) if ask.request.is_command() => {
                    let sent = self.now;
                    let mut memory = ahead.memory(sent);
                    if arrives {
                        self.venue.pass_to(sent);
                        self.venue.send(&ask.request);
                    }
                    self.now = self.now + Span::from_secs(5);
                    let target = ask.target.map(|id| ahead.target_name(id).to_string());
                    memory.take_up(ask.request, target, sent, &Answer::Unknown(Doubt::Interrupted));
                    self.resume(memory);
                    return ask.request;
                }
                _ => assert!(self.turn(until), "halted"),
            }
        }
    }

    /// Every change asked for since the start, with its answer.
    pub fn asked_changes(&self) -> Vec<(Request, Answer)> {
        let changing = self.log.iter().filter(|s| s.ask.request.is_command());
        changing.map(|s| (s.ask.request, s.answer.clone())).collect()
    }

    pub fn creates(&self) -> Vec<(u64, i64)> {
        let of = |s: &Step| match s.ask.request {
            Request::Create { server, bid, .. } => Some((server.0, ticks(bid))),
            _ => None,
        };
        self.log.iter().filter_map(of).collect()
    }

    /// Every re-pricing: when it was answered, the new price, the answer.
    pub fn reprices(&self) -> Vec<(Time, i64, Answer)> {
        let of = |s: &Step| match s.ask.request {
            Request::Reprice { to, .. } => Some((s.answered, ticks(to), s.answer.clone())),
            _ => None,
        };
        self.log.iter().filter_map(of).collect()
    }

    pub fn cancels(&self) -> usize {
        self.log.iter().filter(|s| matches!(s.ask.request, Request::Cancel { .. })).count()
    }

    pub fn bid(&self, server: u64) -> Option<i64> {
        self.venue.standing(server).map(|(_, o)| o.bid)
    }

    pub fn holds(&self, server: u64) -> bool {
        self.venue.held().contains(&server)
    }

    pub fn status(&self, server: u64) -> Option<ServerStatus> {
        self.engine.status(self.now).servers.into_iter().find(|s| s.server == ServerId(server))
    }

    pub fn state(&self, server: u64) -> Option<State> {
        self.status(server).map(|s| s.state)
    }

    /// Every denial told, oldest first.
    pub fn denials(&self) -> Vec<(u64, Denial)> {
        let of = |c: &Event| match c {
            Event::Denied { server, denial, .. } => Some((server.0, *denial)),
            _ => None,
        };
        self.changes.iter().filter_map(|(_, c)| of(c)).collect()
    }

    #[track_caller]
    pub fn assert_clean(&self) {
        assert!(self.venue.violations.is_empty(), "{:#?}\n{}", self.venue.violations, self.tail(60));
    }

    /// The last changes asked for and the very last reads, to see what went wrong.
    pub fn tail(&self, count: usize) -> String {
        let recent = self.log.len().saturating_sub(6);
        let chosen = self.log.iter().enumerate().filter(|(i, s)| *i >= recent || s.ask.request.is_command());
        let chosen: Vec<&Step> = chosen.map(|(_, s)| s).collect();
        let from = chosen.len().saturating_sub(count);
        let line = |s: &Step| {
            let outcome = match &s.answer {
                Answer::Market(m) => format!("{:?}", m.offers.iter().map(|o| (o.bid, o.mine)).collect::<Vec<_>>()),
                Answer::Listing(_) => "listing".into(),
                other => format!("{other:?}"),
            };
            let at = s.sent.since(START).ms();
            format!("{at:>9} {:?} ({}) -> {outcome}", s.ask.request, s.ask.reason)
        };
        chosen[from..].iter().map(|s| line(s)).collect::<Vec<_>>().join("\n")
    }
}

/// The first target.
pub const FIRST: TargetId = TargetId(0);
