//! `notify test`, `run --notify` and `run --listen` as commands: what they print, and their exit codes.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::common::follow;
use crate::server::{Manner, Server, TAKES};

fn bot(folder: &Path, args: &[&str]) -> Command {
    let mut bot = Command::new(env!("CARGO_BIN_EXE_clorebid"));
    bot.current_dir(folder).args(args).stdin(Stdio::null()).env_remove("RUST_LOG");
    bot
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn url(server: &Server, path: &str) -> String {
    format!("http://{}{path}", server.address)
}

/// A folder with the strategy `s.toml`, to which `receivers` are added, and these receivers alone as `n.toml`.
fn folder(receivers: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("s.toml"), format!("{}{receivers}", follow(""))).expect("a strategy");
    std::fs::write(folder.path().join("n.toml"), receivers).expect("receivers");
    folder
}

const TWO: &str = "[[notify]]\nkind = \"discord\"\nurl_env = \"CANARY_D\"\nevents = [\"lost\"]\n\
                   [[notify]]\nkind = \"ntfy\"\nurl_env = \"CANARY_N\"\n";

#[test]
fn notify_test_sends_one_message_to_each_and_prints_what_came_back() {
    let (discord, ntfy) = (Server::new(Manner::Says(204, "")), Server::new(Manner::Says(200, "{\"id\":\"x\"}\n")));
    let folder = folder(TWO);
    for from in [["--strategy", "s.toml"], ["--notify", "n.toml"]] {
        let mut test = bot(folder.path(), &["notify", "test", from[0], from[1], "--format", "csv"]);
        let test = test.env("CANARY_D", url(&discord, "/canary-d")).env("CANARY_N", url(&ntfy, "/canary-n"));
        let (code, out, err) = said(&test.output().expect("the command"));
        let expected = "receiver,kind,outcome,answer\ndiscord,discord,taken,HTTP 204\n\
                        ntfy,ntfy,taken,\"HTTP 200: {\"\"id\"\":\"\"x\"\"}\"\n";
        assert_eq!((code, out.replace("\r\n", "\n").as_str(), err.as_str()), (Some(0), expected, ""));
    }
    for server in [discord, ntfy] {
        let heard = server.heard();
        assert_eq!(heard.len(), 2, "once a command, whatever it wants to know: {heard:?}");
        assert!(heard.iter().all(|request| request.contains("a test: what happens in a run will be told here")));
    }
}

#[test]
fn notify_test_fails_where_one_receiver_did_not_take_it() {
    let refusing = Server::new(Manner::Says(401, "bad\u{1b}[31m token\n\n<html>"));
    let folder = folder(TWO);
    let mut test = bot(folder.path(), &["notify", "test", "--notify", "n.toml", "--format", "csv"]);
    test.env("CANARY_D", format!("http://{}/canary-d", Server::nobody())).env("CANARY_N", url(&refusing, "/canary-n"));
    let (code, out, err) = said(&test.output().expect("the command"));
    assert_eq!(code, Some(1));
    assert!(out.contains("discord,discord,failed,no connection"), "{out}");
    assert!(out.contains("ntfy,ntfy,failed,HTTP 401: bad [31m token <html>"), "on one line, for no terminal: {out}");
    assert_eq!(err, "clorebid: 2 of 2 receivers did not take the message\n");
}

#[test]
fn a_receiver_whose_secret_is_not_there_or_is_none_is_bad_usage() {
    let folder = folder(TWO);
    std::fs::write(folder.path().join("f.toml"), "[[notify]]\nkind = \"slack\"\nurl_file = \"missing\"\n").expect("it");
    let token = "[[notify]]\nkind = \"telegram\"\ntoken_env = \"CANARY_D\"\nchat = 1\n";
    std::fs::write(folder.path().join("t.toml"), token).expect("it");
    let commands: [&[&str]; 2] = [&["notify", "test"], &["run", "--strategy", "s.toml", "--for", "1m"]];
    for command in commands {
        for (file, set, told) in [
            ("n.toml", None, "receiver discord: the environment variable CANARY_D is not set"),
            (
                "n.toml",
                Some("canary://x"),
                "receiver discord: what stands in the environment variable CANARY_D is not an address",
            ),
            (
                "n.toml",
                Some("canary"),
                "receiver discord: what stands in the environment variable CANARY_D is not an address",
            ),
            (
                "t.toml",
                Some("canary x"),
                "receiver telegram: what stands in the environment variable CANARY_D is not a token",
            ),
            ("f.toml", None, "receiver slack: the file missing cannot be read: No such file"),
        ] {
            let strategy = if command[0] == "run" { follow("") } else { String::new() };
            std::fs::write(folder.path().join("s.toml"), strategy).expect("a strategy");
            let mut command = bot(folder.path(), command);
            command.args(["--notify", file]).env_remove("CANARY_D");
            if let Some(value) = set {
                command.env("CANARY_D", value);
            }
            let (code, out, err) = said(&command.output().expect("the command"));
            assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
            assert!(err.starts_with(&format!("clorebid: {told}")), "{err}");
            assert!(!err.contains("canary"), "{err}");
        }
    }
    assert!(!folder.path().join("clorebid.db").exists(), "nothing was begun");
}

