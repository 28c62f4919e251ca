//! No bytes whatever make reading a tape panic, plain or packed, and what is read is in order.
//!
//! With cargo-fuzz: `cargo +nightly fuzz run tape fuzz/seeds/tape -- -max_total_time=600`. Without it, on stable:
//!
//! ```text
//! cd fuzz && RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
//!   -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
//!   -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1" \
//!   cargo build --target x86_64-unknown-linux-gnu
//! mkdir -p corpus/tape && ./target/x86_64-unknown-linux-gnu/debug/tape corpus/tape seeds/tape -max_total_time=600
//! ```
#![no_main]

use std::io::Cursor;

use clorebid::tape::{Reader, Series, SeriesOptions};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let open = || Reader::from_read("fuzz", Cursor::new(bytes.to_vec())).map(|r| r.with_line_max(1 << 16)).ok();
    let Some(mut reader) = open() else { return };
    let mut before = None;
    let mut count = 0_u64;
    while let Ok(Some(record)) = reader.next() {
        assert!(before.is_none_or(|before| before <= record.at));
        before = Some(record.at);
        count += 1;
        let _ = record.reply();
    }
    let Some(reader) = open() else { return };
    if let Ok(series) = Series::read(reader, &SeriesOptions::default()) {
        assert_eq!(series.records.iter().sum::<u64>(), count);
        for server in series.servers.values() {
            assert!(server.changes.is_sorted_by_key(|c| c.at) && server.listed.is_sorted_by_key(|l| l.at));
        }
    }
});
