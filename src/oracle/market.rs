//! A problem is what the oracle is asked: for each server what it took to hold it, tick by tick, and the venue's rules.
//!
//! Levels are whole price ticks; costs are whole cost units, of which one level held for one tick costs
//! [`Rules::level_cost`]. Nothing is rounded in here: [`units`](super::units) does that once, at the edge.

use std::borrow::Cow;

use super::cost::{Cost, ProblemError, ticks_between};
use super::valuation::{Valuation, Valuations};
use crate::core::money::Price;
use crate::core::time::{Span, Time};

/// What it took to hold one server: from each start tick on a level, or nothing that would have done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Track {
    runs: Vec<(u32, Option<i64>)>,
}

impl Track {
    /// From runs in order of time; before the first one the server cannot be held.
    ///
    /// # Errors
    /// When the starts do not ascend or a level is negative.
    pub fn new(runs: Vec<(u32, Option<i64>)>) -> Result<Track, ProblemError> {
        if let Some(at) = runs.windows(2).position(|pair| matches!(pair, [(a, _), (b, _)] if a >= b)) {
            return Err(ProblemError::Unsorted(at + 1));
        }
        if runs.iter().any(|(_, level)| level.is_some_and(|l| l < 0)) {
            return Err(ProblemError::Negative("a level"));
        }
        let mut track = Track::default();
        for (start, level) in runs {
            track.push(start, level);
        }
        Ok(track)
    }

    /// From the changes of the least winning bid: each tick takes the highest that was in force during it.
    ///
    /// A bid that stands through a tick must win all of it, so that the oracle never promises more than could be had;
    /// where part of a tick could not be held at any price (`None`), none of it can. Before the first change nothing is
    /// known and nothing can be held. Prices are lifted to whole price ticks. There are as many ticks as fit between
    /// `from` and `to`; a rest shorter than a tick is left out.
    ///
    /// # Errors
    /// When a tick has no length, changes are not in order of time, or there are more than four thousand million ticks.
    pub fn from_changes(
        from: Time,
        to: Time,
        tick: Span,
        changes: impl IntoIterator<Item = (Time, Option<Price>)>,
        price_tick: Price,
    ) -> Result<Track, ProblemError> {
        let ticks = ticks_between(from, to, tick)?;
        if price_tick.is_zero() {
            return Err(ProblemError::Zero("the price tick"));
        }
        let mut track = Track::default();
        let (mut open, mut worst, mut current) = (0_u32, None, None);
        let mut changes = changes.into_iter().enumerate().peekable();
        while let Some((number, (at, price))) = changes.next() {
            match changes.peek() {
                Some((_, (next, _))) if *next < at => return Err(ProblemError::Unsorted(number + 1)),
                // What is replaced in the same instant was never in force.
                Some((_, (next, _))) if *next == at => continue,
                _ => {}
            }
            let level = price.and_then(|p| level_of(p, price_tick));
            let offset = at.since(from).ms();
            let Some(of) = u32::try_from(offset / tick.ms()).ok().filter(|of| *of < ticks) else { break };
            if of > open {
                track.push(open, worst);
                if of > open + 1 {
                    track.push(open + 1, current);
                }
                (open, worst) = (of, current);
            }
            let whole_tick = offset % tick.ms() == 0;
            worst = if whole_tick { level } else { higher(worst, level) };
            current = level;
        }
        if ticks > 0 {
            track.push(open, worst);
        }
        if ticks > open.saturating_add(1) {
            track.push(open + 1, current);
        }
        Ok(track)
    }

    /// The runs, in order of time: a start tick and the level from there on.
    pub fn runs(&self) -> &[(u32, Option<i64>)] {
        &self.runs
    }

    /// The level during one tick; `None` where the server cannot be held.
    pub fn level_at(&self, tick: u32) -> Option<i64> {
        let after = self.runs.partition_point(|(start, _)| *start <= tick);
        after.checked_sub(1).and_then(|at| self.runs.get(at)).and_then(|(_, level)| *level)
    }

    /// This track with the server not to be held during any of `taken`, half-open spans of ticks in order of time.
    pub(super) fn without(&self, taken: &[(u32, u32)]) -> Track {
        let mut cuts: Vec<u32> = self.runs.iter().map(|(start, _)| *start).collect();
        cuts.extend(taken.iter().flat_map(|(from, to)| [*from, *to]));
        // Two ascending lists, which this sort merges.
        cuts.sort();
        cuts.dedup();
        let (mut left, mut levels, mut taken) = (Track::default(), Cursor::new(self), taken);
        for cut in cuts {
            let level = levels.at(cut);
            while let Some((_, later)) = taken.split_first().filter(|((_, to), _)| *to <= cut) {
                taken = later;
            }
            let is_taken = taken.first().is_some_and(|(from, _)| *from <= cut);
            left.push(cut, level.filter(|_| !is_taken));
        }
        left
    }

    fn push(&mut self, start: u32, level: Option<i64>) {
        if self.runs.last().is_none_or(|(_, last)| *last != level) {
            self.runs.push((start, level));
        }
    }
}

/// The price in whole price ticks, lifted; what is beyond counting cannot be held.
fn level_of(price: Price, price_tick: Price) -> Option<i64> {
    let ticks = price.ceil_to(price_tick).decimal().checked_div(price_tick.decimal())?;
    i64::try_from(ticks.round()).ok()
}

/// The level that wins throughout both.
fn higher(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    Some(a?.max(b?))
}

