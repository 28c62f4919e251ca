//! Decimals as whole numbers of one scale: comparing and dividing them that way is just as exact as doing it with
//! decimals, and several times faster. Where a number does not fit, its caller falls back on decimals.

use core::cmp::Ordering;

use rust_decimal::Decimal;

/// The powers of ten that a decimal's scale can ask for.
const TENS: [i128; 29] = tens();
/// A decimal has 96 bits: times ten to this power it fits into 127 without a look.
const SURE: u32 = 9;

const fn tens() -> [i128; 29] {
    let mut all = [1_i128; 29];
    let mut n = 1_usize;
    while n < all.len() {
        all[n] = all[n.wrapping_sub(1)].wrapping_mul(10);
        n = n.wrapping_add(1);
    }
    all
}

/// That number in units of its `scale`-th decimal place, if it is a whole number of them that fits.
pub(crate) fn in_integers(number: Decimal, scale: u32) -> Option<i128> {
    let shift = scale.checked_sub(number.scale())?;
    let ten = TENS.get(usize::try_from(shift).ok()?)?;
    if shift <= SURE { Some(number.mantissa().wrapping_mul(*ten)) } else { number.mantissa().checked_mul(*ten) }
}

/// Both in units of the finer one's last decimal place, and that place.
pub(crate) fn aligned(a: Decimal, b: Decimal) -> Option<(i128, i128, u32)> {
    let scale = a.scale().max(b.scale());
    Some((in_integers(a, scale)?, in_integers(b, scale)?, scale))
}

/// Which of them is larger.
pub(crate) fn compare(a: Decimal, b: Decimal) -> Ordering {
    aligned(a, b).map_or_else(|| a.cmp(&b), |(a, b, _)| a.cmp(&b))
}

/// Quotient and remainder of two numbers that are not negative; `None` for a division by nothing.
pub(crate) fn divide(number: i128, by: i128) -> Option<(i128, i128)> {
    match (u64::try_from(number), u64::try_from(by)) {
        // Nearly always, and without a call to the long division.
        (Ok(number), Ok(by)) => Some((number.checked_div(by)?.into(), number.checked_rem(by)?.into())),
        _ => Some((number.checked_div(by)?, number.checked_rem(by)?)),
    }
}
