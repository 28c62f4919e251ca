//! Tapes made by hand, and the binary that backtests them as a script would call it.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(unreachable_pub, reason = "a module of several test programs")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use clorebid::clock::rfc3339;
use clorebid::core::time::Time;
use serde_json::Value;

/// 2026-01-01T00:00:00Z, where every made tape begins.
const START_MS: i64 = 1_767_225_600_000;

/// A tape, record by record; times are milliseconds since its beginning.
#[derive(Default)]
pub struct Tape {
    pub lines: String,
}

/// Somebody's offer: number, bid, whether it is ours.
pub type Offer<'a> = (u64, &'a str, bool);

impl Tape {
    /// Begins with a marketplace of these servers, none of them rented.
    pub fn of(servers: &[u64]) -> Tape {
        Tape::default().listed(0, &servers.iter().map(|s| (*s, false)).collect::<Vec<_>>())
    }

    /// The marketplace as of then: each server with whether it is rented on demand. On demand costs 9 USD a day.
    pub fn listed(mut self, at_ms: i64, servers: &[(u64, bool)]) -> Tape {
        let row = |(id, rented): &(u64, bool)| {
            format!(
                r#"{{"id":{id},"price":{{"on_demand":{{"USD-Blockchain":9,"CLORE-Blockchain":900}},"spot":{{"USD-Blockchain":0.5,"CLORE-Blockchain":50}}}},"rented":{rented}}}"#
            )
        };
        let servers: Vec<String> = servers.iter().map(row).collect();
        let body = format!(r#"{{"servers":[{}],"my_servers":[],"code":0}}"#, servers.join(","));
        self.push(at_ms, "marketplace", "{}", &body);
        self
    }

    /// One server as the marketplace lists it from then on, at that on-demand price in USD.
    pub fn priced(mut self, at_ms: i64, server: u64, on_demand: &str) -> Tape {
        let row = format!(
            r#"{{"id":{server},"price":{{"on_demand":{{"USD-Blockchain":{on_demand}}},"spot":{{"USD-Blockchain":0.5}}}},"rented":false}}"#
        );
        self.push(at_ms, "marketplace", "{}", &format!(r#"{{"servers":[{row}],"my_servers":[],"code":0}}"#));
        self
    }

    /// A server's spot market as of then; the floor is 0.5 USD.
    pub fn market(mut self, at_ms: i64, server: u64, offers: &[Offer<'_>]) -> Tape {
        let offer = |(id, bid, my): &Offer<'_>| format!(r#"{{"offer_id":{id},"bid":{bid},"active":true,"my":{my}}}"#);
        let offers: Vec<String> = offers.iter().map(offer).collect();
        let body = format!(
            r#"{{"market":{{"offers":[{}],"server":{{"min_pricing":{{"USD-Blockchain":0.5,"CLORE-Blockchain":50}},"mrl":2592000,"visibility":"public","online":true}}}},"exists":true,"code":0}}"#,
            offers.join(",")
        );
        self.push(at_ms, "spot_marketplace", &format!(r#"{{"market":{server}}}"#), &body);
        self
    }

    fn push(&mut self, at_ms: i64, call: &str, args: &str, body: &str) {
        let at = rfc3339(Time::from_ms(START_MS + at_ms));
        self.lines += &format!(r#"{{"at":"{at}","call":"{call}","args":{args},"status":200,"body":{body}}}"#);
        self.lines.push('\n');
    }
}

/// A strategy for server 1 whose money is easy to count: an unheld day costs 8.64 USD, a restart 0.1.
pub fn strategy(bid: &str) -> String {
    format!(
        "name = \"made\"\ncurrency = \"USD-Blockchain\"\n[limits]\nmax_bid = \"8\"\n[venue]\ntick = \"0.001\"\n\
         step = \"0.1\"\n[[target]]\nname = \"t\"\nservers = [1]\n[target.value]\nper_day = \"8.64\"\n\
         restart_cost = \"0.1\"\n[target.bid]\n{bid}\n"
    )
}

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Its lines of JSON, after a good end.
    pub fn objects(&self) -> Vec<Value> {
        assert_eq!(self.code, 0, "{}", self.err);
        self.out.lines().map(|l| serde_json::from_str(l).expect("a line of JSON")).collect()
    }
}

/// A folder with `s.toml` and `tape.jsonl`, and the binary started in it.
pub struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    pub fn new(strategy: &str, tape: &Tape) -> Desk {
        let desk = Desk { folder: tempfile::tempdir().expect("a folder") };
        desk.put("s.toml", strategy.as_bytes());
        desk.put("tape.jsonl", tape.lines.as_bytes());
        desk
    }

    pub fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.path().join(name), bytes).expect("a file");
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn files(&self) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = std::fs::read_dir(self.folder.path())
            .expect("a folder")
            .map(|e| PathBuf::from(e.expect("a file").file_name()))
            .collect();
        found.sort();
        found
    }

    /// `backtest --strategy s.toml` and what follows, with its output in pipes.
    pub fn start(&self, more: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_clorebid"))
            .args(["backtest", "--strategy", "s.toml"])
            .args(more)
            .current_dir(self.folder.path())
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary")
    }

    /// The same to its end.
    pub fn backtest(&self, more: &[&str]) -> Said {
        let output = self.start(more).wait_with_output().expect("the binary");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Said { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The same on `tape.jsonl`, with `--json`.
    pub fn json(&self, more: &[&str]) -> Vec<Value> {
        let mut args = vec!["--tape", "tape.jsonl", "--json"];
        args.extend(more);
        self.backtest(&args).objects()
    }
}
