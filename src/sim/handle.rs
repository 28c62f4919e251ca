//! The way into a simulated venue: one function from a request and its time to an answer.
//!
//! 1. It never asks a clock: everything due until the time of a request happens first, in order, then the request.
//! 2. The same scenario, seed and requests at the same times give the same bytes.
//! 3. What is random is drawn from streams that no request shares, so asking more changes no rival that does not answer us.
//! 4. Time never runs backwards: a request from the past is taken as one from now.

use std::collections::BTreeMap;

use bytes::Bytes;
use clorebid_core::money::Currency;
use clorebid_core::time::{Span, Time};

use super::calls::method_of;
use super::draw::{Purpose, Stream};
use super::exchange::Exchange;
use super::fault::{Fault, FaultKind, Hit, is_call};
use super::queue::Queue;
use super::reply::{Answer, Handled, LogEntry, Wire};
use super::scenario::{Scenario, ServerPlan};
use super::state::{Purse, Server, Undercutter};
use crate::wire::HttpRequest;

const BAD_GATEWAY: &[u8] = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
const GARBAGE: &[u8] = b"\x00\xff{\"code\":0,\"orders\":[{]]";

impl Exchange {
    /// A venue at the start of the scenario. `seed` is used instead of the scenario's own where it is given.
    pub fn new(scenario: Scenario, seed: Option<u64>) -> Exchange {
        let seed = seed.unwrap_or(scenario.seed);
        let mut plans = scenario.servers;
        plans.sort_by_key(|plan| plan.id);
        let faults = scenario.faults.into_iter().zip(0..);
        let purses = Currency::ALL.into_iter().filter_map(|c| Some((c, Purse::new(scenario.wallets.get(c)?))));
        let mut exchange = Exchange {
            name: scenario.name,
            rules: scenario.venue,
            rates: scenario.rates,
            start: scenario.start,
            now: scenario.start,
            seed,
            servers: plans.into_iter().map(|plan| open_server(plan, seed)).collect(),
            orders: BTreeMap::new(),
            purses: purses.collect(),
            queue: Queue::default(),
            history: Vec::new(),
            evictions: Vec::new(),
            orders_made: 0,
            rivals_made: 0,
            faults: faults.map(|(plan, n)| Fault::new(plan, Stream::new(seed, Purpose::Fault, n))).collect(),
            counted: BTreeMap::new(),
            requests: 0,
            counted_requests: 0,
            last_with_key: None,
            last_without_key: None,
            last_create: None,
            log: None,
        };
        exchange.plan_scenario();
        exchange
    }

    /// Begins the scenario at another moment: for a server that runs by the machine's clock. Only before any request.
    pub fn start_at(&mut self, start: Time) {
        if self.requests > 0 || self.now != self.start {
            return;
        }
        (self.start, self.now) = (start, start);
        self.queue = Queue::default();
        for server in &mut self.servers {
            *server = open_server(server.plan.clone(), self.seed);
        }
        self.plan_scenario();
    }

    /// Lets everything happen that is due until `now`.
    pub fn advance(&mut self, now: Time) {
        while let Some((at, event)) = self.queue.pop(now) {
            self.now = self.now.max(at);
            self.happen(event);
        }
        self.now = self.now.max(now);
    }

    /// Answers one request that arrives at `now` with `key` in its `auth` header.
    pub fn handle(&mut self, now: Time, key: Option<&str>, request: &HttpRequest) -> Handled {
        self.advance(now);
        self.requests += 1;
        let latency = Stream::new(self.seed, Purpose::Latency, self.requests).span(self.rules.latency);
        let last = if key.is_some() { self.last_with_key } else { self.last_without_key };
        let mut log = LogEntry::new(self.now, key, request, last.map(|last| self.now.since(last)));
        let (answer, hit) = match self.admit(key, request) {
            Err(refusal) => (refusal, None),
            Ok(()) => {
                let hit = self.fault(request);
                let answer = match hit {
                    Some(Hit { applied: false, kind }) => not_applied(kind),
                    _ => self.dispatch(key.is_some(), request),
                };
                (answer, hit)
            }
        };
        // What the request itself made due, such as the first minute of an order, happens with it.
        self.advance(self.now);
        (log.code, log.error, log.detail) = (Some(answer.code), answer.error, answer.detail);
        let mut handled =
            Handled { status: answer.status, body: Bytes::from(answer.body), wire: Wire::Whole, latency, log };
        if let Some(hit) = hit {
            spoil(&mut handled, hit);
        }
        handled.log.status = matches!(handled.wire, Wire::Whole | Wire::CutOff { .. }).then_some(handled.status);
        if let Some(log) = &mut self.log {
            log.push(handled.log.clone());
        }
        handled
    }

