//! What is written survives: a tape is gone on with, never overwritten, and mended where it was cut off.

use std::path::Path;

use clorebid::core::ids::ServerId;
use clorebid::core::time::Time;
use clorebid::tape::{Reader, TapeError, Writer};
use clorebid_core::request::Request;

use crate::support::{START, file, packed, spot};

const CALL: Request = Request::SpotMarket { server: ServerId(6) };

fn write(writer: &mut Writer, second: i64) {
    let body = format!("{{\"code\":0,\"n\":{second}}}");
    writer.write(Time::from_ms(START + second * 1000), &CALL, 200, body.as_bytes()).unwrap();
}

fn seconds(path: &Path) -> Vec<i64> {
    let mut reader = Reader::open(&[path]).unwrap();
    let mut read = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        read.push((record.at.ms() - START) / 1000);
    }
    assert!(reader.cut_last_lines().is_empty(), "{:?}", reader.cut_last_lines());
    read
}

#[test]
fn every_record_can_be_read_while_the_tape_is_still_being_written() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["t.jsonl", "t.jsonl.zst"] {
        let path = folder.path().join(name);
        let mut writer = Writer::create(&path).unwrap();
        for second in 0..20 {
            write(&mut writer, second);
            let mut reader = Reader::open(&[&path]).unwrap();
            let mut count = 0;
            while reader.next().unwrap().is_some() {
                count += 1;
            }
            assert_eq!(count, second + 1, "{name}");
        }
        writer.finish().unwrap();
        assert_eq!(seconds(&path), (0..20).collect::<Vec<_>>());
    }
}

#[test]
fn a_tape_cut_off_at_any_byte_is_gone_on_with_behind_its_last_whole_record() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["t.jsonl", "t.jsonl.zst"] {
        let path = folder.path().join(name);
        let mut writer = Writer::create(&path).unwrap();
        (0..5).for_each(|second| write(&mut writer, second));
        writer.finish().unwrap();
        let whole = std::fs::read(&path).unwrap();
        let mut lengths = Vec::new();
        for end in 1..=whole.len() {
            std::fs::write(&path, &whole[..end]).unwrap();
            let mut writer = match Writer::append(&path) {
                Ok(writer) => writer,
                Err(TapeError::Empty { .. }) => continue,
                Err(error) => panic!("{name} cut at {end}: {error}"),
            };
            write(&mut writer, 9);
            write(&mut writer, 10);
            writer.finish().unwrap();
            let read = seconds(&path);
            assert_eq!(read[read.len() - 2..], [9, 10]);
            assert_eq!(read[..read.len() - 2], (0..5).collect::<Vec<_>>()[..read.len() - 2]);
            lengths.push(read.len() - 2);
        }
        assert!(lengths.is_sorted() && lengths.first() == Some(&1) && lengths.last() == Some(&5), "{lengths:?}");
        assert!(!folder.path().join(format!("{name}.repair")).exists());
    }
}

#[test]
fn what_is_no_tape_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("a.jsonl", b"my only copy of something else\n".to_vec()),
        ("b.jsonl", b"my only copy".to_vec()),
        ("c.jsonl.zst", b"my only copy".to_vec()),
        ("d.jsonl", (spot(5, 6, "1", "") + &spot(4, 6, "1", "")).into_bytes()),
    ] {
        let path = file(folder.path(), name, &bytes);
        Writer::append(&path).unwrap_err();
        assert!(matches!(Writer::create(&path), Err(TapeError::Exists { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn a_packed_tape_under_a_plain_name_stays_packed() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "t.jsonl", packed(&spot(0, 6, "1", "")));
    let mut writer = Writer::append(&path).unwrap();
    write(&mut writer, 7);
    writer.finish().unwrap();
    assert_eq!(seconds(&path), [0, 7]);
}

#[test]
fn two_writers_of_one_tape_are_refused_and_so_is_a_record_from_the_past() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.jsonl");
    let mut writer = Writer::append(&path).unwrap();
    assert!(matches!(Writer::append(&path), Err(TapeError::InUse { .. })));
    write(&mut writer, 5);
    let past = writer.write(Time::from_ms(START), &CALL, 200, b"{}");
    assert!(matches!(past, Err(TapeError::Unsorted { .. })));
    writer.finish().unwrap();
    let mut writer = Writer::append(&path).unwrap();
    assert!(
        writer.write(Time::from_ms(START), &CALL, 200, b"{}").is_err(),
        "the tape's end is known when it is gone on with"
    );
}

#[test]
fn a_new_tape_without_any_record_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["t.jsonl", "t.jsonl.zst"] {
        let path = folder.path().join(name);
        Writer::create(&path).unwrap().finish().unwrap();
        assert!(!path.exists());
    }
}
