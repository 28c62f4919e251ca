//! x
use super::Failure;
use super::args::{Global, WhyArgs};
pub(super) async fn why(_: &Global, _: &WhyArgs) -> Result<(), Failure> {
    Ok(())
}
