//! Backtests: the jump over repeated reads changes nothing, and the future is not known.

#[path = "common/left_out.rs"]
mod left_out;

use std::cell::{Cell, RefCell};

use clorebid::backtest::{Ran, Recorded, Rivals, VenueRules, run};
use clorebid::clock::rfc3339;
use clorebid::core::money::{Amount, Price};
use clorebid::core::time::{Span, Time};
use clorebid::strategy;
use clorebid::tape::{Reader, Series, SeriesOptions};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rust_decimal::Decimal;

/// One change of a made-up market: seconds since the last one, server, rival's bid in ticks (0: nobody), floor in ticks,
/// and what else is the matter.
type Step = (u32, u64, u32, u32, Matter);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Matter {
    /// Nothing.
    Fine,
    /// The server is offline.
    Offline,
    /// It is rented on demand.
    Rented,
}

const SERVERS: [u64; 3] = [1, 2, 3];

fn tape(steps: &[Step]) -> String {
    tape_of(&SERVERS, steps)
}

fn tape_of(servers: &[u64], steps: &[Step]) -> String {
    let mut now = Time::from_secs(1_767_225_600);
    let mut lines = listing(now, servers, None);
    let mut rented = None;
    let cheap = |server: u64| 300 + 200 * u32::try_from(server % 4).expect("small");
    let first: Vec<Step> = servers.iter().map(|server| (0, *server, 0, cheap(*server), Matter::Fine)).collect();
    for (wait, server, rival, floor, matter) in first.iter().chain(steps) {
        now = now + Span::from_secs(i64::from(*wait));
        let offer = match rival {
            0 => String::new(),
            bid => format!(
                r#"{{"offer_id":{},"bid":{}.{:03},"active":true,"my":false}}"#,
                70 + server,
                bid / 1000,
                bid % 1000
            ),
        };
        let online = *matter != Matter::Offline;
        lines += &format!(
            "{{\"at\":\"{}\",\"call\":\"spot_marketplace\",\"args\":{{\"market\":{server}}},\"status\":200,\"body\":{{\"market\":{{\"offers\":[{offer}],\"server\":{{\"min_pricing\":{{\"USD-Blockchain\":{}.{:03}}},\"mrl\":2592000,\"visibility\":\"public\",\"online\":{online}}}}},\"exists\":true,\"code\":0}}}}\n",
            rfc3339(now),
            floor / 1000,
            floor % 1000
        );
        let now_rented = (*matter == Matter::Rented).then_some(*server);
        if now_rented != rented {
            rented = now_rented;
            lines += &listing(now, servers, rented);
        }
    }
    lines
}

/// The marketplace as of then, one server at the most rented on demand.
fn listing(now: Time, servers: &[u64], rented: Option<u64>) -> String {
    let row = |id: &u64| {
        let rented = rented == Some(*id);
        format!(
            r#"{{"id":{id},"price":{{"on_demand":{{"USD-Blockchain":9}},"spot":{{"USD-Blockchain":0.5}}}},"rented":{rented},"specs":{{"gpu":"1x NVIDIA GeForce RTX 4090"}}}}"#
        )
    };
    format!(
        "{{\"at\":\"{}\",\"call\":\"marketplace\",\"args\":{{}},\"status\":200,\"body\":{{\"servers\":[{}],\"my_servers\":[],\"code\":0}}}}\n",
        rfc3339(now),
        servers.iter().map(row).collect::<Vec<_>>().join(",")
    )
}

fn recorded(tape: &str) -> Recorded {
    let reader = Reader::from_read("made-up", std::io::Cursor::new(tape.as_bytes().to_vec())).expect("a tape");
    Recorded::new(Series::read(reader, &SeriesOptions { servers: Vec::new(), gap: Some(Span::DAY) }).expect("a series"))
}

fn rules() -> VenueRules {
    VenueRules {
        tick: Price::parse("0.001").expect("a price"),
        step: Price::parse("0.05").expect("a price"),
        lower_every: Span::from_secs(600),
        creation_fee: Amount::ZERO,
        fee_percent: Decimal::ZERO,
    }
}

fn strategy(bid: &str, limits: &str, servers: &str) -> clorebid::core::strategy::Strategy {
    let text = format!(
        "name = \"t\"\ncurrency = \"USD-Blockchain\"\n[limits]\n{limits}\n[venue]\ntick = \"0.001\"\n[[target]]\n\
         name = \"t\"\n{servers}\n[target.bid]\n{bid}\n"
    );
    strategy::read(&text, "t.toml").expect("a strategy").strategy
}

/// A run, and every change that it asked for or came to see.
fn changes(strategy: &clorebid::core::strategy::Strategy, on: &Recorded, jump: bool) -> (Ran, Vec<String>) {
    let mut seen = Vec::new();
    let ran = run(strategy, on, &rules(), Rivals::Static, jump, &mut |now, ask, answer, changes| {
        if ask.request.is_command() {
            seen.push(format!("{} {:?} {} {:?}", rfc3339(now), ask.request, ask.reason, answer.outcome()));
        }
        seen.extend(changes.iter().map(|change| format!("{} {} {change:?}", rfc3339(now), ask.seq)));
    });
    (ran, seen)
}

