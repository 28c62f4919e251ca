//! A status for people: one block of text that fits the terminal.

use std::fmt::Write as _;
use std::io::{self, Write};

use clorebid_core::time::{Span, Time};
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::audit::status::{Money, ServerStands, Standing};

/// So many servers on which nothing stands are shown; the others are counted.
const IDLE_SHOWN: usize = 8;
/// So many digits of a sum matter to a person.
const DIGITS: u32 = 4;
/// From this width on one table has room for all.
const WIDE: u16 = 110;
/// Where no terminal tells its width.
const USUAL_WIDTH: u16 = 80;

/// How it is to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// Every digit of every sum.
    pub(super) exact: bool,
    /// The terminal's width, where it tells.
    pub(super) width: Option<u16>,
    /// Whether a warning may be red.
    pub(super) colour: bool,
}

/// Writes it.
pub(super) fn draw(standing: &Standing, look: Look, out: &mut impl Write) -> io::Result<()> {
    let mut text = String::new();
    head(standing, look, &mut text);
    for target in &standing.targets {
        let _infallible = writeln!(text, "target {}: holds {} of {}", target.target, target.held, target.wanted);
    }
    servers(standing, look, &mut text);
    money(&standing.money, look, &mut text);
    blocks(standing, &mut text);
    let width = usize::from(look.width.unwrap_or(USUAL_WIDTH));
    for line in text.lines() {
        fit(line.trim_end(), width, out)?;
    }
    Ok(())
}

fn head(s: &Standing, look: Look, text: &mut String) {
    let span = |from: &str, to: &str| {
        moment(to).zip(moment(from)).map_or_else(String::new, |(to, from)| to.since(from).to_string())
    };
    let (mode, since) = (s.mode.to_uppercase(), shown_moment(&s.started_at));
    let _infallible = match &s.ended_at {
        None => {
            let pid = s.pid.as_deref().unwrap_or("unknown");
            let age = whole_seconds(&span(&s.started_at, &s.as_of));
            writeln!(text, "{mode}  {}  running since {since} ({age}), run {}, pid {pid}", s.strategy, s.run)
        }
        Some(ended_at) => {
            let how = if s.cut_short { ", cut short: it was killed, or the machine went down" } else { "" };
            let ended_at = shown_moment(ended_at);
            writeln!(text, "{mode}  {}  not running since {ended_at}{how} (run {}, began {since})", s.strategy, s.run)
        }
    };
    let age = s.last_good_read_age_seconds.map(|secs| Span::from_secs(secs).to_string());
    let (red, plain) = if look.colour { ("\x1b[31m", "\x1b[0m") } else { ("", "") };
    let _infallible = match (age, s.blind) {
        (Some(age), true) => {
            writeln!(
                text,
                "{red}WARNING: blind: the last good read is {age} old; nothing can be bid until the venue answers{plain}"
            )
        }
        (None, true) => writeln!(text, "{red}WARNING: blind: no read was ever answered; nothing can be bid{plain}"),
        (Some(age), false) if s.ended_at.is_none() => writeln!(text, "last good read {age} ago"),
        (Some(age), false) => writeln!(text, "last good read {age} before that"),
        (None, false) => writeln!(text, "no good read yet"),
    };
}

