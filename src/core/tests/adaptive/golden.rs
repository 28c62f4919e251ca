//! Two runs of several days on random markets, step by step against the figures of an independent implementation of the
//! same rules: `golden/adaptive.txt`. Each run begins with the number of servers, kappa, the ceiling and the step.
//!
//! A line is one step: the milliseconds passed; for each server the least winning bid that was read, `=` for the same as
//! before, `-` for a server that cannot be held, `.` for one that was not read, `!` behind an answer of a rival; what was
//! decided, with server, price and the wait for the next create; the milliseconds until it may be decided otherwise, or
//! -1. On some lines both regrets follow, the backoff, and the price list of a server: star, its cost, the sums of its
//! levels and risks, and how often rivals answer.

use clorebid_core::ids::ServerId;
use clorebid_core::policy::adaptive::choice::{Decision, Held, Question, Wish, decide};
use clorebid_core::policy::adaptive::market::{Market, Seen};
use clorebid_core::policy::adaptive::regret::{Regret, Which};
use clorebid_core::policy::adaptive::terms::Terms;
use clorebid_core::time::{Span, Time};

const WINDOW: Span = Span::from_secs(600);

/// One who bids by the policy alone: every wish is carried out at once.
#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) now: Time,
    pub(crate) markets: Vec<Market>,
    step: u64,
    pub(crate) held: Option<Held>,
    pub(crate) regret: Regret,
    may_create: Time,
}

/// The fields of one line.
struct Fields<'a>(std::str::SplitWhitespace<'a>);

impl<'a> Fields<'a> {
    fn text(&mut self) -> Option<&'a str> {
        self.0.next()
    }

    fn number<T: std::str::FromStr>(&mut self) -> Option<T> {
        self.0.next().map(|text| text.parse().ok().unwrap())
    }
}

impl Run {
    pub(crate) fn new(header: &str) -> Run {
        let mut fields = Fields(header.split_whitespace());
        let servers: usize = fields.number().unwrap();
        let terms = Terms { kappa: fields.number().unwrap(), ceiling: fields.number().unwrap() };
        let now = Time::from_ms(1_700_000_000_000);
        Run {
            now,
            markets: vec![Market::new(terms); servers],
            step: fields.number().unwrap(),
            held: None,
            regret: Regret::new(now),
            may_create: Time::default(),
        }
    }

    pub(crate) fn read(&mut self, server: usize, text: &str) {
        let market = &mut self.markets[server];
        let ours = self.held.is_some_and(|held| held.server == ServerId(server as u64));
        match text {
            "-" => market.unholdable(),
            "." => {}
            "=" => assert_eq!(market.observe(self.now, market.least().unwrap(), ours), Seen::Same),
            text => {
                let seen = market.observe(self.now, text.trim_end_matches('!').parse().unwrap(), ours);
                if seen == Seen::Answered {
                    self.regret.answered();
                }
                assert_eq!(seen == Seen::Answered, text.ends_with('!'));
            }
        }
    }

    pub(crate) fn ask(&mut self) -> Decision {
        self.markets.iter_mut().for_each(|market| market.advance(self.now));
        let markets: Vec<(ServerId, &Market)> =
            self.markets.iter().enumerate().map(|(n, market)| (ServerId(n as u64), market)).rev().collect();
        decide(&Question {
            now: self.now,
            markets: &markets,
            held: self.held,
            regret: self.regret,
            step: Some(self.step),
            may_create: self.may_create,
            left_until: None,
        })
    }

    fn bid(&mut self, server: ServerId, bid: u64, next_lower: Time) {
        self.held = Some(Held { server, bid, next_lower, ties: false });
        self.markets[server.0 as usize].touch(self.now, bid);
    }

    /// Carries the wish out, and writes it as the figures do.
    pub(crate) fn carry_out(&mut self, decision: &Decision) -> String {
        self.regret = decision.done;
        let held = self.held;
        let (server, next_lower) = held.map_or((ServerId(0), self.now), |held| (held.server, held.next_lower));
        match decision.wish {
            Wish::Keep => "K".to_string(),
            Wish::LetGo => {
                self.held = None;
                "G".to_string()
            }
            Wish::Place { server, price } => {
                self.may_create = self.now + Span::from_ms(5_250);
                self.bid(server, price, self.now);
                format!("P{server}:{price}")
            }
            Wish::Raise { to } => {
                self.bid(server, to, next_lower);
                format!("R{server}:{to}")
            }
            Wish::Lower { to } => {
                self.bid(server, to, self.now + WINDOW);
                format!("L{server}:{to}")
            }
            Wish::Replace { price } => {
                self.held = None;
                format!("A{server}:{price}")
            }
            Wish::Move { server, price } => {
                self.held = None;
                format!("M{server}:{price}")
            }
        }
    }

    fn step(&mut self, number: usize, line: &str) {
        let mut fields = Fields(line.split_whitespace());
        self.now = self.now + Span::from_ms(fields.number().unwrap());
        for server in 0..self.markets.len() {
            self.read(server, fields.text().unwrap());
        }
        let decision = self.ask();
        assert!(decision.wish != Wish::Keep || decision.kept == decision.done, "{line}");
        let decided = self.carry_out(&decision);
        let expected = fields.text().unwrap();
        let wait = expected.strip_prefix(&decided).unwrap_or_else(|| panic!("{decision:?} on {line}"));
        if let Some(wait) = wait.strip_prefix(':') {
            self.may_create = Time::from_ms(self.now.ms() + wait.parse::<i64>().unwrap());
        }
        let wake = decision.wake.map_or(-1, |wake| wake.ms() - self.now.ms());
        assert_eq!(Some(wake), fields.number(), "{line}");
        let Some(sum) = fields.number::<i128>() else { return };
        assert_eq!(self.regret.sum(Which::Whole), sum, "{line}");
        assert_eq!(Some(self.regret.sum(Which::Step)), fields.number(), "{line}");
        assert_eq!(Some(self.regret.backoff()), fields.number(), "{line}");
        let shown = self.held.map_or(number % self.markets.len(), |held| held.server.0 as usize);
        let market = &self.markets[shown];
        let Some(star) = fields.number::<u64>() else { return assert!(market.priced().is_none(), "{line}") };
        let fit = market.priced().unwrap();
        assert_eq!(fit.star(), star, "{line}");
        assert_eq!(Some(fit.star_cost()), fields.number(), "{line}");
        assert_eq!(Some(fit.levels().map(|level| level.0).sum::<u64>()), fields.number(), "{line}");
        assert_eq!(Some(fit.levels().map(|level| level.1).sum::<u64>()), fields.number(), "{line}");
        assert_eq!(Some(market.answered()), fields.number(), "{line}");
    }
}

#[test]
fn two_runs_come_to_the_figures_of_an_independent_implementation() {
    let text = include_str!("../golden/adaptive.txt");
    for run in text.split("\n\n").filter(|run| !run.trim().is_empty()) {
        let mut lines = run.lines();
        let mut state = Run::new(lines.next().unwrap());
        for (number, line) in lines.enumerate() {
            state.step(number, line);
        }
    }
    for wish in [" K", " P", " R", " L", " A", " M", " G"] {
        assert!(text.contains(wish), "{wish} does not occur");
    }
}
