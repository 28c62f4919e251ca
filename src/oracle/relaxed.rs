//! The lower bound for several targets is the optimum of the market without the step rule, found as a flow of least cost.
//!
//! Each target is one unit that flows through time, from tick to tick either out or through a server, and at most one
//! unit fits through a server. Without the step rule every bid is the least winning one, so a server costs its level.
//! The true market only forbids more and costs no less, hence the bound.
//!
//! While no level changes nothing needs to change hands: shifting a change towards one end of such a stretch changes the
//! cost in proportion, so one of both directions does not raise it, and changes that meet need no more restarts than
//! before. So time is taken in stretches during which all levels stand still, and what a server is worth too; the last
//! tick before that changes is a stretch of its own, since it may be the last in which a begin is cheap.
//!
//! Where there is a target for every server, no two units meet, and each server is solved on its own.

use super::cost::Cost;
use super::market::{Cursor, Problem, Track};
use super::several::wants_all;
use super::valuation::Valuation;

/// Up to so many places in the grid are solved as a flow, at some 25 bytes each.
const MOST_PLACES: usize = 4_000_000;

/// A cost that no way of serving all targets can undercut.
pub(super) fn lower_bound(problem: &Problem) -> Cost {
    if wants_all(problem) {
        let servers = problem.servers();
        let idle = Cost::from(problem.want()) - Cost::try_from(servers.len()).unwrap_or(0);
        return servers.iter().map(|track| of_one(problem, track)).sum::<Cost>() + idle * problem.never();
    }
    let stretches = stretches(problem, problem.servers());
    let places = (stretches.len() + 1).checked_mul(problem.servers().len() + 1);
    if places.is_none_or(|places| places > MOST_PLACES) {
        return without_restarts(problem, &stretches);
    }
    let mut flow = Flow::new(problem, &stretches);
    let mut sum = 0;
    for sent in 0..problem.want() {
        let unit = flow.send();
        sum += unit;
        // From the first unit on that cannot be better off than out all the time, the others are no better off either.
        if unit == flow.never() {
            sum += unit * Cost::from(problem.want() - sent - 1);
            break;
        }
    }
    sum
}

/// The least cost of a target that has this server alone, and may hold it or be out from stretch to stretch.
fn of_one(problem: &Problem, track: &Track) -> Cost {
    let level_cost = problem.rules().level_cost;
    // What it took to be out and, where the server can be held, to hold it.
    let (mut out, mut held): (Cost, Option<Cost>) = (0, None);
    for stretch in stretches(problem, std::slice::from_ref(track)) {
        let ticks = Cost::from(stretch.ticks);
        out = held.map_or(out, |held| held.min(out));
        let entered = out + stretch.valuation.restart_cost;
        let level = stretch.levels.first().copied().flatten();
        held = level.map(|level| held.unwrap_or(entered).min(entered) + Cost::from(level) * level_cost * ticks);
        out += stretch.valuation.per_tick * ticks;
    }
    held.map_or(out, |held| held.min(out))
}

/// Some ticks during which no level changes, nor what a server is worth.
struct Stretch {
    ticks: u32,
    valuation: Valuation,
    levels: Vec<Option<i64>>,
}

fn stretches(problem: &Problem, servers: &[Track]) -> Vec<Stretch> {
    let starts = servers.iter().flat_map(|track| track.runs().iter().map(|(start, _)| *start));
    let moves = problem.valuations().changes().filter(|start| *start < problem.ticks());
    let mut cuts: Vec<u32> = starts.chain([0, problem.ticks()]).collect();
    cuts.extend(moves.flat_map(|start| [start - 1, start]));
    cuts.sort_unstable();
    cuts.dedup();
    let mut cursors: Vec<Cursor<'_>> = servers.iter().map(Cursor::new).collect();
    let between = cuts.windows(2).filter_map(|pair| match pair {
        [from, to] => Some((*from, to - from)),
        _ => None,
    });
    between
        .map(|(from, ticks)| {
            let levels = cursors.iter_mut().map(|cursor| cursor.at(from)).collect();
            Stretch { ticks, valuation: problem.valuations().at(from), levels }
        })
        .collect()
}

