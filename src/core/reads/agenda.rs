//! When each server may have to be decided on again, while its reads repeat the last.
//!
//! A server that was decided on and wants nothing stays so until it changes, or until a moment that the decision names.
//! So between two requests only what changed is decided on, and the first of those moments is the end of the jump.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::ids::ServerId;
use crate::time::Time;

/// Until when each server wants nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Agenda {
    until: BTreeMap<ServerId, Time>,
    by_time: BTreeSet<(Time, ServerId)>,
}

impl Agenda {
    /// That server wants nothing before `until`; `None`: ever, while it stays as it is.
    pub(crate) fn set(&mut self, id: ServerId, until: Option<Time>) {
        let before = match until {
            Some(until) => self.until.insert(id, until),
            None => self.until.remove(&id),
        };
        if before == until {
            return;
        }
        if let Some(before) = before {
            self.by_time.remove(&(before, id));
        }
        if let Some(until) = until {
            self.by_time.insert((until, id));
        }
    }

    /// The first moment at which a server is to be decided on again, and which.
    pub(crate) fn first(&self) -> Option<(Time, ServerId)> {
        self.by_time.first().copied()
    }
}
