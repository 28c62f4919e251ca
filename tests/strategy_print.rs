//! Strategy files as text: the shipped ones, printing with every default filled in, the JSON schema, and that no text at
//! all makes the reader panic.

use clorebid::core::time::Span;
use clorebid::strategy::{StrategyFile, filled, key_table, read, schema};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::Value;

const SMALLEST: &str = "currency = \"bitcoin\"\n[limits]\nmax_bid = 0.00006\n[[target]]\nservers = [6]\n";

const FIVE: [&str; 5] = ["fixed", "follow", "ladder", "cheapest", "careful"];

fn shipped(name: &str) -> String {
    let path = format!("{}/strategies/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn good(text: &str) -> StrategyFile {
    read(text, "s.toml").unwrap_or_else(|e| panic!("{e}\n{text}"))
}

#[test]
fn the_shipped_strategies_read_and_print_back_to_themselves() {
    for name in FIVE {
        let file = good(&shipped(name));
        assert_eq!(file.strategy.name, name);
        assert_same(&file, &good(&filled(&file)));
    }
}

fn assert_same(one: &StrategyFile, other: &StrategyFile) {
    assert_eq!(one.strategy, other.strategy);
    assert_eq!(one.orders, other.orders);
    assert_eq!(one.receivers, other.receivers);
    assert_eq!(filled(one), filled(other));
}

#[test]
fn odd_texts_survive_printing() {
    let command = "#!/bin/sh\n\techo \"a\\b\" 'é' '''\n";
    let order = format!("[target.order]\ncommand = {}\n", toml::Value::String(command.to_string()));
    let file = good(&format!("{SMALLEST}{order}env = {{ \"q\\\"\" = \"\\u0001\\u007F\\r\" }}\n"));
    assert_eq!(file.orders[0].command, command);
    assert_same(&file, &good(&filled(&file)));
}

/// The README's table stands between two comments; `UPDATE=1` writes it anew.
#[test]
fn the_readme_lists_every_key_as_its_row_has_it() {
    const BEGIN: &str = "<!-- keys: written by `UPDATE=1 cargo test --test strategy_print readme` -->\n";
    const END: &str = "<!-- end of keys -->";
    let path = format!("{}/README.md", env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(&path).expect("the README");
    let (before, rest) = readme.split_once(BEGIN).expect("where the table begins");
    let (table, after) = rest.split_once(END).expect("where the table ends");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}\n{}\n{END}{after}", key_table())).expect("a README to write");
        return;
    }
    assert!(
        table == format!("\n{}\n", key_table()),
        "the README's table of keys is not what the rows say; write it anew with {BEGIN}"
    );
}

#[test]
fn every_key_is_described() {
    fn described(at: &str, schema: &Value) {
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            let doc = property["description"].as_str().unwrap_or("");
            assert!(doc.len() > 9 && doc.ends_with('.'), "{at}.{key}: {doc:?}");
            described(&format!("{at}.{key}"), property);
            described(&format!("{at}.{key}"), &property["items"]);
        }
    }
    let schema = schema();
    described("", &schema);
    assert!(schema["properties"]["target"]["items"]["properties"]["bid"]["properties"]["stay"].is_object());
}

#[test]
fn the_shipped_strategies_fit_the_schema() {
    let schema = schema();
    for name in FIVE {
        for text in [shipped(name), filled(&good(&shipped(name)))] {
            let value: Value = toml::from_str(&text).expect("TOML");
            assert_eq!(misfit(&schema, &schema, &value), None, "{name}");
        }
    }
    let wrong: Value = toml::from_str(&SMALLEST.replace("[6]", "[\"6\"]")).expect("TOML");
    assert!(misfit(&schema, &schema, &wrong).is_some());
}

/// Why `value` does not fit `schema`: the keywords that our schema uses, patterns and lengths left out.
fn misfit(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    if let Some(pointer) = schema["$ref"].as_str().and_then(|r| r.strip_prefix('#')) {
        return misfit(root, root.pointer(pointer).expect("a known definition"), value);
    }
    let fits = |s: &&Value| misfit(root, s, value).is_none();
    if let Some(any) = schema["anyOf"].as_array() {
        return any.iter().find(fits).is_none().then(|| format!("{value} fits none of {any:?}"));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        return Some(format!("{value} is not one of {}", schema["enum"]));
    }
    if schema.get("const").is_some_and(|word| word != value) {
        return Some(format!("{value} is not {}", schema["const"]));
    }
    let right_type = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    };
    if !right_type {
        return Some(format!("{value} is not of type {}", schema["type"]));
    }
    let required = |s: &Value| {
        s["required"].as_array().is_none_or(|r| r.iter().all(|k| value.get(k.as_str().unwrap_or("")).is_some()))
    };
    if !required(schema)
        || schema["oneOf"].as_array().is_some_and(|one| one.iter().filter(|s| required(s)).count() != 1)
    {
        return Some(format!("{value} lacks a key"));
    }
    let in_array = value.as_array().and_then(|items| items.iter().find_map(|i| misfit(root, &schema["items"], i)));
    let in_table = value.as_object().and_then(|table| {
        table.iter().find_map(|(key, inner)| match schema["properties"].get(key) {
            Some(property) => misfit(root, property, inner),
            None if schema["additionalProperties"] == Value::Bool(false) => Some(format!("unknown key {key}")),
            None => misfit(root, &schema["additionalProperties"], inner),
        })
    });
    in_array.or(in_table)
}

