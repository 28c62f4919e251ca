//! The ledger counts what a backtest costs, by the tape's own time: held stretches, restarts, and wanted time without a
//! server.

use std::collections::{BTreeMap, BTreeSet};

use clorebid_core::event::Event;
use clorebid_core::ids::{OrderId, ServerId, TargetId};
use clorebid_core::money::{Accrual, Amount, Currency, Price};
use clorebid_core::strategy::{PerDay, RestartCost, Strategy};
use clorebid_core::stretch::{Held, Stretch};
use clorebid_core::time::{Span, Time};
use rust_decimal::Decimal;

use super::selected::selected;
use crate::tape::{Series, ServerSeries};

/// The creation fee is charged once an order has stood this long, as the venue is said to do.
const CREATION_FEE_AFTER: Span = Span::from_secs(600);

/// A stretch of holding with whose it was, as it truly was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// For which target.
    pub target: TargetId,
    /// Where.
    pub server: ServerId,
    /// By which order.
    pub order: OrderId,
    /// At what bid, and from when.
    pub stretch: Stretch,
    /// Until when.
    pub to: Time,
}

/// One target's account.
#[derive(Debug, Clone)]
struct Wanted {
    want: u32,
    held: u32,
    per_day: PerDay,
    restart: RestartCost,
    /// The servers that it takes.
    servers: BTreeSet<ServerId>,
    /// What each of its servers costs on demand now, and the same by price.
    priced: BTreeMap<ServerId, Price>,
    cheapest: BTreeSet<(Price, ServerId)>,
    /// What a day without a server costs now.
    worth: Price,
    counted_to: Time,
    unheld: Accrual,
    throughout: Accrual,
    unheld_ms: i64,
    wanted_ms: i64,
    restarts: Amount,
}

/// Counts what a run costs.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    targets: Vec<Wanted>,
    open: BTreeMap<ServerId, Holding>,
    in_gap: bool,
    max_bid: Price,
    /// Ended stretches, oldest first.
    pub holdings: Vec<Holding>,
    pub held: Held,
    pub restarts: u64,
    pub interruptions: u64,
    pub creation_fees: u64,
    pub gap_ms: i64,
    gap_since: Time,
    fee_percent: Decimal,
    /// Every begin and end of a stretch, for whoever records them.
    moves: Option<Vec<(Time, Event)>>,
}

impl Ledger {
    pub(super) fn new(strategy: &Strategy, series: &Series) -> Ledger {
        let from = series.from;
        let targets = strategy.targets.iter().map(|t| Wanted {
            want: t.want,
            held: 0,
            per_day: t.value.per_day,
            restart: t.value.restart,
            servers: selected(t, series, strategy.currency).into_iter().map(|(id, _)| id).collect(),
            priced: BTreeMap::new(),
            cheapest: BTreeSet::new(),
            worth: strategy.limits.max_bid,
            counted_to: from,
            unheld: Accrual::ZERO,
            throughout: Accrual::ZERO,
            unheld_ms: 0,
            wanted_ms: 0,
            restarts: Amount::ZERO,
        });
        Ledger {
            targets: targets.collect(),
            open: BTreeMap::new(),
            in_gap: false,
            max_bid: strategy.limits.max_bid,
            holdings: Vec::new(),
            held: Held::NONE,
            restarts: 0,
            interruptions: 0,
            creation_fees: 0,
            gap_ms: 0,
            gap_since: from,
            fee_percent: strategy.venue.fee_percent,
            moves: None,
        }
    }

    /// From now on every begin and end of a stretch is kept for [`Ledger::take_moves`].
    pub(super) fn keep_moves(&mut self) {
        self.moves = Some(Vec::new());
    }

