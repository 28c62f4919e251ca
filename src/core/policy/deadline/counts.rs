//! How long a price stayed in each class, by age, and what came after.

use crate::policy::deadline::classes::Classes;
use crate::policy::deadline::series::Series;
use crate::policy::deadline::whole::{Whole, whole};
use crate::policy::deadline::{AGES, EDGES, STATES, age};

/// What was counted. A run is a stretch in one class, its age the time since it began.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Runs that reached an age.
    pub entered: [[Whole; AGES]; STATES],
    /// Those that ended at it.
    pub ends: [[Whole; AGES]; STATES],
    /// Seconds that runs spent at it.
    pub secs: [[Whole; AGES]; STATES],
    /// What came after a run.
    pub next: [[Whole; STATES]; STATES],
    /// Seconds in a class.
    pub all_secs: [Whole; STATES],
}

impl Counts {
    /// Counts one series more.
    pub fn add(&mut self, series: &Series, classes: &Classes) {
        let mut run: Option<(usize, Whole)> = None;
        for (piece, end) in series.stretches() {
            let Some(class) = piece.share.map(|share| classes.class(share)) else {
                // Nobody knows how this run goes on.
                run = None;
                continue;
            };
            let so_far = match run {
                Some((before, so_far)) if before == class => so_far,
                Some((before, so_far)) => {
                    self.ends[before][age(so_far - whole(1))] += whole(1);
                    self.next[before][class] += whole(1);
                    whole(0)
                }
                None => whole(0),
            };
            run = Some((class, self.spend(class, so_far, end - piece.at)));
        }
    }

    /// A run of that age goes on for so long. Returns its age then.
    fn spend(&mut self, class: usize, mut so_far: Whole, mut time: Whole) -> Whole {
        self.all_secs[class] += time;
        while time.0 > 0 {
            let at = age(so_far);
            if so_far.0 == EDGES[at] {
                self.entered[class][at] += whole(1);
            }
            let room = EDGES.get(at.saturating_add(1)).map_or(time, |edge| whole(*edge) - so_far);
            let spent = time.min(room);
            self.secs[class][at] += spent;
            so_far += spent;
            time -= spent;
        }
        so_far
    }
}
