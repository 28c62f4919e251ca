//! No text whatever makes reading a strategy file panic, and one that is read is read the same from its own print.

use clorebid::strategy;

pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(file) = strategy::read(text, "fuzzed.toml") else { return };
    let printed = strategy::filled(&file);
    let again = strategy::read(&printed, "printed.toml").expect("what is printed can be read");
    assert_eq!(again.strategy, file.strategy, "{printed}");
    assert_eq!(again.receivers, file.receivers, "{printed}");
}
