//! What a run cost, counted again by somebody else: `examples/recompute.py` reads the views with SQL and counts in
//! Python's fractions, and every number must be the program's to the last digit.
//!
//! It needs Python 3.11. Where that is missing the tests say so and pass, but in CI they fail.

mod common;
#[path = "common/left_out.rs"]
mod left_out;
#[path = "common/made_tape.rs"]
mod made_tape;

use std::path::Path;
use std::process::Command;

use clorebid::core::time::Span;
use common::{World, follow, one_server};
use made_tape::{Desk, Tape, strategy};
use serde_json::Value;

/// What the script must at the least have counted.
const COUNTED: [&str; 19] = [
    "seconds",
    "gap_seconds",
    "wanted_server_seconds",
    "held_server_seconds",
    "cost",
    "fees",
    "restarts",
    "effective_cost",
    "on_demand_cost",
    "places",
    "raises",
    "lowerings",
    "cancels",
    "replaces",
    "moves",
    "refusals",
    "requests",
    "from",
    "to",
];

fn has_python() -> bool {
    let has =
        Command::new("python3").args(["-c", "import sqlite3, tomllib"]).output().is_ok_and(|o| o.status.success());
    if !has {
        left_out::say_or_fail_in_ci("counting again", "there is no python3 of 3.11 or newer");
    }
    has
}

fn recomputed(db: &Path, more: &[&str]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/recompute.py");
    let output = Command::new("python3").arg(script).arg(db).args(more).output().expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one object")
}

/// The rows of one view as `history` prints them.
fn history(db: &Path, view: &str) -> Value {
    let clorebid = Command::new(env!("CARGO_BIN_EXE_clorebid"))
        .args(["history", view, "--format", "json", "--db"])
        .arg(db)
        .output()
        .expect("the binary");
    assert!(clorebid.status.success(), "{}", String::from_utf8_lossy(&clorebid.stderr));
    serde_json::from_slice(&clorebid.stdout).expect("an array")
}

/// Runs a strategy over a tape on record and demands that the script comes to the same numbers; returns them.
fn agreed(strategy: &str, tape: &Tape, more: &[&str]) -> Value {
    let desk = Desk::new(strategy, tape);
    let told = desk.json(&[&["--db", "run.db"], more].concat()).remove(0);
    let (db, tape) = (desk.folder().join("run.db"), desk.folder().join("tape.jsonl"));
    let mut args = vec!["--tape", tape.to_str().expect("UTF-8")];
    if let Some(gap) = more.iter().position(|m| *m == "--gap") {
        args.extend(&more[gap..gap + 2]);
    }
    let counted = recomputed(&db, &args);
    for key in COUNTED {
        assert_eq!(counted[key], told[key], "{key}, counted and told:\n{counted}\n{told}");
        assert!(!told[key].is_null(), "{key}: {told}");
    }
    for view in ["spend", "holdings"] {
        assert_eq!(counted[view], history(&db, view), "{view}");
    }
    told
}

fn number(of: &Value, key: &str) -> u64 {
    of[key].as_u64().unwrap_or_else(|| panic!("{key} is no count: {of}"))
}

/// Server 1 for an hour: a rival who comes, goes up and leaves, and another who looks in.
fn one_rival() -> Tape {
    Tape::of(&[1])
        .market(0, 1, &[])
        .market(200_123, 1, &[(7, "1.1", false)])
        .market(500_377, 1, &[(7, "1.333", false)])
        .market(900_999, 1, &[])
        .market(2_600_001, 1, &[(8, "1.25", false)])
        .market(2_900_007, 1, &[])
        .market(3_600_000, 1, &[])
}

/// Servers 1, 2 and 3; each is the dearest for a while, and 2 is rented on demand in the end.
fn three_servers() -> Tape {
    Tape::of(&[1, 2, 3])
        .market(0, 1, &[])
        .market(0, 2, &[(20, "0.9", false)])
        .market(0, 3, &[(30, "2", false)])
        .market(300_003, 1, &[(10, "1.7", false)])
        .market(600_017, 3, &[])
        .market(1_300_111, 2, &[(20, "3", false)])
        .market(1_600_222, 2, &[])
        .market(2_000_333, 3, &[(30, "1.234", false)])
        .market(2_300_444, 1, &[])
        .listed(2_600_555, &[(1, false), (2, true), (3, false)])
        .market(3_000_666, 1, &[])
}

/// The strategy with more in its `[venue]`; a step down is due every two minutes.
fn under(rules: &str, strategy: &str) -> String {
    strategy.replace("[venue]", &format!("[venue]\nlower_every = \"2m\"\n{rules}"))
}

const FOLLOW: &str = "policy = \"follow\"\nmargin = \"3%\"";

#[test]
fn one_server_followed_with_fees_and_creation_fees() {
    if !has_python() {
        return;
    }
    let named = strategy(&format!("{FOLLOW}\nreplace = \"never\""));
    let named = under("fee_percent = \"1.25\"\ncreation_fee = \"0.03\"", &named);
    let told = agreed(&named, &one_rival(), &[]);
    assert!(number(&told, "raises") >= 2 && number(&told, "lowerings") >= 5, "{told}");
    assert!(number(&told, "restarts") >= 3 && number(&told, "interruptions") >= 2, "{told}");
    let flagged = agreed(&named, &one_rival(), &["--fee-percent", "7.5", "--creation-fee", "0.111"]);
    assert!(told["fees"] != "0" && told["fees"] != flagged["fees"], "{told}");
}

