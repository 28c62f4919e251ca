//! What orders cost is counted whether or not somebody watched, by our own count and by the venue's, and every fee with it.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

mod common;

use clorebid_core::engine::Engine;
use clorebid_core::event::Event;
use clorebid_core::limits::Denial;
use clorebid_core::money::{Accrual, Amount};
use clorebid_core::request::Answer;
use clorebid_core::strategy::Limits;
use clorebid_core::time::{Span, Time};
use common::venue::Eviction;
use common::{START, World, price, strategy, sum, target};
use rust_decimal::Decimal;

/// Server 1 held at 900 a day, which is 37.5 an hour.
fn holding(change: impl FnOnce(&mut Limits)) -> World {
    let mut plan = strategy(vec![target("t", &[1])]);
    change(&mut plan.limits);
    let mut world = World::new(plan, &[(1, 900)]);
    world.until(60, "held", |w| w.holds(1));
    world
}

/// The process dies at once, and another one starts so many seconds later.
fn away(world: &mut World, secs: i64, meanwhile: impl FnOnce(&mut World)) {
    let died_at = world.now;
    let mut memory = world.engine.memory(died_at);
    meanwhile(world);
    world.now = died_at + Span::from_secs(secs);
    world.venue.pass_to(world.now);
    memory.hand_on(false, died_at, died_at);
    world.engine = Engine::start(world.engine.strategy().clone(), memory, world.now);
}

/// The venue's list says nothing of what orders cost.
fn tells_no_spend(answer: &mut Answer) -> bool {
    let Answer::Orders(rows) = answer else { return false };
    rows.iter_mut().for_each(|row| row.spend = None);
    true
}

/// What the venue truly charged for holding.
fn charged(world: &mut World) -> Amount {
    world.venue.pass_to(world.now);
    let all = world.venue.orders.values().map(|o| Decimal::from_i128_with_scale(o.spend, 8));
    let days = all.sum::<Decimal>() / Decimal::from(86_400_000);
    Amount::new(days).expect("a sum")
}

fn stretch(bid: i64, from: Time, to: Time) -> Amount {
    price(bid).accrue(to.since(from)).amount()
}

/// What the stretches that were told of come to, those not watched included.
fn told(world: &World) -> Accrual {
    let mut open = None;
    let mut all = Accrual::ZERO;
    for (at, event) in &world.changes {
        match event {
            Event::HoldingFrom { since, bid, .. } => open = Some((*since, *bid)),
            Event::HoldingTo { .. } => {
                if let Some((since, bid)) = open.take() {
                    all = all.plus(bid.accrue(at.since(since)));
                }
            }
            Event::HeldUnwatched { bid, from, to, .. } => {
                // The process that died had told of the stretch so far.
                if let Some((since, bid)) = open.take() {
                    all = all.plus(bid.accrue(from.since(since)));
                }
                all = all.plus(bid.accrue(to.since(*from)));
            }
            _ => {}
        }
    }
    open.map_or(all, |(since, bid)| all.plus(bid.accrue(world.now.since(since))))
}

fn unwatched(world: &World) -> Vec<(Time, Time)> {
    let of = |event: &Event| match event {
        Event::HeldUnwatched { from, to, .. } => Some((*from, *to)),
        _ => None,
    };
    world.changes.iter().filter_map(|(_, event)| of(event)).collect()
}

/// How far two sums are apart, in ticks.
fn apart(a: Amount, b: Amount) -> Decimal {
    (a.decimal() - b.decimal()).abs() * Decimal::from(100_000_000)
}

#[test]
fn an_hour_that_nobody_watched_counts_even_where_the_venue_tells_nothing() {
    let mut world = holding(|l| l.max_total_cost = Some(sum(60)));
    world.lie(u32::MAX, tells_no_spend);
    world.run(600);
    away(&mut world, 3_600, |_| {});
    world.run(30);
    let spent = world.engine.status(world.now).spent;
    assert!(apart(spent, charged(&mut world)) < Decimal::ONE, "{spent}");
    world.run(3_600);
    assert!(world.venue.held().is_empty(), "the limit is as good as reached");
    assert!(charged(&mut world) <= sum(60));
}

