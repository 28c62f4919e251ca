//! One bot per database and per API key: two at once would break the venue's rate and undo each other's bids.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::account::Account;

/// A lock is tried again so often before it counts as held, after so long each time.
const LOOKS: u32 = 3;
const LOOK: Duration = Duration::from_millis(20);

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
    #[error(
        "cannot lock {what} with {}: {source}; make that file writable for you, or set XDG_STATE_HOME to a folder that is",
        path.display()
    )]
    Io {
        /// What would be locked.
        what: String,
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
        take(beside(db), format!("the database {}", db.display()))
    }

    /// Who holds that database's lock now: its pid in words; `None` if nobody does.
    ///
    /// # Errors
    /// When the lock file is there and cannot be read.
    pub fn database_holder(db: &Path) -> std::io::Result<Option<String>> {
        let mut file = match File::open(beside(db)) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(pid_in(&mut file))),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }

    /// Locks an account for this user. The file is named after the key's hash, not the key, and lies in the user's state
    /// folder: the temporary one is another in every session that sets its own.
    ///
    /// # Errors
    /// When another process holds it, or the lock file cannot be made.
    pub fn account(account: &Account) -> Result<Lock, LockError> {
        let name = account.long();
        let (folder, what) = (state_folder(), "this API key".to_owned());
        let path = folder.join(format!("key-{name}.lock"));
        match std::fs::create_dir_all(&folder) {
            Ok(()) => take(path, what),
            Err(source) => Err(LockError::Io { what, path, source }),
        }
    }
}

/// Where a user's programs keep what outlives a session. Source: the XDG base directory specification.
fn state_folder() -> PathBuf {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local").join("state")));
    state.unwrap_or_else(std::env::temp_dir).join("clorebid")
}

/// The lock file of a database.
fn beside(db: &Path) -> PathBuf {
    let mut name = db.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn pid_in(file: &mut File) -> String {
    let mut pid = String::new();
    let _unreadable_is_unknown = file.read_to_string(&mut pid);
    if pid.trim().is_empty() { "unknown".to_owned() } else { pid.trim().to_owned() }
}

fn take(path: PathBuf, what: String) -> Result<Lock, LockError> {
    let io = |source| LockError::Io { what: what.clone(), path: path.clone(), source };
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
    let mut locked = file.try_lock();
    // Whoever only looks whether it is held has it for a moment: that is no reason to refuse.
    for _ in 0..LOOKS {
        if matches!(locked, Err(TryLockError::WouldBlock)) {
            std::thread::sleep(LOOK);
            locked = file.try_lock();
        }
    }
    match locked {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let pid = pid_in(&mut file);
            return Err(LockError::Held { what, pid });
        }
        Err(TryLockError::Error(source)) => return Err(io(source)),
    }
    file.set_len(0).and_then(|()| file.rewind()).map_err(io)?;
    file.write_all(std::process::id().to_string().as_bytes()).map_err(io)?;
    Ok(Lock(file))
}
