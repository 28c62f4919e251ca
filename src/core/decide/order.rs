//! What to do about an order that stands.

use alloc::boxed::Box;

use crate::beliefs::order::{Cancelling, Dead, Order};
use crate::beliefs::position::Position;
use crate::beliefs::reconcile::APPEARS_WITHIN;
use crate::beliefs::{Beliefs, Seen, Server};
use crate::decide::choose::{Choice, FRESH};
use crate::decide::context::{CANCEL_AGAIN, Context, FRESH_ENOUGH_TO_RAISE, STUCK_FOR, UNWINNABLE_FOR};
use crate::decide::decision::{Decision, Hold, Turn, Wish};
use crate::event::Reason;
use crate::ids::ServerId;
use crate::limits;
use crate::lowering::{Descent, descent};
use crate::money::Price;
use crate::policy::{self, Opinion, Situation, Standing};
use crate::strategy::{Lost, Target};
use crate::time::{Span, Time};
use crate::words::Words;

/// An order of ours with all that a decision about it rests on.
#[derive(Clone, Copy)]
pub(crate) struct Bidding<'a> {
    pub beliefs: &'a Beliefs,
    pub context: &'a Context,
    pub id: ServerId,
    pub server: &'a Server,
    pub order: &'a Order,
    pub target: &'a Target,
}

/// What became of the thought of leaving a lost server for a cheaper one.
enum Leaving {
    /// There is a cheaper one.
    Now(Reason),
    /// There may be, and this comes first.
    Later(Hold),
    /// There is none.
    No,
}

impl<'a> Bidding<'a> {
    /// What to do about it.
    pub(crate) fn decide(&self) -> Decision {
        if let Some(cancel) = &self.order.cancel {
            return self.cancelling(cancel);
        }
        if self.order.dead.is_some() {
            let mut decision = Decision::new(Wish::Cancel { reason: Reason::Dead, turn: Turn::Go }, self.context);
            if self.order.dead != Some(Dead::Surely) {
                decision.hold(Hold::OneWitness);
            }
            return decision;
        }
        let mut decision = Decision::new(Wish::Keep { bid: self.order.bid }, self.context);
        if let Some(reason) = self.abandon(&mut decision) {
            decision.do_at_once(Wish::Cancel { reason, turn: Turn::WinBack });
            return decision;
        }
        if self.rests() {
            return decision;
        }
        self.hold_what_is_open(&mut decision);
        let Some((situation, standing)) = self.server.market.as_ref().and_then(|m| self.stands_in(m)) else {
            decision.hold(Hold::MarketUnknown);
            return decision;
        };
        if self.order.position.missing_since().is_some() && situation.least_winning <= standing.bid {
            // It would win and is not even in the book: no bid will bring it back.
            self.hold_unless_fresh(FRESH_ENOUGH_TO_RAISE, &mut decision);
            if !self.order.position.is_certainly_missing() {
                decision.hold(Hold::OneWitness);
            }
            decision.wish = Wish::Cancel { reason: Reason::Dead, turn: Turn::WinBack };
            return decision;
        }
        self.follow_policy(decision, &situation, &standing)
    }

    /// What its policy wants of it, as far as that may be.
    fn follow_policy(&self, mut decision: Decision, situation: &Situation, standing: &Standing) -> Decision {
        let Opinion { mut wish, mut patience, until, why } = self.opinion(situation, standing, true, &mut decision);
        until.into_iter().for_each(|until| decision.changes_at(until));
        let is_lost = !standing.on_top;
        if let policy::Wish::Anew { server, price, or_down_to, why } = wish {
            let anew = self.bid_anew(&decision, server, price, why, is_lost);
            if anew.decision.due().is_some() || (anew.is_allowed && self.worth_if_above().is_none()) {
                return anew.decision;
            }
            wish =
                or_down_to.map_or(policy::Wish::Keep, |goal| policy::Wish::Lower { goal, or_anew: false, words: None });
            anew.decision.until.into_iter().for_each(|until| decision.changes_at(until));
            decision.denied.extend(anew.decision.denied);
            if self.context.now < self.order.next_lower_at {
                decision.changes_at(self.order.next_lower_at);
            }
            if is_lost {
                // It is lost all the same, and here a bid may be all that is allowed.
                let here = self.opinion(situation, standing, false, &mut decision);
                here.until.into_iter().for_each(|until| decision.changes_at(until));
                (wish, patience) = (here.wish, here.patience);
            }
        }
        if let policy::Wish::LetGo { reason } = &wish {
            self.hold_unless_fresh(FRESH_ENOUGH_TO_RAISE, &mut decision);
            decision.wish = Wish::Cancel { reason: reason.clone(), turn: Turn::WinBack };
            return decision;
        }
        if let Some(most) = self.worth_if_above() {
            if is_lost && patience.is_none() && matches!(wish, policy::Wish::GiveUp(_)) {
                self.win_back(&mut decision, situation, wish.clone());
            }
            return self.come_down_to_worth(decision, situation, most, &wish);
        }
        match wish {
            _ if patience.is_some() => {}
            // A raise that is none and a lowering that is none are no wishes: no policy breaks a rule by mistake.
            policy::Wish::Lower { goal, or_anew, words } if goal < standing.bid => {
                self.come_down(&mut decision, situation, goal, or_anew, words.map(Words::new).or(why));
                return decision;
            }
            policy::Wish::Raise { to, .. } if to > standing.bid => {
                self.win_back(&mut decision, situation, wish);
                return decision;
            }
            policy::Wish::GiveUp(_) if is_lost => {
                self.win_back(&mut decision, situation, wish);
                return decision;
            }
            _ => {}
        }
        if is_lost {
            decision.wish = Wish::WinBack { least_winning: situation.least_winning, or_elsewhere: false };
        }
        patience.into_iter().for_each(|patience| decision.hold(Hold::Policy(Box::new(patience))));
        decision
    }

