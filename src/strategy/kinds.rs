//! What may be written as the value of a key, kind by kind: prices, durations, words, lists.
//!
//! A kind looks at its own value alone. What holds between two keys stands in [`super::rules`].

use clorebid_core::ids::ServerId;
use clorebid_core::money::{Amount, Currency, Price};
use clorebid_core::policy::POLICIES;
use clorebid_core::policy::chosen::Row;
use clorebid_core::strategy::{Lost, Margin, Open, PerDay, RestartCost};
use clorebid_core::time::Span;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use toml::de::DeValue;

use super::row::{About, Kind, Place, Printed};
use super::values::{self, either, quoted, suggest, whole};

/// A kind of a single value.
pub(super) struct Simple<V: 'static> {
    /// What is wanted: "a duration".
    pub(super) wanted: &'static str,
    /// How it might be written.
    pub(super) example: &'static str,
    /// The value, or a note of what is wrong with it.
    pub(super) read: fn(&DeValue<'_>, &Place<'_>) -> Option<V>,
    /// The value as TOML.
    pub(super) print: fn(&V) -> String,
    /// Its JSON schema.
    pub(super) schema: fn() -> Value,
}

impl<V: 'static> Kind for Simple<V> {
    type Value = V;

    fn about(&self) -> About {
        let (wanted, example) = (self.wanted.to_string(), self.example.to_string());
        About { wanted, example, schema: (self.schema)(), rows: Vec::new() }
    }

    fn read(&self, into: &mut V, value: &DeValue<'_>, place: &Place<'_>) -> Option<()> {
        *into = (self.read)(value, place)?;
        Some(())
    }

    fn print(&self, value: &mut V) -> Printed {
        Printed::Value((self.print)(value))
    }
}

/// One word of a closed list.
pub(super) struct Words<V: 'static>(pub(super) &'static [(&'static str, V)]);

/// The name of a policy.
pub(super) struct PolicyName;

impl Kind for PolicyName {
    type Value = &'static Row;

    fn about(&self) -> About {
        let names = POLICIES.map(|row| row.name);
        let schema = json!({ "enum": names });
        About { wanted: either(&names), example: quoted(names[0]), schema, rows: Vec::new() }
    }

    fn read(&self, into: &mut &'static Row, value: &DeValue<'_>, place: &Place<'_>) -> Option<()> {
        let Some(text) = value.as_str() else { return place.wrong_type(value) };
        let Some(row) = POLICIES.into_iter().find(|row| row.name == text) else {
            let names = POLICIES.map(|row| row.name);
            return place.wrong(format!("`{text}` is not a {}", place.key), suggest(text, &names));
        };
        *into = row;
        Some(())
    }

    fn print(&self, value: &mut &'static Row) -> Printed {
        Printed::Value(quoted(value.name))
    }
}

pub(super) const CURRENCY: Words<Currency> = Words(&[
    (Currency::Bitcoin.name(), Currency::Bitcoin),
    (Currency::Clore.name(), Currency::Clore),
    (Currency::Usd.name(), Currency::Usd),
]);
pub(super) const LOST: Words<Lost> = Words(&[("raise", Lost::Raise), ("move", Lost::Move), ("wait", Lost::Wait)]);
pub(super) const REPLACE: Words<bool> = Words(&[("auto", true), ("never", false)]);

impl<V> Words<V> {
    fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|(name, _)| *name).collect()
    }
}

impl<V: Copy + PartialEq + Send + Sync> Kind for Words<V> {
    type Value = V;

    fn about(&self) -> About {
        let names = self.names();
        let example = names.first().map_or_else(String::new, quoted);
        About { wanted: either(&names), example, schema: json!({ "enum": names }), rows: Vec::new() }
    }

    fn read(&self, into: &mut V, value: &DeValue<'_>, place: &Place<'_>) -> Option<()> {
        let Some(text) = value.as_str() else { return place.wrong_type(value) };
        let Some((_, word)) = self.0.iter().find(|(name, _)| *name == text) else {
            // An address in a word's place may hold a token.
            if text.contains("://") {
                place.reading.mistakes.hide(place.at.clone());
                return place.wrong(format!("an address is not a {}", place.key), place.for_example());
            }
            return place.wrong(format!("`{text}` is not a {}", place.key), suggest(text, &self.names()));
        };
        *into = *word;
        Some(())
    }

    fn print(&self, value: &mut V) -> Printed {
        let name = self.0.iter().find(|(_, word)| word == value).map(|(name, _)| quoted(name));
        name.map_or(Printed::Nothing, Printed::Value)
    }
}

