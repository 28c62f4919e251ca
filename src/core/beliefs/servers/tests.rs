//! Whatever is done to the servers, groups and queues say what a look at all of them says.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{Group, Servers};
use crate::beliefs::order::{Claim, Create, Order};
use crate::beliefs::position::{Position, Rank};
use crate::beliefs::queues::Class;
use crate::beliefs::queues::urgency;
use crate::beliefs::server::Server;
use crate::event::Reason;
use crate::ids::{OrderId, ServerId, TargetId};
use crate::money::Price;
use crate::time::{Span, Time};

const WANT: [u32; 2] = [1, 3];
const MAX_BID: i64 = 90;

fn price(ticks: i64) -> Price {
    Price::new(Decimal::from(ticks)).unwrap_or_default()
}

fn at(ms: i64) -> Time {
    Time::from_ms(1_000_000 + ms)
}

/// One change of one server at a moment that is not before the last one.
#[derive(Debug, Clone, Copy)]
enum Change {
    Watch { target: u32 },
    Forget,
    Read,
    Urgent(bool),
    Create { bid: i64 },
    Place { bid: i64 },
    Idle { lost: bool },
    Win,
    MustGo,
    Settle,
    End,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => (0_u32..2).prop_map(|target| Change::Watch { target }),
        1 => Just(Change::Forget),
        8 => Just(Change::Read),
        1 => any::<bool>().prop_map(Change::Urgent),
        1 => (1_i64..100).prop_map(|bid| Change::Create { bid }),
        3 => (1_i64..100).prop_map(|bid| Change::Place { bid }),
        1 => any::<bool>().prop_map(|lost| Change::Idle { lost }),
        1 => Just(Change::Win),
        1 => Just(Change::MustGo),
        1 => Just(Change::Settle),
        2 => Just(Change::End),
    ]
}

fn apply(servers: &mut Servers, watched: &mut BTreeMap<ServerId, TargetId>, id: ServerId, now: Time, change: Change) {
    match change {
        Change::Watch { target } => {
            watched.insert(id, TargetId(target));
            servers.watch(watched);
        }
        Change::Forget => {
            watched.remove(&id);
            servers.watch(watched);
        }
        Change::Read => servers.note_tried(id, now),
        Change::Urgent(is_urgent) => {
            servers.set_urgent(id, is_urgent);
        }
        Change::Create { bid } => {
            let (before, bid) = (Vec::new(), price(bid));
            let create =
                Create { bid, sent_at: now, word: crate::beliefs::order::Word::Accepted, before, absent_reads: 0 };
            servers.change(id, |server| server.claim = Claim::Create(create));
        }
        Change::Place { bid } => {
            servers.change(id, |server| server.claim = Claim::Order(Order::new(OrderId(1), price(bid), now, now)));
        }
        Change::Idle { lost } => servers.change_order(id, |order| {
            order.position = order.position.shown(false, Some(if lost { Rank::Below } else { Rank::OnTop }), now);
        }),
        Change::Win => servers.change_order(id, |order| {
            order.position = order.position.shown(true, Some(Rank::AboveGoal), now);
        }),
        Change::MustGo => servers.change_order(id, |order| order.must_go(Reason::Dead)),
        Change::Settle => servers.change_order(id, |order| {
            order.listed = true;
            order.bill.fee_counted = true;
            order.position = order.position.missed(true, now);
        }),
        Change::End => {
            servers.change(id, |server| server.claim = Claim::Empty);
        }
    }
}

fn belongs(server: &Server, group: Group) -> bool {
    let order = |is: fn(&Order) -> bool| server.claim.order().is_some_and(is);
    let is_create = matches!(server.claim, Claim::Create(_));
    let unsettled = is_create || order(|o| o.cancel.is_some() || o.position.missing_since().is_some());
    match group {
        Group::Claimed => server.claim != Claim::Empty,
        Group::Lost => order(|o| !matches!(o.position, Position::Winning { .. })),
        Group::Going => order(|o| o.cancel.is_some()),
        Group::Doomed => order(|o| o.cancel.is_none() && (o.dead.is_some() || o.bid > price(MAX_BID))),
        Group::Unsettled => unsettled,
        Group::Uncertain => unsettled || order(|o| o.unsettled.is_some() || o.dead.is_some()),
        Group::Unexplained => {
            order(|o| o.cancel.is_none() && o.position.idle_since().is_some() && o.position.lost_since().is_none())
        }
        Group::Unlisted => order(|o| !o.listed),
        Group::Uncharged => order(|o| !o.bill.fee_counted),
    }
}

const GROUPS: [Group; 9] = [
    Group::Claimed,
    Group::Lost,
    Group::Going,
    Group::Doomed,
    Group::Unsettled,
    Group::Uncertain,
    Group::Unexplained,
    Group::Unlisted,
    Group::Uncharged,
];

