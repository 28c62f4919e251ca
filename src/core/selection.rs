//! Which servers a target takes: those that it names, or those whose listing has what its `match` asks for.
//!
//! This is the only place that knows. Whether a server is free at the time is another question: a rented one is taken
//! again once it is not.

use crate::ids::{ServerId, TargetId};
use crate::market::ListedServer;
use crate::money::Currency;
use crate::strategy::{Choice, Match, Strategy};

impl Choice {
    /// Whether a target takes a server that the marketplace lists like that, to be paid in `currency`.
    pub fn takes(&self, listed: &ListedServer, currency: Currency) -> bool {
        match self {
            Choice::Servers(ids) => ids.contains(&listed.id),
            Choice::Match(wanted) => listed.takes(currency) && matches(wanted, listed, currency),
        }
    }

    /// Whether a target may have taken a server that is listed like that now, whatever has become of its prices since.
    pub fn may_have_taken(&self, listed: &ListedServer) -> bool {
        match self {
            Choice::Servers(ids) => ids.contains(&listed.id),
            Choice::Match(wanted) => is_built_as(wanted, listed),
        }
    }

    /// Whether a target might take a server of which no listing is known.
    pub fn could_take(&self, server: ServerId) -> bool {
        match self {
            Choice::Servers(ids) => ids.contains(&server),
            Choice::Match(_) => true,
        }
    }
}

/// The target, of those that count, that a server of unknown listing most likely belongs to: the first that names it,
/// else the first that might take it.
pub(crate) fn likely_target(
    strategy: &Strategy,
    server: ServerId,
    counts: impl Fn(TargetId) -> bool,
) -> Option<TargetId> {
    let targets = || (0_u32..).map(TargetId).zip(&strategy.targets);
    let could = || targets().filter(|(id, target)| counts(*id) && target.choice.could_take(server));
    let names_it = could().find(|(_, target)| matches!(target.choice, Choice::Servers(_)));
    names_it.or_else(|| could().next()).map(|(id, _)| id)
}

/// Whether a listed server has what a target asks for.
fn matches(wanted: &Match, server: &ListedServer, currency: Currency) -> bool {
    is_built_as(wanted, server)
        && wanted.min_reliability.is_none_or(|least| server.reliability.is_some_and(|r| r >= least))
        && (wanted.countries.is_empty()
            || server.country.as_ref().is_some_and(|c| wanted.countries.iter().any(|w| w.eq_ignore_ascii_case(c))))
        && wanted.max_floor.is_none_or(|max| server.spot.get(currency).is_some_and(|floor| floor <= max))
        && wanted.min_longest_rental.is_none_or(|least| server.longest_rental.is_some_and(|mrl| mrl >= least))
}

/// Whether a server is the kind of machine that a target asks for.
fn is_built_as(wanted: &Match, server: &ListedServer) -> bool {
    wanted.gpu.as_ref().is_none_or(|gpu| is_model(&server.gpu, gpu))
        && wanted.min_gpus.is_none_or(|least| server.gpus >= least)
        && wanted.min_ram_gb.is_none_or(|gb| server.ram_gb >= gb)
}

/// Words after a model's number that make it another model.
const OTHER_MODELS: [&str; 7] = ["ti", "super", "d", "laptop", "mobile", "max", "ada"];

/// Whether `listed` names the card `wanted`: `RTX 4090` is in `1x NVIDIA GeForce RTX 4090`, but not in `RTX 4090 D`.
pub fn is_model(listed: &str, wanted: &str) -> bool {
    let (listed, wanted) = (listed.to_ascii_lowercase(), wanted.trim().to_ascii_lowercase());
    if wanted.is_empty() {
        return true;
    }
    listed.match_indices(wanted.as_str()).any(|(at, found)| {
        let starts_there = !listed.get(..at).unwrap_or("").ends_with(|c: char| c.is_ascii_alphanumeric());
        let rest = listed.get(at.saturating_add(found.len())..).unwrap_or("");
        let ends_there = !rest.starts_with(|c: char| c.is_ascii_alphanumeric());
        let next_word = rest.trim_start_matches([' ', '-', '(']).split([' ', ',', '-', ')']).next().unwrap_or("");
        starts_there && ends_there && !OTHER_MODELS.contains(&next_word)
    })
}
