//! Why a request was made, or why what the core would have liked was not done: the reads that led to it with their ages,
//! the decision with its numbers, the limits it was held to, the request, its answer, and what came of it.
//!
//! The run is decided again up to that request, so the answer comes from the core as it was then and not from a guess.

use std::collections::BTreeMap;

use clorebid_core::decide::decision::Hold;
use clorebid_core::event::Event;
use clorebid_core::explain::Explanation;
use clorebid_core::ids::ServerId;
use clorebid_core::request::{Answer, Request};
use clorebid_core::strategy::Limits;
use clorebid_core::time::Time;
use serde::Serialize;

use crate::audit::replay::{Difference, Replay, ReplayError, Step, Stepped};
use crate::clock::rfc3339;
use crate::history::{Exchange, History};

mod narrate;

use narrate::effect;

/// How many requests after a change are looked at for what it led to: a create in doubt settles after two minutes.
const FOLLOWED_FOR: u32 = 200;

/// A read that what was decided rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ground {
    /// Its number.
    pub seq: u64,
    /// The endpoint, with the server where it is about one.
    pub read: String,
    /// When it was sent.
    pub at: String,
    /// How old it was when the request was decided.
    pub age: String,
    /// The numbers in it that mattered.
    pub showed: String,
}

/// One server as the core saw it at the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// The server.
    pub server: u64,
    /// The target it serves.
    pub target: String,
    /// What we had there.
    pub state: &'static str,
    /// Our order.
    pub order: Option<u64>,
    /// What we bid, at the worst.
    pub our_bid: Option<String>,
    /// The host's least price.
    pub floor: Option<String>,
    /// The highest bid of anybody else.
    pub best_rival: Option<String>,
    /// The least bid that won.
    pub least_winning: Option<String>,
    /// The least winning bid plus the margin.
    pub goal: Option<String>,
    /// The most worth bidding.
    pub ceiling: Option<String>,
    /// The lowest price that our bid might have been lowered to at once.
    pub lowest: Option<String>,
    /// When our bid might be lowered next.
    pub next_lower_at: Option<String>,
    /// Where our bid would have gone next but for what kept it.
    pub next_bid: Option<String>,
    /// What the core would have liked to do there.
    pub wish: String,
    /// What kept it from doing so.
    pub held_back_by: Vec<String>,
}

/// The whole chain of one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Why {
    /// The run.
    pub run: i64,
    /// The request.
    pub seq: u64,
    /// Whether it changed something.
    pub is_change: bool,
    /// When it was sent.
    pub sent_at: String,
    /// The endpoint.
    pub call: String,
    /// Its arguments as JSON.
    pub args: String,
    /// For which target.
    pub target: Option<String>,
    /// Why, in the core's words.
    pub reason: String,
    /// The reads it rests on.
    pub grounds: Vec<Ground>,
    /// The servers as the core saw them: for a change the one it is about, else all that matter.
    pub servers: Vec<Seen>,
    /// The limits it was held to, with what they were held against.
    pub limits: Vec<String>,
    /// When it was answered.
    pub answered_at: Option<String>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// What went wrong, as a code.
    pub error: Option<String>,
    /// `applied`, `refused`, `unknown` or `pending`.
    pub outcome: String,
    /// What the answer showed, where it was a read.
    pub showed: Option<String>,
    /// What came of it.
    pub effects: Vec<String>,
    /// After a change: what the next look at that server showed, and what state came of it.
    pub followed: Vec<String>,
    /// The raises and lowerings that were not made instead, with what kept the core from them.
    pub not_done: Vec<String>,
}

/// Why there is no chain to show.
#[derive(Debug, thiserror::Error)]
pub enum WhyError {
    /// The run cannot be decided again.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// There is no such request.
    #[error("run {run} has no request {seq}; its last is {last}")]
    NoRequest {
        /// The run.
        run: i64,
        /// What was asked for.
        seq: u64,
        /// The newest there is.
        last: u64,
    },
    /// The run is decided otherwise before that request is reached.
    #[error("run {run} is decided otherwise at request {}; see `clorebid replay {run}`", .difference.seq)]
    Differs {
        /// The run.
        run: i64,
        /// Where.
        difference: Box<Difference>,
    },
}

/// The last good read of each kind.
#[derive(Debug, Default)]
struct Reads {
    markets: BTreeMap<ServerId, (u64, Time, String)>,
    account: BTreeMap<&'static str, (u64, Time, String)>,
}