/// How soon that server is to be read again, by a look at all of them.
fn class(servers: &Servers, id: ServerId, server: &Server) -> Option<Class> {
    let claimed = servers.values().filter(|s| s.target == server.target && s.claim != Claim::Empty).count();
    let want = WANT.get(usize::try_from(server.target.0).ok()?)?;
    match server.claim {
        _ if servers.urgent.contains(&id) => Some(Class::Urgent),
        Claim::Create(_) | Claim::Order(_) => Some(Class::Live),
        Claim::Empty if !server.watched => None,
        Claim::Empty if u32::try_from(claimed).ok()? < *want => Some(Class::Wanted),
        Claim::Empty => Some(Class::Spare),
    }
}

/// The most overdue market, by a look at all of them: of two that are as overdue as each other, the first.
fn most_overdue(servers: &Servers, now: Time) -> Option<(i64, ServerId)> {
    let mut best: Option<(i64, ServerId)> = None;
    for (id, server) in servers.iter() {
        let Some(class) = class(servers, *id, server) else { continue };
        let starving = servers.queues.starving();
        let overdue = server.tried_at.map_or_else(
            || servers.queues.unread(class, now),
            |tried| urgency(now.since(tried), servers.queues.period(class), class.starving(starving)),
        );
        if best.is_none_or(|(most, _)| overdue > most) {
            best = Some((overdue, *id));
        }
    }
    best
}

fn check(servers: &mut Servers, now: Time) -> Result<(), TestCaseError> {
    for group in GROUPS {
        let scanned: Vec<ServerId> = servers.iter().filter(|(_, s)| belongs(s, group)).map(|(id, _)| *id).collect();
        let kept: Vec<ServerId> = servers.of(group).iter().copied().collect();
        prop_assert_eq!(kept, scanned, "{:?}", group);
    }
    for target in [TargetId(0), TargetId(1)] {
        let of_target = || servers.iter().filter(|(_, s)| s.target == target);
        let claimed = of_target().filter(|(_, s)| s.claim != Claim::Empty).count();
        prop_assert_eq!(usize::try_from(servers.claimed(target)).ok(), Some(claimed));
        let idle: Vec<ServerId> =
            of_target().filter(|(_, s)| s.claim == Claim::Empty && s.watched).map(|(id, _)| *id).collect();
        prop_assert_eq!(servers.idle(target).map(|(id, _)| id).collect::<Vec<_>>(), idle);
    }
    let staying = servers.values().filter(|s| s.claim.order().is_none_or(|o| o.cancel.is_none()));
    let staying = staying.filter_map(|s| s.claim.worst_bid()).fold(Price::ZERO, Price::plus);
    prop_assert_eq!(servers.staying_bids(), staying);
    let queued = |class| {
        servers
            .queues
            .most_overdue(class, servers.queues.starving(), now)
            .map(|(overdue, turn, _)| (overdue, turn.server))
    };
    let first =
        Class::ALL.into_iter().filter_map(queued).max_by_key(|(overdue, id)| (*overdue, core::cmp::Reverse(*id)));
    prop_assert_eq!(first, most_overdue(servers, now));
    let read: usize = Class::ALL.iter().map(|class| servers.queues.of(*class).len()).sum();
    prop_assert_eq!(read, servers.iter().filter(|(id, s)| class(servers, **id, s).is_some()).count());
    Ok(())
}

fn strategy() -> crate::strategy::Strategy {
    use crate::money::{Amount, Currency};
    use crate::strategy::{
        BidRules, Choice, Limits, Lost, Margin, Open, PerDay, RestartCost, Strategy, Target, Value, VenueRules,
    };
    let bid = BidRules {
        open: Open::Floor,
        margin: Margin::Price(Price::ZERO),
        raise_wait: Span::ZERO,
        give_up: None,
        lower_after: Span::ZERO,
        replace: false,
        lost: Lost::Raise,
    };
    let target = |want| Target {
        name: String::new(),
        want,
        choice: Choice::Servers(Vec::new()),
        value: Value { per_day: PerDay::Price(price(1)), restart: RestartCost::Time(Span::ZERO) },
        policy: crate::policy::follow::Follow.into(),
        bid: bid.clone(),
        adopt: false,
        beside: false,
    };
    Strategy {
        name: String::new(),
        currency: Currency::Bitcoin,
        limits: Limits {
            max_bid: price(MAX_BID),
            max_daily_cost: None,
            max_total_cost: None,
            min_balance: None,
            max_orders: None,
        },
        venue: VenueRules {
            tick: price(1),
            step: None,
            lower_every: Span::ZERO,
            fee_percent: Decimal::ZERO,
            creation_fee: Amount::ZERO,
        },
        targets: WANT.into_iter().map(target).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn groups_and_queues_say_what_a_look_at_all_says(
        // Steps of a few milliseconds make equals; long ones make what starves.
        steps in prop::collection::vec((0_u64..8, prop_oneof![0_i64..40, 1_000_i64..30_000], change()), 1..120)
    ) {
        let (mut servers, mut watched, mut now) = (Servers::new(&strategy()), BTreeMap::new(), 0);
        for (id, wait, change) in steps {
            now += wait;
            apply(&mut servers, &mut watched, ServerId(id), at(now), change);
            check(&mut servers, at(now))?;
            check(&mut servers, at(now + 63_000))?;
        }
    }
}
