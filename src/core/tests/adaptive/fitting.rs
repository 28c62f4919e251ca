//! Moves, the price list made from them, and money in ticks.

use clorebid_core::money::{Amount, Price};
use clorebid_core::policy::adaptive::fit::Fit;
use clorebid_core::policy::adaptive::moves::{MOST_MOVES, Move, Moves};
use clorebid_core::policy::adaptive::terms::{self, Terms, Worth};
use clorebid_core::time::{Span, Time};
use proptest::prelude::*;

use crate::{HOUR, at, terms};

fn fit(moves: Vec<Move>, least: u64, terms: Terms) -> Fit {
    Fit::new(&Moves::from(moves), least, at(0), terms, at(0))
}

fn levels(fit: &Fit) -> Vec<(u64, u64)> {
    fit.levels().collect()
}

fn step(from: u64, to: u64, age_ms: i64, dwell_ms: i64) -> Move {
    Move { at: at(-age_ms), from, dwell: Span::from_ms(dwell_ms), to }
}

#[test]
fn the_oldest_move_falls_out_of_a_full_ring() {
    let mut moves = Moves::default();
    assert!(moves.is_empty());
    (0..300).for_each(|n| moves.push(step(n, n + 1, 0, 0)));
    assert_eq!(moves.len(), MOST_MOVES);
    assert_eq!(moves.iter().map(|made| made.from).collect::<Vec<_>>(), (44..300).collect::<Vec<_>>());
    let many = Moves::from((0..300).map(|n| step(n, n + 1, 0, 0)).collect::<Vec<_>>());
    assert_eq!(many, moves, "more than fit are cut the same way");
}

#[test]
fn of_an_unknown_server_one_small_and_a_tenth_of_a_large_jump_an_hour_are_assumed() {
    // A restart costs 10 ticks, and 1.1 are expected each hour: 264 ticks a day, a little less by rounding.
    let found = fit(vec![], 1_000, terms(10, 5_000));
    assert_eq!(levels(&found), [(1_000, 263_999), (1_010, 23_999), (1_200, 0)]);
    assert_eq!((found.star(), found.star_cost()), (1_010, 1_033_999));
    let costs = [1_000, 1_009, 1_010, 1_199, 1_200, 5_000].map(|bid| found.cost_of(bid));
    assert_eq!(costs, [1_263_999, 1_272_999, 1_033_999, 1_222_999, 1_200_000, 5_000_000]);
    let restarts = [1_000, 1_009, 1_010, 1_200].map(|bid| found.restarts_at(bid));
    assert_eq!(restarts, [26_399, 26_399, 2_399, 0], "thousandths a day");
    assert_eq!((found.at(), found.until()), (at(0), at(HOUR / 2)));
    assert_eq!(fit(vec![], 1_000, Terms { kappa: 0, ceiling: 5_000 }).restarts_at(1_000), 0);
}

/// The risk left above 1,200 where 1,000 would win: that of the one move given. 1,000 stands for a whole jump.
fn weight(from: u64, to: u64, age_ms: i64) -> u64 {
    let found = fit(vec![step(from, to, age_ms, 0)], 1_000, Terms { kappa: 3_600_000, ceiling: 5_000 });
    assert_eq!(levels(&found).last(), Some(&(1_500, 0)), "in proportion");
    levels(&found)[2].1
}

#[test]
fn a_move_counts_by_how_recent_it_is() {
    assert_eq!(weight(1_000, 1_500, 0), 1_000);
    assert_eq!(weight(1_000, 1_500, 999), 1_000, "whole seconds");
    assert_eq!(weight(1_000, 1_500, 8 * HOUR), 500);
    assert_eq!(weight(1_000, 1_500, 16 * HOUR), 333);
    assert_eq!(weight(1_000, 1_500, 72 * HOUR), 99, "a tenth, rounded down on the way");
    assert_eq!(weight(1_000, 1_500, -HOUR), 1_000, "one of the future is one of now");
}

#[test]
fn a_move_counts_by_how_near_it_began() {
    assert_eq!(weight(990, 1_485, 0), 500, "half at one part in a hundred");
    assert_eq!(weight(1_010, 1_515, 0), 500, "on either side");
    assert_eq!(weight(1_020, 1_530, 0), 199, "a fifth at two, rounded down on the way");
    assert_eq!(weight(990, 1_485, 8 * HOUR), 250);
}

