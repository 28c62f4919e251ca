//! What the venue's JSON may look like: keys come and go, numbers come as strings, booleans as numbers, lists as null.
//!
//! Two kinds of field follow from it. `Option<T>` may be missing or null, but what is there must be a `T`, or its whole
//! row is malformed: for what decides about money. [`Lax`] takes anything and keeps what it understands: for the rest.

use std::fmt;

use clorebid_core::money::{Currency, PerCurrency, Price};
use clorebid_core::time::Span;
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::Number;

/// Why a body is not the answer it should be.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, cut off, or a value of the wrong kind where that matters.
    #[error("not readable: {0}")]
    Json(#[from] serde_json::Error),
    /// Not UTF-8, which JSON always is.
    #[error("not UTF-8")]
    NotText,
    /// JSON, but no object where one is expected.
    #[error("not a JSON object")]
    NotAnObject,
    /// A key without which the answer says nothing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A number that may not be negative is.
    #[error("`{0}` is negative")]
    Negative(&'static str),
    /// Not one row of a list that has some could be read.
    #[error("no row of `{0}` is readable")]
    NoRow(&'static str),
}

/// Reads a whole body that must be one JSON object.
pub(super) fn body<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ReadError> {
    object(std::str::from_utf8(body).map_err(|_| ReadError::NotText)?)
}

/// Reads one JSON object. Serde would also fill a struct from an array, by position: `[0]` is not a code of 0.
pub(super) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, ReadError> {
    if !text.trim_start().starts_with('{') {
        return Err(ReadError::NotAnObject);
    }
    Ok(serde_json::from_str(text)?)
}

/// A value, or nothing where there is none that makes sense.
pub(super) struct Lax<T>(Option<T>);

impl<T> Lax<T> {
    pub(super) fn get(self) -> Option<T> {
        self.0
    }
}

impl<T> Default for Lax<T> {
    fn default() -> Lax<T> {
        Lax(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Lax<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Lax<T>, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(Lax(serde_json::from_str(raw.get()).ok()))
    }
}

/// A boolean written as such, as 0 or 1, or as a string of any of these.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flag(pub(super) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Flag, D::Error> {
        match <&RawValue>::deserialize(deserializer)?.get() {
            "true" | "1" | "\"true\"" | "\"1\"" => Ok(Flag(true)),
            "false" | "0" | "\"false\"" | "\"0\"" => Ok(Flag(false)),
            other => Err(D::Error::custom(format_args!("`{other}` is no boolean"))),
        }
    }
}

/// Whether it is there and true.
pub(super) fn is_true(flag: Option<Flag>) -> bool {
    flag.is_some_and(|f| f.0)
}

/// A whole number that is not negative, written in any way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Id(pub(super) u64);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Id, D::Error> {
        let number = Number::deserialize(deserializer)?;
        let whole = number.value.is_integer().then(|| number.value.to_u64()).flatten();
        whole.map(Id).ok_or_else(|| D::Error::custom(format_args!("`{number}` is no id")))
    }
}

/// A text, or a number that stands for one.
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        if raw.starts_with('"') {
            return serde_json::from_str(raw).map(Text).map_err(D::Error::custom);
        }
        let number: Number = serde_json::from_str(raw).map_err(D::Error::custom)?;
        Ok(Text(number.to_string()))
    }
}

/// Every text of a list, without what is none.
pub(super) fn texts(list: Lax<Vec<Lax<Text>>>) -> Vec<String> {
    list.get().unwrap_or_default().into_iter().filter_map(|t| t.get().map(|t| t.0)).collect()
}

/// One number for each coin we know; other coins, and what is no number, are left out.
#[derive(Debug, Clone, Copy)]
pub(super) struct PerCoin(PerCurrency<Number>);

impl PerCoin {
    /// As prices; a negative one is none.
    pub(super) fn prices(&self) -> PerCurrency<Price> {
        Currency::ALL.into_iter().fold(PerCurrency::none(), |all, coin| {
            self.0.get(coin).and_then(Number::price).map_or(all, |price| all.with(coin, price))
        })
    }

    /// As what each coin is worth in USD; nothing is worth zero or less.
    pub(super) fn rates(&self) -> PerCurrency<Decimal> {
        // One USD is worth one USD, said or not: without it a rival's bid in USD could not be converted, and would not
        // be seen.
        let usd = PerCurrency::none().with(Currency::Usd, Decimal::ONE);
        Currency::ALL.into_iter().fold(usd, |all, coin| {
            let rate = self.0.get(coin).map(|n| n.value).filter(|rate| *rate > Decimal::ZERO);
            rate.map_or(all, |rate| all.with(coin, rate))
        })
    }

    /// Whether no coin has a number.
    pub(super) fn is_empty(&self) -> bool {
        Currency::ALL.into_iter().all(|coin| self.0.get(coin).is_none())
    }
}

struct Coin(Option<Currency>);

impl<'de> Deserialize<'de> for Coin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Coin, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Coin;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a coin's name")
            }
            fn visit_str<E>(self, name: &str) -> Result<Coin, E> {
                Ok(Coin(Currency::from_name(name)))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

impl<'de> Deserialize<'de> for PerCoin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PerCoin, D::Error> {
        struct Coins;
        impl<'de> Visitor<'de> for Coins {
            type Value = PerCoin;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of coins")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PerCoin, A::Error> {
                let mut all = PerCurrency::none();
                while let Some((Coin(coin), number)) = map.next_entry::<Coin, Lax<Number>>()? {
                    if let (Some(coin), Some(number)) = (coin, number.get()) {
                        all = all.with(coin, number);
                    }
                }
                Ok(PerCoin(all))
            }
        }
        deserializer.deserialize_map(Coins)
    }
}

/// How many texts there are in a list of texts, of lists of texts, and so on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Count(pub(super) u32);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Count, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = Count;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("texts in lists")
            }
            fn visit_str<E>(self, _: &str) -> Result<Count, E> {
                Ok(Count(1))
            }
            fn visit_unit<E>(self) -> Result<Count, E> {
                Ok(Count(0))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Count, A::Error> {
                let mut sum: u32 = 0;
                while let Some(Count(n)) = list.next_element()? {
                    sum = sum.saturating_add(n);
                }
                Ok(Count(sum))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Count, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Count(0))
            }
        }
        deserializer.deserialize_any(Texts)
    }
}

/// A number of units of `unit_ms` milliseconds as a length of time: rounded up if asked, else down.
pub(super) fn span(number: Number, unit_ms: u32, up: bool) -> Option<Span> {
    let strategy = if up { RoundingStrategy::ToPositiveInfinity } else { RoundingStrategy::ToNegativeInfinity };
    let ms = number.value.checked_mul(Decimal::from(unit_ms))?.round_dp_with_strategy(0, strategy);
    ms.to_i64().map(Span::from_ms)
}

/// Milliseconds in a second.
pub(super) const SECOND_MS: u32 = 1_000;
/// Milliseconds in an hour.
pub(super) const HOUR_MS: u32 = 3_600_000;
