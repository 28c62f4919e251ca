//! A simulated venue's data, and the numbers that it gives to offers.

use std::collections::BTreeMap;

use clorebid_core::money::{Currency, PerCurrency};
use clorebid_core::time::Time;
use rust_decimal::Decimal;

use super::fault::Fault;
use super::queue::Queue;
use super::reply::LogEntry;
use super::rules::Rules;
use super::state::{EvictionRecord, HolderChange, Order, Purse, Server};

/// A venue, simulated.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub(super) name: String,
    pub(super) rules: Rules,
    pub(super) rates: PerCurrency<Decimal>,
    pub(super) start: Time,
    pub(super) now: Time,
    pub(super) seed: u64,
    pub(super) servers: Vec<Server>,
    /// Our orders by number, which is also their age.
    pub(super) orders: BTreeMap<u64, Order>,
    pub(super) purses: BTreeMap<Currency, Purse>,
    pub(super) queue: Queue,
    pub(super) history: Vec<HolderChange>,
    pub(super) evictions: Vec<EvictionRecord>,
    pub(super) orders_made: u64,
    pub(super) rivals_made: u64,
    pub(super) faults: Vec<Fault>,
    pub(super) counted: BTreeMap<String, u64>,
    pub(super) requests: u64,
    pub(super) counted_requests: u64,
    pub(super) last_with_key: Option<Time>,
    pub(super) last_without_key: Option<Time>,
    pub(super) last_create: Option<Time>,
    pub(super) log: Option<Vec<LogEntry>>,
}

/// The first numbers of offers. Ours are odd and rivals' even, so that neither side's bids shift the other's numbers.
const FIRST_ID: u64 = 1000;

impl Exchange {
    /// The scenario's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When the scenario starts.
    pub fn start(&self) -> Time {
        self.start
    }

    /// The latest moment it has lived through.
    pub fn now(&self) -> Time {
        self.now
    }

    /// What its draws come from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The key that is us.
    pub fn key(&self) -> &str {
        &self.rules.key
    }

    /// Takes this key instead of the scenario's.
    pub fn set_key(&mut self, key: &str) {
        self.rules.key = key.to_string();
    }

    /// Keeps every request from now on, for [`Exchange::log`].
    pub fn keep_log(&mut self) {
        self.log.get_or_insert_default();
    }

    /// The requests kept so far, oldest first.
    pub fn log(&self) -> &[LogEntry] {
        self.log.as_deref().unwrap_or_default()
    }

    pub(super) fn next_order_id(&mut self) -> u64 {
        self.orders_made += 1;
        FIRST_ID + 2 * self.orders_made - 1
    }

    pub(super) fn next_rival_id(&mut self) -> u64 {
        self.rivals_made += 1;
        FIRST_ID + 2 * self.rivals_made - 2
    }
}
