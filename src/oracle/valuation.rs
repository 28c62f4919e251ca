//! A valuation says what an unheld tick and a begin cost, as they move: where a day is worth the on-demand price, it is
//! worth what that is at the time.

use super::cost::{Cost, ProblemError, divided, ticks_between};
use crate::core::time::{Span, Time};

/// A valuation is what it costs not to hold a server, and to begin to, in cost units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Valuation {
    /// What a wanted tick costs that is not held.
    pub per_tick: Cost,
    /// What each begin of a holding costs: work lost and the fee for the order.
    pub restart_cost: Cost,
}

/// The valuations in order of time: one from each start tick on, beginning with tick 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Valuations {
    /// Start, valuation, and what all ticks before the start cost unheld.
    runs: Vec<(u32, Valuation, Cost)>,
}

impl Valuations {
    /// Checks that the starts ascend from 0 on and that no number is negative.
    pub(super) fn new(valuations: &[(u32, Valuation)]) -> Result<Valuations, ProblemError> {
        if valuations.first().is_none_or(|(start, _)| *start != 0) {
            return Err(ProblemError::Unsorted(0));
        }
        if valuations.iter().any(|(_, valuation)| valuation.per_tick < 0 || valuation.restart_cost < 0) {
            return Err(ProblemError::Negative("a cost"));
        }
        let mut runs: Vec<(u32, Valuation, Cost)> = Vec::with_capacity(valuations.len());
        for (number, (start, valuation)) in valuations.iter().enumerate() {
            let mut sum = 0;
            if let Some((before, last, so_far)) = runs.last() {
                let ticks = start.checked_sub(*before).filter(|ticks| *ticks > 0);
                let ticks = Cost::from(ticks.ok_or(ProblemError::Unsorted(number))?);
                let stretch = last.per_tick.checked_mul(ticks).and_then(|cost| cost.checked_add(*so_far));
                sum = stretch.ok_or(ProblemError::TooLarge("the cost of the whole time"))?;
            }
            runs.push((*start, *valuation, sum));
        }
        Ok(Valuations { runs })
    }

    /// The dearest of each.
    pub(super) fn dearest(&self) -> Valuation {
        let most =
            |of: fn(&Valuation) -> Cost| self.runs.iter().map(|(_, valuation, _)| of(valuation)).max().unwrap_or(0);
        Valuation { per_tick: most(|w| w.per_tick), restart_cost: most(|w| w.restart_cost) }
    }

    /// From which ticks on something changes.
    pub(super) fn changes(&self) -> impl Iterator<Item = u32> + '_ {
        self.runs.iter().skip(1).map(|(start, ..)| *start)
    }

    /// What holds in a tick.
    pub(super) fn at(&self, tick: u32) -> Valuation {
        self.run(tick).1
    }

    /// What it costs not to hold a server from one tick until before another.
    pub(super) fn unheld(&self, from: u32, to: u32) -> Cost {
        self.until(to) - self.until(from)
    }

    fn until(&self, tick: u32) -> Cost {
        let (start, valuation, before) = self.run(tick);
        before + valuation.per_tick * Cost::from(tick - start)
    }

    fn run(&self, tick: u32) -> (u32, Valuation, Cost) {
        let after = self.runs.partition_point(|(start, ..)| *start <= tick);
        // The first one starts at tick 0.
        self.runs[after.saturating_sub(1)]
    }
}

impl Valuation {
    /// The valuation of each tick, from the valuation of each moment: that of the first tick and every later one that
    /// differs.
    ///
    /// An unheld tick costs what its moments do, rounded once, half to even. A begin costs the least that was in force
    /// during the tick or just before it, since one may begin at any moment of it: the oracle must not be undercut.
    ///
    /// # Errors
    /// When a tick has no length, changes are not in order of time, or there is more than can be counted.
    pub fn from_changes(
        from: Time,
        to: Time,
        tick: Span,
        first: Valuation,
        changes: impl IntoIterator<Item = (Time, Valuation)>,
    ) -> Result<Vec<(u32, Valuation)>, ProblemError> {
        let ticks = ticks_between(from, to, tick)?;
        let mut open = Open { tick: 0, spent: 0, sum: 0, least: first.restart_cost, current: first };
        let mut runs = Vec::new();
        let mut before = 0;
        for (number, (at, valuation)) in changes.into_iter().enumerate() {
            let offset = at.since(from).ms().max(0);
            if offset < before {
                return Err(ProblemError::Unsorted(number));
            }
            before = offset;
            let Some(of) = u32::try_from(offset / tick.ms()).ok().filter(|of| *of < ticks) else { break };
            if of > open.tick {
                open.close(tick, &mut runs)?;
                if of > open.tick + 1 {
                    push(&mut runs, open.tick + 1, open.current);
                }
                open = Open { tick: of, spent: 0, sum: 0, least: open.current.restart_cost, current: open.current };
            }
            open.change(offset % tick.ms(), valuation)?;
        }
        open.close(tick, &mut runs)?;
        if ticks > open.tick + 1 {
            push(&mut runs, open.tick + 1, open.current);
        }
        Ok(runs)
    }
}

/// A tick that is being looked at.
struct Open {
    tick: u32,
    /// Milliseconds of it that were looked at, and their valuations' sum.
    spent: i64,
    sum: Cost,
    /// The least that a begin cost in it or just before it.
    least: Cost,
    current: Valuation,
}

impl Open {
    /// Up to that millisecond of the tick, things were as before.
    fn pass(&mut self, until: i64) -> Result<(), ProblemError> {
        let passed = self.current.per_tick.checked_mul(Cost::from(until - self.spent));
        let sum = passed.and_then(|passed| passed.checked_add(self.sum));
        (self.spent, self.sum) = (until, sum.ok_or(ProblemError::TooLarge("the price of a day"))?);
        Ok(())
    }

    fn change(&mut self, at: i64, valuation: Valuation) -> Result<(), ProblemError> {
        self.pass(at)?;
        self.least = self.least.min(valuation.restart_cost);
        self.current = valuation;
        Ok(())
    }

    fn close(&mut self, tick: Span, runs: &mut Vec<(u32, Valuation)>) -> Result<(), ProblemError> {
        self.pass(tick.ms())?;
        let per_tick = divided(self.sum, Cost::from(tick.ms()));
        push(runs, self.tick, Valuation { per_tick, restart_cost: self.least });
        Ok(())
    }
}

fn push(runs: &mut Vec<(u32, Valuation)>, start: u32, valuation: Valuation) {
    if runs.last().is_none_or(|(_, last)| *last != valuation) {
        runs.push((start, valuation));
    }
}
