//! Strategy files: reading, checking, printing with every default filled in.
//!
//! A file is read into spanned TOML, key by key as the rows of [`keys`] say, and then checked as a whole. Decimals are
//! taken from the text digit by digit, and every mistake is collected with its place: a strategy that spends money is
//! either understood to the last key or refused. Secrets never stand in a file, only the names of the environment
//! variables that hold them.
//!
//! | file | what it holds |
//! |---|---|
//! | [`keys`] | every key, a row each: where a new key goes |
//! | [`kinds`], [`order`], [`notify`], [`template`] | what may be written as a value: how it is read and printed, and its schema |
//! | [`row`] | what a row is, and how rows read a file |
//! | [`print`] | the filled-in file, the JSON schema and the README's table, as they follow from the rows |
//! | [`draft`] | what a file says, put together |
//! | [`file`], [`rules`], [`receivers`] | the file as a whole, and what holds between keys |
//! | [`form`] | what the venue takes as an order's form |

mod draft;
mod errors;
mod file;
pub(crate) mod form;
mod keys;
mod kinds;
mod notify;
mod order;
mod print;
mod receivers;
mod row;
mod rules;
mod template;
mod values;

pub use draft::StrategyFile;
pub use errors::{Mistake, StrategyErrors};
pub use notify::{Channel, NotifySpec, Occasion, Secret};
pub use order::OrderSpec;
pub use print::{filled, key_table, schema};
pub use template::{Blank, Template};

/// Reads a strategy file; `file_name` is what the mistakes are reported under.
///
/// # Errors
/// Every mistake in the file, in its order.
pub fn read(text: &str, file_name: &str) -> Result<StrategyFile, StrategyErrors> {
    let reading = row::Reading::default();
    let read = file::read_file(text, file_name, &reading);
    let faultless = !reading.mistakes.forbid();
    let told = reading.mistakes.into_errors(text, file_name);
    match read {
        Some(draft::Parts { strategy, orders, receivers }) if faultless => {
            Ok(StrategyFile { strategy, orders, receivers, text: text.to_string(), warnings: told })
        }
        _ => Err(told),
    }
}

/// Reads a file that says nothing but who is told what happens, in `[[notify]]` as a strategy file has it.
///
/// # Errors
/// Every mistake in the file, in its order.
pub fn read_receivers(text: &str, file_name: &str) -> Result<Vec<NotifySpec>, StrategyErrors> {
    let reading = row::Reading::default();
    let read = file::read_receivers(text, &reading);
    let faultless = !reading.mistakes.forbid();
    read.filter(|_| faultless).ok_or_else(|| reading.mistakes.into_errors(text, file_name))
}
