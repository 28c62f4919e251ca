//! What the venue says, and what is made of it: the page's examples, every code and error name, and all the ways in
//! which an answer may differ from the page without being wrong, or be wrong without looking it.

use bytes::Bytes;
use clorebid::api::{Enclosure, decode, encode, verdict};
use clorebid::clore::{HostRequest, marketplace, my_orders, my_servers, server_config, spot_marketplace, wallets};
use clorebid::json::Number;
use clorebid::wire::Reply;
use clorebid_core::ids::{OrderId, ServerId, TargetId};
use clorebid_core::market::{BidIn, ListedServer, Listing, Market, OrderRow, Visibility};
use clorebid_core::money::{Currency, Price, read_decimal};
use clorebid_core::request::{Answer, Doubt, Refusal, Request};
use clorebid_core::time::{Span, Time};
use proptest::prelude::*;
use rust_decimal::Decimal;

const READ: Request = Request::SpotMarket { server: ServerId(6) };

fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

fn decimal(text: &str) -> Decimal {
    read_decimal(text).unwrap().0
}

fn change() -> Request {
    Request::Reprice { server: ServerId(6), order: OrderId(39), from: price("0.000003"), to: price("0.000002") }
}

fn http(status: u16, body: &str) -> Reply {
    Reply::Http { status, body: Bytes::copy_from_slice(body.as_bytes()) }
}

fn market_of(body: &str) -> Market {
    spot_marketplace(ServerId(6), body.as_bytes()).unwrap()
}

fn orders_of(body: &str) -> Vec<OrderRow> {
    my_orders(body.as_bytes()).unwrap().orders.into_iter().map(|order| order.row).collect()
}

fn only_server(row: &str) -> ListedServer {
    let Listing { mut servers, .. } = marketplace(format!(r#"{{"servers":[{row}],"code":0}}"#).as_bytes()).unwrap();
    assert_eq!(servers.len(), 1);
    servers.remove(0)
}

fn create() -> Request {
    Request::Create { server: ServerId(6), target: TargetId(0), bid: price("0.000001") }
}

// ---- the page's examples ----

const SPECS: &str = r#"{"mb":"Z590 GAMING X","cpu":"11th Gen Intel(R) Core(TM) i9-11900 @ 2.50GHz","cpus":"8/16",
    "ram":62.67348861694336,"disk":"NVMe disk 247.3623046875GB","disk_speed":0,"gpu":"1x NVIDIA GeForce GTX 1080 Ti",
    "gpuram":11,"net":{"up":26.38,"down":118.42,"cc":"CZ"}}"#;

fn page_orders() -> String {
    format!(
        r#"{{"orders":[{{"id":38,"fee":5,"creation_fee":3e-7,"price":0.00001,"mrl":262800,
        "image":"cloreai/ubuntu20.04-jupyter","currency":"bitcoin","spend":6.944444444444445e-9,"ct":1667401396,"p":1,
        "specs":{SPECS},"si":6,"pub_cluster":["n1.c1.clorecloud.net","n2.c1.clorecloud.net"],"tcp_ports":["22:10000"],
        "http_port":"8888"}},{{"id":36,"fee":2.5,"creation_fee":1e-7,"price":0.00001,"mrl":262800,
        "image":"cloreai/ubuntu20.04-jupyter","currency":"bitcoin","spend":1.3888888888888888e-7,"ct":1667248597,
        "specs":{SPECS},"si":6,"spot":true,"expired":true,"tcp_ports":[]}}],"limit":13,"code":0}}"#
    )
}

#[test]
fn the_pages_wallets_are_read() {
    let body = r#"{"wallets":[{"name":"bitcoin","deposit":"tb1q6erw7v02t7hakgmlcl4wfnlykzqj05alndruwr",
        "balance":0.00153176,"withdrawal_fee":0.0001}],"code":0}"#;
    let rows = wallets(body.as_bytes()).unwrap();
    assert_eq!(rows[0].withdrawal_fee.unwrap().to_string(), "0.0001");
    let Answer::Wallets(wallets) = decode(&Request::Wallets, &http(200, body)) else { panic!("not wallets") };
    assert_eq!(wallets[0].currency, Currency::Bitcoin);
    assert_eq!(wallets[0].balance.unwrap().to_string(), "0.00153176");
}

