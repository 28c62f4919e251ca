//! What is decided, by the numbers. In most of these 1,000 would win, a restart costs 10 ticks, and the star is 1,010.

use clorebid_core::ids::ServerId;
use clorebid_core::policy::adaptive::choice::{Decision, Figures, Held, Question, Wish, decide};
use clorebid_core::policy::adaptive::market::{Market, Seen};
use clorebid_core::policy::adaptive::regret::{Regret, Which};
use clorebid_core::policy::adaptive::terms::Terms;
use clorebid_core::time::{Span, Time};
use proptest::prelude::*;

use crate::{HOUR, at, terms, watched};

const SEC: i64 = 1_000;
/// Ten ticks, in thousandths of one times the milliseconds of a day.
const RESTART: i128 = 10 * 1_000 * 86_400_000;

/// Everything that a decision is asked on.
struct Scene {
    now: i64,
    markets: Vec<(ServerId, Market)>,
    held: Option<Held>,
    regret: Regret,
    step: Option<u64>,
    may_create: Time,
}

impl Scene {
    /// Servers 1, 2 and so on; nothing is held.
    fn new(least: &[u64]) -> Scene {
        let market = |(server, least): (u64, &u64)| (ServerId(server), watched(*least, terms(10, 5_000)));
        Scene {
            now: 0,
            markets: (1..).zip(least).map(market).collect(),
            held: None,
            regret: Regret::new(at(0)),
            step: Some(10),
            may_create: at(0),
        }
    }

    /// Server 1 is held at that bid.
    fn holding(least: &[u64], bid: u64) -> Scene {
        let held = Held { server: ServerId(1), bid, next_lower: at(0), ties: false };
        Scene { held: Some(held), ..Scene::new(least) }
    }

    /// So much was regretted of the whole and of a step.
    fn regretting(mut self, whole: i128, step: i128) -> Scene {
        let mut regret = Regret::new(at(-1));
        regret.set_rates(whole, step);
        regret.advance(at(0));
        regret.set_rates(0, 0);
        self.regret = regret;
        self
    }

    /// Rivals answer a third of our bids, 346,112 of 2^20; the least winning bid of server 1 is 1,000 in the end.
    fn answered(mut self) -> Scene {
        let mut market = watched(997, terms(10, 5_000));
        for bid in 997..1_000 {
            market.touch(at(0), bid);
            assert_eq!(market.observe(at(0), bid + 1, true), Seen::Answered);
        }
        self.markets[0].1 = market;
        self
    }

    fn lower_after(mut self, ms: i64) -> Scene {
        self.held.as_mut().unwrap().next_lower = at(ms);
        self
    }

    fn ask(&self) -> Decision {
        let markets: Vec<(ServerId, &Market)> = self.markets.iter().map(|(server, market)| (*server, market)).collect();
        let Scene { held, regret, step, may_create, .. } = *self;
        decide(&Question { now: at(self.now), markets: &markets, held, regret, step, may_create, left_until: None })
    }

    fn wish(&self) -> Wish {
        self.ask().wish
    }

    /// The wish, and when it may be another: milliseconds from the beginning.
    fn ask_for_wake(&self) -> (Wish, Option<i64>) {
        let decision = self.ask();
        (decision.wish, decision.wake.map(|wake| wake.since(at(0)).ms()))
    }
}

/// What a change of our bid costs in [`Scene::answered`].
const TOUCH: i128 = (RESTART * 346_112) >> 20;
const REFIT: i64 = HOUR / 2;

