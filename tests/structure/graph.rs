//! Which file imports which, re-exports followed to where the thing is, and what that may look like.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::str::Chars;

use crate::demand_none;
use crate::scanner::{Source, is_word, sources, words};

/// Every module of the program with the modules that it imports, all of them further up: the layers, from the bottom.
/// Everybody may import the core.
const LAYERS: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("json", &[]),
    ("wire", &[]),
    ("strategy", &[]),
    ("oracle", &[]),
    ("journal", &["wire"]),
    ("history", &["clock", "journal"]),
    ("clore", &["json", "strategy", "wire"]),
    ("api", &["clore", "strategy", "wire"]),
    ("session", &["api", "clock", "journal", "wire"]),
    ("client", &["clore", "journal", "session", "wire"]),
    ("account", &["client"]),
    ("lock", &["account"]),
    ("sim", &["clock", "journal", "json", "session", "wire"]),
    ("tape", &["api", "clock", "clore", "history", "journal", "session", "wire"]),
    ("run", &["api", "clock", "journal", "session"]),
    ("notify", &["client", "clock", "clore", "run", "strategy"]),
    ("metrics", &["api", "clock", "notify", "run"]),
    ("audit", &["api", "clock", "clore", "history", "journal", "json", "strategy", "wire"]),
    ("backtest", &["api", "clock", "clore", "journal", "json", "oracle", "run", "session", "strategy", "tape", "wire"]),
    (
        "cli",
        &[
            "account", "api", "audit", "backtest", "client", "clock", "clore", "history", "journal", "lock", "metrics",
            "notify", "run", "session", "sim", "strategy", "tape", "wire",
        ],
    ),
];

/// The same of the core.
const CORE_LAYERS: &[(&str, &[&str])] = &[
    ("ids", &[]),
    ("time", &[]),
    ("integers", &[]),
    ("money", &["integers", "time"]),
    ("stretch", &["money", "time"]),
    ("duration", &["money", "time"]),
    ("governing", &["time"]),
    ("words", &["money", "time"]),
    ("market", &["ids", "money", "time"]),
    ("denial", &["money"]),
    ("event", &["denial", "ids", "money", "time", "words"]),
    ("request", &["event", "ids", "market", "money", "time"]),
    ("policy", &["denial", "event", "ids", "money", "time", "words"]),
    ("strategy", &["ids", "money", "policy", "time"]),
    ("limits", &["money", "strategy", "time"]),
    ("lowering", &["ids", "integers", "money", "time"]),
    ("selection", &["ids", "market", "money", "strategy"]),
    (
        "beliefs",
        &[
            "denial",
            "event",
            "ids",
            "lowering",
            "market",
            "money",
            "policy",
            "request",
            "selection",
            "strategy",
            "stretch",
            "time",
        ],
    ),
    (
        "decide",
        &[
            "beliefs",
            "denial",
            "event",
            "governing",
            "ids",
            "limits",
            "lowering",
            "money",
            "policy",
            "request",
            "strategy",
            "time",
            "words",
        ],
    ),
    ("reads", &["beliefs", "decide", "ids", "request", "strategy", "time"]),
    ("engine", &["beliefs", "event", "governing", "ids", "limits", "money", "reads", "request", "strategy", "time"]),
    (
        "memory",
        &[
            "beliefs",
            "engine",
            "event",
            "ids",
            "lowering",
            "money",
            "policy",
            "request",
            "selection",
            "strategy",
            "time",
        ],
    ),
    ("explain", &["beliefs", "decide", "engine", "event", "ids", "money", "policy", "time"]),
    ("status", &["beliefs", "denial", "engine", "event", "ids", "money", "time"]),
    ("on_record", &["engine", "event", "request", "time"]),
    ("fast_forward", &["beliefs", "decide", "denial", "engine", "ids", "reads", "request", "strategy", "time"]),
];

/// A module's place below its crate's root; the root itself is empty.
type Module = Vec<String>;

/// One file of a crate.
struct File {
    path: String,
    /// What it uses, as written, and from where: `crate`, `super`, `self` or one of its own children.
    uses: Vec<Vec<String>>,
    /// What it passes on under a name of its own.
    passes_on: BTreeMap<String, Vec<String>>,
}

/// The files of one crate.
struct Crate(BTreeMap<Module, File>);

fn module_of(path: &str, root: &str) -> Module {
    let inside = path.trim_start_matches(root).trim_start_matches('/').trim_end_matches(".rs");
    let parts = inside.split('/').filter(|part| !matches!(*part, "mod" | "lib"));
    parts.map(str::to_owned).collect()
}

impl Crate {
    /// The crate whose root is in that folder, without the folders in `but`.
    fn read(root: &str, but: &[&str]) -> Crate {
        let all: Vec<Source> =
            sources(root).into_iter().filter(|s| !but.iter().any(|b| s.path.starts_with(b))).collect();
        let modules: BTreeSet<Module> = all.iter().map(|s| module_of(&s.path, root)).collect();
        let file = |source: Source| {
            let module = module_of(&source.path, root);
            let is_child = |m: &&Module| m.len() == module.len() + 1 && m.starts_with(&module);
            let children: Vec<String> = modules.iter().filter(is_child).filter_map(|m| m.last().cloned()).collect();
            (module, File::read(source.path, &source.code, &children))
        };
        Crate(all.into_iter().map(file).collect())
    }

