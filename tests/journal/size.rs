//! A day of full polling stays small.

use clorebid::core::ids::ServerId;
use clorebid::history::{Filter, History, View};
use clorebid::journal::{Received, Sent, Sighting};

use crate::support::*;

/// One request each 1.05 s.
const PACE_MS: i64 = 1050;
const DAY_MS: i64 = 86_400_000;

/// A number that looks random and is the same in every run.
fn mixed(n: i64) -> u64 {
    let mut x = n.unsigned_abs().wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^= x >> 31;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ (x >> 29)
}

/// A market of eight offers, of which some move every minute.
fn market(minute: i64) -> String {
    let offers: Vec<String> = (0..8)
        .map(|n| {
            let moved = minute - minute % (n + 1);
            let bid = 1000 + mixed(moved * 8 + n) % 9000;
            let offer = 40_000 + mixed(n) % 1000;
            format!(
                "{{\"offer_id\":{offer},\"active\":{},\"my\":{},\"bid\":0.0000{bid},\"currency\":\"bitcoin\",\"is_valid\":true}}",
                n == 0,
                n == 3
            )
        })
        .collect();
    let rate = 60_000 + mixed(minute) % 9000;
    format!(
        "{{\"market\":[{}],\"server\":{{\"online\":true,\"visibility\":\"public\",\"mrl\":{}}},\"min_pricing\":{{\"bitcoin\":0.000001,\"CLORE-Blockchain\":12.5}},\"rates\":{{\"bitcoin\":{rate}.{},\"CLORE-Blockchain\":0.0{}}},\"code\":0}}",
        offers.join(","),
        96 - minute / 60 % 24,
        minute % 97,
        mixed(minute + 5) % 1000
    )
}

fn orders(minute: i64) -> String {
    let order = |n: i64| {
        format!(
            "{{\"id\":{},\"si\":6,\"price\":0.0000421,\"spot\":true,\"expired\":false,\"currency\":\"bitcoin\",\"spend\":0.0000{:08},\"ct\":179340{n},\"fee\":2.5,\"creation_fee\":0,\"image\":\"cloreai/ubuntu22.04-cuda12\",\"pub_cluster\":[\"n{n}.example.net\"],\"tcp_ports\":[\"22:{}\"]}}",
            500 + n,
            minute * 731 + n,
            10_000 + n
        )
    };
    format!("{{\"orders\":[{}],\"limit\":100,\"code\":0}}", (1..=3).map(order).collect::<Vec<_>>().join(","))
}

fn wallets(minute: i64) -> String {
    let filler = "deposit address shown in the account page";
    format!(
        "{{\"wallets\":[{{\"name\":\"bitcoin\",\"balance\":0.0{:07},\"deposit\":\"{filler}\"}},{{\"name\":\"CLORE-Blockchain\",\"balance\":{}.5,\"deposit\":\"{filler}\"}},{{\"name\":\"USD-Blockchain\",\"balance\":null}}],\"code\":0}}",
        4_000_000 - minute * 7,
        1000 + minute % 3
    )
}

#[tokio::test]
async fn a_day_of_polling_one_server_stays_under_ten_megabytes() {
    let (_dir, path, mut journal) = running().await;
    let (mut seq, mut ms, mut written) = (0_u64, 0_i64, 0_usize);
    while ms < DAY_MS {
        seq += 1;
        let (minute, slot) = (ms / 60_000, ms / PACE_MS % 57);
        let (call, args, body) = match slot {
            0 => ("my_orders", "{}", orders(minute)),
            1 => ("wallets", "{}", wallets(minute)),
            _ => ("spot_marketplace", "{\"market\":6}", market(minute)),
        };
        let age = PACE_MS + i64::try_from(mixed(ms) % 400).unwrap();
        let reason = format!("last read {}.{:03}s ago", age / 1000, age % 1000);
        let request = format!("\"{call}\"");
        journal.intend((), Sent { call, args: args.to_string(), request, reason, ..read_of(seq, ms) }).await.unwrap();
        written += body.len();
        let sighting = (slot > 1).then(|| Sighting { server: ServerId(6), ..sighting() });
        let took = 60 + i64::try_from(mixed(ms + 1) % 300).unwrap();
        journal.record(Received { sighting, ..answer(seq, ms + took, &body) }).await.unwrap();
        journal.flush_if_due().await.unwrap();
        ms += PACE_MS;
    }
    journal.end_run(at(ms), "duration").await.unwrap();
    journal.close().await.unwrap();
    let size = std::fs::metadata(&path).unwrap().len();
    println!("{seq} requests, {written} bytes of answers, {size} bytes of database");
    assert!(seq > 82_000);
    assert!(size < 10_000_000, "{size} bytes");

    let mut history = History::open_read_only(&path).await.unwrap();
    assert_eq!(history.verify_chain().await.unwrap(), []);
    // What was sent by reference, compressed and in pieces comes back as it was, byte for byte.
    let mut after = 0;
    while let Some(last) = {
        let page = history.exchanges(1, after, 5000).await.unwrap();
        for exchange in &page {
            let minute = (exchange.sent_at.ms() - START.ms()) / 60_000;
            let body = match exchange.call.as_str() {
                "my_orders" => orders(minute),
                "wallets" => wallets(minute),
                _ => market(minute),
            };
            assert_eq!(exchange.body.as_deref(), Some(body.as_bytes()), "request {}", exchange.seq);
        }
        page.last().map(|last| last.seq)
    } {
        assert!(last > after);
        after = last;
    }
    assert_eq!(after, seq);
    assert_eq!(history.first_memory(1).await.unwrap().as_deref(), Some("{\"first\":1}"));

    let last = Filter { limit: Some(3), ..Filter::default() };
    assert_eq!(history.view(View::Requests, &last).await.unwrap().rows.len(), 3);
}
