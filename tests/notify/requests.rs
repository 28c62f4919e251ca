//! The exact request that each kind of receiver gets.

use clorebid::core::time::Time;
use clorebid::notify::{News, Telling};
use clorebid::strategy::Occasion;
use serde_json::json;

use crate::server::{Server, TAKES, about, body, hasty, receiver};

/// 2026-01-01T00:00:00Z.
const NEW_YEAR: Time = Time::from_secs(1_767_225_600);

fn news(occasion: Occasion) -> News {
    News::of_the_run(occasion, NEW_YEAR, "<ended> & \"well\" by 0.5 of a_b*".to_owned())
}

/// What a receiver with these keys hears of one event; `SERVER` in a secret is its address, and so it is in what comes
/// back. The length of the body is checked and left out.
async fn heard(strategy: &str, keys: &str, secrets: &[(&str, &str)], news: News) -> String {
    let (server, folder) = (Server::new(TAKES), tempfile::tempdir().expect("a folder"));
    let address = server.address.to_string();
    let secrets: Vec<(&str, String)> = secrets.iter().map(|(n, s)| (*n, s.replace("SERVER", &address))).collect();
    let secrets: Vec<(&str, &str)> = secrets.iter().map(|(n, s)| (*n, s.as_str())).collect();
    let receiver = receiver(folder.path(), keys, &secrets);
    Telling::start(vec![receiver], about(strategy), hasty()).expect("a way to send").finish(news).await;
    let all = server.heard();
    let [request] = all.as_slice() else { panic!("{all:?}") };
    let length = request.split_once("\r\n\r\n").expect("a body").1.len();
    let length = format!("content-length: {length}\r\n");
    assert!(request.contains(&length), "{request}");
    request.replace(&length, "").replace(&address, "SERVER").replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

/// A request with these header lines and that body, as we send it.
fn request(path: &str, headers: &str, body: &str) -> String {
    let ours = "accept: */*\r\nuser-agent: clorebid/VERSION\r\nhost: SERVER\r\n";
    format!("POST {path} HTTP/1.1\r\n{headers}{ours}\r\n{body}")
}

const JSON: &str = "content-type: application/json\r\n";

#[tokio::test]
async fn a_webhook_gets_json() {
    let keys = "kind = \"webhook\"\nurl_file = \"FOLDER/url\"";
    let heard = heard("fo\"llow", keys, &[("url", "http://SERVER/a/b?c=d")], news(Occasion::Ended)).await;
    let expected = r#"{"title":"clorebid: fo\"llow (paper)","text":"00:00:00Z <ended> & \"well\" by 0.5 of a_b*","strategy":"fo\"llow","mode":"paper","events":[{"event":"ended","at":"2026-01-01T00:00:00.000Z","target":null,"server":null,"text":"<ended> & \"well\" by 0.5 of a_b*"}]}"#;
    assert_eq!(heard, request("/a/b?c=d", JSON, expected));
}

#[tokio::test]
async fn a_webhook_with_a_token_gets_it_in_a_header_or_where_its_template_wants_it() {
    let keys = "kind = \"webhook\"\nurl_file = \"FOLDER/url\"\ntoken_file = \"FOLDER/token\"";
    let secrets = [("url", "http://SERVER/hook"), ("token", "abc")];
    let with_header = heard("follow", keys, &secrets, news(Occasion::Ended)).await;
    assert!(with_header.contains("\r\nauthorization: Bearer abc\r\n"), "{with_header}");
    let keys = format!(
        "{keys}\ntemplate = '{{\"key\":\"{{{{token}}}}\",\"say\":[\"{{{{ text }}}}\",\"{{{{title}}}}\"],\"of\":\"{{{{events}}}} {{{{strategy}}}} {{{{mode}}}} {{{{at}}}}\"}}'"
    );
    let filled_in = heard("follow", &keys, &secrets, news(Occasion::Ended)).await;
    let expected = r#"{"key":"abc","say":["00:00:00Z <ended> & \"well\" by 0.5 of a_b*","clorebid: follow (paper)"],"of":"ended follow paper 2026-01-01T00:00:00.000Z"}"#;
    assert_eq!(filled_in, request("/hook", JSON, expected));
}

#[tokio::test]
async fn discord_gets_its_content_without_marks_and_wakes_nobody() {
    let keys = "kind = \"discord\"\nurl_file = \"FOLDER/url\"";
    let url = [("url", "http://SERVER/api/webhooks/1/abc")];
    let heard = heard("a_b_c @everyone", keys, &url, news(Occasion::Ended)).await;
    let expected = json!({
        "allowed_mentions": { "parse": [] },
        "content": "clorebid: a\\_b\\_c @everyone (paper)\n00:00:00Z <ended> & \"well\" by 0.5 of a\\_b\\*",
    });
    assert_eq!(heard, request("/api/webhooks/1/abc", JSON, &expected.to_string()));
}

#[tokio::test]
async fn slack_gets_its_text_with_its_marks_escaped() {
    let keys = "kind = \"slack\"\nurl_file = \"FOLDER/url\"";
    let heard = heard("follow", keys, &[("url", "http://SERVER/services/T/B/x")], news(Occasion::Ended)).await;
    let text = "clorebid: follow (paper)\n00:00:00Z &lt;ended&gt; &amp; \"well\" by 0.5 of a_b*";
    assert_eq!(heard, request("/services/T/B/x", JSON, &json!({ "text": text }).to_string()));
}

#[tokio::test]
async fn telegram_gets_the_bots_call() {
    let keys = "kind = \"telegram\"\nurl_file = \"FOLDER/url\"\ntoken_file = \"FOLDER/token\"\nchat = -100123";
    let secrets = [("url", "http://SERVER/"), ("token", "12:aB-c_d")];
    let heard = heard("follow", keys, &secrets, news(Occasion::Ended)).await;
    let text = "clorebid: follow (paper)\n00:00:00Z <ended> & \"well\" by 0.5 of a_b*";
    let expected = json!({ "chat_id": "-100123", "text": text }).to_string();
    assert_eq!(heard, request("/bot12:aB-c_d/sendMessage", JSON, &expected));
}

#[tokio::test]
async fn ntfy_gets_text_with_a_title_and_urgency_where_something_is_wrong() {
    let keys = "kind = \"ntfy\"\nurl_file = \"FOLDER/url\"";
    let url = [("url", "http://SERVER/topic")];
    let plain = "title: clorebid: fällow (paper)\r\ncontent-type: text/plain; charset=utf-8\r\n";
    let text = "00:00:00Z <ended> & \"well\" by 0.5 of a_b*";
    let calm = heard("fällow", keys, &url, news(Occasion::Ended)).await;
    assert_eq!(calm, request("/topic", plain, text));
    let keys = format!("{keys}\ntoken_file = \"FOLDER/token\"");
    let urgent = heard("fällow", &keys, &[url[0], ("token", "tk_1")], news(Occasion::Failed)).await;
    let headers = "title: clorebid: fällow (paper)\r\npriority: high\r\ntags: warning\r\n\
                   content-type: text/plain; charset=utf-8\r\nauthorization: Bearer tk_1\r\n";
    assert_eq!(urgent, request("/topic", headers, text));
}

#[tokio::test]
async fn a_long_message_is_cut_to_what_each_kind_takes() {
    let long = News::of_the_run(Occasion::Failed, NEW_YEAR, "_é<".repeat(3_000));
    for (kind, most) in [("discord", 2_000), ("slack", 3_000), ("ntfy", 4_096)] {
        let keys = format!("kind = \"{kind}\"\nurl_file = \"FOLDER/url\"");
        let heard = heard("follow", &keys, &[("url", "http://SERVER/x")], long.clone()).await;
        let text = match kind {
            "ntfy" => heard.split_once("\r\n\r\n").expect("a body").1.to_owned(),
            "discord" => body(&heard)["content"].as_str().expect("text").to_owned(),
            _ => body(&heard)["text"].as_str().expect("text").to_owned(),
        };
        assert!(text.len() <= most && text.len() > most / 8, "{kind}: {}", text.len());
    }
}
