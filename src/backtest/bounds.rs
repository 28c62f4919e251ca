//! The benchmarks of a run: what the oracle, renting on demand and the best constant bid would have cost on its tape.

use std::collections::BTreeMap;

use clorebid_core::ids::ServerId;
use clorebid_core::money::{Amount, Price};
use clorebid_core::strategy::{Choice, PerDay, RestartCost, Strategy, Target};
use clorebid_core::time::{Span, Time};
use rust_decimal::Decimal;

use super::selected::selected;
use super::venue::recorded_market;
use super::{Recorded, VenueRules};
use crate::oracle::{
    Cost, Problem, ProblemError, Terms, Track, Units, Valuation, Value, best_fixed_cost, follow_cost, on_demand_cost,
    solve, ticks_between,
};
use crate::tape::{Listed, Series};

/// The benchmarks are what a run is measured with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// The least effective cost that the oracle finds; for more than one server a lower bound of it.
    pub oracle_cost: Amount,
    /// The cost of a plan that obeys every rule. Equal to the former for one server.
    pub oracle_upper: Amount,
    /// Renting on demand throughout, at each time's price.
    pub on_demand_cost: Amount,
    /// The best single constant bid, chosen with hindsight.
    pub best_fixed_cost: Amount,
    /// A bid that only follows: no margin, no replacement.
    pub follow_cost: Amount,
}

/// Why a tape has no benchmarks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BoundsError {
    /// The oracle does not take the problem.
    #[error("the oracle cannot work on this tape: {0}")]
    Problem(#[from] ProblemError),
    /// The tape tells of none of that target's servers.
    #[error("no server of target {0} is on the tape")]
    NoServer(String),
}

/// Computes the benchmarks of every target of a strategy and adds them up.
///
/// # Errors
/// When the tape holds none of a target's servers, or is too fine for the oracle.
pub fn bounds(strategy: &Strategy, recorded: &Recorded, rules: &VenueRules, tick: Span) -> Result<Bounds, BoundsError> {
    let zero = Amount::ZERO;
    let mut sum = Bounds {
        oracle_cost: zero,
        oracle_upper: zero,
        on_demand_cost: zero,
        best_fixed_cost: zero,
        follow_cost: zero,
    };
    for target in &strategy.targets {
        let (units, _, problem) = problem(strategy, target, recorded.series(), rules, tick)?;
        let scaled = |cost: Cost| with_fee(units.amount(cost), rules.fee_percent);
        let solution = solve(&problem, false);
        sum.oracle_cost = sum.oracle_cost.plus(scaled(solution.lower));
        sum.oracle_upper = sum.oracle_upper.plus(scaled(solution.upper));
        sum.on_demand_cost = sum.on_demand_cost.plus(scaled(on_demand_cost(&problem)));
        sum.best_fixed_cost = sum.best_fixed_cost.plus(scaled(best_fixed_cost(&problem).cost));
        sum.follow_cost = sum.follow_cost.plus(scaled(follow_cost(&problem)));
    }
    Ok(sum)
}

/// The fee makes every bid dearer by a share; restarts and unheld time were made cheaper by it beforehand.
fn with_fee(cost: Amount, fee_percent: Decimal) -> Amount {
    cost.plus_percent(fee_percent)
}

fn without_fee(value: Decimal, fee_percent: Decimal) -> Decimal {
    let share = Decimal::ONE + fee_percent / Decimal::ONE_HUNDRED;
    value.checked_div(share).unwrap_or(value)
}

/// The oracle's problem for one target, and the servers in the order it numbers them.
pub(super) fn problem(
    strategy: &Strategy,
    target: &Target,
    series: &Series,
    rules: &VenueRules,
    tick: Span,
) -> Result<(Units, Vec<ServerId>, Problem), BoundsError> {
    let is_named = matches!(target.choice, Choice::Servers(_));
    if is_named && !series.servers.keys().any(|id| target.choice.could_take(*id)) {
        return Err(BoundsError::NoServer(target.name.clone()));
    }
    let selected = selected(target, series, strategy.currency);
    let (first, later) = prices_of_a_day(strategy, target, series, &selected);
    let value = |per_day| value(target, rules, per_day);
    let Value { restart_cost, per_day } = value(first);
    let terms =
        Terms { tick, price_tick: rules.tick, step: rules.step, window: rules.lower_every, restart_cost, per_day };
    let (times, prices): (Vec<Time>, Vec<Price>) = later.into_iter().unzip();
    let (units, oracle_rules, valuations) = terms.in_units_with(&prices.into_iter().map(value).collect::<Vec<_>>())?;
    let to = told_time(series, series.to);
    let times = times.into_iter().map(|at| told_time(series, at));
    let first = Valuation { per_tick: oracle_rules.per_tick, restart_cost: oracle_rules.restart_cost };
    let valuations = Valuation::from_changes(series.from, to, tick, first, times.zip(valuations))?;
    let ticks = ticks_between(series.from, to, tick)?;
    let tracks = selected.iter().map(|(id, since)| {
        let changes = winning_bids(strategy, series, *id, *since, rules.tick);
        let changes = changes.into_iter().map(|(at, bid)| (told_time(series, at), bid));
        Track::from_changes(series.from, to, tick, changes, rules.tick)
    });
    let tracks = tracks.collect::<Result<Vec<Track>, ProblemError>>()?;
    let problem = Problem::with_valuations(tracks, ticks, oracle_rules, &valuations, target.want)?;
    Ok((units, selected.into_iter().map(|(id, _)| id).collect(), problem))
}

