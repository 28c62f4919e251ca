//! Random scenarios through the whole stack, as the core's campaign plays them through the core alone.
//!
//! `STACK_SEEDS=2000 cargo test --release --test whole_stack` plays so many, from seed `STACK_FROM` on; a failure prints
//! its seed, the venue's file and every strategy.

#[path = "../common/mod.rs"]
mod common;
mod play;
mod scenario;

use std::sync::atomic::{AtomicU64, Ordering};

use play::play;
use scenario::Scenario;

/// So many are played where nothing else is said.
const SEEDS: u64 = 20;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// Plays seeds as long as there are any; what was wrong with each.
fn work(next: &AtomicU64, end: u64) -> (Vec<String>, usize, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (mut failed, mut orders, mut requests) = (Vec::new(), 0, 0);
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return (failed, orders, requests);
        }
        let scenario = Scenario::new(seed);
        let verdict = runtime.block_on(play(&scenario));
        orders += verdict.orders;
        requests += verdict.requests;
        if !verdict.wrong.is_empty() {
            println!("seed {seed}: {}", verdict.wrong.join("; "));
            failed.push(format!("seed {seed}: {:#?}\n{scenario:#?}", verdict.wrong));
        }
    }
}

#[test]
fn no_scenario_goes_wrong_anywhere_in_the_stack() {
    let (from, count) = (number("STACK_FROM").unwrap_or(0), number("STACK_SEEDS").unwrap_or(SEEDS));
    let next = AtomicU64::new(from);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let results: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work(&next, from + count))).collect();
        workers.into_iter().map(|worker| worker.join().expect("no panic")).collect()
    });
    let failed: Vec<&String> = results.iter().flat_map(|(failed, ..)| failed).collect();
    let (orders, requests) = results.iter().fold((0, 0), |(o, r), (_, orders, requests)| (o + orders, r + requests));
    println!("{count} scenarios: {orders} orders, {requests} requests");
    assert!(failed.is_empty(), "{} of {count} go wrong, the first:\n{}", failed.len(), failed[0]);
    assert!(orders as u64 >= count && requests as u64 >= 100 * count, "{orders} orders, {requests} requests");
}
