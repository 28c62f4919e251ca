//! What was seen of one server's price, change by change, in bounded memory.

use alloc::collections::VecDeque;

use crate::policy::deadline::{MEMORY_SECS, MOST_CHANGES, ONE};

/// What one look at a server has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// This bid would win, in ticks.
    Price(u64),
    /// It was offline, hidden, or rented to somebody else on demand.
    Away,
    /// Nobody looked.
    Unwatched,
}

/// From this second on it was that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The second.
    pub at: i64,
    /// What was seen.
    pub sight: Sight,
}

/// The changes of one server, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sights(VecDeque<Change>);

impl Sight {
    /// The price as a share of that on demand: [`ONE`] where the server is not to be had for less, `None` where nobody
    /// knows.
    pub fn share(self, on_demand: u64) -> Option<i64> {
        match self {
            Sight::Price(ticks) => {
                let share = u128::from(ticks).saturating_mul(ONE.unsigned_abs().into());
                let share = share.checked_div(on_demand.into()).and_then(|share| i64::try_from(share).ok());
                Some(share.map_or(ONE, |share| share.min(ONE)))
            }
            Sight::Away => Some(ONE),
            Sight::Unwatched => None,
        }
    }
}

impl Sights {
    /// From that second on it is this. What has become too old or too much goes.
    pub fn push(&mut self, at: i64, sight: Sight) {
        if self.last() == Some(sight) {
            return;
        }
        let too_old = at.saturating_sub(MEMORY_SECS);
        while self.0.len() >= MOST_CHANGES || self.0.get(1).is_some_and(|next| next.at <= too_old) {
            self.0.pop_front();
        }
        self.0.push_back(Change { at, sight });
    }

    /// What was seen last.
    pub fn last(&self) -> Option<Sight> {
        self.0.back().map(|change| change.sight)
    }

    /// All of them, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Change> + ExactSizeIterator {
        self.0.iter()
    }
}
