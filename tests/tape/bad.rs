//! A bad tape is a clear message with the record number and exit code 2, never a panic.

use std::io::{self, Read};

use clorebid::tape::{LineFault, Reader, Series, SeriesOptions, TapeError};

use crate::support::{clorebid, file, line, packed, printed, said, spot};

/// Both commands that read tapes refuse it, and say why.
fn refused(name: &str, bytes: impl AsRef<[u8]>, wanted: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), name, bytes);
    for command in ["info", "import"] {
        let output = clorebid(folder.path(), &["tape", command, name]);
        let words = said(&output);
        assert_eq!(output.status.code(), Some(2), "{command}: {words}");
        for wanted in wanted.iter().chain(&[name]) {
            assert!(words.contains(wanted), "`{wanted}` is not in: {words}");
        }
        assert!(!words.contains("panicked"), "{words}");
    }
    assert!(!folder.path().join("clorebid.db").exists(), "a bad tape must not leave half a run in the journal");
}

#[test]
fn an_empty_tape_is_refused() {
    refused("t.jsonl", "", &["empty", "record 1"]);
    refused("t.jsonl.zst", "", &["empty", "record 1"]);
    refused("t.jsonl.zst", packed(""), &["empty", "record 1"]);
    refused("t.jsonl", &spot(0, 6, "1", "")[..50], &["empty", "record 1"]);
}

#[test]
fn a_missing_tape_is_refused_and_so_is_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["nowhere.jsonl", "."] {
        let output = clorebid(folder.path(), &["tape", "info", name]);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("cannot open the tape"), "{}", said(&output));
    }
}

#[test]
fn an_unsorted_tape_is_refused() {
    let tape = spot(5, 6, "1", "") + &spot(5, 6, "2", "") + &spot(4, 6, "3", "");
    refused("t.jsonl", &tape, &["record 3", "2026-11-01T00:00:04.000Z comes after 2026-11-01T00:00:05.000Z"]);
    refused("t.jsonl.zst", packed(&tape), &["record 3", "comes after"]);
}

#[test]
fn tapes_that_do_not_follow_one_another_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    file(folder.path(), "a.jsonl", spot(0, 6, "1", "") + &spot(9, 6, "1", ""));
    file(folder.path(), "b.jsonl", spot(9, 6, "1", "") + &spot(10, 6, "1", ""));
    printed(clorebid(folder.path(), &["tape", "info", "a.jsonl", "b.jsonl"]));
    let output = clorebid(folder.path(), &["tape", "info", "b.jsonl", "a.jsonl"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("a.jsonl: record 1: "), "{}", said(&output));
}

