//! Builds the tests of the copy and runs them, the fastest first and each for a limited time, until one fails.

#![allow(clippy::disallowed_types, reason = "this is no part of the core: it measures how long tests take")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::list::Suite;

/// A mistake may make a test run for ever: it has so much longer than it took before.
const TIMES_LONGER: u32 = 5;
const AND: Duration = Duration::from_secs(30);
/// So many scenarios of the campaign are played where nothing else is said: a mistake is to be caught by the test of a
/// rule, and not by chance.
const CAMPAIGN_SEEDS: &str = "50";
/// The test of the list itself, which every planted mistake fails.
const LIST: &str = "mutants";

/// A program of tests.
#[derive(Debug)]
struct Program {
    name: String,
    path: PathBuf,
    folder: PathBuf,
    /// How long it took where nothing was changed.
    took: Duration,
}

/// The programs of a suite.
#[derive(Debug)]
pub(crate) struct Tests {
    programs: Vec<Program>,
    only: Option<String>,
}

impl Tests {
    /// Runs as those did: in that order, and for as long.
    pub(crate) fn go_by(&mut self, before: &Tests) {
        let took: BTreeMap<&str, Duration> = before.programs.iter().map(|p| (p.name.as_str(), p.took)).collect();
        for program in &mut self.programs {
            program.took = took.get(program.name.as_str()).copied().unwrap_or_default();
        }
        self.programs.sort_by_key(|program| program.took);
    }
}

/// What running tests came to.
#[derive(Debug)]
pub(crate) enum Outcome {
    Passed,
    /// By which test, in words.
    Failed(String),
}

/// What cargo says of something that it built.
#[derive(Debug, Deserialize)]
struct Message {
    target: Option<Target>,
    profile: Option<Profile>,
    executable: Option<PathBuf>,
    manifest_path: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Profile {
    test: bool,
}

/// Where tests are built and run.
#[derive(Debug)]
pub(crate) struct Runner {
    root: PathBuf,
    target: PathBuf,
}

impl Runner {
    pub(crate) fn new(root: PathBuf, target: PathBuf) -> Runner {
        Runner { root, target }
    }

    /// Builds a suite.
    ///
    /// # Errors
    /// With what the compiler says.
    pub(crate) fn build(&self, suite: &Suite) -> Result<Tests, String> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        // Nobody looks into them with a debugger, and a third of the time goes into linking them.
        command.env("CARGO_PROFILE_DEV_DEBUG", "0");
        command.args(["test", "--locked", "--no-run", "--message-format=json-render-diagnostics"]);
        command.args(["-p", suite.package]);
        match suite.test.as_deref() {
            None => command.arg("--tests"),
            Some("lib") => command.arg("--lib"),
            Some(test) => command.args(["--test", test]),
        };
        let built = command.output().map_err(|why| format!("cargo: {why}"))?;
        if !built.status.success() {
            return Err(String::from_utf8_lossy(&built.stderr).into_owned());
        }
        let messages = String::from_utf8_lossy(&built.stdout);
        let mut programs: Vec<Program> = messages.lines().filter_map(program).collect();
        programs.retain(|program| program.name != LIST);
        if programs.is_empty() {
            return Err(format!("{} has no tests", words(suite)));
        }
        Ok(Tests { programs, only: suite.only.clone() })
    }

    /// Runs them where nothing is changed, and takes note of how long each takes.
    pub(crate) fn measure(&self, tests: &mut Tests) -> Result<Outcome, String> {
        let only = tests.only.clone();
        for program in &mut tests.programs {
            let begun = Instant::now();
            if let Some(by) = self.failed(program, only.as_deref(), None)? {
                return Ok(Outcome::Failed(by));
            }
            program.took = begun.elapsed();
        }
        Ok(Outcome::Passed)
    }

    /// Runs them until one fails.
    pub(crate) fn run(&self, tests: &Tests) -> Result<Outcome, String> {
        for program in &tests.programs {
            let most = program.took.saturating_mul(TIMES_LONGER).saturating_add(AND);
            if let Some(by) = self.failed(program, tests.only.as_deref(), Some(most))? {
                return Ok(Outcome::Failed(by));
            }
        }
        Ok(Outcome::Passed)
    }

    /// Runs one of them, and says which of its tests fail.
    fn failed(&self, program: &Program, only: Option<&str>, most: Option<Duration>) -> Result<Option<String>, String> {
        let path = self.target.join("output");
        let output = File::create(&path).map_err(|why| format!("{}: {why}", path.display()))?;
        let mut command = Command::new(&program.path);
        command.args(only).current_dir(&program.folder).env("CARGO_MANIFEST_DIR", &program.folder).process_group(0);
        if std::env::var_os("CAMPAIGN_SEEDS").is_none() {
            command.env("CAMPAIGN_SEEDS", CAMPAIGN_SEEDS);
        }
        let child = command.stdin(Stdio::null()).stdout(output).stderr(Stdio::null()).spawn();
        let child = child.map_err(|why| format!("{}: {why}", program.path.display()))?;
        let group = child.id();
        let ended = ended(child, most)?;
        if !ended.is_some_and(|status| status.success()) {
            end_all_of(group);
        }
        let Some(status) = ended else {
            return Ok(Some(format!("{}, which does not end", program.name)));
        };
        let said = fs::read(&path).map_err(|why| format!("{}: {why}", path.display()))?;
        let said = String::from_utf8_lossy(&said);
        if status.success() {
            return if said.contains("\nrunning 0 tests") && only.is_some() {
                Err(format!("{} has no test named like \"{}\"", program.name, only.unwrap_or_default()))
            } else {
                Ok(None)
            };
        }
        let of = |line: &str| line.strip_prefix("test ")?.strip_suffix(" ... FAILED").map(str::to_owned);
        let failed: Vec<String> = said.lines().filter_map(of).collect();
        Ok(Some(match failed.as_slice() {
            [] => format!("{}, which ends with {status}", program.name),
            [first] => format!("{} {first}", program.name),
            [first, others @ ..] => format!("{} {first} and {} more", program.name, others.len()),
        }))
    }
}

/// Waits for its end, and for so long at the most.
fn ended(mut child: Child, most: Option<Duration>) -> Result<Option<ExitStatus>, String> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(|why| why.to_string())? {
            return Ok(Some(status));
        }
        if most.is_some_and(|most| begun.elapsed() > most) {
            child.kill().and_then(|()| child.wait()).map_err(|why| why.to_string())?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Ends what a test started and did not see the end of: a bot would run on for hours.
fn end_all_of(group: u32) {
    let kill = Command::new("kill").args(["-KILL", "--", &format!("-{group}")]).stderr(Stdio::null()).status();
    let _mostly_there_are_none = kill;
}

/// The program of tests that a line of cargo's messages tells of.
fn program(line: &str) -> Option<Program> {
    let message: Message = serde_json::from_str(line).ok()?;
    let path = message.executable.filter(|_| message.profile.is_some_and(|profile| profile.test))?;
    let folder = message.manifest_path?.parent()?.to_path_buf();
    Some(Program { name: message.target?.name, path, folder, took: Duration::ZERO })
}

/// A suite in words.
pub(crate) fn words(suite: &Suite) -> String {
    let parts = [Some(suite.package), suite.test.as_deref(), suite.only.as_deref()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}