#[test]
fn where_nothing_is_held_the_best_server_is_bid_on() {
    let place = |server, price| Wish::Place { server: ServerId(server), price };
    assert_eq!(Scene::new(&[1_000]).ask_for_wake(), (place(1, 1_010), Some(REFIT)));
    assert_eq!(Scene::new(&[1_100, 1_000, 1_200]).wish(), place(2, 1_010));
    let mut tie = Scene::new(&[1_000, 1_000]);
    assert_eq!(tie.wish(), place(1, 1_010), "the lower number of two that cost the same");
    tie.markets.reverse();
    assert_eq!(tie.wish(), place(1, 1_010), "in whatever order they are given");
    assert_eq!(Scene::new(&[5_000]).wish(), place(1, 5_000), "worth the ceiling, and no margin on top of that");
    assert_eq!(Scene::new(&[5_001]).ask_for_wake(), (Wish::Keep, Some(REFIT)));
    assert_eq!(Scene::new(&[]).ask_for_wake(), (Wish::Keep, None));
    let mut hidden = Scene::new(&[1_000, 1_100]);
    hidden.markets[0].1.unholdable();
    assert_eq!(hidden.wish(), place(2, 1_111));
    let early = Scene { may_create: at(5_250), ..Scene::new(&[1_000]) };
    assert_eq!(early.ask_for_wake(), (Wish::Keep, Some(5_250)));
    assert_eq!(Scene { now: 5_250, ..early }.wish(), place(1, 1_010));
}

#[test]
fn a_new_order_starts_without_regret() {
    let decision = Scene::new(&[1_000]).regretting(RESTART, 7).ask();
    assert_eq!((decision.done.sum(Which::Whole), decision.done.sum(Which::Step)), (0, 0));
    assert_eq!(decision.kept.sum(Which::Whole), RESTART, "as long as there is none it is remembered");
}

#[test]
fn a_server_of_many_short_spikes_is_bid_on_all_the_same() {
    let mut scene = Scene::new(&[1_000]);
    for n in 1..200 {
        scene.markets[0].1.observe(at(n * 10 * SEC), if n % 2 == 0 { 1_000 } else { 3_000 }, false);
    }
    scene.now = 1_990 * SEC;
    assert_eq!(scene.markets[0].1.moves().len(), 199);
    assert!(matches!(scene.wish(), Wish::Place { .. }), "at 3,000 as well");
}

#[test]
fn a_lost_order_is_raised_to_the_star_where_its_server_is_still_the_best() {
    assert_eq!(Scene::holding(&[1_000], 999).wish(), Wish::Raise { to: 1_010 });
    assert_eq!(Scene::holding(&[1_000, 1_001], 999).wish(), Wish::Raise { to: 1_010 });
    assert_eq!(Scene { may_create: at(HOUR), ..Scene::holding(&[1_000], 5) }.wish(), Wish::Raise { to: 1_010 });
    let decision = Scene::holding(&[1_000], 999).regretting(RESTART, 7).ask();
    assert_eq!([decision.kept, decision.done].map(|regret| regret.sum(Which::Whole)), [0, 0]);
}

#[test]
fn a_lost_order_moves_where_another_server_costs_less() {
    let scene = Scene::holding(&[1_000, 990], 999);
    assert_eq!(scene.wish(), Wish::Move { server: ServerId(2), price: 1_000 });
    let early = Scene { may_create: at(2 * SEC), ..scene };
    assert_eq!(early.ask_for_wake(), (Wish::Keep, Some(2_000)));
    assert_eq!(Scene::holding(&[5_001, 4_000], 999).wish(), Wish::Move { server: ServerId(2), price: 4_040 });
}

#[test]
fn a_lost_order_that_nothing_is_affordable_for_goes_if_it_would_win_too_dear() {
    assert_eq!(Scene::holding(&[5_002, 6_000], 2_502).wish(), Wish::LetGo);
    assert_eq!(Scene::holding(&[5_002, 6_000], 2_501).ask_for_wake(), (Wish::Keep, Some(REFIT)));
}

#[test]
fn in_a_war_each_raise_goes_twice_as_far() {
    let raised = |answers: u64, step, ceiling| {
        let mut market = watched(1_000 - answers, terms(10, ceiling));
        for bid in (1_000 - answers)..1_000 {
            market.touch(at(0), bid);
            market.observe(at(0), bid + 1, true);
        }
        let mut scene = Scene { step, ..Scene::holding(&[1_000], 999) };
        scene.markets[0].1 = market;
        let Wish::Raise { to } = scene.wish() else { panic!("a raise") };
        scene.now = 600 * SEC;
        assert_eq!(scene.wish(), Wish::Raise { to: 1_010.min(ceiling) }, "it is over");
        to
    };
    let far = [1, 2, 3, 4, 5, 6, 7].map(|answers| raised(answers, Some(7), 5_000));
    assert_eq!(far, [1_010, 1_014, 1_028, 1_056, 1_112, 1_224, 1_250], "a quarter at most");
    assert_eq!((raised(4, Some(7), 1_030), raised(40, Some(7), 5_000)), (1_030, 1_250));
    assert_eq!(raised(4, None, 5_000), 1_010, "no step is known");
}

