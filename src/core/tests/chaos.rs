//! Answers that fit no venue: orders that come and go, prices that move by themselves, other people's orders, words that
//! belong to another call. The engine may make nothing of them, but it must neither panic nor create twice.
#![allow(clippy::arithmetic_side_effects, reason = "test sums are small")]

mod common;

use std::collections::BTreeMap;

use clorebid_core::beliefs::reconcile::CREATE_SETTLES_AFTER;
use clorebid_core::engine::{Engine, Next};
use clorebid_core::governing::{CREATE_SPACING, SPACING};
use clorebid_core::ids::{OrderId, ServerId};
use clorebid_core::market::{BidIn, ListedServer, Listing, Market, Offer, OrderRow, Visibility, Wallet};
use clorebid_core::money::{Currency, PerCurrency, Price};
use clorebid_core::policy::chosen::ChosenPolicy;
use clorebid_core::policy::fixed::Fixed;
use clorebid_core::policy::follow::Follow;
use clorebid_core::policy::ladder::Ladder;
use clorebid_core::request::{Answer, Doubt, Refusal, Request};
use clorebid_core::strategy::{Limits, Lost};
use clorebid_core::time::{Span, Time};
use common::{Rng, START, follow, matching, price, strategy, sum, target};
use proptest::prelude::*;
use rust_decimal::Decimal;

