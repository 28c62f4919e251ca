//! What is due at a simulated venue, in order of time.

use std::collections::BTreeMap;

use clorebid_core::money::{PerCurrency, Price};
use clorebid_core::time::Time;

/// Something due. Numbers are places in the scenario's lists.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    /// An event of the scenario begins.
    Begins { server: usize, event: usize },
    /// It is undone.
    Undone { server: usize, event: usize, floor: PerCurrency<Price> },
    /// The floor walks.
    Walks { server: usize },
    /// A scripted rival comes.
    RivalComes { server: usize, rival: usize },
    /// It bids anew.
    RivalMoves { server: usize, rival: usize, step: usize },
    /// It goes.
    RivalGoes { server: usize, rival: usize },
    /// An undercutter begins to watch.
    Watches { server: usize, which: usize },
    /// It answers our bid.
    Answers { server: usize, which: usize },
    /// It goes.
    StopsWatching { server: usize, which: usize },
    /// One of the crowd comes.
    Arrives { server: usize },
    /// It goes.
    Leaves { server: usize, offer: u64 },
    /// The next minute of a holding is due.
    Bill { order: u64, stint: u64 },
    /// The creation fee is due.
    CreationFee { order: u64 },
    /// The longest rental is over.
    RentalOver { order: u64 },
}

/// Everything due, by time; what is due at the same moment happens in the order it was planned.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    due: BTreeMap<(Time, u64), Event>,
    planned: u64,
}

impl Queue {
    pub(super) fn plan(&mut self, at: Time, event: Event) {
        self.planned += 1;
        self.due.insert((at, self.planned), event);
    }

    /// The next event due until `now`.
    pub(super) fn pop(&mut self, now: Time) -> Option<(Time, Event)> {
        let first = self.due.first_entry().filter(|e| e.key().0 <= now)?;
        let ((at, _), event) = first.remove_entry();
        Some((at, event))
    }
}