#[test]
fn the_margin_is_restored_as_long_as_the_order_holds() {
    assert_eq!(Scene::holding(&[1_000], 1_000).wish(), Wish::Raise { to: 1_010 });
    assert_eq!(Scene::holding(&[1_000], 1_010).wish(), Wish::Keep);
    let decision = Scene::holding(&[1_000], 1_000).regretting(5, 0).ask();
    assert_eq!((decision.kept.sum(Which::Whole), decision.done.sum(Which::Whole)), (5, 0));
}

#[test]
fn where_rivals_answer_the_margin_is_restored_once_that_has_cost_an_answer() {
    // 263,999 for the risk instead of 10,000 and 23,999: 230,000 too much a day.
    let scene = |regret| Scene::holding(&[1_000], 1_000).answered().regretting(regret, 0);
    assert_eq!(scene(TOUCH).wish(), Wish::Raise { to: 1_010 });
    let due = (TOUCH - 5).unsigned_abs().div_ceil(230_000);
    assert_eq!(due, 1_239_946);
    assert_eq!(scene(5).ask_for_wake(), (Wish::Keep, Some(1_239_946)), "sooner than the next price list");
    let mut later = Scene { regret: scene(5).ask().kept, now: 1_239_945, ..scene(0) };
    assert_eq!(later.wish(), Wish::Keep);
    later.now += 1;
    assert_eq!(later.wish(), Wish::Raise { to: 1_010 });
}

#[test]
fn too_high_a_bid_comes_down_by_a_step_as_soon_as_it_may() {
    assert_eq!(Scene::holding(&[1_000], 1_030).wish(), Wish::Lower { to: 1_020 });
    assert_eq!(Scene::holding(&[1_000], 1_015).wish(), Wish::Lower { to: 1_010 }, "not below the star");
    assert_eq!(Scene { step: None, ..Scene::holding(&[1_000], 1_030) }.wish(), Wish::Lower { to: 1_010 });
    let scene = Scene::holding(&[1_000], 1_030).lower_after(9 * SEC);
    assert_eq!(scene.ask_for_wake(), (Wish::Keep, Some(9 * SEC)));
    assert_eq!(Scene { now: 9 * SEC, ..scene }.wish(), Wish::Lower { to: 1_020 });
}

#[test]
fn where_rivals_answer_a_step_down_must_have_earned_an_answer() {
    let scene = |step| Scene::holding(&[1_000], 1_030).answered().regretting(0, step);
    assert_eq!(TOUCH, 285_187_500_000);
    let (last, due) = (TOUCH - 10_000_000, 1_000);
    assert_eq!(scene(last).ask_for_wake(), (Wish::Keep, Some(due)), "10 ticks a day are saved by it");
    assert_eq!(scene(last + 1).ask_for_wake(), (Wish::Keep, Some(due)));
    assert_eq!(scene(last - 1).ask_for_wake(), (Wish::Keep, Some(due + 1)));
    let decision = scene(TOUCH).ask();
    assert_eq!(decision.wish, Wish::Lower { to: 1_020 });
    assert_eq!((decision.kept.sum(Which::Step), decision.done.sum(Which::Step)), (TOUCH, 0));
    let waiting = scene(TOUCH).lower_after(SEC).ask();
    assert_eq!((waiting.wish, waiting.wake), (Wish::Keep, Some(at(SEC))), "and the venue must allow it");
    let mut later = waiting.kept;
    later.advance(at(SEC));
    assert_eq!(later.sum(Which::Step), TOUCH + 10_000 * 1_000, "it adds up meanwhile");
}

