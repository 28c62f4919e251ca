//! How a command fails: a message for the user and the exit code that scripts rely on.

use std::io::Write;
use std::process::ExitCode;

use crate::client::ClientError;
use crate::journal::JournalError;
use crate::lock::LockError;
use crate::run::resume::UnreadableError;

/// What kind of failure: its number is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Anything else.
    Failed = 1,
    /// Bad usage, strategy or input file.
    Usage = 2,
    /// The venue refused the key.
    Key = 3,
    /// The journal cannot be written.
    Journal = 4,
    /// Replay or verify found a difference.
    Difference = 5,
}

/// A failed command.
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    message: String,
}

impl Failure {
    /// A failure of that kind. The message says what happened and what to do next.
    pub fn new(kind: Kind, message: impl Into<String>) -> Failure {
        Failure { kind, message: message.into() }
    }

    /// Bad usage, strategy or input file.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure::new(Kind::Usage, message)
    }

    /// Anything without a code of its own.
    pub fn other(message: impl Into<String>) -> Failure {
        Failure::new(Kind::Failed, message)
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What the user is told.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Tells the user, and gives the exit code.
    pub fn report(&self) -> ExitCode {
        // Whether anybody reads it or not, the exit code tells.
        let mut stderr = std::io::stderr().lock();
        let _nobody_reads = match self.message.strip_suffix('\n') {
            // A picture of a mistake brings its own layout.
            Some(picture) => writeln!(stderr, "{picture}"),
            None => writeln!(stderr, "clorebid: {}", self.message),
        };
        ExitCode::from(self.kind as u8)
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Failure {
        Failure::new(Kind::Journal, error.to_string())
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Failure {
        Failure::usage(error.to_string())
    }
}

impl From<UnreadableError> for Failure {
    fn from(error: UnreadableError) -> Failure {
        let then = "give this run another --db, and look after the orders at the venue by hand";
        Failure::new(Kind::Journal, format!("{error}; {then}"))
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Failure {
        Failure::other(error.to_string())
    }
}