    /// Whether nothing is wanted of the order for sure, and nobody asks why.
    fn rests(&self) -> bool {
        let wins = self.order.position == Position::Winning { slack_since: None };
        wins && !self.context.lists_holds && self.target.policy.rests_without_slack() && self.worth_if_above().is_none()
    }

    /// The market as its policy sees it, and the order in it.
    pub(crate) fn stands_in(&self, market: &Seen) -> Option<(Situation, Standing)> {
        let standing = Standing {
            bid: self.order.bid,
            on_top: self.order.is_on_top(&market.quote),
            holding: self.order.holds(),
            lost_since: self.order.position.lost_since(),
            slack_since: self.order.position.slack_since(),
        };
        Some((self.beliefs.situation(self.id, market, self.target, self.context.now)?, standing))
    }

    /// What its policy thinks, by what was learned where it learns. `may_move`: whether it may think of other servers.
    pub(crate) fn opinion(
        &self,
        situation: &Situation,
        standing: &Standing,
        may_move: bool,
        decision: &mut Decision,
    ) -> Opinion {
        if let Some(mind) = self.beliefs.mind(self.server.target)
            && let Some((mut occasion, changes_at)) =
                self.beliefs.occasion(self.id, self.server, self.order, self.target, situation)
        {
            if !may_move {
                occasion.others.clear();
            }
            changes_at.into_iter().for_each(|at| decision.changes_at(at));
            return mind.opinion(&occasion, situation, !standing.on_top);
        }
        self.target.policy.keep(&self.target.bid, situation, standing, &self.order.policy)
    }

    /// The lowest of `goal` and what the venue's step allows at once.
    pub(crate) fn step_towards(&self, goal: Price, tick: Price) -> (Price, Option<Price>) {
        let lowest = self.beliefs.steps.lowest(self.id, self.order.bid, self.context.now);
        (lowest.map_or(goal, |lowest| goal.max(lowest.ceil_to(tick))), lowest)
    }

    fn cancelling(&self, cancel: &Cancelling) -> Decision {
        let mut decision = Decision::new(Wish::Cancel { reason: cancel.reason.clone(), turn: Turn::Go }, self.context);
        if let Some(at) = cancel.accepted_at {
            decision.hold(Hold::CancelAccepted { at });
        } else if let Some(at) = cancel.asked_at.filter(|at| !self.may_cancel_again(*at)) {
            decision.hold(Hold::CancelAsked { at, until: at + CANCEL_AGAIN });
        }
        decision
    }

    /// Whether a cancellation that was asked for then may be asked for again.
    fn may_cancel_again(&self, asked_at: Time) -> bool {
        self.context.now >= asked_at + CANCEL_AGAIN && self.beliefs.was_listed_since(asked_at)
    }

    /// What keeps the order from any re-pricing: doubts about it, and a market that takes none.
    pub(super) fn hold_what_is_open(&self, decision: &mut Decision) {
        let order = self.order;
        if let Some(to) = order.unsettled {
            decision.hold(Hold::Unsettled { to });
        }
        if let Some(since) = order.position.missing_since() {
            // my_orders must still list the order although the book has ceased to show it.
            let listed = order.listed && self.beliefs.orders_read.good_at.is_some_and(|read| read >= since);
            let counts_from = order.placed_at + APPEARS_WITHIN;
            if !listed || (!order.ever_held && self.context.now < counts_from) {
                decision.hold(Hold::Missing { since, until: listed.then_some(counts_from) });
            }
        }
        if self.server.market.as_ref().is_some_and(|m| !m.value.is_open()) {
            decision.hold(Hold::Closed { until: None });
        }
    }

