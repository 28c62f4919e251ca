//! A grid over strategy keys: `--vary limits.max_bid=0.00003..0.00006:0.00001`, any number of them.
//!
//! Each point is the strategy file with those keys set, read and checked anew; so a grid can vary whatever a file can
//! say. The points are numbered, so that `--shard K/N` gives the same ones on every machine, and made one by one from
//! their numbers, so that a grid takes no more memory than its axes.

use clorebid_core::money::read_decimal;
use rust_decimal::Decimal;
use toml_edit::{Array, DocumentMut, InlineTable, Item, TableLike, Value};

/// One key and the values it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axis {
    /// The key as a path, such as `limits.max_bid` or `target.0.bid.margin`.
    pub key: String,
    /// Its values, as TOML.
    pub values: Vec<String>,
}

/// One part of a grid: every N-th point, beginning at the K-th.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    part: usize,
    parts: usize,
}

impl Shard {
    /// All of the grid.
    pub const WHOLE: Shard = Shard { part: 0, parts: 1 };

    /// How many of `points` are in it.
    pub const fn count(self, points: usize) -> usize {
        points.saturating_sub(self.part).div_ceil(self.parts)
    }

    /// The number in the grid of its `nth` point; both are counted from 0.
    pub const fn number(self, nth: usize) -> usize {
        self.part + nth * self.parts
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
    /// A range whose numbers mean different things.
    #[error("the range of `{0}` mixes units; write 0%..5%:1% or 0s..60s:20s")]
    Units(String),
    /// A range whose values no decimal holds exactly.
    #[error("the range of `{0}` has values of more digits than can be kept exactly")]
    Digits(String),
    /// The file has no such table.
    #[error("there is no `{0}` in the strategy file to vary")]
    NoSuchKey(String),
    /// Two axes for one key, or a later one for a table that it stands in: the second would undo what the first sets.
    #[error("`{0}` is varied twice")]
    Twice(String),
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

/// More than this many are a slip of the pen: at a tenth of a second each they take a day.
const POINTS_MAX: usize = 1_000_000;

impl std::str::FromStr for Axis {
    type Err = GridError;

    fn from_str(text: &str) -> Result<Axis, GridError> {
        let shape = || GridError::Shape(text.to_owned());
        let (key, values) = text.split_once('=').ok_or_else(shape)?;
        let is_range = !values.trim_start().starts_with(['[', '{', '"', '\'']);
        let values = match values.split_once("..").filter(|_| is_range) {
            None => list(values),
            Some((first, rest)) => {
                let (last, step) = rest.split_once(':').ok_or_else(shape)?;
                range(text, first, last, step)?
            }
        };
        if key.split('.').any(|part| part.trim().is_empty()) || values.iter().any(|v| typed(v).is_none()) {
            return Err(shape());
        }
        Ok(Axis { key: key.trim().to_owned(), values })
    }
}

/// The values between commas; a comma within brackets or quotes belongs to its value.
fn list(values: &str) -> Vec<String> {
    let (mut depth, mut quote, mut found) = (0_u32, None, vec![String::new()]);
    for c in values.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                found.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = found.last_mut() {
            last.push(c);
        }
    }
    found.iter().map(|v| v.trim().to_owned()).collect()
}

/// The values of a range, its last one included; the unit of the last one, such as `%` or `s`, stays on all of them.
fn range(axis: &str, first: &str, last: &str, step: &str) -> Result<Vec<String>, GridError> {
    let is_unit = |c: char| c == '%' || c.is_ascii_alphabetic();
    let number =
        |text: &str| read_decimal(text.trim().trim_end_matches(is_unit)).map_err(|_| GridError::Shape(axis.to_owned()));
    let unit = |text: &str| {
        let text = text.trim();
        text[text.trim_end_matches(is_unit).len()..].to_owned()
    };
    let common = unit(last);
    if [first, step].iter().any(|t| !unit(t).is_empty() && unit(t) != common) {
        return Err(GridError::Units(axis.to_owned()));
    }
    let digits = || GridError::Digits(axis.to_owned());
    let ((mut value, a), (last, b), (step, c)) = (number(first)?, number(last)?, number(step)?);
    if !(a && b && c) {
        return Err(digits());
    }
    if step <= Decimal::ZERO || last < value {
        return Err(GridError::Range(axis.to_owned()));
    }
    let steps = last.checked_sub(value).and_then(|span| span.checked_div(step));
    if steps.is_none_or(|steps| steps >= Decimal::from(POINTS_MAX)) {
        return Err(GridError::TooMany(POINTS_MAX));
    }
    let mut values = Vec::new();
    loop {
        values.push(format!("{}{common}", value.normalize()));
        // The next one may be more than there is to a decimal only where it would lie beyond the last.
        let Some(next) = value.checked_add(step).filter(|next| *next <= last) else { return Ok(values) };
        // A sum that was rounded has fewer places than what was added up.
        if next.scale() < value.scale().max(step.scale()) {
            return Err(digits());
        }
        value = next;
    }
}

/// The points that axes span over a strategy file; the last axis changes fastest.
#[derive(Debug, Clone)]
pub struct Grid {
    /// Edited as text, so that every number that is not varied stays as it is written.
    file: DocumentMut,
    axes: Vec<Axis>,
    count: usize,
}

impl Grid {
    /// Looks at the axes and at no point.
    ///
    /// # Errors
    /// When the file is no TOML, a key is varied twice, an axis has no values, or there are too many points.
    pub fn new(text: &str, axes: Vec<Axis>) -> Result<Grid, GridError> {
        for (n, axis) in axes.iter().enumerate() {
            if axis.values.is_empty() {
                return Err(GridError::Shape(axis.key.clone()));
            }
            let undone =
                |key: &str| key.strip_prefix(&axis.key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
            if let Some(before) = axes.iter().take(n).find(|before| undone(&before.key)) {
                return Err(GridError::Twice(before.key.clone()));
            }
        }
        let count = axes.iter().try_fold(1_usize, |n, axis| n.checked_mul(axis.values.len()));
        let count = count.filter(|n| *n <= POINTS_MAX).ok_or(GridError::TooMany(POINTS_MAX))?;
        let file = text.parse().map_err(|e: toml_edit::TomlError| GridError::Toml(e.message().to_owned()))?;
        Ok(Grid { file, axes, count })
    }

    /// How many points there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The point of that number, counted from 0; beyond the last one they begin again.
    ///
    /// # Errors
    /// When the file has no table for a key.
    pub fn point(&self, number: usize) -> Result<Point, GridError> {
        let mut edited = self.file.clone();
        let mut settings = Vec::with_capacity(self.axes.len());
        for (axis, value) in self.axes.iter().zip(self.values(number)) {
            set(edited.as_table_mut(), &axis.key, value)?;
            settings.push(format!("{}={value}", axis.key));
        }
        Ok(Point { settings, text: edited.to_string() })
    }

    /// What each axis is at that point.
    fn values(&self, number: usize) -> Vec<&str> {
        let mut rest = number;
        let mut values: Vec<&str> = Vec::with_capacity(self.axes.len());
        for axis in self.axes.iter().rev() {
            values.extend(axis.values.get(rest % axis.values.len()).map(String::as_str));
            rest /= axis.values.len();
        }
        values.reverse();
        values
    }

    /// The numbers of points that have every value of every axis between them: each value once beside the first ones of
    /// all other axes. A value that makes no sense by itself shows at one of them.
    pub fn each_value_once(&self) -> Vec<usize> {
        let mut stride = self.count;
        let mut found = vec![0];
        for axis in &self.axes {
            stride /= axis.values.len();
            found.extend((1..axis.values.len()).map(|n| n * stride));
        }
        found
    }
}

/// Sets one key. `target.bid.margin` means every target's, `target.0.bid.margin` the first one's.
fn set(table: &mut dyn TableLike, key: &str, value: &str) -> Result<(), GridError> {
    let no_such_key = || GridError::NoSuchKey(key.to_owned());
    let Some((first, rest)) = key.split_once('.') else {
        table.insert(key, Item::Value(typed(value).ok_or_else(no_such_key)?));
        return Ok(());
    };
    if !table.contains_key(first) {
        table.insert(first, Item::Value(Value::InlineTable(InlineTable::new())));
    }
    let entry = table.get_mut(first).ok_or_else(no_such_key)?;
    match entry {
        Item::ArrayOfTables(tables) if !tables.is_empty() => {
            set_in_each(tables.iter_mut().map(|t| t as &mut dyn TableLike).collect(), rest, value)
        }
        Item::Value(Value::Array(tables)) if !tables.is_empty() => set_in_each(inline_tables(tables), rest, value),
        _ => set(entry.as_table_like_mut().ok_or_else(no_such_key)?, rest, value),
    }
}

fn inline_tables(array: &mut Array) -> Vec<&mut dyn TableLike> {
    array.iter_mut().filter_map(Value::as_inline_table_mut).map(|t| t as &mut dyn TableLike).collect()
}

/// Sets a key in one of the tables, where it begins with that one's number, else in all of them.
fn set_in_each(mut tables: Vec<&mut dyn TableLike>, key: &str, value: &str) -> Result<(), GridError> {
    let no_such_key = || GridError::NoSuchKey(key.to_owned());
    match key.split_once('.').and_then(|(number, rest)| Some((number.parse::<usize>().ok()?, rest))) {
        Some((number, rest)) => set(*tables.get_mut(number).ok_or_else(no_such_key)?, rest, value),
        None if tables.is_empty() => Err(no_such_key()),
        None => tables.into_iter().try_for_each(|t| set(t, key, value)),
    }
}

/// A value as a strategy file would have it: whole numbers, truths, arrays, tables and what is quoted as they are, all
/// else as a string. `None` for nothing, and for brackets or quotes that are not closed.
fn typed(value: &str) -> Option<Value> {
    match value {
        "" => None,
        "true" => Some(Value::from(true)),
        "false" => Some(Value::from(false)),
        _ if value.starts_with(['[', '{', '"', '\'']) => value.parse::<Value>().ok(),
        _ => Some(value.parse::<i64>().map_or_else(|_| Value::from(value), Value::from)),
    }
}
