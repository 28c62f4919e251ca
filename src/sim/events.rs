//! What happens at a simulated venue by itself: floors move, servers come and go, rivals bid.

use clorebid_core::money::{Currency, PerCurrency, Price};
use clorebid_core::time::Span;
use rust_decimal::{Decimal, RoundingStrategy};

use super::exchange::Exchange;
use super::queue::Event;
use super::scenario::{CrowdPlan, EventKind};
use super::state::{Offer, Renter, worth};
use super::text::SpanRange;

impl Exchange {
    /// Plans everything that the scenario says.
    pub(super) fn plan_scenario(&mut self) {
        let start = self.start;
        for server in 0..self.servers.len() {
            let plan = self.servers[server].plan.clone();
            for (event, e) in plan.events.iter().enumerate() {
                self.queue.plan(start + e.at, Event::Begins { server, event });
            }
            for (rival, r) in plan.rivals.iter().enumerate() {
                self.queue.plan(start + r.at, Event::RivalComes { server, rival });
                for (step, m) in r.moves.iter().enumerate() {
                    self.queue.plan(start + m.at, Event::RivalMoves { server, rival, step });
                }
                if let Some(until) = r.until {
                    self.queue.plan(start + until, Event::RivalGoes { server, rival });
                }
            }
            for (which, u) in plan.undercutters.iter().enumerate() {
                self.queue.plan(start + u.at, Event::Watches { server, which });
                if let Some(until) = u.until {
                    self.queue.plan(start + until, Event::StopsWatching { server, which });
                }
            }
            if let Some(walk) = &plan.floor_walk {
                self.queue.plan(start + walk.every, Event::Walks { server });
            }
            if let Some(crowd) = &plan.crowd {
                let gap = self.servers[server].crowd.span(around(crowd.arrive_every, 1));
                self.queue.plan(start + gap, Event::Arrives { server });
            }
        }
    }

    /// Makes one event happen; `self.now` is its time.
    pub(super) fn happen(&mut self, event: Event) {
        match event {
            Event::Begins { server, event } => self.begin(server, event),
            Event::Undone { server, event, floor } => self.undo(server, event, floor),
            Event::Walks { server } => self.walk(server),
            Event::RivalComes { server, rival } => self.rival_comes(server, rival),
            Event::RivalMoves { server, rival, step } => self.rival_moves(server, rival, step),
            Event::RivalGoes { server, rival } => self.leave(server, self.servers[server].rival_ids[rival]),
            Event::Watches { server, which } => self.watch(server, which),
            Event::Answers { server, which } => self.answer_bid(server, which),
            Event::StopsWatching { server, which } => {
                self.servers[server].undercutters[which].watching = false;
                self.leave(server, self.servers[server].undercutters[which].id);
            }
            Event::Arrives { server } => self.arrive(server),
            Event::Leaves { server, offer } => self.leave(server, offer),
            Event::Bill { order, stint } => self.bill(order, stint),
            Event::CreationFee { order } => self.charge_creation(order),
            Event::RentalOver { order } => self.rental_over(order),
        }
    }

    fn begin(&mut self, at: usize, event: usize) {
        let now = self.now;
        let server = &mut self.servers[at];
        let Some(plan) = server.plan.events.get(event).cloned() else { return };
        let before = server.floor;
        match plan.kind {
            EventKind::Floor => server.floor = overlay(server.floor, plan.floor),
            EventKind::Offline => server.online = false,
            EventKind::Online => server.online = true,
            EventKind::Hidden => server.public = false,
            EventKind::Public => server.public = true,
            // Whoever came first keeps it.
            EventKind::OnDemand => server.renter = server.renter.or(Some(Renter::Stranger)),
        }
        if let Some(lasts) = plan.lasts {
            self.queue.plan(now + lasts, Event::Undone { server: at, event, floor: before });
        }
        self.settle(at);
    }

    fn undo(&mut self, at: usize, event: usize, floor: PerCurrency<Price>) {
        let server = &mut self.servers[at];
        match server.plan.events.get(event).map(|e| e.kind) {
            Some(EventKind::Floor) => server.floor = floor,
            Some(EventKind::Offline) => server.online = true,
            Some(EventKind::Online) => server.online = false,
            Some(EventKind::Hidden) => server.public = true,
            Some(EventKind::Public) => server.public = false,
            Some(EventKind::OnDemand) if server.renter == Some(Renter::Stranger) => server.renter = None,
            Some(EventKind::OnDemand) | None => {}
        }
        self.settle(at);
    }

    fn walk(&mut self, at: usize) {
        let now = self.now;
        let server = &mut self.servers[at];
        let Some(walk) = server.plan.floor_walk.clone() else { return };
        let turn = server.walk.up_to(2);
        if let Some((currency, floor)) =
            walk.currency.or(server.plan.first_currency()).and_then(|c| Some((c, server.floor.get(c)?)))
        {
            let moved = match turn {
                0 => floor.minus(walk.step).max(walk.min),
                1 => floor.plus(walk.step).min(walk.max),
                _ => floor,
            };
            server.floor = server.floor.with(currency, moved);
        }
        self.queue.plan(now + walk.every, Event::Walks { server: at });
        self.settle(at);
    }

    fn rival_comes(&mut self, at: usize, rival: usize) {
        let id = self.next_rival_id();
        let server = &mut self.servers[at];
        server.rival_ids[rival] = id;
        let plan = &server.plan.rivals[rival];
        let (bid, currency) = (plan.bid, plan.currency.or(server.plan.first_currency()));
        self.enter(at, id, bid, currency);
    }

    fn rival_moves(&mut self, at: usize, rival: usize, step: usize) {
        let server = &mut self.servers[at];
        let bid = server.plan.rivals[rival].moves[step].bid;
        let id = server.rival_ids[rival];
        server.set_bid(id, bid);
        self.settle(at);
    }

