//! Strategy files: what is read, and what is refused, where and with which hint.

use clorebid::core::ids::ServerId;
use clorebid::core::money::{Amount, Currency, Price};
use clorebid::core::policy::adaptive::policy::Adaptive;
use clorebid::core::policy::follow::Follow;
use clorebid::core::strategy::{Choice, Lost, Margin, Open, PerDay, RestartCost, Target};
use clorebid::core::time::Span;
use clorebid::strategy::{StrategyFile, read};
use rust_decimal::Decimal;

const SMALLEST: &str = r#"currency = "bitcoin"
[limits]
max_bid = "0.00006"
[[target]]
servers = [6]
"#;

fn good(text: &str) -> StrategyFile {
    read(text, "s.toml").unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn only_target(text: &str) -> Target {
    good(text).strategy.targets.remove(0)
}

/// What the report says, one mistake a line.
fn mistakes(text: &str) -> String {
    read(text, "s.toml").expect_err("the file should be refused").to_string()
}

/// The smallest file with lines added to its target; the first of them is line 6.
fn with(lines: &str) -> String {
    format!("{SMALLEST}{lines}\n")
}

/// The smallest file with a `[target.bid]` of those lines; the first of them is line 7.
fn bidding(lines: &str) -> String {
    with(&format!("[target.bid]\n{lines}"))
}

fn price(text: &str) -> Price {
    Price::parse(text).expect("a price")
}

#[test]
fn the_design_example_is_read_to_the_last_key() {
    let text = r#"
name     = "hold-one-4090"
currency = "bitcoin"
[limits]
max_bid        = "0.00006"
max_daily_cost = "0.0001"
max_total_cost = "0.002"
min_balance    = "0.0005"
max_orders     = 2
[[target]]
name    = "trainer"
want    = 1
servers = [6, 17, 23]
[target.value]
per_day      = "on_demand"
restart_cost = "10m"
[target.bid]
policy = "follow"
open   = "floor"
margin = "5%"
raise  = { wait = "0s", give_up = "0.00005" }
lower  = { after = "0s" }
replace = "auto"
lost   = "raise"
[target.order]
image   = "cloreai/ubuntu22.04-cuda12"
ports   = { "22" = "tcp", "8888" = "http" }
env     = { JOB = "train" }
command = ""
ssh_key_env = "CLORE_SSH_KEY"
"#;
    let file = good(text);
    let strategy = &file.strategy;
    assert_eq!((strategy.name.as_str(), strategy.currency), ("hold-one-4090", Currency::Bitcoin));
    assert_eq!(strategy.limits.max_daily_cost, Amount::parse("0.0001").ok());
    assert_eq!(strategy.limits.max_orders, Some(2));
    let target = &strategy.targets[0];
    assert_eq!(target.choice, Choice::Servers(vec![ServerId(6), ServerId(17), ServerId(23)]));
    assert_eq!(target.bid.margin, Margin::Percent(Decimal::from(5)));
    assert_eq!(target.bid.give_up, Some(price("0.00005")));
    let order = &file.orders[0];
    assert_eq!(order.ports, [("22".into(), "tcp".into()), ("8888".into(), "http".into())]);
    assert_eq!(order.env, [("JOB".into(), "train".into())]);
    assert_eq!(order.ssh_key_env.as_deref(), Some("CLORE_SSH_KEY"));
    assert_eq!(file.text, text);
}

#[test]
fn what_is_left_out_takes_its_default() {
    let file = good(SMALLEST);
    let strategy = &file.strategy;
    assert_eq!(strategy.name, "s", "the file's name without its ending");
    assert_eq!(strategy.venue.tick, price("0.00000001"));
    assert_eq!(strategy.venue.step, None);
    assert_eq!(strategy.venue.lower_every, Span::from_secs(600));
    assert_eq!(strategy.venue.fee_percent.to_string(), "1.25");
    assert_eq!(strategy.venue.creation_fee, Amount::ZERO);
    let target = &strategy.targets[0];
    assert_eq!((target.name.as_str(), target.want, target.adopt), ("target-1", 1, false));
    assert_eq!(target.value.per_day, PerDay::OnDemand);
    assert_eq!(target.value.restart, RestartCost::Time(Span::from_secs(600)));
    assert_eq!(target.policy, Adaptive.into());
    let bid = &target.bid;
    assert_eq!((bid.open, bid.lost, bid.replace), (Open::Floor, Lost::Raise, true));
    assert_eq!((bid.raise_wait, bid.lower_after), (Span::ZERO, Span::ZERO));
    assert_eq!((bid.margin, bid.give_up), (Margin::Price(Price::ZERO), None));
    assert_eq!(file.orders[0].image, "cloreai/ubuntu22.04-cuda12");
}

#[test]
fn a_file_that_names_no_policy_but_keys_of_follow_bids_as_it_did_before_there_was_adaptive() {
    for key in [
        "open = \"rival\"",
        "margin = \"5%\"",
        "raise = { wait = \"10s\" }",
        "lower = { after = \"10s\" }",
        "replace = \"never\"",
        "lost = \"move\"",
    ] {
        assert_eq!(only_target(&bidding(key)).policy, Follow.into(), "{key}");
        let named = mistakes(&bidding(&format!("policy = \"adaptive\"\n{key}")));
        assert!(named.contains("has no effect: policy `adaptive` does not look at it"), "{named}");
    }
    assert_eq!(only_target(&bidding("raise = { give_up = \"0.00003\" }")).policy, Adaptive.into());
}

#[test]
fn the_tick_goes_by_the_currency_unless_the_venue_table_says_otherwise() {
    let usd = SMALLEST.replace("bitcoin", "USD-Blockchain").replace("0.00006", "6");
    assert_eq!(good(&usd).strategy.venue.tick, price("0.0001"));
    assert_eq!(good(&format!("{usd}[venue]\ntick = 0.01\n")).strategy.venue.tick, price("0.01"));
}

#[test]
fn a_decimal_means_what_its_digits_say_however_it_is_written() {
    for written in ["0.00006", "6e-5", "\"0.00006\"", "\"6e-5\"", "6.0E-5", "+0.000_06", "0.000060"] {
        let text = SMALLEST.replace("\"0.00006\"", written);
        assert_eq!(good(&text).strategy.limits.max_bid, price("0.00006"), "{written}");
    }
    // A double would turn this into 0.1.
    let long = SMALLEST.replace("\"0.00006\"", "0.1000000000000000055511151");
    assert_eq!(good(&long).strategy.limits.max_bid.to_string(), "0.1000000000000000055511151");
    let too_long = SMALLEST.replace("\"0.00006\"", "0.12345678901234567890123456789");
    assert_eq!(
        mistakes(&too_long),
        "s.toml:3:11: `0.12345678901234567890123456789` has more digits than can be kept exactly \
         (28 significant digits and 28 decimal places are kept)"
    );
}

#[test]
fn a_max_bid_may_lie_off_the_tick_but_an_opening_price_may_not() {
    good(&SMALLEST.replace("0.00006", "0.000060005"));
    assert_eq!(
        mistakes(&bidding("open = \"0.000010005\"")),
        "s.toml:7:8: `0.000010005` is not a whole number of ticks of 0.00000001 bitcoin \
         (the nearest are `0.00001` and `0.00001001`)"
    );
}

#[test]
fn a_restart_costs_time_or_money() {
    let restart = |text: &str| only_target(&with(&format!("[target.value]\nrestart_cost = {text}"))).value.restart;
    assert_eq!(restart("\"90s\""), RestartCost::Time(Span::from_secs(90)));
    assert_eq!(restart("\"0.000001\""), RestartCost::Amount(Amount::parse("0.000001").expect("a sum")));
    assert_eq!(restart("1e-6"), RestartCost::Amount(Amount::parse("0.000001").expect("a sum")));
}

/// Demands each file's whole report: line and column, message and hint.
fn demand(golden: impl IntoIterator<Item = (String, &'static str)>) {
    for (text, expected) in golden {
        assert_eq!(mistakes(&text), format!("s.toml:{expected}"), "in\n{text}");
    }
}

#[test]
fn a_wrong_word_is_told_with_its_place_and_what_would_be_right() {
    demand([
        (with("wnat = 1"), "6:1: unknown key `wnat` in [[target]] (did you mean `want`?)"),
        (
            SMALLEST.replace("bitcoin", "btc"),
            "1:12: `btc` is not a currency (allowed: `bitcoin`, `CLORE-Blockchain`, `USD-Blockchain`)",
        ),
        (
            SMALLEST.replace("[limits]", "[limits]\ncolour = 1"),
            "3:1: unknown key `colour` in [limits] (allowed: `max_bid`, `max_daily_cost`, `max_total_cost`, `min_balance`, `max_orders`)",
        ),
        (
            SMALLEST.replace("\"0.00006\"", "true"),
            "3:11: `max_bid` must be a price (a string or a number), not a boolean (for example `max_bid = \"0.00006\"`)",
        ),
        (
            SMALLEST.replace("0.00006", "0,00006"),
            "3:11: `0,00006` is not a decimal number (write a point, not a comma: `0.00006`)",
        ),
        (SMALLEST.replace("\"0.00006\"", "-1"), "3:11: `-1` is negative (write a number of zero or more)"),
        (
            SMALLEST.replace("max_bid = \"0.00006\"\n", ""),
            "2:1: `max_bid` is missing in [limits] (for example `max_bid = \"0.00006\"`)",
        ),
        (
            SMALLEST.replace("currency = \"bitcoin\"", ""),
            "1:1: `currency` is missing in the file's top level (for example `currency = \"bitcoin\"`)",
        ),
        (
            SMALLEST.replace("[[target]]", "[target]"),
            "4:1: `target` must be a list of tables, not a table (begin a target with `[[target]]`, in double brackets)",
        ),
        (with("want = 0"), "6:8: `want` must be a whole number of at least 1 (for example `want = 1`)"),
        (with("want = 2"), "6:8: `want` is 2, but only 1 server is listed (list more servers, or want fewer)"),
        (
            bidding("raise = { wait = 10 }"),
            "7:18: `10` is not a duration (write `10m` for minutes; units are `ms`, `s`, `m`, `h`, `d`)",
        ),
        (bidding("lower = { after = \"10 minutes\" }"), "7:19: `10 minutes` is not a duration (write `10m`)"),
        (
            bidding("stay = 10m"),
            "7:8: this is not TOML: string values must be quoted, expected literal string (a value with a unit is quoted: `\"10m\"`)",
        ),
    ]);
}

#[test]
fn an_impossible_combination_is_told_with_its_place_and_a_way_out() {
    demand([
        (
            bidding("policy = \"deadline\""),
            "7:10: `deadline` is not a policy (allowed: `follow`, `fixed`, `ladder`, `adaptive`)",
        ),
        (bidding("margin = \"auto\""), "7:10: `auto` is neither a price nor a share (for example `margin = \"5%\"`)"),
        (bidding("margin = \"101%\""), "7:10: `101%` is more than 100 % (write a share from `0%` to `100%`)"),
        (bidding("margin = 5"), "7:10: `margin` 5 is above `limits.max_bid` (for a share write its sign: `\"5%\"`)"),
        (
            bidding("open = \"0.00007\""),
            "7:8: `open` 0.00007 is above `limits.max_bid` 0.00006 (lower it, or raise `limits.max_bid`)",
        ),
        (
            bidding("raise = { give_up = 1 }"),
            "7:21: `give_up` 1 is above `limits.max_bid` 0.00006 (lower it, or raise `limits.max_bid`)",
        ),
        (
            bidding("policy = \"fixed\"\nmargin = \"5%\""),
            "8:1: `margin` has no effect: policy `fixed` does not look at it (delete `margin`, or choose policy `follow` or `ladder`)",
        ),
        (
            bidding("rung = \"0.000001\""),
            "7:1: `rung` has no effect: policy `follow` does not look at it (delete `rung`, or choose policy `ladder`)",
        ),
        (
            with("[target.value]\nrestart_cost = 10"),
            "7:16: `restart_cost` 10 without a unit is money: more than a year at `max_bid` (for a duration write its unit, such as `\"10m\"`)",
        ),
        (with("match = { gpu = \"RTX 4090\" }"), "5:1: `servers` and `match` exclude each other (delete one of them)"),
        (
            SMALLEST.replace("servers = [6]", ""),
            "4:1: the target has neither `servers` nor `match` (for example `servers = [6, 17]` or `match = { gpu = \"RTX 4090\" }`)",
        ),
        (
            SMALLEST.replace("[6]", "[6, 17, 6]"),
            "5:19: server 6 is listed twice (the venue allows one spot order for each server)",
        ),
    ]);
}

#[test]
fn a_match_asks_for_something_that_exists() {
    let matching = |keys: &str| SMALLEST.replace("servers = [6]", &format!("match = {{ {keys} }}"));
    let all = "gpu = \"RTX 4090\", min_gpus = 1, min_ram_gb = 32, min_reliability = \"0.95\", countries = [\"cz\"], \
               max_floor = \"0.00005\", min_mrl = \"24h\"";
    let Choice::Match(wanted) = only_target(&matching(all)).choice else { panic!("a match") };
    assert_eq!((wanted.gpu.as_deref(), wanted.min_gpus), (Some("RTX 4090"), Some(1)));
    assert_eq!(wanted.countries, ["CZ"]);
    assert_eq!((wanted.max_floor, wanted.min_longest_rental), (Some(price("0.00005")), Some(Span::DAY)));
    for (keys, message) in [
        ("", "`match` asks for nothing"),
        ("min_reliability = 95", "`min_reliability` 95 is above 1"),
        ("countries = [\"CZE\"]", "a country must be a code of two letters"),
        ("countries = []", "`countries` is empty"),
        ("max_floor = 1", "`max_floor` 1 is above `limits.max_bid`"),
        ("min_ram_gb = \"32 GB\"", "write the number alone: `\"32\"`"),
        ("min_gpus = 0", "at least 1"),
    ] {
        assert!(mistakes(&matching(keys)).contains(message), "{}", mistakes(&matching(keys)));
    }
}

#[test]
fn targets_do_not_share_names_or_servers_and_fit_max_orders() {
    let text = r#"currency = "bitcoin"
limits = { max_bid = 1, max_orders = 2 }
[[target]]
name = "a"
servers = [6, 17]
want = 2
[[target]]
name = "a"
servers = [17]
"#;
    let expected = [
        "s.toml:2:38: `max_orders` is 2, but the targets want 3 servers (write `max_orders = 3` or want fewer)",
        "s.toml:8:8: another target is called `a` already (give each target a name of its own: the history goes by it)",
        "s.toml:9:12: server 17 belongs to target `a` already (the venue allows one spot order for each server)",
    ];
    assert_eq!(mistakes(text), expected.join("\n"));
}

#[test]
fn prices_of_a_target_do_not_contradict_each_other() {
    let worth = bidding("open = \"0.00003\"\n[target.value]\nper_day = \"0.00002\"");
    assert!(mistakes(&worth).contains("7:8: `open` 0.00003 is above `value.per_day` 0.00002"));
    let give_up = bidding("open = \"0.00003\"\nraise = { give_up = \"0.00002\" }");
    assert!(mistakes(&give_up).contains("8:21: `give_up` 0.00002 is below `open` 0.00003"));
    assert!(mistakes(&bidding("open = 0")).contains("`open` may not be 0"));
    assert!(mistakes(&SMALLEST.replace("0.00006", "0")).contains("`max_bid` may not be 0"));
    assert!(mistakes(&with("[target.value]\nper_day = 0")).contains("`per_day` may not be 0"));
}

#[test]
fn an_order_stays_within_what_the_venue_takes() {
    let order = |keys: &str| with(&format!("[target.order]\n{keys}"));
    let long = "x".repeat(1537);
    for (keys, message) in [
        ("ports = { \"0\" = \"tcp\" }", "`0` is not a port"),
        ("ports = { \"022\" = \"tcp\" }", "`022` is not a port"),
        ("ports = { 80 = \"htp\" }", "did you mean `http`?"),
        ("ports = { 1=\"tcp\", 2=\"tcp\", 3=\"tcp\", 4=\"tcp\", 5=\"tcp\", 6=\"tcp\" }", "at most 5"),
        ("env = { A = 1 }", "`A` in `env` must be a string"),
        ("env = { \"A B\" = \"1\" }", "is not the name of an environment variable"),
        (&format!("env = {{ A = \"{long}\" }}"), "at most 1536 characters"),
        ("env = { A = \"1\" }\nenv_from = { A = \"B\" }", "`A` is set in `env` and in `env_from`"),
        ("image = \"two words\"", "an image's name has no blanks"),
    ] {
        assert!(mistakes(&order(keys)).contains(message), "{}", mistakes(&order(keys)));
    }
    let all_env: Vec<String> = (0..8).map(|n| format!("E{n} = \"{}\"", "x".repeat(1536))).collect();
    assert!(mistakes(&order(&format!("env = {{ {} }}", all_env.join(", ")))).contains("at most 12000"));
}

#[test]
fn a_secret_in_the_file_is_refused_and_kept_out_of_the_report() {
    for (key, instead) in
        [("ssh_password", "ssh_password_env"), ("ssh_key", "ssh_key_env"), ("jupyter_token", "jupyter_token_env")]
    {
        let errors = read(&with(&format!("[target.order]\n{key} = \"hunter 2\"")), "s.toml").expect_err("refused");
        assert!(errors.to_string().contains(&format!("`{instead} = ")), "{errors}");
        assert!(!format!("{errors} {}", errors.picture(100, false)).contains("hunter"), "{errors}");
        let misused = with(&format!("[target.order]\n{instead} = \"hunter 2\""));
        let errors = read(&misused, "s.toml").expect_err("refused");
        assert!(errors.to_string().contains("must name an environment variable"), "{errors}");
        assert!(!format!("{errors} {}", errors.picture(100, false)).contains("hunter"), "{errors}");
    }
}

#[test]
fn what_looks_like_a_secret_stays_out_of_other_reports_too() {
    for key in ["ssh_pasword = \"hunter\"", "token = \"hunter\"", "ssh_password = hunter", "ssh_key = \"hunter"] {
        let errors = read(&with(&format!("[target.order]\n{key}")), "s.toml").expect_err("refused");
        assert!(!format!("{errors} {}", errors.picture(100, false)).contains("hunter"), "{errors}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_in_the_files_order() {
    let text = "currency = \"x\"\n[limits]\nmax_bid = \"y\"\nmin_balance = \"z\"\n[[target]]\nwant = 0\n";
    let errors = read(text, "s.toml").expect_err("refused");
    let places: Vec<_> = errors.mistakes().iter().map(|m| (m.line(), m.column())).collect();
    assert_eq!(places, [(1, 12), (3, 11), (4, 15), (5, 1), (6, 8)]);
}

#[test]
fn the_report_shows_the_line_and_points_at_the_mistake() {
    let errors = read(&with("wnat = 1"), "s.toml").expect_err("refused");
    let picture = errors.picture(100, false);
    for part in ["s.toml:6:1", "wnat = 1", "not known", "help: did you mean `want`?"] {
        assert!(picture.contains(part), "{part} is missing from\n{picture}");
    }
    let report = format!("{:?}", miette::Report::new(errors));
    assert!(report.contains("did you mean `want`?"), "{report}");
}
