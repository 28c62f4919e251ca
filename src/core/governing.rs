//! The venue's rate, as far as the core plans with it. The governor outside enforces the same numbers (I10).

use crate::time::Span;

/// Least time between the end of one request and the start of the next. Source: one request a second, with margin.
pub const SPACING: Span = Span::from_ms(1_050);
/// Least time between the end of one create and the start of the next. Source: one create in five seconds, with margin.
pub const CREATE_SPACING: Span = Span::from_ms(5_250);
