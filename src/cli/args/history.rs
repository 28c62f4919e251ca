//! What `history` can be asked.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
pub(in crate::cli) struct HistoryArgs {
    #[command(subcommand)]
    pub what: HistoryView,
    /// Only this run
    #[arg(long, global = true)]
    pub run: Option<i64>,
    /// Only this target
    #[arg(long, global = true)]
    pub target: Option<String>,
    /// Only this server
    #[arg(long, global = true)]
    pub server: Option<u64>,
    /// Not before this time (RFC 3339), day, or length of time ago (7d)
    #[arg(long, global = true, value_name = "TIME")]
    pub since: Option<String>,
    /// Not after this time (RFC 3339), day (all of which is in), or length of time ago (12h)
    #[arg(long, global = true, value_name = "TIME")]
    pub until: Option<String>,
    /// Only the newest so many
    #[arg(long, global = true, value_name = "N")]
    pub limit: Option<u64>,
}

/// The mode of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ModeArg {
    Live,
    Paper,
    Dry,
}

impl ModeArg {
    /// The code in the journal.
    pub(in crate::cli) const fn code(self) -> &'static str {
        match self {
            ModeArg::Live => "live",
            ModeArg::Paper => "paper",
            ModeArg::Dry => "dry",
        }
    }
}

/// The views, and free SQL over them.
#[derive(Debug, Clone, Subcommand)]
pub(in crate::cli) enum HistoryView {
    /// Every bid placed, raised, lowered or cancelled, and why
    Bids,
    /// Every step an order took
    States,
    /// Every request and how it ended
    Requests,
    /// What the markets showed
    Observations,
    /// What was held, when, at what bid and cost
    Holdings,
    /// Cost, fees and time held for each day
    Spend,
    /// What a limit did not allow, orders that are not ours, creation fees
    Notices,
    /// Every run
    Runs,
    /// Time held, interruptions and cost for each target and server, beside what on demand would have cost
    Summary {
        /// Only runs of this mode
        #[arg(long, value_enum)]
        mode: Option<ModeArg>,
    },
    /// A read-only SQL query over the views and tables
    Sql {
        /// Such as "SELECT * FROM bids LIMIT 10"
        query: String,
    },
}
