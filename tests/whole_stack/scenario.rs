//! One random scenario for the whole stack: a market, what goes wrong with requests, and what becomes of the process.

use std::fmt::Write as _;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// How long a scenario goes on, in minutes; nothing happens in the last part, so that it must come to rest.
const MINUTES: u64 = 240;
const QUIET: u64 = 50;

/// How one process ends, and what comes before the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// In order.
    Told,
    /// At any moment.
    Killed,
    /// The same, and the journal is gone.
    Lost,
}

/// One process.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    /// Its strategy.
    pub strategy: String,
    /// When it ends, in seconds from the start.
    pub until: u64,
    pub end: End,
    /// How many seconds nobody is there afterwards.
    pub gap: u64,
}

/// A scenario.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    /// The venue's, as a file.
    pub venue: String,
    pub lives: Vec<Life>,
    pub want: usize,
    /// For how many minutes nobody can see what is held, or end it, since every such request fails.
    pub blind: u64,
    pub max_total: Option<&'static str>,
}

struct Dice(ChaCha8Rng);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0.next_u64() % n.max(1)
    }

    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).expect("an index")]
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// A price of that many ticks of 0.00000001 bitcoin.
fn price(ticks: u64) -> String {
    format!("0.{ticks:08}")
}

impl Scenario {
    pub(crate) fn new(seed: u64) -> Scenario {
        let mut dice = Dice(ChaCha8Rng::seed_from_u64(seed));
        let servers: Vec<u64> = (0..dice.between(1, 6)).map(|n| 6 + n * 11).collect();
        let want = dice.between(1, (servers.len() as u64).min(3));
        let max_total = dice.chance(25).then(|| dice.pick(&["0.000002", "0.00001"]));
        let mut venue = format!("name = \"random {seed}\"\nseed = {seed}\n[wallets]\nbitcoin = \"0.01\"\n");
        venue += &rules(&mut dice);
        servers.iter().for_each(|id| venue += &server(&mut dice, *id));
        let (text, blind) = faults(&mut dice);
        venue += &text;
        let lives = lives(&mut dice, &servers, want, max_total);
        Scenario { venue, lives, want: usize::try_from(want).expect("a few"), blind, max_total }
    }
}

fn rules(dice: &mut Dice) -> String {
    let eviction = dice.pick(&["pause", "vanish", "expire", "frozen"]);
    let delay = dice.pick(&["0s", "2s..20s", "1s..60s"]);
    let offer_delay = dice.pick(&["0s", "0s", "1s..8s"]);
    let latency = dice.pick(&["0s", "50ms..400ms", "100ms..3s"]);
    let clock = dice.pick(&["[\"lower\"]", "[\"lower\", \"create\"]", "[\"lower\", \"raise\"]"]);
    let fee = dice.pick(&["0", "1.25", "10"]);
    format!(
        "[venue]\neviction = \"{eviction}\"\norder_delay = \"{delay}\"\noffer_delay = \"{offer_delay}\"\n\
         latency = \"{latency}\"\nlowering_clock = {clock}\nfee_percent = \"{fee}\"\n"
    )
}

fn server(dice: &mut Dice, id: u64) -> String {
    let floor = dice.between(1_000, 3_000);
    let mut text = format!(
        "[[server]]\nid = {id}\ngpu = \"NVIDIA GeForce RTX 4090\"\nmrl = \"365d\"\n\
         on_demand = {{ bitcoin = \"0.00009\" }}\nfloor = {{ bitcoin = \"{}\" }}\n",
        price(floor)
    );
    let quiet_from = MINUTES - QUIET;
    for _ in 0..dice.below(4) {
        let at = dice.below(quiet_from - 20);
        let until = dice.between(at + 1, quiet_from);
        let bid = price(dice.between(floor, 7_000));
        let _ = write!(text, "[[server.rival]]\nat = \"{at}m\"\nuntil = \"{until}m\"\nbid = \"{bid}\"\n");
    }
    if dice.chance(30) {
        let (at, max) = (dice.below(100), price(dice.between(floor, 5_000)));
        let react = dice.pick(&["1s", "20s", "3m"]);
        let until = quiet_from;
        let _ = write!(
            text,
            "[[server.undercutter]]\nat = \"{at}m\"\nuntil = \"{until}m\"\nmax = \"{max}\"\nreact = \"{react}\"\n"
        );
    }
    if dice.chance(30) {
        let (at, kind) = (dice.below(quiet_from - 40), dice.pick(&["offline", "hidden", "on_demand"]));
        let _ =
            write!(text, "[[server.event]]\nat = \"{at}m\"\nkind = \"{kind}\"\nfor = \"{}m\"\n", dice.between(1, 30));
    }
    text
}

