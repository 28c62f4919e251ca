//! The checks of the fuzz targets on their seeds and on seeds with random damage: the short form of fuzzing, which needs
//! no other compiler. `FUZZ_TRIES` says how often each seed is damaged.

#[path = "../fuzz/checks/answers.rs"]
mod answers;
#[path = "../fuzz/checks/run.rs"]
mod run;
#[path = "../fuzz/checks/scenario.rs"]
mod scenario;
#[path = "../fuzz/checks/strategy.rs"]
mod strategy;

use std::path::Path;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Bytes and words that mean something somewhere.
const PIECES: [&str; 16] = [
    "\"",
    "{",
    "}",
    "[",
    "]",
    "null",
    "-1",
    "1e999",
    "0.00000000000000000000000000000001",
    "99999999999999999999",
    "true",
    "\n",
    "\\u0000",
    "=",
    "[[target]]",
    "\u{1f4a5}",
];

fn damaged(seed: &[u8], dice: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=dice.next_u32() % 4 {
        let mut below = |n: usize| dice.next_u32() as usize % n.max(1);
        let (at, to) = (below(bytes.len()), below(bytes.len()));
        match below(5) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << below(8),
            1 => drop(bytes.drain(at.min(to)..at.max(to).min(at.min(to) + 40))),
            2 => bytes.truncate(at),
            3 => drop(bytes.splice(at..at, PIECES[below(PIECES.len())].bytes())),
            _ => {
                let piece = bytes[at.min(to)..at.max(to).min(at.min(to) + 60)].to_vec();
                let at = below(bytes.len());
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

fn fuzz(name: &str, tries: u32, check: fn(&[u8])) {
    let tries = std::env::var("FUZZ_TRIES").ok().map_or(tries, |text| text.parse().expect("a number"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
    let mut seeds: Vec<_> =
        std::fs::read_dir(&folder).expect("seeds").map(|seed| seed.expect("a seed").path()).collect();
    seeds.sort();
    assert!(seeds.len() > 1, "{name} has seeds");
    for seed in seeds {
        let seed = std::fs::read(seed).expect("a seed");
        check(&seed);
        let mut dice = ChaCha8Rng::seed_from_u64(u64::from(tries));
        for _ in 0..tries {
            let bytes = damaged(&seed, &mut dice);
            let shown = bytes.clone();
            let outcome = std::panic::catch_unwind(move || check(&bytes));
            assert!(outcome.is_ok(), "{name}: {}", String::from_utf8_lossy(&shown));
        }
    }
}

#[test]
fn any_answer_is_understood_or_doubted() {
    fuzz("answers", 2_000, answers::check);
}

#[test]
fn any_strategy_is_read_or_refused() {
    fuzz("strategy", 1_000, strategy::check);
}

#[test]
fn any_scenario_is_read_or_refused() {
    fuzz("scenario", 1_000, scenario::check);
}

#[test]
fn any_answers_in_a_row_are_lived_through() {
    fuzz("run", 300, run::check);
}