/// Demands that a run which jumps sees and does what one that does not jump sees and does; tells the steps of the one that jumps, and all
/// of the other.
fn same_with_and_without_the_jump(strategy: &clorebid::core::strategy::Strategy, on: &Recorded) -> (u64, Ran) {
    let (mut jumped, by_jump) = changes(strategy, on, true);
    let (walked, step_by_step) = changes(strategy, on, false);
    for (n, (a, b)) in by_jump.iter().zip(&step_by_step).enumerate() {
        assert_eq!(a, b, "change {n}, with the jump and without; before it: {:?}", &by_jump[n.saturating_sub(3)..n]);
    }
    assert_eq!(by_jump.len(), step_by_step.len());
    assert!(jumped.counts.steps <= walked.counts.steps);
    let steps = jumped.counts.steps;
    jumped.counts.steps = walked.counts.steps;
    assert_eq!(jumped, walked);
    (steps, walked)
}

/// The same where hardly anything happens: there most steps must have been jumped over.
fn same_with_few_steps(strategy: &clorebid::core::strategy::Strategy, on: &Recorded) {
    let (jumped, walked) = same_with_and_without_the_jump(strategy, on);
    let walked = walked.counts.steps;
    assert!(jumped * 10 < walked, "{jumped} steps with the jump, {walked} without");
}

const BIDS: [&str; 9] = [
    "policy = \"follow\"\nmargin = \"2%\"",
    "policy = \"follow\"\nmargin = \"0\"\nreplace = \"never\"\nlower = { after = \"90s\" }\nraise = { wait = \"45s\" }",
    "policy = \"follow\"\nlost = \"move\"",
    "policy = \"fixed\"\nopen = \"1.2\"",
    "policy = \"ladder\"\nopen = \"1.4\"\nstay = \"30m\"",
    "policy = \"follow\"\nmargin = \"5%\"\nlost = \"wait\"",
    "policy = \"follow\"\nmargin = \"5%\"\nraise = { wait = \"2m\", give_up = \"1.2\" }",
    ADAPTIVE,
    "policy = \"adaptive\"\nraise = { give_up = \"1.2\" }",
];
const ADAPTIVE: &str = "policy = \"adaptive\"";
const ROOMY: &str = "max_bid = \"8\"";
const LIMITS: [&str; 4] =
    [ROOMY, "max_bid = \"1.5\"", "max_bid = \"8\"\nmax_daily_cost = \"2\"", "max_bid = \"8\"\nmax_total_cost = \"1\""];
const TARGETS: [&str; 5] = [
    "servers = [1]",
    "servers = [1, 2, 3]",
    "servers = [1, 2]\nwant = 2",
    "servers = [1, 2, 3]\nwant = 3",
    "match = { gpu = \"RTX 4090\" }\nwant = 2",
];

fn step(rival: impl Strategy<Value = u32>, wait: std::ops::Range<u32>) -> impl Strategy<Value = Step> {
    let matter = prop_oneof![8 => Just(Matter::Fine), 1 => Just(Matter::Offline), 1 => Just(Matter::Rented)];
    (wait, prop::sample::select(SERVERS.to_vec()), rival, 400_u32..700, matter)
}

