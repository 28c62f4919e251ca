//! The oracle's bracket and the other rulers for a whole tape, beside reading that tape.

mod common;

use std::hint::black_box;

use clorebid::backtest::{Recorded, bounds};
use clorebid::core::time::Span;
use clorebid::tape::{Reader, Series, SeriesOptions};
use common::{follow, in_turns, print, rules, tape, time};

fn main() {
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
        let ours = || _ = black_box(bounds(&strategy, &recorded, &rules(), Span::from_secs(60)).expect("a ruler"));
        let what = format!("oracle on {name}, {what}");
        print(&what, minutes, "ticks", "reading the tape", in_turns(3, || time(|| drop(read())), || time(ours)));
    }
}
