//! `backtest` as scripts rely on it: keys, exact numbers, tables, exit codes, through the binary itself.

#[path = "common/left_out.rs"]
mod left_out;
#[path = "common/made_tape.rs"]
mod made_tape;

use made_tape::{Desk, Tape, strategy};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

/// The keys that scripts may count on.
const KEYS: [&str; 27] = [
    "strategy",
    "tape",
    "from",
    "to",
    "seconds",
    "wanted_server_seconds",
    "held_server_seconds",
    "cost",
    "fees",
    "restarts",
    "effective_cost",
    "mean_price_per_day",
    "interruptions",
    "places",
    "raises",
    "lowerings",
    "replaces",
    "moves",
    "cancels",
    "refusals",
    "requests",
    "oracle_cost",
    "oracle_upper",
    "effective_over_oracle",
    "on_demand_cost",
    "best_fixed_cost",
    "wall_seconds",
];
const COUNTS: [&str; 10] = [
    "restarts",
    "interruptions",
    "places",
    "raises",
    "lowerings",
    "replaces",
    "moves",
    "cancels",
    "refusals",
    "requests",
];

/// Server 1 from the beginning: nobody, then a rival above 1.5 for a while, then nobody again.
fn a_rival_comes_and_goes() -> Tape {
    Tape::of(&[1]).market(0, 1, &[]).market(1_000_250, 1, &[(7, "2", false)]).market(1_500_377, 1, &[]).market(
        3_000_999,
        1,
        &[],
    )
}

const FIXED: &str = "policy = \"fixed\"\nopen = \"1.5\"\nlost = \"wait\"";

fn field<'a>(of: &'a Value, key: &str) -> &'a str {
    of[key].as_str().unwrap_or_else(|| panic!("{key} is no string: {of}"))
}

#[test]
fn json_is_one_object_with_every_key_and_decimals_as_strings() {
    let said = Desk::new(&strategy(FIXED), &a_rival_comes_and_goes()).json(&[]);
    let [object] = said.as_slice() else { panic!("{} lines", said.len()) };
    for key in KEYS {
        let value = object.get(key).unwrap_or_else(|| panic!("{key} is missing"));
        assert_eq!(value.is_u64(), COUNTS.contains(&key), "{key}: {value}");
        assert_eq!(value.is_string(), !COUNTS.contains(&key), "{key}: {value}");
        let decimal = !matches!(key, "strategy" | "tape" | "from" | "to") && !COUNTS.contains(&key);
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        assert!(!decimal || value.as_str().is_some_and(digits), "{key}: {value}");
    }
}

#[test]
fn what_is_printed_agrees_with_a_count_by_hand_to_the_last_digit() {
    let said = Desk::new(&strategy(FIXED), &a_rival_comes_and_goes()).json(&[]);
    let is = |key: &str, wanted: &str| assert_eq!(field(&said[0], key), wanted, "{key}: {}", said[0]);
    is("from", "2026-01-01T00:00:00.000Z");
    is("to", "2026-01-01T00:50:00.999Z");
    is("seconds", "3000.999");
    is("gap_seconds", "0");
    is("wanted_server_seconds", "3000.999");
    // Four reads come before the first bid, 1.05 s apart, so it stands at 4,200 ms. The rival takes the server at
    // 1,000,250 ms and gives it back at 1,500,377 ms, whenever it is that we look: 996,050 + 1,500,622 ms are held.
    is("held_server_seconds", "2496.672");
    // 1.5 · 2,496,672 / 86,400,000
    is("cost", "0.043345");
    is("fees", "0");
    is("mean_price_per_day", "1.5");
    // The cost, two restarts of 0.1, and 504.327 s without a server at 0.0001 a second.
    is("effective_cost", "0.2937777");
    is("on_demand_cost", "0.3000999");
    let counted = COUNTS.map(|key| said[0][key].as_u64().expect("a count"));
    assert_eq!(counted[..9], [2, 1, 1, 0, 0, 0, 0, 0, 0], "{}", said[0]);
}

