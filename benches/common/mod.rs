//! Two ways of doing the same amount of work, timed in turns, so that what slows the machine slows both.
#![allow(dead_code, clippy::float_arithmetic, reason = "each bench uses a part of it; ratios are for people")]

use std::fs::File;
use std::io::{Cursor, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clorebid::backtest::{Recorded, VenueRules};
use clorebid::clock::rfc3339;
use clorebid::core::money::{Amount, Currency, Price};
use clorebid::core::strategy::Strategy;
use clorebid::core::time::{Span, Time};
use clorebid::journal::{Mode, RunStart};
use clorebid::strategy;
use clorebid::tape::{Reader, Series, SeriesOptions};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rust_decimal::Decimal;

pub(crate) fn time(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

/// The median of several runs of each, in turns.
pub(crate) fn in_turns(
    rounds: usize,
    mut floor: impl FnMut() -> Duration,
    mut ours: impl FnMut() -> Duration,
) -> [Duration; 2] {
    let (mut floors, mut all_ours) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        floors.push(floor());
        all_ours.push(ours());
    }
    [median(floors), median(all_ours)]
}

pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

pub(crate) fn print(what: &str, units: u64, unit: &str, floor: &str, [floor_time, ours]: [Duration; 2]) {
    let rate = |time: Duration| units as f64 / time.as_secs_f64();
    let ratio = ours.as_secs_f64() / floor_time.as_secs_f64();
    println!(
        "{what}: {ours:.2?}, {:.0} {unit}/s; {floor}: {floor_time:.2?}, {:.0} {unit}/s; {ratio:.2}x its time",
        rate(ours),
        rate(floor_time)
    );
}

pub(crate) fn price(text: &str) -> Price {
    Price::parse(text).expect("a price")
}

/// A run of which nothing matters but that there is one.
pub(crate) fn run_start(at: Time) -> RunStart<'static> {
    RunStart {
        at,
        mode: Mode::Paper,
        strategy: "bench",
        strategy_toml: "",
        venue: "bench",
        seed: None,
        currency: Currency::Bitcoin,
        memory: "",
    }
}

pub(crate) fn rules() -> VenueRules {
    VenueRules {
        tick: price("0.0024"),
        step: price("0.0096"),
        lower_every: Span::from_secs(600),
        creation_fee: Amount::ZERO,
        fee_percent: Decimal::ZERO,
    }
}

/// Follows the market on those servers, with a margin of 2 %.
pub(crate) fn follow(servers: &str, want: u32) -> Strategy {
    follow_with(servers, want, "2%")
}

/// Follows the market on those servers with that margin.
pub(crate) fn follow_with(servers: &str, want: u32, margin: &str) -> Strategy {
    let text = format!(
        "name = \"bench\"\ncurrency = \"USD-Blockchain\"\n[limits]\nmax_bid = \"15.6\"\n[venue]\ntick = \"0.0024\"\n\
         [[target]]\nname = \"t\"\nservers = {servers}\nwant = {want}\n[target.bid]\npolicy = \"follow\"\nmargin = \"{margin}\"\n"
    );
    strategy::read(&text, "bench.toml").expect("a strategy").strategy
}

/// Where made-up tapes begin: 2026-01-01T00:00:00Z.
const BEGINNING: Time = Time::from_secs(1_767_225_600);

/// One rival's next bid, mostly near 1.68 USD, with a spike now and then.
fn next_bid(random: &mut ChaCha8Rng) -> Decimal {
    let spike = if random.next_u32().is_multiple_of(40) { 3_000 } else { 0 };
    let ticks = 600 + random.next_u32() % 200 + spike;
    Decimal::new(i64::from(ticks) * 24, 4)
}

/// A spot market with one rival, as a line of a tape.
fn market_line(at: Time, id: u64, bid: Decimal) -> String {
    format!(
        "{{\"at\":\"{}\",\"call\":\"spot_marketplace\",\"args\":{{\"market\":{id}}},\"status\":200,\
         \"body\":{{\"market\":{{\"offers\":[{{\"offer_id\":{},\"bid\":{bid},\"active\":true,\"my\":false}}],\
         \"server\":{{\"min_pricing\":{{\"USD-Blockchain\":0.5}},\"mrl\":2592000,\"visibility\":\"public\",\"online\":true}}}},\
         \"exists\":true,\"code\":0}}}}\n",
        rfc3339(at),
        id + 900
    )
}

/// A tape of servers 101 to 103 with one rival each, whose price changes every four minutes on average.
pub(crate) fn made_up_tape(days: u32) -> String {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut now = BEGINNING;
    let end = now + Span::DAY.times(i64::from(days));
    let mut lines = String::new();
    for n in 0_u64.. {
        if now >= end {
            break;
        }
        let id = 101 + if n < 3 { n } else { u64::from(random.next_u32() % 3) };
        lines += &market_line(now, id, next_bid(&mut random));
        now = now + Span::from_secs(i64::from(if n < 2 { 0 } else { 1 + random.next_u32() % 480 }));
    }
    lines
}

