//! The rules that hold between keys, each by a function of its own. A rule speaks only of values that were read without
//! a mistake: of others there is a complaint already.

use std::collections::BTreeMap;
use std::ops::Range;

use clorebid_core::ids::ServerId;
use clorebid_core::money::{Currency, Price};
use clorebid_core::strategy::{Margin, Open, PerDay, RestartCost};
use rust_decimal::Decimal;

use super::draft::{Draft, TargetDraft};
use super::form;
use super::row::Reading;
use super::values::{self, Wrong};

/// What prices of a target are checked against; `None` where that is itself mistaken.
#[derive(Debug, Clone, Copy)]
pub(super) struct PriceContext {
    pub(super) currency: Option<Currency>,
    pub(super) tick: Option<Price>,
    pub(super) max_bid: Option<Price>,
}

impl PriceContext {
    /// As the file has it. The tick goes by the currency where `[venue]` does not name one.
    pub(super) fn of(draft: &Draft, reading: &Reading) -> PriceContext {
        let currency = reading.place("currency").map(|_| draft.currency);
        let tick = match reading.place("venue.tick") {
            Some(_) => Some(draft.venue.tick),
            None => currency.map(Currency::tick).filter(|_| !reading.is_mistaken("venue.tick")),
        };
        PriceContext { currency, tick, max_bid: reading.place("limits.max_bid").map(|_| draft.limits.max_bid) }
    }
}

/// Notes every breach.
pub(super) fn check(draft: &Draft, prices: PriceContext, reading: &Reading) {
    max_bid_is_no_less_than_a_tick(prices, reading);
    let targets: Vec<Checked<'_>> =
        draft.targets.iter().enumerate().map(|(number, draft)| Checked { draft, number, prices, reading }).collect();
    for target in &targets {
        target.prices_are_within_max_bid();
        target.the_opening_price_can_be_bid();
        target.a_restart_costs_time_or_a_sensible_sum();
        target.the_want_can_be_met();
        target.the_environment_fits();
    }
    names_are_given_once(&targets);
    servers_are_given_once(&targets);
    all_fit_max_orders(&targets, draft.limits.max_orders, reading);
}

fn max_bid_is_no_less_than_a_tick(prices: PriceContext, reading: &Reading) {
    if let PriceContext { tick: Some(tick), max_bid: Some(max_bid), .. } = prices
        && max_bid < tick
        && let Some(at) = reading.place("limits.max_bid")
    {
        let message = format!("`max_bid` {max_bid} is less than one tick of {tick}");
        reading.mistakes.add(at, message, "nothing could ever be bid");
    }
}

/// One target, and what its prices are checked against.
struct Checked<'a> {
    draft: &'a TargetDraft,
    number: usize,
    prices: PriceContext,
    reading: &'a Reading,
}

