//! A tape in the place of the venue: what was recorded, with our own bids in it, and what they cost.
//!
//! An answer holds until the next one. Our offer holds a server while that is open and not rented on demand, our bid is
//! not below the floor and above every rival's: a tie loses. Evictions happen when the tape says so, whether we look or
//! not, and cost accrues by the tape's time, not by our reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use clorebid_core::ids::{OrderId, ServerId, TargetId};
use clorebid_core::market::{BidIn, Listing, Market, Offer, OrderRow, Visibility, Wallet};
use clorebid_core::money::{Amount, Currency, PerCurrency, Price};
use clorebid_core::request::{Answer, Doubt, Refusal, Request};
use clorebid_core::strategy::Strategy;
use clorebid_core::time::Time;
use rust_decimal::Decimal;

use super::ledger::Ledger;
use super::{Rivals, VenueRules};
use crate::tape::{Change, Series, ServerSeries};

/// Something that happens on the tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// That server's market or listing changes.
    Server(ServerId, Told),
    /// Nothing is recorded from here on.
    GapFrom,
    /// Records go on.
    GapTo,
}

/// How much a tape has told of one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Told {
    /// Changes of its market.
    changes: usize,
    /// Listings that differ.
    listed: usize,
    /// Both, as moments.
    news: usize,
}

/// An order of ours on the tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Order {
    id: OrderId,
    server: ServerId,
    target: TargetId,
    bid: Price,
    made_at: Time,
    may_lower_at: Time,
    holding: bool,
}

/// The venue as a tape recorded it.
#[derive(Debug)]
pub(super) struct TapeVenue {
    series: Arc<Series>,
    events: Arc<Vec<(Time, Event)>>,
    next_event: usize,
    rules: VenueRules,
    currency: Currency,
    rivals: Rivals,
    now: Time,
    /// When on-demand prices last changed.
    priced_at: Time,
    told: BTreeMap<ServerId, Told>,
    server_news: Arc<BTreeMap<ServerId, Vec<Time>>>,
    listing_news: Arc<Vec<Time>>,
    orders: BTreeMap<ServerId, Order>,
    /// Each server's market as it would be shown now, where nothing has happened since it was last asked for.
    shown: BTreeMap<ServerId, Answer>,
    /// The answer to the last request of another kind.
    other: Answer,
    last_id: u64,
    /// With rivals that answer: what each has answered so far, and the most it ever bid.
    answered: BTreeMap<OrderId, Price>,
    most: Arc<BTreeMap<OrderId, Price>>,
    pub ledger: Ledger,
}

/// What every run over the same tape shares.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub(super) series: Arc<Series>,
    events: Arc<Vec<(Time, Event)>>,
    most: Arc<BTreeMap<OrderId, Price>>,
    /// When each server's market or listing changes, and when any listing does.
    server_news: Arc<BTreeMap<ServerId, Vec<Time>>>,
    listing_news: Arc<Vec<Time>>,
}

impl Recorded {
    /// Prepares a series for any number of runs.
    pub fn new(series: Series) -> Recorded {
        let mut events: Vec<(Time, Event)> = Vec::new();
        let mut most: BTreeMap<OrderId, Price> = BTreeMap::new();
        let mut server_news: BTreeMap<ServerId, Vec<Time>> = BTreeMap::new();
        for (id, server) in &series.servers {
            let listed = server.listed.iter().map(|l| l.at);
            let mut news: Vec<Time> = server.changes.iter().map(|c| c.at).chain(listed).collect();
            news.sort_unstable();
            let mut told = Told::default();
            for at in &news {
                told.go_on_to(*at, server, &news);
                events.push((*at, Event::Server(*id, told)));
            }
            server_news.insert(*id, news);
            for rival in server.changes.iter().flat_map(|c| c.rivals.iter()) {
                let highest = most.entry(rival.id).or_insert(rival.bid);
                *highest = rival.bid.max(*highest);
            }
        }
        events.extend(series.gaps.iter().flat_map(|g| [(g.from, Event::GapFrom), (g.to, Event::GapTo)]));
        events.sort_by_key(|(at, _)| *at);
        let mut listing_news: Vec<Time> = series.servers.values().flat_map(|s| s.listed.iter().map(|l| l.at)).collect();
        listing_news.sort_unstable();
        Recorded {
            series: Arc::new(series),
            events: Arc::new(events),
            most: Arc::new(most),
            server_news: Arc::new(server_news),
            listing_news: Arc::new(listing_news),
        }
    }

    /// When the tape begins and ends.
    pub fn span(&self) -> (Time, Time) {
        (self.series.from, self.series.to)
    }

    /// The tape itself.
    pub fn series(&self) -> &Series {
        &self.series
    }
}

