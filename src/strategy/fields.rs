//! Reads the keys of one table. Every method gives the value or notes a mistake; none stops at the first.

use std::cell::RefCell;
use std::ops::Range;

use clorebid_core::money::{Amount, Price};
use clorebid_core::time::Span;
use rust_decimal::Decimal;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::errors::Mistakes;
use super::keys::{Section, suggest};
use super::values::{self, Wrong};

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Found<T> {
    pub(super) value: T,
    pub(super) at: Range<usize>,
}

impl<T> Found<T> {
    pub(super) fn new(value: T, at: Range<usize>) -> Found<T> {
        Found { value, at }
    }
}

/// What TOML calls the type of a value, as messages say it.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
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

/// One table being read.
pub(super) struct Fields<'t> {
    section: &'static Section,
    /// Where the table begins: what is missing is shown there.
    pub(super) at: Range<usize>,
    entries: Option<&'t DeTable<'t>>,
    pub(super) mistakes: &'t Mistakes,
    /// Keys that were refused with a message of their own.
    explained: RefCell<Vec<String>>,
}

impl<'t> Fields<'t> {
    /// Begins to read a table.
    pub(super) fn new(
        section: &'static Section,
        table: &'t DeTable<'t>,
        at: Range<usize>,
        mistakes: &'t Mistakes,
    ) -> Fields<'t> {
        Fields { section, at, entries: Some(table), mistakes, explained: RefCell::default() }
    }

    /// A table that is left out: every key takes its default.
    fn absent(&self, section: &'static Section) -> Fields<'t> {
        Fields { section, at: self.at.clone(), entries: None, mistakes: self.mistakes, explained: RefCell::default() }
    }

    /// Refuses `key` with a message of its own instead of "unknown key".
    pub(super) fn refuse(&self, key: &str, message: &str, help: &str) {
        if let Some((at, _)) = self.entry(key) {
            self.explained.borrow_mut().push(key.to_string());
            self.mistakes.add(at, message, help);
        }
    }

    /// Refuses a key that holds a secret, and keeps the secret out of the report.
    pub(super) fn refuse_secret(&self, key: &str, instead: &str, example: &str) {
        if let Some((_, value)) = self.entry(key) {
            self.mistakes.hide(value.span());
            self.refuse(
                key,
                &format!("`{key}` would put a secret into the file"),
                &format!("name the environment variable that holds it: `{instead} = \"{example}\"`"),
            );
        }
    }

    /// Notes every key that the table may not hold.
    pub(super) fn no_others(&self) {
        for (key, value) in self.entries.into_iter().flat_map(|t| t.iter()) {
            let name: &str = key.get_ref();
            if !self.section.keys.contains(&name) && !self.explained.borrow().iter().any(|e| e == name) {
                if ["password", "pasword", "passwd", "token", "secret", "key"].iter().any(|word| name.contains(word)) {
                    self.mistakes.hide(value.span());
                }
                let message = format!("unknown key `{name}` in {}", self.section.title);
                self.mistakes.add_labelled(key.span(), message, "not known", suggest(name, self.section.keys));
            }
        }
    }

    /// Whether the table is there and holds nothing.
    pub(super) fn is_empty_table(&self) -> bool {
        self.entries.is_some_and(|t| t.is_empty())
    }

    /// Whether the key is there, and where.
    pub(super) fn position(&self, key: &str) -> Option<Range<usize>> {
        self.entry(key).map(|(at, _)| at)
    }

    fn entry(&self, key: &str) -> Option<(Range<usize>, &'t Spanned<DeValue<'t>>)> {
        self.entries?.iter().find(|(k, _)| k.get_ref() == key).map(|(k, v)| (k.span(), v))
    }

    /// The raw value; a key that was refused counts as left out, so that it earns one complaint and not two.
    pub(super) fn value(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        debug_assert!(self.section.keys.contains(&key), "`{key}` is missing from {}", self.section.title);
        let refused = self.explained.borrow().iter().any(|e| e == key);
        self.entry(key).filter(|_| !refused).map(|(_, v)| v)
    }

    /// Says that a key must be there.
    pub(super) fn missing(&self, key: &str, example: &str) {
        let message = format!("`{key}` is missing in {}", self.section.title);
        self.mistakes.add_labelled(self.at.clone(), message, "needs it", format!("for example `{example}`"));
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str, example: &str) {
        let message = format!("`{key}` must be {expected}, not {}", kind(value.get_ref()));
        self.mistakes.add(value.span(), message, format!("for example `{key} = {example}`"));
    }

    fn keep<T>(&self, at: Range<usize>, read: Result<T, Wrong>) -> Option<Found<T>> {
        match read {
            Ok(value) => Some(Found::new(value, at)),
            Err(wrong) => {
                self.mistakes.add(at, wrong.message, wrong.help);
                None
            }
        }
    }

    /// A string.
    pub(super) fn text(&self, key: &str, example: &str) -> Option<Found<String>> {
        let value = self.value(key)?;
        match value.get_ref().as_str() {
            Some(text) => Some(Found::new(text.to_string(), value.span())),
            None => {
                self.wrong_type(key, value, "a string", &format!("\"{example}\""));
                None
            }
        }
    }

    /// A string that is not empty and stands on one line.
    pub(super) fn line(&self, key: &str, example: &str) -> Option<Found<String>> {
        let text = self.text(key, example)?;
        if text.value.trim().is_empty() || text.value.chars().any(char::is_control) {
            let message = format!("`{key}` must be one line of text that is not empty");
            self.mistakes.add(text.at, message, format!("for example `{key} = \"{example}\"`"));
            return None;
        }
        Some(text)
    }

    /// One word of a closed list.
    pub(super) fn word<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Option<Found<T>> {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        let text = self.text(key, names.first().copied().unwrap_or(""))?;
        match words.iter().find(|(name, _)| *name == text.value) {
            Some((_, value)) => Some(Found::new(*value, text.at)),
            None => {
                let message = format!("`{}` is not a {key}", text.value);
                self.mistakes.add(text.at, message, suggest(&text.value, &names));
                None
            }
        }
    }

    /// The text of a number or a string, as it was written, and whether it was a string.
    pub(super) fn number_text(&self, key: &str, expected: &str, example: &str) -> Option<(Found<String>, bool)> {
        let value = self.value(key)?;
        let text = match value.get_ref() {
            DeValue::String(text) => return Some((Found::new(text.to_string(), value.span()), true)),
            DeValue::Float(float) => float.as_str().to_string(),
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str().to_string(),
            _ => {
                self.wrong_type(key, value, expected, example);
                return None;
            }
        };
        Some((Found::new(text, value.span()), false))
    }

    /// An exact decimal of zero or more.
    pub(super) fn decimal(&self, key: &str, expected: &str, example: &str) -> Option<Found<Decimal>> {
        let (text, _) = self.number_text(key, expected, &format!("\"{example}\""))?;
        self.keep(text.at, values::decimal(&text.value))
    }

    /// A price per server and day.
    pub(super) fn price(&self, key: &str) -> Option<Found<Price>> {
        let found = self.decimal(key, "a price (a string or a number)", "0.00005")?;
        Price::new(found.value).map(|price| Found::new(price, found.at))
    }

    /// A price above zero.
    pub(super) fn price_above_zero(&self, key: &str, why: &str) -> Option<Found<Price>> {
        let price = self.price(key)?;
        if price.value.is_zero() {
            self.mistakes.add(price.at, format!("`{key}` may not be 0"), why);
            return None;
        }
        Some(price)
    }

    /// A sum of money.
    pub(super) fn amount(&self, key: &str) -> Option<Found<Amount>> {
        let found = self.decimal(key, "a sum of money (a string or a number)", "0.001")?;
        Amount::new(found.value).map(|amount| Found::new(amount, found.at))
    }

    /// A duration.
    pub(super) fn duration(&self, key: &str) -> Option<Found<Span>> {
        let (text, _) = self.number_text(key, "a duration", "\"10m\"")?;
        self.keep(text.at, values::duration(&text.value))
    }

    /// A duration read from a text that is known to be one.
    pub(super) fn duration_from(&self, text: Found<String>) -> Option<Found<Span>> {
        self.keep(text.at, values::duration(&text.value))
    }

    /// A decimal read from a text that is known to be one.
    pub(super) fn decimal_from(&self, text: Found<String>) -> Option<Found<Decimal>> {
        self.keep(text.at, values::decimal(&text.value))
    }

    /// A share read from a text that is known to be one.
    pub(super) fn percent_from(&self, text: Found<String>) -> Option<Found<Decimal>> {
        self.keep(text.at, values::percent(&text.value))
    }

    /// A whole number of at least `least`.
    pub(super) fn count(&self, key: &str, least: u32) -> Option<Found<u32>> {
        let value = self.value(key)?;
        if !value.get_ref().is_integer() {
            self.wrong_type(key, value, "a whole number", "2");
            return None;
        }
        match whole(value.get_ref()).and_then(|n| u32::try_from(n).ok()).filter(|n| *n >= least) {
            Some(n) => Some(Found::new(n, value.span())),
            None => {
                let message = format!("`{key}` must be a whole number of at least {least}");
                self.mistakes.add(value.span(), message, format!("for example `{key} = {}`", least.max(1)));
                None
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn switch(&self, key: &str) -> Option<bool> {
        let value = self.value(key)?;
        let switch = value.get_ref().as_bool();
        if switch.is_none() {
            self.wrong_type(key, value, "`true` or `false`", "true");
        }
        switch
    }

    /// An array.
    pub(super) fn array(&self, key: &str, expected: &str, example: &str) -> Option<Found<&'t DeArray<'t>>> {
        let value = self.value(key)?;
        match value.get_ref().as_array() {
            Some(array) => Some(Found::new(array, value.span())),
            None => {
                self.wrong_type(key, value, expected, example);
                None
            }
        }
    }

    /// A table of its own; one that is left out counts as empty.
    pub(super) fn table(&self, key: &str, section: &'static Section, example: &str) -> Fields<'t> {
        let Some(value) = self.value(key) else { return self.absent(section) };
        match value.get_ref().as_table() {
            Some(table) => Fields::new(section, table, value.span(), self.mistakes),
            None => {
                self.wrong_type(key, value, "a table", example);
                self.absent(section)
            }
        }
    }

    /// The entries of a table whose keys are free, in the order they are written.
    pub(super) fn free_table(&self, key: &str, example: &str) -> Vec<(Found<String>, &'t Spanned<DeValue<'t>>)> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(key, value, "a table", example);
            return Vec::new();
        };
        let entries = table.iter().map(|(k, v)| (Found::new(k.get_ref().to_string(), k.span()), v));
        let mut entries: Vec<_> = entries.collect();
        entries.sort_by_key(|(k, _)| k.at.start);
        entries
    }
}
