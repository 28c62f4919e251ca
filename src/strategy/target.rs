//! Reads one target: which servers, how many, and what holding them is worth.

use clorebid_core::ids::ServerId;
use clorebid_core::money::{Amount, Price};
use clorebid_core::strategy::{Choice, Match, PerDay, RestartCost, Target, Value};
use clorebid_core::time::Span;
use rust_decimal::Decimal;

use super::bid::read_bid;
use super::fields::{Fields, Found, whole};
use super::keys::{BID, MATCH, ORDER, VALUE, suggest};
use super::order::{OrderSpec, read_order};
use super::sections::Walls;
use super::values;

/// Ten minutes of work: what is lost on average where a job saves its state every twenty.
const RESTART: RestartCost = RestartCost::Time(Span::from_secs(600));

/// A target as far as it could be read, with the places that rules across targets point at.
pub(super) struct TargetDraft {
    pub(super) name: Found<String>,
    pub(super) want: Found<u32>,
    pub(super) servers: Vec<Found<ServerId>>,
    pub(super) target: Option<Target>,
    pub(super) order: OrderSpec,
}

/// Reads the `number`th target, counted from 1.
pub(super) fn read_target(fields: &Fields<'_>, number: u32, walls: Walls) -> TargetDraft {
    fields.no_others();
    let unnamed = || Found::new(format!("target-{number}"), fields.at.clone());
    let name = fields.line("name", "trainer").unwrap_or_else(unnamed);
    let want = fields.count("want", 1).unwrap_or_else(|| Found::new(1, fields.at.clone()));
    let servers = read_servers(fields);
    let choice = read_choice(fields, &servers, walls);
    let value = read_value(&fields.table("value", &VALUE, "{ per_day = \"on_demand\" }"), walls);
    let (policy, bid) = read_bid(&fields.table("bid", &BID, "{ policy = \"follow\" }"), value.per_day, walls);
    let order = read_order(&fields.table("order", &ORDER, "{ image = \"cloreai/ubuntu22.04-cuda12\" }"));
    let adopt = fields.switch("adopt").unwrap_or(false);
    let (name_text, want_count) = (name.value.clone(), want.value);
    let target = choice.map(|choice| Target { name: name_text, want: want_count, choice, value, policy, bid, adopt });
    TargetDraft { name, want, servers, target, order }
}

fn read_servers(fields: &Fields<'_>) -> Vec<Found<ServerId>> {
    let Some(array) = fields.array("servers", "a list of server numbers", "[6, 17]") else { return Vec::new() };
    if array.value.is_empty() {
        fields.mistakes.add(array.at, "`servers` is empty", "name at least one server, or use `match`");
    }
    let mut servers = Vec::new();
    for element in array.value.iter() {
        match whole(element.get_ref()) {
            Some(id) => servers.push(Found::new(ServerId(id), element.span())),
            None => fields.mistakes.add(
                element.span(),
                "a server must be a whole number of zero or more",
                "for example `servers = [6, 17]`",
            ),
        }
    }
    servers
}

fn read_choice(fields: &Fields<'_>, servers: &[Found<ServerId>], walls: Walls) -> Option<Choice> {
    // Both are read even where only one may stand, so that all mistakes in them are told at once.
    let wanted = fields.position("match").map(|_| {
        let table = fields.table("match", &MATCH, "{ gpu = \"RTX 4090\" }");
        read_match(&table, walls)
    });
    match (fields.position("servers"), wanted) {
        (None, None) => {
            fields.mistakes.add_labelled(
                fields.at.clone(),
                "the target has neither `servers` nor `match`",
                "needs one of them",
                "for example `servers = [6, 17]` or `match = { gpu = \"RTX 4090\" }`",
            );
            None
        }
        (Some(at), Some(_)) => {
            fields.mistakes.add(at, "`servers` and `match` exclude each other", "delete one of them");
            None
        }
        (Some(_), None) => Some(Choice::Servers(servers.iter().map(|s| s.value).collect())),
        (None, Some(wanted)) => Some(Choice::Match(wanted)),
    }
}

