//! One target: the optimum is the optimum. Several: it lies between the bounds. Plans obey the rules at that cost.

use clorebid::oracle::{
    Action, Breach, Cost, Move, Plan, Problem, Rules, Track, on_demand_cost, replay_plan, replay_plans, solve,
};

use crate::brute;
use crate::support::{Dice, Market, Size, levels, market, track};

/// Whether the best plan ever lowers, so that the tests can tell whether they try what is hard.
fn assert_exact(market: &Market) -> bool {
    let problem = &market.problem();
    let solution = solve(problem, true);
    assert_eq!(solution.lower, brute::least_cost(market), "{market:?}");
    assert_eq!(solution.lower, solution.upper);
    let plans = solution.plans.expect("plans were asked for");
    assert_eq!(replay_plans(problem, &plans), Ok(solution.upper), "{problem:?} {plans:?}");
    assert_eq!(solve(problem, false).lower, solution.lower);
    plans.iter().flat_map(|plan| &plan.moves).any(|made| matches!(made.action, Action::Lower { .. }))
}

#[test]
fn a_search_over_all_moves_finds_nothing_better_on_8000_markets_of_one_server() {
    let mut dice = Dice::new(1);
    let size = Size { servers: 1, ticks: 9, top: 5, window: 3 };
    let lowering = (0..8000).filter(|_| assert_exact(&market(&mut dice, size, 1))).count();
    assert!(lowering > 800, "only {lowering} of them lowered");
}

#[test]
fn a_search_over_all_moves_finds_nothing_better_on_2000_markets_of_two_servers() {
    let mut dice = Dice::new(2);
    let size = Size { servers: 2, ticks: 7, top: 4, window: 2 };
    let lowering = (0..2000).filter(|_| assert_exact(&market(&mut dice, size, 1))).count();
    assert!(lowering > 100, "only {lowering} of them lowered");
}

#[test]
fn two_wanted_servers_cost_no_less_and_no_more_than_the_bracket() {
    let mut dice = Dice::new(3);
    let mut closed = 0;
    for _ in 0..1000 {
        let market = market(&mut dice, Size { servers: 2, ticks: 7, top: 4, window: 2 }, 2);
        let problem = market.problem();
        let (solution, least) = (solve(&problem, true), brute::least_cost(&market));
        assert!(solution.lower <= least && least <= solution.upper, "{problem:?} {solution:?} {least}");
        closed += u32::from(solution.lower == solution.upper);
        let plans = solution.plans.expect("plans were asked for");
        assert_eq!(replay_plans(&problem, &plans), Ok(solution.upper), "{problem:?} {plans:?}");
    }
    assert!(closed > 500, "the bracket is to be tight where nothing is difficult, but was so only {closed} times");
}

/// The recurrence written down plainly, over all levels and waits, for markets too large for trying everything.
fn by_recurrence(problem: &Problem) -> Cost {
    let rules = problem.rules();
    let all = problem.servers().iter().flat_map(|track| track.runs().iter().filter_map(|(_, level)| *level));
    let top = usize::try_from(all.max().unwrap_or(0)).expect("a small level");
    let window = usize::try_from(rules.window).expect("a small window");
    let step = usize::try_from(rules.step).expect("a small step");
    let price = |level: usize| Cost::try_from(level).expect("a small level") * rules.level_cost;
    let mut out_after: Cost = 0;
    let mut after = vec![vec![vec![0; window]; top + 1]; problem.servers().len()];
    for tick in (0..problem.ticks()).rev() {
        let mut out = rules.per_tick + out_after;
        let now: Vec<Option<usize>> =
            problem.servers().iter().map(|t| t.level_at(tick).map(|l| usize::try_from(l).expect("small"))).collect();
        for (value, level) in after.iter().zip(&now) {
            out = level.map_or(out, |r| out.min(rules.restart_cost + price(r) + value[r][0]));
        }
        for (value, level) in after.iter_mut().zip(&now) {
            let next = value.clone();
            for (bid, wait) in (0..=top).flat_map(|bid| (0..window).map(move |wait| (bid, wait))) {
                let Some(r) = *level else {
                    value[bid][wait] = out;
                    continue;
                };
                let stands = bid.max(r);
                let mut least = out.min(price(stands) + next[stands][wait.saturating_sub(1)]);
                if wait == 0 && bid > r {
                    let to = bid.saturating_sub(step).max(r);
                    least = least.min(price(to) + next[to][window - 1]);
                }
                value[bid][wait] = least;
            }
        }
        out_after = out;
    }
    out_after
}

