//! Every key of a strategy file, a row each. The reader, the filled-in print, the JSON schema and the README's table
//! follow from these rows, so a new key is a field in the core's strategy and a row here.
//!
//! A row: the key, what may be written there, and the field it fills; then its default, or what it means to leave it
//! out, the policies that look at it, where not all do, and a sentence about it. To add `patience = "5m"` to
//! `[target.bid]`, for the ladder alone, give `BidRules` a `patience: Span`, and `bid` below a row:
//!
//! ```text
//! s.key("patience", DURATION, |b| &mut b.patience).default("5m").only("ladder").doc("How long …");
//! ```
//!
//! `UPDATE=1 cargo test --test strategy_print readme` writes the README's table anew. What must hold between the key
//! and others goes into [`super::rules`].

use std::sync::LazyLock;

use clorebid_core::strategy::{Limits, Match, Value, VenueRules};
use toml::de::{DeTable, DeValue};

use super::draft::{BidDraft, Draft, TargetDraft};
use super::kinds::{
    AMOUNT, COUNT, COUNTRIES, CURRENCY, DURATION, LINE, LOST, MARGIN, NUMBER, OPEN, PER_DAY, PERCENT, PRICE,
    PRICE_ABOVE_ZERO, PolicyName, REPLACE, RESTART_COST, SERVERS, SHARE, SWITCH, TEXT,
};
use super::notify::{CHAT, FILE, KIND, NotifyDraft, OCCASIONS, RECEIVER, TEMPLATE};
use super::order::{ENV, ENV_FROM, IMAGE, OrderSpec, PORTS, VARIABLE};
use super::row::{Maybe, Section, Tables};

/// The file itself.
pub(super) static ROOT: LazyLock<Section<Draft>> = LazyLock::new(|| {
    let mut s = Section::<Draft>::new("the file's top level");
    s.key("name", LINE, |f| &mut f.name).absent_means("the file's name").doc("The strategy's name in the history.");
    s.key("currency", CURRENCY, |f| &mut f.currency).required().doc("What every price in the file is counted in.");
    s.key("limits", limits(), |f| &mut f.limits).required().doc("Hard limits, checked outside every policy.");
    s.key("venue", venue(), |f| &mut f.venue).doc("What is assumed of the venue until it teaches better.");
    s.key("target", Tables::at_least_one(target(), "nothing would ever be bid"), |f| &mut f.targets)
        .required()
        .doc("What is to be held.");
    s.key("notify", Tables::any(notify()), |f| &mut f.receivers)
        .absent_means("nobody")
        .doc("Who is told what happens; also in a file of its own, `run --notify`.");
    s
});

/// A file that says nothing but who is told.
pub(super) static RECEIVERS: LazyLock<Section<Vec<NotifyDraft>>> = LazyLock::new(|| {
    let mut s = Section::<Vec<NotifyDraft>>::new("the file's top level");
    let receivers = Tables::at_least_one(notify(), "nobody would be told");
    s.key("notify", receivers, |f| f).required().doc("Who is told what happens.");
    s
});

fn limits() -> Section<Limits> {
    let mut s = Section::<Limits>::new("[limits]");
    s.key("max_bid", PRICE_ABOVE_ZERO, |l| &mut l.max_bid)
        .required()
        .example("\"0.00006\"")
        .doc("No bid above this, ever.");
    s.key("max_daily_cost", Maybe(AMOUNT), |l| &mut l.max_daily_cost)
        .absent_means("no limit")
        .doc("Most that all orders together may cost a day, fees included.");
    s.key("max_total_cost", Maybe(AMOUNT), |l| &mut l.max_total_cost)
        .absent_means("no limit")
        .doc("Most that may be spent in all, over every run on the same journal, fees included.");
    s.key("min_balance", Maybe(AMOUNT), |l| &mut l.min_balance)
        .absent_means("no limit")
        .doc("Below this wallet balance nothing is placed.");
    s.key("max_orders", Maybe(COUNT), |l| &mut l.max_orders).absent_means("no limit").doc("Most orders at once.");
    s
}

fn venue() -> Section<VenueRules> {
    let mut s = Section::<VenueRules>::new("[venue]");
    s.key("tick", PRICE_ABOVE_ZERO, |v| &mut v.tick)
        .absent_means("0.00000001 bitcoin, 0.0001 of the others")
        .doc("Price resolution: the least difference between two prices.");
    s.key("step", Maybe(PRICE_ABOVE_ZERO), |v| &mut v.step)
        .absent_means("learned from the venue's first refusal")
        .doc("Largest lowering at once.");
    // As the venue's own refusal names it: `can_lower_every_600_seconds`.
    s.key("lower_every", DURATION, |v| &mut v.lower_every)
        .default("600s")
        .doc("Time between two lowerings of one order.");
    s.key("fee_percent", PERCENT, |v| &mut v.fee_percent)
        .default("1.25")
        .doc("What the venue adds to every price, until my_orders tells.");
    s.key("creation_fee", AMOUNT, |v| &mut v.creation_fee)
        .default("0")
        .doc("Charged once for each order, until my_orders tells.");
    s
}

