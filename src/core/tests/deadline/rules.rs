//! What a job says, by example.

use clorebid_core::ids::ServerId;
use clorebid_core::policy::deadline::choice::{Moment, Offer};
use clorebid_core::policy::deadline::classes::Classes;
use clorebid_core::policy::deadline::counts::Counts;
use clorebid_core::policy::deadline::job::{Action, Answer, Job, Look, Why};
use clorebid_core::policy::deadline::learned::Rule;
use clorebid_core::policy::deadline::series::Series;
use clorebid_core::policy::deadline::sights::{Sight, Sights};
use clorebid_core::policy::deadline::small::Lives;
use clorebid_core::policy::deadline::table::Mode;
use clorebid_core::policy::deadline::wanted::{By, Deadline, Terms};
use clorebid_core::policy::deadline::watch::{Watch, drought};
use clorebid_core::policy::deadline::whole::Whole;
use clorebid_core::policy::deadline::{AGES, ONE};
use clorebid_core::time::{Span, Time};
use proptest::prelude::*;

use crate::{HOUR, ON_DEMAND, at, deadline, look, offers, on_demand, restart, span, spot, watched_job};

const MIN: i64 = 60_000;

fn said(answer: &Answer) -> (Action, Why) {
    (answer.action, answer.why)
}

const SMALL: Why = Why::Rule(Rule::Small);
const TABLE: Why = Why::Rule(Rule::Table);

#[test]
fn only_the_time_truly_held_counts_less_a_restart_at_each_beginning() {
    let mut job = Job::new(deadline(10 * HOUR, 30 * HOUR), at(0));
    let terms = restart(10 * MIN);
    let mut done = |now, held| {
        job.look(&look(now, held, &offers(&[Some(3_000)])), &terms);
        job.done().ms()
    };
    assert_eq!(done(0, None), 0);
    assert_eq!(done(HOUR, spot(1, HOUR - 4 * MIN)), 0, "four minutes of the restart");
    assert_eq!(done(2 * HOUR, spot(1, HOUR - 4 * MIN)), 54 * MIN);
    assert_eq!(done(2 * HOUR, spot(1, HOUR - 4 * MIN)), 54 * MIN, "the same moment counts once");
    assert_eq!(done(3 * HOUR, None), 54 * MIN, "nobody knows for how much of this hour it was held");
    assert_eq!(done(4 * HOUR, on_demand(3 * HOUR)), 104 * MIN);
    assert_eq!(done(5 * HOUR, spot(1, 4 * HOUR)), 154 * MIN);
    assert_eq!(done(6 * HOUR, spot(1, 5 * HOUR)), 204 * MIN, "begun anew on the same server");
    assert_eq!(done(5 * HOUR, spot(1, 5 * HOUR)), 204 * MIN, "a clock that goes back");
    assert_eq!(done(16 * HOUR, spot(1, 5 * HOUR)), 10 * HOUR);
}

#[test]
fn what_was_held_before_the_job_began_does_not_count() {
    let mut job = Job::new(deadline(10 * HOUR, 30 * HOUR), at(0));
    job.look(&look(HOUR, spot(1, -5 * HOUR), &offers(&[Some(3_000)])), &restart(10 * MIN));
    assert_eq!(job.done(), span(50 * MIN));
}

#[test]
fn where_a_server_is_sure_to_stay_until_the_next_look_that_time_counts_unless_it_is_let_go() {
    let terms = Terms { sure: span(HOUR), beat: span(10 * MIN), ..restart(0) };
    let done = |job: &mut Job, price| {
        job.look(&look(0, None, &offers(&[Some(price)])), &terms);
        job.look(&look(HOUR, spot(1, 0), &offers(&[Some(price)])), &terms);
        job.look(&look(2 * HOUR, None, &offers(&[Some(price)])), &terms);
        job.done()
    };
    assert_eq!(done(&mut Job::new(deadline(10 * HOUR, 30 * HOUR), at(0)), 3_000), span(70 * MIN));
    // At this price it is better to wait.
    assert_eq!(done(&mut watched_job(deadline(10 * HOUR, 100 * HOUR), &SPELLS), 9_000), span(HOUR));
}

