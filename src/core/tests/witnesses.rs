//! What one answer alone may not do: end an order, give up a create, or make us bid against ourselves. Whatever costs a
//! restart takes a second look that agrees.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

mod common;

use clorebid_core::engine::Next;
use clorebid_core::event::Event;
use clorebid_core::ids::{OrderId, ServerId};
use clorebid_core::market::{BidIn, Offer, OrderRow};
use clorebid_core::money::{Amount, Currency, Price};
use clorebid_core::request::{Answer, Doubt, Refusal, Request};
use clorebid_core::strategy::Lost;
use clorebid_core::time::Span;
use common::venue::{Fault, Kind};
use common::{START, World, price, strategy, target};
use rust_decimal::Decimal;

/// Server 6 is held at 900; 7 would be the next choice.
fn held() -> World {
    let mut plan = target("t", &[6, 7]);
    plan.bid.lost = Lost::Move;
    let mut world = World::new(strategy(vec![plan]), &[(6, 900), (7, 950)]);
    world.until(60, "held", |w| w.holds(6));
    world.run(60);
    world
}

/// Nothing was asked for but the first bid, and it holds its server.
#[track_caller]
fn assert_undisturbed(world: &World) {
    assert_eq!(
        (world.creates(), world.reprices().len(), world.cancels()),
        (vec![(6, 900)], 0, 0),
        "{}",
        world.tail(20)
    );
    assert!(world.holds(6));
    world.assert_clean();
}

fn strangers(world: &World) -> usize {
    world.changes.iter().filter(|(_, c)| matches!(c, Event::ForeignOrder { .. })).count()
}

#[test]
fn one_book_without_our_offer_ends_no_order() {
    let mut world = held();
    world.lie(1, |answer| match answer {
        Answer::Market(market) => {
            let had = market.offers.len();
            market.offers.clear();
            had > 0
        }
        _ => false,
    });
    world.run(300);
    assert_undisturbed(&world);
}

#[test]
fn one_list_without_our_order_ends_no_order() {
    let mut world = held();
    // The book is an old one: with many servers it may be minutes old.
    for _ in 0..3 {
        world.lie(1, |answer| match answer {
            Answer::Orders(rows) => {
                rows.clear();
                true
            }
            _ => false,
        });
        world.run(120);
    }
    assert_undisturbed(&world);
}

#[test]
fn one_list_that_calls_a_holding_order_expired_ends_no_order() {
    let mut world = held();
    world.lie(1, |answer| match answer {
        Answer::Orders(rows) => {
            rows.iter_mut().for_each(|row| row.expired = true);
            true
        }
        _ => false,
    });
    world.run(120);
    assert_undisturbed(&world);
}

#[test]
fn our_own_offer_is_ours_by_its_number_whatever_the_book_says_of_it() {
    let mut world = held();
    world.lie(u32::MAX, |answer| match answer {
        Answer::Market(market) => {
            market.offers.iter_mut().for_each(|offer| offer.mine = false);
            true
        }
        _ => false,
    });
    world.run(600);
    assert_undisturbed(&world);
    world.rival(6, 930);
    world.until(30, "won back", |w| w.bid(6) == Some(931) && w.holds(6));
    world.run(600);
    assert_eq!((world.reprices().len(), world.creates().len()), (1, 1), "{}", world.tail(20));
}

#[test]
fn our_own_bid_a_float_off_is_no_other_bid() {
    let mut world = held();
    world.lie(u32::MAX, |answer| match answer {
        Answer::Market(market) => {
            let blur = Price::new(Decimal::new(4, 22)).expect("a price");
            market.offers.iter_mut().for_each(|offer| offer.bid = offer.bid.plus(blur));
            true
        }
        _ => false,
    });
    world.run(1_800);
    assert_undisturbed(&world);
}

/// An offer of somebody else that does not hold the server, though it is the highest.
fn idle_offer(bid: Price, currency: BidIn) -> Offer {
    Offer { id: OrderId(77), bid, active: false, mine: false, currency }
}

#[test]
fn an_offer_above_ours_that_does_not_take_the_server_is_no_rival() {
    let mut world = held();
    world.lie(u32::MAX, |answer| match answer {
        Answer::Market(market) if market.server == ServerId(6) => {
            market.offers.push(idle_offer(price(8_000), BidIn::Unsaid));
            true
        }
        _ => false,
    });
    world.run(600);
    assert_undisturbed(&world);
    // And one that does take it has to be beaten, not the other.
    world.rival(6, 930);
    world.until(30, "won back", |w| w.bid(6) == Some(931) && w.holds(6));
    assert_eq!(world.reprices().len(), 1, "{}", world.tail(20));
}

