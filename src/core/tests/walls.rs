//! What is refused again and again: it is asked for ever more rarely, what the refusal says is used, and the next server
//! has its turn. Numbers that make no sense are bounded.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

mod common;

use clorebid_core::money::Currency;
use clorebid_core::request::{Answer, Doubt, Refusal, Request};
use clorebid_core::time::Span;
use common::venue::{Fault, Kind, Lie};
use common::{World, price, strategy, target};
use rust_decimal::Decimal;

fn one() -> World {
    World::new(strategy(vec![target("t", &[6])]), &[(6, 900)])
}

fn two() -> World {
    World::new(strategy(vec![target("t", &[6, 7])]), &[(6, 900), (7, 950)])
}

/// Answers to creates on server 6 become that.
fn creates_on_6_come_to(world: &mut World, times: u32, tell: fn(&mut Answer) -> bool) {
    world.venue.refuse_creates = Some((6, Lie { times, tell }));
}

#[test]
fn a_create_that_nobody_ever_sees_is_not_repeated_while_the_next_server_is_free() {
    let mut world = two();
    creates_on_6_come_to(&mut world, u32::MAX, |answer| {
        *answer = Answer::Unknown(Doubt::Unlisted("code 1".into()));
        true
    });
    world.until(400, "the next one is held", |w| w.holds(7));
    let on_6 = world.creates().iter().filter(|(server, _)| *server == 6).count();
    assert!(on_6 <= 2, "{on_6} creates on server 6");
}

#[test]
fn a_create_that_is_always_refused_is_asked_for_ever_more_rarely() {
    let mut world = one();
    creates_on_6_come_to(&mut world, u32::MAX, |answer| {
        *answer = Answer::Refused(Refusal::ServerOffline);
        true
    });
    world.run(6 * 3_600);
    let creates = world.creates().len();
    assert!((6..=14).contains(&creates), "{creates} creates in six hours");
}

#[test]
fn one_passing_refusal_does_not_shut_a_server_out_for_an_hour() {
    let mut world = one();
    creates_on_6_come_to(&mut world, 1, |answer| {
        *answer = Answer::Refused(Refusal::InvalidInput);
        true
    });
    world.until(100, "held", |w| w.holds(6));
}

#[test]
fn a_least_price_that_a_refusal_names_is_what_is_bid_next() {
    let mut world = one();
    world.change(|v| v.machine(6).floor = 900);
    creates_on_6_come_to(&mut world, 1, |answer| {
        *answer = Answer::Refused(Refusal::PriceTooLow { least: Some(price(1_200)) });
        true
    });
    world.until(100, "bid again", |w| w.creates().len() == 2);
    assert_eq!(world.creates(), [(6, 900), (6, 1_200)]);
}

#[test]
fn a_venue_that_wants_quiet_before_a_create_gets_it() {
    let mut world = one();
    world.venue.quiet_before_create = Some(Span::from_ms(5_500));
    world.until(120, "held", |w| w.holds(6));
    assert!(world.creates().len() <= 3, "{} creates", world.creates().len());
}

#[test]
fn a_host_that_asks_for_nothing_is_still_bid_a_tick() {
    let mut world = World::new(strategy(vec![target("t", &[6])]), &[(6, 0)]);
    world.until(60, "placed", |w| !w.creates().is_empty());
    assert_eq!(world.creates(), [(6, 1)]);
}

#[test]
fn a_fee_that_makes_no_sense_is_not_believed() {
    for percent in [-50, 101] {
        let mut limited = strategy(vec![target("t", &[6])]);
        limited.limits.max_daily_cost = Some(common::sum(1_000));
        limited.venue.fee_percent = Decimal::TEN;
        let mut world = World::new(limited, &[(6, 900)]);
        world.venue.fee_percent = Decimal::from(percent);
        world.until(60, "held", |w| w.holds(6));
        world.run(120);
        world.rival(6, 950);
        world.run(120);
        assert_eq!(world.bid(6), Some(900), "951 and ten percent are more than a day may cost ({percent} %)");
    }
}

