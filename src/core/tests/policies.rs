//! What each policy bids, raises to and comes down to, and what each word of a bid's rules changes.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

mod common;

use clorebid_core::event::Reason;
use clorebid_core::ids::OrderId;
use clorebid_core::market::{BidIn, Offer};
use clorebid_core::money::{Currency, PerCurrency, Price};
use clorebid_core::policy::fixed::Fixed;
use clorebid_core::policy::ladder::Ladder;
use clorebid_core::request::Answer;
use clorebid_core::strategy::{Lost, Margin, Open, Target};
use clorebid_core::time::Span;
use common::{World, price, strategy, target};
use rust_decimal::Decimal;

/// One server with that floor, a rival (0: none), and those rules.
fn world(floor: i64, rival: i64, rules: impl FnOnce(&mut Target)) -> World {
    let mut wanted = target("t", &[6]);
    rules(&mut wanted);
    let mut world = World::new(strategy(vec![wanted]), &[(6, floor)]);
    world.rival(6, rival);
    world
}

fn first_bid(floor: i64, rival: i64, rules: impl FnOnce(&mut Target)) -> Option<i64> {
    let mut world = world(floor, rival, rules);
    world.run(30);
    world.creates().first().map(|(_, bid)| *bid)
}

fn raises(world: &World) -> Vec<i64> {
    let applied = world.reprices().into_iter().filter(|(_, _, a)| *a == Answer::Applied);
    applied.map(|(_, to, _)| to).collect()
}

#[test]
fn follow_opens_where_it_is_told() {
    let five = Margin::Percent(Decimal::new(5, 0));
    let open = |open, margin| {
        move |t: &mut Target| {
            t.bid.open = open;
            t.bid.margin = margin;
        }
    };
    assert_eq!(first_bid(900, 0, open(Open::Floor, five)), Some(900), "nobody to beat: no margin");
    assert_eq!(first_bid(900, 1_000, open(Open::Floor, five)), Some(1_052), "1001 and 5 %, up to a tick");
    assert_eq!(first_bid(900, 0, open(Open::Rival, five)), Some(945));
    assert_eq!(first_bid(900, 800, open(Open::Rival, Margin::Price(price(7)))), Some(907));
    assert_eq!(first_bid(900, 0, open(Open::Price(price(1_200)), five)), Some(1_200));
    assert_eq!(first_bid(900, 1_500, open(Open::Price(price(1_200)), five)), Some(1_501));
    assert_eq!(first_bid(900, 10_000, open(Open::Floor, five)), None, "above max_bid");
    assert_eq!(first_bid(900, 9_990, open(Open::Floor, five)), Some(10_000), "as much margin as max_bid leaves");
}

#[test]
fn follow_raises_over_a_rival_and_over_a_risen_floor() {
    let mut world = world(900, 0, |t| t.bid.margin = Margin::Price(price(5)));
    world.until(60, "held", |w| w.holds(6));
    world.rival(6, 1_000);
    world.until(10, "raised", |w| w.bid(6) == Some(1_006) && w.holds(6));
    world.change(|v| v.machine(6).floor = 1_300);
    world.until(10, "raised", |w| w.bid(6) == Some(1_305) && w.holds(6));
    let last = world.log.iter().rfind(|s| s.ask.request.is_command()).expect("a raise");
    assert!(matches!(last.ask.reason, Reason::Outbid { least_winning, .. } if least_winning == price(1_300)));
}

#[test]
fn a_tie_is_kept_by_the_holder_and_lost_by_the_newcomer() {
    let mut world = world(900, 0, |_| {});
    world.until(60, "held", |w| w.holds(6));
    world.rival(6, 900);
    world.run(60);
    assert!(world.holds(6) && raises(&world).is_empty(), "the rival came later");
    world.change(|v| v.machine(6).online = false);
    world.change(|v| v.machine(6).online = true);
    world.until(20, "won back by one tick", |w| w.holds(6) && w.bid(6) == Some(901));
    assert_eq!(first_bid(900, 900, |_| {}), Some(901));
}

#[test]
fn a_loss_must_last_as_long_as_raise_wait_says() {
    let mut world = world(900, 0, |t| t.bid.raise_wait = Span::from_secs(60));
    world.until(60, "held", |w| w.holds(6));
    world.rival(6, 1_000);
    world.run(50);
    assert!(raises(&world).is_empty());
    world.rival(6, 0);
    world.run(20);
    world.rival(6, 1_000);
    world.run(50);
    assert!(raises(&world).is_empty(), "a new loss, a new wait");
    world.run(20);
    assert_eq!(raises(&world), vec![1_001]);
}

