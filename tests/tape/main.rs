//! Tapes: what is refused and how, what survives a kill, what a journal gives and takes, what a series keeps.

#[path = "../common/left_out.rs"]
mod left_out;

mod bad;
mod real;
mod record;
mod series;
mod support;
mod transfer;
mod writer;