#[test]
fn a_lowering_cuts_the_cost_at_its_own_millisecond() {
    let tape = Tape::of(&[1]).market(0, 1, &[(7, "2", false)]).market(700_123, 1, &[]).market(
        1_000_001,
        1,
        &[(8, "0.7", false)],
    );
    let bid = "policy = \"follow\"\nopen = \"rival\"\nmargin = \"0\"\nreplace = \"never\"";
    let said = Desk::new(&strategy(bid), &tape).json(&[]);
    assert_eq!([&said[0]["lowerings"], &said[0]["restarts"]], [1, 1], "{}", said[0]);
    let decimal = |text: &str| text.parse::<Decimal>().expect("a decimal");
    let whole = decimal(field(&said[0], "held_server_seconds")) * Decimal::ONE_THOUSAND;
    assert_eq!(whole, Decimal::from(1_000_001 - 4_200));
    // At 2.001 until it lowers by the step of 0.1, and at 1.901 from then on: when that was follows from the cost.
    let (high, low, day) = (decimal("2.001"), decimal("1.901"), Decimal::from(86_400_000));
    let at_high = ((decimal(field(&said[0], "cost")) * day - low * whole) / (high - low)).round();
    let lowered_at = at_high + Decimal::from(4_200);
    let soon = Decimal::from(700_123)..Decimal::from(700_123 + 10_000);
    assert!(soon.contains(&lowered_at), "{lowered_at}");
    let cost = (high * at_high + low * (whole - at_high)) / day;
    let cost = cost.round_dp_with_strategy(18, RoundingStrategy::MidpointNearestEven).normalize();
    assert_eq!(field(&said[0], "cost"), cost.to_string());
}

#[test]
fn a_tie_loses_and_a_tick_more_wins() {
    let tape = Tape::of(&[1]).market(0, 1, &[(7, "1.5", false)]).market(600_000, 1, &[(7, "1.5", false)]);
    let held = |open: &str| {
        let desk = Desk::new(&strategy(&FIXED.replace("1.5", open)), &tape);
        field(&desk.json(&[])[0], "held_server_seconds").to_owned()
    };
    assert_eq!(held("1.5"), "0");
    assert_eq!(held("1.501"), "595.8");
}

#[test]
fn no_order_of_ours_has_the_number_of_an_offer_on_the_tape() {
    // Else the core would take the rival's offer for its own order.
    let came_to = |offer: u64| {
        let tape = Tape::of(&[1]).market(0, 1, &[(offer, "1.2", false)]).market(300_000, 1, &[(offer, "1.6", false)]);
        let tape = tape.market(900_000, 1, &[(offer, "1.1", false)]).market(1_800_000, 1, &[]);
        let said = Desk::new(&strategy("policy = \"follow\""), &tape).json(&[]);
        ["effective_cost", "held_server_seconds"].map(|key| field(&said[0], key).to_owned())
    };
    assert_eq!((came_to(1), came_to(2)), (came_to(7), came_to(7)));
}

#[test]
fn our_own_recorded_offers_are_no_rivals() {
    let tape = Tape::of(&[1]).market(0, 1, &[(7, "1.2", false), (9, "3", true)]).market(
        600_000,
        1,
        &[(7, "1.2", false), (9, "4", true)],
    );
    let said = Desk::new(&strategy(FIXED), &tape).json(&[]);
    assert_eq!(field(&said[0], "held_server_seconds"), "595.8", "{}", said[0]);
}

#[test]
fn an_on_demand_renter_takes_the_server_and_that_is_an_interruption() {
    let tape = Tape::of(&[1]).market(0, 1, &[]).listed(300_500, &[(1, true)]).market(600_000, 1, &[]);
    let said = Desk::new(&strategy(FIXED), &tape).json(&[]);
    assert_eq!(field(&said[0], "held_server_seconds"), "296.3", "{}", said[0]);
    assert_eq!(said[0]["interruptions"], 1);
}