#[test]
fn regret_is_what_is_paid_above_the_best_server() {
    let kept = Scene::holding(&[1_000], 1_030).lower_after(HOUR).ask().kept;
    let mut later = kept;
    later.advance(at(100));
    assert_eq!((later.sum(Which::Whole), later.sum(Which::Step)), (20_000 * 100, 10_000 * 100));
    let elsewhere = Scene::holding(&[1_000, 900], 1_010).ask().kept;
    later = elsewhere;
    later.advance(at(100));
    let best = watched(900, terms(10, 5_000)).priced().unwrap().star_cost();
    assert_eq!((best, later.sum(Which::Whole)), (932_999, (1_033_999 - 932_999) * 100));
    let unaffordable = Scene::holding(&[5_001], 5_100).lower_after(HOUR).ask();
    assert_eq!(unaffordable.wish, Wish::Keep, "where nothing is, it is compared with itself");
    assert_eq!(unaffordable.kept, unaffordable.done, "whoever keeps to it goes on as he was");
}

#[test]
fn nothing_is_regretted_at_the_best_bid() {
    assert_eq!(Scene::holding(&[1_000], 1_010).regretting(9, 9).ask().kept.sum(Which::Whole), 0);
    assert_eq!(Scene::holding(&[1_000], 1_011).regretting(9, 9).ask().kept.sum(Which::Whole), 9);
}

#[test]
fn an_order_is_replaced_once_its_regret_has_reached_a_restart() {
    let scene =
        |regret| Scene { step: Some(1), ..Scene::holding(&[1_000], 1_100) }.lower_after(1).regretting(regret, 0);
    // 90 ticks a day too much: at steps of a tick the walk down costs 90 + 4,005 times ten minutes of that.
    let fit_walk = scene(0).markets[0].1.priced().unwrap().walk(1_100, Span::from_ms(1), Some(1));
    assert_eq!(fit_walk, 90_000 + 4_005_000 * 600_000);
    let last = RESTART - 90_000 * 10;
    let later = |regret| Scene { held: scene(0).lower_after(HOUR).held, ..scene(regret) };
    assert_eq!(later(last).ask_for_wake(), (Wish::Keep, Some(10)));
    assert_eq!(later(last - 1).ask_for_wake(), (Wish::Keep, Some(11)), "the first millisecond that reaches it");
    assert_eq!(later(RESTART).wish(), Wish::Replace { price: 1_010 });
    let early = Scene { may_create: at(7), ..later(RESTART) };
    assert_eq!(early.ask_for_wake(), (Wish::Keep, Some(7)));
    let decision = later(RESTART).ask();
    assert_eq!(decision.kept.sum(Which::Whole), RESTART);
    assert_eq!((decision.done.sum(Which::Whole), decision.done.judged_at()), (0, Some(at(600 * SEC))));
    assert_eq!(decision.kept.judged_at(), None);
}

#[test]
fn an_order_is_not_replaced_where_walking_down_is_cheaper_than_a_restart() {
    // Steps of ten: 360 ticks a day for ten minutes, which are 2.5 ticks.
    assert_eq!(Scene::holding(&[1_000], 1_100).regretting(RESTART, 0).wish(), Wish::Lower { to: 1_090 });
    let waiting = Scene::holding(&[1_000], 1_100).regretting(RESTART, 0).lower_after(SEC);
    assert_eq!(waiting.ask_for_wake(), (Wish::Keep, Some(SEC)));
}

#[test]
fn an_order_moves_once_its_regret_has_reached_a_restart_however_cheap_the_walk() {
    let scene = Scene::holding(&[1_000, 900], 1_010).regretting(RESTART, 0);
    assert_eq!(scene.wish(), Wish::Move { server: ServerId(2), price: 909 });
    assert_eq!(scene.ask().done.judged_at(), Some(at(600 * SEC)));
    let waiting = Scene::holding(&[1_000, 900], 1_010).regretting(RESTART - 101_000 * 60, 0);
    assert_eq!(waiting.ask_for_wake(), (Wish::Keep, Some(60)));
}

