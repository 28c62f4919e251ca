//! The engine's invariants, under their own numbers. I4, I5, I10 and I11 are kept outside the core.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

mod common;

use clorebid_core::beliefs::reconcile::CREATE_SETTLES_AFTER;
use clorebid_core::engine::{Engine, Halt, Next};
use clorebid_core::event::{Event, State};
use clorebid_core::request::{Answer, Doubt, Refusal, Request};
use clorebid_core::strategy::Lost;
use clorebid_core::time::Span;
use common::venue::{Eviction, Fault, Kind};
use common::{START, World, price, strategy, sum, target};

#[test]
fn i1_no_bid_is_ever_above_max_bid() {
    let mut plan = strategy(vec![target("t", &[6])]);
    plan.limits.max_bid = price(1_000);
    let mut world = World::new(plan, &[(6, 900)]);
    world.until(60, "held", |w| w.holds(6));
    for rival in [950, 997, 999, 1_000, 5_000] {
        world.rival(6, rival);
        world.run(20);
        assert!(world.bid(6).is_none_or(|bid| bid <= 1_000));
    }
    assert!(world.reprices().iter().any(|(_, to, _)| *to == 1_000), "the limit itself may be bid");
    assert!(world.denials().iter().any(|(_, d)| d.code() == "not_worth_it"));
    world.rival(6, 0);
    world.until(60, "held again", |w| w.holds(6));
    world.assert_clean();
}

#[test]
fn i1_an_order_above_max_bid_that_others_made_dear_is_cancelled() {
    let mut world = World::new(strategy(vec![target("t", &[6])]), &[(6, 900)]);
    world.until(60, "held", |w| w.holds(6));
    world.change(|v| v.orders.values_mut().for_each(|o| o.bid = 20_000));
    world.venue.violations.clear();
    world.until(30, "cancelled", |w| w.cancels() == 1);
    world.venue.violations.clear();
    world.until(60, "held at a price that may stand", |w| w.bid(6) == Some(900) && w.holds(6));
    world.assert_clean();
}

#[test]
fn i2_never_more_orders_than_wanted_nor_two_on_one_server() {
    let mut wanted = target("t", &[1, 2, 3, 4]);
    wanted.want = 2;
    let mut world = World::new(strategy(vec![wanted]), &[(1, 900), (2, 800), (3, 1_000), (4, 700)]);
    world.venue.listing_delay_ms = (20_000, 20_000);
    world.run(300);
    assert_eq!(world.creates(), vec![(4, 700), (2, 800)]);
    assert_eq!(world.venue.held(), vec![4, 2]);
    world.assert_clean();
}

#[test]
fn i3_what_stands_at_its_worst_price_stays_within_the_daily_limit() {
    let mut wanted = target("t", &[1, 2]);
    wanted.want = 2;
    let mut plan = strategy(vec![wanted]);
    plan.limits.max_daily_cost = Some(sum(2_000));
    let mut world = World::new(plan, &[(1, 900), (2, 900)]);
    world.until(60, "both held", |w| w.venue.held().len() == 2);
    // A raise whose answer is lost may stand at either price: the other server must not use the same money.
    world.force(Kind::Raise, Fault::LostAfter);
    world.rival(1, 1_050);
    world.until(10, "the raise", |w| w.reprices().len() == 1);
    world.lie(5, |answer| {
        let is_of_1 = matches!(answer, Answer::Market(market) if market.server.0 == 1);
        if is_of_1 {
            *answer = Answer::Unknown(Doubt::TimedOut);
        }
        is_of_1
    });
    world.rival(2, 1_020);
    world.run(120);
    assert_eq!(world.venue.held().len(), 1, "1051 and 949 are all there is");
    assert!(world.denials().iter().any(|(_, d)| d.code() == "max_daily_cost"));
    world.assert_clean();
}

#[test]
fn i6_no_second_create_until_the_first_is_shown_present_or_absent() {
    for (fault, present) in [(Fault::LostAfter, true), (Fault::LostBefore, false), (Fault::Database, false)] {
        let mut world = World::new(strategy(vec![target("t", &[6])]), &[(6, 900)]);
        world.force(Kind::Create, fault);
        world.until(60, "the create", |w| !w.creates().is_empty());
        let sent = world.log.last().expect("the create").sent;
        assert_eq!(world.state(6), Some(State::Unknown));
        world.run(110);
        assert_eq!(world.creates().len(), 1, "{fault:?}");
        assert_eq!(world.holds(6), present);
        world.until(60, "held", |w| w.holds(6));
        assert_eq!(world.creates().len(), if present { 1 } else { 2 });
        let second = world.log.iter().rfind(|s| matches!(s.ask.request, Request::Create { .. })).expect("a create");
        let settled = world.log.iter().filter(|s| s.sent > sent && s.sent < second.sent);
        let good = settled.filter(|s| matches!(s.answer, Answer::Orders(_)));
        let late = good.clone().any(|s| s.sent.since(sent) >= CREATE_SETTLES_AFTER);
        assert!(present || (late && good.count() >= 2), "two good reads, the later 120 s after the send");
        world.assert_clean();
    }
}