#[test]
fn what_is_spent_in_another_coin_is_not_taken_for_ours() {
    let mut limited = strategy(vec![target("t", &[6])]);
    limited.limits.max_total_cost = Some(common::sum(100_000));
    let mut world = World::new(limited, &[(6, 900)]);
    world.until(60, "held", |w| w.holds(6));
    world.lie(3, |answer| {
        let Answer::Orders(rows) = answer else { return false };
        rows.iter_mut().for_each(|row| (row.currency, row.spend) = (Some(Currency::Usd), Some(common::sum(1 << 40))));
        true
    });
    world.run(200);
    assert_eq!(world.cancels(), 0, "{}", world.tail(20));
}

#[test]
fn a_raise_that_is_always_doubted_is_not_sent_a_hundred_times() {
    let mut world = one();
    world.until(60, "held", |w| w.holds(6));
    for _ in 0..400 {
        world.force(Kind::Raise, Fault::LostBefore);
    }
    world.rival(6, 1_000);
    world.run(480);
    let raises = world.log.iter().filter(|s| matches!(s.ask.request, Request::Reprice { .. })).count();
    assert!((2..=12).contains(&raises), "{raises} raises in eight minutes");
}

#[test]
fn a_time_to_lowering_that_makes_no_sense_neither_stops_nor_hurries_the_lowerings() {
    for (seconds, most) in [(0, 20), (1_000_000_000, 3)] {
        let mut world = one();
        world.venue.nonsense = Some(Refusal::LoweringTooSoon { wait: Span::from_secs(seconds) });
        world.rival(6, 1_000);
        world.until(60, "held", |w| w.holds(6));
        world.rival(6, 0);
        world.run(5_400);
        let asked = world.reprices().len();
        assert!((2..=most).contains(&asked), "{asked} lowerings asked for in 90 minutes, told {seconds} s");
    }
}

#[test]
fn a_venue_that_answers_late_is_bid_on_all_the_same() {
    for late in [2_500, 8_000] {
        let mut world = one();
        world.late = Span::from_ms(late);
        world.until(180, "held", |w| w.holds(6));
        world.rival(6, 1_000);
        world.until(180, "won back", |w| w.bid(6) == Some(1_001) && w.holds(6));
        world.assert_clean();
    }
}

#[test]
fn a_server_that_its_renter_on_demand_leaves_is_held_within_two_minutes() {
    let mut world = one();
    world.change(|v| v.machine(6).rented = true);
    world.run(1_200);
    assert!(world.creates().is_empty());
    world.change(|v| v.machine(6).rented = false);
    world.until(120, "held", |w| w.holds(6));
}

#[test]
fn reads_that_are_all_refused_are_asked_ever_more_rarely_and_again_once_one_is_answered() {
    let mut world = one();
    world.until(60, "held", |w| w.holds(6));
    for refusal in
        [Refusal::InvalidInput, Refusal::ServerGone, Refusal::BadEndpoint, Refusal::RateLimited, Refusal::BadKey]
    {
        world.down = Some(Answer::Refused(refusal));
        let before = world.log.len();
        world.run(3_600);
        let asked = world.log.len() - before;
        assert!((50..=120).contains(&asked), "{asked} reads in an hour");
        world.down = None;
        world.until(65, "a good answer", |w| matches!(w.log.last().map(|s| &s.answer), Some(Answer::Market(_))));
        world.run(60);
    }
}

#[test]
fn one_read_that_is_refused_slows_no_other() {
    let mut world = two();
    world.until(60, "held", |w| w.holds(6));
    world.lie(u32::MAX, |answer| {
        let is_of_7 = matches!(answer, Answer::Market(market) if market.server.0 == 7);
        if is_of_7 {
            *answer = Answer::Refused(Refusal::ServerGone);
        }
        is_of_7
    });
    world.run(300);
    let since = world.log.len();
    world.run(300);
    let of_6 =
        world.log[since..].iter().filter(|s| matches!(s.ask.request, Request::SpotMarket { server } if server.0 == 6));
    assert!(of_6.count() >= 200, "the held server is looked at nearly every second");
}
