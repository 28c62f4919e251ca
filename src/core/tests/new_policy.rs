//! A policy of one's own, through the public trait alone: one that bids the floor plus a tick, and one that remembers.
//! docs/ARCHITECTURE.md shows the first as the worked example.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

mod common;

use clorebid_core::denial::Denial;
use clorebid_core::event::Reason;
use clorebid_core::money::Price;
use clorebid_core::policy::kept::{Kept, OrderState};
use clorebid_core::policy::{Opening, Opinion, Policy, Situation, Standing, Wish};
use clorebid_core::request::Answer;
use clorebid_core::strategy::BidRules;
use clorebid_core::time::{Span, Time};
use clorebid_core::words::Words;
use common::{World, price, strategy, target};

/// Bids the floor plus a tick, whatever the rivals do.
#[derive(Debug, PartialEq)]
struct FloorPlusTick;

impl Policy for FloorPlusTick {
    type State = ();

    fn name(&self) -> &'static str {
        "floor_plus_tick"
    }

    fn open(&self, _: &BidRules, market: &Situation, _last_bid: Option<Price>) -> Result<Opening, Denial> {
        let price = wanted(market);
        if price > market.ceiling {
            return Err(Denial::NotWorthIt { least_winning: price, ceiling: market.ceiling });
        }
        Ok(Opening { price, least: price })
    }

    fn keep(&self, _: &BidRules, market: &Situation, order: &Standing, _: &()) -> Opinion {
        let price = wanted(market);
        if price > order.bid && price <= market.ceiling {
            let words = Words::new("the floor is {} now").with(market.floor);
            return Opinion::now(Wish::Raise { to: price, reason: Reason::from(words) });
        }
        if price < order.bid {
            return Opinion::now(Wish::Lower { goal: price, or_anew: false, words: Some("down to {}") });
        }
        Opinion::keep(Words::new("it stands a tick above the floor"))
    }
}

fn wanted(market: &Situation) -> Price {
    market.floor.ceil_to(market.tick).plus(market.tick)
}

fn held_back_by(world: &World) -> Vec<String> {
    world.engine.explain(world.now)[0].held_back_by.iter().map(|hold| hold.words(world.now)).collect()
}

#[test]
fn a_policy_of_ones_own_bids_through_the_engine() {
    let mut wanted = target("t", &[6]);
    wanted.policy = FloorPlusTick.into();
    let mut world = World::new(strategy(vec![wanted]), &[(6, 900)]);
    world.until(60, "held", |w| w.holds(6));
    assert_eq!(world.creates(), vec![(6, 901)]);
    world.change(|v| v.machine(6).floor = 950);
    world.until(10, "raised", |w| w.bid(6) == Some(951) && w.holds(6));
    let last = world.log.iter().rfind(|s| s.ask.request.is_command()).expect("a raise");
    assert_eq!(last.ask.reason.to_string(), "the floor is 0.0000095 now");
    world.change(|v| v.machine(6).floor = 940);
    world.until(700, "lowered", |w| w.bid(6) == Some(941));
    let last = world.log.iter().rfind(|s| s.ask.request.is_command()).expect("a lowering");
    assert_eq!(last.ask.reason.to_string(), "down to 0.00000941");
    assert_eq!(held_back_by(&world), ["it stands a tick above the floor"]);
    world.assert_clean();
}

/// Opens at the floor, raises its bid by 10 ticks a few times over an order's life, and no more.
#[derive(Debug, PartialEq)]
struct FewRaises;

/// How often it raised, told by a moment: so many milliseconds after the epoch.
#[derive(Debug, Clone, PartialEq, Default)]
struct Raised(i64);

impl OrderState for Raised {
    fn keep(&self) -> Kept {
        Kept::default().with_time("raised", Time::from_ms(self.0))
    }

    fn recall(kept: &Kept, _: Time) -> Raised {
        Raised(kept.time("raised").map_or(0, Time::ms))
    }
}

impl Policy for FewRaises {
    type State = Raised;

    fn name(&self) -> &'static str {
        "few_raises"
    }

    fn open(&self, _: &BidRules, market: &Situation, _: Option<Price>) -> Result<Opening, Denial> {
        Ok(Opening { price: market.floor, least: market.floor })
    }

    fn keep(&self, _: &BidRules, market: &Situation, order: &Standing, raised: &Raised) -> Opinion {
        match order.lost_since {
            Some(since) if raised.0 < 2 => {
                let to = order.bid.plus(price(10));
                let wish = Wish::Raise { to, reason: Reason::from(Words::new("once more")) };
                let (until, words) = (since + Span::from_secs(20), Words::new("it takes its time"));
                if market.now < until { Opinion::later(wish, words, Some(until)) } else { Opinion::now(wish) }
            }
            Some(_) => Opinion::keep(Words::new("it has raised twice")),
            None => Opinion::keep(Words::new("it wins")),
        }
    }

    fn repriced(&self, raised: &mut Raised, _: Price, _: Price, _: Time) {
        raised.0 += 1;
    }
}

#[test]
fn what_it_remembers_of_an_order_outlives_the_process() {
    let mut wanted = target("t", &[6]);
    wanted.policy = FewRaises.into();
    let mut world = World::new(strategy(vec![wanted]), &[(6, 900)]);
    world.until(60, "held", |w| w.holds(6));
    world.rival(6, 1_500);
    world.run(15);
    assert!(world.reprices().is_empty(), "it takes its time");
    world.until(30, "raised once", |w| w.bid(6) == Some(910));
    world.restart();
    world.until(60, "raised twice", |w| w.bid(6) == Some(920));
    world.restart();
    world.run(300);
    assert_eq!(world.bid(6), Some(920), "and that was all, after a restart too");
    assert!(world.reprices().iter().all(|(_, _, answer)| *answer == Answer::Applied));
    assert_eq!(held_back_by(&world), ["it has raised twice"]);
    world.assert_clean();
}

/// Wishes what makes no sense: raises to less, lowers to more, and bids above the limits.
#[derive(Debug, PartialEq)]
struct Contrary;

impl Policy for Contrary {
    type State = ();

    fn name(&self) -> &'static str {
        "contrary"
    }

    fn open(&self, _: &BidRules, market: &Situation, _: Option<Price>) -> Result<Opening, Denial> {
        Ok(Opening { price: price(1_000_000), least: market.floor })
    }

    fn keep(&self, _: &BidRules, market: &Situation, order: &Standing, _: &()) -> Opinion {
        let reason = Reason::from(Words::new("to be contrary"));
        Opinion::now(if order.on_top {
            Wish::Lower { goal: order.bid.plus(market.tick), or_anew: true, words: None }
        } else {
            Wish::Raise { to: order.bid.minus(market.tick), reason }
        })
    }
}

#[test]
fn a_policy_breaks_no_rule_by_mistake() {
    let mut wanted = target("t", &[6]);
    wanted.policy = Contrary.into();
    let mut world = World::new(strategy(vec![wanted]), &[(6, 900)]);
    world.until(60, "held", |w| w.holds(6));
    assert_eq!(world.creates(), vec![(6, 900)], "the least it takes, since the limits allow no more");
    world.run(1_000);
    world.rival(6, 1_000);
    world.run(60);
    assert!(world.reprices().is_empty(), "\n{}", world.tail(10));
    world.assert_clean();
}