/// Tries so many made-up cases; random ones, so whoever counts what they came to must not count closely.
fn try_all<C: std::fmt::Debug>(cases: impl Strategy<Value = C>, test: impl Fn(C)) {
    let config = ProptestConfig {
        cases: 64,
        failure_persistence: None,
        max_shrink_iters: 40,
        source_file: Some(file!()),
        ..ProptestConfig::default()
    };
    let tried = TestRunner::new(config).run(&cases, |case| {
        test(case);
        Ok(())
    });
    tried.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn the_jump_changes_nothing() {
    let cases = (
        prop::collection::vec(step(prop_oneof![Just(0_u32), 500_u32..3000], 1..4000), 1..25),
        prop::sample::select(BIDS.to_vec()),
        prop::sample::select(LIMITS.to_vec()),
        prop::sample::select(TARGETS.to_vec()),
    );
    let came_to = RefCell::new([0_u64; 6]);
    try_all(cases, |(steps, policy, limits, servers)| {
        let (jumped, walked) =
            same_with_and_without_the_jump(&strategy(policy, limits, servers), &recorded(&tape(&steps)));
        let counts = walked.counts;
        let met = [
            counts.steps - jumped,
            counts.places,
            counts.raises,
            counts.lowerings,
            counts.cancels,
            walked.interruptions,
        ];
        came_to.borrow_mut().iter_mut().zip(met).for_each(|(all, one)| *all += one);
    });
    let came_to = came_to.into_inner();
    assert!(came_to.iter().all(|n| *n > 0), "left out, placed, raised, lowered, cancelled, lost: {came_to:?}");
}

#[test]
fn the_jump_changes_nothing_among_dozens_of_servers() {
    const MANY: [u64; 2] = [12, 64];
    let steps = (step(prop_oneof![Just(0_u32), 500_u32..3000], 1..90), 0_u64..64);
    let cases = (
        prop::collection::vec(steps, 20..60),
        prop::sample::select(BIDS.to_vec()),
        prop::sample::select(vec![
            ROOMY,
            "max_bid = \"1.5\"",
            "max_bid = \"8\"\nmax_daily_cost = \"9\"",
            "max_bid = \"8\"\nmax_daily_cost = \"2\"",
        ]),
        prop::sample::select(MANY.to_vec()),
        prop::bool::ANY,
    );
    let came_to = RefCell::new([0_u64; 5]);
    try_all(cases, |(steps, policy, limits, many, all)| {
        let servers: Vec<u64> = (1..=many).collect();
        let steps: Vec<Step> = steps
            .into_iter()
            .map(|((wait, _, rival, floor, matter), n)| (wait, 1 + n % many, rival, floor, matter))
            .collect();
        let want = if all { many } else { 1 };
        let strategy = strategy(policy, limits, &format!("servers = {servers:?}\nwant = {want}"));
        let (jumped, walked) = same_with_and_without_the_jump(&strategy, &recorded(&tape_of(&servers, &steps)));
        let counts = walked.counts;
        let met = [counts.steps - jumped, counts.places, counts.raises, counts.lowerings, counts.cancels];
        came_to.borrow_mut().iter_mut().zip(met).for_each(|(all, one)| *all += one);
    });
    let came_to = came_to.into_inner();
    assert!(came_to.iter().all(|n| *n > 0), "left out, placed, raised, lowered, cancelled: {came_to:?}");
}

#[test]
fn what_comes_later_changes_no_decision_before() {
    let cases =
        (prop::collection::vec(step(500_u32..3000, 1..2000), 4..16), 2_usize..4, prop::sample::select(BIDS.to_vec()));
    let (decided, differ) = (Cell::new(0), Cell::new(0));
    try_all(cases, |(steps, cut, policy)| {
        let mut changed = steps.clone();
        let kept: u32 = steps[..cut].iter().map(|s| s.0).sum();
        for step in &mut changed[cut..] {
            step.2 = 3500 - step.2;
        }
        // The change itself comes with the first step that differs.
        let from = rfc3339(Time::from_secs(1_767_225_600 + i64::from(kept + steps[cut].0)));
        let strategy = strategy(policy, ROOMY, "servers = [1, 2]");
        let asked = |steps: &[Step]| changes(&strategy, &recorded(&tape(steps)), true).1;
        let (one, other) = (asked(&steps), asked(&changed));
        let before = |asked: &[String]| asked.iter().take_while(|a| a.as_str() < from.as_str()).cloned().collect();
        let (first, second): (Vec<String>, Vec<String>) = (before(&one), before(&other));
        assert_eq!(first, second);
        decided.set(decided.get() + usize::from(!first.is_empty()));
        differ.set(differ.get() + usize::from(one != other));
    });
    // Else the two would be alike for want of decisions before the change, or because nobody cares for it after.
    assert!(decided.get() > 32 && differ.get() > 16, "{} decided before, {} differ after", decided.get(), differ.get());
}

#[test]
fn the_jump_leaves_out_most_steps_of_a_quiet_market() {
    // Two days: a rival for three hours of the first, and nobody on the second.
    let (hour, fine) = (3600, Matter::Fine);
    let quiet = [(hour, 1, 900, 500, fine), (3 * hour, 1, 0, 500, fine), (20 * hour, 2, 0, 700, fine)];
    let recorded = recorded(&tape(&[&quiet[..], &[(24 * hour, 1, 0, 500, fine)]].concat()));
    for policy in BIDS {
        same_with_few_steps(&strategy(policy, ROOMY, "servers = [1, 2]"), &recorded);
    }
}

#[test]
fn the_jump_changes_nothing_on_a_real_market() {
    let Some(tape) = left_out::recording("aws-g2-2015/tape.jsonl.zst") else { return };
    // A week is enough for a debug build; the whole tape is compared by hand.
    let text = zstd::decode_all(std::fs::File::open(tape).expect("the tape")).expect("zstd");
    let text = String::from_utf8(text).expect("UTF-8");
    let week: String = text.lines().take_while(|l| l < &"{\"at\":\"2015-03-16").map(|l| format!("{l}\n")).collect();
    let recorded = recorded(&week);
    for servers in ["[101]", "[101, 102, 103]", "[101, 102, 103]\nwant = 3"] {
        for policy in [BIDS[0], ADAPTIVE] {
            let mut strategy = strategy(policy, "max_bid = \"15.6\"", &format!("servers = {servers}"));
            strategy.venue.tick = Price::parse("0.0024").expect("a price");
            same_with_few_steps(&strategy, &recorded);
        }
    }
}
