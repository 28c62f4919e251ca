//! Keeps our secrets out of what the venue sends back, before anybody reads, records or logs it.
//!
//! A venue that echoes a password would otherwise put it into the journal for good.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};
use serde::de::IgnoredAny;

use super::stretches::Stretches;

/// What stands in a secret's place.
const MASK: &str = "***";
/// Shorter secrets would hit words and numbers everywhere.
const SHORTEST: usize = 4;
/// From this length on, a secret is taken for one wherever it stands, unless it is a number: few of the venue's words are
/// that long.
const UNMISTAKABLE: usize = 12;

/// Knows some secrets, and replaces them.
#[derive(Clone, Default)]
pub struct Scrubber {
    /// As they are, and as JSON writes them.
    forms: Vec<SecretString>,
    /// Their pieces, however they are written.
    stretches: Arc<Stretches>,
}

/// Says how many there are.
impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scrubber({} forms)", self.forms.len())
    }
}

impl Scrubber {
    /// Replaces these; those with fewer than four characters are let through.
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Scrubber {
        secrets.into_iter().fold(Scrubber::default(), Scrubber::with)
    }

    /// Replaces `secret` as well.
    #[must_use]
    pub fn with(mut self, secret: SecretString) -> Scrubber {
        let plain = secret.expose_secret();
        if plain.chars().count() < SHORTEST {
            return self;
        }
        Arc::make_mut(&mut self.stretches).add(plain);
        let quoted = super::body::json(&plain);
        let escaped = quoted.trim_start_matches('"');
        let escaped = escaped.strip_suffix('"').unwrap_or(escaped);
        for form in [plain.to_owned(), escaped.to_owned(), escaped.replace('/', r"\/"), ascii(escaped)] {
            if !self.forms.iter().any(|known| known.expose_secret() == form) {
                self.forms.push(SecretString::from(form));
            }
        }
        self
    }

    /// A body without our secrets; the same bytes when there are none in it.
    ///
    /// In JSON a short secret is replaced in values that are texts, and nowhere else: a password of `1234` must not
    /// break every number that has these digits, nor one of `code` every answer.
    pub fn scrub(&self, body: Bytes) -> Bytes {
        let text = String::from_utf8_lossy(&body);
        let found = self.find(&text);
        if found.is_empty() {
            return body;
        }
        // What is no JSON says nothing that masking could break.
        let is_json = serde_json::from_str::<IgnoredAny>(&text).is_ok();
        let found = if is_json { only_texts(&text, found) } else { found };
        if found.is_empty() { body } else { Bytes::from(mask(&text, found)) }
    }

    /// A line of text without our secrets, wherever they stand.
    pub fn scrub_str<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let found = self.find(text);
        if found.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(mask(text, found)) }
    }

    fn find(&self, text: &str) -> Vec<Range<usize>> {
        let forms = self.forms.iter().map(SecretString::expose_secret);
        let mut found: Vec<Range<usize>> = forms.flat_map(|form| occurrences(text, form)).collect();
        found.extend(self.stretches.find(text));
        found
    }
}

/// Every occurrence, overlapping ones too: `aaaa` is twice in `aaaaa`, and both must go.
fn occurrences(text: &str, form: &str) -> Vec<Range<usize>> {
    let step = form.chars().next().map_or(1, char::len_utf8);
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(form)) {
        let start = from + at;
        found.push(start..start + form.len());
        from = start + step;
    }
    found
}

/// As writers of JSON do it that keep to ASCII.
fn ascii(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            written.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                written.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    written
}

fn mask(text: &str, mut found: Vec<Range<usize>>) -> String {
    found.sort_by_key(|range| range.start);
    let mut scrubbed = String::with_capacity(text.len());
    let mut done = 0;
    for range in found {
        if range.start >= done {
            scrubbed.push_str(text.get(done..range.start).unwrap_or_default());
            scrubbed.push_str(MASK);
        }
        done = done.max(range.end);
    }
    scrubbed.push_str(text.get(done..).unwrap_or_default());
    scrubbed
}

/// Those of `found` that are long, or lie in a text that is a value and do not begin within an escape.
fn only_texts(json: &str, mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let values = text_values(json);
    found.retain(|range| {
        let at = values.partition_point(|value| value.end < range.end);
        let inside = values.get(at).is_some_and(|value| value.start <= range.start && range.end <= value.end);
        let escapes = json.as_bytes().iter().take(range.start).rev().take_while(|b| **b == b'\\').count();
        let is_number =
            json.get(range.clone()).is_some_and(|text| text.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
        (inside && escapes % 2 == 0) || (range.len() >= UNMISTAKABLE && !is_number)
    });
    found
}

/// Where the texts are that are values, not keys, without their quotes; in order. A cut-off text counts.
fn text_values(json: &str) -> Vec<Range<usize>> {
    let bytes = json.as_bytes();
    let mut values = Vec::new();
    let mut at = 0;
    while let Some(open) = json.get(at..).and_then(|rest| rest.find('"')) {
        let start = at + open + 1;
        let mut end = start;
        while let Some(byte) = bytes.get(end).filter(|b| **b != b'"') {
            end += if *byte == b'\\' { 2 } else { 1 };
        }
        let end = end.min(bytes.len());
        let after = bytes.iter().skip(end + 1).find(|b| !b.is_ascii_whitespace());
        if after != Some(&b':') {
            values.push(start..end);
        }
        at = end + 1;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubbed(body: &str) -> String {
        let scrubber = Scrubber::new(["correct horse".to_owned().into(), "x7Yq+w2Z/kP4".to_owned().into()]);
        String::from_utf8(scrubber.scrub(Bytes::copy_from_slice(body.as_bytes())).to_vec()).expect("text")
    }

    #[test]
    fn a_secret_goes_wherever_an_echo_may_put_it() {
        for (echo, left) in [
            (r#"{"error":"ssh_password correct horse"}"#, r#"{"error":"ssh_password ***"}"#),
            (r#"{"correct horse":1,"code":0}"#, r#"{"***":1,"code":0}"#),
            ("{'ssh_password': 'correct horse'}", "{'ssh_password': '***'}"),
            (r#"{"ssh_password":"correct hors"#, r#"{"ssh_password":"***"#),
            (r#"{"x7Yq\u002bw2Z\/kP4":2}"#, r#"{"***":2}"#),
            ("auth=x7yq%2Bw2z%2FkP4&", "auth=***&"),
        ] {
            assert_eq!(scrubbed(echo), left);
        }
    }

    #[test]
    fn what_only_looks_like_a_part_of_a_secret_stays() {
        for body in [r#"{"correct":1,"horse":2,"price":0.123456789012}"#, r#"{"error":"too_low_price","code":6}"#] {
            assert_eq!(scrubbed(body), body);
        }
    }
}
