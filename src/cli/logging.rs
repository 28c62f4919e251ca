//! Log lines on stderr: text or JSON, above the status line where there is one, and never with a secret in them.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use indicatif::ProgressBar;
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::args::{Global, LogFormat};
use crate::clore::Scrubber;

/// Starts logging. Every line is scrubbed of `secrets`; `status` is the line to print above, if there is one.
pub(super) fn start(global: &Global, secrets: Vec<SecretString>, status: Option<ProgressBar>) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "warn",
        (_, 0) => "info",
        (_, 1) => "debug",
        _ => "trace",
    };
    let wanted = std::env::var("RUST_LOG").unwrap_or_else(|_| format!("warn,clorebid={level}"));
    let filter = EnvFilter::try_new(&wanted).unwrap_or_else(|_| EnvFilter::new("info"));
    let to = ScrubbedStderr { scrubber: Arc::new(Scrubber::new(secrets)), status };
    let color = !global.no_color && io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(to).with_ansi(color).with_target(false);
    // Only tests start logging twice in one process, and there the first start is the one that counts.
    let _already_started = match global.log {
        LogFormat::Text => lines.without_time().try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}

#[derive(Clone)]
struct ScrubbedStderr {
    scrubber: Arc<Scrubber>,
    status: Option<ProgressBar>,
}

impl<'a> MakeWriter<'a> for ScrubbedStderr {
    type Writer = ScrubbedStderr;
    fn make_writer(&'a self) -> ScrubbedStderr {
        self.clone()
    }
}

/// The subscriber writes each line with one call, so each call can be scrubbed as a whole.
impl Write for ScrubbedStderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let clean = self.scrubber.scrub_str(&text);
        match &self.status {
            Some(bar) => bar.suspend(|| io::stderr().write_all(clean.as_bytes()))?,
            None => io::stderr().write_all(clean.as_bytes())?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
