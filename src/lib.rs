//! clorebid: a bidding bot for the GPU spot market of CLORE.AI.
//!
//! One loop ([`driver`]) asks the core which request is best now, commits what must be committed, sends it, commits
//! the answer and hands it to the core:
//!
//! ```text
//! core ◄─ clock, json ◄─ journal ◄─ governor ◄─ venue ◄─ { clore (HTTP), sim } ◄─ driver ◄─ cli ◄─ main
//! ```
//!
//! Imports point left only; `tests/structure.rs` holds them to it.

pub use clorebid_core as core;

pub mod clock;
pub mod clore;
pub mod governor;
pub mod history;
pub mod journal;
pub mod json;
pub mod sim;
pub mod strategy;
pub mod venue;
