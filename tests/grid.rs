//! Grids: which points an axis makes, that the number of jobs changes nothing, that parts make up the whole, and that
//! lines come as soon as they can.

#[path = "common/made_tape.rs"]
mod made_tape;

use clorebid::backtest::{Axis, Benchmarks, Grid, Recorded, Shard, VenueRules, in_order};
use clorebid::core::money::{Amount, Price};
use clorebid::core::time::Span;
use clorebid::tape::{Reader, Series, SeriesOptions};
use made_tape::{Desk, Said, Tape, strategy};
use serde_json::Value;

fn values(axis: &str) -> Vec<String> {
    axis.parse::<Axis>().unwrap_or_else(|e| panic!("{axis}: {e}")).values
}

/// The file at each point of a grid.
fn files(file: &str, axes: &[&str]) -> Vec<String> {
    let axes: Vec<Axis> = axes.iter().map(|a| a.parse().expect("an axis")).collect();
    let grid = Grid::new(file, axes).unwrap_or_else(|e| panic!("{e}"));
    (0..grid.count()).map(|n| grid.point(n).unwrap_or_else(|e| panic!("{e}")).text).collect()
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

#[test]
fn a_later_axis_may_refine_what_an_earlier_one_sets() {
    let two = "[[target]]\nwant = 1\n[[target]]\nwant = 1\n";
    let made = files(two, &["target.want=2", "target.1.want=3"]);
    assert_eq!(made, ["[[target]]\nwant = 2\n[[target]]\nwant = 3\n"]);
    // The other way round it would undo it, and the point would not be what its name says.
    let axes = ["limits.max_bid=1", "limits={max_bid=\"2\"}"].map(|a| a.parse().expect("an axis")).to_vec();
    let refused = Grid::new("", axes).expect_err("undone").to_string();
    assert_eq!(refused, "`limits.max_bid` is varied twice");
}

#[test]
fn the_parts_of_any_grid_have_each_point_once() {
    for (points, parts) in [(0, 1), (1, 1), (10, 1), (10, 3), (9, 3), (2, 5), (1, 30)] {
        let mut found = Vec::new();
        for part in 1..=parts {
            let part: Shard = format!("{part}/{parts}").parse().expect("a part");
            found.extend((0..part.count(points)).map(|nth| part.number(nth)));
        }
        found.sort_unstable();
        assert_eq!(found, (0..points).collect::<Vec<_>>(), "{points} points in {parts} parts");
    }
}

#[test]
fn few_points_have_every_value_between_them() {
    let axes = ["a=1,2,3", "b=4", "c=5,6"].map(|a| a.parse().expect("an axis")).to_vec();
    let grid = Grid::new("", axes).expect("a grid");
    let numbers = grid.each_value_once();
    let seen: Vec<Vec<String>> = numbers.iter().map(|n| grid.point(*n).expect("a point").settings).collect();
    assert_eq!(seen, [["a=1", "b=4", "c=5"], ["a=2", "b=4", "c=5"], ["a=3", "b=4", "c=5"], ["a=1", "b=4", "c=6"]]);
}

#[test]
fn results_are_handed_over_in_order_however_they_come() {
    // Each job waits for the one after it, so that on two threads every other result comes too early.
    let gates: Vec<std::sync::Barrier> = (0..50).map(|_| std::sync::Barrier::new(2)).collect();
    let job = |n: usize| {
        gates[n / 2].wait();
        Ok::<usize, ()>(n)
    };
    let mut taken = Vec::new();
    let took = |n| {
        taken.push(n);
        Ok(())
    };
    assert_eq!(in_order(2, 100, job, took), Ok(()));
    assert_eq!(taken, (0..100).collect::<Vec<_>>());
    assert_eq!(in_order(7, 0, |_| Err::<(), ()>(()), |()| Ok(())), Ok(()));
}

#[test]
fn the_first_error_in_the_jobs_order_ends_it_and_all_before_it_is_handed_over() {
    for threads in [1, 2, 7] {
        let mut taken = Vec::new();
        let job = |n: usize| if n == 40 || n == 41 || n == 55 { Err(n) } else { Ok(n) };
        let took = |n| {
            taken.push(n);
            Ok(())
        };
        assert_eq!(in_order(threads, 1_000_000_000, job, took), Err(40), "{threads} threads");
        assert_eq!(taken, (0..40).collect::<Vec<_>>());
        // A taker that has had enough ends it too: nobody could do so many jobs.
        assert_eq!(
            in_order(threads, usize::MAX - 99, Ok::<usize, usize>, |n| if n < 9 { Ok(()) } else { Err(n) }),
            Err(9)
        );
    }
}

#[test]
#[should_panic(expected = "job 3")]
fn a_job_that_panics_does_not_leave_the_others_at_work() {
    let job = |n: usize| if n == 3 { panic!("job {n}") } else { Ok::<(), ()>(()) };
    let _ = in_order(2, usize::MAX - 99, job, |()| Ok(()));
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
fn currencies_of_one_grid_are_measured_each_by_benchmarks_of_its_own() {
    let text = strategy(FOLLOW).replace("\"8.64\"", "\"90\"").replace("\"8\"", "\"80\"");
    let desk = Desk::new(&text, &tape());
    let oracle = |more: &[&str]| -> Vec<Value> { desk.json(more).iter().map(|o| o["oracle_cost"].clone()).collect() };
    let both = oracle(&["--vary", "currency=USD-Blockchain,CLORE-Blockchain"]);
    assert_eq!(both[..1], oracle(&["--vary", "currency=USD-Blockchain"]));
    assert_eq!(both[1..], oracle(&["--vary", "currency=CLORE-Blockchain"]));
    assert_ne!(both[0], both[1]);
}

fn rules() -> VenueRules {
    VenueRules {
        tick: Price::parse("0.001").expect("a price"),
        step: Price::parse("0.1").expect("a price"),
        lower_every: Span::from_secs(600),
        creation_fee: Amount::ZERO,
        fee_percent: rust_decimal::Decimal::ZERO,
    }
}

#[test]
fn points_that_differ_only_in_how_they_bid_share_their_benchmarks_even_where_all_begin_at_once() {
    let reader = Reader::from_read("tape", std::io::Cursor::new(tape().lines.into_bytes())).expect("a tape");
    let recorded = Recorded::new(Series::read(reader, &SeriesOptions::default()).expect("a series"));
    let benchmarks = Benchmarks::new(&recorded, Span::from_secs(60));
    let read = |text: &str| clorebid::strategy::read(text, "s.toml").expect("a strategy").strategy;
    let bids: Vec<_> = (0..8).map(|n| read(&strategy(FOLLOW).replace("1%", &format!("{n}%")))).collect();
    let (rules, start) = (rules(), std::sync::Barrier::new(bids.len()));
    std::thread::scope(|scope| {
        for strategy in &bids {
            scope.spawn(|| {
                start.wait();
                benchmarks.of(strategy, &rules).bounds().expect("a benchmark")
            });
        }
    });
    assert_eq!(benchmarks.computed(), 1);
    // The highest bid has no part in it where the worth of a day is a price, or one that the tape always names.
    let computed = |text: &str| {
        benchmarks.of(&read(text), &rules).bounds().expect("a benchmark");
        benchmarks.computed()
    };
    let on_demand = strategy(FOLLOW).replace("per_day = \"8.64\"", "per_day = \"on_demand\"");
    assert_eq!(computed(&strategy(FOLLOW).replace("\"8\"", "\"4\"")), 1);
    assert_eq!(computed(&strategy(FOLLOW).replace("8.64", "8.65")), 2);
    assert_eq!(computed(&on_demand), 3);
    assert_eq!(computed(&on_demand.replace("\"8\"", "\"4\"")), 3);
    let bitcoin = on_demand.replace("USD-Blockchain", "bitcoin");
    assert_eq!(computed(&bitcoin), 4);
    assert_eq!(computed(&bitcoin.replace("\"8\"", "\"4\"")), 5);
}

#[test]
fn what_was_done_before_a_failure_is_printed() {
    let desk = Desk::new(&strategy(FOLLOW), &tape());
    for jobs in ["1", "2"] {
        let args = ["--tape", "tape.jsonl", "--json", "--vary", "target.servers=[1],[1],[5],[1]", "--jobs", jobs];
        let said = desk.backtest(&args);
        assert_eq!(said.code, 2, "{}", said.err);
        assert!(said.err.contains("no server of target t"), "{}", said.err);
        assert_eq!(said.out.lines().count(), 2, "{}", said.out);
    }
}

#[test]
fn a_line_comes_before_the_next_ones_are_there_and_a_reader_who_leaves_is_no_failure() {
    use std::io::{BufRead, BufReader, Read};
    let desk = Desk::new(&strategy(FOLLOW), &tape());
    // More points than anybody would wait for: the first line comes all the same, and then the pipe is closed.
    let axes = ["--vary", "target.bid.margin=0%..9%:1%", "--vary", "target.bid.raise.wait=0s..3000s:1s"];
    let mut child = desk.start(&[&["--tape", "tape.jsonl", "--json", "--shard", "1/2"], &axes[..]].concat());
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut first = String::new();
    lines.read_line(&mut first).expect("a line");
    let first: Value = serde_json::from_str(&first).expect("a line of JSON");
    assert_eq!(first["vary"][1], "target.bid.raise.wait=0s");
    drop(lines);
    let ended = child.wait().expect("an end");
    let mut told = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut told).expect("text");
    assert!(ended.success() && told.is_empty(), "{ended}: {told}");
}

#[test]
fn a_part_of_a_huge_grid_makes_no_more_points_than_it_runs() {
    // Each of the million points makes a file of its own; this part has one of them.
    let axes = ["target.bid.margin=0%..9.9%:0.1%", "target.bid.raise.wait=0s..99s:1s", "limits.max_bid=1..1.99:0.01"];
    let desk = Desk::new(&strategy(FOLLOW), &tape());
    let vary: Vec<&str> = axes.iter().flat_map(|axis| ["--vary", axis]).collect();
    let said = desk.json(&[&["--shard", "123457/1000000"], &vary[..]].concat());
    assert_eq!(said.len(), 1);
    let named = ["target.bid.margin=1.2%", "target.bid.raise.wait=34s", "limits.max_bid=1.56"];
    assert_eq!(said[0]["vary"], serde_json::json!(named));
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
    // Of more than the table has room for, the dearest are left out.
    let wider = ["--vary", "target.bid.margin=0%..30%:1%"];
    let mut all: Vec<rust_decimal::Decimal> = desk.json(&wider).iter().map(|o| decimal(&o["effective_cost"])).collect();
    all.sort_unstable();
    let table = desk.backtest(&[&["--tape", "tape.jsonl", "--format", "csv"], &wider[..]].concat()).out;
    let shown: Vec<&str> = table.lines().skip(1).map(|l| l.split(',').nth(2).expect("a cost")).collect();
    let wanted: Vec<String> = all.iter().take(20).map(ToString::to_string).collect();
    assert_eq!(shown, wanted);
}

fn decimal(text: &Value) -> rust_decimal::Decimal {
    text.as_str().and_then(|t| t.parse().ok()).expect("a decimal")
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
    // A bad value of another part is found here too, so that no machine works for nothing.
    refused(&["--vary", "target.bid.policy=follow,hope", "--shard", "1/2"], &["target.bid.policy=hope"]);
}
