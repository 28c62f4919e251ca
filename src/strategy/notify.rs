//! Who is told what happens in a run, and how the file writes it. Addresses and tokens are secrets: the file says where
//! they stand, never what they are.

use std::fmt;
use std::path::PathBuf;

use clorebid_core::time::Span;
use serde_json::json;
use toml::de::DeValue;

use super::kinds::{Simple, TEXT, Words, list, print_list};
use super::template::Template;
use super::values::{quoted, suggest};

/// What a receiver can be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Occasion {
    /// An order of ours came to hold its server.
    Won,
    /// An order of ours ceased to hold its server, and not because we ended it.
    Lost,
    /// A target leaves one server for another.
    Moved,
    /// A limit, or what a server is worth, forbids a bid.
    Limit,
    /// There has been no good answer for half a minute, or there is one again.
    Blind,
    /// Nothing has gone on for minutes, although the venue answers.
    Stuck,
    /// The wallet does not hold enough.
    Balance,
    /// The run ended as it was told to.
    Ended,
    /// The run could not go on.
    Failed,
}

impl Occasion {
    /// Every one, in the order in which they are listed.
    pub const ALL: [Occasion; 9] = [
        Occasion::Won,
        Occasion::Lost,
        Occasion::Moved,
        Occasion::Limit,
        Occasion::Blind,
        Occasion::Stuck,
        Occasion::Balance,
        Occasion::Ended,
        Occasion::Failed,
    ];

    /// Its name in the file and in messages.
    pub const fn code(self) -> &'static str {
        match self {
            Occasion::Won => "won",
            Occasion::Lost => "lost",
            Occasion::Moved => "moved",
            Occasion::Limit => "limit",
            Occasion::Blind => "blind",
            Occasion::Stuck => "stuck",
            Occasion::Balance => "balance",
            Occasion::Ended => "ended",
            Occasion::Failed => "failed",
        }
    }

    /// Whether somebody may have to do something about it.
    pub const fn is_bad(self) -> bool {
        !matches!(self, Occasion::Won | Occasion::Moved | Occasion::Ended)
    }
}

/// Where a secret stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// In the environment variable of that name.
    Env(String),
    /// In that file.
    File(PathBuf),
}

/// Says where it stands.
impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Secret::Env(name) => write!(f, "the environment variable {name}"),
            Secret::File(path) => write!(f, "the file {}", path.display()),
        }
    }
}

/// The way a receiver is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channel {
    /// A POST of JSON.
    Webhook {
        /// Where to.
        url: Secret,
        /// Sent as a bearer's, or where the template wants it.
        token: Option<Secret>,
        /// The body, where it is not our own.
        template: Option<Template>,
    },
    /// A webhook of a Discord channel.
    Discord {
        /// The webhook's address.
        url: Secret,
    },
    /// An incoming webhook of Slack.
    Slack {
        /// The webhook's address.
        url: Secret,
    },
    /// A bot of Telegram.
    Telegram {
        /// The bot's.
        token: Secret,
        /// Where it writes.
        chat: String,
        /// The address of another server than Telegram's own.
        url: Option<Secret>,
    },
    /// A topic of ntfy.
    Ntfy {
        /// The topic's address.
        url: Secret,
        /// The access token, where the topic asks for one.
        token: Option<Secret>,
    },
}

/// One receiver: who is told what, and how often at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifySpec {
    /// What warnings and metrics call it.
    pub name: String,
    /// How it is reached.
    pub channel: Channel,
    /// What it is told of.
    pub events: Vec<Occasion>,
    /// The least time between two messages.
    pub at_most_every: Span,
}

impl NotifySpec {
    /// The name of its kind.
    pub const fn kind(&self) -> &'static str {
        Kind::of(&self.channel).code()
    }
}

/// The kinds of receivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    #[default]
    Webhook,
    Discord,
    Slack,
    Telegram,
    Ntfy,
}

impl Kind {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Kind::Webhook => "webhook",
            Kind::Discord => "discord",
            Kind::Slack => "slack",
            Kind::Telegram => "telegram",
            Kind::Ntfy => "ntfy",
        }
    }

    const fn of(channel: &Channel) -> Kind {
        match channel {
            Channel::Webhook { .. } => Kind::Webhook,
            Channel::Discord { .. } => Kind::Discord,
            Channel::Slack { .. } => Kind::Slack,
            Channel::Telegram { .. } => Kind::Telegram,
            Channel::Ntfy { .. } => Kind::Ntfy,
        }
    }
}

/// A receiver as the file lays it out: the keys of every kind.
#[derive(Debug, Clone)]
pub(super) struct NotifyDraft {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) url_env: Option<String>,
    pub(super) url_file: Option<String>,
    pub(super) token_env: Option<String>,
    pub(super) token_file: Option<String>,
    pub(super) chat: Option<String>,
    pub(super) template: Option<Template>,
    pub(super) events: Vec<Occasion>,
    pub(super) at_most_every: Span,
}

impl Default for NotifyDraft {
    fn default() -> NotifyDraft {
        NotifyDraft {
            name: String::new(),
            kind: Kind::default(),
            url_env: None,
            url_file: None,
            token_env: None,
            token_file: None,
            chat: None,
            template: None,
            events: Occasion::ALL.to_vec(),
            at_most_every: Span::ZERO,
        }
    }
}

