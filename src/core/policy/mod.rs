//! What to bid. A policy sees one server's market and our order in it, and says what it would like to do.
//!
//! [`Policy`] is all that the rest of the core knows of one. Each has a file of its own, with its settings, what it
//! remembers of an order and its words; [`POLICIES`] has one row for each that a strategy file can name.
//!
//! A policy only wishes. Whether the wish is allowed (limits, the 600 seconds, the step) is decided outside, so that no
//! policy can break a rule by mistake.

pub mod adaptive;
pub mod chosen;
mod contract;
pub mod deadline;
pub mod fixed;
pub mod follow;
pub mod kept;
pub mod ladder;
pub mod mind;
pub mod rules;
pub mod settings;

use chosen::{ChosenPolicy, Row};
pub use contract::{Opening, Opinion, Patience, Policy, Situation, Standing, Wish};

/// The policies that a strategy file can name, one row each; the first is the default.
pub const POLICIES: [&Row; 4] = [&follow::ROW, &fixed::ROW, &ladder::ROW, &adaptive::policy::ROW];

impl Default for ChosenPolicy {
    fn default() -> ChosenPolicy {
        (POLICIES[0].read)(&settings::Settings::default())
    }
}
