//! What a bid rests on was read just now: an outage, a pause or a list that cannot be read makes the bot look again before
//! it acts.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

mod common;

use clorebid_core::request::{Answer, Doubt};
use common::venue::{Fault, Kind};
use common::{World, strategy, target};

fn one() -> World {
    World::new(strategy(vec![target("t", &[6])]), &[(6, 900)])
}

/// Nothing gets through for half a minute, and the world goes on meanwhile.
fn outage(world: &mut World, meanwhile: impl FnOnce(&mut World)) {
    world.down = Some(Answer::Unknown(Doubt::Unreachable));
    world.run(30);
    meanwhile(world);
    world.down = None;
}

/// The prices of every re-pricing that the venue took.
fn repriced(world: &World) -> Vec<i64> {
    world.reprices().into_iter().filter(|(_, _, answer)| *answer == Answer::Applied).map(|(_, to, _)| to).collect()
}

#[test]
fn a_raise_rests_on_a_read_of_the_last_seconds() {
    let mut world = one();
    world.until(60, "held", |w| w.holds(6));
    world.run(60);
    world.force(Kind::Raise, Fault::Unreachable);
    world.rival(6, 1_000);
    world.until(30, "a raise that does not get through", |w| w.reprices().len() == 1);
    outage(&mut world, |world| world.rival(6, 1_500));
    world.until(60, "won back", |w| w.holds(6));
    assert_eq!(repriced(&world), [1_501], "{}", world.tail(20));
}

#[test]
fn a_first_bid_rests_on_a_read_of_the_last_seconds() {
    let mut world = one();
    world.force(Kind::Create, Fault::Unreachable);
    world.until(30, "a create that does not get through", |w| w.creates().len() == 1);
    outage(&mut world, |world| world.change(|v| v.machine(6).floor = 700));
    world.until(60, "held", |w| w.holds(6));
    assert_eq!(world.creates().last(), Some(&(6, 700)), "{}", world.tail(20));
}

#[test]
fn a_first_bid_needs_a_list_of_our_orders_of_the_last_minutes() {
    let mut world = one();
    world.rival(6, 20_000);
    world.run(60);
    world.lie(u32::MAX, |answer| {
        let is_list = matches!(answer, Answer::Orders(_));
        if is_list {
            *answer = Answer::Unknown(Doubt::TimedOut);
        }
        is_list
    });
    world.run(120);
    world.rival(6, 0);
    world.run(120);
    assert_eq!(world.creates(), [], "what stands unseen could make it a double rental");
    world.venue.lies.clear();
    world.until(120, "held", |w| w.holds(6));
}