#[test]
fn it_is_done_when_it_is_done_and_too_late_when_the_time_is_up() {
    let terms = restart(10 * MIN);
    let run = |within: i64| {
        let mut job = Job::new(deadline(HOUR, within), at(0));
        job.look(&look(0, on_demand(0), &[]), &terms);
        job.look(&look(2 * HOUR, on_demand(0), &[]), &terms)
    };
    assert_eq!(said(&run(70 * MIN)), (Action::Done, Why::Over), "seen late, done in time");
    let late = run(70 * MIN - 1);
    assert_eq!((said(&late), late.can_be_met, late.wake), ((Action::TooLate, Why::Over), false, None));
}

#[test]
fn the_first_day_takes_a_spot_server_wherever_there_is_one() {
    let mut job = Job::new(deadline(10 * HOUR, 30 * HOUR), at(0));
    let terms = restart(6 * MIN);
    let answer = job.look(&look(0, None, &offers(&[Some(4_000), Some(3_000), None, Some(10_000)])), &terms);
    assert_eq!(said(&answer), (Action::Spot(ServerId(2)), SMALL));
    assert_eq!(answer.worth, Some(ON_DEMAND));
    assert_eq!(answer.ceilings, [(ServerId(1), ON_DEMAND), (ServerId(2), ON_DEMAND)]);
    let answer = job.look(&look(1_000, spot(2, 0), &offers(&[Some(2_000), Some(3_000)])), &terms);
    assert_eq!(answer.action, Action::Spot(ServerId(2)), "and stays there");
}

#[test]
fn without_one_it_waits_while_the_slack_is_worth_the_restarts_to_come() {
    let terms = restart(6 * MIN);
    // Four restarts of six minutes in each 3.72 hours left: for 10 hours of work, and one restart at once.
    let mut job = Job::new(deadline(10 * HOUR, 30 * HOUR), at(0));
    let answer = job.look(&look(0, None, &offers(&[None])), &terms);
    assert_eq!(said(&answer), (Action::Idle, SMALL));
    // slack − 0.1 h ≤ 4 · 0.1 h · left / 3.72 h, with left = 10 h + slack: from slack = 1.3168673 h on.
    let mut wake = answer.wake.unwrap();
    let (now, answer) = loop {
        let now = wake.since(at(0)).ms();
        let answer = job.look(&look(now, None, &offers(&[None])), &terms);
        if answer.action != Action::Idle {
            break (now, answer);
        }
        wake = answer.wake.unwrap();
    };
    assert_eq!(said(&answer), (Action::OnDemand, SMALL));
    assert_eq!(now, 20 * HOUR - 4_740_722, "the first millisecond at which it is so");
    assert_eq!(answer.figures.slack(), 4_740_722);
}

#[test]
fn from_on_demand_it_goes_back_to_a_server_that_pays_two_restarts() {
    let terms = restart(6 * MIN);
    let action = |price, within: i64, age: i64| {
        let mut job = Job::new(deadline(10 * HOUR, within), at(0));
        job.look(&look(0, on_demand(0), &offers(&[Some(price)])), &terms);
        job.look(&look(age, on_demand(0), &offers(&[Some(price)])), &terms).action
    };
    assert_eq!(action(3_000, 30 * HOUR, 1_000), Action::Spot(ServerId(1)));
    assert_eq!(action(9_990, 30 * HOUR, 1_000), Action::OnDemand, "a tenth of a percent does not pay restarts");
    assert_eq!(action(3_000, 10 * HOUR + 30 * MIN, 1_000), Action::OnDemand, "there is too little slack for many runs");
    assert_eq!(action(3_000, 10 * HOUR + 30 * MIN, 3 * HOUR), Action::Spot(ServerId(1)), "few are left at that age");
    // Of all runs 518 in a thousand reach 20 minutes: two restarts for each of them take 1,012 seconds of the 1,150.
    assert_eq!(action(3_000, 10 * HOUR + 1_510_000, 20 * MIN - 1), Action::OnDemand);
    assert_eq!(action(3_000, 10 * HOUR + 1_510_000, 20 * MIN), Action::Spot(ServerId(1)));
}

