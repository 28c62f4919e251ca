//! Decimal reading against an independent one, rounding on ticks, and an accrual that divides once.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

mod common;

use clorebid_core::money::{Accrual, Amount, Currency, MoneyError, PerCurrency, Price, read_decimal};
use clorebid_core::time::Span;
use common::price;
use proptest::prelude::*;
use rust_decimal::Decimal;

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

/// The mantissa's digits with the point moved, written out without exponent.
fn written_out(digits: u64, exponent: i32) -> String {
    let text = digits.to_string();
    if exponent >= 0 {
        return text + &"0".repeat(exponent as usize);
    }
    let places = exponent.unsigned_abs() as usize;
    let padded = format!("{text:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    format!("{whole}.{fraction}")
}

proptest! {
    #[test]
    fn an_exponent_moves_the_point_and_loses_nothing(digits in 0..1_000_000_000_000_u64, exponent in -16..12_i32) {
        let (value, exact) = read_decimal(&format!("{digits}e{exponent}")).expect("a number");
        prop_assert!(exact);
        prop_assert_eq!(value, decimal(&written_out(digits, exponent)));
        prop_assert_eq!(read_decimal(&format!("-{digits}E{exponent}")).expect("a number").0, -value);
        prop_assert_eq!(read_decimal(&written_out(digits, exponent)).expect("a number"), (value, true));
    }

    #[test]
    fn what_it_prints_it_reads(mantissa in 0..u64::MAX, scale in 0..28_u32) {
        let value = Price::new(Decimal::from_i128_with_scale(i128::from(mantissa), scale)).expect("not negative");
        prop_assert_eq!(Price::parse(&value.to_string()).expect("canonical"), value);
        prop_assert!(!value.to_string().contains('e'));
    }

    #[test]
    fn digits_beyond_the_28th_are_rounded_half_to_even_and_flagged(head in 1..10_u64, rest in 0..1000_u64) {
        // head, 26 zeros, a last kept digit of 0 or 1, then three digits that do not fit.
        for last in [0_u64, 1] {
            let text = format!("0.{head}{}{last}{rest:03}", "0".repeat(26));
            let (value, exact) = read_decimal(&text).expect("a number");
            let up = rest > 500 || (rest == 500 && last == 1);
            let kept = decimal(&format!("0.{head}{}{last}", "0".repeat(26)));
            let tiny = Decimal::new(1, 28);
            prop_assert_eq!(value, if up { kept + tiny } else { kept });
            prop_assert_eq!(exact, rest == 0);
        }
    }

    #[test]
    fn a_tick_above_and_a_tick_below_enclose(value in 0..u32::MAX, scale in 0..14_u32, tick in 1..5_000_i64) {
        let value = Price::new(Decimal::new(i64::from(value), scale)).expect("not negative");
        let tick = Price::new(Decimal::new(tick, 6)).expect("not negative");
        let (up, down) = (value.ceil_to(tick), value.floor_to(tick));
        for on_tick in [up, down] {
            prop_assert!((on_tick.decimal() % tick.decimal()).is_zero());
        }
        prop_assert!(down <= value && value <= up);
        prop_assert!(up.minus(value) < tick && value.minus(down) < tick);
        prop_assert_eq!(up.ceil_to(tick), up);
        prop_assert_eq!(up.floor_to(tick), up);
    }

    #[test]
    fn prices_of_any_length_compare_as_decimals_do(
        a in 0..(1_i128 << 96), b in 0..(1_i128 << 96), short in 0..96_u32, of_a in 0..29_u32, of_b in 0..29_u32,
    ) {
        let decimal = |number: i128, scale| Decimal::from_i128_with_scale(number >> short, scale);
        // Near misses are what a comparison gets wrong: the same number in another scale, and one more than that.
        let ten = Decimal::from_i128_with_scale((a >> 40 >> short) * 1_000, of_a.max(3));
        let same = Decimal::from_i128_with_scale(a >> 40 >> short, of_a.max(3) - 3);
        let pairs = [(decimal(a, of_a), decimal(b, of_b)), (ten, same), (ten, same + Decimal::ONE)];
        for (a, b) in pairs {
            let price = |d| Price::new(d).expect("not negative");
            prop_assert_eq!(price(a).cmp(&price(b)), a.cmp(&b));
            prop_assert_eq!(price(a) == price(b), a == b);
        }
    }

    #[test]
    fn steps_reach_or_pass_the_price_and_one_less_does_not(
        value in 0..u32::MAX, scale in 0..14_u32, step in 1..5_000_i64,
    ) {
        let value = Price::new(Decimal::new(i64::from(value), scale)).expect("not negative");
        let step = Price::new(Decimal::new(step, 4)).expect("not negative");
        let Some(steps) = value.steps_of(step) else {
            // Only where the number of steps is too large to be counted.
            prop_assert!(value.decimal() / step.decimal() > Decimal::from(u32::MAX - 1));
            return Ok(());
        };
        prop_assert!(step.times(steps.into()) >= value);
        prop_assert!(steps == 0 || step.times(u64::from(steps) - 1) < value);
    }

    #[test]
    fn an_accrual_divides_once(stretches in proptest::collection::vec((1..100_000_i64, 1..10_000_000_i64), 1..30)) {
        let mut sum = Accrual::ZERO;
        let mut exact: i128 = 0;
        for (bid, ms) in &stretches {
            sum = sum.plus(price(*bid).accrue(Span::from_ms(*ms)));
            exact += i128::from(*bid) * i128::from(*ms);
        }
        // ticks of 1e-8 times milliseconds, over a day, at 18 places: exact * 10^10 / 86400000, half to even.
        let (numerator, day) = (exact * 10_000_000_000, 86_400_000_i128);
        let (whole, rest) = (numerator / day, numerator % day);
        let up = rest * 2 > day || (rest * 2 == day && whole % 2 == 1);
        let expected = Decimal::from_i128_with_scale(whole + i128::from(up), 18);
        prop_assert_eq!(sum.amount().decimal(), expected.normalize());
    }

    #[test]
    fn percent_on_top_is_exact(value in 0..1_000_000_000_i64, percent in 0..10_000_i64) {
        let sum = price(value).plus_percent(Decimal::new(percent, 2)).decimal();
        prop_assert_eq!(sum * Decimal::from(10_000), Decimal::new(value, 8) * Decimal::from(10_000 + percent));
    }

    #[test]
    fn no_text_makes_it_panic(text in "[-+0-9eE. ]{0,12}") {
        let _ = read_decimal(&text);
        let _ = Amount::observe(&text);
    }

    #[test]
    fn sums_saturate_and_differences_stop_at_zero(a in 0..i64::MAX, b in 0..i64::MAX) {
        let (a, b) = (price(a), price(b));
        prop_assert_eq!(a.plus(b).minus(b), a);
        prop_assert_eq!(a.minus(b).is_zero(), a <= b);
        prop_assert_eq!(a.plus(Price::MAX), Price::MAX);
    }
}

#[test]
fn what_is_no_number_is_an_error() {
    for text in ["", "-", ".", ".5", "5.", "1e", "e5", "1e+", "0x1", "1_000", "1,5", "NaN", "inf", "1.2.3", "+1", "--1"]
    {
        assert_eq!(read_decimal(text), Err(MoneyError::NotANumber(text.into())), "{text}");
    }
    assert!(read_decimal("1e29").is_err(), "more than 28 digits");
    assert!(read_decimal(&"9".repeat(401)).is_err());
    assert!(read_decimal("1e999999999999").is_err());
}

#[test]
fn the_venues_own_numbers_are_read_as_they_are() {
    let read = |text: &str| Price::observe(text).expect("a price");
    assert_eq!(read("3e-7"), (Price::parse("0.0000003").expect("a price"), true));
    assert_eq!(read("6.944444444444445e-9").0.to_string(), "0.000000006944444444444445");
    assert_eq!(read("0.00000420").0.to_string(), "0.0000042");
    assert_eq!(read("1e-40"), (Price::ZERO, false), "too small to keep: nothing, and flagged");
    assert_eq!(read("-0"), (Price::ZERO, true));
    assert_eq!(Price::parse("-1"), Err(MoneyError::Negative("-1".into())));
    let long = "0.00000000000000000000000000001";
    assert_eq!(Price::parse(long), Err(MoneyError::Inexact(long.into())), "our own numbers are exact or an error");
}

#[test]
fn a_tick_of_nothing_changes_nothing_and_overflow_counts_as_the_largest() {
    assert_eq!(price(5).ceil_to(Price::ZERO), price(5));
    assert_eq!(Price::MAX.plus_percent(Decimal::ONE_HUNDRED), Price::MAX);
    assert!(Price::MAX.accrue(Span::DAY).amount() > price(1_000_000).for_a_day());
    assert!(Price::MAX.ceil_to(price(1)) >= Price::MAX.floor_to(price(1)));
}

#[test]
fn each_currency_keeps_its_own_value() {
    let mut all = PerCurrency::none();
    for (i, currency) in Currency::ALL.into_iter().enumerate() {
        assert_eq!(Currency::from_name(currency.name()), Some(currency));
        assert_eq!(all.get(currency), None);
        all = all.with(currency, i);
        assert_eq!(all.get(currency), Some(i));
    }
    assert_eq!(Currency::from_name("BTC"), None);
    assert_eq!(Currency::Bitcoin.tick(), price(1));
    assert_eq!(Currency::Usd.tick(), price(10_000));
}
