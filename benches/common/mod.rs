//! Two ways of doing the same amount of work, timed in turns, so that what slows the machine slows both.
#![allow(dead_code, clippy::float_arithmetic, reason = "each bench uses a part of it; ratios are for people")]

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clorebid::backtest::VenueRules;
use clorebid::clock::rfc3339;
use clorebid::core::money::{Amount, Currency, Price};
use clorebid::core::strategy::Strategy;
use clorebid::core::time::{Span, Time};
use clorebid::journal::{Mode, RunStart};
use clorebid::strategy;
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

/// Follows the market on those servers.
pub(crate) fn follow(servers: &str, want: u32) -> Strategy {
    let text = format!(
        "name = \"bench\"\ncurrency = \"USD-Blockchain\"\n[limits]\nmax_bid = \"15.6\"\n[venue]\ntick = \"0.0024\"\n\
         [[target]]\nname = \"t\"\nservers = {servers}\nwant = {want}\n[target.bid]\npolicy = \"follow\"\nmargin = \"2%\"\n"
    );
    strategy::read(&text, "bench.toml").expect("a strategy").strategy
}

/// A tape of servers 101 to 103 with one rival each, whose price changes every four minutes on average.
pub(crate) fn made_up_tape(days: u32) -> String {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut now = Time::from_secs(1_767_225_600);
    let end = now + Span::DAY.times(i64::from(days));
    let mut lines = String::new();
    for n in 0_u64.. {
        if now >= end {
            break;
        }
        let id = 101 + if n < 3 { n } else { u64::from(random.next_u32() % 3) };
        // Mostly quiet, with a spike now and then.
        let spike = if random.next_u32().is_multiple_of(40) { 3_000 } else { 0 };
        let ticks = 600 + random.next_u32() % 200 + spike;
        let bid = Decimal::new(i64::from(ticks) * 24, 4);
        let head = format!(
            "{{\"at\":\"{}\",\"call\":\"spot_marketplace\",\"args\":{{\"market\":{id}}},\"status\":200",
            rfc3339(now)
        );
        let _ = writeln!(
            lines,
            "{head},\"body\":{{\"market\":{{\"offers\":[{{\"offer_id\":{},\"bid\":{bid},\"active\":true,\"my\":false}}],\
             \"server\":{{\"min_pricing\":{{\"USD-Blockchain\":0.5}},\"mrl\":2592000,\"visibility\":\"public\",\"online\":true}}}},\
             \"exists\":true,\"code\":0}}}}",
            id + 900
        );
        now = now + Span::from_secs(i64::from(if n < 2 { 0 } else { 1 + random.next_u32() % 480 }));
    }
    lines
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
