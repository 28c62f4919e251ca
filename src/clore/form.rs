//! What an order is created with besides its price: image, ports, environment, passwords, checked before anything is sent.
//!
//! The limits and the counting are the strategy reader's, so that it refuses what would be refused here. No `Debug` of
//! this file shows a value that may be secret.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer};

use crate::strategy::form::{self, JUPYTER_TOKEN_MAX, SSH_KEY_MAX, SSH_PASSWORD_MAX};
pub use crate::strategy::form::{FormError, PortKind};

/// Longest issue of cancel_order.
pub const ISSUE_MAX: usize = 2_048;

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
        form::check_image(&raw.image)?;
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
    form::check_length("issue", issue, ISSUE_MAX)
}

fn check_ports(raw: &BTreeMap<String, String>) -> Result<BTreeMap<u16, PortKind>, FormError> {
    form::check_port_count(raw.len())?;
    let port = |(port, kind): (&String, &String)| Ok((form::check_port(port)?, form::check_port_kind(port, kind)?));
    raw.iter().map(port).collect()
}

fn check_env(env: &BTreeMap<String, SecretString>) -> Result<(), FormError> {
    for (name, value) in env {
        form::check_env_name(name)?;
        form::check_env_value(name, value.expose_secret())?;
    }
    form::check_env_size(env.iter().map(|(name, value)| (name.as_str(), value.expose_secret())))
}

fn check_starred(field: &'static str, value: Option<&SecretString>, limit: usize) -> Result<(), FormError> {
    value.map_or(Ok(()), |value| form::check_starred(field, value.expose_secret(), limit))
}
