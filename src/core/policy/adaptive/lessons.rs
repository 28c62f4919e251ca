//! What a tape teaches of servers before a run: how their least winning bids have moved.

use alloc::collections::BTreeMap;

use crate::ids::ServerId;
use crate::money::Price;
use crate::policy::adaptive::market::Market;
use crate::policy::adaptive::terms::{Terms, ticks};
use crate::time::Time;

/// The moves of servers, as a tape has them.
#[derive(Debug, Clone, Default)]
pub struct Lessons(BTreeMap<ServerId, Market>);

impl Lessons {
    /// From that moment on `least` would win there, on ticks of that size; `None`: it cannot be held. What is told is
    /// true until it is told otherwise, so a price may stand for as long as it likes.
    pub fn note(&mut self, server: ServerId, at: Time, least: Option<Price>, tick: Price) {
        // Prices are made once it is known what the server is worth.
        let unknown = Terms { kappa: 0, ceiling: 0 };
        let market = self.0.entry(server).or_insert_with(|| Market::new(unknown));
        match least {
            Some(least) => market.learn(at, ticks(least.ceil_to(tick), tick)),
            None => market.unholdable(),
        }
    }

    /// Whether they tell of no move.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(|market| market.moves().is_empty())
    }

    /// Each server with its moves, and nothing known of its price now.
    pub(crate) fn markets(&self) -> impl Iterator<Item = (ServerId, Market)> {
        self.0.iter().map(|(server, market)| {
            let mut market = market.clone();
            market.unholdable();
            (*server, market)
        })
    }
}
