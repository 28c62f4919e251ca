//! What can be said on the command line.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use clorebid_core::duration::SpanError;
use clorebid_core::money::{Amount, Price};
use clorebid_core::time::Span;

mod history;

pub(super) use history::{HistoryArgs, HistoryView, ModeArg};

/// Bids on the GPU spot market of CLORE.AI: raises when outbid, steps down as fast as the rules allow, keeps to hard
/// limits, and records every request, bid and state change.
#[derive(Debug, Parser)]
#[command(name = "clorebid", version, max_term_width = 100)]
pub(super) struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// The journal: every run's history, in SQLite [default: clorebid.db; a backtest keeps none unless told]
    #[arg(long, global = true, value_name = "FILE")]
    pub db: Option<PathBuf>,
    /// How lists are printed
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Say more (twice: every request)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say less: warnings and errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Plain text without colours
    #[arg(long, global = true)]
    pub no_color: bool,
    /// How log lines are written
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub log: LogFormat,
}

impl Global {
    /// The journal's file.
    pub(super) fn db(&self) -> &Path {
        self.db.as_deref().unwrap_or(Path::new("clorebid.db"))
    }
}

/// How lists are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Table,
    Json,
    Csv,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Bid as a strategy file says: on paper unless told otherwise
    Run(RunArgs),
    /// Try a strategy on recorded markets
    Backtest(BacktestArgs),
    /// Check a strategy file, and print it with every default filled in
    Check(CheckArgs),
    /// Serve the simulated venue over HTTP, for any client
    Exchange(ExchangeArgs),
    /// Write down what the venue answers, for backtests
    Record(RecordArgs),
    /// Tapes: what is on them, and to and from the journal
    Tape(TapeArgs),
    /// The marketplace, or the spot market of the servers named
    Market(MarketArgs),
    /// Our orders at the venue
    Orders(OrdersArgs),
    /// Our wallets at the venue
    Wallets(AccountArgs),
    /// Cancel orders by their numbers
    Cancel(CancelArgs),
    /// How the newest run stands, from any terminal, by its journal alone
    Status(StatusArgs),
    /// What happened: runs, requests, bids, states, holdings, spending
    History(HistoryArgs),
    /// Decide a recorded run again and compare ask by ask
    Replay(ReplayArgs),
    /// Check the journal itself: hash chain, gaps, views and invariants
    Verify(VerifyArgs),
    /// Why one request was made, or why what the core would have liked was not done
    Why(WhyArgs),
    /// Notifications: try out whether they arrive
    Notify(NotifyArgs),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

fn duration(text: &str) -> Result<Span, String> {
    text.parse().map_err(|e: SpanError| e.to_string())
}

/// Where the venue is and who we are there.
#[derive(Debug, Args)]
pub(super) struct AccountArgs {
    /// Where the API is
    #[arg(long, value_name = "URL", default_value = "https://api.clore.ai/v1")]
    pub api_url: String,
    /// A file that holds the API key (else the environment variable CLORE_API_KEY)
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The strategy file
    #[arg(long, value_name = "FILE")]
    pub strategy: PathBuf,
    /// Bid real money at the venue instead of on paper
    #[arg(long)]
    pub live: bool,
    #[command(flatten)]
    pub account: AccountArgs,
    /// End after this long, such as 30m, 6h or 1d
    #[arg(long = "for", value_name = "DUR", value_parser = duration)]
    pub duration: Option<Span>,
    /// What every random choice on paper follows from
    #[arg(long, value_name = "N", conflicts_with = "live")]
    pub seed: Option<u64>,
    /// The market on paper: a scenario file, or the name of a built-in one
    #[arg(long, value_name = "FILE", conflicts_with = "live")]
    pub scenario: Option<String>,
    /// Tapes that teach the policy adaptive beforehand how its servers' prices move; plain or .zst
    #[arg(long, value_name = "TAPE", num_args = 1..)]
    pub learn_from: Vec<PathBuf>,
    /// Let time run this many times faster (paper, or an API on this machine)
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub time_scale: u32,
    /// What happens to our orders when the run ends
    #[arg(long, value_enum, default_value_t = OnExit::Keep)]
    pub on_exit: OnExit,
    /// Read the markets and never bid
    #[arg(long)]
    pub observe_only: bool,
    /// A file that says who is told what happens, in `[[notify]]` as in a strategy
    #[arg(long, value_name = "FILE")]
    pub notify: Option<PathBuf>,
    /// Serve /healthz and /metrics on this address; a port alone is one of this machine, for nobody else
    #[arg(long, value_name = "ADDR", value_parser = crate::metrics::read_address)]
    pub listen: Option<std::net::SocketAddr>,
}