/// How many days tapes of many servers last: `CLOREBID_BENCH_DAYS`, else as long as the real one.
pub(crate) fn days() -> u32 {
    std::env::var("CLOREBID_BENCH_DAYS").map_or(89, |days| days.parse().expect("a number of days"))
}

/// A tape of three zones, cloned to servers 101 and following, each clone turned on by some hours, so that each server
/// changes as often as the others and no two at once. It begins with a marketplace that lists them all.
fn cloned_tape(servers: u64, days: u32) -> String {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let length = i64::from(days) * 86_400;
    let mut zones: [Vec<(i64, Decimal)>; 3] = Default::default();
    for zone in &mut zones {
        let mut second = 0;
        while second < length {
            zone.push((second, next_bid(&mut random)));
            second += i64::from(1 + random.next_u32() % 1_440);
        }
    }
    let ids = 101..101 + servers;
    let mut events: Vec<(i64, u64, Decimal)> = Vec::new();
    for (zone, id) in zones.iter().cycle().zip(ids.clone()) {
        let turned = i64::try_from((id - 101) / 3).expect("few servers") * 25_057;
        let mut of_server: Vec<_> = zone.iter().map(|(at, bid)| ((at + turned) % length, id, *bid)).collect();
        of_server.sort_unstable_by_key(|(at, ..)| *at);
        // What is in force at the end is so at the beginning.
        let (first, last) = (of_server[0].0, of_server[of_server.len() - 1]);
        if first > 0 {
            of_server.insert(0, (0, id, last.2));
        }
        events.extend(of_server);
    }
    events.sort_unstable_by_key(|(at, id, _)| (*at, *id));
    let listed = ids.map(|id| {
        format!(
            "{{\"id\":{id},\"mrl\":720,\"price\":{{\"on_demand\":{{\"USD-Blockchain\":15.6}},\
             \"spot\":{{\"USD-Blockchain\":0.5}}}},\"rented\":false,\"specs\":{{\"gpu\":\"1x\",\"gpuram\":4,\"ram\":15}}}}"
        )
    });
    let mut lines = format!(
        "{{\"at\":\"{}\",\"call\":\"marketplace\",\"args\":{{}},\"status\":200,\
         \"body\":{{\"servers\":[{}],\"my_servers\":[],\"code\":0}}}}\n",
        rfc3339(BEGINNING),
        listed.collect::<Vec<_>>().join(",")
    );
    for (second, id, bid) in events {
        lines += &market_line(BEGINNING + Span::from_secs(second), id, bid);
    }
    lines
}

/// Such a tape in memory, and how many records it has.
pub(crate) fn cloned(servers: u64, days: u32) -> (Recorded, u64) {
    let lines = cloned_tape(servers, days);
    let records = lines.lines().count() as u64;
    let reader = Reader::from_read("cloned", Cursor::new(lines)).expect("a tape");
    let options = SeriesOptions { servers: Vec::new(), gap: Some(Span::DAY.times(2)) };
    (Recorded::new(Series::read(reader, &options).expect("a series")), records)
}

/// The numbers of so many servers, as a strategy lists them.
pub(crate) fn server_list(servers: u64) -> String {
    format!("{:?}", (101..101 + servers).collect::<Vec<_>>())
}

/// What one unit of work took among many servers, beside what it took among three, as a ratio for people.
pub(crate) fn print_growth(what: &str, unit: &str, [(few, few_units), (many, many_units)]: [(Duration, u64); 2]) {
    let each = |time: Duration, units: u64| time.as_secs_f64() * 1e6 / units as f64;
    let (few, each_of_many) = (each(few, few_units), each(many, many_units));
    println!(
        "{what}: {many:.2?}, {each_of_many:.3} us a {unit}; of three servers {few:.3} us; {:.2}x",
        each_of_many / few
    );
}

/// The real tape where `CLOREBID_TAPES` says it is; else a made-up one of 89 days, in a folder to be kept meanwhile.
pub(crate) fn tape() -> (String, PathBuf, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    if let Some(tapes) = std::env::var_os("CLOREBID_TAPES") {
        let path = PathBuf::from(tapes).join("aws-g2-2015/tape.jsonl.zst");
        return ("aws-g2-2015".to_owned(), path, folder);
    }
    let path = folder.path().join("made-up.jsonl.zst");
    let packed = zstd::encode_all(made_up_tape(89).as_bytes(), 9).expect("zstd");
    File::create(&path).and_then(|mut file| file.write_all(&packed)).expect("a file");
    ("a made-up tape".to_owned(), path, folder)
}
