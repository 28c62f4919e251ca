//! What else follows from the rows: a strategy with every default filled in, the JSON schema, and the README's table.

use clorebid_core::policy::POLICIES;
use serde_json::{Map, Value, json};

use super::StrategyFile;
use super::draft::Draft;
use super::keys::ROOT;
use super::row::{Absent, Key, Printed, Section};

/// The strategy as TOML, every default filled in; what has no default stands as a comment. It reads back to the same
/// strategy.
pub fn filled(file: &StrategyFile) -> String {
    ROOT.lines(&mut Draft::of(file))
}

/// The JSON schema (draft 2020-12) of a strategy file, for editors and other programs.
pub fn schema() -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "clorebid strategy",
        "description": "What to hold on the spot market of CLORE.AI, and what to bid for it. \
                        Prices are per server and day, in `currency`.",
        "$defs": {
            "decimal": {
                "description": "A decimal of zero or more, a string or a number; read digit by digit, never rounded.",
                "anyOf": [
                    { "type": "string", "pattern": "^\\+?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?$" },
                    { "type": "number", "minimum": 0 }
                ]
            },
            "duration": {
                "description": "A duration such as 30s, 20m, 2h, 1d, 250ms or 1h30m.",
                "type": "string",
                "pattern": "^(?=.)([0-9.]+d)?([0-9.]+h)?([0-9.]+m)?([0-9.]+s)?([0-9]+ms)?$"
            },
            "percent": {
                "description": "A share from 0% to 100%.",
                "type": "string",
                "pattern": "^[0-9]+(\\.[0-9]+)?%$"
            },
            "variable": {
                "description": "The name of a local environment variable, never its value.",
                "type": "string",
                "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"
            }
        }
    });
    if let (Some(schema), Value::Object(root)) = (schema.as_object_mut(), ROOT.schema()) {
        schema.extend(root);
    }
    schema
}

/// The README's table of keys, in Markdown.
pub fn key_table() -> String {
    let rows = ROOT.rows().into_iter().map(|(path, row)| format!("| `{path}` {row}\n"));
    format!("| key | value | default | what it says |\n|---|---|---|---|\n{}", rows.collect::<String>())
}

impl<T: 'static> Section<T> {
    /// Prints the table's keys, one a line, and then the tables inside it.
    pub(super) fn lines(&self, value: &mut T) -> String {
        let mut out = String::new();
        let policy = (self.policy)(value);
        for key in self.keys.iter().filter(|k| k.is_for(policy)) {
            out += &match (key.field.print(value), key.absent) {
                (Printed::Tables(tables), _) => tables,
                (Printed::Value(printed), _) => format!("{} = {printed}\n", key.name),
                (Printed::Nothing, Absent::Means(words)) if !words.is_empty() => format!("# {}: {words}\n", key.name),
                (Printed::Nothing, _) => String::new(),
            };
        }
        out
    }

    /// Prints the table on one line.
    pub(super) fn inline(&self, value: &mut T) -> String {
        let policy = (self.policy)(value);
        let keys = self.keys.iter().filter(|key| key.is_for(policy));
        let printed = keys.filter_map(|key| match key.field.print(value) {
            // An empty list is one that was left out: none may be written.
            Printed::Value(value) if value != "[]" => Some(format!("{} = {value}", key.name)),
            _ => None,
        });
        let printed = printed.collect::<Vec<_>>().join(", ");
        if printed.is_empty() { "{}".into() } else { format!("{{ {printed} }}") }
    }

    /// The table's JSON schema.
    pub(super) fn schema(&self) -> Value {
        let properties: Map<String, Value> = self.keys.iter().map(|key| (key.name.to_string(), key.schema())).collect();
        let mut object = json!({ "type": "object", "additionalProperties": false, "properties": properties });
        let required: Vec<&str> = self.keys.iter().filter(|k| k.absent == Absent::Required).map(|k| k.name).collect();
        if !required.is_empty() {
            object["required"] = json!(required);
        }
        if !self.one_of.is_empty() {
            object["oneOf"] = self.one_of.iter().map(|key| json!({ "required": [key] })).collect();
        }
        if self.never_empty.is_some() {
            object["minProperties"] = json!(1);
        }
        object
    }

    /// The rows of the README's table for its keys and those inside them.
    pub(super) fn rows(&self) -> Vec<(String, String)> {
        let mut rows = Vec::new();
        for key in &self.keys {
            rows.push((key.name.to_string(), key.row()));
            rows.extend(key.about.rows.iter().map(|(path, row)| (format!("{}.{path}", key.name), row.clone())));
        }
        rows
    }
}

impl<T> Key<T> {
    /// What it does, and for which policies, where not for all.
    fn sentence(&self, absent: &str) -> String {
        let policies = match self.policies.len() {
            all if all == POLICIES.len() => String::new(),
            _ => format!(" Only with {}.", self.policies.join(" and ")),
        };
        format!("{}{absent}{policies}", self.doc)
    }

    fn schema(&self) -> Value {
        let absent = match self.absent {
            Absent::Default(text) | Absent::Means(text) if !text.is_empty() => format!(" Default: {text}."),
            _ => String::new(),
        };
        let mut schema = self.about.schema.clone();
        schema["description"] = json!(self.sentence(&absent));
        schema
    }

    fn row(&self) -> String {
        let absent = match self.absent {
            Absent::Required => "required".to_string(),
            Absent::Default(text) => format!("`{text}`"),
            Absent::Means(words) => words.to_string(),
        };
        // What messages add in parentheses is the same for every price.
        let wanted = self.about.wanted.split(" (").next().unwrap_or("");
        format!("| {wanted} | {absent} | {} |", self.sentence(""))
    }
}