#[test]
fn i6_the_two_minutes_end_when_the_list_is_asked_for_and_not_when_it_comes() {
    for late in [3, 5, 8, 11] {
        let mut world = World::new(strategy(vec![target("t", &[6])]), &[(6, 900)]);
        world.force(Kind::Create, Fault::LostBefore);
        world.until(60, "the create", |w| !w.creates().is_empty());
        let sent = world.log.last().expect("the create").sent;
        world.late = Span::from_secs(late);
        world.until(240, "the second create", |w| w.creates().len() == 2);
        let lists = world.log.iter().filter(|s| matches!(s.answer, Answer::Orders(_)));
        let is_settled = lists.map(|s| s.sent.since(sent)).any(|age| age >= CREATE_SETTLES_AFTER);
        assert!(is_settled, "answers are {late} s late\n{}", world.tail(20));
    }
}

#[test]
fn i6_one_list_settles_nothing_however_late_it_is() {
    let mut world = World::new(strategy(vec![target("t", &[6])]), &[(6, 900)]);
    world.force(Kind::Create, Fault::LostBefore);
    world.until(60, "the create", |w| !w.creates().is_empty());
    world.lie(u32::MAX, |answer| {
        let is_list = matches!(answer, Answer::Orders(_));
        if is_list {
            *answer = Answer::Unknown(Doubt::TimedOut);
        }
        is_list
    });
    world.run(200);
    let unreadable = world.log.len();
    world.venue.lies.clear();
    world.until(120, "the second create", |w| w.creates().len() == 2);
    let lists = world.log[unreadable..].iter().filter(|s| matches!(s.answer, Answer::Orders(_))).count();
    assert!(lists >= 2, "{lists} good lists\n{}", world.tail(20));
}

#[test]
fn i6_reads_that_fail_settle_nothing() {
    let mut world = World::new(strategy(vec![target("t", &[6])]), &[(6, 900)]);
    world.force(Kind::Create, Fault::LostBefore);
    world.until(60, "the create", |w| !w.creates().is_empty());
    for _ in 0..200 {
        world.force(Kind::Read, Fault::LostBefore);
    }
    while !world.venue.forced.is_empty() {
        world.run(30);
        assert_eq!(world.creates().len(), 1);
    }
    world.until(200, "held in the end", |w| w.holds(6));
}

#[test]
fn i6_the_book_alone_shows_a_create_whose_answer_was_lost() {
    let mut world = World::new(strategy(vec![target("t", &[6])]), &[(6, 900)]);
    world.venue.listing_delay_ms = (25_000, 25_000);
    world.force(Kind::Create, Fault::LostAfter);
    world.until(60, "the create", |w| !w.creates().is_empty());
    world.until(5, "seen in the book", |w| w.state(6) == Some(State::Holding));
    world.run(120);
    assert_eq!((world.creates().len(), world.cancels()), (1, 0), "a late listing frees nothing");
}

#[test]
fn i6_a_connection_that_was_never_made_created_nothing() {
    let mut world = World::new(strategy(vec![target("t", &[6])]), &[(6, 900)]);
    world.force(Kind::Create, Fault::Unreachable);
    let took = world.until(60, "held", |w| w.holds(6));
    assert!(took < 30, "{took} s");
    assert_eq!(world.creates().len(), 2);
}

#[test]
fn i7_every_order_is_adopted_or_reported_within_one_good_read() {
    for adopt in [false, true] {
        let mut wanted = target("t", &[6, 7]);
        (wanted.adopt, wanted.beside) = (adopt, true);
        let mut world = World::new(strategy(vec![wanted]), &[(6, 900), (7, 950), (9, 100)]);
        world.change(|v| {
            v.now = START;
            v.listing_delay_ms = (0, 0);
            v.user_orders(6, 920);
            v.user_orders(9, 120);
        });
        world.run(20);
        let reported = world.changes.iter().filter(|(_, c)| matches!(c, Event::ForeignOrder { .. })).count();
        assert_eq!(reported, if adopt { 1 } else { 2 });
        assert_eq!(world.state(6) == Some(State::Holding), adopt);
        assert_eq!(world.creates(), if adopt { vec![] } else { vec![(7, 950)] });
    }
}