/// What stands under that name in the schema's definitions.
pub(super) fn definition(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn any_of<const N: usize>(kinds: [Value; N]) -> Value {
    json!({ "anyOf": kinds.to_vec() })
}

/// A string.
pub(super) const TEXT: Simple<String> = Simple {
    wanted: "a string",
    example: "\"…\"",
    read: |value, place| match value.as_str() {
        Some(text) => Some(text.to_string()),
        None => place.wrong_type(value),
    },
    print: |text| quoted(text),
    schema: || json!({ "type": "string" }),
};

/// A string that is not empty and stands on one line.
pub(super) const LINE: Simple<String> = Simple {
    read: |value, place| {
        let text = (TEXT.read)(value, place)?;
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            let message = format!("`{}` must be one line of text that is not empty", place.key);
            return place.wrong(message, place.for_example());
        }
        Some(text)
    },
    schema: || json!({ "type": "string", "minLength": 1 }),
    ..TEXT
};

/// `true` or `false`.
pub(super) const SWITCH: Simple<bool> = Simple {
    wanted: "`true` or `false`",
    example: "true",
    read: |value, place| value.as_bool().or_else(|| place.wrong_type(value)),
    print: bool::to_string,
    schema: || json!({ "type": "boolean" }),
};

/// A whole number of at least one.
pub(super) const COUNT: Simple<u32> = Simple {
    wanted: "a whole number",
    example: "1",
    read: |value, place| {
        if !value.is_integer() {
            return place.wrong_type(value);
        }
        let count = whole(value).and_then(|n| u32::try_from(n).ok()).filter(|n| *n >= 1);
        let wrong =
            || place.wrong(format!("`{}` must be a whole number of at least 1", place.key), place.for_example());
        count.or_else(wrong)
    },
    print: u32::to_string,
    schema: || json!({ "type": "integer", "minimum": 1 }),
};

/// The text of a number or a string, as it was written.
fn number_text(value: &DeValue<'_>, place: &Place<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Float(float) => Some(float.as_str().to_string()),
        DeValue::Integer(integer) if integer.radix() == 10 => Some(integer.as_str().to_string()),
        _ => place.wrong_type(value),
    }
}

/// An exact decimal of zero or more.
pub(super) const NUMBER: Simple<Decimal> = Simple {
    wanted: "a number of zero or more",
    example: "\"32\"",
    read: |value, place| place.keep(values::decimal(&number_text(value, place)?)),
    print: |number| quoted(number),
    schema: || definition("decimal"),
};

/// A share from 0 to 1.
pub(super) const SHARE: Simple<Decimal> = Simple {
    wanted: "a number from 0 to 1",
    example: "\"0.95\"",
    read: |value, place| {
        let share = (NUMBER.read)(value, place)?;
        if share > Decimal::ONE {
            let help = "write a share from 0 to 1, such as `\"0.95\"`";
            return place.wrong(format!("`{}` {share} is above 1", place.key), help);
        }
        Some(share)
    },
    ..NUMBER
};

/// A number of percent, with or without the sign.
pub(super) const PERCENT: Simple<Decimal> = Simple {
    wanted: "a number of percent",
    example: "\"1.25\"",
    read: |value, place| place.keep(values::percent(&number_text(value, place)?)),
    schema: || any_of([definition("decimal"), definition("percent")]),
    ..NUMBER
};

/// A price per server and day.
pub(super) const PRICE: Simple<Price> = Simple {
    wanted: "a price (a string or a number)",
    example: "\"0.00005\"",
    read: |value, place| Price::new((NUMBER.read)(value, place)?),
    print: |price| quoted(price),
    schema: || definition("decimal"),
};

/// A price above zero.
pub(super) const PRICE_ABOVE_ZERO: Simple<Price> = Simple {
    read: |value, place| {
        let price = (PRICE.read)(value, place)?;
        if price.is_zero() {
            return place.wrong(format!("`{}` may not be 0", place.key), place.for_example());
        }
        Some(price)
    },
    ..PRICE
};

/// A sum of money.
pub(super) const AMOUNT: Simple<Amount> = Simple {
    wanted: "a sum of money (a string or a number)",
    example: "\"0.001\"",
    read: |value, place| Amount::new((NUMBER.read)(value, place)?),
    print: |amount| quoted(amount),
    schema: || definition("decimal"),
};

/// A duration.
pub(super) const DURATION: Simple<Span> = Simple {
    wanted: "a duration",
    example: "\"10m\"",
    read: |value, place| place.keep(number_text(value, place)?.parse::<Span>()),
    print: |span| quoted(span),
    schema: || definition("duration"),
};

/// What a wanted server-day that is not held costs.
pub(super) const PER_DAY: Simple<PerDay> = Simple {
    wanted: "a price or `on_demand`",
    example: "\"on_demand\"",
    read: |value, place| match number_text(value, place)?.as_str() {
        "on_demand" => Some(PerDay::OnDemand),
        word if word.starts_with(char::is_alphabetic) => place.wrong_word(word, &["on_demand"]),
        _ => (PRICE_ABOVE_ZERO.read)(value, place).map(PerDay::Price),
    },
    print: |per_day| match per_day {
        PerDay::OnDemand => quoted("on_demand"),
        PerDay::Price(price) => quoted(price),
    },
    schema: || any_of([json!({ "const": "on_demand" }), definition("decimal")]),
};