#[test]
fn where_rivals_answer_a_restart_costs_an_answer_more() {
    let scene = |regret| Scene::holding(&[1_000, 900], 1_010).answered().regretting(regret, 0);
    assert_eq!(scene(RESTART + TOUCH).wish(), Wish::Move { server: ServerId(2), price: 909 });
    assert_eq!(scene(RESTART + TOUCH - 1).ask_for_wake(), (Wish::Keep, Some(1)));
}

/// A regret in which an order that bid 1,100 was replaced at the beginning by one at 1,010.
fn replaced(answered: bool) -> Regret {
    let mut regret = Regret::new(at(0));
    regret.replaced(at(0), 1_100, 1_010);
    if answered {
        regret.answered();
    }
    regret
}

#[test]
fn a_replacement_is_judged_after_ten_minutes_by_answers_and_by_where_the_bid_is() {
    // Three quarters of the way back from 1,010 to 1,100: 1,077.5.
    for (answered, bid, backoff) in [(true, 1_078, 1), (true, 1_077, 0), (false, 1_078, 0)] {
        let mut regret = replaced(answered);
        regret.judge(at(600 * SEC - 1), bid);
        assert_eq!((regret.judged_at(), regret.backoff()), (Some(at(600 * SEC)), 0));
        regret.judge(at(600 * SEC), bid);
        assert_eq!((regret.judged_at(), regret.backoff()), (None, backoff), "{answered} {bid}");
    }
    let mut regret = replaced(true);
    let mut judge = |answered, bid| {
        regret.replaced(at(0), 1_100, 1_010);
        if answered {
            regret.answered();
        }
        regret.judge(at(HOUR), bid);
        regret.judge(at(HOUR), bid);
        regret.backoff()
    };
    let up: Vec<u32> = (0..8).map(|_| judge(true, 1_100)).collect();
    assert_eq!(up, [1, 2, 3, 4, 5, 6, 6, 6]);
    assert_eq!([judge(true, 1_010), judge(false, 1_100)], [5, 4]);
}

#[test]
fn after_a_replacement_that_was_no_good_the_next_must_have_earned_twice_as_much() {
    let mut regret = replaced(true);
    regret.set_rates(2 * RESTART, 0);
    regret.advance(at(1));
    let scene = Scene { regret, now: 600 * SEC, ..Scene::holding(&[1_000, 900], 1_100) };
    // It grew by far more since.
    let decision = scene.ask();
    assert_eq!(decision.kept.backoff(), 1);
    assert!(matches!(decision.wish, Wish::Move { .. }));
    let mut exactly = replaced(true);
    exactly.judge(at(600 * SEC), 1_100);
    exactly.advance(at(600 * SEC));
    exactly.set_rates(2 * RESTART - 101_000, 0);
    exactly.advance(at(600 * SEC + 1));
    let scene = Scene { regret: exactly, now: 600 * SEC + 1, ..Scene::holding(&[1_000, 900], 1_010) };
    assert_eq!(scene.ask_for_wake(), (Wish::Keep, Some(600 * SEC + 2)));
}

#[test]
fn it_wakes_when_a_replacement_is_to_be_judged() {
    let scene = Scene { regret: replaced(true), ..Scene::holding(&[1_000, 990], 1_010) };
    assert_eq!(scene.ask_for_wake(), (Wish::Keep, Some(600 * SEC)));
    let content = Scene { regret: replaced(true), ..Scene::holding(&[1_000], 1_010) };
    assert_eq!(content.ask_for_wake(), (Wish::Keep, Some(REFIT)), "there is nothing to replace");
}

#[test]
fn an_order_on_a_server_that_nothing_is_known_of_is_left() {
    let mut scene = Scene::holding(&[1_000, 900], 1_100).regretting(RESTART, 0);
    scene.markets[0].1.unholdable();
    assert_eq!(scene.ask_for_wake(), (Wish::Keep, Some(REFIT)));
    scene.markets.remove(0);
    let decision = scene.ask();
    assert_eq!((decision.wish, decision.kept.sum(Which::Whole)), (Wish::Keep, RESTART));
}

