//! What is to run on a server, and how the file writes it, within what [`super::form`] says that the venue takes.
//! Secrets are named, never written.

use serde_json::json;
use toml::de::DeValue;

use super::form;
use super::kinds::{Simple, TEXT, definition};
use super::row::Place;
use super::values::quoted;

/// What is to run on a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderSpec {
    /// Docker image.
    pub image: String,
    /// Container port and protocol (`tcp` or `http`), in the file's order; at most five.
    pub ports: Vec<(String, String)>,
    /// The container's environment, in the file's order.
    pub env: Vec<(String, String)>,
    /// Run on the server once the order stands; empty: nothing.
    pub command: String,
    /// Local environment variable that holds the public SSH key.
    pub ssh_key_env: Option<String>,
    /// Local environment variable that holds the SSH password.
    pub ssh_password_env: Option<String>,
    /// Local environment variable that holds the Jupyter token.
    pub jupyter_token_env: Option<String>,
    /// Whether the venue's own entry point, with SSH and `/root/onstart.sh`, is used.
    pub autossh_entrypoint: bool,
    /// The container's variable and the local one that it is copied from, in the file's order.
    pub env_from: Vec<(String, String)>,
}

/// A table whose keys are free, as pairs of texts in the order they are written.
type Pairs = Vec<(String, String)>;

/// Reads such a table; `pair` says what is kept of a name and its value.
fn pairs(
    value: &DeValue<'_>,
    place: &Place<'_>,
    pair: impl Fn(&Place<'_>, &str, (&Place<'_>, &DeValue<'_>)) -> Option<String>,
) -> Option<Pairs> {
    let Some(table) = value.as_table() else { return place.wrong_type(value) };
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    let mut read = Vec::new();
    for (name, value) in entries {
        let (named, at) = (place.inside(name.get_ref(), name.span()), place.inside(name.get_ref(), value.span()));
        if let Some(kept) = pair(&named, name.get_ref(), (&at, value.get_ref())) {
            named.is_good();
            read.push((name.get_ref().to_string(), kept));
        }
    }
    Some(read)
}

fn print_pairs(pairs: &Pairs) -> String {
    let printed: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{} = {}", quoted(name), quoted(value))).collect();
    if printed.is_empty() { "{}".to_string() } else { format!("{{ {} }}", printed.join(", ")) }
}

/// The name of a Docker image.
pub(super) const IMAGE: Simple<String> = Simple {
    wanted: "an image's name",
    example: "\"cloreai/ubuntu22.04-cuda12\"",
    read: |value, place| {
        let image = (TEXT.read)(value, place)?;
        place.keep(form::check_image(&image)).map(|()| image)
    },
    schema: || json!({ "type": "string", "pattern": "^\\S+$" }),
    ..TEXT
};

/// Container ports and their protocols.
pub(super) const PORTS: Simple<Pairs> = Simple {
    wanted: "a table of ports",
    example: "{ \"22\" = \"tcp\", \"8888\" = \"http\" }",
    read: |value, place| {
        let ports = pairs(value, place, |named, port, (at, value)| {
            let kind = value.as_str().unwrap_or("");
            let number = named.keep(form::check_port(port));
            at.keep(form::check_port_kind(port, kind)).and(number).map(|_| kind.to_string())
        })?;
        let count = value.as_table().map_or(0, |t| t.len());
        place.keep(form::check_port_count(count)).map(|()| ports)
    },
    print: print_pairs,
    schema: || {
        json!({
            "type": "object",
            "maxProperties": form::PORTS_MAX,
            "propertyNames": { "pattern": "^[1-9][0-9]{0,4}$" },
            "additionalProperties": { "enum": ["tcp", "http"] }
        })
    },
};

/// The container's environment.
pub(super) const ENV: Simple<Pairs> = Simple {
    wanted: "a table of texts",
    example: "{ JOB = \"train\" }",
    read: |value, place| {
        pairs(value, place, |named, name, (at, value)| {
            named.keep(form::check_env_name(name))?;
            let Some(text) = value.as_str() else {
                return at.wrong(format!("`{name}` in `env` must be a string"), "quote it, for example `JOB = \"1\"`");
            };
            at.keep(form::check_env_value(name, text))?;
            if text.contains('&') {
                let message =
                    format!("the value of `{name}` holds `&`, to which the venue has always answered an error");
                at.reading.mistakes.warn(at.at.clone(), message, "leave it out, for example by encoding the value");
            }
            Some(text.to_string())
        })
    },
    print: print_pairs,
    schema: || {
        json!({
            "type": "object",
            "propertyNames": { "minLength": 1, "maxLength": form::ENV_NAME_MAX },
            "additionalProperties": { "type": "string", "maxLength": form::ENV_VALUE_MAX }
        })
    },
};

/// The container's variables that are copied from local ones.
pub(super) const ENV_FROM: Simple<Pairs> = Simple {
    wanted: "a table of names",
    example: "{ HF_TOKEN = \"MY_HF_TOKEN\" }",
    read: |value, place| {
        pairs(value, place, |named, name, (at, value)| {
            named.keep(form::check_env_name(name))?;
            let Some(local) = value.as_str().filter(|local| is_variable(local)) else {
                at.reading.mistakes.hide(at.at.clone());
                let message = format!("`{name}` in `env_from` must name a local environment variable");
                return at.wrong(message, at.for_example());
            };
            Some(local.to_string())
        })
    },
    print: print_pairs,
    schema: || json!({ "type": "object", "additionalProperties": definition("variable") }),
};

/// The name of a local environment variable. Anything else may well be the secret itself, so it is kept out of sight.
pub(super) const VARIABLE: Simple<String> = Simple {
    wanted: "the name of an environment variable",
    read: |value, place| {
        let name = (TEXT.read)(value, place)?;
        if !is_variable(&name) {
            place.reading.mistakes.hide(place.at.clone());
            let help = format!("{}; the secret itself stays out of the file", place.for_example());
            return place.wrong(format!("`{}` must name an environment variable", place.key), help);
        }
        Some(name)
    },
    schema: || definition("variable"),
    ..TEXT
};

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
