//! A process may end at any moment. The next one goes on from what was remembered: with the ids, the clocks, the money
//! spent and the doubts of the one before.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

mod common;

use clorebid_core::engine::Engine;
use clorebid_core::event::{Event, State};
use clorebid_core::governing::CREATE_SPACING;
use clorebid_core::policy::adaptive::policy::Adaptive;
use clorebid_core::request::{Answer, Doubt, Refusal, Request};
use clorebid_core::time::Span;
use common::venue::{Eviction, Fault, Kind};
use common::{World, price, strategy, sum, target};

fn one(floor: i64) -> World {
    World::new(strategy(vec![target("t", &[6])]), &[(6, floor)])
}

#[test]
fn a_held_order_is_known_again_at_once_and_nothing_is_placed() {
    let mut world = one(900);
    world.until(60, "held", |w| w.holds(6));
    world.run(60);
    for _ in 0..5 {
        world.restart();
        assert!(world.state(6).is_some_and(|s| s != State::Wanted), "before any read");
        world.run(60);
        assert_eq!(world.state(6), Some(State::Holding));
    }
    assert_eq!((world.creates().len(), world.cancels()), (1, 0));
    world.assert_clean();
}

#[test]
fn a_crash_in_any_change_leads_to_no_second_order() {
    for arrives in [true, false] {
        for eviction in [Eviction::Pause, Eviction::Vanish, Eviction::Freeze] {
            let mut world = one(900);
            world.venue.eviction = eviction;
            assert!(matches!(world.crash_in_change(60, arrives), Request::Create { .. }));
            world.until(200, "held", |w| w.holds(6));
            world.run(60);
            world.rival(6, 1_000);
            world.crash_in_change(90, arrives);
            world.until(200, "won back", |w| w.holds(6));
            world.run(60);
            world.rival(6, 0);
            world.crash_in_change(700, arrives);
            world.run(700);
            world.engine.leave();
            world.crash_in_change(60, arrives);
            world.engine.leave();
            world.until(200, "gone", |w| w.engine.is_empty());
            assert!(world.venue.orders.values().all(|o| !o.stands()));
            assert_eq!(world.venue.too_soon, 0);
            world.assert_clean();
        }
    }
}

#[test]
fn a_restart_while_a_create_is_unknown_keeps_its_two_minutes() {
    let mut world = one(900);
    world.force(Kind::Create, Fault::LostBefore);
    world.until(60, "the create", |w| !w.creates().is_empty());
    let sent = world.log.last().expect("the create").sent;
    for _ in 0..4 {
        world.run(20);
        world.restart();
        assert_eq!(world.state(6), Some(State::Unknown));
    }
    world.until(90, "the second create", |w| w.log.iter().any(|s| s.sent > sent && s.ask.request.is_command()));
    let second = world.log.iter().rfind(|s| s.ask.request.is_command()).expect("a create").sent;
    assert!(second.since(sent) >= Span::from_secs(120));
    world.assert_clean();
}

#[test]
fn the_lowering_clock_and_the_step_outlive_the_process() {
    let mut world = one(500);
    world.rival(6, 999);
    world.until(60, "held", |w| w.bid(6) == Some(1_000));
    world.rival(6, 0);
    world.until(60, "the first step down", |w| w.bid(6) == Some(900));
    let at = world.now;
    for _ in 0..6 {
        world.run(60);
        world.restart();
    }
    world.until(400, "the second step down", |w| w.bid(6) == Some(800));
    let took = world.now.since(at).ms() / 1000;
    assert!((598..=625).contains(&took), "{took} s");
    assert_eq!((world.venue.too_soon, world.venue.too_large), (0, 1), "what was learned is not learned twice");
}

#[test]
fn a_clock_that_makes_no_sense_waits_the_full_window_at_most() {
    let mut world = one(500);
    world.rival(6, 999);
    world.until(60, "held", |w| w.bid(6) == Some(1_000));
    world.rival(6, 0);
    world.until(60, "the first step down", |w| w.bid(6) == Some(900));
    let memory = world.engine.memory(world.now);
    // The machine's clock was a day ahead when this was remembered, and is right now.
    world.now = world.now - Span::DAY;
    world.resume(memory);
    let next = world.status(6).expect("the order").next_lower_at.expect("its clock");
    assert!(next.since(world.now) <= Span::from_secs(600));
}