#[test]
fn the_guard_rents_when_only_that_is_sure_to_make_it() {
    let terms = Terms { restart: span(6 * MIN), beat: span(MIN), margin: span(3 * MIN), sure: Span::ZERO };
    let action = |slack: i64, held, price, terms| {
        let mut job = Job::new(deadline(10 * HOUR, 11 * HOUR), at(0));
        job.look(&look(0, held, &offers(&[price])), terms);
        let now = if held.is_none() { HOUR - slack } else { HOUR };
        let (work, until) = (10 * HOUR - if held.is_none() { 0 } else { now - 6 * MIN }, now);
        let wanted = Deadline { by: By::Until(at(until + work + slack)), ..deadline(10 * HOUR, 0) };
        let mut job = Job::recall(job.keep(), wanted);
        let answer = job.look(&look(now, held, &offers(&[price])), terms);
        assert_eq!(answer.figures.slack(), slack);
        (answer.action, answer.why == Why::Guard, answer.can_be_met)
    };
    let server = Action::Spot(ServerId(1));
    assert_eq!(action(10 * MIN, None, Some(3_000), &terms), (server, false, true));
    assert_eq!(action(10 * MIN - 1, None, Some(3_000), &terms), (Action::OnDemand, true, true));
    assert_eq!(action(10 * MIN, spot(1, 0), Some(3_000), &terms), (server, false, true));
    assert_eq!(action(10 * MIN - 1, spot(1, 0), Some(3_000), &terms), (Action::OnDemand, true, true));
    let steady = Terms { sure: span(HOUR), ..terms };
    assert_eq!(action(9 * MIN, spot(1, 0), Some(3_000), &steady), (server, false, true), "sure until the next look");
    assert_eq!(action(9 * MIN - 1, spot(1, 0), Some(3_000), &steady), (Action::OnDemand, true, true));
    assert_eq!(action(6 * MIN, spot(1, 0), Some(3_000), &terms), (Action::OnDemand, true, true));
    assert_eq!(action(6 * MIN - 1, spot(1, 0), Some(3_000), &terms), (server, true, true), "now only this one can");
    assert_eq!(action(6 * MIN - 1, spot(1, 0), None, &terms), (Action::OnDemand, false, true), "by the rule as well");
    assert_eq!(action(6 * MIN - 1, None, None, &terms), (Action::OnDemand, false, false));
    assert_eq!(action(0, spot(1, 0), Some(3_000), &terms), (server, true, true));
    assert_eq!(action(-1, spot(1, 0), Some(3_000), &terms), (server, false, false));
    assert_eq!(action(-1, on_demand(0), Some(3_000), &terms), (Action::OnDemand, false, false));
}

#[test]
fn where_on_demand_cannot_be_counted_on_every_spot_server_below_its_price_is_taken() {
    let all = offers(&[Some(9_999), Some(10_000)]);
    let terms = restart(6 * MIN);
    let seen = look(0, None, &all);
    let mut job = Job::new(Deadline { on_demand: false, ..deadline(10 * HOUR, 30 * HOUR) }, at(0));
    assert_eq!(said(&job.look(&seen, &terms)), (Action::Spot(ServerId(1)), Why::SpotAlone));
    let mut job = Job::new(deadline(10 * HOUR, 30 * HOUR), at(0));
    let answer = job.look(&Look { on_demand: None, ..seen }, &terms);
    assert_eq!((said(&answer), answer.worth), ((Action::Spot(ServerId(1)), Why::SpotAlone), None), "whatever it costs");
    let answer = job.look(&Look { may_rent: false, ..seen }, &terms);
    assert_eq!((said(&answer), answer.worth), ((Action::Spot(ServerId(1)), Why::SpotAlone), Some(ON_DEMAND)));
    let answer = job.look(&Look { on_demand: None, offers: &offers(&[Some(10_000)]), ..seen }, &terms);
    assert_eq!(answer.action, Action::Idle, "dearer than one on demand was");
}