#[test]
fn what_the_venue_told_of_that_hour_decides_how_long_the_server_was_held() {
    let mut world = holding(|_| {});
    world.run(600);
    world.venue.eviction = Eviction::Pause;
    let died_at = world.now;
    away(&mut world, 3_600, |world| {
        // Twenty minutes later somebody bids more.
        world.now = world.now + Span::from_secs(1_200);
        world.rival(1, 2_000);
    });
    world.run(60);
    let [(from, to)] = unwatched(&world)[..] else { panic!("{:?}", unwatched(&world)) };
    assert_eq!(from, died_at);
    assert!((1_195..=1_210).contains(&(to.since(from).ms() / 1_000)), "{} of 1200 s", to.since(from));
}

#[test]
fn an_order_that_is_over_by_then_leaves_what_it_cost_behind() {
    let mut world = holding(|_| {});
    world.run(600);
    away(&mut world, 3_600, |world| {
        world.now = world.now + Span::from_secs(1_200);
        world.venue.eviction = Eviction::Expire;
        world.rival(1, 2_000);
    });
    world.rival(1, 2_000);
    let charged = charged(&mut world);
    world.run(20);
    let spent = world.engine.status(world.now).spent;
    assert!(apart(spent, charged) < Decimal::ONE, "{spent} of {charged}");
}

#[test]
fn the_stretches_told_of_come_to_what_was_charged() {
    let mut world = holding(|_| {});
    for secs in [700, 40, 5_000] {
        world.run(1_000);
        away(&mut world, secs, |_| {});
    }
    world.run(1_000);
    let (told, charged) = (told(&world).amount(), charged(&mut world));
    // A command's way to the venue and a read's way back are all that is not known: 0.3 s a start at 900 a day.
    assert!(apart(told, charged) < Decimal::new(3, 2), "{told} of {charged}");
}

#[test]
fn a_stretch_begins_with_the_answer_that_won_it() {
    let mut world = holding(|_| {});
    world.run(30);
    let placed = world.log.iter().find(|s| s.ask.request.is_command()).expect("a create");
    let from = world.changes.iter().find_map(|(_, event)| match event {
        Event::HoldingFrom { since, .. } => Some(*since),
        _ => None,
    });
    let from = from.expect("a stretch");
    assert!(from >= placed.sent && from <= placed.answered, "{} after it", from.since(placed.answered));
    let charged = charged(&mut world);
    assert!(apart(charged, stretch(900, from, world.now)) < Decimal::new(1, 2));
}

#[test]
fn our_sum_and_the_venues_are_compared_without_the_fees_and_paid_with_them() {
    let mut world = World::new(strategy(vec![target("t", &[1])]), &[(1, 900)]);
    world.venue.fee_percent = Decimal::TEN;
    world.until(60, "held", |w| w.holds(1));
    // The venue counts double: its sum is the larger one by far.
    world.lie(u32::MAX, |answer| {
        let Answer::Orders(rows) = answer else { return false };
        rows.iter_mut().for_each(|row| row.spend = row.spend.map(|spend| spend.plus(spend)));
        true
    });
    world.run(7_200);
    let twice = charged(&mut world).decimal() * Decimal::TWO;
    let with_fees = Amount::new(twice * Decimal::new(11, 1)).expect("a sum");
    let spent = world.engine.status(world.now).spent;
    // It was last told up to a minute and a half ago.
    assert!(apart(spent, with_fees) < Decimal::from(3), "{spent} of {with_fees}");
}

#[test]
fn a_fee_that_the_venue_tells_of_counts_from_the_start() {
    let mut plan = strategy(vec![target("t", &[1])]);
    plan.venue.fee_percent = Decimal::ONE;
    let mut world = World::new(plan, &[(1, 900)]);
    world.venue.fee_percent = Decimal::TEN;
    world.until(60, "held", |w| w.holds(1));
    world.run(600);
    let told = world.changes.iter().filter(|(_, event)| matches!(event, Event::FeeTold { .. })).count();
    assert_eq!(told, 1, "once, while it held already");
    let with_fees = Amount::new(charged(&mut world).decimal() * Decimal::new(11, 1)).expect("a sum");
    let spent = world.engine.status(world.now).spent;
    assert!(apart(spent, with_fees) < Decimal::new(1, 2), "{spent} of {with_fees}");
}

/// Every order is charged 100 when it has stood for ten minutes.
fn tells_a_creation_fee(answer: &mut Answer) -> bool {
    let Answer::Orders(rows) = answer else { return false };
    rows.iter_mut().for_each(|row| row.creation_fee = Some(sum(100)));
    true
}

