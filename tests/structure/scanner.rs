//! Reads source files: what is code in them and what is text, and where functions begin and end.

use std::fs;
use std::path::{Path, PathBuf};

/// One source file, its path counted from the repository's root.
pub struct Source {
    pub path: String,
    pub text: String,
    /// The text with comments, strings and character literals blanked out; lines stay where they are.
    pub code: String,
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn sources(folder: &str) -> Vec<Source> {
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

/// Blanks out comments, strings and character literals.
pub fn code_only(text: &str) -> String {
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

pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where `word` stands on its own in the code, in bytes.
pub fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = code[..*at].chars().next_back().is_some_and(is_word);
        let after = code[at + word.len()..].chars().next().is_some_and(is_word);
        !before && !after
    })
}

/// Name, first line and length in lines of every function with a body.
pub fn functions(code: &str) -> Vec<(String, usize, usize)> {
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
