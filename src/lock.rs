//! One bot per database and per API key: two at once would break the venue's rate and undo each other's bids.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// Why the lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else holds it.
    #[error("another clorebid (pid {pid}) is using {what}; stop it first, or give this run its own --db and key")]
    Held {
        /// What is locked.
        what: String,
        /// Who holds it.
        pid: String,
    },
    /// The lock file cannot be made.
    #[error("cannot lock {}: {source}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A lock that lasts as long as this value, or this process.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "the open file is the lock")] File);

impl Lock {
    /// Locks a database.
    ///
    /// # Errors
    /// When another process holds it, or the lock file cannot be made.
    pub fn database(db: &Path) -> Result<Lock, LockError> {
        let mut name = db.as_os_str().to_owned();
        name.push(".lock");
        take(PathBuf::from(name), format!("the database {}", db.display()))
    }

    /// Locks an API key on this machine. The file is named after the key's hash, not the key.
    ///
    /// # Errors
    /// When another process holds it, or the lock file cannot be made.
    pub fn api_key(key: &SecretString, api_url: &str) -> Result<Lock, LockError> {
        // Two spellings of one address are one account.
        let address = Url::parse(api_url).map_or_else(|_| api_url.to_owned(), String::from);
        let mut hash = Sha256::new();
        hash.update(b"clorebid lock\0");
        hash.update(address.trim_end_matches('/').as_bytes());
        hash.update(b"\0");
        hash.update(key.expose_secret().as_bytes());
        let name: String = hash.finalize().iter().take(12).map(|b| format!("{b:02x}")).collect();
        take(std::env::temp_dir().join(format!("clorebid-{name}.lock")), "this API key".to_owned())
    }
}

fn take(path: PathBuf, what: String) -> Result<Lock, LockError> {
    let io = |source| LockError::Io { path: path.clone(), source };
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let _unreadable_is_unknown = file.read_to_string(&mut pid);
            let pid = if pid.trim().is_empty() { "unknown".to_owned() } else { pid.trim().to_owned() };
            return Err(LockError::Held { what, pid });
        }
        Err(TryLockError::Error(source)) => return Err(io(source)),
    }
    file.set_len(0).and_then(|()| file.rewind()).map_err(io)?;
    file.write_all(std::process::id().to_string().as_bytes()).map_err(io)?;
    Ok(Lock(file))
}
