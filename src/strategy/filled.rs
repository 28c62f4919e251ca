//! Prints a strategy with every default filled in. What it prints reads back to the same strategy.

use std::fmt::{self, Write};

use clorebid_core::policy::chosen::ChosenPolicy;
use clorebid_core::policy::{POLICIES, Setting};
use clorebid_core::strategy::{
    BidRules, Choice, Limits, Lost, Margin, Match, Open, PerDay, RestartCost, Target, VenueRules,
};

use super::{OrderSpec, StrategyFile};

/// The strategy as TOML, every default filled in; what has no default stands as a comment.
pub fn filled(file: &StrategyFile) -> String {
    let mut out = String::new();
    // Writing into a String cannot fail, so there is no error to pass on.
    let _ = write_file(&mut out, file);
    out
}

fn write_file(out: &mut String, file: &StrategyFile) -> fmt::Result {
    let strategy = &file.strategy;
    writeln!(out, "name = {}", quoted(&strategy.name))?;
    writeln!(out, "currency = {}", quoted(strategy.currency.name()))?;
    write_limits(out, &strategy.limits)?;
    write_venue(out, &strategy.venue)?;
    for (target, order) in strategy.targets.iter().zip(&file.orders) {
        write_target(out, target)?;
        write_bid(out, &target.policy, &target.bid)?;
        write_order(out, order)?;
    }
    Ok(())
}

/// A basic TOML string.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// `key = "value"`, or a comment that says what its absence means.
fn write_or(out: &mut String, key: &str, value: Option<impl fmt::Display>, absent: &str) -> fmt::Result {
    match value {
        Some(value) => writeln!(out, "{key} = \"{value}\""),
        None => writeln!(out, "# {key}: {absent}"),
    }
}

fn write_limits(out: &mut String, limits: &Limits) -> fmt::Result {
    writeln!(out, "\n[limits]\nmax_bid = \"{}\"", limits.max_bid)?;
    write_or(out, "max_daily_cost", limits.max_daily_cost, "no limit")?;
    write_or(out, "max_total_cost", limits.max_total_cost, "no limit")?;
    write_or(out, "min_balance", limits.min_balance, "no limit")?;
    match limits.max_orders {
        Some(max) => writeln!(out, "max_orders = {max}"),
        None => writeln!(out, "# max_orders: no limit"),
    }
}

fn write_venue(out: &mut String, venue: &VenueRules) -> fmt::Result {
    writeln!(out, "\n[venue]\ntick = \"{}\"", venue.tick)?;
    write_or(out, "step", venue.step, "learned from the venue's first refusal")?;
    writeln!(out, "lower_every = \"{}\"", venue.lower_every)?;
    writeln!(out, "fee_percent = \"{}\"", venue.fee_percent)?;
    writeln!(out, "creation_fee = \"{}\"", venue.creation_fee)
}

fn write_target(out: &mut String, target: &Target) -> fmt::Result {
    writeln!(out, "\n[[target]]\nname = {}\nwant = {}", quoted(&target.name), target.want)?;
    match &target.choice {
        Choice::Servers(servers) => {
            let ids: Vec<String> = servers.iter().map(ToString::to_string).collect();
            writeln!(out, "servers = [{}]", ids.join(", "))?;
        }
        Choice::Match(wanted) => writeln!(out, "match = {{ {} }}", matching(wanted))?,
    }
    writeln!(out, "adopt = {}\n\n[target.value]", target.adopt)?;
    match target.value.per_day {
        PerDay::OnDemand => writeln!(out, "per_day = \"on_demand\"")?,
        PerDay::Price(price) => writeln!(out, "per_day = \"{price}\"")?,
    }
    match target.value.restart {
        RestartCost::Time(span) => writeln!(out, "restart_cost = \"{span}\""),
        RestartCost::Amount(amount) => writeln!(out, "restart_cost = \"{amount}\""),
    }
}