#[test]
fn an_offer_in_an_unknown_coin_is_compared_with_nothing() {
    let mut world = held();
    world.lie(u32::MAX, |answer| match answer {
        Answer::Market(market) if market.server == ServerId(6) => {
            market.offers.push(idle_offer(price(2_000), BidIn::UnknownCoin));
            market.offers.iter_mut().for_each(|offer| offer.active = false);
            true
        }
        _ => false,
    });
    world.run(30);
    assert_undisturbed(&world);
}

#[test]
fn an_order_that_holds_its_server_is_not_dead_because_the_venue_says_so_once() {
    for said in [Refusal::OrderNotActive, Refusal::OrderGone, Refusal::NotOurOrder] {
        let mut world = held();
        world.rival(6, 940);
        world.until(30, "raised", |w| w.bid(6) == Some(941));
        world.rival(6, 0);
        world.change(|v| v.nonsense = Some(said.clone()));
        world.until(30, "refused", |w| w.reprices().iter().any(|(_, _, a)| *a == Answer::Refused(said.clone())));
        world.change(|v| v.nonsense = None);
        world.until(120, "lowered", |w| w.bid(6) == Some(900));
        assert_eq!((world.creates().len(), world.cancels()), (1, 0), "{said:?}: {}", world.tail(20));
        world.assert_clean();
    }
}

#[test]
fn a_raise_is_judged_by_a_book_read_after_it() {
    let mut plan = target("t", &[6, 7]);
    plan.bid.lost = Lost::Move;
    plan.bid.raise_wait = Span::from_secs(120);
    let mut world = World::new(strategy(vec![plan]), &[(6, 900), (7, 2_000)]);
    world.until(60, "held", |w| w.holds(6));
    for rival in [1_000, 1_200, 1_400] {
        world.rival(6, rival);
        world.until(200, "won back", |w| w.holds(6));
        world.run(300);
    }
    assert_eq!((world.creates().len(), world.cancels()), (1, 0), "{}", world.tail(20));
    assert_eq!(world.bid(6), Some(1_401));
}

/// Our orders are shown neither in the book nor in the list.
fn hide_ours(answer: &mut Answer) -> bool {
    match answer {
        Answer::Market(market) => market.offers.retain(|offer| !offer.mine),
        Answer::Orders(rows) => rows.clear(),
        _ => return false,
    }
    true
}

#[test]
fn an_accepted_create_is_waited_for_until_it_appears() {
    for restarts in [false, true] {
        let mut world = World::new(strategy(vec![target("t", &[6, 7])]), &[(6, 900), (7, 950)]);
        world.lie(u32::MAX, hide_ours);
        world.run(100);
        if restarts {
            world.restart();
        }
        world.run(300);
        assert_eq!(world.creates(), vec![(6, 900)], "restarts: {restarts}");
        world.change(|v| v.lies.clear());
        world.until(10, "seen", |w| w.status(6).is_some_and(|s| s.order.is_some()));
        world.run(300);
        assert_undisturbed(&world);
    }
}

#[test]
fn an_order_that_appears_after_it_was_given_up_is_taken_back() {
    for restarts in [false, true] {
        let mut world = World::new(strategy(vec![target("t", &[6, 7])]), &[(6, 900), (7, 950)]);
        world.force(Kind::Create, Fault::LostAfter);
        world.lie(u32::MAX, |answer| match answer {
            Answer::Market(market) if market.server == ServerId(6) => {
                market.offers.retain(|offer| !offer.mine);
                true
            }
            Answer::Orders(rows) => {
                rows.retain(|row| row.server != ServerId(6));
                true
            }
            _ => false,
        });
        // Nobody knows whether the first took effect, so it is given up after a while and asked for again; then there
        // is a witness that something stands there.
        world.run(200);
        if restarts {
            world.restart();
        }
        world.change(|v| v.lies.clear());
        world.run(120);
        assert_eq!(world.venue.orders.values().filter(|o| o.stands()).count(), 1, "{}", world.tail(20));
        assert_eq!(strangers(&world), 0, "it is ours");
        assert!(world.holds(6));
    }
}

