//! Tapes written by hand, and the binary at work on them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clorebid::clock::rfc3339;
use clorebid::core::time::Time;

/// 2026-11-01T00:00:00Z.
pub(crate) const START: i64 = 1_793_491_200_000;

/// A line of a tape, so many seconds after [`START`].
pub(crate) fn line(seconds: i64, call: &str, args: &str, status: u16, body: &str) -> String {
    let at = rfc3339(Time::from_ms(START + seconds * 1000));
    format!("{{\"at\":\"{at}\",\"call\":\"{call}\",\"args\":{args},\"status\":{status},\"body\":{body}}}\n")
}

/// The market of a server with these offers.
pub(crate) fn spot(seconds: i64, server: u64, floor: &str, offers: &str) -> String {
    let body = format!(
        r#"{{"market":{{"offers":[{offers}],"server":{{"min_pricing":{{"bitcoin":{floor}}},"mrl":86400,"visibility":"public","online":true}}}},"exists":true,"code":0}}"#
    );
    line(seconds, "spot_marketplace", &format!("{{\"market\":{server}}}"), 200, &body)
}

/// An offer in a market.
pub(crate) fn offer(id: u64, bid: &str, my: bool) -> String {
    format!(r#"{{"offer_id":{id},"bid":{bid},"active":true,"my":{my}}}"#)
}

/// Writes a file into `folder`.
pub(crate) fn file(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("a file");
    path
}

/// As `.zst` holds it.
pub(crate) fn packed(text: &str) -> Vec<u8> {
    zstd::encode_all(text.as_bytes(), 3).expect("zstd")
}

/// Runs the binary with its journal in `folder`.
pub(crate) fn clorebid(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clorebid"));
    command.arg("--db").arg(folder.join("clorebid.db")).args(args).current_dir(folder);
    command.env_remove("RUST_LOG").env_remove("CLORE_API_KEY").output().expect("the binary runs")
}

/// What it said on stderr.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What it printed, of a command that must succeed.
pub(crate) fn printed(output: Output) -> String {
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).expect("text")
}
