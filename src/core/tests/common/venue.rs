//! A venue in memory: the rules that a bid meets, a few ways to fail, and a book-keeper who notes what must never happen.
//!
//! It knows nothing of the engine. Prices are whole ticks of 0.00000001 bitcoin.

use std::collections::BTreeMap;

use clorebid_core::ids::{OrderId, ServerId};
use clorebid_core::market::{BidIn, ListedServer, Listing, Market, Offer, OrderRow, Visibility, Wallet};
use clorebid_core::money::{Amount, Currency, PerCurrency};
use clorebid_core::request::{Answer, Doubt, Refusal, Request};
use clorebid_core::time::{Span, Time};
use rust_decimal::Decimal;

use super::{Rng, price, ticks};

pub use super::faults::{Eviction, Fault, Kind, Lie};

/// One server.
#[derive(Debug, Clone)]
pub struct Machine {
    pub floor: i64,
    pub rivals: BTreeMap<u64, i64>,
    pub exists: bool,
    pub online: bool,
    pub public: bool,
    pub rented: bool,
    pub hosted: bool,
    pub listed: bool,
    pub takes_bitcoin: bool,
    pub on_demand: i64,
    pub gpu: String,
    pub gpus: u32,
    pub country: String,
}

impl Machine {
    pub fn new(floor: i64) -> Machine {
        Machine {
            floor,
            rivals: BTreeMap::new(),
            exists: true,
            online: true,
            public: true,
            rented: false,
            hosted: false,
            listed: true,
            takes_bitcoin: true,
            on_demand: 100_000,
            gpu: "1x NVIDIA GeForce RTX 4090".into(),
            gpus: 1,
            country: "CZ".into(),
        }
    }

    pub fn is_open(&self) -> bool {
        self.exists && self.online && self.public
    }

    pub fn best_rival(&self) -> Option<i64> {
        self.rivals.values().copied().max()
    }

    /// The least bid of a newcomer that would win.
    pub fn least_winning(&self) -> i64 {
        self.best_rival().map_or(self.floor, |r| self.floor.max(r + 1))
    }
}

/// How an order of our account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    Live,
    Frozen,
    Stuck,
    Expired,
    Gone,
}

/// An order of our account.
#[derive(Debug, Clone)]
pub struct Order {
    pub server: u64,
    pub bid: i64,
    pub by_bot: bool,
    pub created: Time,
    pub listed_from: Time,
    pub lowered_at: Option<Time>,
    pub holding: bool,
    pub life: Life,
    /// Ticks times milliseconds.
    pub spend: i128,
    pub held_ms: i64,
}

impl Order {
    pub fn stands(&self) -> bool {
        matches!(self.life, Life::Live | Life::Frozen | Life::Stuck)
    }
}

/// The venue.
#[derive(Debug, Clone)]
pub struct Venue {
    pub now: Time,
    pub machines: BTreeMap<u64, Machine>,
    pub orders: BTreeMap<u64, Order>,
    pub step: i64,
    pub every: Span,
    pub eviction: Eviction,
    pub balance: i64,
    pub fee_percent: Decimal,
    /// So many creates there come to nothing.
    pub refuse_creates: Option<(u64, Lie)>,
    pub quiet_before_create: Option<Span>,
    pub asked_at: Option<Time>,
    pub listing_delay_ms: (u64, u64),
    /// Faults in a thousand requests, for each kind of fault.
    pub faults_per_mille: u64,
    pub forced: Vec<(Kind, Fault)>,
    /// Whether a raise starts the 600 seconds as a lowering does.
    pub raise_starts_window: bool,
    /// Every re-pricing is refused with this.
    pub nonsense: Option<Refusal>,
    /// Answers that are told otherwise than they are.
    pub lies: Vec<Lie>,
    pub rng: Rng,
    pub next_order: u64,
    /// What must never happen, as it happened.
    pub violations: Vec<String>,
    pub max_bid: i64,
    pub max_daily: Option<i64>,
    pub too_soon: u32,
    pub too_large: u32,
    pub lost_changes: u32,
}

impl Venue {
    pub fn new(now: Time) -> Venue {
        Venue {
            now,
            machines: BTreeMap::new(),
            orders: BTreeMap::new(),
            step: 100,
            every: Span::from_secs(600),
            eviction: Eviction::Pause,
            balance: 10_000_000,
            fee_percent: Decimal::ZERO,
            refuse_creates: None,
            quiet_before_create: None,
            asked_at: None,
            listing_delay_ms: (2_000, 20_000),
            faults_per_mille: 0,
            forced: Vec::new(),
            raise_starts_window: false,
            nonsense: None,
            lies: Vec::new(),
            rng: Rng(7),
            next_order: 500,
            violations: Vec::new(),
            max_bid: i64::MAX,
            max_daily: None,
            too_soon: 0,
            too_large: 0,
            lost_changes: 0,
        }
    }