#[test]
fn a_move_is_a_ratio_and_rounded_up() {
    let bids = |from, to, least| levels(&fit(vec![step(from, to, 0, 0)], least, terms(10, 5_000)))[1..].to_vec();
    assert!(bids(100, 110, 200).iter().any(|level| level.0 == 220));
    assert!(bids(999, 1_332, 1_000).iter().any(|level| level.0 == 1_334), "1,333.3");
    assert_eq!(bids(1_000, 900, 1_000).len(), 2, "one down is no jump past any bid");
    assert_eq!(bids(1_000, 1_000_000, 1), [(2, 0)], "one from so far away that it counts nothing");
    let same = fit(vec![step(1_000, 1_010, 0, 0), step(1_000, 1_010, 0, 0)], 1_000, terms(10, 5_000));
    assert_eq!(levels(&same), [(1_000, 743_999), (1_010, 23_999), (1_200, 0)], "jumps to one price are one level");
}

#[test]
fn time_watched_near_this_price_thins_the_risk_out() {
    let risk = |moves, since| levels(&Fit::new(&Moves::from(moves), 1_000, at(since), terms(10, 5_000), at(0)))[0].1;
    assert_eq!(risk(vec![], 0), 263_999, "the one hour that is assumed");
    assert_eq!(risk(vec![step(1_000, 900, 0, HOUR)], 0), 131_999);
    assert_eq!(risk(vec![step(990, 900, 0, HOUR)], 0), 175_999, "half of it counts");
    assert_eq!(risk(vec![], -HOUR), 131_999, "the stay that is not over counts too");
    assert_eq!(risk(vec![], -2_400 * HOUR), 10_559, "but no more than a day of it");
    assert_eq!(risk(vec![], HOUR), 263_999, "one that begins later counts nothing");
}

#[test]
fn the_star_is_no_higher_than_the_ceiling_and_a_quarter_above_the_least_winning_bid() {
    let star = |ceiling| fit(vec![], 1_000, terms(10, ceiling)).star();
    assert_eq!([5_000, 1_010, 1_009, 1_000, 900, 0].map(star), [1_010, 1_010, 1_000, 1_000, 1_000, 1_000]);
    // A restart so dear that the bid should be out of reach.
    let star = |to| fit(vec![step(1_000, to, 0, 0)], 1_000, terms(10_000, 5_000)).star();
    assert_eq!([1_249, 1_250, 1_251, 1_400].map(star), [1_249, 1_250, 1_200, 1_200]);
}

#[test]
fn of_two_bids_that_cost_the_same_the_star_is_the_lower() {
    let found = fit(vec![], 1_000, Terms { kappa: 36_000_000, ceiling: 5_000 });
    assert_eq!(levels(&found), [(1_000, 10_999), (1_010, 999), (1_200, 0)]);
    assert_eq!((found.cost_of(1_000), found.cost_of(1_010), found.star()), (1_010_999, 1_010_999, 1_000));
    assert_eq!(fit(vec![], 1_000, Terms { kappa: 36_100_000, ceiling: 5_000 }).star(), 1_010);
}

#[test]
fn a_price_of_nothing_has_no_ratio_and_no_risk() {
    let found = fit(vec![step(0, 50, 0, 0)], 0, terms(10, 5_000));
    assert_eq!(levels(&found), [(0, 239_999 + 1), (50, 0)]);
    assert_eq!(levels(&fit(vec![], 0, terms(10, 5_000))), [(0, 0)]);
    assert_eq!(levels(&fit(vec![step(0, 50, 0, 0)], 1_000, terms(10, 5_000))).len(), 3);
}

#[test]
fn walking_down_costs_what_its_steps_cost() {
    let found = fit(vec![], 1_000, terms(10, 5_000));
    let walk = |bid, wait, step| found.walk(bid, Span::from_ms(wait), step);
    assert_eq!([walk(1_010, 5, Some(1)), walk(900, 5, Some(1))], [0, 0], "there already");
    assert_eq!(walk(1_030, 7, Some(10)), 20_000 * 7 + 10_000 * 600_000);
    assert_eq!(walk(1_030, 0, Some(15)), 5_000 * 600_000);
    assert_eq!(walk(1_030, 7, None), 20_000 * 7, "no step known: one lowering");
    assert_eq!(walk(1_030, 7, Some(0)), 20_000 * 7);
    assert_eq!(walk(1_201, 0, Some(1)), (166_001 + (1..=189).sum::<i128>() * 1_000) * 600_000);
}

