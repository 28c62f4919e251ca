//! The simulated venue: the API page's rules to the letter, pure and seeded, in this process or behind HTTP.
//!
//! [`Exchange::handle`] is the one way in: a request and its time go in, status and body come out, or a fault. A
//! [`Scenario`] says what the venue is like and what happens there; [`SimVenue`] puts an exchange in the place of the
//! HTTP client, and [`http`] serves one to any other client.
//!
//! | file | what it holds |
//! |---|---|
//! | `scenario`, `rules`, `fault`, `text`, `check`, `load` | the scenario file |
//! | `handle` | the way in: time, keys, rates, faults |
//! | `calls`, `orders`, `body`, `wire`, `reply` | the ten calls, their bodies and answers |
//! | `exchange`, `state`, `queue`, `draw` | the venue's data: books and orders, what is due, chance |
//! | `holding`, `events` | who holds what, what happens by itself |
//! | `truth` | what tests may know that clients are not told |
//! | `venue`, `http` | its two faces |

mod body;
mod calls;
mod check;
mod draw;
mod events;
mod exchange;
pub mod fault;
mod handle;
mod holding;
pub mod http;
mod load;
mod orders;
mod queue;
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
pub use load::ScenarioError;
pub use reply::{Handled, LogEntry, Wire};
pub use rules::{Eviction, PAPER_KEY, Rules};
pub use scenario::Scenario;
pub use state::{End, EvictionRecord, Holder, HolderChange, Kind, Loss, OrderState};
pub use text::SpanRange;
pub use truth::OrderTruth;
pub use venue::SimVenue;
