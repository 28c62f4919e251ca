//! The views that scripts may rely on, and the SQL that filters them.

use super::{Cell, Filter, HistoryError, text_of};
use crate::journal::key;

/// The keys between which the wanted rows lie, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Keys {
    pub(super) first: i64,
    pub(super) last: i64,
}

impl Keys {
    /// None at all.
    pub(super) const NONE: Keys = Keys { first: 1, last: 0 };

    /// Of every run, or of one.
    pub(super) fn of(filter: &Filter) -> Keys {
        match filter.run {
            None => Keys { first: 0, last: i64::MAX },
            Some(run) if (1..=i64::from(i32::MAX)).contains(&run) => {
                Keys { first: key(run, 0), last: key(run, u32::MAX) }
            }
            Some(_) => Keys::NONE,
        }
    }
}

/// The key of the oldest of the newest requests. The view joins too much for SQLite to see that it need not be read
/// whole for them; its keys alone it reads backwards and stops.
pub(super) const SELECT_OLDEST_WANTED: &str = "SELECT min(id) FROM ( \
     SELECT id FROM (SELECT id, sent_at FROM reads UNION ALL SELECT id, sent_at FROM changes) \
     WHERE id BETWEEN ?1 AND ?2 AND sent_at >= ?3 AND sent_at <= ?4 ORDER BY id DESC LIMIT ?5)";

/// Whether any answer of those runs told of a server.
pub(super) const SELECT_SEEN: &str = "SELECT EXISTS (SELECT 1 FROM sightings WHERE id BETWEEN ? AND ? AND server = ?)";

/// The first key from which on a table has no row before a moment. A run's time never goes back, so halving finds it.
pub(super) fn select_first(table: &str, time: &str) -> String {
    let middle = "(low + (high - low) / 2)";
    let early = format!(
        "coalesce((SELECT {time} FROM {table} WHERE id BETWEEN {middle} AND ?2 AND {time} IS NOT NULL \
         ORDER BY id LIMIT 1) < ?3, 0)"
    );
    format!(
        "WITH RECURSIVE halves (low, high) AS ( \
             VALUES (?1, ?2) \
             UNION ALL \
             SELECT iif({early}, {middle} + 1, low), iif({early}, high, {middle}) FROM halves WHERE low < high) \
         SELECT low FROM halves WHERE low >= high"
    )
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
    /// One row a limit that said no, an order that is not ours, or a creation fee.
    Notices,
}

impl View {
    /// Every view.
    pub const ALL: [View; 8] = [
        View::Runs,
        View::Requests,
        View::Bids,
        View::States,
        View::Observations,
        View::Holdings,
        View::Spend,
        View::Notices,
    ];

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
            View::Notices => "notices",
        }
    }

    /// The column that `since` and `until` look at, which is also what rows of a run are ordered by.
    const fn time_column(self) -> &'static str {
        match self {
            View::Runs => "started_at",
            View::Requests => "sent_at",
            View::Bids | View::States | View::Observations | View::Notices => "at",
            View::Holdings => "from_at",
            View::Spend => "day",
        }
    }

    const fn order(self) -> &'static str {
        match self {
            View::Runs => "run_id",
            View::Requests | View::Bids | View::States | View::Observations | View::Notices => "id",
            View::Holdings => "run_id, from_at, offer_id",
            View::Spend => "run_id, day",
        }
    }

    const fn has_target(self) -> bool {
        matches!(self, View::Bids | View::States | View::Holdings | View::Notices)
    }

    /// Whether its rows can be picked by server.
    pub const fn has_server(self) -> bool {
        matches!(self, View::Bids | View::States | View::Holdings | View::Observations | View::Notices)
    }

    fn refuse(self, filter: &'static str) -> HistoryError {
        let can = [("--run", true), ("--target", self.has_target()), ("--server", self.has_server())];
        let mut can: Vec<&str> = can.iter().filter(|(_, has)| *has).map(|(name, _)| *name).collect();
        can.extend(["--since", "--until", "--limit"]);
        HistoryError::Filter { view: self.name(), filter, can: can.join(", ") }
    }

    /// Whether the view has a sibling that starts with the row's key, which makes finding the newest rows quick.
    pub(super) const fn keyed(self) -> bool {
        matches!(self, View::Requests | View::Bids | View::States | View::Observations | View::Notices)
    }

    /// The tables that grow with every request and whose rows the view shows, with the time it shows.
    pub(super) const fn timed(self) -> &'static [(&'static str, &'static str)] {
        match self {
            View::Requests => &[("reads", "sent_at"), ("changes", "sent_at")],
            View::Observations => &[("reads", "sent_at + took")],
            _ => &[],
        }
    }

    /// The SQL for the rows the filter lets through, and what to bind to it. With a limit the newest come first.
    pub(super) fn select(self, filter: &Filter, keys: Keys) -> Result<(String, Vec<Cell>), HistoryError> {
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
        }
        if self.keyed() {
            test("id >= ?".to_string(), Cell::Integer(keys.first));
            test("id <= ?".to_string(), Cell::Integer(keys.last));
        }
        if let Some(target) = &filter.target {
            test("target = ?".to_string(), Cell::Text(target.clone()));
        }
        if let Some(server) = filter.server {
            test("server = ?".to_string(), Cell::Integer(i64::try_from(server).unwrap_or(i64::MAX)));
        }
        // A day is in if any moment of it is, and so is a stretch of holding.
        let (last, first) = match self {
            View::Holdings => ("coalesce(to_at, '9999')", "from_at"),
            View::Spend => ("day || 'T23:59:59.999Z'", "day || 'T00:00:00.000Z'"),
            _ => (self.time_column(), self.time_column()),
        };
        if let Some(since) = filter.since {
            test(format!("{last} >= ?"), text_of(since));
        }
        if let Some(until) = filter.until {
            test(format!("{first} <= ?"), text_of(until));
        }
        let tests = if tests.is_empty() { String::new() } else { format!(" WHERE {}", tests.join(" AND ")) };
        let source = if self.keyed() { format!("{}_by_key", self.name()) } else { self.name().to_string() };
        let limit = match filter.limit {
            Some(limit) => format!(" DESC LIMIT {}", i64::try_from(limit).unwrap_or(i64::MAX)),
            None => String::new(),
        };
        let order = self.order().replace(", ", if limit.is_empty() { ", " } else { " DESC, " });
        Ok((format!("SELECT * FROM {source}{tests} ORDER BY {order}{limit}"), binds))
    }
}
