//! What `check` lets pass, `run` does not refuse: both ask the same rules what an order's form may hold.

use std::collections::BTreeMap;

use clorebid::clore::{OrderForm, RawForm};
use clorebid::strategy::read;
use proptest::prelude::*;
use secrecy::SecretString;

/// The part of a form that stands in the strategy file itself.
#[derive(Debug, Clone)]
struct Form {
    image: String,
    ports: BTreeMap<String, String>,
    env: BTreeMap<String, String>,
}

impl Form {
    fn with_env(env: &[(&str, &str)]) -> Form {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Form { image: "ubuntu".to_owned(), ports: BTreeMap::new(), env }
    }

    /// The report of the strategy reader, or the warnings it has.
    fn checked(&self) -> Result<String, String> {
        let table = |pairs: &BTreeMap<String, String>| {
            toml::Value::Table(pairs.iter().map(|(k, v)| (k.clone(), toml::Value::from(v.as_str()))).collect())
        };
        let order = toml::Table::from_iter([
            ("image".to_owned(), toml::Value::from(self.image.as_str())),
            ("ports".to_owned(), table(&self.ports)),
            ("env".to_owned(), table(&self.env)),
        ]);
        let target = toml::Table::from_iter([
            ("servers".to_owned(), toml::Value::from(vec![6])),
            ("order".to_owned(), toml::Value::from(order)),
        ]);
        let targets = toml::Table::from_iter([("target".to_owned(), toml::Value::from(vec![target]))]);
        let text = format!("currency = \"bitcoin\"\nlimits = {{ max_bid = 1 }}\n{targets}");
        read(&text, "s.toml").map(|file| file.warnings.to_string()).map_err(|errors| errors.to_string())
    }

    /// What is made of it when a run begins.
    fn made(&self) -> Result<(), String> {
        let env = self.env.iter().map(|(name, value)| (name.clone(), SecretString::from(value.clone())));
        let raw =
            RawForm { image: self.image.clone(), ports: self.ports.clone(), env: env.collect(), ..RawForm::default() };
        OrderForm::new(raw).map(|_| ()).map_err(|e| e.to_string())
    }
}

/// Names and values at the edges of what is allowed: blanks, lengths, characters of two UTF-16 units, escapes.
fn a_form() -> impl Strategy<Value = Form> {
    let name = prop_oneof![6 => "[A-Z]{1,3}", 1 => "\\PC{0,2}", 1 => (126_usize..131).prop_map(|n| "N".repeat(n))];
    let value = prop_oneof![
        4 => "\\PC{0,9}",
        4 => (1_100_usize..1_537).prop_map(|n| "x".repeat(n)),
        1 => (1_535_usize..1_539).prop_map(|n| "x".repeat(n)),
        1 => (766_usize..771).prop_map(|n| "\u{1F600}".repeat(n)),
        1 => (700_usize..768).prop_map(|n| "\"".repeat(n)),
        1 => Just("\0".to_owned()),
    ];
    let port = prop_oneof![8 => (1_u32..65_537).prop_map(|n| n.to_string()), 1 => "[+0]?[0-9]{0,2}"];
    let kind = prop_oneof![20 => Just("tcp"), 20 => Just("http"), 1 => Just("udp")];
    let image = prop_oneof![30 => Just("ubuntu".to_owned()), 1 => "[a \t\u{1}]{0,2}"];
    let ports = prop::collection::btree_map(port, kind.prop_map(str::to_owned), 0..7);
    (image, ports, prop::collection::btree_map(name, value, 0..11)).prop_map(|(image, ports, env)| Form {
        image,
        ports,
        env,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn check_and_run_agree_on_every_form(form in a_form()) {
        let (checked, made) = (form.checked(), form.made());
        prop_assert_eq!(checked.is_ok(), made.is_ok(), "check says {:?}, run {:?}", checked, made);
    }
}

#[test]
fn characters_are_counted_as_the_venue_counts_them() {
    let fits = "\u{1F600}".repeat(768);
    assert_eq!(Form::with_env(&[("A", &fits)]).checked(), Ok(String::new()));
    let emoji = "\u{1F600}".repeat(1_000);
    let report = Form::with_env(&[("A", &emoji)]).checked().expect_err("too long");
    assert!(report.contains("the value of `A` in `env` has 2000 characters, at most 1536 characters"), "{report}");
    assert!(report.contains("an emoji is two"), "{report}");
}

#[test]
fn the_environment_as_a_whole_is_counted_as_it_is_sent() {
    let value = "\"".repeat(1_500);
    let pairs = [("A", value.as_str()), ("B", &value), ("C", &value), ("D", &value)];
    assert!(Form::with_env(&pairs[..3]).checked().is_ok());
    let report = Form::with_env(&pairs).checked().expect_err("a quote is sent as two characters");
    assert!(report.contains("`env` as a whole has 12029 characters, at most 12000"), "{report}");
}

#[test]
fn an_ampersand_in_a_value_is_warned_of_and_not_refused() {
    let form = Form::with_env(&[("URL", "http://a/?b=1&c=2")]);
    assert_eq!(form.made(), Ok(()));
    let warnings = form.checked().expect("no mistake");
    assert!(warnings.contains("the value of `URL` holds `&`"), "{warnings}");
}
