//! The oracle against searches that know none of its shortcuts, against its own plans, and against a real market.

#[path = "oracle/baselines.rs"]
mod baselines;
#[path = "oracle/brute.rs"]
mod brute;
#[path = "oracle/deadline.rs"]
mod deadline;
#[path = "oracle/exact.rs"]
mod exact;
#[path = "common/left_out.rs"]
mod left_out;
#[path = "oracle/matching.rs"]
mod matching;
#[path = "oracle/real_tape.rs"]
mod real_tape;
#[path = "oracle/support.rs"]
mod support;
#[path = "oracle/tracks.rs"]
mod tracks;
#[path = "oracle/valuation.rs"]
mod valuation;
