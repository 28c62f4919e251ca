//! What we say: the ten calls as the page writes them, the record of each without secrets, and the limits of a form.

use std::collections::BTreeMap;

use bytes::Bytes;
use clorebid::clore::{Call, CreateOrder, FormError, Kind, OrderForm, RawForm, answer};
use clorebid::venue::{Method, Reply};
use clorebid_core::ask::Answer;
use clorebid_core::market::{OrderId, ServerId};
use clorebid_core::money::{Currency, Price};
use secrecy::SecretString;

const READ: Call = Call::SpotMarketplace { market: ServerId(6) };

fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

fn change() -> Call {
    Call::SetSpotPrice { order: OrderId(39), price: price("0.000002") }
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

fn create(kind: Kind) -> Call {
    let form = OrderForm::new(page_form()).unwrap();
    Call::CreateOrder(Box::new(CreateOrder { currency: Currency::Bitcoin, renting_server: ServerId(6), kind, form }))
}

#[test]
fn the_pages_calls_are_written_as_the_page_writes_them() {
    let written = |call: &Call| {
        let request = call.encode();
        (request.method, request.endpoint.to_string(), request.query, request.body.unwrap_or_default())
    };
    let get = |name: &str, body: &str| (Method::Get, name.to_owned(), vec![], body.to_owned());
    let post = |name: &str, body: &str| (Method::Post, name.to_owned(), vec![], body.to_owned());
    assert_eq!(written(&Call::Wallets), get("wallets", ""));
    assert_eq!(written(&Call::MyServers), get("my_servers", ""));
    assert_eq!(written(&Call::Marketplace), get("marketplace", ""));
    let config = Call::ServerConfig { server_name: "Jan Vykydal".to_owned() };
    assert_eq!(written(&config), get("server_config", r#"{"server_name":"Jan Vykydal"}"#));
    assert_eq!(written(&Call::MyOrders { return_completed: false }), get("my_orders", ""));
    assert_eq!(
        Call::MyOrders { return_completed: true }.encode().query,
        [("return_completed".into(), "true".to_owned())]
    );
    assert_eq!(READ.encode().query, [("market".into(), "6".to_owned())]);
    let settings = Call::SetServerSettings {
        name: "Jan Vykydal".to_owned(),
        availability: true,
        mrl_hours: 96,
        on_demand: price("0.0001"),
        spot: price("0.00000113"),
    };
    let body = r#"{"name":"Jan Vykydal","availability":true,"mrl":96,"on_demand":0.0001,"spot":0.00000113}"#;
    assert_eq!(written(&settings), post("set_server_settings", body));
    assert_eq!(settings.args(), body);
    assert_eq!(written(&change()), post("set_spot_price", r#"{"order_id":39,"desired_price":0.000002}"#));
    let issue = "GPU #1 Überhitzte und drosselte".to_owned();
    let cancel = Call::cancel_order(OrderId(39), Some(issue)).unwrap();
    assert_eq!(written(&cancel), post("cancel_order", r#"{"id":39,"issue":"GPU #1 Überhitzte und drosselte"}"#));
    assert_eq!(written(&Call::cancel_order(OrderId(39), None).unwrap()), post("cancel_order", r#"{"id":39}"#));
    let tail = concat!(
        r#""ports":{"22":"tcp","8888":"http"},"env":{"VARIABLE_NAME":"VARIABLE_VALUE"},"#,
        r#""jupyter_token":"hoZluOjbCOQ5D5yH7R","ssh_password":"Hpcj08ZaOpCbTmn1Eu","#,
        r##""command":"#!/bin/sh\napt update -y && apt install htop"}"##
    );
    let head = r#"{"currency":"bitcoin","image":"cloreai/ubuntu20.04-jupyter","renting_server":6,"type":"#;
    let spot = create(Kind::Spot { bid: price("0.000001") });
    assert_eq!(written(&spot), post("create_order", &format!(r#"{head}"spot","spotprice":0.000001,{tail}"#)));
    let on_demand = create(Kind::OnDemand { required_price: None });
    assert_eq!(written(&on_demand), post("create_order", &format!(r#"{head}"on-demand",{tail}"#)));
    let bounded = create(Kind::OnDemand { required_price: Some(price("2.50")) });
    assert!(bounded.encode().body.unwrap().contains(r#""required_price":2.5,"#));
}

#[test]
fn only_four_calls_change_anything_and_one_creates() {
    let four = [
        change(),
        Call::cancel_order(OrderId(1), None).unwrap(),
        create(Kind::OnDemand { required_price: None }),
        Call::SetServerSettings {
            name: String::new(),
            availability: true,
            mrl_hours: 1,
            on_demand: Price::ZERO,
            spot: Price::ZERO,
        },
    ];
    for call in four {
        assert!(call.is_change() && call.encode().method == Method::Post, "{call:?}");
        assert_eq!(call.is_create(), call.name() == "create_order");
        assert_eq!(answer(&call, &http(200, r#"{"code":0}"#)), Answer::Applied);
        assert_eq!(answer(&call, &http(500, r#"{ "code" : "0" }"#)), Answer::Applied, "the body speaks first");
    }
    let config = Call::ServerConfig { server_name: String::new() };
    let six =
        [config, Call::Wallets, Call::MyServers, Call::Marketplace, Call::MyOrders { return_completed: false }, READ];
    assert!(six.iter().all(|call| !call.is_change() && !call.is_create()));
}

#[test]
fn the_record_of_a_call_holds_no_secret() {
    let call = create(Kind::Spot { bid: price("0.00000320") });
    let args = r#"{"currency":"bitcoin","image":"cloreai/ubuntu20.04-jupyter","renting_server":6,"type":"spot","spotprice":0.0000032}"#;
    assert_eq!(call.args(), args);
    let seen = format!("{call:?} {:?} {:?} {}", call.encode(), page_form(), call.args());
    for hidden in ["hoZluOjb", "Hpcj08Za", "VARIABLE_VALUE", "apt install"] {
        assert!(!seen.contains(hidden), "{hidden} in {seen}");
        assert!(call.encode().body.unwrap().contains(hidden));
    }
    assert_eq!(READ.args(), r#"{"market":6}"#);
    assert_eq!(Call::Marketplace.args(), "{}");
    assert_eq!(change().args(), r#"{"order_id":39,"desired_price":0.000002}"#);
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
    assert!(Call::cancel_order(OrderId(1), Some("x".repeat(2_048))).is_ok());
    let error = Call::cancel_order(OrderId(1), Some("x".repeat(2_049))).unwrap_err();
    assert!(error.to_string().contains("issue") && error.to_string().contains("2048"));
}
