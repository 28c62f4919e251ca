//! What an answer means: applied, refused, or unknown. The body speaks before the HTTP status, which varies.
//!
//! 1. Only the venue's own `code` 0 makes a change applied, and only its own refusal makes it refused.
//! 2. Everything else about a change is unknown: a cut-off body, an HTML page, a failed database, an unlisted error.
//! 3. A read that is good but lacks what it must have is unknown as well: no answer is not an empty answer.

use clorebid_core::money::Price;
use clorebid_core::request::{Answer, Doubt, Refusal};
use clorebid_core::time::Span;
use rust_decimal::prelude::ToPrimitive;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::lenient::{ReadError, SECOND_MS, body as read_body, span};
use crate::json::Number;
use crate::wire::Reply;

/// Longest error name that is kept; a listed one has 28 characters.
const NAME_MAX: usize = 200;

/// What the venue itself said, for the record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// `code`, if there was one.
    pub code: Option<i64>,
    /// `error`, if there was one; cut after 200 characters.
    pub error: Option<String>,
}

/// Reads `code` and `error` out of whatever came back.
pub fn verdict(reply: &Reply) -> Verdict {
    match reply {
        Reply::None(_) => Verdict::default(),
        Reply::Http { body, .. } => match read_body::<Head<'_>>(body) {
            Ok(head) => Verdict { code: head.code(), error: head.error() },
            Err(_) => Verdict::default(),
        },
    }
}

/// What a reply means, whatever was asked: `good` reads a body of code 0.
pub(crate) fn judge(reply: &Reply, is_command: bool, good: impl FnOnce(&[u8]) -> Result<Answer, ReadError>) -> Answer {
    let (status, body) = match reply {
        Reply::None(doubt) => return Answer::Unknown(doubt.clone()),
        Reply::Http { status, body } => (*status, body.as_ref()),
    };
    let head: Option<Head<'_>> = read_body(body).ok();
    let Some(code) = head.as_ref().and_then(Head::code) else {
        // A proxy in front of the venue counts requests, too, and answers without JSON. It let nothing through.
        return if status == 429 { Answer::Refused(Refusal::RateLimited) } else { garbled(status) };
    };
    match code {
        0 => good(body).unwrap_or_else(|_| garbled(status)),
        1 => Answer::Unknown(Doubt::DatabaseError),
        2 => Answer::Refused(Refusal::InvalidInput),
        3 => Answer::Refused(Refusal::BadKey),
        4 => Answer::Refused(Refusal::BadEndpoint),
        5 => Answer::Refused(Refusal::RateLimited),
        6 => match head.as_ref().map_or(Named::Malformed, named) {
            Named::Refusal(refusal) => Answer::Refused(refusal),
            Named::AlreadyHaveOrder => Answer::Unknown(Doubt::AlreadyHaveOrder),
            Named::Malformed => garbled(status),
            Named::Unlisted(name) => unlisted(is_command, name),
        },
        other => unlisted(is_command, format!("code {other}")),
    }
}

fn garbled(status: u16) -> Answer {
    Answer::Unknown(Doubt::Garbled { status })
}

/// A name that nobody has listed may stand for a change that was made all the same.
fn unlisted(is_command: bool, name: String) -> Answer {
    if is_command { Answer::Unknown(Doubt::Unlisted(name)) } else { Answer::Refused(Refusal::Other(name)) }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Head<'a> {
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    max_step: Option<&'a RawValue>,
    #[serde(borrow)]
    min_price: Option<&'a RawValue>,
    #[serde(borrow)]
    time_to_lowering: Option<&'a RawValue>,
}

impl Head<'_> {
    fn code(&self) -> Option<i64> {
        let code = number(self.code)?.value;
        code.is_integer().then(|| code.to_i64()).flatten()
    }

    fn error(&self) -> Option<String> {
        let name: String = serde_json::from_str(self.error?.get()).ok()?;
        Some(name.chars().take(NAME_MAX).collect())
    }
}

fn number(raw: Option<&RawValue>) -> Option<Number> {
    serde_json::from_str(raw?.get()).ok()
}

/// What an error of code 6 comes to.
enum Named {
    Refusal(Refusal),
    /// An order of the account stands there: no refusal, since it may be the one asked for.
    AlreadyHaveOrder,
    /// A listed name without the number that belongs to it.
    Malformed,
    Unlisted(String),
}

/// Source: the page for the two lowering rules, working clients for the rest. The venue mixes `-` and `_` in its names,
/// so either is taken for either.
fn named(head: &Head<'_>) -> Named {
    let Some(name) = head.error() else {
        return Named::Unlisted("unnamed".to_owned());
    };
    let refusal = match name.trim().to_ascii_lowercase().replace('-', "_").as_str() {
        "exceeded_max_step" => match number(head.max_step).and_then(Number::price).filter(|price| !price.is_zero()) {
            Some(lowest) => Refusal::StepTooLarge { lowest },
            None => return Named::Malformed,
        },
        "can_lower_every_600_seconds" => Refusal::LoweringTooSoon { wait: wait(head) },
        "too_low_price" | "amount_too_low" => Refusal::PriceTooLow { least: least(head) },
        "you_already_have_spot_order" => return Named::AlreadyHaveOrder,
        "order_dont_exist" => Refusal::OrderGone,
        "order_not_active" => Refusal::OrderNotActive,
        "you_dont_own_this_order" => Refusal::NotOurOrder,
        "server_dont_exist" => Refusal::ServerGone,
        "server_offline" => Refusal::ServerOffline,
        "server_already_rented" => Refusal::ServerRented,
        "not_enough_balance" => Refusal::NotEnoughBalance,
        "currency_not_allowed" => Refusal::CurrencyNotAllowed,
        "cant_rent_from_yourself" => Refusal::OwnServer,
        "machine_is_on_gigaspot" => Refusal::Gigaspot,
        _ => return Named::Unlisted(name),
    };
    Named::Refusal(refusal)
}

/// How long to wait: rounded up, since a millisecond too early is refused. Where the venue does not say, the whole
/// period that its error is named after: nothing was lowered, and nothing can take longer.
fn wait(head: &Head<'_>) -> Span {
    number(head.time_to_lowering).and_then(|seconds| span(seconds, SECOND_MS, true)).unwrap_or(Span::from_secs(600))
}

fn least(head: &Head<'_>) -> Option<Price> {
    number(head.min_price).and_then(Number::price)
}
