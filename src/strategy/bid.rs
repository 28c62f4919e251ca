//! Reads how a target bids, and refuses keys that its policy would not look at.

use clorebid_core::money::Price;
use clorebid_core::policy::chosen::ChosenPolicy;
use clorebid_core::policy::{Keys, POLICIES, Row};
use clorebid_core::strategy::{BidRules, Lost, Margin, Open, PerDay};
use clorebid_core::time::Span;
use rust_decimal::Decimal;

use super::fields::{Fields, Found};
use super::keys::{LOWER, RAISE, suggest};
use super::sections::Walls;
use super::target::not_above_max_bid;
use super::values;

/// Reads `[target.bid]`.
pub(super) fn read_bid(fields: &Fields<'_>, per_day: PerDay, walls: Walls) -> (ChosenPolicy, BidRules) {
    let policy = read_policy(fields).unwrap_or(POLICIES[0]);
    refuse_unused(fields, policy);
    let open = read_open(fields, per_day, walls);
    let raise = fields.table("raise", &RAISE, "{ wait = \"0s\" }");
    raise.no_others();
    let lower = fields.table("lower", &LOWER, "{ after = \"0s\" }");
    lower.no_others();
    let give_up = raise.price("give_up");
    if let Some(give_up) = &give_up {
        check_give_up(&raise, give_up, open, walls);
    }
    let rules = BidRules {
        open,
        margin: read_margin(fields, walls).unwrap_or(Margin::Price(Price::ZERO)),
        raise_wait: raise.duration("wait").map_or(Span::ZERO, |d| d.value),
        give_up: give_up.map(|g| g.value),
        lower_after: lower.duration("after").map_or(Span::ZERO, |d| d.value),
        replace: fields.word("replace", &[("auto", true), ("never", false)]).is_none_or(|r| r.value),
        lost: fields.word("lost", &LOST).map_or(Lost::Raise, |l| l.value),
    };
    ((policy.read)(&OwnKeys { fields, walls }), rules)
}

/// What the file says of the keys that only its policy knows.
struct OwnKeys<'a, 'b> {
    fields: &'a Fields<'b>,
    walls: Walls,
}

impl Keys for OwnKeys<'_, '_> {
    fn price_above_zero(&self, key: &str, why: &str) -> Option<Price> {
        let price = self.fields.price_above_zero(key, why)?;
        not_above_max_bid(self.fields, key, &price, self.walls);
        Some(price.value)
    }

    fn span(&self, key: &str) -> Option<Span> {
        self.fields.duration(key).map(|span| span.value)
    }
}

const LOST: [(&str, Lost); 3] = [("raise", Lost::Raise), ("move", Lost::Move), ("wait", Lost::Wait)];

