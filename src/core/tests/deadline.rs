//! The numbers of the policy **deadline**: what the market is taken to do, what an hour is worth, and when to rent on
//! demand.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]
#![allow(clippy::unwrap_used, reason = "a test that cannot read its own figures has failed")]

#[path = "deadline/golden.rs"]
mod golden;
#[path = "deadline/guarding.rs"]
mod guarding;
#[path = "deadline/rules.rs"]
mod rules;
#[path = "deadline/waking.rs"]
mod waking;

use clorebid_core::ids::ServerId;
use clorebid_core::policy::deadline::job::{Job, Look};
use clorebid_core::policy::deadline::progress::{Held, Holding};
use clorebid_core::policy::deadline::wanted::{By, Deadline, Terms};
use clorebid_core::time::{Span, Time};

const HOUR: i64 = 3_600_000;
/// What an hour on demand costs, in ticks a day.
const ON_DEMAND: u64 = 10_000;

/// So many milliseconds after the tests' beginning of time.
fn at(ms: i64) -> Time {
    Time::from_ms(1_700_000_000_000 + ms)
}

fn span(ms: i64) -> Span {
    Span::from_ms(ms)
}

/// So many milliseconds of work within so many.
fn deadline(need: i64, within: i64) -> Deadline {
    Deadline { need: span(need), by: By::Within(span(within)), on_demand: true }
}

/// The time that a restart takes; there is one look a second, and on demand comes at once.
fn restart(ms: i64) -> Terms {
    Terms { restart: span(ms), beat: span(1_000), ..Terms::default() }
}

fn spot(server: u64, since: i64) -> Option<Held> {
    Some(Held { what: Holding::Spot(ServerId(server)), since: at(since) })
}

fn on_demand(since: i64) -> Option<Held> {
    Some(Held { what: Holding::OnDemand, since: at(since) })
}

/// A look at servers 1, 2 and so on.
fn look(now: i64, held: Option<Held>, offers: &[(ServerId, Option<u64>)]) -> Look<'_> {
    Look { now: at(now), held, offers, on_demand: Some(ON_DEMAND), may_rent: true }
}

fn offers(prices: &[Option<u64>]) -> Vec<(ServerId, Option<u64>)> {
    (1..).map(ServerId).zip(prices.iter().copied()).collect()
}

/// A job of a market that has been watched for a week, with the changes of the price of server 1 in it: seconds before the
/// beginning of time, and prices.
fn watched_job(wanted: Deadline, changes: &[(i64, Option<u64>)]) -> Job {
    let began = at(0).ms();
    let changes: Vec<_> = changes.iter().map(|(secs, price)| (began / 1_000 - secs, price)).collect();
    let progress = serde_json::to_value(Job::new(wanted, at(0)).keep()).unwrap()["progress"].clone();
    let kept = serde_json::json!({
        "began": began, "progress": progress, "on_demand": ON_DEMAND, "watched_since": began - 7 * 24 * HOUR,
        "read_at": began, "servers": [[1, changes]],
    });
    Job::recall(serde_json::from_value(kept).unwrap(), wanted)
}
