//! The rule for the first day, in which too little has been seen for a table: take a spot server where there is one, and
//! wait for one while the slack is worth the restarts that are still to come.
//!
//! From on demand it goes back to the spot market once a server has been to be had for long enough: the older a run, the
//! longer it is likely to last, and the fewer restarts it brings.

use crate::policy::deadline::choice::Offer;
use crate::policy::deadline::counts::Counts;
use crate::policy::deadline::figures::Figures;
use crate::policy::deadline::whole::{Whole, whole};
use crate::policy::deadline::{AGES, CERTAIN, EDGES, ONE, PRIOR_ENDS, PRIOR_SECS};
use crate::time::{Span, Time};

/// How long a spot server is to be had on average: the market of 2023.
const RUN: Span = Span::from_ms(13_392_000);
/// Restarts that a spot run takes, twice as many as it does on average.
const RESTARTS_A_RUN: i64 = 4;
/// Restarts that going back to the spot market takes: one there, and one on demand again.
const RESTARTS_A_RETURN: i64 = 2;
/// Runs of which the assumptions count for as many as that.
const PRIOR_RUNS: Whole = whole(8);

/// How long runs last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lives {
    /// The seconds that a run of each age still has to come.
    rest: [Whole; AGES],
    /// How many of all runs reach that age.
    reach: [Whole; AGES],
}

impl Lives {
    /// As counted, of one class of price.
    pub fn of(counts: &Counts) -> Lives {
        let assumed = |of_one: i64| PRIOR_RUNS * whole(of_one);
        let ends = |at: usize| {
            let ends = counts.ends[0][at] * whole(1_000) + assumed(PRIOR_ENDS[1][at]);
            (ends * CERTAIN / (whole(1_000) * (counts.entered[0][at] + PRIOR_RUNS))).min(CERTAIN)
        };
        let spent =
            |at: usize| (counts.secs[0][at] + assumed(PRIOR_SECS[1][at])) / (counts.entered[0][at] + PRIOR_RUNS);
        let (mut rest, mut reach) = ([whole(0); AGES], [CERTAIN; AGES]);
        let mut later = whole(0);
        for at in (0..AGES).rev() {
            later = spent(at) + (CERTAIN - ends(at)) * later / CERTAIN;
            rest[at] = later;
        }
        for at in 1..AGES {
            let before = at.saturating_sub(1);
            reach[at] = reach[before] * (CERTAIN - ends(before)) / CERTAIN;
        }
        Lives { rest, reach }
    }

    /// The highest price at which going from on demand to the spot market pays at that age, as a share of the on-demand
    /// price; below nothing where none does.
    fn pays_up_to(&self, at: usize, restart: Span) -> i64 {
        let lost = i128::from(restart.ms()).saturating_mul((RESTARTS_A_RETURN * ONE).into());
        let rest = i128::from(self.rest[at].0).saturating_mul(1_000);
        let lost = lost.saturating_add(rest.saturating_sub(1)).checked_div(rest).unwrap_or(i128::MAX);
        i64::try_from(i128::from(ONE).saturating_sub(lost)).unwrap_or(i64::MIN)
    }

    /// How much slack there is above what restarts at that age would take, times a length; and how that grows with each
    /// millisecond.
    fn room(&self, at: usize, figures: &Figures, restart: Span) -> (i128, i128) {
        let a_length = i128::from(RUN.ms()).saturating_mul(ONE.into());
        let restarts = i128::from(restart.ms()).saturating_mul(RESTARTS_A_RETURN.into());
        let restarts = restarts.saturating_mul(self.reach[at].0.into());
        let needed = restarts.saturating_mul(figures.left.ms().into());
        let room = i128::from(figures.slack()).saturating_mul(a_length).saturating_sub(needed);
        (room, restarts.saturating_sub(if figures.works() { 0 } else { a_length }))
    }

    /// What the next step on that server is worth to one who rents on demand; `None` where going there is too early.
    pub fn worth(&self, figures: &Figures, restart: Span, offer: Offer) -> Option<i64> {
        let may = |at: &usize| offer.age >= EDGES[*at] && self.room(*at, figures, restart).0 >= 0;
        (0..AGES).filter(may).map(|at| self.pays_up_to(at, restart).min(ONE.saturating_sub(1))).max()
    }

    /// When that may change with nothing new seen, its age aside.
    pub fn wake(&self, figures: &Figures, restart: Span) -> impl Iterator<Item = Time> {
        let changes = (0..AGES).map(move |at| self.room(at, figures, restart));
        changes.filter_map(|(room, grows)| figures.after(turns(room, grows)?))
    }
}

/// Whether one who has nothing and finds nothing on the spot market rents on demand.
pub fn rents(figures: &Figures, restart: Span) -> bool {
    reserve(figures, restart).0 <= 0
}

/// When that may change.
pub fn rents_wake(figures: &Figures, restart: Span) -> Option<Time> {
    let (above, falls) = reserve(figures, restart);
    // At or below nothing, instead of at or above it.
    figures.after(turns(above.saturating_neg(), falls.saturating_neg())?)
}

/// How much slack there is above a restart and the reserve for those to come, times a length; and how that grows with each
/// millisecond.
fn reserve(figures: &Figures, restart: Span) -> (i128, i128) {
    let a_length = i128::from(RUN.ms());
    let restarts = i128::from(restart.ms()).saturating_mul(RESTARTS_A_RUN.into());
    let slack = i128::from(figures.slack()).saturating_sub(restart.ms().into());
    let above = slack.saturating_mul(a_length).saturating_sub(restarts.saturating_mul(figures.left.ms().into()));
    (above, restarts.saturating_sub(if figures.works() { 0 } else { a_length }))
}

/// After how many milliseconds a number that grows by so much in each comes to be at least nothing, or below it.
fn turns(number: i128, grows: i128) -> Option<i64> {
    let ms = match number >= 0 {
        true if grows < 0 => number.checked_div(grows.checked_neg()?)?.checked_add(1)?,
        false if grows > 0 => number.checked_neg()?.checked_sub(1)?.checked_div(grows)?.checked_add(1)?,
        _ => return None,
    };
    i64::try_from(ms).ok()
}
