//! The way to the venue over HTTP and back: one request, one reply, nothing on its own account.
//!
//! 1. Nothing is sent twice: no retries, no redirects, and a change never goes out on a connection that may be stale.
//! 2. Only a failure to connect proves that nothing was sent; everything later is a doubt.
//! 3. The key leaves in one header, over TLS, except to this machine itself. No proxy of the environment sees it.
//! 4. A reply is scrubbed of our secrets before anybody has it.
//! 5. Only a [session](crate::session) sends: what is not on record, or too early, does not compile.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use clorebid_core::request::Doubt;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::{Response, Url, redirect, retry};
use secrecy::{ExposeSecret, SecretString};

use crate::clore::Scrubber;
use crate::journal::Journaled;
use crate::session::{Slot, Venue};
use crate::wire::{HttpRequest, Method, Reply};

/// The venue's own address.
pub const BASE_URL: &str = "https://api.clore.ai/v1";
/// A body beyond this many bytes is given up; a whole marketplace has about two million.
pub const BODY_MAX_BYTES: usize = 64 * 1024 * 1024;
/// Longest wait for a connection.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// A library's default name is turned away at the venue's door.
const USER_AGENT: &str = concat!("clorebid/", env!("CARGO_PKG_VERSION"));
/// The header that carries the key.
const KEY_HEADER: &str = "auth";

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Not an address of the form `https://host/path`.
    #[error("the base address is not of the form https://host/path: {0}")]
    BadAddress(&'static str),
    /// The key would leave in the clear.
    #[error("http would send the key in the clear: only https may leave this machine")]
    Insecure,
    /// The key is empty or has characters that no header can hold.
    #[error("the key is empty or holds characters that a header cannot carry")]
    BadKey,
    /// TLS could not be set up.
    #[error("the HTTP client cannot be set up")]
    Build(#[source] reqwest::Error),
}

/// A client of one base address with one key.
#[derive(Clone)]
pub struct Client {
    base: Url,
    key: HeaderValue,
    scrubber: Scrubber,
    reads: reqwest::Client,
    changes: reqwest::Client,
}

/// Shows the address, not the key.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that gives up on a request after `timeout`. Replies are scrubbed of the key.
    ///
    /// # Errors
    /// When the address or the key is unusable, or TLS has no root certificates.
    pub fn new(base_url: &str, key: SecretString, timeout: Duration) -> Result<Client, ClientError> {
        let base = check_base(base_url)?;
        let header = check_key(&key)?;
        install_tls();
        // A kept connection that the venue has closed meanwhile breaks the next request on it. For a read that costs a
        // poll; for a change it would mean not knowing whether it was made. So a change opens its own.
        let reads = build(timeout, 1)?;
        let changes = build(timeout, 0)?;
        Ok(Client { base, key: header, scrubber: Scrubber::default().with(key), reads, changes })
    }

    /// Scrubs replies of these secrets, too. The key is scrubbed in any case.
    #[must_use]
    pub fn scrubbing(mut self, secrets: impl IntoIterator<Item = SecretString>) -> Client {
        self.scrubber = secrets.into_iter().fold(self.scrubber, Scrubber::with);
        self
    }

    /// Sends one request, once, and waits for its whole answer. Private: requests come through a session.
    async fn exchange(&self, request: &HttpRequest) -> Reply {
        let (client, method) = match request.method {
            Method::Get => (&self.reads, reqwest::Method::GET),
            Method::Post => (&self.changes, reqwest::Method::POST),
        };
        let mut builder = client.request(method, self.address(request));
        builder = builder.header(KEY_HEADER, self.key.clone()).header(ACCEPT, "application/json");
        if let Some(body) = &request.body {
            builder = builder.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let response = match builder.send().await {
            Ok(response) => response,
            Err(error) => return Reply::None(doubt(&error)),
        };
        let status = response.status().as_u16();
        match whole(response).await {
            Ok(body) => Reply::Http { status, body: self.scrubber.scrub(body) },
            Err(doubt) => Reply::None(doubt),
        }
    }

    fn address(&self, request: &HttpRequest) -> Url {
        let mut url = self.base.clone();
        // It fails only for addresses without a host, which `check_base` has refused.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(&request.endpoint);
        }
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        url
    }
}

fn check_base(base_url: &str) -> Result<Url, ClientError> {
    let base = Url::parse(base_url).map_err(|_| ClientError::BadAddress("it is no URL"))?;
    let host = base.host_str().ok_or(ClientError::BadAddress("it names no host"))?;
    if !base.username().is_empty() || base.password().is_some() {
        return Err(ClientError::BadAddress("it holds a user name or a password"));
    }
    if base.query().is_some() || base.fragment().is_some() {
        return Err(ClientError::BadAddress("it has something after the path"));
    }
    match base.scheme() {
        "https" => Ok(base),
        "http" if stays_here(host) => Ok(base),
        "http" => Err(ClientError::Insecure),
        _ => Err(ClientError::BadAddress("it is neither https nor http")),
    }
}

/// Whether requests to that address stay on this machine; those to what is no address do not.
pub fn is_loopback(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.host_str().is_some_and(stays_here))
}

fn stays_here(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || IpAddr::from_str(bare).is_ok_and(|ip| ip.is_loopback())
}

fn check_key(key: &SecretString) -> Result<HeaderValue, ClientError> {
    let text = key.expose_secret();
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(ClientError::BadKey);
    }
    let mut header = HeaderValue::from_str(text).map_err(|_| ClientError::BadKey)?;
    header.set_sensitive(true);
    Ok(header)
}

/// A client for others than the venue, with the same care: TLS, nothing kept open, no retries, redirects or proxies.
///
/// # Errors
/// When TLS has no root certificates.
pub fn for_others(timeout: Duration) -> Result<reqwest::Client, ClientError> {
    install_tls();
    build(timeout, 0)
}

fn install_tls() {
    // It fails only where a provider is installed already, which then serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn build(timeout: Duration, idle_connections: usize) -> Result<reqwest::Client, ClientError> {
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_proxy()
        .connect_timeout(timeout.min(CONNECT_MAX))
        .timeout(timeout)
        .pool_max_idle_per_host(idle_connections)
        .build()
        .map_err(ClientError::Build)
}

/// The whole body, or why there is none.
async fn whole(mut response: Response) -> Result<Bytes, Doubt> {
    let mut body = BytesMut::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len().saturating_add(chunk.len()) > BODY_MAX_BYTES => return Err(Doubt::Broken),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body.freeze()),
            Err(error) if error.is_timeout() => return Err(Doubt::TimedOut),
            Err(_) => return Err(Doubt::Broken),
        }
    }
}

/// A connection that was never made, in time or at all, carried nothing. All else may have arrived.
fn doubt(error: &reqwest::Error) -> Doubt {
    if error.is_connect() {
        Doubt::Unreachable
    } else if error.is_timeout() {
        Doubt::TimedOut
    } else {
        Doubt::Broken
    }
}

impl Venue for Client {
    async fn send(&mut self, request: Journaled<HttpRequest>, _used_up: Slot) -> Reply {
        self.exchange(&request.into_inner()).await
    }

    fn name(&self) -> String {
        self.base.as_str().to_owned()
    }
}
