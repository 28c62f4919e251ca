//! The real market of `aws-g2-2015`, where `CLOREBID_TAPES` says it is: shares of always renting on demand that other
//! programs found too. It stays outside this repository.

use std::io::Read;

use clorebid::core::money::{Amount, Price};
use clorebid::core::time::{Span, Time};
use clorebid::oracle::{
    Cost, Problem, Rules, Terms, Track, Units, best_fixed_cost, follow_cost, on_demand_cost, replay_plans, solve,
    ticks_between,
};
use serde_json::Value;

use crate::left_out::recording;

fn price(text: &str) -> Price {
    Price::parse(text).expect("a price")
}

/// When and at which least winning price a server changed.
type Changes = Vec<(Time, Option<Price>)>;

/// The changes of the three servers.
fn changes() -> Option<[Changes; 3]> {
    let file = std::fs::File::open(recording("aws-g2-2015/tape.jsonl.zst")?).expect("the tape");
    let mut text = String::new();
    zstd::Decoder::new(file).expect("zstd").read_to_string(&mut text).expect("text");
    let mut found = [const { Vec::new() }; 3];
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).expect("JSON");
        if record["call"] != "spot_marketplace" {
            continue;
        }
        let at = record["at"].as_str().and_then(|at| chrono::DateTime::parse_from_rfc3339(at).ok()).expect("a time");
        let market = &record["body"]["market"];
        let rival = price(&market["offers"][0]["bid"].to_string()).plus(price("0.0024"));
        let floor = price(&market["server"]["min_pricing"]["USD-Blockchain"].to_string());
        let server = record["args"]["market"].as_u64().and_then(|id| id.checked_sub(101)).expect("101 to 103");
        let server = usize::try_from(server).expect("101 to 103");
        found[server].push((Time::from_ms(at.timestamp_millis()), Some(rival.max(floor))));
    }
    Some(found)
}

struct Market {
    tracks: [Track; 3],
    ticks: u32,
    rules: Rules,
    units: Units,
}

fn market() -> Option<Market> {
    let changes = changes()?;
    let from = changes[0][0].0;
    let to = changes.iter().filter_map(|c| c.last()).map(|(at, _)| *at).max().expect("an end");
    let (tick, price_tick) = (Span::from_secs(60), price("0.0024"));
    let terms = Terms {
        tick,
        price_tick,
        step: price("0.0096"),
        window: Span::from_secs(600),
        restart_cost: Amount::parse("0.012866666666666667").expect("an amount"),
        per_day: price("15.6"),
    };
    let (units, rules) = terms.in_units().expect("sound terms");
    let tracks = changes.map(|c| Track::from_changes(from, to, tick, c, price_tick).expect("a track"));
    Some(Market { tracks, ticks: ticks_between(from, to, tick).expect("a span"), rules, units })
}

impl Market {
    fn problem(&self, servers: &[usize], rules: Rules, want: u32) -> Problem {
        let tracks = servers.iter().map(|s| self.tracks[*s].clone()).collect();
        Problem::new(tracks, self.ticks, rules, want).expect("a sound market")
    }
}

/// A share of always renting on demand, in thousandths of a percent.
fn share(problem: &Problem, cost: Cost) -> i128 {
    cost * 100_000 / on_demand_cost(problem)
}

fn assert_close(what: &str, found: i128, expected: i128, within: i128) {
    println!("{what}: {found} thousandths of a percent");
    assert!((found - expected).abs() <= within, "{what}: {found}, not {expected}");
}

#[test]
fn the_optimum_of_a_real_market_is_what_other_programs_found() {
    let Some(market) = market() else { return };
    assert_eq!(market.ticks, 128_160);
    let free = Rules { restart_cost: 0, ..market.rules };
    let cases: [(&[usize], i128, i128); 4] =
        [(&[0], 11_906, 11_560), (&[1], 12_900, 12_530), (&[2], 13_690, 13_240), (&[0, 1, 2], 10_600, 10_290)];
    for (servers, optimum, relaxed) in cases {
        let problem = market.problem(servers, market.rules, 1);
        let solution = solve(&problem, true);
        assert_eq!(solution.lower, solution.upper);
        assert_close(&format!("optimum of {servers:?}"), share(&problem, solution.upper), optimum, 10);
        let plans = solution.plans.expect("plans were asked for");
        assert_eq!(replay_plans(&problem, &plans), Ok(solution.upper));
        let relaxed_problem = market.problem(servers, free, 1);
        let found = share(&relaxed_problem, solve(&relaxed_problem, false).upper);
        assert_close(&format!("without rules {servers:?}"), found, relaxed, 10);
        println!("{} moves, {} USD", plans[0].moves.len(), market.units.amount(solution.upper));
    }
}

#[test]
fn several_targets_of_a_real_market_are_bracketed_closely() {
    let Some(market) = market() else { return };
    for want in [2, 3] {
        let problem = market.problem(&[0, 1, 2], market.rules, want);
        let solution = solve(&problem, true);
        let (lower, upper) = (share(&problem, solution.lower), share(&problem, solution.upper));
        println!("{want} of three: between {lower} and {upper} thousandths of a percent");
        assert!(solution.lower <= solution.upper && upper - lower < 1000);
        assert_eq!(replay_plans(&problem, &solution.plans.expect("plans were asked for")), Ok(solution.upper));
    }
}

#[test]
fn simpler_bidders_on_a_real_market_pay_what_other_programs_found() {
    let Some(market) = market() else { return };
    for (server, follow) in [(0, 21_500), (1, 26_300), (2, 23_200)] {
        let problem = market.problem(&[server], market.rules, 1);
        assert_close(&format!("following on {server}"), share(&problem, follow_cost(&problem)), follow, 100);
        let fixed = best_fixed_cost(&problem);
        println!("best constant bid on {server}: {:?}, {}", fixed.level, share(&problem, fixed.cost));
        assert!(solve(&problem, false).upper <= fixed.cost);
    }
}
