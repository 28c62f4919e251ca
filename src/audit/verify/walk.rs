//! One pass over a run: its requests in order, each followed by the states and stretches that came of its answer.

use clorebid_core::money::{Amount, Price};
use clorebid_core::time::{Span, Time};

use super::rules::{Holds, Move, Moved, Place, Reprice, Rules};
use super::tally::{Kind, Tally, int, text};
use crate::audit::replay::Recorded;
use crate::history::{Cell, History, HistoryError, Paged};
use crate::json::Number;

/// Between the end of a request and the start of the next, and between creates. Source: I10.
const SPACING: Span = Span::from_ms(1_050);
const CREATE_SPACING: Span = Span::from_ms(5_250);

const SELECT_REQUESTS: &str = "\
     SELECT r.id AS id, r.sent_at, r.sent_at + r.took, c.call, coalesce(p.outcome, 'unknown'), p.error, \
            s.server, s.our_bid, NULL, NULL, NULL, NULL, NULL, NULL, r.reply_id \
     FROM reads r JOIN calls c ON c.id = r.call_id LEFT JOIN replies p ON p.id = r.reply_id \
     LEFT JOIN sightings s ON s.id = r.reply_id WHERE r.{} \
     UNION ALL \
     SELECT c.id, c.sent_at, a.answered_at, c.call, coalesce(p.outcome, 'pending'), p.error, \
            c.server, NULL, c.action, c.target, c.offer, c.old_price, c.new_price, \
            CASE WHEN p.error = 'exceeded_max_step' AND p.encoding = 0 THEN p.body END, NULL \
     FROM changes c LEFT JOIN answers a ON a.id = c.id LEFT JOIN replies p ON p.id = a.reply_id WHERE c.{}";

const SELECT_STATES: &str = "SELECT id, seq, at, server, target, from_state, to_state, cause FROM transitions WHERE {}";
const SELECT_STRETCHES: &str = "SELECT s.id AS id, s.seq, s.server, s.offer, s.bid, s.fee_percent, e.to_at, e.cost, s.target, e.seq = s.seq \
     FROM stretches s LEFT JOIN stretch_ends e ON e.stretch_id = s.id WHERE s.{}";
const SELECT_FOREIGN: &str = "SELECT id, seq, offer FROM notice_rows WHERE kind = 'foreign_order' AND {}";

/// What is asked for the pace of requests.
#[derive(Debug, Default)]
struct Pace {
    seq: i64,
    last_end: Option<Time>,
    last_create_end: Option<Time>,
    unanswered: Option<i64>,
}

/// Walks over a run.
pub(super) async fn run(history: &mut History, run: &Recorded, tally: &mut Tally) -> Result<(), HistoryError> {
    let memory = history.first_memory(run.run_id).await?;
    let mut rules = Rules::new(run, memory.as_deref(), tally);
    let mut pace = Pace::default();
    let mut requests = Paged::of_run(run.run_id, SELECT_REQUESTS, "id");
    let mut states = Paged::of_run(run.run_id, SELECT_STATES, "id");
    let mut stretches = Paged::of_run(run.run_id, SELECT_STRETCHES, "id");
    let mut foreign = Paged::of_run(run.run_id, SELECT_FOREIGN, "id");
    while let Some(row) = requests.next_if(history, |_| true).await? {
        let seq = int(&row, 0).unwrap_or(0) & i64::from(u32::MAX);
        pace.check(run.run_id, seq, &row, tally);
        if let (1, Some(rules)) = (seq, &mut rules) {
            recall(history, rules, &mut states, tally).await?;
        }
        if let Some(rules) = &mut rules {
            take(rules, seq, &row, tally);
            if let (Some("applied"), Some(reply)) = (text(&row, 4), int(&row, 14)) {
                account(history, rules, text(&row, 3), reply).await?;
            }
        }
        let due = |row: &[Cell]| int(row, 1).is_some_and(|of| of <= seq);
        while let Some(row) = states.next_if(history, due).await? {
            if let Some(rules) = &mut rules {
                rules.moved(&moved(seq, &row), tally);
            }
        }
        while let Some(row) = stretches.next_if(history, due).await? {
            let (server, order) = (int(&row, 2).unwrap_or(0), int(&row, 3).unwrap_or(0));
            if let Some(rules) = &mut rules {
                let holds = Holds { seq, server, order, target: text(&row, 8).unwrap_or(""), bid: price(&row, 4) };
                match int(&row, 9) {
                    Some(1) => rules.held_unwatched(&holds, tally),
                    _ => rules.holds(&holds, text(&row, 5).unwrap_or(""), tally),
                }
                if let (Some(to), Some(Ok(cost))) = (int(&row, 6), text(&row, 7).map(Amount::parse)) {
                    rules.account.ends_at(Time::from_ms(to), cost.plus_percent(rules.fee_percent));
                }
            }
        }
        while let Some(row) = foreign.next_if(history, due).await? {
            if let Some(rules) = &mut rules {
                rules.foreign(int(&row, 2).unwrap_or(0));
            }
        }
        if let (Some(rules), Some(server), Some(our_bid)) = (&mut rules, int(&row, 6), price(&row, 7)) {
            rules.sees_our_bid(server, our_bid);
        }
    }
    let left = states.next_if(history, |_| true).await?.is_some();
    tally.check(Kind::States, !left, || format!("run {}: a state follows from no request", run.run_id));
    if run.ended_at.is_some() {
        tally.check(Kind::Answers, pace.unanswered.is_none(), || {
            format!("run {}: request {:?} has no answer, and the run ended", run.run_id, pace.unanswered)
        });
    }
    Ok(())
}

