//! What a decision counts with: a market as a policy sees it, what a server and a restart are worth, and what stands at
//! the venue already.

use crate::beliefs::servers::Group;
use crate::beliefs::{Beliefs, Seen};
use crate::ids::ServerId;
use crate::limits::Exposure;
use crate::money::{Accrual, Amount, Price};
use crate::policy::Situation;
use crate::strategy::{PerDay, RestartCost, Target};
use crate::time::{Span, Time};

impl Beliefs {
    /// That market as a policy sees it.
    pub(crate) fn situation(&self, id: ServerId, market: &Seen, target: &Target, now: Time) -> Option<Situation> {
        let (max_bid, tick) = (self.strategy.limits.max_bid, self.strategy.venue.tick);
        let floor = market.quote.floor?;
        let least = self.least_taken(id, floor);
        Some(Situation {
            now,
            tick,
            floor: floor.max(least),
            least_winning: market.quote.least_winning?.max(least),
            goal: market.goal(target.bid.margin, tick)?.max(least),
            ceiling: self.value_per_day(id, target)?.min(max_bid),
            step: self.steps.step(id),
        })
    }

    /// The least bid that wins in that market, our own left out.
    pub(super) fn least_winning(&self, id: ServerId, market: &Seen) -> Option<Price> {
        Some(market.quote.least_winning?.max(self.least_taken(id, market.quote.floor?)))
    }

    /// The least price that the venue takes. A host that asks for nothing is still bid a tick: an order at no price is none.
    fn least_taken(&self, id: ServerId, floor: Price) -> Price {
        let tick = self.strategy.venue.tick;
        self.servers.get(&id).and_then(|s| s.least_taken(floor)).unwrap_or(tick).ceil_to(tick).max(tick)
    }

    /// What a day of holding that server is worth; `None` while it is not known.
    pub(super) fn value_per_day(&self, id: ServerId, target: &Target) -> Option<Price> {
        match target.value.per_day {
            PerDay::Price(price) => Some(price),
            PerDay::OnDemand => {
                self.listing_read.good_at?;
                Some(self.facts.get(&id).and_then(|f| f.on_demand).unwrap_or(self.strategy.limits.max_bid))
            }
        }
    }

    /// The same by the last two lists of the marketplace, the higher of them; `None` before there were two.
    pub(super) fn value_per_day_seen_twice(&self, id: ServerId, target: &Target) -> Option<Price> {
        let value = self.value_per_day(id, target)?;
        match target.value.per_day {
            PerDay::Price(_) => Some(value),
            PerDay::OnDemand => self.facts.get(&id)?.on_demand_before.map(|before| before.max(value)),
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
            fees_charged: if is_limited { self.fees_charged.in_a_day(now) } else { Amount::ZERO },
            fees_ahead: if is_limited { self.fees_ahead() } else { Amount::ZERO },
            creation_fee: self.creation_fee,
            late: self.late,
        }
    }
}