#[test]
fn one_server_bid_anew_and_one_walked_down_by_a_ladder() {
    if !has_python() {
        return;
    }
    let anew = under("creation_fee = \"0.001\"", &strategy(FOLLOW));
    let told = agreed(&anew, &one_rival(), &["--step", "0.001"]);
    assert!(number(&told, "replaces") >= 1 && number(&told, "places") >= 2, "{told}");
    let ladder = strategy("policy = \"ladder\"\nopen = \"3\"\nstay = \"5m\"\nrung = \"0.2\"");
    let told = agreed(&ladder, &one_rival(), &["--lower-every", "90s", "--step", "0.3"]);
    assert!(number(&told, "lowerings") >= 5 && number(&told, "raises") >= 1, "{told}");
}

#[test]
fn several_servers_at_once_and_in_turns() {
    if !has_python() {
        return;
    }
    let two = strategy(FOLLOW).replace("servers = [1]", "servers = [1, 2, 3]\nwant = 2");
    let told = agreed(&two.replace(FOLLOW, &format!("{FOLLOW}\nlost = \"move\"")), &three_servers(), &[]);
    assert!(number(&told, "moves") >= 1 && number(&told, "places") >= 3, "{told}");
    let told = agreed(&two, &three_servers(), &["--fee-percent", "2"]);
    assert_eq!(told["wanted_server_seconds"], "6001.332");
}

#[test]
fn two_targets_with_values_of_their_own_the_one_priced_on_demand() {
    if !has_python() {
        return;
    }
    let second = "[[target]]\nname = \"u\"\nservers = [2, 3]\n[target.value]\nper_day = \"on_demand\"\n\
                  restart_cost = \"7m\"\n[target.bid]\npolicy = \"fixed\"\nopen = \"2.5\"\nlost = \"wait\"\n";
    let text = strategy(FOLLOW) + second;
    let mut tape = three_servers();
    // Renting on demand is twice as dear while server 2 is taken.
    let (before, after) = tape.lines.rsplit_once("\"on_demand\":{\"USD-Blockchain\":9,").expect("a listing");
    tape.lines = format!("{before}\"on_demand\":{{\"USD-Blockchain\":7,{after}");
    let told = agreed(&text, &tape, &[]);
    assert!(number(&told, "restarts") >= 4, "{told}");
    // Until a server is first listed, a day without it counts as what it costs then.
    let (_, unlisted) = tape.lines.split_once('\n').expect("a first line");
    let told = agreed(&text, &Tape { lines: Tape::of(&[1]).lines + unlisted }, &[]);
    assert!(number(&told, "restarts") >= 4, "{told}");
}

#[test]
fn a_gap_of_the_tape_counts_as_neither_held_nor_unheld() {
    if !has_python() {
        return;
    }
    let tape = one_rival().market(5_399_999, 1, &[]).market(5_500_000, 1, &[(9, "2", false)]).market(5_700_000, 1, &[]);
    let named = under("fee_percent = \"1\"\ncreation_fee = \"0.01\"", &strategy(FOLLOW));
    let told = agreed(&named, &tape, &["--gap", "29m"]);
    assert_eq!(told["gap_seconds"], "1799.999", "{told}");
    let whole = agreed(&named, &tape, &[]);
    assert!(whole["gap_seconds"] == "0" && whole["cost"] != told["cost"], "{whole}");
}

#[test]
fn rivals_that_answer() {
    if !has_python() {
        return;
    }
    let told = agreed(&strategy(FOLLOW), &one_rival(), &["--rivals", "counter"]);
    let alone = agreed(&strategy(FOLLOW), &one_rival(), &[]);
    assert!(told["rivals"] == "counter" && told["cost"] != alone["cost"], "{told}");
}

#[tokio::test]
async fn a_paper_run_over_midnight_costs_what_its_days_say() {
    if !has_python() {
        return;
    }
    let rival = "[[server.rival]]\nat = \"20m\"\nuntil = \"50m\"\nbid = \"0.0000251\"\n[[server.event]]\nat = \"80m\"\n\
                 for = \"4m\"\nkind = \"offline\"\n";
    let venue = "fee_percent = \"1.25\"\nlatency = \"100ms..400ms\"\ncreation_fee = { bitcoin = \"0.0000003\" }";
    let scenario = format!("start = \"2026-01-01T22:59:47.351Z\"\n{}", one_server(venue, rival));
    let ran = World::new(&scenario).run(&follow("replace = \"never\""), Span::from_secs(2 * 3600)).await;
    let counted = recomputed(&ran.db, &["--fee-percent", "1.25", "--creation-fee", "0.0000003"]);
    let spend = history(&ran.db, "spend");
    assert_eq!(spend.as_array().map(Vec::len), Some(2), "{spend}");
    assert!(spend[0]["fees"] != "0" && spend[0]["cost"] != spend[1]["cost"], "{spend}");
    assert_eq!(counted["spend"], spend);
    let holdings = history(&ran.db, "holdings");
    assert!(holdings.as_array().is_some_and(|all| all.len() >= 5), "{holdings}");
    assert_eq!(counted["holdings"], holdings);
    assert_eq!(counted["restarts"], 3, "won, won back, and back after the outage: {holdings}");
    // Nothing in the views tells what renting on demand would have cost.
    assert_eq!(counted["effective_cost"], Value::Null);
}
