//! Where an order of ours stands, as reads of the book show it.

use crate::time::Time;

/// Where an order stands, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    /// No read of the book has shown it yet.
    Unseen,
    /// It holds the server, and nobody stands above it.
    Winning {
        /// Since when it has been above the goal.
        slack_since: Option<Time>,
    },
    /// It holds the server still, although the floor or a rival stands above it.
    Outranked {
        /// Since when.
        since: Time,
    },
    /// Nobody stands above it, and yet it does not hold the server.
    Idle {
        /// Since when.
        since: Time,
        /// Since when it has been above the goal.
        slack_since: Option<Time>,
    },
    /// The floor or a rival stands above it, and it does not hold the server.
    Beaten {
        /// Since when something stands above it.
        since: Time,
        /// Since when it has not held the server.
        idle_since: Time,
    },
    /// The book has ceased to show it.
    Missing {
        /// Since when.
        since: Time,
        /// Whether a second read of the book agrees: one alone may be wrong.
        is_certain: bool,
        /// Since when it has not held the server.
        idle_since: Time,
        /// Since when it has not been on top: from before it was missed, or from then on.
        beaten_since: Option<Time>,
    },
}

/// How a bid compares with the others in the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rank {
    /// The floor or a rival stands above it.
    Below,
    /// It is on top, and no higher than the goal.
    OnTop,
    /// It is on top, and above the goal.
    AboveGoal,
}

impl Position {
    /// Whether it holds the server.
    pub(crate) fn holds(self) -> bool {
        matches!(self, Position::Winning { .. } | Position::Outranked { .. })
    }

    /// Since when the book has not shown it.
    pub(crate) fn missing_since(self) -> Option<Time> {
        match self {
            Position::Missing { since, .. } => Some(since),
            _ => None,
        }
    }

    /// Whether two reads of the book agree that it is not there.
    pub(crate) fn is_certainly_missing(self) -> bool {
        matches!(self, Position::Missing { is_certain: true, .. })
    }

    /// Since when reads of the book have shown the server without it.
    pub(crate) fn idle_since(self) -> Option<Time> {
        match self {
            Position::Idle { since, .. } => Some(since),
            Position::Beaten { idle_since, .. } | Position::Missing { idle_since, .. } => Some(idle_since),
            Position::Unseen | Position::Winning { .. } | Position::Outranked { .. } => None,
        }
    }

    /// Since when it has not been on top.
    pub(crate) fn lost_since(self) -> Option<Time> {
        match self {
            Position::Outranked { since } | Position::Beaten { since, .. } => Some(since),
            Position::Missing { beaten_since, .. } => beaten_since,
            Position::Unseen | Position::Winning { .. } | Position::Idle { .. } => None,
        }
    }

    /// Since when it has been on top and above the goal.
    pub(crate) fn slack_since(self) -> Option<Time> {
        match self {
            Position::Winning { slack_since } | Position::Idle { slack_since, .. } => slack_since,
            _ => None,
        }
    }

    /// What a read of the book that shows it makes of it; `rank` where the market has one.
    pub(crate) fn shown(self, holds: bool, rank: Option<Rank>, now: Time) -> Position {
        let (lost_since, slack_since) = match rank {
            None => (self.lost_since(), self.slack_since()),
            Some(Rank::Below) => (self.lost_since().or(Some(now)), None),
            Some(Rank::OnTop) => (None, None),
            Some(Rank::AboveGoal) => (None, self.slack_since().or(Some(now))),
        };
        let idle_since = self.idle_since().unwrap_or(now);
        match (holds, lost_since) {
            (true, None) => Position::Winning { slack_since },
            (true, Some(since)) => Position::Outranked { since },
            (false, None) => Position::Idle { since: idle_since, slack_since },
            (false, Some(since)) => Position::Beaten { since, idle_since },
        }
    }

    /// What a read of the book that does not show it makes of it.
    ///
    /// `is_ranked`: whether the market has ranks at all.
    pub(crate) fn missed(self, is_ranked: bool, now: Time) -> Position {
        Position::Missing {
            since: self.missing_since().unwrap_or(now),
            is_certain: self.missing_since().is_some(),
            idle_since: self.idle_since().unwrap_or(now),
            beaten_since: self.lost_since().or(is_ranked.then_some(now)),
        }
    }

    /// A raise was accepted: until the book says otherwise it is taken to have won.
    pub(crate) fn raised(self) -> Position {
        match self {
            Position::Outranked { .. } => Position::Winning { slack_since: None },
            Position::Beaten { idle_since, .. } => Position::Idle { since: idle_since, slack_since: None },
            Position::Missing { since, idle_since, .. } => {
                Position::Missing { since, is_certain: false, idle_since, beaten_since: None }
            }
            Position::Unseen | Position::Winning { .. } | Position::Idle { .. } => self,
        }
    }

    /// It has let go of the server.
    pub(crate) fn let_go(self, now: Time) -> Position {
        match self {
            Position::Winning { slack_since } => Position::Idle { since: now, slack_since },
            Position::Outranked { since } => Position::Beaten { since, idle_since: now },
            _ => self,
        }
    }
}
