//! One request a second is all there is, however many servers there are: no read waits for ever.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

mod common;

use clorebid_core::ids::ServerId;
use clorebid_core::policy::adaptive::policy::Adaptive;
use clorebid_core::request::Request;
use clorebid_core::time::Span;
use common::{World, matching, price, strategy, target};

/// `want` of so many servers at 900 ticks, of which all but the first `cheap` cost more than a bid may be.
fn world(servers: u64, cheap: u64, want: u32) -> World {
    let ids: Vec<u64> = (1..=servers).collect();
    let machines: Vec<(u64, i64)> = ids.iter().map(|id| (*id, if *id <= cheap { 900 } else { 20_000 })).collect();
    let mut wanted = target("t", &ids);
    wanted.want = want;
    World::new(strategy(vec![wanted]), &machines)
}

/// The longest time without such a request since the first so many seconds.
fn longest_gap(world: &World, after: i64, is: impl Fn(&Request) -> bool) -> i64 {
    let from = common::START + Span::from_secs(after);
    let of = world.log.iter().filter(|s| is(&s.ask.request) && s.sent >= from).map(|s| s.sent);
    let times: Vec<_> = std::iter::once(from).chain(of).chain([world.now]).collect();
    times.windows(2).map(|w| w[1].since(w[0]).ms()).max().unwrap_or(i64::MAX)
}

#[test]
fn every_account_read_has_a_deadline_however_many_servers_are_wanted() {
    for servers in [20, 55, 60, 120] {
        let mut world = world(servers, 1, u32::try_from(servers).expect("a small number"));
        world.until(600, "held", |w| w.holds(1));
        world.run(3_600);
        let gap = |is: fn(&Request) -> bool| longest_gap(&world, 600, is) / 1000;
        let orders = gap(|r| *r == Request::MyOrders);
        assert!(orders <= 100, "my_orders not for {orders} s with {servers} servers");
        let wallets = gap(|r| *r == Request::Wallets);
        assert!(wallets <= 400, "wallets not for {wallets} s with {servers} servers");
        let listing = gap(|r| *r == Request::Marketplace);
        assert!(listing <= 720, "marketplace not for {listing} s with {servers} servers");
    }
}

#[test]
fn a_held_server_is_looked_at_every_three_seconds_however_many_are_wanted() {
    for servers in [20, 60, 120] {
        let mut world = world(servers, 1, u32::try_from(servers).expect("a small number"));
        world.until(600, "held", |w| w.holds(1));
        world.run(3_600);
        let held = longest_gap(&world, 600, |r| *r == Request::SpotMarket { server: ServerId(1) });
        assert!(held <= 4_000, "the held one not for {held} ms with {servers} servers");
    }
}

#[test]
fn the_marketplace_is_read_while_something_waits_for_it_however_many_are_held() {
    // One more is wanted than there are, and somebody rents it on demand: the marketplace alone tells when it is free.
    let mut world = world(45, 45, 45);
    world.change(|venue| venue.machine(45).rented = true);
    world.until(900, "the others held", |w| w.venue.held().len() == 44);
    world.run(3_600);
    let listing = longest_gap(&world, 1_000, |r| *r == Request::Marketplace) / 1000;
    assert!(listing <= 180, "marketplace not for {listing} s");
}

#[test]
fn sixty_free_and_cheap_servers_are_placed_within_six_seconds_each() {
    let mut world = world(60, 60, 60);
    world.until(360 + 30, "all are placed", |w| w.creates().len() == 60);
    world.assert_clean();
}

#[test]
fn sixty_held_servers_are_each_read_in_turn_and_none_is_lost_unseen() {
    let mut world = world(60, 60, 60);
    world.until(600, "all are held", |w| w.venue.held().len() == 60);
    world.run(1_800);
    for id in 1..=60 {
        let gap = longest_gap(&world, 700, |r| *r == Request::SpotMarket { server: ServerId(id) });
        assert!(gap <= 90_000, "server {id} not for {gap} ms");
    }
    let orders = longest_gap(&world, 700, |r| *r == Request::MyOrders);
    assert!(orders <= 100_000, "my_orders not for {orders} ms");
    world.rival(60, 1_000);
    world.until(120, "won back", |w| w.bid(60) == Some(1_001));
    assert_eq!(world.bid(1), Some(900));
}

#[test]
fn two_targets_that_match_the_same_servers_both_get_what_they_want() {
    let mut targets = vec![matching("three", "GPU"), matching("four", "GPU")];
    (targets[0].want, targets[1].want) = (3, 4);
    let machines: Vec<(u64, i64)> = (1..=8).map(|id| (id, 900)).collect();
    let mut world = World::new(strategy(targets), &machines);
    world.change(|v| v.machines.values_mut().for_each(|machine| machine.gpu = "1x GPU".into()));
    world.until(240, "seven are held", |w| w.venue.held().len() == 7);
    world.run(300);
    assert_eq!(world.venue.held().len(), 7);
    world.assert_clean();
}

#[test]
fn a_server_that_is_rented_away_is_left_for_a_spare_one_though_many_are_held() {
    let ids: Vec<u64> = (1..=50).collect();
    let mut wanted = target("t", &ids);
    wanted.policy = Adaptive.into();
    wanted.want = 35;
    let mut plan = strategy(vec![wanted]);
    plan.limits.max_bid = price(1_807);
    let floor = |id: &u64| 600 + i64::try_from(id * 37 % 50).expect("small") * 18;
    let mut world = World::new(plan, &ids.iter().map(|id| (*id, floor(id))).collect::<Vec<_>>());
    world.until(1_800, "all held", |w| w.venue.held().len() == 35);
    // Long enough for every spare one to have been read, and not in the last two minutes.
    world.run(1_200);
    world.restart();
    world.run(4_900);
    let rented = world.venue.held().into_iter().next_back().expect("one");
    world.change(|v| v.machine(rented).rented = true);
    world.until(400, "another one in its place", |w| w.venue.held().len() == 35);
    world.assert_clean();
}
