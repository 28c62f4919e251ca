//! Several strategies on one journal, in turn: what one of them placed is ours under the others too. It is counted and
//! left alone, and it comes back with its target or its coin.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

mod common;

use clorebid_core::event::State;
use clorebid_core::ids::{OrderId, ServerId};
use clorebid_core::market::OrderRow;
use clorebid_core::money::{Amount, Currency};
use clorebid_core::request::{Answer, Request};
use clorebid_core::strategy::Strategy;
use clorebid_core::time::Span;
use common::venue::{Fault, Kind};
use common::{World, price, strategy, sum, target};

/// Wants one of servers 6 and 7.
fn a() -> Strategy {
    strategy(vec![target("a", &[6, 7])])
}

/// Wants server 17.
fn b() -> Strategy {
    strategy(vec![target("b", &[17])])
}

fn in_dollars(mut strategy: Strategy) -> Strategy {
    strategy.currency = Currency::Usd;
    strategy
}

fn world() -> World {
    World::new(a(), &[(6, 900), (7, 950), (17, 800)])
}

/// The next run goes by that strategy, on the same journal.
fn turn_to(world: &mut World, strategy: Strategy) {
    let memory = world.engine.memory(world.now);
    world.resume_with(strategy, memory);
    world.now = world.now + Span::from_secs(3);
}

#[test]
fn a_target_that_comes_back_finds_its_order() {
    let mut world = world();
    world.until(60, "held", |w| w.holds(6));
    for _ in 0..3 {
        turn_to(&mut world, b());
        world.until(60, "the other is held", |w| w.holds(17));
        world.run(60);
        turn_to(&mut world, a());
        world.until(60, "known again", |w| w.holds(6));
        world.run(60);
    }
    assert_eq!(world.creates(), [(6, 900), (17, 800)], "one order for each target, ever");
    assert_eq!(world.venue.held(), [6, 17]);
    world.rival(6, 1_000);
    world.until(60, "won back", |w| w.bid(6) == Some(1_001));
    world.assert_clean();
}

#[test]
fn an_order_whose_create_was_cut_short_comes_back_with_its_target() {
    for arrives in [true, false] {
        let mut world = world();
        world.crash_in_change(60, arrives);
        turn_to(&mut world, b());
        world.until(200, "the other is held", |w| w.holds(17));
        turn_to(&mut world, a());
        world.until(300, "held", |w| w.holds(6) && w.holds(17));
        world.run(300);
        assert_eq!(world.venue.orders.values().filter(|o| o.stands()).count(), 2, "arrived: {arrives}");
        world.assert_clean();
    }
}

#[test]
fn an_order_cut_short_by_a_strategy_without_its_target_is_known_all_the_same() {
    let mut world = world();
    // The create is in flight, and the next process goes by the other strategy.
    let memory = loop {
        let mut ahead = world.engine.clone();
        match ahead.next(world.now) {
            clorebid_core::engine::Next::Ask(ask) if ask.request.is_command() => {
                let mut memory = ahead.memory(world.now);
                world.venue.pass_to(world.now);
                world.venue.send(&ask.request);
                assert!(matches!(ask.request, Request::Create { .. }));
                let unknown = clorebid_core::request::Answer::Unknown(clorebid_core::request::Doubt::Interrupted);
                memory.take_up(ask.request, Some("a".into()), world.now, &unknown);
                break memory;
            }
            _ => assert!(world.turn(world.now + Span::from_secs(60))),
        }
    };
    world.now = world.now + Span::from_secs(5);
    world.resume_with(b(), memory);
    world.until(200, "the other is held", |w| w.holds(17));
    world.run(60);
    turn_to(&mut world, a());
    world.run(300);
    assert_eq!(world.venue.held(), [6, 17]);
    assert_eq!(world.venue.orders.len(), 2, "no second one for target a");
    world.assert_clean();
}

#[test]
fn an_order_in_another_coin_is_a_server_of_its_target_and_never_repriced() {
    let mut world = world();
    world.until(60, "held", |w| w.holds(6));
    world.run(60);
    let before = world.asked_changes().len();
    turn_to(&mut world, in_dollars(a()));
    world.rival(6, 1_000);
    world.run(700);
    world.rival(6, 0);
    world.run(700);
    assert_eq!(world.asked_changes().len(), before, "nothing is placed, re-priced or cancelled\n{}", world.tail(20));
    turn_to(&mut world, a());
    world.until(60, "known again", |w| w.state(6) == Some(State::Holding));
    world.rival(6, 1_000);
    world.until(60, "won back", |w| w.bid(6) == Some(1_001));
    assert_eq!(world.creates().len(), 1);
    world.assert_clean();
}

