//! What is learned for the targets whose policy learns: it is told what every answer came to, and asked in the policy's
//! place.

use alloc::vec::Vec;

use crate::beliefs::order::{Claim, Order, Word};
use crate::beliefs::servers::Group;
use crate::beliefs::{Beliefs, Server, targets};
use crate::ids::{ServerId, TargetId};
use crate::money::Price;
use crate::policy::Situation;
use crate::policy::adaptive::terms::Worth;
use crate::policy::mind::{self, Mind, Occasion, Sight};
use crate::strategy::{RestartCost, Target};
use crate::time::{Span, Time};

/// A server whose reads fail is no place to go to once its last good one is this old.
const KNOWN_FOR: Span = Span::from_secs(60);
/// What changed between two reads of a server is a move of its market, unless the reads are so many times as far apart as
/// a server is to wait for its own.
const ROUNDS_MISSED: i64 = 2;

impl Beliefs {
    /// What is learned for that target, where its policy learns.
    pub(crate) fn mind(&self, target: TargetId) -> Option<&Mind> {
        usize::try_from(target.0).ok().and_then(|index| self.minds.get(index)).and_then(Option::as_ref)
    }

    /// Every mind thinks again at each moment up to `now` at which time alone made it think otherwise. What is regretted
    /// then hangs on these moments alone, and not on when an answer happened to come.
    pub(crate) fn catch_up(&mut self, now: Time) {
        for index in 0..self.minds.len() {
            let Ok(id) = u32::try_from(index).map(TargetId) else { continue };
            while let Some((server, at)) = self.mind(id).and_then(Mind::wakes_first).filter(|(_, at)| *at <= now) {
                let decision =
                    self.occasion_there(server, at).and_then(|(occasion, _)| self.mind(id)?.decide(&occasion));
                let Some(mind) = self.minds.get_mut(index).and_then(Option::as_mut) else { break };
                mind.advance(at);
                mind.keep_in_mind(server, at, decision.as_ref());
            }
        }
    }

    /// Every mind takes note of what the last answer came to.
    pub(crate) fn learn(&mut self, now: Time) {
        let strategy = self.strategy.clone();
        for (id, target) in targets(&strategy).filter(|(_, target)| target.policy.learns()) {
            let Some(mut mind) = self.take_mind(id) else { continue };
            mind.advance(now);
            let of_target = |(_, server): &(&ServerId, &Server)| server.target == id && is_looked_at(server);
            let mut orders = Vec::new();
            for (server, entry) in self.servers.iter().filter(of_target) {
                if let Some(sight) = self.sight(*server, entry, target) {
                    mind.see(*server, now, &sight);
                }
                orders.extend(entry.claim.order().filter(|order| order.cancel.is_none()).map(|_| *server));
            }
            let stands = |entry: &Server| entry.target == id && entry.claim != Claim::Empty;
            mind.let_go(|server| self.servers.get(server).is_some_and(stands));
            mind.refresh(now, |server| self.servers.get(server).is_some_and(is_looked_at));
            for server in orders {
                let decision = self.occasion_there(server, now).and_then(|(occasion, _)| mind.decide(&occasion));
                mind.keep_in_mind(server, now, decision.as_ref());
                self.servers.touch(server);
            }
            self.put_mind(id, mind);
        }
    }

    /// Takes note of reads that nobody looked at, since they repeated the last ones.
    pub(crate) fn learn_repeats(&mut self, since: Time) {
        let Beliefs { servers, minds, .. } = self;
        if minds.iter().all(Option::is_none) {
            return;
        }
        for turn in servers.queues.read_since(since) {
            let target = servers.get(&turn.server).and_then(|server| usize::try_from(server.target.0).ok());
            let mind = target.and_then(|target| minds.get_mut(target)).and_then(Option::as_mut);
            if let (Some(mind), Some(at)) = (mind, turn.tried_at) {
                mind.read_again(turn.server, at);
            }
        }
    }

    /// An order of ours is about to be cancelled: where it was decided to bid anew, that is carried out with it.
    pub(crate) fn learn_leaving(&mut self, server: ServerId, now: Time) {
        let Some(entry) = self.servers.get(&server) else { return };
        let target = entry.target;
        if self.mind(target).is_none() || entry.claim.order().is_none_or(|order| order.cancel.is_some()) {
            return;
        }
        let Some((occasion, _)) = self.occasion_there(server, now) else { return };
        let Some(mut mind) = self.take_mind(target) else { return };
        if let Some(decision) = mind.decide(&occasion) {
            mind.carry_out(server, &decision);
        }
        self.put_mind(target, mind);
    }

    fn take_mind(&mut self, target: TargetId) -> Option<Mind> {
        usize::try_from(target.0).ok().and_then(|index| self.minds.get_mut(index)).and_then(Option::take)
    }

    pub(crate) fn put_mind(&mut self, target: TargetId, mind: Mind) {
        if let Some(place) = usize::try_from(target.0).ok().and_then(|index| self.minds.get_mut(index)) {
            *place = Some(mind);
        }
    }