/// What it costs not to hold a server whose day is worth that much, and to begin to.
fn value(target: &Target, rules: &VenueRules, worth: Price) -> Value {
    let restart = match target.value.restart {
        RestartCost::Time(span) => worth.accrue(span).amount(),
        RestartCost::Amount(amount) => amount,
    };
    let restart = without_fee(restart.plus(rules.creation_fee).decimal(), rules.fee_percent);
    Value {
        restart_cost: Amount::new(restart).unwrap_or(Amount::MAX),
        per_day: Price::new(without_fee(worth.decimal(), rules.fee_percent)).unwrap_or(worth),
    }
}

/// What a day is worth at first, and later on whenever that becomes another: as the strategy says, or the cheapest
/// on-demand price at the time. Before a server's first listing, what that says is the best there is to go by.
fn prices_of_a_day(
    strategy: &Strategy,
    target: &Target,
    series: &Series,
    selected: &[(ServerId, Time)],
) -> (Price, Vec<(Time, Price)>) {
    if let PerDay::Price(price) = target.value.per_day {
        return (price, Vec::new());
    }
    let listings = selected.iter().map(|(id, _)| series.servers.get(id).map_or(&[][..], |server| &server.listed));
    let mut prices: BTreeMap<Price, usize> = BTreeMap::new();
    let mut moves: Vec<(Time, Option<Price>, Option<Price>)> = Vec::new();
    for listed in listings {
        let price = |listed: &Listed| listed.server.on_demand.get(strategy.currency);
        if let Some(first) = listed.first().and_then(price) {
            *prices.entry(first).or_default() += 1;
        }
        let pairs = listed.iter().zip(listed.iter().skip(1));
        moves.extend(pairs.map(|(old, new)| (new.at, price(old), price(new))).filter(|(_, old, new)| old != new));
    }
    moves.sort_by_key(|(at, ..)| *at);
    let cheapest = |prices: &BTreeMap<Price, usize>| prices.keys().next().copied().unwrap_or(strategy.limits.max_bid);
    let first = cheapest(&prices);
    let (mut worth, mut later) = (first, Vec::new());
    for together in moves.chunk_by(|a, b| a.0 == b.0) {
        for (_, old, new) in together {
            new.iter().for_each(|new| *prices.entry(*new).or_default() += 1);
            if let Some(count) = old.as_ref().and_then(|old| prices.get_mut(old)) {
                *count = count.saturating_sub(1);
            }
        }
        prices.retain(|_, count| *count > 0);
        if let Some((at, ..)) = together.first().filter(|_| cheapest(&prices) != worth) {
            worth = cheapest(&prices);
            later.push((*at, worth));
        }
    }
    (first, later)
}

/// Whether the tape names an on-demand price all the time, so that the highest bid never stands in for one.
pub(super) fn is_always_priced(strategy: &Strategy, target: &Target, series: &Series) -> bool {
    let priced = |listed: &Listed| listed.server.on_demand.get(strategy.currency).is_some();
    let selected = selected(target, series, strategy.currency);
    let mut listings = selected.iter().filter_map(|(id, _)| Some(&series.servers.get(id)?.listed));
    listings.any(|listed| !listed.is_empty() && listed.iter().all(priced))
}

/// The moment `at` on a clock that stands still in the gaps of the tape: what does not count for a run does not count
/// for its benchmarks. A bid that could have been lowered in a gap is not lowered there, which is worth at most a
/// restart a gap.
fn told_time(series: &Series, at: Time) -> Time {
    let before = series.gaps.iter().filter(|gap| gap.from < at);
    let untold: i64 = before.map(|gap| gap.to.min(at).since(gap.from).ms()).sum();
    Time::from_ms(at.ms() - untold)
}

/// The least winning bid of a server as it changes; `None` while it cannot be held, and before `since`.
pub(super) fn winning_bids(
    strategy: &Strategy,
    series: &Series,
    id: ServerId,
    since: Time,
    tick: Price,
) -> Vec<(Time, Option<Price>)> {
    let Some(server) = series.servers.get(&id) else { return Vec::new() };
    let mut times: Vec<Time> = server.changes.iter().map(|c| c.at).chain(server.listed.iter().map(|l| l.at)).collect();
    times.sort_unstable();
    times.dedup();
    let at = |time: Time| {
        let change = server.market_at(time)?;
        let rented = server.listed_at(time).is_some_and(|l| l.rented);
        let market = recorded_market(id, change);
        market.least_winning_bid(strategy.currency, tick).filter(|_| time >= since && market.is_open() && !rented)
    };
    times.into_iter().map(|time| (time, at(time))).collect()
}
