//! Nobody reads what the program says: the pipe is closed, the terminal is gone, the disk behind the log is full. A
//! command that prints ends quietly; a run goes on, and ends as it was told to.

mod common;

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::follow;

/// What the simulated exchange takes.
const KEY: &str = "nobody-listens";

fn bot(args: &[&str]) -> Command {
    let mut bot = Command::new(env!("CARGO_BIN_EXE_clorebid"));
    bot.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    bot
}

/// What it says on stderr and whether it succeeds when nobody reads its stdout.
fn with_its_stdout_closed(mut command: Command) -> (bool, String) {
    let mut child = command.spawn().expect("the program");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("its end");
    (ended.status.success(), String::from_utf8_lossy(&ended.stderr).into_owned())
}

#[test]
fn a_command_that_prints_into_a_closed_pipe_ends_quietly() {
    let folder = tempfile::tempdir().expect("a folder");
    let (strategy, db) = (folder.path().join("s.toml"), folder.path().join("bot.db"));
    std::fs::write(&strategy, follow("")).expect("a strategy");
    let (strategy, db) = (strategy.to_str().expect("a path"), db.to_str().expect("a path"));
    let scenario = "tests/scenarios/contested.toml";
    let paper = ["run", "--strategy", strategy, "--scenario", scenario, "--for", "30m", "--time-scale", "3600"];
    assert!(bot(&paper).args(["--db", db, "--quiet"]).status().expect("a run").success());
    let commands: [&[&str]; 9] = [
        &["check", "--schema"],
        &["check", strategy],
        &["completions", "bash"],
        &["man"],
        &["replay", "--db", db],
        &["replay", "--db", db, "--format", "json"],
        &["verify", "--db", db],
        &["why", "1", "20", "--db", db],
        &["history", "bids", "--db", db],
    ];
    for command in commands {
        assert_eq!(with_its_stdout_closed(bot(command)), (true, String::new()), "{command:?}");
    }
}

#[test]
fn a_message_that_nobody_reads_leaves_the_exit_code_as_it_is() {
    let mut failing = bot(&["check", "there-is-no-such-file.toml"]).spawn().expect("the program");
    drop(failing.stderr.take());
    assert_eq!(failing.wait().expect("its end").code(), Some(2));
}

#[test]
fn a_run_whose_log_cannot_be_written_goes_on_to_its_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let strategy = folder.path().join("s.toml");
    std::fs::write(&strategy, follow("")).expect("a strategy");
    let run = |log: Stdio, db: &str| {
        let scenario = "tests/scenarios/contested.toml";
        let mut run = bot(&["run", "--scenario", scenario, "--for", "30m", "--time-scale", "3600", "--strategy"]);
        run.arg(&strategy).arg("--db").arg(folder.path().join(db)).stderr(log).spawn().expect("the bot")
    };
    let mut unread = run(Stdio::piped(), "unread.db");
    drop(unread.stderr.take());
    let full = OpenOptions::new().write(true).open("/dev/full").expect("a full disk");
    let mut full = run(Stdio::from(full), "full.db");
    assert_eq!(unread.wait().expect("its end").code(), Some(0), "nobody reads it");
    assert_eq!(full.wait().expect("its end").code(), Some(0), "the disk is full");
}

/// The simulated exchange as a process, and the address it serves on. What it says is read to its end.
fn exchange() -> (Child, String) {
    let serve = ["exchange", "--listen", "127.0.0.1:0", "--api-key", KEY, "--time-scale", "60", "--scenario"];
    let mut exchange = bot(&serve).arg("tests/scenarios/contested.toml").stdout(Stdio::null()).spawn().expect("it");
    let mut lines = BufReader::new(exchange.stderr.take().expect("its messages")).lines().map_while(Result::ok);
    let line = lines.next().expect("a line");
    std::thread::spawn(move || lines.for_each(drop));
    let url = line.split_whitespace().find(|w| w.starts_with("http://")).expect("an address");
    (exchange, url.trim_end_matches(',').to_owned())
}

fn live(folder: &Path, url: &str) -> Command {
    std::fs::write(folder.join("s.toml"), follow("")).expect("a strategy");
    let mut live =
        bot(&["run", "--live", "--api-url", url, "--time-scale", "60", "--on-exit", "cancel", "--for", "10h"]);
    live.arg("--strategy").arg(folder.join("s.toml")).arg("--db").arg(folder.join("bot.db"));
    live.env("CLORE_API_KEY", KEY);
    live
}

#[test]
fn a_closed_terminal_ends_a_run_as_it_was_told_to_end() {
    let (mut venue, url) = exchange();
    let folder = tempfile::tempdir().expect("a folder");
    let mut run = live(folder.path(), &url).stdout(Stdio::null()).spawn().expect("the bot");
    let mut log = BufReader::new(run.stderr.take().expect("its log")).lines().map_while(Result::ok);
    assert!(log.any(|line| line.contains("-> holding")), "it holds the server");
    // The terminal's end of the log goes first, then the signal comes, and for some terminals it comes twice.
    drop(log);
    for _ in 0..2 {
        assert!(Command::new("kill").args(["-HUP", &run.id().to_string()]).status().expect("kill").success());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(run.wait().expect("its end").code(), Some(0), "everything was cancelled");
    let mut bids = bot(&["history", "bids", "--format", "csv", "--db"]);
    let bids = bids.arg(folder.path().join("bot.db")).output().expect("the history");
    assert!(String::from_utf8_lossy(&bids.stdout).contains(",cancel,"), "and so it stands on record");
    venue.kill().and_then(|()| venue.wait()).expect("its end");
}

#[test]
fn two_bots_with_one_key_are_refused_whatever_their_temporary_folders() {
    let (mut venue, url) = exchange();
    let (here, there) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let state = tempfile::tempdir().expect("a folder");
    let mut first = live(here.path(), &url);
    let mut first = first.env("XDG_STATE_HOME", state.path()).stdout(Stdio::null()).spawn().expect("the bot");
    let mut log = BufReader::new(first.stderr.take().expect("its log")).lines().map_while(Result::ok);
    assert!(log.any(|line| line.contains("-> holding")), "it runs");
    std::thread::spawn(move || log.for_each(drop));
    let other_spelling = url.replace("127.0.0.1", "localhost").replace("/v1", "/v1/");
    let mut second = live(there.path(), &other_spelling);
    let second = second.env("XDG_STATE_HOME", state.path()).env("TMPDIR", there.path()).output().expect("the second");
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains(&format!("another clorebid (pid {}) is using this API key", first.id())), "{said}");
    assert_eq!(second.status.code(), Some(1));
    for child in [&mut first, &mut venue] {
        child.kill().and_then(|()| child.wait()).expect("its end");
    }
}

#[test]
fn a_lock_that_cannot_be_made_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("clorebid"), "in the way of a folder").expect("a file");
    let mut refused = live(folder.path(), "http://127.0.0.1:9/v1");
    let refused = refused.env("XDG_STATE_HOME", folder.path()).output().expect("the bot");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("cannot lock this API key") && said.contains("set XDG_STATE_HOME"), "{said}");
}
