//! `why`: the causal chain of one request, or of what was not done at the time.

use std::io::{self, Write};

use super::args::{Format, Global, WhyArgs};
use super::{Failure, Kind, logging, output};
use crate::audit::why::{self, Seen, Why, WhyError};
use crate::history::{Cell, History, Rows};

pub(super) async fn why(global: &Global, args: &WhyArgs) -> Result<(), Failure> {
    logging::start(global, Vec::new(), None);
    let mut history = History::open_read_only(global.db()).await?;
    let why = why::why(&mut history, args.run, args.seq).await?;
    let written = match global.format {
        Format::Table => tell(&why, &mut io::stdout().lock()),
        Format::Json => {
            let text = serde_json::to_string(&why).map_err(|e| Failure::other(e.to_string()))?;
            writeln!(io::stdout().lock(), "{text}")
        }
        Format::Csv => return super::history::print(global, &as_rows(&why)),
    };
    output::written(written)
}

fn tell(why: &Why, out: &mut impl Write) -> io::Result<()> {
    let kind = if why.is_change { "change" } else { "read" };
    let target = why.target.as_deref().map(|t| format!(" for {t}")).unwrap_or_default();
    writeln!(out, "request {} of run {}: a {kind}{target}, sent {}", why.seq, why.run, why.sent_at)?;
    writeln!(out, "  {} {}", why.call, why.args)?;
    writeln!(out, "why\n  {}", why.reason)?;
    if !why.grounds.is_empty() {
        writeln!(out, "what was known")?;
    }
    for ground in &why.grounds {
        writeln!(out, "  {} ago (request {}): {}: {}", ground.age, ground.seq, ground.read, ground.showed)?;
    }
    if !why.servers.is_empty() {
        writeln!(out, "{}", if why.is_change { "as the core saw it" } else { "what the core would have liked" })?;
    }
    for server in &why.servers {
        tell_server(server, out)?;
    }
    if !why.limits.is_empty() {
        writeln!(out, "limits\n  {}", why.limits.join("\n  "))?;
    }
    let error = why.error.as_deref().map(|e| format!(", {e}")).unwrap_or_default();
    let status = why.status.map(|s| format!(", HTTP {s}")).unwrap_or_default();
    let at = why.answered_at.as_deref().map_or_else(|| "never".to_owned(), str::to_owned);
    writeln!(out, "answer\n  {}{status}{error}, {at}", why.outcome)?;
    if let Some(showed) = &why.showed {
        writeln!(out, "  {showed}")?;
    }
    writeln!(out, "what came of it")?;
    if why.effects.is_empty() {
        writeln!(out, "  nothing changed")?;
    }
    why.effects.iter().try_for_each(|effect| writeln!(out, "  {effect}"))?;
    for (title, lines) in [("what followed", &why.followed), ("what was not done", &why.not_done)] {
        if !lines.is_empty() {
            writeln!(out, "{title}\n  {}", lines.join("\n  "))?;
        }
    }
    Ok(())
}

fn tell_server(seen: &Seen, out: &mut impl Write) -> io::Result<()> {
    let order = seen.order.map(|o| format!(", order {o}")).unwrap_or_default();
    writeln!(out, "  server {} ({}): {}{order}", seen.server, seen.target, seen.state)?;
    let numbers = [
        ("our bid", &seen.our_bid),
        ("floor", &seen.floor),
        ("best rival", &seen.best_rival),
        ("least winning bid", &seen.least_winning),
        ("goal", &seen.goal),
        ("most worth bidding", &seen.ceiling),
        ("lowest allowed", &seen.lowest),
        ("next lowering", &seen.next_lower_at),
    ];
    let known = numbers.iter().filter_map(|(name, value)| value.as_ref().map(|v| format!("{name} {v}")));
    let known: Vec<String> = known.collect();
    if !known.is_empty() {
        writeln!(out, "    {}", known.join(", "))?;
    }
    writeln!(out, "    would like to: {}", seen.wish)?;
    seen.held_back_by.iter().try_for_each(|held| writeln!(out, "    but: {held}"))
}

/// One line a link of the chain.
fn as_rows(why: &Why) -> Rows {
    let mut rows = Vec::new();
    let mut add = |link: &str, words: String| rows.push(vec![Cell::Text(link.to_owned()), Cell::Text(words)]);
    add("request", format!("{} {}", why.call, why.args));
    add("reason", why.reason.clone());
    for ground in &why.grounds {
        add("known", format!("{} ago: {}: {}", ground.age, ground.read, ground.showed));
    }
    for seen in &why.servers {
        add("wish", format!("server {}: {}", seen.server, seen.wish));
        seen.held_back_by.iter().for_each(|held| add("held_back_by", format!("server {}: {held}", seen.server)));
    }
    why.limits.iter().for_each(|limit| add("limit", limit.clone()));
    add("answer", format!("{} {}", why.outcome, why.error.as_deref().unwrap_or("")).trim_end().to_owned());
    why.effects.iter().for_each(|effect| add("effect", effect.clone()));
    why.followed.iter().for_each(|followed| add("followed", followed.clone()));
    why.not_done.iter().for_each(|not_done| add("not_done", not_done.clone()));
    Rows { columns: ["link", "words"].map(str::to_owned).to_vec(), rows }
}

impl From<WhyError> for Failure {
    fn from(error: WhyError) -> Failure {
        match error {
            WhyError::Replay(e) => e.into(),
            WhyError::NoRequest { .. } => Failure::usage(error.to_string()),
            WhyError::Differs { .. } => Failure::new(Kind::Difference, error.to_string()),
        }
    }
}