#[test]
fn an_order_that_has_ended_is_not_taken_up_again() {
    let mut world = one(900);
    world.venue.eviction = Eviction::Expire;
    world.until(60, "held", |w| w.holds(6));
    world.run(60);
    world.rival(6, 1_000);
    world.until(60, "held anew", |w| w.bid(6) == Some(1_001));
    world.run(60);
    let first = 501;
    world.restart();
    world.run(60);
    let order = world.status(6).and_then(|s| s.order).expect("the new order");
    assert_ne!(order.0, first, "the ended order is still listed, and over");
    assert_eq!(world.creates().len(), 2);
    world.assert_clean();
}

#[test]
fn what_was_spent_is_not_forgotten() {
    let mut plan = strategy(vec![target("t", &[6])]);
    plan.limits.max_total_cost = Some(sum(100));
    let mut world = World::new(plan, &[(6, 8_640)]);
    world.until(60, "held", |w| w.holds(6));
    for _ in 0..10 {
        world.run(80);
        world.restart();
    }
    world.run(600);
    assert!(world.venue.held().is_empty(), "stopped");
    let spent: i128 = world.venue.orders.values().map(|o| o.spend).sum();
    assert!(spent <= 100 * 86_400_000, "{spent}");
    assert!(world.engine.status(world.now).spent <= sum(100));
    world.restart();
    world.run(600);
    assert_eq!(world.creates().len(), 1, "a later run spends no more either");
}

#[test]
fn an_order_whose_target_is_gone_is_reported_and_left_alone() {
    let mut world = one(900);
    world.until(60, "held", |w| w.holds(6));
    world.run(30);
    let memory = world.engine.memory(world.now);
    let mut other = target("other", &[7]);
    other.adopt = true;
    world.venue.machines.insert(7, common::venue::Machine::new(700));
    world.resume_with(strategy(vec![other]), memory);
    world.run(60);
    assert!(world.changes.iter().any(|(_, c)| matches!(c, Event::ForeignOrder { .. })));
    assert_eq!(world.venue.held(), vec![6, 7]);
    assert_eq!(world.cancels(), 0);
}

#[test]
fn the_same_memory_comes_back_from_a_fresh_engine() {
    let mut world = one(900);
    world.until(60, "held", |w| w.holds(6));
    world.run(700);
    let memory = world.engine.memory(world.now);
    let mut handed = memory.clone();
    handed.hand_on(false, world.now, world.now);
    let again = Engine::start(world.engine.strategy().clone(), handed, world.now);
    // It is the same but for saying that its run went on from another.
    assert!(!memory.manner().resumed && again.memory(world.now).manner().resumed);
    let shown = |memory| format!("{memory:?}").replace("resumed: true", "resumed: false");
    assert_eq!(shown(again.memory(world.now)), shown(memory));
    assert_eq!(again.status(world.now).spent, world.engine.status(world.now).spent);
    assert_eq!(price(900), world.status(6).and_then(|s| s.our_bid).expect("a bid"));
}

#[test]
fn a_key_that_once_worked_is_tried_on_when_it_is_refused() {
    let mut world = one(900);
    world.until(60, "held", |w| w.holds(6));
    world.down = Some(Answer::Refused(Refusal::BadKey));
    world.run(3_600);
    assert_eq!(world.halted, None, "orders stand");
    world.down = None;
    world.rival(6, 1_000);
    world.until(180, "won back", |w| w.bid(6) == Some(1_001) && w.holds(6));
}

#[test]
fn a_restart_into_an_outage_goes_on_where_orders_may_stand() {
    for down in
        [Answer::Unknown(Doubt::Unreachable), Answer::Refused(Refusal::RateLimited), Answer::Refused(Refusal::BadKey)]
    {
        let mut world = one(900);
        world.until(60, "held", |w| w.holds(6));
        world.down = Some(down.clone());
        world.restart();
        world.run(3_600);
        assert_eq!(world.halted, None, "{down:?}");
        world.down = None;
        world.rival(6, 1_000);
        world.until(180, "won back", |w| w.bid(6) == Some(1_001) && w.holds(6));
    }
}

/// What the book shows of ours.
fn hides_our_offers(answer: &mut Answer) -> bool {
    let Answer::Market(market) = answer else { return false };
    market.offers.retain(|offer| !offer.mine);
    true
}

