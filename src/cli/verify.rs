//! x
use super::Failure;
use super::args::{Global, VerifyArgs};
pub(super) async fn verify(_: &Global, _: &VerifyArgs) -> Result<(), Failure> {
    Ok(())
}
