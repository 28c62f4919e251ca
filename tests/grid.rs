//! Grids: which points an axis makes, that the number of jobs changes nothing, and that parts make up the whole.

#[path = "common/made_tape.rs"]
mod made_tape;

use clorebid::backtest::{Axis, points};
use made_tape::{Desk, Said, Tape, strategy};
use serde_json::Value;

fn values(axis: &str) -> Vec<String> {
    axis.parse::<Axis>().unwrap_or_else(|e| panic!("{axis}: {e}")).values
}

/// The file at each point of a grid.
fn files(file: &str, axes: &[&str]) -> Vec<String> {
    let axes: Vec<Axis> = axes.iter().map(|a| a.parse().expect("an axis")).collect();
    points(file, &axes).unwrap_or_else(|e| panic!("{e}")).into_iter().map(|p| p.text).collect()
}

#[test]
fn a_range_includes_its_last_value_where_a_step_ends_there() {
    assert_eq!(values("limits.max_bid=0.00003..0.00006:0.00001"), ["0.00003", "0.00004", "0.00005", "0.00006"]);
    assert_eq!(values("a=0..1:0.3"), ["0", "0.3", "0.6", "0.9"]);
    assert_eq!(values("a=5..5:1"), ["5"]);
    assert_eq!(values("a= 1 .. 2 : 0.5 "), ["1", "1.5", "2"]);
}

#[test]
fn percents_and_durations_are_ranges_too() {
    assert_eq!(values("m=0%..5%:2.5%"), ["0%", "2.5%", "5%"]);
    assert_eq!(values("m=0..5%:2.5"), ["0%", "2.5%", "5%"]);
    assert_eq!(values("w=0s..90s:45s"), ["0s", "45s", "90s"]);
}

#[test]
fn values_are_exact_decimals() {
    // Ten steps of 0.1 in binary fractions end at 0.9999999999999999 and would miss the last one.
    assert_eq!(values("a=0..1:0.1").last().map(String::as_str), Some("1"));
    assert_eq!(values("a=0.1..0.3:0.1"), ["0.1", "0.2", "0.3"]);
    let long = "12345.123456789012345678";
    assert_eq!(values(&format!("a={long}..{long}:1")), [long]);
    assert_eq!(values("a=1e-8..3e-8:1e-8"), ["0.00000001", "0.00000002", "0.00000003"]);
    // Its values would have 30 digits, more than a decimal holds.
    let fine = "a=0.0000000000000000000001..10000000000:5000000000";
    let refused = fine.parse::<Axis>().expect_err("no exact values").to_string();
    assert!(refused.contains("more digits than can be kept exactly"), "{refused}");
    let file = files("[limits]\nmax_bid = \"1\"\n", &["limits.max_bid=0.00000003"]);
    assert_eq!(file, ["[limits]\nmax_bid = \"0.00000003\"\n"]);
}

#[test]
fn lists_keep_their_order_and_commas_within_brackets_and_quotes() {
    assert_eq!(values("p=follow, fixed ,ladder"), ["follow", "fixed", "ladder"]);
    assert_eq!(values("target.servers=[6, 17],[23]"), ["[6, 17]", "[23]"]);
    assert_eq!(values("n=\"a,b\",'c..d'"), ["\"a,b\"", "'c..d'"]);
    let made = files("[[target]]\nservers = [1]\n", &["target.servers=[6, 17],[23]"]);
    assert_eq!(made, ["[[target]]\nservers = [6, 17]\n", "[[target]]\nservers = [23]\n"]);
}

#[test]
fn keys_reach_every_kind_of_table() {
    let is = |file: &str, axis: &str, wanted: &str| {
        let made = files(file, &[axis]);
        let read = |text: &str| toml_value(text);
        assert_eq!(read(&made[0]), read(wanted), "{axis} made\n{}", made[0]);
    };
    let two = "[[target]]\nname = \"a\"\n[[target]]\nname = \"b\"\n";
    is(two, "target.want=2", "[[target]]\nname = \"a\"\nwant = 2\n[[target]]\nname = \"b\"\nwant = 2\n");
    is(two, "target.1.want=2", "[[target]]\nname = \"a\"\n[[target]]\nname = \"b\"\nwant = 2\n");
    let table = "[[target]]\n[target.bid]\nraise = { wait = \"1s\", give_up = \"2\" }\n";
    is(table, "target.bid.raise.wait=5s", "[[target]]\n[target.bid]\nraise = { wait = \"5s\", give_up = \"2\" }\n");
    let inline = "[[target]]\nbid = { raise = { wait = \"1s\" } }\n";
    is(inline, "target.bid.raise.wait=5s", "[[target]]\nbid = { raise = { wait = \"5s\" } }\n");
    is("target = [{ want = 1 }]\n", "target.want=3", "target = [{ want = 3 }]\n");
    let dotted = "limits.max_bid = \"1\"\n";
    is(dotted, "limits.max_bid=0.5", "limits.max_bid = \"0.5\"\n");
    is("[[target]]\n", "target.bid.raise.wait=5s", "[[target]]\nbid = { raise = { wait = \"5s\" } }\n");
    is("name = \"n\"\n", "limits.max_orders=2", "name = \"n\"\n[limits]\nmax_orders = 2\n");
}

