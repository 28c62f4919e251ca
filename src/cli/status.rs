//! `status`: how the newest run stands, from any terminal, by its journal alone.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use super::args::{Format, Global, StatusArgs};
use super::{Failure, output, shutdown};
use crate::audit::replay::ReplayError;
use crate::audit::status::{self, Outside, Standing};
use crate::clock::wall_now;
use crate::history::{Cell, History, Rows};
use crate::lock::Lock;

mod block;

/// How often `--watch` draws anew.
const REDRAW_EVERY: Duration = Duration::from_secs(2);

pub(super) async fn status(global: &Global, args: &StatusArgs) -> Result<(), Failure> {
    if !args.watch {
        return show(global, args, &look(global).await?);
    }
    let mut stop = shutdown::on_signal()?;
    loop {
        // Opened anew each time: the run may end, and another user may have no right to wait for the next.
        let standing = look(global).await?;
        if io::stdout().is_terminal() && global.format == Format::Table {
            output::written(io::stdout().lock().write_all(b"\x1b[H\x1b[J"))?;
        }
        if output::is_closed(show_to(global, args, &standing, &mut io::stdout().lock()))? {
            return Ok(());
        }
        tokio::select! {
            _ = stop.wait_for(|stopped| *stopped) => return Ok(()),
            () = tokio::time::sleep(REDRAW_EVERY) => {}
        }
    }
}

async fn look(global: &Global) -> Result<Standing, Failure> {
    let db = global.db();
    let mut history = History::open_read_only(db).await?;
    let holder = Lock::database_holder(db).map_err(|e| {
        Failure::other(format!(
            "cannot tell whether a run is on: {}.lock cannot be read ({e}); ask its owner to let you read it",
            db.display()
        ))
    })?;
    status::status(&mut history, &Outside { holder, now: wall_now() }).await.map_err(|error| match error {
        ReplayError::NoRuns => {
            Failure::usage(format!("there is no run in {} yet; `clorebid run` begins one", db.display()))
        }
        error => error.into(),
    })
}

fn show(global: &Global, args: &StatusArgs, standing: &Standing) -> Result<(), Failure> {
    output::written(show_to(global, args, standing, &mut io::stdout().lock()))
}

fn show_to(global: &Global, args: &StatusArgs, standing: &Standing, out: &mut impl Write) -> io::Result<()> {
    match global.format {
        Format::Table => {
            let look = block::Look {
                exact: args.exact,
                width: output::width(),
                colour: !global.no_color && std::env::var_os("NO_COLOR").is_none() && io::stdout().is_terminal(),
            };
            block::draw(standing, look, out)
        }
        Format::Json => {
            serde_json::to_writer(&mut *out, standing)?;
            writeln!(out)
        }
        Format::Csv => servers(standing).write(crate::history::Format::Csv, out),
    }?;
    out.flush()
}

/// One row a server.
fn servers(standing: &Standing) -> Rows {
    let text = |value: &Option<String>| value.clone().map_or(Cell::Null, Cell::Text);
    let columns =
        ["server", "target", "state", "since", "bid", "floor", "best_rival", "next_lower_at", "cost", "cost_per_day"];
    let row = |s: &status::ServerStands| {
        vec![
            Cell::Integer(i64::try_from(s.server).unwrap_or(i64::MAX)),
            Cell::Text(s.target.clone()),
            Cell::Text(s.state.to_owned()),
            text(&s.since),
            text(&s.bid),
            text(&s.floor),
            text(&s.best_rival),
            text(&s.next_lower_at),
            Cell::Text(s.cost.clone()),
            text(&s.cost_per_day),
        ]
    };
    Rows { columns: columns.map(str::to_owned).to_vec(), rows: standing.servers.iter().map(row).collect() }
}
