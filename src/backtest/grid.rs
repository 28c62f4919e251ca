//! A grid over strategy keys: `--vary limits.max_bid=0.00003..0.00006:0.00001`, any number of them.
//!
//! Each point is the strategy file with those keys set, read and checked anew; so a grid can vary whatever a file can
//! say. The points are numbered, so that `--shard K/N` gives the same ones on every machine.

use clorebid_core::money::read_decimal;
use rust_decimal::Decimal;
use toml_edit::{DocumentMut, Item, Table, Value};

/// One key and the values it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axis {
    /// The key as a path, such as `limits.max_bid` or `target.0.bid.margin`.
    pub key: String,
    /// Its values, as TOML.
    pub values: Vec<String>,
}

/// One part of a grid: the points whose number is K-1 counted in steps of N.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    part: usize,
    parts: usize,
}

impl Shard {
    /// Whether the point of that number, counted from 0, is in it.
    pub const fn has(self, number: usize) -> bool {
        number % self.parts == self.part
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let parsed = text.split_once('/').and_then(|(k, n)| Some((k.parse::<usize>().ok()?, n.parse::<usize>().ok()?)));
        match parsed {
            Some((part, parts)) if part >= 1 && part <= parts => Ok(Shard { part: part - 1, parts }),
            _ => Err(format!("`{text}` is no part; write 1/4 to 4/4")),
        }
    }
}

/// Why a grid cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GridError {
    /// Not `key=values`.
    #[error("`{0}` is no axis; write limits.max_bid=0.00003..0.00006:0.00001 or target.bid.margin=0%,2%,5%")]
    Shape(String),
    /// A range that does not lead anywhere.
    #[error("the range of `{0}` has no end: the step must be above zero and the last value not below the first")]
    Range(String),
    /// The file has no such table.
    #[error("there is no `{0}` in the strategy file to vary")]
    NoSuchKey(String),
    /// More points than anybody could want.
    #[error("the grid has more than {0} points")]
    TooMany(usize),
    /// The file is not TOML.
    #[error("the strategy file cannot be varied: {0}")]
    Toml(String),
}

/// One point of the grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// `key=value` for each axis.
    pub settings: Vec<String>,
    /// The strategy file at this point.
    pub text: String,
}

const POINTS_MAX: usize = 10_000_000;

impl std::str::FromStr for Axis {
    type Err = GridError;

    fn from_str(text: &str) -> Result<Axis, GridError> {
        let shape = || GridError::Shape(text.to_owned());
        let (key, values) = text.split_once('=').ok_or_else(shape)?;
        let values = match values.split_once("..") {
            None => values.split(',').map(|v| v.trim().to_owned()).collect(),
            Some((first, rest)) => {
                let (last, step) = rest.split_once(':').ok_or_else(shape)?;
                range(text, first, last, step)?
            }
        };
        if key.trim().is_empty() || values.iter().any(String::is_empty) {
            return Err(shape());
        }
        Ok(Axis { key: key.trim().to_owned(), values })
    }
}

/// The values of a range, its last one included; a `%` on the numbers stays on the values.
fn range(axis: &str, first: &str, last: &str, step: &str) -> Result<Vec<String>, GridError> {
    let percent = if last.trim().ends_with('%') { "%" } else { "" };
    let number = |text: &str| {
        let bare = text.trim().trim_end_matches('%');
        read_decimal(bare).map(|(value, _)| value).map_err(|_| GridError::Shape(axis.to_owned()))
    };
    let (mut value, last, step) = (number(first)?, number(last)?, number(step)?);
    if step <= Decimal::ZERO || last < value {
        return Err(GridError::Range(axis.to_owned()));
    }
    let mut values = Vec::new();
    while value <= last {
        values.push(format!("{}{percent}", value.normalize()));
        value += step;
        if values.len() > POINTS_MAX {
            return Err(GridError::TooMany(POINTS_MAX));
        }
    }
    Ok(values)
}

/// Every point of the grid that those axes span over a strategy file; the last axis changes fastest.
///
/// # Errors
/// When a key is not there to vary, or there are too many points.
pub fn points(text: &str, axes: &[Axis]) -> Result<Vec<Point>, GridError> {
    let count = axes.iter().try_fold(1_usize, |n, axis| n.checked_mul(axis.values.len()));
    let count = count.filter(|n| *n <= POINTS_MAX).ok_or(GridError::TooMany(POINTS_MAX))?;
    // Edited as text, so that every number that is not varied stays as it is written.
    let file: DocumentMut = text.parse().map_err(|e: toml_edit::TomlError| GridError::Toml(e.message().to_owned()))?;
    let mut points = Vec::with_capacity(count);
    for number in 0..count {
        let mut edited = file.clone();
        let mut settings = Vec::with_capacity(axes.len());
        let mut rest = number;
        for axis in axes.iter().rev() {
            let value = &axis.values[rest % axis.values.len()];
            rest /= axis.values.len();
            set(edited.as_table_mut(), &axis.key, value)?;
            settings.push(format!("{}={value}", axis.key));
        }
        settings.reverse();
        points.push(Point { settings, text: edited.to_string() });
    }
    Ok(points)
}

/// Sets one key. `target.bid.margin` means every target's.
fn set(table: &mut Table, key: &str, value: &str) -> Result<(), GridError> {
    let (first, rest) = key.split_once('.').map_or((key, None), |(first, rest)| (first, Some(rest)));
    let Some(rest) = rest else {
        table.insert(first, Item::Value(typed(value)));
        return Ok(());
    };
    let entry = table.entry(first).or_insert_with(|| Item::Table(Table::new()));
    match entry {
        Item::Table(inner) => set(inner, rest, value),
        Item::ArrayOfTables(tables) if !tables.is_empty() => tables.iter_mut().try_for_each(|t| set(t, rest, value)),
        Item::Value(Value::InlineTable(inner)) if !rest.contains('.') => {
            inner.insert(rest, typed(value));
            Ok(())
        }
        _ => Err(GridError::NoSuchKey(key.to_owned())),
    }
}

/// A value as a strategy file would have it: whole numbers and truths bare, all else as a string.
fn typed(value: &str) -> Value {
    match value {
        "true" => Value::from(true),
        "false" => Value::from(false),
        _ => value.parse::<i64>().map_or_else(|_| Value::from(value), Value::from),
    }
}