/// The cheapest servers of each tick, restarts being free: for markets too large for a flow.
fn without_restarts(problem: &Problem, stretches: &[Stretch]) -> Cost {
    let rules = problem.rules();
    let want = usize::try_from(problem.want()).unwrap_or(usize::MAX);
    let of_stretch = |stretch: &Stretch| {
        let mut costs: Vec<Cost> = stretch.levels.iter().flatten().map(|l| Cost::from(*l) * rules.level_cost).collect();
        costs.retain(|cost| *cost < stretch.valuation.per_tick);
        costs.sort_unstable();
        costs.truncate(want);
        let unheld = Cost::try_from(want - costs.len()).unwrap_or(Cost::MAX);
        (costs.iter().sum::<Cost>() + unheld * stretch.valuation.per_tick) * Cost::from(stretch.ticks)
    };
    stretches.iter().map(of_stretch).sum()
}

/// Successive shortest paths through the grid of stretches (rows) by out and servers (columns).
///
/// Column 0 is out. An arc leads down each column, from out into each server for a restart and back for nothing. A unit
/// goes forward in time but for where it takes another's place, so the shortest path is looked for by going over the rows
/// in order of time and back, until nothing gets nearer: a few times over, most of them over some rows only.
struct Flow<'a> {
    stretches: &'a [Stretch],
    columns: usize,
    level_cost: Cost,
    /// Units out in a stretch.
    out: Vec<u32>,
    /// Whether a unit is on the arc from a server's place downwards, and on those from out in that row, and back to it.
    down: Vec<bool>,
    enter: Vec<bool>,
    exit: Vec<bool>,
    /// The way to each place: what it costs, and the last arc.
    distance: Vec<Cost>,
    came_by: Vec<Way>,
    /// Rows in which a place got nearer since they were last looked at: downwards, and upwards.
    to_go_down: Vec<bool>,
    to_go_up: Vec<bool>,
}

/// Which arc leads to a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// None: it is where all units begin, or nobody gets there.
    Start,
    Down,
    Up,
    Enter,
    UndoExit,
    /// Out of a server, by its column.
    Exit(u16),
    UndoEnter(u16),
}

/// Farther than any place.
const FAR: Cost = Cost::MAX;

