//! From a journal to a tape and back: nothing is lost, and a tape that went through comes out the same.

use std::io::{Cursor, Read};

use clorebid::tape::Reader;

use crate::support::{clorebid, file, line, printed, said, spot};

type Row = (i64, String, u16, Vec<u8>);

fn records(bytes: &[u8]) -> Vec<Row> {
    let mut reader = Reader::from_read("t", Cursor::new(bytes.to_vec())).unwrap();
    let mut rows = Vec::new();
    while let Some(r) = reader.next().unwrap() {
        rows.push((r.at.ms(), format!("{:?}", r.request), r.status, r.body_bytes().into_owned()));
    }
    rows
}

/// Through a journal and out, twice, plain and packed: the records stay, and from the first export on every byte.
pub(crate) fn round_trip(tape: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "given", tape);
    let ask = |args: &[&str]| printed(clorebid(folder.path(), args));
    assert_eq!(ask(&["tape", "import", "given"]), "1\n");
    ask(&["tape", "export", "--run", "1", "--out", "first.jsonl"]);
    assert_eq!(ask(&["tape", "import", "first.jsonl"]), "2\n");
    ask(&["tape", "export", "--run", "2", "--out", "second.jsonl.zst"]);
    let read = |name| std::fs::read(folder.path().join(name)).unwrap();
    let (first, second) = (read("first.jsonl"), read("second.jsonl.zst"));
    let mut unpacked = Vec::new();
    zstd::Decoder::new(Cursor::new(second)).unwrap().read_to_end(&mut unpacked).unwrap();
    assert_eq!(String::from_utf8(first.clone()).unwrap(), String::from_utf8(unpacked).unwrap());
    assert_eq!(records(&first), records(tape));
    let runs = ask(&["--format", "csv", "history", "runs"]);
    assert!(runs.contains(",backtest,tape-import,"), "{runs}");
}

#[test]
fn a_tape_goes_through_a_journal_and_comes_out_the_same() {
    let mut tape = spot(0, 6, "0.1", "") + &spot(1, 6, "0.1", "") + &spot(1, 17, "1e-7", "");
    tape += &line(2, "marketplace", "{}", 200, r#"{ "servers" : [], "ü" : "\u00fc\n", "code":0 }"#);
    tape += &line(3, "my_orders", "{\"return_completed\":true}", 200, r#"{"orders":[],"code":0}"#);
    tape += &line(3, "my_orders", "{}", 200, r#"{"orders":[],"code":0}"#);
    tape += &line(3, "wallets", "{}", 429, r#"{"code":5}"#);
    tape += &line(4, "wallets", "{}", 502, r#""<html>\"no\"\n</html>""#);
    tape += &line(5, "wallets", "{}", 500, "null");
    // Enough for several commits and pages.
    tape.extend((6..2500).map(|n| spot(n, 6, &format!("0.{}", n % 7 + 1), "")));
    round_trip(tape.as_bytes());
}

#[test]
fn a_tape_of_a_paper_run_holds_every_answer_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let strategy = include_str!("../../strategies/follow.toml");
    file(folder.path(), "s.toml", strategy);
    let args = ["-q", "run", "--strategy", "s.toml", "--for", "20m", "--time-scale", "1000000", "--scenario", "demo"];
    printed(clorebid(folder.path(), &args));
    printed(clorebid(folder.path(), &["tape", "export", "--run", "1", "--out", "t.jsonl"]));
    let sql = "history sql|SELECT count(*) AS n FROM requests WHERE http_status IS NOT NULL AND call IN \
               ('spot_marketplace', 'marketplace', 'my_orders', 'wallets')";
    let args: Vec<&str> = ["--format", "csv"]
        .into_iter()
        .chain(
            sql.split('|')
                .flat_map(|part| if part == "history sql" { part.split(' ').collect::<Vec<_>>() } else { vec![part] }),
        )
        .collect();
    let counted = printed(clorebid(folder.path(), &args));
    let tape = std::fs::read_to_string(folder.path().join("t.jsonl")).unwrap();
    assert_eq!(counted.lines().last(), Some(tape.lines().count().to_string().as_str()));
    assert!(tape.lines().count() > 500, "{} lines", tape.lines().count());
    for secret in ["\"env\"", "\"command\"", "ssh_password", "ssh_key", "jupyter_token", "auth"] {
        assert!(!tape.contains(secret), "{secret}");
    }
    for call in ["spot_marketplace", "my_orders", "wallets"] {
        assert!(tape.contains(&format!("\"call\":\"{call}\"")), "{call}");
    }
    let again = clorebid(folder.path(), &["tape", "export", "--run", "1", "--out", "t.jsonl"]);
    assert_eq!(again.status.code(), Some(2), "an existing tape is not written over: {}", said(&again));
    let none = clorebid(folder.path(), &["tape", "export", "--run", "9", "--out", "u.jsonl"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(said(&none).contains("there is no run 9"), "{}", said(&none));
}