#[test]
fn one_of_two_orders_goes_when_the_first_appears_late() {
    let mut world = World::new(strategy(vec![target("t", &[6, 7])]), &[(6, 900), (7, 950)]);
    world.force(Kind::Create, Fault::LostAfter);
    world.until(60, "the create", |w| !w.creates().is_empty());
    world.lie(u32::MAX, |answer| match answer {
        Answer::Market(market) if market.server == ServerId(6) => {
            market.offers.clear();
            // So that the next bid goes elsewhere.
            market.online = false;
            true
        }
        Answer::Orders(rows) => {
            rows.retain(|row| row.server != ServerId(6));
            true
        }
        _ => false,
    });
    world.until(200, "the other one", |w| w.creates().len() == 2);
    world.change(|v| v.lies.clear());
    world.run(120);
    assert_eq!(world.venue.orders.values().filter(|o| o.stands()).count(), 1, "{}", world.tail(20));
    assert_eq!(strangers(&world), 0);
}

#[test]
fn an_expired_row_of_long_ago_is_not_the_new_order() {
    let mut world = World::new(strategy(vec![target("t", &[6, 7])]), &[(6, 900), (7, 950)]);
    world.venue.listing_delay_ms = (25_000, 25_000);
    world.until(60, "the create", |w| !w.creates().is_empty());
    world.lie(u32::MAX, |answer| match answer {
        Answer::Orders(rows) => {
            rows.push(OrderRow {
                id: OrderId(3),
                server: ServerId(6),
                price: Some(price(900)),
                spot: Some(true),
                expired: true,
                currency: Some(Currency::Bitcoin),
                spend: Some(Amount::ZERO),
                created: Some(START - Span::from_secs(86_400)),
                fee_percent: None,
                creation_fee: None,
            });
            true
        }
        Answer::Market(market) => {
            market.offers.retain(|offer| !offer.mine);
            true
        }
        _ => false,
    });
    world.run(20);
    world.change(|v| v.lies.truncate(0));
    world.run(100);
    assert_undisturbed(&world);
}

#[test]
fn a_create_that_arrives_twice_is_one_order_of_ours() {
    let mut world = World::new(strategy(vec![target("t", &[6, 7])]), &[(6, 900), (7, 950)]);
    world.force(Kind::Create, Fault::Twice);
    world.run(300);
    assert_undisturbed(&world);
    assert_eq!(strangers(&world), 0);
}

#[test]
fn an_order_that_the_user_made_meanwhile_stays_the_users() {
    let mut world = World::new(strategy(vec![target("t", &[6, 7])]), &[(6, 900), (7, 950)]);
    world.venue.listing_delay_ms = (0, 0);
    world.until(60, "about to place", |w| w.log.len() >= 4);
    assert!(world.creates().is_empty());
    let id = world.venue.user_orders(6, 1_500);
    // The book keeps silent about it, so that the create finds it.
    world.lie(1, |answer| match answer {
        Answer::Market(market) => {
            market.offers.clear();
            true
        }
        _ => false,
    });
    world.run(300);
    assert_eq!(world.venue.orders[&id].bid, 1_500);
    assert!(world.venue.orders[&id].stands(), "{}", world.tail(20));
    assert!(world.holds(7), "{}", world.tail(20));
    world.assert_clean();
}

/// The list does not say on which server an order stands.
fn puts_orders_nowhere(answer: &mut Answer) -> bool {
    let Answer::Orders(rows) = answer else { return false };
    rows.iter_mut().for_each(|row| row.server = ServerId::UNKNOWN);
    true
}

#[test]
fn an_order_of_yesterday_that_bids_the_same_is_not_the_new_one() {
    let mut world = World::new(strategy(vec![target("t", &[6, 7])]), &[(6, 900), (7, 950)]);
    world.venue.listing_delay_ms = (0, 0);
    world.until(60, "about to place", |w| w.log.len() >= 4);
    let id = world.venue.user_orders(6, 900);
    world.venue.orders.get_mut(&id).expect("it").created = START - Span::DAY;
    // Nothing has shown it until now, so the create finds it; then the book shows it before the list does.
    world.lie(1, |answer| {
        let Answer::Market(market) = answer else { return false };
        market.offers.clear();
        true
    });
    world.lie(1, |answer| {
        let Answer::Orders(rows) = answer else { return false };
        rows.drain(..).count() > 0
    });
    world.until(30, "the create", |w| w.creates() == [(6, 900)]);
    world.run(300);
    world.rival(6, 1_000);
    world.run(300);
    assert_eq!(world.venue.orders[&id].bid, 900, "it is the user's");
    assert!(world.holds(7), "{}", world.tail(20));
    world.assert_clean();
}

