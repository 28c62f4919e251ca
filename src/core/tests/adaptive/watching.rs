//! What is learned of one watched server, what is not, and when its price list is made anew.

use clorebid_core::policy::adaptive::ONE;
use clorebid_core::policy::adaptive::fit::Fit;
use clorebid_core::policy::adaptive::market::{Market, Seen};
use clorebid_core::policy::adaptive::moves::{Move, Moves};
use clorebid_core::policy::adaptive::terms::Terms;
use clorebid_core::time::{Span, Time};
use proptest::prelude::*;

use crate::{HOUR, at, terms, watched};

const SEC: i64 = 1_000;
const DAY: i64 = 24 * HOUR;

fn moves(market: &Market) -> Vec<Move> {
    market.moves().iter().copied().collect()
}

#[test]
fn a_change_is_learned_and_a_repetition_is_not() {
    let mut market = Market::new(terms(10, 5_000));
    assert_eq!((market.least(), market.since(), market.priced()), (None, None, None));
    assert_eq!(market.observe(at(0), 1_000, false), Seen::Afresh);
    assert_eq!(market.observe(at(60 * SEC), 1_000, false), Seen::Same);
    assert_eq!((market.since(), market.priced().unwrap().at()), (Some(at(0)), at(0)), "no list for each read");
    assert_eq!(market.observe(at(90 * SEC), 1_050, false), Seen::Moved);
    let made = Move { at: at(90 * SEC), from: 1_000, dwell: Span::from_secs(90), to: 1_050 };
    assert_eq!(moves(&market), [made]);
    assert_eq!((market.least(), market.since()), (Some(1_050), Some(at(90 * SEC))));
    assert_eq!(
        market.priced(),
        Some(&Fit::new(&Moves::from(vec![made]), 1_050, at(90 * SEC), terms(10, 5_000), at(90 * SEC)))
    );
}

#[test]
fn no_stay_counts_for_more_than_a_day() {
    let mut market = watched(1_000, terms(10, 5_000));
    for n in 1..=1_000 {
        market.observe(at(n * 100 * SEC), 1_000, false);
    }
    market.observe(at(100_100 * SEC), 1_001, false);
    assert_eq!(moves(&market)[0].dwell, Span::DAY);
}

#[test]
fn a_server_that_could_not_be_held_starts_afresh() {
    let mut market = watched(1_000, terms(10, 5_000));
    market.unholdable();
    assert_eq!((market.least(), market.priced()), (None, None));
    market.advance(at(HOUR));
    assert_eq!(market.observe(at(60 * SEC), 1_100, false), Seen::Afresh);
    assert_eq!((moves(&market).len(), market.since()), (0, Some(at(60 * SEC))));
    market.unholdable();
    assert_eq!(market.observe(at(61 * SEC), 1_100, false), Seen::Afresh, "at the same price too");
    assert_eq!(market.since(), Some(at(61 * SEC)));
}

#[test]
fn a_change_in_a_long_gap_between_reads_is_not_learned() {
    for (gap, seen) in [(120 * SEC, Seen::Moved), (120 * SEC + 1, Seen::Afresh)] {
        let mut market = watched(1_000, terms(10, 5_000));
        assert_eq!(market.observe(at(gap), 1_100, false), seen);
        assert_eq!((moves(&market).len() == 1, market.since()), (seen == Seen::Moved, Some(at(gap))));
    }
    let mut market = watched(1_000, terms(10, 5_000));
    assert_eq!(market.observe(at(HOUR), 1_000, false), Seen::Same, "a gap over which nothing changed is none");
    assert_eq!(market.observe(at(HOUR + SEC), 1_100, false), Seen::Moved);
    assert_eq!(moves(&market)[0].dwell, Span::from_ms(HOUR + SEC));
}

