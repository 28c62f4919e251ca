//! A job: so many hours by a time. It is told what is held and what the market shows, and says what to do.
//!
//! 1. Only the time that a server was truly held counts, less a restart at each beginning.
//! 2. Nothing is rented on demand without permission.
//! 3. With permission, and where on demand is to be had within the margin whenever it is asked for, what can be done in time
//!    is done in time, whatever the spot market does.
//! 4. An hour is never worth more than one on demand costs.

use alloc::vec::Vec;

use crate::ids::ServerId;
use crate::policy::deadline::ONE;
use crate::policy::deadline::choice::Pick;
use crate::policy::deadline::figures::Figures;
use crate::policy::deadline::guard;
use crate::policy::deadline::learned::{Learned, Plan, Rule};
use crate::policy::deadline::progress::{Held, Progress};
use crate::policy::deadline::wanted::{Deadline, Terms};
use crate::policy::deadline::watch::Watch;
use crate::time::{Span, Time};

/// A job and all that is known of its market.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    deadline: Deadline,
    began: Time,
    pub(super) progress: Progress,
    pub(super) watch: Watch,
    /// It follows from the rest.
    learned: Option<Learned>,
}

/// What a look has shown.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Now.
    pub now: Time,
    /// What is held.
    pub held: Option<Held>,
    /// All usable servers, the least winning bid of each in ticks, our own left out; `None`: it is not to be had.
    pub offers: &'a [(ServerId, Option<u64>)],
    /// The least price of one on demand, in ticks; `None`: none is to be had now.
    pub on_demand: Option<u64>,
    /// Whether the limits let one be rented at that price.
    pub may_rent: bool,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The work is done: let everything go.
    Done,
    /// The time is up and the work is not done.
    TooLate,
    /// Hold nothing, and wait.
    Idle,
    /// Hold that server on the spot market, or go on holding it.
    Spot(ServerId),
    /// Rent on demand, or go on renting. What is held on the spot market is kept until that stands.
    OnDemand,
}

/// What an action is by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The rule that it is by.
    Rule(Rule),
    /// There is no time left to wait.
    Guard,
    /// On demand cannot be counted on, so the spot market is taken whenever it costs less than that.
    SpotAlone,
    /// It cannot be done in time any more: as much as can be.
    BestEffort,
    /// There is nothing left to decide.
    Over,
}

/// What a job says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What to do.
    pub action: Action,
    /// What that is by.
    pub why: Why,
    /// Whether the work can still be done in time.
    pub can_be_met: bool,
    /// What an hour is worth now, as a price per day in ticks: on the server that is held, or on the one where it is worth
    /// most. `None` while the price of one on demand is not known.
    pub worth: Option<u64>,
    /// The most worth bidding on each server that is worth a bid.
    pub ceilings: Vec<(ServerId, u64)>,
    /// The first moment at which the answer may be another with nothing new seen; `None`: there is none.
    pub wake: Option<Time>,
    /// The job in numbers.
    pub figures: Figures,
}

/// An action before it is written out.
struct Draft {
    action: Action,
    why: Why,
    /// What an hour is worth, as a share of the on-demand price.
    worth: i64,
    ceilings: Vec<(ServerId, i64)>,
    wakes: Vec<Time>,
}

impl Job {
    /// A job that begins now.
    pub fn new(deadline: Deadline, began: Time) -> Job {
        Job { deadline, began, progress: Progress::new(began), watch: Watch::default(), learned: None }
    }

    /// What is wanted.
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// When it began.
    pub fn began(&self) -> Time {
        self.began
    }

    /// When the time is up.
    pub fn until(&self) -> Time {
        self.deadline.by.moment(self.began)
    }

    /// How long a server was held, restarts left out.
    pub fn done(&self) -> Span {
        self.progress.done().min(self.deadline.need)
    }

    /// Takes in what a look has shown, and says what to do.
    pub fn look(&mut self, look: &Look<'_>, terms: &Terms) -> Answer {
        // What is done after the deadline is not done in time.
        self.progress.count(look.now.min(self.until()), look.held, terms.restart);
        self.watch.see(look.now, look.offers, look.on_demand, terms.beat);
        let figures = Figures::new(&self.progress, self.deadline.need, self.until(), look.now);
        let can_be_met = figures.can_be_met(terms.restart);
        let draft = self.draft(look, terms, &figures);
        let is_over = draft.why == Why::Over;
        let stays = match draft.action {
            Action::Spot(server) => figures.spot() == Some(server),
            Action::OnDemand => true,
            Action::Done | Action::TooLate | Action::Idle => false,
        };
        if stays {
            self.progress.stays(terms.sure.min(terms.beat));
        }
        let on_demand = self.watch.on_demand();
        let in_ticks = |share: i64| on_demand.map(|on_demand| ticks(share, on_demand));
        let ceilings = draft.ceilings.iter().filter_map(|(server, share)| Some((*server, in_ticks(*share)?)));
        // What is held, or could be, becomes other at the deadline, at the end of a restart and of the work.
        let ends = figures.lead.ms().saturating_add(figures.work.ms());
        let ends = [figures.lead.ms(), ends].into_iter().filter(|_| figures.holding.is_some());
        let ends =
            ends.chain([figures.left.ms(), figures.slack().saturating_sub(terms.restart.ms()).saturating_add(1)]);
        let wakes = ends.filter_map(|ms| figures.after(ms)).chain(draft.wakes);
        Answer {
            action: draft.action,
            why: draft.why,
            can_be_met: can_be_met || draft.action == Action::Done,
            worth: in_ticks(draft.worth),
            ceilings: ceilings.collect(),
            wake: wakes.filter(|wake| *wake > look.now).min().filter(|_| !is_over),
            figures,
        }
    }

