//! `verify`: checks the journal itself. Exit 5 where anything in it is not as it must be.

use std::path::Path;

use tracing::info;

use super::args::{Global, VerifyArgs};
use super::{Failure, Kind, history, logging};
use crate::audit::verify;
use crate::history::{Cell, History, Rows};
use crate::journal::{Head, heads_in};

pub(super) async fn verify(global: &Global, args: &VerifyArgs) -> Result<(), Failure> {
    logging::start(global, Vec::new(), None);
    let mut journal = History::open_read_only(global.db()).await?;
    let mut heads = Vec::new();
    for text in &args.head {
        heads.extend(heads_of(text)?);
    }
    let report = verify::verify(&mut journal, args.run, &heads).await?;
    let number = |n: u64| Cell::Integer(i64::try_from(n).unwrap_or(i64::MAX));
    let rows = report.checks.iter().map(|check| {
        let first = check.first.clone().map_or(Cell::Null, Cell::Text);
        vec![Cell::Text(check.check.to_owned()), number(check.checked), number(check.faults), first]
    });
    let columns = ["check", "checked", "faults", "first_fault"].map(str::to_owned).to_vec();
    for run_id in &report.cut_short {
        info!(
            run_id,
            "run {run_id} was cut short: what it read in its last 5 s may not be on record; no command is missing"
        );
    }
    history::print(global, &Rows { columns, rows: rows.collect() })?;
    if report.is_sound() {
        return Ok(());
    }
    let broken: Vec<String> =
        report.broken().map(|c| format!("{}: {}", c.check, c.first.as_deref().unwrap_or("a fault"))).collect();
    Err(Failure::new(Kind::Difference, format!("the journal is not sound:\n  {}", broken.join("\n  "))))
}

/// The heads that an argument names: one as a run logs it, or all those in a file.
fn heads_of(text: &str) -> Result<Vec<Head>, Failure> {
    let no_head = match text.parse() {
        Ok(head) => return Ok(vec![head]),
        Err(no_head) => no_head,
    };
    let in_file = heads_in(Path::new(text)).map_err(|e| Failure::usage(format!("--head: cannot read {text}: {e}")))?;
    if in_file.is_empty() {
        return Err(Failure::usage(format!("--head: `{text}` is no file of heads, and {no_head}")));
    }
    Ok(in_file)
}
