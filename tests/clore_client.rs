//! The way to the venue, against a small server on this machine: what is sent, how often, and what each way of getting
//! no answer is called.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use clorebid::api::Enclosure;
use clorebid::client::{Client, ClientError, is_loopback};
use clorebid::clock::Clock;
use clorebid::clore::Scrubber;
use clorebid::journal::{Journal, Mode, RunStart};
use clorebid::session::{Asked, Session};
use clorebid::wire::Reply;
use clorebid_core::ids::{OrderId, ServerId};
use clorebid_core::money::{Currency, Price};
use clorebid_core::request::{Doubt, Request};
use clorebid_core::time::Time;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const KEY: &str = "b8qwqRAL5W7YDyDJeB4XANVvKndbrrPk";
const PASSWORD: &str = "pa/ss+1234";

/// What a connection does once it has a request.
#[derive(Clone, Copy)]
enum Manner {
    /// Sends these bytes and closes.
    Says(&'static str),
    /// Says nothing.
    Silent,
    /// Closes at once.
    HangsUp,
    /// Sends the start of an answer and nothing more.
    Stalls,
    /// Sends an answer without end.
    Floods,
}

/// A server with one manner, and the requests it has had.
struct Server {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(manner: Manner) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, manner, Arc::clone(&log)));
            }
        });
        Server { address, heard }
    }

    fn client(&self) -> Client {
        client(&format!("http://{}/v1", self.address), Duration::from_secs(5))
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

async fn serve(mut socket: TcpStream, manner: Manner, log: Arc<Mutex<Vec<String>>>) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !is_whole(&request) {
        match socket.read(&mut buffer).await {
            Ok(n) if n > 0 => request.extend_from_slice(&buffer[..n]),
            _ => return,
        }
    }
    log.lock().unwrap().push(String::from_utf8(request).unwrap());
    match manner {
        Manner::Says(answer) => socket.write_all(answer.as_bytes()).await.unwrap(),
        Manner::HangsUp => {}
        Manner::Stalls => {
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"code\":").await.unwrap();
            std::future::pending::<()>().await;
        }
        Manner::Floods => {
            socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let chunk = vec![b' '; 1 << 20];
            while socket.write_all(&chunk).await.is_ok() {}
        }
        Manner::Silent => std::future::pending::<()>().await,
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0_usize)
}

fn client(base: &str, timeout: Duration) -> Client {
    Client::new(base, key(), timeout).unwrap()
}

fn key() -> SecretString {
    SecretString::from(KEY.to_owned())
}

fn reprice() -> Request {
    let (from, to) = (Price::parse("0.0000042").unwrap(), Price::parse("0.0000032").unwrap());
    Request::Reprice { server: ServerId(6), order: OrderId(39), from, to }
}

/// Sends these one after the other through a session, which is the only way there is.
async fn send_all(client: Client, requests: &[Request]) -> Vec<Reply> {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(&folder.path().join("client.db")).await.unwrap();
    let (clock, currency) = (Clock::logical(Time::from_secs(1), None), Currency::Bitcoin);
    let start = RunStart {
        at: clock.now(),
        mode: Mode::Live,
        strategy: "client",
        strategy_toml: "",
        venue: "a test",
        seed: None,
        currency,
        memory: "",
    };
    journal.begin_run(start).await.unwrap();
    let (_, never_told) = watch::channel(false);
    let enclosed = Enclosure::new(currency, Vec::new());
    let mut session = Session::new(journal, clock, client, enclosed, (currency, currency.tick()), never_told);
    let mut replies = Vec::new();
    for (seq, request) in (1..).zip(requests) {
        session.wait().await;
        let asked = Asked::plain(seq, session.clock().now(), *request, "to see what is sent");
        replies.push(session.send(asked).await.unwrap().reply);
    }
    replies
}

async fn send(client: Client, request: Request) -> Reply {
    send_all(client, &[request]).await.remove(0)
}

const GOOD: Manner = Manner::Says("HTTP/1.1 200 OK\r\ncontent-length: 10\r\nconnection: close\r\n\r\n{\"code\":0}");

#[tokio::test]
async fn a_read_carries_the_key_in_its_header_and_our_own_name() {
    let server = Server::start(GOOD).await;
    let reply = send(server.client(), Request::SpotMarket { server: ServerId(6) }).await;
    assert_eq!(reply, Reply::Http { status: 200, body: Bytes::from_static(b"{\"code\":0}") });
    let heard = server.heard().remove(0);
    assert!(heard.starts_with("GET /v1/spot_marketplace?market=6 HTTP/1.1\r\n"), "{heard}");
    assert!(heard.contains(&format!("\r\nauth: {KEY}\r\n")), "{heard}");
    let name = format!("\r\nuser-agent: clorebid/{}\r\n", env!("CARGO_PKG_VERSION"));
    assert!(heard.contains(&name), "{heard}");
}