#[test]
fn a_binary_file_is_refused() {
    let noise: Vec<u8> = (0..5000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    refused("t.jsonl", &noise, &["record 1"]);
    refused("t.jsonl.zst", &noise, &["record 1"]);
    refused("t.jsonl", [0_u8; 100], &["record 1"]);
    let mut tape = spot(0, 6, "1", "").into_bytes();
    tape.extend_from_slice(b"{\"at\":\"\xff\xfe\"}\n");
    refused("t.jsonl", &tape, &["record 2", "UTF-8"]);
}

#[test]
fn a_wrong_call_is_refused() {
    let tape = spot(0, 6, "1", "") + &line(1, "create_order", "{}", 200, "{}");
    refused("t.jsonl", &tape, &["record 2", "`create_order` is no call of a tape"]);
    refused("t.jsonl", line(1, "spot_marketplace", "{}", 200, "{}"), &["record 1", "`market` is missing"]);
    refused("t.jsonl", line(1, "spot_marketplace", "[6]", 200, "{}"), &["record 1", "not an object"]);
    refused("t.jsonl", line(1, "spot_marketplace", "{\"market\":\"x\"}", 200, "{}"), &["record 1", "args"]);
}

#[test]
fn a_line_that_is_no_record_is_refused() {
    let good = spot(0, 6, "1", "");
    for (bad, wanted) in [
        ("not json\n", "not a tape record"),
        ("\n", "not a tape record"),
        ("[1,2]\n", "an array"),
        ("{\"at\":\"2026-11-01T00:00:00.000Z\"}\n", "missing field `call`"),
        (&good.replace("\"status\":200,", ""), "missing field `status`"),
        (&good.replace(",\"body\":", ",\"corpse\":"), "missing field `body`"),
        (&good.replace("2026-11-01T", "yesterday "), "is no time"),
        (&good.replace("\"status\":200", "\"status\":20"), "20 is no HTTP status"),
        (&good.replace("\"status\":200", "\"status\":70000"), "not a tape record"),
        (&good.replace("}\n", "\n"), "not a tape record"),
        // In the middle a line that was cut off is no accident of the last moment.
        (&format!("{}\n", &good[..60]), "not a tape record"),
    ] {
        refused("t.jsonl", format!("{good}{bad}{good}"), &["record 2", wanted]);
    }
    refused("t.jsonl", format!("{good}tail without end"), &["record 2", "not a tape record"]);
}

#[test]
fn a_packed_tape_with_a_fault_inside_is_refused() {
    let tape: String = (0..2000).map(|n| spot(n, 6, &n.to_string(), "")).collect();
    let mut bytes = packed(&tape);
    let middle = bytes.len() / 2;
    bytes[middle..middle + 200].fill(0xaa);
    refused("t.jsonl.zst", &bytes, &["record "]);
    let mut trailing = packed(&tape);
    trailing.extend_from_slice(b"rubbish behind the last frame");
    refused("t.jsonl.zst", &trailing, &["record 2001"]);
}

#[test]
fn a_last_line_that_was_cut_off_is_reported_and_ignored() {
    let tape = spot(0, 6, "1", "") + &spot(1, 6, "2", "") + &spot(2, 6, "3", &offer_with_umlaut());
    let whole = tape.len() - 1;
    let third = tape.trim_end().rfind('\n').unwrap() + 1;
    let folder = tempfile::tempdir().unwrap();
    for end in third + 1..whole {
        let path = file(folder.path(), "t.jsonl", &tape.as_bytes()[..end]);
        let mut reader = Reader::open(&[&path]).unwrap();
        let mut count = 0;
        while reader.next().unwrap().is_some() {
            count += 1;
        }
        assert_eq!(count, 2, "cut at {end}");
        let cut = &reader.cut_last_lines()[0];
        assert_eq!((cut.record, cut.bytes), (3, end - third), "cut at {end}");
    }
    let output = clorebid(folder.path(), &["tape", "info", "t.jsonl"]);
    assert!(said(&output).contains("warning: t.jsonl: record 3, the last, is cut off"), "{}", said(&output));
    assert!(output.status.success());
}

fn offer_with_umlaut() -> String {
    crate::support::offer(1, "1", false).replace("\"active\"", "\"grüße\":\"\\u00fc\\n\",\"active\"")
}

#[test]
fn a_last_line_without_its_end_counts_if_it_is_whole() {
    let tape = spot(0, 6, "1", "") + spot(1, 6, "2", "").trim_end();
    let mut reader = Reader::from_read("t", io::Cursor::new(tape)).unwrap();
    assert!(reader.next().unwrap().is_some() && reader.next().unwrap().is_some() && reader.next().unwrap().is_none());
    assert!(reader.cut_last_lines().is_empty());
}

#[test]
fn a_packed_tape_that_was_cut_off_anywhere_keeps_its_whole_lines() {
    // Zstd packs 128 KiB at a time.
    let tape: String = (0..1500).map(|n| spot(n, 6, &(n * 7919 % 1000).to_string(), "")).collect();
    let bytes = packed(&tape);
    let mut most = 0;
    for end in (1..bytes.len()).step_by(41) {
        let mut reader = Reader::from_read("t.zst", io::Cursor::new(bytes[..end].to_vec())).unwrap();
        let mut count = 0;
        let ended = loop {
            match reader.next() {
                Ok(Some(_)) => count += 1,
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        match ended {
            None => assert_eq!(reader.cut_last_lines().len(), 1),
            Some(TapeError::Empty { .. }) => assert_eq!(count, 0),
            Some(other) => panic!("cut at {end}: {other}"),
        }
        most = most.max(count);
    }
    assert!((500..1500).contains(&most), "{most} lines");
}

/// Ten gigabytes without a line's end, one byte of memory.
struct Endless(u64);

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = usize::try_from(self.0.min(into.len() as u64)).unwrap();
        into[..n].fill(b' ');
        self.0 -= n as u64;
        Ok(n)
    }
}

#[test]
fn a_line_of_ten_gigabytes_is_refused_once_it_is_longer_than_the_limit() {
    let good = spot(0, 6, "1", "");
    let tape = io::Cursor::new(good.clone()).chain(Endless(10 << 30));
    let mut reader = Reader::from_read("t", tape).unwrap().with_line_max(1 << 20);
    assert!(reader.next().unwrap().is_some());
    match reader.next() {
        Err(TapeError::Line { record: 2, fault: LineFault::TooLong { limit }, .. }) => assert_eq!(limit, 1 << 20),
        other => panic!("{other:?}"),
    }
    // The limit counts without the line's end.
    let fits = |max| Reader::from_read("t", io::Cursor::new(good.clone())).unwrap().with_line_max(max).next().is_ok();
    assert!(fits(good.len() - 1) && !fits(good.len() - 2));
}

#[test]
fn a_long_line_is_refused_by_the_binary_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "t.jsonl.zst", "");
    let mut encoder = zstd::Encoder::new(std::fs::File::create(path).unwrap(), 1).unwrap();
    io::copy(&mut Endless(70 << 20), &mut encoder).unwrap();
    encoder.finish().unwrap();
    let output = clorebid(folder.path(), &["tape", "info", "t.jsonl.zst"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("record 1: the line is longer than 67108864 bytes"), "{}", said(&output));
}

fn read_all(bytes: Vec<u8>) {
    let Ok(reader) = Reader::from_read("t", io::Cursor::new(bytes)) else { return };
    let _ = Series::read(reader.with_line_max(1 << 16), &SeriesOptions::default());
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_reading_panic(bytes: Vec<u8>) {
        read_all(bytes);
    }

    #[test]
    fn no_damage_to_a_tape_makes_reading_panic(
        hits in proptest::collection::vec((proptest::prelude::any::<usize>(), proptest::prelude::any::<u8>()), 0..8),
        end: usize,
        pack: bool,
    ) {
        let offers = crate::support::offer(1, "0.5e-3", false);
        let tape: String = (0..4).map(|n| spot(n, 6, "1.5", &offers)).collect();
        let mut bytes = if pack { packed(&tape) } else { tape.into_bytes() };
        for (at, byte) in hits {
            let length = bytes.len();
            bytes[at % length] = byte;
        }
        bytes.truncate(end % (bytes.len() * 2));
        read_all(bytes);
    }
}
