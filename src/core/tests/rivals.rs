//! Rivals who think: several bots on one server burn no money against each other, and adaptive keeps its head against
//! the kinds of rivals and hosts that there are.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

mod common;

use clorebid_core::policy::adaptive::policy::Adaptive;
use clorebid_core::policy::chosen::ChosenPolicy;
use clorebid_core::policy::follow::Follow;
use clorebid_core::request::{Answer, Request};
use clorebid_core::strategy::PerDay;
use clorebid_core::time::{Span, Time};
use common::{World, learning, price, strategy, target};

const SERVER: u64 = 6;
const HOUR: i64 = 3_600;

/// A bot on that server that may bid as much.
fn bot(policy: impl Into<ChosenPolicy>, most: i64) -> World {
    let mut wanted = target("t", &[SERVER]);
    wanted.policy = policy.into();
    let mut strategy = strategy(vec![wanted]);
    strategy.limits.max_bid = price(most);
    World::new(strategy, &[(SERVER, 800)])
}

/// What one bot did and paid.
#[derive(Debug)]
struct Record {
    /// Raises that took effect, by the hour.
    raises: Vec<usize>,
    held_ms: i64,
    /// Ticks a day, on average while held.
    mean: i64,
}

fn record(world: &World, from: Time) -> Record {
    let mut bids = std::collections::BTreeMap::new();
    let mut raises = Vec::new();
    for step in world.log.iter().filter(|step| step.answer == Answer::Applied) {
        let Request::Reprice { order, from: old, to, .. } = step.ask.request else { continue };
        bids.insert(order, to);
        let hour = usize::try_from(step.sent.since(from).ms() / 1_000 / HOUR).expect("after the start");
        raises.resize(raises.len().max(hour + 1), 0);
        raises[hour] += usize::from(to > old);
    }
    let orders = world.venue.orders.values();
    let (held_ms, spend) = orders.fold((0, 0), |(held, spend), o| (held + o.held_ms, spend + o.spend));
    Record { raises, held_ms, mean: i64::try_from(spend / i128::from(held_ms.max(1))).expect("small") }
}

/// Two bots at one server for so many hours: each is a rival of the other.
fn duel(mut a: World, mut b: World, hours: i64) -> [World; 2] {
    let until = a.now + Span::from_secs(hours * HOUR);
    let show = |to: &mut World, bid: Option<i64>| {
        to.change(|v| {
            let rivals = &mut v.machine(SERVER).rivals;
            let shown = rivals.get(&1).copied();
            if bid != shown {
                rivals.remove(&1);
                rivals.extend(bid.map(|bid| (1, bid)));
            }
        });
    };
    while a.now < until || b.now < until {
        let (next, other) = if a.now <= b.now { (&mut a, &mut b) } else { (&mut b, &mut a) };
        let limit = other.now.max(next.now + Span::from_ms(1));
        assert!(next.turn(limit), "halted");
        let bid = next.bid(SERVER);
        show(other, bid);
    }
    [a, b]
}

fn assert_no_war(worlds: &[World; 2], from: Time, weaker: i64) {
    for world in worlds {
        world.assert_clean();
        let record = record(world, from);
        assert!(record.raises.iter().all(|raises| *raises <= 60), "{record:?}");
    }
    let held: i64 = worlds.iter().map(|world| record(world, from).held_ms).sum();
    assert!(held > 0);
    for world in worlds {
        let record = record(world, from);
        // A quarter is the most that adaptive bids above what wins.
        assert!(record.mean <= (weaker + 1) * 5 / 4, "{record:?} above {weaker}");
    }
}

#[test]
fn two_adaptive_bots_end_at_the_weaker_ones_ceiling() {
    let (strong, weak) = (bot(Adaptive, 3_000), bot(Adaptive, 2_000));
    let from = strong.now;
    let worlds = duel(strong, weak, 6);
    assert_no_war(&worlds, from, 2_000);
}

#[test]
fn two_alike_share_or_settle_without_a_war() {
    let (one, other) = (bot(Adaptive, 2_000), bot(Adaptive, 2_000));
    let from = one.now;
    let worlds = duel(one, other, 6);
    assert_no_war(&worlds, from, 2_000);
}

#[test]
fn adaptive_beside_follow_ends_at_the_weaker_ones_ceiling() {
    for (mine, theirs) in [(3_000, 2_000), (2_000, 3_000)] {
        let (adaptive, follow) = (bot(Adaptive, mine), bot(Follow, theirs));
        let from = adaptive.now;
        let worlds = duel(adaptive, follow, 6);
        assert_no_war(&worlds, from, 2_000);
    }
}

