//! The shape of the code: who may import whom, how long files and functions may be, and how pure the core is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Which modules a module may import, beside the core, which everybody may. `module::Item` allows that item alone.
///
/// Read from top to bottom it is the order of the layers: nothing imports what stands below it, but for the venue and
/// its API, which name each other's requests and replies.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("json", &[]),
    ("lock", &[]),
    ("oracle", &[]),
    ("strategy", &["clock", "json"]),
    ("journal", &["clock", "json"]),
    ("history", &["clock", "json", "journal"]),
    ("governor", &["clock", "json", "strategy", "journal"]),
    ("venue", &["clock", "json", "strategy", "journal", "governor", "clore::Call"]),
    ("clore", &["clock", "json", "strategy", "journal", "governor", "venue"]),
    ("sim", &["clock", "json", "journal::Journaled", "governor::Slot", "venue", "clore"]),
    ("tape", &["clock", "json", "journal", "history", "governor::Slot", "venue", "clore"]),
    ("crash", &["clore::Call"]),
    (
        "driver",
        &["crash", "clock", "json", "strategy", "journal", "history", "governor", "venue", "clore", "sim", "tape"],
    ),
    ("audit", &["clock", "json", "strategy", "journal", "history", "governor", "venue", "clore", "driver"]),
    (
        "backtest",
        &[
            "clock", "json", "strategy", "journal", "history", "governor", "venue", "clore", "sim", "tape", "driver",
            "oracle",
        ],
    ),
    ("report", &["clock", "json", "strategy", "journal", "history"]),
    (
        "cli",
        &[
            "clock", "json", "lock", "strategy", "journal", "history", "governor", "venue", "clore", "sim", "tape",
            "driver", "audit", "backtest", "report",
        ],
    ),
    ("main", &["cli"]),
];

/// All that the core may depend on.
const CORE_DEPENDENCIES: &[&str] = &["rust_decimal", "serde", "thiserror"];

const MOST_FILE_LINES: usize = 500;
const MOST_FUNCTION_LINES: usize = 70;

/// One source file, its path counted from the repository's root.
struct Source {
    path: String,
    text: String,
    /// The text with comments, strings and character literals blanked out; lines stay where they are.
    code: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path: PathBuf = entry.expect("a readable folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).expect("a readable file");
                let inside = path.strip_prefix(root()).expect("a path below the root");
                let path = inside.to_string_lossy().replace('\\', "/");
                found.push(Source { path, code: code_only(&text), text });
            }
        }
    }
    assert!(!found.is_empty(), "nothing to judge in {folder}");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn demand_none(what: &str, breaches: &[String]) {
    assert!(breaches.is_empty(), "{what}:\n  {}", breaches.join("\n  "));
}

/// Blanks out comments, strings and character literals.
fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = skipped(&chars, at);
        if end > at {
            code.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        } else {
            code.push(chars[at]);
            at += 1;
        }
    }
    code
}

/// Where what begins at `at` ends, if it is a comment or a literal; else `at`.
fn skipped(chars: &[char], at: usize) -> usize {
    let is = |offset: usize, wanted: char| chars.get(at + offset) == Some(&wanted);
    let find = |from: usize, wanted: &dyn Fn(usize) -> bool| (from..chars.len()).find(|i| wanted(*i));
    match chars[at] {
        '/' if is(1, '/') => find(at, &|i| chars[i] == '\n').unwrap_or(chars.len()),
        '/' if is(1, '*') => end_of_block_comment(chars, at),
        '"' => end_of_string(chars, at + 1),
        'r' if at == 0 || !is_word(chars[at - 1]) || matches!(chars[at - 1], 'b' | 'c') => {
            let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
            if !is(hashes + 1, '"') {
                return at;
            }
            let closes = |i: usize| {
                chars[i] == '"' && chars[i + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
            };
            find(at + hashes + 2, &closes).map_or(chars.len(), |i| i + 1 + hashes)
        }
        '\'' if is(1, '\\') => find(at + 3, &|i| chars[i] == '\'').map_or(chars.len(), |i| i + 1),
        '\'' if is(2, '\'') => at + 3,
        _ => at,
    }
}

fn end_of_block_comment(chars: &[char], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (at, depth) = (at + 2, depth + 1),
            ('*', Some('/')) if depth == 1 => return at + 2,
            ('*', Some('/')) => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
    }
    at
}

fn end_of_string(chars: &[char], start: usize) -> usize {
    let mut at = start;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where `word` stands on its own in the code, in bytes.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = code[..*at].chars().next_back().is_some_and(is_word);
        let after = code[at + word.len()..].chars().next().is_some_and(is_word);
        !before && !after
    })
}

