//! `notify test`, and the receivers that a strategy and a file of their own name.

use std::path::Path;

use super::args::{Global, NotifyArgs, NotifyCommand};
use super::{Failure, check, history, logging};
use crate::history::{Cell, Rows};
use crate::notify::{Patience, Receiver, Tried, try_out};
use crate::strategy::NotifySpec;

/// The receivers of a strategy and those of a file of their own, with their secrets.
pub(super) fn receivers(
    global: &Global,
    of_strategy: &[NotifySpec],
    file: Option<&Path>,
) -> Result<Vec<Receiver>, Failure> {
    let of_file = file.map(|file| check::read_receivers(global, file)).transpose()?.unwrap_or_default();
    if let Some(twice) = of_file.iter().find(|spec| of_strategy.iter().any(|other| other.name == spec.name)) {
        let message =
            format!("the strategy and the file of --notify both have a receiver `{}`; name one otherwise", twice.name);
        return Err(Failure::usage(message));
    }
    let open = |spec| Receiver::open(spec).map_err(|e| Failure::usage(e.to_string()));
    of_strategy.iter().chain(&of_file).map(open).collect()
}

pub(super) async fn notify(global: &Global, args: NotifyArgs) -> Result<(), Failure> {
    let NotifyCommand::Test { strategy, notify } = args.what;
    let file = strategy.map(|strategy| check::read(global, &strategy)).transpose()?;
    let specs = file.as_ref().map(|file| file.receivers.as_slice()).unwrap_or_default();
    let receivers = receivers(global, specs, notify.as_deref())?;
    logging::start(global, receivers.iter().flat_map(Receiver::secrets).collect(), None);
    if receivers.is_empty() {
        return Err(Failure::usage("the strategy names no receiver; add a `[[notify]]`, or name a file with --notify"));
    }
    let name = file.map_or_else(|| "notify test".to_owned(), |file| file.strategy.name);
    let tried = try_out(&receivers, name, Patience::default()).await?;
    let columns = ["receiver", "kind", "outcome", "answer"].map(str::to_owned).to_vec();
    history::print(global, &Rows { columns, rows: tried.iter().map(row).collect() })?;
    match tried.iter().filter(|tried| tried.came_back.is_err()).count() {
        0 => Ok(()),
        failed => Err(Failure::other(format!("{failed} of {} receivers did not take the message", tried.len()))),
    }
}

fn row(tried: &Tried) -> Vec<Cell> {
    let (outcome, answer) = match &tried.came_back {
        Ok(said) => ("taken", said.to_string()),
        Err(trouble) => ("failed", trouble.to_string()),
    };
    [tried.name.as_str(), tried.kind, outcome, &answer].map(|text| Cell::Text(text.to_owned())).to_vec()
}
