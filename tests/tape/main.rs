//! Tapes: what is refused and how, what survives a kill, what a journal gives and takes, what a series keeps.

mod bad;
mod real;
mod record;
mod series;
mod support;
mod transfer;
mod writer;
