//! From a packed tape to a result, beside reading the same tape and looking at nothing; and what a record costs among
//! many servers, beside what it costs among three.
//!
//! Tapes of many servers last 89 days, or as long as `CLOREBID_BENCH_DAYS` says.

mod common;

use clorebid::backtest::{Recorded, Rivals, run};
use clorebid::core::time::Span;
use clorebid::tape::{Reader, Series, SeriesOptions};
use common::{cloned, days, follow, follow_with, in_turns, print, print_growth, rules, server_list, tape, time};
use std::hint::black_box;

fn main() {
    on_three_servers();
    on_many_servers();
}

fn on_three_servers() {
    let (name, path, _folder) = tape();
    let open = || Reader::open(&[&path]).expect("a tape");
    let options = SeriesOptions { servers: Vec::new(), gap: Some(Span::from_secs(3600)) };
    // Unpacks every line and parses every answer into the same structs, and keeps none.
    let parse = || {
        let mut reader = open();
        while let Some(record) = reader.next().expect("a record") {
            if let clorebid::core::request::Request::SpotMarket { server: market } = record.request {
                let _parsed = black_box(clorebid::clore::spot_marketplace(market, record.body.as_bytes()));
            }
        }
    };
    let lines = || {
        let (mut reader, mut records) = (open(), 0);
        while reader.next().expect("a record").is_some() {
            records += 1;
        }
        records
    };
    let records: u64 = lines();
    for (what, servers, want) in [("one server", "[101]", 1), ("three servers", "[101, 102, 103]", 3)] {
        let strategy = follow(servers, want);
        let ours = || {
            let recorded = Recorded::new(Series::read(open(), &options).expect("a series"));
            black_box(run(&strategy, &recorded, &rules(), Rivals::Static, true, &mut |_, _, _, _| {}));
        };
        let what = format!("backtest of {name}, {what}");
        print(&what, records, "records", "unpack and parse all", in_turns(7, || time(parse), || time(ours)));
        print(
            &what,
            records,
            "records",
            "unpack and parse lines",
            in_turns(7, || time(|| _ = black_box(lines())), || time(ours)),
        );
    }
    let series = || drop(black_box(Series::read(open(), &options).expect("a series")));
    print("only the series", records, "records", "unpack and parse all", in_turns(7, || time(parse), || time(series)));
}

/// The tape of three zones cloned to more servers: what a record of it costs in a run, beside the three alone.
fn on_many_servers() {
    let days = days();
    let (three, of_three) = cloned(3, days);
    for servers in [3, 10, 30, 60] {
        let (many, of_many) = cloned(servers, days);
        for all in [false, true] {
            let want = |servers: u64| if all { servers.try_into().expect("few servers") } else { 1 };
            let strategy = |servers: u64| follow_with(&server_list(servers), want(servers), "5%");
            let backtest = |strategy: &_, recorded: &_| {
                black_box(run(strategy, recorded, &rules(), Rivals::Static, true, &mut |_, _, _, _| {}));
            };
            let (few, ours) = (strategy(3), strategy(servers));
            let [few, ours] = in_turns(3, || time(|| backtest(&few, &three)), || time(|| backtest(&ours, &many)));
            let what = format!("{days} days, {} of {servers} servers wanted", want(servers));
            print_growth(&what, "record", [(few, of_three), (ours, of_many)]);
        }
    }
}