#[test]
fn i7_no_more_orders_are_adopted_than_are_wanted() {
    let mut wanted = target("t", &[6, 7]);
    wanted.adopt = true;
    let mut world = World::new(strategy(vec![wanted]), &[(6, 900), (7, 950)]);
    world.change(|v| {
        v.user_orders(6, 900);
        v.user_orders(7, 950);
    });
    world.run(300);
    assert_eq!((world.cancels(), world.creates().len()), (0, 0), "the other one is left alone");
    assert_eq!(world.venue.held(), vec![6, 7]);
}

#[test]
fn i7_an_order_that_is_no_spot_order_is_never_adopted() {
    for spot in [Some(false), None] {
        let mut wanted = target("t", &[6, 7]);
        (wanted.adopt, wanted.beside) = (true, true);
        let mut world = World::new(strategy(vec![wanted]), &[(6, 900), (7, 950)]);
        world.change(|v| {
            v.now = START;
            v.listing_delay_ms = (0, 0);
            v.user_orders(6, 920);
        });
        world.lie(u32::MAX, if spot.is_some() { on_6_is_on_demand } else { on_6_is_nobody_knows_what });
        world.until(60, "the other server is held", |w| w.holds(7));
        world.rival(6, 1_000);
        world.run(300);
        assert_eq!((world.bid(6), world.reprices().len()), (Some(920), 0), "{spot:?}");
        world.assert_clean();
    }
}

fn on_6_is_on_demand(answer: &mut Answer) -> bool {
    on_6_is(answer, Some(false))
}

fn on_6_is_nobody_knows_what(answer: &mut Answer) -> bool {
    on_6_is(answer, None)
}

fn on_6_is(answer: &mut Answer, spot: Option<bool>) -> bool {
    let Answer::Orders(rows) = answer else { return false };
    rows.iter_mut().filter(|row| row.server.0 == 6).for_each(|row| row.spot = spot);
    true
}