    pub fn machine(&mut self, id: u64) -> &mut Machine {
        self.machines.get_mut(&id).expect("a known server")
    }

    /// The order of ours that stands on that server.
    pub fn standing(&self, server: u64) -> Option<(u64, &Order)> {
        self.orders.iter().find(|(_, o)| o.server == server && o.stands()).map(|(id, o)| (*id, o))
    }

    pub fn held(&self) -> Vec<u64> {
        self.orders.values().filter(|o| o.holding).map(|o| o.server).collect()
    }

    /// The user rents a server without the bot.
    pub fn user_orders(&mut self, server: u64, bid: i64) -> u64 {
        let id = self.insert(server, bid, false);
        self.settle();
        id
    }

    fn insert(&mut self, server: u64, bid: i64, by_bot: bool) -> u64 {
        self.next_order += 1;
        let (lo, hi) = self.listing_delay_ms;
        let delay = Span::from_ms(self.rng.between(lo, hi) as i64);
        let order = Order {
            server,
            bid,
            by_bot,
            created: self.now,
            listed_from: self.now + delay,
            lowered_at: None,
            holding: false,
            life: Life::Live,
            spend: 0,
            held_ms: 0,
        };
        self.orders.insert(self.next_order, order);
        self.next_order
    }

    /// Lets time pass, every holder paying for it.
    pub fn pass_to(&mut self, now: Time) {
        let ms = now.since(self.now).ms();
        for order in self.orders.values_mut().filter(|o| o.holding) {
            order.spend += i128::from(order.bid) * i128::from(ms);
            order.held_ms += ms;
        }
        self.now = self.now.max(now);
    }

    /// Decides who holds what, and evicts who lost.
    pub fn settle(&mut self) {
        let (machines, eviction) = (&self.machines, self.eviction);
        for order in self.orders.values_mut().filter(|o| o.life == Life::Live) {
            let machine = &machines[&order.server];
            let best = machine.best_rival();
            let beaten = best.is_some_and(|r| r > order.bid || (r == order.bid && !order.holding));
            let outbid = beaten || order.bid < machine.floor;
            let holds = machine.is_open() && !machine.rented && !outbid;
            if order.holding && outbid {
                order.life = match eviction {
                    Eviction::Pause => Life::Live,
                    Eviction::Vanish => Life::Gone,
                    Eviction::Expire => Life::Expired,
                    Eviction::Freeze => Life::Frozen,
                    Eviction::Stick => Life::Stuck,
                };
            }
            order.holding = holds;
        }
        self.check();
    }

    fn check(&mut self) {
        let own = self.orders.values().filter(|o| o.by_bot && o.stands());
        let mut per_server: BTreeMap<u64, u32> = BTreeMap::new();
        for order in own.clone() {
            *per_server.entry(order.server).or_default() += 1;
            if order.bid > self.max_bid {
                self.violations.push(format!("I1: {} stands above max_bid {}", order.bid, self.max_bid));
            }
        }
        if per_server.values().any(|n| *n > 1) {
            self.violations.push("I2: two live orders on one server".into());
        }
        let daily: i64 = own.map(|o| o.bid).sum();
        if self.max_daily.is_some_and(|max| daily > max) {
            self.violations.push(format!("I3: {daily} a day stands, {:?} is allowed", self.max_daily));
        }
    }

    fn kind(&self, request: &Request) -> Kind {
        match *request {
            Request::Create { .. } => Kind::Create,
            Request::Cancel { .. } => Kind::Cancel,
            Request::Reprice { order, to, .. } => match self.orders.get(&order.0) {
                Some(o) if ticks(to) < o.bid => Kind::Lower,
                _ => Kind::Raise,
            },
            _ => Kind::Read,
        }
    }

    fn fault(&mut self, kind: Kind) -> Option<Fault> {
        if let Some(at) = self.forced.iter().position(|(k, _)| *k == kind) {
            return Some(self.forced.remove(at).1);
        }
        if self.rng.below(1000) >= self.faults_per_mille {
            return None;
        }
        Some([Fault::LostBefore, Fault::LostAfter, Fault::TooFast, Fault::Database][self.rng.below(4) as usize])
    }

