//! Sentences with numbers in them, kept as values: they are compared and copied, and only put together when shown.

use core::fmt;

use crate::money::{Amount, Price};
use crate::time::Span;

/// A number within a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// A price per day.
    Price(Price),
    /// A length of time.
    Span(Span),
    /// A sum of money.
    Amount(Amount),
    /// So many thousandths.
    Thousandths(u64),
}

impl From<Price> for Number {
    fn from(price: Price) -> Number {
        Number::Price(price)
    }
}

impl From<Span> for Number {
    fn from(span: Span) -> Number {
        Number::Span(span)
    }
}

impl From<Amount> for Number {
    fn from(amount: Amount) -> Number {
        Number::Amount(amount)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Price(price) => price.fmt(f),
            Number::Span(span) => span.fmt(f),
            Number::Amount(amount) => amount.fmt(f),
            Number::Thousandths(all) => write!(f, "{}.{:03}", all.div_euclid(1_000), all.rem_euclid(1_000)),
        }
    }
}

/// The most numbers of a sentence.
const MOST: usize = 8;

/// A sentence in which each `{}` stands for the next of its numbers, of which there may be eight.
///
/// A policy words its reasons with it, at every look: so it takes no memory of its own and no time to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    text: &'static str,
    numbers: [Option<Number>; MOST],
}

impl Words {
    /// A sentence without numbers.
    pub const fn new(text: &'static str) -> Words {
        Words { text, numbers: [None; MOST] }
    }

    /// The same sentence with one more number.
    #[must_use]
    pub fn with(mut self, number: impl Into<Number>) -> Words {
        if let Some(free) = self.numbers.iter_mut().find(|n| n.is_none()) {
            *free = Some(number.into());
        }
        self
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut numbers = self.numbers.iter().flatten();
        for (index, piece) in self.text.split("{}").enumerate() {
            if index > 0
                && let Some(number) = numbers.next()
            {
                number.fmt(f)?;
            }
            f.write_str(piece)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn each_pair_of_braces_stands_for_the_next_number() {
        let words = Words::new("for {}, and {} more").with(Span::from_secs(90)).with(Span::from_secs(2));
        assert_eq!(words.to_string(), "for 1m30s, and 2s more");
        assert_eq!(Words::new("as it is").to_string(), "as it is");
        assert_eq!(Words::new("{} first").with(Span::ZERO).to_string(), "0s first");
    }
}