#[test]
fn a_gap_counts_as_neither_held_nor_unheld_and_is_reported() {
    let desk = Desk::new(&strategy(FIXED), &a_rival_comes_and_goes());
    // Longer than 900 s are the stretch before the rival comes and the one after it goes; only the middle is told of.
    let said = &desk.json(&["--gap", "900s"])[0];
    assert_eq!(field(said, "seconds"), "3000.999");
    assert_eq!(field(said, "gap_seconds"), "2500.872");
    assert_eq!(field(said, "wanted_server_seconds"), "500.127");
    assert_eq!(field(said, "held_server_seconds"), "0");
    assert_eq!(field(said, "cost"), "0");
    // A gap that begins while the server is held: the time before counts, and after the gap it goes on.
    let tape = Tape::of(&[1]).market(0, 1, &[]).market(100_000, 1, &[]).market(900_000, 1, &[]).market(950_500, 1, &[]);
    let said = &Desk::new(&strategy(FIXED), &tape).json(&["--gap", "10m"])[0];
    assert_eq!(field(said, "gap_seconds"), "800");
    assert_eq!(field(said, "wanted_server_seconds"), "150.5");
    assert_eq!(field(said, "held_server_seconds"), "146.3");
    assert_eq!([&said["restarts"], &said["interruptions"]], [1, 0]);
    let table = Desk::new(&strategy(FIXED), &tape).backtest(&["--tape", "tape.jsonl", "--gap", "10m"]);
    assert!(table.out.lines().any(|l| l.contains("gap_seconds") && l.contains("800")), "{}", table.out);
}

#[test]
fn a_gap_counts_for_the_oracle_no_more_than_for_the_run() {
    let days = |days: i64| days * 86_400_000;
    let tape = Tape::of(&[1]).market(0, 1, &[]).market(3_600_000, 1, &[]).market(days(2), 1, &[]).market(
        days(2) + 3_600_000,
        1,
        &[],
    );
    let said = &Desk::new(&strategy("policy = \"follow\""), &tape).json(&[])[0];
    assert_eq!(field(said, "gap_seconds"), "169200");
    // Two hours at the floor of 0.5 a day, and one restart.
    assert_eq!(field(said, "oracle_cost"), "0.141666666666666667");
    assert_eq!(field(said, "best_fixed_cost"), "0.141666666666666667");
    let over = field(said, "effective_over_oracle").parse::<Decimal>().expect("a decimal");
    assert!(over >= Decimal::ONE, "nobody is better than the best: {over}");
}

#[test]
fn the_oracle_counts_the_on_demand_price_as_it_moves() {
    let half_an_hour = 1_800_000;
    let text = strategy("policy = \"follow\"")
        .replace("\"8.64\"", "\"on_demand\"")
        .replace("restart_cost = \"0.1\"", "restart_cost = \"10m\"");
    let said = |first: &str, then: &str| {
        let tape = Tape::default().priced(0, 1, first).market(0, 1, &[]).priced(half_an_hour, 1, then);
        let said = Desk::new(&text, &tape.market(2 * half_an_hour, 1, &[])).json(&[]).remove(0);
        assert_eq!(field(&said, "on_demand_cost"), "0.19375");
        let cost = |key: &str| field(&said, key).parse::<Decimal>().expect("a decimal");
        assert!(cost("effective_cost") >= cost("oracle_cost"), "{said}");
        said
    };
    // A begin at 10 minutes of 9 a day, half an hour at the floor of 0.5, and out for half an hour at 0.3.
    let falls = said("9", "0.3");
    assert_eq!(field(&falls, "oracle_cost"), "0.079166666666666667");
    // The same bid for an hour.
    assert_eq!(field(&falls, "best_fixed_cost"), "0.083333333333333333");
    // Half an hour out at 0.3, and a begin while that is still the price, and half an hour at the floor.
    let rises = said("0.3", "9");
    assert_eq!(field(&rises, "oracle_cost"), "0.01875");
}

