//! A lower bound for several targets: the market without the step rule, solved exactly as a flow of least cost.
//!
//! Each target is one unit that flows through time, from tick to tick either out or through a server, and at most one
//! unit fits through a server. Without the step rule every bid is the least winning one, so a server costs its level.
//! The true market only forbids more and costs no less, hence the bound.
//!
//! While no level changes nothing needs to change hands: shifting a change towards one end of such a stretch changes the
//! cost in proportion, so one of both directions does not raise it, and changes that meet need no more restarts than
//! before. So time is taken in stretches during which all levels stand still, and what a server is worth too; the last
//! tick before that changes is a stretch of its own, since it may be the last in which a begin is cheap.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::market::{Cost, Cursor, Problem};
use super::worth::Worth;

/// Up to so many places in the grid are solved as a flow, at some 50 bytes each.
const MOST_PLACES: usize = 4_000_000;

/// A cost that no way of serving all targets can undercut.
pub(super) fn lower_bound(problem: &Problem) -> Cost {
    let stretches = stretches(problem);
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

/// Some ticks during which no level changes, nor what a server is worth.
struct Stretch {
    ticks: u32,
    worth: Worth,
    levels: Vec<Option<i64>>,
}

fn stretches(problem: &Problem) -> Vec<Stretch> {
    let starts = problem.servers().iter().flat_map(|track| track.runs().iter().map(|(start, _)| *start));
    let moves = problem.worths().changes().filter(|start| *start < problem.ticks());
    let mut cuts: Vec<u32> = starts.chain([0, problem.ticks()]).collect();
    cuts.extend(moves.flat_map(|start| [start - 1, start]));
    cuts.sort_unstable();
    cuts.dedup();
    let mut cursors: Vec<Cursor<'_>> = problem.servers().iter().map(Cursor::new).collect();
    let between = cuts.windows(2).filter_map(|pair| match pair {
        [from, to] => Some((*from, to - from)),
        _ => None,
    });
    between
        .map(|(from, ticks)| {
            let levels = cursors.iter_mut().map(|cursor| cursor.at(from)).collect();
            Stretch { ticks, worth: problem.worths().at(from), levels }
        })
        .collect()
}

/// The cheapest servers of each tick, restarts being free: for markets too large for a flow.
fn without_restarts(problem: &Problem, stretches: &[Stretch]) -> Cost {
    let rules = problem.rules();
    let want = usize::try_from(problem.want()).unwrap_or(usize::MAX);
    let of_stretch = |stretch: &Stretch| {
        let mut costs: Vec<Cost> = stretch.levels.iter().flatten().map(|l| Cost::from(*l) * rules.level_cost).collect();
        costs.retain(|cost| *cost < stretch.worth.per_tick);
        costs.sort_unstable();
        costs.truncate(want);
        let unheld = Cost::try_from(want - costs.len()).unwrap_or(Cost::MAX);
        (costs.iter().sum::<Cost>() + unheld * stretch.worth.per_tick) * Cost::from(stretch.ticks)
    };
    stretches.iter().map(of_stretch).sum()
}

/// Successive shortest paths through the grid of stretches (rows) by out and servers (columns).
///
/// Column 0 is out. An arc leads down each column, from out into each server for a restart and back for nothing.
struct Flow<'a> {
    stretches: &'a [Stretch],
    columns: usize,
    level_cost: Cost,
    /// Units on the arc from a place downwards, and for servers from out in that row, and back to it.
    down: Vec<u32>,
    enter: Vec<u32>,
    exit: Vec<u32>,
    /// Distance from the start in all that was sent so far; it keeps the cost of every open arc from being negative.
    potential: Vec<Cost>,
}

/// One arc of the residual grid, from the place it is asked for.
#[derive(Clone, Copy)]
struct Arc {
    to: usize,
    cost: Cost,
    way: Way,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Down,
    Up,
    Enter,
    UndoEnter,
    Exit,
    UndoExit,
}

