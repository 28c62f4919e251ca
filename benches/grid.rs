//! Points of a grid a second, on one thread and on two, over a tape that is read once.

#![allow(clippy::float_arithmetic, reason = "ratios are for people")]

mod common;

use std::cell::Cell;
use std::fs::read_to_string;
use std::hint::black_box;
use std::time::Duration;

use clorebid::backtest::{Axis, Benchmarks, Grid, Recorded, Rivals, in_order, run};
use clorebid::core::time::Span;
use clorebid::strategy;
use clorebid::tape::{Reader, Series, SeriesOptions};
use common::{in_turns, rules, tape, time};

const STRATEGY: &str = "name = \"bench\"\ncurrency = \"USD-Blockchain\"\n[limits]\nmax_bid = \"15.6\"\n[venue]\n\
                        tick = \"0.0024\"\n[[target]]\nname = \"t\"\nservers = [101]\n[target.value]\nper_day = \"15.6\"\n\
                        [target.bid]\npolicy = \"follow\"\n";
const AXES: [&str; 2] = ["target.bid.margin=0%..11%:1%", "target.bid.raise.wait=0s,60s"];

fn main() {
    let (name, path, _folder) = tape();
    let options = SeriesOptions { servers: Vec::new(), gap: Some(Span::DAY) };
    let recorded = Recorded::new(Series::read(Reader::open(&[&path]).expect("a tape"), &options).expect("a series"));
    let axes: Vec<Axis> = AXES.iter().map(|axis| axis.parse().expect("an axis")).collect();
    let grid = Grid::new(STRATEGY, axes).expect("a grid");
    let rules = rules();
    let work = |threads: usize| {
        let benchmarks = Benchmarks::new(&recorded, Span::from_secs(60));
        let one = |number: usize| {
            let point = grid.point(number).expect("a point");
            let strategy = strategy::read(&point.text, "bench.toml").expect("a strategy").strategy;
            let benchmark = benchmarks.of(&strategy, &rules);
            let ran = run(&strategy, &recorded, &rules, Rivals::Static, true, &mut |_, _, _, _| {});
            Ok::<_, ()>((ran, benchmark.bounds().expect("a benchmark")))
        };
        let seen = |point| {
            black_box(point);
            Ok(())
        };
        in_order(threads, grid.count(), one, seen).expect("no errors");
        assert_eq!(benchmarks.computed(), 1, "all points have one benchmark");
    };
    let busy = Cell::new((Duration::ZERO, Duration::ZERO));
    let two_at_once = || {
        let before = cpu_time();
        let took = time(|| work(2));
        let (cpu, wall) = busy.get();
        busy.set((cpu + cpu_time().saturating_sub(before), wall + took));
        took
    };
    let [one, two] = in_turns(5, || time(|| work(1)), two_at_once).map(|took| took.as_secs_f64());
    let points = grid.count() as f64;
    let (cpu, wall) = busy.get();
    let share = 50.0 * cpu.as_secs_f64() / wall.as_secs_f64();
    println!(
        "grid of {points} points on {name}: one job: {:.1} points/s; two jobs: {:.1} points/s, {:.2}x as many, \
         with {share:.0} % of two cores",
        points / one,
        points / two,
        one / two
    );
}

/// What this process has had of all cores so far; nothing where the system does not tell.
fn cpu_time() -> Duration {
    let stat = read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name in brackets, which may hold anything, fields 14 and 15 are user and system time in hundredths.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().skip(11).take(2);
    Duration::from_millis(fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10)
}
