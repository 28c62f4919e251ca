//! Which account a key opens, told without telling the key.

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::client::is_loopback;

/// What an account is known by in a lock file's name and, shortened, in the journal: a hash of its key.
///
/// A key is one account, however the venue's address is spelled. Only venues on this machine, which are simulated, are
/// told apart by their port: they all take the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account(String);

impl Account {
    /// The account that `key` opens at the venue of that address.
    pub fn of(key: &SecretString, api_url: &str) -> Account {
        let port =
            Url::parse(api_url).ok().filter(|_| is_loopback(api_url)).and_then(|url| url.port_or_known_default());
        let mut hash = Sha256::new();
        hash.update(b"clorebid lock\0");
        hash.update(port.map(|port| port.to_string()).unwrap_or_default().as_bytes());
        hash.update(b"\0");
        hash.update(key.expose_secret().as_bytes());
        Account(hash.finalize().iter().take(12).map(|b| format!("{b:02x}")).collect())
    }

    /// Enough of it to name a file that no other account uses.
    pub fn long(&self) -> &str {
        &self.0
    }

    /// Enough of it to tell the accounts of one user apart.
    pub fn short(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }
}