#[test]
fn the_plain_recurrence_agrees_on_longer_markets() {
    let mut dice = Dice::new(4);
    for _ in 0..150 {
        let problem = market(&mut dice, Size { servers: 3, ticks: 120, top: 30, window: 6 }, 1).problem();
        let solution = solve(&problem, true);
        assert_eq!(solution.upper, by_recurrence(&problem), "{problem:?}");
        let plans = solution.plans.expect("plans were asked for");
        assert_eq!(replay_plans(&problem, &plans), Ok(solution.upper), "{problem:?}");
    }
}

#[test]
fn a_long_market_keeps_a_sound_plan_after_forgetting_what_led_nowhere() {
    let mut dice = Dice::new(8);
    let ticks = 40_000;
    let tracks = (0..3).map(|_| track(&levels(&mut dice, ticks, 60))).collect();
    let rules = Rules { step: 3, window: 10, level_cost: 1, restart_cost: 90, per_tick: 80 };
    let problem = Problem::new(tracks, ticks, rules, 1).expect("a sound market");
    let solution = solve(&problem, true);
    let plans = solution.plans.expect("plans were asked for");
    assert!(plans[0].moves.len() > 5000, "{} moves", plans[0].moves.len());
    assert_eq!(replay_plans(&problem, &plans), Ok(solution.upper));
}

#[test]
fn three_targets_are_bracketed_and_served_by_plans_that_share_nothing() {
    let mut dice = Dice::new(5);
    for _ in 0..150 {
        let problem = market(&mut dice, Size { servers: 5, ticks: 60, top: 20, window: 4 }, 3).problem();
        let solution = solve(&problem, true);
        assert!(solution.lower <= solution.upper && solution.upper <= on_demand_cost(&problem), "{problem:?}");
        let plans = solution.plans.expect("plans were asked for");
        assert_eq!(replay_plans(&problem, &plans), Ok(solution.upper), "{problem:?}");
    }
}

#[test]
fn without_the_step_rule_the_bracket_closes_where_servers_are_alike() {
    let mut dice = Dice::new(6);
    for _ in 0..200 {
        let one = levels(&mut dice, 40, 12);
        let rules = Rules { step: 12, window: 1, level_cost: 1, restart_cost: 5, per_tick: 10 };
        let problem = Problem::new(vec![track(&one); 2], 40, rules, 2).expect("a sound market");
        let solution = solve(&problem, false);
        assert_eq!(solution.lower, solution.upper, "{problem:?}");
    }
}

fn cost_with(problem: &Problem, rules: Rules) -> Cost {
    let problem = Problem::new(problem.servers().to_vec(), problem.ticks(), rules, problem.want());
    solve(&problem.expect("a sound market"), false).upper
}

