//! I3 as far as it is not about our own orders: what the venue last told of the account, and what was spent.
//!
//! Only what must have been known when a request was made is held against it, so what is spent counts here only once
//! its stretch has ended.

use std::collections::BTreeMap;

use clorebid_core::market::OrderRow;
use clorebid_core::money::{Amount, Currency, Price};
use clorebid_core::time::Time;

use crate::clore::account::{WalletRow, my_orders, wallets};

/// What is known of the account beside our own orders.
#[derive(Debug)]
pub(super) struct Account {
    currency: Currency,
    /// In the last good wallets.
    balance: Option<Amount>,
    /// In the last good my_orders.
    listed: Vec<OrderRow>,
    /// Spent when the run began, and at each end of a stretch since.
    spent_before: Amount,
    spent: BTreeMap<Time, Amount>,
}

impl Account {
    pub(super) fn new(currency: Currency, spent_before: Amount) -> Account {
        Account { currency, balance: None, listed: Vec::new(), spent_before, spent: BTreeMap::new() }
    }

    /// A good my_orders. What cannot be read was no good one, and changes nothing.
    pub(super) fn sees_orders(&mut self, body: &[u8]) {
        if let Ok(read) = my_orders(body) {
            let rows = read.orders.into_iter().map(|order| order.row);
            self.listed = rows.filter(|row| !row.expired).collect();
        }
    }

    /// A good wallets.
    pub(super) fn sees_wallets(&mut self, body: &[u8]) {
        if let Ok(rows) = wallets(body) {
            let mut known = rows.iter().filter_map(WalletRow::wallet);
            self.balance = known.find(|wallet| wallet.currency == self.currency).and_then(|wallet| wallet.balance);
        }
    }

    /// A stretch of holding costs so much, fees included, by the time it ends.
    pub(super) fn ends_at(&mut self, at: Time, cost: Amount) {
        let spent = self.spent.entry(at).or_insert(Amount::ZERO);
        *spent = spent.plus(cost);
    }

    /// What is in the wallet, where the venue has said.
    pub(super) const fn balance(&self) -> Option<Amount> {
        self.balance
    }

    /// What was spent for certain by then.
    pub(super) fn spent_by(&self, at: Time) -> Amount {
        self.spent.range(..=at).map(|(_, cost)| *cost).fold(self.spent_before, Amount::plus)
    }

    /// Orders that stand and are not ours: how many, and what they cost a day in the run's currency.
    pub(super) fn foreign(&self, is_foreign: impl Fn(&OrderRow) -> bool) -> (usize, Price) {
        let theirs = || self.listed.iter().filter(|row| is_foreign(row));
        let prices = theirs().filter(|row| row.currency == Some(self.currency)).filter_map(|row| row.price);
        (theirs().count(), prices.fold(Price::ZERO, Price::plus))
    }
}
