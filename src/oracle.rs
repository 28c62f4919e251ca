//! The oracle computes the least effective cost that anyone who knows the whole tape beforehand could have had. No policy
//! can cost less, so every policy is measured against it.
//!
//! A [`Problem`] is a market with everything known: for each tick the level that it took to hold each server, and the
//! rules (one lowering by a step in each window, a restart for each begin, a price for each tick unheld, which may move
//! with the on-demand price). [`solve`]
//! gives the least cost for one target exactly, and for several a bracket; [`replay_plan`] proves a plan move by move.
//!
//! ```text
//! cost ◄─ valuation ◄─ market ◄─ units, plan ◄─ path (exact) ◄─ several (upper bound), relaxed (lower bound), baseline
//!     ◄─ solve
//! cost ◄─ market ◄─ deadline (so much work by a time)
//! ```
//!
//! Invariants:
//! 1. All arithmetic is on whole numbers; money is rounded once at most, in [`Terms::in_units_with`], within a stated bound.
//! 2. `lower <= upper`, and both are the optimum when one server is wanted.
//! 3. A plan obeys every rule, and replaying it costs exactly `upper`.

mod baseline;
mod cost;
mod deadline;
mod market;
mod path;
mod plan;
mod relaxed;
mod several;
mod units;
mod valuation;

pub use baseline::{Fixed, best_fixed_cost, follow_cost, on_demand_cost};
pub use cost::{Cost, ProblemError, ticks_between};
pub use deadline::{Deadline, deadline_cost};
pub use market::{Problem, Rules, Track};
pub use plan::{Action, Breach, Holding, Move, Plan, PlanError, replay_plan, replay_plans};
pub use units::{Terms, Units, Value};
pub use valuation::Valuation;

/// The oracle's answer: the least cost, or two bounds of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solution {
    /// No way of serving all targets costs less.
    pub lower: Cost,
    /// The cost of a way that obeys all rules.
    pub upper: Cost,
    /// The plans that cost `upper`, one for each target that is ever served, if they were asked for.
    pub plans: Option<Vec<Plan>>,
}

/// Finds the least cost of serving all targets; exactly for one, between two bounds for several.
///
/// The upper bound is the cheaper of two ways: one target after another, each as well as the ones before it allow; or
/// each on a server of its own first, where moving is dear, and then each again as well as the others allow. The lower
/// bound is the better of two: the market without the step rule, and as many times the optimum of one target as are
/// wanted, since none of several targets can be better off than if it were alone.
pub fn solve(problem: &Problem, keep_plans: bool) -> Solution {
    let wanted = Cost::from(problem.want());
    if problem.want() <= 1 {
        let best = path::best(problem, &problem.offered(), keep_plans);
        let plans = best.plan.map(|plan| if problem.want() == 0 { vec![] } else { several::worth_having(vec![plan]) });
        let cost = best.cost * wanted;
        return Solution { lower: cost, upper: cost, plans };
    }
    let served = several::serve(problem);
    let lower = relaxed::lower_bound(problem).max(served.alone * wanted);
    Solution { lower, upper: served.cost, plans: keep_plans.then_some(served.plans) }
}
