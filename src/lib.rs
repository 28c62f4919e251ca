//! clorebid: a bidding bot for the GPU spot market of CLORE.AI.
//!
//! One loop ([`driver`]) asks the core which request is best now, commits what must be committed, sends it, commits
//! the answer and hands it to the core. Live and paper runs drive the very same core and differ only in clock and venue:
//!
//! ```text
//! core ◄─ clock, json ◄─ strategy, journal ◄─ governor ◄─ venue ◄─ { clore (HTTP), sim, tape } ◄─ driver ◄─ cli ◄─ main
//! history, clore ◄─ audit ◄─ cli;   tape, oracle ◄─ backtest ◄─ cli
//! ```
//!
//! Imports point left only; `tests/structure.rs` holds them to it. Where to start reading: `src/core/engine.rs` for what
//! is decided and which invariants hold, [`driver`] for the order in which things become durable.

pub use clorebid_core as core;

pub mod api;
pub mod audit;
pub mod backtest;
pub mod cli;
pub mod client;
pub mod clock;
pub mod clore;
pub mod history;
pub mod journal;
pub mod json;
pub mod lock;
pub mod oracle;
pub mod run;
pub mod session;
pub mod sim;
pub mod strategy;
pub mod tape;
pub mod wire;