#[tokio::test]
async fn a_change_is_posted_as_json_with_its_exact_price() {
    let server = Server::start(GOOD).await;
    send(server.client(), reprice()).await;
    let heard = server.heard().remove(0);
    assert!(heard.starts_with("POST /v1/set_spot_price HTTP/1.1\r\n"), "{heard}");
    assert!(heard.contains("\r\ncontent-type: application/json\r\n"), "{heard}");
    assert!(heard.ends_with("\r\n\r\n{\"order_id\":39,\"desired_price\":0.0000032}"), "{heard}");
}

#[tokio::test]
async fn a_slash_after_the_base_address_makes_no_difference() {
    let server = Server::start(GOOD).await;
    send(client(&format!("http://{}/v1/", server.address), Duration::from_secs(5)), Request::Wallets).await;
    assert!(server.heard().remove(0).starts_with("GET /v1/wallets HTTP/1.1\r\n"));
}

#[tokio::test]
async fn an_odd_status_is_handed_on_with_its_body() {
    let server = Server::start(Manner::Says("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 6\r\n\r\n<html>")).await;
    let reply = send(server.client(), Request::Wallets).await;
    assert_eq!(reply, Reply::Http { status: 502, body: Bytes::from_static(b"<html>") });
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(GOOD).await;
    let to = format!("HTTP/1.1 307 Moved\r\nlocation: http://{}/v1/x\r\ncontent-length: 0\r\n\r\n", elsewhere.address);
    let server = Server::start(Manner::Says(to.leak())).await;
    for request in [Request::Wallets, reprice()] {
        assert_eq!(send(server.client(), request).await, Reply::Http { status: 307, body: Bytes::new() });
    }
    assert!(elsewhere.heard().is_empty(), "the key must not travel on");
}

#[tokio::test]
async fn no_answer_in_time_is_called_timed_out() {
    for manner in [Manner::Silent, Manner::Stalls] {
        let server = Server::start(manner).await;
        let hasty = client(&format!("http://{}/v1", server.address), Duration::from_millis(300));
        for request in [Request::Wallets, reprice()] {
            assert_eq!(send(hasty.clone(), request).await, Reply::None(Doubt::TimedOut));
        }
        assert_eq!(server.heard().len(), 2, "each is sent once");
    }
}

#[tokio::test]
async fn a_refused_connection_is_called_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let nobody = client(&format!("http://{address}/v1"), Duration::from_secs(5));
    assert_eq!(send(nobody, reprice()).await, Reply::None(Doubt::Unreachable));
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_is_called_broken_and_not_tried_again() {
    let server = Server::start(Manner::HangsUp).await;
    for request in [Request::Wallets, reprice()] {
        assert_eq!(send(server.client(), request).await, Reply::None(Doubt::Broken));
    }
    assert_eq!(server.heard().len(), 2);
}

#[tokio::test]
async fn a_cut_body_is_called_broken() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"code\":0}";
    let server = Server::start(Manner::Says(cut)).await;
    assert_eq!(send(server.client(), reprice()).await, Reply::None(Doubt::Broken));
    let cut = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\n{\"code\":0}\r\n";
    let server = Server::start(Manner::Says(cut)).await;
    assert_eq!(send(server.client(), Request::Wallets).await, Reply::None(Doubt::Broken));
    assert_eq!(server.heard().len(), 1);
}

#[tokio::test]
async fn a_body_without_end_is_given_up() {
    let server = Server::start(Manner::Floods).await;
    let patient = client(&format!("http://{}/v1", server.address), Duration::from_secs(60));
    assert_eq!(send(patient, Request::Marketplace).await, Reply::None(Doubt::Broken));
}

#[tokio::test]
async fn every_change_goes_out_on_a_connection_of_its_own() {
    let accepted = Arc::new(Mutex::new(0));
    let count = Arc::clone(&accepted);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            *count.lock().unwrap() += 1;
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while socket.read(&mut buffer).await.is_ok_and(|n| n > 0) {
                    let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"code\":0}").await;
                }
            });
        }
    });
    let client = client(&base, Duration::from_secs(5));
    for reply in send_all(client, &[reprice(); 3]).await {
        assert!(matches!(reply, Reply::Http { status: 200, .. }));
    }
    assert_eq!(*accepted.lock().unwrap(), 3);
}

#[tokio::test]
async fn a_secret_that_the_venue_echoes_does_not_come_in() {
    let echo = "{\"error\":\"bad password pa\\/ss+1234 for b8qwqRAL5W7YDyDJeB4XANVvKndbrrPk\",\"code\":2}";
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{echo}", echo.len());
    let server = Server::start(Manner::Says(answer.leak())).await;
    let client = server.client().scrubbing([SecretString::from(PASSWORD.to_owned())]);
    let reply = send(client, Request::Wallets).await;
    let clean = Bytes::from_static(b"{\"error\":\"bad password *** for ***\",\"code\":2}");
    assert_eq!(reply, Reply::Http { status: 200, body: clean });
}

