//! See `fuzz/checks/scenario.rs` for what is checked, and `tape.rs` beside this for how to run it.
#![no_main]

#[path = "../checks/scenario.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
