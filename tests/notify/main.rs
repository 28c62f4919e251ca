//! Telling people, at its edges: what each kind of receiver is sent, which events of a run are told, and that no receiver
//! whatsoever keeps the loop from anything; and what a run shows on `--listen`.
#![allow(unreachable_pub, reason = "modules of a test program")]

#[path = "../common/mod.rs"]
mod common;

mod bad_receivers;
mod command;
mod listening;
mod news;
mod requests;
mod secrets;
mod server;
