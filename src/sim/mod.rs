//! The simulated venue: the API page's rules to the letter, pure and seeded, in this process or behind HTTP.
//!
//! [`Exchange::handle`] is the one way in: a request and its time go in, status and body come out, or a fault. A
//! [`Scenario`] says what the venue is like and what happens there; [`SimVenue`] puts an exchange in the place of the
//! HTTP client, and [`http`] serves one to any other client.
//!
//! | file | what it holds |
//! |---|---|
//! | `scenario`, `rules`, `fault`, `text`, `check` | the scenario file |
//! | `exchange` | the way in: time, keys, rates, faults |
//! | `calls`, `orders`, `body`, `wire`, `reply` | the ten calls, their bodies and answers |
//! | `state`, `holding`, `events`, `draw` | books and orders, who holds what, what happens by itself, chance |
//! | `truth` | what tests may know that clients are not told |
//! | `venue`, `http` | its two faces |

mod body;
mod calls;
mod check;
mod draw;
mod events;
mod exchange;
pub mod fault;
mod holding;
pub mod http;
mod orders;
mod reply;
pub mod rules;
pub mod scenario;
mod state;
mod text;
mod truth;
mod venue;
mod wire;

pub use exchange::Exchange;
pub use http::{Shared, router, serve};
pub use reply::{Handled, LogEntry, Wire};
pub use rules::{Eviction, PAPER_KEY, Rules};
pub use scenario::{Scenario, ScenarioError};
pub use state::{End, Holder, Kind, OrderState};
pub use text::SpanRange;
pub use truth::{EvictionRecord, HolderChange, Loss, OrderTruth};
pub use venue::SimVenue;
