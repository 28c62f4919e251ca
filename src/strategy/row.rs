//! What a row of the table of keys is, and how rows read a file.
//!
//! A [`Key`] says all there is to say about one key: its name, what may be written there (a [`Kind`]), the field it
//! fills, its default, the policies that look at it, and a sentence for whoever writes it. A [`Section`] is a table of
//! the file: its rows. A table is a kind like any other, so that the rows of the whole file make one tree.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;

use clorebid_core::policy::POLICIES;
use serde_json::{Value, json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::errors::Mistakes;
use super::values::{Wrong, either, kind_of, suggest};

/// A file being read: what was found wrong, and where each value stands that was not.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) mistakes: Mistakes,
    /// By path, such as `target.0.bid.open`: what rules about several keys point at. `None`: it is mistaken.
    places: RefCell<BTreeMap<String, Option<Range<usize>>>>,
}

impl Reading {
    /// Where the value of that path stands, unless it is left out or mistaken.
    pub(super) fn place(&self, path: &str) -> Option<Range<usize>> {
        self.places.borrow().get(path).cloned().flatten()
    }

    /// Whether there is a complaint about the value of that path already.
    pub(super) fn is_mistaken(&self, path: &str) -> bool {
        self.places.borrow().get(path).is_some_and(Option::is_none)
    }
}

/// Where a value stands, and what messages about it say.
#[derive(Clone)]
pub(super) struct Place<'a> {
    /// The key it is the value of.
    pub(super) key: &'a str,
    /// What is wanted there, and how it might be written.
    pub(super) wanted: &'a str,
    pub(super) example: &'a str,
    /// The way to it from the file's top level.
    pub(super) path: String,
    /// Its bytes; those of the table around it where it is left out.
    pub(super) at: Range<usize>,
    pub(super) reading: &'a Reading,
}

impl Place<'_> {
    /// Notes a mistake in the value; `None`, for the reader to pass on.
    pub(super) fn wrong<T>(&self, message: impl Into<String>, help: impl Into<String>) -> Option<T> {
        self.reading.mistakes.add(self.at.clone(), message, help);
        None
    }

    /// Notes that the value is of another type.
    pub(super) fn wrong_type<T>(&self, value: &DeValue<'_>) -> Option<T> {
        let message = format!("`{}` must be {}, not {}", self.key, self.wanted, kind_of(value));
        self.wrong(message, self.for_example())
    }

    /// The value, or a note of why it is none.
    pub(super) fn keep<T>(&self, read: Result<T, impl Into<Wrong>>) -> Option<T> {
        read.map_err(Into::into).map_or_else(|Wrong { message, help }| self.wrong(message, help), Some)
    }

    /// Notes that a word is none of those that are wanted.
    pub(super) fn wrong_word<T>(&self, word: &str, words: &[&str]) -> Option<T> {
        self.wrong(format!("`{word}` is not {}", self.wanted), suggest(word, words))
    }

    /// The help that shows how the key is written.
    pub(super) fn for_example(&self) -> String {
        format!("for example `{} = {}`", self.key, self.example)
    }

    /// The place of something inside the value.
    pub(super) fn inside(&self, name: impl std::fmt::Display, at: Range<usize>) -> Self {
        let path = if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) };
        Place { path, at, ..self.clone() }
    }

    /// Records the place for the rules to point at.
    pub(super) fn is_good(&self) {
        self.reading.places.borrow_mut().insert(self.path.clone(), Some(self.at.clone()));
    }
}

/// What may be written as the value of a key: how it is read, printed and described.
pub(super) trait Kind: Send + Sync + 'static {
    /// What it fills.
    type Value;

    /// What there is to say about it.
    fn about(&self) -> About;

    /// Fills the field, or notes what is wrong and says `None`.
    fn read(&self, into: &mut Self::Value, value: &DeValue<'_>, place: &Place<'_>) -> Option<()>;

    /// Does what there is to do for tables that are left out, complaints included; `false`: nothing, it is no table.
    fn read_absent(&self, _into: &mut Self::Value, _place: &Place<'_>) -> bool {
        false
    }

    /// The value as TOML.
    fn print(&self, value: &mut Self::Value) -> Printed;
}

/// What the schema, the README and messages say about a kind.
pub(super) struct About {
    /// What is wanted: "a duration".
    pub(super) wanted: String,
    /// How it might be written.
    pub(super) example: String,
    pub(super) schema: Value,
    /// The rows of the README's table for the keys inside: path and all the rest.
    pub(super) rows: Vec<(String, String)>,
}