fn target() -> Section<TargetDraft> {
    let mut s = Section::<TargetDraft>::new("[[target]]");
    s.one_of = &["servers", "match"];
    s.key("name", LINE, |t| &mut t.target.name)
        .absent_means("target-1, target-2 and so on")
        .doc("The target's name in the history.");
    s.key("want", COUNT, |t| &mut t.target.want).default("1").doc("Servers held at once.");
    s.key("servers", Maybe(SERVERS), |t| &mut t.servers).doc("The servers that will do. Either this or `match`.");
    s.key("match", Maybe(wanted()), |t| &mut t.wanted).doc("What a listed server must have to do.");
    s.key("adopt", SWITCH, |t| &mut t.target.adopt)
        .default("false")
        .doc("Take over spot orders on these servers that the bot did not make.");
    s.key("beside", SWITCH, |t| &mut t.target.beside)
        .default("false")
        .doc("Place although spot orders that the journal does not know stand on these servers at the start.");
    s.key("value", value(), |t| &mut t.target.value)
        .doc("What is minimised: cost + restarts * restart_cost + unheld time * per_day.");
    s.key("bid", bid(), |t| &mut t.bid).doc("How to bid.");
    s.key("order", order(), |t| &mut t.order).doc("What is to run on the server.");
    s
}

fn wanted() -> Section<Match> {
    let mut s = Section::<Match>::new("match");
    s.never_empty = Some((
        "`match` asks for nothing: any server would do",
        "name what it must have, for example `gpu = \"RTX 4090\"`",
    ));
    s.key("gpu", Maybe(LINE), |m| &mut m.gpu).example("\"RTX 4090\"").doc("Part of the graphics card's name.");
    s.key("min_gpus", Maybe(COUNT), |m| &mut m.min_gpus).doc("Least number of cards.");
    s.key("min_ram_gb", Maybe(NUMBER), |m| &mut m.min_ram_gb).doc("Least main memory in GB.");
    s.key("min_reliability", Maybe(SHARE), |m| &mut m.min_reliability).doc("Least reliability.");
    s.key("countries", COUNTRIES, |m| &mut m.countries).absent_means("any").doc("Two-letter country codes.");
    s.key("max_floor", Maybe(PRICE_ABOVE_ZERO), |m| &mut m.max_floor).doc("Highest floor per day.");
    s.key("min_mrl", Maybe(DURATION), |m| &mut m.min_longest_rental)
        .doc("Least rental length that the server must allow.");
    s
}

fn value() -> Section<Value> {
    let mut s = Section::<Value>::new("[target.value]");
    s.key("per_day", PER_DAY, |v| &mut v.per_day)
        .default("on_demand")
        .doc("What a wanted server-day that is not held costs; also the most worth bidding.");
    // Ten minutes of work: what is lost on average where a job saves its state every twenty.
    s.key("restart_cost", RESTART_COST, |v| &mut v.restart)
        .default("10m")
        .doc("What a restart costs, beside the creation fee: time at per_day, or a sum.");
    s
}

fn bid() -> Section<BidDraft> {
    let mut s = Section::<BidDraft>::new("[target.bid]");
    s.policy = |b| Some(b.policy.name);
    s.first_beside = |table| has_keys_of_follow(table).then_some("follow");
    // The first row, for the others are refused by what it says.
    s.key("policy", PolicyName, |b| &mut b.policy).default("adaptive").doc(
        "adaptive learns from the market what to bid and where, follow keeps to the least winning bid, fixed keeps one \
         price, ladder walks down until it loses. Where none is named but a key that adaptive does not look at is \
         there, it is follow.",
    );
    s.key("open", OPEN, |b| &mut b.rules.open)
        .default("floor")
        .not_with("adaptive")
        .doc("The first bid: the floor, above the best rival, or a price.");
    s.key("margin", MARGIN, |b| &mut b.rules.margin)
        .default("0")
        .not_with("fixed")
        .not_with("adaptive")
        .doc("What is bid above the least winning bid: a price or a share.");
    s.key("raise", raise(), |b| b).not_with("fixed").doc("When to raise.");
    s.key("lower", lower(), |b| b).not_with("fixed").not_with("adaptive").doc("When to lower.");
    s.key("rung", Maybe(PRICE_ABOVE_ZERO), |b| b.own.price_mut("rung"))
        .absent_means("the venue's largest step")
        .only("ladder")
        .doc("Height of a rung.");
    s.key("stay", DURATION, |b| b.own.span_mut("stay"))
        .default("1h")
        .only("ladder")
        .doc("Time on the rung it fell back to.");
    s.key("replace", REPLACE, |b| &mut b.rules.replace)
        .default("auto")
        .not_with("adaptive")
        .doc("Cancel and bid anew where that is cheaper than stepping down.");
    s.key("lost", LOST, |b| &mut b.rules.lost)
        .default("raise")
        .not_with("adaptive")
        .doc("What to do about a lost server: bid more, go to a cheaper one, or wait.");
    s
}

