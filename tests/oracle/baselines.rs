//! The simpler bidders, on markets small enough to reckon by hand or to search.

use clorebid::oracle::{Cost, Fixed, Problem, Rules, best_fixed_cost, follow_cost, on_demand_cost, solve};

use crate::support::{Dice, Size, market, track};

const RULES: Rules = Rules { step: 2, window: 3, level_cost: 1, restart_cost: 4, per_tick: 20 };

fn problem(levels: &[&[i64]], want: u32) -> Problem {
    let tracks = levels.iter().map(|levels| track(&levels.iter().map(|l| Some(*l)).collect::<Vec<_>>())).collect();
    let ticks = u32::try_from(levels[0].len()).expect("few ticks");
    Problem::new(tracks, ticks, RULES, want).expect("a sound market")
}

#[test]
fn a_constant_bid_is_the_cheapest_of_all_levels() {
    // At 3 it holds six of eight ticks in two holdings: 18 + 8 + 40. At 9: 72 + 4. At 5: 35 + 8 + 20.
    let one = problem(&[&[3, 3, 5, 9, 3, 3, 3, 3]], 1);
    assert_eq!(best_fixed_cost(&one), Fixed { level: Some(5), cost: 35 + 8 + 20 });
    // The second server bridges the gap, so at 3 nothing is lost but two more restarts.
    let two = problem(&[&[3, 3, 5, 9, 3, 3, 3, 3], &[9, 9, 2, 2, 9, 9, 9, 9]], 1);
    assert_eq!(best_fixed_cost(&two), Fixed { level: Some(3), cost: 24 + 12 });
    assert_eq!(best_fixed_cost(&problem(&[&[20, 25]], 1)), Fixed { level: None, cost: 40 });
    // Of two that overlap, it takes what lasts longest.
    let lasting = problem(&[&[3, 3, 9, 9], &[3, 3, 3, 3]], 1);
    assert_eq!(best_fixed_cost(&lasting), Fixed { level: Some(3), cost: 12 + 4 });
    let both = problem(&[&[3, 3, 9, 9], &[3, 3, 3, 3]], 2);
    assert_eq!(best_fixed_cost(&both), Fixed { level: Some(3), cost: 18 + 8 + 40 });
}

/// The best constant bid on one server, tick by tick.
fn fixed_by_search(problem: &Problem) -> Cost {
    let rules = problem.rules();
    let at = |bid: i64| {
        let wins: Vec<bool> =
            (0..problem.ticks()).map(|t| problem.servers()[0].level_at(t).is_some_and(|l| l <= bid)).collect();
        let begins = wins.iter().enumerate().filter(|(t, win)| **win && (*t == 0 || !wins[t - 1])).count();
        let ticks = wins.iter().map(|win| if *win { Cost::from(bid) * rules.level_cost } else { rules.per_tick });
        ticks.sum::<Cost>() + Cost::try_from(begins).expect("few") * rules.restart_cost
    };
    (-1..40).map(at).min().expect("some bid")
}

#[test]
fn no_constant_bid_is_better_and_the_oracle_is_never_worse_than_any_baseline() {
    let mut dice = Dice::new(21);
    for round in 0..1500 {
        let want = 1 + round % 3;
        let problem = market(&mut dice, Size { servers: 1 + round % 4, ticks: 50, top: 15, window: 5 }, want).problem();
        let fixed = best_fixed_cost(&problem).cost;
        if problem.servers().len() == 1 && want == 1 {
            assert_eq!(fixed, fixed_by_search(&problem), "{problem:?}");
        }
        let lower = solve(&problem, false).lower;
        assert!(lower <= fixed && fixed <= on_demand_cost(&problem), "{problem:?}");
        assert!(lower <= follow_cost(&problem), "{problem:?}");
    }
}

#[test]
fn a_follower_is_one_tick_late_and_steps_down_by_the_rules() {
    // It sees nothing at first, opens at 3, loses to 8 for a tick, is back a tick later, and steps down 8, 6, 6, 6, 4.
    let one = problem(&[&[3, 3, 8, 8, 2, 2, 2, 2, 2]], 1);
    assert_eq!(follow_cost(&one), 20 + (4 + 3) + 20 + (4 + 8) + 8 + 6 + 6 + 6 + 4);
    // What is dearer than an unheld tick is cancelled, and placed anew a tick after it became cheap.
    for dear in [24, 99] {
        let spike = problem(&[&[3, 3, dear, dear, 3, 3]], 1);
        assert_eq!(follow_cost(&spike), 20 + (4 + 3) + 20 + 20 + 20 + (4 + 3));
    }
    let elsewhere = problem(&[&[3, 3, 24, 24, 24, 24], &[7, 7, 7, 7, 7, 7]], 1);
    assert_eq!(follow_cost(&elsewhere), 20 + (4 + 3) + 20 + (4 + 7) + 7 + 7);
    // Two targets keep to servers of their own.
    let two = problem(&[&[3, 3, 3], &[5, 5, 5]], 2);
    assert_eq!(follow_cost(&two), 40 + (4 + 3) + (4 + 5) + 3 + 5);
    let short = problem(&[&[3, 3, 3]], 2);
    assert_eq!(follow_cost(&short), 20 + (4 + 3) + 3 + 60);
}