/// Any span prints as a strategy file writes it.
fn a_span() -> impl Strategy<Value = String> {
    (0_i64..40 * 86_400_000).prop_map(|ms| Span::from_ms(ms).to_string())
}

/// Prices below the max_bid of 0.9 that [`a_strategy`] sets, as whole ticks.
fn a_price() -> impl Strategy<Value = String> {
    (1_i64..90_000_000).prop_map(|ticks| Decimal::new(ticks, 8).normalize().to_string())
}

prop_compose! {
    fn a_bid()(
        policy in prop::sample::select(vec!["follow", "fixed", "ladder"]),
        open in prop_oneof![Just("floor".to_string()), Just("rival".to_string()), a_price()],
        margin in prop_oneof![a_price(), (0..=100_u8).prop_map(|n| format!("{n}%"))],
        (wait, after, stay) in (a_span(), a_span(), a_span()),
        rung in prop::option::of(a_price()),
        replace in prop::sample::select(vec!["auto", "never"]),
        lost in prop::sample::select(vec!["raise", "move", "wait"]),
    ) -> String {
        let mut keys = format!("policy = \"{policy}\"\nopen = \"{open}\"\nreplace = \"{replace}\"\nlost = \"{lost}\"\n");
        if policy != "fixed" {
            keys += &format!("margin = \"{margin}\"\nraise = {{ wait = \"{wait}\", give_up = 0.9 }}\nlower = {{ after = \"{after}\" }}\n");
        }
        if policy == "ladder" {
            keys += &rung.map(|r| format!("rung = {r}\n")).unwrap_or_default();
            keys += &format!("stay = \"{stay}\"\n");
        }
        keys
    }
}

prop_compose! {
    fn a_receiver()(
        every in a_span(),
        kind in prop::sample::select(vec!["webhook", "discord", "slack", "ntfy"]),
        file in "[a-z/. é]{0,9}[a-z]",
        events in prop::sample::subsequence(vec!["won", "lost", "blind", "failed"], 1..4),
    ) -> String {
        format!("[[notify]]\nkind = \"{kind}\"\nurl_file = \"{file}\"\nat_most_every = \"{every}\"\nevents = {events:?}\n")
    }
}

prop_compose! {
    fn a_strategy()(
        bids in prop::collection::vec(a_bid(), 1..4),
        restart in prop_oneof![a_span(), a_price()],
        balance in prop::option::of(a_price()),
        command in "\\PC{0,20}",
        receiver in prop::option::of(a_receiver()),
    ) -> String {
        let mut text = "currency = \"bitcoin\"\n[limits]\nmax_bid = 0.9\n".to_string();
        text += &balance.map(|b| format!("min_balance = \"{b}\"\n")).unwrap_or_default();
        for (i, bid) in bids.iter().enumerate() {
            let command = toml::Value::String(command.clone());
            text += &format!("[[target]]\nservers = [{i}]\n[target.bid]\n{bid}[target.value]\nrestart_cost = \"{restart}\"\n");
            text += &format!("[target.order]\ncommand = {command}\n");
        }
        text + &receiver.unwrap_or_default()
    }
}

proptest! {
    #[test]
    fn printing_with_defaults_loses_nothing(text in a_strategy()) {
        let file = good(&text);
        assert_same(&file, &good(&filled(&file)));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        let errors = read(&text, "s.toml").expect_err("random bytes are no strategy");
        prop_assert!(!errors.mistakes().is_empty());
        errors.picture(80, true);
    }

    /// A strategy with one stretch of it replaced comes closer to the readers' corners than noise does.
    #[test]
    fn no_damage_makes_it_panic(name in prop::sample::select(FIVE.to_vec()), at in any::<prop::sample::Index>(),
                                cut in 0_usize..12, put in "[\\[\\]{}\"'=.,0-9a-z\\-é%\n ]{0,8}") {
        let mut chars: Vec<char> = shipped(name).chars().collect();
        let start = at.index(chars.len());
        let end = (start + cut).min(chars.len());
        chars.splice(start..end, put.chars());
        let text: String = chars.into_iter().collect();
        match read(&text, "s.toml") {
            Ok(file) => assert_same(&file, &good(&filled(&file))),
            Err(errors) => {
                prop_assert!(!errors.mistakes().is_empty());
                errors.picture(80, false);
            }
        }
    }
}
