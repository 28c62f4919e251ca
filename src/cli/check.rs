//! `check`: is this strategy file right, and what does it come to?

use std::io::IsTerminal;
use std::path::Path;

use super::args::{CheckArgs, Global};
use super::{Failure, output};
use crate::strategy::{self, StrategyFile};

pub(super) fn check(global: &Global, args: &CheckArgs) -> Result<(), Failure> {
    if args.schema {
        return output::print(format_args!("{:#}\n", strategy::schema()));
    }
    let Some(file) = &args.file else { return Err(Failure::usage("name a strategy file")) };
    let read = read(global, file)?;
    output::print(strategy::filled(&read))
}

/// Reads a strategy file and shows what it warns of, or shows every mistake in it.
pub(super) fn read(global: &Global, path: &Path) -> Result<StrategyFile, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| Failure::usage(format!("cannot read the strategy file {}: {e}", path.display())))?;
    let color = !global.no_color && std::io::stderr().is_terminal();
    let file = strategy::read(&text, &path.display().to_string())
        .map_err(|mistakes| Failure::usage(format!("{}\n", mistakes.picture(100, color).trim_end())))?;
    output::tell(format_args!("{}", file.warnings.picture(100, color)));
    Ok(file)
}
