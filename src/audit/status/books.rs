//! What rows alone tell of a run: until when there is a record, how long each state has lasted, what was spent.

use std::collections::BTreeMap;

use clorebid_core::money::{Amount, Price};
use clorebid_core::stretch::{Held, Stretch};
use clorebid_core::time::{Span, Time};
use rust_decimal::Decimal;

use crate::audit::replay::Recorded;
use crate::history::{Cell, History, HistoryError, Kept};

/// What rows alone tell.
#[derive(Debug)]
pub(super) struct Books {
    states: BTreeMap<u64, (String, Time)>,
    costs: BTreeMap<u64, Held>,
    /// Spent in the last 24 hours, fees included.
    pub(super) last_day: Amount,
    /// What is counted and left alone, and what happened to the clock, in words.
    pub(super) notices: Vec<String>,
}

impl Books {
    /// The last moment that the run has on record.
    pub(super) async fn recorded_until(history: &mut History, run: &Recorded) -> Result<Time, HistoryError> {
        let keys = keys(run.run_id);
        let newest = |of: &str| format!("coalesce((SELECT {of} WHERE id {keys} ORDER BY id DESC LIMIT 1), 0)");
        let all = ["sent_at + coalesce(took, 0) FROM reads", "sent_at FROM changes", "answered_at FROM answers"];
        let all: Vec<String> = all.iter().chain(&["at FROM memories"]).map(|of| newest(of)).collect();
        let newest = int(history, &format!("SELECT max({})", all.join(", "))).await?;
        Ok(newest.map_or(run.started_at, Time::from_ms).max(run.started_at))
    }

    /// When the last good answer to a read came.
    pub(super) async fn last_good_read(history: &mut History, run_id: i64) -> Result<Option<Time>, HistoryError> {
        let sql = format!(
            "SELECT r.sent_at + r.took FROM reads r JOIN replies p ON p.id = r.reply_id \
             WHERE r.id {} AND p.outcome = 'applied' ORDER BY r.id DESC LIMIT 1",
            keys(run_id)
        );
        Ok(int(history, &sql).await?.map(Time::from_ms))
    }

    /// The newest memory of the run that was written no later than `at`, when that was, and the last request that it
    /// knows the answer of.
    pub(super) async fn memory_before(
        history: &mut History,
        run_id: i64,
        at: Time,
    ) -> Result<Option<(Kept, Time, u64)>, HistoryError> {
        let sql = format!(
            "SELECT id & 4294967295, at, before FROM memories WHERE id {} AND at <= {} AND seq > 0 \
             ORDER BY id DESC LIMIT 1",
            keys(run_id),
            at.ms()
        );
        let rows = history.sql(&sql).await?.rows;
        let Some([number, at, before]) = rows.first().map(Vec::as_slice) else { return Ok(None) };
        let number = number.int().and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        let (at, is_before) = (Time::from_ms(at.int().unwrap_or(0)), before.int() == Some(1));
        let kept = history.memories_back(run_id, number.saturating_add(1), 1).await?.into_iter().next();
        Ok(kept.map(|kept| {
            let after = kept.seq.saturating_sub(u64::from(is_before));
            (kept, at, after)
        }))
    }

    /// All of it, as of `now`.
    pub(super) async fn read(history: &mut History, run: &Recorded, now: Time) -> Result<Books, HistoryError> {
        let run_id = run.run_id;
        // Every paper run is a world of its own; the others at the same venue go on from one another.
        let alike = if run.mode == "paper" {
            format!("r.run_id = {run_id}")
        } else {
            format!(
                "EXISTS (SELECT 1 FROM run_starts o WHERE o.run_id = {run_id} AND r.run_id <= o.run_id \
                 AND r.mode = o.mode AND r.venue = o.venue AND r.currency = o.currency)"
            )
        };
        let mut books =
            Books { states: BTreeMap::new(), costs: BTreeMap::new(), last_day: Amount::ZERO, notices: Vec::new() };
        books.read_states(history, &alike).await?;
        books.read_stretches(history, run_id, &alike, now).await?;
        books.read_notices(history, &alike, now).await?;
        Ok(books)
    }

    /// Since when that server has been in that state.
    pub(super) fn since(&self, server: u64, state: &str) -> Option<Time> {
        self.states.get(&server).filter(|(to, _)| to == state).map(|(_, at)| *at)
    }

    /// What holding that server has cost in the run, fees included.
    pub(super) fn cost(&self, server: u64) -> Amount {
        self.costs.get(&server).map_or(Amount::ZERO, |held| held.cost.amount().plus(held.fees.amount()))
    }