/// A value as TOML.
pub(super) enum Printed {
    /// There is nothing to print.
    Nothing,
    /// It stands on the key's own line.
    Value(String),
    /// It stands under headers of its own.
    Tables(String),
}

/// A kind and the field of `T` that it fills.
struct Field<T, K: Kind> {
    kind: K,
    of: fn(&mut T) -> &mut K::Value,
}

/// What a field's kind does, done to whatever has the field.
impl<T: 'static, K: Kind> Kind for Field<T, K> {
    type Value = T;

    fn about(&self) -> About {
        self.kind.about()
    }

    fn read(&self, into: &mut T, value: &DeValue<'_>, place: &Place<'_>) -> Option<()> {
        self.kind.read((self.of)(into), value, place)
    }

    fn read_absent(&self, into: &mut T, place: &Place<'_>) -> bool {
        self.kind.read_absent((self.of)(into), place)
    }

    fn print(&self, from: &mut T) -> Printed {
        self.kind.print((self.of)(from))
    }
}

/// What holds where a key is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    /// Nothing does: the file is refused.
    Required,
    /// This value, written as in the file but for its quotes.
    Default(&'static str),
    /// What these words say.
    Means(&'static str),
}

/// One row: all there is to say about a key.
pub(super) struct Key<T> {
    pub(super) name: &'static str,
    pub(super) doc: &'static str,
    pub(super) absent: Absent,
    /// The policies that look at it.
    pub(super) policies: Vec<&'static str>,
    pub(super) about: About,
    pub(super) field: Box<dyn Kind<Value = T>>,
}

impl<T: 'static> Key<T> {
    /// Demands the key.
    pub(super) fn required(&mut self) -> &mut Self {
        self.absent = Absent::Required;
        self
    }

    /// Reads this where the key is left out.
    pub(super) fn default(&mut self, text: &'static str) -> &mut Self {
        self.absent = Absent::Default(text);
        self
    }

    /// Says what it means that the key is left out.
    pub(super) fn absent_means(&mut self, words: &'static str) -> &mut Self {
        self.absent = Absent::Means(words);
        self
    }

    /// Shows in messages how this key is written, where the kind's own example would not do.
    pub(super) fn example(&mut self, example: &'static str) -> &mut Self {
        self.about.example = example.to_string();
        self
    }

    /// Refuses the key under every other policy: who wrote it expects something that will not happen.
    pub(super) fn only(&mut self, policy: &'static str) -> &mut Self {
        self.policies.retain(|name| *name == policy);
        self
    }

    /// Refuses the key under that policy.
    pub(super) fn not_with(&mut self, policy: &'static str) -> &mut Self {
        self.policies.retain(|name| *name != policy);
        self
    }

    /// Says in a sentence or two what the key does.
    pub(super) fn doc(&mut self, doc: &'static str) {
        self.doc = doc;
    }

    /// Whether the policy looks at it.
    pub(super) fn is_for(&self, policy: Option<&str>) -> bool {
        policy.is_none_or(|policy| self.policies.contains(&policy))
    }

    /// Reads its value; `default`: what is read in the place of its default where it is left out.
    fn read(
        &self,
        into: &mut T,
        value: Option<(Range<usize>, &DeValue<'_>)>,
        mut place: Place<'_>,
        title: &str,
        default: Option<&'static str>,
    ) {
        if let Some((at, value)) = value {
            place.at = at;
            let read = self.field.read(into, value, &place);
            let at = read.map(|()| place.at.clone());
            place.reading.places.borrow_mut().insert(place.path, at);
        } else if let Absent::Default(usual) = self.absent {
            let text = default.unwrap_or(usual);
            // What is no TOML value by itself is a text that lost its quotes.
            let parsed = DeValue::parse(text).map(Spanned::into_inner);
            let value = parsed.unwrap_or_else(|_| DeValue::String(text.into()));
            let read = self.field.read(into, &value, &place);
            debug_assert!(read.is_some(), "the default of `{}` is refused", self.name);
        } else if !self.field.read_absent(into, &place) && self.absent == Absent::Required {
            let message = format!("`{}` is missing in {title}", self.name);
            place.reading.mistakes.add_labelled(place.at.clone(), message, "needs it", place.for_example());
        }
    }
}

/// A table of the file: its rows, and what holds for all of them.
pub(super) struct Section<T> {
    /// How messages call it. One in brackets is printed under this header, another one inline.
    pub(super) title: &'static str,
    pub(super) keys: Vec<Key<T>>,
    /// Keys of which exactly one must be there.
    pub(super) one_of: &'static [&'static str],
    /// Why it may not be there without a key.
    pub(super) never_empty: Option<(&'static str, &'static str)>,
    /// The policy that may look at its keys.
    pub(super) policy: fn(&T) -> Option<&'static str>,
    /// The default of its first key where other keys of the table call for another one.
    pub(super) first_beside: fn(&DeTable<'_>) -> Option<&'static str>,
}

impl<T: 'static> Section<T> {
    /// A table without keys.
    pub(super) fn new(title: &'static str) -> Section<T> {
        Section { title, keys: Vec::new(), one_of: &[], never_empty: None, policy: |_| None, first_beside: |_| None }
    }

    /// Adds a row.
    pub(super) fn key<K: Kind>(&mut self, name: &'static str, kind: K, of: fn(&mut T) -> &mut K::Value) -> &mut Key<T> {
        let about = kind.about();
        let field = Box::new(Field { kind, of });
        let policies = POLICIES.iter().map(|row| row.name).collect();
        self.keys.push_mut(Key { name, doc: "", absent: Absent::Means(""), policies, about, field })
    }

    /// Reads the table; `None`: it is left out.
    pub(super) fn read_table(&self, into: &mut T, table: Option<&DeTable<'_>>, place: &Place<'_>) {
        let mistakes = &place.reading.mistakes;
        let entries = || table.into_iter().flat_map(|t| t.iter());
        let mut default = table.and_then(|table| (self.first_beside)(table));
        for key in &self.keys {
            let (wanted, example) = (&key.about.wanted, &key.about.example);
            let inner = Place { key: key.name, wanted, example, ..place.inside(key.name, place.at.clone()) };
            let mut entry = entries().find(|(name, _)| name.get_ref() == key.name);
            if let Some((name, _)) = entry
                && let Some(policy) = (self.policy)(into).filter(|p| !key.is_for(Some(*p)))
            {
                let (message, help) = unused(key.name, policy, &key.policies);
                mistakes.add(name.span(), message, help);
                entry = None;
            }
            key.read(into, entry.map(|(_, v)| (v.span(), v.get_ref())), inner, self.title, default.take());
        }
        for (name, value) in entries() {
            if !self.keys.iter().any(|k| k.name == name.get_ref()) {
                self.refuse(name.get_ref(), name.span(), value, mistakes);
            }
        }
        if let Some((message, help)) = self.never_empty.filter(|_| table.is_some_and(|t| t.is_empty())) {
            mistakes.add(place.at.clone(), message, help);
        }
        self.demand_one(entries().map(|(k, _)| (k.get_ref().as_ref(), k.span())), place);
    }

    /// Notes a key that does not belong here; what may be a secret stays out of the report.
    fn refuse(&self, name: &str, at: Range<usize>, value: &Spanned<DeValue<'_>>, mistakes: &Mistakes) {
        let named = self.keys.iter().find(|k| k.name.strip_suffix("_env") == Some(name));
        let words = ["password", "pasword", "passwd", "token", "secret", "key", "url", "hook"];
        let is_address = value.get_ref().as_str().is_some_and(|text| text.contains("://"));
        if is_address || named.is_some() || words.iter().any(|word| name.contains(word)) {
            mistakes.hide(value.span());
        }
        if let Some(key) = named {
            let help = format!("name the environment variable that holds it: `{} = {}`", key.name, key.about.example);
            mistakes.add(at, format!("`{name}` would put a secret into the file"), help);
        } else {
            let names: Vec<&str> = self.keys.iter().map(|k| k.name).collect();
            let message = format!("unknown key `{name}` in {}", self.title);
            mistakes.add_labelled(at, message, "not known", suggest(name, &names));
        }
    }

    /// Notes that not exactly one of the keys is there of which one must be.
    fn demand_one<'k>(&self, entries: impl Iterator<Item = (&'k str, Range<usize>)>, place: &Place<'_>) {
        if self.one_of.is_empty() {
            return;
        }
        let mut there: Vec<_> = entries.filter(|(name, _)| self.one_of.contains(name)).collect();
        there.sort_by_key(|(_, at)| at.start);
        let quoted = |word: &str| format!("`{}`", self.one_of.join(&format!("`{word}`")));
        if let Some((_, at)) = there.first().filter(|_| there.len() > 1) {
            let message = format!("{} exclude each other", quoted(" and "));
            place.reading.mistakes.add(at.clone(), message, "delete one of them");
        } else if there.is_empty() {
            let examples = self.keys.iter().filter(|k| self.one_of.contains(&k.name));
            let examples: Vec<_> = examples.map(|k| format!("`{} = {}`", k.name, k.about.example)).collect();
            let message = format!("the {} has neither {}", place.key, quoted(" nor "));
            let help = format!("for example {}", examples.join(" or "));
            place.reading.mistakes.add_labelled(place.at.clone(), message, "needs one of them", help);
        }
    }
}

