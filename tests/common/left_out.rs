//! What a test leaves out on a machine that lacks something, and where that is no excuse.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(unreachable_pub, reason = "a module of several test programs")]

use std::io::Write as _;
use std::path::PathBuf;

/// Says on stderr what is left out and for want of what. A captured `println!` would only be seen of tests that fail.
pub fn say(what: &str, lacking: &str) {
    let _closed = writeln!(std::io::stderr(), "left out: {what}: {lacking}");
}

/// The same of something that the machines that gate a landing must have: where `CI` is set it is a failure.
///
/// # Panics
/// Where the environment variable `CI` is set to anything.
pub fn say_or_fail_in_ci(what: &str, lacking: &str) {
    let in_ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty());
    assert!(!in_ci, "{what} must not be left out in CI: {lacking}");
    say(what, lacking);
}

/// One of the real recordings, by its path in the folder that `CLOREBID_TAPES` names; without that variable says so. A
/// variable that names no such recording is a mistake, not a machine without recordings.
///
/// # Panics
/// Where the variable is set and there is nothing of that name.
pub fn recording(name: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("CLOREBID_TAPES") else {
        say(&format!("the recording {name}"), "CLOREBID_TAPES is not set");
        return None;
    };
    let path = PathBuf::from(folder).join(name);
    assert!(path.exists(), "CLOREBID_TAPES is set, but there is no {}", path.display());
    Some(path)
}
