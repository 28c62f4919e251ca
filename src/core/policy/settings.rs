//! What a strategy file says under the keys that only one policy knows.

use alloc::collections::BTreeMap;

use crate::money::Price;
use crate::time::Span;

/// The values of a policy's own keys, by name. The rows of the strategy file say which keys there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    prices: BTreeMap<&'static str, Option<Price>>,
    spans: BTreeMap<&'static str, Span>,
}

impl Settings {
    /// The price under that key; `None` where it is not set.
    pub fn price(&self, key: &str) -> Option<Price> {
        self.prices.get(key).copied().flatten()
    }

    /// The length of time under that key; none at all where it is not set.
    pub fn span(&self, key: &str) -> Span {
        self.spans.get(key).copied().unwrap_or_default()
    }

    /// The place of a price, to be filled or emptied.
    pub fn price_mut(&mut self, key: &'static str) -> &mut Option<Price> {
        self.prices.entry(key).or_default()
    }

    /// The place of a length of time, to be filled.
    pub fn span_mut(&mut self, key: &'static str) -> &mut Span {
        self.spans.entry(key).or_default()
    }

    /// Every price that is set, with its key.
    pub fn prices(&self) -> impl Iterator<Item = (&'static str, Price)> {
        self.prices.iter().filter_map(|(key, price)| Some((*key, (*price)?)))
    }
}
