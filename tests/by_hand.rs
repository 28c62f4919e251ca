//! The venue by hand: market, orders, wallets and cancel, against the exchange in another process.

mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use clorebid::history::View;
use common::{follow, rows};
use serde_json::Value;

/// The exchange as a process; it ends with this value.
struct Exchange {
    process: Child,
    url: String,
}

impl Exchange {
    fn start() -> Exchange {
        Exchange::start_at_scale("20")
    }

    fn start_at_scale(scale: &str) -> Exchange {
        let mut process = Command::new(env!("CARGO_BIN_EXE_clorebid"))
            .args(["exchange", "--listen", "127.0.0.1:0", "--api-key", "by-hand", "--time-scale", scale])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the exchange");
        let stderr = process.stderr.take().expect("its messages");
        let line = BufReader::new(stderr).lines().next().expect("a line").expect("text");
        let url = line.split_whitespace().find(|w| w.starts_with("http://")).expect("an address");
        let url = url.trim_end_matches(',').to_owned();
        Exchange { process, url }
    }

    fn command(&self, folder: &Path, key: &str, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clorebid"));
        command.current_dir(folder).args(args).args(["--api-url", &self.url]).env("CLORE_API_KEY", key);
        command.output().expect("the binary")
    }

    /// What a command prints as JSON rows.
    fn json(&self, folder: &Path, args: &[&str]) -> Vec<Value> {
        let output = self.command(folder, "by-hand", &[args, &["--format", "json"]].concat());
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON rows")
    }

    /// Runs the bot for ten of the venue's minutes.
    fn bot(&self, folder: &Path, more: &[&str]) -> Output {
        std::fs::write(folder.join("s.toml"), follow("")).expect("a strategy");
        let run = ["run", "--live", "--strategy", "s.toml", "--time-scale", "20", "--for", "1m"];
        self.command(folder, "by-hand", &[&run, more].concat())
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let _already_gone = self.process.kill();
        let _already_reaped = self.process.wait();
    }
}

#[tokio::test]
async fn what_a_person_asks_is_answered_and_journaled() {
    let exchange = Exchange::start();
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path();
    let wallets = exchange.json(dir, &["wallets"]);
    assert!(wallets.iter().any(|w| w["currency"] == "bitcoin" && w["balance"] == "0.01"), "{wallets:?}");
    let servers = exchange.json(dir, &["market"]);
    assert!(servers.iter().any(|s| s["server"] == 6 && s["floor bitcoin"] == "0.00002"), "{servers:?}");
    let offers = exchange.json(dir, &["market", "6", "17"]);
    assert!(offers.iter().any(|o| o["server"] == 6), "{offers:?}");

    assert!(exchange.bot(dir, &[]).status.success());
    let orders = exchange.json(dir, &["orders"]);
    assert_eq!(orders.len(), 1, "the run left its order standing: {orders:?}");
    let id = orders[0]["order"].to_string();
    let cancelled = exchange.json(dir, &["cancel", &id]);
    assert_eq!(cancelled[0]["outcome"], "applied");
    assert_eq!(exchange.json(dir, &["orders"]).len(), 0);
    let again = exchange.command(dir, "by-hand", &["cancel", &id]);
    assert_eq!(again.status.code(), Some(1), "there is nothing left to cancel");

    let bids = rows(&dir.join("clorebid.db"), View::Bids).await;
    let by_hand: Vec<_> = bids.iter().filter(|b| b["reason"] == "asked for by hand").collect();
    assert_eq!(by_hand.len(), 2, "both cancellations are on record: {by_hand:?}");
    assert_eq!((by_hand[0]["outcome"].as_str(), by_hand[1]["outcome"].as_str()), ("applied", "refused"));
    let first = &by_hand[0];
    let (server, order, old_price) =
        (first["server"].as_str(), first["offer_id"].as_str(), first["old_price"].as_str());
    assert_eq!((server, order, old_price), ("6", id.as_str(), "0.00002"), "{by_hand:?}");
}

#[test]
fn cancel_all_leaves_nothing() {
    let exchange = Exchange::start();
    let folder = tempfile::tempdir().expect("a folder");
    assert!(exchange.bot(folder.path(), &[]).status.success());
    assert_eq!(exchange.json(folder.path(), &["cancel", "--all"]).len(), 1);
    assert_eq!(exchange.json(folder.path(), &["orders"]).len(), 0);
}

#[test]
fn a_wrong_key_is_exit_3_for_a_person_and_for_a_run() {
    let exchange = Exchange::start();
    let folder = tempfile::tempdir().expect("a folder");
    let wallets = exchange.command(folder.path(), "wrong-key-of-mine", &["wallets"]);
    assert_eq!(wallets.status.code(), Some(3));
    std::fs::write(folder.path().join("s.toml"), follow("")).expect("a strategy");
    let run = exchange.command(folder.path(), "wrong-key-of-mine", &["run", "--live", "--strategy", "s.toml"]);
    let said = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(3), "{said}");
    assert!(said.contains("refuses the API key") && !said.contains("wrong-key-of-mine"), "{said}");
}

#[test]
fn on_exit_cancel_leaves_nothing_and_observe_only_makes_nothing() {
    let exchange = Exchange::start();
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path();
    let observed = exchange.bot(dir, &["--observe-only"]);
    assert!(observed.status.success());
    assert_eq!(exchange.json(dir, &["orders", "--completed"]).len(), 0, "observing bids nothing");
    let left = exchange.bot(dir, &["--on-exit", "cancel"]);
    assert!(left.status.success(), "{}", String::from_utf8_lossy(&left.stderr));
    assert_eq!(exchange.json(dir, &["orders"]).len(), 0, "nothing stands after the run");
    assert_eq!(exchange.json(dir, &["orders", "--completed"]).len(), 1, "though something did");
}

#[test]
fn one_command_right_after_another_gives_the_venue_its_second() {
    let exchange = Exchange::start_at_scale("1");
    let folder = tempfile::tempdir().expect("a folder");
    for _ in 0..3 {
        exchange.json(folder.path(), &["wallets"]);
    }
}

#[tokio::test]
async fn a_run_right_after_a_command_gives_the_venue_its_second() {
    let exchange = Exchange::start_at_scale("1");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("s.toml"), follow("")).expect("a strategy");
    let run = ["run", "--live", "--strategy", "s.toml", "--for", "3s"];
    for _ in 0..2 {
        // The second run goes on from the first one's journal, which makes it rest in another way.
        exchange.json(folder.path(), &["wallets"]);
        let ran = exchange.command(folder.path(), "by-hand", &run);
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }
    let requests = rows(&folder.path().join("clorebid.db"), View::Requests).await;
    assert!(requests.len() > 4, "{requests:?}");
    assert!(requests.iter().all(|request| request["error"].is_empty()), "{requests:?}");
}
