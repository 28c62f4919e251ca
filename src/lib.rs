//! clorebid: a bidding bot for the GPU spot market of CLORE.AI.
//!
//! One loop ([`run::driver`]) asks the core which request is best now and sends it through the [`session`], which commits
//! what must be committed, sends it, commits the answer, and only then tells what it means. Live and paper runs drive the
//! very same core and differ only in clock and venue; a backtest drives it over a tape.
//!
//! ```text
//! core ◄─ clock, json, lock, wire ◄─ strategy ◄─ journal ◄─ history ◄─ clore (the venue's format) ◄─ api (request ⇄ wire)
//!      ◄─ session (the only way to send) ◄─ { client (HTTP), sim } ◄─ tape ◄─ run ◄─ { notify, metrics }
//!      ◄─ audit ◄─ oracle ◄─ backtest ◄─ cli
//! ```
//!
//! Imports point left only; `tests/structure` holds them to it, file by file. Where to start reading: docs/ARCHITECTURE.md
//! for the map and the words, `src/core/engine.rs` for what is decided and which invariants hold, [`session`] for the
//! order in which things become durable.

pub use clorebid_core as core;

pub mod account;
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
pub mod metrics;
pub mod notify;
pub mod oracle;
pub mod run;
pub mod session;
pub mod sim;
pub mod strategy;
pub mod tape;
pub mod wire;
