//! What one request comes to: an answer of the venue, what became of it on the wire, and its line in the log.

use std::collections::BTreeMap;

use bytes::Bytes;
use clorebid_core::money::Price;
use clorebid_core::time::{Span, Time};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::value::RawValue;

use super::wire::{Num, Plain};
use crate::clock::rfc3339;
use crate::wire::{HttpRequest, Method};

/// What came of one request.
#[derive(Debug, Clone)]
pub struct Handled {
    /// HTTP status.
    pub status: u16,
    /// The body, or as much of it as is sent.
    pub body: Bytes,
    /// What the client gets to see.
    pub wire: Wire,
    /// How long the answer takes.
    pub latency: Span,
    /// Its line in the request log.
    pub log: LogEntry,
}

/// What a client gets to see of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// All of it.
    Whole,
    /// The connection breaks before any of it.
    Lost,
    /// The body breaks off; it should have had so many bytes.
    CutOff {
        /// The length that was promised.
        promised: usize,
    },
    /// Nothing, and the connection stays open.
    Never,
}

/// One request, as the log tells it. It holds no secrets: of a body only harmless keys, of the API key its end.
#[derive(Debug, Clone, Serialize)]
pub struct LogEntry {
    /// When it arrived, by the venue's clock.
    #[serde(serialize_with = "as_rfc3339")]
    pub at: Time,
    /// The last two characters of the key, or `none`.
    pub key_hint: String,
    /// GET or POST.
    pub method: &'static str,
    /// The call's name.
    pub endpoint: String,
    /// Query and body, without secrets.
    pub args: BTreeMap<String, Box<RawValue>>,
    /// HTTP status; none where no answer is sent.
    pub status: Option<u16>,
    /// `code` of the venue's answer; none where it made none.
    pub code: Option<u8>,
    /// `error` of it.
    pub error: Option<&'static str>,
    /// What a client is not told of a code 2.
    pub detail: Option<&'static str>,
    /// The fault that hit it.
    pub fault: Option<&'static str>,
    /// Since the last request of the same key.
    pub since_last_ms: Option<i64>,
}

fn as_rfc3339<S: serde::Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*time))
}

/// Keys that may be in the log.
const LOGGED: [&str; 18] = [
    "market",
    "return_completed",
    "order_id",
    "desired_price",
    "id",
    "currency",
    "image",
    "renting_server",
    "type",
    "spotprice",
    "required_price",
    "server_name",
    "name",
    "availability",
    "mrl",
    "on_demand",
    "spot",
    "ports",
];

impl LogEntry {
    pub(super) fn new(at: Time, key: Option<&str>, request: &HttpRequest, since_last: Option<Span>) -> LogEntry {
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
        };
        LogEntry {
            at,
            key_hint: hint(key),
            method,
            endpoint: request.endpoint.chars().take(64).collect(),
            args: args(request),
            status: None,
            code: None,
            error: None,
            detail: None,
            fault: None,
            since_last_ms: since_last.map(Span::ms),
        }
    }
}

fn hint(key: Option<&str>) -> String {
    match key {
        None => "none".to_string(),
        Some(key) if key.chars().count() < 8 => "…".to_string(),
        Some(key) => {
            let end: String = key.chars().rev().take(2).collect();
            format!("…{}", end.chars().rev().collect::<String>())
        }
    }
}

fn args(request: &HttpRequest) -> BTreeMap<String, Box<RawValue>> {
    let mut args = BTreeMap::new();
    for (name, value) in &request.query {
        // A number or a truth value stays one; all else becomes a string.
        let plain = value.parse::<u64>().is_ok() || value == "true" || value == "false";
        let json = if plain && !value.starts_with(['+', '0']) || value == "0" {
            RawValue::from_string(value.clone()).ok()
        } else {
            serde_json::value::to_raw_value(value).ok()
        };
        args.extend(json.map(|json| (name.to_string(), json)));
    }
    if let Some(Ok(body)) = request.body.as_deref().map(serde_json::from_str::<BTreeMap<String, Box<RawValue>>>) {
        args.extend(body);
    }
    args.retain(|name, _| LOGGED.contains(&name.as_str()));
    args
}

/// An answer of the venue, before anything happens to it on its way.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    pub(super) code: u8,
    pub(super) error: Option<&'static str>,
    pub(super) detail: Option<&'static str>,
}

impl Answer {
    /// A good answer.
    pub(super) fn good(shape: &impl Serialize) -> Answer {
        // No shape has a key that is not a string, so writing one cannot fail.
        let body = serde_json::to_vec(shape).unwrap_or_default();
        Answer { status: 200, body, code: 0, error: None, detail: None }
    }

    /// `{"code":0}`.
    pub(super) fn done() -> Answer {
        Answer::plain(200, 0, None)
    }

    /// code 2; the detail goes to the log alone.
    pub(super) fn invalid(detail: &'static str) -> Answer {
        Answer { detail: Some(detail), ..Answer::plain(400, 2, None) }
    }

    /// code 6.
    pub(super) fn refused(error: &'static str) -> Answer {
        // Seen live: this one alone comes with status 500.
        let status = if error == "currency-not-allowed" { 500 } else { 200 };
        Answer::plain(status, 6, Some(error))
    }

    pub(super) fn step_too_large(lowest: Price) -> Answer {
        let max_step = Some(Num::from(lowest));
        Answer::shaped(Plain { max_step, ..plain(6, Some("exceeded_max_step")) }, 200)
    }

    pub(super) fn too_soon(wait: Span) -> Answer {
        let time_to_lowering = Some(Num(Decimal::new(wait.ms(), 3)));
        Answer::shaped(Plain { time_to_lowering, ..plain(6, Some("can_lower_every_600_seconds")) }, 200)
    }

    pub(super) fn too_low(least: Price) -> Answer {
        let min_price = Some(Num::from(least));
        Answer::shaped(Plain { min_price, ..plain(6, Some("too_low_price")) }, 200)
    }

    /// A code by itself.
    pub(super) fn plain(status: u16, code: u8, error: Option<&'static str>) -> Answer {
        Answer::shaped(plain(code, error), status)
    }

    fn shaped(shape: Plain, status: u16) -> Answer {
        Answer { status, code: shape.code, error: shape.error, ..Answer::good(&shape) }
    }
}

fn plain(code: u8, error: Option<&'static str>) -> Plain {
    Plain { error, max_step: None, time_to_lowering: None, min_price: None, code }
}
