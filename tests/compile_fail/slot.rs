//! A slot cannot be made outside the session: whoever made one could send too early.

use clorebid::core::time::Time;
use clorebid::session::Slot;

fn main() {
    let _slot = Slot { at: Time::from_ms(0) };
}
