//! A server that is worth its on-demand price is worth what that is at the time: to the oracle, to the simpler bidders and
//! to a run alike.

use std::fmt::Write as _;

use clorebid::backtest::{Recorded, Rivals, VenueRules, bounds, run};
use clorebid::clock::rfc3339;
use clorebid::core::money::{Amount, Price};
use clorebid::core::time::{Span, Time};
use clorebid::oracle::{
    Cost, Fixed, Problem, ProblemError, Rules, Terms, Valuation, Value, best_fixed_cost, follow_cost, on_demand_cost,
    replay_plans, solve,
};
use clorebid::tape::{Reader, Series, SeriesOptions};
use rust_decimal::Decimal;

use crate::brute;
use crate::support::{Dice, Size, moving_market, track};

#[test]
fn a_search_over_all_moves_finds_nothing_better_where_the_worth_moves() {
    let mut dice = Dice::new(31);
    let sizes = [
        (3000, Size { servers: 1, ticks: 9, top: 5, window: 3 }),
        (1000, Size { servers: 2, ticks: 7, top: 4, window: 2 }),
    ];
    let mut held = 0;
    for (markets, size) in sizes {
        for _ in 0..markets {
            let market = moving_market(&mut dice, size, 1);
            let (problem, least) = (market.problem(), brute::least_cost(&market));
            let solution = solve(&problem, true);
            assert_eq!((solution.lower, solution.upper), (least, least), "{market:?}");
            let plans = solution.plans.expect("plans were asked for");
            held += u32::from(!plans.is_empty());
            assert_eq!(replay_plans(&problem, &plans), Ok(least), "{problem:?} {plans:?}");
            assert!(least <= best_fixed_cost(&problem).cost && least <= follow_cost(&problem), "{problem:?}");
        }
    }
    assert!(held > 1000, "only {held} of them held anything");
}

#[test]
fn two_wanted_servers_lie_within_the_bracket_where_the_worth_moves() {
    let mut dice = Dice::new(32);
    let mut closed = 0;
    for _ in 0..1500 {
        let market = moving_market(&mut dice, Size { servers: 2, ticks: 7, top: 4, window: 2 }, 2);
        let problem = market.problem();
        let (solution, least) = (solve(&problem, true), brute::least_cost(&market));
        assert!(solution.lower <= least && least <= solution.upper, "{problem:?} {solution:?} {least}");
        assert!(solution.upper <= on_demand_cost(&problem), "{problem:?}");
        closed += u32::from(solution.lower == solution.upper);
        let plans = solution.plans.expect("plans were asked for");
        assert_eq!(replay_plans(&problem, &plans), Ok(solution.upper), "{problem:?} {plans:?}");
    }
    assert!(closed > 750, "the bracket is to be tight where nothing is difficult, but was so only {closed} times");
}

#[test]
fn simpler_bidders_count_the_worth_of_each_tick() {
    let rules = Rules { step: 2, window: 3, level_cost: 1, restart_cost: 4, per_tick: 20 };
    let worth = |per_tick, restart_cost| Valuation { per_tick, restart_cost };
    let problem = |levels: &[i64], valuations: &[(u32, Valuation)]| {
        let levels: Vec<Option<i64>> = levels.iter().map(|level| Some(*level)).collect();
        let ticks = u32::try_from(levels.len()).expect("few ticks");
        Problem::with_valuations(vec![track(&levels)], ticks, rules, valuations, 1).expect("a sound market")
    };
    let falls = problem(&[3, 3, 3, 3, 9, 3], &[(0, worth(20, 4)), (2, worth(6, 1))]);
    assert_eq!(on_demand_cost(&falls), 2 * 20 + 4 * 6);
    // At 3 it holds five ticks, begun at 4 and at 1, and misses one that is worth 6.
    assert_eq!(best_fixed_cost(&falls), Fixed { level: Some(3), cost: 15 + 4 + 1 + 6 });
    // Late by a tick; what costs 9 is not worth having for 6, and was not seen in time; nor was that it fell again.
    assert_eq!(follow_cost(&falls), 20 + (4 + 3) + 3 + 3 + 6 + 6);
    // A worth that falls below the level is seen a tick late, too.
    let below = problem(&[5, 5, 5, 5], &[(0, worth(20, 4)), (2, worth(1, 0))]);
    assert_eq!(follow_cost(&below), 20 + (4 + 5) + 5 + 1);
}

fn at(seconds: i64) -> Time {
    Time::from_secs(seconds)
}

fn from_changes(to: i64, changes: &[(i64, Valuation)]) -> Result<Vec<(u32, Valuation)>, ProblemError> {
    let changes = changes.iter().map(|(seconds, worth)| (at(*seconds), *worth));
    Valuation::from_changes(at(0), at(to), Span::from_secs(60), FIRST, changes)
}