    /// Whether the request has a known address and a good key, and comes in time.
    fn admit(&mut self, key: Option<&str>, request: &HttpRequest) -> Result<(), Answer> {
        let endpoint = request.endpoint.as_ref();
        if !is_call(endpoint) || method_of(endpoint) != request.method {
            return Err(Answer::plain(404, 4, None));
        }
        match key {
            Some(key) if key == self.rules.key => {}
            // The list of servers is for everybody; a wrong key is still wrong.
            None if endpoint == "marketplace" => {}
            Some(_) | None => return Err(Answer::plain(401, 3, None)),
        }
        let creates = endpoint == "create_order";
        let now = self.now;
        let last = if key.is_some() { &mut self.last_with_key } else { &mut self.last_without_key };
        let within = |last: Option<Time>, spacing: Span| last.is_some_and(|last| now < last + spacing);
        let early = within(*last, self.rules.request_spacing)
            || creates
                && (within(self.last_create, self.rules.create_spacing)
                    || within(*last, self.rules.quiet_before_create));
        if !early || self.rules.strict_throttle {
            *last = Some(now);
            if creates {
                self.last_create = Some(now);
            }
        }
        if early { Err(Answer::plain(429, 5, None)) } else { Ok(()) }
    }

    fn fault(&mut self, request: &HttpRequest) -> Option<Hit> {
        let call = request.endpoint.as_ref();
        let of_call = self.counted.entry(call.to_string()).or_default();
        *of_call += 1;
        self.counted_requests += 1;
        let (of_call, of_all, start, now) = (*of_call, self.counted_requests, self.start, self.now);
        let mut first = None;
        for fault in &mut self.faults {
            // Every fault is asked, even after a hit, so that the draws of one do not depend on another.
            let hit = fault.hits(call, of_call, of_all, start, now);
            first = first.or(hit);
        }
        first
    }
}

fn open_server(plan: ServerPlan, seed: u64) -> Server {
    Server {
        online: plan.online && plan.connected,
        public: plan.public,
        mrl: plan.mrl,
        floor: plan.floor,
        on_demand: plan.on_demand,
        renter: None,
        holder: None,
        offers: Vec::new(),
        rival_ids: vec![0; plan.rivals.len()],
        undercutters: vec![Undercutter::default(); plan.undercutters.len()],
        walk: Stream::new(seed, Purpose::FloorWalk, plan.id),
        crowd: Stream::new(seed, Purpose::Crowd, plan.id),
        plan,
    }
}

/// What the venue would have answered to a request that it never carried out.
fn not_applied(kind: FaultKind) -> Answer {
    match kind {
        FaultKind::RateLimited => Answer::plain(429, 5, None),
        _ => Answer::plain(500, 1, None),
    }
}

/// Makes of a good answer what the fault leaves of it.
fn spoil(handled: &mut Handled, hit: Hit) {
    handled.log.fault = Some(hit.kind.name());
    let told = matches!(hit.kind, FaultKind::Code1Before | FaultKind::Code1After | FaultKind::RateLimited);
    if !hit.applied && !told {
        (handled.log.code, handled.log.error) = (None, None);
    }
    match hit.kind {
        FaultKind::LostBefore | FaultKind::LostAfter => handled.wire = Wire::Lost,
        FaultKind::Timeout => handled.wire = Wire::Never,
        FaultKind::Html502Before | FaultKind::Html502After => {
            (handled.status, handled.body) = (502, Bytes::from_static(BAD_GATEWAY));
        }
        FaultKind::Code1Before | FaultKind::Code1After => {
            let answer = Answer::plain(500, 1, None);
            (handled.status, handled.body) = (answer.status, Bytes::from(answer.body));
        }
        FaultKind::CutOff => {
            let promised = handled.body.len();
            handled.body.truncate(promised / 2);
            handled.wire = Wire::CutOff { promised };
        }
        FaultKind::Garbage => (handled.status, handled.body) = (200, Bytes::from_static(GARBAGE)),
        FaultKind::RateLimited => {}
    }
    if matches!(handled.wire, Wire::Lost | Wire::Never) {
        handled.body = Bytes::new();
    }
}
