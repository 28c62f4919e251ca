//! What a scenario's keys must agree on, beyond each being well written.

use std::collections::BTreeSet;

use clorebid_core::money::Currency;
use clorebid_core::time::Span;

use super::fault::{FaultPlan, is_call};
use super::scenario::{EventKind, Scenario, ServerPlan};

/// Says what is wrong, if anything is.
pub(super) fn check(scenario: &Scenario) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    let mut names = BTreeSet::new();
    for server in &scenario.servers {
        let at = |what: String| format!("server {}: {what}", server.id);
        if !seen.insert(server.id) {
            return Err(at("is there twice".to_string()));
        }
        if server.mine && server.name.as_ref().is_none_or(|name| !names.insert(name.clone())) {
            return Err(at("a server of ours needs a `name` of its own".to_string()));
        }
        check_server(scenario, server).map_err(at)?;
    }
    for (n, fault) in scenario.faults.iter().enumerate() {
        check_fault(fault).map_err(|what| format!("fault {}: {what}", n + 1))?;
    }
    if scenario.venue.key.is_empty() {
        return Err("venue: `key` may not be empty".to_string());
    }
    for currency in Currency::ALL {
        if scenario.rates.get(currency).is_some_and(|rate| rate.is_sign_negative() || rate.is_zero()) {
            return Err(format!("rates: {currency} must be worth something"));
        }
    }
    Ok(())
}

fn check_server(scenario: &Scenario, server: &ServerPlan) -> Result<(), String> {
    let rivals = server.rivals.iter().map(|r| r.currency);
    let undercutters = server.undercutters.iter().map(|u| u.currency);
    let crowd = server.crowd.iter().map(|c| c.currency);
    let walk = server.floor_walk.iter().map(|w| w.currency);
    for currency in rivals.chain(undercutters).chain(crowd).chain(walk) {
        let currency = currency.or(server.first_currency()).ok_or("rivals and walks need a `floor`")?;
        if server.floor.get(currency).is_none() {
            return Err(format!("there is no floor in {currency} to bid above"));
        }
    }
    for currency in Currency::ALL {
        if server.floor.get(currency).is_some() && scenario.rates.get(currency).is_none() {
            return Err(format!("there is a floor in {currency} but no rate for it"));
        }
    }
    if server.mrl < Span::from_secs(60) {
        return Err("`mrl` must be a minute at least".to_string());
    }
    if let Some(walk) = &server.floor_walk
        && (walk.every == Span::ZERO || walk.min > walk.max)
    {
        return Err("floor_walk: `every` must be longer than nothing, and `min` not above `max`".to_string());
    }
    if let Some(crowd) = &server.crowd
        && (crowd.arrive_every.most == Span::ZERO || crowd.bid_min > crowd.bid_max || crowd.undercut_percent > 100)
    {
        return Err(
            "crowd: `arrive_every` must be longer than nothing, `bid_min` not above `bid_max`, percent up to 100"
                .to_string(),
        );
    }
    for event in &server.events {
        let names_floor = Currency::ALL.into_iter().any(|c| event.floor.get(c).is_some());
        if names_floor != (event.kind == EventKind::Floor) {
            return Err("event: `floor` goes with kind = \"floor\", and with no other".to_string());
        }
    }
    let late = |at: Span, until: Option<Span>| until.is_some_and(|until| until <= at);
    let stays =
        server.rivals.iter().map(|r| (r.at, r.until)).chain(server.undercutters.iter().map(|u| (u.at, u.until)));
    if stays.into_iter().any(|(at, until)| late(at, until)) {
        return Err("a rival leaves before it comes".to_string());
    }
    Ok(())
}

fn check_fault(fault: &FaultPlan) -> Result<(), String> {
    if fault.call != "*" && !is_call(&fault.call) {
        return Err(format!("`{}` is not a call; `*` is any", fault.call));
    }
    if fault.nth == Some(0) || fault.from == Some(0) || fault.every == Some(0) {
        return Err("requests are counted from 1".to_string());
    }
    if fault.nth.is_some() && (fault.from.is_some() || fault.every.is_some()) {
        return Err("`nth` is one request: it goes with neither `from` nor `every`".to_string());
    }
    if fault.percent.is_some_and(|p| p > 100) {
        return Err("`percent` goes up to 100".to_string());
    }
    Ok(())
}