    /// What was kept since the last call.
    pub(super) fn take_moves(&mut self) -> Vec<(Time, Event)> {
        self.moves.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Our order begins to hold a server.
    pub(super) fn won(&mut self, at: Time, target: TargetId, server: ServerId, order: OrderId, bid: Price) {
        self.count(at, target);
        if let Some(wanted) = self.wanted(target) {
            wanted.held += 1;
            let lost_work = match wanted.restart {
                RestartCost::Time(span) => wanted.worth.accrue(span).amount(),
                RestartCost::Amount(amount) => amount,
            };
            wanted.restarts = wanted.restarts.plus(lost_work);
        }
        self.restarts += 1;
        self.begin_stretch(Holding { target, server, order, stretch: Stretch { bid, from: at }, to: at });
    }

    /// It goes on at another bid.
    pub(super) fn repriced(&mut self, at: Time, target: TargetId, server: ServerId, order: OrderId, bid: Price) {
        if self.open.get(&server).is_some_and(|holding| holding.stretch.bid != bid) {
            self.end_stretch(at, server);
            self.begin_stretch(Holding { target, server, order, stretch: Stretch { bid, from: at }, to: at });
        }
    }

    /// It ceases to hold it.
    pub(super) fn lost(&mut self, at: Time, target: TargetId, server: ServerId) {
        self.count(at, target);
        self.end_stretch(at, server);
        if let Some(wanted) = self.wanted(target) {
            wanted.held = wanted.held.saturating_sub(1);
        }
    }

    /// An order is over.
    pub(super) fn order_over(&mut self, at: Time, made_at: Time) {
        if at.since(made_at) >= CREATION_FEE_AFTER {
            self.creation_fees += 1;
        }
    }

    /// The tape stops telling, or goes on: what happens in between is not known and not counted.
    pub(super) fn gap(&mut self, at: Time, begins: bool) {
        for index in 0..self.targets.len() {
            self.count(at, TargetId(u32::try_from(index).unwrap_or(u32::MAX)));
        }
        let held: Vec<Holding> = self.open.values().copied().collect();
        for holding in &held {
            self.end_stretch(at, holding.server);
        }
        if begins {
            self.gap_since = at;
        } else {
            self.gap_ms += at.since(self.gap_since).ms();
        }
        self.in_gap = begins;
        for holding in held {
            self.begin_stretch(Holding { stretch: Stretch { from: at, ..holding.stretch }, to: at, ..holding });
        }
    }

    /// On-demand prices as the tape begins.
    pub(super) fn prices_begin(&mut self, at: Time, series: &Series, currency: Currency) {
        for id in series.servers.keys() {
            self.price_moved(at, *id, series, currency);
        }
    }

    /// The on-demand price of that server may be another now.
    pub(super) fn price_moved(&mut self, at: Time, id: ServerId, series: &Series, currency: Currency) {
        let Some(server) = series.servers.get(&id) else { return };
        // Before the first listing, what that says is the best there is to go by.
        let first = |s: &ServerSeries| s.listed.first().map(|l| l.server.on_demand);
        let prices = server.listed_at(at).map(|l| l.on_demand).or_else(|| first(server));
        let price = prices.and_then(|prices| prices.get(currency));
        for index in 0..self.targets.len() {
            let wanted = &mut self.targets[index];
            let is_priced = matches!(wanted.per_day, PerDay::OnDemand);
            if !is_priced || !wanted.servers.contains(&id) {
                continue;
            }
            if let Some(before) = wanted.priced.remove(&id) {
                wanted.cheapest.remove(&(before, id));
            }
            if let Some(price) = price {
                wanted.priced.insert(id, price);
                wanted.cheapest.insert((price, id));
            }
            let worth = wanted.cheapest.first().map_or(self.max_bid, |(price, _)| *price);
            if worth != wanted.worth {
                self.count(at, TargetId(u32::try_from(index).unwrap_or(u32::MAX)));
                self.targets[index].worth = worth;
            }
        }
    }

    pub(super) fn finish(&mut self, at: Time) {
        if self.in_gap {
            self.gap(at, false);
        }
        for index in 0..self.targets.len() {
            self.count(at, TargetId(u32::try_from(index).unwrap_or(u32::MAX)));
        }
    }

    /// What a day without a server costs each target at once, where it is a fixed price.
    pub(super) fn set_fixed_worth(&mut self) {
        for wanted in &mut self.targets {
            if let PerDay::Price(price) = wanted.per_day {
                wanted.worth = price;
            }
        }
    }

    fn wanted(&mut self, target: TargetId) -> Option<&mut Wanted> {
        usize::try_from(target.0).ok().and_then(|i| self.targets.get_mut(i))
    }

    /// Counts a target's time up to `at`.
    fn count(&mut self, at: Time, target: TargetId) {
        let in_gap = self.in_gap;
        let Some(wanted) = self.wanted(target) else { return };
        let span = at.since(wanted.counted_to);
        wanted.counted_to = at;
        if in_gap {
            return;
        }
        let missing = i64::from(wanted.want.saturating_sub(wanted.held));
        wanted.unheld = wanted.unheld.plus(wanted.worth.accrue(span.times(missing)));
        wanted.throughout = wanted.throughout.plus(wanted.worth.accrue(span.times(i64::from(wanted.want))));
        wanted.unheld_ms += span.ms() * missing;
        wanted.wanted_ms += span.ms() * i64::from(wanted.want);
    }

    fn begin_stretch(&mut self, holding: Holding) {
        let Holding { target, server, order, stretch: Stretch { bid, from }, .. } = holding;
        self.open.insert(server, holding);
        if let Some(moves) = self.moves.as_mut().filter(|_| !self.in_gap) {
            let fee_percent = self.fee_percent;
            moves.push((from, Event::HoldingFrom { target, server, order, bid, fee_percent, since: from }));
        }
    }

    fn end_stretch(&mut self, at: Time, server: ServerId) {
        let Some(mut holding) = self.open.remove(&server) else { return };
        if self.in_gap {
            return;
        }
        if let Some(moves) = &mut self.moves {
            moves.push((at, Event::HoldingTo { server, order: holding.order }));
        }
        holding.to = at;
        self.held = self.held.plus(holding.stretch.held(at, self.fee_percent));
        self.holdings.push(holding);
    }

    pub(super) fn unheld_cost(&self) -> Amount {
        self.targets.iter().fold(Accrual::ZERO, |sum, t| sum.plus(t.unheld)).amount()
    }

    pub(super) fn on_demand_cost(&self) -> Amount {
        self.targets.iter().fold(Accrual::ZERO, |sum, t| sum.plus(t.throughout)).amount()
    }

    pub(super) fn restart_cost(&self) -> Amount {
        self.targets.iter().fold(Amount::ZERO, |sum, t| sum.plus(t.restarts))
    }

    pub(super) fn wanted_ms(&self) -> i64 {
        self.targets.iter().map(|t| t.wanted_ms).sum()
    }
}
