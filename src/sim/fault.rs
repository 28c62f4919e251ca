//! `[[fault]]`: which requests go wrong, and how.

use clorebid_core::time::{Span, Time};
use serde::Deserialize;

use super::draw::Stream;
use super::text::some;

/// The ten calls of the page.
pub const CALLS: [&str; 10] = [
    "wallets",
    "my_servers",
    "server_config",
    "marketplace",
    "my_orders",
    "spot_marketplace",
    "set_server_settings",
    "set_spot_price",
    "cancel_order",
    "create_order",
];

/// Whether the page has a call of that name.
pub fn is_call(name: &str) -> bool {
    CALLS.contains(&name)
}

/// A fault. Every condition that is given must hold; with none, every request of the call is hit.
///
/// Requests are counted from 1 for each call, and only those that had a good key and came in time.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultPlan {
    /// Which call, or `*` for any; then all calls are counted together.
    pub call: String,
    /// This one request.
    #[serde(default)]
    pub nth: Option<u64>,
    /// From this request on.
    #[serde(default)]
    pub from: Option<u64>,
    /// Each so many requests, the first being `from`, or this one.
    #[serde(default)]
    pub every: Option<u64>,
    /// Not before, from the start of the scenario.
    #[serde(default, deserialize_with = "some")]
    pub at: Option<Span>,
    /// Not at or after.
    #[serde(default, deserialize_with = "some")]
    pub until: Option<Span>,
    /// Only so many in a hundred, drawn for each.
    #[serde(default)]
    pub percent: Option<u8>,
    /// What happens.
    pub kind: FaultKind,
    /// For `timeout` and `garbage`: whether the request was carried out all the same.
    #[serde(default)]
    pub applied: bool,
}

/// What can go wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The connection dies and nothing was done.
    LostBefore,
    /// It was done; the connection dies.
    LostAfter,
    /// HTML with status 502, and nothing was done.
    #[serde(rename = "html_502_before")]
    Html502Before,
    /// HTML with status 502 after it was done.
    #[serde(rename = "html_502_after")]
    Html502After,
    /// It was done; the body ends half way.
    CutOff,
    /// code 1, and nothing was done.
    #[serde(rename = "code_1_before")]
    Code1Before,
    /// code 1 after it was done.
    #[serde(rename = "code_1_after")]
    Code1After,
    /// No answer ever.
    Timeout,
    /// code 5, and nothing was done.
    RateLimited,
    /// Status 200 and bytes that are no JSON.
    Garbage,
}

impl FaultKind {
    /// Its name in a scenario file.
    pub const fn name(self) -> &'static str {
        match self {
            FaultKind::LostBefore => "lost_before",
            FaultKind::LostAfter => "lost_after",
            FaultKind::Html502Before => "html_502_before",
            FaultKind::Html502After => "html_502_after",
            FaultKind::CutOff => "cut_off",
            FaultKind::Code1Before => "code_1_before",
            FaultKind::Code1After => "code_1_after",
            FaultKind::Timeout => "timeout",
            FaultKind::RateLimited => "rate_limited",
            FaultKind::Garbage => "garbage",
        }
    }
}

/// A fault that hits a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) kind: FaultKind,
    /// Whether the request is carried out.
    pub(super) applied: bool,
}

/// A fault with its draws.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    plan: FaultPlan,
    draws: Stream,
}

impl Fault {
    pub(super) fn new(plan: FaultPlan, draws: Stream) -> Fault {
        Fault { plan, draws }
    }

    /// Whether it hits this request: the `of_call`th of its call, the `of_all`th of all.
    pub(super) fn hits(&mut self, call: &str, of_call: u64, of_all: u64, start: Time, now: Time) -> Option<Hit> {
        let plan = &self.plan;
        let n = match plan.call.as_str() {
            "*" => of_all,
            name if name == call => of_call,
            _ => return None,
        };
        let first = plan.from.or(plan.every).unwrap_or(1);
        let counted = plan.nth.is_none_or(|nth| n == nth)
            && n >= first
            && plan.every.is_none_or(|every| (n - first).is_multiple_of(every));
        let timely = plan.at.is_none_or(|at| now >= start + at) && plan.until.is_none_or(|until| now < start + until);
        // The draw is made for every request counted, so that one window does not shift the next.
        let drawn = plan.percent.is_none_or(|percent| self.draws.percent(percent));
        (counted && timely && drawn).then_some(Hit { kind: plan.kind, applied: plan.is_applied() })
    }
}

impl FaultPlan {
    fn is_applied(&self) -> bool {
        match self.kind {
            FaultKind::LostAfter | FaultKind::Html502After | FaultKind::CutOff | FaultKind::Code1After => true,
            FaultKind::LostBefore | FaultKind::Html502Before | FaultKind::Code1Before | FaultKind::RateLimited => false,
            FaultKind::Timeout | FaultKind::Garbage => self.applied,
        }
    }
}
