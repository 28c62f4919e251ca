//! `check`: is this strategy file right, and what does it come to?

use std::io::IsTerminal;
use std::path::Path;

use super::args::{CheckArgs, Global};
use super::{Failure, output};
use crate::strategy::{self, NotifySpec, StrategyErrors, StrategyFile};

pub(super) fn check(global: &Global, args: &CheckArgs) -> Result<(), Failure> {
    if args.schema {
        return output::print(format_args!("{:#}\n", strategy::schema()));
    }
    let Some(file) = &args.file else { return Err(Failure::usage("name a strategy file")) };
    let read = read(global, file)?;
    output::print(strategy::filled(&read))
}

/// Says where a file ceases to be text.
fn not_text(path: &Path, bytes: &[u8], valid_up_to: usize) -> Failure {
    let before = String::from_utf8_lossy(bytes.get(..valid_up_to).unwrap_or_default());
    let line = before.matches('\n').count().saturating_add(1);
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count().saturating_add(1);
    let file = path.display();
    Failure::usage(format!("{file}:{line}:{column}: this byte is not UTF-8; save the file as UTF-8 text"))
}

/// Reads a strategy file and shows what it warns of, or shows every mistake in it.
pub(super) fn read(global: &Global, path: &Path) -> Result<StrategyFile, Failure> {
    let text = text(path, "strategy file")?;
    let file = strategy::read(&text, &path.display().to_string()).map_err(|mistakes| picture(global, &mistakes))?;
    output::tell(format_args!("{}", file.warnings.picture(100, has_color(global))));
    Ok(file)
}

/// Reads a file that says who is told what happens, or shows every mistake in it.
pub(super) fn read_receivers(global: &Global, path: &Path) -> Result<Vec<NotifySpec>, Failure> {
    let text = text(path, "file of receivers")?;
    strategy::read_receivers(&text, &path.display().to_string()).map_err(|mistakes| picture(global, &mistakes))
}

fn text(path: &Path, what: &str) -> Result<String, Failure> {
    let bytes =
        std::fs::read(path).map_err(|e| Failure::usage(format!("cannot read the {what} {}: {e}", path.display())))?;
    String::from_utf8(bytes).map_err(|e| not_text(path, e.as_bytes(), e.utf8_error().valid_up_to()))
}

fn has_color(global: &Global) -> bool {
    !global.no_color && std::io::stderr().is_terminal()
}

fn picture(global: &Global, mistakes: &StrategyErrors) -> Failure {
    Failure::usage(format!("{}\n", mistakes.picture(100, has_color(global)).trim_end()))
}
