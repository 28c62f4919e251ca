//! All that was seen of the market: the price of each server, and of one on demand.

use alloc::vec::Vec;

use crate::ids::ServerId;
use crate::policy::deadline::choice::Offer;
use crate::policy::deadline::classes::Classes;
use crate::policy::deadline::grid::Grid;
use crate::policy::deadline::odds::Odds;
use crate::policy::deadline::series::Series;
use crate::policy::deadline::sights::{Change, Sight, Sights};
use crate::policy::deadline::table::Table;
use crate::policy::deadline::whole::{Whole, whole};
use crate::policy::deadline::{MEMORY_SECS, ONE, secs};
use crate::time::{Span, Time};

/// No more servers than this are watched: of a market that lists more, those that were to be had lately, and the cheap.
pub const MOST_SERVERS: usize = 16;
/// Where nobody looked for longer than this, nor than is usual, a server that costs something else now may have done anything
/// meanwhile.
const LONGEST_GAP: Span = Span::from_secs(120);

/// The watched servers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Watch {
    /// By their numbers.
    pub(super) servers: Vec<(ServerId, Sights)>,
    /// What one on demand cost when that was last known, in ticks.
    pub(super) on_demand: Option<u64>,
    /// When it was looked first.
    pub(super) first: Option<Time>,
    /// When it was looked last.
    pub(super) read_at: Time,
}

/// A server as the table sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watched {
    /// Which.
    pub server: ServerId,
    /// What it offers.
    pub offer: Offer,
    /// When its price came into its class.
    since: i64,
    /// Whether it was watched coming there.
    came: bool,
}

impl Watched {
    /// When it has been in its class for so many seconds.
    pub(super) fn reaches(&self, age: i64) -> Time {
        Time::from_secs(self.since.saturating_add(age))
    }
}

impl Watch {
    /// A look at all servers, the least winning bid of each in ticks with our own left out, `None`: not to be had. What is
    /// not listed is not to be had either. `on_demand`: what one costs on demand, `None`: there is none. `beat`: the longest
    /// time between two looks.
    pub fn see(&mut self, now: Time, offers: &[(ServerId, Option<u64>)], on_demand: Option<u64>, beat: Span) {
        self.first.get_or_insert(now);
        self.on_demand = on_demand.or(self.on_demand);
        for (server, price) in offers {
            self.make_room(*server, *price);
        }
        let gap = Some(self.read_at).filter(|at| now.since(*at) > LONGEST_GAP.max(beat));
        for (server, sights) in &mut self.servers {
            let price = offers.iter().find(|(id, _)| id == server).and_then(|(_, price)| *price);
            let sight = price.map_or(Sight::Away, Sight::Price);
            if sights.last().is_some_and(|last| last != sight) {
                gap.into_iter().for_each(|at| sights.push(secs(at), Sight::Unwatched));
            }
            sights.push(secs(now), sight);
        }
        self.read_at = now;
    }

    /// Begins to watch a server, in place of one that is away or dearer where there are too many.
    fn make_room(&mut self, server: ServerId, price: Option<u64>) {
        let Err(mut place) = self.servers.binary_search_by_key(&server, |(id, _)| *id) else { return };
        if self.servers.len() >= MOST_SERVERS {
            let worth = |sights: &Sights| match sights.last() {
                Some(Sight::Price(price)) => price,
                _ => u64::MAX,
            };
            let worst = (0..self.servers.len()).max_by_key(|place| self.servers.get(*place).map(|(_, s)| worth(s)));
            let Some(worst) = worst else { return };
            let is_better = self.servers.get(worst).is_some_and(|(_, sights)| price.is_some_and(|p| p < worth(sights)));
            if !is_better {
                return;
            }
            self.servers.remove(worst);
            place = place.saturating_sub(usize::from(worst < place));
        }
        self.servers.insert(place, (server, Sights::default()));
    }

    /// What one costs on demand, in ticks, when that was last known.
    pub fn on_demand(&self) -> Option<u64> {
        self.on_demand
    }

    /// For how long the market has been watched.
    pub fn watched_for(&self, now: Time) -> Span {
        self.first.map_or(Span::ZERO, |first| now.since(first))
    }

    /// The prices of all servers over the time that is learned from.
    pub(super) fn series(&self, now: i64) -> Vec<Series> {
        let on_demand = self.on_demand.unwrap_or(0);
        self.servers.iter().map(|(_, sights)| Series::of(sights, on_demand, now)).collect()
    }

    /// A table made of what was seen, for so many seconds left of which `slack` are not needed.
    pub fn table(&self, now: Time, left: i64, slack: i64, restart: i64) -> Table {
        let now = secs(now);
        let all = self.series(now);
        let best = Series::best_of(&all, now);
        let classes = Classes::of(&all);
        let grid = Grid::new(whole(left), whole(slack), whole(restart));
        let odds = Odds::of(&all, &best, &classes, grid.step);
        Table::new(grid, classes, odds)
    }

    /// The servers as they are now, by these classes.
    pub fn offers(&self, classes: &Classes, now: Time, held: Option<ServerId>) -> Vec<Watched> {
        let (now, on_demand) = (secs(now), self.on_demand.unwrap_or(0));
        let watched = |(server, sights): &(ServerId, Sights)| {
            let share = sights.last().and_then(|sight| sight.share(on_demand)).unwrap_or(ONE);
            let class = |change: &Change| change.sight.share(on_demand).map(|share| classes.class(share));
            let mut before = sights.iter().rev().peekable();
            let mut since = now;
            while let Some(change) = before.next_if(|change| class(change) == Some(classes.class(share))) {
                since = change.at;
            }
            let came = before.peek().is_some_and(|change| class(change).is_some());
            let age = now.saturating_sub(since).clamp(0, MEMORY_SECS);
            Watched { server: *server, offer: Offer { share, age, held: held == Some(*server) }, since, came }
        };
        self.servers.iter().map(watched).collect()
    }
}

/// For how many seconds none of them has been to be had, where none is.
pub fn drought(all: &[Watched], now: Time) -> i64 {
    let last_lost = all.iter().filter(|watched| watched.came).map(|watched| watched.since).max();
    let since = last_lost.or(all.iter().map(|watched| watched.since).min());
    let age: Whole = since.map_or(whole(0), |since| whole(secs(now)) - whole(since));
    age.0.clamp(0, MEMORY_SECS)
}
