//! Every wall, from both sides: what it lets through and what it stops, and with which words.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

mod common;

use clorebid_core::limits::Denial;
use clorebid_core::strategy::{Limits, Margin};
use common::{World, price, strategy, sum, target};
use rust_decimal::Decimal;

/// Two servers wanted at floors of 900 and 1,000, under those limits.
fn walled(change: impl FnOnce(&mut Limits)) -> World {
    let mut wanted = target("t", &[1, 2]);
    wanted.want = 2;
    let mut plan = strategy(vec![wanted]);
    change(&mut plan.limits);
    World::new(plan, &[(1, 900), (2, 1_000)])
}

fn last_denial(world: &World) -> Denial {
    world.denials().last().expect("a denial").1
}

#[test]
fn max_daily_cost_counts_everything_that_stands() {
    let mut world = walled(|l| l.max_daily_cost = Some(sum(1_900)));
    world.run(120);
    assert_eq!(world.venue.held(), vec![1, 2], "the limit itself may be spent");
    let mut world = walled(|l| l.max_daily_cost = Some(sum(1_899)));
    world.run(120);
    assert_eq!(world.venue.held(), vec![1]);
    assert_eq!(last_denial(&world), Denial::MaxDailyCost { cost: sum(1_900), max: sum(1_899) });
    assert_eq!(world.denials().len(), 1, "told once");
    world.assert_clean();
}

#[test]
fn max_daily_cost_counts_the_users_own_orders_and_the_fee() {
    let mut world = walled(|l| l.max_daily_cost = Some(sum(2_000)));
    world.venue.listing_delay_ms = (0, 0);
    world.venue.machines.insert(9, common::venue::Machine::new(100));
    world.change(|v| {
        v.user_orders(9, 150);
    });
    world.run(120);
    assert_eq!(world.venue.held(), vec![9, 1], "150 + 900 + 1000 is too much");

    let mut plan = strategy(vec![target("t", &[1])]);
    plan.limits.max_daily_cost = Some(sum(900));
    plan.venue.fee_percent = Decimal::new(125, 2);
    let mut world = World::new(plan, &[(1, 900)]);
    world.run(60);
    assert!(world.creates().is_empty(), "900 and 1.25 % is more than 900");
}

#[test]
fn a_margin_is_no_reason_to_go_without() {
    let mut wanted = target("t", &[1]);
    wanted.bid.margin = Margin::Percent(Decimal::TEN);
    wanted.bid.open = clorebid_core::strategy::Open::Rival;
    let mut plan = strategy(vec![wanted]);
    plan.limits.max_daily_cost = Some(sum(1_000));
    let mut world = World::new(plan, &[(1, 950)]);
    world.run(60);
    assert_eq!((world.bid(1), world.holds(1)), (Some(950), true));
    world.rival(1, 999);
    world.run(60);
    assert_eq!((world.bid(1), world.holds(1)), (Some(1_000), true), "the last tick that the limit allows");
}

#[test]
fn max_total_cost_stops_in_time_and_is_never_passed() {
    // 900 + 1000 a day is 1.32 ticks a minute.
    let mut world = walled(|l| l.max_total_cost = Some(sum(20)));
    world.run(60);
    assert_eq!(world.venue.held().len(), 2);
    world.run(3_600);
    assert!(world.venue.held().is_empty());
    let spent: i128 = world.venue.orders.values().map(|o| o.spend).sum();
    assert!((12 * 86_400_000..=20 * 86_400_000).contains(&spent), "{spent}");
    assert_eq!(last_denial(&world).code(), "max_total_cost");
    // One of the two may still fit into what is left; it is not begun again and again.
    assert!(world.creates().len() <= 3, "{}", world.tail(20));
}

#[test]
fn below_min_balance_nothing_is_placed_and_what_stands_may_stay() {
    let mut world = walled(|l| l.min_balance = Some(sum(5_000)));
    world.venue.balance = 5_000;
    world.run(60);
    assert_eq!(world.venue.held().len(), 2);
    world.venue.balance = 4_999;
    world.run(400);
    assert_eq!(world.venue.held().len(), 2);
    let mut world = walled(|l| l.min_balance = Some(sum(5_000)));
    world.venue.balance = 4_999;
    world.run(60);
    assert!(world.creates().is_empty());
    assert_eq!(last_denial(&world), Denial::MinBalance { balance: sum(4_999), min: sum(5_000) });
    world.venue.balance = 5_000;
    world.until(310, "placed once there is money", |w| w.venue.held().len() == 2);
}

