//! What a recorded run can be asked afterwards: whether it would be decided alike (`replay`), whether its record is sound
//! (`verify`), why one thing was done or not done (`why`), and how the newest one stands (`status`).

pub mod replay;
pub mod status;
pub mod verify;
pub mod why;
