//! Whose orders a run's are: an account at a venue, told apart by its key and not by how the venue's address is spelled.
//!
//! The columns of `run_starts` are in the hashes and stay as they are, so both stand in its `venue`: the address, and
//! after the word `account` what is known of the key. Older runs have the address alone.

/// What a run's `venue` says of an account there. `account` is public: not the key, and nothing it could be found from.
pub fn venue_text(venue: &str, account: &str) -> String {
    format!("{venue} account {account}")
}

/// SQL for the address in a `venue`.
macro_rules! address {
    ($venue:literal) => {
        concat!("substr(", $venue, ", 1, instr(", $venue, " || ' account ', ' account ') - 1)")
    };
}

/// SQL for whether the runs whose `venue`s are these are of one account: by what is known of their keys where that is
/// known of both, else by the address.
macro_rules! same_account {
    ($one:literal, $other:literal) => {
        concat!(
            "CASE WHEN instr(",
            $one,
            ", ' account ') > 0 AND instr(",
            $other,
            ", ' account ') > 0 ",
            "THEN substr(",
            $one,
            ", instr(",
            $one,
            ", ' account ')) = substr(",
            $other,
            ", instr(",
            $other,
            ", ' account ')) ",
            "ELSE rtrim(",
            crate::journal::accounts::address!($one),
            ", '/') = rtrim(",
            crate::journal::accounts::address!($other),
            ", '/') END"
        )
    };
}

pub(crate) use {address, same_account};
