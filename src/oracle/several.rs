//! The upper bound for several targets is what a way to serve them costs that obeys every rule.
//!
//! Each target's way is the exact optimum given what the others hold; what is not exact is who gets what. Two beginnings
//! are tried, one good where moving is cheap and one where it is dear. Where there is a target for every server, nobody
//! is in anybody's way: each server's own best is exact, and takes no more than looking at each server once.

use super::cost::Cost;
use super::market::Problem;
use super::path::{self, Best};
use super::plan::{Holding, Plan};

/// How often each target may look for a better way, given those of the others.
const MOST_ROUNDS: u32 = 3;

/// Above so many servers none is tried on its own, which would take one solution for each.
const MOST_ALONE: usize = 64;

/// How all targets are served, and what the best of them would cost if it were alone.
pub(super) struct Served {
    pub(super) alone: Cost,
    pub(super) cost: Cost,
    /// For each target that is ever served.
    pub(super) plans: Vec<Plan>,
}

/// The cheaper of both ways.
pub(super) fn serve(problem: &Problem) -> Served {
    if wants_all(problem) {
        let alone = path::best(problem, &problem.offered(), false).cost;
        return served(problem, alone, on_their_own(problem));
    }
    let after_another = one_after_another(problem);
    match each_on_its_own(problem, after_another.alone) {
        Some(own) if own.cost < after_another.cost => own,
        _ => after_another,
    }
}

/// Whether there is a target for every server.
pub(super) fn wants_all(problem: &Problem) -> bool {
    usize::try_from(problem.want()).is_ok_and(|want| want >= problem.servers().len())
}

/// The best way on each server, as if there were no other.
fn on_their_own(problem: &Problem) -> Vec<Best> {
    problem.offered().chunks(1).map(|only| path::best(problem, only, true)).collect()
}

/// Each target in turn takes the best that is left.
fn one_after_another(problem: &Problem) -> Served {
    let mut ways: Vec<Best> = Vec::new();
    let mut taken = nothing_taken(problem);
    for _ in 0..problem.want() {
        let best = path::best(problem, &problem.rest(&taken), true);
        let idle = best.plan.as_ref().is_none_or(|plan| plan.moves.is_empty());
        take(problem, &best, &mut taken);
        ways.push(best);
        if idle {
            // Nothing is worth holding any more, for this target and for all that follow.
            break;
        }
    }
    let alone = ways.first().map_or(0, |best| best.cost);
    served(problem, alone, ways)
}

/// Each target begins on a server of its own, the cheapest ones, and then looks for better in turn.
fn each_on_its_own(problem: &Problem, alone: Cost) -> Option<Served> {
    if problem.servers().len() > MOST_ALONE {
        return None;
    }
    let mut ways = on_their_own(problem);
    ways.sort_by_key(|best| best.cost);
    ways.truncate(usize::try_from(problem.want()).unwrap_or(usize::MAX));
    for _ in 0..MOST_ROUNDS {
        let mut better = false;
        for at in 0..ways.len() {
            let mut taken = nothing_taken(problem);
            for (_, other) in ways.iter().enumerate().filter(|(other, _)| *other != at) {
                take(problem, other, &mut taken);
            }
            let found = path::best(problem, &problem.rest(&taken), true);
            if let Some(way) = ways.get_mut(at).filter(|way| found.cost < way.cost) {
                (*way, better) = (found, true);
            }
        }
        if !better {
            break;
        }
    }
    Some(served(problem, alone, ways))
}

/// The sum of all ways; targets without one are never served.
fn served(problem: &Problem, alone: Cost, ways: Vec<Best>) -> Served {
    let without = Cost::from(problem.want()) - Cost::try_from(ways.len()).unwrap_or(0);
    let cost = ways.iter().map(|best| best.cost).sum::<Cost>() + without * problem.never();
    let plans = worth_having(ways.into_iter().filter_map(|best| best.plan).collect());
    Served { alone, cost, plans }
}

/// The plans that ever do anything.
pub(super) fn worth_having(mut plans: Vec<Plan>) -> Vec<Plan> {
    plans.retain(|plan| !plan.moves.is_empty());
    plans
}

fn nothing_taken(problem: &Problem) -> Vec<Vec<(u32, u32)>> {
    vec![Vec::new(); problem.servers().len()]
}

/// Adds what a way holds to what is taken.
fn take(problem: &Problem, best: &Best, taken: &mut [Vec<(u32, u32)>]) {
    let holdings = best.plan.iter().flat_map(|plan| plan.holdings(problem.ticks()));
    for Holding { server, from, to } in holdings {
        if let Some(spans) = taken.get_mut(usize::from(server)) {
            spans.push((from, to));
        }
    }
    for spans in taken {
        spans.sort_unstable();
    }
}