impl<'a> Flow<'a> {
    fn new(problem: &'a Problem, stretches: &'a [Stretch]) -> Flow<'a> {
        let columns = problem.servers().len() + 1;
        let rows = stretches.len() + 1;
        let places = rows * columns;
        Flow {
            stretches,
            columns,
            level_cost: problem.rules().level_cost,
            out: vec![0; rows],
            down: vec![false; places],
            enter: vec![false; places],
            exit: vec![false; places],
            distance: vec![FAR; places],
            came_by: vec![Way::Start; places],
            to_go_down: vec![false; rows],
            to_go_up: vec![false; rows],
        }
    }

    /// What a unit costs that is out all the time.
    fn never(&self) -> Cost {
        self.stretches.iter().map(|s| Cost::from(s.ticks) * s.valuation.per_tick).sum()
    }

    /// Sends one more unit the cheapest way and says what it adds to the cost.
    fn send(&mut self) -> Cost {
        self.find_ways();
        let end = self.stretches.len() * self.columns;
        let mut at = end;
        loop {
            at = match self.came_by[at] {
                Way::Start => break,
                way => self.shift(at, way),
            };
        }
        self.distance[end]
    }

    fn find_ways(&mut self) {
        self.distance.fill(FAR);
        self.came_by.fill(Way::Start);
        self.distance[0] = 0;
        self.to_go_down[0] = true;
        let last = self.stretches.len();
        let mut found = true;
        while found {
            for row in 0..=last {
                if std::mem::take(&mut self.to_go_down[row]) {
                    self.change_hands(row);
                    self.to_go_up[row] = true;
                    self.go_down(row);
                }
            }
            found = false;
            for row in (0..=last).rev() {
                if std::mem::take(&mut self.to_go_up[row]) {
                    if self.change_hands(row) {
                        (self.to_go_down[row], found) = (true, true);
                    }
                    self.go_up(row);
                }
            }
        }
    }

    /// Takes a way to a place if it is nearer than the one known.
    fn come(&mut self, to: usize, distance: Cost, way: Way) -> bool {
        let nearer = distance < self.distance[to];
        if nearer {
            self.distance[to] = distance;
            self.came_by[to] = way;
        }
        nearer
    }

    /// Looks at the ways from servers to out and back in one row.
    fn change_hands(&mut self, row: usize) -> bool {
        // Past the end there is nothing to begin.
        let restart = self.stretches.get(row).map_or(0, |stretch| stretch.valuation.restart_cost);
        let out = row * self.columns;
        let mut nearer = false;
        for (column, at) in (0_u16..).zip(out..out + self.columns).skip(1) {
            nearer |= match self.distance[at] {
                FAR => false,
                so_far if self.enter[at] => self.come(out, so_far - restart, Way::UndoEnter(column)),
                so_far => self.come(out, so_far, Way::Exit(column)),
            };
        }
        let so_far = self.distance[out];
        if so_far < FAR {
            for at in out + 1..out + self.columns {
                nearer |= if self.exit[at] {
                    self.come(at, so_far, Way::UndoExit)
                } else {
                    self.come(at, so_far + restart, Way::Enter)
                };
            }
        }
        nearer
    }

    /// Looks at the ways from one row to the next.
    fn go_down(&mut self, row: usize) {
        let Some(stretch) = self.stretches.get(row) else { return };
        let mut nearer = false;
        for column in 0..self.columns {
            let at = row * self.columns + column;
            if self.distance[at] < FAR
                && !self.down[at]
                && let Some(cost) = self.cost_down(stretch, column)
            {
                nearer |= self.come(at + self.columns, self.distance[at] + cost, Way::Down);
            }
        }
        self.to_go_down[row + 1] |= nearer;
    }

    /// Looks at the ways from one row to the one before, where units are that could give way.
    fn go_up(&mut self, row: usize) {
        let Some(above) = row.checked_sub(1) else { return };
        let stretch = &self.stretches[above];
        let mut nearer = false;
        for column in 0..self.columns {
            let (at, to) = (row * self.columns + column, above * self.columns + column);
            let occupied = if column == 0 { self.out[above] > 0 } else { self.down[to] };
            if occupied && self.distance[at] < FAR {
                let cost = self.cost_down(stretch, column).unwrap_or(0);
                nearer |= self.come(to, self.distance[at] - cost, Way::Up);
            }
        }
        self.to_go_up[above] |= nearer;
    }

    /// What a unit costs for one stretch in one column; `None` where it cannot pass.
    fn cost_down(&self, stretch: &Stretch, column: usize) -> Option<Cost> {
        let a_tick = match column.checked_sub(1) {
            None => stretch.valuation.per_tick,
            Some(server) => Cost::from((*stretch.levels.get(server)?)?) * self.level_cost,
        };
        Some(a_tick * Cost::from(stretch.ticks))
    }

    /// Sends a unit along the last arc to a place, and says where that arc begins.
    fn shift(&mut self, at: usize, way: Way) -> usize {
        let (row, column) = (at / self.columns, at % self.columns);
        let out = at - column;
        match way {
            Way::Start => at,
            Way::Down => {
                let from = at - self.columns;
                match column {
                    0 => self.out[row - 1] += 1,
                    _ => self.down[from] = true,
                }
                from
            }
            Way::Up => {
                match column {
                    0 => self.out[row] -= 1,
                    _ => self.down[at] = false,
                }
                at + self.columns
            }
            Way::Enter => {
                self.enter[at] = true;
                out
            }
            Way::UndoExit => {
                self.exit[at] = false;
                out
            }
            Way::Exit(server) => {
                let from = out + usize::from(server);
                self.exit[from] = true;
                from
            }
            Way::UndoEnter(server) => {
                let from = out + usize::from(server);
                self.enter[from] = false;
                from
            }
        }
    }
}
