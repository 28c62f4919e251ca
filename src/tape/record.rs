//! One line of a tape: read without copying its body, written as every reader expects it.

use std::borrow::Cow;

use bytes::Bytes;
use clorebid_core::request::Request;
use clorebid_core::time::Time;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::LineFault;
use super::secrets::without_secrets;
use crate::api;
use crate::clock::rfc3339;
use crate::wire::Reply;

/// One answer of the venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// When it came.
    pub at: Time,
    /// To which read.
    pub request: Request,
    /// The HTTP status.
    pub status: u16,
    /// The body as it stands on the tape: always JSON. See [`Record::body_bytes`] for what the venue sent.
    pub body: &'a str,
}

#[derive(Deserialize)]
struct RawRecord<'a> {
    #[serde(borrow)]
    at: Cow<'a, str>,
    #[serde(borrow)]
    call: Cow<'a, str>,
    #[serde(borrow)]
    args: &'a RawValue,
    status: u16,
    #[serde(borrow)]
    body: &'a RawValue,
}

impl<'a> Record<'a> {
    /// Reads one line, with or without its end.
    ///
    /// # Errors
    /// When it is no record.
    pub fn parse(line: &'a str) -> Result<Record<'a>, LineFault> {
        // Serde would fill the struct from an array, too.
        if line.trim_start().starts_with('[') {
            return Err(LineFault::Json(serde::de::Error::custom("an array instead of an object")));
        }
        let raw: RawRecord<'a> = serde_json::from_str(line).map_err(LineFault::Json)?;
        let request = api::read_back(&raw.call, raw.args.get()).map_err(LineFault::NoRead)?;
        let at = read_time(&raw.at).ok_or_else(|| LineFault::BadTime(raw.at.chars().take(100).collect()))?;
        if !(100..=999).contains(&raw.status) {
            return Err(LineFault::BadStatus(raw.status));
        }
        Ok(Record { at, request, status: raw.status, body: raw.body.get() })
    }

    /// The body as the venue sent it: a string on the tape is the text of an answer that was no JSON, and null one
    /// that was empty.
    pub fn body_bytes(&self) -> Cow<'a, [u8]> {
        if self.body == "null" {
            return Cow::Borrowed(b"");
        }
        if !self.body.starts_with('"') {
            return Cow::Borrowed(self.body.as_bytes());
        }
        // What is no text after all, such as half a surrogate pair, stays as it stands.
        match serde_json::from_str::<String>(self.body) {
            Ok(text) => Cow::Owned(text.into_bytes()),
            Err(_) => Cow::Borrowed(self.body.as_bytes()),
        }
    }

    /// The answer as a venue would hand it over.
    pub fn reply(&self) -> Reply {
        Reply::Http { status: self.status, body: Bytes::from(self.body_bytes().into_owned()) }
    }
}