fn cases() -> u32 {
    std::env::var("CLOREBID_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(256)
}

fn currency(rng: &mut Rng) -> Currency {
    if rng.chance(800) { Currency::Bitcoin } else { Currency::ALL[rng.below(3) as usize] }
}

fn some_price(rng: &mut Rng) -> Price {
    match rng.below(30) {
        0 => Price::ZERO,
        1 => Price::MAX,
        2 => Price::parse("0.0000123456789012345678").expect("a price"),
        _ => price(rng.price(500, 4_000)),
    }
}

fn offers(rng: &mut Rng) -> Vec<Offer> {
    let count = rng.below(4);
    let offer = |rng: &mut Rng| Offer {
        id: OrderId(rng.between(1, 12)),
        bid: some_price(rng),
        active: rng.chance(300),
        mine: rng.chance(400),
        currency: match rng.below(10) {
            0..3 => BidIn::Coin(currency(rng)),
            3 => BidIn::UnknownCoin,
            _ => BidIn::Unsaid,
        },
    };
    (0..count).map(|_| offer(rng)).collect()
}

fn market(rng: &mut Rng, server: ServerId) -> Answer {
    let mut floors = PerCurrency::none();
    let mut usd_rates = PerCurrency::none();
    for c in Currency::ALL {
        if rng.chance(900) {
            floors = floors.with(c, some_price(rng));
        }
        if rng.chance(300) {
            usd_rates = usd_rates.with(c, [Decimal::ZERO, Decimal::MAX, Decimal::ONE_HUNDRED][rng.below(3) as usize]);
        }
    }
    Answer::Market(Market {
        server: if rng.chance(980) { server } else { ServerId(rng.between(1, 9)) },
        exists: rng.chance(970),
        online: rng.chance(950),
        visibility: if rng.chance(950) { Visibility::Public } else { Visibility::Hidden },
        floors,
        longest_rental: None,
        offers: offers(rng),
        usd_rates,
    })
}

fn rows(rng: &mut Rng, now: Time) -> Answer {
    let count = rng.below(4);
    let row = |rng: &mut Rng| OrderRow {
        id: OrderId(rng.between(1, 12)),
        server: ServerId(rng.between(1, 7)),
        price: rng.chance(900).then(|| some_price(rng)),
        spot: [None, Some(true), Some(true), Some(false)][rng.below(4) as usize],
        expired: rng.chance(200),
        currency: rng.chance(900).then(|| currency(rng)),
        spend: rng.chance(700).then(|| sum(rng.price(0, 50))),
        created: rng.chance(800).then(|| now - Span::from_secs(rng.between(0, 900) as i64)),
        fee_percent: rng.chance(300).then(|| Decimal::new(125, 2)),
        creation_fee: rng.chance(300).then(|| sum(3)),
    };
    Answer::Orders((0..count).map(|_| row(rng)).collect())
}

fn listing(rng: &mut Rng) -> Answer {
    let server = |rng: &mut Rng, id: u64| ListedServer {
        id: ServerId(id),
        on_demand: PerCurrency::none().with(currency(rng), some_price(rng)),
        spot: PerCurrency::none().with(currency(rng), some_price(rng)),
        rented: rng.chance(200),
        allowed: rng.chance(500).then(|| vec![currency(rng)]),
        gpu: ["RTX 4090", "RTX 4090 D", ""][rng.below(3) as usize].into(),
        gpus: 1,
        ram_gb: Decimal::ONE_HUNDRED,
        reliability: None,
        country: None,
        longest_rental: None,
    };
    let servers = (1..=9).map(|id| server(rng, id)).collect();
    Answer::Listing(Listing { servers, my_servers: vec![ServerId(rng.between(1, 40))] })
}

fn refusal(rng: &mut Rng) -> Refusal {
    let all = [
        Refusal::InvalidInput,
        Refusal::RateLimited,
        Refusal::StepTooLarge { lowest: some_price(rng) },
        Refusal::LoweringTooSoon { wait: Span::from_ms(rng.price(0, 900_000)) },
        Refusal::PriceTooLow { least: None },
        Refusal::OrderGone,
        Refusal::OrderNotActive,
        Refusal::NotOurOrder,
        Refusal::ServerGone,
        Refusal::ServerOffline,
        Refusal::ServerRented,
        Refusal::NotEnoughBalance,
        Refusal::Gigaspot,
        Refusal::Other("odd".into()),
    ];
    all[rng.below(all.len() as u64) as usize].clone()
}

fn any_answer(rng: &mut Rng, request: &Request, now: Time) -> Answer {
    match rng.below(100) {
        0..5 => return Answer::Refused(refusal(rng)),
        5..9 => return Answer::Unknown(Doubt::TimedOut),
        9 => return Answer::Unknown([Doubt::Unreachable, Doubt::AlreadyHaveOrder][rng.below(2) as usize].clone()),
        10 => return Answer::Applied,
        _ => {}
    }
    match *request {
        Request::SpotMarket { server } => market(rng, server),
        Request::MyOrders | Request::AllOrders => rows(rng, now),
        Request::Marketplace => listing(rng),
        Request::Wallets => {
            Answer::Wallets(vec![Wallet { currency: currency(rng), balance: rng.chance(900).then(|| sum(900_000)) }])
        }
        _ if rng.chance(600) => Answer::Applied,
        _ if rng.chance(600) => Answer::Refused(refusal(rng)),
        _ => Answer::Unknown(Doubt::Broken),
    }
}

/// What an outsider knows of the creates that are not resolved.
#[derive(Default)]
struct Watcher {
    open: BTreeMap<ServerId, (Time, u32, bool)>,
}

impl Watcher {
    fn sees(&mut self, sent: Time, request: &Request, answer: &Answer) {
        match (request, answer) {
            (Request::Create { server, .. }, answer) => {
                let unresolved = self.open.get(server).is_some_and(|(_, _, resolved)| !resolved);
                assert!(!unresolved, "I6: a second create on {server} before the first is resolved");
                let nothing_sent = matches!(answer, Answer::Refused(_) | Answer::Unknown(Doubt::Unreachable));
                if !nothing_sent {
                    self.open.insert(*server, (sent, 0, false));
                }
            }
            (_, Answer::Orders(rows)) => {
                for (server, (since, absent, resolved)) in &mut self.open {
                    let seen = rows.iter().any(|r| r.server == *server);
                    let late = sent.since(*since) >= CREATE_SETTLES_AFTER;
                    *resolved |= seen || (late && *absent >= 1);
                    *absent += 1;
                }
            }
            (_, Answer::Market(market)) if market.offers.iter().any(|o| o.mine) => {
                if let Some((_, _, resolved)) = self.open.get_mut(&market.server) {
                    *resolved = true;
                }
            }
            _ => {}
        }
    }
}

fn chaotic_engine(rng: &mut Rng) -> Engine {
    let mut first = target("first", &[1, 2, 3]);
    first.want = rng.between(1, 3) as u32;
    first.adopt = rng.chance(500);
    let ladder = ChosenPolicy::new(Ladder { rung: None, stay: Span::from_secs(3_600) });
    first.policy = [Follow.into(), ladder, Fixed.into()][rng.below(3) as usize].clone();
    first.bid.lost = [Lost::Raise, Lost::Move, Lost::Wait][rng.below(3) as usize];
    first.bid.replace = rng.chance(500);
    let mut second = matching("second", "4090");
    second.bid = follow();
    let mut strategy = strategy(vec![first, second]);
    strategy.limits = Limits {
        max_bid: price(3_000),
        max_daily_cost: rng.chance(500).then(|| sum(6_000)),
        max_total_cost: rng.chance(300).then(|| sum(400)),
        min_balance: rng.chance(300).then(|| sum(1_000)),
        max_orders: rng.chance(300).then_some(3),
    };
    Engine::new(strategy, false)
}

fn chaos(seed: u64, turns: u32) {
    let mut rng = Rng(seed);
    let mut engine = chaotic_engine(&mut rng);
    let (mut now, mut watcher, mut created) = (START, Watcher::default(), None::<Time>);
    for _ in 0..turns {
        if rng.chance(4) {
            let mut memory = engine.memory(now);
            memory.hand_on(false, now, now);
            engine = Engine::start(engine.strategy().clone(), memory, now);
        }
        match engine.next(now) {
            Next::Wait(at) => {
                assert!(at > now, "a wait until the past would spin");
                now = at.min(now + Span::from_secs(60));
            }
            Next::Halt(_) => return,
            Next::Ask(ask) => {
                let answered = now + Span::from_ms(rng.price(10, 400));
                let answer = any_answer(&mut rng, &ask.request, now);
                if matches!(ask.request, Request::Create { .. }) {
                    assert!(created.is_none_or(|at| now >= at + CREATE_SPACING), "I10");
                    created = Some(answered);
                }
                watcher.sees(now, &ask.request, &answer);
                engine.observe(answered, &ask, &answer);
                now = answered + SPACING + Span::from_ms(rng.price(0, 3_000));
            }
        }
        engine.take_events();
        engine.status(now);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_answer_makes_it_panic_or_create_twice(seed in any::<u64>(), turns in 50..1_500_u32) {
        chaos(seed, turns);
    }
}
