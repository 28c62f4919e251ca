//! Orders that stood at the venue when the run first looked, and that its journal says nothing of: the data.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::ids::{OrderId, ServerId, TargetId};
use crate::time::Time;

/// Such an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub server: ServerId,
    /// The target that it may be an order of.
    pub counts_for: Option<TargetId>,
    /// Since when my_orders has not shown it.
    pub absent_since: Option<Time>,
}

/// All of them, and what is needed to know one.
#[derive(Debug, Clone, Default)]
pub(crate) struct FoundOrders {
    pub orders: BTreeMap<OrderId, Found>,
    /// Orders that the user made while an earlier run on this journal watched.
    pub users: BTreeSet<OrderId>,
    /// Whether all that stands has been looked at once; what comes later is the user's.
    pub looked: bool,
}

impl FoundOrders {
    /// What an earlier run knew to be the user's; `None`: it did not tell these apart, and this run does not either.
    pub(crate) fn recall(&mut self, users: Option<Vec<OrderId>>) {
        self.looked |= users.is_none();
        self.users.extend(users.into_iter().flatten());
    }

    /// Whether it is one of these.
    pub(crate) fn has(&self, order: OrderId) -> bool {
        self.orders.contains_key(&order)
    }

    /// The first of them that counts for that target.
    pub(crate) fn first_of(&self, target: TargetId) -> Option<(OrderId, ServerId)> {
        let its = |(_, found): &(&OrderId, &Found)| found.counts_for == Some(target);
        self.orders.iter().find(its).map(|(order, found)| (*order, found.server))
    }
}
