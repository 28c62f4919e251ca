//! An order that holds is given up for a new one only where the new one can be placed, and nobody else goes for the same
//! server.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

mod common;

use clorebid_core::governing::SPACING;
use clorebid_core::request::{Answer, Refusal};
use clorebid_core::strategy::{Choice, Match, PerDay, RestartCost, Target};
use clorebid_core::time::Span;
use common::venue::{Fault, Kind, Lie};
use common::{World, learning, matching, price, strategy, sum, target};

/// Server 6 is held at some 3,000 ticks by that target, and 1,000 would win it now: a new order would pay within minutes.
fn far_too_dear(target: Target) -> World {
    let mut world = World::new(strategy(vec![target]), &[(6, 1_000)]);
    world.venue.machine(6).gpu = "1x GPU".into();
    world.until(120, "held", |w| w.holds(6));
    world.rival(6, 3_000);
    world.until(60, "won back", |w| w.holds(6) && w.bid(6) > Some(3_000));
    world.rival(6, 0);
    world
}

#[test]
fn one_that_is_far_too_dear_is_given_up_for_a_new_one_within_minutes() {
    let mut world = far_too_dear(learning(target("t", &[6]), 5));
    world.until(900, "anew", |w| w.creates().len() == 2 && w.holds(6));
    assert!(world.bid(6) < Some(1_300), "{:?}", world.bid(6));
}

#[track_caller]
fn assert_kept_and_lowered(world: &mut World) {
    let before = world.bid(6);
    world.run(1_900);
    assert_eq!((world.cancels(), world.creates().len()), (0, 1), "{}", world.tail(20));
    assert!(world.holds(6) && world.bid(6) < before, "{:?}", world.bid(6));
    world.assert_clean();
}

/// The marketplace says that it is rented.
fn list_as_rented(answer: &mut Answer) -> bool {
    let Answer::Listing(listing) = answer else { return false };
    listing.servers.iter_mut().for_each(|server| server.rented = true);
    true
}

#[test]
fn nothing_is_given_up_for_a_new_order_on_a_server_that_is_listed_as_rented() {
    let mut world = far_too_dear(learning(target("t", &[6]), 15));
    world.lie(u32::MAX, list_as_rented);
    world.until(900, "listed", |w| w.log.iter().rev().take(3).any(|s| matches!(s.answer, Answer::Listing(_))));
    assert_kept_and_lowered(&mut world);
}

#[test]
fn nothing_is_given_up_on_a_server_that_no_longer_takes_the_coin() {
    let mut world = far_too_dear(learning(target("t", &[6]), 15));
    world.change(|v| v.machine(6).takes_bitcoin = false);
    world.until(900, "listed", |w| w.log.iter().rev().take(3).any(|s| matches!(s.answer, Answer::Listing(_))));
    assert_kept_and_lowered(&mut world);
}

#[test]
fn nothing_is_given_up_on_a_server_whose_floor_is_above_what_the_target_takes_by_now() {
    let mut wanted = learning(matching("t", "GPU"), 5);
    wanted.choice = Choice::Match(Match { gpu: Some("GPU".into()), max_floor: Some(price(1_050)), ..Match::default() });
    let mut world = far_too_dear(wanted);
    world.change(|v| v.machine(6).floor = 1_200);
    assert_kept_and_lowered(&mut world);
}

/// The marketplace says that nothing is worth much on demand.
fn list_as_cheap(answer: &mut Answer) -> bool {
    let Answer::Listing(listing) = answer else { return false };
    for server in &mut listing.servers {
        server.on_demand =
            clorebid_core::money::PerCurrency::none().with(clorebid_core::money::Currency::Bitcoin, price(900));
    }
    true
}

#[test]
fn nothing_is_given_up_since_one_list_alone_says_that_it_is_worth_less() {
    let mut wanted = learning(target("t", &[6]), 0);
    wanted.value.per_day = PerDay::OnDemand;
    wanted.value.restart = RestartCost::Time(Span::from_secs(60));
    let mut world = far_too_dear(wanted);
    world.lie(1, list_as_cheap);
    let lists = |w: &World| w.log.iter().filter(|s| matches!(s.answer, Answer::Listing(_))).count();
    let before = lists(&world);
    world.until(900, "one list", |w| lists(w) > before);
    assert_eq!((world.cancels(), world.creates().len()), (0, 1), "{}", world.tail(20));
    world.until(900, "the next list", |w| lists(w) > before + 1);
    assert_eq!((world.cancels(), world.creates().len()), (0, 1), "{}", world.tail(20));
}

