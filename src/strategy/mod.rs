//! Strategy files: reading, checking, printing with every default filled in.
//!
//! A file is read into spanned TOML, each table by a reader of its own, and then checked as a whole. Decimals are taken
//! from the text digit by digit, and every mistake is collected with its place: a strategy that spends money is either
//! understood to the last key or refused. Secrets never stand in a file, only the names of the environment variables
//! that hold them.

use clorebid_core::strategy::Strategy;

mod bid;
mod errors;
mod fields;
mod filled;
pub(crate) mod form;
mod keys;
mod order;
mod rules;
mod sections;
mod target;
mod values;

pub use errors::{Mistake, StrategyErrors};
pub use filled::filled;
pub use keys::{SECTIONS, Section};
pub use order::OrderSpec;
pub use values::parse_duration;

/// The JSON schema (draft 2020-12) of a strategy file, for editors and other programs.
pub const SCHEMA: &str = include_str!("schema.json");

/// A strategy file without mistakes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrategyFile {
    /// What the core needs to decide.
    pub strategy: Strategy,
    /// What is to run on the servers, in the order of `strategy.targets`.
    pub orders: Vec<OrderSpec>,
    /// The file as it was written, for the record of the run.
    pub text: String,
}

/// Reads a strategy file; `file_name` is what the mistakes are reported under.
///
/// # Errors
/// Every mistake in the file, in its order.
pub fn read(text: &str, file_name: &str) -> Result<StrategyFile, StrategyErrors> {
    let mistakes = errors::Mistakes::default();
    let read = sections::read_file(text, file_name, &mistakes);
    match read {
        Some((strategy, orders)) if mistakes.is_empty() => {
            Ok(StrategyFile { strategy, orders, text: text.to_string() })
        }
        _ => Err(mistakes.into_errors(text, file_name)),
    }
}
