//! SIGINT, SIGTERM and SIGHUP (the terminal was closed): the first ends the run in order, the second at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::Failure;

/// Turns true at the first signal. The second ends the process on the spot, with exit code 1.
pub(super) fn on_signal() -> Result<watch::Receiver<bool>, Failure> {
    let cannot = |e| Failure::other(format!("cannot listen for signals: {e}"));
    let mut interrupts = signal(SignalKind::interrupt()).map_err(cannot)?;
    let mut terminations = signal(SignalKind::terminate()).map_err(cannot)?;
    let mut hangups = signal(SignalKind::hangup()).map_err(cannot)?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupts.recv() => {}
                _ = terminations.recv() => {}
                _ = hangups.recv() => {
                    // A closed terminal may say so more than once, and nobody is there who is in a hurry.
                    if *sender.borrow() {
                        continue;
                    }
                }
            }
            if sender.send_replace(true) {
                std::process::exit(1);
            }
            tracing::info!("ending; once more to end at once");
        }
    });
    Ok(receiver)
}