    /// Answers one request, now.
    pub fn send(&mut self, request: &Request) -> Answer {
        let kind = self.kind(request);
        let doubts = [Doubt::TimedOut, Doubt::Broken, Doubt::Garbled { status: 502 }, Doubt::Unlisted("odd".into())];
        let doubt = doubts[self.rng.below(4) as usize].clone();
        match self.fault(kind) {
            None => {
                let mut answer = self.carry_out(request);
                for lie in self.lies.iter_mut().filter(|lie| lie.times > 0) {
                    lie.times -= u32::from((lie.tell)(&mut answer));
                }
                answer
            }
            Some(Fault::Twice) => {
                self.carry_out(request);
                self.carry_out(request)
            }
            Some(Fault::TooFast) => Answer::Refused(Refusal::RateLimited),
            Some(Fault::Unreachable) => Answer::Unknown(Doubt::Unreachable),
            Some(Fault::Database) => {
                self.lost_changes += u32::from(kind != Kind::Read);
                Answer::Unknown(Doubt::DatabaseError)
            }
            Some(Fault::LostBefore) => {
                self.lost_changes += u32::from(kind != Kind::Read);
                Answer::Unknown(doubt)
            }
            Some(Fault::LostAfter) => {
                self.lost_changes += u32::from(kind != Kind::Read);
                self.carry_out(request);
                Answer::Unknown(doubt)
            }
        }
    }

    fn carry_out(&mut self, request: &Request) -> Answer {
        let quiet_since = self.asked_at.replace(self.now);
        if let (Request::Create { .. }, Some(quiet)) = (request, self.quiet_before_create)
            && quiet_since.is_some_and(|at| self.now.since(at) < quiet)
        {
            return Answer::Refused(Refusal::RateLimited);
        }
        if let (Request::Create { server, .. }, Some((on, lie))) = (request, &mut self.refuse_creates)
            && server.0 == *on
            && lie.times > 0
        {
            lie.times -= 1;
            let mut answer = Answer::Applied;
            (lie.tell)(&mut answer);
            return answer;
        }
        let answer = match *request {
            Request::SpotMarket { server } => self.market(server.0),
            Request::Marketplace => self.listing(),
            Request::MyOrders | Request::AllOrders => self.my_orders(),
            Request::Wallets => Answer::Wallets(vec![Wallet {
                currency: Currency::Bitcoin,
                balance: Amount::new(Decimal::new(self.balance, 8)),
            }]),
            Request::Create { server, bid, .. } => self.create(server.0, ticks(bid)),
            Request::Reprice { order, to, .. } => match &self.nonsense {
                Some(refusal) => Answer::Refused(refusal.clone()),
                None => self.reprice(order.0, ticks(to)),
            },
            Request::Cancel { order, .. } => self.cancel(order.0),
        };
        self.settle();
        answer
    }

    fn create(&mut self, server: u64, bid: i64) -> Answer {
        let Some(machine) = self.machines.get(&server).filter(|m| m.exists) else {
            return Answer::Refused(Refusal::ServerGone);
        };
        if machine.hosted {
            self.violations.push(format!("a create on our own server {server}"));
            return Answer::Refused(Refusal::OwnServer);
        }
        if let Some((_, order)) = self.standing(server) {
            if order.by_bot && order.created != self.now {
                self.violations.push(format!("I6: a second create on server {server}"));
            }
            return Answer::Unknown(Doubt::AlreadyHaveOrder);
        }
        if !machine.is_open() {
            return Answer::Refused(Refusal::ServerOffline);
        }
        if machine.rented {
            return Answer::Refused(Refusal::ServerRented);
        }
        if !machine.takes_bitcoin {
            self.violations.push(format!("a create on server {server}, which does not take the coin"));
            return Answer::Refused(Refusal::CurrencyNotAllowed);
        }
        if bid < machine.floor {
            return Answer::Refused(Refusal::PriceTooLow { least: Some(price(machine.floor)) });
        }
        self.insert(server, bid, true);
        Answer::Applied
    }

    fn reprice(&mut self, id: u64, to: i64) -> Answer {
        let (now, every, step) = (self.now, self.every, self.step);
        let Some(order) = self.orders.get_mut(&id) else { return Answer::Refused(Refusal::OrderGone) };
        if !order.by_bot {
            self.violations.push(format!("I12: order {id} of the user re-priced"));
        }
        if !order.stands() {
            return Answer::Refused(Refusal::OrderGone);
        }
        if to < order.bid {
            if let Some(at) = order.lowered_at.filter(|at| now.since(*at) < every) {
                self.too_soon += 1;
                return Answer::Refused(Refusal::LoweringTooSoon { wait: every - now.since(at) });
            }
            if to < order.bid - step {
                self.too_large += 1;
                return Answer::Refused(Refusal::StepTooLarge { lowest: price(order.bid - step) });
            }
            order.lowered_at = Some(now);
        } else if self.raise_starts_window {
            order.lowered_at = Some(now);
        }
        order.bid = to;
        Answer::Applied
    }

