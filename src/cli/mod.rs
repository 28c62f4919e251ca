//! The command line: one file a command. Results go to stdout, all else to stderr.

mod args;
mod backtest;
mod beside;
mod by_hand;
mod check;
mod exchange;
mod exit;
mod history;
mod live;
mod logging;
mod notify;
mod output;
mod record;
mod replay;
mod run;
mod screen;
mod shutdown;
mod status;
mod tape;
mod verify;
mod why;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Cli, Command};
pub use exit::{Failure, Kind};

/// Runs the command that the arguments name, and tells how it ended.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::other(format!("cannot start: {error}")).report(),
    };
    // Whatever still runs in the background holds nothing that matters: the journal is closed by then.
    let ended = runtime.block_on(dispatch(cli));
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn dispatch(cli: Cli) -> Result<(), Failure> {
    let global = cli.global;
    match cli.command {
        Command::Run(args) => run::run(&global, args).await,
        Command::Backtest(args) => backtest::backtest(&global, &args).await,
        Command::Check(args) => check::check(&global, &args),
        Command::Exchange(args) => exchange::serve(&global, args).await,
        Command::Record(args) => record::record(&global, args).await,
        Command::Tape(args) => tape::tape(&global, args).await,
        Command::Market(args) => by_hand::market(&global, args).await,
        Command::Orders(args) => by_hand::orders(&global, args).await,
        Command::Wallets(args) => by_hand::wallets(&global, args).await,
        Command::Cancel(args) => by_hand::cancel(&global, args).await,
        Command::History(args) => history::show(&global, &args).await,
        Command::Status(args) => status::status(&global, &args).await,
        Command::Replay(args) => replay::replay(&global, &args).await,
        Command::Verify(args) => verify::verify(&global, &args).await,
        Command::Why(args) => why::why(&global, &args).await,
        Command::Notify(args) => notify::notify(&global, args).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "clorebid", &mut script);
            output::print(String::from_utf8_lossy(&script))
        }
        Command::Man => {
            let mut page = Vec::new();
            let made = clap_mangen::Man::new(Cli::command()).render(&mut page);
            made.map_err(|e| Failure::other(format!("cannot make the page: {e}")))?;
            output::print(String::from_utf8_lossy(&page))
        }
    }
}