fn read_policy(fields: &Fields<'_>) -> Option<&'static Row> {
    let mut names: Vec<(&str, Option<&Row>)> = POLICIES.iter().map(|row| (row.name, Some(*row))).collect();
    names.push(("deadline", None));
    let found = fields.word("policy", &names)?;
    if found.value.is_none() {
        let names: Vec<String> = POLICIES.iter().map(|row| format!("`{}`", row.name)).collect();
        let help = format!("choose {}", or(&names));
        fields.mistakes.add(found.at, "the deadline policy does not exist yet", help);
    }
    found.value
}

/// `a`, `b` or `c`.
fn or(names: &[String]) -> String {
    match names {
        [all @ .., last] if !all.is_empty() => format!("{} or {last}", all.join(", ")),
        _ => names.join(""),
    }
}

/// A key without effect is a mistake: whoever wrote it expects something that will not happen.
fn refuse_unused(fields: &Fields<'_>, policy: &Row) {
    for key in ["need", "until", "on_demand"] {
        let message = format!("`{key}` belongs to the deadline policy, which does not exist yet");
        fields.refuse(key, &message, &format!("delete `{key}`"));
    }
    for key in policy.ignores {
        let (name, since, other) = (policy.name, policy.ignores_since, POLICIES[0].name);
        let message = format!("`{key}` has no effect: policy `{name}` {since}");
        fields.refuse(key, &message, &format!("delete `{key}`, or choose policy `{other}`"));
    }
    for other in POLICIES.iter().filter(|row| row.name != policy.name) {
        for key in other.keys.iter().filter(|key| !policy.keys.contains(key)) {
            let message = format!("`{key}` has no effect: only policy `{}` has {}", other.name, other.about);
            fields.refuse(key, &message, &format!("delete `{key}`, or choose policy `{}`", other.name));
        }
    }
    fields.no_others();
}

fn read_open(fields: &Fields<'_>, per_day: PerDay, walls: Walls) -> Open {
    let Some((text, _)) = fields.number_text("open", "`floor`, `rival` or a price", "\"floor\"") else {
        return Open::Floor;
    };
    match text.value.as_str() {
        "floor" => return Open::Floor,
        "rival" => return Open::Rival,
        word if word.starts_with(|c: char| c.is_alphabetic()) => {
            let message = format!("`{word}` is neither `floor`, `rival` nor a price");
            fields.mistakes.add(text.at, message, suggest(word, &["floor", "rival"]));
            return Open::Floor;
        }
        _ => {}
    }
    let price = fields.decimal_from(text).and_then(|d| Some(Found::new(Price::new(d.value)?, d.at)));
    let Some(price) = price else { return Open::Floor };
    check_open(fields, &price, per_day, walls);
    Open::Price(price.value)
}

fn check_open(fields: &Fields<'_>, open: &Found<Price>, per_day: PerDay, walls: Walls) {
    if open.value.is_zero() {
        fields.mistakes.add(
            open.at.clone(),
            "`open` may not be 0",
            "write a price, or \"floor\" for the least there is",
        );
        return;
    }
    not_above_max_bid(fields, "open", open, walls);
    if let (Some(tick), Some(currency)) = (walls.tick, walls.currency)
        && let Some(wrong) = values::off_tick(open.value, tick, currency)
    {
        fields.mistakes.add(open.at.clone(), wrong.message, wrong.help);
    }
    if let PerDay::Price(worth) = per_day
        && open.value > worth
    {
        let message = format!("`open` {} is above `value.per_day` {worth}: more than the server is worth", open.value);
        fields.mistakes.add(open.at.clone(), message, "open lower, or raise `value.per_day`");
    }
}

fn check_give_up(raise: &Fields<'_>, give_up: &Found<Price>, open: Open, walls: Walls) {
    not_above_max_bid(raise, "give_up", give_up, walls);
    if let Open::Price(open) = open
        && open > give_up.value
    {
        let message = format!("`give_up` {} is below `open` {open}: the first bid would be refused", give_up.value);
        raise.mistakes.add(give_up.at.clone(), message, "open lower, or give up later");
    }
}

fn read_margin(fields: &Fields<'_>, walls: Walls) -> Option<Margin> {
    let (text, is_string) = fields.number_text("margin", "a price or a share", "\"5%\"")?;
    if text.value == "auto" {
        fields.mistakes.add(text.at, "margin `auto` does not exist yet", "write a price or a share such as `\"5%\"`");
        return None;
    }
    if is_string && text.value.ends_with('%') {
        return fields.percent_from(text).map(|share| Margin::Percent(share.value));
    }
    let read = fields.decimal_from(text)?;
    let margin = Found::new(Price::new(read.value)?, read.at);
    if walls.max_bid.is_some_and(|max| margin.value > max) && margin.value.decimal() >= Decimal::ONE {
        let message = format!("`margin` {} is above `limits.max_bid`", margin.value);
        let help = format!("for a share write its sign: `\"{}%\"`", margin.value);
        fields.mistakes.add(margin.at, message, help);
    } else {
        not_above_max_bid(fields, "margin", &margin, walls);
    }
    Some(Margin::Price(margin.value))
}