#[test]
fn an_order_that_ended_before_is_not_taken_for_the_next_one() {
    for restarts in [false, true] {
        let mut plan = strategy(vec![target("t", &[6])]);
        plan.limits.max_bid = price(950);
        let mut world = World::new(plan, &[(6, 900)]);
        world.venue.eviction = Eviction::Expire;
        world.until(60, "held", |w| w.holds(6));
        world.run(30);
        world.rival(6, 1_000);
        world.until(60, "over", |w| w.state(6) == Some(State::Wanted));
        if restarts {
            world.restart();
        }
        // The next one bids the same, and nothing shows it for a while but the list, late.
        world.venue.listing_delay_ms = (25_000, 25_000);
        world.force(Kind::Create, Fault::LostAfter);
        world.lie(u32::MAX, hides_our_offers);
        world.rival(6, 0);
        world.until(60, "placed", |w| w.creates().len() == 2);
        world.run(20);
        world.venue.lies.clear();
        world.until(30, "held", |w| w.state(6) == Some(State::Holding));
        world.run(60);
        assert_eq!((world.creates().len(), world.cancels()), (2, 0), "restarts: {restarts}\n{}", world.tail(20));
        world.assert_clean();
    }
}

#[test]
fn an_order_that_was_to_be_cancelled_is_cancelled_after_a_restart() {
    let mut world = one(900);
    world.until(60, "held", |w| w.holds(6));
    world.run(60);
    // The target is wanted no more; what was begun goes on all the same.
    world.engine.leave();
    world.force(Kind::Cancel, Fault::LostBefore);
    world.until(30, "the cancellation", |w| w.cancels() == 1);
    world.restart();
    world.until(60, "cancelled", |w| w.cancels() == 2);
    world.until(60, "held anew", |w| w.creates().len() == 2 && w.holds(6));
    world.assert_clean();
}

#[test]
fn a_raise_that_nobody_knows_the_end_of_is_still_that_after_a_restart() {
    let mut world = one(900);
    world.until(60, "held", |w| w.holds(6));
    world.force(Kind::Raise, Fault::LostAfter);
    world.rival(6, 1_000);
    world.until(30, "the raise", |w| w.reprices().len() == 1);
    for _ in 0..3 {
        world.restart();
        assert_eq!(world.engine.explain(world.now)[0].our_bid, Some(price(1_001)), "the worse of both prices counts");
    }
    world.until(30, "seen", |w| w.state(6) == Some(State::Holding));
    assert_eq!(world.reprices().len(), 1, "{}", world.tail(20));
}

#[test]
fn a_creation_fee_is_counted_once_whatever_restarts() {
    let mut plan = strategy(vec![target("t", &[6])]);
    plan.venue.creation_fee = sum(100);
    let mut world = World::new(plan, &[(6, 900)]);
    world.lie(u32::MAX, |answer| {
        let Answer::Orders(rows) = answer else { return false };
        rows.iter_mut().for_each(|row| row.creation_fee = Some(sum(100)));
        true
    });
    world.run(700);
    for _ in 0..3 {
        world.restart();
        world.run(60);
    }
    let charged = world.changes.iter().filter(|(_, event)| matches!(event, Event::CreationFee { .. })).count();
    assert_eq!(charged, 1);
    let spent = world.engine.status(world.now).spent;
    assert!(spent > sum(100) && spent < sum(120), "{spent}");
}

#[test]
fn a_restart_counts_the_pause_before_its_first_create_from_its_start() {
    for seed in 0..8 {
        let mut world = one(900);
        world.venue.rng.0 = seed;
        // The run before may have made a create just now.
        let (plan, memory, began) = (world.engine.strategy().clone(), world.engine.memory(world.now), world.now);
        world.resume_with(plan, memory);
        world.until(60, "the create", |w| !w.creates().is_empty());
        let sent = world.log.last().expect("the create").sent;
        assert!(sent.since(began) >= CREATE_SPACING, "{} after its start", sent.since(began));
    }
}

#[test]
fn what_was_learned_of_a_market_is_known_after_a_restart() {
    let mut learner = target("t", &[6]);
    learner.policy = Adaptive.into();
    let mut world = World::new(strategy(vec![learner]), &[(6, 900)]);
    world.until(60, "held", |w| w.holds(6));
    for bid in [1_000, 950, 1_010, 940] {
        world.change(|v| _ = v.machine(6).rivals.insert(1, bid));
        world.run(300);
    }
    let bid_of = |world: &World| world.bid(6);
    let learned = |world: &World| serde_json::to_value(world.engine.memory(world.now)).expect("JSON")["minds"].clone();
    let (before, stood) = (learned(&world), bid_of(&world));
    let moves = before[0]["learned"]["servers"][0]["market"]["moves"].as_array().map_or(0, Vec::len);
    assert!(moves >= 4, "{before}");
    world.restart();
    assert_eq!(learned(&world)[0]["learned"]["servers"][0]["market"]["moves"].as_array().map_or(0, Vec::len), moves);
    world.run(120);
    assert_eq!(bid_of(&world), stood, "nothing new was learned, so nothing else is bid");
    world.assert_clean();
}