const FIRST: Valuation = Valuation { per_tick: 600, restart_cost: 50 };

#[test]
fn a_tick_costs_what_its_moments_do_and_a_begin_the_least_of_them() {
    let worth = |per_tick, restart_cost| Valuation { per_tick, restart_cost };
    let found = |to, changes: &[(i64, Valuation)]| from_changes(to, changes).expect("sound");
    assert_eq!(found(300, &[]), [(0, FIRST)]);
    // At the very begin of a tick somebody may still begin at the price before it.
    assert_eq!(found(300, &[(60, worth(900, 70))]), [(0, FIRST), (1, worth(900, 50)), (2, worth(900, 70))]);
    assert_eq!(found(300, &[(60, worth(300, 20))]), [(0, FIRST), (1, worth(300, 20))]);
    // A third of a tick at 900 and a peak within one; the half of a unit goes to the even side.
    assert_eq!(found(180, &[(80, worth(900, 70))]), [(0, FIRST), (1, worth(800, 50)), (2, worth(900, 70))]);
    assert_eq!(
        found(240, &[(70, worth(660, 70)), (80, worth(603, 40)), (120, worth(600, 50))]),
        [(0, FIRST), (1, worth(612, 40)), (2, worth(600, 40)), (3, FIRST)]
    );
    assert_eq!(found(60, &[(30, worth(601, 50))]), [(0, worth(600, 50))]);
    assert_eq!(found(60, &[(30, worth(603, 50))]), [(0, worth(602, 50))]);
    // What changes before the start is over by then, and after the end it never comes.
    assert_eq!(found(90, &[(-9, worth(1, 1)), (-3, FIRST), (61, worth(2, 2))]), [(0, worth(600, 1))]);
    assert_eq!(from_changes(300, &[(9, FIRST), (8, FIRST)]), Err(ProblemError::Unsorted(1)));
}

#[test]
fn worths_that_make_no_sense_are_refused() {
    let rules = Rules { step: 1, window: 1, level_cost: 1, restart_cost: 1, per_tick: 1 };
    let error = |valuations: &[(u32, Valuation)]| {
        Problem::with_valuations(vec![], 9, rules, valuations, 1).expect_err("nonsense")
    };
    assert_eq!(error(&[]), ProblemError::Unsorted(0));
    assert_eq!(error(&[(1, FIRST)]), ProblemError::Unsorted(0));
    assert_eq!(error(&[(0, FIRST), (3, FIRST), (3, FIRST)]), ProblemError::Unsorted(2));
    assert_eq!(error(&[(0, FIRST), (3, Valuation { per_tick: -1, ..FIRST })]), ProblemError::Negative("a cost"));
    assert_eq!(error(&[(0, FIRST), (3, Valuation { restart_cost: -1, ..FIRST })]), ProblemError::Negative("a cost"));
    let huge = Valuation { per_tick: Cost::MAX / 9, restart_cost: 0 };
    assert_eq!(error(&[(0, FIRST), (3, huge)]), ProblemError::TooLarge("the cost of the whole time"));
}

fn price(text: &str) -> Price {
    Price::parse(text).expect("a price")
}

#[test]
fn every_worth_is_a_whole_number_of_one_unit() {
    let amount = |text| Amount::parse(text).expect("an amount");
    let terms = Terms {
        tick: Span::from_secs(60),
        price_tick: price("0.0024"),
        step: price("0.0096"),
        window: Span::from_secs(600),
        restart_cost: amount("0.01"),
        per_day: price("15.6"),
    };
    let value = |restart, day| Value { restart_cost: amount(restart), per_day: price(day) };
    let (units, rules, valuations) =
        terms.in_units_with(&[value("0.007", "15.6"), value("0.01", "3.1001")]).expect("sound");
    assert_eq!(valuations[0], Valuation { per_tick: rules.per_tick, restart_cost: rules.restart_cost * 7 / 10 });
    assert_eq!(units.amount(valuations[0].restart_cost), amount("0.007"));
    assert_eq!(units.amount(valuations[1].per_tick * 1440), amount("3.1001"));
    assert_eq!(valuations[1].restart_cost, rules.restart_cost);
}

const MINUTE: i64 = 60;

