//! Who we are at the venue and where it is: the API key, the address, the secrets that an order takes along.

use std::time::Duration;

use secrecy::SecretString;

use super::Failure;
use super::args::AccountArgs;
use crate::client::Client;
pub(super) use crate::client::is_loopback;
use crate::clore::{OrderForm, RawForm};
use crate::strategy::{OrderSpec, StrategyFile};

/// How long a request may take before its outcome counts as unknown.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Reads the API key from its file, else from the environment.
pub(super) fn api_key(account: &AccountArgs) -> Result<SecretString, Failure> {
    let key = match &account.api_key_file {
        Some(file) => std::fs::read_to_string(file)
            .map_err(|e| Failure::usage(format!("cannot read the API key file {}: {e}", file.display())))?,
        None => std::env::var("CLORE_API_KEY").map_err(|_| {
            Failure::usage("no API key: set CLORE_API_KEY, or name a file that holds it with --api-key-file")
        })?,
    };
    match key.trim() {
        "" => Err(Failure::usage("the API key is empty")),
        key => Ok(SecretString::from(key.to_owned())),
    }
}

/// A venue over HTTP whose answers are scrubbed of `secrets`.
pub(super) fn venue(account: &AccountArgs, key: SecretString, secrets: Vec<SecretString>) -> Result<Client, Failure> {
    Ok(Client::new(&account.api_url, key, TIMEOUT)?.scrubbing(secrets))
}

/// What each target's servers are to run. On paper a secret that is not set is left out: nobody would use it.
pub(super) fn forms(file: &StrategyFile, live: bool) -> Result<Vec<OrderForm>, Failure> {
    file.orders.iter().map(|spec| form(spec, live)).collect()
}

fn form(spec: &OrderSpec, live: bool) -> Result<OrderForm, Failure> {
    let secret = |variable: &str, field: &str| match std::env::var(variable) {
        Ok(value) => Ok(Some(SecretString::from(value.trim_end_matches('\n').to_owned()))),
        Err(_) if live => {
            Err(Failure::usage(format!("the environment variable {variable}, which holds {field}, is not set")))
        }
        Err(_) => Ok(None),
    };
    let named = |variable: &Option<String>, field: &str| match variable {
        Some(variable) => secret(variable, field),
        None => Ok(None),
    };
    let mut env: std::collections::BTreeMap<String, SecretString> =
        spec.env.iter().map(|(name, value)| (name.clone(), SecretString::from(value.clone()))).collect();
    for (name, variable) in &spec.env_from {
        if let Some(value) = secret(variable, &format!("env {name}"))? {
            env.insert(name.clone(), value);
        }
    }
    let raw = RawForm {
        image: spec.image.clone(),
        ports: spec.ports.iter().cloned().collect(),
        env,
        command: (!spec.command.is_empty()).then(|| SecretString::from(spec.command.clone())),
        jupyter_token: named(&spec.jupyter_token_env, "jupyter_token")?,
        ssh_key: named(&spec.ssh_key_env, "ssh_key")?,
        ssh_password: named(&spec.ssh_password_env, "ssh_password")?,
        autossh_entrypoint: spec.autossh_entrypoint,
    };
    OrderForm::new(raw).map_err(|e| Failure::usage(e.to_string()))
}

/// What must not be seen in any log or record. Environment values and the command stand in the strategy file anyway;
/// of them only what came from the local environment is secret.
pub(super) fn secrets(file: &StrategyFile) -> Vec<SecretString> {
    let mut variables: Vec<&String> = Vec::new();
    for spec in &file.orders {
        variables.extend([&spec.ssh_key_env, &spec.ssh_password_env, &spec.jupyter_token_env].into_iter().flatten());
        variables.extend(spec.env_from.iter().map(|(_, variable)| variable));
    }
    let values = variables.into_iter().filter_map(|v| std::env::var(v).ok());
    values.map(|v| SecretString::from(v.trim_end_matches('\n').to_owned())).collect()
}
