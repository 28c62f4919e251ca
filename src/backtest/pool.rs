//! Many jobs on a few threads, their results handed over one by one in the jobs' order, each as soon as it can be.
//!
//! So that a long grid can be watched and a killed one keeps what it has done: nothing waits but what came before its
//! turn. The order is the same however many threads there are.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

/// Does `count` jobs, numbered from 0, on so many threads (one at least), and hands their results to `take` in order.
///
/// Ends at the first error, in the jobs' order, of a job or of `take`: no later result is taken, and no job is begun
/// any more but for those that are being begun at that moment.
///
/// # Errors
/// The first error of a job or of `take`.
///
/// # Panics
/// When a job does.
pub fn in_order<T: Send, E: Send>(
    threads: usize,
    count: usize,
    job: impl Fn(usize) -> Result<T, E> + Sync,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let threads = threads.clamp(1, count.max(1));
    let next = AtomicUsize::new(0);
    // Bounded, so that a slow taker holds the jobs back instead of piling up their results.
    let (sender, results) = sync_channel(threads);
    thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, next, job) = (sender.clone(), &next, &job);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    let done = catch_unwind(AssertUnwindSafe(|| job(number)));
                    // Nobody is there any more to whom the rest could matter.
                    if sender.send((number, done)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        // Dropped on the way out of this closure, whichever it is, which is what ends the threads.
        let results = results;
        let mut waiting = BTreeMap::new();
        let mut turn = 0;
        for (number, done) in &results {
            waiting.insert(number, done);
            while let Some(done) = waiting.remove(&turn) {
                turn += 1;
                take(done.unwrap_or_else(|panic| resume_unwind(panic))?)?;
            }
        }
        Ok(())
    })
}
