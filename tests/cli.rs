//! The command line as scripts rely on it: exit codes, messages, what is left behind when something is wrong.

mod common;

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use clorebid::core::time::{Span, Time};
use clorebid::history::View;
use common::{follow, rows};
use serde_json::Value;

fn clorebid(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clorebid"));
    command.current_dir(folder).env_remove("CLORE_API_KEY").env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

fn folder_with_strategy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("s.toml"), follow("")).expect("a strategy");
    folder
}

fn ended(output: &Output) -> (i32, String) {
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn run(folder: &Path, args: &[&str]) -> (i32, String) {
    ended(&clorebid(folder).args(args).output().expect("the binary"))
}

const PAPER_HOUR: [&str; 7] = ["run", "--strategy", "s.toml", "--for", "10m", "--time-scale", "1000000"];

#[test]
fn a_paper_run_ends_by_itself_with_exit_0_and_leaves_a_history() {
    let folder = folder_with_strategy();
    let (code, said) = run(folder.path(), &PAPER_HOUR);
    assert_eq!(code, 0, "{said}");
    let bids = clorebid(folder.path()).args(["history", "bids", "--format", "json"]).output().expect("the binary");
    let bids = String::from_utf8(bids.stdout).expect("UTF-8");
    assert!(bids.contains("\"action\":\"place\"") && bids.contains("\"reason\":\"first bid;"), "{bids}");
}

/// The numbers of the requests that `history requests` shows with those arguments.
fn requests(folder: &Path, args: &[&str]) -> Vec<(u64, String)> {
    let output = clorebid(folder).args(["history", "requests", "--format", "json"]).args(args).output();
    let rows: Vec<Value> = serde_json::from_slice(&output.expect("the binary").stdout).expect("JSON");
    let text = |row: &Value| row["sent_at"].as_str().expect("a time").to_owned();
    rows.iter().map(|row| (row["seq"].as_u64().expect("a number"), text(row))).collect()
}

#[test]
fn since_and_until_include_the_moment_or_the_whole_day_that_they_name() {
    let folder = folder_with_strategy();
    assert_eq!(run(folder.path(), &PAPER_HOUR).0, 0);
    let all = requests(folder.path(), &[]);
    let (seq, at) = &all[all.len() / 2];
    let only = requests(folder.path(), &["--since", at, "--until", at]);
    assert_eq!(only, [(*seq, at.clone())]);
    let (first_day, last_day) = (&all[0].1[..10], &all[all.len() - 1].1[..10]);
    assert_eq!(requests(folder.path(), &["--since", first_day, "--until", last_day]), all);
    let moment = chrono::DateTime::parse_from_rfc3339(&all[0].1).expect("a time").timestamp_millis();
    let day_before = clorebid::clock::rfc3339(Time::from_ms(moment) - Span::DAY);
    assert_eq!(requests(folder.path(), &["--until", &day_before[..10]]), []);
}

#[test]
fn a_year_that_would_sort_wrongly_as_text_is_no_time() {
    let folder = folder_with_strategy();
    assert_eq!(run(folder.path(), &PAPER_HOUR).0, 0);
    let all = requests(folder.path(), &[]);
    assert_eq!(requests(folder.path(), &["--since=0000-01-01", "--until=9999-12-31"]), all);
    for far in ["9999-12-31T23:59:59-01:00", "+10000-01-01", "-0001-01-01", "0000-01-01T00:00:00+01:00"] {
        for bound in ["--since", "--until"] {
            let (code, said) = run(folder.path(), &["history", "requests", &format!("{bound}={far}")]);
            assert!(code == 2 && said.contains("is no time"), "{bound} {far}: {code} {said}");
        }
    }
}

#[test]
fn history_notices_shows_the_creation_fees_by_name() {
    let folder = folder_with_strategy();
    assert_eq!(run(folder.path(), &["run", "--strategy", "s.toml", "--for", "1h", "--time-scale", "1000000"]).0, 0);
    let output = clorebid(folder.path()).args(["history", "notices", "--format", "csv"]).output().expect("the binary");
    let shown = String::from_utf8(output.stdout).expect("UTF-8");
    let header = "run_id,seq,at,kind,target,server,offer_id,amount,currency,code,words";
    assert_eq!(shown.lines().next(), Some(header));
    let fee = |line: &str| line.contains(",creation_fee,") && line.contains(",0.0000003,bitcoin,");
    assert!(shown.lines().skip(1).any(fee), "{shown}");
}

#[test]
fn a_bad_strategy_is_exit_2_with_line_and_column_and_no_database() {
    let folder = folder_with_strategy();
    std::fs::write(folder.path().join("s.toml"), follow("").replace("max_bid", "max_bit")).expect("a strategy");
    let (code, said) = run(folder.path(), &PAPER_HOUR);
    assert_eq!(code, 2);
    assert!(said.contains("s.toml:5:1") && said.contains("max_bit") && said.contains("max_bid"), "{said}");
    assert!(!folder.path().join("clorebid.db").exists(), "nothing is left behind");
}

#[test]
fn a_missing_strategy_and_unknown_flags_are_exit_2() {
    let folder = folder_with_strategy();
    let (code, said) = run(folder.path(), &["run", "--strategy", "none.toml"]);
    assert_eq!(code, 2);
    assert!(said.contains("none.toml"), "{said}");
    assert_eq!(run(folder.path(), &["run", "--strategie", "s.toml"]).0, 2);
}

#[test]
fn a_file_that_is_no_database_is_exit_4_and_stays_as_it_is() {
    let folder = folder_with_strategy();
    let notes = folder.path().join("clorebid.db");
    std::fs::write(&notes, "my notes, not a database\n").expect("a file");
    let (code, said) = run(folder.path(), &PAPER_HOUR);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("clorebid.db"), "{said}");
    assert_eq!(std::fs::read_to_string(notes).expect("a file"), "my notes, not a database\n");
}

