//! A webhook's own body: JSON with places to fill in, such as `{"message": "{{text}}"}`.
//!
//! Two opening braces never follow one another in JSON outside of a text, so the places cannot be taken for anything
//! else. What is filled in is escaped as a text of JSON is; whether the whole is JSON is found out when it is read.

use super::values::{Wrong, suggest};

/// What can be filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blank {
    /// What happened, one thing a line.
    Text,
    /// The strategy and the mode, on one line.
    Title,
    /// The events' names, with commas between them.
    Events,
    /// The strategy's name.
    Strategy,
    /// `live` or `paper`.
    Mode,
    /// When the last of it happened.
    At,
    /// The receiver's token.
    Token,
}

const BLANKS: [(&str, Blank); 7] = [
    ("text", Blank::Text),
    ("title", Blank::Title),
    ("events", Blank::Events),
    ("strategy", Blank::Strategy),
    ("mode", Blank::Mode),
    ("at", Blank::At),
    ("token", Blank::Token),
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Fixed(String),
    Blank(Blank),
}

/// A body with places to fill in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Template {
    /// As it was written.
    text: String,
    pieces: Vec<Piece>,
}

impl Template {
    /// As it was written.
    pub fn as_written(&self) -> &str {
        &self.text
    }

    /// Whether that is filled in anywhere.
    pub fn has(&self, blank: Blank) -> bool {
        self.pieces.contains(&Piece::Blank(blank))
    }

    /// The body, with what `filling` says in each place.
    pub fn filled<'a>(&self, filling: impl Fn(Blank) -> &'a str) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Fixed(text) => text.clone(),
            Piece::Blank(blank) => escaped(filling(*blank)),
        };
        self.pieces.iter().map(piece).collect()
    }

    /// Reads a template, which must be JSON once it is filled in.
    pub(super) fn read(text: &str) -> Result<Template, Wrong> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((fixed, after)) = rest.split_once("{{") {
            let names = BLANKS.map(|(name, _)| name);
            let Some((name, behind)) = after.split_once("}}") else {
                return Err(Wrong::new("`{{` is never closed", "close it with `}}`, for example `{{text}}`"));
            };
            let Some((_, blank)) = BLANKS.iter().find(|(known, _)| *known == name.trim()) else {
                // What stands there may be anything, and long.
                let name: String = name.chars().take(20).collect();
                return Err(Wrong::new(format!("`{{{{{name}}}}}` is not known"), suggest(name.trim(), &names)));
            };
            pieces.extend([Piece::Fixed(fixed.to_owned()), Piece::Blank(*blank)]);
            rest = behind;
        }
        pieces.push(Piece::Fixed(rest.to_owned()));
        let template = Template { text: text.to_owned(), pieces };
        match serde_json::from_str::<serde::de::IgnoredAny>(&template.filled(|_| "x")) {
            Ok(_) => Ok(template),
            Err(_) => {
                let help = "for example `{\"message\": \"{{text}}\"}`, with each `{{…}}` inside quotes";
                Err(Wrong::new("once it is filled in, `template` is not JSON", help))
            }
        }
    }
}

/// The text as it stands between the quotes of a text of JSON.
fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_cannot_break_out_of_its_quotes() {
        let template = Template::read(r#"{"a":{"b":"{{text}}"}, "c": "by {{ strategy }}"}"#).expect("a template");
        let body = template.filled(|blank| if blank == Blank::Text { "say \"no\"\n\\" } else { "}}\"{{text}}" });
        let json: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(json["a"]["b"], "say \"no\"\n\\");
        assert_eq!(json["c"], "by }}\"{{text}}");
        assert!(template.has(Blank::Text) && !template.has(Blank::Token));
    }

    #[test]
    fn what_would_not_be_json_is_refused() {
        let told = |text: &str| Template::read(text).expect_err("no template").message;
        assert_eq!(told(r#"{"a": "{{tekst}}"}"#), "`{{tekst}}` is not known");
        assert_eq!(told(r#"{"a": "{{text"}"#), "`{{` is never closed");
        for text in ["", "hello {{text}}", r#"{"a": {{text}}}"#, r#"{"a": "{{text}}""#] {
            assert_eq!(told(text), "once it is filled in, `template` is not JSON", "{text}");
        }
    }
}