    /// The module that a path leads to from `from`; `None` where it leads out of the crate.
    fn resolve(&self, from: &Module, path: &[String], depth: usize) -> Option<Module> {
        let mut at = from.clone();
        for (index, part) in path.iter().enumerate() {
            match part.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => drop(at.pop()),
                name => {
                    let mut below = at.clone();
                    below.push(name.to_owned());
                    if self.0.contains_key(&below) {
                        at = below;
                        continue;
                    }
                    let passed = self.0.get(&at).and_then(|file| file.passes_on.get(name)).filter(|_| depth < 9);
                    return match passed {
                        Some(passed) => {
                            let whole: Vec<String> = passed.iter().chain(&path[index + 1..]).cloned().collect();
                            self.resolve(&at, &whole, depth + 1)
                        }
                        None if at.is_empty() => None,
                        None => Some(at),
                    };
                }
            }
        }
        (!at.is_empty()).then_some(at)
    }

    /// For each file, the others that it imports something of.
    fn imports(&self) -> BTreeMap<&Module, BTreeSet<Module>> {
        let of = |(module, file): (&Module, &File)| {
            let found = file.uses.iter().filter_map(|path| self.resolve(module, path, 0));
            found.filter(|to| to != module).collect::<BTreeSet<Module>>()
        };
        self.0.iter().filter(|(module, _)| !module.is_empty()).map(|entry| (entry.0, of(entry))).collect()
    }

    fn path(&self, module: &Module) -> &str {
        self.0.get(module).map_or("?", |file| &file.path)
    }
}

impl File {
    fn read(path: String, code: &str, children: &[String]) -> File {
        // Tests stand at a file's end, in a module whose `super` is the file.
        let mut code = code.split("#[cfg(test)]\nmod ").next().unwrap_or("").to_owned();
        let (mut uses, mut passes_on) = (Vec::new(), BTreeMap::new());
        let is_ours = |path: &[String]| {
            path.first()
                .is_some_and(|first| matches!(first.as_str(), "crate" | "super" | "self") || children.contains(first))
        };
        let next_use = |code: &str| words(code, "use").next();
        while let Some(start) = next_use(&code) {
            let end = code[start..].find(';').map_or(code.len(), |end| start + end);
            let mut all = Vec::new();
            take_tree(&mut code[start + 3..end].chars().peekable(), &mut Vec::new(), &mut all);
            let line = code[..start].rfind('\n').map_or(0, |at| at + 1);
            let is_public = code[line..start].trim_start().starts_with("pub");
            for path in all.into_iter().filter(|path| is_ours(path)) {
                match path.last().filter(|_| is_public) {
                    Some(name) => drop(passes_on.insert(name.clone(), path)),
                    None => uses.push(path),
                }
            }
            code.replace_range(start..end, &" ".repeat(end - start));
        }
        let starts = ["crate", "super", "self"].into_iter().chain(children.iter().map(String::as_str));
        for start in starts {
            for at in words(&code, start).filter(|at| code[at + start.len()..].starts_with("::")) {
                if !code[..at].ends_with("::") && !code[..at].ends_with("pub(in ") {
                    let mut all = Vec::new();
                    take_tree(&mut code[at..].chars().peekable(), &mut Vec::new(), &mut all);
                    uses.extend(all);
                }
            }
        }
        File { path, uses, passes_on }
    }
}

type Text<'a> = Peekable<Chars<'a>>;

