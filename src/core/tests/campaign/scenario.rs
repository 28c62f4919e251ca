//! What happens in one scenario of the campaign: a strategy, and what the market, the venue, the network, the machine and
//! the user do to it, each at its moment. All of it follows from a seed, and any part of it can be left out.

use std::fmt;

use clorebid_core::policy::adaptive::policy::Adaptive;
use clorebid_core::request::{Answer, Doubt, Refusal};
use clorebid_core::strategy::{Lost, Margin, Strategy, Target};
use clorebid_core::time::Span;
use rust_decimal::Decimal;

use crate::common::venue::{Eviction, Fault, Kind};
use crate::common::{Rng, matching, price, strategy, sum, target};

/// How long things happen, in seconds; then everything is well again.
pub const TROUBLE: u64 = 3 * 3_600;

/// Something that happens.
#[derive(Debug, Clone)]
pub enum Happening {
    /// A rival's bid on a server; 0: it goes.
    Rival { server: u64, rival: u64, bid: i64 },
    /// A host asks for another price.
    Floor { server: u64, floor: i64 },
    /// A server goes offline or comes back.
    Online { server: u64, online: bool },
    /// A server is rented on demand or free again.
    Rented { server: u64, rented: bool },
    /// The user rents a server without the bot.
    UserOrders { server: u64, bid: i64 },
    /// So many of a thousand requests go wrong from now on.
    Faults(u64),
    /// The next request of a kind goes wrong.
    Force(Kind, Fault),
    /// Nothing gets through for so many seconds, in this way.
    Down { secs: i64, how: How },
    /// Every answer takes so many milliseconds longer.
    Late(i64),
    /// A new order is listed so many milliseconds late.
    Listed(u64),
    /// The process is killed and starts again so many seconds later.
    Killed { away: i64 },
    /// It is killed in its next change, after the venue carried it out or before.
    KilledInChange { arrives: bool },
    /// The user stops it and starts it with the other strategy, or with the first one again.
    OtherStrategy { away: i64 },
    /// What becomes of an order that is outbid.
    Outbid(Eviction),
    /// The venue's largest lowering.
    Step(i64),
    /// The venue's time between two lowerings.
    Window(i64),
    /// The next answers show a server's book without our offer.
    Unseen { times: u32 },
    /// The next books show our offers as other people's.
    NotMine { times: u32 },
    /// The next lists tell nothing of what orders cost.
    NoSpend { times: u32 },
}

/// How nothing gets through.
#[derive(Debug, Clone, Copy)]
pub enum How {
    /// No connection.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// A page of some proxy.
    Garbled,
    /// Too many requests.
    Limited,
    /// The key is refused.
    BadKey,
}

impl How {
    pub fn answer(self) -> Answer {
        match self {
            How::Unreachable => Answer::Unknown(Doubt::Unreachable),
            How::TimedOut => Answer::Unknown(Doubt::TimedOut),
            How::Garbled => Answer::Unknown(Doubt::Garbled { status: 502 }),
            How::Limited => Answer::Refused(Refusal::RateLimited),
            How::BadKey => Answer::Refused(Refusal::BadKey),
        }
    }
}

/// One scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub seed: u64,
    /// Servers and their floors at first.
    pub servers: Vec<(u64, i64)>,
    /// What the user starts with, and what it is changed for.
    pub strategies: [Strategy; 2],
    /// What happens, and when, in milliseconds.
    pub happenings: Vec<(u64, Happening)>,
}

impl Scenario {
    pub fn new(seed: u64) -> Scenario {
        let mut rng = Rng(seed);
        let count = if rng.chance(100) { rng.between(20, 60) } else { rng.between(1, 6) };
        let servers: Vec<(u64, i64)> = (1..=count).map(|id| (id, rng.price(500, 1_500))).collect();
        let strategies = strategies(&mut rng, count);
        let amount = rng.between(2, 40);
        let mut happenings: Vec<(u64, Happening)> =
            (0..amount).map(|_| (rng.below(TROUBLE * 1_000), happening(&mut rng, count))).collect();
        happenings.sort_by_key(|(at, _)| *at);
        Scenario { seed, servers, strategies, happenings }
    }

    /// The same with a policy that learns.
    pub fn adaptive(seed: u64) -> Scenario {
        let mut scenario = Scenario::new(seed);
        let targets = scenario.strategies.iter_mut().flat_map(|strategy| &mut strategy.targets);
        targets.for_each(|target| target.policy = Adaptive.into());
        scenario
    }

    /// The same without some of what happens.
    pub fn without(&self, from: usize, to: usize) -> Scenario {
        let mut less = self.clone();
        less.happenings.drain(from..to);
        less
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "servers and floors: {:?}", self.servers)?;
        for strategy in &self.strategies {
            writeln!(f, "limits: {:?}", strategy.limits)?;
            for target in &strategy.targets {
                writeln!(f, "  {} wants {} of {:?}: {:?}", target.name, target.want, target.choice, target.bid)?;
            }
        }
        for (at, happening) in &self.happenings {
            writeln!(f, "  {:>9} ms: {happening:?}", at)?;
        }
        Ok(())
    }
}

