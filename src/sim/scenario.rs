//! What a simulated venue starts from: its rules, servers, rivals and faults, as a TOML file says it.
//!
//! Prices are strings (`"0.00002"`) or whole numbers, per server and day; a bare TOML fraction is refused, since it would
//! have been rounded already. Lengths of time are strings: `"30s"`, `"1.5s"`, `"20m"`, `"2h"`, `"1d"`; ranges of them
//! `"2s..20s"`. `at`, `until` and `moves` count from the start of the scenario. Unknown keys are errors.
//!
//! | table | keys |
//! |---|---|
//! | (top) | `name`, `start`, `seed` |
//! | `[venue]` | see [`Rules`] |
//! | `[rates]`, `[wallets]` | a value for each currency: USD for one unit, balance |
//! | `[[server]]` | see [`ServerPlan`]; within it `floor_walk`, `crowd`, `undercutter`, `[[server.event]]`, `[[server.rival]]` |
//! | `[[fault]]` | see [`FaultPlan`] |
//!
//! `scenarios/demo.toml` shows all of them with comments.

use clorebid_core::ids::ServerId;
use clorebid_core::money::{Amount, Currency, PerCurrency, Price};
use clorebid_core::time::{Span, Time};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::fault::FaultPlan;
use super::rules::Rules;
use super::text::{SpanRange, one_or_many, some, table, text};

/// A whole scenario.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is called.
    pub name: String,
    /// When it starts; 2026-01-01T00:00:00Z unless given.
    #[serde(default = "default_start", deserialize_with = "text")]
    pub start: Time,
    /// What every random draw comes from, unless the caller brings another.
    #[serde(default)]
    pub seed: u64,
    /// `[venue]`: the rules.
    #[serde(default)]
    pub venue: Rules,
    /// `[rates]`: what one unit of each currency is worth in USD.
    #[serde(default = "default_rates", deserialize_with = "table")]
    pub rates: PerCurrency<Decimal>,
    /// `[wallets]`: our balances.
    #[serde(default = "PerCurrency::none", deserialize_with = "table")]
    pub wallets: PerCurrency<Amount>,
    /// `[[server]]`.
    #[serde(default, rename = "server")]
    pub servers: Vec<ServerPlan>,
    /// `[[fault]]`: the first that fits a request happens to it.
    #[serde(default, rename = "fault")]
    pub faults: Vec<FaultPlan>,
}

/// One server and what will happen on it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerPlan {
    /// Its number.
    pub id: u64,
    /// Its host's number.
    #[serde(default = "default_owner")]
    pub owner: u64,
    /// The cards, as the venue words one of them: `NVIDIA GeForce RTX 4090`.
    pub gpu: String,
    /// How many cards.
    #[serde(default = "default_gpus")]
    pub gpus: u32,
    /// Memory of one card in GB.
    #[serde(default = "default_gpu_ram")]
    pub gpu_ram_gb: u32,
    /// Main memory in GB.
    #[serde(default = "default_ram", deserialize_with = "text")]
    pub ram_gb: Decimal,
    /// Two letters.
    #[serde(default = "default_country")]
    pub country: String,
    /// 0 to 1.
    #[serde(default = "default_reliability", deserialize_with = "text")]
    pub reliability: Decimal,
    /// Longest rental.
    #[serde(default = "default_mrl", deserialize_with = "text")]
    pub mrl: Span,
    /// Coins the host takes; those with a floor unless given.
    #[serde(default)]
    pub allowed_coins: Option<Vec<Currency>>,
    /// On-demand price for each currency.
    #[serde(default = "PerCurrency::none", deserialize_with = "table")]
    pub on_demand: PerCurrency<Price>,
    /// Least bid for each currency.
    #[serde(default = "PerCurrency::none", deserialize_with = "table")]
    pub floor: PerCurrency<Price>,
    /// Hosted by us: listed in my_servers, and we may not rent it.
    #[serde(default)]
    pub mine: bool,
    /// What its host calls it; needed where `mine`.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether it was ever connected. One that was not has no hardware to tell of.
    #[serde(default = "yes")]
    pub connected: bool,
    /// Whether it is online at the start.
    #[serde(default = "yes")]
    pub online: bool,
    /// Whether it is public at the start.
    #[serde(default = "yes")]
    pub public: bool,
    /// A floor that moves at random.
    #[serde(default)]
    pub floor_walk: Option<FloorWalk>,
    /// `[[server.event]]`: what happens to the server.
    #[serde(default, rename = "event")]
    pub events: Vec<EventPlan>,
    /// `[[server.rival]]`: rivals that do as written.
    #[serde(default, rename = "rival")]
    pub rivals: Vec<RivalPlan>,
    /// `[[server.undercutter]]`, or one `undercutter = { … }`: rivals that answer our bids.
    #[serde(default, rename = "undercutter", deserialize_with = "one_or_many")]
    pub undercutters: Vec<UndercutterPlan>,
    /// `[server.crowd]`: rivals that come and go at random.
    #[serde(default)]
    pub crowd: Option<CrowdPlan>,
}

/// A floor that takes a step up or down, or stays, each with the same chance.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FloorWalk {
    /// How often.
    #[serde(deserialize_with = "text")]
    pub every: Span,
    /// How far.
    #[serde(deserialize_with = "text")]
    pub step: Price,
    /// It never falls below this.
    #[serde(deserialize_with = "text")]
    pub min: Price,
    /// It never rises above this.
    #[serde(deserialize_with = "text")]
    pub max: Price,
    /// Which of the floors walks; the others stay. The first the server has, unless given.
    #[serde(default)]
    pub currency: Option<Currency>,
}

