//! Plays one scenario and judges it by what is true at the venue, and not by what the bot believes.
//!
//! What must hold throughout: the venue's own book-keeper has noted nothing (bids above `max_bid`, two orders on one
//! server, orders of the user touched, more a day than is allowed); no order is made that a target does not want; what the
//! venue charged stays within `max_total_cost`, but for what it charged while nothing got through. Once all is well, within
//! 15 minutes: as many servers are held as are to be had, and what was spent is known to the last tick where it was watched.

use std::panic::{AssertUnwindSafe, catch_unwind};

use clorebid_core::engine::{Engine, Next};
use clorebid_core::request::Answer;
use clorebid_core::strategy::{Choice, Lost, Strategy, Target};
use clorebid_core::time::{Span, Time};

use super::scenario::{Happening, Scenario, TROUBLE};
use crate::common::venue::{Lie, Machine, Order};
use crate::common::{START, World, sum, ticks};

/// All is well for so long before it is judged whether everything wanted is held.
const CALM: Span = Span::from_secs(15 * 60);

/// What a scenario came to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What is wrong, in words. Empty: nothing.
    pub wrong: Vec<String>,
    pub requests: usize,
    pub changes: usize,
    pub orders: usize,
}

/// Plays it.
pub fn play(scenario: &Scenario) -> Verdict {
    match catch_unwind(AssertUnwindSafe(|| Play::new(scenario).run(scenario))) {
        Ok(verdict) => verdict,
        Err(panic) => {
            let words = panic.downcast_ref::<String>().cloned();
            let words = words.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
            Verdict { wrong: vec![format!("panic: {}", words.unwrap_or_default())], ..Verdict::default() }
        }
    }
}

struct Play {
    world: World,
    strategies: [Strategy; 2],
    runs: usize,
    orders_seen: usize,
    /// Ticks times milliseconds that were charged while nothing got through.
    blind: i128,
    wrong: Vec<String>,
}

impl Play {
    fn new(scenario: &Scenario) -> Play {
        let mut world = World::new(scenario.strategies[0].clone(), &scenario.servers);
        world.venue.rng.0 = scenario.seed ^ 0x5eed;
        // It bounds what the bot asks for; the user's own orders and hosts are not in it.
        world.venue.max_daily = None;
        Play { world, strategies: scenario.strategies.clone(), runs: 0, orders_seen: 0, blind: 0, wrong: Vec::new() }
    }

    fn run(mut self, scenario: &Scenario) -> Verdict {
        for (at, happening) in &scenario.happenings {
            self.run_until(START + Span::from_ms(i64::try_from(*at).expect("a moment")));
            self.happen(happening);
        }
        self.run_until(START + Span::from_secs(i64::try_from(TROUBLE).expect("a moment")));
        self.all_is_well();
        self.run_until(self.world.now + CALM);
        self.judge_the_end();
        self.wrong.extend(std::mem::take(&mut self.world.venue.violations));
        Verdict {
            wrong: self.wrong,
            requests: self.world.log.len(),
            changes: self.world.asked_changes().len(),
            orders: self.world.venue.orders.len(),
        }
    }

    fn strategy(&self) -> &Strategy {
        self.world.engine.strategy()
    }

    fn run_until(&mut self, until: Time) {
        while self.world.now < until {
            if !self.world.turn(until) {
                // It gave up: the user starts it again a minute later.
                self.world.halted = None;
                self.away(60);
            }
            self.judge_new_orders();
            if !self.wrong.is_empty() {
                return;
            }
        }
        self.world.venue.pass_to(self.world.now);
    }

    /// The process is gone for so long. What is charged meanwhile nothing can limit.
    fn away(&mut self, secs: i64) {
        let died_at = self.world.now;
        let mut memory = self.world.engine.memory(died_at);
        memory.hand_on(false, died_at, died_at);
        let before = self.charged();
        self.world.now = died_at + Span::from_secs(secs.max(2));
        self.blind += self.charged() - before;
        let strategy = self.strategy().clone();
        self.world.engine = Engine::start(strategy, memory, self.world.now);
    }

