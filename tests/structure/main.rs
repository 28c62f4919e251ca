//! The shape of the code: who may import whom, how long files and functions may be, and how pure the core is.
#![allow(unreachable_pub, reason = "modules of a test program")]

mod graph;
mod scanner;

use std::fs;
use std::process::Command;

use scanner::{code_only, functions, root, sources, words};

/// All that the core may depend on.
const CORE_DEPENDENCIES: &[&str] = &["rust_decimal", "serde", "thiserror"];

const MOST_FILE_LINES: usize = 500;
const MOST_FUNCTION_LINES: usize = 70;

fn demand_none(what: &str, breaches: &[String]) {
    assert!(breaches.is_empty(), "{what}:\n  {}", breaches.join("\n  "));
}

#[test]
fn files_and_functions_stay_short() {
    let mut breaches = Vec::new();
    for source in sources("src").iter().chain(&sources("tests")) {
        let lines = source.text.lines().count();
        if lines > MOST_FILE_LINES {
            breaches.push(format!("{} has {lines} lines, more than {MOST_FILE_LINES}", source.path));
        }
        for (name, line, length) in functions(&source.code) {
            if length > MOST_FUNCTION_LINES {
                let path = &source.path;
                breaches.push(format!("{path}:{line}: `{name}` has {length} lines, more than {MOST_FUNCTION_LINES}"));
            }
        }
    }
    demand_none("too long", &breaches);
}

#[test]
fn every_source_file_says_what_it_is_for() {
    // An attribute such as `#![no_std]` may come first.
    let first = |text: &str| text.lines().find(|l| !l.is_empty() && !l.starts_with("#![")).unwrap_or("").to_string();
    let silent = sources("src").into_iter().filter(|s| !first(&s.text).starts_with("//! ")).map(|s| s.path);
    demand_none("these do not open with `//!`", &silent.collect::<Vec<_>>());
}

#[test]
fn the_core_is_pure() {
    let manifest = fs::read_to_string(root().join("src/core/Cargo.toml")).expect("the core's manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let dependencies: Vec<&str> =
        manifest["dependencies"].as_table().expect("a table").keys().map(String::as_str).collect();
    assert_eq!(dependencies, CORE_DEPENDENCIES);
    let lib = fs::read_to_string(root().join("src/core/lib.rs")).expect("the core's root");
    assert!(lib.contains("#![no_std]"), "without no_std the compiler would let IO and clocks in");
    let mut breaches = Vec::new();
    for source in sources("src/core").iter().filter(|s| !s.path.starts_with("src/core/tests/")) {
        for word in ["std", "f32", "f64"] {
            for at in words(&source.code, word) {
                let line = source.code[..at].matches('\n').count() + 1;
                breaches.push(format!("{}:{line}: `{word}`", source.path));
            }
        }
    }
    demand_none("what the core must not know", &breaches);
}

#[test]
fn json_numbers_are_left_as_they_are_in_every_crate() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_string());
    let mut tree = Command::new(cargo);
    tree.current_dir(root()).args(["tree", "--workspace", "--offline", "-e", "features", "-i", "serde_json"]);
    let output = tree.output().expect("cargo runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.contains("serde_json feature \"raw_value\""), "the tree looks different now:\n{printed}");
    assert!(!printed.contains("arbitrary_precision"), "it breaks floats under untagged and flatten:\n{printed}");
}

#[test]
fn the_scanner_is_not_fooled_by_text() {
    let code =
        code_only("let a = \"}\"; // }\nlet b = '{'; let c = r#\"fn x\"#; /* { /* } */ */ fn f<'a>(x: &'a str) {}");
    assert_eq!(code.matches(['{', '}']).count(), 2, "{code}");
    assert_eq!(functions(&code), [("f".to_string(), 2, 1)]);
    assert_eq!(functions("trait T { fn a(&self, b: [u8; 2]); fn c() {\n if x {}\n}\n}"), [("c".to_string(), 1, 3)]);
}

/// What stands between backquotes in a page of Markdown, outside its code blocks.
fn quoted(page: &str) -> Vec<String> {
    let prose: Vec<&str> = page.split("```").step_by(2).collect();
    let quoted = prose.iter().flat_map(|part| part.split('`').skip(1).step_by(2));
    quoted.map(str::to_owned).collect()
}

#[test]
fn the_architecture_page_names_only_files_that_are_there() {
    let page = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("the page");
    let is_file = |name: &String| name.ends_with(".rs") || name.ends_with(".sql") || name.ends_with('/');
    let named: Vec<String> = quoted(&page).into_iter().filter(is_file).collect();
    assert!(named.len() > 30, "the page looks different now: {named:?}");
    let is_there = |name: &String| ["", "src", "src/core"].iter().any(|folder| root().join(folder).join(name).exists());
    // The file that whoever follows the worked example would add.
    let missing = named.into_iter().filter(|name| name != "core/policy/floor_plus_tick.rs" && !is_there(name));
    demand_none("docs/ARCHITECTURE.md names what is not there", &missing.collect::<Vec<_>>());
}

#[test]
fn the_worked_example_is_the_one_that_a_test_builds() {
    let page = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("the page");
    let example = page.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the example");
    let built = fs::read_to_string(root().join("src/core/tests/new_policy.rs")).expect("the test");
    assert!(example.contains("impl Policy for") && built.contains(example), "they differ:\n{example}");
}
