//! A journal that is new, lost, or an older copy: orders stand at the venue that it says nothing of. They may be ours, so
//! none is placed beside them, and they may be the user's, so none of them is touched.

#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

mod common;

use clorebid_core::event::Event;
use clorebid_core::strategy::{Strategy, Target};
use clorebid_core::time::Span;
use common::venue::Machine;
use common::{START, World, matching, strategy, target};

const SERVERS: [(u64, i64); 3] = [(6, 900), (7, 950), (9, 100)];

/// A world in which an order stands on that server before the first look.
fn with_order_on(server: u64, target: Target) -> World {
    let mut world = World::new(strategy(vec![target]), &SERVERS);
    world.change(|v| {
        v.now = START;
        v.listing_delay_ms = (0, 0);
        v.user_orders(server, 1_000);
    });
    world
}

fn one_of_two() -> Target {
    target("t", &[6, 7])
}

/// How often an order was told of that counts, and that does not.
fn told(world: &World) -> (usize, usize) {
    let of = |counted: bool| {
        let is_it =
            |event: &Event| matches!(event, Event::ForeignOrder { counts_for, .. } if counts_for.is_some() == counted);
        world.changes.iter().filter(|(_, event)| is_it(event)).count()
    };
    (of(true), of(false))
}

fn restart_with(world: &mut World, strategy: Strategy) {
    let memory = world.engine.memory(world.now);
    world.resume_with(strategy, memory);
    world.now = world.now + Span::from_secs(3);
}

#[test]
fn a_new_journal_places_nothing_beside_an_order_that_may_be_ours() {
    let mut world = with_order_on(6, one_of_two());
    world.run(3_600);
    assert_eq!((world.creates(), world.cancels(), world.reprices().len()), (vec![], 0, 0));
    assert_eq!(told(&world), (1, 0), "told once, and what it counts for");
    world.restart();
    world.run(600);
    assert_eq!(world.creates(), [], "nor does the next run");
}

#[test]
fn what_it_wants_beside_such_orders_is_placed() {
    let mut two = one_of_two();
    two.want = 2;
    let mut world = with_order_on(6, two);
    world.until(60, "the second of two", |w| w.holds(7));
    world.run(600);
    assert_eq!(world.creates(), [(7, 950)]);
    assert_eq!(world.cancels(), 0);
}

#[test]
fn beside_places_as_if_they_were_not_there() {
    let mut wanted = one_of_two();
    wanted.beside = true;
    let mut world = with_order_on(6, wanted);
    world.until(60, "held", |w| w.holds(7));
    assert_eq!(told(&world), (0, 1), "it is told of all the same");
}

#[test]
fn an_order_on_no_server_of_a_target_keeps_nobody_from_bidding() {
    let mut world = with_order_on(9, one_of_two());
    world.until(60, "held", |w| w.holds(6));
    assert_eq!(told(&world), (0, 1));
}

#[test]
fn an_order_that_the_user_makes_while_it_watches_is_the_users_in_the_next_run_too() {
    let mut world = World::new(strategy(vec![one_of_two()]), &SERVERS);
    world.rival(6, 200_000);
    world.rival(7, 200_000);
    world.run(60);
    world.change(|v| {
        v.user_orders(6, 300_000);
    });
    world.run(60);
    world.rival(7, 0);
    world.until(700, "held", |w| w.holds(7));
    world.restart();
    world.rival(7, 200_000);
    world.run(60);
    world.change(|v| v.orders.values_mut().filter(|o| o.by_bot).for_each(|o| o.life = common::venue::Life::Gone));
    world.rival(7, 0);
    world.until(900, "held anew beside it", |w| w.holds(7));
    assert_eq!(told(&world), (0, 2), "once in each run");
}

#[test]
fn it_goes_on_once_such_an_order_is_over_and_one_list_without_it_is_not_the_end() {
    let mut world = with_order_on(6, one_of_two());
    world.run(60);
    world.lie(1, |answer| match answer {
        clorebid_core::request::Answer::Orders(rows) => {
            rows.clear();
            true
        }
        _ => false,
    });
    world.run(1_200);
    assert_eq!(world.creates(), []);
    world.change(|v| v.orders.values_mut().for_each(|o| o.life = common::venue::Life::Gone));
    world.until(1_200, "held", |w| w.holds(6));
}

#[test]
fn the_user_decides_by_the_strategy_of_the_next_run() {
    for (adopt, beside) in [(true, false), (false, true)] {
        let mut world = with_order_on(6, one_of_two());
        world.run(60);
        let wanted = Target { adopt, beside, ..one_of_two() };
        restart_with(&mut world, strategy(vec![wanted]));
        world.run(120);
        let creates = if adopt { vec![] } else { vec![(7, 950)] };
        assert_eq!(world.creates(), creates, "adopt = {adopt}, beside = {beside}");
        assert_eq!(world.status(6).and_then(|s| s.order).is_some(), adopt);
    }
}

#[test]
fn an_older_copy_of_the_journal_finds_what_was_placed_since_and_places_no_third() {
    let mut world = World::new(strategy(vec![one_of_two()]), &SERVERS);
    world.run(4);
    let copy = world.engine.memory(world.now);
    world.until(60, "held", |w| w.holds(6));
    world.run(60);
    world.resume(copy);
    world.run(3_600);
    assert_eq!(world.creates(), [(6, 900)], "the copy knows of none, and the venue shows one");
    assert_eq!(world.cancels(), 0);
}

#[test]
fn an_order_counts_for_a_target_by_description_if_its_server_is_of_that_kind() {
    for (server, counts) in [(6, true), (9, false)] {
        let mut world = with_order_on(server, matching("t", "RTX 4090"));
        world.change(|v| {
            v.machines.insert(9, Machine { gpu: "1x NVIDIA GeForce RTX 3060".into(), ..Machine::new(100) });
            // Its host asks more than the target takes by now: it may be ours all the same.
            v.machine(server).floor = 1_000;
        });
        world.run(900);
        assert_eq!(world.creates().is_empty(), counts, "an order on server {server}");
    }
}

#[test]
fn a_run_of_an_older_build_is_decided_again_as_it_was() {
    let memory = World::new(strategy(vec![one_of_two()]), &SERVERS).engine.memory(START);
    let mut written = serde_json::to_value(&memory).expect("a memory is JSON");
    written.as_object_mut().expect("an object").remove("users_orders").expect("what it did not know");
    let older = serde_json::from_value(written).expect("an older memory");
    let mut world = with_order_on(6, one_of_two());
    world.engine = clorebid_core::engine::Engine::start(strategy(vec![one_of_two()]), older, START);
    world.until(60, "it did not tell them apart", |w| w.holds(7));
}