impl Checked<'_> {
    /// Where one of its keys stands; of those inside tables, `bid.open`.
    fn place(&self, key: &str) -> Option<Range<usize>> {
        self.reading.place(&format!("target.{}.{key}", self.number))
    }

    /// Notes what is wrong with a key, if it stands in the file.
    fn wrong(&self, key: &str, message: impl Into<String>, help: impl Into<String>) {
        if let Some(at) = self.place(key) {
            self.reading.mistakes.add(at, message, help);
        }
    }

    fn prices_are_within_max_bid(&self) {
        let Some(max_bid) = self.prices.max_bid else { return };
        let bid = &self.draft.bid.rules;
        let open = if let Open::Price(open) = bid.open { Some(open) } else { None };
        let margin = if let Margin::Price(margin) = bid.margin { Some(margin) } else { None };
        let max_floor = self.draft.wanted.as_ref().and_then(|wanted| wanted.max_floor);
        for (path, price) in [
            ("match.max_floor", max_floor),
            ("bid.open", open),
            ("bid.margin", margin),
            ("bid.raise.give_up", bid.give_up),
        ] {
            let Some(price) = price.filter(|price| *price > max_bid) else { continue };
            if path == "bid.margin" && price.decimal() >= Decimal::ONE {
                let message = format!("`margin` {price} is above `limits.max_bid`");
                self.wrong(path, message, format!("for a share write its sign: `\"{price}%\"`"));
            } else {
                self.above_max_bid(path, price, max_bid);
            }
        }
        for (key, price) in self.draft.bid.own.prices().filter(|(_, price)| *price > max_bid) {
            self.above_max_bid(&format!("bid.{key}"), price, max_bid);
        }
    }

    fn above_max_bid(&self, path: &str, price: Price, max_bid: Price) {
        let key = path.rsplit('.').next().unwrap_or(path);
        let message = format!("`{key}` {price} is above `limits.max_bid` {max_bid}");
        self.wrong(path, message, "lower it, or raise `limits.max_bid`");
    }

    fn the_opening_price_can_be_bid(&self) {
        let target = &self.draft.target;
        let Open::Price(open) = self.draft.bid.rules.open else { return };
        if let (Some(tick), Some(currency)) = (self.prices.tick, self.prices.currency)
            && let Some(Wrong { message, help }) = values::off_tick(open, tick, currency)
        {
            self.wrong("bid.open", message, help);
        }
        if let PerDay::Price(worth) = target.value.per_day
            && open > worth
            && self.place("value.per_day").is_some()
        {
            let message = format!("`open` {open} is above `value.per_day` {worth}: more than the server is worth");
            self.wrong("bid.open", message, "open lower, or raise `value.per_day`");
        }
        if let Some(give_up) = self.draft.bid.rules.give_up.filter(|give_up| open > *give_up)
            && self.place("bid.open").is_some()
        {
            let message = format!("`give_up` {give_up} is below `open` {open}: the first bid would be refused");
            self.wrong("bid.raise.give_up", message, "open lower, or give up later");
        }
    }

    /// A bare number is a sum of money; one without sense as such is a duration that lost its unit.
    fn a_restart_costs_time_or_a_sensible_sum(&self) {
        let RestartCost::Amount(sum) = self.draft.target.value.restart else { return };
        let year = self.prices.max_bid.and_then(|max| max.decimal().checked_mul(Decimal::from(365)));
        if year.is_some_and(|year| sum.decimal() > year) {
            let message = format!("`restart_cost` {sum} without a unit is money: more than a year at `max_bid`");
            self.wrong("value.restart_cost", message, format!("for a duration write its unit, such as `\"{sum}m\"`"));
        }
    }

    fn the_want_can_be_met(&self) {
        let (want, have) = (self.draft.target.want, self.servers().len());
        if have > 0 && usize::try_from(want).map_or(true, |want| want > have) {
            let listed = if have == 1 { "1 server is".to_string() } else { format!("{have} servers are") };
            let message = format!("`want` is {want}, but only {listed} listed");
            self.wrong("want", message, "list more servers, or want fewer");
        }
    }

    fn the_environment_fits(&self) {
        let order = &self.draft.order;
        for (name, _) in order.env_from.iter().filter(|(name, _)| order.env.iter().any(|(other, _)| other == name)) {
            let message = format!("`{name}` is set in `env` and in `env_from`");
            self.wrong(&format!("order.env_from.{name}"), message, "delete one of them");
        }
        // What is copied from local variables is known when the order is made; its names are known now.
        let copied = order.env_from.iter().map(|(name, _)| (name.as_str(), ""));
        let all = copied.chain(order.env.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        if let Err(Wrong { message, help }) = form::check_env_size(all).map_err(Wrong::from) {
            let key = if order.env.is_empty() { "order.env_from" } else { "order.env" };
            self.wrong(key, message, help);
        }
    }

    fn servers(&self) -> &[ServerId] {
        self.draft.servers.as_deref().unwrap_or_default()
    }
}

fn names_are_given_once(targets: &[Checked<'_>]) {
    for (i, target) in targets.iter().enumerate() {
        let name = &target.draft.target.name;
        if targets.iter().take(i).any(|earlier| earlier.draft.target.name == *name) {
            // A name that was left out has none of its own place.
            let at = target.place("name").or_else(|| target.reading.place(&format!("target.{i}"))).unwrap_or_default();
            let message = format!("another target is called `{name}` already");
            target.reading.mistakes.add(at, message, "give each target a name of its own: the history goes by it");
        }
    }
}

fn servers_are_given_once(targets: &[Checked<'_>]) {
    let mut owners: BTreeMap<ServerId, &Checked<'_>> = BTreeMap::new();
    for target in targets {
        for (i, server) in target.servers().iter().enumerate() {
            let Some(owner) = owners.insert(*server, target) else { continue };
            let message = if owner.number == target.number {
                format!("server {server} is listed twice")
            } else {
                format!("server {server} belongs to target `{}` already", owner.draft.target.name)
            };
            target.wrong(&format!("servers.{i}"), message, "the venue allows one spot order for each server");
        }
    }
}

fn all_fit_max_orders(targets: &[Checked<'_>], max_orders: Option<u32>, reading: &Reading) {
    let wanted: u64 = targets.iter().map(|t| u64::from(t.draft.target.want)).sum();
    if let (Some(max), Some(at)) = (max_orders, reading.place("limits.max_orders"))
        && wanted > u64::from(max)
    {
        let message = format!("`max_orders` is {max}, but the targets want {wanted} servers");
        reading.mistakes.add(at, message, format!("write `max_orders = {wanted}` or want fewer"));
    }
}
