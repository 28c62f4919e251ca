//! Every kind of run is decided alike when its journal is played back, and a touched answer shows.

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use clorebid::audit::replay::replay;
use clorebid::core::time::Span;
use clorebid::history::History;
use clorebid::sim::Scenario;
use common::{World, assert_sound, assert_sound_and_busy, follow, one_server};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

fn builtin(name: &str) -> World {
    World::new(Scenario::builtin_text(name).expect("a built-in scenario"))
}

#[tokio::test]
async fn six_hours_of_the_demo_market() {
    let ran = builtin("demo").run(include_str!("../strategies/follow.toml"), Span::from_secs(6 * 3600)).await;
    assert_sound_and_busy(&ran.db, 10_000, 10).await;
}

#[tokio::test]
async fn a_crowd_of_rivals_chosen_among_by_match() {
    let ran = builtin("crowd").run(include_str!("../strategies/cheapest.toml"), Span::from_secs(2 * 3600)).await;
    assert_sound_and_busy(&ran.db, 5_000, 5).await;
}

#[tokio::test]
async fn a_venue_that_fails() {
    let world = builtin("faults");
    let ran = world.run(include_str!("../strategies/follow.toml"), Span::from_secs(3 * 3600)).await;
    let failed: BTreeSet<&str> = world.truth().log().iter().filter_map(|e| e.fault).collect();
    assert!(failed.len() > 2, "only by {failed:?}");
    assert_sound_and_busy(&ran.db, 4_500, 10).await;
}

#[tokio::test]
async fn over_http_on_a_ladder() {
    let world = builtin("demo");
    let ran = world.run_over_http(include_str!("../strategies/ladder.toml"), Span::from_secs(3600)).await;
    assert_sound_and_busy(&ran.db, 2_500, 5).await;
}

#[tokio::test]
async fn limits_that_refuse_are_noted_alike() {
    let rival = "[[server.rival]]\nat = \"5m\"\nuntil = \"20m\"\nbid = \"0.00005\"\n";
    let strategy = follow("").replace("[[target]]", "max_total_cost = \"0.0000004\"\n[[target]]");
    let ran = World::new(&one_server("", rival)).run(&strategy, Span::from_secs(3600)).await;
    let mut history = History::open_read_only(&ran.db).await.expect("a journal");
    let denied = history.sql("SELECT * FROM notices WHERE kind = 'denied'").await.expect("notices");
    assert!(!denied.rows.is_empty(), "a limit said no");
    assert_sound_and_busy(&ran.db, 2_000, 3).await;
}

#[tokio::test]
async fn a_run_by_name_that_is_not_there() {
    let ran = builtin("demo").run(&follow(""), Span::from_secs(60)).await;
    let mut history = History::open_read_only(&ran.db).await.expect("a journal");
    let error = replay(&mut history, 7).await.expect_err("there is one run");
    assert!(error.to_string().contains("no run 7"), "{error}");
}

/// Runs the binary in that folder; its exit code and all that it said.
fn clorebid(folder: &Path, args: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clorebid"));
    let output = command.current_dir(folder).args(args).output().expect("the binary");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().expect("an exit code"), String::from_utf8_lossy(&said).into_owned())
}

const PAPER: [&str; 7] = ["run", "--strategy", "s.toml", "--for", "40m", "--time-scale", "1000000"];

fn folder_with_strategy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("s.toml"), include_str!("../strategies/follow.toml")).expect("a strategy");
    folder
}

#[tokio::test]
async fn a_run_that_leaves_nothing_behind_and_one_that_only_observes() {
    let folder = folder_with_strategy();
    for more in [["--on-exit", "cancel"], ["--observe-only", "--quiet"]] {
        let (code, said) = clorebid(folder.path(), &[&PAPER[..], &more].concat());
        assert_eq!(code, 0, "{said}");
    }
    let summaries = assert_sound(&folder.path().join("clorebid.db")).await;
    assert!(summaries[0].changes >= 2 && summaries[1].changes == 0, "{summaries:?}");
    let mut history = History::open_read_only(&folder.path().join("clorebid.db")).await.expect("a journal");
    let exits = history.sql("SELECT seq FROM bids WHERE reason = 'the run ends'").await.expect("bids");
    assert!(!exits.rows.is_empty(), "it cancelled on exit");
}

#[tokio::test]
async fn the_commands_and_their_exit_codes() {
    let folder = folder_with_strategy();
    assert_eq!(clorebid(folder.path(), &PAPER).0, 0);
    let (code, said) = clorebid(folder.path(), &["replay"]);
    assert!(code == 0 && said.starts_with("run 1: ") && said.contains("all decided alike"), "{said}");
    let (code, said) = clorebid(folder.path(), &["replay", "1", "--format", "json"]);
    assert!(code == 0 && said.contains("\"difference\":null"), "{said}");
    let (code, said) = clorebid(folder.path(), &["verify"]);
    assert!(code == 0 && said.contains("chain") && said.contains("I12"), "{said}");
    let (code, said) = clorebid(folder.path(), &["why", "1", "40"]);
    assert!(code == 0 && said.contains("what was known") && said.contains("would like to"), "{said}");
    assert_eq!(clorebid(folder.path(), &["why", "1", "4000000"]).0, 2);
    assert_eq!(clorebid(folder.path(), &["replay", "9"]).0, 2);
    assert_eq!(clorebid(folder.path(), &["verify", "--run", "9"]).0, 2);
    touch_an_answer(&folder.path().join("clorebid.db")).await;
    let (code, said) = clorebid(folder.path(), &["replay"]);
    assert!(code == 5 && said.contains("first difference") && said.contains("decided now"), "{said}");
    let (code, said) = clorebid(folder.path(), &["verify"]);
    assert!(code == 5 && said.contains("the journal is not sound") && said.contains("chain: replies"), "{said}");
}

/// Turns the venue's yes to the first create into a no that nobody gave.
async fn touch_an_answer(db: &Path) {
    let mut conn = SqliteConnectOptions::new().filename(db).connect().await.expect("a database");
    for sql in [
        "DROP TRIGGER replies_no_update",
        "UPDATE replies SET body = CAST('{\"code\":6,\"error\":\"server-offline\"}' AS BLOB), encoding = 0 \
         WHERE id IN (SELECT a.reply_id FROM answers a JOIN changes c ON c.id = a.id WHERE c.action = 'place')",
    ] {
        sqlx::query(sql).execute(&mut conn).await.expect("a touched answer");
    }
}