/// Two strategies with the same limits: the other one has fewer targets, or wants less of them.
fn strategies(rng: &mut Rng, servers: u64) -> [Strategy; 2] {
    let mut targets = Vec::new();
    let parts = rng.between(1, 3.min(servers));
    for part in 0..parts {
        let own: Vec<u64> = (1..=servers).filter(|id| id % parts == part).collect();
        let mut wanted = target(&format!("t{part}"), &own);
        wanted.want = u32::try_from(rng.between(1, own.len() as u64)).expect("few");
        set_bid(rng, &mut wanted);
        targets.push(wanted);
    }
    if parts == 1 && rng.chance(200) {
        let all = Target { want: targets[0].want, ..matching("all", "4090") };
        targets = vec![Target { bid: targets[0].bid.clone(), ..all }];
    }
    let mut first = strategy(targets);
    let limits = &mut first.limits;
    limits.max_bid = price(rng.price(1_500, 6_000));
    limits.max_daily_cost = rng.chance(250).then(|| sum(rng.price(1_500, 20_000)));
    limits.max_total_cost = rng.chance(250).then(|| sum(rng.price(20, 400)));
    limits.max_orders = rng.chance(150).then(|| u32::try_from(rng.between(1, 4)).expect("few"));
    let mut other = first.clone();
    if other.targets.len() > 1 && rng.chance(500) {
        other.targets.pop();
    }
    for target in &mut other.targets {
        if target.want > 1 && rng.chance(300) {
            target.want -= 1;
        }
        set_bid(rng, target);
    }
    [first, other]
}

fn set_bid(rng: &mut Rng, target: &mut Target) {
    let bid = &mut target.bid;
    bid.margin = if rng.chance(500) { Margin::Percent(Decimal::from(rng.below(10))) } else { bid.margin };
    bid.replace = rng.chance(400);
    bid.lost = *pick(rng, &[Lost::Raise, Lost::Raise, Lost::Move]);
    bid.lower_after = Span::from_secs(*pick(rng, &[0, 0, 120]));
}

fn pick<'a, T>(rng: &mut Rng, of: &'a [T]) -> &'a T {
    &of[usize::try_from(rng.below(of.len() as u64)).expect("an index")]
}

fn happening(rng: &mut Rng, servers: u64) -> Happening {
    let server = rng.between(1, servers);
    let kinds = [Kind::Create, Kind::Raise, Kind::Lower, Kind::Cancel, Kind::Read];
    let faults =
        [Fault::LostBefore, Fault::LostAfter, Fault::TooFast, Fault::Database, Fault::Unreachable, Fault::Twice];
    let hows = [How::Unreachable, How::TimedOut, How::Garbled, How::Limited, How::BadKey];
    match rng.below(26) {
        0..=5 => {
            let bid = if rng.chance(300) { 0 } else { rng.price(500, 3_000) };
            Happening::Rival { server, rival: rng.between(1, 3), bid }
        }
        6 => Happening::Floor { server, floor: rng.price(500, 2_000) },
        7 => Happening::Online { server, online: rng.chance(400) },
        8 => Happening::Rented { server, rented: rng.chance(600) },
        9 => Happening::UserOrders { server, bid: rng.price(500, 2_000) },
        10 => Happening::Faults(*pick(rng, &[0, 20, 100, 300])),
        11..=14 => {
            let kind = *pick(rng, &kinds);
            Happening::Force(kind, *pick(rng, if kind == Kind::Read { &faults[..5] } else { &faults }))
        }
        15 => Happening::Down { secs: *pick(rng, &[5, 40, 300, 3_600]), how: *pick(rng, &hows) },
        16 => Happening::Late(*pick(rng, &[0, 0, 500, 3_000, 8_000])),
        17 => Happening::Listed(*pick(rng, &[0, 5_000, 25_000, 90_000])),
        18 => Happening::Killed { away: *pick(rng, &[1, 3, 60, 1_800]) },
        19 => Happening::KilledInChange { arrives: rng.chance(500) },
        20 => Happening::OtherStrategy { away: *pick(rng, &[3, 60]) },
        21 => {
            let all = [Eviction::Pause, Eviction::Vanish, Eviction::Expire, Eviction::Freeze, Eviction::Stick];
            Happening::Outbid(*pick(rng, &all))
        }
        22 => Happening::Step(*pick(rng, &[30, 100, 400])),
        23 => Happening::Window(*pick(rng, &[300, 600, 900])),
        24 => match rng.chance(500) {
            true => Happening::Unseen { times: 1 },
            false => Happening::NotMine { times: u32::try_from(rng.between(1, 5)).expect("few") },
        },
        _ => Happening::NoSpend { times: u32::try_from(rng.between(1, 30)).expect("few") },
    }
}
