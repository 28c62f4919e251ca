//! What an order is created with besides its price: image, ports, environment, passwords, checked before anything is sent.
//!
//! A form that the venue would refuse must fail when the strategy is read, not when the first server is free. No error
//! and no `Debug` of this file shows a value that may be secret. Source: the page's table of create_order.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer};

/// Most port forwardings of one order.
pub const PORTS_MAX: usize = 5;
/// Longest environment, written as a JSON string.
pub const ENV_MAX: usize = 12_000;
/// Longest name of a variable.
pub const ENV_NAME_MAX: usize = 128;
/// Longest value of a variable.
pub const ENV_VALUE_MAX: usize = 1_536;
/// Longest jupyter_token.
pub const JUPYTER_TOKEN_MAX: usize = 32;
/// Longest ssh_key.
pub const SSH_KEY_MAX: usize = 3_072;
/// Longest ssh_password.
pub const SSH_PASSWORD_MAX: usize = 32;
/// Longest issue of cancel_order.
pub const ISSUE_MAX: usize = 2_048;

/// Why an order's form would be refused. Names the field and its limit, never a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A field that needs something has nothing.
    #[error("{field} is empty")]
    Empty {
        /// Which.
        field: String,
    },
    /// A text is too long.
    #[error("{field} has {length} characters, at most {limit} are allowed")]
    TooLong {
        /// Which.
        field: String,
        /// How long it is.
        length: usize,
        /// How long it may be.
        limit: usize,
    },
    /// A starred field holds a character that the venue refuses.
    #[error("{field} may hold only letters, digits, white space and - = . @ + /")]
    Characters {
        /// Which.
        field: &'static str,
    },
    /// Too many port forwardings.
    #[error("ports has {count} entries, at most 5 are allowed")]
    TooManyPorts {
        /// How many there are.
        count: usize,
    },
    /// Not a port.
    #[error("ports: `{port}` is no port number from 1 to 65535")]
    PortNumber {
        /// What was written.
        port: String,
    },
    /// Neither of the two kinds.
    #[error("ports: the kind of port {port} must be tcp or http")]
    PortKind {
        /// Whose kind.
        port: u16,
    },
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

/// A form as somebody wrote it, not yet checked.
#[derive(Debug, Clone, Default)]
pub struct RawForm {
    /// A Docker image.
    pub image: String,
    /// Port to kind, such as `22` to `tcp`.
    pub ports: BTreeMap<String, String>,
    /// The environment.
    pub env: BTreeMap<String, SecretString>,
    /// Run on the server once the order is made.
    pub command: Option<SecretString>,
    /// For images with Jupyter.
    pub jupyter_token: Option<SecretString>,
    /// For images with SSH.
    pub ssh_key: Option<SecretString>,
    /// For images with SSH.
    pub ssh_password: Option<SecretString>,
    /// Whether to use the venue's own entrypoint, which sets up SSH.
    pub autossh_entrypoint: bool,
}

/// A form within every limit of the page.
#[derive(Clone)]
pub struct OrderForm {
    image: String,
    ports: BTreeMap<u16, PortKind>,
    env: BTreeMap<String, SecretString>,
    command: Option<SecretString>,
    jupyter_token: Option<SecretString>,
    ssh_key: Option<SecretString>,
    ssh_password: Option<SecretString>,
    autossh_entrypoint: bool,
}

impl OrderForm {
    /// Checks a form.
    ///
    /// # Errors
    /// On the first field that the venue would refuse.
    pub fn new(raw: RawForm) -> Result<OrderForm, FormError> {
        if raw.image.trim().is_empty() {
            return Err(FormError::Empty { field: "image".to_owned() });
        }
        let ports = check_ports(&raw.ports)?;
        check_env(&raw.env)?;
        check_starred("jupyter_token", raw.jupyter_token.as_ref(), JUPYTER_TOKEN_MAX)?;
        check_starred("ssh_key", raw.ssh_key.as_ref(), SSH_KEY_MAX)?;
        check_starred("ssh_password", raw.ssh_password.as_ref(), SSH_PASSWORD_MAX)?;
        Ok(OrderForm {
            image: raw.image,
            ports,
            env: raw.env,
            command: raw.command,
            jupyter_token: raw.jupyter_token,
            ssh_key: raw.ssh_key,
            ssh_password: raw.ssh_password,
            autossh_entrypoint: raw.autossh_entrypoint,
        })
    }

    /// The Docker image.
    pub fn image(&self) -> &str {
        &self.image
    }

    /// The forwarded ports.
    pub fn ports(&self) -> &BTreeMap<u16, PortKind> {
        &self.ports
    }