    fn watch(&mut self, at: usize, which: usize) {
        let id = self.next_rival_id();
        let server = &mut self.servers[at];
        let plan = &server.plan.undercutters[which];
        let (bid, currency) = (plan.bid, plan.currency.or(server.plan.first_currency()));
        server.undercutters[which].id = id;
        server.undercutters[which].watching = true;
        if let Some(bid) = bid {
            self.enter(at, id, bid, currency);
        }
        self.stir(at);
    }

    /// Lets every undercutter that our bid beats, or ties, think of an answer.
    pub(super) fn stir(&mut self, at: usize) {
        let server = &mut self.servers[at];
        let Some(ours) = server.best(&self.rates, |o| o.mine).copied() else { return };
        for which in 0..server.undercutters.len() {
            let rival = server.undercutters[which];
            let beaten = server.offer(rival.id).is_none_or(|o| worth(o, &self.rates) <= worth(&ours, &self.rates));
            if rival.watching && !rival.about_to_answer && beaten {
                server.undercutters[which].about_to_answer = true;
                let at_time = self.now + server.plan.undercutters[which].react;
                self.queue.plan(at_time, Event::Answers { server: at, which });
            }
        }
    }

    fn answer_bid(&mut self, at: usize, which: usize) {
        let server = &mut self.servers[at];
        server.undercutters[which].about_to_answer = false;
        let rival = server.undercutters[which];
        let plan = server.plan.undercutters[which].clone();
        let ours = server.best(&self.rates, |o| o.mine).copied();
        let currency = plan.currency.or(server.plan.first_currency());
        let (Some(ours), Some(currency), true) = (ours, currency, rival.watching) else { return };
        let standing = server.offer(rival.id).copied();
        if standing.is_some_and(|o| worth(&o, &self.rates) > worth(&ours, &self.rates)) {
            return;
        }
        let Some(same) = convert(&ours, currency, &self.rates) else { return };
        let bid = same.plus(plan.raise_by.unwrap_or(currency.tick()));
        if bid > plan.max {
            return;
        }
        if standing.is_some() {
            server.set_bid(rival.id, bid);
            self.settle(at);
        } else {
            self.enter(at, rival.id, bid, Some(currency));
        }
    }

    fn arrive(&mut self, at: usize) {
        let now = self.now;
        let id = self.next_rival_id();
        let server = &mut self.servers[at];
        let Some(crowd) = server.plan.crowd.clone() else { return };
        // Everybody draws the same number of times, whatever the book looks like.
        let gap = server.crowd.span(around(crowd.arrive_every, 1));
        let stay = server.crowd.span(around(crowd.stay, 2));
        let currency = crowd.currency.or(server.plan.first_currency()).unwrap_or(Currency::Bitcoin);
        let drawn = draw_bid(&mut server.crowd, &crowd, currency);
        let undercuts = server.crowd.percent(crowd.undercut_percent);
        let best = server.best(&self.rates, |_| true).and_then(|o| convert(o, currency, &self.rates));
        let bid = match best.map(|b| b.plus(currency.tick())) {
            Some(above) if undercuts && above <= crowd.bid_max => above,
            _ => drawn,
        };
        let floor = server.floor.get(currency).unwrap_or(Price::ZERO);
        // As for anybody, an offer below the floor is refused.
        let accepted = bid >= floor && server.online && server.public && server.renter.is_none();
        self.queue.plan(now + gap, Event::Arrives { server: at });
        if accepted {
            self.queue.plan(now + stay, Event::Leaves { server: at, offer: id });
            self.enter(at, id, bid, Some(currency));
        }
    }

    fn enter(&mut self, at: usize, id: u64, bid: Price, currency: Option<Currency>) {
        let currency = currency.unwrap_or(Currency::Bitcoin);
        self.servers[at].offers.push(Offer { id, bid, currency, mine: false, shown_from: self.now });
        self.settle(at);
    }

    fn leave(&mut self, at: usize, id: u64) {
        self.servers[at].remove(id);
        self.settle(at);
    }
}

/// A mean becomes a range around it that reaches a `part`th of it to either side; a range stays.
fn around(range: SpanRange, part: i64) -> SpanRange {
    if range.least != range.most {
        return range;
    }
    let reach = Span::from_ms(range.most.ms() / part);
    // Two arrivals are never at the same moment: time must pass.
    SpanRange { least: (range.least - reach).max(Span::from_ms(1)), most: range.most + reach }
}

fn draw_bid(draws: &mut super::draw::Stream, crowd: &CrowdPlan, currency: Currency) -> Price {
    let tick = currency.tick().decimal();
    let width = (crowd.bid_max.decimal() - crowd.bid_min.decimal()) / tick;
    let ticks = draws.up_to(u64::try_from(width.trunc()).unwrap_or(0));
    Price::new(crowd.bid_min.decimal() + Decimal::from(ticks) * tick).unwrap_or(crowd.bid_min)
}

/// The least price in `currency` that is worth as much as the offer.
fn convert(offer: &Offer, currency: Currency, rates: &PerCurrency<Decimal>) -> Option<Price> {
    if offer.currency == currency {
        return Some(offer.bid);
    }
    let same = worth(offer, rates).checked_div(rates.get(currency)?)?;
    let places = currency.tick().decimal().scale();
    Price::new(same.round_dp_with_strategy(places, RoundingStrategy::ToPositiveInfinity))
}

fn overlay(mut floors: PerCurrency<Price>, new: PerCurrency<Price>) -> PerCurrency<Price> {
    for currency in Currency::ALL {
        if let Some(floor) = new.get(currency) {
            floors = floors.with(currency, floor);
        }
    }
    floors
}
