#![no_std]
//! What clorebid decides, and nothing else: no IO, no clock, no randomness, no floats.
//!
//! [`engine::Engine`] is the only entry point. It believes a [`book`](crate) of servers and orders, corrects it by what
//! the venue shows, asks a policy what to bid, lets the limits refuse, and says which request is best now.
//!
//! ```text
//! money (by integers), time ◄─ market, ask, change ◄─ strategy, limits, lowering ◄─ policy ◄─ book ◄─ { reconcile, settle,
//! choose, decide, schedule ◄─ idle_reads } ◄─ engine ◄─ { memory, skip, status, explain }
//! ```

extern crate alloc;

pub mod beliefs;
pub mod decide;
pub mod denial;
pub mod engine;
pub mod event;
pub mod explain;
pub mod governing;
pub mod ids;
mod integers;
pub mod limits;
pub mod lowering;
pub mod market;
pub mod memory;
pub mod money;
pub mod policy;
pub mod reads;
pub mod request;
pub mod selection;
pub mod status;
pub mod strategy;
pub mod time;
pub mod words;