impl TapeVenue {
    /// The tape with a ledger for that strategy, before its first moment.
    pub(super) fn for_run(strategy: &Strategy, recorded: &Recorded, rules: &VenueRules, rivals: Rivals) -> TapeVenue {
        let mut ledger = Ledger::new(strategy, recorded.series());
        ledger.set_fixed_worth();
        TapeVenue::new(recorded, rules.clone(), strategy.currency, rivals, ledger)
    }

    fn new(recorded: &Recorded, rules: VenueRules, currency: Currency, rivals: Rivals, ledger: Ledger) -> TapeVenue {
        let mut venue = TapeVenue {
            series: Arc::clone(&recorded.series),
            events: Arc::clone(&recorded.events),
            next_event: 0,
            rules,
            currency,
            rivals,
            now: recorded.series.from,
            priced_at: recorded.series.from,
            told: BTreeMap::new(),
            server_news: Arc::clone(&recorded.server_news),
            listing_news: Arc::clone(&recorded.listing_news),
            orders: BTreeMap::new(),
            shown: BTreeMap::new(),
            other: Answer::Applied,
            last_id: 0,
            answered: BTreeMap::new(),
            most: Arc::clone(&recorded.most),
            ledger,
        };
        venue.ledger.prices_begin(recorded.series.from, &recorded.series, currency);
        venue.advance(recorded.series.from);
        venue
    }

    /// Lets everything happen that happens until `now`.
    pub(super) fn advance(&mut self, now: Time) {
        while let Some((at, event)) = self.events.get(self.next_event).copied().filter(|(at, _)| *at <= now) {
            self.next_event += 1;
            self.now = at;
            match event {
                Event::Server(id, told) => {
                    let listed_before = self.told.insert(id, told).map_or(0, |before| before.listed);
                    self.shown.remove(&id);
                    self.forget_answers(id, at);
                    self.settle(id, true);
                    if told.listed != listed_before {
                        self.move_prices(at);
                    }
                }
                Event::GapFrom => self.ledger.gap(at, true),
                Event::GapTo => self.ledger.gap(at, false),
            }
        }
        self.now = now;
    }

    /// Takes note of every on-demand price that changes at that moment, once.
    fn move_prices(&mut self, at: Time) {
        if std::mem::replace(&mut self.priced_at, at) == at {
            return;
        }
        let from_here = &self.events[self.next_event - 1..];
        for (_, event) in from_here.iter().take_while(|(same, _)| *same == at) {
            if let Event::Server(id, _) = event {
                self.ledger.price_moved(at, *id, &self.series, self.currency);
            }
        }
    }

    /// The answer to one request, now.
    pub(super) fn answer(&mut self, now: Time, request: &Request) -> &Answer {
        self.advance(now);
        match *request {
            // A rival's answer to one bid is the same offer wherever it is shown.
            _ if request.is_command() && self.rivals == Rivals::Counter => self.shown.clear(),
            Request::Create { server, .. } | Request::Reprice { server, .. } | Request::Cancel { server, .. } => {
                self.shown.remove(&server);
            }
            _ => {}
        }
        self.other = match *request {
            Request::SpotMarket { server } => {
                if !self.shown.contains_key(&server) {
                    self.shown.insert(server, Answer::Market(self.market(server)));
                }
                return &self.shown[&server];
            }
            Request::Marketplace => Answer::Listing(self.listing()),
            Request::MyOrders | Request::AllOrders => {
                Answer::Orders(self.orders.values().map(|o| self.row(o)).collect())
            }
            Request::Wallets => Answer::Wallets(self.wallets()),
            Request::Create { server, target, bid } => self.create(server, target, bid),
            Request::Reprice { server, order, to, .. } => self.reprice(server, order, to),
            Request::Cancel { server, order } => self.cancel(server, order),
        };
        &self.other
    }

    /// When the answer to that read, last made at `since`, becomes or became another, our own doings aside.
    pub(super) fn news(&self, read: &Request, since: Time) -> Time {
        let first = match read {
            Request::SpotMarket { server } => {
                let times = self.server_news.get(server).map_or(&[][..], Vec::as_slice);
                let told = self.told.get(server).copied().unwrap_or_default().news;
                // Whatever came after the last read and has happened by now is news already, be it the first or not.
                let last = told.checked_sub(1).and_then(|last| times.get(last)).filter(|last| **last > since);
                last.or_else(|| times.get(told))
            }
            Request::Marketplace => self.listing_news.get(self.listing_news.partition_point(|at| *at <= since)),
            _ => None,
        };
        first.copied().unwrap_or(Time::from_ms(i64::MAX))
    }

