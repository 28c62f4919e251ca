//! The recorder against the simulated venue, in processes of their own.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clorebid::tape::Reader;
use clorebid_core::request::Request;

use crate::support::{clorebid, file, printed, said};

/// `clorebid exchange` as a child, fifty times as fast as life.
struct Venue {
    child: Child,
    url: String,
    /// What it printed: a line for each request.
    requests: Arc<Mutex<Vec<String>>>,
}

const SCALE: &str = "50";

impl Venue {
    fn start(key: &str) -> Venue {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clorebid"));
        command.args(["exchange", "--listen", "127.0.0.1:0", "--seed", "1", "--time-scale", SCALE, "--api-key", key]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).env_remove("RUST_LOG").spawn().unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        errors.read_line(&mut line).unwrap();
        let url = line.split_whitespace().find(|w| w.starts_with("http://")).unwrap_or_else(|| panic!("{line}"));
        let url = url.trim_end_matches(',').to_owned();
        // Whoever logs must be listened to, or it waits for ever.
        std::thread::spawn(move || errors.read_to_end(&mut Vec::new()));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (printed, kept) = (BufReader::new(child.stdout.take().unwrap()), Arc::clone(&requests));
        std::thread::spawn(move || printed.lines().map_while(Result::ok).for_each(|l| kept.lock().unwrap().push(l)));
        Venue { child, url, requests }
    }

    fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

impl Drop for Venue {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn recorder(folder: &Path, venue: &Venue, args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clorebid"));
    command.arg("--db").arg(folder.join("clorebid.db")).args(["record", "--api-url", &venue.url]);
    command.args(["--time-scale", SCALE]).args(args).current_dir(folder);
    command.env("CLORE_API_KEY", "k-record").env_remove("RUST_LOG");
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(60), "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn calls(path: &Path) -> Vec<Request> {
    let mut reader = Reader::open(&[path]).unwrap();
    let mut calls = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        calls.push(record.request);
    }
    calls
}

#[test]
fn a_recorder_that_is_killed_loses_at_most_the_last_record_and_can_go_on() {
    for name in ["t.jsonl", "t.jsonl.zst"] {
        let folder = tempfile::tempdir().unwrap();
        let venue = Venue::start("k-record");
        let tape = folder.path().join(name);
        let mut child = recorder(folder.path(), &venue, &["--servers", "6,17", "--out", name]);
        until("sixty requests were answered", || venue.count() >= 60);
        child.kill().unwrap();
        child.wait().unwrap();
        // What was on its way when the recorder died has been counted by then.
        std::thread::sleep(Duration::from_millis(200));
        let (asked, kept) = (venue.count(), calls(&tape).len());
        assert!(kept + 1 >= asked && kept <= asked, "{name}: {asked} answers, {kept} of them on the tape");
        let more = clorebid_record(folder.path(), &venue, &["--servers", "6", "--out", name, "--for", "30s"]);
        assert!(more.contains(" records over "), "{more}");
        assert!(calls(&tape).len() > kept + 5);
    }
}

fn clorebid_record(folder: &Path, venue: &Venue, args: &[&str]) -> String {
    let output = recorder(folder, venue, args).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    said(&output)
}

#[test]
fn servers_are_read_in_turn_and_the_marketplace_once_a_minute() {
    let folder = tempfile::tempdir().unwrap();
    let venue = Venue::start("k-record");
    clorebid_record(folder.path(), &venue, &["--servers", "6,17", "--out", "t.jsonl", "--for", "150s"]);
    let calls = calls(&folder.path().join("t.jsonl"));
    let spots: Vec<&Request> = calls.iter().filter(|c| matches!(c, Request::SpotMarket { .. })).collect();
    assert!(spots.len() > 40, "{} records", spots.len());
    assert!(spots.windows(2).all(|w| w[0] != w[1]), "one after the other");
    assert_eq!(calls.iter().filter(|c| **c == Request::Marketplace).count(), 3);
    assert!(!calls.iter().any(|c| matches!(c, Request::MyOrders | Request::Wallets)));
    let requests = venue.requests.lock().unwrap().join("\n");
    assert!(!requests.contains("\"code\":5"), "the governor keeps the rate");
    let info = printed(clorebid(folder.path(), &["--format", "csv", "tape", "info", "t.jsonl"]));
    assert!(info.contains("\nserver,6,") && info.contains("\nserver,17,"), "{info}");
}

#[test]
fn what_was_recorded_is_seen_in_the_journal_as_in_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let venue = Venue::start("k-record");
    let strategy = "name = \"s\"\ncurrency = \"CLORE-Blockchain\"\nlimits = { max_bid = 900 }\n[[target]]\nname = \"t\"\n\
                    servers = [6, 17]\nbid = { policy = \"follow\" }\norder = { image = \"i\" }\n";
    file(folder.path(), "s.toml", strategy);
    let records = |name: &str| {
        let calls = calls(&folder.path().join(name));
        calls.iter().filter(|c| matches!(c, Request::SpotMarket { .. })).count()
    };
    let sql = |query: &str| printed(clorebid(folder.path(), &["--format", "csv", "history", "sql", query]));
    clorebid_record(folder.path(), &venue, &["--servers", "6,17", "--out", "one.jsonl", "--for", "20s"]);
    clorebid_record(folder.path(), &venue, &["--strategy", "s.toml", "--out", "two.jsonl", "--for", "20s"]);
    let one = |what: &str, run: i64, server: i64| {
        let text = sql(&format!("SELECT {what} FROM observations WHERE run_id = {run} AND server = {server}"));
        text.lines().nth(1).unwrap_or_default().to_owned()
    };
    // In bitcoin where nothing else is said, and else in the strategy's own currency.
    for (run, tape, floor) in [(1, "one.jsonl", "0.00002"), (2, "two.jsonl", "200")] {
        let seen: Vec<usize> = [6, 17].iter().map(|id| one("count(*) AS n", run, *id).parse().unwrap()).collect();
        assert!(seen.iter().all(|n| *n > 2) && seen.iter().sum::<usize>() == records(tape), "{seen:?}");
        assert_eq!([one("min(floor)", run, 6), one("max(floor)", run, 6)], [floor, floor]);
    }
    let verified = clorebid(folder.path(), &["verify"]);
    assert!(verified.status.success(), "{}", said(&verified));
}

