//! Loads a scenario: from the text of a file, or one that comes with the program.

use super::check::check;
use super::scenario::Scenario;

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// Not TOML, an unknown key or a wrong value. The message shows line and column.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// Every key is fine, but they contradict each other.
    #[error("{0}")]
    Invalid(String),
}

const BUILTIN: [(&str, &str); 3] = [
    ("demo", include_str!("../../scenarios/demo.toml")),
    ("crowd", include_str!("../../scenarios/crowd.toml")),
    ("faults", include_str!("../../scenarios/faults.toml")),
];

impl Scenario {
    /// Reads a scenario file.
    ///
    /// # Errors
    /// When it is not one; the message shows where.
    pub fn parse(text: &str) -> Result<Scenario, ScenarioError> {
        let scenario: Scenario = toml::from_str(text)?;
        check(&scenario).map_err(ScenarioError::Invalid)?;
        Ok(scenario)
    }

    /// The scenario of that name that comes with the program. `demo` is the one that paper runs use.
    pub fn builtin(name: &str) -> Option<Scenario> {
        // A test reads every one of them, so none is lost here.
        Scenario::builtin_text(name).and_then(|text| Scenario::parse(text).ok())
    }

    /// Its file, comments included.
    pub fn builtin_text(name: &str) -> Option<&'static str> {
        BUILTIN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }

    /// The names that [`Scenario::builtin`] knows.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|(name, _)| *name)
    }
}
