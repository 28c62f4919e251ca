//! What the policy adaptive learned is not lost: a tape teaches it before its first bid, a restart keeps it, and a run
//! that was taught replays like any other.

use std::path::Path;
use std::process::{Command, Stdio};

const ADAPTIVE: &str = "name = \"a\"\ncurrency = \"bitcoin\"\n[limits]\nmax_bid = \"0.00008\"\n[[target]]\n\
                        servers = [6]\n[target.bid]\npolicy = \"adaptive\"\n";

/// How it ended, and what it printed on stdout and on stderr.
fn clorebid(folder: &Path, line: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clorebid"));
    command.current_dir(folder).env_remove("CLORE_API_KEY").env("NO_COLOR", "1").stdin(Stdio::null());
    let output = command.args(line.split(' ')).output().expect("the binary");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// A folder with a strategy, and a tape of four hours on paper.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("s.toml"), ADAPTIVE).expect("a strategy");
    for line in [
        "run --strategy s.toml --for 4h --time-scale 1000000 --db day.db --quiet",
        "tape export --run 1 --out day.jsonl.zst --db day.db",
    ] {
        let (code, _, said) = clorebid(folder.path(), line);
        assert_eq!(code, 0, "{line}: {said}");
    }
    folder
}

/// The price of the first bid of that journal.
fn first_bid(folder: &Path, db: &str) -> String {
    let (code, bids, said) = clorebid(folder, &format!("history bids --limit 1 --format json --db {db}"));
    assert_eq!(code, 0, "{said}");
    let rows: serde_json::Value = serde_json::from_str(&bids).expect("JSON");
    rows[0]["new_price"].as_str().expect("a price").to_owned()
}

#[test]
fn a_tape_teaches_before_the_first_bid_and_the_run_replays() {
    let folder = folder();
    let hour = "run --strategy s.toml --for 10m --time-scale 1000000 --quiet";
    for (more, db) in [("", "anew.db"), (" --learn-from day.jsonl.zst", "taught.db")] {
        let (code, _, said) = clorebid(folder.path(), &format!("{hour}{more} --db {db}"));
        assert_eq!(code, 0, "{said}");
        for check in ["replay", "verify"] {
            let (code, _, said) = clorebid(folder.path(), &format!("{check} --db {db}"));
            assert_eq!(code, 0, "{check} {db}: {said}");
        }
    }
    // Nobody knows the server: a margin of 20 %. Its moves tell what it takes.
    assert_ne!(first_bid(folder.path(), "anew.db"), first_bid(folder.path(), "taught.db"));
}

#[test]
fn what_teaches_nothing_is_a_mistake_and_bids_nothing() {
    let folder = folder();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).expect("a strategy");
    write("follow.toml", ADAPTIVE.replace("adaptive", "follow"));
    write("other.toml", ADAPTIVE.replace("[6]", "[17]"));
    for (strategy, tape, why) in [
        ("follow.toml", "day.jsonl.zst", "no target of this strategy bids by it"),
        ("other.toml", "day.jsonl.zst", "no price of a server that this strategy could take moves"),
        ("s.toml", "missing.jsonl", "missing.jsonl"),
    ] {
        let line = format!("run --strategy {strategy} --learn-from {tape} --for 1m --time-scale 1000000 --db x.db");
        let (code, _, said) = clorebid(folder.path(), &line);
        assert!(code == 2 && said.contains(why), "{line}: {code} {said}");
        let (_, bids, _) = clorebid(folder.path(), "history bids --format csv --db x.db");
        assert!(bids.lines().count() <= 1, "{bids}");
    }
}
