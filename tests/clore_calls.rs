//! What we say: the ten calls as the page writes them, the record of each without secrets, and the limits of a form.

use std::collections::BTreeMap;

use bytes::Bytes;
use clorebid::api::{Enclosure, decode, describe, encode, endpoint, read_back};
use clorebid::clore::{FormError, HostRequest, OrderForm, RawForm};
use clorebid::wire::{HttpRequest, Method, Reply};
use clorebid_core::ids::{OrderId, ServerId, TargetId};
use clorebid_core::money::{Currency, Price};
use clorebid_core::request::{Answer, Doubt, Refusal, Request};
use secrecy::SecretString;

const READ: Request = Request::SpotMarket { server: ServerId(6) };

fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

fn reprice() -> Request {
    Request::Reprice { server: ServerId(6), order: OrderId(39), from: price("0.000003"), to: price("0.000002") }
}

fn cancel() -> Request {
    Request::Cancel { server: ServerId(6), order: OrderId(39) }
}

fn http(status: u16, body: &'static str) -> Reply {
    Reply::Http { status, body: Bytes::from_static(body.as_bytes()) }
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

fn form() -> RawForm {
    RawForm { image: "cloreai/ubuntu20.04-jupyter".to_owned(), ..RawForm::default() }
}

fn page_form() -> RawForm {
    RawForm {
        ports: [("22", "tcp"), ("8888", "http")].map(|(p, k)| (p.to_owned(), k.to_owned())).into(),
        env: BTreeMap::from([("VARIABLE_NAME".to_owned(), secret("VARIABLE_VALUE"))]),
        jupyter_token: Some(secret("hoZluOjbCOQ5D5yH7R")),
        ssh_password: Some(secret("Hpcj08ZaOpCbTmn1Eu")),
        command: Some(secret("#!/bin/sh\napt update -y && apt install htop")),
        ..form()
    }
}

fn create(bid: &str) -> Request {
    Request::Create { server: ServerId(6), target: TargetId(0), bid: price(bid) }
}

fn enclosed() -> Enclosure {
    Enclosure::new(Currency::Bitcoin, vec![OrderForm::new(page_form()).unwrap()])
}

/// Method, endpoint, query and body.
fn parts(request: HttpRequest) -> (Method, String, Vec<(String, String)>, String) {
    let query = request.query.into_iter().map(|(name, value)| (name.into_owned(), value)).collect();
    (request.method, request.endpoint.into_owned(), query, request.body.unwrap_or_default())
}

#[test]
fn the_pages_calls_are_written_as_the_page_writes_them() {
    let written = |request: &Request| parts(encode(request, &enclosed()));
    let get = |name: &str| (Method::Get, name.to_owned(), vec![], String::new());
    let query = |name: &str, key: &str, value: &str| {
        (Method::Get, name.to_owned(), vec![(key.to_owned(), value.to_owned())], String::new())
    };
    let post = |name: &str, body: &str| (Method::Post, name.to_owned(), vec![], body.to_owned());
    assert_eq!(written(&Request::Wallets), get("wallets"));
    assert_eq!(written(&Request::Marketplace), get("marketplace"));
    assert_eq!(written(&Request::MyOrders), get("my_orders"));
    assert_eq!(written(&Request::AllOrders), query("my_orders", "return_completed", "true"));
    assert_eq!(written(&READ), query("spot_marketplace", "market", "6"));
    assert_eq!(written(&reprice()), post("set_spot_price", r#"{"order_id":39,"desired_price":0.000002}"#));
    assert_eq!(written(&cancel()), post("cancel_order", r#"{"id":39}"#));
    let issue = enclosed().with_issue(Some("GPU #1 Überhitzte und drosselte".to_owned())).unwrap();
    let said = r#"{"id":39,"issue":"GPU #1 Überhitzte und drosselte"}"#;
    assert_eq!(parts(encode(&cancel(), &issue)), post("cancel_order", said));
    let tail = concat!(
        r#""ports":{"22":"tcp","8888":"http"},"env":{"VARIABLE_NAME":"VARIABLE_VALUE"},"#,
        r#""jupyter_token":"hoZluOjbCOQ5D5yH7R","ssh_password":"Hpcj08ZaOpCbTmn1Eu","#,
        r##""command":"#!/bin/sh\napt update -y && apt install htop"}"##
    );
    let head = r#"{"currency":"bitcoin","image":"cloreai/ubuntu20.04-jupyter","renting_server":6,"type":"#;
    let whole = format!(r#"{head}"spot","spotprice":0.000001,{tail}"#);
    assert_eq!(written(&create("0.000001")), post("create_order", &whole));
}

#[test]
fn the_hosts_calls_are_written_as_the_page_writes_them() {
    let servers = (Method::Get, "my_servers".to_owned(), vec![], String::new());
    assert_eq!(parts(HostRequest::MyServers.encode()), servers);
    let config = HostRequest::ServerConfig { name: "Jan Vykydal".to_owned() };
    let body = r#"{"server_name":"Jan Vykydal"}"#.to_owned();
    assert_eq!(parts(config.encode()), (Method::Get, "server_config".to_owned(), vec![], body));
    let settings = HostRequest::SetServerSettings {
        name: "Jan Vykydal".to_owned(),
        availability: true,
        mrl_hours: 96,
        on_demand: price("0.0001"),
        spot: price("0.00000113"),
    };
    let body = r#"{"name":"Jan Vykydal","availability":true,"mrl":96,"on_demand":0.0001,"spot":0.00000113}"#;
    assert_eq!(parts(settings.encode()), (Method::Post, "set_server_settings".to_owned(), vec![], body.to_owned()));
    assert_eq!(settings.decode(&http(200, r#"{"code":0}"#)), Answer::Applied);
    let unlisted = http(200, r#"{"code":6,"error":"moon"}"#);
    assert_eq!(settings.decode(&unlisted), Answer::Unknown(Doubt::Unlisted("moon".to_owned())));
    assert_eq!(HostRequest::MyServers.decode(&unlisted), Answer::Refused(Refusal::Other("moon".to_owned())));
    let nothing = http(200, r#"{"code":0}"#);
    assert_eq!(HostRequest::MyServers.decode(&nothing), Answer::Unknown(Doubt::Garbled { status: 200 }));
}

#[test]
fn three_requests_are_commands_and_one_of_them_creates() {
    for request in [reprice(), cancel(), create("0.000001")] {
        assert!(request.is_command() && encode(&request, &enclosed()).method == Method::Post, "{request:?}");
        assert_eq!(request.is_create(), endpoint(&request) == "create_order");
        assert_eq!(decode(&request, &http(200, r#"{"code":0}"#)), Answer::Applied);
        assert_eq!(decode(&request, &http(500, r#"{ "code" : "0" }"#)), Answer::Applied, "the body speaks first");
    }
    let reads = [Request::Wallets, Request::Marketplace, Request::MyOrders, Request::AllOrders, READ];
    assert!(reads.iter().all(|read| !read.is_command() && !read.is_create()));
}

#[test]
fn a_read_comes_back_from_its_description_and_a_command_does_not() {
    for read in [Request::Wallets, Request::Marketplace, Request::MyOrders, Request::AllOrders, READ] {
        assert_eq!(read_back(endpoint(&read), &describe(&read, &enclosed())), Ok(read));
    }
    for command in [reprice(), cancel(), create("0.000001")] {
        assert!(read_back(endpoint(&command), &describe(&command, &enclosed())).is_err(), "{command:?}");
    }
}

#[test]
fn the_record_of_a_request_holds_no_secret() {
    let request = create("0.00000320");
    let args = r#"{"currency":"bitcoin","image":"cloreai/ubuntu20.04-jupyter","renting_server":6,"type":"spot","spotprice":0.0000032}"#;
    assert_eq!(describe(&request, &enclosed()), args);
    let http = encode(&request, &enclosed());
    let seen = format!("{request:?} {http:?} {:?} {:?} {args}", page_form(), enclosed());
    for hidden in ["hoZluOjb", "Hpcj08Za", "VARIABLE_VALUE", "apt install"] {
        assert!(!seen.contains(hidden), "{hidden} in {seen}");
        assert!(http.body.as_ref().unwrap().contains(hidden));
    }
    assert_eq!(describe(&READ, &enclosed()), r#"{"market":6}"#);
    assert_eq!(describe(&Request::Marketplace, &enclosed()), "{}");
    assert_eq!(describe(&reprice(), &enclosed()), r#"{"order_id":39,"desired_price":0.000002}"#);
    assert_eq!(OrderForm::new(page_form()).unwrap().secrets().count(), 4);
}

fn refused(raw: RawForm) -> FormError {
    OrderForm::new(raw).unwrap_err()
}

#[test]
fn a_form_at_every_limit_is_taken() {
    let ports = (1..=5).map(|n| (format!("{}", n * 13_107), "tcp".to_owned())).collect();
    // Seven values of 1536, and one that fills the JSON string up to 12000.
    let mut env: BTreeMap<String, SecretString> =
        (0..7).map(|n| (format!("V{n}"), secret(&"v".repeat(1_536)))).collect();
    let written = 2 + 7 * (r#""V0":"","#.len() + 1_536);
    env.insert("n".repeat(128), secret(&"v".repeat(12_000 - written - 128 - r#""":"""#.len())));
    let raw = RawForm {
        ports,
        env,
        jupyter_token: Some(secret(&"a".repeat(32))),
        ssh_key: Some(secret(&"b ".repeat(1_536))),
        ssh_password: Some(secret("Az09 \t\n-=.@+/")),
        autossh_entrypoint: true,
        ..form()
    };
    let form = OrderForm::new(raw.clone()).unwrap();
    assert_eq!((form.ports().len(), form.ports().contains_key(&65_535)), (5, true));
    let mut over = raw;
    over.env.insert("X".to_owned(), secret(""));
    assert!(matches!(refused(over), FormError::TooLong { limit: 12_000, .. }));
}

#[test]
fn a_form_beyond_a_limit_is_refused_by_name_without_showing_what_was_in_it() {
    let hidden = "s3cr3t".repeat(600);
    let long = || Some(secret(&hidden));
    let cases = [
        (RawForm { jupyter_token: long(), ..form() }, "jupyter_token", "32"),
        (RawForm { ssh_key: long(), ..form() }, "ssh_key", "3072"),
        (RawForm { ssh_password: long(), ..form() }, "ssh_password", "32"),
        (RawForm { ssh_password: Some(secret("s3cr3t!")), ..form() }, "ssh_password", "letters, digits"),
        (RawForm { ssh_key: Some(secret("s3cr3t#")), ..form() }, "ssh_key", "letters, digits"),
        (RawForm { jupyter_token: Some(secret("s3cr3t_")), ..form() }, "jupyter_token", "letters, digits"),
        (RawForm { jupyter_token: Some(secret("")), ..form() }, "jupyter_token", "empty"),
        (RawForm { env: [("NAME".to_owned(), secret(&hidden))].into(), ..form() }, "NAME", "1536"),
        (RawForm { env: [("N".repeat(129), secret("s3cr3t"))].into(), ..form() }, "env", "128"),
        (RawForm { env: [(String::new(), secret("s3cr3t"))].into(), ..form() }, "env", "empty"),
        (RawForm { image: " ".to_owned(), ..form() }, "image", "empty"),
    ];
    for (raw, field, limit) in cases {
        let message = refused(raw).to_string();
        assert!(message.contains(field) && message.contains(limit), "{message}");
        assert!(!message.contains("s3cr3t"), "{message}");
    }
}

#[test]
fn ports_are_five_at_most_from_1_to_65535_tcp_or_http() {
    let with = |ports: &[(&str, &str)]| RawForm {
        ports: ports.iter().map(|(p, k)| ((*p).to_owned(), (*k).to_owned())).collect(),
        ..form()
    };
    for port in ["0", "65536", "-1", "ssh", "", "022", "+22", "2 2"] {
        assert!(matches!(refused(with(&[(port, "tcp")])), FormError::PortNumber(_)), "{port}");
    }
    assert!(matches!(refused(with(&[("22", "udp")])), FormError::PortKind { port, .. } if port == "22"));
    let six: Vec<(&str, &str)> = ["1", "2", "3", "4", "5", "6"].map(|p| (p, "http")).to_vec();
    assert!(matches!(refused(with(&six)), FormError::TooManyPorts(6)));
}

#[test]
fn an_issue_has_2048_characters_at_most() {
    assert!(enclosed().with_issue(Some("x".repeat(2_048))).is_ok());
    let error = enclosed().with_issue(Some("x".repeat(2_049))).unwrap_err();
    assert!(error.to_string().contains("issue") && error.to_string().contains("2048"));
}
