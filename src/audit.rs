//! What a recorded run can be asked afterwards: whether it would be decided alike (`replay`), whether its record is sound
//! (`verify`), why one thing was done or not done (`why`), how the newest
//! one stands (`status`), and what all of them held and cost (`summary`).

pub mod replay;
pub mod status;
pub mod summary;
pub mod verify;
pub mod why;