/// What goes wrong with requests, and for how many minutes that blinds the bot.
fn faults(dice: &mut Dice) -> (String, u64) {
    const KINDS: [&str; 10] = [
        "lost_before",
        "lost_after",
        "html_502_before",
        "html_502_after",
        "cut_off",
        "code_1_before",
        "code_1_after",
        "timeout",
        "rate_limited",
        "garbage",
    ];
    const CALLS: [&str; 7] =
        ["*", "create_order", "set_spot_price", "cancel_order", "my_orders", "spot_marketplace", "marketplace"];
    let until = MINUTES - QUIET;
    let (mut text, mut blind) = (String::new(), 0);
    for _ in 0..dice.below(6) {
        let (call, kind) = (dice.pick(&CALLS), dice.pick(&KINDS));
        let when = match dice.below(3) {
            0 => format!("nth = {}", dice.between(1, 4)),
            1 => format!("percent = {}", dice.between(1, 30)),
            _ => {
                let at = dice.below(until);
                let blinds = matches!(call, "*" | "my_orders" | "spot_marketplace" | "cancel_order");
                blind += if blinds { until - at } else { 0 };
                format!("at = \"{at}m\"")
            }
        };
        let applied = kind == "timeout" && dice.chance(50);
        let _ = write!(text, "[[fault]]\ncall = \"{call}\"\nkind = \"{kind}\"\n{when}\nuntil = \"{until}m\"\n");
        if applied {
            text += "applied = true\n";
        }
    }
    (text, blind.min(until))
}

fn lives(dice: &mut Dice, servers: &[u64], want: u64, max_total: Option<&str>) -> Vec<Life> {
    let quiet_from = (MINUTES - QUIET) * 60;
    let mut lives = Vec::new();
    let mut at = 0;
    for _ in 0..dice.below(5) {
        let until = at + dice.between(2, 4_000);
        let gap = dice.pick(&[1, 5, 40, 400]);
        if until + gap >= quiet_from {
            break;
        }
        let end = dice.pick(&[End::Told, End::Killed, End::Killed, End::Killed, End::Lost]);
        lives.push(Life { strategy: strategy(dice, servers, want, max_total), until, end, gap });
        at = until + gap;
    }
    let strategy = strategy(dice, servers, want, max_total);
    lives.push(Life { strategy, until: MINUTES * 60, end: End::Told, gap: 0 });
    lives
}

fn strategy(dice: &mut Dice, servers: &[u64], want: u64, max_total: Option<&str>) -> String {
    let chosen =
        if dice.chance(70) { format!("servers = {servers:?}") } else { "match = { gpu = \"RTX 4090\" }".into() };
    let bid = match dice.below(6) {
        0 => format!("policy = \"follow\"\nmargin = \"{}%\"", dice.below(10)),
        1 => "policy = \"follow\"\nlost = \"move\"".to_owned(),
        2 => format!("policy = \"fixed\"\nopen = \"{}\"", price(dice.between(3_000, 6_000))),
        3 => "policy = \"ladder\"\nopen = \"0.00005\"".to_owned(),
        _ => "policy = \"adaptive\"".to_owned(),
    };
    let limit = max_total.map_or(String::new(), |sum| format!("max_total_cost = \"{sum}\"\n"));
    format!(
        "name = \"random\"\ncurrency = \"bitcoin\"\n[limits]\nmax_bid = \"0.00006\"\n{limit}[[target]]\nname = \"t\"\n\
         want = {want}\n{chosen}\n[target.bid]\n{bid}\n"
    )
}
