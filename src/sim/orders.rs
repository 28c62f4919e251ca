//! The calls that change something: create_order, set_spot_price, cancel_order, set_server_settings.

use clorebid_core::money::{Currency, Price};
use clorebid_core::time::Span;
use rust_decimal::Decimal;

use super::body::{self, Create};
use super::draw::{Purpose, Stream};
use super::exchange::Exchange;
use super::queue::Event;
use super::reply::Answer;
use super::rules::ClockStart;
use super::state::{End, Kind, Offer, Order, OrderState, Renter};

impl Exchange {
    pub(super) fn create_order(&mut self, body: Option<&str>) -> Answer {
        let wanted = match body::create(body) {
            Ok(wanted) => wanted,
            Err(detail) => return Answer::invalid(detail),
        };
        match self.check_create(&wanted) {
            Ok((at, currency, price)) => {
                self.place(at, currency, price, wanted);
                Answer::done()
            }
            Err(refusal) => refusal,
        }
    }

    /// Where, in what and at what price the order may be made.
    fn check_create(&self, wanted: &Create) -> Result<(usize, Currency, Price), Answer> {
        let refuse = |error| Err(Answer::refused(error));
        let Some(at) = self.server_at(wanted.server) else { return refuse("server-dont-exist") };
        let server = &self.servers[at];
        if server.plan.mine {
            return refuse("cant_rent_from_yourself");
        }
        if !server.online || !server.public {
            return refuse("server-offline");
        }
        if server.renter.is_some() {
            return refuse("server-already-rented");
        }
        let floor = wanted.currency.filter(|c| server.plan.takes(*c)).and_then(|c| match wanted.spot {
            Some(_) => Some((c, server.floor.get(c)?)),
            None => Some((c, server.on_demand.get(c)?)),
        });
        let Some((currency, floor)) = floor else { return refuse("currency-not-allowed") };
        let rented = |o: &&Order| o.is_live() && o.server == at && o.kind == Kind::Spot;
        if wanted.spot.is_some() && self.orders.values().find(rented).is_some() {
            return refuse("you_already_have_spot_order");
        }
        let price = wanted.spot.unwrap_or(floor);
        if price < floor {
            return Err(Answer::too_low(floor));
        }
        if wanted.spot.is_none() && wanted.required_price.is_some_and(|required| required != floor) {
            return refuse("required_price_mismatch");
        }
        let open = self.orders.values().filter(|o| !o.is_over()).count();
        if u32::try_from(open).is_ok_and(|open| open >= self.rules.max_orders) {
            return refuse("order_limit_reached");
        }
        if self.purses.get(&currency).is_none_or(|purse| purse.balance() < self.least_balance(currency, price)) {
            return refuse("not_enough_balance");
        }
        Ok((at, currency, price))
    }

    /// What a wallet must hold for a new order.
    fn least_balance(&self, currency: Currency, price: Price) -> Decimal {
        let a_day = price.plus_percent(self.rules.fee_percent).decimal();
        let days = Decimal::from(self.rules.funded_for.ms()) / Decimal::from(Span::DAY.ms());
        a_day * days + self.rules.creation_fee.get(currency).map_or(Decimal::ZERO, |f| f.decimal())
    }

    fn place(&mut self, at: usize, currency: Currency, price: Price, wanted: Create) {
        let id = self.next_order_id();
        let mut draws = Stream::new(self.seed, Purpose::Order, id);
        let listed_from = self.now + draws.span(self.rules.order_delay);
        let shown_from = self.now + draws.span(self.rules.offer_delay);
        let server = &mut self.servers[at];
        let kind = if wanted.spot.is_some() { Kind::Spot } else { Kind::OnDemand };
        let order = Order {
            id,
            server: at,
            kind,
            price,
            currency,
            image: wanted.image,
            ports: wanted.ports,
            created: self.now,
            listed_from,
            mrl: server.mrl,
            clock_started: self.rules.starts_clock(ClockStart::Create).then_some(self.now),
            state: OrderState::Live,
            stint: 0,
            holding: false,
            ever_held: false,
            minutes: Decimal::ZERO,
            minutes_count: 0,
        };
        self.queue.plan(self.now + order.mrl, Event::RentalOver { order: id });
        self.orders.insert(id, order);
        match kind {
            Kind::Spot => server.offers.push(Offer { id, bid: price, currency, mine: true, shown_from }),
            Kind::OnDemand => {
                server.renter = Some(Renter::Ours(id));
                self.begin_stint(id);
            }
        }
        self.settle(at);
        self.stir(at);
    }

