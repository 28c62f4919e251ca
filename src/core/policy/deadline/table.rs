//! What is to be paid from each state on, worked out backwards from the deadline.
//!
//! A state is the time left, the slack, the class of a price and the age of its run. In each step one waits, rents on
//! demand or holds a server on the spot market, and a change into one of the last two takes a restart. Only what will be
//! asked for soon is kept; the rest is worked out again, from the same chances, when it is asked for.

use alloc::vec;
use alloc::vec::Vec;

use crate::policy::deadline::classes::Classes;
use crate::policy::deadline::grid::{Grid, Leg};
use crate::policy::deadline::odds::{Chances, Odds};
use crate::policy::deadline::whole::{Whole, whole};
use crate::policy::deadline::{AGES, CERTAIN, NEVER, STATES};

/// How many steps of time are kept at once. The next hour is about as many.
const KEPT_STEPS: usize = 6;

/// What one does in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Waits.
    Idle,
    /// Rents on demand.
    OnDemand,
    /// Holds a server on the spot market.
    Spot,
}

const MODES: [Mode; 3] = [Mode::Idle, Mode::OnDemand, Mode::Spot];

/// The cost of each age.
type Ages = [Whole; AGES];

/// Costs by mode, slack, class and age.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Layer {
    states: usize,
    costs: [Vec<Ages>; 3],
}

/// A state: steps of time left, units of slack, class of the price and age of its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// The steps.
    pub steps: usize,
    /// The units.
    pub slack: usize,
    /// The class.
    pub class: usize,
    /// Which of the ages.
    pub age: usize,
}

/// The costs of a job, and what they were made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its steps.
    pub grid: Grid,
    /// Its classes of price.
    pub classes: Classes,
    odds: Odds,
    /// What the rest costs after one step in a mode; the first is for `lowest` steps left.
    kept: Vec<Layer>,
    lowest: usize,
}

impl Layer {
    fn new(grid: &Grid, states: usize) -> Layer {
        let none = || vec![[whole(0); AGES]; grid.slacks.saturating_mul(states)];
        Layer { states, costs: [none(), none(), none()] }
    }

    /// The classes of one slack.
    fn of(&self, mode: Mode, slack: usize) -> &[Ages] {
        let from = slack.saturating_mul(self.states);
        &self.costs[mode as usize][from..from.saturating_add(self.states)]
    }

    fn of_mut(&mut self, mode: Mode, slack: usize) -> &mut [Ages] {
        let from = slack.saturating_mul(self.states);
        &mut self.costs[mode as usize][from..from.saturating_add(self.states)]
    }

    /// What follows on a step of renting on demand or of holding, between two units of slack where a restart takes a
    /// part of one; [`NEVER`] where there is too little of it.
    fn after(&self, mode: Mode, leg: Leg, slack: usize, class: usize, age: usize) -> Whole {
        let restarts = leg.part.0 > 0;
        if slack < usize::from(mode == Mode::Spot).saturating_add(restarts.into()) {
            return NEVER;
        }
        if leg.ends {
            return whole(0);
        }
        let of = |slack: usize| self.of(mode, slack)[class][age];
        let all = of(slack);
        if !restarts {
            return all;
        }
        let less = of(slack.saturating_sub(1));
        if all >= NEVER || less >= NEVER {
            return NEVER;
        }
        ((CERTAIN - leg.part) * all + leg.part * less) / CERTAIN
    }

    /// What follows on a step of waiting, which takes so many units of slack.
    fn wait(&self, units: Whole, slack: usize, class: usize, age: usize) -> Whole {
        let rest = slack.checked_sub(units.place()).filter(|rest| *rest >= 1);
        rest.map_or(NEVER, |rest| self.of(Mode::Idle, rest)[class][age])
    }
}

impl Table {
    /// A table of which nothing is worked out yet.
    pub fn new(grid: Grid, classes: Classes, odds: Odds) -> Table {
        let lowest = grid.steps.saturating_add(1);
        Table { grid, classes, odds, kept: Vec::new(), lowest }
    }

    /// Works out the costs for so many steps left, where they are not known.
    pub fn prepare(&mut self, steps: usize) {
        let known = self.lowest..self.lowest.saturating_add(self.kept.len());
        if known.contains(&steps) {
            return;
        }
        self.lowest = steps.saturating_sub(KEPT_STEPS).saturating_add(1).max(1);
        self.kept.clear();
        let states = self.classes.count().saturating_add(1);
        let mut costs = Layer::new(&self.grid, states);
        let mut after = costs.clone();
        for left in 1..=steps {
            for slack in 0..self.grid.slacks {
                MODES.iter().for_each(|mode| self.expect(*mode, slack, &costs, &mut after));
            }
            for slack in 0..self.grid.slacks {
                self.choose(left, slack, &after, &mut costs);
            }
            if left >= self.lowest {
                self.kept.push(after.clone());
            }
        }
    }