#[test]
fn i8_the_same_inputs_give_the_same_asks() {
    let run = || {
        let mut world = World::new(strategy(vec![target("t", &[6, 7])]), &[(6, 900), (7, 910)]);
        world.venue.faults_per_mille = 100;
        world.run(100);
        world.rival(6, 1_100);
        world.run(900);
        world.log.into_iter().map(|s| (s.sent, s.ask)).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}

#[test]
fn i9_a_fallen_price_is_never_lowered_again_inside_its_window() {
    let mut world = World::new(strategy(vec![target("t", &[6])]), &[(6, 500)]);
    world.rival(6, 899);
    world.until(60, "held", |w| w.bid(6) == Some(900));
    world.rival(6, 0);
    for round in 0..20 {
        world.run(97);
        // The rival comes and goes: every raise is free, no lowering comes early.
        world.rival(6, if round % 2 == 0 { 880 } else { 0 });
    }
    assert_eq!(world.venue.too_soon, 0);
    let lowered: Vec<_> = world.reprices().into_iter().filter(|(_, _, a)| *a == Answer::Applied).collect();
    assert!(lowered.len() >= 4, "{}", world.tail(30));
}

#[test]
fn i12_other_orders_are_left_untouched_and_their_servers_alone() {
    let mut world = World::new(strategy(vec![target("t", &[6, 7])]), &[(6, 100), (7, 950), (9, 100)]);
    world.change(|v| {
        v.user_orders(6, 105);
        v.user_orders(9, 120);
    });
    world.run(200);
    world.rival(6, 300);
    world.rival(9, 300);
    world.run(1_000);
    world.engine.leave();
    world.run(200);
    assert!(world.engine.is_empty());
    assert_eq!(world.venue.orders.values().filter(|o| o.stands()).count(), 2, "both of the user's orders stand");
    world.assert_clean();
}

#[test]
fn i13_every_kind_of_eviction_is_won_back() {
    for eviction in [Eviction::Pause, Eviction::Vanish, Eviction::Expire, Eviction::Freeze, Eviction::Stick] {
        let mut world = World::new(strategy(vec![target("t", &[6])]), &[(6, 900)]);
        world.venue.eviction = eviction;
        world.until(60, "held", |w| w.holds(6));
        world.run(60);
        for rival in [1_000, 1_100] {
            world.rival(6, rival);
            let took = world.until(600, "won back", |w| w.holds(6));
            let most = if eviction == Eviction::Stick { 330 } else { 45 };
            assert!(took <= most, "{eviction:?}: {took} s\n{}", world.tail(20));
            assert_eq!(world.bid(6), Some(rival + 1), "{eviction:?}");
            world.run(30);
        }
        world.assert_clean();
    }
}

#[test]
fn i13_a_frozen_order_whose_raise_is_lost_is_replaced_in_the_end() {
    for fault in [Fault::LostBefore, Fault::LostAfter] {
        let mut world = World::new(strategy(vec![target("t", &[6])]), &[(6, 900)]);
        world.venue.eviction = Eviction::Freeze;
        world.until(60, "held", |w| w.holds(6));
        world.run(60);
        world.force(Kind::Raise, fault);
        world.rival(6, 1_000);
        world.until(90, "won back", |w| w.bid(6) == Some(1_001) && w.holds(6));
        world.assert_clean();
    }
}

#[test]
fn i13_a_cancellation_that_is_lost_is_asked_again() {
    for fault in [Fault::LostBefore, Fault::LostAfter, Fault::TooFast] {
        let mut world = World::new(strategy(vec![target("t", &[6])]), &[(6, 900)]);
        world.until(60, "held", |w| w.holds(6));
        world.force(Kind::Cancel, fault);
        world.engine.leave();
        world.until(60, "gone", |w| w.engine.is_empty());
        assert!(world.venue.held().is_empty());
        world.assert_clean();
    }
}

#[test]
fn i13_an_order_that_waits_for_nothing_is_left_for_a_free_server() {
    for lost in [Lost::Raise, Lost::Move, Lost::Wait] {
        let mut wanted = target("t", &[6, 7]);
        wanted.bid.lost = lost;
        let mut world = World::new(strategy(vec![wanted]), &[(6, 900), (7, 950)]);
        world.until(60, "held", |w| w.holds(6));
        world.change(|v| v.machine(6).online = false);
        world.run(120);
        assert_eq!(world.holds(7), lost != Lost::Wait, "{lost:?}");
        world.assert_clean();
    }
}

#[test]
fn a_wrong_key_and_a_venue_that_is_not_there_end_the_run() {
    let mut engine = Engine::new(strategy(vec![target("t", &[6])]), false);
    let Next::Ask(ask) = engine.next(START) else { panic!("nothing to ask") };
    engine.observe(START, &ask, &Answer::Refused(Refusal::BadKey));
    assert_eq!(engine.next(START), Next::Halt(Halt::BadKey));

    let mut engine = Engine::new(strategy(vec![target("t", &[6])]), false);
    let (mut now, mut tries) = (START, 0);
    loop {
        match engine.next(now) {
            Next::Ask(ask) => engine.observe(now, &ask, &Answer::Unknown(Doubt::Unreachable)),
            Next::Wait(until) => now = until,
            Next::Halt(halt) => break assert_eq!(halt, Halt::Unreachable),
        }
        tries += 1;
        assert!(tries < 50);
    }
    assert!(now.since(START) >= Span::from_secs(3), "it backs off between its tries");
}

#[test]
fn a_run_that_observes_changes_nothing() {
    let mut world = World::new(strategy(vec![target("t", &[6])]), &[(6, 900)]);
    world.engine = Engine::new(world.engine.strategy().clone(), true);
    world.run(600);
    assert!(world.asked_changes().is_empty());
    assert!(world.log.len() > 100, "it reads all the same");
}

#[test]
fn every_read_gets_its_turn_beside_many_servers() {
    let ids: Vec<u64> = (1..=20).collect();
    let mut wanted = target("t", &ids);
    wanted.want = 10;
    let machines: Vec<(u64, i64)> = ids.iter().map(|id| (*id, 900)).collect();
    let mut world = World::new(strategy(vec![wanted]), &machines);
    world.until(200, "all held", |w| w.venue.held().len() == 10);
    world.run(100);
    world.log.clear();
    world.run(1_800);
    // The longest pause between two such reads, in seconds.
    let gap = |of: fn(&Request) -> bool| {
        let at: Vec<_> = world.log.iter().filter(|s| of(&s.ask.request)).map(|s| s.sent).collect();
        at.windows(2).map(|w| w[1].since(w[0]).ms() / 1000).max().unwrap_or(i64::MAX)
    };
    assert!(gap(|r| matches!(r, Request::MyOrders)) <= 95);
    assert!(gap(|r| matches!(r, Request::Wallets)) <= 370);
    let held = gap(|r| *r == Request::SpotMarket { server: clorebid_core::ids::ServerId(1) });
    assert!(held <= 16, "{held} s");
}