fn read_match(fields: &Fields<'_>, walls: Walls) -> Match {
    fields.no_others();
    if fields.is_empty_table() {
        let help = "name what it must have, for example `gpu = \"RTX 4090\"`";
        fields.mistakes.add(fields.at.clone(), "`match` asks for nothing: any server would do", help);
    }
    let reliability = fields.decimal("min_reliability", "a number from 0 to 1", "0.95");
    if let Some(r) = reliability.as_ref().filter(|r| r.value > Decimal::ONE) {
        let message = format!("`min_reliability` {} is above 1", r.value);
        fields.mistakes.add(r.at.clone(), message, "write a share from 0 to 1, such as `\"0.95\"`");
    }
    let max_floor = fields.price_above_zero("max_floor", "no floor is that low");
    if let Some(floor) = &max_floor {
        not_above_max_bid(fields, "max_floor", floor, walls);
    }
    Match {
        gpu: fields.line("gpu", "RTX 4090").map(|g| g.value),
        min_gpus: fields.count("min_gpus", 1).map(|n| n.value),
        min_ram_gb: fields.decimal("min_ram_gb", "a number of GB", "32").map(|n| n.value),
        min_reliability: reliability.map(|r| r.value),
        countries: read_countries(fields),
        max_floor: max_floor.map(|p| p.value),
        min_longest_rental: fields.duration("min_mrl").map(|d| d.value),
    }
}

fn read_countries(fields: &Fields<'_>) -> Vec<String> {
    let example = "[\"CZ\", \"DE\"]";
    let Some(array) = fields.array("countries", "a list of country codes", example) else { return Vec::new() };
    if array.value.is_empty() {
        fields.mistakes.add(array.at, "`countries` is empty: no server would fit", "leave it out to take any country");
    }
    let mut countries = Vec::new();
    for element in array.value.iter() {
        let code = element.get_ref().as_str().unwrap_or("");
        if code.len() == 2 && code.bytes().all(|b| b.is_ascii_alphabetic()) {
            countries.push(code.to_ascii_uppercase());
        } else {
            let help = format!("for example `countries = {example}`");
            fields.mistakes.add(element.span(), "a country must be a code of two letters", help);
        }
    }
    countries
}

fn read_value(fields: &Fields<'_>, walls: Walls) -> Value {
    fields.no_others();
    Value {
        per_day: read_per_day(fields).unwrap_or(PerDay::OnDemand),
        restart: read_restart(fields, walls).unwrap_or(RESTART),
    }
}

fn read_per_day(fields: &Fields<'_>) -> Option<PerDay> {
    let (text, _) = fields.number_text("per_day", "a price or \"on_demand\"", "\"on_demand\"")?;
    if text.value == "on_demand" {
        return Some(PerDay::OnDemand);
    }
    if text.value.starts_with(|c: char| c.is_alphabetic()) {
        let message = format!("`{}` is neither a price nor `on_demand`", text.value);
        fields.mistakes.add(text.at, message, suggest(&text.value, &["on_demand"]));
        return None;
    }
    let at = text.at.clone();
    let price = Price::new(fields.decimal_from(text)?.value)?;
    if price.is_zero() {
        let help = "write what a day without the server costs you, or \"on_demand\"";
        fields.mistakes.add(at, "`per_day` may not be 0: nothing would be worth bidding", help);
    }
    Some(PerDay::Price(price))
}

fn read_restart(fields: &Fields<'_>, walls: Walls) -> Option<RestartCost> {
    let (text, _) = fields.number_text("restart_cost", "a duration or a sum of money", "\"10m\"")?;
    let is_number = values::decimal(&text.value).is_ok() || !text.value.contains(|c: char| c.is_ascii_alphabetic());
    if !is_number || text.value.is_empty() {
        return fields.duration_from(text).map(|d| RestartCost::Time(d.value));
    }
    let (at, written) = (text.at.clone(), text.value.clone());
    let amount = Amount::new(fields.decimal_from(text)?.value)?;
    // A bare number is a sum of money; one without sense as such is a duration that lost its unit.
    let year = walls.max_bid.and_then(|max| max.decimal().checked_mul(Decimal::from(365)));
    if year.is_some_and(|year| amount.decimal() > year) {
        let message = format!("`restart_cost` {written} without a unit is money: more than a year at `max_bid`");
        fields.mistakes.add(at, message, format!("for a duration write its unit, such as `\"{}m\"`", amount.decimal()));
    }
    Some(RestartCost::Amount(amount))
}

/// Refuses a price above the highest bid that is ever allowed.
pub(super) fn not_above_max_bid(fields: &Fields<'_>, key: &str, price: &Found<Price>, walls: Walls) {
    if let Some(max_bid) = walls.max_bid.filter(|max| price.value > *max) {
        let message = format!("`{key}` {} is above `limits.max_bid` {max_bid}", price.value);
        fields.mistakes.add(price.at.clone(), message, "lower it, or raise `limits.max_bid`");
    }
}
