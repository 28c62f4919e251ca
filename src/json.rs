//! JSON numbers as exact decimals: read digit by digit from the raw text, written back as raw numbers.
//!
//! A number goes through no float on either way. `Deserialize` borrows the raw text, so these types work in plain
//! structs but not under serde's `flatten` or `untagged`, which buffer their input.

use std::fmt;

use clorebid_core::money::{Amount, Price, read_decimal};
use rust_decimal::Decimal;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;

/// A number somebody wrote: as a JSON number or as a string holding one, exponent allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    /// Its value.
    pub value: Decimal,
    /// Whether every digit could be kept.
    pub exact: bool,
}

impl Number {
    /// A number of our own, exact by nature.
    pub const fn exact(value: Decimal) -> Number {
        Number { value, exact: true }
    }

    /// As a price, unless it is negative.
    pub fn price(self) -> Option<Price> {
        Price::new(self.value)
    }

    /// As an amount, unless it is negative.
    pub fn amount(self) -> Option<Amount> {
        Amount::new(self.value)
    }
}

impl From<Price> for Number {
    fn from(price: Price) -> Number {
        Number::exact(price.decimal())
    }
}

impl From<Amount> for Number {
    fn from(amount: Amount) -> Number {
        Number::exact(amount.decimal())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        let text = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
        let (value, exact) = read_decimal(text).map_err(D::Error::custom)?;
        Ok(Number { value, exact })
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.value.normalize().to_string()).map_err(S::Error::custom)?.serialize(serializer)
    }
}