#[test]
fn the_older_a_run_the_less_a_server_must_cost_below_on_demand() {
    let figures =
        Job::new(deadline(10 * HOUR, 40 * HOUR), at(0)).look(&look(0, on_demand(0), &[]), &restart(0)).figures;
    let worth = |lives: &Lives, age| {
        lives.worth(&figures, span(6 * MIN), Offer { share: 0, age, held: false }).map(|worth| ONE - worth)
    };
    // Two restarts of 360 seconds each, in the 5,602 to 28,463 seconds that a run is assumed to have left.
    let assumed = Lives::of(&Counts::default());
    assert_eq!(
        [0, 599, 600, 4_800, 38_400].map(|age| worth(&assumed, age)),
        [8_424, 8_424, 6_484, 3_305, 1_658].map(Some)
    );
    // One run that ended after 1,000 seconds counts beside eight assumed ones.
    let mut sights = Sights::default();
    sights.push(0, Sight::Price(3_000));
    sights.push(1_000, Sight::Away);
    let mut counts = Counts::default();
    counts.add(&Series::of(&sights, ON_DEMAND, 1_000), &Classes::one());
    let first = |of: [[Whole; AGES]; 7]| [of[0][0].0, of[0][1].0, of[0][2].0];
    assert_eq!([counts.entered, counts.ends, counts.secs].map(first), [[1, 1, 0], [0, 1, 0], [600, 400, 0]]);
    let counted = Lives::of(&counts);
    assert_eq!([0, 600, 1_200].map(|age| worth(&counted, age)), [8_880, 7_245, 5_445].map(Some));
}

#[test]
fn no_server_has_been_to_be_had_since_the_last_of_them_was_lost() {
    let dry = |looks: &[(i64, [Option<u64>; 2])], now: i64| {
        let mut watch = Watch::default();
        for (secs, prices) in looks {
            watch.see(at(secs * 1_000), &offers(prices), Some(ON_DEMAND), Span::DAY);
        }
        drought(&watch.offers(&Classes::one(), at(now * 1_000), None), at(now * 1_000))
    };
    let had = Some(3_000);
    assert_eq!(dry(&[(0, [had, had]), (100, [None, had]), (300, [None, None])], 1_000), 700);
    assert_eq!(dry(&[(0, [None, had]), (100, [None, Some(10_000)])], 1_000), 900, "as dear as on demand");
    assert_eq!(dry(&[(0, [None, None])], 1_000), 1_000, "since it was looked first");
}

/// To be had at 3,000 for some hours, and then not for some.
const SPELLS: [(i64, Option<u64>); 9] = [
    (500_000, Some(3_000)),
    (450_000, None),
    (430_000, Some(3_000)),
    (350_000, None),
    (340_000, Some(3_000)),
    (300_000, None),
    (270_000, Some(3_000)),
    (90_000, None),
    (60_000, Some(3_000)),
];

/// Always to be had at 3,000, and lately now and then at 2,000.
const CALM: [(i64, Option<u64>); 5] = [
    (600_000, Some(3_000)),
    (90_000, Some(2_000)),
    (86_000, Some(3_000)),
    (30_000, Some(2_000)),
    (20_000, Some(3_000)),
];

