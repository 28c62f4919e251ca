//! Log lines on stderr: text or JSON, above the status line where there is one, and never with a secret in them.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use indicatif::ProgressBar;
use secrecy::SecretString;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use super::args::{Global, LogFormat};
use crate::clock::{rfc3339, wall_now};
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
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(to).with_ansi(color);
    // Only tests start logging twice in one process, and there the first start is the one that counts.
    let _already_started = match global.log {
        LogFormat::Text => lines.event_format(PlainLine).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}

/// A line for people: the run's own time, the level where it matters, the message. Its other fields are in the message.
struct PlainLine;

impl<S, N> FormatEvent<S, N> for PlainLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = Line::default();
        event.record(&mut line);
        let level = match *event.metadata().level() {
            Level::ERROR => "error: ",
            Level::WARN => "warning: ",
            _ => "",
        };
        let at = line.at.unwrap_or_else(|| rfc3339(wall_now()));
        if out.has_ansi_escapes() {
            writeln!(out, "\x1b[2m{at}\x1b[0m {level}{}", line.message)
        } else {
            writeln!(out, "{at} {level}{}", line.message)
        }
    }
}

#[derive(Default)]
struct Line {
    at: Option<String>,
    message: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "at" => self.at = Some(value.to_owned()),
            "message" => value.clone_into(&mut self.message),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
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
        // The subscriber would print a failure to stderr, of all places, and panic there: a terminal that is closed or a disk
        // that is full would end the run and leave its orders standing.
        let _nobody_reads = match &self.status {
            Some(bar) => bar.suspend(|| io::stderr().write_all(clean.as_bytes())),
            None => io::stderr().write_all(clean.as_bytes()),
        };
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _nobody_reads = io::stderr().flush();
        Ok(())
    }
}
