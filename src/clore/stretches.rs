//! Finds a secret that was not echoed as it is: in part, in other letters, or in an encoding.
//!
//! The text is read character by character, once as it is written and once with each character decoded that is written as
//! an escape (JSON, URL or HTML): what stands before a secret may look like the beginning of an escape. A stretch of eight
//! characters in a row that a secret has too is one of its pieces.

use std::collections::{HashSet, VecDeque};
use std::ops::Range;

/// So many characters in a row that a secret has too are a piece of it.
const STRETCH: usize = 8;

/// The pieces of some secrets.
#[derive(Clone, Default)]
pub(super) struct Stretches {
    pieces: HashSet<[char; STRETCH]>,
    /// Secrets too short to have pieces.
    short: Vec<Vec<char>>,
}

impl Stretches {
    /// Knows that secret, too, and what base64 makes of it, wherever in a text it begins.
    pub(super) fn add(&mut self, secret: &str) {
        self.add_one(secret.chars());
        for skip in 0..3 {
            let encoded = base64(secret.as_bytes().get(skip..).unwrap_or_default());
            if encoded.len() >= STRETCH {
                self.add_one(encoded.chars());
            }
        }
    }

    fn add_one(&mut self, secret: impl Iterator<Item = char>) {
        let secret: Vec<char> = secret.map(lowered).collect();
        if secret.len() < STRETCH {
            self.short.push(secret);
            return;
        }
        self.pieces.extend(secret.windows(STRETCH).filter_map(|piece| <[char; STRETCH]>::try_from(piece).ok()));
    }

    /// Where pieces of them stand in the text.
    pub(super) fn find(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = self.read(text, as_written);
        found.append(&mut self.read(text, as_meant));
        found
    }

    fn read(&self, text: &str, next: fn(&str) -> Option<(char, usize)>) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        // The last characters as they are meant, and where they are written.
        let mut last: VecDeque<(char, Range<usize>)> = VecDeque::with_capacity(STRETCH + 1);
        let mut at = 0;
        while let Some((meant, length)) = text.get(at..).and_then(next) {
            // UTF-16 that is read as UTF-8 has one between any two characters.
            if meant != '\0' {
                last.push_back((lowered(meant), at..at + length));
                if last.len() > STRETCH {
                    last.pop_front();
                }
                let begin = self.piece_at_the_end(&last);
                found.extend(begin.and_then(|index| last.get(index)).map(|(_, range)| range.start..at + length));
            }
            at += length;
        }
        found
    }

    /// Where the longest piece begins that ends with the last character.
    fn piece_at_the_end(&self, last: &VecDeque<(char, Range<usize>)>) -> Option<usize> {
        if last.len() == STRETCH && self.pieces.contains(&std::array::from_fn(|i| last.get(i).map_or('\0', |c| c.0))) {
            return Some(0);
        }
        let ends_with = |secret: &&Vec<char>| {
            last.len() >= secret.len() && secret.iter().rev().eq(last.iter().rev().take(secret.len()).map(|(c, _)| c))
        };
        self.short.iter().filter(ends_with).map(Vec::len).max().map(|length| last.len() - length)
    }
}

fn lowered(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// The next character, and how many bytes it is written in.
fn as_written(text: &str) -> Option<(char, usize)> {
    text.chars().next().map(|c| (c, c.len_utf8()))
}

/// The same as it is meant.
fn as_meant(text: &str) -> Option<(char, usize)> {
    let first = text.chars().next()?;
    let escape = match first {
        '\\' => json_escape(text),
        '%' => hex(text.get(1..3)).map(|c| (c, 3)),
        '&' => html_escape(text),
        _ => None,
    };
    Some(escape.unwrap_or((first, first.len_utf8())))
}

fn json_escape(text: &str) -> Option<(char, usize)> {
    match text.as_bytes().get(1)? {
        b'u' => hex(text.get(2..6)).map(|c| (c, 6)),
        b'x' => hex(text.get(2..4)).map(|c| (c, 4)),
        c @ (b'/' | b'"' | b'\\' | b'\'') => Some((char::from(*c), 2)),
        _ => None,
    }
}

fn html_escape(text: &str) -> Option<(char, usize)> {
    // No longer than `&#x10ffff;`.
    let end = text.bytes().take(10).position(|b| b == b';')?;
    let name = text.get(1..end)?;
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => match name.strip_prefix("#x").or_else(|| name.strip_prefix("#X")) {
            Some(digits) => hex(Some(digits))?,
            None => name.strip_prefix('#').and_then(|n| n.parse().ok()).and_then(char::from_u32)?,
        },
    };
    Some((c, end + 1))
}