/// Something that happens to a server, and is undone after `for` where that is given.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventPlan {
    /// When, from the start.
    #[serde(deserialize_with = "text")]
    pub at: Span,
    /// What.
    pub kind: EventKind,
    /// For how long; for good unless given.
    #[serde(default, rename = "for", deserialize_with = "some")]
    pub lasts: Option<Span>,
    /// The new floors, for `kind = "floor"`.
    #[serde(default = "PerCurrency::none", deserialize_with = "table")]
    pub floor: PerCurrency<Price>,
}

/// What can happen to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The floors named change.
    Floor,
    /// It loses its connection.
    Offline,
    /// It is back.
    Online,
    /// The host takes it off the market.
    Hidden,
    /// The host puts it on the market.
    Public,
    /// A stranger rents it on demand.
    OnDemand,
}

/// A rival that does as written, whatever we do.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RivalPlan {
    /// When it comes.
    #[serde(deserialize_with = "text")]
    pub at: Span,
    /// When it goes; never unless given.
    #[serde(default, deserialize_with = "some")]
    pub until: Option<Span>,
    /// Its first bid.
    #[serde(deserialize_with = "text")]
    pub bid: Price,
    /// What it bids in; the server's first currency unless given.
    #[serde(default)]
    pub currency: Option<Currency>,
    /// Its later bids.
    #[serde(default)]
    pub moves: Vec<RivalMove>,
}

/// A rival's new bid.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RivalMove {
    /// When, from the start of the scenario.
    #[serde(deserialize_with = "text")]
    pub at: Span,
    /// The bid.
    #[serde(deserialize_with = "text")]
    pub bid: Price,
}

/// A rival that answers: when our bid is not below its own, it goes above ours, unless that is above its `max`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UndercutterPlan {
    /// When it begins to watch.
    #[serde(deserialize_with = "text")]
    pub at: Span,
    /// When it goes; never unless given.
    #[serde(default, deserialize_with = "some")]
    pub until: Option<Span>,
    /// What it bids before it has seen us; nothing unless given.
    #[serde(default, deserialize_with = "some")]
    pub bid: Option<Price>,
    /// It never bids more than this.
    #[serde(deserialize_with = "text")]
    pub max: Price,
    /// How far it goes above us; one tick of its currency unless given.
    #[serde(default, deserialize_with = "some")]
    pub raise_by: Option<Price>,
    /// How long it takes to answer.
    #[serde(default = "default_react", deserialize_with = "text")]
    pub react: Span,
    /// What it bids in; the server's first currency unless given.
    #[serde(default)]
    pub currency: Option<Currency>,
}

/// Rivals that come at random moments, stay for random times and bid at random.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrowdPlan {
    /// Time between two arrivals: a range, or a mean from which it differs by up to all of itself.
    #[serde(deserialize_with = "text")]
    pub arrive_every: SpanRange,
    /// How long each stays: a range, or a mean from which it differs by up to a half.
    #[serde(deserialize_with = "text")]
    pub stay: SpanRange,
    /// The lowest bid.
    #[serde(deserialize_with = "text")]
    pub bid_min: Price,
    /// The highest bid.
    #[serde(deserialize_with = "text")]
    pub bid_max: Price,
    /// How many in a hundred bid one tick above the best offer, up to `bid_max`, instead of their own price.
    #[serde(default)]
    pub undercut_percent: u8,
    /// What they bid in; the server's first currency unless given.
    #[serde(default)]
    pub currency: Option<Currency>,
}

impl ServerPlan {
    /// Its number, typed.
    pub fn server(&self) -> ServerId {
        ServerId(self.id)
    }

    /// The first currency it has a floor in: what its rivals bid in unless they say otherwise.
    pub fn first_currency(&self) -> Option<Currency> {
        Currency::ALL.into_iter().find(|c| self.floor.get(*c).is_some())
    }

    /// Whether its host takes that coin, on the spot market or on demand.
    pub fn takes(&self, currency: Currency) -> bool {
        match &self.allowed_coins {
            Some(coins) => coins.contains(&currency),
            None => self.floor.get(currency).or(self.on_demand.get(currency)).is_some(),
        }
    }
}

fn default_start() -> Time {
    Time::from_secs(1_767_225_600)
}

fn default_rates() -> PerCurrency<Decimal> {
    let cent = Decimal::new(1, 2);
    PerCurrency::none()
        .with(Currency::Bitcoin, Decimal::from(100_000))
        .with(Currency::Clore, cent)
        .with(Currency::Usd, Decimal::ONE)
}

fn default_owner() -> u64 {
    1
}

fn default_gpus() -> u32 {
    1
}

fn default_gpu_ram() -> u32 {
    24
}

fn default_ram() -> Decimal {
    Decimal::from(64)
}

fn default_country() -> String {
    "CZ".to_string()
}

fn default_reliability() -> Decimal {
    Decimal::new(99, 2)
}

fn default_mrl() -> Span {
    Span::from_secs(73 * 3600)
}

fn default_react() -> Span {
    Span::from_secs(20)
}

fn yes() -> bool {
    true
}
