//! What a recorded run can be asked afterwards: whether it would be decided alike (`replay`), whether its record is sound
//! (`verify`), and why one thing was done or not done (`why`).

pub mod replay;
pub mod verify;
pub mod why;
