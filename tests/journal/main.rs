//! What the journal promises: append-only, committed before sent, exact, small, and any touched byte is found.

mod chain;
mod durability;
mod files;
mod output;
mod size;
mod support;
mod upgrade;
mod views;
