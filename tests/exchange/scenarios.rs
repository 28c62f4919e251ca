//! Scenario files: those that come with the program do what they are for, and mistakes are told.

use clorebid::core::ids::ServerId;
use clorebid::core::time::{Span, Time};
use clorebid::sim::{Exchange, Scenario};

use crate::support::{Bench, SIX};

#[test]
fn every_built_in_scenario_is_good() {
    let names: Vec<&str> = Scenario::builtin_names().collect();
    assert_eq!(names, ["demo", "crowd", "faults"]);
    for name in names {
        let scenario = Scenario::parse(Scenario::builtin_text(name).unwrap()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(scenario.name, name);
        assert!(Scenario::builtin(name).is_some());
    }
    assert!(Scenario::builtin("nothing").is_none());
}

fn wrong(text: &str) -> String {
    Scenario::parse(text).expect_err("it should be refused").to_string()
}

#[test]
fn mistakes_are_told_with_their_place() {
    let server = "[[server]]\nid = 6\ngpu = \"x\"\n";
    let told = wrong("name = \"x\"\n[venue]\nlower_evry = \"600s\"");
    assert!(told.contains("line 3") && told.contains("lower_evry"), "{told}");
    let told = wrong("name = \"x\"\n[wallets]\nbitcoin = 0.1");
    assert!(told.contains("written as a string"), "{told}");
    assert!(wrong("name = \"x\"\n[wallets]\ngold = \"1\"").contains("not a currency"));
    assert!(wrong("name = \"x\"\n[venue]\nlower_every = \"10 minutes\"").contains("write `10m`"));
    assert!(wrong("name = \"x\"\n[venue]\norder_delay = \"20s..2s\"").contains("begins after its end"));
    assert!(wrong("name = \"x\"\nstart = \"yesterday\"").contains("not a moment"));
    assert!(wrong(&format!("name = \"x\"\n{server}{server}")).contains("twice"));
    assert!(wrong(&format!("name = \"x\"\n{server}mine = true")).contains("name"));
    assert!(wrong(&format!("name = \"x\"\n{server}rival = [{{ at = \"1s\", bid = \"1\" }}]")).contains("floor"));
    assert!(wrong(&format!("name = \"x\"\n{server}event = [{{ at = \"1s\", kind = \"floor\" }}]")).contains("floor"));
    assert!(wrong("name = \"x\"\n[[fault]]\ncall = \"walets\"\nkind = \"timeout\"").contains("not a call"));
    assert!(wrong("name = \"x\"\n[[fault]]\ncall = \"*\"\nnth = 0\nkind = \"timeout\"").contains("from 1"));
}

#[test]
fn lengths_of_time_may_have_fractions() {
    let scenario = Scenario::parse("name = \"x\"\n[venue]\nlatency = \"1.5s..2m\"").unwrap();
    assert_eq!((scenario.venue.latency.least.ms(), scenario.venue.latency.most.ms()), (1_500, 120_000));
}

/// What the demo is for, played with the simplest of policies: one tick above the best, one step down when there is slack.
#[test]
fn the_demo_is_won_lost_won_back_and_then_stepped_down_within_six_hours() {
    let mut bench = Bench::new(Scenario::builtin_text("demo").unwrap());
    let order = bench.bid(6, "0.000021");
    let mut raises = 0;
    let mut lowerings = 0;
    while bench.now < bench.at(6 * 3600) {
        bench.wait_secs(30);
        let ours = bench.newest();
        let rival = bench.exchange.holder(SIX).filter(|h| !h.mine).map(|h| h.bid.decimal());
        let step = clorebid::core::money::Price::parse("0.000001").unwrap();
        if let Some(rival) = rival {
            let above = rival + step.decimal();
            assert_eq!(bench.reprice(order, &above.to_string())["code"], 0);
            raises += 1;
        } else if ours.price > clorebid::core::money::Price::parse("0.000021").unwrap() {
            lowerings += i32::from(bench.reprice(order, &ours.price.minus(step).to_string())["code"] == 0);
        }
    }
    assert!(raises >= 2 && lowerings >= 4, "{raises} raises, {lowerings} lowerings");
    assert!(bench.exchange.evictions().len() >= 2);
    assert!(bench.we_hold(SIX));
}

#[test]
fn the_demo_has_several_servers_of_one_kind_with_different_floors() {
    let mut bench = Bench::new(Scenario::builtin_text("demo").unwrap());
    let listing = bench.get("marketplace", &[]).1;
    let servers = listing["servers"].as_array().unwrap();
    let like = |gpu: &str| servers.iter().filter(|s| s["specs"]["gpu"].as_str().unwrap().contains(gpu)).count();
    assert_eq!((like("RTX 4090"), like("RTX 3090")), (3, 1));
    let floors: std::collections::BTreeSet<String> =
        servers.iter().map(|s| s["price"]["spot"]["bitcoin"].to_string()).collect();
    assert_eq!(floors.len(), servers.len());
}

#[test]
fn a_scenario_can_be_begun_at_another_moment() {
    let mut exchange = Exchange::new(Scenario::builtin("demo").unwrap(), None);
    let start = Time::from_secs(1_800_000_000);
    exchange.start_at(start);
    exchange.advance(start + Span::from_secs(1199));
    assert_eq!(exchange.holder(ServerId(6)), None);
    exchange.advance(start + Span::from_secs(1200));
    assert!(exchange.holder(ServerId(6)).is_some());
}
