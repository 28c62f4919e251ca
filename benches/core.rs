//! Core steps a second: a backtest that takes every read through the core one by one.

mod common;

use std::io::Cursor;

use clorebid::backtest::{Recorded, Rivals, run};
use clorebid::core::time::Span;
use clorebid::tape::{Reader, Series, SeriesOptions};
use common::{follow, made_up_tape, median, rules, tape, time};

/// Runs over each tape; their median counts.
const ROUNDS: usize = 7;

fn main() {
    let busy = Reader::from_read("made-up", Cursor::new(made_up_tape(5).into_bytes())).expect("a tape");
    steps_over("a tape that never rests", busy);
    let (name, path, _folder) = tape();
    steps_over(&name, Reader::open(&[path]).expect("a tape"));
}

fn steps_over(tape: &str, reader: Reader) {
    let options = SeriesOptions { servers: Vec::new(), gap: Some(Span::DAY) };
    let recorded = Recorded::new(Series::read(reader, &options).expect("a series"));
    for (what, servers, want) in [("one server", "[101]", 1), ("three servers", "[101, 102, 103]", 3)] {
        let strategy = follow(servers, want);
        let mut steps = 0;
        let round = || {
            time(|| {
                steps = run(&strategy, &recorded, &rules(), Rivals::Static, false, &mut |_, _, _, _| {}).counts.steps
            })
        };
        let took = median(std::iter::repeat_with(round).take(ROUNDS).collect());
        let nanos = took.as_nanos() / u128::from(steps.max(1));
        let rate = 1_000_000_000 / nanos.max(1);
        println!("core, {tape}, {what}: {steps} steps in {took:.2?}, {nanos} ns each, about {rate} a second");
    }
}