    fn charged(&mut self) -> i128 {
        self.world.venue.pass_to(self.world.now);
        self.world.venue.orders.values().filter(|o| o.by_bot).map(|o| o.spend).sum()
    }

    fn machine(&mut self, server: u64, change: impl FnOnce(&mut Machine)) {
        self.world.change(|venue| change(venue.machine(server)));
    }

    fn happen(&mut self, happening: &Happening) {
        match happening {
            Happening::Rival { server, rival, bid: 0 } => self.machine(*server, |m| _ = m.rivals.remove(rival)),
            Happening::Rival { server, rival, bid } => self.machine(*server, |m| _ = m.rivals.insert(*rival, *bid)),
            Happening::Floor { server, floor } => self.machine(*server, |m| m.floor = *floor),
            Happening::Online { server, online } => self.machine(*server, |m| m.online = *online),
            Happening::Rented { server, rented } => self.machine(*server, |m| m.rented = *rented),
            Happening::UserOrders { server, bid } => {
                if self.world.venue.standing(*server).is_none() {
                    self.world.change(|venue| _ = venue.user_orders(*server, *bid));
                }
            }
            Happening::Faults(per_mille) => self.world.venue.faults_per_mille = *per_mille,
            Happening::Force(kind, fault) => self.world.force(*kind, *fault),
            Happening::Down { secs, how } => {
                let before = self.charged();
                self.world.down = Some(how.answer());
                self.run_until(self.world.now + Span::from_secs(*secs));
                self.world.down = None;
                self.blind += self.charged() - before;
            }
            Happening::Late(ms) => self.world.late = Span::from_ms(*ms),
            Happening::Listed(ms) => self.world.venue.listing_delay_ms = (0, *ms),
            Happening::Killed { away } => self.away(*away),
            Happening::KilledInChange { arrives } => self.kill_in_change(*arrives),
            Happening::OtherStrategy { away } => {
                self.runs += 1;
                let next = self.strategies[self.runs % 2].clone();
                let memory = self.world.engine.memory(self.world.now);
                self.away(*away);
                self.world.resume_with(next, memory);
            }
            Happening::Outbid(eviction) => self.world.venue.eviction = *eviction,
            Happening::Step(step) => self.world.venue.step = *step,
            Happening::Window(secs) => self.world.venue.every = Span::from_secs(*secs),
            Happening::Unseen { times } => self.lie(*times, unseen),
            Happening::NotMine { times } => self.lie(*times, not_mine),
            Happening::NoSpend { times } => self.lie(*times, no_spend),
        }
    }

    fn lie(&mut self, times: u32, tell: fn(&mut Answer) -> bool) {
        self.world.venue.lies.push(Lie { times, tell });
    }

    /// The process dies in its next change, if there is one within a minute, and starts again at once.
    fn kill_in_change(&mut self, arrives: bool) {
        let until = self.world.now + Span::from_secs(60);
        while self.world.now < until {
            let mut ahead = self.world.engine.clone();
            if let Next::Ask(ask) = ahead.next(self.world.now)
                && ask.request.is_command()
            {
                self.world.crash_in_change(1, arrives);
                self.judge_new_orders();
                return;
            }
            if !self.world.turn(until) {
                return;
            }
        }
    }

    /// Nothing goes wrong any more, and nobody moves.
    fn all_is_well(&mut self) {
        let venue = &mut self.world.venue;
        venue.faults_per_mille = 0;
        venue.forced.clear();
        venue.lies.clear();
        venue.eviction = crate::common::venue::Eviction::Pause;
        venue.listing_delay_ms = (0, 5_000);
        self.world.late = Span::ZERO;
    }

    /// No order is made that its target does not want.
    fn judge_new_orders(&mut self) {
        if self.world.venue.orders.len() == self.orders_seen {
            return;
        }
        self.orders_seen = self.world.venue.orders.len();
        let now = self.world.now.since(START);
        for target in &self.world.engine.strategy().targets {
            let standing = self.world.venue.orders.values().filter(|o| o.by_bot && o.stands());
            let own = standing.filter(|o| is_of(target, o.server)).count();
            let newest = self.world.venue.orders.values().next_back();
            let is_new = newest.is_some_and(|o| o.by_bot && is_of(target, o.server));
            if is_new && own > usize::try_from(target.want).unwrap_or(usize::MAX) {
                let wants = format!("target {} wants {}", target.name, target.want);
                self.wrong.push(format!("at {now}: {own} orders stand, and {wants}\n{}", self.world.tail(40)));
            }
        }
    }