    fn create(&mut self, server: ServerId, target: TargetId, bid: Price) -> Answer {
        let Some(change) = self.change(server) else { return Answer::Refused(Refusal::ServerGone) };
        if !change.exists {
            return Answer::Refused(Refusal::ServerGone);
        }
        if !(change.online && change.public) {
            return Answer::Refused(Refusal::ServerOffline);
        }
        if self.is_rented(server) {
            return Answer::Refused(Refusal::ServerRented);
        }
        let Some(floor) = change.floors.get(self.currency) else {
            return Answer::Refused(Refusal::CurrencyNotAllowed);
        };
        if bid < floor {
            return Answer::Refused(Refusal::PriceTooLow { least: Some(floor) });
        }
        if self.orders.contains_key(&server) {
            return Answer::Unknown(Doubt::AlreadyHaveOrder);
        }
        let (id, made_at) = (self.new_id(), self.now);
        let order = Order { id, server, target, bid, made_at, may_lower_at: made_at, holding: false };
        self.orders.insert(server, order);
        self.let_rivals_answer(server);
        self.settle(server, false);
        Answer::Applied
    }

    /// A number that no offer on the tape has: by its number the core knows whose an offer is.
    fn new_id(&mut self) -> OrderId {
        let taken = |id: u64| self.most.contains_key(&OrderId(id));
        self.last_id = (self.last_id.saturating_add(1)..u64::MAX).find(|id| !taken(*id)).unwrap_or(u64::MAX);
        OrderId(self.last_id)
    }

    fn reprice(&mut self, server: ServerId, id: OrderId, to: Price) -> Answer {
        let floor = self.change(server).and_then(|c| c.floors.get(self.currency));
        let (now, rules) = (self.now, &self.rules);
        let Some(order) = self.orders.get_mut(&server).filter(|o| o.id == id) else {
            return Answer::Refused(Refusal::OrderGone);
        };
        if to < order.bid {
            if now < order.may_lower_at {
                return Answer::Refused(Refusal::LoweringTooSoon { wait: order.may_lower_at.since(now) });
            }
            let lowest = order.bid.minus(rules.step);
            if to < lowest {
                return Answer::Refused(Refusal::StepTooLarge { lowest });
            }
        }
        if let Some(floor) = floor.filter(|floor| to < *floor) {
            return Answer::Refused(Refusal::PriceTooLow { least: Some(floor) });
        }
        if to < order.bid {
            order.may_lower_at = now + rules.lower_every;
        }
        order.bid = to;
        self.let_rivals_answer(server);
        self.settle(server, false);
        Answer::Applied
    }

    fn cancel(&mut self, server: ServerId, id: OrderId) -> Answer {
        let Some(order) = self.orders.get(&server).copied().filter(|o| o.id == id) else {
            return Answer::Refused(Refusal::OrderGone);
        };
        self.orders.remove(&server);
        if order.holding {
            self.ledger.lost(self.now, order.target, server);
        }
        self.ledger.order_over(self.now, order.made_at);
        Answer::Applied
    }

    /// What a rival is recorded to have done next takes the place of what it would have answered.
    fn forget_answers(&mut self, server: ServerId, at: Time) {
        if self.answered.is_empty() {
            return;
        }
        let (Some(series), Some(told)) = (self.series.servers.get(&server), self.told.get(&server)) else { return };
        if series.changes.get(told.changes.wrapping_sub(1)).is_some_and(|c| c.at == at) {
            let before = series.changes.get(told.changes.wrapping_sub(2));
            for rival in before.iter().flat_map(|c| c.rivals.iter()) {
                self.answered.remove(&rival.id);
            }
        }
    }

    /// Each rival that our new bid tops answers once, a tick above us, up to the most it ever bid; then it is outbid
    /// until the tape has it do something else.
    fn let_rivals_answer(&mut self, server: ServerId) {
        let (Rivals::Counter, Some(order)) = (self.rivals, self.orders.get(&server).copied()) else { return };
        let Some(market) = self.series.servers.get(&server).zip(self.told.get(&server)).and_then(|(s, t)| t.market(s))
        else {
            return;
        };
        for rival in market.rivals.iter() {
            let most = self.most.get(&rival.id).copied().unwrap_or(rival.bid);
            if !self.answered.contains_key(&rival.id) && rival.bid < order.bid && most > order.bid {
                self.answered.insert(rival.id, order.bid.plus(self.rules.tick).min(most));
            }
        }
    }

    /// Finds out whether our order holds that server now, and counts what changes by it.
    fn settle(&mut self, server: ServerId, by_the_tape: bool) {
        let Some(order) = self.orders.get(&server).copied() else { return };
        let holds = self.would_hold(server, order.bid);
        if let Some(order) = self.orders.get_mut(&server) {
            order.holding = holds;
        }
        match (order.holding, holds) {
            (false, true) => self.ledger.won(self.now, order.target, server, order.id, order.bid),
            (true, true) => self.ledger.repriced(self.now, order.target, server, order.id, order.bid),
            (true, false) => {
                self.ledger.lost(self.now, order.target, server);
                if by_the_tape {
                    self.ledger.interruptions += 1;
                }
            }
            (false, false) => {}
        }
    }

