//! What the venue takes as an order's form, and how it counts: the one place that knows, for `check` and for `run`.
//!
//! A form that the venue would refuse must fail when the strategy is read, not when the first server is free. No error
//! of this file shows a value, which may be secret. Source: the page's table of create_order.

use std::collections::BTreeMap;

use serde::Serialize;

use super::values::{Wrong, nearest};

/// Most port forwardings of one order.
pub(crate) const PORTS_MAX: usize = 5;
/// Longest environment, written as a JSON string.
pub(crate) const ENV_MAX: usize = 12_000;
/// Longest name of a variable.
pub(crate) const ENV_NAME_MAX: usize = 128;
/// Longest value of a variable.
pub(crate) const ENV_VALUE_MAX: usize = 1_536;
/// Longest jupyter_token.
pub(crate) const JUPYTER_TOKEN_MAX: usize = 32;
/// Longest ssh_key.
pub(crate) const SSH_KEY_MAX: usize = 3_072;
/// Longest ssh_password.
pub(crate) const SSH_PASSWORD_MAX: usize = 32;

/// Why an order's form would be refused. Names the field and its limit, never a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A field that needs something has nothing.
    #[error("{0} is empty")]
    Empty(String),
    /// A text is too long.
    #[error("{field} has {length} characters, at most {limit} characters are allowed")]
    TooLong {
        /// Which.
        field: String,
        /// How long it is, in UTF-16 units.
        length: usize,
        /// How long it may be.
        limit: usize,
    },
    /// A starred field holds a character that the venue refuses.
    #[error("{0} may hold only letters, digits, white space and - = . @ + /")]
    Characters(&'static str),
    /// The name of an image holds a blank or a control character.
    #[error("an image's name has no blanks and no control characters")]
    Image,
    /// Not the name of a variable.
    #[error("`{0}` is not the name of an environment variable")]
    EnvName(String),
    /// A value that no process can be given.
    #[error("the value of `{0}` in `env` holds a NUL")]
    Nul(String),
    /// Too many port forwardings.
    #[error("`ports` has {0} entries, at most {PORTS_MAX} are allowed")]
    TooManyPorts(usize),
    /// Not a port.
    #[error("`{0}` is not a port: ports run from 1 to 65535")]
    PortNumber(String),
    /// Neither of the two kinds.
    #[error("port {port} must be `tcp` or `http`")]
    PortKind {
        /// Whose kind.
        port: String,
        /// What was written.
        kind: String,
    },
}

/// The error as a mistake in a strategy file, with what would be right.
impl From<FormError> for Wrong {
    fn from(error: FormError) -> Wrong {
        let help = match &error {
            FormError::TooLong { .. } => "counted as the venue counts, in UTF-16 units: an emoji is two".to_string(),
            FormError::EnvName(_) => "no blanks, no `=`".to_string(),
            FormError::PortKind { kind, .. } => {
                nearest(kind, ["tcp", "http"]).map_or_else(String::new, |near| format!("did you mean `{near}`?"))
            }
            _ => String::new(),
        };
        Wrong::new(error.to_string(), help)
    }
}

/// How a port is forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PortKind {
    /// As it is.
    Tcp,
    /// Through the venue's HTTPS proxy.
    Http,
}

/// Checks the name of an image.
pub(crate) fn check_image(image: &str) -> Result<(), FormError> {
    if image.trim().is_empty() {
        return Err(FormError::Empty("image".to_owned()));
    }
    if image.contains(|c: char| c.is_whitespace() || c.is_control()) { Err(FormError::Image) } else { Ok(()) }
}

/// Checks how many ports are forwarded.
pub(crate) fn check_port_count(count: usize) -> Result<(), FormError> {
    if count > PORTS_MAX { Err(FormError::TooManyPorts(count)) } else { Ok(()) }
}

/// Checks the number of a port.
pub(crate) fn check_port(written: &str) -> Result<u16, FormError> {
    // `022` and `+22` are ports to Rust and to nobody else; two spellings of one port would be one entry.
    let port = written.parse::<u16>().ok().filter(|n| *n > 0 && n.to_string() == written);
    port.ok_or_else(|| FormError::PortNumber(written.to_owned()))
}

/// Checks how a port is forwarded.
pub(crate) fn check_port_kind(port: &str, kind: &str) -> Result<PortKind, FormError> {
    match kind {
        "tcp" => Ok(PortKind::Tcp),
        "http" => Ok(PortKind::Http),
        _ => Err(FormError::PortKind { port: port.to_owned(), kind: kind.to_owned() }),
    }
}

/// Checks the name of one of the container's variables.
pub(crate) fn check_env_name(name: &str) -> Result<(), FormError> {
    if name.is_empty() {
        return Err(FormError::Empty("the name of a variable in `env`".to_owned()));
    }
    if name.contains(|c: char| c == '=' || c.is_whitespace() || c.is_control()) {
        return Err(FormError::EnvName(name.escape_debug().to_string()));
    }
    check_length("the name of a variable in `env`", name, ENV_NAME_MAX)
}

/// Checks the value of one of the container's variables.
pub(crate) fn check_env_value(name: &str, value: &str) -> Result<(), FormError> {
    if value.contains('\0') {
        return Err(FormError::Nul(name.to_owned()));
    }
    check_length(&format!("the value of `{name}` in `env`"), value, ENV_VALUE_MAX)
}

/// Checks the length of the container's environment as a whole, as it is written to the venue.
pub(crate) fn check_env_size<'a>(env: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<(), FormError> {
    let env: BTreeMap<&str, &str> = env.into_iter().collect();
    // Proof: a map of texts keyed by texts is always JSON.
    let written = serde_json::to_string(&env).unwrap_or_else(|_| unreachable!("texts are always JSON"));
    check_length("`env` as a whole", &written, ENV_MAX)
}

/// Checks a field that the page marks with a star: few characters are allowed in it.
pub(crate) fn check_starred(field: &'static str, value: &str, limit: usize) -> Result<(), FormError> {
    if value.is_empty() {
        return Err(FormError::Empty(field.to_owned()));
    }
    check_length(field, value, limit)?;
    if value.chars().all(is_starred) { Ok(()) } else { Err(FormError::Characters(field)) }
}

/// The page's `[a-zA-Z0-9\s-=.@+/]`. After `\s` the hyphen stands for itself, so this is no range. White space is taken
/// as ASCII's: the venue's expression admits more of it, but nobody's password needs it.
fn is_starred(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, ' ' | '\t'..='\r' | '-' | '=' | '.' | '@' | '+' | '/')
}

/// Checks the length of a text, counted as JavaScript does, in UTF-16 units: never less than the characters, so never
/// too generous.
pub(crate) fn check_length(field: &str, value: &str, limit: usize) -> Result<(), FormError> {
    let length = value.encode_utf16().count();
    if length > limit { Err(FormError::TooLong { field: field.to_owned(), length, limit }) } else { Ok(()) }
}
