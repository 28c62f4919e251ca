//! Whether the views show what the tables hold, and whether the sums are right.

use clorebid_core::money::Price;
use clorebid_core::time::Span;
use sha2::{Digest, Sha256};

use super::tally::{Kind, Tally, int, text};
use crate::audit::replay::Recorded;
use crate::history::{Cell, History, HistoryError, Paged};

/// The tables of a journal, without the one row a run.
const TABLES: [&str; 12] = [
    "calls",
    "replies",
    "sightings",
    "reads",
    "changes",
    "answers",
    "memories",
    "transitions",
    "stretches",
    "stretch_ends",
    "spending",
    "notice_rows",
];

/// Each view with the rows that it must show, as it is in the file for others to read.
const VIEWS: [(&str, &str); 6] = [
    ("requests_by_key", "(SELECT count(*) FROM reads WHERE {}) + (SELECT count(*) FROM changes WHERE {})"),
    ("bids_by_key", "(SELECT count(*) FROM changes WHERE {})"),
    ("states_by_key", "(SELECT count(*) FROM transitions WHERE {})"),
    (
        "observations_by_key",
        "(SELECT count(*) FROM reads WHERE {} AND reply_id IN (SELECT id FROM sightings WHERE {}))",
    ),
    ("holdings", "(SELECT count(*) FROM stretches WHERE {})"),
    ("notices", "(SELECT count(*) FROM notice_rows WHERE {})"),
];

const SELECT_STRETCHES: &str = "SELECT s.id AS id, s.from_at, s.bid, e.to_at, e.cost, s.offer \
     FROM stretches s LEFT JOIN stretch_ends e ON e.stretch_id = s.id WHERE {}";

/// How many rows the journal has.
pub(super) async fn count_rows(history: &mut History) -> Result<u64, HistoryError> {
    let mut rows = 0;
    for table in TABLES.into_iter().chain(["run_starts", "run_ends"]) {
        let counted = history.sql(&format!("SELECT count(*) FROM {table}")).await?;
        rows += counted.rows.first().and_then(|row| int(row, 0)).and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
    }
    Ok(rows)
}

/// Views and sums of one run.
pub(super) async fn run(history: &mut History, run: &Recorded, tally: &mut Tally) -> Result<(), HistoryError> {
    let run_id = run.run_id;
    for (view, tables) in VIEWS {
        let keys = format!("id > {run_id} << 32 AND id < ({run_id} + 1) << 32");
        let of_run = if view.ends_with("_by_key") { keys.clone() } else { format!("run_id = {run_id}") };
        let sql = format!("SELECT (SELECT count(*) FROM main.{view} WHERE {of_run}), {}", tables.replace("{}", &keys));
        let counted = history.sql(&sql).await?;
        let row: &[Cell] = counted.rows.first().map_or(&[], Vec::as_slice);
        let (shown, held) = (int(row, 0), int(row, 1));
        tally.check(Kind::Views, shown == held, || {
            format!("run {run_id}: the view {view} shows {shown:?} rows of {held:?}")
        });
    }
    let sha = format!("SELECT strategy_sha256 FROM runs WHERE run_id = {run_id}");
    let recorded = history.sql(&sha).await?;
    let computed: String = Sha256::digest(run.strategy_toml.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    let same = recorded.rows.first().and_then(|row| text(row, 0)) == Some(computed.as_str());
    tally.check(Kind::Views, same, || format!("run {run_id}: the strategy has another SHA-256"));
    money(history, run, tally).await
}

/// Costs of stretches, and the time that a day's totals come to.
async fn money(history: &mut History, run: &Recorded, tally: &mut Tally) -> Result<(), HistoryError> {
    let run_id = run.run_id;
    let mut held = Span::ZERO;
    let mut stretches = Paged::of_run(run_id, SELECT_STRETCHES, "s.id");
    while let Some(row) = stretches.next_if(history, |_| true).await? {
        let (from, to) = (int(&row, 1).unwrap_or(0), int(&row, 3));
        let order = int(&row, 5).unwrap_or(0);
        tally.check(Kind::Money, to.is_some() || run.ended_at.is_none(), || {
            format!("run {run_id}: a stretch of order {order} has no end, although the run has one")
        });
        let Some(to) = to else { continue };
        let span = Span::from_ms(to.saturating_sub(from));
        held = held + span;
        let cost =
            text(&row, 2).and_then(|bid| Price::parse(bid).ok()).map(|bid| bid.accrue(span).amount().to_string());
        tally.check(Kind::Money, to >= from && cost.as_deref() == text(&row, 4), || {
            format!("run {run_id}: order {order} held for {span} cost {:?}, not {cost:?}", text(&row, 4))
        });
    }
    if run.ended_at.is_some() {
        let sql = format!(
            "SELECT coalesce(sum(held_ms), 0) FROM (SELECT day, held_ms, max(id) FROM spending \
             WHERE id > {run_id} << 32 AND id < ({run_id} + 1) << 32 GROUP BY day)"
        );
        let summed = history.sql(&sql).await?;
        let summed = summed.rows.first().and_then(|row| int(row, 0)).unwrap_or(0);
        tally.check(Kind::Money, summed == held.ms(), || {
            format!("run {run_id}: the days come to {summed} ms held, the stretches to {} ms", held.ms())
        });
    }
    Ok(())
}