#[test]
fn creation_fees_count_against_what_a_day_may_cost() {
    let mut plan = strategy(vec![target("t", &[1])]);
    plan.limits.max_daily_cost = Some(sum(1_000));
    plan.venue.creation_fee = sum(100);
    let mut world = World::new(plan, &[(1, 500)]);
    world.venue.eviction = Eviction::Vanish;
    world.lie(u32::MAX, tells_a_creation_fee);
    // Once it has stood long enough to be charged, somebody bids more for a minute, and it is over.
    for _ in 0..100 {
        world.run(650);
        world.rival(1, 2_000);
        world.run(40);
        world.rival(1, 0);
    }
    let charged = world.changes.iter().filter(|(_, event)| matches!(event, Event::CreationFee { .. })).count();
    assert_eq!(charged, 5, "500 for the bid and five times 100 are 1000 a day");
    let (_, denial) = *world.denials().last().expect("a denial");
    assert!(matches!(denial, Denial::MaxDailyCost { .. }), "{denial:?}");
}

#[test]
fn a_creation_fee_counts_before_it_falls_due() {
    let mut plan = strategy(vec![target("t", &[1])]);
    plan.limits.max_total_cost = Some(sum(100));
    plan.venue.creation_fee = sum(100);
    let mut world = World::new(plan, &[(1, 900)]);
    world.run(300);
    assert!(world.creates().is_empty(), "the fee alone would use it up");
}

#[test]
fn the_more_orders_stand_the_earlier_they_are_stopped() {
    let ids: Vec<u64> = (1..=40).collect();
    let mut wanted = target("t", &ids);
    wanted.want = 40;
    let mut plan = strategy(vec![wanted]);
    plan.limits.max_total_cost = Some(sum(600));
    let machines: Vec<(u64, i64)> = ids.iter().map(|id| (*id, 900)).collect();
    let mut world = World::new(plan, &machines);
    world.until(1_800, "all held", |w| w.venue.held().len() == 40);
    // From now on each cancellation takes thirteen seconds.
    world.late = Span::from_secs(12);
    world.run(7_200);
    assert!(world.venue.held().is_empty());
    let charged = charged(&mut world);
    assert!(charged <= sum(600) && charged >= sum(400), "{charged}");
}

#[test]
fn what_is_held_while_the_machine_sleeps_is_paid_for_in_the_books() {
    let mut world = holding(|_| {});
    world.run(600);
    // The lid is closed for an hour, and nobody asks anything.
    world.now = world.now + Span::from_secs(3_600);
    world.run(30);
    let charged = charged(&mut world);
    let spent = world.engine.status(world.now).spent;
    let off = (spent.decimal() - charged.decimal()).abs();
    assert!(off <= stretch(900, START, START + Span::from_secs(3)).decimal(), "{spent} of {charged}");
}

#[test]
fn what_the_venue_told_of_a_cost_never_falls() {
    for aside in [false, true] {
        let mut world = holding(|_| {});
        // The venue counts double at first, and less later on.
        world.lie(u32::MAX, |answer| {
            let Answer::Orders(rows) = answer else { return false };
            rows.iter_mut().for_each(|row| row.spend = row.spend.map(|spend| spend.plus(spend)));
            true
        });
        if aside {
            let memory = world.engine.memory(world.now);
            world.resume_with(strategy(vec![target("other", &[2])]), memory);
        }
        world.run(7_200);
        let most = world.engine.status(world.now).spent;
        let twice = charged(&mut world).decimal() * Decimal::TWO;
        assert!(apart(most, Amount::new(twice).expect("a sum")) < Decimal::from(3), "{most} of {twice}");
        world.venue.lies.clear();
        world.run(120);
        let spent = world.engine.status(world.now).spent;
        assert!(spent >= most || apart(spent, most) < Decimal::ONE, "left alone: {aside}, {spent} after {most}");
    }
}

#[test]
fn a_creation_fee_that_was_charged_is_ahead_no_more() {
    let mut plan = strategy(vec![target("t", &[1])]);
    plan.venue.creation_fee = sum(100);
    plan.limits.max_daily_cost = Some(sum(1_050));
    let mut world = World::new(plan, &[(1, 900)]);
    world.lie(u32::MAX, tells_a_creation_fee);
    world.until(60, "held: 900 and a fee of 100 are within a day's limit", |w| w.holds(1));
    world.run(700);
    world.rival(1, 930);
    world.until(30, "won back: 931 and the fee, once", |w| w.bid(1) == Some(931));
}