    async fn read_states(&mut self, history: &mut History, alike: &str) -> Result<(), HistoryError> {
        // SQLite takes the bare columns from the row that max() picks.
        let sql = format!(
            "SELECT t.server, t.to_state, t.at, max(t.id) FROM transitions t JOIN run_starts r ON r.run_id = t.run_id \
             WHERE {alike} GROUP BY t.server"
        );
        for row in history.sql(&sql).await?.rows {
            if let [Cell::Integer(server), Cell::Text(state), Cell::Integer(at), _] = row.as_slice() {
                self.states.insert(u64::try_from(*server).unwrap_or(0), (state.clone(), Time::from_ms(*at)));
            }
        }
        Ok(())
    }

    async fn read_stretches(
        &mut self,
        history: &mut History,
        run_id: i64,
        alike: &str,
        now: Time,
    ) -> Result<(), HistoryError> {
        let day_ago = now - Span::DAY;
        // What the venue adds is told by its list, often only after the stretch began. A stretch without an end goes on,
        // if it is this run's; that of an earlier one was ended where its record does.
        let sql = format!(
            "SELECT s.run_id, s.server, s.bid, s.from_at, e.to_at, coalesce((SELECT w.words FROM notice_rows w \
               WHERE w.id BETWEEN (s.run_id << 32) AND (s.run_id << 32) + 4294967295 AND w.kind = 'fee_told' AND w.offer = s.offer ORDER BY w.id DESC LIMIT 1), \
               s.fee_percent) \
             FROM stretches s JOIN run_starts r ON r.run_id = s.run_id LEFT JOIN stretch_ends e ON e.stretch_id = s.id \
             WHERE {alike} AND (s.id {} OR e.to_at > {})",
            keys(run_id),
            day_ago.ms()
        );
        let mut last_day = Held::NONE;
        for row in history.sql(&sql).await?.rows {
            let [Cell::Integer(of), Cell::Integer(server), Cell::Text(bid), Cell::Integer(from), to, Cell::Text(fee)] =
                row.as_slice()
            else {
                continue;
            };
            let (Ok(bid), Ok(fee)) = (Price::parse(bid), fee.parse::<Decimal>()) else { continue };
            let (from, to) = (Time::from_ms(*from), to.int().map_or(now, Time::from_ms));
            if *of == run_id {
                let held = self.costs.entry(u64::try_from(*server).unwrap_or(0)).or_insert(Held::NONE);
                *held = held.plus(Stretch { bid, from }.held(to, fee));
            }
            if to > day_ago {
                last_day = last_day.plus(Stretch { bid, from: from.max(day_ago) }.held(to, fee));
            }
        }
        self.last_day = last_day.cost.amount().plus(last_day.fees.amount());
        Ok(())
    }

    async fn read_notices(&mut self, history: &mut History, alike: &str, now: Time) -> Result<(), HistoryError> {
        let sql = format!(
            "SELECT n.kind, n.server, n.offer, n.target, n.words, n.amount FROM notice_rows n \
             JOIN run_starts r ON r.run_id = n.run_id WHERE {alike} AND n.at > {} \
             AND n.kind IN ('foreign_order', 'clock_jump', 'creation_fee') ORDER BY n.id",
            (now - Span::DAY).ms()
        );
        for row in history.sql(&sql).await?.rows {
            let [Cell::Text(kind), server, offer, target, words, amount] = row.as_slice() else { continue };
            let number = |cell: &Cell| cell.int().unwrap_or(0);
            let words = match kind.as_str() {
                "creation_fee" => {
                    let fee = amount.text().and_then(|text| Amount::parse(text).ok()).unwrap_or(Amount::ZERO);
                    self.last_day = self.last_day.plus(fee);
                    continue;
                }
                "clock_jump" => words.text().unwrap_or_default().to_owned(),
                _ => {
                    let counts = target.text().map(|t| format!(" for target {t}")).unwrap_or_default();
                    let (order, server) = (number(offer), number(server));
                    format!("order {order} on server {server} is not known as ours: counted{counts} and left alone")
                }
            };
            if !self.notices.contains(&words) {
                self.notices.push(words);
            }
        }
        Ok(())
    }
}

/// The condition on the key that a run's rows fulfil.
pub(in crate::audit) fn keys(run_id: i64) -> String {
    let first = run_id << 32;
    format!("BETWEEN {first} AND {}", first.saturating_add(i64::from(u32::MAX)))
}

/// The one whole number of a query.
pub(super) async fn int(history: &mut History, sql: &str) -> Result<Option<i64>, HistoryError> {
    let rows = history.sql(sql).await?;
    Ok(rows.rows.first().and_then(|row| row.first()).and_then(Cell::int))
}