/// Every host takes dollars, too.
fn takes_dollars(answer: &mut Answer) -> bool {
    let Answer::Listing(listing) = answer else { return false };
    for server in &mut listing.servers {
        server.spot = server.spot.with(Currency::Usd, price(900));
        server.allowed = None;
    }
    true
}

#[test]
fn an_order_in_another_coin_keeps_its_target_from_a_second_one_until_two_lists_are_without_it() {
    let mut world = world();
    world.until(60, "held", |w| w.holds(6));
    world.run(60);
    world.lie(u32::MAX, takes_dollars);
    turn_to(&mut world, in_dollars(a()));
    world.run(300);
    assert_eq!(world.creates(), [(6, 900)], "one is wanted, and one stands");
    world.lie(1, |answer| {
        let Answer::Orders(rows) = answer else { return false };
        rows.clear();
        true
    });
    world.run(300);
    assert_eq!(world.creates(), [(6, 900)], "one list may be wrong");
    world.change(|v| v.orders.values_mut().for_each(|o| o.life = common::venue::Life::Gone));
    world.until(300, "a new one", |w| w.creates().len() == 2);
}

#[test]
fn an_order_in_another_coin_that_is_gone_makes_room() {
    let mut world = world();
    world.until(60, "held", |w| w.holds(6));
    world.run(60);
    turn_to(&mut world, in_dollars(a()));
    world.run(60);
    world.change(|v| v.orders.values_mut().for_each(|o| o.life = common::venue::Life::Gone));
    world.run(300);
    turn_to(&mut world, a());
    world.until(60, "a new one", |w| w.creates().len() == 2);
    world.until(60, "held", |w| w.state(6) == Some(State::Holding));
    world.assert_clean();
}

#[test]
fn what_was_spent_in_one_coin_is_nothing_in_another() {
    let mut world = world();
    world.until(60, "held", |w| w.holds(6));
    world.run(86_400);
    world.engine.leave();
    world.until(60, "gone", |w| w.engine.is_empty());
    let spent = |world: &World| world.engine.status(world.now).spent;
    let in_bitcoin = spent(&world);
    assert!(in_bitcoin > sum(800), "{in_bitcoin}");
    turn_to(&mut world, in_dollars(b()));
    assert_eq!(spent(&world), Amount::ZERO);
    turn_to(&mut world, a());
    assert_eq!(spent(&world), in_bitcoin);
}

#[test]
fn what_an_order_left_alone_costs_counts_in_its_coin() {
    let mut world = world();
    world.until(60, "held", |w| w.holds(6));
    world.run(60);
    turn_to(&mut world, b());
    world.until(60, "the other is held", |w| w.holds(17));
    world.run(86_400);
    let spent = world.engine.status(world.now).spent;
    assert!(spent > sum(1_600), "a day at 900 and at 800 ticks, not {spent}");
}

#[test]
fn a_step_learned_in_one_coin_is_not_used_in_another() {
    let mut world = world();
    world.until(60, "held", |w| w.holds(6));
    world.rival(6, 5_000);
    world.until(60, "raised", |w| w.bid(6) == Some(5_001));
    world.rival(6, 0);
    world.until(900, "the venue taught its step", |w| w.bid(6).is_some_and(|bid| bid < 5_001));
    let lowest = |world: &World| world.engine.explain(world.now)[0].lowest;
    world.run(60);
    assert!(lowest(&world).is_some_and(|lowest| lowest < price(5_001)));
    let learned = lowest(&world);
    turn_to(&mut world, in_dollars(a()));
    world.run(30);
    assert!(world.engine.explain(world.now).iter().all(|e| e.lowest.is_none()));
    turn_to(&mut world, a());
    world.run(5);
    assert_eq!(lowest(&world), learned);
}

#[test]
fn an_order_that_had_ended_is_not_taken_for_a_create_that_is_left_alone() {
    let mut world = world();
    world.until(60, "held", |w| w.holds(6));
    world.engine.leave();
    world.until(60, "left", |w| w.engine.is_empty());
    // The list has not heard of that for long.
    world.lie(u32::MAX, |answer| {
        let Answer::Orders(rows) = answer else { return false };
        let row = OrderRow {
            id: OrderId(501),
            server: ServerId(6),
            price: Some(price(900)),
            spot: Some(true),
            expired: false,
            currency: Some(Currency::Bitcoin),
            spend: None,
            created: None,
            fee_percent: None,
            creation_fee: None,
        };
        rows.push(row);
        true
    });
    world.force(Kind::Create, Fault::LostBefore);
    world.restart();
    world.until(60, "the create whose end nobody knows", |w| w.creates().len() == 2);
    turn_to(&mut world, b());
    world.run(30);
    turn_to(&mut world, a());
    let order = world.status(6).and_then(|s| s.order);
    assert_eq!((order, world.state(6)), (None, Some(State::Unknown)));
}