fn hex(digits: Option<&str>) -> Option<char> {
    let digits = digits.filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)
}

/// Base64 without what the bytes after the last whole three would change.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::with_capacity(bytes.len() / 3 * 4);
    for three in bytes.chunks_exact(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte));
        for shift in [18, 12, 6, 0] {
            let index = usize::try_from((bits >> shift) & 63).unwrap_or_default();
            encoded.push(char::from(LETTERS.get(index).copied().unwrap_or_default()));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "Kz9+vQ/7tR&mW2\"pLx";

    fn left_of(text: &str) -> String {
        let mut stretches = Stretches::default();
        stretches.add(SECRET);
        let mut left = text.to_owned();
        let found = stretches.find(text);
        for (index, _) in text.char_indices().rev() {
            if found.iter().any(|range| range.contains(&index)) {
                left.remove(index);
            }
        }
        left
    }

    #[test]
    fn a_secret_is_found_in_every_usual_encoding() {
        let every = |escape: fn(char) -> String| SECRET.chars().map(escape).collect::<String>();
        let encoded = [
            SECRET.to_owned(),
            SECRET.to_uppercase(),
            SECRET.to_lowercase(),
            serde_json::to_string(SECRET).expect("text"),
            every(|c| format!("\\u{:04X}", u32::from(c))),
            every(|c| if c.is_alphanumeric() { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) }),
            every(|c| if c.is_alphanumeric() { c.to_string() } else { format!("%{:02X}", u32::from(c)) }),
            every(|c| if c.is_alphanumeric() { c.to_string() } else { format!("&#x{:x};", u32::from(c)) }),
            every(|c| if c.is_alphanumeric() { c.to_string() } else { format!("&#{};", u32::from(c)) }),
            every(|c| format!("{c}\0")),
        ];
        for text in encoded {
            assert!(left_of(&text).len() <= 2, "{text}");
        }
        for before in ["", "x", "xy"] {
            let text = base64(format!("{before}{SECRET}").as_bytes());
            assert!(left_of(&text).len() <= 8, "{text}: {}", left_of(&text));
        }
    }

    #[test]
    fn a_secret_is_found_behind_what_looks_like_the_beginning_of_an_escape() {
        // Each takes what follows for a part of the escape.
        for before in ["%0", "%", "\\", "\\x0", "\\u00", "\\u004", "&", "&#", "&#x4"] {
            for from in 0..10 {
                let piece: String = SECRET.chars().skip(from).take(STRETCH).collect();
                let text = format!("{before}{piece};");
                assert!(!left_of(&text).contains(&piece), "{text}");
            }
        }
    }

    #[test]
    fn a_part_of_a_secret_is_found_and_a_word_is_not() {
        assert_eq!(left_of(&SECRET[..SECRET.len() - 1]), "", "cut off");
        assert_eq!(left_of("a message about nothing in particular"), "a message about nothing in particular");
    }

    proptest! {
        #[test]
        fn no_stretch_of_a_secret_is_left_in_any_text(before in ".{0,40}", after in ".{0,40}", from in 0..10_usize) {
            let piece: String = SECRET.chars().skip(from).take(STRETCH).collect();
            let text = format!("{before}{piece}{after}");
            prop_assert!(!left_of(&text).contains(&piece));
        }

        #[test]
        fn what_is_found_lies_within_the_text_whatever_it_is(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let text = String::from_utf8_lossy(&bytes);
            let mut stretches = Stretches::default();
            stretches.add(SECRET);
            stretches.add("abcd");
            prop_assert!(stretches.find(&text).iter().all(|range| text.get(range.clone()).is_some()));
        }
    }
}
