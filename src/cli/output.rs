//! Where commands write: results to stdout, all else to stderr.
//!
//! Neither may end a command by itself. A reader who has seen enough and closed the pipe is no failure, and a terminal
//! that is gone or a full disk behind stderr takes nothing from a run but its words.

use std::fmt::{Arguments, Display};
use std::io::{self, ErrorKind, Write};

use super::Failure;

/// Writes a result to stdout.
pub(super) fn print(text: impl Display) -> Result<(), Failure> {
    written(write!(io::stdout().lock(), "{text}"))
}

/// What writing a result came to: that nobody reads it any longer is no failure.
pub(super) fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(Failure::other(format!("cannot write: {e}"))),
        _ => Ok(()),
    }
}

/// Writes a line of what happens to stdout; whether anybody reads it changes nothing.
pub(super) fn report(line: impl Display) {
    let _nobody_reads = writeln!(io::stdout().lock(), "{line}");
}

/// Tells the user something on stderr, if anybody is there to read it.
pub(super) fn tell(text: Arguments<'_>) {
    let _nobody_reads = io::stderr().lock().write_fmt(text);
}

/// Whether nobody reads stdout any longer: who would go on writing ends then.
pub(super) fn is_closed(result: io::Result<()>) -> Result<bool, Failure> {
    let is_closed = result.as_ref().is_err_and(|e| e.kind() == ErrorKind::BrokenPipe);
    written(result).map(|()| is_closed)
}

/// How many columns a table may take: what COLUMNS says, else the terminal that stdout is; `None`: as many as it needs.
pub(super) fn width() -> Option<u16> {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|columns| *columns > 0);
    said.or_else(|| terminal_size::terminal_size_of(io::stdout()).map(|(terminal_size::Width(width), _)| width))
}
