//! The bot in one process, the simulated venue in another, HTTP between them: judged by the venue's own log.

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use common::follow;
use serde_json::Value;

/// The exchange as a process, and the address it serves on.
fn exchange(scale: &str) -> (Child, String) {
    let mut exchange = Command::new(env!("CARGO_BIN_EXE_clorebid"))
        .args(["exchange", "--listen", "127.0.0.1:0", "--api-key", "two-processes", "--time-scale", scale])
        .args(["--scenario", "tests/scenarios/contested.toml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the exchange");
    let stderr = exchange.stderr.take().expect("its messages");
    let line = BufReader::new(stderr).lines().next().expect("a line").expect("text");
    let url = line.split_whitespace().find(|w| w.starts_with("http://")).expect("an address");
    (exchange, url.trim_end_matches(',').to_owned())
}

#[test]
fn the_venues_log_shows_no_broken_rate_no_second_refusal_and_a_bid_back_on_top() {
    let (mut exchange, url) = exchange("60");
    let stdout = exchange.stdout.take().expect("its log");
    let log = std::thread::spawn(move || {
        let lines = BufReader::new(stdout).lines().map_while(Result::ok);
        lines.map(|l| serde_json::from_str(&l).expect("JSON")).collect::<Vec<Value>>()
    });
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("s.toml"), follow("")).expect("a strategy");
    let bot = Command::new(env!("CARGO_BIN_EXE_clorebid"))
        .current_dir(folder.path())
        .args(["run", "--live", "--strategy", "s.toml", "--api-url", &url, "--time-scale", "60", "--for", "25m"])
        .env("CLORE_API_KEY", "two-processes")
        .status();
    assert!(bot.expect("the bot").success());
    exchange.kill().expect("its end");
    exchange.wait().expect("its end");

    let log = log.join().expect("the log");
    let requests: Vec<&Value> = log.iter().filter(|l| l["endpoint"].is_string()).collect();
    assert!(requests.len() > 300, "{} requests", requests.len());
    let soonest = requests.iter().filter_map(|r| r["since_last_ms"].as_i64()).min();
    assert!(soonest.is_some_and(|ms| ms >= 1_000), "no request faster than the venue's second: {soonest:?}");
    let errors: Vec<&str> = requests.iter().filter_map(|r| r["error"].as_str()).collect();
    assert_eq!(errors, ["exceeded_max_step"], "one refusal, which teaches the step");
    let evicted = log.iter().filter(|l| l["event"] == "evicted").count();
    assert!(evicted >= 4, "{evicted} evictions");
    let last_holder = log.iter().rfind(|l| l["event"] == "holder").expect("a holder");
    assert_eq!(last_holder["my"], true, "back on top after the last of them");
}

#[test]
fn a_run_whose_venue_falls_silent_says_so_again_and_again_and_goes_on() {
    let (mut exchange, url) = exchange("60");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("s.toml"), follow("")).expect("a strategy");
    let mut bot = Command::new(env!("CARGO_BIN_EXE_clorebid"))
        .current_dir(folder.path())
        .args(["run", "--live", "--strategy", "s.toml", "--api-url", &url, "--time-scale", "60", "--for", "15m"])
        .env("CLORE_API_KEY", "two-processes")
        .stderr(Stdio::piped())
        .spawn()
        .expect("the bot");
    let mut log = BufReader::new(bot.stderr.take().expect("its log")).lines().map_while(Result::ok);
    assert!(log.any(|line| line.contains("-> holding")), "it holds the server");
    exchange.kill().and_then(|()| exchange.wait()).expect("its end");
    let warnings = log.filter(|line| line.contains("warning: no good answer for")).count();
    assert!((3..=5).contains(&warnings), "{warnings} warnings in a quarter of an hour");
    assert_eq!(bot.wait().expect("its end").code(), Some(0), "it did what it could");
}
