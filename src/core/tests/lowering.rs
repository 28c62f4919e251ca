//! Stepping down: as far and as soon as the venue allows, never twice against its rule, and by a new order exactly where
//! that is cheaper.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

mod common;

use clorebid_core::lowering::{Descent, descent};
use clorebid_core::request::{Answer, Refusal};
use clorebid_core::strategy::RestartCost;
use clorebid_core::time::Span;
use common::venue::{Fault, Kind};
use common::{World, price, strategy, sum, target};
use proptest::prelude::*;

const WINDOW: i64 = 600;

/// A server held at the price that it took to beat a rival who has just left.
fn rival_left(bid: i64, floor: i64, replace: Option<i64>) -> World {
    let mut wanted = target("t", &[6]);
    wanted.bid.replace = replace.is_some();
    wanted.value.restart = RestartCost::Amount(sum(replace.unwrap_or(0)));
    let mut world = World::new(strategy(vec![wanted]), &[(6, floor)]);
    world.rival(6, bid - 1);
    world.until(60, "held above the rival", |w| w.holds(6) && w.bid(6) == Some(bid));
    world.run(30);
    world.rival(6, 0);
    world
}

fn outcomes(world: &World) -> (usize, u32, u32) {
    let applied = world.reprices().iter().filter(|(_, _, a)| *a == Answer::Applied).count();
    (applied, world.venue.too_large, world.venue.too_soon)
}

#[test]
fn the_bid_reaches_the_least_winning_price_in_the_fewest_windows() {
    for (bid, floor) in [(1_000, 900), (1_000, 899), (1_000, 350), (1_234, 1_233), (2_001, 1_000)] {
        let mut world = rival_left(bid, floor, None);
        // Independently: one step at once, one more each window, until the floor is reached.
        let (mut at, mut windows) = (bid, 0);
        while at > floor {
            at = floor.max(at - 100);
            windows += 1;
        }
        let took = world.until(windows * (WINDOW + 10), "the floor", |w| w.bid(6) == Some(floor));
        assert!(took >= (windows - 1) * WINDOW && took <= (windows - 1) * (WINDOW + 4) + 10, "{bid} {floor}: {took} s");
        assert_eq!(outcomes(&world).0, windows as usize, "{bid} {floor}");
        world.run(1_300);
        assert_eq!(world.bid(6), Some(floor));
        assert_eq!(outcomes(&world).0, windows as usize, "nothing is asked where nothing is to be gained");
        world.assert_clean();
    }
}

#[test]
fn the_step_is_learned_from_one_refusal() {
    let mut world = rival_left(2_000, 500, None);
    world.run(3 * WINDOW);
    assert_eq!(outcomes(&world).1, 1, "one refusal teaches the step");
    let first: Vec<_> = world.reprices().into_iter().map(|(_, to, answer)| (to, answer)).take(3).collect();
    assert_eq!(first[0], (500, Answer::Refused(Refusal::StepTooLarge { lowest: price(1_900) })));
    assert_eq!(first[1], (1_900, Answer::Applied), "the next request asks for what the refusal named");
    assert_eq!(first[2], (1_800, Answer::Applied));
}

#[test]
fn a_step_that_shrinks_is_learned_anew_and_one_learned_elsewhere_is_used_here() {
    let mut wanted = target("t", &[6, 7]);
    wanted.want = 2;
    let mut world = World::new(strategy(vec![wanted]), &[(6, 500), (7, 500)]);
    world.rival(6, 1_999);
    world.rival(7, 1_999);
    world.until(60, "both held", |w| w.venue.held().len() == 2);
    world.rival(6, 0);
    world.rival(7, 0);
    world.run(30);
    assert_eq!(world.venue.too_large, 1, "one server teaches both");
    world.change(|v| v.step = 40);
    world.run(3 * WINDOW);
    assert!(world.venue.too_large <= 3, "each server is told of the new step once: {}", world.venue.too_large);
    assert_eq!(world.venue.too_soon, 0);
}

