//! What we believe: of every server that matters, of our orders, of the wallet, of what was spent.
//!
//! Beliefs change only through reads and through answers to our own requests (`reconcile`, `settle`), and every step
//! that an order takes is told as an [`Event`] on its way.

pub(crate) mod order;
mod outcomes;
pub mod reconcile;
pub(crate) mod servers;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use rust_decimal::Decimal;

use crate::beliefs::order::{Claim, Order};
use crate::beliefs::servers::{Group, Servers};
use crate::event::{Cause, Event, State};
use crate::ids::TargetId;
use crate::ids::{OrderId, ServerId};
use crate::limits::{Denial, Exposure};
use crate::lowering::Steps;
use crate::market::{Market, Quote};
use crate::money::{Accrual, Amount, Price};
use crate::policy::Situation;
use crate::strategy::{Margin, PerDay, RestartCost, Strategy, Target};
use crate::time::{Span, Time};

/// A market as a good answer showed it, and when its request was sent: what it shows may be that old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub value: Market,
    pub sent_at: Time,
    /// What it comes to in the strategy's currency.
    pub quote: Quote,
    /// The least winning bid with a margin on top: that margin, and what it came to.
    pub goal: Option<(Margin, Price)>,
}

impl Seen {
    /// The least winning bid with that margin on top, on the tick; `None` where no bid would win.
    pub(crate) fn goal(&self, margin: Margin, tick: Price) -> Option<Price> {
        match self.goal {
            Some((known, goal)) if known == margin => Some(goal),
            _ => self.quote.least_winning.map(|least| margin.above(least, tick)),
        }
    }
}

/// When a kind of read was last tried, and when it last succeeded (both: sent).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ReadTimes {
    pub tried_at: Option<Time>,
    pub good_at: Option<Time>,
}

/// What the marketplace says of one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    pub on_demand: Option<Price>,
    pub floor: Option<Price>,
    pub rented: bool,
    pub takes_currency: bool,
}

/// One server that matters to a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub target: TargetId,
    /// Whether it is a candidate of its target.
    pub watched: bool,
    pub claim: Claim,
    pub market: Option<Seen>,
    pub tried_at: Option<Time>,
    /// No create before this, after a refusal that time may heal.
    pub blocked_until: Option<Time>,
    /// Our orders that ended here, and when: a late listing must not bring them back to life.
    pub ended: Vec<(OrderId, Time)>,
    /// What our last order here bid.
    pub last_bid: Option<Price>,
    /// The last denial told.
    pub denial: Option<Denial>,
}

/// An order at the venue that is not ours to touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Foreign {
    pub server: ServerId,
    /// Its price, where it is in the strategy's currency.
    pub price: Option<Price>,
}

/// An order of ours that should not be there: it is cancelled until it is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stray {
    pub server: ServerId,
    pub bid: Price,
    pub asked_at: Option<Time>,
}

/// Everything we believe.
#[derive(Debug, Clone)]
pub(crate) struct Beliefs {
    pub strategy: Arc<Strategy>,
    pub servers: Servers,
    /// For each target, the servers that will do, cheapest floor first.
    pub candidates: Vec<Vec<ServerId>>,
    pub facts: BTreeMap<ServerId, Facts>,
    pub hosted: BTreeSet<ServerId>,
    pub foreign: BTreeMap<OrderId, Foreign>,
    pub reported: BTreeSet<OrderId>,
    pub strays: BTreeMap<OrderId, Stray>,
    pub orders_read: ReadTimes,
    /// Whether the last my_orders brought an order to light: what else its row says is learnt from the next one.
    pub orders_tell_more: bool,
    pub wallets_read: ReadTimes,
    pub listing_read: ReadTimes,
    pub balance: Option<Amount>,
    pub fee_percent: Decimal,
    pub creation_fee: Amount,
    pub steps: Steps,
    /// Spent on orders that are over, fees included.
    pub spent_ended: Amount,
    pub last_create_end: Option<Time>,
    pub events: Vec<Event>,
    /// What limits refused in the decision being made.
    pub denials: Vec<(ServerId, Denial)>,
}