#[test]
fn a_lost_order_that_may_not_move_is_raised() {
    let mut plan = strategy(vec![learning(target("t", &[6, 7]), 0)]);
    plan.limits.max_orders = Some(1);
    let mut world = World::new(plan, &[(6, 1_000), (7, 3_000), (9, 500)]);
    world.until(120, "held", |w| w.holds(6));
    // One order is all that is allowed, and the user makes it.
    world.change(|v| {
        v.user_orders(9, 600);
    });
    world.run(120);
    let bid = world.bid(6).expect("held");
    // The other server costs less now, but would take another order.
    world.change(|v| v.machine(7).floor = bid);
    world.rival(6, bid + 50);
    world.until(60, "won back", |w| w.holds(6));
    assert_eq!(world.creates().len(), 1, "{}", world.tail(20));
    world.assert_clean();
}

#[test]
fn an_order_moves_however_late_the_answers_are() {
    for late in [0, 400, 600, 900, 1_500, 3_000, 6_000] {
        for is_lost in [true, false] {
            let mut world = World::new(strategy(vec![learning(target("t", &[6, 7]), 3)]), &[(6, 1_000), (7, 3_000)]);
            world.until(120, "held", |w| w.holds(6));
            world.run(300);
            world.late = Span::from_ms(late);
            world.change(|v| v.machine(7).floor = 500);
            world.run(60);
            if is_lost {
                world.rival(6, 1_500);
            }
            let within = if is_lost { 60 } else { 3_600 };
            world.until(within, "moved", |w| w.holds(7));
            assert_eq!((world.cancels(), world.creates().len()), (1, 2), "{late} ms late\n{}", world.tail(20));
            world.assert_clean();
        }
    }
}

#[test]
fn a_lost_order_moves_although_no_new_one_could_be_made_where_it_stands() {
    let mut wanted = learning(target("t", &[6, 7]), 3);
    wanted.adopt = true;
    let mut world = World::new(strategy(vec![wanted]), &[(6, 1_000), (7, 20_000)]);
    let tell = |answer: &mut Answer| {
        *answer = Answer::Refused(Refusal::CurrencyNotAllowed);
        true
    };
    world.venue.refuse_creates = Some((6, Lie { times: 1, tell }));
    world.until(60, "refused", |w| w.creates().len() == 1);
    world.change(|v| {
        v.user_orders(6, 1_010);
    });
    world.run(120);
    world.change(|v| v.machine(7).floor = 1_000);
    world.run(60);
    world.rival(6, 1_500);
    world.until(60, "moved", |w| w.holds(7));
}

#[test]
fn a_jump_over_reads_ends_where_an_order_that_may_not_be_replaced_can_be_lowered() {
    let mut world = far_too_dear(learning(target("t", &[6]), 15));
    world.change(|v| v.machine(6).takes_bitcoin = false);
    // By then a new order would pay, if it could be made.
    world.run(2_000);
    assert_eq!(world.cancels(), 0);
    let next = world.status(6).expect("the order").next_lower_at.expect("its clock");
    world.run(20);
    world.engine.take_events();
    let later = world.now + Span::from_secs(3_600);
    let end = world.engine.fast_forward(world.now, SPACING, later, |_, _| later).now;
    assert!(end <= next + SPACING, "{} s too late", end.since(next).ms() / 1_000);
    assert!(end > world.now, "it jumps at all");
}

#[test]
fn a_lost_order_that_may_not_be_raised_goes_where_a_bid_is_allowed() {
    let mut plan = strategy(vec![learning(target("t", &[6, 7]), 30)]);
    plan.limits.max_daily_cost = Some(sum(1_400));
    let mut world = World::new(plan, &[(6, 1_000), (7, 1_100)]);
    world.until(120, "held", |w| w.holds(6));
    // The other one is often far dearer than it is now, so that it costs more in the end.
    for _ in 0..30 {
        for bid in [2_500, 0] {
            world.rival(7, bid);
            world.run(120);
        }
    }
    assert_eq!(world.creates().len(), 1);
    world.rival(6, 1_450);
    world.until(60, "moved", |w| w.holds(7));
    world.assert_clean();
}

#[test]
fn a_lost_order_moves_although_the_order_of_another_create_has_not_been_seen() {
    let mut wanted = learning(target("t", &[1, 2, 3, 4]), 3);
    wanted.want = 2;
    let mut world = World::new(strategy(vec![wanted]), &[(1, 1_000), (2, 1_000), (3, 1_100), (4, 1_100)]);
    world.until(120, "held", |w| w.venue.held() == [1, 2]);
    world.run(60);
    world.force(Kind::Create, Fault::LostBefore);
    world.rival(1, 1_500);
    world.until(30, "a create that nobody sees", |w| w.creates().len() == 3);
    world.rival(2, 1_500);
    world.until(60, "the other one has moved", |w| w.holds(4));
    world.run(300);
    assert_eq!(world.venue.held(), [4, 3], "{}", world.tail(20));
    world.assert_clean();
}