#[test]
fn the_pages_my_servers_are_read() {
    let body = r#"{"servers":[{"name":"Michael","connected":false,"visibility":"hidden",
        "pricing":{"bitcoin":0,"usd":0},"online":false,"min_spot_pricing":{"bitcoin":0,"usd":0},
        "init_token":"qnwVIMsZPjUWS7jw6gAbTOeoGQNgTH9XVxJaiCEbG0OlmfjF"},{"name":"Jan Vykydal","connected":true,
        "visibility":"public","pricing":{"bitcoin":0.00010337,"usd":0},"online":false,
        "min_spot_pricing":{"bitcoin":0.00005168,"usd":0},"specs":{"mb":"Z590 GAMING X","cpu":"Intel Core i9-11900",
        "cpus":"8/16","ram":64,"disk":"NVMe 512GB","disk_speed":2000,"gpu":"1x GeForce GTX 1080 Ti","gpuram":11,
        "net":{"down":119.61,"up":25.24}}}],"limit":16,"code":0}"#;
    let mine = my_servers(body.as_bytes()).unwrap();
    assert_eq!((mine.limit, mine.servers.len()), (Some(16), 2));
    assert!(!mine.servers[0].connected && mine.servers[0].specs.is_none());
    assert!(!format!("{mine:?}").contains("qnwVIMsZ"), "an init token is a secret");
    let second = &mine.servers[1];
    assert_eq!(second.visibility, Visibility::Public);
    assert_eq!(second.on_demand.get(Currency::Bitcoin), Some(price("0.00010337")));
    assert_eq!(second.min_spot.get(Currency::Bitcoin), Some(price("0.00005168")));
    assert_eq!(second.specs.as_ref().unwrap().down, Some(decimal("119.61")));
    assert_eq!(HostRequest::MyServers.decode(&http(200, body)), Answer::Applied);
}

#[test]
fn the_pages_server_config_is_read() {
    let body = r#"{"config":{"name":"Jan Vykydal","connected":true,"visibility":"public",
        "pricing":{"bitcoin":0.00010337,"usd":0},"spot_pricing":{"bitcoin":0.00005168,"usd":0},"mrl":72,"online":false,
        "initialized":true,"id":4,"rental_status":0,"specs":{"gpu":"1x GeForce GTX 1080 Ti","gpuram":11},
        "background_job":{"times_updated":1,"image":"cloreai/ubuntu20.04-jupyter","command":"","env":[]}},
        "creation_completed":true,"code":0}"#;
    let config = server_config(body.as_bytes()).unwrap();
    assert_eq!(config.id, Some(ServerId(4)));
    assert_eq!(config.longest_rental, Some(Span::from_secs(72 * 3600)), "hours");
    assert_eq!(config.rental, clorebid::clore::host::Rental::Free);
    assert!(config.creation_completed && config.initialized);
    assert!(config.background_job.unwrap().env.is_empty());
}

#[test]
fn the_pages_marketplace_is_read() {
    let body = format!(
        r#"{{"servers":[{{"id":6,"owner":4,"mrl":73,"price":{{"on_demand":{{"bitcoin":0.00001}},
        "spot":{{"bitcoin":0.000001}}}},"rented":false,"specs":{SPECS}}}],"my_servers":[1,2,4],"code":0}}"#
    );
    let Answer::Listing(listing) = decode(&Request::Marketplace, &http(200, &body)) else { panic!("not a listing") };
    assert_eq!(listing.my_servers, [ServerId(1), ServerId(2), ServerId(4)]);
    let server = &listing.servers[0];
    assert_eq!(server.id, ServerId(6));
    assert_eq!(server.longest_rental, Some(Span::from_secs(73 * 3600)), "hours in the marketplace");
    assert_eq!(server.on_demand.get(Currency::Bitcoin), Some(price("0.00001")));
    assert_eq!(server.spot.get(Currency::Bitcoin), Some(price("0.000001")));
    assert_eq!((server.rented, server.gpus, server.gpu.as_str()), (false, 1, "1x NVIDIA GeForce GTX 1080 Ti"));
    assert_eq!(server.ram_gb, decimal("62.67348861694336"));
    assert_eq!((server.country.as_deref(), &server.allowed, server.reliability), (Some("CZ"), &None, None));
}

