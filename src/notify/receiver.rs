//! A receiver with its secrets, and the exact request that each kind takes.
//!
//! | kind | request | source |
//! |---|---|---|
//! | webhook | POST of our own JSON, or of a template | |
//! | discord | POST `{"content", "allowed_mentions"}`, at most 2000 characters | Discord's page "Execute Webhook" |
//! | slack | POST `{"text"}`, with `&`, `<` and `>` escaped | Slack's page "Incoming webhooks" |
//! | telegram | POST `/bot<token>/sendMessage` with `{"chat_id", "text"}`, at most 4096 characters | the Bot API's page |
//! | ntfy | POST of the text to the topic, title and priority in headers, at most 4096 bytes | ntfy's page "Publishing" |

use std::fmt;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::post::Letter;
use super::wording::Wording;
use super::{About, Shared};
use crate::client::is_loopback;
use crate::clore::Scrubber;
use crate::strategy::{Blank, Channel, NotifySpec, Occasion, Secret, Template};

/// Telegram's own server.
const TELEGRAM: &str = "https://api.telegram.org";
/// Most bytes of a text; bytes are never fewer than the characters that the page counts.
const DISCORD_MAX: usize = 2_000;
const SLACK_MAX: usize = 3_000;
const TELEGRAM_MAX: usize = 4_096;
const NTFY_MAX: usize = 4_096;

/// Why a receiver cannot be used. It names where a secret stands, never the secret.
#[derive(Debug, thiserror::Error)]
pub enum ReceiverError {
    /// The variable is not set, or holds no text.
    #[error("receiver {name}: {from} is not set")]
    NotSet {
        /// The receiver.
        name: String,
        /// Where its secret should stand.
        from: Secret,
    },
    /// The file cannot be read.
    #[error("receiver {name}: {from} cannot be read: {why}")]
    Unreadable {
        /// The receiver.
        name: String,
        /// Where its secret should stand.
        from: Secret,
        /// What the machine says.
        why: std::io::Error,
    },
    /// What stands there is no address of HTTP.
    #[error("receiver {name}: what stands in {from} is not an address that begins with https:// or http://")]
    NotAnAddress {
        /// The receiver.
        name: String,
        /// Where its secret stands.
        from: Secret,
    },
    /// What stands there is no token.
    #[error("receiver {name}: what stands in {from} is not a token: it is empty, or has blanks or unusual characters")]
    NotAToken {
        /// The receiver.
        name: String,
        /// Where its secret stands.
        from: Secret,
    },
}

/// A receiver with its secrets.
pub struct Receiver {
    name: String,
    kind: &'static str,
    way: Way,
    events: Vec<Occasion>,
    at_most_every: Duration,
}

/// Says who it is, not where.
impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("name", &self.name).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// A channel whose secrets are known.
enum Way {
    Webhook { url: Url, token: Option<SecretString>, template: Option<Template> },
    Discord(Url),
    Slack(Url),
    Telegram { token: SecretString, chat: String, url: Url },
    Ntfy { url: Url, token: Option<SecretString> },
}

impl Receiver {
    /// Fetches a receiver's secrets from where they stand.
    ///
    /// # Errors
    /// When one is not there, or is no address or token.
    pub fn open(spec: &NotifySpec) -> Result<Receiver, ReceiverError> {
        let open = Opener { name: &spec.name };
        let bearer = |token: &Option<Secret>| token.as_ref().map(|token| open.token(token)).transpose();
        let way = match &spec.channel {
            Channel::Webhook { url, token, template } => {
                Way::Webhook { url: open.url(url)?, token: bearer(token)?, template: template.clone() }
            }
            Channel::Discord { url } => Way::Discord(open.url(url)?),
            Channel::Slack { url } => Way::Slack(open.url(url)?),
            Channel::Telegram { token, chat, url } => {
                let (token, chat) = (open.token(token)?, chat.clone());
                let own = || Url::parse(TELEGRAM).unwrap_or_else(|_| unreachable!("a good address"));
                let url = url.as_ref().map(|url| open.url(url)).transpose()?.unwrap_or_else(own);
                Way::Telegram { token, chat, url }
            }
            Channel::Ntfy { url, token } => Way::Ntfy { url: open.url(url)?, token: bearer(token)? },
        };
        let at_most_every = Duration::from_millis(u64::try_from(spec.at_most_every.ms()).unwrap_or(0));
        let (name, kind, events) = (spec.name.clone(), spec.kind(), spec.events.clone());
        Ok(Receiver { name, kind, way, events, at_most_every })
    }

