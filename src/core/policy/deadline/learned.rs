//! What was learned from all that was seen, made anew now and then: the small rule at first, the table later.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::policy::deadline::choice::{Moment, Offer, Pick};
use crate::policy::deadline::classes::Classes;
use crate::policy::deadline::counts::Counts;
use crate::policy::deadline::figures::Figures;
use crate::policy::deadline::progress::Holding;
use crate::policy::deadline::small::{self, Lives};
use crate::policy::deadline::table::{Mode, Table};
use crate::policy::deadline::watch::{Watch, Watched, drought};
use crate::policy::deadline::whole::{Whole, whole};
use crate::policy::deadline::{EDGES, ONE, secs, secs_up};
use crate::time::{Span, Time};

/// The table is used once the market has been watched for so long.
const WATCHED: Span = Span::DAY;
/// What was learned is made anew after a fourth of the time watched, within these bounds.
const ANEW: [Span; 2] = [Span::from_secs(600), Span::from_secs(3_600)];

/// What was learned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Learned {
    made: Time,
    due: Time,
    by: By,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum By {
    Small(Lives, Classes),
    Table(Box<Table>),
}

/// Which rule an answer is by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The small one.
    Small,
    /// The table.
    Table,
}

/// What a rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) rule: Rule,
    pub(super) pick: Pick,
    /// The servers, and what the next step on each is worth as a share of the on-demand price.
    pub(super) servers: Vec<(Watched, Option<i64>)>,
    /// The same of a server that would come to be had now.
    pub(super) fresh: i64,
    /// The moments at which it may say otherwise with nothing new seen.
    pub(super) wakes: Vec<Time>,
}

impl Learned {
    /// What the market taught until now, for a job of which there is some slack.
    pub(super) fn of(watch: &Watch, figures: &Figures, restart: Span) -> Learned {
        let (now, watched) = (figures.now, watch.watched_for(figures.now));
        let by = if watched >= WATCHED {
            let Seconds { left, work, .. } = Seconds::of(figures);
            By::Table(Box::new(watch.table(now, left, left.saturating_sub(work), secs_up(restart))))
        } else {
            let (mut counts, classes) = (Counts::default(), Classes::one());
            watch.series(secs(now)).iter().for_each(|series| counts.add(series, &classes));
            By::Small(Lives::of(&counts), classes)
        };
        Learned { made: now, due: due(now, watched), by }
    }

    /// Whether it is to be made anew. A clock that went back counts as that.
    pub(super) fn is_due(&self, now: Time) -> bool {
        now >= self.due || now < self.made
    }

    /// What to do.
    pub(super) fn plan(&mut self, watch: &Watch, figures: &Figures, restart: Span) -> Plan {
        let classes = match &self.by {
            By::Small(_, classes) => classes,
            By::Table(table) => &table.classes,
        };
        let servers = watch.offers(classes, figures.now, figures.spot());
        let mut plan = match &mut self.by {
            By::Small(lives, _) => by_small_rule(lives, servers, figures, restart),
            By::Table(table) => by_table(table, servers, figures),
        };
        let edges = plan.servers.iter().flat_map(|(watched, _)| EDGES.iter().map(|edge| watched.reaches(*edge)));
        plan.wakes.extend(edges.filter(|at| *at > figures.now));
        plan.wakes.push(self.due);
        plan
    }
}

/// When what was made now is to be made anew.
fn due(now: Time, watched: Span) -> Time {
    // A fourth of the time watched by then, which is a third of that watched now.
    let third = watched.ms().saturating_add(2).checked_div(3).unwrap_or(0);
    let anew = Span::from_ms(third).clamp(ANEW[0], ANEW[1]);
    // The table is used as soon as it may be.
    let until_table = Some(WATCHED - watched).filter(|rest| *rest > Span::ZERO);
    now + until_table.map_or(anew, |rest| anew.min(rest))
}