/// Message and help for a key that the policy does not look at.
fn unused(key: &str, policy: &str, policies: &[&str]) -> (String, String) {
    let message = format!("`{key}` has no effect: policy `{policy}` does not look at it");
    (message, format!("delete `{key}`, or choose policy {}", either(policies)))
}

impl<T: Default + 'static> Kind for Section<T> {
    type Value = T;

    fn about(&self) -> About {
        let first = self.keys.first().map(|key| format!("{{ {} = {} }}", key.name, key.about.example));
        let (wanted, example) = ("a table".to_string(), first.unwrap_or_default());
        About { wanted, example, schema: self.schema(), rows: self.rows() }
    }

    fn read(&self, into: &mut T, value: &DeValue<'_>, place: &Place<'_>) -> Option<()> {
        let Some(table) = value.as_table() else { return place.wrong_type(value) };
        self.read_table(into, Some(table), place);
        Some(())
    }

    fn read_absent(&self, into: &mut T, place: &Place<'_>) -> bool {
        self.read_table(into, None, place);
        true
    }

    fn print(&self, value: &mut T) -> Printed {
        if self.title.starts_with('[') {
            Printed::Tables(format!("\n{}\n{}", self.title, self.lines(value)))
        } else {
            Printed::Value(self.inline(value))
        }
    }
}