    /// Everything in it that must not be seen: tokens, passwords, the key, the command and the environment's values.
    pub fn secrets(&self) -> impl Iterator<Item = SecretString> + '_ {
        let fields = [&self.command, &self.jupyter_token, &self.ssh_key, &self.ssh_password];
        fields.into_iter().flatten().chain(self.env.values()).cloned()
    }

    /// As create_order takes it. What is not set is left out.
    pub(super) fn fields(&self) -> FormFields<'_> {
        FormFields {
            ports: (!self.ports.is_empty()).then_some(&self.ports),
            env: (!self.env.is_empty()).then_some(Env(&self.env)),
            jupyter_token: self.jupyter_token.as_ref().map(SecretString::expose_secret),
            ssh_key: self.ssh_key.as_ref().map(SecretString::expose_secret),
            ssh_password: self.ssh_password.as_ref().map(SecretString::expose_secret),
            command: self.command.as_ref().map(SecretString::expose_secret),
            autossh_entrypoint: self.autossh_entrypoint.then_some(true),
        }
    }
}

/// Shows how much there is of it, not what.
impl fmt::Debug for OrderForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrderForm")
            .field("image", &self.image)
            .field("ports", &self.ports)
            .field("env", &format_args!("{} variables", self.env.len()))
            .field("autossh_entrypoint", &self.autossh_entrypoint)
            .finish_non_exhaustive()
    }
}

/// Two forms are equal when the venue would be told the same.
impl PartialEq for OrderForm {
    fn eq(&self, other: &OrderForm) -> bool {
        self.image == other.image && self.fields() == other.fields()
    }
}

impl Eq for OrderForm {}

/// The form's part of create_order's body, secrets and all.
#[derive(Default, PartialEq)]
pub(super) struct FormFields<'a> {
    pub(super) ports: Option<&'a BTreeMap<u16, PortKind>>,
    pub(super) env: Option<Env<'a>>,
    pub(super) jupyter_token: Option<&'a str>,
    pub(super) ssh_key: Option<&'a str>,
    pub(super) ssh_password: Option<&'a str>,
    pub(super) command: Option<&'a str>,
    pub(super) autossh_entrypoint: Option<bool>,
}

/// The environment, written with its values.
pub(super) struct Env<'a>(&'a BTreeMap<String, SecretString>);

impl PartialEq for Env<'_> {
    fn eq(&self, other: &Env<'_>) -> bool {
        let exposed = |env: &Env<'_>| -> Vec<(String, String)> {
            env.0.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned())).collect()
        };
        exposed(self) == exposed(other)
    }
}

impl Serialize for Env<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value.expose_secret())))
    }
}

/// Checks the text that goes with cancel_order.
///
/// # Errors
/// When it is longer than 2048 characters.
pub(crate) fn check_issue(issue: &str) -> Result<(), FormError> {
    check_length("issue", issue, ISSUE_MAX)
}

fn check_ports(raw: &BTreeMap<String, String>) -> Result<BTreeMap<u16, PortKind>, FormError> {
    if raw.len() > PORTS_MAX {
        return Err(FormError::TooManyPorts { count: raw.len() });
    }
    let mut ports = BTreeMap::new();
    for (written, kind) in raw {
        // `022` and `+22` are ports to Rust and to nobody else; two spellings of one port would be one entry.
        let plain = written.bytes().all(|b| b.is_ascii_digit()) && !written.starts_with('0');
        let port = plain.then(|| written.parse::<u16>().ok()).flatten();
        let port = port.ok_or_else(|| FormError::PortNumber { port: written.clone() })?;
        let kind = match kind.as_str() {
            "tcp" => PortKind::Tcp,
            "http" => PortKind::Http,
            _ => return Err(FormError::PortKind { port }),
        };
        ports.insert(port, kind);
    }
    Ok(ports)
}

fn check_env(env: &BTreeMap<String, SecretString>) -> Result<(), FormError> {
    for (name, value) in env {
        if name.is_empty() {
            return Err(FormError::Empty { field: "env: the name of a variable".to_owned() });
        }
        check_length("env: the name of a variable", name, ENV_NAME_MAX)?;
        check_length(&format!("env: the value of {name}"), value.expose_secret(), ENV_VALUE_MAX)?;
    }
    let whole = super::body::json(&Env(env));
    check_length("env as a whole", &whole, ENV_MAX)
}

fn check_starred(field: &'static str, value: Option<&SecretString>, limit: usize) -> Result<(), FormError> {
    let Some(value) = value else { return Ok(()) };
    let value = value.expose_secret();
    if value.is_empty() {
        return Err(FormError::Empty { field: field.to_owned() });
    }
    check_length(field, value, limit)?;
    if value.chars().all(is_starred) { Ok(()) } else { Err(FormError::Characters { field }) }
}

/// The page's `[a-zA-Z0-9\s-=.@+/]`. After `\s` the hyphen stands for itself, so this is no range. White space is taken
/// as ASCII's: the venue's expression admits more of it, but nobody's password needs it.
fn is_starred(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, ' ' | '\t'..='\r' | '-' | '=' | '.' | '@' | '+' | '/')
}

/// Counts as JavaScript does, in UTF-16 units: never less than the characters, so never too generous.
fn check_length(field: &str, value: &str, limit: usize) -> Result<(), FormError> {
    let length = value.encode_utf16().count();
    if length > limit { Err(FormError::TooLong { field: field.to_owned(), length, limit }) } else { Ok(()) }
}