    fn judge_the_end(&mut self) {
        let charged = self.charged();
        if let Some(max) = self.strategy().limits.max_total_cost {
            let max = i128::from(ticks(clorebid_core::money::Price::new(max.decimal()).expect("a sum")));
            if charged > max * 86_400_000 + self.blind {
                let (charged, blind) = (charged / 86_400_000, self.blind / 86_400_000);
                self.wrong.push(format!("{charged} were charged, {blind} of it blindly, of at most {max}"));
            }
        }
        let spent = self.world.engine.status(self.world.now).spent;
        let off = ticks_of(spent) - charged / 86_400_000;
        // A read's way, for each order: some seconds of each. And what was charged blindly nobody may have told of.
        let most = i128::try_from(self.orders_seen).expect("few") * 2 + 2 + self.blind / 86_400_000;
        if off < -most {
            self.wrong.push(format!("{} ticks were charged that are not known of\n{}", -off, self.world.tail(40)));
        }
        let targets = self.strategy().targets.clone();
        for target in &targets {
            self.judge_held(target);
        }
    }

    /// As many are held as are wanted and to be had. Where money is short, it is not to be had.
    fn judge_held(&mut self, target: &Target) {
        let limits = self.strategy().limits.clone();
        let is_tight =
            limits.max_daily_cost.is_some() || limits.max_total_cost.is_some() || limits.max_orders.is_some();
        if is_tight || target.bid.lost != Lost::Raise {
            return;
        }
        let most = ticks(limits.max_bid);
        let venue = &self.world.venue;
        let is_free = |id: &u64, m: &Machine| {
            let taken = venue.orders.values().any(|o| o.server == *id && o.stands() && !o.by_bot);
            is_of(target, *id) && m.is_open() && !m.rented && m.least_winning() <= most && !taken
        };
        let free = venue.machines.iter().filter(|(id, m)| is_free(id, m)).count();
        let held = venue.orders.values().filter(|o| o.by_bot && o.holding && is_of(target, o.server)).count();
        // What the user ordered while nobody watched may be ours, as far as a later run knows, and counts.
        let is_the_users = |o: &&Order| !o.by_bot && o.stands() && is_of(target, o.server);
        let users = venue.orders.values().filter(is_the_users).count();
        let wanted = usize::try_from(target.want).unwrap_or(usize::MAX).saturating_sub(users).min(free);
        if held < wanted {
            let standing: Vec<_> = venue.orders.iter().filter(|(_, o)| o.by_bot && o.stands()).collect();
            let status: Vec<_> = self.world.engine.status(self.world.now).servers;
            self.wrong.push(format!(
                "target {}: {held} held 15 minutes after the last trouble, of {wanted}\n{standing:#?}\n{status:#?}\n{}",
                target.name,
                self.world.tail(40)
            ));
        }
    }
}

fn ticks_of(amount: clorebid_core::money::Amount) -> i128 {
    let ticks = amount.decimal() / sum(1).decimal();
    i128::try_from(ticks.round()).expect("a sum")
}

fn is_of(target: &Target, server: u64) -> bool {
    match &target.choice {
        Choice::Servers(ids) => ids.iter().any(|id| id.0 == server),
        Choice::Match(_) => true,
    }
}

fn unseen(answer: &mut Answer) -> bool {
    let Answer::Market(market) = answer else { return false };
    let before = market.offers.len();
    market.offers.retain(|o| !o.mine);
    market.offers.len() < before
}

fn not_mine(answer: &mut Answer) -> bool {
    let Answer::Market(market) = answer else { return false };
    let ours = market.offers.iter_mut().filter(|o| o.mine);
    ours.map(|o| o.mine = false).count() > 0
}

fn no_spend(answer: &mut Answer) -> bool {
    let Answer::Orders(rows) = answer else { return false };
    rows.iter_mut().for_each(|row| row.spend = None);
    true
}
