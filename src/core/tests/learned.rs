//! What is learned for a target is about its own orders, outlives the process, and has an end.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

mod common;

use clorebid_core::memory::Memory;
use common::venue::Life;
use common::{World, learning, matching, strategy, target};
use serde_json::{Value, json};

/// The memory as a later process reads it, and the servers of its first target.
fn memory(world: &World) -> (Value, Vec<Value>) {
    let memory = serde_json::to_value(world.engine.memory(world.now)).expect("JSON");
    let servers = memory["minds"][0]["learned"]["servers"].as_array().cloned().unwrap_or_default();
    (memory, servers)
}

#[test]
fn an_order_that_went_with_its_server_is_regretted_no_longer() {
    let mut world = World::new(strategy(vec![learning(matching("t", "GPU"), 100)]), &[(6, 1_000), (7, 1_500)]);
    world.change(|v| v.machines.values_mut().for_each(|machine| machine.gpu = "1x GPU".into()));
    world.until(120, "held", |w| w.holds(6));
    // It is not one of those that will do any longer, and then it is gone.
    world.change(|v| v.machine(6).gpu = "1x OTHER".into());
    world.run(700);
    world.change(|v| {
        v.machine(6).listed = false;
        v.orders.values_mut().for_each(|order| (order.life, order.holding) = (Life::Gone, false));
    });
    world.until(900, "another one", |w| w.holds(7));
    world.run(900);
    let ours = memory(&world).1.into_iter().filter(|server| !server["ours"].is_null());
    assert_eq!(ours.map(|server| server["server"].clone()).collect::<Vec<_>>(), [json!(7)]);
}

#[test]
fn of_servers_that_nobody_looks_at_the_last_ones_are_remembered_after_a_restart() {
    let mut world = World::new(strategy(vec![learning(matching("t", "GPU"), 100)]), &[(6, 1_000)]);
    world.change(|v| v.machine(6).gpu = "1x GPU".into());
    world.until(120, "held", |w| w.holds(6));
    let (mut memory_then, servers) = memory(&world);
    let read_at = servers[0]["market"]["read_at"].as_i64().expect("read");
    // The higher their numbers the longer they have not been looked at.
    let former = (100..200).map(|id| {
        let mut former = servers[0].clone();
        former["server"] = json!(id);
        former["market"]["read_at"] = json!(read_at - id * 1_000);
        former.as_object_mut().expect("a server").remove("ours");
        former
    });
    let all: Vec<Value> = servers.iter().cloned().chain(former).collect();
    memory_then["minds"][0]["learned"]["servers"] = json!(all);
    world.resume(serde_json::from_value::<Memory>(memory_then).expect("a memory"));
    world.run(60);
    let left: Vec<i64> = memory(&world).1.iter().filter_map(|server| server["server"].as_i64()).collect();
    assert_eq!(left, [vec![6], (100..164).collect()].concat());
}

/// One server is wanted of so many, of which each is a tick dearer than the one before.
fn one_of(count: u64) -> World {
    let ids: Vec<u64> = (1..=count).collect();
    let machines: Vec<(u64, i64)> = ids.iter().map(|id| (*id, 1_000 + i64::try_from(*id).expect("small"))).collect();
    World::new(strategy(vec![learning(target("t", &ids), 300)]), &machines)
}

#[test]
fn a_first_bid_does_not_wait_for_every_candidate_to_be_read() {
    for count in [3, 60, 300] {
        let mut world = one_of(count);
        world.until(12, "the first bid", |w| !w.creates().is_empty());
        assert_eq!(world.creates()[0].0, 1, "{count}");
    }
}

#[test]
fn what_many_candidates_do_is_learned_although_each_of_them_is_read_seldom() {
    let mut world = one_of(90);
    world.run(600);
    for step in 0..6 {
        world.change(|v| v.machines.values_mut().for_each(|machine| machine.floor += 5 - 2 * (step % 2) * 5));
        world.run(900);
    }
    let moves = |server: &Value| server["market"]["moves"].as_array().map_or(0, Vec::len);
    let learned = memory(&world).1.iter().filter(|server| moves(server) >= 5).count();
    assert!(learned >= 85, "of 90 only {learned}");
}