#[test]
fn a_lowering_of_unknown_outcome_counts_as_spent() {
    for fault in [Fault::LostBefore, Fault::LostAfter] {
        let mut world = rival_left(1_000, 500, None);
        world.until(30, "the refusal that teaches", |w| w.venue.too_large == 1);
        world.force(Kind::Lower, fault);
        world.run(WINDOW - 30);
        let lowerings = world.reprices();
        assert_eq!(lowerings.len(), 2, "{fault:?}: one refused, one unknown, none else inside the window");
        world.run(60);
        assert_eq!(world.reprices().len(), 3);
        assert_eq!((world.venue.too_soon, world.venue.too_large), (0, 1));
        world.assert_clean();
    }
}

#[test]
fn a_request_that_was_never_sent_spends_nothing() {
    let mut world = rival_left(1_000, 500, None);
    world.until(30, "the first lowering", |w| w.bid(6) == Some(900));
    world.run(WINDOW - 20);
    world.force(Kind::Lower, Fault::Unreachable);
    let took = world.until(60, "the second lowering", |w| w.bid(6) == Some(800));
    assert!(took < 40, "{took} s");
}

#[test]
fn the_wait_that_the_venue_names_is_obeyed() {
    let mut world = rival_left(1_000, 500, None);
    world.venue.raise_starts_window = true;
    world.run(WINDOW / 2);
    world.rival(6, 950);
    world.until(30, "raised above the rival", |w| w.bid(6) == Some(951));
    let raised_at = world.now;
    world.rival(6, 0);
    world.run(WINDOW + 20);
    assert_eq!(world.venue.too_soon, 1, "asked once inside the window, told how long, and not again");
    let last = world.reprices().last().cloned().expect("a lowering");
    assert_eq!(last.2, Answer::Applied);
    assert!(last.0 >= raised_at + Span::from_secs(WINDOW - 5));
}

#[test]
fn a_refusal_that_makes_no_sense_is_not_asked_again_every_second() {
    let mut world = rival_left(1_000, 500, None);
    // The venue refuses every lowering and names a price that was not even gone below.
    world.change(|v| v.nonsense = Some(Refusal::StepTooLarge { lowest: price(1) }));
    world.run(WINDOW * 2);
    assert!(world.reprices().len() <= 5, "{} requests", world.reprices().len());
    let mut world = rival_left(1_000, 500, None);
    world.change(|v| v.nonsense = Some(Refusal::InvalidInput));
    world.run(WINDOW);
    assert!(world.reprices().len() <= 61, "{} requests", world.reprices().len());
}

#[test]
fn a_new_order_is_made_exactly_where_it_is_cheaper_than_the_steps() {
    // 1000 -> 500 in steps of 100 overpays 400+300+200+100 ticks for 600 s each after the first: 1000 * 600 / 86400.
    // Nothing else is paid but the restart and the 5 s without a server at 50000 a day: 2.9 ticks.
    let overpaid_milliticks = 1_000 * 1_000 * 600 / 86_400;
    for (restart, replaces) in [(1, true), (3, true), (5, false), (40, false)] {
        assert_eq!(overpaid_milliticks > restart * 1_000 + 2_893, replaces, "the numbers of this test");
        let mut world = rival_left(1_000, 500, Some(restart));
        world.run(120);
        assert_eq!(world.cancels() == 1, replaces, "restart {restart}\n{}", world.tail(20));
        if replaces {
            world.until(60, "held at the floor", |w| w.holds(6) && w.bid(6) == Some(500));
        }
        world.run(2 * WINDOW);
        assert!(world.cancels() <= 1, "once is enough");
        world.assert_clean();
    }
}

#[test]
fn a_new_order_is_not_made_where_it_could_not_be_placed() {
    let mut world = rival_left(1_000, 500, Some(0));
    let mut poor = world.engine.strategy().clone();
    poor.limits.min_balance = Some(sum(1_000));
    let memory = world.engine.memory(world.now);
    world.resume_with(poor, memory);
    world.venue.balance = 10;
    world.run(WINDOW);
    assert_eq!(world.cancels(), 0);
    assert!(world.holds(6));
}

