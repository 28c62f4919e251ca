//! The planted mistakes: what each replaces, and which tests are to catch it.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The lists, each with the package whose mistakes it has.
const LISTS: [(&str, &str); 2] =
    [("clorebid-core", include_str!("core.toml")), ("clorebid", include_str!("program.toml"))];

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A list as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    mutant: Vec<Written>,
}

/// A mistake as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    file: String,
    was: String,
    becomes: String,
    #[serde(default)]
    also: Vec<Edit>,
    test: Option<String>,
    only: Option<String>,
    survives: Option<String>,
}

/// A piece of a file, and what the mistake makes of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    pub(crate) file: String,
    was: String,
    becomes: String,
}

impl Edit {
    /// The file's text with the mistake in it.
    ///
    /// # Errors
    /// In words, when the piece is not there exactly once.
    pub(crate) fn applied(&self, text: &str) -> Result<String, String> {
        match text.matches(&self.was).count() {
            1 if self.was == self.becomes => Err(format!("{}: nothing is changed", self.file)),
            1 => Ok(text.replacen(&self.was, &self.becomes, 1)),
            count => Err(format!("{}: its piece is there {count} times", self.file)),
        }
    }
}

/// The tests that are to catch a mistake.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Suite {
    pub(crate) package: &'static str,
    /// The one test program, or `lib` for those in the source; `None`: all of the package.
    pub(crate) test: Option<String>,
    /// What the names of the tests have in common, where not all are run.
    pub(crate) only: Option<String>,
}

/// A planted mistake.
#[derive(Debug, Clone)]
pub(crate) struct Mutant {
    /// What is wrong with it.
    pub(crate) name: String,
    pub(crate) edits: Vec<Edit>,
    pub(crate) suite: Suite,
    /// Why no test can catch it, where it changes nothing that matters.
    pub(crate) survives: Option<String>,
}

/// Every mistake, in the order in which they are written.
pub(crate) fn all() -> Result<Vec<Mutant>, toml::de::Error> {
    let mut mutants = Vec::new();
    for (package, text) in LISTS {
        let list: List = toml::from_str(text)?;
        mutants.extend(list.mutant.into_iter().map(|written| planted(package, written)));
    }
    Ok(mutants)
}

fn planted(package: &'static str, written: Written) -> Mutant {
    let Written { name, file, was, becomes, also, test, only, survives } = written;
    let edits = [Edit { file, was, becomes }].into_iter().chain(also).collect();
    Mutant { name, edits, suite: Suite { package, test, only }, survives }
}
