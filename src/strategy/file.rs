//! Reads the file as a whole, and puts what its rows have read together.

use clorebid_core::money::Currency;
use clorebid_core::strategy::{Limits, VenueRules};
use clorebid_core::time::Span;
use toml::de::DeTable;

use super::draft::{Draft, Parts};
use super::errors::Mistakes;
use super::keys::{RECEIVERS, ROOT};
use super::notify::{NotifyDraft, NotifySpec};
use super::receivers;
use super::row::{Place, Reading};
use super::rules::{self, PriceContext};
use super::values;

/// Reads everything. What comes back counts only if no mistake was noted.
pub(super) fn read_file(text: &str, file_name: &str, reading: &Reading) -> Option<Parts> {
    let tree = parse(text, reading)?;
    let mut draft = Draft {
        name: stem(file_name),
        currency: Currency::Bitcoin,
        limits: Limits::default(),
        venue: VenueRules::default(),
        targets: Vec::new(),
        receivers: Vec::new(),
    };
    ROOT.read_table(&mut draft, Some(&tree), &root(reading));
    for (number, draft) in (1_u32..).zip(&mut draft.targets) {
        if draft.target.name.is_empty() {
            draft.target.name = format!("target-{number}");
        }
    }
    let prices = PriceContext::of(&draft, reading);
    draft.venue.tick = prices.tick.unwrap_or_default();
    rules::check(&draft, prices, reading);
    receivers::check(&mut draft.receivers, reading);
    Some(draft.into_parts())
}

/// Reads a file that says nothing but who is told. What comes back counts only if no mistake was noted.
pub(super) fn read_receivers(text: &str, reading: &Reading) -> Option<Vec<NotifySpec>> {
    let tree = parse(text, reading)?;
    let mut drafts = Vec::new();
    RECEIVERS.read_table(&mut drafts, Some(&tree), &root(reading));
    receivers::check(&mut drafts, reading);
    Some(drafts.into_iter().filter_map(NotifyDraft::into_spec).collect())
}

fn root(reading: &Reading) -> Place<'_> {
    Place { key: "", wanted: "", example: "", path: String::new(), at: 0..0, reading }
}

/// The file as TOML; `None`, and a note of every mistake, where it is none.
fn parse<'t>(text: &'t str, reading: &Reading) -> Option<DeTable<'t>> {
    let (tree, syntax) = DeTable::parse_recoverable(text);
    for error in &syntax {
        let at = error.span().unwrap_or(0..0);
        let message = format!("this is not TOML: {}", error.message());
        reading.mistakes.add(at.clone(), message, quoting_hint(text, at.start));
    }
    if !syntax.is_empty() {
        hide_secrets(text, &reading.mistakes);
        // What was recovered from broken TOML would only earn misleading complaints.
        return None;
    }
    Some(tree.into_inner())
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
        for key in ["password", "token", "secret", "ssh_key", "url", "://"] {
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
        && (value.parse::<Span>().is_ok() || (value.ends_with('%') && values::percent(value).is_ok()));
    if unit { format!("a value with a unit is quoted: `\"{value}\"`") } else { String::new() }
}
