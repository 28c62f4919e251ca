//! Places at which a test can stop the real binary dead, to prove that a crash there loses nothing.
//!
//! `CLOREBID_CRASH_AT=after_send:create_order` makes the process print where it is and then stand still for ever, so
//! that the test can kill it with a signal that no program can catch. Only debug builds look at the variable.

/// Stands still here if the environment asks for it.
#[cfg(debug_assertions)]
pub(super) fn point(name: &str, endpoint: &str) {
    let Ok(wanted) = std::env::var("CLOREBID_CRASH_AT") else { return };
    if wanted == format!("{name}:{}", endpoint) {
        println!("crash point {wanted}");
        loop {
            std::thread::park();
        }
    }
}

/// Nothing, in release builds.
#[cfg(not(debug_assertions))]
pub(super) fn point(_name: &str, _endpoint: &str) {}