/// Reads `a::b`, `{a, b::{c, d}}` and the like into `all`.
fn take_tree(code: &mut Text<'_>, prefix: &mut Vec<String>, all: &mut Vec<Vec<String>>) {
    let skip_blanks = |code: &mut Text<'_>| while code.next_if(|c| c.is_whitespace()).is_some() {};
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

/// What breaks the layers: an import that has no permission, one that points down, a permission that nobody uses, a row
/// for a module that does not exist, and a module without a row.
fn against(layers: &[(&str, &[&str])], found: &Crate) -> Vec<String> {
    let mut used: BTreeSet<(String, String)> = BTreeSet::new();
    let mut breaches = Vec::new();
    for (from, imported) in found.imports() {
        let row = layers.iter().find(|(name, _)| *name == from[0]);
        if row.is_none() {
            breaches.push(format!("{}: module `{}` has no row", found.path(from), from[0]));
        }
        for to in imported.iter().filter(|to| to[0] != from[0]) {
            used.insert((from[0].clone(), to[0].clone()));
            if row.is_some_and(|(_, may)| !may.contains(&to[0].as_str())) {
                breaches.push(format!("{}: `{}` may not import `{}`", found.path(from), from[0], to.join("::")));
            }
        }
    }
    let modules: BTreeSet<&str> = found.0.keys().filter_map(|m| m.first()).map(String::as_str).collect();
    for (index, (name, may)) in layers.iter().enumerate() {
        if !modules.contains(name) {
            breaches.push(format!("`{name}` has a row and does not exist"));
        }
        for to in *may {
            if !layers[..index].iter().any(|(above, _)| above == to) {
                breaches.push(format!("`{name}` may import `{to}`, which does not stand above it"));
            }
            if !used.contains(&((*name).to_owned(), (*to).to_owned())) {
                breaches.push(format!("`{name}` may import `{to}` and does not"));
            }
        }
    }
    breaches
}

/// A circle of files in which each imports the next, if there is one.
fn circle(found: &Crate) -> Option<Vec<String>> {
    let imports = found.imports();
    let mut done: BTreeSet<&Module> = BTreeSet::new();
    for start in imports.keys() {
        let mut way: Vec<(&Module, Vec<&Module>)> = vec![(start, imports[*start].iter().collect())];
        while let Some((_, next)) = way.last_mut() {
            let Some(to) = next.pop() else {
                done.extend(way.pop().map(|(module, _)| module));
                continue;
            };
            if let Some(at) = way.iter().position(|(module, _)| *module == to) {
                return Some(way[at..].iter().map(|(module, _)| found.path(module).to_owned()).collect());
            }
            if let Some((module, imported)) = imports.get_key_value(to).filter(|(module, _)| !done.contains(*module)) {
                way.push((module, imported.iter().collect()));
            }
        }
    }
    None
}

fn program() -> Crate {
    Crate::read("src", &["src/core/", "src/main.rs", "src/bin/"])
}

fn core() -> Crate {
    Crate::read("src/core", &["src/core/tests/"])
}

#[test]
fn imports_point_one_way_and_every_permission_is_used() {
    demand_none("imports of the program against its layers", &against(LAYERS, &program()));
    demand_none("imports of the core against its layers", &against(CORE_LAYERS, &core()));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    assert_eq!(circle(&program()), None);
    assert_eq!(circle(&core()), None);
}

/// A crate of files that are given as path and code.
fn crate_of(files: &[(&str, &str)]) -> Crate {
    let modules: Vec<Module> = files.iter().map(|(path, _)| module_of(path, "src")).collect();
    let file = |(path, code): &(&str, &str)| {
        let module = module_of(path, "src");
        let children = modules.iter().filter(|m| m.len() == module.len() + 1 && m.starts_with(&module));
        let children: Vec<String> = children.filter_map(|m| m.last().cloned()).collect();
        (module, File::read((*path).to_owned(), code, &children))
    };
    Crate(files.iter().map(file).collect())
}

#[test]
fn a_file_is_found_behind_groups_and_what_others_pass_on() {
    let found = crate_of(&[
        ("src/lib.rs", "pub mod a; pub mod b; pub use other as core;"),
        ("src/a.rs", "mod inner;\npub use inner::{Deep, More};\npub struct A;"),
        ("src/a/inner.rs", "use super::A;\npub struct Deep;"),
        (
            "src/b.rs",
            "use crate::{a::{Deep as D, A}, core::X};\nfn f() { crate::a::A }\n#[cfg(test)]\nmod t { use super::*; }",
        ),
    ]);
    let imports = found.imports();
    let of = |module: &str| -> Vec<String> {
        let module: Module = module.split("::").map(str::to_owned).collect();
        imports[&module].iter().map(|m| m.join("::")).collect()
    };
    assert_eq!(of("a"), Vec::<String>::new(), "what is passed on is not imported");
    assert_eq!(of("a::inner"), ["a"]);
    assert_eq!(of("b"), ["a", "a::inner"]);
}

#[test]
fn each_kind_of_breach_is_found() {
    let files = [("src/lib.rs", ""), ("src/a.rs", "use crate::b::B;"), ("src/b.rs", ""), ("src/c.rs", "")];
    let told = |layers: &[(&str, &[&str])]| against(layers, &crate_of(&files)).join("; ");
    assert_eq!(told(&[("b", &[]), ("c", &[]), ("a", &["b"])]), "");
    assert_eq!(told(&[("b", &[]), ("c", &[]), ("a", &[])]), "src/a.rs: `a` may not import `b`");
    assert_eq!(told(&[("b", &[]), ("c", &["b"]), ("a", &["b"])]), "`c` may import `b` and does not");
    assert_eq!(told(&[("a", &["b"]), ("b", &[]), ("c", &[])]), "`a` may import `b`, which does not stand above it");
    assert_eq!(told(&[("b", &[]), ("a", &["b"])]), "src/c.rs: module `c` has no row");
    assert_eq!(told(&[("b", &[]), ("c", &[]), ("d", &[]), ("a", &["b"])]), "`d` has a row and does not exist");
}

#[test]
fn a_circle_of_files_is_found() {
    let files = [("src/lib.rs", ""), ("src/a.rs", "use crate::b::B;"), ("src/b.rs", "use super::c::C;")];
    assert_eq!(circle(&crate_of(&[&files[..], &[("src/c.rs", "")]].concat())), None);
    let back = [&files[..], &[("src/c.rs", "fn f() { crate::a::g() }")]].concat();
    assert_eq!(circle(&crate_of(&back)).unwrap(), ["src/a.rs", "src/b.rs", "src/c.rs"]);
}