/// Whether a table without a policy says what **adaptive** does not look at: such files are older than that policy.
fn has_keys_of_follow(table: &DeTable<'_>) -> bool {
    let waits = |raise: &DeValue<'_>| raise.as_table().is_some_and(|raise| raise.contains_key("wait"));
    let is_one = |name: &str| matches!(name, "open" | "margin" | "lower" | "replace" | "lost" | "rung" | "stay");
    table.iter().any(|(name, value)| match name.get_ref().as_ref() {
        "raise" => waits(value.get_ref()),
        name => is_one(name),
    })
}

fn raise() -> Section<BidDraft> {
    let mut s = Section::<BidDraft>::new("raise");
    s.policy = |b| Some(b.policy.name);
    s.key("wait", DURATION, |b| &mut b.rules.raise_wait)
        .default("0s")
        .not_with("adaptive")
        .doc("How long a loss must have lasted.");
    s.key("give_up", Maybe(PRICE), |b| &mut b.rules.give_up).doc("Above this, no raise.");
    s
}

fn lower() -> Section<BidDraft> {
    let mut s = Section::<BidDraft>::new("lower");
    s.key("after", DURATION, |b| &mut b.rules.lower_after).default("0s").doc("How long slack must have lasted.");
    s
}

fn order() -> Section<OrderSpec> {
    let mut s = Section::<OrderSpec>::new("[target.order]");
    s.key("image", IMAGE, |o| &mut o.image).default("cloreai/ubuntu22.04-cuda12").doc("Docker image.");
    s.key("ports", PORTS, |o| &mut o.ports).doc("Container port and protocol; at most five.");
    s.key("env", ENV, |o| &mut o.env).doc("The container's environment.");
    s.key("env_from", ENV_FROM, |o| &mut o.env_from)
        .doc("The container's variables that are copied from local ones of the given names.");
    s.key("command", TEXT, |o| &mut o.command).doc("Run on the server once the order stands.");
    s.key("ssh_key_env", Maybe(VARIABLE), |o| &mut o.ssh_key_env)
        .absent_means("no SSH key")
        .example("\"CLORE_SSH_KEY\"")
        .doc("Local variable that holds the public SSH key.");
    s.key("ssh_password_env", Maybe(VARIABLE), |o| &mut o.ssh_password_env)
        .absent_means("no SSH password")
        .example("\"CLORE_SSH_PASSWORD\"")
        .doc("Local variable that holds the SSH password.");
    s.key("jupyter_token_env", Maybe(VARIABLE), |o| &mut o.jupyter_token_env)
        .absent_means("no Jupyter token")
        .example("\"CLORE_JUPYTER_TOKEN\"")
        .doc("Local variable that holds the Jupyter token.");
    s.key("autossh_entrypoint", SWITCH, |o| &mut o.autossh_entrypoint)
        .default("false")
        .doc("Use the venue's own entry point, with SSH and /root/onstart.sh.");
    s
}

fn notify() -> Section<NotifyDraft> {
    let mut s = Section::<NotifyDraft>::new("[[notify]]");
    s.key("name", RECEIVER, |n| &mut n.name)
        .absent_means("the kind's name")
        .doc("What warnings and metrics call the receiver.");
    s.key("kind", KIND, |n| &mut n.kind).required().doc("How the receiver is reached.");
    s.key("url_env", Maybe(VARIABLE), |n| &mut n.url_env)
        .example("\"CLOREBID_NOTIFY_URL\"")
        .doc("Local variable that holds the webhook's or topic's address; with telegram, that of another server than its own.");
    s.key("url_file", Maybe(FILE), |n| &mut n.url_file).doc("File that holds the address. Either this or `url_env`.");
    s.key("token_env", Maybe(VARIABLE), |n| &mut n.token_env)
        .example("\"CLOREBID_NOTIFY_TOKEN\"")
        .doc("Local variable that holds the bot's token of telegram, or the access token of ntfy or a webhook.");
    s.key("token_file", Maybe(FILE), |n| &mut n.token_file)
        .doc("File that holds the token. Either this or `token_env`.");
    s.key("chat", Maybe(CHAT), |n| &mut n.chat).doc("Where the bot writes. Only with telegram.");
    s.key("template", Maybe(TEMPLATE), |n| &mut n.template)
        .absent_means("our own JSON")
        .doc("The body of a webhook, with text, title, events, strategy, mode, at and token filled in.");
    s.key("events", OCCASIONS, |n| &mut n.events).absent_means("all of them").doc("What the receiver is told of.");
    s.key("at_most_every", DURATION, |n| &mut n.at_most_every)
        .default("0s")
        .doc("Least time between two messages; what happens meanwhile goes into the next one.");
    s
}
