//! The words of a strategy file: decimals, percentages, strings. Each is read exactly or refused with a hint.

use clorebid_core::duration::SpanError;
use clorebid_core::money::{Currency, MoneyError, Price, read_decimal};
use rust_decimal::Decimal;
use toml::de::DeValue;

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

impl From<SpanError> for Wrong {
    fn from(error: SpanError) -> Wrong {
        Wrong::new(error.message, error.hint)
    }
}

/// What TOML calls the type of a value, as messages say it.
pub(super) fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// A whole number of zero or more, unless the value is none.
pub(super) fn whole(value: &DeValue<'_>) -> Option<u64> {
    let integer = value.as_integer().filter(|i| i.radix() == 10)?;
    integer.as_str().parse::<u64>().ok().filter(|n| i64::try_from(*n).is_ok())
}

/// A basic TOML string: one of JSON's, which lets DEL stand as it is.
pub(super) fn quoted(text: impl ToString) -> String {
    serde_json::Value::from(text.to_string()).to_string().replace('\u{7f}', "\\u007F")
}

/// All the words, as one is to be chosen.
pub(super) fn either(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => quoted.concat(),
    }
}

/// The word of `allowed` that `word` was most likely meant to be, unless none is near.
pub(super) fn nearest<'a>(word: &str, allowed: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    // One slip in three letters: more would suggest words that have nothing to do with the mistake.
    let most = (word.chars().count() / 3).clamp(1, 3);
    let near = allowed.into_iter().map(|a| (strsim::damerau_levenshtein(&lower, &a.to_lowercase()), a));
    near.filter(|(distance, _)| *distance <= most).min_by_key(|(distance, _)| *distance).map(|(_, a)| a)
}

/// The help for a word that is none of `allowed`.
pub(super) fn suggest(word: &str, allowed: &[&str]) -> String {
    match nearest(word, allowed.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("allowed: {}", allowed.iter().map(|a| format!("`{a}`")).collect::<Vec<_>>().join(", ")),
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
