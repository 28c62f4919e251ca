//! A marketplace of two million bytes, read exactly, beside serde_json into the same shape with floats.

mod common;

use std::collections::BTreeMap;
use std::hint::black_box;

use clorebid::clore::marketplace;
use common::{in_turns, print, time};
use serde::Deserialize;

#[derive(Deserialize)]
#[allow(dead_code, reason = "it is parsed and dropped")]
struct Listing {
    servers: Vec<Server>,
    my_servers: Vec<u64>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "it is parsed and dropped")]
struct Server {
    id: u64,
    mrl: f64,
    price: Prices,
    rented: bool,
    specs: Specs,
    allowed_coins: Vec<String>,
    gpu_array: Vec<String>,
    reliability: f64,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "it is parsed and dropped")]
struct Prices {
    on_demand: BTreeMap<String, f64>,
    spot: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "it is parsed and dropped")]
struct Specs {
    gpu: String,
    ram: f64,
    net: Net,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "it is parsed and dropped")]
struct Net {
    cc: String,
}

fn made_up() -> String {
    let server = |id: u32| {
        format!(
            "{{\"id\":{id},\"owner\":{},\"mrl\":{},\"price\":{{\"on_demand\":{{\"bitcoin\":0.0000{},\"CLORE-Blockchain\":{}.25,\
             \"USD-Blockchain\":{}.4}},\"spot\":{{\"bitcoin\":0.00000{},\"CLORE-Blockchain\":{}.5,\"USD-Blockchain\":0.{}}}}},\
             \"rented\":{},\"specs\":{{\"mb\":\"X570 board\",\"cpu\":\"16-core processor\",\"cpus\":\"16/32\",\"ram\":{}.8203125,\
             \"disk\":\"NVMe 1024GB\",\"disk_speed\":2048.5,\"gpu\":\"2x NVIDIA GeForce RTX 3090\",\"gpuram\":24,\
             \"net\":{{\"up\":812.5,\"down\":903.25,\"cc\":\"DE\"}}}},\"allowed_coins\":[\"bitcoin\",\"CLORE-Blockchain\",\
             \"USD-Blockchain\"],\"gpu_array\":[\"NVIDIA GeForce RTX 3090\",\"NVIDIA GeForce RTX 3090\"],\
             \"rating\":{{\"avg\":4.5,\"cnt\":12}},\"reliability\":0.99{},\"cuda_version\":\"12.4\"}}",
            id % 900,
            24 + id % 700,
            1000 + id % 9000,
            50 + id % 900,
            1 + id % 40,
            1000 + id % 9000,
            20 + id % 400,
            10 + id % 90,
            id.is_multiple_of(3),
            30 + id % 200,
            id % 100
        )
    };
    let mut servers: Vec<String> = Vec::new();
    let mut bytes = 0;
    while bytes < 2_000_000 {
        servers.push(server(1 + u32::try_from(servers.len()).expect("few")));
        bytes += servers.last().map_or(0, String::len) + 1;
    }
    format!("{{\"servers\":[{}],\"my_servers\":[],\"code\":0}}", servers.join(","))
}

fn main() {
    let body = made_up();
    let bytes = body.len() as u64;
    let floor = || time(|| drop(black_box(serde_json::from_str::<Listing>(&body).expect("JSON"))));
    let ours = || time(|| drop(black_box(marketplace(body.as_bytes()).expect("a marketplace"))));
    print("marketplace", bytes, "bytes", "serde_json with f64", in_turns(51, floor, ours));
}
