//! What the core would like to do on each server, and what holds it back: for a person who asks why nothing happened.
//!
//! It decides nothing and changes nothing: it tells the same decisions that [`Engine::next`] acts on.

use alloc::string::String;
use alloc::vec::Vec;

use crate::beliefs::Server;
use crate::beliefs::order::Claim;
use crate::decide::context::{Context, Repeats};
use crate::decide::decision::{Decision, Hold, Turn, Wish};
use crate::decide::order::Bidding;
use crate::engine::Engine;
use crate::event::State;
use crate::ids::{OrderId, ServerId};
use crate::money::Price;
use crate::policy;
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
    /// What the core would like to do there, in words.
    pub wish: String,
    /// Everything that keeps it from doing so now. Empty: it does it as soon as its turn comes.
    pub held_back_by: Vec<Hold>,
}

impl Engine {
    /// What the core would like to do at `now` on each server that matters, and what holds it back.
    pub fn explain(&self, now: Time) -> Vec<Explanation> {
        let servers = self.beliefs.servers.iter().filter(|(_, s)| s.watched || s.claim != Claim::Empty);
        servers.filter_map(|(id, s)| self.explain_server(*id, s, now)).collect()
    }

    fn explain_server(&self, id: ServerId, server: &Server, now: Time) -> Option<Explanation> {
        let beliefs = &self.beliefs;
        let context = Context { now, leaving: self.leaving, repeats: Repeats::Nothing, lists_holds: true };
        let Decision { wish, holds: mut held_back_by, .. } = beliefs.decide(id, server, &context)?;
        if held_back_by.is_empty() && wish.turn() == Some(Turn::Place) {
            held_back_by.push(Hold::NotFirst);
        }
        held_back_by.extend(self.standstill(now));
        let target = beliefs.target_of(server)?;
        let market = server.market.as_ref();
        let situation = market.and_then(|m| beliefs.situation(id, m, target, now));
        let order = server.claim.order();
        let bidding = order.map(|order| Bidding { beliefs, context: &context, id, server, order, target });
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
            lowest: order.and_then(|o| beliefs.steps.lowest(id, o.bid, now)),
            next_lower_at: order.map(|o| o.next_lower_at),
            next_bid: bidding.and_then(next_bid),
            wish: wish.words(now),
            held_back_by,
        })
    }

    /// What keeps the whole run from changing anything.
    fn standstill(&self, now: Time) -> impl Iterator<Item = Hold> {
        let failed = self.quiet_until.filter(|until| now < *until).map(|until| Hold::VenueFailed { until });
        let observes = self.observe_only.then_some(Hold::ObserveOnly);
        observes.into_iter().chain(self.leaving.then_some(Hold::Leaving)).chain(failed)
    }
}

/// What the policy would bid next were it not for its patience, within the venue's step.
fn next_bid(bidding: Bidding<'_>) -> Option<Price> {
    let order = bidding.order;
    let seen = bidding.server.market.as_ref().filter(|_| order.cancel.is_none())?;
    let (market, standing) = bidding.stands_in(seen)?;
    let mut asked = Decision::new(Wish::Nothing, bidding.context);
    let down_to = |goal: Price| bidding.step_towards(goal, market.tick).0;
    let to = match bidding.opinion(&market, &standing, true, &mut asked).wish {
        policy::Wish::Raise { to, .. } => to,
        policy::Wish::Lower { goal, .. } => down_to(goal),
        policy::Wish::Anew { price, .. } => price,
        policy::Wish::LetGo { .. } => order.bid,
        policy::Wish::Keep if standing.on_top => down_to(market.goal.min(order.bid)),
        policy::Wish::Keep | policy::Wish::GiveUp(_) => market.least_winning.max(order.bid),
    };
    (to != order.bid).then_some(to)
}