fn servers(s: &Standing, look: Look, text: &mut String) {
    let is_idle = |server: &&ServerStands| server.state == "wanted";
    let ours = s.servers.iter().filter(|server| !is_idle(server));
    let idle = s.servers.iter().filter(is_idle);
    let shown: Vec<&ServerStands> = ours.chain(idle.clone().take(IDLE_SHOWN)).collect();
    if shown.is_empty() {
        return;
    }
    let names = s.targets.len() > 1;
    let (mut stands, mut costs) = (columns(&STANDS, &shown, |server| stands(s, server, look)), Vec::new());
    if names {
        let name = |server: &&ServerStands| server.target.clone();
        stands.push(std::iter::once("target".to_owned()).chain(shown.iter().map(name)).collect());
    }
    if s.money.usd_rate.is_some() {
        costs = columns(&COSTS, &shown, |server| self::costs(s, server, look));
    } else {
        costs.extend(columns(&COSTS, &shown, |server| self::costs(s, server, look)).into_iter().take(2));
    }
    let servers = vec![stands.first().cloned().unwrap_or_default()];
    // In a narrow terminal the costs are a table of their own: a price that is broken in two is easily misread.
    let tables = if look.width.unwrap_or(USUAL_WIDTH) >= WIDE {
        vec![stands.into_iter().chain(costs).collect()]
    } else {
        vec![stands, servers.into_iter().chain(costs).collect()]
    };
    for columns in tables {
        let _infallible = writeln!(text, "\n{}", table(&columns, look));
    }
    let left_out = idle.count().saturating_sub(IDLE_SHOWN);
    if left_out > 0 {
        let _infallible = writeln!(text, "and {left_out} servers more on which nothing of ours stands");
    }
}

/// What a table says of each server, without what it costs.
const STANDS: [&str; 7] = ["server", "state", "for", "bid", "floor", "rival", "lower in"];
/// What it costs.
const COSTS: [&str; 4] = ["cost", "a day", "USD", "USD a day"];

fn stands(s: &Standing, server: &ServerStands, look: Look) -> Vec<String> {
    let coin = |value: &Option<String>| value.as_deref().map_or_else(|| "-".to_owned(), |v| coin(v, look.exact));
    let age = moment(&s.as_of).zip(server.since.as_deref().and_then(moment));
    vec![
        server.server.to_string(),
        server.state.to_owned(),
        age.map_or_else(|| "-".to_owned(), |(now, since)| whole_seconds(&now.since(since).to_string())),
        coin(&server.bid),
        coin(&server.floor),
        coin(&server.best_rival),
        match server.next_lower_in_seconds {
            Some(0) => "now".to_owned(),
            Some(secs) => Span::from_secs(secs).to_string(),
            None => "-".to_owned(),
        },
    ]
}

fn costs(s: &Standing, server: &ServerStands, look: Look) -> Vec<String> {
    let (cost, per_day) = (Some(server.cost.as_str()), server.cost_per_day.as_deref());
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let usd = |value: Option<&str>| or_none(value.and_then(|value| in_usd(value, &s.money)));
    let coin = |value: Option<&str>| or_none(value.map(|value| coin(value, look.exact)));
    vec![coin(cost), coin(per_day), usd(cost), usd(per_day)]
}

/// One list a column, its name first.
fn columns(names: &[&str], shown: &[&ServerStands], row: impl Fn(&ServerStands) -> Vec<String>) -> Vec<Vec<String>> {
    let rows: Vec<Vec<String>> = shown.iter().map(|server| row(server)).collect();
    let column = |(at, name): (usize, &&str)| {
        let cells = rows.iter().filter_map(|row| row.get(at).cloned());
        std::iter::once((*name).to_owned()).chain(cells).collect()
    };
    names.iter().enumerate().map(column).collect()
}

fn table(columns: &[Vec<String>], look: Look) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(look.width.unwrap_or(USUAL_WIDTH));
    let row = |at: usize| columns.iter().filter_map(move |column| column.get(at).cloned());
    table.set_header(row(0));
    for at in 1..columns.first().map_or(0, Vec::len) {
        table.add_row(row(at));
    }
    table
}