#[test]
fn only_an_address_of_this_machine_is_a_loopback() {
    for here in ["http://localhost/v1", "http://127.0.0.1:8080/v1", "https://127.9.9.9", "http://[::1]:1/v1?a=b"] {
        assert!(is_loopback(here), "{here}");
    }
    for elsewhere in [
        "https://api.clore.ai/v1",
        "http://localhost.example",
        "http://localhost:80@api.clore.ai/v1",
        "http://10.0.0.1/127.0.0.1",
        "http://0.0.0.0/",
        "localhost",
        "",
    ] {
        assert!(!is_loopback(elsewhere), "{elsewhere}");
    }
}

#[test]
fn the_key_leaves_in_the_clear_only_to_this_machine() {
    for insecure in ["http://api.clore.ai/v1", "http://10.0.0.1/v1", "http://localhost.example/v1", "http://0.0.0.0/"] {
        let refused = Client::new(insecure, key(), Duration::from_secs(1));
        assert!(matches!(refused, Err(ClientError::Insecure)), "{insecure}");
    }
    for fine in ["https://api.clore.ai/v1", "http://localhost:80/v1", "http://127.0.0.1:8080/v1", "http://[::1]:1/v1"] {
        assert!(Client::new(fine, key(), Duration::from_secs(1)).is_ok(), "{fine}");
    }
    for bad in
        ["", "api.clore.ai", "ftp://api.clore.ai/v1", "https://me:pw@api.clore.ai/v1", "https://api.clore.ai/?a=b"]
    {
        let refused = Client::new(bad, key(), Duration::from_secs(1));
        assert!(matches!(refused, Err(ClientError::BadAddress(_))), "{bad}");
    }
}

#[test]
fn a_key_that_no_header_can_carry_is_refused_and_never_shown() {
    for bad in ["", "two words", "line\nbreak", "schlüssel"] {
        let refused =
            Client::new("https://api.clore.ai/v1", SecretString::from(bad.to_owned()), Duration::from_secs(1));
        let error = refused.unwrap_err();
        assert!(matches!(error, ClientError::BadKey));
        assert!(bad.is_empty() || !format!("{error} {error:?}").contains(bad));
    }
    let client = client("https://api.clore.ai/v1", Duration::from_secs(1));
    assert!(!format!("{client:?}").contains(KEY));
}

fn scrubber(secrets: &[&str]) -> Scrubber {
    Scrubber::new(secrets.iter().map(|s| SecretString::from((*s).to_owned())))
}

fn scrubbed(secrets: &[&str], body: &'static str) -> String {
    String::from_utf8(scrubber(secrets).scrub(Bytes::from_static(body.as_bytes())).to_vec()).unwrap()
}

#[test]
fn a_secret_is_found_as_it_is_and_as_json_writes_it() {
    assert_eq!(scrubbed(&["a\"b\\c\n"], r#"{"x":"a\"b\\c\n!"}"#), r#"{"x":"***!"}"#);
    assert_eq!(scrubbed(&["grün"], r#"{"x":"gr\u00fcn grün"}"#), r#"{"x":"*** ***"}"#);
    assert_eq!(scrubbed(&["hunter2"], "<p>hunter2</p>"), "<p>***</p>");
    assert_eq!(scrubbed(&["hunter2", "hunter2000"], r#"{"x":"hunter2000"}"#), r#"{"x":"***"}"#);
    assert_eq!(scrubbed(&["aaaa"], r#"{"x":"aaaaaa"}"#), r#"{"x":"***"}"#);
    assert_eq!(scrubbed(&["hunter2"], r#"{"x":"hunter2"#), r#"{"x":"***"#, "cut off");
    assert_eq!(scrubber(&["hunter2"]).scrub_str("code=hunter2 hunter2"), "code=*** ***");
    assert!(!format!("{:?}", scrubber(&["hunter2"])).contains("hunter2"));
}

#[test]
fn a_secret_that_looks_like_json_does_not_break_the_answer() {
    let body = r#"{"code":0,"orders":[{"id":112345,"spot":true,"image":"x\nice 1234"}]}"#;
    let clean = r#"{"code":0,"orders":[{"id":112345,"spot":true,"image":"x\nice ***"}]}"#;
    assert_eq!(scrubbed(&["1234", "true", "code", "orders", "nice"], body), clean);
    assert_eq!(scrubbed(&["abc", "ab", ""], r#"{"x":"abc"}"#), r#"{"x":"abc"}"#, "too short to be told from words");
    let key = r#"{"b8qwqRAL5W7YDyDJeB4XANVvKndbrrPk":1}"#;
    assert_eq!(scrubbed(&[KEY], key), r#"{"***":1}"#, "a long secret goes wherever it stands");
}

#[test]
fn a_body_without_secrets_is_the_same_body() {
    let body = Bytes::from_static(b"{\"code\":0,\"x\":\"\xff\"}");
    assert_eq!(scrubber(&["hunter2"]).scrub(body.clone()).as_ptr(), body.as_ptr());
}
