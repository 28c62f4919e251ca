//! What the core would like to do on each server, and what holds it back: for a person who asks why nothing happened.
//!
//! It decides nothing and changes nothing. It asks the same policies and limits as [`Engine::next`] does, so that the
//! words agree with the deeds; where a step has several conditions it names every one that is not met.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::beliefs::Server;
use crate::beliefs::order::{Claim, Create, Order};
use crate::beliefs::reconcile::CREATE_SETTLES_AFTER;
use crate::decide::choose::{Choice, FRESH, ORDERS_FRESH, needs_listing};
use crate::decide::{FRESH_ENOUGH_TO_RAISE, standing};
use crate::engine::Engine;
use crate::event::State;
use crate::governing::CREATE_SPACING;
use crate::ids::{OrderId, ServerId};
use crate::limits;
use crate::money::Price;
use crate::policy::{Opinion, Situation, Wish};
use crate::strategy::{Lost, Target};
use crate::time::{Span, Time};

/// One server as the core sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The server.
    pub server: ServerId,
    /// The target it serves.
    pub target: String,
    /// What we have there.
    pub state: State,
    /// Our order.
    pub order: Option<OrderId>,
    /// What we bid, at the worst.
    pub our_bid: Option<Price>,
    /// How old the newest good read of its market is.
    pub market_age: Option<Span>,
    /// The host's least price.
    pub floor: Option<Price>,
    /// The highest bid of anybody else.
    pub best_rival: Option<Price>,
    /// The least bid that wins.
    pub least_winning: Option<Price>,
    /// The least winning bid plus the margin.
    pub goal: Option<Price>,
    /// The most worth bidding.
    pub ceiling: Option<Price>,
    /// The lowest price that our bid may be lowered to at once, where known.
    pub lowest: Option<Price>,
    /// When our bid may next be lowered.
    pub next_lower_at: Option<Time>,
    /// Where our bid would go next if nothing but the market and the step held it: the raise that wins, or one step down.
    pub next_bid: Option<Price>,
    /// What the core would like to do there.
    pub wish: String,
    /// Everything that keeps it from doing so now. Empty: it does it as soon as its turn comes.
    pub held_back_by: Vec<String>,
}

/// A wish in words, and what holds it back.
struct Verdict(String, Vec<String>);

impl Engine {
    /// What the core would like to do at `now` on each server that matters, and what holds it back.
    pub fn explain(&self, now: Time) -> Vec<Explanation> {
        let servers = self.beliefs.servers.iter().filter(|(_, s)| s.watched || s.claim != Claim::Empty);
        servers.filter_map(|(id, s)| self.explain_server(*id, s, now)).collect()
    }

    fn explain_server(&self, id: ServerId, server: &Server, now: Time) -> Option<Explanation> {
        let beliefs = &self.beliefs;
        let target = beliefs.target_of(server)?;
        let market = server.market.as_ref();
        let situation = market.and_then(|m| beliefs.situation(id, m, target, now));
        let order = server.claim.order();
        let Verdict(wish, mut held_back_by) = match &server.claim {
            Claim::Empty => self.explain_empty(id, server, target, now),
            Claim::Create(create) => explain_create(create, now),
            Claim::Order(order) => self.explain_order(id, server, order, target, situation.as_ref(), now),
        };
        held_back_by.extend(self.standstill(now));
        Some(Explanation {
            server: id,
            target: target.name.clone(),
            state: server.claim.state(),
            order: order.map(|o| o.id),
            our_bid: server.claim.worst_bid(),
            market_age: market.map(|m| now.since(m.sent_at)),
            floor: market.and_then(|m| m.quote.floor),
            best_rival: market.and_then(|m| m.quote.best_rival),
            least_winning: market.and_then(|m| m.quote.least_winning),
            goal: situation.map(|s| s.goal),
            ceiling: situation.map(|s| s.ceiling),
            lowest: order.and_then(|o| beliefs.steps.lowest(id, o.bid)),
            next_lower_at: order.map(|o| o.next_lower_at),
            next_bid: order.zip(situation.as_ref()).and_then(|(o, s)| self.next_bid(id, server, o, target, s)),
            wish,
            held_back_by,
        })
    }

