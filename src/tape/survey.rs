//! A walk over a tape that tells what changed and keeps next to nothing: the last state of each server, and where the
//! gaps are. Its memory does not grow with the tape.
//!
//! 1. An answer holds until the next good one to the same call and arguments; a state is told only where it differs from
//!    the one before. Bodies are read and dropped, but for the last of each call, which the next is compared with.
//! 2. An answer that is not good, such as an error or half a page, says nothing about the market: the one before it goes
//!    on to hold. Such answers are counted.
//! 3. Our own recorded offers (`my`) are left out: no rival is ever us.
//! 4. A listing says nothing about a server that it leaves out: tapes are also put together from parts of the market.

use std::collections::BTreeMap;

use clorebid_core::ids::{OrderId, ServerId};
use clorebid_core::market::{BidIn, ListedServer, Market, Visibility};
use clorebid_core::money::{PerCurrency, Price};
use clorebid_core::request::Request;
use clorebid_core::time::{Span, Time};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::ahead;
use super::error::TapeError;
use super::reader::{Cut, Reader};
use super::record::Record;
use crate::clore;

/// How a tape is read.
#[derive(Debug, Clone, Default)]
pub struct SeriesOptions {
    /// Only these servers; empty: all of them.
    pub servers: Vec<ServerId>,
    /// Longer than this without a record of a server is a gap; one hour if not set.
    pub gap: Option<Span>,
}

/// A stretch of time that no record tells about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// The last record before it.
    pub from: Time,
    /// The first record after it, or the tape's end.
    pub to: Time,
}

/// Somebody else's bid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rival {
    /// The offer's number.
    pub id: OrderId,
    /// Its price per day.
    pub bid: Price,
    /// What it is bid in.
    pub currency: BidIn,
}

/// A server's spot market from one moment on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// From when.
    pub at: Time,
    /// Whether the venue knows the server.
    pub exists: bool,
    /// Whether the server is connected.
    pub online: bool,
    /// Whether anybody may bid.
    pub public: bool,
    /// Least price per day for each currency the host takes.
    pub floors: PerCurrency<Price>,
    /// Longest rental.
    pub longest_rental: Option<Span>,
    /// Every bid of somebody else, in the venue's order.
    pub rivals: Box<[Rival]>,
    /// What one unit of each currency is worth in USD: kept only where a rival names a currency, since rates drift from
    /// answer to answer and serve for nothing but to compare bids.
    pub usd_rates: Option<Box<PerCurrency<Decimal>>>,
}

/// A server as the marketplace listed it, from one moment on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// From when.
    pub at: Time,
    /// What was listed.
    pub server: ListedServer,
}

/// What a server was like from one moment on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Its spot market.
    Market(Change),
    /// As the marketplace listed it.
    Listed(Listed),
}

/// What a tape tells of one server, without its states.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surveyed {
    /// Records of its market, whether they said anything new or not; the errors are not among them.
    pub records: u64,
    /// First and last of these.
    pub seen: Option<(Time, Time)>,
    /// Where its market was not recorded for longer than the limit: between two records, and from the last one to the
    /// tape's end.
    pub gaps: Vec<Gap>,
    /// States of its market, each unlike the one before.
    pub changes: u64,
}

/// A whole tape, or several that follow one another, without the states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Every server that the tape tells of.
    pub servers: BTreeMap<ServerId, Surveyed>,
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

impl Survey {
    /// Reads to the end of the tape and hands each state on, those of one server and kind in order of time, as soon as
    /// another takes its place or the tape ends.
    ///
    /// # Errors
    /// When the tape is bad.
    pub fn read(
        reader: Reader,
        options: &SeriesOptions,
        mut keep: impl FnMut(ServerId, State),
    ) -> Result<Survey, TapeError> {
        let limit = options.gap.unwrap_or(Span::from_secs(3600));
        let mut walk = Walk { options, limit, survey: None, bodies: BTreeMap::new(), last: BTreeMap::new() };
        let reader = ahead::each(reader, |record| walk.take(record, &mut keep))?;
        let Some(mut survey) = walk.survey else { return Err(TapeError::NoTape) };
        for (id, last) in walk.last {
            last.market.into_iter().for_each(|change| keep(id, State::Market(change)));
            last.listed.into_iter().for_each(|listed| keep(id, State::Listed(listed)));
        }
        for server in survey.servers.values_mut() {
            if let Some((_, last)) = server.seen.filter(|(_, last)| survey.to.since(*last) > limit) {
                server.gaps.push(Gap { from: last, to: survey.to });
            }
        }
        survey.bytes = reader.bytes();
        survey.cuts = reader.cut_last_lines().to_vec();
        Ok(survey)
    }
}

/// The states of a server that still hold.
#[derive(Default)]
struct Last {
    market: Option<Change>,
    listed: Option<Listed>,
}

struct Walk<'a> {
    options: &'a SeriesOptions,
    limit: Span,
    /// There is one from the first record on.
    survey: Option<Survey>,
    /// The last good body of each call: an answer that repeats it needs no reading.
    bodies: BTreeMap<Request, String>,
    last: BTreeMap<ServerId, Last>,
}

