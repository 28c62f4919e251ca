//! The least effective cost that anyone with perfect foresight could have had: our physical limit, and the ruler for
//! every policy.
//!
//! A [`Problem`] is a market with everything known: for each tick the level that it took to hold each server, and the
//! rules (one lowering by a step in each window, a restart for each begin, a price for each tick unheld). [`solve`]
//! gives the least cost for one target exactly, and for several a bracket; [`replay_plan`] proves a plan move by move.
//!
//! ```text
//! market ◄─ units, plan ◄─ path (exact, one target), relaxed (lower bound), baseline ◄─ solve
//! ```
//!
//! Invariants:
//! 1. All arithmetic is on whole numbers; money is rounded once at most, in [`Terms::in_units`], within a stated bound.
//! 2. `lower <= upper`, and both are the optimum when one server is wanted.
//! 3. A plan obeys every rule, and replaying it costs exactly `upper`.

mod baseline;
mod market;
mod path;
mod plan;
mod relaxed;
mod units;

pub use baseline::{Fixed, best_fixed_cost, follow_cost, on_demand_cost};
pub use market::{Cost, Problem, ProblemError, Rules, Track, ticks_between};
pub use plan::{Action, Breach, Holding, Move, Plan, PlanError, replay_plan, replay_plans};
pub use units::{Terms, Units};

/// What perfect foresight would have cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solution {
    /// No way of serving all targets costs less.
    pub lower: Cost,
    /// The cost of a way that obeys all rules.
    pub upper: Cost,
    /// That way, one plan for each target that is ever served, if it was asked for.
    pub plans: Option<Vec<Plan>>,
}

/// Finds the least cost of serving all targets; exactly for one, between two bounds for several.
///
/// The upper bound serves one target after another, each as well as the ones before it allow. The lower bound is the
/// better of two: the market without the step rule, and as many times the optimum of one target as are wanted, since
/// none of several targets can be better off than if it were alone.
pub fn solve(problem: &Problem, keep_plans: bool) -> Solution {
    let mut taken: Vec<Vec<(u32, u32)>> = vec![Vec::new(); problem.servers().len()];
    let mut plans = Vec::new();
    let (mut first, mut upper) = (0, 0);
    let never = Cost::from(problem.ticks()) * problem.rules().per_tick;
    for target in 0..problem.want() {
        let needed = keep_plans || problem.want() > 1;
        let best = if target == 0 { path::best(problem, needed) } else { path::best(&problem.rest(&taken), needed) };
        upper += best.cost;
        if target == 0 {
            first = best.cost;
        }
        let plan = best.plan.unwrap_or_default();
        if needed && plan.moves.is_empty() {
            // Nothing is worth holding any more, for this target and for all that follow.
            upper += never * Cost::from(problem.want() - target - 1);
            break;
        }
        for Holding { server, from, to } in plan.holdings(problem.ticks()) {
            if let Some(spans) = taken.get_mut(usize::from(server)) {
                spans.push((from, to));
                spans.sort_unstable();
            }
        }
        plans.push(plan);
    }
    let lower = match problem.want() {
        0 | 1 => upper,
        want => relaxed::lower_bound(problem).max(first * Cost::from(want)),
    };
    Solution { lower, upper, plans: keep_plans.then_some(plans) }
}
