//! No address or token of a receiver is in a log, an error, the journal or anything that prints itself, whatever is logged
//! and whoever echoes it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use clorebid::notify::try_out;

use crate::common::follow;
use crate::server::{Manner, Server, hasty, receiver, telling};

const PATH: &str = "services/canary-in-a-path";
const QUERY: &str = "canary-in-a-query";
const TOKEN: &str = "12345678:canary-of-a-bot";
const BEARER: &str = "canary-of-a-bearer";
const CANARIES: [&str; 4] = ["canary-in-a-path", QUERY, "canary-of-a-bot", BEARER];

fn find_nothing(place: &str, bytes: &[u8]) {
    for canary in CANARIES {
        assert!(!bytes.windows(canary.len()).any(|w| w == canary.as_bytes()), "{canary} is in {place}");
    }
}

/// The receivers of a file, all of one address.
const RECEIVERS: &str = r#"
[[notify]]
kind = "webhook"
name = "echo"
url_env = "ECHO"
token_env = "BEARER"
[[notify]]
kind = "webhook"
name = "template"
url_env = "ECHO"
token_env = "BEARER"
template = '{"key": "{{token}}"}'
[[notify]]
kind = "telegram"
url_env = "ECHO"
token_env = "BOT"
chat = 5
[[notify]]
kind = "slack"
url_env = "NOBODY"
[[notify]]
kind = "discord"
url_file = "address"
[[notify]]
kind = "ntfy"
url_env = "CLOSING"
token_env = "BEARER"
"#;

#[test]
fn a_canary_is_found_nowhere() {
    let (echo, closing) = (Server::new(Manner::Echoes), Server::new(Manner::Closes));
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("s.toml"), follow("") + RECEIVERS).expect("a strategy");
    std::fs::write(folder.path().join("address"), format!("http://{}/{PATH}", echo.address)).expect("an address");
    let bot = |args: &[&str]| {
        let mut bot = Command::new(env!("CARGO_BIN_EXE_clorebid"));
        bot.current_dir(folder.path()).args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        bot.env("RUST_LOG", "trace").env("BEARER", BEARER).env("BOT", TOKEN);
        bot.env("ECHO", format!("http://user:{BEARER}@{}/{PATH}?key={QUERY}", echo.address));
        bot.env("NOBODY", format!("http://{}/{PATH}", Server::nobody()));
        bot.env("CLOSING", format!("http://{}/{PATH}", closing.address));
        bot
    };
    let test = bot(&["notify", "test", "--strategy", "s.toml", "-vv"]).output().expect("the command");
    assert_eq!(test.status.code(), Some(1));
    let log = [test.stdout, test.stderr].concat();
    assert!(String::from_utf8_lossy(&log).contains("***"), "something was hidden");
    find_nothing("what `notify test` says", &log);

    let scenario = format!("{}/tests/scenarios/contested.toml", env!("CARGO_MANIFEST_DIR"));
    let mut run = bot(&["run", "--strategy", "s.toml", "--scenario", &scenario, "--time-scale", "600", "-vv"]);
    let mut run = run.args(["--listen", "0"]).spawn().expect("the bot");
    echo.wait_for(|request| request.contains("trainer lost server 6"));
    // Time for the last of it to be logged; killed in the midst of it, so that the write-ahead log is still there.
    std::thread::sleep(Duration::from_millis(200));
    run.kill().expect("its end");
    let output = run.wait_with_output().expect("its end");
    let log = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&log);
    assert!(said.contains("dropped (HTTP 400"), "what the echo said was logged: {said:.2000}");
    assert!(said.contains("does not take notifications"), "and that nobody is there");
    find_nothing("the log", &log);
    let mut searched = 0;
    for entry in std::fs::read_dir(folder.path()).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.ends_with("address") {
            continue;
        }
        let bytes = std::fs::read(&path).expect("a file");
        find_nothing(&path.display().to_string(), &bytes);
        searched += usize::from(path.to_string_lossy().contains("clorebid.db") && !bytes.is_empty());
    }
    assert!(searched >= 2, "the journal and its write-ahead log are there to be searched");
    assert!(strategy_on_record(folder.path()).contains("url_env = \"ECHO\""), "only the name is on record");
}

fn strategy_on_record(folder: &Path) -> String {
    let mut sql = Command::new(env!("CARGO_BIN_EXE_clorebid"));
    let sql = sql.current_dir(folder).args(["history", "sql", "SELECT strategy_toml FROM runs", "--format", "json"]);
    let text = String::from_utf8(sql.output().expect("the history").stdout).expect("text");
    text.replace("\\\"", "\"")
}

#[tokio::test]
async fn nothing_that_prints_itself_prints_a_secret() {
    let (folder, echo) = (tempfile::tempdir().expect("a folder"), Server::new(Manner::Echoes));
    let address = format!("http://{}/{PATH}?key={QUERY}", echo.address);
    let keys = "kind = \"telegram\"\nurl_file = \"FOLDER/url\"\ntoken_file = \"FOLDER/token\"\nchat = 5";
    let secrets = [("url", address.as_str()), ("token", TOKEN)];
    let receivers = [receiver(folder.path(), keys, &secrets)];
    let tried = try_out(&receivers, "follow".to_owned(), hasty()).await.expect("a way to send");
    let trouble = tried[0].came_back.clone().expect_err("it answers 400");
    let running = telling(receivers.into_iter().collect(), hasty());
    let printed = format!("{tried:?} {trouble:?} {trouble} {running:?} {:?}", receiver(folder.path(), keys, &secrets));
    assert!(trouble.to_string().starts_with("HTTP 400: POST /***"), "{trouble}");
    find_nothing("what prints itself", printed.as_bytes());
}

#[tokio::test]
async fn whoever_hides_the_secrets_of_a_receiver_hides_all_of_them() {
    use secrecy::ExposeSecret;
    let folder = tempfile::tempdir().expect("a folder");
    let keys = "kind = \"ntfy\"\nurl_file = \"FOLDER/url\"\ntoken_file = \"FOLDER/token\"";
    let address = format!("https://me:pass-word@host.example/{PATH}?key={QUERY}");
    let receiver = receiver(folder.path(), keys, &[("url", &address), ("token", TOKEN)]);
    let secrets: Vec<String> = receiver.secrets().iter().map(|s| s.expose_secret().to_owned()).collect();
    assert_eq!(secrets, [PATH, "me", "pass-word", &format!("key={QUERY}"), TOKEN]);
    assert!(!receiver.is_in_the_clear());
    let open = |address: &str| {
        let receiver = self::receiver(folder.path(), keys, &[("url", address), ("token", TOKEN)]);
        receiver.is_in_the_clear()
    };
    assert!(open("http://host.example/x") && !open("http://127.0.0.1:1/x") && !open("http://localhost/x"));
}
