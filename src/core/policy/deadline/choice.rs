//! What the table says of one moment: what to do, and what an hour on each server is worth.

use alloc::vec::Vec;

use crate::policy::deadline::grid::Grid;
use crate::policy::deadline::table::{At, Mode, Table};
use crate::policy::deadline::whole::{Whole, whole};
use crate::policy::deadline::{CERTAIN, NEVER, ONE, age};

/// A moment, in whole seconds.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// Time left until the deadline.
    pub left: i64,
    /// Work left.
    pub work: i64,
    /// Of a restart that is still to be sat through in the present mode.
    pub lead: i64,
    /// What one does at present.
    pub mode: Mode,
    /// The servers, in a fixed order.
    pub offers: &'a [Offer],
    /// For how long no server has been to be had; where one is, it does not matter.
    pub drought: i64,
}

/// One server at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Its price as a share of the on-demand price; [`ONE`] or more: it is not to be had.
    pub share: i64,
    /// For how many seconds that has been in its class.
    pub age: i64,
    /// Whether it is held.
    pub held: bool,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// Wait.
    Idle,
    /// Rent on demand.
    OnDemand,
    /// Hold that server, counted from zero in their order.
    Spot(usize),
}

/// What the table says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What costs least.
    pub pick: Pick,
    /// For each server what its next step is worth, as a share of the on-demand price, from below nothing to above it;
    /// `None` where it cannot be held.
    pub worth: Vec<Option<i64>>,
    /// The same of a server that would come to be had now, as cheap as they get.
    pub fresh: Option<i64>,
}

/// A step on one server.
struct Hold {
    /// What it costs with all that follows.
    cost: Whole,
    /// What follows.
    after: Whole,
    /// The seconds of it that are paid for.
    run: Whole,
}

impl Hold {
    /// The price at which it costs as much as the best thing that is no step on a spot server.
    fn worth(&self, grid: &Grid, other: Whole) -> i64 {
        ((other - self.after) * grid.unit / self.run).0
    }
}

impl Table {
    /// What costs least at that moment.
    pub fn ask(&mut self, moment: &Moment<'_>) -> Verdict {
        let grid = self.grid;
        let (left, work) = (whole(moment.left), whole(moment.work));
        let steps = self.steps_of(moment.left);
        self.prepare(steps);
        let slack = ((left - work - whole(moment.lead)) / grid.unit).place().min(grid.slacks.saturating_sub(1));
        let (class, state_age) = self.state(moment);
        let at = At { steps, slack, class, age: state_age };
        let rent_leg = grid.leg(moment.mode == Mode::OnDemand, work);
        let rent = grid.cost_with(CERTAIN, rent_leg, self.after(Mode::OnDemand, rent_leg, at));
        let wait = self.wait(at);
        let other = rent.min(wait);
        let mut least = other;
        let mut pick = match other {
            NEVER => None,
            _ if wait < rent => Some(Pick::Idle),
            _ => Some(Pick::OnDemand),
        };
        let mut worth = Vec::with_capacity(moment.offers.len());
        for (index, offer) in moment.offers.iter().enumerate() {
            let Some(hold) = self.hold(*offer, at, work) else {
                worth.push(None);
                continue;
            };
            worth.push(Some(hold.worth(&grid, other)));
            let wins_tie = offer.held || !matches!(pick, Some(Pick::Spot(_)));
            if hold.cost < least || (hold.cost == least && wins_tie) {
                (least, pick) = (hold.cost, Some(Pick::Spot(index)));
            }
        }
        let fresh = self.hold(Offer { share: 0, age: 0, held: false }, at, work).map(|hold| hold.worth(&grid, other));
        Verdict { pick: pick.unwrap_or_else(|| stay(moment)), worth, fresh }
    }

    /// A step on that server; `None` where it is not to be had, or too little slack is left for it.
    fn hold(&self, offer: Offer, at: At, work: Whole) -> Option<Hold> {
        let leg = self.grid.leg(offer.held, work);
        let at = At { class: self.classes.class(offer.share), age: age(whole(offer.age)), ..at };
        let after = if offer.share < ONE { self.after(Mode::Spot, leg, at) } else { NEVER };
        let cost = self.grid.cost_with(whole(offer.share), leg, after);
        (after < NEVER).then_some(Hold { cost, after, run: leg.run })
    }

    /// How many steps so many seconds are, as far as the table goes.
    pub fn steps_of(&self, left: i64) -> usize {
        whole(left).times_up(self.grid.step).place().clamp(1, self.grid.steps)
    }

    /// The class of the best price, and how old it is: of several servers that of the one that has had it longest.
    fn state(&self, moment: &Moment<'_>) -> (usize, usize) {
        let away = self.classes.count();
        let best = moment.offers.iter().map(|offer| self.classes.class(offer.share)).min().unwrap_or(away);
        let same = moment.offers.iter().filter(|offer| self.classes.class(offer.share) == best);
        let longest = if best < away { same.map(|offer| offer.age).max() } else { None };
        (best, age(whole(longest.unwrap_or(moment.drought))))
    }
}

/// Where the table knows no way: what one does at present, or on demand.
fn stay(moment: &Moment<'_>) -> Pick {
    let held = moment.offers.iter().position(|offer| offer.held);
    match (moment.mode, held) {
        (Mode::Spot, Some(held)) => Pick::Spot(held),
        _ => Pick::OnDemand,
    }
}