    /// What warnings and metrics call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of its kind.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    pub(super) fn wants(&self, occasion: Option<Occasion>) -> bool {
        occasion.is_none_or(|occasion| self.events.contains(&occasion))
    }

    pub(super) fn at_most_every(&self) -> Duration {
        self.at_most_every
    }

    /// Whether what it is told leaves this machine unencrypted.
    pub fn is_in_the_clear(&self) -> bool {
        let url = self.url();
        url.scheme() == "http" && !is_loopback(url.as_str())
    }

    /// What must not be seen in any log: the token, and all of the address but scheme and host.
    pub fn secrets(&self) -> Vec<SecretString> {
        let url = self.url();
        let mut secrets = vec![url.path().trim_matches('/'), url.username(), url.password().unwrap_or_default()];
        secrets.extend(url.query());
        secrets.extend(self.token().map(ExposeSecret::expose_secret));
        secrets.into_iter().filter(|secret| !secret.is_empty()).map(SecretString::from).collect()
    }

    pub(super) fn scrubber(&self) -> Scrubber {
        Scrubber::new(self.secrets())
    }

    fn url(&self) -> &Url {
        match &self.way {
            Way::Webhook { url, .. } | Way::Telegram { url, .. } | Way::Ntfy { url, .. } => url,
            Way::Discord(url) | Way::Slack(url) => url,
        }
    }

    fn token(&self) -> Option<&SecretString> {
        match &self.way {
            Way::Webhook { token, .. } | Way::Ntfy { token, .. } => token.as_ref(),
            Way::Telegram { token, .. } => Some(token),
            Way::Discord(_) | Way::Slack(_) => None,
        }
    }

    /// The request that tells it all this.
    pub(super) fn letter(&self, about: &About, news: &[Shared]) -> Letter {
        let words = Wording::new(about, news);
        let below_the_title = |most: usize, escape: fn(&str) -> String| {
            let title = escape(&words.title());
            let lines = words.lines(most.saturating_sub(title.len() + 1));
            let escaped = escape(&lines);
            // Escapes take room, too; there are seldom any.
            let text = if title.len() + 1 + escaped.len() > most { words.lines(most / 6) } else { lines };
            format!("{title}\n{}", escape(&text))
        };
        let url = self.url().clone();
        match &self.way {
            Way::Webhook { token, template, .. } => webhook(url, token.as_ref(), template.as_ref(), &words),
            Way::Discord(_) => {
                let content = below_the_title(DISCORD_MAX, without_markdown);
                // A target's name must not wake everybody.
                json_letter(url, json!({ "content": content, "allowed_mentions": { "parse": [] } }).to_string())
            }
            Way::Slack(_) => {
                json_letter(url, json!({ "text": below_the_title(SLACK_MAX, without_entities) }).to_string())
            }
            Way::Telegram { token, chat, .. } => {
                let text = below_the_title(TELEGRAM_MAX, str::to_owned);
                let mut url = url;
                // It fails only for addresses without a host, which are none of HTTP.
                if let Ok(mut path) = url.path_segments_mut() {
                    path.pop_if_empty().push(&format!("bot{}", token.expose_secret())).push("sendMessage");
                }
                json_letter(url, json!({ "chat_id": chat, "text": text }).to_string())
            }
            Way::Ntfy { token, .. } => ntfy(url, token.as_ref(), &words),
        }
    }
}

fn webhook(url: Url, token: Option<&SecretString>, template: Option<&Template>, words: &Wording<'_>) -> Letter {
    let Some(template) = template else { return with_bearer(json_letter(url, words.json()), token) };
    let (text, title, events, at) = (words.lines(usize::MAX), words.title(), words.events(), words.at());
    let body = template.filled(|blank| match blank {
        Blank::Text => &text,
        Blank::Title => &title,
        Blank::Events => &events,
        Blank::Strategy => &words.about().strategy,
        Blank::Mode => words.about().mode,
        Blank::At => &at,
        Blank::Token => token.map_or("", ExposeSecret::expose_secret),
    });
    // A token that stands in the body is not sent twice.
    with_bearer(json_letter(url, body), token.filter(|_| !template.has(Blank::Token)))
}

fn ntfy(url: Url, token: Option<&SecretString>, words: &Wording<'_>) -> Letter {
    let mut headers = HeaderMap::new();
    // It takes UTF-8 in headers; a strategy's name is one line of it.
    if let Ok(title) = HeaderValue::from_bytes(words.title().as_bytes()) {
        headers.insert(HeaderName::from_static("title"), title);
    }
    if words.is_bad() {
        headers.insert(HeaderName::from_static("priority"), HeaderValue::from_static("high"));
        headers.insert(HeaderName::from_static("tags"), HeaderValue::from_static("warning"));
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    with_bearer(Letter { url, headers, body: words.lines(NTFY_MAX) }, token)
}

fn json_letter(url: Url, body: String) -> Letter {
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    Letter { url, headers, body }
}

fn with_bearer(mut letter: Letter, token: Option<&SecretString>) -> Letter {
    // Proof: a token holds nothing that a header could not, or there would be no receiver.
    if let Some(mut value) = token.and_then(|t| HeaderValue::from_str(&format!("Bearer {}", t.expose_secret())).ok()) {
        value.set_sensitive(true);
        letter.headers.insert(AUTHORIZATION, value);
    }
    letter
}

/// Discord would take an underscore in a name for the beginning of slanted text.
fn without_markdown(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '*' | '_' | '~' | '`' | '|' | '[') {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

/// Slack reads these three as its own marks.
fn without_entities(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Fetches the secrets of one receiver.
struct Opener<'a> {
    name: &'a str,
}

impl Opener<'_> {
    fn text(&self, secret: &Secret) -> Result<SecretString, ReceiverError> {
        let (name, from) = (self.name.to_owned(), secret.clone());
        let text = match secret {
            Secret::Env(variable) => std::env::var(variable).map_err(|_| ReceiverError::NotSet { name, from })?,
            Secret::File(path) => {
                std::fs::read_to_string(path).map_err(|why| ReceiverError::Unreadable { name, from, why })?
            }
        };
        Ok(SecretString::from(text.trim().to_owned()))
    }

    fn url(&self, secret: &Secret) -> Result<Url, ReceiverError> {
        let text = self.text(secret)?;
        let url = Url::parse(text.expose_secret()).ok();
        let url = url.filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
        url.ok_or_else(|| ReceiverError::NotAnAddress { name: self.name.to_owned(), from: secret.clone() })
    }

    fn token(&self, secret: &Secret) -> Result<SecretString, ReceiverError> {
        let text = self.text(secret)?;
        let token = text.expose_secret();
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(ReceiverError::NotAToken { name: self.name.to_owned(), from: secret.clone() });
        }
        Ok(text)
    }
}