#[test]
fn a_decision_says_why_in_numbers() {
    let decision = Scene::holding(&[1_000, 900], 1_015).answered().regretting(RESTART / 4, 0).ask();
    let expected = Figures {
        server: ServerId(1),
        best: Some(ServerId(2)),
        star: 1_010,
        bid: 1_015,
        restarts: 2_399,
        below: 1_005,
        restarts_below: 26_399,
        regret: 2_500,
        price: 13_300,
        answered: 330,
    };
    assert_eq!(decision.figures, Some(expected));
    let nothing = Scene::new(&[1_000]).ask().figures.unwrap();
    assert_eq!((nothing.server, nothing.bid, nothing.below, nothing.price), (ServerId(1), 1_010, 1_000, 10_000));
    assert_eq!(Scene::new(&[]).ask().figures, None);
}

proptest! {
    #[test]
    fn a_sum_is_the_same_however_time_is_split(
        whole in 0..i128::from(u64::MAX), step in any::<i128>(), mut cuts in prop::collection::vec(any::<i64>(), 1..20),
    ) {
        let mut split = Regret::new(Time::from_ms(i64::MIN));
        split.set_rates(whole, step);
        let mut at_once = split;
        for cut in &cuts {
            split.advance(Time::from_ms(*cut));
        }
        cuts.sort_unstable();
        at_once.advance(Time::from_ms(cuts[cuts.len() - 1]));
        prop_assert_eq!(split, at_once);
        let saved: Regret = serde_json::from_str(&serde_json::to_string(&split).unwrap()).unwrap();
        prop_assert_eq!(saved, split);
    }

    #[test]
    fn a_sum_reaches_a_price_at_the_first_moment_that_has_it(
        rate in 0..1_000_i128, sum in 0..1_000_i128, price in 0..1_000_000_i128,
    ) {
        let mut regret = Regret::new(at(-1));
        regret.set_rates(sum, 0);
        regret.advance(at(0));
        regret.set_rates(rate, 0);
        let Some(when) = regret.when(Which::Whole, price) else {
            prop_assert!(rate == 0 && sum < price);
            return Ok(());
        };
        let sum_at = |time| {
            let mut later = regret;
            later.advance(time);
            later.sum(Which::Whole)
        };
        prop_assert!(sum_at(when) >= price);
        prop_assert!(when == at(0) || sum_at(when - Span::from_ms(1)) < price);
    }

    #[test]
    fn extreme_numbers_do_not_make_a_decision_panic(
        least in prop::array::uniform2(prop_oneof![any::<u64>(), (u64::MAX - 9)..=u64::MAX, 0..3_u64]),
        kappa in prop_oneof![any::<u64>(), 0..3_u64], ceiling in any::<u64>(), step in any::<Option<u64>>(),
        bid in prop_oneof![any::<u64>(), (u64::MAX - 9)..=u64::MAX, 0..3_u64],
        times in prop::array::uniform5(any::<i64>()), rate in any::<i128>(), answers in 0..40_u64, is_held in any::<bool>(),
    ) {
        let [first, second, third, next_lower, may_create] = times.map(Time::from_ms);
        let terms = Terms { kappa, ceiling };
        let mut markets = [(ServerId(1), Market::new(terms)), (ServerId(2), Market::new(terms))];
        let mut regret = Regret::new(second);
        regret.replaced(first, bid, least[0]);
        regret.set_rates(rate, rate);
        for (least, (_, market)) in least.into_iter().zip(&mut markets) {
            market.observe(first, least, is_held);
            for more in 0..answers {
                market.touch(second, bid);
                market.observe(second, least.saturating_sub(answers).saturating_add(more), is_held);
            }
            market.observe(second, least, is_held);
            market.advance(third);
        }
        let shown: Vec<(ServerId, &Market)> = markets.iter().map(|(server, market)| (*server, market)).collect();
        let held = is_held.then_some(Held { server: ServerId(1), bid, next_lower, ties: false });
        let decision = decide(&Question { now: third, markets: &shown, held, regret, step, may_create, left_until: None });
        prop_assert!(decision.kept.sum(Which::Whole) >= 0 && decision.done.sum(Which::Step) >= 0);
        match decision.wish {
            Wish::Raise { to } => prop_assert!(to > bid || bid == u64::MAX),
            Wish::Lower { to } => prop_assert!(to < bid),
            _ => {}
        }
    }
}
