//! What comes in: changes become ticks, money becomes units and comes back as it was.

use clorebid::core::money::{Amount, Price};
use clorebid::core::time::{Span, Time};
use clorebid::oracle::{Problem, ProblemError, Rules, Terms, Track, Units};

fn price(text: &str) -> Price {
    Price::parse(text).expect("a price")
}

fn from_changes(to: i64, changes: &[(i64, Option<&str>)]) -> Result<Track, ProblemError> {
    let changes = changes.iter().map(|(at, p)| (Time::from_secs(*at), p.map(price)));
    Track::from_changes(Time::from_secs(0), Time::from_secs(to), Span::from_secs(60), changes, price("0.01"))
}

#[test]
fn a_tick_takes_the_highest_level_in_force_during_it() {
    let found = |to, changes: &[(i64, Option<&str>)]| from_changes(to, changes).expect("sound").runs().to_vec();
    // Known before the start and carried over; a rise within a tick counts for all of it, a fall only from the next.
    assert_eq!(found(300, &[(-5, Some("0.03"))]), [(0, Some(3))]);
    assert_eq!(found(300, &[(0, Some("0.03")), (61, Some("0.05"))]), [(0, Some(3)), (1, Some(5))]);
    assert_eq!(found(300, &[(0, Some("0.03")), (61, Some("0.02"))]), [(0, Some(3)), (2, Some(2))]);
    assert_eq!(found(300, &[(0, Some("0.03")), (60, Some("0.02"))]), [(0, Some(3)), (1, Some(2))]);
    // A peak between two changes, and one of no length.
    assert_eq!(
        found(300, &[(0, Some("0.03")), (70, Some("0.09")), (80, Some("0.04"))]),
        [(0, Some(3)), (1, Some(9)), (2, Some(4))]
    );
    assert_eq!(found(300, &[(0, Some("0.03")), (70, Some("0.09")), (70, Some("0.02"))]), [(0, Some(3)), (2, Some(2))]);
    // Nothing is known before the first change, and a tick that cannot be held in part cannot be held.
    assert_eq!(found(300, &[(70, Some("0.03"))]), [(0, None), (2, Some(3))]);
    assert_eq!(
        found(300, &[(0, Some("0.03")), (70, None), (80, Some("0.03"))]),
        [(0, Some(3)), (1, None), (2, Some(3))]
    );
    // Prices are lifted to whole ticks, what comes after the end is left out, and a cut last tick too.
    assert_eq!(found(90, &[(0, Some("0.0301")), (60, Some("0.05"))]), [(0, Some(4))]);
    assert_eq!(found(50, &[(0, Some("0.03"))]), []);
    assert_eq!(from_changes(300, &[(9, None), (8, None)]), Err(ProblemError::Unsorted(1)));
}

#[test]
fn every_second_a_search_tick_by_tick_finds_the_same_level() {
    let mut dice = crate::support::Dice::new(11);
    for _ in 0..300 {
        let mut at = -30;
        let changes: Vec<(i64, Option<i64>)> = (0..dice.roll(0, 12))
            .map(|_| {
                at += i64::from(dice.roll(0, 90));
                (at, (dice.roll(0, 6) > 0).then(|| i64::from(dice.roll(1, 9))))
            })
            .collect();
        let texts: Vec<(i64, Option<String>)> =
            changes.iter().map(|(at, level)| (*at, level.map(|l| format!("0.0{l}")))).collect();
        let texts: Vec<(i64, Option<&str>)> = texts.iter().map(|(at, text)| (*at, text.as_deref())).collect();
        let track = from_changes(600, &texts).expect("sound");
        for tick in 0..10_u32 {
            let seconds = (0..60).map(|s| i64::from(tick) * 60 + s);
            let in_force = seconds.map(|s| changes.iter().rfind(|(at, _)| *at <= s).and_then(|(_, level)| *level));
            let worst = in_force.reduce(|a, b| Some(a?.max(b?))).flatten();
            assert_eq!(track.level_at(tick), worst, "tick {tick} of {changes:?}");
        }
    }
}