#[test]
fn a_strategy_names_the_servers_and_the_account_is_read_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let venue = Venue::start("k-record");
    file(folder.path(), "s.toml", include_str!("../../strategies/cheapest.toml"));
    let args = ["--strategy", "s.toml", "--with-account", "--every", "10s", "--out", "t.jsonl.zst", "--for", "45s"];
    clorebid_record(folder.path(), &venue, &args);
    let calls = calls(&folder.path().join("t.jsonl.zst"));
    for call in [Request::MyOrders, Request::Wallets, Request::Marketplace] {
        assert_eq!(calls.iter().filter(|c| **c == call).count(), 1, "{call:?}");
    }
    let spots = calls.iter().filter(|c| matches!(c, Request::SpotMarket { .. })).count();
    assert!(spots > 3, "{calls:?}");
}

#[test]
fn a_signal_ends_it_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let venue = Venue::start("k-record");
    let child = recorder(folder.path(), &venue, &["--servers", "6", "--out", "t.jsonl.zst"]);
    until("something was recorded", || venue.count() >= 5);
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains(" records over "), "{}", said(&output));
    let mut reader = Reader::open(&[folder.path().join("t.jsonl.zst")]).unwrap();
    while reader.next().unwrap().is_some() {}
    assert!(reader.cut_last_lines().is_empty(), "the packed tape has its end mark");
    let runs = printed(clorebid(folder.path(), &["--format", "csv", "history", "runs"]));
    assert!(runs.contains(",live,record,") && runs.contains(",signal,"), "{runs}");
}

#[test]
fn a_refused_key_ends_it_with_code_3_and_no_tape() {
    let folder = tempfile::tempdir().unwrap();
    let venue = Venue::start("another-key");
    let output = recorder(folder.path(), &venue, &["--servers", "6", "--out", "t.jsonl"]).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(!folder.path().join("t.jsonl").exists());
}

#[test]
fn nobody_at_the_address_and_a_file_that_is_no_tape_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let mut venue = Venue::start("k-record");
    file(folder.path(), "letter.txt", "Dear all,\n");
    let args = ["--servers", "6", "--out", "letter.txt"];
    let output = recorder(folder.path(), &venue, &args).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    venue.child.kill().unwrap();
    venue.child.wait().unwrap();
    let output = recorder(folder.path(), &venue, &["--servers", "6", "--out", "t.jsonl"]).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("nobody answers"), "{}", said(&output));
}