#[test]
fn a_balance_that_is_not_told_is_not_enough() {
    let mut world = walled(|l| l.min_balance = Some(sum(1)));
    world.venue.balance = -1;
    world.run(60);
    assert!(world.creates().is_empty());
    assert_eq!(last_denial(&world), Denial::BalanceUnknown);
}

#[test]
fn max_orders_counts_what_stands_and_what_may_stand() {
    let mut world = walled(|l| l.max_orders = Some(1));
    world.run(120);
    assert_eq!(world.venue.held(), vec![1]);
    assert_eq!(last_denial(&world), Denial::MaxOrders { max: 1 });

    let mut world = walled(|l| l.max_orders = Some(1));
    world.force(common::venue::Kind::Create, common::venue::Fault::LostBefore);
    world.run(110);
    assert_eq!(world.creates().len(), 1, "one that may stand counts");
}

#[test]
fn moving_needs_no_room_for_a_second_order() {
    let mut wanted = target("t", &[1, 2]);
    wanted.bid.lost = clorebid_core::strategy::Lost::Move;
    let mut plan = strategy(vec![wanted]);
    (plan.limits.max_orders, plan.limits.max_daily_cost) = (Some(1), Some(sum(1_500)));
    let mut world = World::new(plan, &[(1, 900), (2, 1_000)]);
    world.until(60, "held", |w| w.holds(1));
    world.rival(1, 1_200);
    world.until(60, "moved", |w| w.holds(2));
    world.assert_clean();
}

#[test]
fn what_is_not_worth_its_price_is_not_bid_for() {
    let mut wanted = target("t", &[1]);
    wanted.value.per_day = clorebid_core::strategy::PerDay::Price(price(899));
    let mut world = World::new(strategy(vec![wanted]), &[(1, 900)]);
    world.run(60);
    assert_eq!(last_denial(&world), Denial::NotWorthIt { least_winning: price(900), ceiling: price(899) });
    assert!(world.creates().is_empty());
    world.change(|v| v.machine(1).floor = 899);
    world.until(30, "held once it is worth it", |w| w.holds(1));
    assert_eq!(world.status(1).expect("the server").denial, None, "the denial is not on show any more");
}

#[test]
fn a_lowering_needs_no_limit() {
    let mut plan = strategy(vec![target("t", &[1])]);
    plan.limits.min_balance = Some(sum(100));
    let mut world = World::new(plan, &[(1, 500)]);
    world.rival(1, 999);
    world.until(60, "held", |w| w.holds(1));
    world.venue.balance = 0;
    world.run(310);
    world.rival(1, 0);
    world.until(60, "lowered", |w| w.bid(1) == Some(900));
}

#[test]
fn every_denial_has_its_code_and_its_words() {
    let all = [
        (Denial::MaxBid { bid: price(2), max: price(1) }, "max_bid", "0.00000002 is above max_bid 0.00000001"),
        (
            Denial::MaxDailyCost { cost: sum(2), max: sum(1) },
            "max_daily_cost",
            "0.00000002 a day is above max_daily_cost 0.00000001",
        ),
        (
            Denial::MaxTotalCost { cost: sum(2), max: sum(1) },
            "max_total_cost",
            "0.00000002 spent is above max_total_cost 0.00000001",
        ),
        (
            Denial::MinBalance { balance: sum(1), min: sum(2) },
            "min_balance",
            "balance 0.00000001 is below min_balance 0.00000002",
        ),
        (Denial::BalanceUnknown, "balance_unknown", "the wallet's balance is not known"),
        (Denial::MaxOrders { max: 3 }, "max_orders", "max_orders 3 is reached"),
        (
            Denial::NotWorthIt { least_winning: price(2), ceiling: price(1) },
            "not_worth_it",
            "the least winning bid 0.00000002 is above 0.00000001, the most worth bidding",
        ),
        (Denial::ObserveOnly, "observe_only", "the run only observes"),
    ];
    for (denial, code, words) in all {
        assert_eq!((denial.code(), denial.to_string().as_str()), (code, words));
    }
}
