//! How one target is served: how many servers it has, how many it wants, and which candidates are left.

use alloc::collections::BTreeSet;

use crate::beliefs::queues::Class;
use crate::ids::ServerId;
use crate::strategy::Target;

/// How one target is served.
#[derive(Debug, Clone, Default)]
pub(crate) struct Served {
    pub want: u32,
    /// Whether its orders may move to a server to spare at any time.
    pub moves: bool,
    pub claimed: u32,
    /// How many more it has that this run does not bid on.
    pub aside: u32,
    /// How many orders may be its own that nobody can know to be.
    pub found: u32,
    /// Its candidates on which nothing of ours stands.
    pub idle: BTreeSet<ServerId>,
}

impl Served {
    /// A target that has nothing yet.
    pub(crate) fn new(target: &Target) -> Served {
        Served { want: target.want, moves: target.policy.learns(), ..Served::default() }
    }

    pub(crate) fn has(&self) -> u32 {
        self.claimed.saturating_add(self.aside)
    }

    /// How soon its candidates are to be read again.
    pub(crate) fn class_of_idle(&self) -> Class {
        match (self.lacks(), self.moves) {
            (true, _) => Class::Wanted,
            (false, true) => Class::Near,
            (false, false) => Class::Spare,
        }
    }

    pub(crate) fn lacks(&self) -> bool {
        self.has().saturating_add(self.found) < self.want
    }
}
