//! The binary: hands the command line to [`clorebid::cli`] and its exit code to the shell.

use std::process::ExitCode;

fn main() -> ExitCode {
    clorebid::cli::main()
}
