//! Plants one mistake after the other in a copy of this repository, and says which test catches it.
//!
//! `cargo run -p clorebid-core --example mutants`, with parts of names or of files, or with the name of a package, where
//! only some are meant. It ends with 1 when a mistake goes through all tests, does not build, or does not fit the source
//! any more.

mod checkout;
mod list;
mod suite;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use checkout::Checkout;
use list::{Mutant, Suite};
use suite::{Outcome, Runner, Tests};

/// How many came to what.
#[derive(Debug, Default)]
struct Count {
    caught: usize,
    expected: usize,
    wrong: usize,
}

impl Count {
    fn add(&mut self, to: impl Fn(&mut Count) -> &mut usize) {
        let count = to(self);
        *count = count.saturating_add(1);
    }
}

fn main() -> ExitCode {
    let parts: Vec<String> = std::env::args().skip(1).collect();
    match run(&parts) {
        Ok(Count { wrong: 0, .. }) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(1)
        }
    }
}

fn run(parts: &[String]) -> Result<Count, String> {
    let all = list::all().map_err(|why| why.to_string())?;
    let chosen: Vec<Mutant> = all.into_iter().filter(|mutant| is_meant(mutant, parts)).collect();
    if chosen.is_empty() {
        return Err(format!("no planted mistake goes by {parts:?}"));
    }
    let folder = folder()?;
    let checkout = Checkout::make(&list::root(), &folder)?;
    let runner = Runner::new(checkout.root().to_path_buf(), folder.join("target"));
    let untouched = untouched(&runner, &chosen)?;
    let mut count = Count::default();
    for mutant in &chosen {
        println!("{}", judged(mutant, &checkout, &runner, &untouched, &mut count)?);
    }
    let Count { caught, expected, wrong } = count;
    println!("\n{caught} caught, {expected} that change nothing, {wrong} wrong, of {}", chosen.len());
    Ok(count)
}

fn is_meant(mutant: &Mutant, parts: &[String]) -> bool {
    let has = |part: &String| {
        let of_file = mutant.edits.iter().any(|edit| edit.file.contains(part));
        mutant.suite.package == part || mutant.name.contains(part) || of_file
    };
    parts.is_empty() || parts.iter().any(has)
}

/// Where the copy is and what is built of it: beside what this program was built with, so that the next run need not
/// build every dependency anew.
fn folder() -> Result<PathBuf, String> {
    let program = std::env::current_exe().map_err(|why| why.to_string())?;
    // <target>/debug/examples/mutants
    let target = program.ancestors().nth(3).ok_or("this program is in no target folder")?;
    Ok(target.join("mutants"))
}

/// The tests of every suite that is asked for, which must pass where nothing is changed.
fn untouched<'a>(runner: &Runner, chosen: &'a [Mutant]) -> Result<BTreeMap<&'a Suite, Tests>, String> {
    let mut suites = BTreeMap::new();
    for suite in chosen.iter().map(|mutant| &mutant.suite) {
        if suites.contains_key(suite) {
            continue;
        }
        let mut tests = runner.build(suite)?;
        match runner.measure(&mut tests)? {
            Outcome::Passed => println!("nothing changed: {} passes", suite::words(suite)),
            Outcome::Failed(by) => return Err(format!("the tests fail where nothing is changed: {by}")),
        }
        suites.insert(suite, tests);
    }
    Ok(suites)
}

/// Plants the mistake, and says in words what became of it.
fn judged(
    mutant: &Mutant,
    checkout: &Checkout,
    runner: &Runner,
    untouched: &BTreeMap<&Suite, Tests>,
    count: &mut Count,
) -> Result<String, String> {
    let planted = match checkout.plant(&mutant.edits) {
        Ok(planted) => planted,
        Err(why) => {
            count.add(|c| &mut c.wrong);
            return Ok(format!("DOES NOT APPLY  {}: {why}", mutant.name));
        }
    };
    let tests = runner.build(&mutant.suite);
    let outcome = match (tests, untouched.get(&mutant.suite)) {
        (Ok(mut tests), Some(before)) => {
            tests.go_by(before);
            runner.run(&tests)?
        }
        (Ok(_), None) => return Err("a suite that was not looked at before".to_owned()),
        (Err(why), _) => {
            planted.undo()?;
            count.add(|c| &mut c.wrong);
            return Ok(format!("DOES NOT BUILD  {}\n{why}", mutant.name));
        }
    };
    planted.undo()?;
    Ok(match (outcome, &mutant.survives) {
        (Outcome::Failed(by), None) => {
            count.add(|c| &mut c.caught);
            format!("caught          {}: by {by}", mutant.name)
        }
        (Outcome::Failed(by), Some(_)) => {
            count.add(|c| &mut c.wrong);
            format!("CAUGHT          {}, which was said to change nothing: by {by}", mutant.name)
        }
        (Outcome::Passed, Some(why)) => {
            count.add(|c| &mut c.expected);
            format!("changes nothing {}: {why}", mutant.name)
        }
        (Outcome::Passed, None) => {
            count.add(|c| &mut c.wrong);
            format!("SURVIVED        {}", mutant.name)
        }
    })
}