#[test]
fn fees_come_from_the_flag_else_from_the_strategy_file_else_there_are_none() {
    let text = strategy(FIXED);
    let named = text.replace("[venue]", "[venue]\nfee_percent = \"10\"\ncreation_fee = \"0.02\"");
    let fees = |strategy: &str, more: &[&str]| {
        field(&Desk::new(strategy, &a_rival_comes_and_goes()).json(more)[0], "fees").to_owned()
    };
    assert_eq!(fees(&text, &[]), "0");
    // A tenth of the cost, and one order that stood longer than ten minutes.
    assert_eq!(fees(&named, &[]), "0.0243345");
    assert_eq!(fees(&named, &["--fee-percent", "0", "--creation-fee", "0"]), "0");
    assert_eq!(fees(&text, &["--fee-percent", "5", "--creation-fee", "1"]), "1.00216725");
}

#[test]
fn without_json_there_is_a_table_with_a_column_for_each_kind_of_rivals() {
    let desk = Desk::new(&strategy(FIXED), &a_rival_comes_and_goes());
    let table = desk.backtest(&["--tape", "tape.jsonl", "--rivals", "both"]);
    assert_eq!(table.code, 0, "{}", table.err);
    assert!(table.out.contains("rivals static") && table.out.contains("rivals counter"), "{}", table.out);
    for key in KEYS {
        assert!(table.out.contains(key), "{key} is not in\n{}", table.out);
    }
    let one = desk.backtest(&["--tape", "tape.jsonl"]).out;
    assert!(one.contains("rivals static") && !one.contains("rivals counter"), "{one}");
    assert_eq!(desk.files().len(), 2, "a backtest leaves nothing behind: {:?}", desk.files());
}

#[test]
fn rivals_that_answer_make_it_dearer_or_shorter() {
    // The rival bids 1 now and 2 at the very end: it would have gone that far.
    let tape = Tape::of(&[1]).market(0, 1, &[(7, "1", false)]).market(900_000, 1, &[(7, "2", false)]);
    let said = Desk::new(&strategy(FIXED), &tape).json(&["--rivals", "both"]);
    let [alone, answered] = said.as_slice() else { panic!("{} lines", said.len()) };
    assert_eq!([field(alone, "rivals"), field(answered, "rivals")], ["static", "counter"]);
    assert_eq!(field(alone, "held_server_seconds"), "895.8");
    assert_eq!(field(answered, "held_server_seconds"), "0");
}