    /// What the rest costs after a step of renting on demand or of holding, begun there; `NEVER` where that cannot be.
    /// Its steps must be prepared.
    pub fn after(&self, mode: Mode, leg: Leg, at: At) -> Whole {
        self.layer(at).map_or(NEVER, |layer| layer.after(mode, leg, at.slack, at.class, at.age))
    }

    /// The same for a step of waiting.
    pub fn wait(&self, at: At) -> Whole {
        self.layer(at).map_or(NEVER, |layer| layer.wait(self.grid.units, at.slack, at.class, at.age))
    }

    fn layer(&self, at: At) -> Option<&Layer> {
        self.kept.get(at.steps.checked_sub(self.lowest)?)
    }

    /// What is expected after one step in that mode.
    fn expect(&self, mode: Mode, slack: usize, costs: &Layer, after: &mut Layer) {
        let away = self.classes.count();
        let Odds { own, best, lost, older } = &self.odds;
        let Chances { ends, next } = if mode == Mode::Spot { own } else { best };
        let now = costs.of(mode, slack);
        let after = after.of_mut(mode, slack);
        let lost = if mode == Mode::Spot { after_loss(lost, costs.of(Mode::Idle, slack)) } else { [whole(0); AGES] };
        for class in 0..=away {
            if mode == Mode::Spot && class == away {
                after[class] = [NEVER; AGES];
                continue;
            }
            let found = if mode == Mode::Spot { away } else { away.saturating_add(1) };
            let moved: Whole = (0..found).map(|to| next[class][to] * now[to][0]).sum();
            for age in 0..AGES {
                let moved = if mode == Mode::Spot { moved + next[class][away] * lost[age] } else { moved };
                let (grows, then) = older[age];
                let stays = ((CERTAIN - grows) * now[class][age] + grows * now[class][then]) / CERTAIN;
                let end = ends[class][age];
                after[class][age] = (end * (moved / CERTAIN) + (CERTAIN - end) * stays) / CERTAIN;
            }
        }
    }

    /// The least of what one can do with so many steps left.
    fn choose(&self, steps: usize, slack: usize, after: &Layer, costs: &mut Layer) {
        let (grid, away) = (&self.grid, self.classes.count());
        let work = Whole::of_place(steps) * grid.step - Whole::of_place(slack) * grid.unit;
        if work.0 <= 0 {
            MODES.iter().for_each(|mode| costs.of_mut(*mode, slack).fill([whole(0); AGES]));
            return;
        }
        let [stay, anew] = [true, false].map(|stays| grid.leg(stays, work));
        for class in 0..=away {
            let mean = self.classes.mean(class);
            for age in 0..AGES {
                let wait = after.wait(grid.units, slack, class, age);
                let rent = |leg| grid.cost_with(CERTAIN, leg, after.after(Mode::OnDemand, leg, slack, class, age));
                let hold = |leg| match class < away {
                    true => grid.cost_with(mean, leg, after.after(Mode::Spot, leg, slack, class, age)),
                    false => NEVER,
                };
                let (rent_anew, hold_anew) = (rent(anew), hold(anew));
                let held = if class < away { wait.min(rent_anew).min(hold(stay)) } else { NEVER };
                costs.of_mut(Mode::Idle, slack)[class][age] = wait.min(rent_anew).min(hold_anew);
                costs.of_mut(Mode::OnDemand, slack)[class][age] = wait.min(rent(stay)).min(hold_anew);
                costs.of_mut(Mode::Spot, slack)[class][age] = held;
            }
        }
    }
}

/// What the rest costs where the held server was lost: another one is as old as this one, or there is none.
fn after_loss(lost: &[Whole; STATES], idle: &[Ages]) -> Ages {
    let away = idle.len().saturating_sub(1);
    let mut costs = [whole(0); AGES];
    for (age, cost) in costs.iter_mut().enumerate() {
        let age_in = |class: usize| if class < away { age } else { 0 };
        let all = idle.iter().enumerate();
        *cost = all.map(|(class, ages)| lost[class] * ages[age_in(class)]).sum::<Whole>() / CERTAIN;
    }
    costs
}
