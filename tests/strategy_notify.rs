//! `[[notify]]` in a strategy file, and in a file of its own: what is read, what is refused, where and with which hint,
//! and that no report shows an address or a token.

use clorebid::core::time::Span;
use clorebid::strategy::{Channel, NotifySpec, Occasion, Secret, filled, read, read_receivers, schema};

const SMALLEST: &str = "currency = \"bitcoin\"\n[limits]\nmax_bid = 0.00006\n[[target]]\nservers = [6]\n";

fn receivers(text: &str) -> Vec<NotifySpec> {
    read_receivers(text, "n.toml").unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// What the report on one receiver with these keys says; its first key is in line 2.
fn mistakes(keys: &str) -> String {
    read_receivers(&format!("[[notify]]\n{keys}\n"), "n.toml").expect_err("the file should be refused").to_string()
}

fn env(name: &str) -> Secret {
    Secret::Env(name.to_owned())
}

const EVERY_KIND: &str = r#"
[[notify]]
kind = "webhook"
name = "pager"
url_file = "/run/secrets/pager"
token_env = "PAGER_TOKEN"
template = '{"message": "{{text}}", "by": "{{token}}"}'
events = ["blind", "failed"]
at_most_every = "5m"

[[notify]]
kind = "discord"
url_env = "DISCORD"

[[notify]]
kind = "slack"
url_env = "SLACK"

[[notify]]
kind = "telegram"
token_file = "bot"
chat = -1001234567890

[[notify]]
kind = "ntfy"
url_env = "TOPIC"
token_env = "ACCESS"

[[notify]]
kind = "ntfy"
url_env = "OTHER_TOPIC"
"#;

#[test]
fn every_kind_of_receiver_is_read() {
    let read = receivers(EVERY_KIND);
    let names: Vec<&str> = read.iter().map(|receiver| receiver.name.as_str()).collect();
    assert_eq!(names, ["pager", "discord", "slack", "telegram", "ntfy", "ntfy-2"], "by their kinds where not named");
    let Channel::Webhook { url, token, template } = &read[0].channel else { panic!("{:?}", read[0]) };
    assert_eq!((url, token), (&Secret::File("/run/secrets/pager".into()), &Some(env("PAGER_TOKEN"))));
    assert!(template.is_some());
    assert_eq!(read[0].events, [Occasion::Blind, Occasion::Failed]);
    assert_eq!(read[0].at_most_every, Span::from_secs(300));
    assert_eq!(read[1].events, Occasion::ALL, "told of everything");
    assert_eq!(read[1].at_most_every, Span::ZERO);
    assert_eq!(read[1].channel, Channel::Discord { url: env("DISCORD") });
    assert_eq!(read[2].channel, Channel::Slack { url: env("SLACK") });
    let chat = "-1001234567890".to_owned();
    assert_eq!(read[3].channel, Channel::Telegram { token: Secret::File("bot".into()), chat, url: None });
    assert_eq!(read[4].channel, Channel::Ntfy { url: env("TOPIC"), token: Some(env("ACCESS")) });
}

#[test]
fn a_strategy_with_receivers_prints_back_to_itself() {
    let file = read(&format!("{SMALLEST}{EVERY_KIND}"), "s.toml").unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(file.receivers, receivers(EVERY_KIND), "the same as in a file of its own");
    let printed = filled(&file);
    let again = read(&printed, "s.toml").unwrap_or_else(|e| panic!("{e}\n{printed}"));
    assert_eq!(again.receivers, file.receivers);
    assert_eq!(filled(&again), printed);
    let alone = printed.find("\n[[notify]]").map(|at| &printed[at..]).expect("the receivers");
    assert_eq!(receivers(alone), file.receivers, "what is printed of them is a file of its own");
    assert!(read(SMALLEST, "s.toml").expect("a strategy").receivers.is_empty(), "nobody is told unless asked for");
}

#[test]
fn the_schema_has_every_key_of_a_receiver() {
    let schema = schema();
    let receiver = &schema["properties"]["notify"];
    assert!(receiver.get("minItems").is_none(), "there may be none");
    let keys: Vec<&String> = receiver["items"]["properties"].as_object().expect("keys").keys().collect();
    assert_eq!(keys.len(), 10, "{keys:?}");
    assert_eq!(receiver["items"]["required"], serde_json::json!(["kind"]));
}

#[test]
fn each_mistake_is_told_with_its_place() {
    for (keys, told) in [
        (
            "kind = \"discord\"\nurl_env = \"D\"\nchatt = 1",
            "n.toml:4:1: unknown key `chatt` in [[notify]] (did you mean",
        ),
        ("kind = \"discrod\"\nurl_env = \"D\"", "n.toml:2:8: `discrod` is not a kind (did you mean `discord`?)"),
        ("url_env = \"D\"", "n.toml:1:1: `kind` is missing in [[notify]]"),
        ("kind = \"slack\"", "n.toml:1:1: a slack has neither `url_env` nor `url_file`"),
        ("kind = \"telegram\"\nchat = 5", "n.toml:1:1: a telegram has neither `token_env` nor `token_file`"),
        ("kind = \"telegram\"\ntoken_env = \"T\"", "n.toml:1:1: `chat` is missing in a telegram"),
        (
            "kind = \"slack\"\nurl_env = \"D\"\nurl_file = \"f\"",
            "n.toml:4:12: `url_env` and `url_file` exclude each other",
        ),
        ("kind = \"slack\"\nurl_env = \"D\"\ntoken_env = \"T\"", "n.toml:4:13: `token_env` has no effect"),
        ("kind = \"slack\"\nurl_env = \"D\"\nchat = 5", "n.toml:4:8: `chat` has no effect"),
        ("kind = \"slack\"\nurl_env = \"D\"\ntemplate = '{}'", "n.toml:4:12: `template` has no effect"),
        ("kind = \"slack\"\nurl_env = \"D\"\nevents = []", "n.toml:4:10: `events` is empty"),
        (
            "kind = \"slack\"\nurl_env = \"D\"\nevents = [\"wno\"]",
            "n.toml:4:11: this is no event that can be told of (did",
        ),
        ("kind = \"slack\"\nurl_env = \"D\"\nat_most_every = 5", "n.toml:4:17: "),
        ("kind = \"slack\"\nurl_env = \"D\"\nname = \"a b\"", "n.toml:4:8: a receiver's name has at most 40"),
        ("kind = \"webhook\"\nurl_env = \"D\"\ntemplate = '{{txt}}'", "n.toml:4:12: `{{txt}}` is not known"),
        (
            "kind = \"webhook\"\nurl_env = \"D\"\ntemplate = 'hi'",
            "n.toml:4:12: once it is filled in, `template` is not",
        ),
        (
            "name = \"a\"\nkind = \"ntfy\"\nurl_env = \"D\"\n[[notify]]\nname = \"a\"\nkind = \"ntfy\"\nurl_env = \"E\"",
            "n.toml:6:8: another receiver is called `a` already",
        ),
        ("currency = \"bitcoin\"\nkind = \"ntfy\"\nurl_env = \"E\"", "n.toml:2:1: unknown key `currency`"),
    ] {
        let report = mistakes(keys);
        assert!(report.contains(told), "{keys}\ntells\n{report}\nand not\n{told}");
    }
    let strategy = read_receivers(SMALLEST, "n.toml").expect_err("a strategy is no file of receivers").to_string();
    assert!(strategy.contains("there is no notify: nobody would be told"), "{strategy}");
    let in_a_strategy = read(&format!("{SMALLEST}[[notify]]\nkind = \"slack\"\n"), "s.toml").expect_err("no address");
    assert!(in_a_strategy.to_string().starts_with("s.toml:6:1: a slack has neither"), "{in_a_strategy}");
}

/// Whatever key it is put into by mistake.
#[test]
fn an_address_or_token_in_the_file_is_refused_and_not_shown() {
    const ADDRESS: &str = "https://hooks.example/services/T00/canary-in-an-address";
    const TOKEN: &str = "123456789:canary-of-a-bot";
    let address = |key: &str| format!("kind = \"slack\"\n{key} = \"{ADDRESS}\"");
    let token = |key: &str| format!("kind = \"telegram\"\n{key} = \"{TOKEN}\"");
    let keys = ["url", "url_env", "url_file", "webhook", "webhook_url", "adress", "name", "chat"].map(address);
    let tokens = ["token", "token_env", "bot_token", "chat"].map(token);
    let others = [
        format!("kind = \"{ADDRESS}\""),
        format!("kind = \"slack\"\nurl_env = \"D\"\nevents = [\"{ADDRESS}\"]"),
        format!("kind = \"slack\"\nurl = \"{ADDRESS}"),
        format!("kind = \"telegram\"\ntoken = \"{TOKEN}"),
        format!("kind = \"slack\"\nurl_env = {ADDRESS}"),
    ];
    for keys in keys.iter().chain(&tokens).chain(&others) {
        let text = format!("[[notify]]\n{keys}\n");
        let told = read_receivers(&text, "n.toml").expect_err("no secrets in a file");
        let all = format!("{told} {}", told.picture(100, false));
        assert!(!all.contains("canary"), "{keys}\n{all}");
        let told = read(&format!("{SMALLEST}{text}"), "s.toml").expect_err("no secrets in a strategy");
        let all = format!("{told} {} {told:?}", told.picture(100, false));
        assert!(!all.contains("canary"), "{keys}\n{all}");
    }
    let hint = mistakes(&address("url"));
    assert!(
        hint.contains("`url` would put a secret into the file (name the environment variable that holds it"),
        "{hint}"
    );
}

/// The receivers that the page shows, and the events that it lists.
#[test]
fn the_page_shows_receivers_that_are_read_and_lists_every_event() {
    let page = std::fs::read_to_string(format!("{}/docs/telling.md", env!("CARGO_MANIFEST_DIR"))).expect("the page");
    let shown = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("receivers");
    let names: Vec<String> = receivers(shown).into_iter().map(|receiver| receiver.name).collect();
    assert_eq!(names, ["telegram", "phone", "webhook"]);
    for occasion in Occasion::ALL {
        assert!(page.contains(&format!("| `{}` | ", occasion.code())), "{} is not in the page", occasion.code());
    }
    let readme = std::fs::read_to_string(format!("{}/README.md", env!("CARGO_MANIFEST_DIR"))).expect("the README");
    let shown = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a strategy");
    let file = read(shown, "s.toml").unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(file.receivers[0].name, "discord");
}
