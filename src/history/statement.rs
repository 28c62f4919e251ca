//! What kind of statement a text is: one or several, reading or not.

use super::HistoryError;

/// The text up to its closing semicolon, if it is one statement.
pub(super) fn single(sql: &str) -> Result<&str, HistoryError> {
    let Some(end) = semicolon(sql) else { return Ok(sql) };
    let (first, rest) = sql.split_at(end);
    let rest = rest.get(1..).unwrap_or("");
    if skip_blank(rest).trim_matches(';').trim().is_empty() { Ok(first) } else { Err(HistoryError::SeveralStatements) }
}

/// Whether it starts as a query does. What it goes on to do is checked by the database, which is open read-only.
pub(super) fn reads(sql: &str) -> bool {
    let start = skip_blank(sql).trim_start_matches('(');
    let word: String = start.chars().take_while(char::is_ascii_alphabetic).collect();
    ["SELECT", "WITH", "VALUES", "EXPLAIN"].iter().any(|query| word.eq_ignore_ascii_case(query))
}

/// The text without the blanks and comments in front.
fn skip_blank(sql: &str) -> &str {
    let mut rest = sql.trim_start();
    loop {
        rest = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else {
            return rest;
        }
        .trim_start();
    }
}

/// Where the first semicolon is that is in no string, name or comment.
fn semicolon(sql: &str) -> Option<usize> {
    let bytes = sql.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = sql.get(at..).unwrap_or("");
        at += match byte {
            b';' => return Some(at),
            b'\'' | b'"' | b'`' => quoted(rest, char::from(byte)),
            b'[' => quoted(rest, ']'),
            b'-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with("/*") => rest.get(2..).and_then(|r| r.find("*/")).map_or(rest.len(), |n| n + 4),
            _ => 1,
        };
    }
    None
}

/// Length of a quoted piece, both quotes included. A doubled quote inside reads as two pieces, which ends the same.
fn quoted(text: &str, quote: char) -> usize {
    text.get(1..).and_then(|rest| rest.find(quote)).map_or(text.len(), |n| n + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_semicolon_inside_a_string_or_a_comment_ends_nothing() {
        for sql in [
            "SELECT ';'",
            "SELECT 'it''s; so'",
            "SELECT 1 -- a; b",
            "SELECT /* ; */ 1",
            "SELECT \"a;b\" FROM t",
            "SELECT [;]",
            "SELECT 'ü;'",
        ] {
            assert_eq!(single(sql).unwrap(), sql);
        }
        assert_eq!(single("SELECT 1 ; -- done\n ; ").unwrap(), "SELECT 1 ");
        assert!(matches!(single("SELECT 1; DROP TABLE reads"), Err(HistoryError::SeveralStatements)));
    }

    #[test]
    fn only_queries_start_as_queries_do() {
        assert!(reads(" -- x\n/* y */ select 1"));
        assert!(reads("WITH a AS (SELECT 1) SELECT * FROM a"));
        for sql in
            ["DELETE FROM reads", "ATTACH 'x' AS y", "PRAGMA query_only = OFF", "VACUUM INTO 'x'", "", "-- SELECT"]
        {
            assert!(!reads(sql), "{sql}");
        }
    }
}