#[test]
fn a_full_disk_is_exit_4_and_what_was_written_is_whole() {
    let folder = folder_with_strategy();
    // No file may grow beyond 200 KiB; the signal that comes with it is ignored, so that the write fails instead.
    let script = format!(
        "trap '' XFSZ; ulimit -f 200; exec {} run --strategy s.toml --for 12h --time-scale 1000000",
        env!("CARGO_BIN_EXE_clorebid")
    );
    let output = Command::new("bash").args(["-c", &script]).current_dir(folder.path()).output().expect("bash");
    let (code, said) = ended(&output);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("clorebid.db"), "{said}");
    let check = clorebid(folder.path())
        .args(["history", "sql", "SELECT * FROM pragma_integrity_check"])
        .output()
        .expect("the binary");
    assert!(String::from_utf8_lossy(&check.stdout).contains("ok"), "{check:?}");
}

#[test]
fn an_unreachable_host_is_exit_1_with_its_address() {
    let folder = folder_with_strategy();
    let args = ["run", "--live", "--strategy", "s.toml", "--api-url", "http://127.0.0.1:9/v1", "--time-scale", "100"];
    let output = clorebid(folder.path()).args(args).env("CLORE_API_KEY", "some-key-of-mine").output();
    let (code, said) = ended(&output.expect("the binary"));
    assert_eq!(code, 1);
    assert!(said.contains("nobody answers at http://127.0.0.1:9/v1"), "{said}");
}

#[test]
fn a_run_that_nobody_ever_answered_does_not_end_well_when_its_time_is_up() {
    let folder = folder_with_strategy();
    let args = ["run", "--live", "--strategy", "s.toml", "--api-url", "http://127.0.0.1:9/v1", "--for", "2s"];
    let output = clorebid(folder.path()).args(args).env("CLORE_API_KEY", "some-key-of-mine").output();
    let (code, said) = ended(&output.expect("the binary"));
    assert_eq!(code, 1);
    assert!(said.contains("nobody answers at http://127.0.0.1:9/v1"), "{said}");
}

#[test]
fn a_strategy_file_that_is_no_text_is_exit_2_with_line_and_column() {
    let folder = folder_with_strategy();
    std::fs::write(folder.path().join("latin1.toml"), b"# a comment\nname = \"caf\xe9\"\n").expect("a file");
    let (code, said) = run(folder.path(), &["check", "latin1.toml"]);
    assert_eq!(code, 2);
    assert!(said.contains("latin1.toml:2:12: this byte is not UTF-8"), "{said}");
}

#[test]
fn no_key_is_exit_2_and_says_where_to_put_one() {
    let folder = folder_with_strategy();
    let (code, said) = run(folder.path(), &["run", "--live", "--strategy", "s.toml"]);
    assert_eq!(code, 2);
    assert!(said.contains("CLORE_API_KEY") && said.contains("--api-key-file"), "{said}");
}

#[test]
fn plain_http_to_another_host_and_fast_time_at_the_real_venue_are_refused() {
    let folder = folder_with_strategy();
    let live = |more: &[&str]| {
        let mut args = vec!["run", "--live", "--strategy", "s.toml"];
        args.extend(more);
        ended(&clorebid(folder.path()).args(args).env("CLORE_API_KEY", "k").output().expect("the binary"))
    };
    let (code, said) = live(&["--api-url", "http://192.0.2.1/v1"]);
    assert_eq!(code, 2, "{said}");
    let (code, said) = live(&["--time-scale", "60"]);
    assert_eq!(code, 2);
    assert!(said.contains("--time-scale"), "{said}");
}