#[test]
fn the_pages_orders_are_read_to_the_last_digit() {
    let body = page_orders();
    let mine = my_orders(body.as_bytes()).unwrap();
    assert_eq!(mine.limit, Some(13));
    assert_eq!(mine.orders[0].tcp_ports, ["22:10000"]);
    assert_eq!(mine.orders[0].http_port.as_deref(), Some("8888"));
    assert_eq!(mine.orders[0].longest_rental, Some(Span::from_secs(262_800)), "seconds in my_orders");
    let Answer::Orders(rows) = decode(&Request::AllOrders, &http(200, &body)) else { panic!("not orders") };
    assert_eq!((rows[0].id, rows[0].server), (OrderId(38), ServerId(6)));
    assert_eq!((rows[0].spot, rows[0].expired), (None, false));
    assert_eq!((rows[1].spot, rows[1].expired), (Some(true), true));
    assert_eq!(rows[0].creation_fee.unwrap().to_string(), "0.0000003");
    assert_eq!(rows[0].spend.unwrap().to_string(), "0.000000006944444444444445");
    assert_eq!(rows[1].spend.unwrap().to_string(), "0.00000013888888888888888");
    assert_eq!(rows[1].fee_percent, Some(decimal("2.5")));
    assert_eq!(rows[0].created, Some(Time::from_secs(1_667_401_396)));
}

const PAGE_MARKET: &str = r#"{"market":{"offers":[{"offer_id":39,"bid":0.0000042,"active":true,"my":true}],
    "server":{"min_pricing":{"bitcoin":0.000001},"mrl":262800,"visibility":"public","online":true}},
    "exists":true,"code":0}"#;

#[test]
fn the_pages_spot_market_is_read() {
    let Answer::Market(market) = decode(&READ, &http(200, PAGE_MARKET)) else { panic!("not a market") };
    assert!(market.is_open());
    assert_eq!(market.longest_rental, Some(Span::from_secs(262_800)), "seconds in the spot market");
    assert_eq!(market.floors.get(Currency::Bitcoin), Some(price("0.000001")));
    let mine = market.mine().unwrap();
    assert_eq!((mine.id, mine.bid, mine.active, mine.currency), (OrderId(39), price("0.0000042"), true, BidIn::Unsaid));
}

#[test]
fn the_pages_refusals_of_a_lowering_are_read() {
    let body = r#"{"error":"exceeded_max_step","max_step":0.0000032,"code":6}"#;
    let lowest = price("0.0000032");
    assert_eq!(decode(&change(), &http(200, body)), Answer::Refused(Refusal::StepTooLarge { lowest }));
    let body = r#"{"error":"can_lower_every_600_seconds","time_to_lowering":513,"code":6}"#;
    let wait = Span::from_secs(513);
    assert_eq!(decode(&change(), &http(200, body)), Answer::Refused(Refusal::LoweringTooSoon { wait }));
    assert_eq!(verdict(&http(200, body)).code, Some(6));
    assert_eq!(verdict(&http(200, body)).error.as_deref(), Some("can_lower_every_600_seconds"));
}

// ---- codes and names ----

