//! A receiver on 127.0.0.1 that keeps what it hears, byte by byte, and answers well or badly.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clorebid::core::time::Span;
use clorebid::notify::{About, Patience, Receiver, Telling};
use clorebid::strategy::read_receivers;
use serde_json::Value;

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// With that status and body.
    Says(u16, &'static str),
    /// With status 503 so many times, then well.
    Fails(usize),
    /// With status 429 once, and the wish to be asked again at once; then well.
    AsksForPatience,
    /// Never.
    Hangs,
    /// By closing the connection at once.
    Closes,
    /// With status 200 and so many bytes.
    Prints(usize),
    /// With what it was sent, address and headers included.
    Echoes,
}

pub const TAKES: Manner = Manner::Says(200, "ok");

/// One that is there until it is dropped.
pub struct Server {
    pub address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn new(manner: Manner) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || serve(stream, manner, &kept));
            }
        });
        Server { address, heard }
    }

    /// An address at which nobody listens.
    pub fn nobody() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port")
    }

    /// Every request so far, as it came.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("the requests").clone()
    }

    /// The events of our own JSON in every request so far, in order.
    pub fn events(&self) -> Vec<Value> {
        let bodies = self.heard().into_iter().map(|request| body(&request));
        bodies.flat_map(|body| body["events"].as_array().cloned().unwrap_or_default()).collect()
    }

    /// Their names and sentences.
    pub fn told(&self) -> Vec<(String, String)> {
        let text = |event: &Value, key: &str| event[key].as_str().unwrap_or_default().to_owned();
        self.events().iter().map(|event| (text(event, "event"), text(event, "text"))).collect()
    }

    /// Waits, while everything else goes on, until it has heard so many requests.
    pub async fn wait_for_requests(&self, count: usize) {
        for _ in 0..3_000 {
            if self.heard().len() >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it never heard {count} requests, only {:#?}", self.heard());
    }

    /// Waits until it has heard what is looked for.
    pub fn wait_for(&self, found: impl Fn(&str) -> bool) -> String {
        for _ in 0..3_000 {
            if let Some(request) = self.heard().into_iter().find(|request| found(request)) {
                return request;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it was never told; it heard {:#?}", self.heard());
    }
}

/// The body of a request as JSON.
pub fn body(request: &str) -> Value {
    let body = request.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {request}"))
}

fn serve(mut stream: TcpStream, manner: Manner, heard: &Mutex<Vec<String>>) {
    if manner == Manner::Closes {
        return;
    }
    let Some(request) = read(&mut stream) else { return };
    let count = {
        let mut heard = heard.lock().expect("the requests");
        heard.push(request.clone());
        heard.len()
    };
    let mut say = |status: u16, body: &str| {
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let _gone = stream.write_all(answer.as_bytes());
    };
    match manner {
        Manner::Says(status, body) => say(status, body),
        Manner::Fails(times) if count <= times => say(503, "later"),
        Manner::AsksForPatience if count == 1 => {
            let _gone = stream.write_all(b"HTTP/1.1 429 X\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n");
        }
        Manner::Fails(_) | Manner::AsksForPatience => say(200, "ok"),
        Manner::Prints(bytes) => say(200, &"x".repeat(bytes)),
        Manner::Echoes => say(400, &request),
        // Until the other side has had enough.
        Manner::Hangs | Manner::Closes => drop(stream.read(&mut [0; 64])),
    }
}

/// The whole request; nothing where it breaks off.
fn read(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut some = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        match stream.read(&mut some) {
            Ok(0) => return None,
            Ok(read) => bytes.extend_from_slice(&some[..read]),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

/// One receiver, whose keys are these, with its secrets in files of that folder.
pub fn receiver(folder: &Path, keys: &str, secrets: &[(&str, &str)]) -> Receiver {
    for (name, secret) in secrets {
        std::fs::write(folder.join(name), format!("{secret}\n")).expect("a file");
    }
    let keys = keys.replace("FOLDER", &folder.display().to_string());
    let specs = read_receivers(&format!("[[notify]]\n{keys}\n"), "n.toml").unwrap_or_else(|e| panic!("{e}"));
    Receiver::open(&specs[0]).unwrap_or_else(|e| panic!("{e}"))
}

/// A webhook at that address, with more keys.
pub fn webhook(folder: &Path, address: SocketAddr, keys: &str) -> Receiver {
    let name = format!("address-{}", address.port());
    let keys = format!("kind = \"webhook\"\nurl_file = \"FOLDER/{name}\"\n{keys}");
    receiver(folder, &keys, &[(&name, &format!("http://{address}/hook"))])
}

pub fn about(strategy: &str) -> About {
    About { strategy: strategy.to_owned(), mode: "paper", only_observes: false }
}

/// One that does not keep a test waiting.
pub fn hasty() -> Patience {
    Patience {
        timeout: Duration::from_millis(500),
        first_pause: Duration::from_millis(5),
        longest_pause: Duration::from_millis(20),
        tries: 4,
    }
}

/// One that would keep a test waiting for good, if anything waited.
pub fn endless() -> Patience {
    let hours = Duration::from_secs(36_000);
    Patience { timeout: hours, first_pause: hours, longest_pause: hours, tries: 100 }
}

pub fn telling(receivers: Vec<Receiver>, patience: Patience) -> Telling {
    Telling::start(receivers, about("follow"), patience).expect("a way to send")
}

pub const fn minutes(count: i64) -> Span {
    Span::from_secs(60 * count)
}
