//! The chances of a step: that a run ends, what comes after it, and where one stands when a server is lost.

use crate::policy::deadline::classes::Classes;
use crate::policy::deadline::counts::Counts;
use crate::policy::deadline::series::Series;
use crate::policy::deadline::whole::{Whole, whole};
use crate::policy::deadline::{AGES, CERTAIN, EDGES, ONE, PRIOR_ENDS, PRIOR_SECS, STATES, age};

/// Runs of which the assumptions count for as many as that.
const PRIOR_RUNS: Whole = whole(4);
/// Losses that are assumed, and in how many tenths of them another server was to be had.
const PRIOR_LOSSES: Whole = whole(4);
const PRIOR_OTHERS: Whole = whole(3);

/// The chances of one step of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Odds {
    /// Of the server that is held.
    pub own: Chances,
    /// Of the best server.
    pub best: Chances,
    /// The class of the best other server when the held one is lost.
    pub lost: [Whole; STATES],
    /// How likely a run gets from an age to the next one given, if it does not end.
    pub older: [(Whole, usize); AGES],
}

/// The chances of one price.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chances {
    /// That a run of a class and age ends within a step.
    pub ends: [[Whole; AGES]; STATES],
    /// What it becomes then.
    pub next: [[Whole; STATES]; STATES],
}

impl Odds {
    /// Those that the series of all servers teach, for a step of so many seconds.
    pub fn of(all: &[Series], best: &Series, classes: &Classes, step: Whole) -> Odds {
        let (mut own, mut uni) = (Counts::default(), Counts::default());
        all.iter().for_each(|series| own.add(series, classes));
        uni.add(best, classes);
        Odds {
            own: Chances::of(&own, classes.count(), step),
            best: Chances::of(&uni, classes.count(), step),
            lost: lost(all, best, classes, &uni),
            older: older(step),
        }
    }
}

impl Chances {
    /// `away`: the class of not being to be had, the last one.
    fn of(counts: &Counts, away: usize, step: Whole) -> Chances {
        let mut chances = Chances::default();
        for class in 0..=away {
            let on = usize::from(class < away);
            for at in 0..AGES {
                let ends = counts.ends[class][at] * whole(1_000) + PRIOR_RUNS * whole(PRIOR_ENDS[on][at]);
                let secs = counts.secs[class][at] + PRIOR_RUNS * whole(PRIOR_SECS[on][at]);
                chances.ends[class][at] = within(ends * step / whole(1_000) * CERTAIN / secs);
            }
            chances.next[class] = next(counts, class, away);
        }
        chances
    }
}

/// The chance of an end in a time in which so many are expected, without an exponential: 1 − (1 + x/8)^−8.
fn within(expected: Whole) -> Whole {
    let eight = whole(8) * CERTAIN;
    let eighth_root = eight * CERTAIN / (eight + expected.min(whole(64) * CERTAIN));
    let none = (0..3).fold(eighth_root, |rest, _| rest * rest / CERTAIN);
    CERTAIN - none
}

/// What a run of that class becomes: as it was, and in proportion to the time spent in each class.
fn next(counts: &Counts, class: usize, away: usize) -> [Whole; STATES] {
    let all = counts.all_secs.iter().copied().sum::<Whole>() + whole(1);
    let mut weights = [whole(0); STATES];
    for to in (0..=away).filter(|to| *to != class) {
        let share = whole(2_000) * (counts.all_secs[to] + all / whole(1_000)) / all;
        weights[to] = counts.next[class][to] * whole(1_000) + share + whole(1);
    }
    let sum: Whole = weights.iter().copied().sum();
    let mut chances = weights.map(|weight| weight * CERTAIN / sum);
    let given: Whole = chances.iter().copied().sum();
    // The likeliest takes what rounding has left over.
    let mut likeliest = if class == 0 { away } else { 0 };
    for to in 0..=away {
        if chances[to] > chances[likeliest] {
            likeliest = to;
        }
    }
    chances[likeliest] += CERTAIN - given;
    chances
}

fn lost(all: &[Series], best: &Series, classes: &Classes, uni: &Counts) -> [Whole; STATES] {
    let away = classes.count();
    let mut chances = [whole(0); STATES];
    chances[away] = CERTAIN;
    if all.len() < 2 {
        return chances;
    }
    let (mut found, mut losses) = ([whole(0); STATES], PRIOR_LOSSES);
    for at in all.iter().flat_map(Series::losses) {
        found[classes.class(best.at(at).unwrap_or(ONE))] += whole(1);
        losses += whole(1);
    }
    let had: Whole = uni.all_secs.iter().take(away).copied().sum();
    for class in 0..away {
        let assumed = PRIOR_LOSSES * PRIOR_OTHERS * whole(100);
        let assumed = if had.0 > 0 { assumed * uni.all_secs[class] / had } else { assumed / Whole::of_place(away) };
        chances[class] = (found[class] * whole(1_000) + assumed) * CERTAIN / (losses * whole(1_000));
        chances[away] -= chances[class];
    }
    chances
}

fn older(step: Whole) -> [(Whole, usize); AGES] {
    let mut older = [(whole(0), AGES.saturating_sub(1)); AGES];
    for (at, edges) in EDGES.windows(2).enumerate() {
        let [from, to] = [edges[0], edges[1]].map(whole);
        let next = at.saturating_add(1);
        older[at] = match to - from {
            width if step >= width => (CERTAIN, age(from + step).max(next)),
            width => (step * CERTAIN / width, next),
        };
    }
    older
}