    /// What the policy would bid next were it not for its patience, within the venue's step.
    fn next_bid(
        &self,
        id: ServerId,
        server: &Server,
        order: &Order,
        target: &Target,
        market: &Situation,
    ) -> Option<Price> {
        let seen = server.market.as_ref().filter(|_| order.cancel.is_none())?;
        let standing = standing(order, seen);
        let to = match target.policy.keep(&target.bid, market, &standing, &order.policy).wish {
            Wish::Raise { to, .. } => to,
            Wish::Lower { goal, .. } => self.one_step_towards(id, order, goal, market.tick),
            Wish::Keep if standing.on_top => {
                let goal = market.goal.min(order.bid);
                self.one_step_towards(id, order, goal, market.tick)
            }
            Wish::Keep | Wish::GiveUp(_) => market.least_winning.max(order.bid),
        };
        (to != order.bid).then_some(to)
    }

    fn one_step_towards(&self, id: ServerId, order: &Order, goal: Price, tick: Price) -> Price {
        self.beliefs.steps.lowest(id, order.bid).map_or(goal, |lowest| goal.max(lowest.ceil_to(tick)))
    }

    /// What keeps the whole run from changing anything.
    fn standstill(&self, now: Time) -> Vec<String> {
        let mut all = Vec::new();
        if self.observe_only {
            all.push("the run only observes".to_string());
        }
        if self.leaving {
            all.push("the run ends: it cancels and places nothing".to_string());
        }
        if let Some(until) = self.quiet_until.filter(|until| now < *until) {
            all.push(format!("the venue failed; the next try is in {}", until.since(now)));
        }
        all
    }

    fn explain_empty(&self, id: ServerId, server: &Server, target: &Target, now: Time) -> Verdict {
        let beliefs = &self.beliefs;
        let claimed = beliefs.claimed(server.target);
        if claimed >= target.want {
            return Verdict("nothing".to_string(), [format!("the target has {claimed} of {}", target.want)].into());
        }
        let mut held = self.missing_knowledge(target, now);
        if let Some(until) = server.blocked_until.filter(|until| now < *until) {
            held.push(format!("it refused a create; the next try is in {}", until.since(now)));
        }
        let facts = beliefs.facts.get(&id);
        let mut note = |is: bool, what: &str| {
            if is {
                held.push(what.to_string());
            }
        };
        note(beliefs.hosted.contains(&id), "it is a server of our own");
        note(facts.is_some_and(|f| f.rented), "it is rented on demand");
        note(facts.is_some_and(|f| !f.takes_currency), "its host does not take the currency");
        note(beliefs.foreign.values().any(|f| f.server == id), "an order that the bot did not make stands there");
        note(beliefs.strays.values().any(|s| s.server == id), "an order that is being cancelled stands there");
        let market = server.market.as_ref();
        note(market.is_some_and(|m| !m.value.is_open()), "it is offline or hidden");
        note(market.is_some_and(|m| m.value.mine().is_some()), "its book shows an offer of ours");
        note(server.fresh(now, FRESH).is_none(), "its market has not been read in the last seconds");
        if let Some(end) = beliefs.last_create_end.filter(|end| now < *end + CREATE_SPACING) {
            held.push(format!("the next create is allowed in {}", (end + CREATE_SPACING).since(now)));
        }
        let wish = match beliefs.bid_there(id, target, None, now) {
            Some(Ok(Choice::Bid { price, .. })) => format!("place {price}"),
            Some(Err(denial)) => {
                held.push(denial.to_string());
                "place a bid".to_string()
            }
            _ => "place a bid, once its market is known".to_string(),
        };
        if held.is_empty() {
            held.push("a cheaper server of the same target goes first, or it is next".to_string());
        }
        Verdict(wish, held)
    }

    /// What a first bid needs to know and does not.
    fn missing_knowledge(&self, target: &Target, now: Time) -> Vec<String> {
        let beliefs = &self.beliefs;
        let mut held = Vec::new();
        if beliefs.orders_read.good_at.is_none_or(|at| now.since(at) > ORDERS_FRESH) {
            held.push(format!("no good my_orders in the last {ORDERS_FRESH}"));
        }
        let needs_wallets = beliefs.strategy.limits.min_balance.is_some();
        if beliefs.wallets_read.tried_at.is_none() || (needs_wallets && beliefs.wallets_read.good_at.is_none()) {
            held.push("the wallets have not been read".to_string());
        }
        if beliefs.listing_read.tried_at.is_none() || (needs_listing(target) && beliefs.listing_read.good_at.is_none())
        {
            held.push("the marketplace has not been read".to_string());
        }
        held
    }

