//! What of a job outlives the process, kept small: what is done, what is held, and the last changes of each price.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::ids::ServerId;
use crate::policy::deadline::job::Job;
use crate::policy::deadline::progress::Progress;
use crate::policy::deadline::sights::{Change, Sight, Sights};
use crate::policy::deadline::wanted::Deadline;
use crate::policy::deadline::watch::{MOST_SERVERS, Watch};
use crate::time::Time;

/// No more changes than this are kept of one server.
const KEPT_CHANGES: usize = 256;

/// A job as it outlives the process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptJob {
    /// When it began: that is what `within` counts from.
    began: Time,
    progress: Progress,
    /// What one on demand cost, in ticks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on_demand: Option<u64>,
    /// Since when the market was watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    watched_since: Option<Time>,
    #[serde(default)]
    read_at: Time,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    servers: Vec<(ServerId, Vec<KeptChange>)>,
}

/// The second, and what was seen from then on: a price, `null` for not to be had, or nothing at all where nobody looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum KeptChange {
    Seen(i64, Option<u64>),
    Unwatched((i64,)),
}

impl Job {
    /// What a later run needs to know.
    pub fn keep(&self) -> KeptJob {
        let Watch { servers, on_demand, first, read_at } = &self.watch;
        let changes = |(server, sights): &(ServerId, Sights)| {
            let all = sights.iter();
            let older = all.len().saturating_sub(KEPT_CHANGES);
            (*server, all.skip(older).map(|change| KeptChange::from(*change)).collect())
        };
        KeptJob {
            began: self.began(),
            progress: self.progress,
            on_demand: *on_demand,
            watched_since: *first,
            read_at: *read_at,
            servers: servers.iter().map(changes).collect(),
        }
    }

    /// A job that goes on where an earlier run left it. What is wanted may have changed since.
    pub fn recall(kept: KeptJob, deadline: Deadline) -> Job {
        let mut job = Job::new(deadline, kept.began);
        job.progress = kept.progress;
        job.watch =
            Watch { servers: Vec::new(), on_demand: kept.on_demand, first: kept.watched_since, read_at: kept.read_at };
        for (server, changes) in kept.servers {
            let mut sights = Sights::default();
            for Change { at, sight } in changes.into_iter().map(Change::from) {
                sights.push(at, sight);
            }
            let servers = &mut job.watch.servers;
            if let (Err(place), true) =
                (servers.binary_search_by_key(&server, |(id, _)| *id), servers.len() < MOST_SERVERS)
            {
                servers.insert(place, (server, sights));
            }
        }
        job
    }
}

impl From<Change> for KeptChange {
    fn from(change: Change) -> KeptChange {
        match change.sight {
            Sight::Price(ticks) => KeptChange::Seen(change.at, Some(ticks)),
            Sight::Away => KeptChange::Seen(change.at, None),
            Sight::Unwatched => KeptChange::Unwatched((change.at,)),
        }
    }
}

impl From<KeptChange> for Change {
    fn from(kept: KeptChange) -> Change {
        match kept {
            KeptChange::Seen(at, Some(ticks)) => Change { at, sight: Sight::Price(ticks) },
            KeptChange::Seen(at, None) => Change { at, sight: Sight::Away },
            KeptChange::Unwatched((at,)) => Change { at, sight: Sight::Unwatched },
        }
    }
}