fn matching(wanted: &Match) -> String {
    let mut keys = Vec::new();
    keys.extend(wanted.gpu.as_ref().map(|gpu| format!("gpu = {}", quoted(gpu))));
    keys.extend(wanted.min_gpus.map(|n| format!("min_gpus = {n}")));
    keys.extend(wanted.min_ram_gb.map(|gb| format!("min_ram_gb = \"{gb}\"")));
    keys.extend(wanted.min_reliability.map(|r| format!("min_reliability = \"{r}\"")));
    if !wanted.countries.is_empty() {
        let codes: Vec<String> = wanted.countries.iter().map(|c| quoted(c)).collect();
        keys.push(format!("countries = [{}]", codes.join(", ")));
    }
    keys.extend(wanted.max_floor.map(|p| format!("max_floor = \"{p}\"")));
    keys.extend(wanted.min_longest_rental.map(|d| format!("min_mrl = \"{d}\"")));
    keys.join(", ")
}

fn write_bid(out: &mut String, policy: &ChosenPolicy, bid: &BidRules) -> fmt::Result {
    let row = POLICIES.iter().find(|row| row.name == policy.name());
    let looks_at = |key| row.is_none_or(|row| !row.ignores.contains(&key));
    writeln!(out, "\n[target.bid]\npolicy = \"{}\"", policy.name())?;
    match bid.open {
        Open::Floor => writeln!(out, "open = \"floor\"")?,
        Open::Rival => writeln!(out, "open = \"rival\"")?,
        Open::Price(price) => writeln!(out, "open = \"{price}\"")?,
    }
    // A key that its policy does not look at is refused by the reader.
    if looks_at("margin") {
        match bid.margin {
            Margin::Price(price) => writeln!(out, "margin = \"{price}\"")?,
            Margin::Percent(percent) => writeln!(out, "margin = \"{percent}%\"")?,
        }
    }
    if looks_at("raise") {
        let give_up = bid.give_up.map(|price| format!(", give_up = \"{price}\"")).unwrap_or_default();
        writeln!(out, "raise = {{ wait = \"{}\"{give_up} }}", bid.raise_wait)?;
    }
    if looks_at("lower") {
        writeln!(out, "lower = {{ after = \"{}\" }}", bid.lower_after)?;
    }
    for Setting { key, value, unset } in policy.settings() {
        write_or(out, key, value, unset)?;
    }
    writeln!(out, "replace = \"{}\"", if bid.replace { "auto" } else { "never" })?;
    let lost = match bid.lost {
        Lost::Raise => "raise",
        Lost::Move => "move",
        Lost::Wait => "wait",
    };
    writeln!(out, "lost = \"{lost}\"")
}

fn write_order(out: &mut String, order: &OrderSpec) -> fmt::Result {
    writeln!(out, "\n[target.order]\nimage = {}", quoted(&order.image))?;
    writeln!(out, "ports = {}", inline(&order.ports))?;
    writeln!(out, "env = {}", inline(&order.env))?;
    writeln!(out, "env_from = {}", inline(&order.env_from))?;
    writeln!(out, "command = {}", quoted(&order.command))?;
    write_or(out, "ssh_key_env", order.ssh_key_env.as_ref(), "no SSH key")?;
    write_or(out, "ssh_password_env", order.ssh_password_env.as_ref(), "no SSH password")?;
    write_or(out, "jupyter_token_env", order.jupyter_token_env.as_ref(), "no Jupyter token")?;
    writeln!(out, "autossh_entrypoint = {}", order.autossh_entrypoint)
}

fn inline(pairs: &[(String, String)]) -> String {
    if pairs.is_empty() {
        return "{}".to_string();
    }
    let pairs: Vec<String> = pairs.iter().map(|(k, v)| format!("{} = {}", quoted(k), quoted(v))).collect();
    format!("{{ {} }}", pairs.join(", "))
}