    fn cancel(&mut self, id: u64) -> Answer {
        let Some(order) = self.orders.get_mut(&id) else { return Answer::Refused(Refusal::OrderGone) };
        if !order.by_bot {
            self.violations.push(format!("I12: order {id} of the user cancelled"));
        }
        if !order.stands() {
            return Answer::Refused(Refusal::OrderGone);
        }
        (order.life, order.holding) = (Life::Gone, false);
        Answer::Applied
    }

    fn market(&self, id: u64) -> Answer {
        let Some(machine) = self.machines.get(&id) else {
            return Answer::Market(Market {
                server: ServerId(id),
                exists: false,
                online: false,
                visibility: Visibility::Hidden,
                floors: PerCurrency::none(),
                longest_rental: None,
                offers: Vec::new(),
                usd_rates: PerCurrency::none(),
            });
        };
        let ours: Vec<(u64, &Order)> = self
            .orders
            .iter()
            .filter(|(_, o)| o.server == id && matches!(o.life, Life::Live | Life::Stuck))
            .map(|(id, o)| (*id, o))
            .collect();
        let held = ours.iter().any(|(_, o)| o.holding);
        let (floor, is_free) = (price(machine.floor), !held && machine.is_open() && !machine.rented);
        let wins = |bid: i64| is_free && Some(bid) == machine.best_rival() && bid >= machine.floor;
        let offer = |id: u64, bid: i64, active: bool, mine: bool| Offer {
            id: OrderId(id),
            bid: price(bid),
            active,
            mine,
            currency: BidIn::Unsaid,
        };
        let rivals = machine.rivals.iter().map(|(rival, bid)| offer(1_000_000 + rival, *bid, wins(*bid), false));
        let mine = ours.iter().map(|(id, o)| offer(*id, o.bid, o.holding, true));
        Answer::Market(Market {
            server: ServerId(id),
            exists: machine.exists,
            online: machine.online,
            visibility: if machine.public { Visibility::Public } else { Visibility::Hidden },
            floors: PerCurrency::none().with(Currency::Bitcoin, floor).with(Currency::Usd, floor),
            longest_rental: None,
            offers: rivals.chain(mine).collect(),
            usd_rates: PerCurrency::none(),
        })
    }

    fn listing(&self) -> Answer {
        let listed = self.machines.iter().filter(|(_, m)| m.exists && m.listed).map(|(id, m)| ListedServer {
            id: ServerId(*id),
            on_demand: PerCurrency::none().with(Currency::Bitcoin, price(m.on_demand)),
            spot: PerCurrency::none().with(Currency::Bitcoin, price(m.floor)),
            rented: m.rented,
            allowed: Some(if m.takes_bitcoin { vec![Currency::Bitcoin] } else { vec![Currency::Clore] }),
            gpu: m.gpu.clone(),
            gpus: m.gpus,
            ram_gb: Decimal::new(64, 0),
            reliability: Some(Decimal::new(99, 2)),
            country: Some(m.country.clone()),
            longest_rental: Some(Span::DAY),
        });
        let hosted = self.machines.iter().filter(|(_, m)| m.hosted).map(|(id, _)| ServerId(*id));
        Answer::Listing(Listing { servers: listed.collect(), my_servers: hosted.collect() })
    }

    fn my_orders(&self) -> Answer {
        let day = Decimal::new(86_400_000, 0);
        let listed = self.orders.iter().filter(|(_, o)| o.life != Life::Gone && self.now >= o.listed_from);
        let rows = listed.map(|(id, o)| OrderRow {
            id: OrderId(*id),
            server: ServerId(o.server),
            price: Some(price(o.bid)),
            spot: Some(true),
            expired: o.life == Life::Expired,
            currency: Some(Currency::Bitcoin),
            spend: Amount::new((Decimal::from_i128_with_scale(o.spend, 8) / day).round_dp(18)),
            created: Some(o.created),
            fee_percent: Some(self.fee_percent),
            creation_fee: Some(Amount::ZERO),
        });
        Answer::Orders(rows.collect())
    }
}
