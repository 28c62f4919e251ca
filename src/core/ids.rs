//! Numbers that name things: servers and orders at the venue, targets in the strategy.

use core::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

id!(
    /// A server's number at the venue: `renting_server`, `market`, `si`.
    ServerId
);
id!(
    /// An order's number at the venue; on a spot market the same number is called the offer's.
    OrderId
);

impl ServerId {
    /// Stands for a server of which nobody knows which it is. The venue numbers from 1.
    pub const UNKNOWN: ServerId = ServerId(0);
}

/// Which of the strategy's targets, counted from zero in the file's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TargetId(pub u32);
