//! What a tape teaches a run beforehand: the moves of every server on it that a target of the strategy could take.

use clorebid_core::policy::adaptive::lessons::Lessons;
use clorebid_core::strategy::Strategy;
use clorebid_core::time::{Span, Time};

use super::bounds::winning_bids;
use crate::tape::Series;

/// The lessons for a run that begins at `now`. A tape that ends later counts as one that has just ended.
pub fn lessons(strategy: &Strategy, series: &Series, now: Time) -> Lessons {
    let ahead = series.to.since(now).max(Span::ZERO);
    let mut lessons = Lessons::default();
    for id in series.servers.keys() {
        let could_take = |target: &clorebid_core::strategy::Target| target.choice.could_take(*id);
        if !strategy.targets.iter().any(could_take) {
            continue;
        }
        for (at, least) in winning_bids(strategy, series, *id, series.from, strategy.venue.tick) {
            lessons.note(*id, at - ahead, least, strategy.venue.tick);
        }
    }
    lessons
}
