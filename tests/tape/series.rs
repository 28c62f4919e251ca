//! A series keeps what changed and nothing else, and never what we did ourselves.

use std::io::{Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clorebid::core::ids::ServerId;
use clorebid::core::money::{Currency, Price};
use clorebid::core::time::{Span, Time};
use clorebid::tape::{Gap, Reader, Series, SeriesOptions, State, Survey};

use crate::support::{START, line, offer, spot};

fn series(tape: &str, options: &SeriesOptions) -> Series {
    let reader = Reader::from_read("t", Cursor::new(tape.to_owned().into_bytes())).unwrap();
    Series::read(reader, options).unwrap()
}

fn at(seconds: i64) -> Time {
    Time::from_ms(START + seconds * 1000)
}

#[test]
fn only_states_that_differ_from_the_one_before_are_kept() {
    let rival = offer(1, "0.5", false);
    let tape = spot(0, 6, "1", &rival)
        + &spot(10, 6, "1", &rival)
        + &spot(20, 6, "1", &rival.replace("0.5", "0.50"))
        + &spot(30, 6, "1", &format!("{rival},{}", offer(2, "9", true)))
        + &spot(40, 6, "2", &rival)
        + &spot(50, 6, "1", &rival);
    let series = series(&tape, &SeriesOptions::default());
    let server = &series.servers[&ServerId(6)];
    let kept: Vec<Time> = server.changes.iter().map(|c| c.at).collect();
    assert_eq!(kept, [at(0), at(40), at(50)]);
    assert_eq!((server.records, server.seen), (6, Some((at(0), at(50)))));
    let floor = |seconds| server.market_at(at(seconds)).map(|c| c.floors.get(Currency::Bitcoin).unwrap().to_string());
    assert_eq!(floor(-1), None);
    assert_eq!(floor(39).as_deref(), Some("1"));
    assert_eq!(floor(40).as_deref(), Some("2"));
    assert_eq!(floor(1000).as_deref(), Some("1"));
}

#[test]
fn our_own_recorded_offers_are_no_rivals() {
    let tape = spot(0, 6, "1", &format!("{},{}", offer(7, "5", true), offer(8, "4", false)));
    let series = series(&tape, &SeriesOptions::default());
    let rivals = &series.servers[&ServerId(6)].changes[0].rivals;
    assert_eq!(rivals.len(), 1);
    assert_eq!((rivals[0].id.0, rivals[0].bid), (8, Price::parse("4").unwrap()));
}

#[test]
fn an_answer_that_is_not_good_changes_nothing_and_is_counted() {
    let errors = [
        line(1, "spot_marketplace", "{\"market\":6}", 502, "\"<html>\""),
        line(2, "spot_marketplace", "{\"market\":6}", 200, "{\"code\":5}"),
        line(3, "spot_marketplace", "{\"market\":6}", 200, "null"),
        line(4, "marketplace", "{}", 200, "{\"code\":1,\"servers\":[]}"),
    ];
    let tape = spot(0, 6, "1", "") + &errors.concat() + &spot(5, 6, "1", "");
    let series = series(&tape, &SeriesOptions::default());
    assert_eq!((series.errors, series.records), (4, [5, 1, 0, 0]));
    assert_eq!(series.servers[&ServerId(6)].changes.len(), 1);
    assert_eq!(series.servers[&ServerId(6)].records, 2);
}

#[test]
fn a_listing_says_nothing_about_a_server_that_it_leaves_out() {
    let listing = |seconds, id, price| {
        let server = format!(
            r#"{{"id":{id},"price":{{"on_demand":{{"bitcoin":{price}}}}},"rented":false,"specs":{{"gpu":"1x A"}}}}"#
        );
        line(seconds, "marketplace", "{}", 200, &format!(r#"{{"servers":[{server}],"my_servers":[9],"code":0}}"#))
    };
    let tape = listing(0, 6, 1) + &listing(1, 17, 2) + &listing(2, 6, 1) + &listing(3, 6, 3);
    let series = series(&tape, &SeriesOptions::default());
    let server = &series.servers[&ServerId(6)];
    assert_eq!(server.listed.len(), 2);
    let price = |s| server.listed_at(at(s)).unwrap().on_demand.get(Currency::Bitcoin).unwrap().to_string();
    assert_eq!((price(1), price(2), price(3)), ("1".into(), "1".into(), "3".into()));
    assert_eq!(series.hosted, [ServerId(9)]);
}

#[test]
fn gaps_are_found_for_each_server_and_for_the_tape() {
    let tape = spot(0, 6, "1", "") + &spot(0, 17, "1", "") + &spot(600, 6, "1", "") + &spot(1300, 6, "1", "");
    let options = SeriesOptions { gap: Some(Span::from_secs(600)), ..SeriesOptions::default() };
    let series = series(&tape, &options);
    assert_eq!(series.servers[&ServerId(6)].gaps, [Gap { from: at(600), to: at(1300) }]);
    assert_eq!(series.servers[&ServerId(17)].gaps, [Gap { from: at(0), to: at(1300) }], "up to the tape's end");
    assert_eq!(series.gaps, [Gap { from: at(600), to: at(1300) }]);
    assert_eq!((series.from, series.to), (at(0), at(1300)));
}

#[test]
fn rates_that_drift_make_no_new_state_while_nobody_bids_in_another_coin() {
    let with_rate = |seconds, rate: u32, offers: &str| {
        spot(seconds, 6, "1", offers)
            .replace("\"server\":{", &format!("\"currency_rates_in_usd\":{{\"bitcoin\":{rate}}},\"server\":{{"))
    };
    let plain = offer(1, "0.5", false);
    let in_coin = plain.replace("\"my\"", "\"currency\":\"CLORE-Blockchain\",\"my\"");
    let tape: String = (0..10).map(|n| with_rate(n, 60_000 + u32::try_from(n).unwrap(), &plain)).collect();
    assert_eq!(series(&tape, &SeriesOptions::default()).servers[&ServerId(6)].changes.len(), 1);
    let tape: String = (0..10).map(|n| with_rate(n, 60_000 + u32::try_from(n).unwrap(), &in_coin)).collect();
    assert_eq!(series(&tape, &SeriesOptions::default()).servers[&ServerId(6)].changes.len(), 10);
}

#[test]
fn a_hundred_times_the_records_without_news_take_no_more_memory() {
    let tape = |records: i64| -> String {
        (0..records).map(|n| spot(n, 6, if n % records < records / 2 { "1" } else { "2" }, "")).collect()
    };
    let (short, long) = (tape(100), tape(10_000));
    let (short, long) = (series(&short, &SeriesOptions::default()), series(&long, &SeriesOptions::default()));
    assert_eq!(short.size(), long.size());
}

#[test]
fn servers_that_nobody_asked_for_are_left_out() {
    let tape = spot(0, 6, "1", "") + &spot(0, 17, "1", "");
    let options = SeriesOptions { servers: vec![ServerId(17)], ..SeriesOptions::default() };
    let series = series(&tape, &options);
    assert_eq!(series.servers.keys().copied().collect::<Vec<_>>(), [ServerId(17)]);
    assert_eq!((series.records[0], series.errors), (2, 0));
}

/// Counts what is read of it.
struct Counted(Cursor<Vec<u8>>, Arc<AtomicUsize>);

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.0.read(buffer)?;
        self.1.fetch_add(read, Ordering::Relaxed);
        Ok(read)
    }
}

#[test]
fn a_survey_hands_states_on_while_it_reads_and_counts_what_a_series_holds() {
    let changing = |n: i64| spot(n, 6, &n.to_string(), "") + &spot(n, 17, "1", &offer(1, "0.5", false));
    let tape: String = (1..6000).map(changing).collect();
    let (size, read) = (tape.len(), Arc::new(AtomicUsize::new(0)));
    let input = Counted(Cursor::new(tape.clone().into_bytes()), Arc::clone(&read));
    let mut told = Vec::new();
    let survey = Survey::read(Reader::from_read("t", input).unwrap(), &SeriesOptions::default(), |id, state| {
        if let State::Market(change) = state {
            told.push((id, change, read.load(Ordering::Relaxed)));
        }
    });
    let (survey, series) = (survey.unwrap(), series(&tape, &SeriesOptions::default()));
    // Half a megabyte may be read ahead, and a state is told when the next one takes its place.
    assert!(size > 2 << 20 && told[0].2 < size / 2, "{} of {size} bytes were read by then", told[0].2);
    for (id, server) in &series.servers {
        let changes: Vec<_> = told.iter().filter(|(of, ..)| of == id).map(|(_, change, _)| change.clone()).collect();
        assert_eq!(changes, server.changes);
        let counted = &survey.servers[id];
        assert_eq!((counted.changes, counted.records), (server.changes.len() as u64, server.records));
        assert_eq!((counted.seen, &counted.gaps), (server.seen, &server.gaps));
    }
    assert_eq!((survey.from, survey.to, survey.bytes), (series.from, series.to, size as u64));
}
