#![no_std]
//! What clorebid decides, and nothing else: no IO, no clock, no randomness, no floats.
//!
//! [`engine::Engine`] is the only entry point. It keeps beliefs about servers and orders, corrects them by what
//! the venue shows, asks a policy what to bid, lets the limits refuse, and says which request is best now.
//!
//! ```text
//! ids, money (by integers), time, words ◄─ denial ◄─ market, event, request ◄─ policy (rules, chosen, and one file each)
//! ◄─ strategy ◄─ limits, lowering ◄─ beliefs { order by position, servers by queues, ledger,
//! reconcile: reads, outcomes: answers } ◄─ decide { decision, order, choose, going, pricing } ◄─ reads { schedule, agenda }
//! ◄─ engine ◄─ { memory, fast_forward, status, explain }
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