/// What a bid may do and what things cost, in levels, ticks and cost units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The most that one lowering takes off a bid, in levels.
    pub step: u64,
    /// From one lowering to the next allowed one, in ticks, at least one.
    pub window: u32,
    /// What one level costs for one tick.
    pub level_cost: Cost,
    /// What each begin of a holding costs, at first if that changes: work lost and the fee for the order.
    pub restart_cost: Cost,
    /// What a wanted tick costs that is not held, at first if that changes.
    pub per_tick: Cost,
}

/// A market with everything known beforehand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    servers: Vec<Track>,
    ticks: u32,
    rules: Rules,
    valuations: Valuations,
    want: u32,
}

impl Problem {
    /// A market in which a server is worth the same all the time.
    ///
    /// # Errors
    /// When a number is negative, zero where it must not be, or too large.
    pub fn new(servers: Vec<Track>, ticks: u32, rules: Rules, want: u32) -> Result<Problem, ProblemError> {
        let valuation = Valuation { per_tick: rules.per_tick, restart_cost: rules.restart_cost };
        Problem::with_valuations(servers, ticks, rules, &[(0, valuation)], want)
    }

    /// A market in which a server is worth different sums in time, from each start tick on; the first start is 0. They
    /// take the place of what the rules say.
    ///
    /// Checks that the numbers make sense and that no sum can overflow.
    ///
    /// Levels that cost more than the dearest unheld tick and the dearest restart together become unholdable. That
    /// changes no optimum: leaving for that tick and starting again at the least winning bid is cheaper and ends in the
    /// best state there is.
    ///
    /// # Errors
    /// When a number is negative, zero where it must not be, or too large, or `valuations` are not in order of time.
    pub fn with_valuations(
        servers: Vec<Track>,
        ticks: u32,
        rules: Rules,
        valuations: &[(u32, Valuation)],
        want: u32,
    ) -> Result<Problem, ProblemError> {
        if rules.window == 0 {
            return Err(ProblemError::Zero("the window"));
        }
        if rules.level_cost <= 0 {
            return Err(ProblemError::Zero("the cost of a level"));
        }
        let valuations = Valuations::new(valuations)?;
        let Valuation { per_tick, restart_cost } = valuations.at(0);
        let rules = Rules { per_tick, restart_cost, ..rules };
        let dearest = valuations.dearest().per_tick.checked_add(valuations.dearest().restart_cost);
        // Room for four such sums: no total and no difference of totals can overflow after this.
        let total = dearest
            .and_then(|d| d.checked_add(rules.level_cost)?.checked_mul(Cost::from(ticks) + 2))
            .and_then(|d| d.checked_mul(Cost::from(want) + 1)?.checked_mul(4));
        let (Some(dearest), Some(_)) = (dearest, total) else {
            return Err(ProblemError::TooLarge("the cost of the whole time"));
        };
        if servers.len() > usize::from(u16::MAX) {
            return Err(ProblemError::TooLarge("the number of servers"));
        }
        let most = i64::try_from(dearest / rules.level_cost).unwrap_or(i64::MAX);
        let servers = servers.iter().map(|track| bounded(track, ticks, most)).collect();
        Ok(Problem { servers, ticks, rules, valuations, want })
    }

    /// One track for each server.
    pub fn servers(&self) -> &[Track] {
        &self.servers
    }

    /// How many ticks there are.
    pub fn ticks(&self) -> u32 {
        self.ticks
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What an unheld tick and a begin cost at each time.
    pub(super) fn valuations(&self) -> &Valuations {
        &self.valuations
    }

    /// What it costs to hold nothing at all, for each server wanted.
    pub(super) fn never(&self) -> Cost {
        self.valuations.unheld(0, self.ticks)
    }

    /// How many servers are wanted at once.
    pub fn want(&self) -> u32 {
        self.want
    }

    /// Every server, all of the time.
    pub(super) fn offered(&self) -> Vec<Offered<'_>> {
        (0..).zip(self.servers.iter().map(Cow::Borrowed)).collect()
    }

    /// What others leave of every server, where `taken` is what they hold of each.
    pub(super) fn rest(&self, taken: &[Vec<(u32, u32)>]) -> Vec<Offered<'_>> {
        let left = self.servers.iter().zip(taken).map(|(track, taken)| match taken.as_slice() {
            [] => Cow::Borrowed(track),
            taken => Cow::Owned(track.without(taken)),
        });
        (0..).zip(left).filter(|(_, track)| track.runs.iter().any(|(_, level)| level.is_some())).collect()
    }
}

/// A server by its number, and when it may be held for how much.
pub(super) type Offered<'a> = (u16, Cow<'a, Track>);

/// The track within the ticks, with levels above `most` as unholdable.
fn bounded(track: &Track, ticks: u32, most: i64) -> Track {
    let mut kept = Track::default();
    for (start, level) in track.runs.iter().filter(|(start, _)| *start < ticks) {
        kept.push(*start, level.filter(|l| *l <= most));
    }
    kept
}

/// Walks one track forward in time.
pub(super) struct Cursor<'a> {
    runs: &'a [(u32, Option<i64>)],
    level: Option<i64>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(track: &'a Track) -> Cursor<'a> {
        Cursor { runs: &track.runs, level: None }
    }

    /// The level at `tick`, which may not lie before the last one asked for.
    pub(super) fn at(&mut self, tick: u32) -> Option<i64> {
        while let Some(((start, level), rest)) = self.runs.split_first() {
            if *start > tick {
                break;
            }
            (self.level, self.runs) = (*level, rest);
        }
        self.level
    }
}