/// Orders that ended on one server are remembered up to this many.
const ENDED_KEPT: usize = 16;

/// The creation fee is charged once an order has stood this long. Source: said of the venue, not documented.
pub(crate) const CREATION_FEE_AFTER: Span = Span::from_secs(600);

impl Beliefs {
    pub(crate) fn new(strategy: Strategy) -> Beliefs {
        let candidates = strategy
            .targets
            .iter()
            .map(|t| match &t.choice {
                crate::strategy::Choice::Servers(ids) => ids.clone(),
                crate::strategy::Choice::Match(_) => Vec::new(),
            })
            .collect();
        let mut beliefs = Beliefs {
            servers: Servers::new(&strategy),
            candidates,
            facts: BTreeMap::new(),
            hosted: BTreeSet::new(),
            foreign: BTreeMap::new(),
            reported: BTreeSet::new(),
            strays: BTreeMap::new(),
            orders_read: ReadTimes::default(),
            orders_tell_more: false,
            wallets_read: ReadTimes::default(),
            listing_read: ReadTimes::default(),
            balance: None,
            fee_percent: strategy.venue.fee_percent,
            creation_fee: strategy.venue.creation_fee,
            steps: Steps::new(strategy.venue.step),
            spent_ended: Amount::ZERO,
            last_create_end: None,
            events: Vec::new(),
            denials: Vec::new(),
            strategy: Arc::new(strategy),
        };
        beliefs.watch_candidates();
        beliefs
    }

    /// Targets with their numbers, in the file's order.
    pub(crate) fn targets(&self) -> impl Iterator<Item = (TargetId, &Target)> {
        targets(&self.strategy)
    }

    /// The target whose server it is.
    pub(crate) fn target_of(&self, server: &Server) -> Option<&Target> {
        self.strategy.target(server.target)
    }

    /// Makes an entry for each candidate worth watching, and drops those that are neither watched nor hold anything.
    pub(crate) fn watch_candidates(&mut self) {
        let mut watched = BTreeMap::new();
        for (id, target) in (0_u32..).map(TargetId).zip(self.strategy.targets.iter()) {
            let of_target = usize::try_from(id.0).ok().and_then(|i| self.candidates.get(i));
            let few = match target.choice {
                crate::strategy::Choice::Servers(_) => usize::MAX,
                crate::strategy::Choice::Match(_) => {
                    usize::try_from(target.want).unwrap_or(usize::MAX).saturating_add(4)
                }
            };
            let unclaimed: Vec<ServerId> =
                of_target.into_iter().flatten().filter(|s| !watched.contains_key(*s)).copied().take(few).collect();
            watched.extend(unclaimed.into_iter().map(|server| (server, id)));
        }
        self.servers.watch(&watched);
    }

    /// Changes what we have on a server, and tells of the state and the stretch of holding that changed with it.
    pub(crate) fn shift(&mut self, id: ServerId, now: Time, cause: Cause, change: impl FnOnce(&mut Server)) {
        let (fee_percent, events) = (self.fee_percent, &mut self.events);
        self.servers.change(id, |server| {
            let (target, from, held) = (server.target, server.claim.state(), server.held());
            change(server);
            let (to, holds) = (server.claim.state(), server.held());
            if held != holds
                && let Some((order, bid)) = held
            {
                server.end_stretch(now, bid, fee_percent);
                events.push(Event::HoldingTo { server: id, order });
            }
            if from != to {
                // What was denied before says nothing of the new state.
                server.denial = None;
                events.push(Event::State { target, server: id, from, to, cause });
            }
            if held != holds
                && let Some((order, bid)) = holds
            {
                if let Some(o) = server.claim.order_mut() {
                    o.stretch_since = Some(now);
                }
                events.push(Event::HoldingFrom { target, server: id, order, bid, fee_percent });
            }
        });
    }