/// Writes one record as a line of a tape, its end included, without secrets.
pub(super) fn write_line(line: &mut Vec<u8>, at: Time, request: &Request, status: u16, body: &[u8]) {
    line.clear();
    let (name, args) = (api::endpoint(request), api::read_args(request));
    let head = format!(r#"{{"at":"{}","call":"{name}","args":{args},"status":{status},"body":"#, rfc3339(at));
    line.extend_from_slice(head.as_bytes());
    push_body(line, request, body);
    line.extend_from_slice(b"}\n");
}

fn push_body(line: &mut Vec<u8>, request: &Request, body: &[u8]) {
    if body.iter().all(u8::is_ascii_whitespace) {
        return line.extend_from_slice(b"null");
    }
    let json = std::str::from_utf8(body).ok().filter(|text| serde_json::from_str::<&RawValue>(text).is_ok());
    let is_account = matches!(request, Request::MyOrders | Request::AllOrders);
    if let Some(json) = json {
        let json = if is_account { without_secrets(json.trim()) } else { Cow::Borrowed(json.trim()) };
        // JSON has line breaks only between its tokens, where a blank is as good.
        line.extend(json.bytes().map(|b| if matches!(b, b'\n' | b'\r') { b' ' } else { b }));
        return;
    }
    let text = String::from_utf8_lossy(body);
    if is_account && text.trim_start().starts_with(['{', '[']) {
        // Half an answer about our orders: nobody can tell which parts of it are secret.
        return line.extend_from_slice(b"null");
    }
    // Proof: a text is always JSON, and writing to memory does not fail.
    line.extend_from_slice(serde_json::to_string(&text).expect("a text is JSON").as_bytes());
}

/// RFC 3339, between 1970 and 9999: what is finer than a millisecond is dropped.
fn read_time(text: &str) -> Option<Time> {
    let time = read_plain_time(text.as_bytes()).or_else(|| {
        let parsed = chrono::DateTime::parse_from_rfc3339(text).ok()?;
        Some(parsed.timestamp_millis())
    })?;
    // 9999-12-31T23:59:59.999Z
    (0..=253_402_300_799_999).contains(&time).then(|| Time::from_ms(time))
}

/// The one form that tapes are written in, `2026-11-01T00:00:00.000Z`, read without a parser's detours.
fn read_plain_time(text: &[u8]) -> Option<i64> {
    let text: &[u8; 24] = text.try_into().ok()?;
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (23, b'Z')];
    if separators.iter().any(|(at, wanted)| text.get(*at) != Some(wanted)) {
        return None;
    }
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        digits.iter().try_fold(0_i64, |n, d| d.is_ascii_digit().then(|| n * 10 + i64::from(d - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second, ms) = (number(11, 13)?, number(14, 16)?, number(17, 19)?, number(20, 23)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    // A leap second is left to the full parser.
    if !(1..=length).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Years counted from March have their leap day at the end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_to_read_a_time_agrees_with_the_full_parser() {
        for day in 0..20_000_i64 {
            let ms = day * 86_400_000 + (day * 7919) % 86_400_000;
            let text = rfc3339(Time::from_ms(ms));
            assert_eq!(read_plain_time(text.as_bytes()), Some(ms), "{text}");
        }
        for bad in ["2026-02-29T00:00:00.000Z", "2026-13-01T00:00:00.000Z", "2026-01-01T24:00:00.000Z", "x"] {
            assert_eq!(read_time(bad), None, "{bad}");
        }
        assert_eq!(read_time("2026-11-01T01:00:00+01:00"), read_time("2026-11-01T00:00:00.000Z"));
        assert_eq!(read_time("1969-12-31T23:59:59.999Z"), None);
    }

    #[test]
    fn whatever_the_venue_sends_becomes_one_line_that_reads_back() {
        let request = Request::AllOrders;
        let bodies: [(&[u8], &str); 6] = [
            (b"{\"code\": 0,\n \"orders\":[]}\n", "{\"code\": 0,  \"orders\":[]}"),
            (b"", "null"),
            (b"<html>\n\"no\"</html>", r#""<html>\n\"no\"</html>""#),
            (b"{\"orders\":[{\"env\":{\"A\":\"secret", "null"),
            (b"\xff", "\"\u{fffd}\""),
            (b"{\"orders\":[{\"id\":1,\"env\":{\"A\":1}}]}", r#"{"orders":[{"id":1}]}"#),
        ];
        for (sent, on_tape) in bodies {
            let mut line = Vec::new();
            write_line(&mut line, Time::from_ms(5), &request, 200, sent);
            let line = String::from_utf8(line).unwrap();
            assert_eq!(line.matches('\n').count(), 1, "{line}");
            let record = Record::parse(&line).unwrap();
            assert_eq!((record.at, record.request, record.status), (Time::from_ms(5), request, 200));
            assert_eq!(record.body, on_tape);
            let mut again = Vec::new();
            write_line(&mut again, record.at, &record.request, record.status, &record.body_bytes());
            assert_eq!(String::from_utf8(again).unwrap(), line);
        }
    }
}