/// What happens to our orders when the run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OnExit {
    /// They stand; the next run on the same journal takes them up again
    Keep,
    /// They are cancelled
    Cancel,
}

/// What a backtest tries, on what, and under which rules where the tape cannot tell.
#[derive(Debug, Args)]
pub(super) struct BacktestArgs {
    /// The strategy file
    #[arg(long, value_name = "FILE")]
    pub strategy: PathBuf,
    /// The tapes, oldest first; plain or .zst
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub tape: Vec<PathBuf>,
    /// Print one JSON object a run
    #[arg(long)]
    pub json: bool,
    /// Vary a key of the strategy: limits.max_bid=0.00003..0.00006:0.00001, or target.bid.margin=0%,2%,5%
    #[arg(long, value_name = "KEY=VALUES")]
    pub vary: Vec<crate::backtest::Axis>,
    /// How many runs at once; all cores unless set
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub jobs: Option<u32>,
    /// Only this part of the grid, such as 1/4
    #[arg(long, value_name = "K/N")]
    pub shard: Option<crate::backtest::Shard>,
    /// Whether the rivals on the tape answer our bids
    #[arg(long, value_enum, default_value_t = RivalsArg::Static)]
    pub rivals: RivalsArg,
    /// Largest lowering at once [default: what the strategy says, else 0.000001 bitcoin, 0.5 of the others]
    #[arg(long, value_name = "P", value_parser = price)]
    pub step: Option<Price>,
    /// Price resolution [default: what the strategy says, else the currency's]
    #[arg(long, value_name = "P", value_parser = price)]
    pub tick: Option<Price>,
    /// Time between two lowerings [default: what the strategy says, else 600s]
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub lower_every: Option<Span>,
    /// Charged once for each order that stands ten minutes [default: what the strategy file says, else 0]
    #[arg(long, value_name = "P", value_parser = amount)]
    pub creation_fee: Option<Amount>,
    /// What the venue adds to every price, in percent [default: what the strategy file says, else 0]
    #[arg(long, value_name = "P", value_parser = amount)]
    pub fee_percent: Option<Amount>,
    /// Keep what the oracle would have done, as a run in this journal
    #[arg(long, value_name = "FILE")]
    pub oracle_db: Option<PathBuf>,
    /// The oracle's time resolution
    #[arg(long, value_name = "DUR", value_parser = duration, default_value = "5s")]
    pub oracle_tick: Span,
    /// Longer than this without any record is a gap, which counts as neither held nor unheld
    #[arg(long, value_name = "DUR", value_parser = duration, default_value = "1d")]
    pub gap: Span,
    /// Look at every answer, even where it can only repeat the last one
    #[arg(long, hide = true)]
    pub no_jump: bool,
}

/// Whether the rivals on the tape answer our bids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RivalsArg {
    /// They bid what they bid
    Static,
    /// Each that we outbid answers, up to the most it ever bid
    Counter,
    /// Both, one after the other: the truth lies between
    Both,
}

fn price(text: &str) -> Result<Price, String> {
    Price::parse(text).map_err(|e| e.to_string())
}

fn amount(text: &str) -> Result<Amount, String> {
    Amount::parse(text).map_err(|e| e.to_string())
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The strategy file
    #[arg(required_unless_present = "schema")]
    pub file: Option<PathBuf>,
    /// Print the JSON schema of strategy files instead
    #[arg(long)]
    pub schema: bool,
}

