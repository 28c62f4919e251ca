//! Backtests: the jump over repeated reads changes nothing, and the future is not known.

mod common;

use std::io::Write as _;

use clorebid::backtest::{Ran, Recorded, Rivals, VenueRules, run};
use clorebid::clock::rfc3339;
use clorebid::core::money::{Amount, Price};
use clorebid::core::time::{Span, Time};
use clorebid::strategy;
use clorebid::tape::{Reader, Series, SeriesOptions};
use proptest::prelude::*;
use rust_decimal::Decimal;

/// One change of a made-up market: seconds since the last one, server, rival's bid in ticks (0: nobody), floor in ticks.
type Step = (u32, u64, u32, u32);

fn tape(steps: &[Step]) -> String {
    let start = Time::from_secs(1_767_225_600);
    let mut now = start;
    let mut lines = String::new();
    let listed = |id: u64| {
        format!(
            r#"{{"id":{id},"price":{{"on_demand":{{"USD-Blockchain":9}},"spot":{{"USD-Blockchain":0.5}}}},"rented":false}}"#
        )
    };
    lines += &format!(
        "{{\"at\":\"{}\",\"call\":\"marketplace\",\"args\":{{}},\"status\":200,\"body\":{{\"servers\":[{},{}],\"my_servers\":[],\"code\":0}}}}\n",
        rfc3339(now),
        listed(1),
        listed(2)
    );
    for (wait, server, rival, floor) in [(0, 1, 0, 500), (0, 2, 0, 900)].iter().chain(steps) {
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
        lines += &format!(
            "{{\"at\":\"{}\",\"call\":\"spot_marketplace\",\"args\":{{\"market\":{server}}},\"status\":200,\"body\":{{\"market\":{{\"offers\":[{offer}],\"server\":{{\"min_pricing\":{{\"USD-Blockchain\":{}.{:03}}},\"mrl\":2592000,\"visibility\":\"public\",\"online\":true}}}},\"exists\":true,\"code\":0}}}}\n",
            rfc3339(now),
            floor / 1000,
            floor % 1000
        );
    }
    lines
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

fn strategy(bid: &str, servers: &str) -> clorebid::core::strategy::Strategy {
    let text = format!(
        "name = \"t\"\ncurrency = \"USD-Blockchain\"\n[limits]\nmax_bid = \"8\"\n[venue]\ntick = \"0.001\"\n[[target]]\n\
         name = \"t\"\nservers = {servers}\n[target.bid]\n{bid}\n"
    );
    strategy::read(&text, "t.toml").expect("a strategy").strategy
}

/// A run, and every change it asked for.
fn changes(strategy: &clorebid::core::strategy::Strategy, on: &Recorded, jump: bool) -> (Ran, Vec<String>) {
    let mut asked = Vec::new();
    let ran = run(strategy, on, &rules(), Rivals::Static, jump, &mut |now, ask, answer| {
        if ask.request.is_change() {
            asked.push(format!("{} {:?} {} {:?}", rfc3339(now), ask.request, ask.reason, answer.outcome()));
        }
    });
    (ran, asked)
}

fn same_with_and_without_the_jump(strategy: &clorebid::core::strategy::Strategy, on: &Recorded) {
    let (mut jumped, by_jump) = changes(strategy, on, true);
    let (walked, step_by_step) = changes(strategy, on, false);
    for (n, (a, b)) in by_jump.iter().zip(&step_by_step).enumerate() {
        assert_eq!(a, b, "change {n}, with the jump and without; before it: {:?}", &by_jump[n.saturating_sub(3)..n]);
    }
    assert_eq!(by_jump.len(), step_by_step.len());
    assert!(jumped.counts.steps <= walked.counts.steps);
    jumped.counts.steps = walked.counts.steps;
    assert_eq!(jumped, walked);
}

const BIDS: [&str; 5] = [
    "policy = \"follow\"\nmargin = \"2%\"",
    "policy = \"follow\"\nmargin = \"0\"\nreplace = \"never\"\nlower = { after = \"90s\" }\nraise = { wait = \"45s\" }",
    "policy = \"follow\"\nlost = \"move\"",
    "policy = \"fixed\"\nopen = \"2\"",
    "policy = \"ladder\"\nopen = \"3\"\nstay = \"30m\"",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_jump_changes_nothing(
        steps in prop::collection::vec((1_u32..4000, 1_u64..3, prop_oneof![Just(0_u32), 500_u32..3000], 400_u32..700), 1..25),
        policy in 0_usize..BIDS.len(),
        servers in prop::sample::select(vec!["[1]", "[1, 2]", "[1, 2]\nwant = 2"]),
    ) {
        same_with_and_without_the_jump(&strategy(BIDS[policy], servers), &recorded(&tape(&steps)));
    }

    #[test]
    fn what_comes_later_changes_no_decision_before(
        steps in prop::collection::vec((1_u32..2000, 1_u64..3, 500_u32..3000, 400_u32..700), 4..16),
        cut in 2_usize..4,
        policy in 0_usize..BIDS.len(),
    ) {
        let mut changed = steps.clone();
        let kept: u32 = steps[..cut].iter().map(|s| s.0).sum();
        for step in &mut changed[cut..] {
            step.2 = 3500 - step.2;
        }
        // The change itself comes with the first step that differs.
        let from = Time::from_secs(1_767_225_600 + i64::from(kept + steps[cut].0));
        let strategy = strategy(BIDS[policy], "[1, 2]");
        let before = |steps: &[Step]| {
            let asked = changes(&strategy, &recorded(&tape(steps)), true).1;
            asked.into_iter().filter(|a| a.as_str() < rfc3339(from).as_str()).collect::<Vec<_>>()
        };
        prop_assert_eq!(before(&steps), before(&changed));
    }
}

#[test]
fn the_jump_changes_nothing_on_a_real_market() {
    let Some(folder) = std::env::var_os("CLOREBID_TAPES") else {
        let _closed = writeln!(std::io::stderr(), "left out: CLOREBID_TAPES is not set");
        return;
    };
    let tape = std::path::Path::new(&folder).join("aws-g2-2015/tape.jsonl.zst");
    // A week is enough for a debug build; the whole tape is compared by hand.
    let text = zstd::decode_all(std::fs::File::open(tape).expect("the tape")).expect("zstd");
    let text = String::from_utf8(text).expect("UTF-8");
    let week: String = text.lines().take_while(|l| l < &"{\"at\":\"2015-03-16").map(|l| format!("{l}\n")).collect();
    let recorded = recorded(&week);
    for servers in ["[101]", "[101, 102, 103]", "[101, 102, 103]\nwant = 3"] {
        let mut strategy = strategy(BIDS[0], servers);
        strategy.venue.tick = Price::parse("0.0024").expect("a price");
        strategy.limits.max_bid = Price::parse("15.6").expect("a price");
        same_with_and_without_the_jump(&strategy, &recorded);
    }
}
