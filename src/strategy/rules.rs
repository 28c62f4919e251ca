//! The rules that hold across targets: names and servers are given once, and all targets together fit `max_orders`.

use std::collections::BTreeMap;

use super::errors::Mistakes;
use super::fields::Found;
use super::target::TargetDraft;

/// Notes every breach.
pub(super) fn check(drafts: &[TargetDraft], max_orders: Option<Found<u32>>, mistakes: &Mistakes) {
    names_are_given_once(drafts, mistakes);
    servers_are_given_once(drafts, mistakes);
    wants_can_be_met(drafts, mistakes);
    all_fit_max_orders(drafts, max_orders, mistakes);
}

fn names_are_given_once(drafts: &[TargetDraft], mistakes: &Mistakes) {
    for (i, draft) in drafts.iter().enumerate() {
        if drafts.iter().take(i).any(|earlier| earlier.name.value == draft.name.value) {
            let message = format!("another target is called `{}` already", draft.name.value);
            mistakes.add(draft.name.at.clone(), message, "give each target a name of its own: the history goes by it");
        }
    }
}

fn servers_are_given_once(drafts: &[TargetDraft], mistakes: &Mistakes) {
    let mut owners = BTreeMap::new();
    for (i, draft) in drafts.iter().enumerate() {
        for server in &draft.servers {
            let Some(owner) = owners.insert(server.value, i) else { continue };
            let message = match drafts.get(owner) {
                Some(other) if owner != i => {
                    format!("server {} belongs to target `{}` already", server.value, other.name.value)
                }
                _ => format!("server {} is listed twice", server.value),
            };
            mistakes.add(server.at.clone(), message, "the venue allows one spot order for each server");
        }
    }
}

fn wants_can_be_met(drafts: &[TargetDraft], mistakes: &Mistakes) {
    for draft in drafts.iter().filter(|d| !d.servers.is_empty()) {
        let (want, have) = (draft.want.value, draft.servers.len());
        if usize::try_from(want).map_or(true, |want| want > have) {
            let servers = if have == 1 { "1 server is" } else { "servers are" };
            let count = if have == 1 { String::new() } else { format!("{have} ") };
            let message = format!("`want` is {want}, but only {count}{servers} listed");
            mistakes.add(draft.want.at.clone(), message, "list more servers, or want fewer");
        }
    }
}

fn all_fit_max_orders(drafts: &[TargetDraft], max_orders: Option<Found<u32>>, mistakes: &Mistakes) {
    let Some(max) = max_orders else { return };
    let wanted: u64 = drafts.iter().map(|d| u64::from(d.want.value)).sum();
    if wanted > u64::from(max.value) {
        let message = format!("`max_orders` is {}, but the targets want {wanted} servers", max.value);
        mistakes.add(max.at, message, format!("write `max_orders = {wanted}` or want fewer"));
    }
}
