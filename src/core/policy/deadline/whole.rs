//! Whole numbers that stay at their bounds instead of running over, so that formulas can be read.

use core::ops::{Add, AddAssign, Div, Mul, Sub, SubAssign};

/// A whole number. Arithmetic saturates; what is divided by nothing is as large as can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Whole(pub i64);

/// That number.
pub(crate) const fn whole(number: i64) -> Whole {
    Whole(number)
}

impl Whole {
    /// As a place in a list.
    pub(crate) fn place(self) -> usize {
        usize::try_from(self.0).unwrap_or(0)
    }

    /// A place in a list as a number.
    pub(crate) fn of_place(place: usize) -> Whole {
        Whole(i64::try_from(place).unwrap_or(i64::MAX))
    }

    /// How often `by` goes into it, begun ones included. Neither is below nothing.
    pub(crate) fn times_up(self, by: Whole) -> Whole {
        (self + by - Whole(1)) / by
    }
}

impl Add for Whole {
    type Output = Whole;
    fn add(self, other: Whole) -> Whole {
        Whole(self.0.saturating_add(other.0))
    }
}

impl Sub for Whole {
    type Output = Whole;
    fn sub(self, other: Whole) -> Whole {
        Whole(self.0.saturating_sub(other.0))
    }
}

impl Mul for Whole {
    type Output = Whole;
    fn mul(self, other: Whole) -> Whole {
        Whole(self.0.saturating_mul(other.0))
    }
}

/// Towards nothing.
impl Div for Whole {
    type Output = Whole;
    fn div(self, other: Whole) -> Whole {
        Whole(self.0.checked_div(other.0).unwrap_or(i64::MAX))
    }
}

impl AddAssign for Whole {
    fn add_assign(&mut self, other: Whole) {
        *self = *self + other;
    }
}

impl SubAssign for Whole {
    fn sub_assign(&mut self, other: Whole) {
        *self = *self - other;
    }
}

impl core::iter::Sum for Whole {
    fn sum<I: Iterator<Item = Whole>>(numbers: I) -> Whole {
        numbers.fold(Whole(0), Add::add)
    }
}
