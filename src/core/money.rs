//! Money without rounding: a [`Price`] is per server and day, an [`Amount`] is a sum, an [`Accrual`] is a sum still in the making.
//!
//! Text is read digit by digit. What does not fit 28 significant digits or 28 decimal places is an error in our own
//! numbers ([`Price::parse`]) and a flag in what others tell us ([`Price::observe`]). Nothing here ever becomes a float.

use alloc::string::{String, ToString};
use core::cmp::Ordering;
use core::fmt;

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::integers::{aligned, compare, divide};
use crate::time::Span;

/// Why a text is not the number that was wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a decimal number at all.
    #[error("`{0}` is not a decimal number")]
    NotANumber(String),
    /// A price or sum of ours may not be below zero.
    #[error("`{0}` is negative")]
    Negative(String),
    /// More digits than can be held exactly.
    #[error("`{0}` has more digits than can be kept exactly")]
    Inexact(String),
}

/// Reads a decimal number as JSON or TOML writes it, exponent included, and says whether it is exact.
///
/// Digits beyond 28 significant ones or 28 places are rounded half to even, which makes it inexact.
///
/// # Errors
/// [`MoneyError::NotANumber`] when it is no number or too large for 28 digits.
pub fn read_decimal(text: &str) -> Result<(Decimal, bool), MoneyError> {
    Digits::read(text).and_then(|d| d.decimal()).ok_or_else(|| MoneyError::NotANumber(text.to_string()))
}

/// A number's significant digits and the power of ten behind them.
struct Digits {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Digits {
    fn read(text: &str) -> Option<Digits> {
        let text = text.trim();
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((m, e)) => (m, e.parse::<i32>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        let dangling = mantissa.contains('.') && fraction.is_empty();
        if whole.is_empty() || dangling || !all_digits(whole) || !all_digits(fraction) || text.len() > 400 {
            return None;
        }
        let mut digits = String::with_capacity(mantissa.len());
        digits.push_str(whole);
        digits.push_str(fraction);
        let places = i64::try_from(fraction.len()).ok()?;
        let mut exponent = i64::from(exponent).checked_sub(places)?;
        while digits.len() > 1 && digits.ends_with('0') {
            digits.pop();
            exponent = exponent.checked_add(1)?;
        }
        let digits = match digits.trim_start_matches('0') {
            "" => {
                return Some(Digits { negative: false, digits: "0".to_string(), exponent: 0 });
            }
            significant => significant.to_string(),
        };
        Some(Digits { negative, digits, exponent })
    }

    fn decimal(mut self) -> Option<(Decimal, bool)> {
        let count = i64::try_from(self.digits.len()).ok()?;
        let surplus = count.checked_sub(28)?.max(self.exponent.checked_add(28)?.checked_neg()?).max(0);
        if surplus > count {
            return Some((Decimal::ZERO, false));
        }
        let dropped = self.digits.split_off(usize::try_from(count.checked_sub(surplus)?).ok()?);
        self.exponent = self.exponent.checked_add(surplus)?;
        let mut mantissa: i128 = if self.digits.is_empty() { 0 } else { self.digits.parse().ok()? };
        if !dropped.is_empty() {
            let odd = mantissa.rem_euclid(2) == 1;
            let half_or_more = dropped.as_bytes().first().is_some_and(|d| *d >= b'5');
            let tie = dropped.starts_with('5') && dropped.bytes().skip(1).all(|b| b == b'0');
            if half_or_more && (!tie || odd) {
                mantissa = mantissa.checked_add(1)?;
            }
        }
        if self.exponent > 0 {
            let power = u32::try_from(self.exponent).ok().filter(|e| *e <= 28)?;
            mantissa = mantissa.checked_mul(10_i128.checked_pow(power)?)?;
            self.exponent = 0;
        }
        let scale = u32::try_from(self.exponent.checked_neg()?).ok()?;
        let signed = if self.negative { mantissa.checked_neg()? } else { mantissa };
        let value = Decimal::try_from_i128_with_scale(signed, scale).ok()?;
        Some((value.normalize(), dropped.is_empty()))
    }
}

/// A price per server and day, zero or more, in a currency that the context names.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Price(#[serde(serialize_with = "canonical")] Decimal);

/// A sum of money, zero or more, in a currency that the context names.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Amount(#[serde(serialize_with = "canonical")] Decimal);

/// Writes a number the one way it is written everywhere: without trailing zeros.
fn canonical<S: serde::Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&value.normalize())
}

