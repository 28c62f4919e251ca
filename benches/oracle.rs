//! The oracle's bracket and the other benchmarks for a whole tape, beside reading that tape; and what a record costs among
//! many servers, beside what it costs among three.
//!
//! Tapes of many servers last 89 days, or as long as `CLOREBID_BENCH_DAYS` says.

mod common;

use std::hint::black_box;

use clorebid::backtest::{Recorded, bounds};
use clorebid::core::time::Span;
use clorebid::tape::{Reader, Series, SeriesOptions};
use common::{cloned, days, follow, follow_with, in_turns, print, print_growth, rules, server_list, tape, time};

fn main() {
    on_three_servers();
    on_many_servers();
}

fn on_three_servers() {
    let (name, path, _folder) = tape();
    let options = SeriesOptions { servers: Vec::new(), gap: Some(Span::from_secs(3600)) };
    let read = || Recorded::new(Series::read(Reader::open(&[&path]).expect("a tape"), &options).expect("a series"));
    let recorded = read();
    let (from, to) = recorded.span();
    let minutes = to.since(from).ms().unsigned_abs() / 60_000;
    for (what, servers, want) in [
        ("one server", "[101]", 1),
        ("one of three servers", "[101, 102, 103]", 1),
        ("three of three servers", "[101, 102, 103]", 3),
    ] {
        let strategy = follow(servers, want);
        let ours = || _ = black_box(bounds(&strategy, &recorded, &rules(), Span::from_secs(60)).expect("a benchmark"));
        let what = format!("oracle on {name}, {what}");
        print(&what, minutes, "ticks", "reading the tape", in_turns(3, || time(|| drop(read())), || time(ours)));
    }
}

/// The tape of three zones cloned to more servers, of which one, half and all are wanted.
fn on_many_servers() {
    let days = days();
    let bracket = |recorded: &Recorded, servers: u64, want: u64| {
        let strategy = follow_with(&server_list(servers), want.try_into().expect("few servers"), "5%");
        _ = black_box(bounds(&strategy, recorded, &rules(), Span::from_secs(60)).expect("a bracket"));
    };
    let (three, of_three) = cloned(3, days);
    for servers in [3, 10, 30] {
        let (many, of_many) = cloned(servers, days);
        for share in [|_| 1, |servers| servers.div_ceil(2), |servers| servers] as [fn(u64) -> u64; 3] {
            let of = |recorded: &Recorded, servers| time(|| bracket(recorded, servers, share(servers)));
            let [few, ours] = in_turns(3, || of(&three, 3), || of(&many, servers));
            let what = format!("oracle over {days} days, {} of {servers} servers wanted", share(servers));
            print_growth(&what, "record", [(few, of_three), (ours, of_many)]);
        }
    }
}
