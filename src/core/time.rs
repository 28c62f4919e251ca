//! Points in time and lengths of time, in whole milliseconds. The core never asks a clock: a [`Time`] is handed in.

use core::fmt;
use core::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// A moment: milliseconds since 1970-01-01T00:00:00Z. Arithmetic saturates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(i64);

/// A length of time in milliseconds, never negative. Arithmetic saturates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(i64);

impl Time {
    /// From milliseconds since the Unix epoch.
    pub const fn from_ms(ms: i64) -> Time {
        Time(ms)
    }

    /// From whole seconds since the Unix epoch, as the venue's `ct` gives them.
    pub const fn from_secs(secs: i64) -> Time {
        Time(secs.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub const fn since(self, earlier: Time) -> Span {
        let ms = self.0.saturating_sub(earlier.0);
        Span(if ms > 0 { ms } else { 0 })
    }

    /// Number of the UTC day this moment falls in, counted from 1970-01-01.
    pub const fn utc_day(self) -> i64 {
        self.0.div_euclid(Span::DAY.0)
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);
    /// One day, the length every price is quoted for.
    pub const DAY: Span = Span(86_400_000);
    /// The longest length that can be written: a hundred years, so that sums of lengths and moments stay within range.
    pub const LONGEST: Span = Span(36_500 * 86_400_000);

    /// From milliseconds; a negative number counts as zero.
    pub const fn from_ms(ms: i64) -> Span {
        Span(if ms > 0 { ms } else { 0 })
    }

    /// From whole seconds; a negative number counts as zero.
    pub const fn from_secs(secs: i64) -> Span {
        Span::from_ms(secs.saturating_mul(1000))
    }

    /// Length in milliseconds.
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// The same length `n` times over.
    pub const fn times(self, n: i64) -> Span {
        Span::from_ms(self.0.saturating_mul(n))
    }
}

impl Add<Span> for Time {
    type Output = Time;
    fn add(self, span: Span) -> Time {
        Time(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Time {
    type Output = Time;
    fn sub(self, span: Span) -> Time {
        Time(self.0.saturating_sub(span.0))
    }
}

impl Add for Span {
    type Output = Span;
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

impl Sub for Span {
    type Output = Span;
    fn sub(self, other: Span) -> Span {
        Span::from_ms(self.0.saturating_sub(other.0))
    }
}

/// The units a length is written in and their milliseconds, the largest first.
pub(crate) const UNITS: [(&str, i64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Writes the largest whole units, as a strategy file would: `1d2h`, `10m`, `9m53s`, `1.05s`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        let mut wrote = false;
        for (unit, ms) in UNITS.into_iter().take(3) {
            let whole = rest.div_euclid(ms);
            if whole > 0 {
                write!(f, "{whole}{unit}")?;
                rest = rest.rem_euclid(ms);
                wrote = true;
            }
        }
        if rest == 0 && wrote {
            return Ok(());
        }
        let (secs, ms) = (rest.div_euclid(1000), rest.rem_euclid(1000));
        match ms {
            0 => write!(f, "{secs}s"),
            ms if ms.rem_euclid(100) == 0 => write!(f, "{secs}.{}s", ms.div_euclid(100)),
            ms => write!(f, "{secs}.{ms:03}s"),
        }
    }
}
