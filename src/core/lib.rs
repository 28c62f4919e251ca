#![no_std]
#![doc = "x"]
extern crate alloc;

pub mod ask;
pub mod change;
pub mod limits;
pub mod market;
pub mod money;
pub mod strategy;
pub mod time;
