//! Which servers on a tape a target takes, and from when on: one answer for a run's account and for its benchmarks.

use clorebid_core::ids::ServerId;
use clorebid_core::money::Currency;
use clorebid_core::strategy::{Choice, Target};
use clorebid_core::time::Time;

use crate::tape::{Listed, Series, ServerSeries};

/// The servers of a tape that a target may come to hold, each with the moment from which on it may.
///
/// A server that the target names may be held from the beginning. One that has to match may be held from its first
/// listing on that matches and shows it free: before that the bot cannot bid on it, and where no listing ever does, it
/// never can. It may still be held when a later listing does not match, because an order that stands is kept then. A
/// server of our own is never bid on. So every bid that a run can make lies within these times, and the least cost of
/// all bids within them is a bound for every run.
pub(super) fn selected(target: &Target, series: &Series, currency: Currency) -> Vec<(ServerId, Time)> {
    let since = |server: &ServerSeries| match &target.choice {
        Choice::Servers(_) => Some(series.from),
        Choice::Match(_) => {
            let is_offered = |l: &&Listed| target.choice.takes(&l.server, currency) && !l.server.rented;
            server.listed.iter().find(is_offered).map(|l| l.at)
        }
    };
    let could = series.servers.iter().filter(|(id, _)| target.choice.could_take(**id) && !series.hosted.contains(id));
    could.filter_map(|(id, server)| Some((*id, since(server)?))).collect()
}