#[test]
fn every_code_means_what_the_page_says() {
    for call in [change(), READ] {
        let of = |code: i32| decode(&call, &http(200, &format!(r#"{{"code":{code}}}"#)));
        assert_eq!(of(1), Answer::Unknown(Doubt::DatabaseError));
        assert_eq!(of(2), Answer::Refused(Refusal::InvalidInput));
        assert_eq!(of(3), Answer::Refused(Refusal::BadKey));
        assert_eq!(of(4), Answer::Refused(Refusal::BadEndpoint));
        assert_eq!(of(5), Answer::Refused(Refusal::RateLimited));
    }
    assert_eq!(decode(&change(), &http(500, r#"{"code":1}"#)), Answer::Unknown(Doubt::DatabaseError));
    assert_eq!(decode(&READ, &http(403, r#"{"code":3}"#)), Answer::Refused(Refusal::BadKey));
    assert_eq!(decode(&READ, &http(401, r#"{"code":3}"#)), Answer::Refused(Refusal::BadKey));
    let odd = http(200, r#"{"code":7}"#);
    assert_eq!(decode(&change(), &odd), Answer::Unknown(Doubt::Unlisted("code 7".to_owned())));
    assert_eq!(decode(&READ, &odd), Answer::Refused(Refusal::Other("code 7".to_owned())));
}

#[test]
fn that_an_order_stands_already_is_a_doubt_since_it_may_be_the_one_asked_for() {
    let reply = http(200, r#"{"error":"you_already_have_spot_order","code":6}"#);
    assert_eq!(decode(&create(), &reply), Answer::Unknown(Doubt::AlreadyHaveOrder));
}

#[test]
fn every_listed_error_name_is_a_refusal_of_its_own() {
    let least = Some(price("0.00000113"));
    let names = [
        (r#""too_low_price","min_price":0.00000113"#, Refusal::PriceTooLow { least }),
        (r#""too_low_price""#, Refusal::PriceTooLow { least: None }),
        (r#""amount_too_low""#, Refusal::PriceTooLow { least: None }),
        (r#""order_dont_exist""#, Refusal::OrderGone),
        (r#""order_not_active""#, Refusal::OrderNotActive),
        (r#""you_dont_own_this_order""#, Refusal::NotOurOrder),
        (r#""server-dont-exist""#, Refusal::ServerGone),
        (r#""server-offline""#, Refusal::ServerOffline),
        (r#""server-already-rented""#, Refusal::ServerRented),
        (r#""not_enough_balance""#, Refusal::NotEnoughBalance),
        (r#""currency-not-allowed""#, Refusal::CurrencyNotAllowed),
        (r#""cant_rent_from_yourself""#, Refusal::OwnServer),
        (r#""machine-is-on-gigaspot""#, Refusal::Gigaspot),
    ];
    for (error, refusal) in names {
        for status in [200, 500] {
            let reply = http(status, &format!(r#"{{"status":null,"error":{error},"code":6}}"#));
            assert_eq!(decode(&create(), &reply), Answer::Refused(refusal.clone()));
        }
    }
}

#[test]
fn an_error_nobody_has_listed_is_a_doubt_about_a_change_and_a_refusal_of_a_read() {
    let reply = http(200, r#"{"error":"moon_in_wrong_phase","code":6}"#);
    assert_eq!(decode(&change(), &reply), Answer::Unknown(Doubt::Unlisted("moon_in_wrong_phase".to_owned())));
    assert_eq!(decode(&READ, &reply), Answer::Refused(Refusal::Other("moon_in_wrong_phase".to_owned())));
    let nameless = http(200, r#"{"error":null,"code":6}"#);
    assert_eq!(decode(&change(), &nameless), Answer::Unknown(Doubt::Unlisted("unnamed".to_owned())));
}

#[test]
fn a_fractional_wait_is_rounded_up_to_the_millisecond() {
    for (written, ms) in [("12.0001", 12_001), ("0.5", 500), ("\"3\"", 3_000), ("-4", 0), ("null", 600_000)] {
        let body = format!(r#"{{"error":"can_lower_every_600_seconds","time_to_lowering":{written},"code":6}}"#);
        let wait = Span::from_ms(ms);
        assert_eq!(decode(&change(), &http(200, &body)), Answer::Refused(Refusal::LoweringTooSoon { wait }));
    }
}

#[test]
fn a_step_refusal_without_its_number_is_a_doubt() {
    for rest in ["", r#","max_step":null"#, r#","max_step":-1"#, r#","max_step":0"#, r#","max_step":"soon""#] {
        let body = format!(r#"{{"error":"exceeded_max_step","code":6{rest}}}"#);
        assert_eq!(decode(&change(), &http(200, &body)), Answer::Unknown(Doubt::Garbled { status: 200 }), "{rest}");
    }
}

#[test]
fn what_is_not_the_venues_json_is_a_doubt() {
    let bodies = ["<html><h1>502 Bad Gateway</h1></html>", "", "error code: 1010", r#"{"code":0"#, "[0]", "0", "null"];
    for call in [change(), READ] {
        for body in bodies.into_iter().chain([r#"{"status":"ok"}"#, r#"{"code":null}"#, r#"{"code":0,"code":6}"#]) {
            let garbled = Answer::Unknown(Doubt::Garbled { status: 502 });
            assert_eq!(decode(&call, &http(502, body)), garbled, "{body}");
            assert_eq!(verdict(&http(502, body)).code, None);
        }
        let cut = &PAGE_MARKET[..PAGE_MARKET.len() - 9];
        assert_eq!(decode(&call, &http(200, cut)), Answer::Unknown(Doubt::Garbled { status: 200 }));
        let bytes = Reply::Http { status: 200, body: Bytes::from_static(b"{\"code\":0,\"x\":\"\xff\"}") };
        assert_eq!(decode(&call, &bytes), Answer::Unknown(Doubt::Garbled { status: 200 }));
        assert_eq!(decode(&call, &Reply::None(Doubt::TimedOut)), Answer::Unknown(Doubt::TimedOut));
        assert_eq!(decode(&call, &http(429, "slow down")), Answer::Refused(Refusal::RateLimited));
        assert_eq!(decode(&call, &http(429, r#"{"code":5}"#)), Answer::Refused(Refusal::RateLimited));
    }
}

#[test]
fn a_good_code_without_the_good_things_is_no_empty_answer() {
    let reads = [Request::Wallets, Request::Marketplace, Request::MyOrders, READ];
    for call in &reads {
        let nulls = r#"{"code":0,"wallets":null,"servers":null,"orders":null,"market":null,"exists":true}"#;
        for body in [r#"{"code":0}"#, nulls, r#"{"code":0,"orders":{},"servers":{},"wallets":{},"market":[]}"#] {
            assert_eq!(decode(call, &http(200, body)), Answer::Unknown(Doubt::Garbled { status: 200 }), "{call:?}");
        }
    }
    let orders = Request::MyOrders;
    assert_eq!(decode(&orders, &http(200, r#"{"orders":[],"code":0}"#)), Answer::Orders(vec![]));
}

#[test]
fn a_malformed_order_makes_the_whole_list_unknown() {
    let good = r#"{"id":1,"si":6,"price":1}"#;
    let bad = [
        "null",
        "[1,6]",
        r#"{"id":2}"#,
        r#"{"si":6}"#,
        r#"{"id":2,"si":6,"price":"dear"}"#,
        r#"{"id":2,"si":6,"price":-1}"#,
        r#"{"id":2.5,"si":6}"#,
        r#"{"id":2,"si":6,"expired":"perhaps"}"#,
    ];
    for row in bad {
        let body = format!(r#"{{"orders":[{good},{row}],"code":0}}"#);
        let call = Request::MyOrders;
        assert_eq!(decode(&call, &http(200, &body)), Answer::Unknown(Doubt::Garbled { status: 200 }), "{row}");
    }
}

#[test]
fn a_malformed_offer_makes_the_whole_market_unknown() {
    for row in
        ["null", "{}", r#"{"offer_id":1}"#, r#"{"bid":1}"#, r#"{"offer_id":1,"bid":-1}"#, r#"{"offer_id":1,"bid":{}}"#]
    {
        let body = PAGE_MARKET.replace(r#""offers":["#, &format!(r#""offers":[{row},"#));
        assert_eq!(decode(&READ, &http(200, &body)), Answer::Unknown(Doubt::Garbled { status: 200 }), "{row}");
    }
    let without_server = r#"{"market":{"offers":[]},"exists":true,"code":0}"#;
    assert_eq!(decode(&READ, &http(200, without_server)), Answer::Unknown(Doubt::Garbled { status: 200 }));
}

#[test]
fn a_malformed_server_does_not_lose_the_others() {
    let body = r#"{"servers":[{"id":1},{"id":"x"},null,[],{"id":2}],"my_servers":null,"code":0}"#;
    let listing = marketplace(body.as_bytes()).unwrap();
    assert_eq!(listing.servers.iter().map(|s| s.id).collect::<Vec<_>>(), [ServerId(1), ServerId(2)]);
    assert!(marketplace(br#"{"servers":[null,{}],"code":0}"#).is_err(), "not one readable server is no empty market");
}

// ---- leniency ----

#[test]
fn a_market_that_does_not_exist_is_known_to_be_closed() {
    for market in ["", r#","market":null"#, r#","market":{}"#, r#","market":[]"#] {
        let market = market_of(&format!(r#"{{"code":0,"exists":false{market}}}"#));
        assert!(!market.exists && !market.is_open() && market.offers.is_empty());
    }
}

#[test]
fn numbers_may_be_texts_and_booleans_may_be_numbers() {
    let market = market_of(
        r#"{"exists":1,"code":"0","extra":{"deep":[1]},"market":{"offers":[
        {"offer_id":"7","bid":"3e-7","active":"true","my":0,"currency":"CLORE-Blockchain","note":null},
        {"offer_id":8.0,"bid":6.944444444444445e-9,"active":null,"my":"1","currency":"dogecoin"},
        {"offer_id":9,"bid":5}],
        "server":{"min_pricing":{"bitcoin":"0.000001","usd":4,"CLORE-Blockchain":null},"mrl":"3600","visibility":"public",
        "online":"1"},"currency_rates_in_usd":{"bitcoin":64000.5,"CLORE-Blockchain":"0.0012"}}}"#,
    );
    assert!(market.is_open());
    let offers = &market.offers;
    assert_eq!((offers[0].id, offers[0].bid, offers[0].active), (OrderId(7), price("0.0000003"), true));
    assert_eq!((offers[0].mine, offers[0].currency), (false, BidIn::Coin(Currency::Clore)));
    assert_eq!((offers[1].bid.to_string().as_str(), offers[1].mine), ("0.000000006944444444444445", true));
    assert_eq!(
        (offers[1].active, offers[1].currency),
        (false, BidIn::UnknownCoin),
        "a coin that nobody knows is not ours"
    );
    assert_eq!((offers[2].active, offers[2].mine, offers[2].currency), (false, false, BidIn::Unsaid));
    assert_eq!(market.floors.get(Currency::Clore), None);
    assert_eq!(market.longest_rental, Some(Span::from_secs(3600)));
    assert_eq!(market.usd_rates.get(Currency::Bitcoin), Some(decimal("64000.5")));
    assert_eq!(market.usd_rates.get(Currency::Clore), Some(decimal("0.0012")));
    assert_eq!(market.usd_rates.get(Currency::Usd), Some(Decimal::ONE), "one USD is one USD");
}

#[test]
fn an_order_may_lack_whatever_does_not_apply() {
    let rows = orders_of(
        r#"{"orders":[{"id":5,"si":"6","price":null,"spend":null,"ct":null,"pub_cluster":null,
        "currency":"dogecoin","fee":null,"spot":0,"mon_container":2,"online":true,"http_port":8080}],"code":0}"#,
    );
    let row = &rows[0];
    assert_eq!(
        (row.id, row.server, row.price, row.spot, row.expired),
        (OrderId(5), ServerId(6), None, Some(false), false)
    );
    assert_eq!(
        (row.currency, row.spend, row.created, row.fee_percent, row.creation_fee),
        (None, None, None, None, None)
    );
}

#[test]
fn a_listed_server_may_be_described_in_many_ways() {
    let nested = only_server(
        r#"{"id":1,"gpu_array":[[" RTX 3090"," RTX 3090"],[[" RTX 3090"]],null],"autoprice":{"on":true},"gigaspot":{},
        "price":{"on_demand":{"USD-Blockchain":2.15},"spot":{"USD-Blockchain":"1.5"},"usd":{"spot":0},
        "original_usd":{"spot":1}},"allowed_coins":["USD-Blockchain","dogecoin"],"reliability":"0.98","rented":"0",
        "specs":{"gpu":"4x NVIDIA GeForce RTX 3090","ram":128,"net":{"cc":null}}}"#,
    );
    assert_eq!((nested.gpus, nested.rented, nested.reliability), (3, false, Some(decimal("0.98"))));
    assert!(nested.takes(Currency::Usd) && !nested.takes(Currency::Bitcoin));
    assert_eq!((&nested.allowed, nested.country), (&Some(vec![Currency::Usd]), None));

    let by_name = only_server(
        r#"{"id":2,"gpu_array":[],"autoprice":"off","gigaspot":false,"price":null,"spot":{"bitcoin":0.1},
        "allowed_coins":null,"rented":1,"specs":{"gpu":"4x NVIDIA GeForce RTX 3090"},"mrl":null}"#,
    );
    assert_eq!((by_name.gpus, by_name.rented, by_name.longest_rental), (4, true, None));
    assert!(by_name.takes(Currency::Bitcoin), "the page's table has `spot` beside `price`");

    let bare = only_server(r#"{"id":3,"specs":[],"rented":"perhaps"}"#);
    assert_eq!((bare.gpus, bare.rented, bare.ram_gb), (1, true, Decimal::ZERO), "a doubtful server counts as rented");
}

#[test]
fn a_wallet_may_be_of_a_coin_we_do_not_bid_in_or_say_nothing() {
    let body = r#"{"wallets":[{"name":"dogecoin","balance":5},{"name":"USD-Blockchain","balance":null},
        {"name":"CLORE-Blockchain","balance":"12.50"},{"name":"bitcoin","balance":-0.1}],"code":0}"#;
    let Answer::Wallets(wallets) = decode(&Request::Wallets, &http(200, body)) else { panic!("not wallets") };
    let balances: Vec<Option<String>> = wallets.iter().map(|w| w.balance.map(|b| b.to_string())).collect();
    assert_eq!(balances, [None, Some("12.5".to_owned()), Some("0".to_owned())]);
}

// ---- digits ----

#[test]
fn prices_come_through_to_the_last_digit() {
    let exact = [
        ("0.0000032", "0.0000032"),
        ("3e-7", "0.0000003"),
        ("6.944444444444445e-9", "0.000000006944444444444445"),
        ("1.3888888888888888e-7", "0.00000013888888888888888"),
        ("0.1000", "0.1"),
    ];
    for (written, plain) in exact {
        let market = market_of(&PAGE_MARKET.replace("0.0000042", written));
        assert_eq!(market.offers[0].bid.to_string(), plain);
        let (server, to) = (ServerId(6), market.offers[0].bid);
        let request = Request::Reprice { server, order: OrderId(1), from: to, to };
        let body = encode(&request, &Enclosure::new(Currency::Bitcoin, Vec::new())).body;
        assert_eq!(body.unwrap(), format!(r#"{{"order_id":1,"desired_price":{plain}}}"#));
    }
}

/// What a venue may say of a code: any JSON or none, now and then within something that is nearly an answer.
fn a_body() -> impl Strategy<Value = String> {
    let code = prop_oneof![
        4 => (-1_i64..=9).prop_map(|code| code.to_string()),
        1 => any::<i64>().prop_map(|code| code.to_string()),
        1 => prop::sample::select(vec!["0", "-0", "0.0", "0e0", "\"0\"", "null", "false", "[0]", "{}"]).prop_map(str::to_owned),
    ];
    let key = prop_oneof![4 => Just("code"), 1 => prop::sample::select(vec!["Code", "status", "c\\u006fde"])];
    let tail = prop_oneof![4 => Just(String::new()), 1 => "[,}x]{1,2}"];
    prop_oneof![
        1 => "\\PC{0,40}",
        3 => (key, code, tail).prop_map(|(key, code, tail)| format!("{{\"{key}\":{code}}}{tail}")),
    ]
}

proptest! {
    #[test]
    fn any_price_survives_being_written_and_read(mantissa in 0_u128..10_u128.pow(28), scale in 0_u32..=28) {
        let price = Price::new(Decimal::from_i128_with_scale(mantissa.cast_signed(), scale)).unwrap();
        let written = serde_json::to_string(&Number::from(price)).unwrap();
        prop_assert!(written.bytes().all(|b| b.is_ascii_digit() || b == b'.'), "{}", written);
        let read: Number = serde_json::from_str(&written).unwrap();
        prop_assert_eq!((read.price(), read.exact), (Some(price), true));
    }

    #[test]
    fn no_bytes_whatever_make_a_change_applied_without_a_code_of_zero(body in a_body(), status in 200_u16..600) {
        let reply = http(status, &body);
        let applied = decode(&change(), &reply) == Answer::Applied;
        prop_assert!(!applied || verdict(&reply).code == Some(0), "{}", body);
        // Told by another reader than the one that is tried here.
        let read = serde_json::from_str::<serde_json::Value>(&body);
        let zero = read.is_ok_and(|v| ["0", "-0.0", "0.0", "\"0\""].contains(&v["code"].to_string().as_str()));
        prop_assert!(!applied || zero, "{}", body);
    }
}

#[test]
fn an_order_that_the_venue_puts_on_no_server_is_an_order_all_the_same() {
    for si in [r#""si":null,"#, ""] {
        let rows =
            orders_of(&format!(r#"{{"orders":[{{"id":5,{si}"price":1}},{{"id":7,"si":17,"price":1}}],"code":0}}"#));
        let servers: Vec<(OrderId, ServerId)> = rows.iter().map(|row| (row.id, row.server)).collect();
        assert_eq!(servers, [(OrderId(5), ServerId::UNKNOWN), (OrderId(7), ServerId(17))]);
    }
}