#[test]
fn a_mistake_in_the_file_of_receivers_is_shown_in_its_place() {
    let folder = folder("[[notify]]\nkind = \"slak\"\nurl_env = \"X\"\n");
    for command in [&["notify", "test"][..], &["run", "--strategy", "ok.toml"][..]] {
        std::fs::write(folder.path().join("ok.toml"), follow("")).expect("a strategy");
        let (code, _, err) = said(&bot(folder.path(), command).args(["--notify", "n.toml"]).output().expect("it"));
        assert_eq!(code, Some(2), "{err}");
        assert!(err.contains("`slak` is not a kind") && err.contains("n.toml:2:8"), "{err}");
    }
    let none = said(&bot(folder.path(), &["notify", "test", "--strategy", "ok.toml"]).output().expect("it"));
    assert_eq!(none.0, Some(2));
    assert!(none.2.contains("names no receiver"), "{}", none.2);
    assert_eq!(said(&bot(folder.path(), &["notify", "test"]).output().expect("it")).0, Some(2), "of whom?");
}

#[test]
fn one_name_for_two_receivers_is_refused() {
    let folder = folder(TWO);
    let mut run = bot(folder.path(), &["run", "--strategy", "s.toml", "--notify", "n.toml", "--for", "1m"]);
    let (code, _, err) = said(&run.env("CANARY_D", "http://127.0.0.1:9/").output().expect("the command"));
    assert_eq!(code, Some(2));
    assert!(err.contains("both have a receiver `discord`"), "{err}");
}

#[test]
fn a_run_tells_the_receivers_of_both_files_and_how_it_ended() {
    let (of_strategy, of_file) = (Server::new(TAKES), Server::new(TAKES));
    let folder = folder("[[notify]]\nkind = \"webhook\"\nurl_env = \"CANARY_S\"\nevents = [\"ended\", \"failed\"]\n");
    std::fs::write(
        folder.path().join("n.toml"),
        "[[notify]]\nkind = \"webhook\"\nname = \"f\"\nurl_env = \"CANARY_F\"\n",
    )
    .expect("receivers");
    let run = |more: &[&str]| {
        let mut run = bot(folder.path(), &["run", "--strategy", "s.toml", "--notify", "n.toml", "--for", "30m"]);
        run.args(more).env("CANARY_S", url(&of_strategy, "/canary-s")).env("CANARY_F", url(&of_file, "/canary-f"));
        said(&run.output().expect("the command"))
    };
    let (code, _, err) = run(&["--time-scale", "3600"]);
    assert_eq!(code, Some(0), "{err}");
    let ended = "run 1 ended (time): spent ";
    assert!(of_strategy.told()[0].1.starts_with(ended), "{:?}", of_strategy.told());
    assert!(of_strategy.told()[0].1.ends_with("; 1 of our orders stand"), "{:?}", of_strategy.told());
    let told = of_file.told();
    assert_eq!((told[0].0.as_str(), told[told.len() - 1].0.as_str()), ("won", "ended"), "{told:?}");

    for check in ["replay", "verify"] {
        assert_eq!(said(&bot(folder.path(), &[check]).output().expect("it")).0, Some(0), "{check} needs no receiver");
    }

    let nobody = format!("http://{}/v1", Server::nobody());
    let key = folder.path().join("key");
    std::fs::write(&key, "some-key").expect("a key");
    let (code, _, err) = run(&["--live", "--api-url", &nobody, "--api-key-file", "key", "--time-scale", "60"]);
    assert_eq!(code, Some(1), "{err}");
    let (event, text) = of_strategy.told().pop().expect("it was told");
    assert_eq!(event, "failed");
    assert!(text.contains("nobody answers at"), "{text}");
}

#[test]
fn a_run_that_only_observes_does_not_complain_that_it_has_no_order() {
    let server = Server::new(TAKES);
    let folder = folder("[[notify]]\nkind = \"webhook\"\nurl_env = \"CANARY_S\"\n");
    let mut run = bot(folder.path(), &["run", "--strategy", "s.toml", "--observe-only", "--for", "30m"]);
    let run = run.args(["--time-scale", "3600"]).env("CANARY_S", url(&server, "/canary-s"));
    assert_eq!(said(&run.output().expect("the command")).0, Some(0));
    let told = server.told();
    let [(event, text)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((event.as_str(), text.as_str()), ("ended", "run 1 ended (time): spent 0 bitcoin"));
}

#[test]
fn a_port_in_use_is_refused_before_anything_begins() {
    let folder = folder("");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let run = ["run", "--strategy", "s.toml", "--for", "1m", "--listen"];
    for address in [port.clone(), format!(":{port}"), format!("127.0.0.1:{port}")] {
        let (code, _, err) = said(&bot(folder.path(), &run).arg(&address).output().expect("the command"));
        assert_eq!(code, Some(2), "{err}");
        assert!(err.starts_with(&format!("clorebid: cannot listen on 127.0.0.1:{port} (")), "{err}");
    }
    let (code, _, err) = said(&bot(folder.path(), &run).arg("example.org:80").output().expect("the command"));
    assert_eq!(code, Some(2));
    assert!(err.contains("neither a port nor an address"), "{err}");
    assert!(!folder.path().join("clorebid.db").exists(), "nothing was begun");
}