    fn explain_order(
        &self,
        id: ServerId,
        server: &Server,
        order: &Order,
        target: &Target,
        situation: Option<&Situation>,
        now: Time,
    ) -> Verdict {
        if let Some(cancel) = &order.cancel {
            let held = match (cancel.accepted_at, cancel.asked_at) {
                (Some(at), _) => {
                    format!("the venue accepted it {} ago; reads must agree that it is gone", now.since(at))
                }
                (None, Some(at)) => format!("it was asked for {} ago", now.since(at)),
                (None, None) => return Verdict(format!("cancel: {}", cancel.reason), Vec::new()),
            };
            return Verdict(format!("cancel: {}", cancel.reason), [held].into());
        }
        let mut held = Vec::new();
        if let Some(to) = order.unsettled {
            held.push(format!("nobody knows whether a re-pricing to {to} took effect"));
        }
        if let Some(since) = order.missing_since {
            held.push(format!("the book has not shown it for {}", now.since(since)));
        }
        if server.market.as_ref().is_some_and(|m| !m.value.is_open()) {
            held.push("the server is offline or hidden".to_string());
        }
        let (Some(situation), Some(market)) = (situation, &server.market) else {
            held.push("its market is not known".to_string());
            return Verdict(format!("keep {}", order.bid), held);
        };
        let standing = standing(order, market);
        if now < order.retry_at {
            held.push(format!(
                "the venue refused the last re-pricing; the next try is in {}",
                order.retry_at.since(now)
            ));
        }
        let Opinion { wish, patience } = target.policy.keep(&target.bid, situation, &standing, &order.policy);
        held.extend(patience.map(|patience| patience.words.to_string()));
        match wish {
            _ if patience.is_some() && standing.on_top => Verdict(format!("keep {}", order.bid), held),
            _ if patience.is_some() => Verdict(format!("win with {} or more", situation.least_winning), held),
            Wish::Keep => Verdict(format!("keep {}", order.bid), held),
            Wish::Raise { to, reason } => {
                held.extend(self.why_raise_waits(id, server, order, to, situation, now));
                Verdict(format!("raise to {to}: {reason}"), held)
            }
            Wish::Lower { goal, .. } => {
                held.extend(self.why_lowering_waits(id, server, order, goal, now));
                Verdict(format!("come down to {goal}"), held)
            }
            Wish::GiveUp(denial) => {
                held.push(denial.to_string());
                if target.bid.lost == Lost::Wait {
                    held.push("lost = \"wait\"".to_string());
                }
                let least = situation.least_winning;
                Verdict(format!("win it back with {least} or more, or go elsewhere"), held)
            }
        }
    }

    fn why_raise_waits(
        &self,
        id: ServerId,
        server: &Server,
        order: &Order,
        to: Price,
        situation: &Situation,
        now: Time,
    ) -> Vec<String> {
        let mut held = Vec::new();
        if server.fresh(now, FRESH_ENOUGH_TO_RAISE).is_none() {
            held.push(format!("its market was last read more than {FRESH_ENOUGH_TO_RAISE} ago"));
        }
        let exposure = self.beliefs.exposure(now, &[id]);
        let least = situation.least_winning.max(order.bid.plus(situation.tick)).min(to);
        if let Err(denial) = limits::most(&self.beliefs.strategy.limits, &exposure, to, least, false) {
            held.push(denial.to_string());
        }
        held
    }

    fn why_lowering_waits(&self, id: ServerId, server: &Server, order: &Order, goal: Price, now: Time) -> Vec<String> {
        let mut held = Vec::new();
        if now < order.next_lower_at {
            held.push(format!("the next lowering is allowed in {}", order.next_lower_at.since(now)));
        }
        if server.fresh(now, FRESH).is_none() {
            held.push(format!("its market was last read more than {FRESH} ago"));
        }
        if let Some(lowest) = self.beliefs.steps.lowest(id, order.bid).filter(|lowest| *lowest > goal) {
            held.push(format!("one step goes no lower than {lowest}"));
        }
        held
    }
}

fn explain_create(create: &Create, now: Time) -> Verdict {
    let wish = format!("see the order of the create at {} sent {} ago", create.bid, now.since(create.sent_at));
    let held = if create.known_accepted {
        "the venue accepted it, and no read has shown its order yet".to_string()
    } else {
        let reads = create.absent_reads;
        format!(
            "nobody knows whether it took effect; {reads} good my_orders without it so far, two are needed, the later \
             {CREATE_SETTLES_AFTER} after it"
        )
    };
    Verdict(wish, [held].into())
}
