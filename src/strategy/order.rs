//! Reads what is to run on a server, within what the venue's create_order takes. Secrets are named, never written.

use super::fields::{Fields, Found};
use super::keys::nearest;

/// The image where none is named: plain Ubuntu with CUDA.
const IMAGE: &str = "cloreai/ubuntu22.04-cuda12";

/// Source of these four: create_order's table of fields.
const MOST_PORTS: usize = 5;
const MOST_ENV_CHARS: usize = 12_000;
const MOST_NAME_CHARS: usize = 128;
const MOST_VALUE_CHARS: usize = 1_536;

/// What is to run on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// Reads `[target.order]`.
pub(super) fn read_order(fields: &Fields<'_>) -> OrderSpec {
    fields.refuse_secret("ssh_key", "ssh_key_env", "CLORE_SSH_KEY");
    fields.refuse_secret("ssh_password", "ssh_password_env", "CLORE_SSH_PASSWORD");
    fields.refuse_secret("jupyter_token", "jupyter_token_env", "CLORE_JUPYTER_TOKEN");
    fields.no_others();
    let env = read_env(fields);
    OrderSpec {
        image: read_image(fields).unwrap_or_else(|| IMAGE.to_string()),
        ports: read_ports(fields),
        env_from: read_env_from(fields, &env),
        env,
        command: fields.text("command", "python train.py").map(|c| c.value).unwrap_or_default(),
        ssh_key_env: read_variable(fields, "ssh_key_env", "CLORE_SSH_KEY"),
        ssh_password_env: read_variable(fields, "ssh_password_env", "CLORE_SSH_PASSWORD"),
        jupyter_token_env: read_variable(fields, "jupyter_token_env", "CLORE_JUPYTER_TOKEN"),
        autossh_entrypoint: fields.switch("autossh_entrypoint").unwrap_or(false),
    }
}

fn read_image(fields: &Fields<'_>) -> Option<String> {
    let image = fields.line("image", IMAGE)?;
    if image.value.contains(char::is_whitespace) {
        let help = format!("for example `image = \"{IMAGE}\"`");
        fields.mistakes.add(image.at, "an image's name has no blanks", help);
        return None;
    }
    Some(image.value)
}

fn read_ports(fields: &Fields<'_>) -> Vec<(String, String)> {
    const EXAMPLE: &str = "{ \"22\" = \"tcp\", \"8888\" = \"http\" }";
    let entries = fields.free_table("ports", EXAMPLE);
    if let Some((sixth, _)) = entries.get(MOST_PORTS) {
        let message = format!("`ports` has {} entries", entries.len());
        fields.mistakes.add(sixth.at.clone(), message, format!("the venue takes at most {MOST_PORTS}"));
    }
    let mut ports = Vec::new();
    for (port, protocol) in entries {
        // Written back from the number, so that `022` and `22` are not two ports.
        let number = port.value.parse::<u16>().ok().filter(|n| *n > 0 && n.to_string() == port.value);
        if number.is_none() {
            let message = format!("`{}` is not a port", port.value);
            fields.mistakes.add(port.at, message, format!("ports run from 1 to 65535: `ports = {EXAMPLE}`"));
        }
        match protocol.get_ref().as_str() {
            Some(word @ ("tcp" | "http")) => ports.push((port.value, word.to_string())),
            other => {
                let near = other.and_then(|word| nearest(word, ["tcp", "http"]));
                let help = near.map_or_else(|| format!("`ports = {EXAMPLE}`"), |n| format!("did you mean `{n}`?"));
                let message = format!("port {} must be `tcp` or `http`", port.value);
                fields.mistakes.add(protocol.span(), message, help);
            }
        }
    }
    ports
}

fn read_env(fields: &Fields<'_>) -> Vec<(String, String)> {
    let mut env = Vec::new();
    let mut size = 2;
    for (name, value) in fields.free_table("env", "{ JOB = \"train\" }") {
        check_name(fields, &name);
        let Some(text) = value.get_ref().as_str() else {
            let message = format!("`{}` in `env` must be a string", name.value);
            fields.mistakes.add(value.span(), message, "quote it, for example `JOB = \"1\"`");
            continue;
        };
        if text.chars().count() > MOST_VALUE_CHARS || text.contains('\0') {
            let message = format!("the value of `{}` is not one that the venue takes", name.value);
            fields.mistakes.add(
                value.span(),
                message,
                format!("at most {MOST_VALUE_CHARS} characters, none of them NUL"),
            );
        }
        // As JSON writes it: quotes, colon and comma around both texts. Escapes come on top and are the venue's to judge.
        size += name.value.chars().count() + text.chars().count() + 6;
        env.push((name.value, text.to_string()));
    }
    if size > MOST_ENV_CHARS
        && let Some(at) = fields.position("env")
    {
        let help = format!("the venue takes at most {MOST_ENV_CHARS}");
        fields.mistakes.add(at, format!("`env` is about {size} characters long"), help);
    }
    env
}

fn read_env_from(fields: &Fields<'_>, env: &[(String, String)]) -> Vec<(String, String)> {
    let mut copied = Vec::new();
    for (name, value) in fields.free_table("env_from", "{ HF_TOKEN = \"MY_HF_TOKEN\" }") {
        check_name(fields, &name);
        if env.iter().any(|(other, _)| *other == name.value) {
            let message = format!("`{}` is set in `env` and in `env_from`", name.value);
            fields.mistakes.add(name.at, message, "delete one of them");
            continue;
        }
        match value.get_ref().as_str() {
            Some(local) if is_variable(local) => copied.push((name.value, local.to_string())),
            _ => {
                fields.mistakes.hide(value.span());
                let message = format!("`{}` in `env_from` must name a local environment variable", name.value);
                fields.mistakes.add(value.span(), message, "for example `env_from = { HF_TOKEN = \"MY_HF_TOKEN\" }`");
            }
        }
    }
    copied
}

/// Refuses a name that no container or the venue would take.
fn check_name(fields: &Fields<'_>, name: &Found<String>) {
    let odd = |c: char| c == '=' || c.is_whitespace() || c.is_control();
    if name.value.is_empty() || name.value.chars().count() > MOST_NAME_CHARS || name.value.contains(odd) {
        let message = format!("`{}` is not the name of an environment variable", name.value.escape_debug());
        let help = format!("at most {MOST_NAME_CHARS} characters, no blanks, no `=`");
        fields.mistakes.add(name.at.clone(), message, help);
    }
}

/// The name of a local environment variable. Anything else may well be the secret itself, so it is kept out of sight.
fn read_variable(fields: &Fields<'_>, key: &str, example: &str) -> Option<String> {
    let named = fields.text(key, example)?;
    if !is_variable(&named.value) {
        fields.mistakes.hide(named.at.clone());
        let message = format!("`{key}` must name an environment variable");
        let help = format!("for example `{key} = \"{example}\"`; the secret itself stays out of the file");
        fields.mistakes.add(named.at, message, help);
        return None;
    }
    Some(named.value)
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