/// What the run started with, which its first request already rests on.
async fn recall(
    history: &mut History,
    rules: &mut Rules,
    states: &mut Paged,
    tally: &mut Tally,
) -> Result<(), HistoryError> {
    loop {
        let is_recalled = |row: &[Cell]| {
            let told = moved(1, row);
            int(row, 1) == Some(1) && told.cause == "adopted" && rules.started_with(told.server)
        };
        let Some(row) = states.next_if(history, is_recalled).await? else { return Ok(()) };
        rules.moved(&moved(1, &row), tally);
    }
}

impl Pace {
    /// Numbers, times, answers and spacing.
    fn check(&mut self, run_id: i64, seq: i64, row: &[Cell], tally: &mut Tally) {
        let expected = self.seq + 1;
        tally.check(Kind::Gaps, seq == expected, || {
            format!("run {run_id}: request {seq} comes where {expected} is due")
        });
        self.seq = seq;
        let sent_at = Time::from_ms(int(row, 1).unwrap_or(0));
        let answered_at = int(row, 2).map(Time::from_ms);
        tally.check(Kind::Gaps, self.last_end.is_none_or(|end| sent_at >= end), || {
            format!("run {run_id}: request {seq} was sent before the one before it was answered")
        });
        let unanswered = self.unanswered;
        tally.check(Kind::Answers, unanswered.is_none(), || {
            format!("run {run_id}: request {unanswered:?} has no answer, and {seq} follows it")
        });
        self.unanswered = answered_at.is_none().then_some(seq);
        if let Some(end) = self.last_end {
            let pause = sent_at.since(end);
            tally.check(Kind::I10, pause >= SPACING, || {
                format!("run {run_id}: request {seq} was sent {pause} after the last answer")
            });
        }
        if text(row, 3) == Some("create_order") {
            if let Some(end) = self.last_create_end {
                let pause = sent_at.since(end);
                tally.check(Kind::I10, pause >= CREATE_SPACING, || {
                    format!("run {run_id}: create {seq} was sent {pause} after the last one")
                });
            }
            self.last_create_end = answered_at;
        }
        self.last_end = answered_at;
    }
}

/// A good answer about the whole account.
async fn account(history: &mut History, rules: &mut Rules, call: Option<&str>, reply: i64) -> Result<(), HistoryError> {
    match call {
        Some("my_orders") => rules.account.sees_orders(&history.reply_body(reply).await?),
        Some("wallets") => rules.account.sees_wallets(&history.reply_body(reply).await?),
        _ => {}
    }
    Ok(())
}

/// A request in terms of the rules.
fn take(rules: &mut Rules, seq: i64, row: &[Cell], tally: &mut Tally) {
    let sent_at = Time::from_ms(int(row, 1).unwrap_or(0));
    let answered_at = int(row, 2).map(Time::from_ms);
    let outcome = text(row, 4).unwrap_or("");
    // Without a connection nothing was sent, so nothing can have changed.
    let may_have_changed = outcome != "refused" && text(row, 5) != Some("unreachable");
    let Some(action) = text(row, 8) else {
        if text(row, 3) == Some("my_orders") && outcome == "applied" {
            rules.good_orders_read(sent_at);
        }
        return;
    };
    let what = Move { seq, sent_at, answered_at, server: int(row, 6).unwrap_or(0), may_have_changed };
    let target = text(row, 9);
    let (order, old, new) = (int(row, 10), price(row, 11), price(row, 12));
    match (action, order, old, new) {
        ("place", _, _, Some(bid)) => {
            rules.place(&what, &Place { target: target.unwrap_or("").to_owned(), bid }, tally);
        }
        ("raise" | "lower", Some(order), Some(from), Some(to)) => {
            let known_applied = outcome == "applied";
            let lowest = lowest_named(row);
            rules.reprice(&what, &Reprice { order, from, to, lowers: action == "lower", known_applied, lowest }, tally);
        }
        ("cancel", Some(order), _, None) => rules.cancel(&what, order, target.is_none(), tally),
        _ => tally.check(Kind::Views, false, || format!("request {seq}: a {action} with other columns than it has")),
    }
}

/// The lowest price that a refusal named. Source: set_spot_price, `max_step` of `exceeded_max_step`.
fn lowest_named(row: &[Cell]) -> Option<Price> {
    #[derive(serde::Deserialize)]
    struct Refusal {
        max_step: Number,
    }
    match row.get(13) {
        Some(Cell::Blob(body)) => serde_json::from_slice::<Refusal>(body).ok().and_then(|r| r.max_step.price()),
        _ => None,
    }
}

fn moved(seq: i64, row: &[Cell]) -> Moved {
    let word = |at: usize| text(row, at).unwrap_or("").to_owned();
    Moved {
        seq,
        at: Time::from_ms(int(row, 2).unwrap_or(0)),
        server: int(row, 3).unwrap_or(0),
        target: word(4),
        from: word(5),
        to: word(6),
        cause: word(7),
    }
}

fn price(row: &[Cell], at: usize) -> Option<Price> {
    text(row, at).and_then(|t| Price::parse(t).ok())
}