    /// One server as the last answers left it; `None` while it was not read, or nobody knows what it is worth.
    fn sight(&self, id: ServerId, server: &Server, target: &Target) -> Option<Sight> {
        let market = server.market.as_ref()?;
        let worth = self.worth(id, target)?;
        let tick = worth.tick;
        let is_rented = self.facts.get(&id).is_some_and(|facts| facts.rented);
        let can_be_held = market.value.is_open() && (!is_rented || server.claim != Claim::Empty);
        let least = self.least_winning(id, market).filter(|_| can_be_held);
        let bid = match &server.claim {
            Claim::Empty => None,
            Claim::Create(create) => (create.word == Word::Accepted).then_some(create.bid),
            Claim::Order(order) => Some(order.bid),
        };
        let least = least.map(|least| least.ceil_to(tick));
        let gap = self.servers.queues.starving().times(ROUNDS_MISSED);
        Some(Sight { worth, least, read_at: market.sent_at, gap, bid, is_ours: server.claim != Claim::Empty })
    }

    /// What that server is worth, and what a restart costs; `None` while nobody knows.
    fn worth(&self, id: ServerId, target: &Target) -> Option<Worth> {
        let per_day = self.value_per_day(id, target)?;
        let restart = match target.value.restart {
            RestartCost::Time(span) => per_day.accrue(span).amount(),
            RestartCost::Amount(amount) => amount,
        };
        Some(Worth {
            restart: restart.plus(self.creation_fee),
            per_day,
            most: self.most(target),
            fee_percent: self.fee_percent,
            tick: self.strategy.venue.tick,
        })
    }

    /// What holding that server would cost, risk included, where the target's policy learns. Of one that was never read
    /// it is what such a server costs where `least` wins.
    pub(super) fn cost_with_risk(&self, id: ServerId, server: &Server, least: Price, now: Time) -> Option<Price> {
        let mind = self.mind(server.target)?;
        let learned = mind.cost(id, now, self.strategy.venue.tick);
        learned.or_else(|| mind::cost_unseen(&self.worth(id, self.target_of(server)?)?, least))
    }

    /// The most that may be bid for that target, whatever a server is worth.
    fn most(&self, target: &Target) -> Price {
        self.strategy.limits.max_bid.min(target.bid.give_up.unwrap_or(Price::MAX))
    }

    /// The most that may be bid on a server by what its policy sees of it.
    pub(crate) fn most_there(&self, situation: &Situation, target: &Target) -> Price {
        situation.ceiling.min(self.most(target))
    }

    fn occasion_there(&self, id: ServerId, now: Time) -> Option<(Occasion, Option<Time>)> {
        let server = self.servers.get(&id)?;
        let target = self.target_of(server)?;
        let situation = self.situation(id, server.market.as_ref()?, target, now)?;
        self.occasion(id, server, server.claim.order()?, target, &situation)
    }

    /// What is asked about that order, and when another server may become one to move to.
    pub(crate) fn occasion(
        &self,
        id: ServerId,
        server: &Server,
        order: &Order,
        target: &Target,
        situation: &Situation,
    ) -> Option<(Occasion, Option<Time>)> {
        let now = situation.now;
        let market = server.market.as_ref()?;
        let mut others = Vec::new();
        let mut changes_at: Option<Time> = None;
        for (other, entry) in self.servers.idle(server.target) {
            let blocked = entry.blocked_until.filter(|until| now < *until);
            let rests = self.mind(server.target).and_then(|mind| mind.rests_until(other, now));
            changes_at = changes_at.into_iter().chain(blocked).chain(rests).min();
            if self.could_move_to(other, entry, target, now) {
                others.push(other);
            }
        }
        let occasion = Occasion {
            now,
            tick: situation.tick,
            server: id,
            bid: order.bid,
            ties: order.is_on_top(&market.quote),
            next_lower: order.next_lower_at,
            others,
            step: situation.step,
            may_create: self.next_create_at().unwrap_or(Time::from_ms(i64::MIN)),
            ceiling: self.most_there(situation, target),
        };
        Some((occasion, changes_at))
    }

    /// Whether another order of that target is on its way in or out: one at a time may leave. A lost one waits for none
    /// that is on its way in: that has its server already, and it may take minutes until the order is seen.
    pub(super) fn is_another_on_its_way(&self, id: ServerId, target: TargetId, is_lost: bool) -> bool {
        let is_on_its_way = |claim: &Claim| match claim {
            Claim::Empty => false,
            Claim::Create(_) => !is_lost,
            Claim::Order(order) => order.cancel.is_some(),
        };
        let claimed = self.servers.of(Group::Claimed).iter().filter(|other| **other != id);
        claimed.filter_map(|other| self.servers.get(other)).any(|s| s.target == target && is_on_its_way(&s.claim))
    }

    fn could_move_to(&self, id: ServerId, server: &Server, target: &Target, now: Time) -> bool {
        let Some(market) = &server.market else { return false };
        let is_known = server.tried_at == Some(market.sent_at) || server.fresh(now, KNOWN_FOR).is_some();
        is_known
            && market.value.mine().is_none()
            && self.is_usable(id, server, now)
            && !is_above_highest(target, market.quote.floor)
    }
}

fn is_above_highest(target: &Target, floor: Option<Price>) -> bool {
    super::choose::highest_floor(target).zip(floor).is_some_and(|(most, floor)| floor > most)
}

fn is_looked_at(server: &Server) -> bool {
    server.watched || server.claim != Claim::Empty
}
