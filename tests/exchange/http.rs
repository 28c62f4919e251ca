//! The venue behind HTTP: the same answers, and faults that a real client sees as such.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::Request;
use clorebid::clock::Clock;
use clorebid::sim::{Exchange, PAPER_KEY, Scenario, Shared, router, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use crate::support::{QUIET, spot};

fn shared(text: &str) -> Shared {
    let exchange = Exchange::new(Scenario::parse(text).unwrap(), None);
    let clock = Clock::logical(exchange.start(), None);
    Shared { exchange: Arc::new(Mutex::new(exchange)), clock }
}

async fn ask(shared: &Shared, method: &str, path: &str, body: &str) -> (u16, String) {
    let later = shared.clock.now() + clorebid::core::time::Span::from_secs(5);
    shared.clock.sleep_until(later).await;
    let request = Request::builder().method(method).uri(path).header("auth", PAPER_KEY);
    let request = request.body(Body::from(body.to_string())).unwrap();
    let response = router(shared.clone(), |_| {}).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn every_call_is_served_with_and_without_the_version() {
    let shared = shared(QUIET);
    for path in ["/v1/wallets", "/wallets"] {
        assert!(ask(&shared, "GET", path, "").await.1.starts_with(r#"{"wallets":"#));
    }
    assert_eq!(ask(&shared, "POST", "/v1/create_order", &spot(6, "0.000002")).await, (200, r#"{"code":0}"#.into()));
    assert!(ask(&shared, "GET", "/v1/spot_marketplace?market=6", "").await.1.contains(r#""my":true"#));
    assert!(ask(&shared, "GET", "/v1/spot_marketplace?market=%36", "").await.1.contains(r#""my":true"#));
    let config = ask(&shared, "GET", "/v1/server_config", r#"{"server_name":"cellar"}"#).await;
    assert!(config.1.contains(r#""creation_completed":true"#));
}

#[tokio::test]
async fn what_is_no_call_of_the_page_gets_its_code() {
    let shared = shared(QUIET);
    assert_eq!(ask(&shared, "GET", "/v1/nothing", "").await, (404, r#"{"code":4}"#.into()));
    assert_eq!(ask(&shared, "DELETE", "/v1/wallets", "").await, (404, r#"{"code":4}"#.into()));
    assert_eq!(ask(&shared, "POST", "/v1/create_order", "currency=bitcoin").await, (400, r#"{"code":2}"#.into()));
    assert_eq!(ask(&shared, "POST", "/v1/cancel_order", &"x".repeat(1 << 21)).await, (413, r#"{"code":2}"#.into()));
}

/// Sends one request over a real socket and reads until the server closes, or for a while.
async fn over_socket(fault: &str) -> (String, usize) {
    let text = format!("name = \"x\"\n[wallets]\nbitcoin = 1\n[[fault]]\ncall = \"wallets\"\nkind = \"{fault}\"");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let seen = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&seen);
    let server = serve(listener, shared(&text), move |_| *counted.lock().unwrap() += 1, async {
        stopped.await.unwrap();
    });
    let server = tokio::spawn(server);
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /v1/wallets HTTP/1.1\r\nhost: x\r\nauth: {PAPER_KEY}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Only a timeout keeps the connection open, and silent; any other fault ends it, however slow this machine is.
    let silent = fault == "timeout";
    let patience = std::time::Duration::from_millis(if silent { 500 } else { 30_000 });
    let read = tokio::time::timeout(patience, stream.read_to_end(&mut answer)).await;
    assert_eq!(read.is_err(), silent, "{fault}: {read:?}");
    drop(stream);
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    let seen = *seen.lock().unwrap();
    (String::from_utf8_lossy(&answer).into_owned(), seen)
}

#[tokio::test]
async fn a_lost_answer_breaks_the_connection_before_any_body() {
    for fault in ["lost_before", "lost_after"] {
        let (answer, seen) = over_socket(fault).await;
        assert_eq!(answer, "");
        assert_eq!(seen, 1);
    }
}

#[tokio::test]
async fn a_cut_off_answer_is_shorter_than_it_promised() {
    let (answer, _) = over_socket("cut_off").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let promised = head.lines().find_map(|l| l.strip_prefix("content-length: ")).unwrap();
    assert_eq!(promised.parse::<usize>().unwrap() / 2, body.len());
    assert!(body.starts_with(r#"{"wallets""#));
}

#[tokio::test]
async fn a_502_is_html() {
    let (answer, _) = over_socket("html_502_after").await;
    assert!(answer.starts_with("HTTP/1.1 502") && answer.contains("text/html"), "{answer}");
}

#[tokio::test]
async fn an_answer_that_never_comes_ends_with_the_server() {
    let (answer, seen) = over_socket("timeout").await;
    assert_eq!((answer.as_str(), seen), ("", 1));
}
