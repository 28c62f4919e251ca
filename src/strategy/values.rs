//! The words of a strategy file: durations, decimals, percentages. Each is read exactly or refused with a hint.

use clorebid_core::money::{Currency, MoneyError, Price, read_decimal};
use clorebid_core::time::Span;
use rust_decimal::Decimal;

/// Why a word is not what was wanted, and what would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) message: String,
    pub(super) help: String,
}

impl Wrong {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Wrong {
        Wrong { message: message.into(), help: help.into() }
    }
}

/// Reads a duration: `30s`, `20m`, `2h`, `1d`, several from the largest unit down (`1h30m`), seconds also in
/// fractions down to the millisecond (`1.5s`).
///
/// # Errors
/// A sentence that says what is wrong and how it should be written.
pub fn parse_duration(text: &str) -> Result<Span, String> {
    duration(text).map_err(|wrong| format!("{}: {}", wrong.message, wrong.help))
}

/// Length of each unit in milliseconds, the largest first.
const UNITS: [(&str, i64); 4] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];

/// Longest duration: a hundred years, so that sums of durations and dates stay within range.
const LONGEST_MS: i64 = 36_500 * 86_400_000;

pub(super) fn duration(text: &str) -> Result<Span, Wrong> {
    let not_a_duration = || Wrong::new(format!("`{text}` is not a duration"), duration_hint(text));
    if text.is_empty() {
        return Err(not_a_duration());
    }
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut sum: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let unit_end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        // Walking on in the list keeps the units in order and each to one use.
        let (_, unit_ms) = units.find(|(name, _)| *name == unit).ok_or_else(not_a_duration)?;
        let ms = milliseconds(number, *unit_ms).ok_or_else(not_a_duration)?;
        sum = sum.checked_add(ms).filter(|s| *s <= LONGEST_MS).ok_or_else(|| {
            Wrong::new(format!("`{text}` is longer than a hundred years"), "the longest duration is `36500d`")
        })?;
        rest = tail;
    }
    Ok(Span::from_ms(sum))
}

/// That many units; a fraction is taken of seconds alone, down to the millisecond. Saturates.
fn milliseconds(number: &str, unit_ms: i64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let whole_digits = !whole.is_empty() && whole.bytes().all(|b| b.is_ascii_digit());
    let fraction_digits = (1..=3).contains(&fraction.len()) && fraction.bytes().all(|b| b.is_ascii_digit());
    if !whole_digits || !fraction_digits || (number.contains('.') && unit_ms != 1_000) {
        return None;
    }
    let thousandths: i64 = format!("{fraction:0<3}").parse().ok()?;
    let whole: i64 = whole.parse().unwrap_or(i64::MAX);
    Some(whole.saturating_mul(unit_ms).saturating_add(thousandths))
}

/// How the duration was most likely meant.
fn duration_hint(text: &str) -> String {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_lowercase();
    let short = match unit.as_str() {
        "" | "m" | "min" | "mins" | "minute" | "minutes" => Some("m"),
        "s" | "sec" | "secs" | "second" | "seconds" => Some("s"),
        "h" | "hr" | "hrs" | "hour" | "hours" => Some("h"),
        "d" | "day" | "days" => Some("d"),
        _ => None,
    };
    match short {
        Some("m") if unit.is_empty() && !number.is_empty() => {
            format!("write `{number}m` for minutes; units are `s`, `m`, `h`, `d`")
        }
        Some(short) if !number.is_empty() => format!("write `{number}{short}`"),
        _ => "write a number and its unit, such as `30s`, `10m`, `2h`, `1d` or `1h30m`".to_string(),
    }
}

/// Reads one of our own decimals: zero or more, every digit kept.
pub(super) fn decimal(text: &str) -> Result<Decimal, Wrong> {
    // TOML allows a leading plus; JSON, whose reader this is, does not.
    let bare = text.strip_prefix('+').unwrap_or(text);
    match read_decimal(bare) {
        Ok((value, true)) if value.is_sign_negative() && !value.is_zero() => {
            Err(Wrong::new(MoneyError::Negative(text.to_string()).to_string(), "write a number of zero or more"))
        }
        Ok((value, true)) => Ok(value.normalize()),
        Ok((_, false)) => Err(Wrong::new(
            MoneyError::Inexact(text.to_string()).to_string(),
            "28 significant digits and 28 decimal places are kept",
        )),
        Err(error) => Err(Wrong::new(error.to_string(), number_hint(bare))),
    }
}

fn number_hint(text: &str) -> String {
    if text.contains(',') {
        let dotted = text.replace(',', ".");
        if read_decimal(&dotted).is_ok() {
            return format!("write a point, not a comma: `{dotted}`");
        }
    }
    let number = text.split_whitespace().next().unwrap_or("");
    if text.trim().len() > number.len() && read_decimal(number).is_ok() {
        return format!("write the number alone: `\"{number}\"`");
    }
    "write a decimal number such as `\"0.00005\"`".to_string()
}

/// Reads a share: `5%`, from 0 to 100.
pub(super) fn percent(text: &str) -> Result<Decimal, Wrong> {
    let number = text.strip_suffix('%').unwrap_or(text).trim_end();
    let value = decimal(number)?;
    if value > Decimal::ONE_HUNDRED {
        return Err(Wrong::new(format!("`{text}` is more than 100 %"), "write a share from `0%` to `100%`"));
    }
    Ok(value)
}

/// Says that a price does not lie on the currency's tick, and which two next to it do.
pub(super) fn off_tick(price: Price, tick: Price, currency: Currency) -> Option<Wrong> {
    let (below, above) = (price.floor_to(tick), price.ceil_to(tick));
    (below != above).then(|| {
        Wrong::new(
            format!("`{price}` is not a whole number of ticks of {tick} {currency}"),
            format!("the nearest are `{below}` and `{above}`"),
        )
    })
}
