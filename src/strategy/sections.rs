//! Reads the file as a whole: its top level, the limits, the venue's rules, and every target in turn.

use clorebid_core::money::{Amount, Currency, Price};
use clorebid_core::strategy::{Limits, Strategy, VenueRules};
use clorebid_core::time::Span;
use rust_decimal::Decimal;
use toml::de::DeTable;

use super::errors::Mistakes;
use super::fields::{Fields, Found, kind};
use super::keys::{LIMITS, ROOT, TARGET, VENUE};
use super::order::OrderSpec;
use super::target::{TargetDraft, read_target};
use super::{rules, values};

/// The time between two lowerings, as the venue's own refusal names it: `can_lower_every_600_seconds`.
const LOWER_EVERY: Span = Span::from_secs(600);

/// What the venue adds to a spot bid unless my_orders tells otherwise: 1.25 percent.
const FEE_PERCENT: Decimal = Decimal::from_parts(125, 0, 0, false, 2);

/// What prices of a target are checked against; `None` where that is itself mistaken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walls {
    pub(super) currency: Option<Currency>,
    pub(super) tick: Option<Price>,
    pub(super) max_bid: Option<Price>,
}

/// Reads everything. What comes back counts only if no mistake was noted; `None` always comes with one.
pub(super) fn read_file(text: &str, file_name: &str, mistakes: &Mistakes) -> Option<(Strategy, Vec<OrderSpec>)> {
    let (tree, syntax) = DeTable::parse_recoverable(text);
    for error in &syntax {
        let at = error.span().unwrap_or(0..0);
        mistakes.add(at.clone(), format!("this is not TOML: {}", error.message()), quoting_hint(text, at.start));
    }
    if !syntax.is_empty() {
        hide_secrets(text, mistakes);
        // What was recovered from broken TOML would only earn misleading complaints.
        return None;
    }
    let root = Fields::new(&ROOT, tree.get_ref(), 0..0, mistakes);
    root.no_others();
    let name = root.line("name", "hold-one-4090").map_or_else(|| stem(file_name), |n| n.value);
    let currency = root.word("currency", &Currency::ALL.map(|c| (c.name(), c))).map(|c| c.value);
    if root.position("currency").is_none() {
        root.missing("currency", "currency = \"bitcoin\"");
    }
    let (venue, tick) = read_venue(&root, currency);
    let (limits, max_orders) = read_limits(&root, tick);
    let max_bid = limits.as_ref().map(|l| l.max_bid);
    let drafts = read_targets(&root, Walls { currency, tick, max_bid });
    rules::check(&drafts, max_orders, mistakes);
    let (targets, orders) = drafts.into_iter().filter_map(|d| Some((d.target?, d.order))).unzip();
    Some((Strategy { name, currency: currency?, limits: limits?, venue, targets }, orders))
}

/// The file's name without folders and ending: what a strategy without a name is called.
fn stem(file_name: &str) -> String {
    let stem = std::path::Path::new(file_name).file_stem().map(|s| s.to_string_lossy().into_owned());
    stem.filter(|s| !s.trim().is_empty()).unwrap_or_else(|| "strategy".to_string())
}

/// Keeps what looks like a secret out of a report on text that could not be taken apart.
fn hide_secrets(text: &str, mistakes: &Mistakes) {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        for key in ["password", "token", "secret", "ssh_key"] {
            if let Some(at) = line.find(key) {
                mistakes.hide(start + at + key.len()..start + line.len());
            }
        }
        start += line.len();
    }
}

/// Values with a unit are the likeliest reason why a line is not TOML: `wait = 10m`.
fn quoting_hint(text: &str, at: usize) -> String {
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |nl| nl + 1);
    let line = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or("");
    let value = line.split_once('=').map_or("", |(_, value)| value.split('#').next().unwrap_or("").trim());
    let unit = value.starts_with(|c: char| c.is_ascii_digit())
        && (values::duration(value).is_ok() || (value.ends_with('%') && values::percent(value).is_ok()));
    if unit { format!("a value with a unit is quoted: `\"{value}\"`") } else { String::new() }
}

