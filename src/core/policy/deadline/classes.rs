//! Which prices are told apart: those between quantiles of all that was seen, each class with its mean.

use alloc::vec::Vec;

use crate::policy::deadline::series::Series;
use crate::policy::deadline::whole::{Whole, whole};
use crate::policy::deadline::{MOST_CLASSES, ONE};

/// Where the classes begin, in thousandths of the time in which a server was to be had.
const QUANTILES: [i64; MOST_CLASSES] = [0, 250, 500, 750, 900, 970];

/// The classes of price. The one after the last is that of not being to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classes {
    /// A class holds prices above this, up to that of the next; the first holds everything below the second.
    above: Vec<i64>,
    /// Their mean prices.
    means: Vec<Whole>,
}

impl Classes {
    /// One class of everything that costs less than on demand.
    pub fn one() -> Classes {
        Classes { above: [-1].into(), means: [whole(ONE / 2)].into() }
    }

    /// Those that the prices of all servers make.
    pub fn of(all: &[Series]) -> Classes {
        let mut prices = Vec::new();
        for series in all {
            let last = series.pieces.len().saturating_sub(1);
            for (place, (piece, end)) in series.stretches().enumerate() {
                // What was just seen counts for something, too.
                let time = end - piece.at + whole(i64::from(place == last));
                prices.extend(piece.share.filter(|share| *share < ONE && time.0 > 0).map(|share| (share, time)));
            }
        }
        if prices.is_empty() {
            return Classes::one();
        }
        prices.sort_unstable_by_key(|(share, _)| *share);
        let mut classes = Classes { above: Vec::new(), means: Vec::new() };
        let mut before = -1;
        for quantile in QUANTILES {
            let share = share_at(&prices, quantile);
            if classes.above.is_empty() || share > before {
                classes.above.push(if classes.above.is_empty() { -1 } else { before });
                before = share;
            }
        }
        classes.take_means(&prices);
        classes
    }

    fn take_means(&mut self, prices: &[(i64, Whole)]) {
        let mut sums = [(whole(0), whole(0)); MOST_CLASSES];
        for (share, time) in prices {
            if let Some((cost, sum)) = sums.get_mut(self.class(*share)) {
                *cost += *time * whole(*share);
                *sum += *time;
            }
        }
        let mut mean = whole(ONE / 2);
        for (cost, time) in sums.iter().take(self.count()) {
            mean = if time.0 > 0 { *cost / *time } else { mean };
            self.means.push(mean);
        }
    }

    /// How many classes there are, that of not being to be had left out.
    pub fn count(&self) -> usize {
        self.above.len()
    }

    /// The class of a price.
    pub fn class(&self, share: i64) -> usize {
        if share >= ONE {
            return self.count();
        }
        self.above.iter().rposition(|above| share > *above).unwrap_or(0)
    }

    /// The mean price of a class.
    pub fn mean(&self, class: usize) -> Whole {
        self.means.get(class).copied().unwrap_or(whole(ONE))
    }
}

/// The price below which the server was for so many thousandths of the time.
fn share_at(prices: &[(i64, Whole)], quantile: i64) -> i64 {
    let sum: Whole = prices.iter().map(|(_, time)| *time).sum();
    let mut passed = whole(0);
    let found = prices.iter().find(|(_, time)| {
        passed += *time;
        passed * whole(1_000) > sum * whole(quantile)
    });
    found.or(prices.last()).map_or(ONE / 2, |(share, _)| *share)
}
