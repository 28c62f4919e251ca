//! The list of planted mistakes fits the source as it is. Whether tests catch them says
//! `cargo run -p clorebid-core --example mutants`.

#[path = "mutants/list.rs"]
mod list;

use std::collections::BTreeSet;
use std::fs;

#[test]
fn every_planted_mistake_replaces_a_piece_that_is_there_once() {
    let mut breaches = Vec::new();
    for mutant in list::all().expect("TOML") {
        for edit in &mutant.edits {
            let text = fs::read_to_string(list::root().join(&edit.file)).unwrap_or_default();
            breaches.extend(edit.applied(&text).err().map(|why| format!("{}: {why}", mutant.name)));
        }
    }
    assert!(breaches.is_empty(), "\n  {}", breaches.join("\n  "));
}

#[test]
fn a_mistake_that_no_test_can_catch_says_why() {
    let silent = list::all().expect("TOML").into_iter().filter(|m| m.survives.as_ref().is_some_and(String::is_empty));
    assert_eq!(silent.map(|m| m.name).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn no_two_planted_mistakes_have_one_name() {
    let all = list::all().expect("TOML");
    let names: BTreeSet<&str> = all.iter().map(|mutant| mutant.name.as_str()).collect();
    assert_eq!(names.len(), all.len());
}

#[test]
fn the_slow_tests_of_the_program_are_never_all_run() {
    let slow =
        list::all().expect("TOML").into_iter().filter(|m| m.suite.package == "clorebid" && m.suite.test.is_none());
    assert_eq!(slow.map(|m| m.name).collect::<Vec<_>>(), Vec::<String>::new());
}