    pub(super) fn hold_unless_fresh(&self, limit: Span, decision: &mut Decision) {
        if self.context.fresh(self.server, limit).is_none() {
            decision.hold(Hold::MarketStale(limit));
        }
    }

    /// Leaves a server that no bid can win back: it is offline or hidden, or held for a reason beside the book.
    fn abandon(&self, decision: &mut Decision) -> Option<Reason> {
        let (order, now) = (self.order, self.context.now);
        let idle_since = order.position.idle_since().filter(|_| self.target.bid.lost != Lost::Wait)?;
        // A raise begins the wait anew, and only a book read since then tells what it came to.
        let idle_since = idle_since.max(order.changed_at);
        let given_up_at = idle_since + UNWINNABLE_FOR.max(self.target.bid.raise_wait);
        if now < given_up_at {
            decision.changes_at(given_up_at);
            return None;
        }
        let seen = self.context.fresh(self.server, FRESH_ENOUGH_TO_RAISE)?;
        let market = &seen.value;
        if market.is_open() && !order.is_on_top(&seen.quote) {
            return None;
        }
        let strategy = &self.beliefs.strategy;
        let nobody_better =
            market.is_open() && !market.is_held_against(order.bid, strategy.currency, strategy.venue.tick);
        let free = self.beliefs.facts.get(&self.id).is_some_and(|f| !f.rented)
            && self.beliefs.listing_read.good_at > Some(idle_since);
        if nobody_better && free {
            if now >= idle_since + STUCK_FOR {
                return Some(Reason::Dead);
            }
            decision.changes_at(idle_since + STUCK_FOR);
        }
        match self.leave_for_cheaper(None, decision) {
            Leaving::Now(reason) => Some(reason),
            Leaving::Later(hold) => {
                // A bid here may go on meanwhile.
                hold.until().into_iter().for_each(|until| decision.changes_at(until));
                None
            }
            Leaving::No => None,
        }
    }

    /// Whether another server is cheaper than winning this one back at `than`.
    fn leave_for_cheaper(&self, than: Option<Price>, decision: &mut Decision) -> Leaving {
        let (beliefs, context) = (self.beliefs, self.context);
        if !beliefs.knows_enough(self.target, context) {
            return Leaving::No;
        }
        if let Some(until) = beliefs.next_create_at().filter(|until| context.now < *until) {
            // A few seconds without the server cost less than a raise that takes hours to come down from.
            return Leaving::Later(Hold::CreateSpacing { until });
        }
        if beliefs.has_choice(self.server.target) {
            // Which one it would be depends on how old every read is.
            decision.changes_at(context.now);
        }
        let chosen = beliefs.choose(self.server.target, self.target, Some(self.id), context);
        decision.denied.extend(chosen.denied);
        match chosen.choice {
            Choice::Bid { price, .. } if than.is_some_and(|than| price >= than) => Leaving::No,
            Choice::Bid { server, least_winning, .. } => Leaving::Now(Reason::Move { to: server, least_winning }),
            Choice::Read(server) => {
                decision.read_first = Some(server);
                Leaving::Later(Hold::ReadFirst(server))
            }
            Choice::Nothing => Leaving::No,
        }
    }

    /// Wins back what is lost here, or gives it up for a cheaper server.
    fn win_back(&self, decision: &mut Decision, situation: &Situation, wish: policy::Wish) {
        let order = self.order;
        if self.context.now < order.retry_at {
            decision.hold(Hold::RepriceRefused { until: order.retry_at });
        }
        let is_on_top = self.server.market.as_ref().is_some_and(|seen| order.is_on_top(&seen.quote));
        if !is_on_top && order.position.lost_since().is_none() && order.position.missing_since().is_none() {
            decision.hold(Hold::NotShown);
        }
        self.hold_unless_fresh(FRESH_ENOUGH_TO_RAISE, decision);
        let is_held = decision.is_held();
        match wish {
            policy::Wish::Raise { to, reason } => self.raise(decision, situation, to, reason, is_held),
            policy::Wish::GiveUp(denial) => {
                decision.wish = Wish::WinBack { least_winning: situation.least_winning, or_elsewhere: true };
                if !is_held {
                    decision.denied.push((self.id, denial));
                }
                decision.hold(Hold::Denied { denial, until: None });
                if self.target.bid.lost == Lost::Wait {
                    decision.hold(Hold::LostWait);
                } else if !is_held && !self.target.policy.learns() {
                    match self.leave_for_cheaper(None, decision) {
                        Leaving::Now(reason) => {
                            decision.do_at_once(Wish::Cancel { reason, turn: Turn::WinBack });
                        }
                        Leaving::Later(hold) => decision.hold(hold),
                        Leaving::No => {}
                    }
                }
            }
            policy::Wish::Keep
            | policy::Wish::Lower { .. }
            | policy::Wish::Anew { .. }
            | policy::Wish::LetGo { .. } => {}
        }
    }

