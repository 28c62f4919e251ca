//! An order of ours that stands where none should: it counts, keeps its server from being bid on, and is cancelled until it
//! is gone, whoever restarts or leaves meanwhile.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

mod common;

use clorebid_core::ids::{OrderId, ServerId};
use clorebid_core::market::OrderRow;
use clorebid_core::money::Currency;
use clorebid_core::request::Answer;
use clorebid_core::strategy::Limits;
use common::{World, price, strategy, sum, target};

/// The list shows the order that was cancelled: after a minute that means that it stands.
fn shows_the_first(answer: &mut Answer) -> bool {
    let Answer::Orders(rows) = answer else { return false };
    rows.push(OrderRow {
        id: OrderId(501),
        server: ServerId(1),
        price: Some(price(900)),
        spot: Some(true),
        expired: false,
        currency: Some(Currency::Bitcoin),
        spend: None,
        created: None,
        fee_percent: None,
        creation_fee: None,
    });
    true
}

/// An order at 900 on server 1 was left, stands all the same, and was cancelled once more. Server 2 can be had for 1,000,
/// as soon as its rival goes.
fn with_stray(change: impl FnOnce(&mut Limits)) -> World {
    let mut plan = strategy(vec![target("t", &[1, 2])]);
    change(&mut plan.limits);
    let mut world = World::new(plan, &[(1, 900), (2, 1_000)]);
    world.until(60, "held", |w| w.holds(1));
    world.engine.leave();
    world.until(60, "left", |w| w.engine.is_empty());
    world.lie(u32::MAX, shows_the_first);
    for server in [1, 2] {
        world.rival(server, 20_000);
    }
    world.restart();
    world.until(120, "cancelled once more", |w| w.cancels() == 2);
    world
}

#[test]
fn it_counts_against_every_limit_until_it_is_gone() {
    let limits: [fn(&mut Limits); 2] = [|l| l.max_daily_cost = Some(sum(1_500)), |l| l.max_orders = Some(1)];
    for limit in limits {
        let mut world = with_stray(limit);
        world.rival(2, 0);
        world.run(120);
        assert_eq!(world.creates().len(), 1, "900 and 1000 are too much, and so are two orders");
        world.venue.lies.clear();
        world.until(60, "the list shows it no more", |w| w.holds(2));
    }
}

#[test]
fn its_server_is_not_bid_on() {
    let mut world = with_stray(|_| {});
    world.rival(1, 0);
    world.run(120);
    assert_eq!(world.creates().len(), 1, "{}", world.tail(20));
    world.venue.lies.clear();
    world.until(60, "free", |w| w.holds(1));
}

#[test]
fn it_is_cancelled_until_it_is_gone() {
    let mut world = with_stray(|_| {});
    world.run(60);
    assert!((4..=8).contains(&world.cancels()), "{} cancellations", world.cancels());
    world.venue.lies.clear();
    world.run(60);
    let cancels = world.cancels();
    world.run(600);
    assert_eq!(world.cancels(), cancels);
}

#[test]
fn a_run_that_leaves_is_not_done_while_it_stands() {
    let mut world = with_stray(|_| {});
    world.engine.leave();
    world.run(120);
    assert!(!world.engine.is_empty());
    assert!(world.cancels() > 4, "{} cancellations", world.cancels());
    world.venue.lies.clear();
    world.until(60, "gone", |w| w.engine.is_empty());
}

#[test]
fn a_restart_knows_of_it_before_it_has_read_anything() {
    let mut world = with_stray(|_| {});
    world.restart();
    assert!(!world.engine.is_empty());
    world.until(20, "cancelled once more", |w| w.cancels() == 3);
}
