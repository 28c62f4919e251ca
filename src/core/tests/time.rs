//! Moments and lengths: whole milliseconds, saturating, never negative.
#![allow(clippy::arithmetic_side_effects, reason = "time's own arithmetic is what is tested")]

use clorebid_core::time::{Span, Time};
use proptest::prelude::*;

proptest! {
    #[test]
    fn adding_and_measuring_agree(at in -10_i64.pow(15)..10_i64.pow(15), span in 0..10_i64.pow(14)) {
        let (at, span) = (Time::from_ms(at), Span::from_ms(span));
        prop_assert_eq!((at + span).since(at), span);
        prop_assert_eq!((at + span) - span, at);
        prop_assert_eq!(at.since(at + span), Span::ZERO);
        prop_assert_eq!(at.utc_day() + 1, (at + Span::DAY).utc_day());
    }

    #[test]
    fn nothing_overflows(a in any::<i64>(), b in any::<i64>(), n in any::<i64>()) {
        let (at, span) = (Time::from_ms(a), Span::from_ms(b));
        prop_assert!(span >= Span::ZERO && span.times(n) >= Span::ZERO);
        prop_assert!(at + span >= at && at - span <= at);
        prop_assert!(Time::from_secs(a).since(Time::from_secs(b)) >= Span::ZERO);
        prop_assert!((span - Span::from_secs(n)) <= span);
    }

    #[test]
    fn a_length_reads_as_it_was_written(d in 0..40_i64, h in 0..24_i64, m in 0..60_i64, s in 0..60_i64, ms in 0..1_000_i64) {
        let span = Span::from_ms((((d * 24 + h) * 60 + m) * 60 + s) * 1000 + ms);
        let text = span.to_string();
        let mut sum = 0;
        let mut number = String::new();
        for c in text.chars() {
            let unit = match c {
                'd' => 86_400_000,
                'h' => 3_600_000,
                'm' => 60_000,
                's' => 1_000,
                _ => {
                    number.push(c);
                    continue;
                }
            };
            let value: rust_decimal::Decimal = number.parse().expect("a number before its unit");
            sum += i64::try_from(value * rust_decimal::Decimal::from(unit)).expect("whole milliseconds");
            number.clear();
        }
        prop_assert_eq!(sum, span.ms(), "{}", text);
    }
}

#[test]
fn lengths_are_written_in_the_largest_whole_units() {
    let cases = [
        (0, "0s"),
        (50, "0.050s"),
        (1_050, "1.050s"),
        (1_500, "1.5s"),
        (30_000, "30s"),
        (600_000, "10m"),
        (593_000, "9m53s"),
        (86_400_000, "1d"),
        (93_600_000, "1d2h"),
        (86_401_000, "1d1s"),
    ];
    for (ms, text) in cases {
        assert_eq!(Span::from_ms(ms).to_string(), text);
    }
}