    /// What we have on that server is over. It is free again.
    pub(crate) fn end(&mut self, id: ServerId, now: Time, cause: Cause) {
        let (fee_percent, events, spent_ended) = (self.fee_percent, &mut self.events, &mut self.spent_ended);
        self.servers.change(id, |server| {
            let (target, from) = (server.target, server.claim.state());
            if let Some((order, bid)) = server.held() {
                server.end_stretch(now, bid, fee_percent);
                events.push(Event::HoldingTo { server: id, order });
            }
            if let Some(order) = server.claim.order() {
                let (order_id, bid, cost) = (order.id, order.bid, order.paid.max(order.venue_spend));
                *spent_ended = spent_ended.plus(cost);
                server.last_bid = Some(bid);
                server.ended.push((order_id, now));
                if server.ended.len() > ENDED_KEPT {
                    server.ended.remove(0);
                }
            }
            server.claim = Claim::Empty;
            let (ended, wanted) = (State::Ended, State::Wanted);
            events.push(Event::State { target, server: id, from, to: ended, cause });
            events.push(Event::State { target, server: id, from: ended, to: wanted, cause: Cause::Free });
        });
    }

    /// Counts creation fees as they fall due.
    pub(crate) fn charge_creation_fees(&mut self, now: Time) {
        let amount = self.creation_fee;
        let mut last = None;
        while let Some(id) = self.servers.next_of(Group::Uncharged, last) {
            last = Some(id);
            let order = self.servers.get(&id).and_then(|s| s.claim.order());
            if order.is_none_or(|order| now.since(order.placed_at) < CREATION_FEE_AFTER) {
                continue;
            }
            let events = &mut self.events;
            self.servers.change(id, |server| {
                let target = server.target;
                let Some(order) = server.claim.order_mut() else { return };
                order.fee_counted = true;
                if !amount.is_zero() {
                    order.paid = order.paid.plus(amount);
                    events.push(Event::CreationFee { target, server: id, order: order.id, amount });
                }
            });
        }
    }

    /// Spent so far, fees included: what we counted or what the venue says, whichever is more.
    pub(crate) fn spent(&self, now: Time) -> Amount {
        let claimed = self.servers.of(Group::Claimed).iter();
        let standing = claimed.filter_map(|id| self.servers.get(id)?.claim.order()).map(|o| {
            let open = o
                .stretch_since
                .map_or(Amount::ZERO, |since| o.bid.accrue(now.since(since)).amount().plus_percent(self.fee_percent));
            o.paid.plus(open).max(o.venue_spend)
        });
        standing.fold(self.spent_ended, Amount::plus)
    }

    /// What stands at the venue at its worst price, as far as a limit asks, without what stands on `but`.
    pub(crate) fn exposure(&self, now: Time, but: &[ServerId]) -> Exposure {
        let (claimed, limits) = (self.servers.of(Group::Claimed), &self.strategy.limits);
        let left_out = but.iter().filter(|id| claimed.contains(id)).count();
        let beside = self.strays.len().saturating_add(self.foreign.len());
        let others = claimed.len().saturating_sub(left_out).saturating_add(beside);
        // Both sums are made only where a limit asks for them: they look at every order.
        let is_limited = limits.max_daily_cost.is_some() || limits.max_total_cost.is_some();
        let ours =
            claimed.iter().filter(|id| !but.contains(id)).filter_map(|id| self.servers.get(id)?.claim.worst_bid());
        let own = ours.chain(self.strays.values().map(|s| s.bid));
        let all = own.chain(self.foreign.values().filter_map(|f| f.price));
        Exposure {
            others_per_day: if is_limited { all.fold(Price::ZERO, Price::plus) } else { Price::ZERO },
            other_orders: u32::try_from(others).unwrap_or(u32::MAX),
            fee_percent: self.fee_percent,
            balance: self.balance,
            spent: limits.max_total_cost.map_or(Amount::ZERO, |_| self.spent(now)),
        }
    }

    /// What a day of holding that server is worth; `None` while it is not known.
    pub(crate) fn value_per_day(&self, id: ServerId, target: &Target) -> Option<Price> {
        match target.value.per_day {
            PerDay::Price(price) => Some(price),
            PerDay::OnDemand => {
                self.listing_read.good_at?;
                Some(self.facts.get(&id).and_then(|f| f.on_demand).unwrap_or(self.strategy.limits.max_bid))
            }
        }
    }