/// Finds out.
///
/// # Errors
/// When there is no such request, or the run cannot be decided again up to it.
pub async fn why(history: &mut History, run_id: i64, seq: u64) -> Result<Why, WhyError> {
    let mut replay = Replay::open(history, run_id).await?;
    let mut reads = Reads::default();
    let mut last = 0;
    while let Some(upcoming) = replay.upcoming(history).await? {
        last = upcoming.seq;
        let wanted = upcoming.seq == seq;
        let before = if wanted { replay.engine().explain(upcoming.sent_at) } else { Vec::new() };
        match replay.step(history).await? {
            Stepped::Same(step) if wanted => {
                let mut why = chain(&replay, &reads, &before, &step);
                why.followed = followed(&mut replay, history, &step).await?;
                return Ok(why);
            }
            Stepped::Same(step) => reads.note(&replay, &step),
            Stepped::Differs(difference) => return Err(WhyError::Differs { run: run_id, difference }),
            Stepped::Over => break,
        }
    }
    Err(WhyError::NoRequest { run: run_id, seq, last })
}

fn chain(replay: &Replay, reads: &Reads, before: &[Explanation], step: &Step) -> Why {
    let Exchange { seq, sent_at, answered_at, call, args, target, reason, status, error, outcome, .. } =
        step.exchange.clone();
    let request = step.ask.request;
    let about = request.server().filter(|_| request.is_command());
    let matters = |e: &&Explanation| about.is_none_or(|server| e.server == server);
    let strategy = replay.engine().strategy();
    let is_read = !request.is_command();
    let servers: Vec<Seen> = before.iter().filter(matters).map(|e| seen(e, sent_at)).collect();
    let not_done = |(e, s): (&Explanation, &Seen)| narrate::not_done(e, &s.held_back_by, &request);
    let not_done = before.iter().filter(matters).zip(&servers).filter_map(not_done);
    Why {
        run: replay.run().run_id,
        seq,
        is_change: request.is_command(),
        sent_at: rfc3339(sent_at),
        call,
        args,
        target,
        reason,
        grounds: reads.behind(about, sent_at),
        not_done: not_done.collect(),
        servers,
        limits: limits(&strategy.limits, &request),
        answered_at: answered_at.map(rfc3339),
        status,
        error,
        outcome,
        showed: step.answer.as_ref().filter(|_| is_read).and_then(|answer| showed(replay, answer)),
        effects: narrate::effects(replay, step, before.iter().find(|e| Some(e.server) == about)),
        followed: Vec::new(),
    }
}

/// Goes on until reads show what became of a change, or the next change there: a re-pricing shows in the next look at the
/// market, an order's coming and going in its state.
async fn followed(replay: &mut Replay, history: &mut History, change: &Step) -> Result<Vec<String>, ReplayError> {
    let (request, mut all) = (change.ask.request, Vec::new());
    let (Some(server), Some(since), true) = (request.server(), change.exchange.answered_at, request.is_command())
    else {
        return Ok(all);
    };
    for _ in 0..FOLLOWED_FOR {
        let Stepped::Same(step) = replay.step(history).await? else { break };
        let (seq, after) = (step.exchange.seq, step.exchange.sent_at.since(since));
        let of_it = |c: &&Event| matches!(c, Event::State { server: s, .. } if *s == server);
        let states: Vec<String> = step.events.iter().filter(of_it).map(|change| effect(replay, change)).collect();
        let about_it = step.ask.request.server() == Some(server);
        let again = about_it && step.ask.request.is_command();
        let shows = step.answer.as_ref().filter(|_| about_it).and_then(|answer| showed(replay, answer));
        let over = match request {
            Request::Reprice { .. } => shows.is_some(),
            _ => !states.is_empty(),
        };
        let asked = again.then(|| format!("{} {}: {}", step.exchange.call, step.exchange.args, step.exchange.reason));
        // Of the looks that settle nothing the first is enough.
        let told = shows.filter(|_| over || all.is_empty());
        let read = told.map(|shows| format!("spot_marketplace of server {server}: {shows}"));
        let news: Vec<String> = asked.into_iter().chain(read).chain(states).collect();
        if !news.is_empty() {
            all.push(format!("{after} later (request {seq}): {}", news.join("; ")));
        }
        if over || again {
            break;
        }
    }
    Ok(all)
}

impl Reads {
    fn note(&mut self, replay: &Replay, step: &Step) {
        let Some(answer) = &step.answer else { return };
        let Some(showed) = showed(replay, answer) else { return };
        let read = (step.exchange.seq, step.exchange.sent_at, showed);
        match answer {
            Answer::Market(market) => drop(self.markets.insert(market.server, read)),
            Answer::Orders(_) => drop(self.account.insert("my_orders", read)),
            Answer::Wallets(_) => drop(self.account.insert("wallets", read)),
            Answer::Listing(_) => drop(self.account.insert("marketplace", read)),
            Answer::Applied | Answer::Refused(_) | Answer::Unknown(_) => {}
        }
    }

