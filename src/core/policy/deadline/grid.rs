//! The steps in which the table counts time left and slack.

use crate::policy::deadline::whole::{Whole, whole};
use crate::policy::deadline::{CERTAIN, NEVER};

/// Time left is counted in at most so many steps.
const MOST_STEPS: i64 = 200;
/// Slack is counted in about so many units.
const SLACK_UNITS: i64 = 240;

/// Steps of time and units of slack, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// A unit of slack. A restart takes no more than one.
    pub unit: Whole,
    /// How many units a step of waiting takes.
    pub units: Whole,
    /// A step of time.
    pub step: Whole,
    /// How many steps are left.
    pub steps: usize,
    /// How many units of slack are told apart.
    pub slacks: usize,
    /// What a restart takes.
    pub restart: Whole,
    /// The same as a share of a unit.
    pub part: Whole,
}

/// One step in a mode, begun in that mode or in another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leg {
    /// The seconds of the step that are paid for.
    pub run: Whole,
    /// Whether the work is done in it.
    pub ends: bool,
    /// The part of a unit of slack that a restart takes.
    pub part: Whole,
}

impl Grid {
    /// For so many seconds left, of which `slack` are not needed. None of them is more than a hundred years.
    pub fn new(left: Whole, slack: Whole, restart: Whole) -> Grid {
        // The last but one: else a year with next to no slack would have more units to tell apart than fit.
        let least = left.times_up(whole(MOST_STEPS * SLACK_UNITS)).max(whole(1));
        let unit = restart.max(slack.times_up(whole(SLACK_UNITS))).max(least);
        let units = left.times_up(unit * whole(MOST_STEPS)).max(whole(1));
        let step = units * unit;
        Grid {
            unit,
            units,
            step,
            steps: left.times_up(step).place().max(1),
            slacks: (slack / unit + units + whole(2)).place(),
            restart,
            part: restart * CERTAIN / unit,
        }
    }

    /// A step with so many seconds of work left. `stays`: it goes on in the mode that one is in.
    pub fn leg(&self, stays: bool, work: Whole) -> Leg {
        let (lead, part) = if stays { (whole(0), whole(0)) } else { (self.restart, self.part) };
        let ends = self.step - lead >= work;
        Leg { run: if ends { work + lead } else { self.step }, ends, part }
    }

    /// What such a step costs at that price, with what follows on it.
    pub fn cost_with(&self, price: Whole, leg: Leg, after: Whole) -> Whole {
        if after >= NEVER { NEVER } else { price * leg.run / self.unit + after }
    }
}
