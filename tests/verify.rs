//! What was written checks out; whatever is touched afterwards is found.

mod common;

use clorebid::audit::replay::replay;
use clorebid::audit::verify::{Report, verify};
use clorebid::core::time::Span;
use clorebid::history::History;
use clorebid::journal::{head_file, heads_in};
use clorebid::sim::Scenario;
use common::{World, assert_sound_and_busy, follow, one_server};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Row, TypeInfo, ValueRef};
use std::path::Path;

/// Every table with the columns that it stores.
const TABLES: [(&str, &[&str]); 14] = [
    (
        "run_starts",
        &[
            "run_id",
            "started_at",
            "mode",
            "strategy",
            "strategy_sha256",
            "strategy_toml",
            "version",
            "venue",
            "seed",
            "currency",
            "hash",
        ],
    ),
    ("calls", &["id", "call", "args", "request", "target", "hash"]),
    ("replies", &["id", "status", "code", "error", "outcome", "encoding", "base", "size", "body", "hash"]),
    ("sightings", &["id", "server", "floor", "best_rival", "our_bid", "holding", "online", "visibility", "hash"]),
    ("reads", &["id", "sent_at", "took", "call", "reply", "reason", "hash"]),
    (
        "changes",
        &[
            "id",
            "sent_at",
            "call",
            "args",
            "request",
            "target",
            "reason",
            "action",
            "server",
            "offer",
            "old_price",
            "new_price",
            "hash",
        ],
    ),
    ("answers", &["id", "answered_at", "reply", "offer", "hash"]),
    ("memories", &["id", "seq", "before", "at", "encoding", "size", "body", "hash"]),
    ("transitions", &["id", "seq", "at", "target", "server", "from_state", "to_state", "cause", "hash"]),
    ("stretches", &["id", "seq", "from_at", "target", "server", "offer", "bid", "fee_percent", "hash"]),
    ("stretch_ends", &["id", "stretch", "seq", "to_at", "cost", "hash"]),
    ("spending", &["id", "day", "cost", "fees", "held_ms", "hash"]),
    ("notice_rows", &["id", "seq", "at", "kind", "target", "server", "offer", "amount", "code", "words", "hash"]),
    ("run_ends", &["id", "ended_at", "ended_by", "heads", "hash"]),
];