    pub(super) fn set_spot_price(&mut self, body: Option<&str>) -> Answer {
        let (id, price) = match body::reprice(body) {
            Ok(wanted) => wanted,
            Err(detail) => return Answer::invalid(detail),
        };
        let Some(order) = self.orders.get(&id).filter(|o| !o.is_over()) else {
            return Answer::refused(self.why_not_ours(id));
        };
        if !order.is_live() || order.kind == Kind::OnDemand {
            return Answer::refused("order_not_active");
        }
        let (at, currency, standing) = (order.server, order.currency, order.price);
        if price < standing
            && let Err(refusal) = self.check_lowering(id, standing, price, currency)
        {
            return refusal;
        }
        let floor = self.servers[at].floor.get(currency).unwrap_or(Price::ZERO);
        if price < floor {
            return Answer::too_low(floor);
        }
        let starts = price < standing && self.rules.starts_clock(ClockStart::Lower)
            || price > standing && self.rules.starts_clock(ClockStart::Raise);
        let now = self.now;
        if let Some(order) = self.orders.get_mut(&id) {
            order.price = price;
            if starts {
                order.clock_started = Some(now);
            }
        }
        self.servers[at].set_bid(id, price);
        self.settle(at);
        self.stir(at);
        Answer::done()
    }

    /// The window first, then the step.
    fn check_lowering(&mut self, id: u64, from: Price, to: Price, currency: Currency) -> Result<(), Answer> {
        let now = self.now;
        let Some(order) = self.orders.get_mut(&id) else { return Ok(()) };
        let wait = order.clock_started.map_or(Span::ZERO, |started| (started + self.rules.lower_every).since(now));
        if wait > Span::ZERO {
            return Err(Answer::too_soon(wait));
        }
        let lowest = from.minus(self.rules.step(currency));
        if to < lowest {
            if self.rules.starts_clock(ClockStart::Refusal) {
                order.clock_started = Some(now);
            }
            return Err(Answer::step_too_large(lowest));
        }
        Ok(())
    }

    pub(super) fn cancel_order(&mut self, body: Option<&str>) -> Answer {
        let id = match body::cancel(body) {
            Ok(id) => id,
            Err(detail) => return Answer::invalid(detail),
        };
        if self.orders.get(&id).is_none_or(|o| o.is_over()) {
            return Answer::refused(self.why_not_ours(id));
        }
        self.end(id, End::Cancelled);
        Answer::done()
    }

    fn why_not_ours(&self, id: u64) -> &'static str {
        let rivals = self.servers.iter().any(|s| s.offers.iter().any(|o| o.id == id && !o.mine));
        if rivals { "you_dont_own_this_order" } else { "order_dont_exist" }
    }

    pub(super) fn set_server_settings(&mut self, body: Option<&str>) -> Answer {
        let wanted = match body::settings(body) {
            Ok(wanted) => wanted,
            Err(detail) => return Answer::invalid(detail),
        };
        let Some(at) = self.hosted(&wanted.name) else { return Answer::refused("server-dont-exist") };
        let server = &mut self.servers[at];
        server.public = wanted.available;
        server.mrl = Span::from_secs(i64::from(wanted.mrl_hours) * 3600);
        server.on_demand = server.on_demand.with(Currency::Bitcoin, wanted.on_demand);
        server.floor = server.floor.with(Currency::Bitcoin, wanted.spot);
        self.settle(at);
        Answer::done()
    }

    pub(super) fn server_at(&self, id: u64) -> Option<usize> {
        self.servers.iter().position(|s| s.plan.id == id)
    }

    /// The server of ours of that name.
    pub(super) fn hosted(&self, name: &str) -> Option<usize> {
        self.servers.iter().position(|s| s.plan.mine && s.plan.name.as_deref() == Some(name))
    }
}
