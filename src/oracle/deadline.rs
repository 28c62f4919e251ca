//! The least cost of so much work by a deadline, for whoever knows the whole market beforehand, and one server at a time.
//!
//! What is known after each tick is the least cost of having done so many ticks of work, out of everything or on one of the
//! servers with the restart behind one. An order bids what wins at each time: the rule that a bid comes down step by step
//! is left out. So the cost is exact where prices never fall while they are held, as where servers come and go at one
//! price; elsewhere nothing can cost less.

use std::collections::VecDeque;
use std::ops::Range;

use super::cost::{Cost, ProblemError};
use super::market::{Cursor, Track};

/// So much work by a deadline. All lengths are in whole ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// The deadline; the first tick is 0.
    pub ticks: u32,
    /// How long a server is to be held, restarts left out.
    pub need: u32,
    /// What each beginning on a server takes: paid for, and no work is done in it.
    pub restart: u32,
    /// What each beginning costs besides, in levels held for a tick.
    pub fee: Cost,
}

/// More than anything costs.
const NEVER: Cost = Cost::MAX / 4;

/// The least cost in levels held for a tick; `None` where the deadline cannot be met. On demand is one more track, where it
/// may be rented.
///
/// # Errors
/// When the fee is below nothing or too large.
pub fn deadline_cost(tracks: &[Track], wanted: &Deadline) -> Result<Option<Cost>, ProblemError> {
    if wanted.fee < 0 {
        return Err(ProblemError::Negative("the fee"));
    }
    // No level is more than this either, so that no sum over all ticks overflows.
    if wanted.fee > Cost::from(i64::MAX) {
        return Err(ProblemError::TooLarge("the fee"));
    }
    if wanted.need == 0 {
        return Ok(Some(0));
    }
    if u64::from(wanted.need) + u64::from(wanted.restart) > u64::from(wanted.ticks) {
        return Ok(None);
    }
    let need = wanted.need as usize;
    let mut lanes: Vec<Lane<'_>> = tracks.iter().map(|track| Lane::new(track, need)).collect();
    // Out of everything, by work done: now, and as far back as a restart goes.
    let mut out = vec![NEVER; need + 1];
    out[0] = 0;
    let mut outs = VecDeque::from([out.clone()]);
    for tick in 0..wanted.ticks {
        // With less done than the first it is too late, and more than the last cannot be.
        let done = need.saturating_sub((wanted.ticks - tick) as usize)..need.min(tick as usize + 1);
        let before = outs.front().filter(|_| tick >= wanted.restart);
        for lane in &mut lanes {
            if let Some(before) = before {
                lane.enter(before, wanted, done.clone());
            }
            lane.work(tick, wanted.restart, done.clone());
            let reached = done.start..=done.end;
            for (out, held) in out[reached.clone()].iter_mut().zip(&lane.held[reached]) {
                *out = (*out).min(*held);
            }
        }
        if outs.len() > wanted.restart as usize {
            outs.pop_front();
        }
        outs.push_back(out.clone());
    }
    Ok(Some(out[need]).filter(|cost| *cost < NEVER))
}

/// One server on the way through the ticks.
struct Lane<'a> {
    cursor: Cursor<'a>,
    /// The least cost by work done, with the restart behind one.
    held: Vec<Cost>,
    /// What the last ticks cost, as far as a restart goes back and the server was to be had.
    paid: VecDeque<i64>,
    /// Their sum.
    restart_cost: Cost,
}

impl<'a> Lane<'a> {
    fn new(track: &'a Track, need: usize) -> Lane<'a> {
        Lane { cursor: Cursor::new(track), held: vec![NEVER; need + 1], paid: VecDeque::new(), restart_cost: 0 }
    }

    /// Whoever began a restart ago, out of everything until then, is through with it now.
    fn enter(&mut self, before: &[Cost], wanted: &Deadline, done: Range<usize>) {
        if self.paid.len() == wanted.restart as usize {
            let cost = self.restart_cost + wanted.fee;
            for at in done {
                self.held[at] = self.held[at].min(before[at] + cost);
            }
        }
    }

    /// Works through a tick.
    fn work(&mut self, tick: u32, restart: u32, done: Range<usize>) {
        let Some(level) = self.cursor.at(tick) else {
            self.held.fill(NEVER);
            self.paid.clear();
            self.restart_cost = 0;
            return;
        };
        for at in done.clone().rev() {
            self.held[at + 1] = (self.held[at] + Cost::from(level)).min(NEVER);
        }
        self.held[done.start] = NEVER;
        self.paid.push_back(level);
        self.restart_cost += Cost::from(level);
        if self.paid.len() > restart as usize {
            self.restart_cost -= self.paid.pop_front().map_or(0, Cost::from);
        }
    }
}
