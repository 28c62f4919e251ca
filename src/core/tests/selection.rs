//! Which servers are bid on: those that fit, the cheapest first, and never one that may not be rented.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

mod common;

use clorebid_core::selection::is_model;
use clorebid_core::strategy::{Choice, Match, PerDay, Target};
use clorebid_core::time::Span;
use common::venue::Machine;
use common::{World, matching, price, strategy, target};
use rust_decimal::Decimal;

fn with_match(change: impl FnOnce(&mut Match)) -> Target {
    let mut wanted = matching("t", "RTX 4090");
    if let Choice::Match(m) = &mut wanted.choice {
        change(m);
    }
    wanted
}

/// Runs that target over those servers for a while and says what is held.
fn held(wanted: Target, machines: &[(u64, i64)], change: impl FnOnce(&mut World)) -> Vec<u64> {
    let mut world = World::new(strategy(vec![wanted]), machines);
    change(&mut world);
    world.run(240);
    world.assert_clean();
    let mut held = world.venue.held();
    held.sort_unstable();
    held
}

#[test]
fn a_model_is_itself_and_no_longer_one() {
    let is = |listed: &str, wanted: &str| assert!(is_model(listed, wanted), "{listed} is {wanted}");
    let is_not = |listed: &str, wanted: &str| assert!(!is_model(listed, wanted), "{listed} is not {wanted}");
    is("1x NVIDIA GeForce RTX 4090", "RTX 4090");
    is("NVIDIA GeForce RTX 4090 24GB", "rtx 4090");
    is("8x NVIDIA A100-SXM4-80GB", "A100");
    is("RTX 4090 D, RTX 4090", "RTX 4090");
    is("NVIDIA RTX 6000 Ada Generation", "RTX 6000 Ada");
    is("NVIDIA GeForce RTX 4070 Ti SUPER", "RTX 4070 Ti SUPER");
    is("anything", "");
    is_not("NVIDIA GeForce RTX 4090 D", "RTX 4090");
    is_not("NVIDIA GeForce RTX 4090D", "RTX 4090");
    is_not("NVIDIA GeForce RTX 5090 Laptop GPU", "RTX 5090");
    is_not("NVIDIA GeForce RTX 5090 (Laptop)", "RTX 5090");
    is_not("NVIDIA GeForce RTX 3060 Ti", "RTX 3060");
    is_not("NVIDIA GeForce RTX 4080 SUPER", "RTX 4080");
    is_not("NVIDIA GeForce RTX 4070 Ti SUPER", "RTX 4070 Ti");
    is_not("NVIDIA A100", "A10");
    is_not("NVIDIA RTX A4000", "4000");
    is_not("NVIDIA RTX 6000 Ada Generation", "RTX 6000");
    is_not("NVIDIA GeForce RTX 2080 Max-Q", "RTX 2080");
}

#[test]
fn the_cheapest_wanted_are_held() {
    let mut wanted = matching("t", "RTX 4090");
    wanted.want = 2;
    let machines = [(1, 900), (2, 700), (3, 800), (4, 1_000)];
    assert_eq!(held(wanted.clone(), &machines, |_| {}), vec![2, 3]);
    // A low floor with a rival on it is not cheap.
    assert_eq!(held(wanted, &machines, |w| w.rival(2, 950)), vec![1, 3]);
}

#[test]
fn the_cheapest_of_dozens_is_held() {
    // A round of reads takes longer than a minute, and no floor tells what winning takes.
    let ids: Vec<u64> = (1..=80).collect();
    let machines: Vec<(u64, i64)> = ids.iter().map(|id| (*id, 500)).collect();
    let rivals = |w: &mut World| ids.iter().for_each(|id| w.rival(*id, 1_000 - 2 * i64::try_from(*id).expect("small")));
    assert_eq!(held(target("t", &ids), &machines, rivals), vec![80]);
}

#[test]
fn only_what_fits_is_bid_on() {
    let machines = [(1, 500), (2, 600)];
    let none: &[u64] = &[];
    assert_eq!(held(with_match(|_| {}), &machines, |w| w.venue.machine(1).gpu = "RTX 4090 D".into()), vec![2]);
    assert_eq!(held(with_match(|m| m.min_gpus = Some(2)), &machines, |w| w.venue.machine(2).gpus = 4), vec![2]);
    assert_eq!(held(with_match(|m| m.min_ram_gb = Some(Decimal::from(65))), &machines, |_| {}), none);
    assert_eq!(held(with_match(|m| m.min_ram_gb = Some(Decimal::from(64))), &machines, |_| {}), vec![1]);
    assert_eq!(held(with_match(|m| m.min_reliability = Some(Decimal::new(995, 3))), &machines, |_| {}), none);
    assert_eq!(held(with_match(|m| m.min_longest_rental = Some(Span::DAY)), &machines, |_| {}), vec![1]);
    assert_eq!(held(with_match(|m| m.min_longest_rental = Some(Span::DAY.times(2))), &machines, |_| {}), none);
    assert_eq!(held(with_match(|m| m.max_floor = Some(price(499))), &machines, |_| {}), none);
    let abroad = |w: &mut World| w.venue.machine(1).country = "US".into();
    assert_eq!(held(with_match(|m| m.countries = vec!["cz".into(), "DE".into()]), &machines, abroad), vec![2]);
}

