//! The one object that `backtest --json` prints. Its keys are a contract.

use clorebid_core::money::Amount;
use clorebid_core::time::Span;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;

use super::{Bounds, Ran};
use crate::clock::rfc3339;

/// A backtest in numbers; decimals are strings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The strategy's name.
    pub strategy: String,
    /// The tapes.
    pub tape: String,
    /// Whether rivals answered.
    pub rivals: &'static str,
    /// The grid point, where there is a grid: what was varied and to what.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vary: Vec<String>,
    /// The tape's first moment.
    pub from: String,
    /// The tape's last moment.
    pub to: String,
    /// Seconds between them.
    pub seconds: String,
    /// Seconds of them that the tape does not tell of.
    pub gap_seconds: String,
    /// Servers wanted, times seconds.
    pub wanted_server_seconds: String,
    /// Servers held, times seconds.
    pub held_server_seconds: String,
    /// What holding cost.
    pub cost: String,
    /// What the venue took on top.
    pub fees: String,
    /// How often a server began to be held.
    pub restarts: u64,
    /// What a policy is judged by.
    pub effective_cost: String,
    /// What a held day cost on average, fees not included; null where nothing was held.
    pub mean_price_per_day: Option<String>,
    /// How often a server was lost without our asking.
    pub interruptions: u64,
    /// First bids.
    pub places: u64,
    /// Raises.
    pub raises: u64,
    /// Lowerings.
    pub lowerings: u64,
    /// Cancellations to bid anew.
    pub replaces: u64,
    /// Cancellations to bid elsewhere.
    pub moves: u64,
    /// All cancellations.
    pub cancels: u64,
    /// Refused changes.
    pub refusals: u64,
    /// Requests.
    pub requests: u64,
    /// The best that anybody could have had, or a lower bound of it.
    pub oracle_cost: Option<String>,
    /// What a plan that obeys every rule costs.
    pub oracle_upper: Option<String>,
    /// How many times the oracle's cost was paid.
    pub effective_over_oracle: Option<String>,
    /// Renting on demand throughout.
    pub on_demand_cost: String,
    /// The best constant bid with hindsight.
    pub best_fixed_cost: Option<String>,
    /// A bid that only follows.
    pub follow_cost: Option<String>,
    /// How long the backtest took, in seconds.
    pub wall_seconds: String,
}

/// What is known of a run beside what it came to.
#[derive(Debug, Clone, Default)]
pub struct Label {
    /// The strategy's name.
    pub strategy: String,
    /// The tapes.
    pub tape: String,
    /// Whether rivals answered.
    pub rivals: &'static str,
    /// The grid point.
    pub vary: Vec<String>,
}

/// Puts a run and its benchmarks into numbers.
pub fn summary(label: Label, ran: &Ran, bounds: Option<&Bounds>, wall: std::time::Duration) -> Summary {
    let seconds = |ms: i64| Decimal::new(ms, 3).normalize().to_string();
    let counts = &ran.counts;
    Summary {
        strategy: label.strategy,
        tape: label.tape,
        rivals: label.rivals,
        vary: label.vary,
        from: rfc3339(ran.span.0),
        to: rfc3339(ran.span.1),
        seconds: seconds(ran.span.1.since(ran.span.0).ms()),
        gap_seconds: seconds(ran.gap_ms),
        wanted_server_seconds: seconds(ran.wanted_ms),
        held_server_seconds: seconds(ran.held_ms),
        cost: ran.cost.to_string(),
        fees: ran.fees.to_string(),
        restarts: ran.restarts,
        effective_cost: ran.effective_cost.to_string(),
        mean_price_per_day: mean_price(ran),
        interruptions: ran.interruptions,
        places: counts.places,
        raises: counts.raises,
        lowerings: counts.lowerings,
        replaces: counts.replaces,
        moves: counts.moves,
        cancels: counts.cancels,
        refusals: counts.refusals,
        requests: counts.requests,
        oracle_cost: bounds.map(|b| b.oracle_cost.to_string()),
        oracle_upper: bounds.map(|b| b.oracle_upper.to_string()),
        effective_over_oracle: bounds.and_then(|b| ratio(ran.effective_cost, b.oracle_cost)),
        on_demand_cost: ran.on_demand_cost.to_string(),
        best_fixed_cost: bounds.map(|b| b.best_fixed_cost.to_string()),
        follow_cost: bounds.map(|b| b.follow_cost.to_string()),
        wall_seconds: Decimal::new(i64::try_from(wall.as_millis()).unwrap_or(i64::MAX), 3).to_string(),
    }
}

fn mean_price(ran: &Ran) -> Option<String> {
    let per_ms = ran.cost.decimal().checked_div(Decimal::from(ran.held_ms))?;
    Some(rounded(per_ms.checked_mul(Decimal::from(Span::DAY.ms()))?, 12))
}

fn ratio(of: Amount, to: Amount) -> Option<String> {
    of.decimal().checked_div(to.decimal()).map(|r| rounded(r, 6))
}

fn rounded(value: Decimal, places: u32) -> String {
    value.round_dp_with_strategy(places, RoundingStrategy::MidpointNearestEven).normalize().to_string()
}
