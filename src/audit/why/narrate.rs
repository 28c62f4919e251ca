//! What became of a change, and which re-pricing was not made, in words.

use clorebid_core::decide::decision::Hold;
use clorebid_core::event::Event;
use clorebid_core::explain::Explanation;
use clorebid_core::request::{Answer, Doubt, Request};

use crate::audit::replay::{Replay, Step};
use crate::clock::rfc3339;

/// What a change did, what state followed at once, and everything else that came of the answer.
pub(super) fn effects(replay: &Replay, step: &Step, before: Option<&Explanation>) -> Vec<String> {
    let (request, answered_at) = (step.ask.request, step.exchange.answered_at);
    let mut all: Vec<String> = deed(&request, step).into_iter().collect();
    all.extend(step.events.iter().map(|change| effect(replay, change)));
    let (Some(server), Some(at), true) = (request.server(), answered_at, request.is_command()) else { return all };
    let Some(after) = replay.engine().explain(at).into_iter().find(|e| e.server == server) else { return all };
    if !step.events.iter().any(|c| matches!(c, Event::State { server: s, .. } if *s == server)) {
        all.push(format!("server {server}: still {}", after.state.code()));
    }
    let clock = |e: &Explanation| e.next_lower_at;
    if let Some(next) = after.next_lower_at.filter(|next| *next > at && before.and_then(clock) != Some(*next)) {
        all.push(format!("server {server}: the next lowering is allowed at {}", rfc3339(next)));
    }
    if !matches!(step.answer, Some(Answer::Applied)) {
        let learned = after.lowest.filter(|lowest| before.is_none_or(|e| e.lowest != Some(*lowest)));
        let is_held = after.held_back_by.iter().any(|hold| matches!(hold, Hold::Step { .. }));
        let step = learned.filter(|_| !is_held).map(|lowest| Hold::Step { lowest });
        all.extend(step.map(|hold| format!("server {server}: {}", hold.words(at))));
        let told = |hold: &&Hold| !matches!(hold, Hold::LowerWait { .. });
        let is_step = |hold: &Hold| matches!(hold, Hold::Step { .. });
        if let (Request::Reprice { from, to, .. }, Some(lowest), Some(goal)) = (request, after.lowest, after.goal)
            && to < from
            && lowest > goal
            && !after.held_back_by.iter().any(is_step)
        {
            // It holds nothing back: the next request asks for no more than that.
            all.push(format!("server {server}: one step goes no lower than {lowest}"));
        }
        let holds = after.held_back_by.iter().filter(told);
        all.extend(holds.map(|hold| format!("server {server}: {}", hold.words(at))));
    }
    all
}

/// Something that came of an answer, in words.
pub(super) fn effect(replay: &Replay, change: &Event) -> String {
    match change {
        Event::State { server, from, to, cause, .. } => {
            format!("server {server}: {} to {} ({})", from.code(), to.code(), cause.code())
        }
        Event::HoldingFrom { server, order, bid, .. } => {
            format!("server {server}: order {order} holds it from now on at {bid}")
        }
        Event::HeldUnwatched { server, order, bid, from, to, .. } => {
            let (from, to) = (rfc3339(*from), rfc3339(*to));
            format!("server {server}: order {order} held it from {from} to {to} at {bid}, while nobody watched")
        }
        Event::FeeTold { order, percent, server, .. } => {
            format!("server {server}: the venue adds {percent} % to what order {order} costs")
        }
        Event::VenueSpent { server, order, more } => {
            format!("server {server}: order {order} has cost {more} more by the venue's count")
        }
        Event::HoldingTo { server, order } => format!("server {server}: order {order} no longer holds it at that bid"),
        Event::CreationFee { server, order, amount, .. } => {
            format!("server {server}: order {order} is charged its creation fee of {amount}")
        }
        Event::Denied { target, server, denial } => {
            format!("server {server}: no bid for {}: {denial}", replay.engine().target_name(*target))
        }
        Event::ForeignOrder { server, order, counts_for: None } => {
            format!("server {server}: order {order} is not ours and left alone")
        }
        Event::ForeignOrder { server, order, counts_for: Some(_) } => {
            format!(
                "server {server}: order {order} may be ours, the journal knows nothing of it: it counts and is left alone"
            )
        }
    }
}

/// What a change did; nothing for a read.
fn deed(request: &Request, step: &Step) -> Option<String> {
    let (done, not_done, in_doubt) = match *request {
        Request::Create { server, bid, .. } => (
            format!("server {server}: a bid of {bid} was accepted"),
            format!("server {server}: no bid of {bid} was made"),
            format!("server {server}: nobody knows whether a bid of {bid} stands; until reads tell it counts as one"),
        ),
        Request::Reprice { server, order, from, to } => (
            format!("server {server}: the bid of order {order} went from {from} to {to}"),
            format!("server {server}: the bid of order {order} stays at {from} and is not {to}"),
            format!(
                "server {server}: nobody knows whether the bid of order {order} went from {from} to {to}; until reads \
                 tell the higher one counts"
            ),
        ),
        Request::Cancel { server, order } => (
            format!("server {server}: the cancellation of order {order} was accepted"),
            format!("server {server}: order {order} was not cancelled"),
            format!("server {server}: nobody knows whether order {order} was cancelled; until reads tell it stands"),
        ),
        _ => return None,
    };
    let why = step.exchange.error.as_deref().unwrap_or("no answer was recorded");
    Some(match &step.answer {
        Some(Answer::Applied) => done,
        Some(Answer::Unknown(Doubt::Unreachable)) => format!("{not_done}: nobody was reached, so nothing was sent"),
        Some(Answer::Unknown(Doubt::NotRecorded)) => format!("{not_done}: the journal was locked, so nothing was sent"),
        Some(Answer::Refused(_)) => format!("{not_done}: {why}"),
        _ => format!("{in_doubt}: {why}"),
    })
}

/// The raise or lowering that the core would have liked and did not make, with what kept it from it.
pub(super) fn not_done(e: &Explanation, held_back_by: &[String], request: &Request) -> Option<String> {
    if request.is_command() && request.server() == Some(e.server) {
        return None;
    }
    let (bid, to) = (e.our_bid?, e.next_bid?);
    let what = if to > bid { "raised" } else { "lowered" };
    let why = match held_back_by {
        [] => "its turn had not come".to_owned(),
        held => held.join("; "),
    };
    Some(format!("server {}: our bid was not {what} from {bid} to {to}: {why}", e.server))
}
