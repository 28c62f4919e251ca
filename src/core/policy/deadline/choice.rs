//! What the table says of one moment: what to do, and what an hour on each server is worth.

use alloc::vec::Vec;

use crate::policy::deadline::table::{At, Mode, Table};
use crate::policy::deadline::whole::whole;
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
        for (index, offer) in moment.offers.iter().enumerate().map(|(index, offer)| (index, *offer)) {
            let leg = grid.leg(offer.held, work);
            let at = At { class: self.classes.class(offer.share), age: age(whole(offer.age)), ..at };
            let after = if offer.share < ONE { self.after(Mode::Spot, leg, at) } else { NEVER };
            if after >= NEVER {
                worth.push(None);
                continue;
            }
            worth.push(Some(((other - after) * grid.unit / leg.run).0));
            let cost = grid.cost_with(whole(offer.share), leg, after);
            let wins_tie = offer.held || !matches!(pick, Some(Pick::Spot(_)));
            if cost < least || (cost == least && wins_tie) {
                (least, pick) = (cost, Some(Pick::Spot(index)));
            }
        }
        Verdict { pick: pick.unwrap_or_else(|| stay(moment)), worth }
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