#[test]
fn after_a_day_of_watching_the_table_says_what_an_hour_is_worth() {
    let worth = |within: i64, held, price: u64| {
        let mut job = watched_job(deadline(10 * HOUR, within), &SPELLS);
        let answer = job.look(&look(0, held, &offers(&[Some(price)])), &restart(6 * MIN));
        (answer.action, answer.worth.unwrap(), answer.why)
    };
    // With slack in plenty it is next to the usual price, and rises as that goes.
    let opens = [60, 40, 24, 16, 12, 11].map(|within| worth(within * HOUR, None, 3_000));
    assert!(opens.iter().all(|(action, _, why)| (*action, *why) == (Action::Spot(ServerId(1)), TABLE)));
    assert!(opens.is_sorted_by_key(|(_, worth, _)| worth), "{opens:?}");
    assert!((3_000..3_300).contains(&opens[0].1) && (6_500..8_000).contains(&opens[5].1), "{opens:?}");
    // The one that is held is worth more: leaving it takes a restart.
    assert!(worth(60 * HOUR, spot(1, 0), 3_000).1 > opens[0].1);
    assert_eq!(worth(11 * HOUR, spot(1, 0), 3_000).1, ON_DEMAND);
    // At twice its price it is left alone, except in a hurry.
    assert_eq!(worth(40 * HOUR, None, 6_000).0, Action::Idle);
    assert_eq!(worth(11 * HOUR, None, 6_000).0, Action::Spot(ServerId(1)));
    assert_eq!(worth(11 * HOUR, None, 9_000).0, Action::Idle, "a cheaper one may come yet");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_less_time_is_left_the_more_an_hour_on_the_held_server_is_worth(
        past in prop::collection::vec((0..600_000_i64, prop::option::weighted(0.8, 2_000..9_000_u64)), 4..20),
        work in 3_600..72_000_i64, more in 1_800..72_000_i64, share in 13_000..60_000_i64, age in 0..50_000_i64,
    ) {
        let mut past = past;
        past.sort_by_key(|(secs, _)| -secs);
        let mut watch = Watch::default();
        for (secs, price) in &past {
            watch.see(at(-secs * 1_000), &offers(&[*price]), Some(ON_DEMAND), Span::DAY);
        }
        let (left, restart) = (work + more, (work + more) / 40);
        let mut table = watch.table(at(0), left, more, restart);
        let offers = [Offer { share, age, held: true }];
        let mut before = 0;
        for steps in (1..=left / table.grid.step.0).rev() {
            let left = steps * table.grid.step.0;
            if left < work + restart {
                break;
            }
            let moment = Moment { left, work, lead: 0, mode: Mode::Spot, offers: &offers, drought: 0 };
            let worth = table.ask(&moment).worth[0].unwrap_or(ONE).clamp(0, ONE);
            // Slack is counted in units of a restart here, and where only a few of them are left a step may fall a little.
            prop_assert!(worth >= before - ONE / 8, "{} after {}", worth, before);
            before = before.max(worth);
        }
    }
}

#[test]
fn what_changed_while_nobody_looked_is_not_learned_but_what_changed_between_two_looks_is() {
    let kept = |beat: i64| {
        let mut job = Job::new(deadline(10 * HOUR, 30 * HOUR), at(0));
        for (n, price) in [3_000, 3_000, 4_000].into_iter().enumerate() {
            let terms = Terms { beat: span(beat), ..restart(MIN) };
            job.look(&look(n as i64 * 10 * MIN, None, &offers(&[Some(price)])), &terms);
        }
        let servers = serde_json::to_value(job.keep()).unwrap()["servers"][0][1].clone();
        servers.to_string().replace("17000", "")
    };
    assert_eq!(kept(10 * MIN), "[[00000,3000],[01200,4000]]");
    assert_eq!(kept(10 * MIN - 1), "[[00000,3000],[00600],[01200,4000]]");
}

#[test]
fn the_table_is_used_from_the_first_day_on() {
    let mut job = Job::new(deadline(10 * HOUR, 60 * HOUR), at(0));
    let terms = restart(HOUR);
    let mut why = |now| job.look(&look(now, None, &offers(&[None])), &terms).why;
    assert_eq!(why(0), SMALL);
    assert_eq!(why(24 * HOUR - 1), SMALL);
    assert_eq!(why(24 * HOUR), TABLE);
}

