//! The way to a receiver and back: one request, one answer, of which no more is read than a person would.
//!
//! What reqwest says of a failure may hold the address, so none of it is kept: a failure is one of four kinds.

use std::fmt;
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Response, Url};

use super::wording::cut;
use crate::client::{self, ClientError};
use crate::clore::Scrubber;

/// No more of an answer than this is looked at.
const READ_MAX: usize = 2_048;
/// And no more of it is shown.
const SHOWN_MAX: usize = 200;
/// Whoever took the message may take so long to say so.
const SAYING_MAX: Duration = Duration::from_secs(2);

/// A request to a receiver. It does not print itself: its address and headers are secrets.
pub(super) struct Letter {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// What a receiver answered, without our secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The HTTP status.
    pub status: u16,
    /// The beginning of the body, on one line.
    pub text: String,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}", self.status)?;
        if self.text.is_empty() { Ok(()) } else { write!(f, ": {}", self.text) }
    }
}

/// Why a receiver did not take a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No connection could be made.
    #[error("no connection")]
    Unreachable,
    /// No answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// The connection broke.
    #[error("the connection broke")]
    Broken,
    /// It said no.
    #[error("{said}")]
    Refused {
        /// What it said.
        said: Said,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
}

impl Trouble {
    /// Whether the same message would be refused again: the address or the token is wrong, or the message itself.
    pub fn is_final(&self) -> bool {
        match self {
            Trouble::Refused { said, .. } => said.status < 500 && !matches!(said.status, 408 | 425 | 429),
            _ => false,
        }
    }

    /// How long the receiver wants to be left alone, where it said so.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        if let Trouble::Refused { retry_after, .. } = self { *retry_after } else { None }
    }
}

/// Sends letters.
#[derive(Clone)]
pub(super) struct Post(reqwest::Client);

impl Post {
    /// Gives up on a receiver that does not answer in that time.
    pub(super) fn new(timeout: Duration) -> Result<Post, ClientError> {
        client::for_others(timeout).map(Post)
    }

    /// Sends it once; what is answered is scrubbed of the receiver's secrets.
    pub(super) async fn send(&self, letter: &Letter, scrubber: &Scrubber) -> Result<Said, Trouble> {
        let request = self.0.post(letter.url.clone()).headers(letter.headers.clone()).body(letter.body.clone());
        let response = request.send().await.map_err(|error| trouble(&error))?;
        let (status, is_good) = (response.status().as_u16(), response.status().is_success());
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let said = Said { status, text: shown(&beginning(response).await, scrubber) };
        if is_good {
            return Ok(said);
        }
        Err(Trouble::Refused { said, retry_after: retry_after.map(Duration::from_secs) })
    }
}

fn trouble(error: &reqwest::Error) -> Trouble {
    if error.is_connect() {
        Trouble::Unreachable
    } else if error.is_timeout() {
        Trouble::TimedOut
    } else {
        Trouble::Broken
    }
}

/// What comes first of a body; the rest, and a body that breaks off or is late, is of no interest.
async fn beginning(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    let reading = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            let room = READ_MAX.saturating_sub(body.len());
            body.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
            if body.len() >= READ_MAX {
                break;
            }
        }
    };
    let _late = tokio::time::timeout(SAYING_MAX, reading).await;
    body
}

/// The text on one line, without secrets and without what would move a terminal's cursor.
fn shown(body: &[u8], scrubber: &Scrubber) -> String {
    let text = String::from_utf8_lossy(body);
    // Scrubbed before it is cut: half a secret at the end would no longer be known as one.
    let clean: String = scrubber.scrub_str(&text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = clean.split_whitespace().collect();
    let line = words.join(" ");
    let beginning = cut(&line, SHOWN_MAX);
    if beginning.len() < line.len() { format!("{beginning}…") } else { line }
}
