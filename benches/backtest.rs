//! From a packed tape to a result, beside reading the same tape and looking at nothing.

mod common;

use clorebid::backtest::{Recorded, Rivals, run};
use clorebid::core::time::Span;
use clorebid::tape::{Reader, Series, SeriesOptions};
use common::{follow, in_turns, print, rules, tape, time};
use std::hint::black_box;

fn main() {
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
