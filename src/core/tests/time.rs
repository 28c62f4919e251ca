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
        prop_assert_eq!(span.to_string().parse(), Ok(span), "{}", span);
    }

    #[test]
    fn no_text_makes_reading_panic(text in "[0-9]{0,30}[.]?[0-9]{0,30}[dhms]{0,3}\\PC{0,6}") {
        if let Ok(span) = text.parse::<Span>() {
            prop_assert!(span <= Span::LONGEST);
        }
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

#[test]
fn durations_are_numbers_with_units_from_the_largest_down() {
    let ms = |text: &str| text.parse().map(Span::ms);
    for (text, expected) in [
        ("30s", 30_000),
        ("20m", 1_200_000),
        ("2h", 7_200_000),
        ("1d", 86_400_000),
        ("250ms", 250),
        ("1h30m", 5_400_000),
        ("1s250ms", 1_250),
        ("1.5s", 1_500),
        ("1.5h", 5_400_000),
        ("0s", 0),
        ("1d0.25s", 86_400_250),
        ("36500d", Span::LONGEST.ms()),
    ] {
        assert_eq!(ms(text), Ok(expected), "{text}");
    }
    for refused in
        ["", "10", "m", "-1s", "1.2345s", "0.5ms", "5m1h", "1m1m", "1ms1s", "1 h", "1h ", "１m", "1.s", ".5s"]
    {
        assert!(ms(refused).is_err(), "{refused:?}");
    }
}

#[test]
fn a_text_that_is_no_duration_is_told_how_to_write_one() {
    let error = |text: &str| text.parse::<Span>().expect_err(text).to_string();
    assert_eq!(error("10"), "`10` is not a duration: write `10m` for minutes; units are `ms`, `s`, `m`, `h`, `d`");
    assert_eq!(error("10 minutes"), "`10 minutes` is not a duration: write `10m`");
    assert_eq!(
        error("soon"),
        "`soon` is not a duration: write a number and its unit, such as `30s`, `10m`, `2h`, `1d` or `1h30m`"
    );
    assert_eq!(error("0.0001s"), "`0.0001s` is not a whole number of milliseconds: leave out the places after that");
    for long in ["99999999999999999999d", "36500d1ms"] {
        assert!(error(long).contains("a hundred years"), "{}", error(long));
    }
}