#[test]
fn above_give_up_nothing_is_raised_until_the_rival_comes_down() {
    let mut world = world(900, 0, |t| t.bid.give_up = Some(price(1_000)));
    world.until(60, "held", |w| w.holds(6));
    world.rival(6, 1_000);
    world.run(60);
    assert!(raises(&world).is_empty() && world.cancels() == 0);
    assert_eq!(world.denials().last().map(|d| d.1.code()), Some("not_worth_it"));
    world.rival(6, 999);
    world.until(10, "held at the most", |w| w.holds(6) && w.bid(6) == Some(1_000));
}

#[test]
fn lost_raise_stays_lost_move_goes_and_lost_wait_waits() {
    for (lost, holds) in [(Lost::Raise, Some(6)), (Lost::Move, Some(7)), (Lost::Wait, None)] {
        let mut wanted = target("t", &[6, 7]);
        wanted.bid.lost = lost;
        let mut world = World::new(strategy(vec![wanted]), &[(6, 900), (7, 950)]);
        world.until(60, "held", |w| w.holds(6));
        world.rival(6, 1_000);
        world.run(120);
        assert_eq!(world.venue.held().first().copied(), holds, "{lost:?}");
        world.rival(6, 0);
        world.run(60);
        assert_eq!(world.venue.held().first().copied(), holds.or(Some(6)), "{lost:?}");
        world.assert_clean();
    }
}

#[test]
fn lost_move_raises_where_nothing_is_cheaper() {
    let mut wanted = target("t", &[6, 7]);
    wanted.bid.lost = Lost::Move;
    let mut world = World::new(strategy(vec![wanted]), &[(6, 900), (7, 2_000)]);
    world.until(60, "held", |w| w.holds(6));
    world.rival(6, 1_000);
    world.until(30, "raised", |w| w.holds(6) && w.bid(6) == Some(1_001));
    assert_eq!(world.cancels(), 0);
}

#[test]
fn fixed_keeps_one_price_whatever_happens() {
    let mut world = world(900, 0, |t| {
        t.policy = Fixed.into();
        t.bid.open = Open::Price(price(1_200));
    });
    world.until(60, "held", |w| w.holds(6));
    world.run(1_300);
    world.rival(6, 1_300);
    world.run(300);
    assert!(!world.holds(6));
    world.rival(6, 0);
    world.until(10, "held again", |w| w.holds(6));
    assert!(world.reprices().is_empty() && world.cancels() == 0);
    assert_eq!(world.creates(), vec![(6, 1_200)]);
    let below = |t: &mut Target| {
        t.policy = Fixed.into();
        t.bid.open = Open::Price(price(800));
    };
    assert_eq!(first_bid(900, 0, below), None, "the venue would refuse it");
}

#[test]
fn ladder_walks_down_until_it_loses_then_one_rung_up_and_stays() {
    let mut world = world(500, 780, |t| {
        t.bid.open = Open::Price(price(1_000));
        t.policy = Ladder { rung: Some(price(100)), stay: Span::from_secs(3_600) }.into();
    });
    world.until(60, "held", |w| w.holds(6));
    world.run(1_900);
    assert_eq!(raises(&world), vec![900, 800, 700, 800], "\n{}", world.tail(20));
    assert!(world.holds(6));
    world.run(2_700);
    assert_eq!(raises(&world).len(), 4, "it stays");
    world.run(300);
    assert_eq!(raises(&world).get(4), Some(&700), "and tries again");
}

#[test]
fn a_ladder_that_lost_its_order_stays_on_the_rung_above() {
    let mut world = world(500, 780, |t| {
        t.bid.open = Open::Price(price(900));
        t.policy = Ladder { rung: Some(price(100)), stay: Span::from_secs(3_600) }.into();
    });
    world.venue.eviction = common::venue::Eviction::Vanish;
    world.until(1_500, "lost at 700, anew at 800", |w| w.creates().len() == 2);
    assert_eq!(world.creates().last(), Some(&(6, 800)));
    world.run(3_000);
    assert_eq!((world.bid(6), world.creates().len()), (Some(800), 2), "\n{}", world.tail(20));
    assert!(world.holds(6));
}

#[test]
fn a_rival_in_dollars_is_beaten_at_the_venues_rate() {
    let mut world = World::new(strategy(vec![target("t", &[6])]), &[(6, 900)]);
    world.until(60, "held", |w| w.holds(6));
    world.lie(u32::MAX, |answer| {
        let Answer::Market(market) = answer else { return false };
        market.usd_rates =
            PerCurrency::none().with(Currency::Bitcoin, Decimal::from(50_000)).with(Currency::Usd, Decimal::ONE);
        let bid = Price::parse("0.55").expect("0.000011 bitcoin");
        market.offers.iter_mut().for_each(|offer| offer.active = false);
        market.offers.push(Offer {
            id: OrderId(77),
            bid,
            active: true,
            mine: false,
            currency: BidIn::Coin(Currency::Usd),
        });
        true
    });
    world.until(30, "won back", |w| w.bid(6) == Some(1_101));
    assert_eq!(world.reprices().len(), 1, "{}", world.tail(20));
}
