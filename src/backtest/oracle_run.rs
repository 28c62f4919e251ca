//! The oracle's plan is kept as a run in the journal, so that one can look at what the oracle would have done.
//!
//! It is nobody's run: moves are made at the start of a tick, several at once where that is best, and no read led to any
//! of them.

use bytes::Bytes;
use clorebid_core::event::Event;
use clorebid_core::ids::{OrderId, ServerId, TargetId};
use clorebid_core::money::Price;
use clorebid_core::request::{Outcome, Request};
use clorebid_core::strategy::Strategy;
use clorebid_core::time::{Span, Time};

use super::bounds::problem;
use super::{BoundsError, Recorded, VenueRules};
use crate::journal::{Action, BidSent, Journal, JournalError, Mode, Received, RunStart, Sent};
use crate::oracle::{Action as Move, Plan, Units, solve};

/// Why a plan could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum OracleRunError {
    /// There is no plan.
    #[error(transparent)]
    Bounds(#[from] BoundsError),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Writes the best plan for each target into the journal, as one run.
///
/// # Errors
/// When there is no plan, or the journal cannot be written.
pub async fn keep_oracle_run(
    strategy: &Strategy,
    recorded: &Recorded,
    rules: &VenueRules,
    tick: Span,
    tape: &str,
    journal: &mut Journal,
) -> Result<i64, OracleRunError> {
    let mut steps = Vec::new();
    for (index, target) in (0_u32..).zip(&strategy.targets) {
        let (units, servers, problem) = problem(strategy, target, recorded.series(), rules, tick)?;
        let plans = solve(&problem, true).plans.unwrap_or_default();
        steps.extend(plans.iter().flat_map(|plan| of_plan(plan, TargetId(index), &servers, units)));
    }
    steps.sort_by_key(|step| step.tick);
    let (from, to) = recorded.span();
    let start = RunStart {
        at: from,
        mode: Mode::Backtest,
        strategy: "oracle",
        strategy_toml: "",
        venue: tape,
        seed: None,
        currency: strategy.currency,
        memory: "",
    };
    let run_id = journal.begin_run(start).await?;
    let mut standing = Standing::default();
    for (seq, step) in (1_u64..).zip(&steps) {
        let at = from + tick.times(i64::from(step.tick));
        standing.record(journal, strategy, rules, seq, at, step).await?;
    }
    // A trailing part of a tick is not planned for.
    let ticks = to.since(from).ms().checked_div(tick.ms()).unwrap_or(0);
    journal.end_run(from + tick.times(ticks), "time").await?;
    Ok(run_id)
}

/// A move of a plan, in the venue's terms.
struct Step {
    tick: u32,
    target: TargetId,
    server: ServerId,
    action: Move,
    price: Option<Price>,
}

fn of_plan(plan: &Plan, target: TargetId, servers: &[ServerId], units: Units) -> Vec<Step> {
    let step = |m: &crate::oracle::Move| {
        let price = match m.action {
            Move::Place { bid: level } | Move::Raise { to: level } | Move::Lower { to: level } => {
                Some(units.price(level))
            }
            Move::Leave => None,
        };
        let server = servers.get(usize::from(m.server)).copied()?;
        Some(Step { tick: m.tick, target, server, action: m.action, price })
    };
    plan.moves.iter().filter_map(step).collect()
}

/// The orders of the plan as they stand.
#[derive(Default)]
struct Standing {
    orders: std::collections::BTreeMap<ServerId, (OrderId, Price)>,
    last_id: u64,
}

impl Standing {
    async fn record(
        &mut self,
        journal: &mut Journal,
        strategy: &Strategy,
        rules: &VenueRules,
        seq: u64,
        at: Time,
        step: &Step,
    ) -> Result<(), JournalError> {
        let before = self.orders.get(&step.server).copied();
        let (action, call) = match step.action {
            Move::Place { .. } => (Action::Place, "create_order"),
            Move::Raise { .. } => (Action::Raise, "set_spot_price"),
            Move::Lower { .. } => (Action::Lower, "set_spot_price"),
            Move::Leave => (Action::Cancel, "cancel_order"),
        };
        let order = before.map(|(id, _)| id);
        let old_price = before.map(|(_, price)| price);
        let target = strategy.target(step.target).map(|t| t.name.as_str());
        let request = match (step.price, order) {
            (Some(bid), None) => Request::Create { server: step.server, target: step.target, bid },
            (Some(to), Some(order)) => {
                Request::Reprice { server: step.server, order, from: old_price.unwrap_or(to), to }
            }
            (None, order) => Request::Cancel { server: step.server, order: order.unwrap_or(OrderId(0)) },
        };
        let sent = Sent {
            seq,
            at,
            call,
            args: format!(r#"{{"server":{}}}"#, step.server),
            request: serde_json::to_string(&request).unwrap_or_default(),
            target,
            reason: "the oracle's plan".to_owned(),
            bid: Some(BidSent { action, server: step.server, order, old_price, new_price: step.price }),
            memory: None,
        };
        journal.intend((), sent).await?;
        let received = Received {
            seq,
            at,
            status: None,
            body: Bytes::new(),
            code: None,
            error: None,
            outcome: Outcome::Applied,
            offer_id: order,
            sighting: None,
        };
        journal.record(received).await?;
        let name = |_: TargetId| target.unwrap_or("");
        if let Some((order, _)) = before {
            journal.note(seq, at, name, &Event::HoldingTo { server: step.server, order });
            self.orders.remove(&step.server);
        }
        if let Some(bid) = step.price {
            let order = order.unwrap_or_else(|| {
                self.last_id += 1;
                OrderId(self.last_id)
            });
            self.orders.insert(step.server, (order, bid));
            let (target, server, fee_percent) = (step.target, step.server, rules.fee_percent);
            journal.note(seq, at, name, &Event::HoldingFrom { target, server, order, bid, fee_percent, since: at });
        }
        Ok(())
    }
}