#[test]
fn slack_must_last_as_long_as_the_strategy_says() {
    let mut wanted = target("t", &[6]);
    wanted.bid.lower_after = Span::from_secs(120);
    let mut world = World::new(strategy(vec![wanted]), &[(6, 500)]);
    world.rival(6, 999);
    world.until(60, "held", |w| w.bid(6) == Some(1_000));
    world.rival(6, 0);
    world.run(100);
    world.rival(6, 999);
    world.run(10);
    world.rival(6, 0);
    world.run(110);
    assert!(world.reprices().is_empty(), "the rival's return starts the clock anew\n{}", world.tail(9));
    world.run(30);
    assert!(!world.reprices().is_empty());
}

fn brute_force(bid: i64, goal: i64, step: i64, wait_ms: i64, every_ms: i64) -> (u32, i128) {
    let mut overpaid = i128::from(bid - goal) * i128::from(wait_ms);
    let (mut at, mut steps) = (bid, 0);
    while at > goal {
        at = goal.max(at - step);
        steps += 1;
        if at > goal {
            overpaid += i128::from(at - goal) * i128::from(every_ms);
        }
    }
    (steps, overpaid)
}

proptest! {
    #[test]
    fn the_cost_of_a_descent_is_the_sum_over_its_steps(
        goal in 1..5_000_i64, excess in 1..5_000_i64, step in 1..700_i64, wait in 0..900_000_i64, every in 1..900_000_i64,
    ) {
        let (steps, overpaid) = brute_force(goal + excess, goal, step, wait, every);
        let found = descent(price(goal + excess), price(goal), price(step), Span::from_ms(wait), Span::from_ms(every));
        let Descent { steps: found_steps, overpaid: found } = found.expect("there is a way down");
        prop_assert_eq!(found_steps, steps);
        // One accrual of a whole day at the sum is that sum: compare what both come to.
        let expected = rust_decimal::Decimal::from_i128_with_scale(overpaid, 8)
            / rust_decimal::Decimal::from(Span::DAY.ms());
        let expected = expected.round_dp_with_strategy(18, rust_decimal::RoundingStrategy::MidpointNearestEven);
        prop_assert_eq!(found.amount().decimal(), expected.normalize());
    }
}

#[test]
fn there_is_no_descent_to_where_one_stands_or_without_a_step() {
    assert_eq!(descent(price(5), price(5), price(1), Span::ZERO, Span::DAY), None);
    assert_eq!(descent(price(4), price(5), price(1), Span::ZERO, Span::DAY), None);
    assert_eq!(descent(price(6), price(5), price(0), Span::ZERO, Span::DAY), None);
}

#[test]
fn a_step_that_has_grown_is_found_out_within_some_hours() {
    let mut world = rival_left(2_000, 500, None);
    world.change(|v| v.step = 10);
    world.until(120, "the small step is learned", |w| w.bid(6) == Some(1_990));
    world.change(|v| v.step = 700);
    // Trusted for six hours: 36 steps of 10. Then three steps are enough for all the rest.
    world.until(6 * 3_600 + 3 * (WINDOW + 10), "the floor", |w| w.bid(6) == Some(500));
    assert_eq!(world.venue.too_large, 2, "the first refusal, and the one that told of the larger step");
    world.assert_clean();
}

#[test]
fn a_step_that_has_not_grown_costs_one_request_every_six_hours() {
    let mut world = rival_left(9_000, 100, None);
    world.change(|v| v.step = 10);
    world.run(24 * 3_600);
    assert!((4..=5).contains(&world.venue.too_large), "{} refusals in a day", world.venue.too_large);
    let applied = outcomes(&world).0;
    assert!(applied >= 24 * 6 - 3, "{applied} steps in a day: trying costs no window");
    world.assert_clean();
}

#[test]
fn a_window_that_has_got_longer_is_learned_from_one_refusal_and_tried_again() {
    let mut world = rival_left(9_000, 100, None);
    world.change(|v| v.every = Span::from_secs(900));
    world.run(5 * 3_600);
    assert_eq!(outcomes(&world).2, 1, "one refusal teaches it");
    assert!(outcomes(&world).0 >= 5 * 4 - 1, "{:?}", outcomes(&world));
    world.change(|v| v.every = Span::from_secs(WINDOW));
    world.run(3 * 3_600);
    let before = outcomes(&world).0;
    world.run(3_600);
    assert!(outcomes(&world).0 >= before + 5, "six hours later it lowers every ten minutes again");
    world.assert_clean();
}
