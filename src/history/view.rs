//! The views that scripts may rely on, and the SQL that filters them.

use clorebid_core::time::Time;

use super::{Cell, Filter, HistoryError, text_of};
use crate::journal::key;

/// The key of the oldest of the newest requests. The view joins too much for SQLite to see that it need not be read
/// whole for them; its keys alone it reads backwards and stops.
pub(super) const SELECT_OLDEST_WANTED: &str = "SELECT min(id) FROM ( \
     SELECT id FROM (SELECT id, sent_at FROM reads UNION ALL SELECT id, sent_at FROM changes) \
     WHERE id BETWEEN ?1 AND ?2 AND sent_at >= ?3 AND sent_at < ?4 ORDER BY id DESC LIMIT ?5)";

/// What to bind to [`SELECT_OLDEST_WANTED`], where it is worth asking.
pub(super) fn oldest_wanted(view: View, filter: &Filter) -> Option<[i64; 5]> {
    let limit = filter.limit.filter(|_| view == View::Requests)?;
    let run = filter.run.filter(|run| (1..=i64::from(i32::MAX)).contains(run));
    let (first, last) = run.map_or((0, i64::MAX), |run| (key(run, 0), key(run, u32::MAX)));
    let since = filter.since.map_or(i64::MIN, Time::ms);
    let until = filter.until.map_or(i64::MAX, Time::ms);
    Some([first, last, since, until, i64::try_from(limit).unwrap_or(i64::MAX)])
}

/// One of the journal's public views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// One row a run.
    Runs,
    /// One row a request.
    Requests,
    /// One row a change of one of our bids.
    Bids,
    /// One row a change of state.
    States,
    /// One row a good look at a server's spot market.
    Observations,
    /// One row a stretch of holding at one bid.
    Holdings,
    /// One row a run and UTC day.
    Spend,
}

impl View {
    /// Every view.
    pub const ALL: [View; 7] =
        [View::Runs, View::Requests, View::Bids, View::States, View::Observations, View::Holdings, View::Spend];

    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            View::Runs => "runs",
            View::Requests => "requests",
            View::Bids => "bids",
            View::States => "states",
            View::Observations => "observations",
            View::Holdings => "holdings",
            View::Spend => "spend",
        }
    }

    /// The column that `since` and `until` look at, which is also what rows of a run are ordered by.
    const fn time_column(self) -> &'static str {
        match self {
            View::Runs => "started_at",
            View::Requests => "sent_at",
            View::Bids | View::States | View::Observations => "at",
            View::Holdings => "from_at",
            View::Spend => "day",
        }
    }

    const fn order(self) -> &'static str {
        match self {
            View::Runs => "run_id",
            View::Requests | View::Bids | View::States | View::Observations => "id",
            View::Holdings => "run_id, from_at, offer_id",
            View::Spend => "run_id, day",
        }
    }

    const fn has_target(self) -> bool {
        matches!(self, View::Bids | View::States | View::Holdings)
    }

    const fn has_server(self) -> bool {
        matches!(self, View::Bids | View::States | View::Holdings | View::Observations)
    }

    fn refuse(self, filter: &'static str) -> HistoryError {
        let can = [("--run", true), ("--target", self.has_target()), ("--server", self.has_server())];
        let mut can: Vec<&str> = can.iter().filter(|(_, has)| *has).map(|(name, _)| *name).collect();
        can.extend(["--since", "--until", "--limit"]);
        HistoryError::Filter { view: self.name(), filter, can: can.join(", ") }
    }

    /// Whether the view has a sibling with the row's key, which makes finding the newest rows quick.
    const fn keyed(self) -> bool {
        matches!(self, View::Requests | View::Bids | View::States | View::Observations)
    }

    /// Its columns, in order.
    pub const fn columns(self) -> &'static str {
        match self {
            View::Runs => {
                "run_id, started_at, ended_at, mode, strategy, strategy_sha256, strategy_toml, version, venue, seed, ended_by"
            }
            View::Requests => "run_id, seq, sent_at, answered_at, call, args, http_status, code, error, outcome",
            View::Bids => {
                "run_id, seq, at, target, server, offer_id, action, old_price, new_price, currency, outcome, reason, error"
            }
            View::States => "run_id, seq, at, target, server, from_state, to_state, cause",
            View::Observations => "run_id, seq, at, server, floor, best_rival, our_bid, holding, online, visibility",
            View::Holdings => "run_id, target, server, offer_id, from_at, to_at, bid, cost, currency",
            View::Spend => "run_id, day, currency, cost, fees, held_seconds",
        }
    }

    /// The SQL for the rows the filter lets through, and what to bind to it. With a limit the newest come first.
    pub(super) fn select(self, filter: &Filter, oldest: Option<i64>) -> Result<(String, Vec<Cell>), HistoryError> {
        if filter.target.is_some() && !self.has_target() {
            return Err(self.refuse("--target"));
        }
        if filter.server.is_some() && !self.has_server() {
            return Err(self.refuse("--server"));
        }
        let (mut tests, mut binds) = (Vec::new(), Vec::new());
        let mut test = |sql: String, bind: Cell| {
            tests.push(sql);
            binds.push(bind);
        };
        if let Some(run) = filter.run {
            test("run_id = ?".to_string(), Cell::Integer(run));
            if self.keyed() && (1..=i64::from(i32::MAX)).contains(&run) {
                test("id >= ?".to_string(), Cell::Integer(key(run, 0)));
                test("id <= ?".to_string(), Cell::Integer(key(run, u32::MAX)));
            }
        }
        if let Some(oldest) = oldest {
            test("id >= ?".to_string(), Cell::Integer(oldest));
        }
        if let Some(target) = &filter.target {
            test("target = ?".to_string(), Cell::Text(target.clone()));
        }
        if let Some(server) = filter.server {
            test("server = ?".to_string(), Cell::Integer(i64::try_from(server).unwrap_or(i64::MAX)));
        }
        // A day is in if any moment of it is.
        let (last, first) = match self {
            View::Spend => ("day || 'T23:59:59.999Z'", "day || 'T00:00:00.000Z'"),
            _ => (self.time_column(), self.time_column()),
        };
        if let Some(since) = filter.since {
            test(format!("{last} >= ?"), text_of(since));
        }
        if let Some(until) = filter.until {
            test(format!("{first} < ?"), text_of(until));
        }
        let tests = if tests.is_empty() { String::new() } else { format!(" WHERE {}", tests.join(" AND ")) };
        let source = if self.keyed() { format!("{}_by_key", self.name()) } else { self.name().to_string() };
        let limit = match filter.limit {
            Some(limit) => format!(" DESC LIMIT {}", i64::try_from(limit).unwrap_or(i64::MAX)),
            None => String::new(),
        };
        let order = self.order().replace(", ", if limit.is_empty() { ", " } else { " DESC, " });
        Ok((format!("SELECT {} FROM {source}{tests} ORDER BY {order}{limit}", self.columns()), binds))
    }
}