/// Two servers whose floors, rivals, renters and on-demand prices change at whole minutes.
fn tape(dice: &mut Dice) -> String {
    let mut lines = String::new();
    let mut now = 1_767_225_600;
    for step in 0..dice.roll(8, 40) {
        let server = if step < 4 { step % 2 + 1 } else { dice.roll(1, 2) };
        let (call, args, body) = if step < 2 || (step > 3 && dice.roll(0, 2) == 0) {
            let (price, rented) = (dice.roll(1, 90), dice.roll(0, 9) == 0);
            let row = format!(
                r#"{{"id":{server},"price":{{"on_demand":{{"USD-Blockchain":{price}e-1}},"spot":{{"USD-Blockchain":0.5}}}},"rented":{rented}}}"#
            );
            ("marketplace", "{}".to_owned(), format!(r#"{{"servers":[{row}],"my_servers":[],"code":0}}"#))
        } else {
            let (bid, floor) = (dice.roll(1, 60), dice.roll(3, 20));
            let offers = match dice.roll(0, 2) {
                0 => String::new(),
                _ => format!(r#"{{"offer_id":{},"bid":{bid}e-1,"active":true,"my":false}}"#, 70 + server),
            };
            let body = format!(
                r#"{{"market":{{"offers":[{offers}],"server":{{"min_pricing":{{"USD-Blockchain":{floor}e-1}},"mrl":2592000,"visibility":"public","online":true}}}},"exists":true,"code":0}}"#
            );
            ("spot_marketplace", format!(r#"{{"market":{server}}}"#), body)
        };
        let head = rfc3339(Time::from_secs(now));
        let _ = writeln!(lines, r#"{{"at":"{head}","call":"{call}","args":{args},"status":200,"body":{body}}}"#);
        // The first four make both servers known at once.
        now += if step < 3 { 0 } else { i64::from(dice.roll(0, 12)) * MINUTE };
    }
    lines
}

#[test]
fn no_run_costs_less_than_the_oracle_while_the_on_demand_price_moves() {
    let mut dice = Dice::new(33);
    let rules = VenueRules {
        tick: price("0.001"),
        step: price("0.3"),
        lower_every: Span::from_secs(600),
        creation_fee: Amount::ZERO,
        fee_percent: Decimal::ZERO,
    };
    let (mut moved, mut held) = (0, 0);
    for round in 0..150 {
        let text = tape(&mut dice);
        let reader = Reader::from_read("made-up", std::io::Cursor::new(text.clone().into_bytes())).expect("a tape");
        let options = SeriesOptions { servers: Vec::new(), gap: Some(Span::DAY) };
        let recorded = Recorded::new(Series::read(reader, &options).expect("a series"));
        let bid = [
            "policy = \"follow\"",
            "policy = \"fixed\"\nopen = \"2\"\nlost = \"wait\"",
            "policy = \"follow\"\nmargin = \"9%\"",
        ][round % 3];
        let servers = ["[1]", "[1, 2]"][round % 2];
        let file = format!(
            "name = \"made\"\ncurrency = \"USD-Blockchain\"\n[limits]\nmax_bid = \"8\"\n[venue]\ntick = \"0.001\"\n\
             step = \"0.3\"\nfee_percent = 0\n[[target]]\nname = \"t\"\nservers = {servers}\n[target.value]\n\
             per_day = \"on_demand\"\nrestart_cost = \"10m\"\n[target.bid]\n{bid}\n"
        );
        let strategy = clorebid::strategy::read(&file, "s.toml").expect("a strategy").strategy;
        let ran = run(&strategy, &recorded, &rules, Rivals::Static, true, &mut |_, _, _, _| {});
        let benchmark = bounds(&strategy, &recorded, &rules, Span::from_secs(MINUTE)).expect("a benchmark");
        for (what, cost) in [
            ("the run", ran.effective_cost),
            ("renting on demand", ran.on_demand_cost),
            ("the plan", benchmark.oracle_upper),
            ("a constant bid", benchmark.best_fixed_cost),
            ("following", benchmark.follow_cost),
        ] {
            assert!(
                benchmark.oracle_cost <= cost,
                "{what}: {cost}, the oracle {}\n{file}\n{text}",
                benchmark.oracle_cost
            );
        }
        assert_eq!(benchmark.on_demand_cost, ran.on_demand_cost, "{text}");
        let days = Decimal::from(ran.wanted_ms) / Decimal::from(Span::DAY.ms());
        let firsts = recorded.series().servers.values().filter_map(|s| s.listed.first());
        let constant = firsts.filter_map(|l| l.server.on_demand.get(strategy.currency)).min();
        moved += u32::from(
            constant.is_some_and(|p| (p.decimal() * days).round_dp(12) != ran.on_demand_cost.decimal().round_dp(12)),
        );
        held += u32::from(ran.held_ms > 0);
    }
    assert!(moved > 100 && held > 75, "the price moved in {moved} of 150, and {held} runs held something");
}