#[test]
fn a_job_goes_on_where_an_earlier_run_left_it() {
    let wanted = deadline(10 * HOUR, 60 * HOUR);
    let mut job = Job::new(wanted, at(0));
    let terms = restart(10 * MIN);
    for n in 0..300 {
        let price = Some(3_000 + n % 7).filter(|_| n % 5 != 0);
        job.look(&look(n as i64 * MIN, spot(1, 0), &offers(&[price, Some(4_000)])), &terms);
    }
    let text = serde_json::to_string(&job.keep()).unwrap();
    assert!(text.len() < 6_000, "{}", text.len());
    let mut again = Job::recall(serde_json::from_str(&text).unwrap(), wanted);
    assert_eq!((again.done(), again.until()), (span(289 * MIN), at(60 * HOUR)));
    assert_eq!(serde_json::to_string(&again.keep()).unwrap(), text);
    let next = offers(&[Some(3_000), Some(4_000)]);
    let next = look(6 * HOUR, spot(1, 0), &next);
    assert_eq!(again.look(&next, &terms).figures, job.look(&next, &terms).figures);
    assert_eq!(job.done(), span(350 * MIN), "held all along, also while no run was on");
}

proptest! {
    #[test]
    fn hostile_numbers_neither_panic_nor_make_nonsense(
        need in any::<i64>(), until in any::<i64>(), within in any::<Option<i64>>(), restart in any::<i64>(),
        guard in any::<[i64; 3]>(), permitted in any::<bool>(), watched in any::<bool>(),
        looks in prop::collection::vec(
            (any::<i64>(), any::<[Option<u64>; 2]>(), any::<Option<u64>>(), any::<Option<(bool, i64)>>(), any::<bool>()),
            1..6,
        ),
        near in prop::option::of((0..100_000_i64, 1..100_i64)),
    ) {
        // Half of them are near each other, so that there is something to work out.
        let (need, until) = near.map_or((need, until), |(need, _)| (need * 1_000, at(400_000_000).ms()));
        let by = within.filter(|_| near.is_none()).map_or(By::Until(Time::from_ms(until)), |ms| By::Within(span(ms)));
        let wanted = Deadline { need: span(need), by, on_demand: permitted };
        let [beat, margin, sure] = guard.map(span);
        let terms = Terms { restart: span(restart), beat, margin, sure };
        let terms = if near.is_some() { crate::restart(restart.rem_euclid(8 * HOUR) + HOUR) } else { terms };
        let mut job = if watched { watched_job(wanted, &CALM) } else { Job::new(wanted, Time::from_ms(until)) };
        for (n, (now, prices, price, held, may_rent)) in looks.into_iter().enumerate() {
            let now = near.map_or(Time::from_ms(now), |(_, steps)| at(n as i64 * steps * MIN));
            let since = |since| near.map_or(Time::from_ms(since), |_| at(0)).ms() - at(0).ms();
            let held = held.and_then(|(spot, at)| if spot { crate::spot(1, since(at)) } else { crate::on_demand(since(at)) });
            let offers = offers(&prices);
            let answer = job.look(&Look { now, held, offers: &offers, on_demand: price, may_rent }, &terms);
            prop_assert!(answer.wake.is_none_or(|wake| wake > now));
            prop_assert!(job.done() <= wanted.need);
            prop_assert!(permitted || answer.action != Action::OnDemand);
            prop_assert!(price.is_none() || answer.worth <= price);
            prop_assert!(answer.ceilings.iter().all(|(_, most)| price.is_none_or(|price| *most <= price)));
        }
        let kept = serde_json::to_string(&job.keep()).unwrap();
        prop_assert_eq!(Job::recall(serde_json::from_str(&kept).unwrap(), wanted).keep(), job.keep());
    }
}
