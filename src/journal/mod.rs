//! The record of everything, in SQLite.

/// Proof that a value is in the journal.
#[derive(Debug)]
pub struct Journaled<T>(T);

impl<T> Journaled<T> {
    /// The value, used up.
    pub fn into_inner(self) -> T {
        self.0
    }
}
