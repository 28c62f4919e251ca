//! `run --listen`: what it shows while the run is well, while the exchange is dead, and when it is back; and that this is
//! told, too.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::common::follow;
use crate::server::{Server, TAKES};

/// A process that ends with the test.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ended_already = self.0.kill().and_then(|()| self.0.wait());
    }
}

fn bot(args: &[&str]) -> Command {
    let mut bot = Command::new(env!("CARGO_BIN_EXE_clorebid"));
    bot.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).env_remove("RUST_LOG");
    bot
}

/// Starts it, waits for an address on stderr that ends so, and reads on.
fn started(mut command: Command, ending: &str) -> (Ending, String) {
    let mut child = command.spawn().expect("the program");
    let mut lines = BufReader::new(child.stderr.take().expect("its log")).lines().map_while(Result::ok);
    let mut seen = Vec::new();
    let word = lines.by_ref().find_map(|line| {
        let word = line.split_whitespace().map(|word| word.trim_end_matches(','));
        let word = word.clone().find(|word| word.starts_with("http://") && word.ends_with(ending)).map(str::to_owned);
        seen.push(line);
        word
    });
    std::thread::spawn(move || lines.for_each(drop));
    (Ending(child), word.unwrap_or_else(|| panic!("{seen:#?}")))
}

fn exchange(listen: &str) -> (Ending, String) {
    let args = ["exchange", "--api-key", "key-of-a-test", "--time-scale", "60", "--listen", listen, "--scenario"];
    let mut exchange = bot(&args);
    exchange.arg("tests/scenarios/quiet.toml");
    started(exchange, "/v1")
}

fn live(folder: &Path, url: &str) -> (Ending, String) {
    std::fs::write(folder.join("s.toml"), follow("")).expect("a strategy");
    let receiver = "[[notify]]\nkind = \"webhook\"\nurl_env = \"HOOK\"\n";
    std::fs::write(folder.join("n.toml"), receiver).expect("receivers");
    let mut live = bot(&["run", "--live", "--time-scale", "60", "--listen", "0", "--api-url", url]);
    live.env("CLORE_API_KEY", "key-of-a-test").current_dir(folder);
    live.args(["--strategy", "s.toml", "--notify", "n.toml"]);
    let server = std::fs::read_to_string(folder.join("hook")).expect("the receiver's address");
    live.env("HOOK", server);
    let (child, word) = started(live, "/metrics");
    (child, word.trim_start_matches("http://").trim_end_matches("/metrics").to_owned())
}

/// Status and body of a page.
fn page(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("the run listens");
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned())
}

/// Looks at the page again and again until it is as wanted.
fn wait_for(address: &str, path: &str, wanted: impl Fn(u16, &str) -> bool) -> String {
    let mut last = (0, String::new());
    for _ in 0..1_500 {
        last = page(address, path);
        if wanted(last.0, &last.1) {
            return last.1;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{path} never became so; the last was {last:?}");
}

fn value(metrics: &str, name: &str) -> String {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in\n{metrics}")).to_owned()
}

#[test]
fn a_run_shows_what_it_holds_and_that_it_is_blind_and_that_it_sees_again() {
    let (folder, hook) = (tempfile::tempdir().expect("a folder"), Server::new(TAKES));
    std::fs::write(folder.path().join("hook"), format!("http://{}/canary", hook.address)).expect("its address");
    let (venue, url) = exchange("127.0.0.1:0");
    let (_run, address) = live(folder.path(), &url);

    let held = r#"clorebid_held{target="trainer"} 1"#;
    let metrics = wait_for(&address, "/metrics", |_, page| page.contains(held) && page.contains("clorebid_balance"));
    let well = page(&address, "/healthz");
    assert!(well.0 == 200 && well.1.starts_with("ok: the last good answer is "), "{well:?}");
    let server = r#"{server="6",target="trainer",currency="bitcoin"}"#;
    assert_eq!(value(&metrics, &format!("clorebid_bid{server}")), "0.000001", "as the decimal is written");
    assert_eq!(value(&metrics, &format!("clorebid_floor{server}")), "0.000001");
    assert_eq!(value(&metrics, r#"clorebid_wanted{target="trainer"}"#), "1");
    assert_eq!(value(&metrics, r#"clorebid_interruptions_total{target="trainer"}"#), "0");
    assert_eq!(value(&metrics, r#"clorebid_requests_total{call="create_order",outcome="applied"}"#), "1");
    assert!(value(&metrics, r#"clorebid_balance{currency="bitcoin"}"#).starts_with("0.0"), "{metrics}");
    assert!(metrics.contains(r#"clorebid_run_info{run="1",strategy="follow",mode="live","#), "{metrics}");
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    hook.wait_for(|request| request.contains("trainer holds server 6"));

    drop(venue);
    let blind = wait_for(&address, "/healthz", |status, _| status == 503);
    assert!(blind.starts_with("blind: the last good answer is "), "{blind}");
    hook.wait_for(|request| request.contains("no good answer from the venue for "));
    let unknown = |page: &str| page.contains(r#"clorebid_requests_total{call="spot_marketplace",outcome="unknown"}"#);
    let metrics = wait_for(&address, "/metrics", |_, page| unknown(page));
    let age: i64 = value(&metrics, "clorebid_last_good_answer_age_seconds").parse().expect("seconds");
    assert!(age >= 60, "{age}");
    assert!(metrics.contains(held), "what stood there still counts");

    let listen = url.trim_start_matches("http://").trim_end_matches("/v1").to_owned();
    let (_venue, _) = exchange(&listen);
    wait_for(&address, "/healthz", |status, _| status == 200);
    hook.wait_for(|request| request.contains("the venue answers again, after "));
    let told = hook.told();
    assert_eq!(
        told.iter().filter(|(event, _)| event == "blind").count(),
        2,
        "once, and once when it is over: {told:?}"
    );
    let sent = format!(r#"clorebid_notifications_sent_total{{receiver="webhook"}} {}"#, hook.told().len());
    wait_for(&address, "/metrics", |_, page| page.contains(&sent) || hook.told().len() != told.len());
}

#[test]
fn before_the_first_answer_a_run_is_not_well() {
    let (folder, hook) = (tempfile::tempdir().expect("a folder"), Server::new(TAKES));
    std::fs::write(folder.path().join("hook"), format!("http://{}/canary", hook.address)).expect("its address");
    // Connections are taken, and nobody ever answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", silent.local_addr().expect("an address"));
    let (_run, address) = live(folder.path(), &url);
    assert_eq!(page(&address, "/healthz"), (503, "blind: there has been no good answer yet\n".to_owned()));
    let (status, metrics) = page(&address, "/metrics");
    assert_eq!(status, 200);
    assert!(!metrics.contains("clorebid_last_good_answer_age_seconds"), "there is none: {metrics}");
    assert_eq!(page(&address, "/").0, 404);
}