/// The journal opened by somebody who means harm: no triggers, no checks.
async fn burgled(db: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(db).foreign_keys(false).pragma("synchronous", "OFF");
    let mut conn = options.pragma("ignore_check_constraints", "ON").connect().await.expect("a database");
    let triggers = sqlx::query("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetch_all(&mut conn).await;
    for row in triggers.expect("triggers") {
        let drop = format!("DROP TRIGGER {}", row.get::<String, _>(0));
        sqlx::query(AssertSqlSafe(drop)).execute(&mut conn).await.expect("a dropped trigger");
    }
    conn
}

/// A stored value.
#[derive(Debug, Clone, PartialEq)]
enum Stored {
    Int(i64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

impl Stored {
    /// The same with one byte flipped; `None` where it has none.
    fn flipped(&self, random: &mut ChaCha8Rng) -> Option<Stored> {
        let mask = u8::try_from(random.next_u32() % 255).expect("a byte") + 1;
        let at = |len: usize, random: &mut ChaCha8Rng| random.next_u32() as usize % len;
        Some(match self {
            Stored::Int(i) => {
                let mut bytes = i.to_be_bytes();
                bytes[at(8, random)] ^= mask;
                Stored::Int(i64::from_be_bytes(bytes))
            }
            Stored::Text(bytes) | Stored::Blob(bytes) if bytes.is_empty() => return None,
            Stored::Text(bytes) => Stored::Text(flip(bytes, at(bytes.len(), random), mask)),
            Stored::Blob(bytes) => Stored::Blob(flip(bytes, at(bytes.len(), random), mask)),
        })
    }
}

fn flip(bytes: &[u8], at: usize, mask: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= mask;
    bytes
}

/// A random stored value: its table, row and column.
async fn pick(conn: &mut SqliteConnection, random: &mut ChaCha8Rng) -> Option<(String, String, i64, Stored)> {
    let (table, columns) = TABLES[random.next_u32() as usize % TABLES.len()];
    let column = columns[random.next_u32() as usize % columns.len()];
    let count: i64 = sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
        .fetch_one(&mut *conn)
        .await
        .expect("a count");
    if count == 0 {
        return None;
    }
    let skip = i64::from(random.next_u32()) % count;
    // As bytes, since text that was flipped once need not be UTF-8.
    let sql =
        format!("SELECT rowid, {column}, CAST({column} AS BLOB), typeof({column}) FROM {table} LIMIT 1 OFFSET {skip}");
    let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut *conn).await.expect("a row");
    let stored = match row.get::<String, _>(3).as_str() {
        "integer" => Stored::Int(row.get(1)),
        "text" => Stored::Text(row.get_unchecked(2)),
        "blob" => Stored::Blob(row.get_unchecked(2)),
        _ => return None,
    };
    assert!(!row.try_get_raw(0).expect("a rowid").type_info().name().is_empty());
    Some((table.to_owned(), column.to_owned(), row.get(0), stored))
}

/// Writes the value; tells under which rowid the row is found from then on.
async fn put(conn: &mut SqliteConnection, table: &str, column: &str, rowid: i64, value: &Stored) -> Option<i64> {
    let slot = if matches!(value, Stored::Text(_)) { "CAST(? AS TEXT)" } else { "?" };
    let sql = format!("UPDATE {table} SET {column} = {slot} WHERE rowid = {rowid}");
    let query = sqlx::query(AssertSqlSafe(sql));
    let query = match value {
        Stored::Int(i) => query.bind(*i),
        Stored::Text(bytes) | Stored::Blob(bytes) => query.bind(bytes.clone()),
    };
    query.execute(conn).await.ok()?;
    let is_key = matches!(column, "id" | "run_id");
    Some(match value {
        Stored::Int(i) if is_key => *i,
        _ => rowid,
    })
}

/// How many bytes to flip: 1,000, or as many as CLOREBID_CASES says.
fn cases() -> usize {
    std::env::var("CLOREBID_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000)
}

#[tokio::test]
async fn any_single_byte_of_any_row_that_is_touched_is_found() {
    let rival = "[[server.rival]]\nat = \"2m\"\nuntil = \"6m\"\nbid = \"0.000025\"\n";
    let ran = World::new(&one_server("creation_fee = { bitcoin = \"0.0000001\" }", rival));
    let ran = ran.run(&follow("replace = \"never\""), Span::from_secs(630)).await;
    assert_sound_and_busy(&ran.db, 500, 4).await;
    let mut conn = burgled(&ran.db).await;
    let mut history = History::open_read_only(&ran.db).await.expect("a journal");
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for (table, _) in TABLES {
        let count = sqlx::query_scalar::<_, i64>(AssertSqlSafe(format!("SELECT count(*) FROM {table}")));
        assert!(count.fetch_one(&mut conn).await.expect("a count") > 0, "{table} has no row to touch");
    }
    let mut done = 0;
    while done < cases() {
        let Some((table, column, rowid, before)) = pick(&mut conn, &mut random).await else { continue };
        let Some(after) = before.flipped(&mut random).filter(|after| *after != before) else { continue };
        // Another row may already have that key.
        let Some(now_at) = put(&mut conn, &table, &column, rowid, &after).await else { continue };
        let report = verify(&mut history, None, &[]).await.expect("a report");
        assert!(!report.is_sound(), "{table}.{column} of row {rowid}: {before:?} to {after:?} was not found");
        put(&mut conn, &table, &column, now_at, &before).await.expect("the value as it was");
        done += 1;
    }
    assert!(verify(&mut history, None, &[]).await.expect("a report").is_sound(), "all as it was");
}

#[tokio::test]
async fn a_changed_answer_is_decided_otherwise_and_shown_side_by_side() {
    let ran = World::new(&one_server("", "")).run(&follow(""), Span::from_secs(600)).await;
    let mut conn = burgled(&ran.db).await;
    // The venue's yes to the first create becomes a no that nobody gave.
    let sql = "UPDATE replies SET body = CAST('{\"code\":6,\"error\":\"server-offline\"}' AS BLOB), encoding = 0, base = NULL \
        WHERE id IN (SELECT a.reply_id FROM answers a JOIN changes c ON c.id = a.id WHERE c.action = 'place')";
    sqlx::query(sql).execute(&mut conn).await.expect("a touched answer");
    let mut history = History::open_read_only(&ran.db).await.expect("a journal");
    let difference = replay(&mut history, 1).await.expect("a replay").difference.expect("a difference");
    assert!(!difference.before.is_empty() && difference.recorded != difference.decided, "{difference:?}");
    let report = verify(&mut history, None, &[]).await.expect("a report");
    assert!(report.broken().any(|c| c.check == "chain"), "{report:?}");
}

#[tokio::test]
async fn each_invariant_is_looked_at() {
    let scenario = Scenario::builtin_text("faults").expect("a built-in scenario");
    let ran = World::new(scenario).run(include_str!("../strategies/careful.toml"), Span::from_secs(3 * 3600)).await;
    let mut history = History::open_read_only(&ran.db).await.expect("a journal");
    let report = verify(&mut history, Some(1), &[]).await.expect("a report");
    assert!(report.is_sound(), "{report:#?}");
    for name in ["chain", "gaps", "answers", "views", "money", "states", "I1", "I2", "I3", "I10"] {
        let check = report.checks.iter().find(|c| c.check == name).expect("a check");
        assert!(check.checked > 0, "{name} looked at nothing");
    }
}

/// Rows that were never written by the bot, with a chain that does not matter here: only the invariants are asked.
#[tokio::test]
async fn breaches_are_named() {
    let rival = "[[server.rival]]\nat = \"2m\"\nuntil = \"6m\"\nbid = \"0.000025\"\n";
    for (breach, check) in [
        ("UPDATE changes SET new_price = '0.00007' WHERE action = 'place'", "I1"),
        ("UPDATE changes SET sent_at = sent_at - 1000 WHERE action = 'raise'", "I10"),
        ("UPDATE changes SET offer = 999999 WHERE action = 'raise'", "I12"),
        ("UPDATE transitions SET from_state = 'outbid' WHERE id & 4294967295 = 2", "states"),
        ("UPDATE stretch_ends SET cost = '0.1' WHERE id & 4294967295 = 1", "money"),
        ("UPDATE stretches SET target = 'another' WHERE id & 4294967295 = 1", "states"),
        ("DELETE FROM reads WHERE id & 4294967295 = 100", "gaps"),
        ("DELETE FROM answers", "answers"),
        (
            "UPDATE changes SET action = 'lower', old_price = '0.00005', new_price = '0.00004' WHERE action <> 'place'",
            "I9",
        ),
        (
            "UPDATE changes SET action = 'place', new_price = '0.00002', offer = NULL WHERE action IN ('raise', 'lower')",
            "I2",
        ),
    ] {
        let world = World::new(&one_server("", rival));
        let ran = world.run(&follow("replace = \"never\""), Span::from_secs(1800)).await;
        let mut conn = burgled(&ran.db).await;
        let done = sqlx::query(AssertSqlSafe(breach)).execute(&mut conn).await.expect("a breach");
        assert!(done.rows_affected() > 0, "{breach}");
        let mut history = History::open_read_only(&ran.db).await.expect("a journal");
        let report = verify(&mut history, None, &[]).await.expect("a report");
        assert!(report.broken().any(|c| c.check == check), "{breach} breaks {check}: {report:#?}");
    }
}

/// What the account's own reads told, put otherwise: the bids that were made then break I3.
#[tokio::test]
async fn a_bid_past_a_limit_on_the_whole_account_is_named() {
    let rival = "[[server.rival]]\nat = \"2m\"\nuntil = \"6m\"\nbid = \"0.000025\"\n\
                 [[server.rival]]\nat = \"10m\"\nuntil = \"20m\"\nbid = \"0.00003\"\n";
    let told = |call: &str, body: &str| {
        format!(
            "UPDATE replies SET encoding = 0, base = NULL, body = CAST('{body}' AS BLOB) WHERE id IN \
             (SELECT r.reply_id FROM reads r JOIN calls c ON c.id = r.call_id WHERE c.call = '{call}')"
        )
    };
    let foreign = "INSERT INTO notice_rows (id, seq, at, kind, server, offer, hash) \
                   VALUES ((1 << 32) + 100000, 1, 0, 'foreign_order', 77, 88, zeroblob(32))";
    let listed = |price: &str, expired: bool| {
        let row = format!("{{\"id\":88,\"si\":77,\"price\":{price},\"currency\":\"bitcoin\",\"expired\":{expired}}}");
        told("my_orders", &format!("{{\"orders\":[{row}],\"code\":0}}"))
    };
    let wallet = |balance: &str| {
        told("wallets", &format!("{{\"wallets\":[{{\"name\":\"bitcoin\",\"balance\":{balance}}}],\"code\":0}}"))
    };
    let foreign = |price: &str, expired: bool| vec![foreign.to_owned(), listed(price, expired)];
    let spent = "UPDATE stretch_ends SET cost = '0.02'".to_owned();
    for (limit, breaches, words) in [
        ("min_balance = \"0.0001\"", vec![wallet("0.00009")], Some("0.00009 in the wallet, below min_balance 0.0001")),
        ("min_balance = \"0.0001\"", vec![wallet("0.0001")], None),
        ("min_balance = \"0.0001\"", vec![wallet("null")], Some("before the wallet's balance was known")),
        ("max_orders = 1", foreign("0.00000001", false), Some("orders stand, and max_orders allows no more")),
        ("max_orders = 1", foreign("0.00000001", true), None),
        ("max_daily_cost = \"0.0001\"", foreign("0.00009", false), Some("a day at worst, above max_daily_cost 0.0001")),
        ("max_daily_cost = \"0.0001\"", vec![listed("0.00009", false)], None),
        ("max_total_cost = \"0.01\"", vec![spent], Some("was spent, of max_total_cost 0.01")),
    ] {
        let world = World::new(&one_server("", rival));
        let strategy = follow("replace = \"never\"").replacen("[limits]\n", &format!("[limits]\n{limit}\n"), 1);
        let ran = world.run(&strategy, Span::from_secs(1800)).await;
        let mut conn = burgled(&ran.db).await;
        for breach in &breaches {
            let done = sqlx::query(AssertSqlSafe(breach.clone())).execute(&mut conn).await.expect("a breach");
            assert!(done.rows_affected() > 0, "{breach}");
        }
        let mut history = History::open_read_only(&ran.db).await.expect("a journal");
        let report = verify(&mut history, None, &[]).await.expect("a report");
        let check = report.checks.iter().find(|c| c.check == "I3").expect("a check");
        let found = check.first.as_deref().unwrap_or("nothing");
        assert_eq!(check.faults > 0, words.is_some(), "{breaches:?}: {found}");
        assert!(found.contains(words.unwrap_or("nothing")), "{breaches:?}: {found}");
    }
}

/// Rows taken off the end leave a journal in which every chain holds.
#[tokio::test]
async fn what_is_cut_off_the_end_is_missed() {
    for (cut, run_too) in [("id & 4294967295 > 100", false), ("1", true)] {
        let world = World::new(&one_server("", ""));
        let ran = world.run(&follow(""), Span::from_secs(600)).await;
        let heads = heads_in(&head_file(&ran.db)).expect("a file of heads");
        let mut conn = burgled(&ran.db).await;
        for (table, _) in TABLES.iter().rev() {
            let which = match *table {
                "run_starts" if !run_too => continue,
                "run_starts" | "run_ends" => "1",
                _ => cut,
            };
            let sql = format!("DELETE FROM {table} WHERE {which}");
            sqlx::query(AssertSqlSafe(sql)).execute(&mut conn).await.expect("a cut");
        }
        drop(conn);
        let mut history = History::open_read_only(&ran.db).await.expect("a journal");
        let broken = |report: &Report| report.broken().map(|c| c.check).collect::<Vec<_>>();
        let report = verify(&mut history, None, &[]).await.expect("a report");
        assert!(broken(&report).contains(&"heads") && !broken(&report).contains(&"chain"), "{cut}: {report:#?}");
        // Whoever cuts it can remove that file, too, and not what a log or a file elsewhere holds.
        std::fs::remove_file(head_file(&ran.db)).expect("removed");
        let report = verify(&mut history, None, &[]).await.expect("a report");
        assert!(!broken(&report).contains(&"heads"), "{cut}: {report:#?}");
        let report = verify(&mut history, None, &heads).await.expect("a report");
        assert!(broken(&report).contains(&"heads"), "{cut}: {report:#?}");
    }
}

#[tokio::test]
async fn a_view_that_shows_something_else_is_named() {
    let ran = World::new(&one_server("", "")).run(&follow(""), Span::from_secs(600)).await;
    let mut conn = burgled(&ran.db).await;
    let text: String = sqlx::query_scalar("SELECT sql FROM sqlite_schema WHERE name = 'spend'")
        .fetch_one(&mut conn)
        .await
        .expect("it");
    let cheaper = text.replacen("n.cost", "'0.000001' AS cost, n.cost AS before", 1);
    assert_ne!(cheaper, text);
    for sql in ["DROP VIEW spend".to_owned(), cheaper, "CREATE VIEW my_own AS SELECT 1".to_owned()] {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut conn).await.expect("another view");
    }
    let mut history = History::open_read_only(&ran.db).await.expect("a journal");
    let report = verify(&mut history, None, &[]).await.expect("a report");
    let first = report.broken().find(|c| c.check == "views").and_then(|c| c.first.clone()).expect("a fault");
    assert!(first.contains("the view spend "), "{first}");
}

#[tokio::test]
async fn verify_takes_a_head_or_a_file_of_heads() {
    let ran = World::new(&one_server("", "")).run(&follow(""), Span::from_secs(600)).await;
    let file = head_file(&ran.db);
    let head = heads_in(&file).expect("heads").last().expect("a head").to_string();
    let other = head.replacen(":", ":9", 1);
    let of = |head: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_clorebid"));
        command.args(["verify", "--head", head, "--db"]).arg(&ran.db);
        let output = command.output().expect("the program");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(of(&head).0, Some(0));
    assert_eq!(of(&file.display().to_string()).0, Some(0));
    let (code, said) = of(&other);
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("rows of run 1 that were committed are not here"), "{said}");
    let (code, said) = of("no-such-head");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("no-such-head"), "{said}");
}
