//! I11: no secret reaches a log, the database or its write-ahead log, whatever is logged and whoever echoes it.

mod common;

use std::path::Path;
use std::process::{Command, Stdio};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as UrlPath, RawQuery};
use axum::http::{Method, StatusCode};
use common::follow;

const KEY: &str = "canary-key-7f3a9c";
const PASSWORD: &str = "canaryPassword41";
const TOKEN: &str = "canary-token-5b";

/// A venue that echoes what it should not: passwords in its orders, the key in its errors.
async fn echoing_venue() -> String {
    let answer = |method: Method, UrlPath(call): UrlPath<String>, query: RawQuery, body: Bytes| async move {
        let sent = String::from_utf8_lossy(&body).into_owned();
        let text = match (method, call.as_str()) {
            (Method::GET, "wallets") => r#"{"wallets":[{"name":"bitcoin","balance":0.01}],"code":0}"#.to_owned(),
            (Method::GET, "marketplace") => r#"{"servers":[{"id":6,"price":{"on_demand":{"bitcoin":0.00008},
                "spot":{"bitcoin":0.00002}},"rented":false}],"my_servers":[],"code":0}"#
                .to_owned(),
            (Method::GET, "my_orders") => {
                format!(
                    r#"{{"orders":[{{"id":1,"si":99,"spot":true,"price":0.1,"ssh_password":"{PASSWORD}",
                    "env":{{"TOKEN":"{TOKEN}"}}}}],"limit":5,"code":0}}"#
                )
            }
            (Method::GET, "spot_marketplace") => r#"{"exists":true,"market":{"offers":[],"server":{"min_pricing":
                {"bitcoin":0.00002},"mrl":1000,"visibility":"public","online":true}},"code":0}"#
                .to_owned(),
            _ => format!("{{\"code\":6,\"error\":\"no {KEY} {query:?} {}\"}}", sent.replace('"', "'")),
        };
        (StatusCode::OK, text)
    };
    let app = Router::new().route("/v1/{call}", axum::routing::any(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_is_found_nowhere() {
    let url = echoing_venue().await;
    let folder = tempfile::tempdir().expect("a folder");
    let order = "[target.order]\nssh_password_env = \"CANARY_PASSWORD\"\nenv_from = { TOKEN = \"CANARY_TOKEN\" }\n";
    std::fs::write(folder.path().join("s.toml"), follow("") + order).expect("a strategy");
    let mut bot = Command::new(env!("CARGO_BIN_EXE_clorebid"))
        .current_dir(folder.path())
        .args(["run", "--live", "--strategy", "s.toml", "--api-url", &url, "--time-scale", "20", "-vv"])
        .env("CLORE_API_KEY", KEY)
        .env("CANARY_PASSWORD", PASSWORD)
        .env("CANARY_TOKEN", TOKEN)
        .env("RUST_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary");
    // Killed in the midst of it, so that the write-ahead log is still there.
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    bot.kill().expect("its end");
    let output = tokio::task::spawn_blocking(move || bot.wait_with_output()).await.expect("a thread").expect("its end");

    let log = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&log);
    assert!(said.contains("create_order") || said.contains("place "), "a create was logged: {said:.2000}");
    assert!(said.contains("***"), "something was scrubbed");
    find_nothing("the log", &log);
    for name in ["clorebid.db", "clorebid.db-wal"] {
        let file = std::fs::read(folder.path().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(!file.is_empty(), "{name} is there to be searched");
    }
    for entry in std::fs::read_dir(folder.path()).expect("a folder") {
        let path = entry.expect("an entry").path();
        find_nothing(&path.display().to_string(), &std::fs::read(&path).expect("a file"));
    }
    find_nothing("the bodies", &unpacked(&folder.path().join("clorebid.db")).await);
}

/// Everything in the journal, with the compressed bodies unpacked.
async fn unpacked(db: &Path) -> Vec<u8> {
    let mut history = clorebid::history::History::open_read_only(db).await.expect("a journal");
    let exchanges = history.exchanges(1, 0, 10_000).await.expect("a run");
    assert!(exchanges.len() > 5, "there is something to search");
    format!("{exchanges:?}").into_bytes()
}

fn find_nothing(place: &str, bytes: &[u8]) {
    for canary in [KEY, PASSWORD, TOKEN] {
        let found = bytes.windows(canary.len()).any(|w| w == canary.as_bytes());
        assert!(!found, "{canary} is in {place}");
    }
}