impl<'a> Flow<'a> {
    fn new(problem: &'a Problem, stretches: &'a [Stretch]) -> Flow<'a> {
        let columns = problem.servers().len() + 1;
        let places = (stretches.len() + 1) * columns;
        Flow {
            stretches,
            columns,
            level_cost: problem.rules().level_cost,
            down: vec![0; places],
            enter: vec![0; places],
            exit: vec![0; places],
            potential: vec![0; places],
        }
    }

    /// What a unit costs that is out all the time.
    fn never(&self) -> Cost {
        self.stretches.iter().map(|s| Cost::from(s.ticks) * s.worth.per_tick).sum()
    }

    /// Sends one more unit the cheapest way and says what it adds to the cost.
    fn send(&mut self) -> Cost {
        let target = self.stretches.len() * self.columns;
        let far = Cost::MAX;
        let mut distance = vec![far; self.potential.len()];
        let mut came_by: Vec<Option<(usize, Way)>> = vec![None; self.potential.len()];
        let mut heap = BinaryHeap::new();
        distance[0] = 0;
        heap.push(Reverse((0, 0_usize)));
        while let Some(Reverse((so_far, at))) = heap.pop() {
            if at == target {
                break;
            }
            if so_far > distance[at] {
                continue;
            }
            self.arcs(at, |arc| {
                let there = so_far + arc.cost + self.potential[at] - self.potential[arc.to];
                if there < distance[arc.to] {
                    distance[arc.to] = there;
                    came_by[arc.to] = Some((at, arc.way));
                    heap.push(Reverse((there, arc.to)));
                }
            });
        }
        // Places farther than the target may be taken as just as far: that keeps arcs into them from turning negative.
        let reach = distance[target];
        for (potential, distance) in self.potential.iter_mut().zip(&distance) {
            *potential += (*distance).min(reach);
        }
        let mut at = target;
        while let Some((from, way)) = came_by[at] {
            self.shift(from, at, way);
            at = from;
        }
        self.potential[target] - self.potential[0]
    }

    /// Shows each open arc that leads away from a place.
    fn arcs(&self, at: usize, mut show: impl FnMut(Arc)) {
        let (row, column) = (at / self.columns, at % self.columns);
        // Past the end there is nothing to begin.
        let restart = self.stretches.get(row).map_or(0, |stretch| stretch.worth.restart_cost);
        let out = at - column;
        if let Some(cost) = self.cost_down(row, column)
            && (column == 0 || self.down[at] == 0)
        {
            show(Arc { to: at + self.columns, cost, way: Way::Down });
        }
        if let Some(above) = at.checked_sub(self.columns)
            && self.down[above] > 0
        {
            let cost = self.cost_down(row - 1, column).unwrap_or(0);
            show(Arc { to: above, cost: -cost, way: Way::Up });
        }
        if column > 0 {
            show(Arc { to: out, cost: 0, way: Way::Exit });
            if self.enter[at] > 0 {
                show(Arc { to: out, cost: -restart, way: Way::UndoEnter });
            }
            return;
        }
        for to in at + 1..at + self.columns {
            show(Arc { to, cost: restart, way: Way::Enter });
            if self.exit[to] > 0 {
                show(Arc { to, cost: 0, way: Way::UndoExit });
            }
        }
    }

    /// What a unit costs for one stretch in one column; `None` where it cannot pass.
    fn cost_down(&self, row: usize, column: usize) -> Option<Cost> {
        let stretch = self.stretches.get(row)?;
        let a_tick = match column.checked_sub(1) {
            None => stretch.worth.per_tick,
            Some(server) => Cost::from((*stretch.levels.get(server)?)?) * self.level_cost,
        };
        Some(a_tick * Cost::from(stretch.ticks))
    }

    fn shift(&mut self, from: usize, to: usize, way: Way) {
        match way {
            Way::Down => self.down[from] += 1,
            Way::Up => self.down[to] -= 1,
            Way::Enter => self.enter[to] += 1,
            Way::UndoEnter => self.enter[from] -= 1,
            Way::Exit => self.exit[from] += 1,
            Way::UndoExit => self.exit[to] -= 1,
        }
    }
}
