//! Every table of a strategy file and the keys it may hold, in one place: the reader refuses all others, the JSON
//! schema is tested against it.

/// One table of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// How messages call it.
    pub title: &'static str,
    /// Where its keys are described in the JSON schema (a JSON pointer).
    pub schema: &'static str,
    /// The keys it may hold.
    pub keys: &'static [&'static str],
}

/// The file itself.
pub(super) const ROOT: Section = Section {
    title: "the file's top level",
    schema: "/properties",
    keys: &["name", "currency", "limits", "venue", "target"],
};

/// The hard walls.
pub(super) const LIMITS: Section = Section {
    title: "[limits]",
    schema: "/properties/limits/properties",
    keys: &["max_bid", "max_daily_cost", "max_total_cost", "min_balance", "max_orders"],
};

/// What is assumed of the venue.
pub(super) const VENUE: Section = Section {
    title: "[venue]",
    schema: "/properties/venue/properties",
    keys: &["tick", "step", "lower_every", "fee_percent", "creation_fee"],
};

/// One thing to be held.
pub(super) const TARGET: Section = Section {
    title: "[[target]]",
    schema: "/properties/target/items/properties",
    keys: &["name", "want", "servers", "match", "adopt", "value", "bid", "order"],
};

/// What a listed server must have.
pub(super) const MATCH: Section = Section {
    title: "match",
    schema: "/properties/target/items/properties/match/properties",
    keys: &["gpu", "min_gpus", "min_ram_gb", "min_reliability", "countries", "max_floor", "min_mrl"],
};

/// What holding is worth.
pub(super) const VALUE: Section = Section {
    title: "[target.value]",
    schema: "/properties/target/items/properties/value/properties",
    keys: &["per_day", "restart_cost"],
};

/// How to bid.
pub(super) const BID: Section = Section {
    title: "[target.bid]",
    schema: "/properties/target/items/properties/bid/properties",
    keys: &["policy", "open", "margin", "raise", "lower", "replace", "lost", "rung", "stay"],
};

/// When to raise.
pub(super) const RAISE: Section = Section {
    title: "raise",
    schema: "/properties/target/items/properties/bid/properties/raise/properties",
    keys: &["wait", "give_up"],
};

/// When to lower.
pub(super) const LOWER: Section = Section {
    title: "lower",
    schema: "/properties/target/items/properties/bid/properties/lower/properties",
    keys: &["after"],
};

/// What is to run on the server.
pub(super) const ORDER: Section = Section {
    title: "[target.order]",
    schema: "/properties/target/items/properties/order/properties",
    keys: &[
        "image",
        "ports",
        "env",
        "env_from",
        "command",
        "ssh_key_env",
        "ssh_password_env",
        "jupyter_token_env",
        "autossh_entrypoint",
    ],
};

/// Every table there is.
pub const SECTIONS: [&Section; 10] = [&ROOT, &LIMITS, &VENUE, &TARGET, &MATCH, &VALUE, &BID, &RAISE, &LOWER, &ORDER];

/// The word of `allowed` that `word` was most likely meant to be, unless none is near.
pub(super) fn nearest<'a>(word: &str, allowed: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    // One slip in three letters: more would suggest words that have nothing to do with the mistake.
    let most = (word.chars().count() / 3).clamp(1, 3);
    let near = allowed.into_iter().map(|a| (strsim::damerau_levenshtein(&lower, &a.to_lowercase()), a));
    near.filter(|(distance, _)| *distance <= most).min_by_key(|(distance, _)| *distance).map(|(_, a)| a)
}

/// The help for a word that is none of `allowed`.
pub(super) fn suggest(word: &str, allowed: &[&str]) -> String {
    match nearest(word, allowed.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("allowed: {}", allowed.iter().map(|a| format!("`{a}`")).collect::<Vec<_>>().join(", ")),
    }
}
