#![no_std]
//! What clorebid decides, and nothing else: no IO, no clock, no randomness, no floats.
//!
//! [`engine::Engine`] is the only entry point. It holds [`beliefs`] of servers and orders, corrects them by what the venue
//! shows, asks a [`policy`] what to bid, lets the [`limits`] refuse, and says which request is best now.
//!
//! ```text
//! ids, time, money (by integers), stretch, duration, governing, words ◄─ market, denial, event, request ◄─ policy ◄─ strategy
//! ◄─ limits, lowering, selection ◄─ beliefs ◄─ decide ◄─ reads ◄─ engine ◄─ { memory, explain, status, on_record, fast_forward }
//! ```

extern crate alloc;

pub mod beliefs;
pub mod decide;
pub mod denial;
pub mod duration;
pub mod engine;
pub mod event;
pub mod explain;
pub mod fast_forward;
pub mod governing;
pub mod ids;
mod integers;
pub mod limits;
pub mod lowering;
pub mod market;
pub mod memory;
pub mod money;
mod on_record;
pub mod policy;
pub mod reads;
pub mod request;
pub mod selection;
pub mod status;
pub mod strategy;
pub mod stretch;
pub mod time;
pub mod words;