fn money(m: &Money, look: Look, text: &mut String) {
    let sum = |value: &str| {
        let usd = in_usd(value, m).map(|usd| format!(" ({usd} USD)")).unwrap_or_default();
        format!("{} {}{usd}", coin(value, look.exact), m.currency)
    };
    let limit =
        |name: &str, value: Option<String>| value.map_or_else(|| format!(", no {name}"), |v| format!(", {name} {v}"));
    let coined = |value: &Option<String>| value.as_deref().map(|v| coin(v, look.exact));
    let lines = [
        format!("last 24 h   {}", sum(&m.spent_last_day)),
        format!("a day now   {}{}", sum(&m.per_day), limit("max_daily_cost", coined(&m.max_daily_cost))),
        format!("in total    {}{}", sum(&m.spent_total), limit("max_total_cost", coined(&m.max_total_cost))),
        format!(
            "balance     {}{}",
            m.balance.as_deref().map_or_else(|| "not read yet".to_owned(), sum),
            limit("min_balance", coined(&m.min_balance))
        ),
        format!("orders      {}{}", m.orders, limit("max_orders", m.max_orders.map(|n| n.to_string()))),
    ];
    let _infallible = writeln!(text, "\n{}", lines.join("\n"));
}

/// What is not done although a target lacks a server, and what is counted and left alone.
fn blocks(s: &Standing, text: &mut String) {
    let lacks = |target: &str| s.targets.iter().any(|t| t.target == target && t.held < t.wanted);
    let mut lines = Vec::new();
    for server in s.servers.iter().filter(|server| lacks(&server.target) && !server.held_back_by.is_empty()) {
        let wish = server.wish.as_deref().unwrap_or("nothing");
        lines.push(format!("server {}: would {wish}, but: {}", server.server, server.held_back_by.join("; ")));
    }
    let left_out = lines.len().saturating_sub(IDLE_SHOWN);
    lines.truncate(IDLE_SHOWN);
    if left_out > 0 {
        lines.push(format!("and {left_out} servers more that are held back"));
    }
    lines.extend(s.notices.iter().map(|notice| format!("notice: {notice}")));
    if !lines.is_empty() {
        let _infallible = writeln!(text, "\n{}", lines.join("\n"));
    }
}

/// A line broken between words where it is longer than the terminal is wide.
fn fit(line: &str, width: usize, out: &mut impl Write) -> io::Result<()> {
    let visible = |text: &str| text.replace("\x1b[31m", "").replace("\x1b[0m", "").chars().count();
    if visible(line) <= width {
        return writeln!(out, "{line}");
    }
    let mut shown = String::new();
    for word in line.split(' ') {
        let needed = visible(&shown) + 1 + visible(word);
        if needed > width && !shown.trim().is_empty() {
            writeln!(out, "{}", shown.trim_end())?;
            shown = "    ".to_owned();
        } else if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(word);
    }
    writeln!(out, "{shown}")
}

/// A sum as it is, or with the digits that matter.
fn coin(text: &str, exact: bool) -> String {
    match text.parse::<Decimal>() {
        Ok(value) if !exact => rounded(value, DIGITS).normalize().to_string(),
        _ => text.to_owned(),
    }
}

/// Rounded to so many digits that matter, and never before the point.
fn rounded(value: Decimal, digits: u32) -> Decimal {
    let strategy = RoundingStrategy::MidpointAwayFromZero;
    let short = value.round_sf_with_strategy(digits, strategy).unwrap_or(value);
    if value.abs() >= Decimal::from(1000) { value.round_dp_with_strategy(0, strategy) } else { short }
}

/// A sum in USD to the cent, or to four digits below one.
fn in_usd(text: &str, money: &Money) -> Option<String> {
    let rate: Decimal = money.usd_rate.as_deref()?.parse().ok()?;
    let usd = text.parse::<Decimal>().ok()?.checked_mul(rate)?;
    let strategy = RoundingStrategy::MidpointAwayFromZero;
    Some(usd.round_dp_with_strategy(if usd < Decimal::ONE { 4 } else { 2 }, strategy).to_string())
}

fn moment(text: &str) -> Option<Time> {
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|t| Time::from_ms(t.timestamp_millis()))
}

/// A moment to the second.
fn shown_moment(text: &str) -> String {
    text.split_once('.').map_or_else(|| text.to_owned(), |(seconds, _)| format!("{seconds}Z"))
}

/// A length without what is below a second.
fn whole_seconds(span: &str) -> String {
    match span.split_once('.') {
        Some((whole, _)) => format!("{whole}s"),
        None => span.to_owned(),
    }
}
