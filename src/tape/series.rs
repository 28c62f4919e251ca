//! What was true when, for each server: a tape without its repetitions, which backtests and the oracle look things up in.
//! It keeps every state that a [`Survey`] comes across, and so grows with what happened, not with what was recorded.

use std::collections::BTreeMap;
use std::mem::size_of;

use clorebid_core::ids::ServerId;
use clorebid_core::market::ListedServer;
use clorebid_core::time::Time;

use super::error::TapeError;
use super::reader::{Cut, Reader};
use super::survey::{Change, Gap, Listed, SeriesOptions, State, Survey};

/// One server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerSeries {
    /// Its market, oldest first, every entry unlike the one before.
    pub changes: Vec<Change>,
    /// What the marketplace said of it, oldest first, every entry unlike the one before.
    pub listed: Vec<Listed>,
    /// Records of its market, whether they said anything new or not; the errors are not among them.
    pub records: u64,
    /// First and last of these.
    pub seen: Option<(Time, Time)>,
    /// Where its market was not recorded for longer than the limit: between two records, and from the last one to the
    /// tape's end.
    pub gaps: Vec<Gap>,
}

impl ServerSeries {
    /// Its market at that moment, if a record had told of it by then.
    pub fn market_at(&self, at: Time) -> Option<&Change> {
        let after = self.changes.partition_point(|c| c.at <= at);
        self.changes.get(after.checked_sub(1)?)
    }

    /// What the marketplace had last said of it by that moment.
    pub fn listed_at(&self, at: Time) -> Option<&ListedServer> {
        let after = self.listed.partition_point(|l| l.at <= at);
        Some(&self.listed.get(after.checked_sub(1)?)?.server)
    }
}

/// A whole tape, or several that follow one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Every server that the tape tells of.
    pub servers: BTreeMap<ServerId, ServerSeries>,
    /// Servers that the venue once listed as our own; they cannot be rented.
    pub hosted: Vec<ServerId>,
    /// When the first record came.
    pub from: Time,
    /// When the last record came: there the tape ends.
    pub to: Time,
    /// Records of each kind: spot_marketplace, marketplace, my_orders, wallets.
    pub records: [u64; 4],
    /// Answers that were not good.
    pub errors: u64,
    /// Where no record of any kind came for longer than the limit.
    pub gaps: Vec<Gap>,
    /// Bytes of the lines, unpacked.
    pub bytes: u64,
    /// Tapes whose last line was cut off.
    pub cuts: Vec<Cut>,
}

impl Series {
    /// Reads to the end of the tape.
    ///
    /// # Errors
    /// When the tape is bad.
    pub fn read(reader: Reader, options: &SeriesOptions) -> Result<Series, TapeError> {
        let mut servers: BTreeMap<ServerId, ServerSeries> = BTreeMap::new();
        let told = Survey::read(reader, options, |id, state| {
            let server = servers.entry(id).or_default();
            match state {
                State::Market(change) => server.changes.push(change),
                State::Listed(listed) => server.listed.push(listed),
            }
        })?;
        let Survey { servers: each, hosted, from, to, records, errors, gaps, bytes, cuts } = told;
        for (id, told) in each {
            let server = servers.entry(id).or_default();
            (server.records, server.seen, server.gaps) = (told.records, told.seen, told.gaps);
            server.changes.shrink_to_fit();
            server.listed.shrink_to_fit();
        }
        Ok(Series { servers, hosted, from, to, records, errors, gaps, bytes, cuts })
    }

    /// How much memory the states take, about, in bytes.
    pub fn size(&self) -> usize {
        let of_change = |c: &Change| size_of::<Change>() + size_of_val(&*c.rivals);
        let of_server =
            |s: &ServerSeries| s.changes.iter().map(of_change).sum::<usize>() + s.listed.len() * size_of::<Listed>();
        self.servers.values().map(of_server).sum()
    }
}
