//! How a scenario file writes prices, lengths of time and tables by currency, and how they are read: exactly or not at all.

use std::fmt;
use std::marker::PhantomData;

use clorebid_core::duration::SpanError;
use clorebid_core::money::{Amount, Currency, PerCurrency, Price, read_decimal};
use clorebid_core::time::{Span, Time};
use rust_decimal::Decimal;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// No price, sum or rate is larger, so that products of two of them fit a decimal with room to spare.
const LARGEST: Decimal = Decimal::from_parts(0xD4A5_1000, 0xE8, 0, false, 0);

fn bounded(value: Decimal) -> Result<Decimal, String> {
    if value.abs() > LARGEST { Err(format!("`{value}` is more than {LARGEST}")) } else { Ok(value) }
}

/// Something a scenario file writes as a string, or as a whole number where that is as clear.
pub(super) trait FromText: Sized {
    /// What to tell somebody who wrote something else.
    const WANTED: &'static str;

    /// Reads it.
    fn from_text(text: &str) -> Result<Self, String>;
}

impl FromText for Decimal {
    const WANTED: &'static str = "a number written as a string, such as \"0.00002\"";

    fn from_text(text: &str) -> Result<Decimal, String> {
        match read_decimal(text).map_err(|e| e.to_string())? {
            (value, true) => bounded(value),
            (_, false) => Err(format!("`{text}` has more digits than can be kept exactly")),
        }
    }
}

impl FromText for Price {
    const WANTED: &'static str = "a price per day written as a string, such as \"0.00002\"";

    fn from_text(text: &str) -> Result<Price, String> {
        let value = Price::parse(text).map_err(|e| e.to_string())?;
        bounded(value.decimal()).map(|_| value)
    }
}

impl FromText for Amount {
    const WANTED: &'static str = "a sum written as a string, such as \"0.01\"";

    fn from_text(text: &str) -> Result<Amount, String> {
        let value = Amount::parse(text).map_err(|e| e.to_string())?;
        bounded(value.decimal()).map(|_| value)
    }
}

impl FromText for Span {
    const WANTED: &'static str = "a duration such as \"30s\", \"250ms\", \"20m\", \"1h30m\" or \"1d\"";

    fn from_text(text: &str) -> Result<Span, String> {
        text.parse().map_err(|e: SpanError| e.to_string())
    }
}

impl FromText for Time {
    const WANTED: &'static str = "a moment such as \"2026-01-01T00:00:00Z\"";

    fn from_text(text: &str) -> Result<Time, String> {
        let moment = chrono::DateTime::parse_from_rfc3339(text);
        moment.map(|t| Time::from_ms(t.timestamp_millis())).map_err(|_| format!("`{text}` is not {}", Time::WANTED))
    }
}

/// A length of time drawn anew each time, between two bounds, both included: `"2s..20s"`, or one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanRange {
    /// The shortest.
    pub least: Span,
    /// The longest.
    pub most: Span,
}

impl SpanRange {
    /// Always the same length.
    pub const fn just(span: Span) -> SpanRange {
        SpanRange { least: span, most: span }
    }
}

impl FromText for SpanRange {
    const WANTED: &'static str = "a length of time such as \"5s\", or a range such as \"2s..20s\"";

    fn from_text(text: &str) -> Result<SpanRange, String> {
        let Some((least, most)) = text.split_once("..") else {
            return Span::from_text(text).map(SpanRange::just);
        };
        let range = SpanRange { least: Span::from_text(least)?, most: Span::from_text(most)? };
        if range.least > range.most {
            return Err(format!("`{text}` begins after its end"));
        }
        Ok(range)
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: FromText> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::WANTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        T::from_text(&number.to_string()).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        T::from_text(&number.to_string()).map_err(E::custom)
    }
}

/// For `deserialize_with`.
pub(super) fn text<'de, T: FromText, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(TextVisitor(PhantomData))
}

/// For `deserialize_with` on an optional key, together with `default`.
pub(super) fn some<'de, T: FromText, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    text(deserializer).map(Some)
}

struct Text<T>(T);

impl<'de, T: FromText> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text<T>, D::Error> {
        text(deserializer).map(Text)
    }
}

struct TableVisitor<T>(PhantomData<T>);

impl<'de, T: FromText + Copy> Visitor<'de> for TableVisitor<T> {
    type Value = PerCurrency<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table with a value for each currency, such as { bitcoin = \"0.00002\" }")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PerCurrency<T>, A::Error> {
        let mut table = PerCurrency::none();
        while let Some(name) = map.next_key::<String>()? {
            let currency = Currency::from_name(&name).ok_or_else(|| A::Error::custom(unknown_currency(&name)))?;
            table = table.with(currency, map.next_value::<Text<T>>()?.0);
        }
        Ok(table)
    }
}

fn unknown_currency(name: &str) -> String {
    format!("`{name}` is not a currency: bitcoin, CLORE-Blockchain or USD-Blockchain")
}

/// For `deserialize_with`: one value for each currency named.
pub(super) fn table<'de, T: FromText + Copy, D: Deserializer<'de>>(d: D) -> Result<PerCurrency<T>, D::Error> {
    d.deserialize_map(TableVisitor(PhantomData))
}

struct OneOrMany<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table or a list of tables")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|one| vec![one])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Vec<T>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list))
    }
}

/// For `deserialize_with`: one table counts as a list of one.
pub(super) fn one_or_many<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_any(OneOrMany(PhantomData))
}