macro_rules! non_negative_decimal {
    ($name:ident) => {
        impl $name {
            /// Nothing.
            pub const ZERO: $name = $name(Decimal::ZERO);
            /// More than any real one: what an overflow counts as, so that a limit refuses it.
            pub const MAX: $name = $name(Decimal::MAX);

            /// Reads one of our own numbers: exact or an error.
            ///
            /// # Errors
            /// When it is no number, negative, or has more digits than can be kept.
            pub fn parse(text: &str) -> Result<$name, MoneyError> {
                match $name::observe(text)? {
                    (value, true) => Ok(value),
                    (_, false) => Err(MoneyError::Inexact(text.to_string())),
                }
            }

            /// Reads a number that somebody else wrote; the flag says whether it is exact.
            ///
            /// # Errors
            /// When it is no number or negative.
            pub fn observe(text: &str) -> Result<($name, bool), MoneyError> {
                let (value, exact) = read_decimal(text)?;
                let value = $name::new(value).ok_or_else(|| MoneyError::Negative(text.to_string()))?;
                Ok((value, exact))
            }

            /// Wraps a decimal, unless it is negative.
            pub fn new(value: Decimal) -> Option<$name> {
                let negative = value.is_sign_negative() && !value.is_zero();
                (!negative).then_some($name(value))
            }

            /// The bare number, normalised: it prints canonically, without exponent or trailing zeros.
            pub fn decimal(self) -> Decimal {
                self.0.normalize()
            }

            /// Whether it is nothing.
            pub fn is_zero(self) -> bool {
                self.0.is_zero()
            }

            /// The sum; an overflow counts as [`Self::MAX`].
            pub fn plus(self, other: $name) -> $name {
                $name(self.0.checked_add(other.0).unwrap_or(Decimal::MAX))
            }

            /// The difference, zero when `other` is the larger.
            pub fn minus(self, other: $name) -> $name {
                if other >= self {
                    return $name::ZERO;
                }
                $name(self.0.checked_sub(other.0).unwrap_or(Decimal::ZERO))
            }

            /// `percent` hundredths of it on top: 5 makes 100 into 105. An overflow counts as [`Self::MAX`].
            pub fn plus_percent(self, percent: Decimal) -> $name {
                // A hundredth is a shift of the point, which a division would take ten times as long to find out.
                let hundredth = Decimal::from_parts(1, 0, 0, false, 2);
                let share = percent.checked_mul(hundredth).and_then(|p| p.checked_mul(self.0));
                $name(share.and_then(|s| s.checked_add(self.0)).unwrap_or(Decimal::MAX))
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &$name) -> bool {
                compare(self.0, other.0).is_eq()
            }
        }

        impl Eq for $name {}

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &$name) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &$name) -> Ordering {
                compare(self.0, other.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0.normalize(), f)
            }
        }
    };
}

non_negative_decimal!(Price);
non_negative_decimal!(Amount);

impl Price {
    /// The least multiple of `tick` that is not below this price. A zero tick leaves it alone.
    pub fn ceil_to(self, tick: Price) -> Price {
        if tick.is_zero() {
            return self;
        }
        let in_ticks = aligned(self.0, tick.0).and_then(|(price, tick, scale)| {
            let (_, above) = divide(price, tick)?;
            let lifted = if above == 0 { price } else { price.checked_sub(above)?.checked_add(tick)? };
            Some((above == 0, Decimal::try_from_i128_with_scale(lifted, scale).ok()?))
        });
        match in_ticks {
            Some((true, _)) => self,
            Some((false, lifted)) => Price(lifted.normalize()),
            None => self.ceil_to_rarely(tick),
        }
    }

    /// The same in decimals, for numbers too long for integers of one scale.
    fn ceil_to_rarely(self, tick: Price) -> Price {
        let whole =
            self.0.checked_div(tick.0).map(|q| q.round_dp_with_strategy(0, RoundingStrategy::ToPositiveInfinity));
        let lifted = whole.and_then(|w| w.checked_mul(tick.0)).map_or(Decimal::MAX, |d| d.normalize());
        // A quotient rounded at its 28th digit could land one tick low.
        if lifted < self.0 { Price(lifted).plus(tick) } else { Price(lifted) }
    }

    /// The greatest multiple of `tick` that is not above this price. A zero tick leaves it alone.
    pub fn floor_to(self, tick: Price) -> Price {
        let up = self.ceil_to(tick);
        if up > self { up.minus(tick) } else { up }
    }

    /// Whether the venue may mean `other` where it shows this price: a float on its way blurs the last of 17 digits, and
    /// never as much as a hundredth of a tick.
    pub fn shows(self, other: Price, tick: Price) -> bool {
        let difference = if self > other { self.minus(other) } else { other.minus(self) };
        self == other || difference.times(100) < tick
    }

    /// The least whole number of `step`s that reach or pass it; `None` where the step is nothing or the number too large.
    pub fn steps_of(self, step: Price) -> Option<u32> {
        let (price, step, _) = aligned(self.0, step.0)?;
        let (whole, rest) = divide(price, step)?;
        u32::try_from(whole.checked_add((rest > 0).into())?).ok()
    }