/// Name, first line and length in lines of every function with a body.
fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    for start in words(code, "fn") {
        let name: String = code[start + 2..].trim_start().chars().take_while(|c| is_word(*c)).collect();
        let Some(length) = body_end(&code[start..]).map(|end| code[start..start + end].lines().count()) else {
            continue;
        };
        // A type such as `fn(u8) -> u8` has no name.
        if !name.is_empty() {
            found.push((name, code[..start].matches('\n').count() + 1, length));
        }
    }
    found
}

/// Where the body of the function that `code` begins with ends; a declaration has none.
fn body_end(code: &str) -> Option<usize> {
    let (mut nested, mut braces) = (0_i32, 0_i32);
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => nested += 1,
            ')' | ']' => nested -= 1,
            ';' if nested == 0 && braces == 0 => return None,
            '{' => braces += 1,
            '}' if braces <= 1 => return (braces == 1).then_some(at + 1),
            '}' => braces -= 1,
            _ => {}
        }
    }
    None
}

/// Every path that begins with `start` (such as `crate::`), its first two parts, groups in braces taken apart.
fn paths(code: &str, start: &str) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(start) {
        if !code[..at].chars().next_back().is_some_and(|c| is_word(c) || c == ':') {
            let mut all = Vec::new();
            take_tree(&mut code[at + start.len()..].chars().peekable(), &mut Vec::new(), &mut all);
            found.extend(all.into_iter().filter_map(|path: Vec<String>| {
                let mut parts = path.into_iter();
                Some((parts.next()?, parts.next()))
            }));
        }
    }
    found
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Reads `a::b`, `{a, b::{c, d}}` and the like into `all`.
fn take_tree(code: &mut Chars<'_>, prefix: &mut Vec<String>, all: &mut Vec<Vec<String>>) {
    let skip_blanks = |code: &mut Chars<'_>| while code.next_if(|c| c.is_whitespace()).is_some() {};
    let depth = prefix.len();
    skip_blanks(code);
    if code.next_if_eq(&'{').is_some() {
        loop {
            take_tree(code, prefix, all);
            skip_blanks(code);
            if code.next_if_eq(&',').is_none() {
                break;
            }
            skip_blanks(code);
            if code.peek() == Some(&'}') {
                break;
            }
        }
        code.next_if_eq(&'}');
        return;
    }
    let mut name = String::new();
    while let Some(c) = code.next_if(|c| is_word(*c) || *c == '*') {
        name.push(c);
    }
    prefix.push(name);
    if code.next_if_eq(&':').is_some() && code.next_if_eq(&':').is_some() {
        take_tree(code, prefix, all);
    } else {
        all.push(prefix.clone());
        // `a as b`: the new name is no path.
        while code.next_if(|c| is_word(*c) || *c == ' ').is_some() {}
    }
    prefix.truncate(depth);
}

/// The top-level module that a file belongs to, and how deep below the crate's root the file stands.
fn module(path: &str) -> (&str, usize) {
    let inside = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    (inside.split('/').next().unwrap_or(inside), inside.matches('/').count() + 1)
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
fn imports_point_one_way() {
    let table: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    let mut breaches = Vec::new();
    for source in sources("src").iter().filter(|s| !s.path.starts_with("src/core/") && s.path != "src/lib.rs") {
        let (from, depth) = module(&source.path);
        let Some(allowed) = table.get(from) else {
            breaches.push(format!("{}: module `{from}` has no row in MAY_IMPORT", source.path));
            continue;
        };
        let mut imported = paths(&source.code, "crate::");
        // From here so many `super` lead to the crate's root; a module's own names are no modules of the root.
        imported.extend(paths(&source.code, &"super::".repeat(depth)));
        imported.extend(paths(&source.code, "clorebid::"));
        for (to, item) in imported {
            let whole = allowed.contains(&to.as_str());
            let path = item.map_or_else(|| to.clone(), |item| format!("{to}::{item}"));
            let alone = allowed.contains(&path.as_str());
            if table.contains_key(to.as_str()) && to != from && !whole && !alone {
                breaches.push(format!("{}: `{from}` may not import `{path}`", source.path));
            }
        }
    }
    demand_none("imports against the layers", &breaches);
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
    let found = paths("use crate::{a::{B, c as d}, e};\nlet x = crate::f::g();", "crate::");
    let parts: Vec<_> = found.iter().map(|(a, b)| (a.as_str(), b.as_deref())).collect();
    assert_eq!(parts, [("a", Some("B")), ("a", Some("c")), ("e", None), ("f", Some("g"))]);
    assert_eq!(module("src/clore/wire.rs"), ("clore", 2));
    assert_eq!(module("src/sim/mod.rs"), ("sim", 1));
}