#[test]
fn a_rise_that_answers_our_bid_is_not_learned() {
    let mut market = watched(1_000, terms(10, 5_000));
    market.touch(at(0), 1_005);
    assert_eq!(market.observe(at(15 * SEC), 1_006, true), Seen::Answered);
    assert_eq!((moves(&market).len(), market.least(), market.since()), (0, Some(1_006), Some(at(15 * SEC))));
    assert_eq!(market.priced().unwrap().at(), at(15 * SEC), "but the bids cost otherwise now");
    assert_eq!(market.answered(), 131_072, "an eighth");
    assert_eq!(market.observe(at(16 * SEC), 1_007, true), Seen::Moved, "one bid is answered once");
}

#[test]
fn a_rise_is_no_answer_when_it_is_late_or_not_above_our_bid_or_nothing_of_ours_stands_there() {
    for (wait, least, ours) in [(15 * SEC + 1, 1_006, true), (SEC, 1_005, true), (SEC, 1_006, false)] {
        let mut market = watched(1_000, terms(10, 5_000));
        market.touch(at(0), 1_005);
        assert_eq!(market.observe(at(wait), least, ours), Seen::Moved, "{wait} {least} {ours}");
        assert_eq!((moves(&market).len(), market.answered(), market.war(at(wait))), (1, 0, 0));
    }
    let mut market = watched(1_000, terms(10, 5_000));
    market.touch(at(0), 1_005);
    market.observe(at(SEC), 1_003, true);
    assert_eq!(market.observe(at(2 * SEC), 1_006, true), Seen::Answered, "it may still be answered");
}

#[test]
fn how_often_we_are_answered_follows_the_last_few_bids() {
    let mut market = watched(1_000, terms(10, 5_000));
    let mut often = vec![];
    for n in 0..3 {
        market.touch(at(n * 20 * SEC), 1_000 + n.unsigned_abs());
        market.observe(at(n * 20 * SEC + SEC), 1_001 + n.unsigned_abs(), true);
        often.push(market.answered());
    }
    assert_eq!(often, [131_072, 245_760, 346_112], "an eighth of what is missing, each time");
    market.touch(at(70 * SEC), 1_010);
    assert_eq!(market.answered(), 346_112);
    market.touch(at(80 * SEC), 1_011);
    assert_eq!(market.answered(), 302_848, "the one before was not answered: an eighth less");
    market.observe(at(90 * SEC), 1_003, true);
    assert_eq!(market.answered(), 302_848, "nothing changed");
    market.observe(at(100 * SEC), 1_012, true);
    assert_eq!(market.answered(), 264_992, "too late for an answer");
    market.observe(at(101 * SEC), 1_013, true);
    assert_eq!(market.answered(), 264_992, "that was judged already");
}

#[test]
fn answers_that_follow_each_other_are_a_war() {
    let mut market = watched(1_000, terms(10, 5_000));
    let mut answer = |ms: i64, bid| {
        market.touch(at(ms), bid);
        assert_eq!(market.observe(at(ms), bid + 1, true), Seen::Answered);
        (market.war(at(ms)), market.war(at(ms + 600 * SEC - 1)), market.war(at(ms + 600 * SEC)))
    };
    assert_eq!(answer(0, 1_000), (1, 1, 0));
    assert_eq!(answer(600 * SEC - 1, 1_002), (2, 2, 0));
    assert_eq!(answer(700 * SEC, 1_004), (3, 3, 0));
    assert_eq!(answer(1_300 * SEC, 1_006), (1, 1, 0), "the last one is over");
}

#[test]
fn a_price_list_is_made_anew_at_its_own_moments() {
    let mut market = watched(1_000, terms(10, 5_000));
    let made_at = |market: &Market| market.priced().unwrap().at();
    market.advance(at(HOUR / 2 - 1));
    assert_eq!(made_at(&market), at(0));
    for (now, made) in [(HOUR / 2, HOUR / 2), (HOUR - 1, HOUR / 2), (HOUR + 99, HOUR), (5 * DAY + 7, 5 * DAY)] {
        market.advance(at(now));
        assert_eq!(made_at(&market), at(made));
        assert_eq!(
            market.priced(),
            Some(&Fit::new(&Moves::default(), 1_000, at(0), terms(10, 5_000), at(made))),
            "as of that moment"
        );
    }
    market.advance(at(0));
    assert_eq!(made_at(&market), at(5 * DAY), "never back");
}