    /// The newest good reads before `now`, newest first: of that server's market, or of all.
    fn behind(&self, server: Option<ServerId>, now: Time) -> Vec<Ground> {
        let markets = self.markets.iter().filter(|(id, _)| server.is_none_or(|s| s == **id));
        let markets = markets.map(|(id, read)| (format!("spot_marketplace of server {id}"), read));
        let account = self.account.iter().map(|(call, read)| ((*call).to_owned(), read));
        let mut all: Vec<_> = markets.chain(account).collect();
        all.sort_by_key(|(_, (seq, _, _))| std::cmp::Reverse(*seq));
        let ground = |(read, (seq, at, showed)): (String, &(u64, Time, String))| Ground {
            seq: *seq,
            read,
            at: rfc3339(*at),
            age: now.since(*at).to_string(),
            showed: showed.clone(),
        };
        all.into_iter().map(ground).collect()
    }
}

fn or_none(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "none".to_owned(), |v| v.to_string())
}

/// The numbers of a good read that matter to a bid.
fn showed(replay: &Replay, answer: &Answer) -> Option<String> {
    let strategy = replay.engine().strategy();
    let (currency, tick) = (strategy.currency, strategy.venue.tick);
    Some(match answer {
        Answer::Market(m) => {
            let floor = or_none(m.floors.get(currency));
            let rival = or_none(m.best_rival(currency, tick));
            let ours = m.mine().map_or_else(
                || "none".to_owned(),
                |o| format!("{} {}", o.bid, if o.active { "(holds the server)" } else { "(does not hold it)" }),
            );
            let open = if m.is_open() { "" } else { ", offline or hidden" };
            format!("floor {floor}, best rival {rival}, our bid {ours}{open}")
        }
        Answer::Orders(rows) => {
            let live: Vec<String> = rows
                .iter()
                .filter(|r| !r.expired)
                .map(|r| format!("{} on server {} at {}", r.id, r.server, or_none(r.price)))
                .collect();
            if live.is_empty() { "no order stands".to_owned() } else { live.join("; ") }
        }
        Answer::Wallets(wallets) => {
            let ours = wallets.iter().find(|w| w.currency == strategy.currency).and_then(|w| w.balance);
            format!("{} {currency}", or_none(ours))
        }
        Answer::Listing(listing) => format!("{} servers", listing.servers.len()),
        Answer::Applied | Answer::Refused(_) | Answer::Unknown(_) => return None,
    })
}

fn seen(e: &Explanation, now: Time) -> Seen {
    let text = |price: Option<clorebid_core::money::Price>| price.map(|p| p.to_string());
    Seen {
        server: e.server.0,
        target: e.target.clone(),
        state: e.state.code(),
        order: e.order.map(|o| o.0),
        our_bid: text(e.our_bid),
        floor: text(e.floor),
        best_rival: text(e.best_rival),
        least_winning: text(e.least_winning),
        goal: text(e.goal),
        ceiling: text(e.ceiling),
        lowest: text(e.lowest),
        next_lower_at: e.next_lower_at.map(rfc3339),
        next_bid: text(e.next_bid),
        wish: e.wish.clone(),
        held_back_by: e.held_back_by.iter().map(|hold| dated(hold, now)).collect(),
    }
}

/// The core knows spans; a person looks for the moment.
fn dated(hold: &Hold, now: Time) -> String {
    match hold {
        Hold::LowerWait { until } => format!("{}, at {}", hold.words(now), rfc3339(*until)),
        _ => hold.words(now),
    }
}

/// The limits, and what of the request they were held against.
fn limits(limits: &Limits, request: &Request) -> Vec<String> {
    let bid = match *request {
        Request::Create { bid, .. } => bid,
        Request::Reprice { to, from, .. } if to > from => to,
        // What costs less than before breaks no limit but this.
        Request::Reprice { to, .. } => return vec![format!("max_bid: {to} of {}", limits.max_bid)],
        _ => return Vec::new(),
    };
    let mut all = vec![format!("max_bid: {bid} of {}", limits.max_bid)];
    let mut add = |name: &str, value: Option<String>| all.extend(value.map(|v| format!("{name}: within {v}")));
    add("max_daily_cost", limits.max_daily_cost.map(|v| v.to_string()));
    add("max_total_cost", limits.max_total_cost.map(|v| v.to_string()));
    add("min_balance", limits.min_balance.map(|v| v.to_string()));
    add("max_orders", limits.max_orders.map(|v| v.to_string()));
    all
}