    fn would_hold(&self, server: ServerId, bid: Price) -> bool {
        let Some(change) = self.change(server) else { return false };
        let open = change.exists && change.online && change.public && !self.is_rented(server);
        let above_floor = change.floors.get(self.currency).is_some_and(|floor| bid >= floor);
        if !open || !above_floor {
            return false;
        }
        let best_rival = if change.usd_rates.is_some() {
            self.market(server).highest_of_others(self.currency, self.rules.tick)
        } else {
            // Nobody names a currency, so nothing has to be converted.
            change.rivals.iter().map(|rival| self.bid_of(rival.id, rival.bid)).max()
        };
        best_rival.is_none_or(|rival| bid > rival)
    }

    /// What a rival bids: what was recorded, or what it would have answered to us.
    fn bid_of(&self, rival: OrderId, recorded: Price) -> Price {
        self.answered.get(&rival).map_or(recorded, |answer| recorded.max(*answer))
    }

    fn change(&self, server: ServerId) -> Option<&Change> {
        self.told.get(&server)?.market(self.series.servers.get(&server)?)
    }

    fn is_rented(&self, server: ServerId) -> bool {
        let (Some(series), Some(told)) = (self.series.servers.get(&server), self.told.get(&server)) else {
            return false;
        };
        told.listed.checked_sub(1).and_then(|last| series.listed.get(last)).is_some_and(|l| l.server.rented)
    }

    fn market(&self, server: ServerId) -> Market {
        let Some(change) = self.change(server) else {
            return Market::missing(server);
        };
        let mut market = recorded_market(server, change);
        for offer in &mut market.offers {
            offer.bid = self.bid_of(offer.id, offer.bid);
        }
        if let Some(o) = self.orders.get(&server) {
            let currency = BidIn::Coin(self.currency);
            market.offers.push(Offer { id: o.id, bid: o.bid, active: o.holding, mine: true, currency });
        }
        market
    }

    fn listing(&self) -> Listing {
        let servers = self.series.servers.values().filter_map(|s| s.listed_at(self.now)).cloned().collect();
        Listing { servers, my_servers: self.series.hosted.clone() }
    }

    fn row(&self, order: &Order) -> OrderRow {
        OrderRow {
            id: order.id,
            server: order.server,
            price: Some(order.bid),
            spot: Some(true),
            expired: false,
            currency: Some(self.currency),
            spend: None,
            created: Some(order.made_at),
            fee_percent: Some(self.rules.fee_percent),
            creation_fee: Some(self.rules.creation_fee),
        }
    }

    /// A tape knows no wallet of ours: it is never empty.
    fn wallets(&self) -> Vec<Wallet> {
        let plenty = Amount::new(Decimal::from(1_000_000_000_u64));
        vec![Wallet { currency: self.currency, balance: plenty }]
    }

    /// Ends the run at the tape's end or earlier.
    pub(super) fn finish(&mut self, at: Time) {
        self.advance(at);
        for order in std::mem::take(&mut self.orders).into_values() {
            if order.holding {
                self.ledger.lost(at, order.target, order.server);
            }
            self.ledger.order_over(at, order.made_at);
        }
        self.ledger.finish(at);
    }
}

impl Told {
    /// The market as last told.
    fn market(self, series: &ServerSeries) -> Option<&Change> {
        series.changes.get(self.changes.checked_sub(1)?)
    }

    /// Goes on to all that is told by that moment; `news`: the moments at which anything is.
    fn go_on_to(&mut self, at: Time, series: &ServerSeries, news: &[Time]) {
        self.changes += series.changes[self.changes..].iter().take_while(|c| c.at <= at).count();
        self.listed += series.listed[self.listed..].iter().take_while(|l| l.at <= at).count();
        self.news += news[self.news..].iter().take_while(|n| **n <= at).count();
    }
}

/// A server's market as it was recorded, without us.
pub(super) fn recorded_market(server: ServerId, change: &Change) -> Market {
    let mut offers = Vec::with_capacity(change.rivals.len() + 1);
    offers.extend(change.rivals.iter().map(|rival| Offer {
        id: rival.id,
        bid: rival.bid,
        active: false,
        mine: false,
        currency: rival.currency,
    }));
    Market {
        server,
        exists: change.exists,
        online: change.online,
        visibility: if change.public { Visibility::Public } else { Visibility::Hidden },
        floors: change.floors,
        longest_rental: change.longest_rental,
        offers,
        usd_rates: change.usd_rates.as_deref().copied().unwrap_or_else(PerCurrency::none),
    }
}