/// What a restart costs: time or money. A bare number is money.
pub(super) const RESTART_COST: Simple<RestartCost> = Simple {
    wanted: "a duration or a sum of money",
    example: "\"10m\"",
    read: |value, place| {
        let text = number_text(value, place)?;
        let number = values::decimal(&text).is_ok() || !text.contains(|c: char| c.is_ascii_alphabetic());
        if !number || text.is_empty() {
            return (DURATION.read)(value, place).map(RestartCost::Time);
        }
        (AMOUNT.read)(value, place).map(RestartCost::Amount)
    },
    print: |cost| match cost {
        RestartCost::Time(span) => quoted(span),
        RestartCost::Amount(amount) => quoted(amount),
    },
    schema: || any_of([definition("duration"), definition("decimal")]),
};

/// Where the first bid goes.
pub(super) const OPEN: Simple<Open> = Simple {
    wanted: "`floor`, `rival` or a price",
    example: "\"floor\"",
    read: |value, place| match number_text(value, place)?.as_str() {
        "floor" => Some(Open::Floor),
        "rival" => Some(Open::Rival),
        word if word.starts_with(char::is_alphabetic) => place.wrong_word(word, &["floor", "rival"]),
        _ => (PRICE_ABOVE_ZERO.read)(value, place).map(Open::Price),
    },
    print: |open| match open {
        Open::Floor => quoted("floor"),
        Open::Rival => quoted("rival"),
        Open::Price(price) => quoted(price),
    },
    schema: || any_of([json!({ "enum": ["floor", "rival"] }), definition("decimal")]),
};

/// What is bid above the least winning bid.
pub(super) const MARGIN: Simple<Margin> = Simple {
    wanted: "a price or a share",
    example: "\"5%\"",
    read: |value, place| match number_text(value, place)?.as_str() {
        share if share.ends_with('%') => place.keep(values::percent(share)).map(Margin::Percent),
        word if word.starts_with(char::is_alphabetic) => {
            place.wrong(format!("`{word}` is neither a price nor a share"), place.for_example())
        }
        _ => (PRICE.read)(value, place).map(Margin::Price),
    },
    print: |margin| match margin {
        Margin::Price(price) => quoted(price),
        Margin::Percent(percent) => quoted(format!("{percent}%")),
    },
    schema: || any_of([definition("decimal"), definition("percent")]),
};

/// Reads a list element by element; each has a place of its own, such as `servers.0`.
pub(super) fn list<V>(
    value: &DeValue<'_>,
    place: &Place<'_>,
    empty: &str,
    element: fn(&DeValue<'_>, &Place<'_>) -> Option<V>,
) -> Option<Vec<V>> {
    let Some(array) = value.as_array() else { return place.wrong_type(value) };
    if array.is_empty() {
        return place.wrong(format!("`{}` is empty", place.key), empty);
    }
    let mut read = Vec::new();
    for (number, one) in array.iter().enumerate() {
        let inner = place.inside(number, one.span());
        if let Some(good) = element(one.get_ref(), &inner) {
            inner.is_good();
            read.push(good);
        }
    }
    Some(read)
}

pub(super) fn print_list(elements: impl Iterator<Item = String>) -> String {
    format!("[{}]", elements.collect::<Vec<_>>().join(", "))
}

/// Server numbers.
pub(super) const SERVERS: Simple<Vec<ServerId>> = Simple {
    wanted: "a list of server numbers",
    example: "[6, 17]",
    read: |value, place| {
        list(value, place, "name at least one server, or use `match`", |one, place| match whole(one) {
            Some(id) => Some(ServerId(id)),
            None => place.wrong("a server must be a whole number of zero or more", place.for_example()),
        })
    },
    print: |servers| print_list(servers.iter().map(ToString::to_string)),
    schema: || {
        let server = json!({ "type": "integer", "minimum": 0 });
        json!({ "type": "array", "minItems": 1, "uniqueItems": true, "items": server })
    },
};

/// Country codes.
pub(super) const COUNTRIES: Simple<Vec<String>> = Simple {
    wanted: "a list of country codes",
    example: "[\"CZ\", \"DE\"]",
    read: |value, place| {
        list(value, place, "no server would fit; leave it out to take any country", |one, place| {
            let code = one.as_str().filter(|c| c.len() == 2 && c.bytes().all(|b| b.is_ascii_alphabetic()));
            let wrong = || place.wrong("a country must be a code of two letters", place.for_example());
            code.map(str::to_ascii_uppercase).or_else(wrong)
        })
    },
    print: |countries| print_list(countries.iter().map(quoted)),
    schema: || {
        let code = json!({ "type": "string", "pattern": "^[A-Za-z]{2}$" });
        json!({ "type": "array", "minItems": 1, "items": code })
    },
};