fn toml_value(text: &str) -> toml::Table {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn the_last_axis_changes_fastest_and_what_is_not_varied_stays_as_written() {
    let file = "a = 1.10 # kept\nb = 2\nc = 3\n";
    assert_eq!(
        files(file, &["b=1,2", "c=5..6:1"]),
        [
            "a = 1.10 # kept\nb = 1\nc = 5\n",
            "a = 1.10 # kept\nb = 1\nc = 6\n",
            "a = 1.10 # kept\nb = 2\nc = 5\n",
            "a = 1.10 # kept\nb = 2\nc = 6\n",
        ]
    );
}

/// Three rivals come and go at prices that make the points of a grid differ.
fn tape() -> Tape {
    let mut tape = Tape::of(&[1]).market(0, 1, &[]);
    for (n, bid) in (0_i64..).zip(["1.1", "0.9", "2.3", "1.7", "0.6", "3.1", "1.2"]) {
        tape = tape.market(600_007 * (n + 1), 1, &[(7, bid, false)]);
    }
    tape.market(6_000_000, 1, &[])
}

const FOLLOW: &str = "policy = \"follow\"\nmargin = \"1%\"\nraise = { wait = \"0s\" }";
const GRID: [&str; 6] = [
    "--vary",
    "limits.max_bid=1..3:0.5",
    "--vary",
    "target.bid.margin=0%,2%",
    "--vary",
    "target.bid.raise.wait=0s,30s",
];

/// Each line without what depends on the machine.
fn timeless(said: &Said) -> Vec<String> {
    let without = |mut object: Value| {
        object.as_object_mut().expect("an object").remove("wall_seconds").expect("it is there");
        object.to_string()
    };
    said.objects().into_iter().map(without).collect()
}

fn grid(desk: &Desk, more: &[&str]) -> Said {
    let mut args = vec!["--tape", "tape.jsonl", "--json"];
    args.extend(GRID);
    args.extend(more);
    desk.backtest(&args)
}

#[test]
fn the_number_of_jobs_changes_no_line() {
    let desk = Desk::new(&strategy(FOLLOW), &tape());
    let one = timeless(&grid(&desk, &["--jobs", "1"]));
    assert_eq!(one.len(), 20);
    let first: Value = serde_json::from_str(&one[0]).expect("JSON");
    let named = ["limits.max_bid=1", "target.bid.margin=0%", "target.bid.raise.wait=0s"];
    assert_eq!(first["vary"], serde_json::json!(named));
    let mut different = one.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), 20, "each point names itself");
    assert_eq!(timeless(&grid(&desk, &["--jobs", "2"])), one);
    assert_eq!(timeless(&grid(&desk, &["--jobs", "7"])), one);
    assert_eq!(timeless(&grid(&desk, &[])), one);
}

#[test]
fn a_point_of_a_grid_is_the_strategy_with_those_keys_on_its_own() {
    let desk = Desk::new(&strategy(FOLLOW), &tape());
    let lines = grid(&desk, &[]).objects();
    let alone = strategy(FOLLOW).replace("\"8\"", "\"2.5\"").replace("1%", "2%").replace("0s", "30s");
    let mut alone = Desk::new(&alone, &tape()).json(&[]).remove(0);
    let mut in_grid = lines[15].clone();
    assert_eq!(in_grid["vary"][0], "limits.max_bid=2.5");
    for object in [&mut alone, &mut in_grid] {
        object.as_object_mut().expect("an object").retain(|key, _| key != "wall_seconds" && key != "vary");
    }
    assert_eq!(alone, in_grid);
}

#[test]
fn the_parts_of_a_grid_are_the_whole_grid() {
    let desk = Desk::new(&strategy(FOLLOW), &tape());
    for more in [&[][..], &["--rivals", "both"][..]] {
        let mut whole = timeless(&grid(&desk, more));
        let mut parts = Vec::new();
        for shard in ["1/3", "2/3", "3/3"] {
            let part = timeless(&grid(&desk, &[more, &["--shard", shard]].concat()));
            assert!(part.len() >= whole.len() / 3 - 2, "{shard} has only {} lines", part.len());
            parts.extend(part);
        }
        whole.sort();
        parts.sort();
        assert_eq!(parts, whole);
    }
    assert_eq!(timeless(&grid(&desk, &["--shard", "1/1"])), timeless(&grid(&desk, &[])));
    let beyond = grid(&desk, &["--shard", "30/30"]);
    assert!(beyond.code == 0 && beyond.out.is_empty(), "a part may be empty: {}", beyond.err);
}