impl NotifyDraft {
    /// The table that would be read as this receiver.
    pub(super) fn of(spec: &NotifySpec) -> NotifyDraft {
        let (url, token, chat, template) = match spec.channel.clone() {
            Channel::Webhook { url, token, template } => (Some(url), token, None, template),
            Channel::Discord { url } | Channel::Slack { url } => (Some(url), None, None, None),
            Channel::Telegram { token, chat, url } => (url, Some(token), Some(chat), None),
            Channel::Ntfy { url, token } => (Some(url), token, None, None),
        };
        let ((url_env, url_file), (token_env, token_file)) = (places(url), places(token));
        NotifyDraft {
            name: spec.name.clone(),
            kind: Kind::of(&spec.channel),
            url_env,
            url_file,
            token_env,
            token_file,
            chat,
            template,
            events: spec.events.clone(),
            at_most_every: spec.at_most_every,
        }
    }

    /// The receiver; `None` where a key that its kind needs is missing, of which there is a complaint already.
    pub(super) fn into_spec(self) -> Option<NotifySpec> {
        let (url, token) = (secret(self.url_env, self.url_file), secret(self.token_env, self.token_file));
        let channel = match self.kind {
            Kind::Webhook => Channel::Webhook { url: url?, token, template: self.template },
            Kind::Discord => Channel::Discord { url: url? },
            Kind::Slack => Channel::Slack { url: url? },
            Kind::Telegram => Channel::Telegram { token: token?, chat: self.chat?, url },
            Kind::Ntfy => Channel::Ntfy { url: url?, token },
        };
        let (name, events, at_most_every) = (self.name, self.events, self.at_most_every);
        Some(NotifySpec { name, channel, events, at_most_every })
    }
}

fn secret(env: Option<String>, file: Option<String>) -> Option<Secret> {
    env.map(Secret::Env).or_else(|| file.map(|path| Secret::File(path.into())))
}

/// The secret's place as the two keys have it.
fn places(secret: Option<Secret>) -> (Option<String>, Option<String>) {
    match secret {
        None => (None, None),
        Some(Secret::Env(name)) => (Some(name), None),
        Some(Secret::File(path)) => (None, Some(path.display().to_string())),
    }
}

/// The kind of a receiver.
pub(super) const KIND: Words<Kind> = Words(&[
    (Kind::Webhook.code(), Kind::Webhook),
    (Kind::Discord.code(), Kind::Discord),
    (Kind::Slack.code(), Kind::Slack),
    (Kind::Telegram.code(), Kind::Telegram),
    (Kind::Ntfy.code(), Kind::Ntfy),
]);

/// The name of a receiver: a label of metrics, so few characters will do.
pub(super) const RECEIVER: Simple<String> = Simple {
    wanted: "a receiver's name",
    example: "\"phone\"",
    read: |value, place| {
        let name = (TEXT.read)(value, place)?;
        if name.is_empty() || name.len() > 40 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        {
            place.reading.mistakes.hide(place.at.clone());
            return place
                .wrong("a receiver's name has at most 40 letters, digits, `-`, `_` and `.`", place.for_example());
        }
        Some(name)
    },
    schema: || json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,40}$" }),
    ..TEXT
};

/// The path of a file that holds a secret. What looks like an address is likelier the secret itself.
pub(super) const FILE: Simple<String> = Simple {
    wanted: "the path of a file",
    example: "\"/run/secrets/notify\"",
    read: |value, place| {
        let path = (TEXT.read)(value, place)?;
        if path.trim().is_empty() || path.contains("://") || path.chars().any(char::is_control) {
            place.reading.mistakes.hide(place.at.clone());
            let help = format!("{}; the secret itself stays out of the file", place.for_example());
            return place.wrong(format!("`{}` must name a file that holds the secret", place.key), help);
        }
        Some(path)
    },
    schema: || json!({ "type": "string", "minLength": 1 }),
    ..TEXT
};

/// A chat of Telegram: its number, or the name of a channel.
pub(super) const CHAT: Simple<String> = Simple {
    wanted: "a chat's number or `@name`",
    example: "\"-1001234567890\"",
    read: |value, place| {
        let written = match value {
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
            DeValue::String(text) => text.to_string(),
            _ => return place.wrong_type(value),
        };
        let name = written.strip_prefix('@').filter(|name| !name.is_empty());
        let is_name = name.is_some_and(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
        if !is_name && written.parse::<i64>().is_err() {
            // A bot's token looks much like it.
            place.reading.mistakes.hide(place.at.clone());
            return place.wrong("`chat` is neither a chat's number nor a channel's `@name`", place.for_example());
        }
        Some(written)
    },
    schema: || json!({ "anyOf": [{ "type": "string", "pattern": "^(-?[0-9]+|@[A-Za-z0-9_]+)$" }, { "type": "integer" }] }),
    ..TEXT
};

/// A webhook's own body.
pub(super) const TEMPLATE: Simple<Template> = Simple {
    wanted: "JSON with places to fill in",
    example: "'{\"message\": \"{{text}}\"}'",
    read: |value, place| match value.as_str() {
        Some(text) => place.keep(Template::read(text)),
        None => place.wrong_type(value),
    },
    print: |template| quoted(template.as_written()),
    schema: || json!({ "type": "string" }),
};

/// What a receiver is told of.
pub(super) const OCCASIONS: Simple<Vec<Occasion>> = Simple {
    wanted: "a list of events",
    example: "[\"won\", \"lost\"]",
    read: |value, place| {
        list(value, place, "leave it out to be told of everything", |one, place| {
            let word = one.as_str().unwrap_or("");
            let Some(occasion) = Occasion::ALL.into_iter().find(|occasion| occasion.code() == word) else {
                place.reading.mistakes.hide(place.at.clone());
                let known = Occasion::ALL.map(Occasion::code);
                return place.wrong("this is no event that can be told of", suggest(word, &known));
            };
            Some(occasion)
        })
    },
    print: |events| print_list(events.iter().map(|event| quoted(event.code()))),
    schema: || {
        let names = Occasion::ALL.map(Occasion::code);
        json!({ "type": "array", "minItems": 1, "uniqueItems": true, "items": { "enum": names } })
    },
};
