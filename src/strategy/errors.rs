//! Mistakes in a strategy file: where each stands, what is wrong, what would be right. All are collected, so that one
//! look at the report is enough to mend the file.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity, SourceCode};

/// One mistake.
#[derive(Debug, Clone)]
pub struct Mistake {
    message: String,
    label: String,
    help: Option<String>,
    at: Range<usize>,
    line: usize,
    column: usize,
    severity: Severity,
    source: Arc<NamedSource<String>>,
}

impl Mistake {
    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What would be right.
    pub fn hint(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Its line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Its column, counted in characters from 1.
    pub fn column(&self) -> usize {
        self.column
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Mistake {}

impl Diagnostic for Mistake {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|h| Box::new(h) as Box<dyn fmt::Display + 'a>)
    }

    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&*self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::new(Some(self.label.clone()), self.at.start, self.at.len());
        Some(Box::new(std::iter::once(label)))
    }
}

/// All mistakes of a file, in its order; never empty as an error. Warnings come the same way.
///
/// `Display` lists them as `file:line:column: message (hint)`; as a [`Diagnostic`] each is shown with its source line.
#[derive(Debug, Clone)]
pub struct StrategyErrors {
    file: String,
    mistakes: Vec<Mistake>,
}

impl StrategyErrors {
    /// The mistakes in the file's order.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }

    /// Every mistake with its source line, as text for a terminal `width` columns wide.
    pub fn picture(&self, width: usize, color: bool) -> String {
        let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_width(width);
        let mut picture = String::new();
        for (i, mistake) in self.mistakes.iter().enumerate() {
            if i > 0 {
                picture.push('\n');
            }
            if handler.render_report(&mut picture, mistake).is_err() {
                // Drawing can fail only where a label lies outside the text; the message alone still helps.
                picture.push_str(&format!("{}:{}:{}: {mistake}\n", self.file, mistake.line, mistake.column));
            }
        }
        picture
    }
}

impl fmt::Display for StrategyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, mistake) in self.mistakes.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{}:{}:{}: {}", self.file, mistake.line, mistake.column, mistake.message)?;
            if let Some(help) = &mistake.help {
                write!(f, " ({help})")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for StrategyErrors {}

impl Diagnostic for StrategyErrors {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.mistakes.iter().map(|m| m as &dyn Diagnostic)))
    }
}

/// Where the reader drops what it finds wrong. Shared by all readers of one file, hence the cell.
#[derive(Debug, Default)]
pub(super) struct Mistakes {
    found: RefCell<Vec<Found>>,
    secrets: RefCell<Vec<Range<usize>>>,
}

#[derive(Debug)]
struct Found {
    at: Range<usize>,
    message: String,
    label: &'static str,
    help: Option<String>,
    severity: Severity,
}

impl Mistakes {
    /// Notes a mistake.
    pub(super) fn add(&self, at: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.add_labelled(at, message, "here", help);
    }

    /// Notes a mistake, with a word of its own under the source line.
    pub(super) fn add_labelled(
        &self,
        at: Range<usize>,
        message: impl Into<String>,
        label: &'static str,
        help: impl Into<String>,
    ) {
        self.push(at, message.into(), label, help.into(), Severity::Error);
    }

    /// Notes what is no mistake, but unlikely to work.
    pub(super) fn warn(&self, at: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.push(at, message.into(), "here", help.into(), Severity::Warning);
    }

    fn push(&self, at: Range<usize>, message: String, label: &'static str, help: String, severity: Severity) {
        let help = Some(help).filter(|h| !h.is_empty());
        self.found.borrow_mut().push(Found { at, message, label, help, severity });
    }

    /// Keeps a secret out of the report, which shows source lines and may end up in a log.
    pub(super) fn hide(&self, at: Range<usize>) {
        self.secrets.borrow_mut().push(at);
    }

    /// Whether something was found for which the file must be refused.
    pub(super) fn forbid(&self) -> bool {
        self.found.borrow().iter().any(|f| f.severity == Severity::Error)
    }

    /// The report.
    pub(super) fn into_errors(self, text: &str, file: &str) -> StrategyErrors {
        let secrets = self.secrets.into_inner();
        let source = Arc::new(NamedSource::new(file, masked(text, &secrets)));
        let mut found = self.found.into_inner();
        found.sort_by_key(|f| f.at.start);
        let mistakes = found.into_iter().map(|f| {
            let at = on_boundaries(text, f.at);
            let (line, column) = position(text, at.start);
            let (message, label, help, severity) = (f.message, f.label.to_string(), f.help, f.severity);
            Mistake { message, label, help, at, line, column, severity, source: Arc::clone(&source) }
        });
        StrategyErrors { file: file.to_string(), mistakes: mistakes.collect() }
    }
}

/// The text with every secret starred out, byte for byte, so that all positions stay.
fn masked(text: &str, secrets: &[Range<usize>]) -> String {
    let mut shown = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if c != '\n' && secrets.iter().any(|s| s.contains(&at)) {
            shown.extend(std::iter::repeat_n('*', c.len_utf8()));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// The range, moved onto character boundaries inside the text.
fn on_boundaries(text: &str, at: Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(at.start);
    let end = text.ceil_char_boundary(at.end.min(text.len()));
    start..end.max(start)
}

/// Line and column of a byte, both from 1, the column in characters.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |nl| nl + 1);
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    (line, before.get(line_start..).unwrap_or("").chars().count() + 1)
}