/// The next cancellation is answered with yes, and nothing is done about it.
#[track_caller]
fn say_yes_to_a_cancellation(world: &mut World) {
    let until = world.now + Span::from_secs(120);
    loop {
        assert!(world.now < until, "no cancellation\n{}", world.tail(20));
        let is_next = match world.engine.clone().next(world.now) {
            Next::Ask(ask) => matches!(ask.request, Request::Cancel { .. }),
            _ => false,
        };
        world.down = is_next.then_some(Answer::Applied);
        world.turn(until);
        world.down = None;
        if is_next {
            return;
        }
    }
}

#[test]
fn a_cancellation_is_not_done_because_the_venue_says_yes() {
    let mut world = held();
    world.rival(6, 2_000);
    say_yes_to_a_cancellation(&mut world);
    world.run(20);
    assert_eq!(world.creates(), [(6, 900)], "the order stands, and one is wanted");
    assert_eq!(world.cancels(), 1, "what shows it may be late");
    world.until(120, "it is asked for again, and the other server held", |w| w.holds(7));
    assert_eq!(world.venue.orders.values().filter(|o| o.stands()).count(), 1, "{}", world.tail(20));
    world.assert_clean();
}

#[test]
fn an_order_that_is_gone_may_be_listed_for_another_minute() {
    let mut world = held();
    world.rival(6, 2_000);
    world.until(120, "cancelled", |w| w.cancels() == 1);
    world.lie(u32::MAX, |answer| {
        let Answer::Orders(rows) = answer else { return false };
        let listed = rows.iter().find(|row| row.server == ServerId(7)).cloned();
        rows.extend(listed.map(|row| OrderRow { id: OrderId(501), server: ServerId(6), ..row }));
        true
    });
    world.until(60, "the other server is held", |w| w.holds(7));
    world.run(40);
    assert_eq!(world.cancels(), 1, "{}", world.tail(20));
    // What is listed for longer stands.
    world.until(90, "cancelled once more", |w| w.cancels() == 2);
}

#[test]
fn a_market_that_cannot_be_read_moves_nobody() {
    let mut world = held();
    world.lie(u32::MAX, |answer| {
        let is_of_6 = matches!(answer, Answer::Market(market) if market.server == ServerId(6));
        if is_of_6 {
            *answer = Answer::Unknown(Doubt::TimedOut);
        }
        is_of_6
    });
    world.run(900);
    assert_undisturbed(&world);
}

#[test]
fn an_order_that_the_list_puts_on_no_server_is_known_by_its_number() {
    let mut world = World::new(strategy(vec![target("t", &[6, 7])]), &[(6, 900), (7, 950)]);
    world.until(60, "held", |w| w.holds(6));
    world.run(60);
    world.lie(u32::MAX, puts_orders_nowhere);
    world.run(1_200);
    world.rival(6, 920);
    world.until(60, "won back", |w| w.bid(6) == Some(921));
    assert_eq!((world.creates().len(), world.cancels()), (1, 0));
    world.assert_clean();
}

#[test]
fn a_create_is_not_given_up_while_the_list_puts_an_order_like_it_on_no_server() {
    let mut world = World::new(strategy(vec![target("t", &[6, 7])]), &[(6, 900), (7, 950)]);
    world.force(Kind::Create, Fault::LostAfter);
    world.lie(u32::MAX, puts_orders_nowhere);
    // Nor does the book show it.
    world.lie(u32::MAX, |answer| {
        let Answer::Market(market) = answer else { return false };
        market.offers.retain(|offer| !offer.mine);
        true
    });
    world.run(1_200);
    assert_eq!(world.creates(), [(6, 900)]);
}

#[test]
fn one_look_at_the_book_does_not_end_an_order_that_the_list_has_never_shown() {
    let mut world = World::new(strategy(vec![target("t", &[6, 7])]), &[(6, 900), (7, 950)]);
    world.venue.listing_delay_ms = (90_000, 90_000);
    world.until(60, "held", |w| w.holds(6));
    // Longer than a new order usually takes to be listed, and the book leaves it out once.
    world.run(40);
    world.lie(1, |answer| {
        let Answer::Market(market) = answer else { return false };
        let before = market.offers.len();
        market.offers.retain(|offer| !offer.mine);
        market.offers.len() < before
    });
    world.run(300);
    assert_eq!((world.creates(), world.cancels()), (vec![(6, 900)], 0), "{}", world.tail(20));
    world.assert_clean();
}