#[test]
fn other_terms_count_from_the_next_price_list_on() {
    let mut market = watched(1_000, terms(10, 5_000));
    market.set_terms(at(HOUR / 2 + 1), terms(20, 900));
    assert_eq!(market.terms(), terms(20, 900));
    let fit = market.priced().unwrap();
    assert_eq!((fit.at(), fit.terms()), (at(HOUR / 2), terms(10, 5_000)), "up to now the old ones did");
    let saved: Market = serde_json::from_str(&serde_json::to_string(&market).unwrap()).unwrap();
    assert_eq!(saved, market);
    market.advance(at(HOUR));
    assert_eq!(market.priced().unwrap().terms(), terms(20, 900));
}

#[derive(Debug, Clone, Copy)]
enum Happens {
    Read(u64, bool),
    Touch(u64),
    Unholdable,
    Terms(u64),
}

fn happens() -> impl Strategy<Value = (i64, Happens)> {
    let what = prop_oneof![
        6 => (990..1_020_u64, any::<bool>()).prop_map(|(least, ours)| Happens::Read(least, ours)),
        2 => (990..1_020_u64).prop_map(Happens::Touch),
        1 => Just(Happens::Unholdable),
        1 => (0..50_u64).prop_map(Happens::Terms),
    ];
    (prop_oneof![0..40 * SEC, 0..3 * HOUR], what)
}

fn happen(market: &mut Market, now: Time, what: Happens) -> Option<Seen> {
    match what {
        Happens::Read(least, ours) => return Some(market.observe(now, least, ours)),
        Happens::Touch(bid) => market.touch(now, bid),
        Happens::Unholdable => market.unholdable(),
        Happens::Terms(restart) => market.set_terms(now, terms(restart, 5_000)),
    }
    None
}

proptest! {
    #[test]
    fn asking_often_or_seldom_or_after_a_restart_comes_to_the_same(
        all in prop::collection::vec((happens(), prop::collection::vec(0..3 * HOUR, 0..6)), 1..60),
    ) {
        let mut seldom = Market::new(terms(10, 5_000));
        let mut often = seldom.clone();
        let mut now = 0;
        for ((passed, what), mut between) in all {
            between.sort_unstable();
            for part in between.into_iter().filter(|part| *part <= passed) {
                often.advance(at(now + part));
            }
            let text = serde_json::to_string(&often).unwrap();
            often = serde_json::from_str(&text).unwrap();
            now += passed;
            prop_assert_eq!(happen(&mut seldom, at(now), what), happen(&mut often, at(now), what));
        }
        seldom.advance(at(now));
        often.advance(at(now));
        prop_assert_eq!(seldom, often);
    }

    #[test]
    fn no_moment_and_no_price_makes_it_panic(
        all in prop::collection::vec((any::<i64>(), any::<u64>(), any::<bool>(), any::<u64>(), any::<u64>()), 1..40),
    ) {
        let mut market = Market::new(Terms { kappa: u64::MAX, ceiling: u64::MAX });
        for (now, least, ours, bid, kappa) in all {
            let now = Time::from_ms(now);
            market.advance(now);
            market.touch(now, bid);
            market.observe(now, least, ours);
            market.set_terms(now, Terms { kappa, ceiling: bid });
            prop_assert!(market.answered() <= ONE);
        }
        let saved: Market = serde_json::from_str(&serde_json::to_string(&market).unwrap()).unwrap();
        prop_assert_eq!(saved, market);
    }
}