    /// `n` times this price; an overflow counts as [`Self::MAX`].
    pub fn times(self, n: u64) -> Price {
        Price(self.0.checked_mul(Decimal::from(n)).unwrap_or(Decimal::MAX))
    }

    /// What holding at this price for `span` costs, not yet divided.
    pub fn accrue(self, span: Span) -> Accrual {
        Accrual(self.0.checked_mul(Decimal::from(span.ms())).unwrap_or(Decimal::MAX))
    }

    /// For how long that amount pays at this price, rounded up; `None` where the price is zero.
    pub fn lasts(self, amount: Amount) -> Option<Span> {
        let ms = amount.0.checked_mul(Decimal::from(Span::DAY.ms()))?.checked_div(self.0)?.ceil();
        Some(Span::from_ms(ms.to_i64().unwrap_or(i64::MAX)))
    }

    /// What a whole day at this price costs.
    pub fn for_a_day(self) -> Amount {
        Amount(self.0)
    }
}

impl Amount {
    /// `percent` hundredths of it: 5 makes 100 into 5.
    pub fn percent(self, percent: Decimal) -> Amount {
        self.plus_percent(percent).minus(self)
    }
}

/// Price times milliseconds, summed exactly; divided by the length of a day once, when shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Accrual(Decimal);

impl Accrual {
    /// Nothing accrued.
    pub const ZERO: Accrual = Accrual(Decimal::ZERO);

    /// A sum of money as if it had accrued in a day.
    pub fn of(amount: Amount) -> Accrual {
        Price(amount.0).accrue(Span::DAY)
    }

    /// So many units of a price's `scale`-th decimal place times a millisecond; `None` where they are too many.
    pub(crate) fn of_units(units: i128, scale: u32) -> Option<Accrual> {
        Decimal::try_from_i128_with_scale(units, scale).ok().map(Accrual)
    }

    /// The sum of both; an overflow counts as the largest there is.
    pub fn plus(self, other: Accrual) -> Accrual {
        Accrual(self.0.checked_add(other.0).unwrap_or(Decimal::MAX))
    }

    /// What is left of it without the other; nothing where that is more.
    pub fn minus(self, other: Accrual) -> Accrual {
        Accrual(self.0.checked_sub(other.0).unwrap_or_default().max(Decimal::ZERO))
    }

    /// The sum of money it stands for: divided once, 18 places, half to even.
    pub fn amount(self) -> Amount {
        let divided = self.0.checked_div(Decimal::from(Span::DAY.ms())).unwrap_or(Decimal::MAX);
        Amount(divided.round_dp_with_strategy(18, RoundingStrategy::MidpointNearestEven).normalize())
    }
}

/// What a price is counted in. The names are the venue's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Currency {
    /// `bitcoin`
    #[serde(rename = "bitcoin")]
    Bitcoin,
    /// `CLORE-Blockchain`
    #[serde(rename = "CLORE-Blockchain")]
    Clore,
    /// `USD-Blockchain`
    #[serde(rename = "USD-Blockchain")]
    Usd,
}

impl Currency {
    /// Every currency the venue knows.
    pub const ALL: [Currency; 3] = [Currency::Bitcoin, Currency::Clore, Currency::Usd];

    /// The venue's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Currency::Bitcoin => "bitcoin",
            Currency::Clore => "CLORE-Blockchain",
            Currency::Usd => "USD-Blockchain",
        }
    }

    /// The currency of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Currency> {
        Currency::ALL.into_iter().find(|c| c.name() == name)
    }

    /// The price resolution unless a strategy sets another: 0.00000001 bitcoin, 0.0001 of the others.
    pub fn tick(self) -> Price {
        match self {
            Currency::Bitcoin => Price(Decimal::from_parts(1, 0, 0, false, 8)),
            Currency::Clore | Currency::Usd => Price(Decimal::from_parts(1, 0, 0, false, 4)),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// At most one value for each currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PerCurrency<T>([Option<T>; 3]);

impl<T: Copy> PerCurrency<T> {
    /// No value for any currency.
    pub const fn none() -> Self {
        PerCurrency([None; 3])
    }

    /// The value for that currency.
    pub fn get(&self, currency: Currency) -> Option<T> {
        match currency {
            Currency::Bitcoin => self.0[0],
            Currency::Clore => self.0[1],
            Currency::Usd => self.0[2],
        }
    }

    /// The same with `value` for that currency.
    #[must_use]
    pub fn with(mut self, currency: Currency, value: T) -> Self {
        let at = match currency {
            Currency::Bitcoin => 0,
            Currency::Clore => 1,
            Currency::Usd => 2,
        };
        if let Some(slot) = self.0.get_mut(at) {
            *slot = Some(value);
        }
        self
    }
}