#[derive(Debug, Args)]
pub(super) struct ExchangeArgs {
    /// Address and port to serve on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: std::net::SocketAddr,
    /// The market: a scenario file, or the name of a built-in one
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<String>,
    /// What every random choice follows from
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Let time run this many times faster
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub time_scale: u32,
    /// The API key that the venue takes
    #[arg(long, value_name = "K", default_value = "paper")]
    pub api_key: String,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").args(["servers", "strategy"]).required(true).multiple(true))]
pub(super) struct RecordArgs {
    /// Servers whose spot market to read, in turn
    #[arg(long, value_name = "ID,ID", value_delimiter = ',')]
    pub servers: Vec<u64>,
    /// Also the servers that this strategy would bid on: those it names, and whatever fits its `match`
    #[arg(long, value_name = "FILE")]
    pub strategy: Option<PathBuf>,
    /// The tape, packed if it ends in .zst; one that is there is gone on with
    #[arg(long, value_name = "T")]
    pub out: PathBuf,
    /// End after this long, such as 30m, 6h or 1d
    #[arg(long = "for", value_name = "DUR", value_parser = duration)]
    pub duration: Option<Span>,
    /// Read each server this often; else as often as the venue allows
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub every: Option<Span>,
    /// Read our orders and wallets, too, once a minute
    #[arg(long)]
    pub with_account: bool,
    #[command(flatten)]
    pub account: AccountArgs,
    /// Let time run this many times faster (an API on this machine only)
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub time_scale: u32,
}

#[derive(Debug, Args)]
pub(super) struct TapeArgs {
    #[command(subcommand)]
    pub what: TapeCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum TapeCommand {
    /// What is on tapes that follow one another: span, servers, records, changes, gaps, bytes
    Info {
        /// The tapes, oldest first
        #[arg(required = true, value_name = "T")]
        tapes: Vec<PathBuf>,
        /// Longer than this without a record of a server is a gap
        #[arg(long, value_name = "DUR", value_parser = duration, default_value = "10m")]
        gap: Span,
    },
    /// Write what a run was answered to a new tape
    Export {
        /// The run's number, as `clorebid history runs` shows it
        #[arg(long, value_name = "N")]
        run: i64,
        /// The tape, packed if it ends in .zst; it must not be there yet
        #[arg(long, value_name = "T")]
        out: PathBuf,
    },
    /// Put tapes that follow one another into the journal, as a run of their own
    Import {
        /// The tapes, oldest first
        #[arg(required = true, value_name = "T")]
        tapes: Vec<PathBuf>,
        /// What prices are shown in: bitcoin, CLORE-Blockchain or USD-Blockchain; else the first that a floor on the
        /// tape is in
        #[arg(long, value_name = "CURRENCY", value_parser = currency)]
        currency: Option<clorebid_core::money::Currency>,
    },
}

fn currency(text: &str) -> Result<clorebid_core::money::Currency, String> {
    use clorebid_core::money::Currency;
    let names = Currency::ALL.map(Currency::name).join(", ");
    Currency::from_name(text).ok_or_else(|| format!("no such currency; there are {names}"))
}

#[derive(Debug, Args)]
pub(super) struct MarketArgs {
    /// Servers whose spot market to show; none: the marketplace
    pub servers: Vec<u64>,
    #[command(flatten)]
    pub account: AccountArgs,
}

#[derive(Debug, Args)]
pub(super) struct OrdersArgs {
    /// List those that are over, too
    #[arg(long)]
    pub completed: bool,
    #[command(flatten)]
    pub account: AccountArgs,
}

#[derive(Debug, Args)]
pub(super) struct CancelArgs {
    /// The orders' numbers
    #[arg(required_unless_present = "all", conflicts_with = "all", value_name = "ID")]
    pub orders: Vec<u64>,
    /// Every order that stands
    #[arg(long)]
    pub all: bool,
    /// A problem with the server to report along, at most 2048 characters
    #[arg(long)]
    pub issue: Option<String>,
    #[command(flatten)]
    pub account: AccountArgs,
}

#[derive(Debug, Args)]
pub(super) struct NotifyArgs {
    #[command(subcommand)]
    pub what: NotifyCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum NotifyCommand {
    /// Send one message to each receiver, and print what came back
    #[command(group = clap::ArgGroup::new("where").args(["strategy", "notify"]).required(true).multiple(true))]
    Test {
        /// The receivers of this strategy file
        #[arg(long, value_name = "FILE")]
        strategy: Option<PathBuf>,
        /// The receivers of this file
        #[arg(long, value_name = "FILE")]
        notify: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Draw it anew every two seconds, until Ctrl-C
    #[arg(long)]
    pub watch: bool,
    /// Show every digit of every sum
    #[arg(long)]
    pub exact: bool,
}

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// The run's number; none: the newest that a strategy decided
    pub run: Option<i64>,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Check the invariants of this run only (the hash chain is always checked whole)
    #[arg(long)]
    pub run: Option<i64>,
    /// What the journal must have, beside what the file next to it says: a head as a run logs it at its end, or a file
    /// of heads kept elsewhere
    #[arg(long, value_name = "HEAD|FILE")]
    pub head: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct WhyArgs {
    /// The run's number
    pub run: i64,
    /// The request's number in it
    pub seq: u64,
}
