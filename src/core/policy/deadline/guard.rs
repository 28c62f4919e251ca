//! What stands above every plan: where only on demand is sure to make it, and waiting any longer would be too late for
//! that, there is nothing else to do.

use crate::policy::deadline::figures::Figures;
use crate::policy::deadline::wanted::Terms;
use crate::time::{Span, Time};

/// Whether it is time to rent on demand. `stays`: what else would be done is to go on with the spot server that is held.
pub fn must_rent(figures: &Figures, terms: &Terms, stays: bool) -> bool {
    figures.slack() < needed(figures, terms, stays)
}

/// Whether one that is begun on demand now could not make it any more. Where a server is held, only going on with it can.
pub fn is_too_late(figures: &Figures, terms: &Terms) -> bool {
    figures.slack() < terms.restart.ms()
}

/// When either may become otherwise with nothing new seen.
pub fn wake(figures: &Figures, terms: &Terms, stays: bool) -> impl Iterator<Item = Time> {
    let bounds = [needed(figures, terms, stays), terms.restart.ms()];
    bounds.into_iter().filter_map(|bound| figures.slack_below(bound))
}

/// The slack below which it is time.
fn needed(figures: &Figures, terms: &Terms, stays: bool) -> i64 {
    let sure = if stays && figures.lead == Span::ZERO { terms.sure.min(terms.beat) } else { Span::ZERO };
    let needed = terms.restart.ms().saturating_add(terms.beat.ms()).saturating_add(terms.margin.ms());
    needed.saturating_sub(sure.ms())
}