impl Walk<'_> {
    fn take(&mut self, record: &Record<'_>, keep: &mut impl FnMut(ServerId, State)) {
        let survey = self.survey.get_or_insert_with(|| begun(record.at));
        if record.at.since(survey.to) > self.limit {
            survey.gaps.push(Gap { from: survey.to, to: record.at });
        }
        survey.to = record.at;
        let kind = match record.request {
            Request::SpotMarket { .. } => 0,
            Request::Marketplace => 1,
            Request::MyOrders | Request::AllOrders => 2,
            _ => 3,
        };
        if let Some(count) = survey.records.get_mut(kind) {
            *count += 1;
        }
        let is_good = match record.request {
            Request::SpotMarket { server } => self.spot(server, record, keep),
            Request::Marketplace => self.marketplace(record, keep),
            // What we had when it was recorded is no fact about the market.
            _ => is_good(record.body),
        };
        if let Some(survey) = self.survey.as_mut().filter(|_| !is_good) {
            survey.errors += 1;
        }
    }

    /// Keeps the body to compare the next one with, in the memory of the one before.
    fn remember(&mut self, record: &Record<'_>) {
        let last = self.bodies.entry(record.request).or_default();
        last.clear();
        last.push_str(record.body);
    }

    fn is_wanted(&self, server: ServerId) -> bool {
        self.options.servers.is_empty() || self.options.servers.contains(&server)
    }

    /// Whether the last answer to this call said the very same.
    fn repeats(&self, record: &Record<'_>) -> bool {
        self.bodies.get(&record.request).is_some_and(|last| *last == *record.body)
    }

    fn spot(&mut self, id: ServerId, record: &Record<'_>, keep: &mut impl FnMut(ServerId, State)) -> bool {
        if !self.is_wanted(id) {
            return true;
        }
        let repeats = self.repeats(record);
        let market = if repeats {
            None
        } else {
            let read = clore::spot_marketplace_if_good(id, record.body.as_bytes());
            let Some(market) = read else { return false };
            Some(market)
        };
        let Some(survey) = self.survey.as_mut() else { return false };
        let server = survey.servers.entry(id).or_default();
        server.records += 1;
        let first = match server.seen {
            Some((_, last)) if record.at.since(last) > self.limit => {
                server.gaps.push(Gap { from: last, to: record.at });
                server.seen.map_or(record.at, |(first, _)| first)
            }
            Some((first, _)) => first,
            None => record.at,
        };
        server.seen = Some((first, record.at));
        if let Some(market) = market {
            let change = change(record.at, market);
            let last = &mut self.last.entry(id).or_default().market;
            if last.as_ref().is_none_or(|last| !same_state(last, &change)) {
                server.changes += 1;
                last.replace(change).into_iter().for_each(|before| keep(id, State::Market(before)));
            }
            self.remember(record);
        }
        true
    }

    fn marketplace(&mut self, record: &Record<'_>, keep: &mut impl FnMut(ServerId, State)) -> bool {
        if self.repeats(record) {
            return true;
        }
        let read = is_good(record.body).then(|| clore::marketplace(record.body.as_bytes()).ok());
        let Some(listing) = read.flatten() else { return false };
        let wanted: Vec<ListedServer> = listing.servers.into_iter().filter(|s| self.is_wanted(s.id)).collect();
        let Some(survey) = self.survey.as_mut() else { return false };
        for server in wanted {
            let id = server.id;
            survey.servers.entry(id).or_default();
            let last = &mut self.last.entry(id).or_default().listed;
            if last.as_ref().is_none_or(|last| last.server != server) {
                let before = last.replace(Listed { at: record.at, server });
                before.into_iter().for_each(|before| keep(id, State::Listed(before)));
            }
        }
        for hosted in listing.my_servers {
            if !survey.hosted.contains(&hosted) {
                survey.hosted.push(hosted);
            }
        }
        self.remember(record);
        true
    }
}

fn begun(at: Time) -> Survey {
    Survey {
        servers: BTreeMap::new(),
        hosted: Vec::new(),
        from: at,
        to: at,
        records: [0; 4],
        errors: 0,
        gaps: Vec::new(),
        bytes: 0,
        cuts: Vec::new(),
    }
}

#[derive(Deserialize)]
struct Code<'a> {
    #[serde(borrow)]
    code: &'a RawValue,
}

/// Whether the venue itself says that all is well.
fn is_good(body: &str) -> bool {
    body.starts_with('{') && serde_json::from_str::<Code<'_>>(body).is_ok_and(|c| matches!(c.code.get(), "0" | "\"0\""))
}

fn change(at: Time, market: Market) -> Change {
    let theirs = market.offers.iter().filter(|o| !o.mine);
    let rivals: Box<[Rival]> = theirs.map(|o| Rival { id: o.id, bid: o.bid, currency: o.currency }).collect();
    let compared = rivals.iter().any(|r| r.currency != BidIn::Unsaid);
    Change {
        at,
        exists: market.exists,
        online: market.online,
        public: market.visibility == Visibility::Public,
        floors: market.floors,
        longest_rental: market.longest_rental,
        usd_rates: compared.then(|| Box::new(market.usd_rates)),
        rivals,
    }
}

/// Whether two changes differ in nothing but their time.
fn same_state(a: &Change, b: &Change) -> bool {
    let Change { at: _, exists, online, public, floors, longest_rental, rivals, usd_rates } = a;
    *exists == b.exists
        && *online == b.online
        && *public == b.public
        && *floors == b.floors
        && *longest_rental == b.longest_rental
        && *rivals == b.rivals
        && *usd_rates == b.usd_rates
}
