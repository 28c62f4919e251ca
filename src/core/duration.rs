//! Lengths of time as people write them: `30s`, `1h30m`, `250ms`. Strategy files, scenarios and flags all read them here,
//! and [`Span`]'s `Display` writes them back.

use alloc::format;
use alloc::string::{String, ToString};
use core::str::FromStr;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::money::read_decimal;
use crate::time::{Span, UNITS};

/// Why a text is no length of time, and how it should be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}: {hint}")]
pub struct SpanError {
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub hint: String,
}

/// Reads `30s`, `20m`, `2h`, `1d`, `250ms`, several units from the largest down (`1h30m`), and fractions that come to
/// whole milliseconds (`1.5s`). Strategy files, scenario files and the command line all write lengths this way.
impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Span, SpanError> {
        let not_a_duration = || SpanError { message: format!("`{text}` is not a duration"), hint: hint(text) };
        let mut rest = text;
        let mut units = UNITS.iter();
        let mut sum = Decimal::ZERO;
        loop {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let (number, tail) = rest.split_at(digits);
            let (unit, tail) = tail.split_at(tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len()));
            // Walking on in the list keeps the units in order and each to one use.
            let (_, unit_ms) = units.find(|(name, _)| *name == unit).ok_or_else(not_a_duration)?;
            let (number, exact) = read_decimal(number).map_err(|_| not_a_duration())?;
            sum = number
                .checked_mul(Decimal::from(*unit_ms))
                .and_then(|ms| sum.checked_add(ms))
                .filter(|sum| *sum <= Decimal::from(Span::LONGEST.ms()))
                .ok_or_else(|| SpanError {
                    message: format!("`{text}` is longer than a hundred years"),
                    hint: "the longest duration is `36500d`".to_string(),
                })?;
            if !exact || !sum.fract().is_zero() {
                return Err(SpanError {
                    message: format!("`{text}` is not a whole number of milliseconds"),
                    hint: "leave out the places after that".to_string(),
                });
            }
            rest = tail;
            if rest.is_empty() {
                return sum.to_i64().map(Span::from_ms).ok_or_else(not_a_duration);
            }
        }
    }
}

/// How a text that is no duration was most likely meant.
fn hint(text: &str) -> String {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_lowercase();
    let short = match unit.as_str() {
        "" | "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        "d" | "day" | "days" => "d",
        _ => "",
    };
    match (number, short) {
        ("", _) | (_, "") => "write a number and its unit, such as `30s`, `10m`, `2h`, `1d` or `1h30m`".to_string(),
        _ if unit.is_empty() => format!("write `{number}m` for minutes; units are `ms`, `s`, `m`, `h`, `d`"),
        _ => format!("write `{number}{short}`"),
    }
}
