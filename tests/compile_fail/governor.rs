//! The governor cannot be reached outside the session: whoever had one could take slots of their own.

use clorebid::clock::Clock;

fn main() {
    let _governor = clorebid::session::governor::Governor::new(Clock::system(1));
}