/// A value that may be left out.
pub(super) struct Maybe<K>(pub(super) K);

impl<K: Kind<Value: Default>> Kind for Maybe<K> {
    type Value = Option<K::Value>;

    fn about(&self) -> About {
        self.0.about()
    }

    fn read(&self, into: &mut Self::Value, value: &DeValue<'_>, place: &Place<'_>) -> Option<()> {
        self.0.read(into.insert(K::Value::default()), value, place)
    }

    fn print(&self, value: &mut Self::Value) -> Printed {
        value.as_mut().map_or(Printed::Nothing, |value| self.0.print(value))
    }
}

/// A list of tables.
pub(super) struct Tables<T> {
    section: Section<T>,
    /// Why at least one must be there.
    needed: Option<&'static str>,
}

impl<T> Tables<T> {
    /// At least one; `without` says what would be if there were none.
    pub(super) fn at_least_one(section: Section<T>, without: &'static str) -> Tables<T> {
        Tables { section, needed: Some(without) }
    }

    /// Any number of them.
    pub(super) fn any(section: Section<T>) -> Tables<T> {
        Tables { section, needed: None }
    }

    fn hint(&self, key: &str) -> String {
        format!("begin a {key} with `{}`, in double brackets", self.section.title)
    }
}

impl<T: Default + 'static> Kind for Tables<T> {
    type Value = Vec<T>;

    fn about(&self) -> About {
        let mut schema = json!({ "type": "array", "items": self.section.schema() });
        if self.needed.is_some() {
            schema["minItems"] = json!(1);
        }
        About { wanted: "a list of tables".to_string(), schema, ..self.section.about() }
    }

    fn read(&self, into: &mut Vec<T>, value: &DeValue<'_>, place: &Place<'_>) -> Option<()> {
        let key = place.key;
        let Some(array) = value.as_array() else {
            let message = format!("`{key}` must be a list of tables, not {}", kind_of(value));
            return place.wrong(message, self.hint(key));
        };
        if array.is_empty() {
            self.read_absent(into, place);
        }
        for (number, element) in array.iter().enumerate() {
            let inner = place.inside(number, element.span());
            let mut read = T::default();
            if let Some(table) = element.get_ref().as_table() {
                inner.is_good();
                self.section.read_table(&mut read, Some(table), &inner);
            } else {
                let message = format!("a {key} must be a table, not {}", kind_of(element.get_ref()));
                inner.wrong::<()>(message, self.hint(key));
            }
            into.push(read);
        }
        Some(())
    }

    fn read_absent(&self, _into: &mut Vec<T>, place: &Place<'_>) -> bool {
        if let Some(without) = self.needed {
            place.wrong::<()>(format!("there is no {}: {without}", place.key), self.hint(place.key));
        }
        true
    }

    fn print(&self, value: &mut Vec<T>) -> Printed {
        let tables = value.iter_mut().map(|table| match self.section.print(table) {
            Printed::Tables(printed) => printed,
            Printed::Value(_) | Printed::Nothing => String::new(),
        });
        Printed::Tables(tables.collect())
    }
}
