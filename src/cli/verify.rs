//! `verify`: checks the journal itself. Exit 5 where anything in it is not as it must be.

use super::args::{Global, VerifyArgs};
use super::{Failure, Kind, history, logging};
use crate::audit::verify;
use crate::history::{Cell, History, Rows};

pub(super) async fn verify(global: &Global, args: &VerifyArgs) -> Result<(), Failure> {
    logging::start(global, Vec::new(), None);
    let mut journal = History::open_read_only(global.db()).await?;
    let report = verify::verify(&mut journal, args.run).await?;
    let number = |n: u64| Cell::Integer(i64::try_from(n).unwrap_or(i64::MAX));
    let rows = report.checks.iter().map(|check| {
        let first = check.first.clone().map_or(Cell::Null, Cell::Text);
        vec![Cell::Text(check.check.to_owned()), number(check.checked), number(check.faults), first]
    });
    let columns = ["check", "checked", "faults", "first_fault"].map(str::to_owned).to_vec();
    history::print(global, &Rows { columns, rows: rows.collect() })?;
    if report.is_sound() {
        return Ok(());
    }
    let broken: Vec<String> =
        report.broken().map(|c| format!("{}: {}", c.check, c.first.as_deref().unwrap_or("a fault"))).collect();
    Err(Failure::new(Kind::Difference, format!("the journal is not sound:\n  {}", broken.join("\n  "))))
}