#[test]
fn several_tapes_and_packed_ones_are_read_as_one() {
    let whole = a_rival_comes_and_goes();
    let desk = Desk::new(&strategy(FIXED), &whole);
    let lines: Vec<&str> = whole.lines.split_inclusive('\n').collect();
    desk.put("whole.jsonl.zst", &zstd::encode_all(whole.lines.as_bytes(), 3).expect("zstd"));
    desk.put("one.jsonl", lines[..3].concat().as_bytes());
    desk.put("two.jsonl.zst", &zstd::encode_all(lines[3..].concat().as_bytes(), 3).expect("zstd"));
    let without = |mut object: Value| {
        let fields = object.as_object_mut().expect("an object");
        fields.retain(|key, _| key != "wall_seconds" && key != "tape");
        object
    };
    let plain = without(desk.json(&[]).remove(0));
    let packed = desk.backtest(&["--json", "--tape", "whole.jsonl.zst"]).objects().remove(0);
    let parts = desk.backtest(&["--json", "--tape", "one.jsonl", "two.jsonl.zst"]).objects().remove(0);
    assert_eq!(field(&parts, "tape"), "one.jsonl two.jsonl.zst");
    assert_eq!(without(packed), plain);
    assert_eq!(without(parts), plain);
    let wrong = desk.backtest(&["--json", "--tape", "two.jsonl.zst", "one.jsonl"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("one.jsonl") && wrong.err.contains("record 1"), "{}", wrong.err);
}

#[test]
fn a_bad_tape_is_exit_2_with_the_record_number() {
    let good = a_rival_comes_and_goes().lines;
    let lines: Vec<&str> = good.split_inclusive('\n').collect();
    let unsorted = [lines[0], lines[1], lines[3], lines[2]].concat();
    let cases: [(&str, Vec<u8>, &str); 6] = [
        ("unsorted", unsorted.into_bytes(), "record 4"),
        ("not JSON", [lines[0], "nonsense\n", lines[1]].concat().into_bytes(), "record 2"),
        ("wrong call", good.replacen("spot_marketplace", "buy_everything", 1).into_bytes(), "record 2"),
        ("binary", vec![0, 159, 146, 150, 10, 1, 2, 3, 10], "record 1"),
        ("bad time", good.replacen("2026-01-01T00:16", "2026-01-41T00:16", 1).into_bytes(), "record 3"),
        ("empty", Vec::new(), "tape.jsonl"),
    ];
    let desk = Desk::new(&strategy(FIXED), &a_rival_comes_and_goes());
    for (name, bytes, told) in cases {
        desk.put("tape.jsonl", &bytes);
        let said = desk.backtest(&["--tape", "tape.jsonl", "--json"]);
        assert_eq!(said.code, 2, "{name}: {}", said.err);
        assert!(said.err.contains("tape.jsonl") && said.err.contains(told), "{name}: {}", said.err);
        assert!(said.out.is_empty() && !said.err.contains("panicked"), "{name}: {}", said.err);
    }
    let none = desk.backtest(&["--tape", "none.jsonl"]);
    assert!(none.code == 2 && none.err.contains("none.jsonl"), "{}", none.err);
}

#[test]
fn a_cut_last_line_is_told_and_left_out() {
    let tape = a_rival_comes_and_goes();
    let desk = Desk::new(&strategy(FIXED), &tape);
    desk.put("tape.jsonl", &tape.lines.as_bytes()[..tape.lines.len() - 20]);
    let said = desk.backtest(&["--tape", "tape.jsonl", "--json"]);
    assert!(said.err.contains("tape.jsonl") && said.err.contains("record 5"), "{}", said.err);
    assert_eq!(field(&said.objects()[0], "seconds"), "1500.377");
}

#[test]
fn a_tape_without_a_wanted_server_is_exit_2_and_names_the_target() {
    let desk = Desk::new(&strategy(FIXED).replace("[1]", "[5]"), &a_rival_comes_and_goes());
    let said = desk.backtest(&["--tape", "tape.jsonl"]);
    assert!(said.code == 2 && said.err.contains("target t"), "{}", said.err);
}

#[test]
fn recorded_floors_run_in_each_currency_and_drift_costs_what_is_pegged_to_usd() {
    let Some(tape) = left_out::recording("clore-floors-2025/tape.jsonl.zst") else { return };
    let tape = tape.to_str().expect("UTF-8");
    let text = "name = \"floors\"\ncurrency = \"bitcoin\"\n[limits]\nmax_bid = \"10000\"\n[[target]]\nname = \"one\"\n\
                servers = [70312, 73340]\n[target.bid]\npolicy = \"follow\"\nopen = \"floor\"\nmargin = \"0\"\n";
    let desk = Desk::new(text, &Tape::default());
    let currencies = "currency=bitcoin,CLORE-Blockchain,USD-Blockchain";
    let args = ["--tape", tape, "--json", "--vary", currencies, "--vary", "target.bid.margin=0,1%"];
    let said = desk.backtest(&args).objects();
    let interruptions: Vec<u64> = said.iter().map(|s| s["interruptions"].as_u64().expect("a count")).collect();
    assert_eq!(interruptions, [36, 4, 19, 6, 1, 1]);
    for object in &said {
        let held = field(object, "held_server_seconds").parse::<Decimal>().expect("a decimal");
        assert!(held > Decimal::from(71_950), "{object}");
    }
}

/// Two targets that take the same servers, each at a worth of its own, on a market that moves now and then. There are
/// more servers than the first target looks at.
fn two_targets_that_match() -> (String, Tape) {
    let target = |name: &str, per_day: &str, margin: &str| {
        format!(
            "[[target]]\nname = \"{name}\"\nmatch = {{ max_floor = \"0.6\" }}\n[target.value]\nper_day = \"{per_day}\"\n\
             restart_cost = \"0.1\"\n[target.bid]\npolicy = \"follow\"\nopen = \"rival\"\nmargin = \"{margin}\"\n\
             lost = \"move\"\n"
        )
    };
    let head = "name = \"two\"\ncurrency = \"USD-Blockchain\"\n[limits]\nmax_bid = \"8\"\n[venue]\ntick = \"0.001\"\n\
                step = \"0.1\"\n";
    let strategy = format!("{head}{}{}", target("first", "8.64", "0"), target("second", "4.32", "10%"));
    let mut tape = Tape::of(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for server in 1..=9 {
        tape = tape.market(100 * i64::try_from(server).expect("small"), server, &[]);
    }
    // A fixed sequence of rivals, each above what stands there.
    for turn in 0..120_i64 {
        let (server, bid) = (1 + u64::try_from(turn * 7 % 9).expect("small"), 600 + turn * 37 % 400);
        let bid = format!("0.{bid:03}");
        let offers: &[made_tape::Offer<'_>] = if turn % 3 == 2 { &[] } else { &[(50 + server, &bid, false)] };
        tape = tape.market(200_000 + turn * 151_000, server, offers);
    }
    (strategy, tape)
}

#[test]
fn a_backtest_costs_the_same_with_its_history_and_the_history_names_the_targets() {
    let (strategy, tape) = two_targets_that_match();
    let desk = Desk::new(&strategy, &tape);
    let without = desk.json(&[]).remove(0);
    let with = desk.json(&["--db", "kept.db"]).remove(0);
    for key in KEYS.into_iter().filter(|key| *key != "wall_seconds") {
        assert_eq!(without[key], with[key], "{key}");
    }
    assert!(without["places"].as_u64().is_some_and(|n| n >= 4), "{without}");
    let rows = |query: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_clorebid"))
            .args(["history", "sql", query, "--db", "kept.db", "--format", "json"])
            .current_dir(desk.folder())
            .output()
            .expect("the binary");
        let rows: Vec<Value> = serde_json::from_slice(&output.stdout).expect("rows of JSON");
        rows
    };
    let targets = rows("SELECT DISTINCT target FROM bids ORDER BY target");
    assert_eq!(targets.iter().map(|row| field(row, "target")).collect::<Vec<_>>(), ["first", "second"]);
    // Each stretch of holding has the target of the bid that its order was placed by.
    let strangers = rows(
        "SELECT h.target, b.target AS placed_for FROM holdings h JOIN bids b \
         ON b.run_id = h.run_id AND b.offer_id = h.offer_id AND b.action = 'place' WHERE b.target <> h.target",
    );
    assert!(strangers.is_empty(), "{strangers:?}");
    let held = rows("SELECT target, count(*) AS n FROM holdings GROUP BY target ORDER BY target");
    assert_eq!(held.len(), 2, "{held:?}");
    let checked = std::process::Command::new(env!("CARGO_BIN_EXE_clorebid"))
        .args(["verify", "--db", "kept.db"])
        .current_dir(desk.folder())
        .status();
    assert!(checked.is_ok_and(|status| status.success()), "verify finds the targets in order");
}