proptest! {
    #[test]
    fn a_walk_is_the_sum_of_its_steps(
        moves in prop::collection::vec((900..1_100_u64, 900..2_000_u64, 0..HOUR), 0..20),
        restart in 0..300_u64, ceiling in 900..1_500_u64,
        bid in 900..3_000_u64, wait in 0..600_000_i64, by in 1..200_u64,
    ) {
        let moves = moves.into_iter().map(|(from, to, dwell)| step(from, to, 0, dwell)).collect();
        let found = fit(moves, 1_000, terms(restart, ceiling));
        let (mut sum, mut at, mut time) = (0, bid, i128::from(wait));
        while at > found.star() {
            sum += (found.cost_of(at) - found.star_cost()).max(0) * time;
            at = found.star().max(at.saturating_sub(by));
            time = 600_000;
        }
        prop_assert_eq!(found.walk(bid, Span::from_ms(wait), Some(by)), sum);
    }

    #[test]
    fn extreme_numbers_neither_panic_nor_make_nonsense(
        moves in prop::collection::vec((any::<i64>(), any::<u64>(), any::<i64>(), any::<u64>()), 0..20),
        least in prop_oneof![any::<u64>(), (u64::MAX - 9)..=u64::MAX, 0..3_u64],
        kappa in any::<u64>(), ceiling in any::<u64>(), since in any::<i64>(), now in any::<i64>(),
        bid in any::<u64>(), by in any::<Option<u64>>(),
    ) {
        let made = |(at, from, dwell, to)| Move { at: Time::from_ms(at), from, dwell: Span::from_ms(dwell), to };
        let moves = Moves::from(moves.into_iter().map(made).collect::<Vec<_>>());
        let found = Fit::new(&moves, least, Time::from_ms(since), Terms { kappa, ceiling }, Time::from_ms(now));
        prop_assert!(found.star() >= least);
        let levels: Vec<_> = found.levels().collect();
        prop_assert!(levels.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 >= pair[1].1));
        prop_assert_eq!(levels[0].0, least);
        prop_assert!(found.walk(bid, Span::from_ms(now), by) >= 0);
        prop_assert!(found.cost_of(bid) >= i128::from(bid) * 1_000);
        found.restarts_at(bid);
    }
}

#[test]
fn money_becomes_ticks() {
    let worth = |restart: &str, fee: i64| Worth {
        restart: Amount::parse(restart).unwrap(),
        per_day: Price::parse("1.2").unwrap(),
        most: Price::parse("1.10009").unwrap(),
        fee_percent: fee.into(),
        tick: Price::parse("0.0001").unwrap(),
    };
    // 5,000 ticks for each restart, and three seconds of 12,000 a day.
    assert_eq!(Terms::of(&worth("0.5", 0)), Terms { kappa: 5_000 * 86_400_000 + 12_000 * 3_000, ceiling: 11_000 });
    // A fee of a fifth leaves five sixths of everything, and nothing is lost by dividing.
    assert_eq!(Terms::of(&worth("0.5", 20)), Terms { kappa: 360_000_000_000 + 10_000 * 3_000, ceiling: 10_000 });
    assert_eq!(Terms::of(&worth("0", 0)).kappa, 36_000_000, "never nothing, else it would bid anew for ever");
    assert_eq!(Terms::of(&worth("9999999999999999999999999999", 0)).kappa, u64::MAX);
    let tick = Price::parse("0.0001").unwrap();
    assert_eq!(terms::ticks(Price::parse("1.10009").unwrap(), tick), 11_000);
    assert_eq!(terms::price(11_000, tick), Price::parse("1.1").unwrap());
    assert_eq!((terms::ticks(Price::ZERO, Price::ZERO), terms::ticks(tick, Price::ZERO)), (0, u64::MAX));
}
