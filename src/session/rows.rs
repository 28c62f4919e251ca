//! A request and its answer as the journal's rows, the same for whatever sent it.

use bytes::Bytes;
use clorebid_core::market::{Market, Visibility};
use clorebid_core::money::{Currency, Price};
use clorebid_core::request::{Answer, Request};
use clorebid_core::time::Time;

use crate::api;
use crate::journal::{Action, BidSent, Received, Sent, Sighting};
use crate::wire::Reply;

/// A request with all that goes on record beside it.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// Its number in the run, from 1 upwards.
    pub seq: u64,
    /// When.
    pub at: Time,
    /// What is asked.
    pub request: Request,
    /// For which target.
    pub target: Option<&'a str>,
    /// Why, in words.
    pub reason: String,
    /// What an order that is cancelled bids, where that is known.
    pub cancelled_bid: Option<Price>,
    /// The core's memory with this request in it; for a command.
    pub memory: Option<String>,
}

impl<'a> Asked<'a> {
    /// A request for no target in particular.
    pub fn plain(seq: u64, at: Time, request: Request, reason: &str) -> Asked<'a> {
        Asked { seq, at, request, target: None, reason: reason.to_owned(), cancelled_bid: None, memory: None }
    }
}

/// A request as it goes on record, with its arguments as [`api::describe`] writes them.
pub fn sent(asked: Asked<'_>, args: String) -> Sent<'_> {
    Sent {
        seq: asked.seq,
        at: asked.at,
        call: api::endpoint(&asked.request),
        args,
        // Proof: a request is an enum of whole numbers and decimals, which are always JSON.
        request: serde_json::to_string(&asked.request).expect("a request is JSON"),
        target: asked.target,
        reason: asked.reason,
        bid: bid_sent(&asked.request, asked.cancelled_bid),
        memory: asked.memory,
    }
}

fn bid_sent(request: &Request, cancelled_bid: Option<Price>) -> Option<BidSent> {
    match *request {
        Request::Create { server, bid, .. } => {
            Some(BidSent { action: Action::Place, server, order: None, old_price: None, new_price: Some(bid) })
        }
        Request::Reprice { server, order, from, to } => {
            let action = if to > from { Action::Raise } else { Action::Lower };
            Some(BidSent { action, server, order: Some(order), old_price: Some(from), new_price: Some(to) })
        }
        Request::Cancel { server, order } => {
            let (order, old_price) = (Some(order), cancelled_bid);
            Some(BidSent { action: Action::Cancel, server, order, old_price, new_price: None })
        }
        _ => None,
    }
}

/// An answer as it goes on record; one to a command names the order that was meant. A market is shown in a currency,
/// whose prices move by a tick.
pub fn received(
    seq: u64,
    at: Time,
    request: &Request,
    reply: Reply,
    answer: &Answer,
    (currency, tick): (Currency, Price),
) -> Received {
    let verdict = api::verdict(&reply);
    let error = match answer {
        Answer::Refused(refusal) => Some(refusal.name().to_owned()),
        Answer::Unknown(doubt) => Some(doubt.code().to_owned()),
        _ => verdict.error,
    };
    let sighting = match answer {
        Answer::Market(market) => Some(sighting(market, currency, tick)),
        _ => None,
    };
    let offer_id = match *request {
        Request::Reprice { order, .. } | Request::Cancel { order, .. } => Some(order),
        _ => None,
    };
    let (status, body) = match reply {
        Reply::Http { status, body } => (Some(status), body),
        Reply::None(_) => (None, Bytes::new()),
    };
    Received { seq, at, status, body, code: verdict.code, error, outcome: answer.outcome(), offer_id, sighting }
}

fn sighting(market: &Market, currency: Currency, tick: Price) -> Sighting {
    let mine = market.mine();
    let visibility = if market.visibility == Visibility::Public { "public" } else { "hidden" };
    Sighting {
        server: market.server,
        floor: market.floors.get(currency),
        best_rival: market.best_rival(currency, tick),
        our_bid: mine.map(|o| o.bid),
        holding: mine.is_some_and(|o| o.active),
        online: market.online,
        visibility: visibility.to_owned(),
    }
}
