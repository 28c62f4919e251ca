//! Tapes: what a venue answered, one JSON line an answer, oldest first. A tape can be recorded, read, replayed and kept.
//!
//! ```text
//! {"at":"2026-11-01T00:00:00.000Z","call":"spot_marketplace","args":{"market":6},"status":200,"body":{…}}
//! ```
//!
//! 1. The five keys are all there; keys that nobody knows are ignored. `call` is spot_marketplace, marketplace,
//!    my_orders or wallets. `at` is RFC 3339, when the answer came, and never goes back, not from one file to the next
//!    either.
//! 2. `body` is the venue's JSON as it came; line breaks between its tokens are blanks. An answer that was no JSON is a
//!    string with its text (what is not UTF-8 is replaced), and an empty one is null.
//! 3. No secrets: no key, no header; environments, commands, passwords, keys and tokens are left out of my_orders.
//! 4. A last line that was cut off is reported and ignored, and so is a `.zst` file that ends before its end mark. Any
//!    other bad line is an error with its file and record number.
//! 5. A tape takes no more memory to read than its longest line, which has a limit; a [`Survey`] no more than the last
//!    state of each server and the gaps; and a [`Series`] no more than the states that differ from the one before.
//!
//! | file | what it holds |
//! |---|---|
//! | `record` | one line, read and written |
//! | `reader` | lines out of files, plain or zstd |
//! | `ahead` | the same, on a thread of its own |
//! | `writer` | lines into a file, so that a kill loses at most the last |
//! | `secrets` | what a tape must not hold |
//! | `survey` | what changed, told and forgotten |
//! | `series` | what was true when, for each server |
//! | `transfer` | from a journal to a tape and back |

mod ahead;
mod error;
mod reader;
mod record;
mod secrets;
mod series;
mod survey;
mod transfer;
mod writer;

pub use error::{LineFault, TapeError};
pub use reader::{Cut, LINE_MAX_BYTES, Reader};
pub use record::Record;
pub use series::{Series, ServerSeries};
pub use survey::{Change, Gap, Listed, Rival, SeriesOptions, State, Survey, Surveyed};
pub use transfer::{IMPORT_NAME, TransferError, export, import};
pub use writer::{SYNC_EVERY, Writer};
