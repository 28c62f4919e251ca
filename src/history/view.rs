//! The views that scripts may rely on, and the SQL that filters them.

use super::{Cell, Filter, HistoryError, text_of};

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
            View::Requests | View::Bids | View::States | View::Observations => "run_id, seq",
            View::Holdings => "run_id, from_at",
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

    /// The SQL for the rows the filter lets through, and what to bind to it.
    pub(super) fn select(self, filter: &Filter) -> Result<(String, Vec<Cell>), HistoryError> {
        if filter.target.is_some() && !self.has_target() {
            return Err(self.refuse("--target"));
        }
        if filter.server.is_some() && !self.has_server() {
            return Err(self.refuse("--server"));
        }
        // A day is in if any moment of it is.
        let (since, until) = match self {
            View::Spend => ("day || 'T23:59:59.999Z' >= ?", "day || 'T00:00:00.000Z' < ?"),
            _ => (" >= ?", " < ?"),
        };
        let timed = |test: &str| match self {
            View::Spend => test.to_string(),
            _ => format!("{}{test}", self.time_column()),
        };
        let tests = [
            filter.run.map(|run| ("run_id = ?".to_string(), Cell::Integer(run))),
            filter.target.clone().map(|target| ("target = ?".to_string(), Cell::Text(target))),
            filter.server.map(|id| ("server = ?".to_string(), Cell::Integer(i64::try_from(id).unwrap_or(i64::MAX)))),
            filter.since.map(|time| (timed(since), text_of(time))),
            filter.until.map(|time| (timed(until), text_of(time))),
        ];
        let (tests, binds): (Vec<String>, Vec<Cell>) = tests.into_iter().flatten().unzip();
        let tests = if tests.is_empty() { String::new() } else { format!(" WHERE {}", tests.join(" AND ")) };
        let (name, order) = (self.name(), self.order());
        let sql = format!("SELECT * FROM {name}{tests} ORDER BY {order}");
        let Some(limit) = filter.limit else { return Ok((sql, binds)) };
        // Skipping all but the last keeps rows of equal number in the order they were written.
        let twice = binds.iter().chain(&binds).cloned().collect();
        let skip =
            format!("(SELECT max(0, count(*) - {}) FROM {name}{tests})", i64::try_from(limit).unwrap_or(i64::MAX));
        Ok((format!("{sql} LIMIT -1 OFFSET {skip}"), twice))
    }
}
