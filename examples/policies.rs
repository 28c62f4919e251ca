//! Compares the policies on recorded markets: what each would have paid, as a multiple of the least that anybody could
//! have paid who knew the whole tape beforehand.
//!
//! `cargo run --release --example policies -- STRATEGY TAPE…` takes prices, limits and `[venue]` from the strategy
//! file, and prints one row for each server of its first target, and one for the best of them all the time.

use clorebid::backtest::{Bounds, Recorded, Rivals, VenueRules, bounds, run};
use clorebid::core::strategy::{Choice, Strategy};
use clorebid::core::time::Span;
use clorebid::strategy;
use clorebid::tape::{Reader, Series, SeriesOptions};
use rust_decimal::Decimal;

/// The oracle's time resolution.
const TICK: Span = Span::from_secs(5);
/// The margins, in percent, that the best one is chosen from with hindsight.
const MARGINS: std::ops::RangeInclusive<u32> = 0..=15;

type Failure = Box<dyn std::error::Error>;

/// One market to compare the policies on.
struct Market<'a> {
    text: &'a str,
    servers: Vec<u64>,
    recorded: &'a Recorded,
}

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, tapes @ ..] = args.as_slice() else { return Err("usage: policies STRATEGY TAPE…".into()) };
    if tapes.is_empty() {
        return Err("usage: policies STRATEGY TAPE…".into());
    }
    let text = std::fs::read_to_string(file)?;
    let named = strategy::read(&text, file).map_err(|error| format!("{file}: {error}"))?.strategy;
    let Some(Choice::Servers(servers)) = named.targets.first().map(|target| &target.choice) else {
        return Err("the first target must name its servers".into());
    };
    let paths: Vec<&std::path::Path> = tapes.iter().map(std::path::Path::new).collect();
    let options = SeriesOptions { servers: Vec::new(), gap: Some(Span::DAY) };
    let recorded = Recorded::new(Series::read(Reader::open(&paths)?, &options)?);
    println!(
        "{:<16} {:>9} {:>8} {:>8} {:>8} {:>13} {:>9} {:>8} {:>8}",
        "server", "optimum,", "follow", "follow", "follow", "best margin", "best", "adaptive", "adaptive,"
    );
    println!(
        "{:<16} {:>9} {:>8} {:>8} {:>8} {:>13} {:>9} {:>8} {:>8}",
        "", "% of o.d.", "0 %", "2 %", "5 %", "in hindsight", "fixed bid", "", "countered"
    );
    let ids: Vec<u64> = servers.iter().map(|id| id.0).collect();
    let alone = ids.iter().map(|id| vec![*id]);
    let together = (ids.len() > 1).then(|| ids.clone());
    for servers in alone.chain(together) {
        Market { text: &text, servers, recorded: &recorded }.print()?;
    }
    Ok(())
}

impl Market<'_> {
    /// The strategy with only these servers, one of them wanted, and that way to bid.
    fn strategy(&self, bid: &str) -> Result<Strategy, Failure> {
        let mut file: toml::Table = self.text.parse()?;
        let targets = file.get_mut("target").and_then(toml::Value::as_array_mut).ok_or("no target")?;
        targets.truncate(1);
        let target = targets.first_mut().and_then(toml::Value::as_table_mut).ok_or("no target")?;
        let servers = self.servers.iter().map(|id| i64::try_from(*id).map(toml::Value::Integer));
        target.insert("servers".into(), toml::Value::Array(servers.collect::<Result<_, _>>()?));
        target.insert("want".into(), toml::Value::Integer(1));
        target.insert("bid".into(), toml::Value::Table(bid.parse()?));
        let text = toml::to_string(&file)?;
        Ok(strategy::read(&text, "the strategy").map_err(|error| error.to_string())?.strategy)
    }

    fn effective_cost(&self, bid: &str, rivals: Rivals) -> Result<Decimal, Failure> {
        let strategy = self.strategy(bid)?;
        let ran = run(&strategy, self.recorded, &VenueRules::of(&strategy), rivals, true, &mut |_, _, _, _| {});
        Ok(ran.effective_cost.decimal())
    }

    fn print(&self) -> Result<(), Failure> {
        let follow = |margin: u32| format!("policy = \"follow\"\nmargin = \"{margin}%\"\nlost = \"{}\"", self.lost());
        let strategy = self.strategy("policy = \"adaptive\"")?;
        let best: Bounds = bounds(&strategy, self.recorded, &VenueRules::of(&strategy), TICK)?;
        let optimum = best.oracle_cost.decimal();
        let over = |cost: Decimal| cost.checked_div(optimum).unwrap_or_default().round_dp(3);
        let mut margins = Vec::new();
        for margin in MARGINS {
            margins.push((over(self.effective_cost(&follow(margin), Rivals::Static)?), margin));
        }
        let of = |margin: u32| margins.iter().find(|(_, m)| *m == margin).map(|(cost, _)| *cost).unwrap_or_default();
        let (least, margin) = margins.iter().min().copied().unwrap_or_default();
        let adaptive = |rivals| self.effective_cost("policy = \"adaptive\"", rivals);
        let share = optimum.checked_mul(Decimal::ONE_HUNDRED).unwrap_or_default();
        println!(
            "{:<16} {:>9} {:>8} {:>8} {:>8} {:>13} {:>9} {:>8} {:>8}",
            self.servers.iter().map(u64::to_string).collect::<Vec<_>>().join(" "),
            share.checked_div(best.on_demand_cost.decimal()).unwrap_or_default().round_dp(2),
            of(0),
            of(2),
            of(5),
            format!("{least} ({margin} %)"),
            over(best.best_fixed_cost.decimal()),
            over(adaptive(Rivals::Static)?),
            over(adaptive(Rivals::Counter)?),
        );
        Ok(())
    }

    /// What **follow** does about a lost server.
    fn lost(&self) -> &'static str {
        if self.servers.len() > 1 { "move" } else { "raise" }
    }
}