    fn draft(&mut self, look: &Look<'_>, terms: &Terms, figures: &Figures) -> Draft {
        let over = |action| Draft { action, why: Why::Over, worth: 0, ceilings: Vec::new(), wakes: Vec::new() };
        if figures.work == Span::ZERO {
            return over(Action::Done);
        }
        if figures.left == Span::ZERO {
            return over(Action::TooLate);
        }
        let may_rent = self.deadline.on_demand && look.may_rent && look.on_demand.is_some();
        if !figures.can_be_met(terms.restart) {
            return spot_first(look, figures, self.watch.on_demand(), may_rent, Why::BestEffort);
        }
        if !may_rent {
            return spot_first(look, figures, self.watch.on_demand(), false, Why::SpotAlone);
        }
        if self.learned.as_ref().is_none_or(|learned| learned.is_due(look.now)) {
            self.learned = None;
        }
        let learn = || Learned::of(&self.watch, figures, terms.restart);
        let plan = self.learned.get_or_insert_with(learn).plan(&self.watch, figures, terms.restart);
        guarded(&plan, terms, figures)
    }
}

/// What the plan says, unless the guard says otherwise.
fn guarded(plan: &Plan, terms: &Terms, figures: &Figures) -> Draft {
    let picked = |place: usize| plan.servers.get(place).map(|(watched, _)| watched.server);
    let action = match plan.pick {
        Pick::Idle => Action::Idle,
        Pick::OnDemand => Action::OnDemand,
        Pick::Spot(place) => picked(place).map_or(Action::Idle, Action::Spot),
    };
    let mut wakes = plan.wakes.clone();
    let held = plan.servers.iter().map(|(watched, _)| watched).find(|watched| watched.offer.held);
    let held = held.filter(|held| held.offer.share < ONE).map(|held| held.server);
    if let Some(server) = held.filter(|_| guard::is_too_late(figures, terms)) {
        let ceilings = [(server, ONE)].into();
        return Draft { action: Action::Spot(server), why: Why::Guard, worth: ONE, ceilings, wakes };
    }
    let stays = held.is_some_and(|held| action == Action::Spot(held));
    wakes.extend(guard::wake(figures, terms, stays));
    if action != Action::OnDemand && guard::must_rent(figures, terms, stays) {
        return Draft { action: Action::OnDemand, why: Why::Guard, worth: ONE, ceilings: Vec::new(), wakes };
    }
    let ceiling = |(watched, worth): &(super::watch::Watched, Option<i64>)| {
        // What was picked is worth its price, whatever rounding says.
        let least = if action == Action::Spot(watched.server) { watched.offer.share } else { 0 };
        Some((watched.server, (*worth)?.clamp(least, ONE), watched.offer.held))
    };
    let ceilings: Vec<_> = plan.servers.iter().filter_map(ceiling).collect();
    let held = ceilings.iter().find(|(.., held)| *held).map(|(_, worth, _)| *worth);
    let most = ceilings.iter().map(|(_, worth, _)| *worth).max();
    let worth = if action == Action::OnDemand { ONE } else { held.or(most).unwrap_or(plan.fresh).clamp(0, ONE) };
    let ceilings = ceilings.into_iter().map(|(server, worth, _)| (server, worth)).collect();
    Draft { action, why: Why::Rule(plan.rule), worth, ceilings, wakes }
}

/// The held spot server, the cheapest one, or one on demand where that may be rented: whatever works.
fn spot_first(look: &Look<'_>, figures: &Figures, on_demand: Option<u64>, may_rent: bool, why: Why) -> Draft {
    let is_had = |price: u64| on_demand.is_none_or(|on_demand| price < on_demand);
    let all =
        look.offers.iter().filter_map(|(server, price)| Some((*server, (*price).filter(|price| is_had(*price))?)));
    let held = figures.spot();
    let best = all.clone().min_by_key(|(server, price)| (held != Some(*server), *price, *server));
    // Who rents on demand already loses no time by going on.
    let rents = may_rent && figures.holding.is_some() && held.is_none();
    let action = match best {
        Some((server, _)) if !rents => Action::Spot(server),
        _ if may_rent => Action::OnDemand,
        _ => Action::Idle,
    };
    let ceilings = all.map(|(server, _)| (server, ONE)).collect();
    Draft { action, why, worth: ONE, ceilings, wakes: Vec::new() }
}

/// The most ticks that are no more than that share of the on-demand price.
fn ticks(share: i64, on_demand: u64) -> u64 {
    let next = u128::from(share.unsigned_abs()).saturating_add(1);
    let first_above = next.saturating_mul(on_demand.into()).div_ceil(ONE.unsigned_abs().into());
    u64::try_from(first_above.saturating_sub(1)).unwrap_or(u64::MAX).min(on_demand)
}