    fn raise(&self, decision: &mut Decision, situation: &Situation, to: Price, reason: Reason, is_held: bool) {
        if self.target.bid.lost == Lost::Move && !is_held {
            match self.leave_for_cheaper(Some(to), decision) {
                Leaving::Now(reason) => {
                    return decision.do_at_once(Wish::Cancel { reason, turn: Turn::WinBack });
                }
                Leaving::Later(hold) => {
                    decision.wish = Wish::Raise { to, reason };
                    decision.hold(hold);
                    return;
                }
                Leaving::No => {}
            }
        }
        let exposure = self.beliefs.exposure(self.context.now, &[self.id]);
        let least = situation.least_winning.max(self.order.bid.plus(situation.tick)).min(to);
        // Where nothing is lost, a part of the way would be gone tick by tick.
        let is_on_top = situation.least_winning <= self.order.bid;
        let least = if is_on_top { to } else { least };
        let allowed = limits::most(&self.beliefs.strategy.limits, &exposure, to, least, false);
        if let Err(denial) = allowed {
            if !is_held {
                decision.denied.push((self.id, denial));
            }
            decision.hold(Hold::Denied { denial, until: None });
            // What learns chose this server by the risk there, and a limit knows of prices alone: one that costs more in
            // the end may still be allowed.
            if !is_held && !is_on_top && self.target.policy.learns() {
                match self.leave_for_cheaper(None, decision) {
                    Leaving::Now(reason) => {
                        return decision.do_at_once(Wish::Cancel { reason, turn: Turn::WinBack });
                    }
                    Leaving::Later(hold) => decision.hold(hold),
                    Leaving::No => {}
                }
            }
        }
        decision.wish = Wish::Raise { to: allowed.unwrap_or(to), reason };
    }

    /// Takes away what is paid for nothing: one step down, or a new order where that costs less than the steps.
    pub(super) fn come_down(
        &self,
        decision: &mut Decision,
        situation: &Situation,
        goal: Price,
        or_anew: bool,
        words: Option<Words>,
    ) {
        let (order, now) = (self.order, self.context.now);
        self.hold_unless_fresh(FRESH, decision);
        if or_anew
            && !decision.is_held()
            && let Some(steps) = self.replacement_pays(goal, decision)
        {
            let reason = Reason::Replace { new_bid: goal, steps };
            return decision.do_at_once(Wish::Cancel { reason, turn: Turn::ComeDown });
        }
        if now < order.retry_at {
            decision.hold(Hold::RepriceRefused { until: order.retry_at });
        }
        if now < order.next_lower_at {
            decision.hold(Hold::LowerWait { until: order.next_lower_at });
        }
        if decision.is_held() && !self.context.lists_holds {
            // Which step it would be matters to nobody.
            return;
        }
        let (to, lowest) = self.step_towards(goal, situation.tick);
        let least = lowest.unwrap_or(order.bid);
        // Where something else holds too, a person wants to know how far the step would go.
        if to >= order.bid || (decision.is_held() && lowest.is_some() && least > goal) {
            decision.hold(Hold::Step { lowest: least });
        }
        let reason = match words {
            Some(words) => Reason::from(words.with(to)),
            None => Reason::Slack { goal, lowest },
        };
        decision.wish = Wish::Lower { goal, to, reason };
    }

    /// How many steps down a new order at `goal` would save, where it costs less than they do.
    fn replacement_pays(&self, goal: Price, decision: &mut Decision) -> Option<u32> {
        let (beliefs, now, order) = (self.beliefs, self.context.now, self.order);
        if !self.target.bid.replace || !order.holds() || !beliefs.knows_enough(self.target, self.context) {
            return None;
        }
        let not_before = beliefs.next_create_at().max(self.server.blocked_until);
        if let Some(at) = not_before.filter(|at| now < *at) {
            decision.changes_at(at);
            return None;
        }
        let (wait, every) = (order.next_lower_at.since(now), beliefs.lower_every(now));
        let Descent { steps, overpaid } = descent(order.bid, goal, beliefs.steps.step(self.id)?, wait, every)?;
        if overpaid <= beliefs.restart_cost(self.id, self.target)? {
            return None;
        }
        let exposure = beliefs.exposure(now, &[self.id]);
        limits::check(&beliefs.strategy.limits, &exposure, goal, true).is_ok().then_some(steps)
    }
}