#[test]
fn currencies_of_one_grid_are_measured_each_by_its_own_ruler() {
    let text = strategy(FOLLOW).replace("\"8.64\"", "\"90\"").replace("\"8\"", "\"80\"");
    let desk = Desk::new(&text, &tape());
    let oracle = |more: &[&str]| -> Vec<Value> { desk.json(more).iter().map(|o| o["oracle_cost"].clone()).collect() };
    let both = oracle(&["--vary", "currency=USD-Blockchain,CLORE-Blockchain"]);
    assert_eq!(both[..1], oracle(&["--vary", "currency=USD-Blockchain"]));
    assert_eq!(both[1..], oracle(&["--vary", "currency=CLORE-Blockchain"]));
    assert_ne!(both[0], both[1]);
}

#[test]
fn without_json_the_best_points_come_first() {
    let desk = Desk::new(&strategy(FOLLOW), &tape());
    let mut args = vec!["--tape", "tape.jsonl", "--format", "csv"];
    args.extend(GRID);
    let table = desk.backtest(&args);
    assert_eq!(table.code, 0, "{}", table.err);
    let costs = table.out.lines().skip(1).map(|l| l.split(',').nth(2).expect("a cost").parse().expect("a decimal"));
    let costs: Vec<rust_decimal::Decimal> = costs.collect();
    assert_eq!(costs.len(), 20);
    assert!(costs.is_sorted(), "{costs:?}");
}

fn refused(args: &[&str], told: &[&str]) {
    let desk = Desk::new(&strategy(FOLLOW), &tape());
    let said = desk.backtest(&[&["--tape", "tape.jsonl", "--json"], args].concat());
    assert_eq!(said.code, 2, "{args:?}: {}{}", said.out, said.err);
    assert!(said.out.is_empty(), "{args:?}: nothing is run before all is checked: {}", said.out);
    for told in told {
        assert!(said.err.contains(told), "{args:?} should name {told}: {}", said.err);
    }
}

#[test]
fn a_bad_part_or_axis_is_exit_2_and_says_what_to_write() {
    for shard in ["0/3", "4/3", "1/0", "1", "a/b", "1/3/3", "", "1.5/3"] {
        refused(&["--shard", shard], &["--shard"]);
    }
    refused(&["--shard=4/3"], &["`4/3` is no part; write 1/4 to 4/4"]);
    for axis in ["limits.max_bid", "=1", "limits.max_bid=", "limits.max_bid=1,,2", "limits..max_bid=1", "a=1..2"] {
        refused(&["--vary", axis], &["is no axis; write limits.max_bid="]);
    }
    refused(&["--vary", "a=-..2:1"], &["is no axis"]);
    refused(&["--vary", "target.servers=[1"], &["is no axis"]);
    refused(&["--vary", "a=2..1:1"], &["`a=2..1:1` has no end"]);
    refused(&["--vary", "a=1..2:0"], &["has no end"]);
    refused(&["--vary", "a=1..2:-1"], &["has no end"]);
    refused(&["--vary", "a=1s..2m:1s"], &["mixes units"]);
    refused(&["--vary", "a=0..1:0.00000000001"], &["more than 1000000 points"]);
    refused(&["--vary", "a=10000000000..10000000001:0.0000000000000000000001"], &["more than"]);
    refused(&["--vary", "limits.max_bid=1", "--vary", "limits.max_bid=2"], &["`limits.max_bid` is varied twice"]);
    let (a, b) = ("limits.max_bid=1..2:0.001", "target.bid.margin=0..1:0.001");
    refused(&["--vary", a, "--vary", b], &["more than 1000000 points"]);
}

#[test]
fn a_key_or_value_that_no_strategy_has_is_exit_2_and_names_the_point() {
    refused(&["--vary", "limits.max_bit=1,2"], &["s.toml at limits.max_bit=1", "max_bit", "max_bid"]);
    refused(&["--vary", "limts.max_bid=1"], &["limts"]);
    refused(&["--vary", "name.first=1"], &["there is no `name.first`"]);
    refused(&["--vary", "target.5.want=1"], &["there is no `"]);
    // The first two points are good; the third is named, with line and column, and none is run.
    let axes = ["--vary", "target.bid.margin=1%", "--vary", "target.bid.raise.wait=0s,1s,soon"];
    refused(&axes, &["s.toml at target.bid.margin=1%, target.bid.raise.wait=soon:", "soon"]);
    refused(&["--vary", "target.bid.policy=follow,hope"], &["s.toml at target.bid.policy=hope:", "hope"]);
    // A bad point of another part is found here too, so that no machine works for nothing.
    refused(&["--vary", "target.bid.policy=follow,hope", "--shard", "1/2"], &["target.bid.policy=hope"]);
}