/// Runs adaptive for so many hours against somebody who does something every few seconds: what came of it, and how many
/// percent of the time it held the server.
fn against(every: i64, hours: i64, act: impl FnMut(&mut World, i64)) -> (Record, i64) {
    run_against(bot(Adaptive, 3_000), every, hours, act)
}

fn run_against(mut world: World, every: i64, hours: i64, mut act: impl FnMut(&mut World, i64)) -> (Record, i64) {
    let from = world.now;
    let mut passed = 0;
    while passed < hours * HOUR {
        act(&mut world, passed);
        world.run(every);
        passed = world.now.since(from).ms() / 1_000;
    }
    world.assert_clean();
    let record = record(&world, from);
    assert!(record.raises.iter().all(|raises| *raises <= 60), "{record:?}");
    let held = record.held_ms / (hours * HOUR * 10);
    (record, held)
}

/// Bids a tick more than the bot, up to `most`.
fn outbid(world: &mut World, most: i64) {
    let ours = world.bid(SERVER).unwrap_or(0);
    let theirs = world.venue.machines[&SERVER].best_rival().unwrap_or(0);
    if ours >= theirs && ours < most {
        world.rival(SERVER, ours.max(800) + 1);
    }
}

#[test]
fn a_rival_who_bids_a_tick_more_up_to_a_price_of_his_own_is_passed() {
    let (record, held) = against(5, 6, |world, _| outbid(world, 2_000));
    assert!(held >= 90 && record.mean < 2_000 * 5 / 4, "{record:?} {held}");
}

#[test]
fn one_who_is_a_minute_late_is_passed_too() {
    let (record, held) = against(60, 6, |world, _| outbid(world, 2_000));
    assert!(held >= 90 && record.mean < 2_000 * 5 / 4, "{record:?} {held}");
}

#[test]
fn one_who_always_bids_more_than_it_is_worth_is_left_alone_most_of_the_time() {
    let mut world = bot(Adaptive, 2_000);
    let from = world.now;
    while world.now.since(from) < Span::from_secs(6 * HOUR) {
        outbid(&mut world, 5_000);
        // He comes down as the rules allow.
        let seconds = world.now.since(from).ms() / 1_000;
        if seconds % 600 < 5 {
            let theirs = world.venue.machines[&SERVER].best_rival().unwrap_or(0);
            world.rival(SERVER, (theirs - 100).max(900));
        }
        world.run(5);
    }
    world.assert_clean();
    let record = record(&world, from);
    let creates = world.creates().len();
    assert!(creates <= 14, "{creates} orders, each a restart for seconds of holding; {record:?}");
}

#[test]
fn a_sniper_who_comes_for_five_minutes_an_hour_keeps_the_price_up_only_where_restarts_are_dear() {
    // Twenty-four restarts a day against what a bid above the sniper's costs more.
    for (restart, range) in [(5, 900..1_500), (700, 2_300..3_000)] {
        let mut wanted = learning(target("t", &[SERVER]), restart);
        wanted.value.per_day = PerDay::Price(price(3_000));
        let world = World::new(strategy(vec![wanted]), &[(SERVER, 800)]);
        let (record, held) = run_against(world, 30, 8, |world, passed| {
            world.rival(SERVER, if passed % HOUR < 300 { 2_400 } else { 900 });
        });
        assert!(held >= 85 && range.contains(&record.mean), "{record:?} {held}");
    }
}

#[test]
fn a_daily_rhythm_is_followed() {
    let (record, held) = against(300, 48, |world, passed| {
        let is_day = passed % (24 * HOUR) < 12 * HOUR;
        world.rival(SERVER, if is_day { 2_000 } else { 1_000 });
    });
    assert!(held >= 98 && record.mean < 1_700, "{record:?} {held}");
}

#[test]
fn a_floor_that_drifts_every_five_minutes_is_not_lost_to_every_step() {
    let mut step = 0_i64;
    let (record, held) = against(300, 24, |world, _| {
        step += 1;
        let floor = 1_000 + [0, 6, 3, 9, 5, 12, 7, 14, 4, 10][usize::try_from(step % 10).expect("small")] + step / 8;
        world.change(|v| v.machine(SERVER).floor = floor);
    });
    assert!(held >= 99 && record.mean < 1_120, "{record:?} {held}");
}

#[test]
fn a_server_rented_on_demand_for_hours_is_taken_again_when_it_is_free() {
    let (record, held) = against(60, 8, |world, passed| {
        let is_rented = (2 * HOUR..5 * HOUR).contains(&passed);
        world.change(|v| v.machine(SERVER).rented = is_rented);
    });
    assert!(held >= 60, "{record:?} {held}");
}