#[test]
fn a_floor_that_has_passed_max_floor_since_the_listing_is_not_paid() {
    let mut world = World::new(strategy(vec![with_match(|m| m.max_floor = Some(price(550)))]), &[(1, 500), (2, 600)]);
    world.until(20, "listed", |w| w.log.iter().any(|s| matches!(s.answer, clorebid_core::request::Answer::Listing(_))));
    assert!(world.creates().is_empty(), "the market is read first");
    world.change(|v| v.machine(1).floor = 560);
    world.run(30);
    assert!(world.creates().is_empty());
    assert_eq!(world.denials().last().map(|d| d.1.code()), Some("not_worth_it"));
}

#[test]
fn servers_that_may_not_be_rented_are_never_bid_on() {
    for wanted in [target("t", &[1, 2]), matching("t", "RTX 4090")] {
        let machines = [(1, 500), (2, 600)];
        assert_eq!(held(wanted.clone(), &machines, |w| w.venue.machine(1).rented = true), vec![2], "rented");
        assert_eq!(held(wanted.clone(), &machines, |w| w.venue.machine(1).hosted = true), vec![2], "our own");
        assert_eq!(held(wanted.clone(), &machines, |w| w.venue.machine(1).online = false), vec![2], "offline");
        assert_eq!(held(wanted.clone(), &machines, |w| w.venue.machine(1).public = false), vec![2], "hidden");
        assert_eq!(held(wanted.clone(), &machines, |w| w.venue.machine(1).exists = false), vec![2], "gone");
        assert_eq!(held(wanted.clone(), &machines, |w| w.venue.machine(1).takes_bitcoin = false), vec![2], "coin");
        let user = |w: &mut World| {
            w.venue.listing_delay_ms = (0, 0);
            w.venue.user_orders(1, 550);
        };
        let beside = Target { beside: true, ..wanted };
        assert_eq!(held(beside, &machines, user), vec![1, 2], "the user's own, and ours beside it");
    }
}

#[test]
fn a_server_that_is_not_listed_may_still_be_named() {
    assert_eq!(held(target("t", &[1]), &[(1, 500)], |w| w.venue.machine(1).listed = false), vec![1]);
}

#[test]
fn beaten_floors_do_not_hide_the_server_behind_them() {
    // Ten servers look cheap in the listing, and a rival stands above max_bid on each.
    let mut machines: Vec<(u64, i64)> = (1..=10).map(|id| (id, 100)).collect();
    machines.push((11, 5_000));
    let mut world = World::new(strategy(vec![matching("t", "RTX 4090")]), &machines);
    world.change(|v| {
        for id in 1..=10 {
            v.machine(id).rivals.insert(1, 20_000);
        }
    });
    world.until(400, "the eleventh is held", |w| w.holds(11));
    world.assert_clean();
}

#[test]
fn several_that_are_ruled_out_do_not_keep_the_next_from_being_read() {
    // Worth less than they cost, one by one, and cheaper than the fifth, which is worth it.
    let mut wanted = target("t", &[1, 2, 3, 4, 5]);
    wanted.value.per_day = PerDay::OnDemand;
    let mut world = World::new(strategy(vec![wanted]), &[(1, 100), (2, 100), (3, 100), (4, 100), (5, 100)]);
    world.change(|v| {
        for id in 1..=5 {
            v.machine(id).rivals.insert(1, 1_000 + id as i64 * 10);
            v.machine(id).on_demand = if id == 5 { 9_000 } else { 900 };
        }
    });
    world.until(90, "the fifth is held", |w| w.holds(5));
    assert_eq!(world.creates().len(), 1);
}

#[test]
fn two_targets_share_what_the_market_lists() {
    let mut world = World::new(
        strategy(vec![matching("one", "RTX 4090"), matching("two", "RTX 4090")]),
        &[(1, 500), (2, 510), (3, 520), (4, 530), (5, 540), (6, 550)],
    );
    world.run(180);
    assert_eq!(world.venue.held().len(), 2, "{}", world.tail(20));
    world.assert_clean();
}

#[test]
fn a_new_listing_brings_a_cheaper_server_into_play_once_the_old_one_is_lost() {
    let mut wanted = matching("t", "RTX 4090");
    wanted.bid.lost = clorebid_core::strategy::Lost::Move;
    let mut world = World::new(strategy(vec![wanted]), &[(1, 900)]);
    world.until(60, "held", |w| w.holds(1));
    world.venue.machines.insert(2, Machine::new(700));
    world.run(700);
    assert!(world.holds(1), "what is held is not left for a better price");
    world.rival(1, 1_000);
    world.until(60, "moved", |w| w.holds(2));
    assert_eq!(world.cancels(), 1);
    world.assert_clean();
}
