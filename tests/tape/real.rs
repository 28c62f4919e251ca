//! Real recordings, where the environment variable CLOREBID_TAPES names their folder.

use clorebid::core::ids::ServerId;
use clorebid::tape::{Reader, Series, SeriesOptions};

use crate::left_out::recording;
use crate::support::{clorebid, printed};

#[test]
fn eighty_nine_days_of_an_auction_read_to_the_last_record() {
    let Some(path) = recording("aws-g2-2015/tape.jsonl.zst") else { return };
    let started = std::time::Instant::now();
    let mut reader = Reader::open(&[&path]).unwrap();
    while reader.next().unwrap().is_some() {}
    let parsed = started.elapsed();
    let series = Series::read(Reader::open(&[&path]).unwrap(), &SeriesOptions::default()).unwrap();
    println!(
        "parsed in {parsed:?}, parsed into a series of {} bytes in {:?}",
        series.size(),
        started.elapsed() - parsed
    );
    assert_eq!(series.records.iter().sum::<u64>(), 31_359);
    assert_eq!(series.errors, 0);
    assert_eq!(series.servers.keys().map(|s| s.0).collect::<Vec<_>>(), [101, 102, 103]);
    for server in series.servers.values() {
        assert!(server.changes.iter().all(|c| c.online && c.public && c.exists && c.rivals.len() == 1));
        assert!(server.changes.windows(2).all(|w| w[0].at <= w[1].at && w[0].rivals != w[1].rivals));
    }
    assert!(series.size() < 16 << 20, "{} bytes", series.size());
    assert_eq!(reader.bytes(), 9_520_780);
}

#[test]
fn twenty_hours_of_floors_in_three_currencies_read_too() {
    let Some(path) = recording("clore-floors-2025/tape.jsonl.zst") else { return };
    let series = Series::read(Reader::open(&[&path]).unwrap(), &SeriesOptions::default()).unwrap();
    assert_eq!(series.records.iter().sum::<u64>(), 728);
    assert_eq!((series.servers.len(), series.errors), (4, 0));
    assert!(series.servers[&ServerId(70_312)].changes.len() > 50, "floors pegged to USD drift in coin");
    let folder = tempfile::tempdir().unwrap();
    let out = printed(clorebid(folder.path(), &["--format", "csv", "tape", "info", path.to_str().unwrap()]));
    assert!(out.contains("\nserver,70312,"), "{out}");
}

#[test]
fn a_real_tape_goes_through_a_journal_without_loss() {
    let Some(path) = recording("clore-floors-2025/tape.jsonl.zst") else { return };
    crate::transfer::round_trip(&std::fs::read(path).unwrap());
}
