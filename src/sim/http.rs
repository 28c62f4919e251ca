//! The simulated venue behind HTTP, for any client: `/v1/{call}` or `/{call}`, key in the header `auth`.
//!
//! Faults are real here: a lost answer breaks the connection, a cut-off one promises more bytes than it sends, and one
//! that never comes keeps the client waiting.

use std::borrow::Cow;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use clorebid_core::time::Span;
use futures_util::{StreamExt, stream};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::exchange::Exchange;
use super::reply::{Handled, LogEntry, Wire};
use crate::clock::Clock;
use crate::wire;
use crate::wire::HttpRequest;

/// A longer body than this is no request of the page.
const LONGEST_BODY: usize = 1024 * 1024;
/// When the server gives up on a client that it never answers.
const NEVER: Duration = Duration::from_secs(90);
/// How long half an answer has to leave before the line breaks.
const BREATH: Duration = Duration::from_millis(20);

/// What the server and whoever drives it share.
#[derive(Debug, Clone)]
pub struct Shared {
    /// The venue.
    pub exchange: Arc<Mutex<Exchange>>,
    /// Its time.
    pub clock: Clock,
}

#[derive(Clone)]
struct Served {
    shared: Shared,
    on_request: Arc<dyn Fn(LogEntry) + Send + Sync>,
    stopping: watch::Receiver<bool>,
}

/// Serves the venue until `shutdown`. `on_request` is told of every request once it was carried out.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    shared: Shared,
    on_request: impl Fn(LogEntry) + Send + Sync + 'static,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stop, stopping) = watch::channel(false);
    let app = routes(Served { shared, on_request: Arc::new(on_request), stopping });
    let stopped = async move {
        shutdown.await;
        // Nobody may be listening any more, which is as good.
        let _ = stop.send(true);
    };
    axum::serve(listener, app).with_graceful_shutdown(stopped).await
}

/// The venue as a service, for tests without a socket. An answer that never comes takes 90 s.
pub fn router(shared: Shared, on_request: impl Fn(LogEntry) + Send + Sync + 'static) -> Router {
    let (_stop, stopping) = watch::channel(false);
    routes(Served { shared, on_request: Arc::new(on_request), stopping })
}

fn routes(served: Served) -> Router {
    Router::new().fallback(answer).with_state(served)
}

async fn answer(State(served): State<Served>, request: Request) -> Result<Response, Infallible> {
    let key = request.headers().get("auth").map(|key| String::from_utf8_lossy(key.as_bytes()).into_owned());
    let Some(request) = read(request).await else {
        return Ok((StatusCode::PAYLOAD_TOO_LARGE, r#"{"code":2}"#).into_response());
    };
    let clock = served.shared.clock.clone();
    let (sent, handled) = {
        let mut exchange = served.shared.exchange.lock().unwrap_or_else(PoisonError::into_inner);
        // The time is taken under the lock, so that requests arrive in the order of their times.
        let now = clock.now();
        (now, exchange.handle(now, key.as_deref(), &request))
    };
    (served.on_request)(handled.log.clone());
    if handled.wire == Wire::Never {
        wait_for_nothing(served.stopping).await;
    } else if handled.latency > Span::ZERO {
        clock.sleep_until(sent + handled.latency).await;
    }
    Ok(respond(handled))
}

/// Waits until the server stops, or for longer than any client.
async fn wait_for_nothing(mut stopping: watch::Receiver<bool>) {
    let stopped = async {
        if stopping.wait_for(|stopping| *stopping).await.is_err() {
            // No server that could stop: a router by itself.
            std::future::pending::<()>().await;
        }
    };
    let _ = tokio::time::timeout(NEVER, stopped).await;
}

/// The request, or nothing where its body is too long or breaks off.
async fn read(request: Request) -> Option<HttpRequest> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let call = path.strip_prefix("/v1/").or(path.strip_prefix('/')).unwrap_or(path);
    // A method that the venue does not have belongs to no call.
    let (method, endpoint) = match parts.method {
        Method::GET => (wire::Method::Get, call.to_string()),
        Method::POST => (wire::Method::Post, call.to_string()),
        _ => (wire::Method::Get, String::new()),
    };
    let query = parts.uri.query().map(read_query).unwrap_or_default();
    let body = axum::body::to_bytes(body, LONGEST_BODY).await.ok()?;
    let body = (!body.is_empty()).then(|| String::from_utf8_lossy(&body).into_owned());
    Some(HttpRequest { method, endpoint: Cow::Owned(endpoint), query, body })
}

fn read_query(query: &str) -> Vec<(Cow<'static, str>, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (Cow::Owned(decode(name)), decode(value))
        })
        .collect()
}

/// Undoes percent-encoding; what is no valid escape stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = tail.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let escaped = escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(match (escaped, first) {
            (Some(byte), _) => byte,
            (None, b'+') => b' ',
            (None, other) => *other,
        });
        rest = if escaped.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn respond(handled: Handled) -> Response {
    let status = StatusCode::from_u16(handled.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = if handled.status == 502 { "text/html" } else { "application/json" };
    let response = Response::builder().status(status).header(header::CONTENT_TYPE, kind);
    let response = match handled.wire {
        Wire::Whole => response.body(Body::from(handled.body)),
        Wire::CutOff { promised } => response.header(header::CONTENT_LENGTH, promised).body(broken_after(handled.body)),
        Wire::Lost | Wire::Never => response.header(header::CONTENT_LENGTH, 1).body(broken_after(Bytes::new())),
    };
    // Status, header and length are all well-formed, so building the response cannot fail.
    response.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// A body that breaks the connection once these bytes are sent; with none, before even the head is.
fn broken_after(bytes: Bytes) -> Body {
    let head = (!bytes.is_empty()).then_some(bytes);
    let sends = head.is_some();
    let broken = async move {
        if sends {
            // What was written so far goes out while the body is waited for.
            tokio::time::sleep(BREATH).await;
        }
        Err(io::Error::new(io::ErrorKind::ConnectionReset, "the simulated line broke"))
    };
    Body::from_stream(stream::iter(head.map(Ok)).chain(stream::once(broken)))
}
