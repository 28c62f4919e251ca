//! `history`: what happened, from the journal alone.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime};
use clorebid_core::time::{Span, Time};

use super::args::{Format, Global, HistoryArgs, HistoryView, ModeArg};
use super::{Failure, Kind, output};
use crate::audit::summary;
use crate::clock::wall_now;
use crate::history::{self, Filter, History, HistoryError, View};

pub(super) async fn show(global: &Global, args: &HistoryArgs) -> Result<(), Failure> {
    let mut journal = History::open_read_only(global.db()).await?;
    let filter = Filter {
        run: args.run,
        target: args.target.clone(),
        server: args.server,
        since: args.since.as_deref().map(|text| moments(text).map(|(first, _)| first)).transpose()?,
        until: args.until.as_deref().map(|text| moments(text).map(|(_, last)| last)).transpose()?,
        limit: args.limit,
    };
    let rows = match &args.what {
        HistoryView::Sql { .. } if filter != Filter::default() => {
            return Err(Failure::usage("with `history sql` put the filter into the query"));
        }
        HistoryView::Sql { query } => journal.sql(query).await?,
        HistoryView::Bids => journal.view(View::Bids, &filter).await?,
        HistoryView::States => journal.view(View::States, &filter).await?,
        HistoryView::Requests => journal.view(View::Requests, &filter).await?,
        HistoryView::Observations => journal.view(View::Observations, &filter).await?,
        HistoryView::Holdings => journal.view(View::Holdings, &filter).await?,
        HistoryView::Spend => journal.view(View::Spend, &filter).await?,
        HistoryView::Summary { mode } => summary::summary(&mut journal, &filter, mode.map(ModeArg::code)).await?,
        HistoryView::Runs => journal.view(View::Runs, &filter).await?,
        HistoryView::Notices => journal.view(View::Notices, &filter).await?,
    };
    print(global, &rows)
}

/// Prints rows as the user wants them. A reader who has seen enough and closed the pipe is no failure.
pub(super) fn print(global: &Global, rows: &history::Rows) -> Result<(), Failure> {
    let format = match global.format {
        Format::Table => history::Format::Table,
        Format::Json => history::Format::Json,
        Format::Csv => history::Format::Csv,
    };
    let out = &mut std::io::stdout().lock();
    output::written(match output::width() {
        Some(width) if format == history::Format::Table => rows.write_table(Some(width), out),
        _ => rows.write(format, out),
    })
}

/// The first and the last millisecond of what the text names: of a moment, of a day, or of what was so
/// long ago.
fn moments(text: &str) -> Result<(Time, Time), Failure> {
    let moment = DateTime::parse_from_rfc3339(text).ok().map(|t| (t.timestamp_millis(), Span::ZERO));
    let whole_day = Span::DAY - Span::from_ms(1);
    let day =
        || text.parse::<NaiveDate>().ok().map(|d| (d.and_time(NaiveTime::MIN).and_utc().timestamp_millis(), whole_day));
    // The views compare times as text, in which a year of other than four digits is out of order.
    let four_digits =
        |first: i64| DateTime::from_timestamp_millis(first).is_some_and(|t| (0..=9999).contains(&t.year()));
    let ago = || text.parse::<Span>().ok().map(|ago| ((wall_now() - ago).ms(), Span::ZERO));
    moment
        .or_else(day)
        .or_else(ago)
        .filter(|(first, _)| four_digits(*first))
        .map(|(first, span)| (Time::from_ms(first), Time::from_ms(first) + span))
        .ok_or_else(|| {
            Failure::usage(format!(
                "`{text}` is no time; write 2026-11-01T00:00:00Z, 2026-11-01, or 7d for a length of time ago"
            ))
        })
}

impl From<HistoryError> for Failure {
    fn from(error: HistoryError) -> Failure {
        let kind = match error {
            HistoryError::Output(_) => Kind::Failed,
            _ => Kind::Usage,
        };
        Failure::new(kind, error.to_string())
    }
}