fn by_small_rule(lives: &Lives, servers: Vec<Watched>, figures: &Figures, restart: Span) -> Plan {
    let is_had = |watched: &Watched| watched.offer.share < ONE;
    let rents = figures.holding == Some(Holding::OnDemand);
    let worth = |watched: &Watched| match is_had(watched) {
        true if rents => lives.worth(figures, restart, watched.offer),
        true => Some(ONE),
        false => None,
    };
    let servers: Vec<_> = servers.into_iter().map(|watched| (watched, worth(&watched))).collect();
    let all = servers.iter().enumerate();
    let good = all.filter(|(_, (watched, worth))| worth.is_some_and(|worth| watched.offer.share <= worth));
    // The held one, or else the cheapest, of which the first.
    let best = good.min_by_key(|(_, (watched, _))| (!watched.offer.held, watched.offer.share));
    let mut wakes: Vec<Time> = Vec::new();
    let pick = match best {
        Some((place, _)) => Pick::Spot(place),
        None if rents => Pick::OnDemand,
        None => {
            wakes.extend(small::rents_wake(figures, restart));
            if small::rents(figures, restart) { Pick::OnDemand } else { Pick::Idle }
        }
    };
    if rents {
        wakes.extend(lives.wake(figures, restart));
    }
    let fresh = Offer { share: 0, age: 0, held: false };
    let fresh = if rents { lives.worth(figures, restart, fresh).unwrap_or(0) } else { ONE };
    Plan { rule: Rule::Small, pick, servers, fresh, wakes }
}

fn by_table(table: &mut Table, servers: Vec<Watched>, figures: &Figures) -> Plan {
    let Seconds { left, work, lead } = Seconds::of(figures);
    let offers: Vec<Offer> = servers.iter().map(|watched| watched.offer).collect();
    let mode = match figures.holding {
        None => Mode::Idle,
        Some(Holding::OnDemand) => Mode::OnDemand,
        Some(Holding::Spot(_)) => Mode::Spot,
    };
    let moment = Moment { left, work, lead, mode, offers: &offers, drought: drought(&servers, figures.now) };
    let verdict = table.ask(&moment);
    let wakes = table_wakes(table, &moment, figures, &servers);
    let servers = servers.into_iter().zip(verdict.worth).collect();
    Plan { rule: Rule::Table, pick: verdict.pick, servers, fresh: verdict.fresh.unwrap_or(0), wakes }
}

/// A job in the whole seconds of the table. What is left of work and slack changes at different moments, but not while the
/// job stands still or is worked on.
struct Seconds {
    left: i64,
    work: i64,
    lead: i64,
}

impl Seconds {
    fn of(figures: &Figures) -> Seconds {
        let [slack, free] = [figures.slack(), figures.free()].map(|ms| ms.div_euclid(1_000));
        let work = secs_up(figures.work);
        Seconds { left: slack.saturating_add(work), work, lead: slack.saturating_sub(free) }
    }
}

/// When the table may say otherwise with nothing new seen.
fn table_wakes(table: &Table, moment: &Moment<'_>, figures: &Figures, servers: &[Watched]) -> Vec<Time> {
    let grid = &table.grid;
    let [left, work, lead] = [moment.left, moment.work, moment.lead].map(whole);
    // When the seconds left have become so many, and when those of the work have.
    let work_at = |secs: Whole| figures.after((whole(figures.work.ms()) - secs * whole(1_000)).0);
    let left_at = |secs: Whole| match figures.works() {
        true => work_at(work - (left - secs)),
        false => figures.slack_below(((secs - work + whole(1)) * whole(1_000)).0),
    };
    let steps = Whole::of_place(table.steps_of(moment.left));
    let mut wakes: Vec<Time> = left_at((steps - whole(1)) * grid.step).into_iter().collect();
    if figures.works() {
        // In the last step every second counts.
        wakes.extend(work_at(if work <= grid.step { work - whole(1) } else { grid.step }));
    }
    if figures.holding.is_none() {
        let slack = left - work - lead;
        wakes.extend(left_at(work + slack / grid.unit * grid.unit - whole(1)));
    }
    let longest = drought(servers, figures.now);
    let ages = EDGES.iter().filter(|edge| **edge > longest);
    wakes.extend(ages.map(|edge| Time::from_secs(secs(figures.now).saturating_sub(longest).saturating_add(*edge))));
    wakes
}
