#![no_std]
//! What clorebid decides, and nothing else: no IO, no clock, no randomness, no floats.
//!
//! [`engine::Engine`] is the only entry point. It believes a [`book`](crate) of servers and orders, corrects it by what
//! the venue shows, asks a policy what to bid, lets the limits refuse, and says which request is best now.
//!
//! ```text
//! money (by integers), time ◄─ market, ask, change ◄─ strategy, limits, lowering, selection ◄─ policy ◄─ book ◄─ { reconcile, settle,
//! choose, decide, schedule ◄─ rota } ◄─ engine ◄─ { memory, skip, status, explain }
//! ```

extern crate alloc;

pub mod ask;
mod book;
pub mod change;
mod choose;
mod decide;
pub mod engine;
pub mod explain;
pub mod governing;
mod integers;
pub mod limits;
pub mod lowering;
pub mod market;
pub mod memory;
pub mod money;
mod order;
pub mod policy;
pub mod reconcile;
mod rota;
mod schedule;
pub mod selection;
mod settle;
pub mod skip;
pub mod status;
pub mod strategy;
pub mod time;
