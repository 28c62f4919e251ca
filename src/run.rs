//! A run: the loop that asks the core what is best now and hands it what came back, and what a run goes on from.

pub mod blindness;
pub mod driver;
pub mod resume;

pub use blindness::{Blindness, Sight};
pub use driver::{Driver, EndedBy, Watcher, memory_json};