fn terms(restart_cost: &str, per_day: &str) -> Terms {
    Terms {
        tick: Span::from_secs(60),
        price_tick: price("0.0024"),
        step: price("0.0096"),
        window: Span::from_secs(600),
        restart_cost: Amount::parse(restart_cost).expect("an amount"),
        per_day: price(per_day),
    }
}

#[test]
fn money_becomes_whole_units_and_comes_back() {
    let (units, rules) = terms("0.012866666666666667", "15.6").in_units().expect("sound terms");
    let level_cost = 5_000_000_000_000;
    let restart_cost = 38_600_000_000_000_001;
    assert_eq!(rules, Rules { step: 4, window: 10, level_cost, restart_cost, per_tick: 6500 * level_cost });
    assert_eq!(units.amount(restart_cost).to_string(), "0.012866666666666667");
    assert_eq!(units.amount(rules.per_tick * 1440).to_string(), "15.6");
    assert_eq!(units.amount(rules.per_tick).to_string(), "0.010833333333333333");
    assert_eq!(units.amount(rules.per_tick * 1440 * 90_000_000).to_string(), "1404000000");
    assert_eq!(units.amount(-1), Amount::ZERO);
    assert_eq!((units.price(6500), units.price(1), units.price(-1)), (price("15.6"), price("0.0024"), Price::ZERO));
}

#[test]
fn what_cannot_be_exact_is_off_by_half_a_unit() {
    let (units, rules) = terms("0.0128666666666666666666666667", "15.6").in_units().expect("sound terms");
    assert_eq!((rules.level_cost, rules.restart_cost), (10_i128.pow(15), 7_720_000_000_000_000_000));
    assert_eq!(units.amount(rules.restart_cost).to_string(), "0.012866666666666667");
}

#[test]
fn terms_that_make_no_sense_are_refused() {
    let sound = terms("0.01", "15.6");
    let error = |terms: Terms| terms.in_units().map(|(units, _): (Units, Rules)| units).expect_err("nonsense");
    assert_eq!(error(Terms { tick: Span::ZERO, ..sound }), ProblemError::Zero("a tick"));
    assert_eq!(error(Terms { price_tick: Price::ZERO, ..sound }), ProblemError::Zero("the price tick"));
    let fine = Terms { price_tick: price("0.0000000000000001"), ..sound };
    assert_eq!(error(Terms { restart_cost: Amount::MAX, ..fine }), ProblemError::TooLarge("the restart cost"));
    assert_eq!(error(Terms { per_day: Price::MAX, ..fine }), ProblemError::TooLarge("the price of a day"));
    let (_, rules) = Terms { window: Span::from_secs(601), ..sound }.in_units().expect("sound terms");
    assert_eq!(rules.window, 11);
}

#[test]
fn markets_that_make_no_sense_are_refused() {
    let sound = Rules { step: 1, window: 1, level_cost: 1, restart_cost: 1, per_tick: 1 };
    let error = |rules| Problem::new(vec![], 9, rules, 1).expect_err("nonsense");
    assert_eq!(error(Rules { window: 0, ..sound }), ProblemError::Zero("the window"));
    assert_eq!(error(Rules { level_cost: 0, ..sound }), ProblemError::Zero("the cost of a level"));
    assert_eq!(error(Rules { restart_cost: -1, ..sound }), ProblemError::Negative("a cost"));
    assert_eq!(error(Rules { per_tick: i128::MAX / 9, ..sound }), ProblemError::TooLarge("the cost of the whole time"));
    assert_eq!(Track::new(vec![(3, None), (3, Some(1))]), Err(ProblemError::Unsorted(1)));
    assert_eq!(Track::new(vec![(3, Some(-1))]), Err(ProblemError::Negative("a level")));
}