fn read_venue(root: &Fields<'_>, currency: Option<Currency>) -> (VenueRules, Option<Price>) {
    let fields = root.table("venue", &VENUE, "{ lower_every = \"600s\" }");
    fields.no_others();
    let usual = currency.map(Currency::tick);
    let own = fields.price_above_zero("tick", "a tick is the least difference between two prices");
    let tick = if fields.position("tick").is_some() { own.map(|t| t.value) } else { usual };
    let fee = fields.number_text("fee_percent", "a number of percent", "\"1.25\"");
    let fee = fee.and_then(|(text, _)| fields.percent_from(text));
    let venue = VenueRules {
        tick: tick.unwrap_or(Price::ZERO),
        step: fields.price_above_zero("step", "leave it out to learn it from the venue").map(|s| s.value),
        lower_every: fields.duration("lower_every").map_or(LOWER_EVERY, |d| d.value),
        fee_percent: fee.map_or(FEE_PERCENT, |f| f.value),
        creation_fee: fields.amount("creation_fee").map_or(Amount::ZERO, |a| a.value),
    };
    (venue, tick)
}

/// The limits, and where max_orders stands.
fn read_limits(root: &Fields<'_>, tick: Option<Price>) -> (Option<Limits>, Option<Found<u32>>) {
    if root.position("limits").is_none() {
        root.missing("limits", "[limits] with max_bid = \"0.00006\"");
    }
    let fields = root.table("limits", &LIMITS, "{ max_bid = \"0.00006\" }");
    fields.no_others();
    let max_bid = fields.price_above_zero("max_bid", "nothing could ever be bid");
    if let (Some(max_bid), Some(tick)) = (&max_bid, tick)
        && max_bid.value < tick
    {
        let message = format!("`max_bid` {} is less than one tick of {tick}", max_bid.value);
        fields.mistakes.add(max_bid.at.clone(), message, "nothing could ever be bid");
    }
    if fields.position("max_bid").is_none() && root.value("limits").is_none_or(|l| l.get_ref().is_table()) {
        fields.missing("max_bid", "max_bid = \"0.00006\"");
    }
    let max_orders = fields.count("max_orders", 1);
    let [max_daily_cost, max_total_cost, min_balance] =
        ["max_daily_cost", "max_total_cost", "min_balance"].map(|key| fields.amount(key).map(|a| a.value));
    let orders = max_orders.as_ref().map(|m| m.value);
    let limits = max_bid.map(|max_bid| Limits {
        max_bid: max_bid.value,
        max_daily_cost,
        max_total_cost,
        min_balance,
        max_orders: orders,
    });
    (limits, max_orders)
}

fn read_targets(root: &Fields<'_>, walls: Walls) -> Vec<TargetDraft> {
    const HINT: &str = "begin a target with `[[target]]`, in double brackets";
    let Some(value) = root.value("target") else {
        root.mistakes.add(root.at.clone(), "there is no target: nothing would ever be bid", HINT);
        return Vec::new();
    };
    let Some(array) = value.get_ref().as_array() else {
        let message = format!("`target` must be a list of tables, not {}", kind(value.get_ref()));
        root.mistakes.add(value.span(), message, HINT);
        return Vec::new();
    };
    if array.is_empty() {
        root.mistakes.add(value.span(), "there is no target: nothing would ever be bid", HINT);
    }
    let mut drafts = Vec::new();
    for (number, element) in (1_u32..).zip(array.iter()) {
        match element.get_ref().as_table() {
            Some(table) => {
                let fields = Fields::new(&TARGET, table, element.span(), root.mistakes);
                drafts.push(read_target(&fields, number, walls));
            }
            None => {
                let message = format!("a target must be a table, not {}", kind(element.get_ref()));
                root.mistakes.add(element.span(), message, HINT);
            }
        }
    }
    drafts
}
