//! Rows of any query, and the three ways to write them.

use std::io::{self, Write};

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::value::RawValue;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, TypeInfo, ValueRef};

/// Longer text is cut in a table; JSON and CSV have all of it.
const CELL_MAX: usize = 100;

/// One value of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// A number that SQLite computed in floating point, as it writes it. The views have none.
    Real(String),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Table,
    /// One array of objects: integers as numbers, text as strings, NULL as null, bytes in hexadecimal.
    Json,
    /// With a header line; NULL is an empty field.
    Csv,
}

/// A result: its columns' names, and its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// The names.
    pub columns: Vec<String>,
    /// The rows, each as long as `columns`.
    pub rows: Vec<Vec<Cell>>,
}

impl Cell {
    /// The whole number, if it is one.
    pub const fn int(&self) -> Option<i64> {
        match self {
            Cell::Integer(i) => Some(*i),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }

    /// As a table and a CSV file show it.
    fn shown(&self) -> String {
        match self {
            Cell::Null => String::new(),
            Cell::Integer(i) => i.to_string(),
            Cell::Real(text) | Cell::Text(text) => text.clone(),
            Cell::Blob(bytes) => bytes.iter().map(|b| format!("{b:02x}")).collect(),
        }
    }

    fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Cell::Null => out.write_all(b"null"),
            Cell::Integer(i) => write!(out, "{i}"),
            // Infinity is no JSON number.
            Cell::Real(text) if serde_json::from_str::<&RawValue>(text).is_ok() => out.write_all(text.as_bytes()),
            Cell::Real(_) | Cell::Text(_) | Cell::Blob(_) => json_string(out, &self.shown()),
        }
    }
}

impl Rows {
    /// Writes them all.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn write(&self, format: Format, out: &mut impl Write) -> io::Result<()> {
        match format {
            Format::Table => self.write_table(None, out),
            Format::Json => self.write_json(out),
            Format::Csv => self.write_csv(out),
        }
    }

    /// Writes a table; where that would be wider than `width`, each row becomes a few lines of names and values, for a
    /// price that is broken in two is easily misread.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn write_table(&self, width: Option<u16>, out: &mut impl Write) -> io::Result<()> {
        let mut table = Table::new();
        table.load_style(NOTHING).set_header(&self.columns);
        for row in &self.rows {
            table.add_row(row.iter().map(|cell| one_line(&cell.shown(), CELL_MAX)));
        }
        let lines: Vec<String> = table.to_string().lines().map(|line| line.trim_end().to_owned()).collect();
        match width.map(usize::from) {
            Some(width) if !self.rows.is_empty() && lines.iter().any(|line| line.chars().count() > width) => {
                self.write_records(width, out)
            }
            _ => lines.iter().try_for_each(|line| writeln!(out, "{line}")),
        }
    }

    /// One line a value, and an empty one between two rows.
    fn write_records(&self, width: usize, out: &mut impl Write) -> io::Result<()> {
        let name_width = self.columns.iter().map(|column| column.chars().count()).max().unwrap_or(0);
        let room = width.saturating_sub(name_width + 4).max(1);
        for (at, row) in self.rows.iter().enumerate() {
            if at > 0 {
                writeln!(out)?;
            }
            for (column, cell) in self.columns.iter().zip(row) {
                let value = one_line(&cell.shown(), room);
                writeln!(out, "{}", format!(" {column:name_width$}  {value}").trim_end())?;
            }
        }
        Ok(())
    }

    fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(b"[")?;
        for (n, row) in self.rows.iter().enumerate() {
            out.write_all(if n == 0 { b"\n{" } else { b",\n{" })?;
            for (at, (column, cell)) in self.columns.iter().zip(row).enumerate() {
                if at > 0 {
                    out.write_all(b",")?;
                }
                json_string(out, column)?;
                out.write_all(b":")?;
                cell.write_json(out)?;
            }
            out.write_all(b"}")?;
        }
        out.write_all(if self.rows.is_empty() { b"]\n" } else { b"\n]\n" })
    }

    fn write_csv(&self, out: &mut impl Write) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(&self.columns)?;
        for row in &self.rows {
            csv.write_record(row.iter().map(Cell::shown))?;
        }
        csv.flush()
    }
}

/// What of a text fits a table: its first line, not too long, nothing in it that a terminal would obey.
fn one_line(text: &str, longest: usize) -> String {
    let line = text.lines().next().unwrap_or("");
    let mut shown: String = line.chars().take(longest).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if shown.len() < text.trim_end().len() {
        shown.push('…');
    }
    shown
}

fn json_string(out: &mut impl Write, text: &str) -> io::Result<()> {
    serde_json::to_writer(out, text).map_err(io::Error::from)
}

/// A row's values by the kind they are stored as.
pub(super) fn cells(row: &SqliteRow) -> Result<Vec<Cell>, sqlx::Error> {
    (0..row.len())
        .map(|at| {
            let raw = row.try_get_raw(at)?;
            // A NULL's type is told as its column's.
            if raw.is_null() {
                return Ok(Cell::Null);
            }
            let kind = raw.type_info().into_owned();
            Ok(match kind.name() {
                "INTEGER" => Cell::Integer(row.try_get_unchecked(at)?),
                "REAL" => Cell::Real(row.try_get_unchecked(at)?),
                "BLOB" => Cell::Blob(row.try_get_unchecked(at)?),
                _ => Cell::Text(row.try_get_unchecked(at)?),
            })
        })
        .collect()
}
