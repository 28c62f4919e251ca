//! What `status` and `history summary` tell: by the real program, from another process than the run's, by the journal
//! alone.

mod common;

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use clorebid::audit::status::{Outside, status};
use clorebid::clock::rfc3339;
use clorebid::core::time::{Span, Time};
use clorebid::history::{History, View};
use common::{World, follow};
use rust_decimal::Decimal;
use serde_json::Value;

const KEY: &str = "seen-from-outside";
/// Nobody's number, who may read and not write.
const NOBODY: u32 = 65_534;

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Desk {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("s.toml"), follow("")).expect("a strategy");
        Desk { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn bot(&self, args: &[&str]) -> Command {
        let mut bot = Command::new(env!("CARGO_BIN_EXE_clorebid"));
        bot.current_dir(self.folder.path()).args(args).env_remove("CLORE_API_KEY").env_remove("COLUMNS");
        bot.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        bot
    }

    fn said(&self, args: &[&str]) -> String {
        text(self.bot(args).output().expect("the program"))
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.said(&[args, &["--format", "json"]].concat())).expect("JSON")
    }

    fn paper(&self, span: &str, scale: &str) -> Command {
        let scenario = format!("{}/tests/scenarios/contested.toml", env!("CARGO_MANIFEST_DIR"));
        let mut run = self.bot(&["run", "--strategy", "s.toml", "--time-scale", scale, "--for", span, "--quiet"]);
        run.args(["--scenario", &scenario]);
        run
    }

    /// Waits until status says what is asked for; the last word where it never does.
    fn wait_for(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let since = Instant::now();
        loop {
            let output = self.bot(&["status", "--format", "json"]).output().expect("the program");
            let seen: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
            if wanted(&seen) || since.elapsed() > Duration::from_secs(60) {
                return seen;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn text(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn end(mut child: Child) {
    child.kill().and_then(|()| child.wait()).expect("its end");
}

fn is_holding(status: &Value) -> bool {
    status["servers"][0]["state"] == "holding"
}

#[test]
fn a_run_that_ended_is_told_with_all_that_it_left() {
    let desk = Desk::new();
    assert!(desk.paper("2h", "1000000").status().expect("a run").success());
    let status = desk.json(&["status"]);
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(
        keys(&status),
        "as_of blind cut_short ended_at last_good_read_age_seconds last_good_read_at mode money notices pid run running \
         servers started_at strategy targets"
    );
    assert_eq!(
        keys(&status["servers"][0]),
        "best_rival bid cost cost_per_day floor held_back_by next_lower_at next_lower_in_seconds order server since state \
         target wish"
    );
    assert_eq!(
        keys(&status["money"]),
        "balance currency max_bid max_daily_cost max_orders max_total_cost min_balance orders per_day spent_last_day \
         spent_total usd_rate"
    );
    assert_eq!(
        (&status["mode"], &status["running"], &status["cut_short"]),
        (&"paper".into(), &false.into(), &false.into())
    );
    assert_eq!((&status["blind"], &status["pid"]), (&false.into(), &Value::Null));
    assert_eq!(status["targets"][0], serde_json::json!({"target": "trainer", "wanted": 1, "held": 1}));
    assert!(is_holding(&status) && status["servers"][0]["since"].is_string(), "{status}");

    // What it last bid is what the record of its bids says.
    let bids = desk.json(&["history", "bids"]);
    let last = bids.as_array().and_then(|bids| bids.iter().rfind(|bid| bid["outcome"] == "applied")).expect("a bid");
    assert_eq!(status["servers"][0]["bid"], last["new_price"]);
    let words = desk.said(&["status"]);
    assert!(words.starts_with("PAPER  follow  not running since "), "{words}");
    assert!(!words.contains("WARNING") && words.contains("target trainer: holds 1 of 1"), "{words}");
    let exact = desk.said(&["status", "--exact"]);
    assert!(exact.contains(status["money"]["spent_total"].as_str().expect("a sum")), "{exact}");
}

#[test]
fn every_line_fits_the_terminal() {
    let desk = Desk::new();
    assert!(desk.paper("2h", "1000000").status().expect("a run").success());
    for columns in [80, 140] {
        for command in
            [&["status"][..], &["history", "bids"], &["history", "summary"], &["history", "requests", "--limit", "9"]]
        {
            let printed = text(desk.bot(command).env("COLUMNS", columns.to_string()).output().expect("the program"));
            let longest = printed.lines().map(|line| line.chars().count()).max();
            assert!(longest.is_some_and(|longest| longest <= columns), "{command:?} at {columns}:\n{printed}");
            assert!(printed.contains("0.0000") || command.contains(&"requests"), "no price is broken:\n{printed}");
        }
    }
}

#[test]
fn a_run_that_is_on_is_told_as_running_and_one_that_was_killed_as_not() {
    let desk = Desk::new();
    let run = desk.paper("30d", "60").spawn().expect("a run");
    let status = desk.wait_for(is_holding);
    assert!(is_holding(&status) && status["running"] == true, "{status}");
    assert_eq!(status["pid"], run.id().to_string());
    assert_eq!(status["ended_at"], Value::Null);
    assert!(desk.said(&["status"]).contains("running since "));
    end(run);
    let status = desk.json(&["status"]);
    assert_eq!((&status["running"], &status["cut_short"]), (&false.into(), &true.into()), "{status}");
    assert!(desk.said(&["status"]).contains("not running since "));
    assert!(is_holding(&status), "what may still stand is told: {status}");
}

#[test]
fn a_journal_that_one_may_only_read_is_enough() {
    let desk = Desk::new();
    assert!(desk.paper("2h", "1000000").status().expect("a run").success());
    let whole = desk.said(&["status"]);
    for beside in ["clorebid.db-wal", "clorebid.db-shm"] {
        let _it_may_be_gone = std::fs::remove_file(desk.path(beside));
    }
    let allow =
        |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
    let program = desk.path("clorebid");
    std::fs::copy(env!("CARGO_BIN_EXE_clorebid"), &program).expect("a copy that anybody may run");
    allow(&program, 0o755);
    for file in ["clorebid.db", "clorebid.db.lock"] {
        allow(&desk.path(file), 0o444);
    }
    allow(desk.folder.path(), 0o555);
    let mut status = Command::new(&program);
    status.current_dir(desk.folder.path()).arg("status").env_remove("CLORE_API_KEY").env_remove("COLUMNS");
    // Whom the file's mode does not bind takes somebody else's place.
    if std::fs::write(desk.path("may-write"), "").is_ok() {
        status.uid(NOBODY).gid(NOBODY);
    }
    let output = status.output().expect("the program");
    allow(desk.folder.path(), 0o755);
    assert_eq!(text(output), whole);
    assert!(!desk.path("clorebid.db-shm").exists(), "nothing was made beside it");
}

#[test]
fn a_run_whose_exchange_is_gone_is_told_as_blind() {
    let desk = Desk::new();
    let scenario = format!("{}/tests/scenarios/contested.toml", env!("CARGO_MANIFEST_DIR"));
    let mut exchange = desk
        .bot(&["exchange", "--listen", "127.0.0.1:0", "--api-key", KEY, "--time-scale", "60", "--scenario", &scenario])
        .spawn()
        .expect("the exchange");
    let line =
        BufReader::new(exchange.stderr.take().expect("its messages")).lines().next().expect("a line").expect("text");
    let url = line.split_whitespace().find(|w| w.starts_with("http://")).expect("an address").trim_end_matches(',');
    let stdout = exchange.stdout.take().expect("its log");
    std::thread::spawn(move || BufReader::new(stdout).lines().map_while(Result::ok).for_each(drop));
    let live = ["run", "--live", "--strategy", "s.toml", "--time-scale", "60", "--quiet", "--api-url", url];
    let run = desk.bot(&live).env("CLORE_API_KEY", KEY).stderr(Stdio::null()).spawn().expect("a run");
    let seeing = desk.wait_for(is_holding);
    assert!(is_holding(&seeing) && seeing["blind"] == false && seeing["mode"] == "live", "{seeing}");
    end(exchange);
    let blind = desk.wait_for(|status| status["blind"] == true);
    assert!(blind["last_good_read_age_seconds"].as_i64().is_some_and(|age| age >= 30), "{blind}");
    assert!(desk.said(&["status"]).contains("WARNING: blind: the last good read is "));
    end(run);
    let ended = desk.json(&["status"]);
    assert_eq!((&ended["running"], &ended["blind"]), (&false.into(), &false.into()), "nobody looks any more: {ended}");
}

#[test]
fn a_summary_adds_up_to_what_was_spent_and_never_mixes_modes() {
    let desk = Desk::new();
    assert!(desk.paper("5h", "1000000").status().expect("a run").success());
    let (summary, spend) = (desk.json(&["history", "summary"]), desk.json(&["history", "spend"]));
    let [row] = summary.as_array().expect("rows").as_slice() else { panic!("one place: {summary}") };
    let [day] = spend.as_array().expect("rows").as_slice() else { panic!("one day: {spend}") };
    for column in ["currency", "cost", "fees", "held_seconds"] {
        assert_eq!(row[column], day[column], "{column}");
    }
    assert_eq!((&row["mode"], &row["target"], &row["server"]), (&"paper".into(), &"trainer".into(), &6.into()));
    assert!(row["interruptions"].as_i64().is_some_and(|lost| lost > 0), "{row}");
    assert_eq!(desk.json(&["history", "summary", "--mode", "live"]), serde_json::json!([]));
    assert_eq!(desk.json(&["history", "summary", "--mode", "paper"]), summary);
    // Half of the time is not all of it.
    let half = desk.json(&["history", "summary", "--until", "2026-01-01T01:00:00Z"]);
    let held = |rows: &Value| rows[0]["held_seconds"].as_i64().unwrap_or(0);
    assert!((0..=3600).contains(&held(&half)) && held(&summary) > 3600, "{half}");
}

#[test]
fn a_time_may_be_told_as_so_long_ago() {
    let desk = Desk::new();
    assert!(desk.paper("1h", "1000000").status().expect("a run").success());
    let all = desk.json(&["history", "bids"]);
    assert!(all.as_array().is_some_and(|bids| !bids.is_empty()));
    assert_eq!(desk.json(&["history", "bids", "--since", "20000d"]), all);
    assert_eq!(desk.json(&["history", "bids", "--until", "20000d"]), serde_json::json!([]));
    let wrong = desk.bot(&["history", "bids", "--since", "7x"]).output().expect("the program");
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn without_a_run_there_is_no_status() {
    let desk = Desk::new();
    assert_eq!(desk.bot(&["status"]).output().expect("the program").status.code(), Some(2));
}

#[test]
fn watching_tells_again_and_again_until_it_is_ended() {
    let desk = Desk::new();
    assert!(desk.paper("1h", "1000000").status().expect("a run").success());
    let mut watch = desk.bot(&["status", "--watch", "--format", "json"]).spawn().expect("the program");
    let lines = BufReader::new(watch.stdout.take().expect("what it tells")).lines().map_while(Result::ok);
    let told: Vec<Value> = lines.take(2).map(|line| serde_json::from_str(&line).expect("JSON")).collect();
    assert_eq!(told[0], told[1], "nothing happens in a run that is over");
    let pid = watch.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("a signal").success());
    assert_eq!(watch.wait().expect("its end").code(), Some(0));
}

/// The core is rebuilt from a memory and what came since, not from the whole run: it comes to the same.
#[tokio::test]
async fn the_rebuilt_core_knows_what_the_one_that_ran_knew() {
    let scenario = include_str!("scenarios/contested.toml");
    for hours in [1, 2, 3, 5] {
        let ran = World::new(scenario).run(&follow(""), Span::from_secs(3_600 * hours)).await;
        let mut history = History::open_read_only(&ran.db).await.expect("a journal");
        let outside = Outside { holder: None, now: Time::from_ms(0) };
        let told = status(&mut history, &outside).await.expect("a status");
        let ended_at = ran.view(View::Runs).await[0]["ended_at"].clone();
        assert_eq!(told.as_of, ended_at);
        let now = chrono::DateTime::parse_from_rfc3339(&ended_at).expect("a time").timestamp_millis();
        let knew = ran.engine.status(Time::from_ms(now));
        assert_eq!(told.servers.len(), knew.servers.len());
        for (told, knew) in told.servers.iter().zip(&knew.servers) {
            assert_eq!((told.server, told.order), (knew.server.0, knew.order.map(|o| o.0)));
            assert_eq!(told.state, knew.state.code());
            let prices = [knew.our_bid, knew.floor, knew.best_rival].map(|p| p.map(|p| p.to_string()));
            assert_eq!([told.bid.clone(), told.floor.clone(), told.best_rival.clone()], prices);
            assert_eq!(told.next_lower_at, knew.next_lower_at.map(rfc3339));
        }
        assert_eq!(told.money.balance, knew.balance.map(|b| b.to_string()));
        assert_eq!(told.money.per_day, knew.per_day.to_string());
        // What was remembered on the way is rounded in its last places.
        let spent: Decimal = told.money.spent_total.parse().expect("a sum");
        assert_eq!(spent.round_dp(15), knew.spent.decimal().round_dp(15));
    }
}
