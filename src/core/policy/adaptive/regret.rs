//! What a bid has cost above the best one, as an exact sum, and whether the last replacement was any good.
//!
//! Sums are in thousandths of a tick per day times milliseconds and are never divided, so that a stretch of time may be
//! split in any way.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::policy::adaptive::{BACKOFF_MOST, SETTLE};
use crate::time::Time;

/// The regrets of one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Regret {
    /// What has been paid above the best there is.
    whole: Sum,
    /// What one step down would have saved.
    step: Sum,
    /// Up to when both are added up.
    at: Time,
    replaced: Option<Replaced>,
    backoff: u32,
}

/// A sum, and what it grows by in each millisecond. Neither is below nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Sum {
    #[serde(with = "as_text")]
    sum: i128,
    #[serde(with = "as_text")]
    rate: i128,
}

/// A replacement that is still to be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Replaced {
    at: Time,
    /// What the order bid that was given up.
    old: u64,
    /// What the new one was to bid.
    star: u64,
    /// Whether a rival has answered since.
    answered: bool,
}

/// Which of the two regrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// What is paid above the best there is.
    Whole,
    /// What one step down would save.
    Step,
}

impl Regret {
    /// None yet.
    pub fn new(at: Time) -> Regret {
        Regret { whole: Sum::default(), step: Sum::default(), at, replaced: None, backoff: 0 }
    }

    /// Adds up to that moment. A moment that is over already adds nothing.
    pub fn advance(&mut self, now: Time) {
        let passed = i128::from(now.ms()).saturating_sub(self.at.ms().into());
        if passed > 0 {
            self.whole.grow(passed);
            self.step.grow(passed);
            self.at = now;
        }
    }

    /// From here on each of them grows by so much. What is below nothing counts as nothing.
    pub fn set_rates(&mut self, whole: i128, step: i128) {
        self.whole.rate = whole.max(0);
        self.step.rate = step.max(0);
    }

    /// Nothing is regretted any more.
    pub fn clear(&mut self) {
        self.whole = Sum::default();
        self.step = Sum::default();
    }

    /// One step down was made: what it would have saved is over.
    pub fn clear_step(&mut self) {
        self.step = Sum::default();
    }

    /// How much it is.
    pub fn sum(&self, which: Which) -> i128 {
        self.of(which).sum
    }

    /// The first moment at which that much is reached; `None` where it never is.
    pub fn when(&self, which: Which, price: i128) -> Option<Time> {
        let Sum { sum, rate } = *self.of(which);
        let missing = price.saturating_sub(sum);
        if missing <= 0 {
            return Some(self.at);
        }
        let ms = missing.checked_sub(1)?.checked_div(rate)?.checked_add(1)?.checked_add(self.at.ms().into())?;
        i64::try_from(ms).ok().map(Time::from_ms)
    }

    /// An order that bid `old` is replaced by one at `star`.
    pub fn replaced(&mut self, at: Time, old: u64, star: u64) {
        self.clear();
        self.replaced = Some(Replaced { at, old, star, answered: false });
    }

    /// A rival has answered a bid of ours.
    pub fn answered(&mut self) {
        if let Some(replaced) = &mut self.replaced {
            replaced.answered = true;
        }
    }

    /// When the last replacement is to be judged; `None` where there is nothing to judge.
    pub fn judged_at(&self) -> Option<Time> {
        self.replaced.map(|replaced| replaced.at + SETTLE)
    }

    /// Judges the last replacement, if it is time to. It was no good where rivals have answered it and the bid is back
    /// at three quarters of the way: then the next one must have earned twice as much.
    pub fn judge(&mut self, now: Time, bid: u64) {
        let Some(Replaced { old, star, answered, .. }) = self.replaced else { return };
        if self.judged_at().is_some_and(|due| now < due) {
            return;
        }
        let is_back =
            u128::from(bid).saturating_mul(4) >= u128::from(old).saturating_mul(3).saturating_add(star.into());
        let doubled = self.backoff.saturating_add(1).min(BACKOFF_MOST);
        self.backoff = if answered && is_back { doubled } else { self.backoff.saturating_sub(1) };
        self.replaced = None;
    }

    /// How many times the price of a replacement is doubled.
    pub fn backoff(&self) -> u32 {
        self.backoff.min(BACKOFF_MOST)
    }

    fn of(&self, which: Which) -> &Sum {
        match which {
            Which::Whole => &self.whole,
            Which::Step => &self.step,
        }
    }
}

impl Sum {
    fn grow(&mut self, ms: i128) {
        self.sum = self.sum.saturating_add(self.rate.saturating_mul(ms));
    }
}

/// Whole numbers too long for what reads JSON.
mod as_text {
    use super::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(number: &i128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i128, D::Error> {
        let text = alloc::string::String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
