//! Leaves out of an answer about our orders what a tape must not hold: every other byte stays as it came.

use std::borrow::Cow;

/// What an order is started with.
const KEYS: [&str; 2] = ["env", "command"];
/// Passwords, keys and tokens of any name: `ssh_password`, `ssh_key`, `jupyter_token`.
const ENDINGS: [&str; 4] = ["password", "token", "secret", "_key"];

/// The same JSON without the members that are secret, at any depth. `json` must be valid: anything else comes back
/// maimed, but without harm.
pub(super) fn without_secrets(json: &str) -> Cow<'_, str> {
    let bytes = json.as_bytes();
    let mut kept = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        if *byte != b'"' {
            at += 1;
            continue;
        }
        let end = string_end(bytes, at);
        let colon = blanks_end(bytes, end);
        if bytes.get(colon) != Some(&b':') || !is_secret(json.get(at..end).unwrap_or_default()) {
            at = end;
            continue;
        }
        kept.push_str(json.get(copied..at).unwrap_or_default());
        at = blanks_end(bytes, value_end(bytes, blanks_end(bytes, colon + 1)));
        if bytes.get(at) == Some(&b',') {
            at += 1;
        } else if kept.trim_end().ends_with(',') {
            // The last member of its object takes the comma before it along.
            kept.truncate(kept.trim_end().len() - 1);
        }
        copied = at;
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    kept.push_str(json.get(copied..).unwrap_or_default());
    Cow::Owned(kept)
}

/// `quoted` is a key with its quotes.
fn is_secret(quoted: &str) -> bool {
    let plain = if quoted.contains('\\') {
        serde_json::from_str(quoted).map(Cow::<str>::Owned).unwrap_or(Cow::Borrowed(quoted))
    } else {
        Cow::Borrowed(quoted.trim_matches('"'))
    };
    let plain = plain.to_ascii_lowercase();
    KEYS.contains(&plain.as_str()) || ENDINGS.iter().any(|ending| plain.ends_with(ending))
}

fn blanks_end(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Behind the closing quote of the string that begins at `at`.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    at += 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Behind the value that begins at `at`.
fn value_end(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at),
            b'{' | b'[' => (depth, at) = (depth + 1, at + 1),
            b'}' | b']' if depth == 0 => return at,
            b'}' | b']' => (depth, at) = (depth - 1, at + 1),
            // A number or a word: up to what cannot belong to it.
            _ => at += 1,
        }
        let rest = bytes.get(at);
        let closed = matches!(byte, b'"' | b'}' | b']');
        if depth == 0 && (closed || rest.is_none_or(|b| matches!(b, b',' | b'}' | b']') || b.is_ascii_whitespace())) {
            return at;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::without_secrets;

    #[test]
    fn secrets_go_wherever_they_stand_and_all_else_stays_to_the_byte() {
        let cases = [
            (r#"{"a": 1, "b":[ "env", {"c":2} ]}"#, r#"{"a": 1, "b":[ "env", {"c":2} ]}"#),
            (r#"{"env":{"A":"}\"{"},"id":1}"#, r#"{"id":1}"#),
            (r#"{"id":1 , "command" : "x, y" }"#, r#"{"id":1 }"#),
            (r#"{"id":1,"env":{},"command":null,"ssh_password":"p"}"#, r#"{"id":1}"#),
            (r#"{"env":1}"#, "{}"),
            (r#"[{"ssh_key":[1,[2]],"n":{"Jupyter_Token":12}},3]"#, r#"[{"n":{}},3]"#),
            (r#"{"\u0065nv":"s","x":"env:"}"#, r#"{"x":"env:"}"#),
            (r#"{"environment":1,"keys":2,"commands":3}"#, r#"{"environment":1,"keys":2,"commands":3}"#),
            (r#"{"env":true,"a":"ü"}"#, r#"{"a":"ü"}"#),
        ];
        for (json, wanted) in cases {
            assert_eq!(without_secrets(json), wanted, "{json}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[{}\\[\\]\":,\\\\env 1ü]{0,40}") {
            let _ = without_secrets(&text);
        }
    }
}
