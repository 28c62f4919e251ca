//! What a day of a server is worth binds the bid that stands on it, too: it comes down, or goes where that is cheaper.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

mod common;

use clorebid_core::policy::fixed::Fixed;
use clorebid_core::request::Answer;
use clorebid_core::strategy::{Open, PerDay, RestartCost, Target};
use clorebid_core::time::Span;
use common::{World, price, strategy, sum, target};

/// Server 6 at a floor of 400, held at 900 against a rival of 899; a day is worth what it costs on demand.
fn held(restart: RestartCost) -> World {
    let mut plan: Target = target("t", &[6]);
    plan.value.per_day = PerDay::OnDemand;
    plan.value.restart = restart;
    let mut world = World::new(strategy(vec![plan]), &[(6, 400)]);
    world.rival(6, 899);
    world.until(60, "held", |w| w.bid(6) == Some(900) && w.holds(6));
    world.run(1_300);
    assert_eq!((world.bid(6), world.cancels()), (Some(900), 0));
    world
}

#[test]
fn it_leaves_a_server_that_is_cheaper_on_demand_than_any_bid_that_wins() {
    let mut world = held(RestartCost::Time(Span::from_secs(60)));
    world.change(|v| v.machine(6).on_demand = 500);
    world.rival(6, 650);
    world.until(1_500, "left", |w| w.bid(6).is_none());
    world.run(600);
    assert_eq!(world.creates().len(), 1, "{}", world.tail(20));
    world.assert_clean();
}

#[test]
fn it_walks_down_where_a_restart_costs_more_than_the_way() {
    let mut world = held(RestartCost::Amount(sum(100_000)));
    world.change(|v| v.machine(6).on_demand = 500);
    world.until(3_600, "down by the venue's steps", |w| w.bid(6) == Some(500));
    assert_eq!((world.cancels(), world.creates().len()), (0, 1), "{}", world.tail(20));
    assert_eq!(world.venue.too_soon, 0);
}

#[test]
fn it_walks_down_to_the_floor_and_no_further() {
    let mut world = held(RestartCost::Amount(sum(100_000)));
    world.change(|v| v.machine(6).on_demand = 300);
    world.rival(6, 0);
    world.until(4_000, "down to the floor", |w| w.bid(6) == Some(400));
    world.run(3_600);
    assert_eq!((world.bid(6), world.holds(6), world.cancels()), (Some(400), true, 0), "{}", world.tail(20));
}

#[test]
fn one_list_with_a_price_that_is_gone_in_the_next_ends_no_order() {
    let mut world = held(RestartCost::Time(Span::from_secs(60)));
    world.lie(1, |answer| match answer {
        Answer::Listing(listing) => {
            let on_demand = |server: &mut clorebid_core::market::ListedServer| {
                server.on_demand = server.on_demand.with(clorebid_core::money::Currency::Bitcoin, price(1));
            };
            listing.servers.iter_mut().for_each(on_demand);
            true
        }
        _ => false,
    });
    world.run(1_900);
    assert_eq!((world.cancels(), world.creates().len()), (0, 1), "{}", world.tail(20));
}

#[test]
fn a_bid_of_a_policy_that_never_lowers_comes_down_when_less_is_given_for_a_day() {
    let mut plan = target("t", &[6]);
    plan.policy = Fixed.into();
    plan.bid.open = Open::Price(price(900));
    let mut world = World::new(strategy(vec![plan.clone()]), &[(6, 400)]);
    world.until(60, "held", |w| w.bid(6) == Some(900) && w.holds(6));
    world.run(700);
    assert_eq!(world.bid(6), Some(900));
    plan.value.per_day = PerDay::Price(price(600));
    let memory = world.engine.memory(world.now);
    world.resume_with(strategy(vec![plan]), memory);
    world.now = world.now + Span::from_secs(3);
    world.until(3_600, "down", |w| w.bid(6) == Some(600));
    assert_eq!((world.cancels(), world.creates().len()), (0, 1), "{}", world.tail(20));
    world.run(1_300);
    assert_eq!(world.bid(6), Some(600), "and no lower than that");
}

#[test]
fn give_up_binds_what_stands() {
    let mut plan = target("t", &[6]);
    plan.bid.open = Open::Price(price(900));
    plan.policy = Fixed.into();
    plan.bid.give_up = Some(price(700));
    let mut world = World::new(strategy(vec![plan]), &[(6, 400)]);
    world.until(60, "held", |w| w.holds(6));
    world.until(2_400, "down", |w| w.bid(6) == Some(700));
    world.assert_clean();
}