#[test]
fn kinder_rules_never_cost_more() {
    let mut dice = Dice::new(7);
    for _ in 0..500 {
        let problem = market(&mut dice, Size { servers: 2, ticks: 60, top: 15, window: 5 }, 1).problem();
        let rules = *problem.rules();
        let cost = solve(&problem, false).upper;
        assert!(cost_with(&problem, Rules { step: rules.step + 1, ..rules }) <= cost);
        assert!(cost_with(&problem, Rules { window: rules.window + 1, ..rules }) >= cost);
        assert!(cost_with(&problem, Rules { restart_cost: rules.restart_cost + 1, ..rules }) >= cost);
        assert!(cost_with(&problem, Rules { per_tick: rules.per_tick + 1, ..rules }) >= cost);
        let doubled = Rules {
            level_cost: rules.level_cost * 2,
            restart_cost: rules.restart_cost * 2,
            per_tick: rules.per_tick * 2,
            ..rules
        };
        assert_eq!(cost_with(&problem, doubled), cost * 2);
        let fewer = Problem::new(problem.servers()[..1].to_vec(), problem.ticks(), rules, 1).expect("a sound market");
        assert!(solve(&fewer, false).upper >= cost);
    }
}

#[test]
fn a_plan_that_breaks_a_rule_is_refused() {
    let rules = Rules { step: 2, window: 3, level_cost: 1, restart_cost: 1, per_tick: 50 };
    let levels = [5, 1, 1, 1, 4, 1, 1].map(Some);
    let problem = Problem::new(vec![track(&levels), Track::default()], 7, rules, 1).expect("a sound market");
    let at = |tick, action| Move { tick, server: 0, action };
    let place = at(0, Action::Place { bid: 5 });
    let breach = |moves: &[Move]| replay_plan(&problem, &Plan { moves: moves.to_vec() }).map_err(|e| e.breach);
    assert_eq!(breach(&[place]), Ok(1 + 7 * 5));
    assert_eq!(breach(&[place, at(1, Action::Lower { to: 3 }), at(4, Action::Raise { to: 4 })]), Ok(1 + 5 + 9 + 12));
    assert_eq!(breach(&[at(0, Action::Place { bid: 4 })]), Err(Breach::Losing));
    assert_eq!(breach(&[place, at(1, Action::Lower { to: 2 })]), Err(Breach::Step));
    assert_eq!(breach(&[place, at(1, Action::Lower { to: 4 }), at(3, Action::Lower { to: 3 })]), Err(Breach::Window));
    assert_eq!(breach(&[place, at(1, Action::Lower { to: 6 })]), Err(Breach::WrongWay));
    assert_eq!(breach(&[place, at(1, Action::Raise { to: 5 })]), Err(Breach::WrongWay));
    assert_eq!(breach(&[place, place]), Err(Breach::NotHeld));
    assert_eq!(breach(&[at(0, Action::Leave)]), Err(Breach::NotHeld));
    assert_eq!(breach(&[place, at(1, Action::Leave), at(0, Action::Leave)]), Err(Breach::OutOfOrder));
    assert_eq!(breach(&[place, at(7, Action::Leave)]), Err(Breach::OutOfOrder));
    assert_eq!(breach(&[Move { server: 2, ..place }]), Err(Breach::UnknownServer));
    assert_eq!(breach(&[Move { server: 1, ..place }]), Err(Breach::Losing));
    let twice = [Plan { moves: vec![place] }, Plan { moves: vec![place] }];
    assert_eq!(replay_plans(&problem, &twice).map_err(|e| e.breach), Err(Breach::Taken));
}

#[test]
fn nothing_wanted_and_nothing_there_cost_what_they_must() {
    let rules = Rules { step: 2, window: 3, level_cost: 1, restart_cost: 1, per_tick: 50 };
    let cost = |servers: Vec<Track>, ticks, want| {
        let solution = solve(&Problem::new(servers, ticks, rules, want).expect("a sound market"), true);
        (solution.lower, solution.upper)
    };
    assert_eq!(cost(vec![], 10, 0), (0, 0));
    assert_eq!(cost(vec![track(&[Some(1)])], 10, 0), (0, 0));
    assert_eq!(cost(vec![], 10, 3), (1500, 1500));
    assert_eq!(cost(vec![track(&[Some(1)])], 0, 2), (0, 0));
    assert_eq!(cost(vec![track(&[Some(1)])], 10, 3), (11 + 1000, 11 + 1000));
}