    /// What a restart on that server costs, the creation fee and the seconds without a server included.
    pub(crate) fn restart_cost(&self, id: ServerId, target: &Target) -> Option<Accrual> {
        let value = self.value_per_day(id, target)?;
        let gap = Span::from_secs(5);
        let (lost, sum) = match target.value.restart {
            RestartCost::Time(span) => (span + gap, self.creation_fee),
            RestartCost::Amount(amount) => (gap, amount.plus(self.creation_fee)),
        };
        Some(value.accrue(lost).plus(Accrual::of(sum)))
    }

    /// That market as a policy sees it.
    pub(crate) fn situation(&self, id: ServerId, market: &Seen, target: &Target, now: Time) -> Option<Situation> {
        let max_bid = self.strategy.limits.max_bid;
        Some(Situation {
            now,
            tick: self.strategy.venue.tick,
            floor: market.quote.floor?,
            least_winning: market.quote.least_winning?,
            goal: market.goal(target.bid.margin, self.strategy.venue.tick)?,
            ceiling: self.value_per_day(id, target)?.min(max_bid),
            step: self.steps.step(id),
        })
    }

    /// Notes a denial, to be told if a request comes of this decision.
    pub(crate) fn deny(&mut self, id: ServerId, denial: Denial) {
        self.denials.push((id, denial));
    }

    /// Tells of the denials of this decision, each once until it changes.
    pub(crate) fn tell_denials(&mut self) {
        for (id, denial) in self.denials.drain(..) {
            let events = &mut self.events;
            self.servers.change(id, |server| {
                let news = server.denial.is_none_or(|told| told.code() != denial.code());
                server.denial = Some(denial);
                if news {
                    events.push(Event::Denied { target: server.target, server: id, denial });
                }
            });
        }
    }

    /// How many servers a target has or may have.
    pub(crate) fn claimed(&self, target: TargetId) -> u32 {
        self.servers.claimed(target)
    }
}

/// A strategy's targets with their numbers, in the file's order.
pub(crate) fn targets(strategy: &Strategy) -> impl Iterator<Item = (TargetId, &Target)> {
    (0_u32..).map(TargetId).zip(strategy.targets.iter())
}

impl Server {
    pub(crate) fn new(target: TargetId) -> Server {
        Server {
            target,
            watched: false,
            claim: Claim::Empty,
            market: None,
            tried_at: None,
            blocked_until: None,
            ended: Vec::new(),
            last_bid: None,
            denial: None,
        }
    }

    /// Whether nothing is lost with this entry: nothing stands there, nothing ended there, its market is not known.
    pub(crate) fn is_forgettable(&self) -> bool {
        self.claim == Claim::Empty && self.ended.is_empty() && self.market.is_none()
    }

    /// Whether it is a candidate on which nothing of ours stands.
    pub(crate) fn is_idle(&self) -> bool {
        self.watched && self.claim == Claim::Empty
    }

    /// The market, where its read is no older than `limit`.
    pub(crate) fn fresh(&self, now: Time, limit: Span) -> Option<&Seen> {
        self.market.as_ref().filter(|m| now.since(m.sent_at) <= limit)
    }

    /// The order that holds the server, and its bid.
    fn held(&self) -> Option<(OrderId, Price)> {
        self.claim.order().filter(|o| o.holding).map(|o| (o.id, o.bid))
    }

    /// Ends the stretch of holding at `bid` and counts its cost with the order.
    fn end_stretch(&mut self, now: Time, bid: Price, fee_percent: Decimal) {
        let Some(order) = self.claim.order_mut() else { return };
        if let Some(since) = order.stretch_since.take() {
            order.paid = order.paid.plus(bid.accrue(now.since(since)).amount().plus_percent(fee_percent));
        }
    }

    /// Whether that order of ours is over.
    pub(crate) fn has_ended(&self, order: OrderId) -> Option<Time> {
        self.ended.iter().find(|(id, _)| *id == order).map(|(_, at)| *at)
    }

    /// Claims the server by that order.
    pub(crate) fn take(&mut self, order: Order) {
        self.claim = Claim::Order(order);
    }
}