#[test]
fn history_of_a_missing_database_is_exit_2_and_makes_none() {
    let folder = folder_with_strategy();
    let (code, said) = run(folder.path(), &["history", "bids"]);
    assert_eq!(code, 2);
    assert!(said.contains("clorebid.db"), "{said}");
    assert!(!folder.path().join("clorebid.db").exists());
}

#[test]
fn history_sql_reads_and_never_writes() {
    let folder = folder_with_strategy();
    run(folder.path(), &PAPER_HOUR);
    let count = || {
        let sql = "SELECT (SELECT count(*) FROM runs) AS runs, (SELECT count(*) FROM bids) > 0 AS bids";
        let output = clorebid(folder.path()).args(["history", "sql", sql, "--format", "csv"]).output();
        String::from_utf8(output.expect("the binary").stdout).expect("UTF-8")
    };
    assert_eq!(count(), "runs,bids\n1,1\n");
    for sql in ["DELETE FROM run_starts", "INSERT INTO run_starts SELECT * FROM run_starts", "DROP VIEW bids"] {
        let (code, said) = run(folder.path(), &["history", "sql", sql]);
        assert_eq!(code, 2, "{sql}: {said}");
        assert_eq!(count(), "runs,bids\n1,1\n", "{sql}");
    }
}

#[test]
fn check_prints_a_strategy_that_checks_the_same_and_its_schema() {
    let folder = folder_with_strategy();
    let filled = clorebid(folder.path()).args(["check", "s.toml"]).output().expect("the binary");
    assert!(filled.status.success());
    std::fs::write(folder.path().join("filled.toml"), &filled.stdout).expect("a file");
    let again = clorebid(folder.path()).args(["check", "filled.toml"]).output().expect("the binary");
    assert_eq!(filled.stdout, again.stdout);
    let schema = clorebid(folder.path()).args(["check", "--schema"]).output().expect("the binary");
    assert!(serde_json::from_slice::<serde_json::Value>(&schema.stdout).expect("JSON")["properties"].is_object());
}

#[test]
fn completions_and_the_manual_page_name_every_command() {
    let folder = folder_with_strategy();
    let text = |args: &[&str]| {
        String::from_utf8_lossy(&clorebid(folder.path()).args(args).output().expect("the binary").stdout).into_owned()
    };
    let (bash, man) = (text(&["completions", "bash"]), text(&["man"]));
    for command in ["run", "check", "exchange", "market", "orders", "wallets", "cancel", "history"] {
        assert!(bash.contains(command) && man.contains(command), "{command}");
    }
}

/// A paper run at natural speed, with one request behind it.
fn running(folder: &Path) -> std::process::Child {
    let child = clorebid(folder).args(["run", "--strategy", "s.toml"]).stderr(Stdio::piped()).spawn();
    let child = child.expect("the binary");
    let begun = Instant::now();
    while !folder.join("clorebid.db").exists() && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_millis(1_500));
    child
}

#[test]
fn a_second_bot_on_the_same_database_is_refused_with_the_first_ones_pid() {
    let folder = folder_with_strategy();
    let mut first = running(folder.path());
    let on_paper = run(folder.path(), &PAPER_HOUR);
    let mut live = clorebid(folder.path());
    live.args(["run", "--live", "--strategy", "s.toml", "--api-url", "http://127.0.0.1:9/v1", "--for", "1s"]);
    let live = ended(&live.env("CLORE_API_KEY", "of-a-second-bot").output().expect("the binary"));
    first.kill().expect("its end");
    first.wait().expect("its end");
    for (code, said) in [on_paper, live] {
        assert_eq!(code, 1);
        assert!(said.contains(&format!("another clorebid (pid {}) is using the database", first.id())), "{said}");
    }
}

#[tokio::test]
async fn a_signal_ends_a_run_in_order_within_five_seconds() {
    for signal in ["INT", "TERM"] {
        let folder = folder_with_strategy();
        let mut bot = running(folder.path());
        let told = Instant::now();
        let kill = Command::new("kill").args([format!("-{signal}"), bot.id().to_string()]).status();
        assert!(kill.expect("kill").success());
        let status = bot.wait().expect("its end");
        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(told.elapsed() < Duration::from_secs(5), "{signal}");
        let runs = rows(&folder.path().join("clorebid.db"), View::Runs).await;
        assert_eq!(runs[0]["ended_by"], "signal");
    }
}
