//! An answer holds until the moment that it names, as long as nothing new is seen.

use clorebid_core::ids::ServerId;
use clorebid_core::policy::deadline::job::{Answer, Job};
use clorebid_core::policy::deadline::progress::Held;
use clorebid_core::policy::deadline::wanted::Terms;
use clorebid_core::time::Span;
use proptest::prelude::*;

use crate::{HOUR, at, deadline, look, offers, on_demand, span, spot, watched_job};

fn price() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![1 => Just(None), 4 => (1_500..11_000_u64).prop_map(Some)]
}

fn held() -> impl Strategy<Value = Option<Held>> {
    let since = -HOUR..0_i64;
    prop_oneof![
        Just(None),
        since.clone().prop_map(|since| spot(1, since)),
        since.prop_map(on_demand),
        Just(spot(2, 0)),
        Just(on_demand(0)),
    ]
}

/// All but the numbers that run on.
fn settled(answer: &Answer) -> impl PartialEq + std::fmt::Debug + use<> {
    (answer.action, answer.why, answer.can_be_met, answer.worth, answer.ceilings.clone())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn an_answer_holds_until_the_moment_that_it_names(
        past in prop::collection::vec((0..600_000_i64, price()), 0..12), watched in any::<bool>(),
        need in HOUR / 2..12 * HOUR, more in -HOUR / 10..8 * HOUR, restart in 0..HOUR, beat in 0..HOUR / 10,
        sure in any::<bool>(), held in held(), prices in [price(), price()], first in 1..3 * HOUR, between in 1..1_000_i64,
    ) {
        let mut past = past;
        past.sort_by_key(|(secs, _)| -secs);
        let restart = if watched { restart.max((need + more) / 40) } else { restart };
        let terms = Terms {
            restart: span(restart), beat: span(beat), margin: span(beat / 2),
            sure: if sure { span(beat) } else { Span::ZERO },
        };
        let wanted = deadline(need, need + more);
        let mut job = if watched { watched_job(wanted, &past) } else { Job::new(wanted, at(0)) };
        let all: Vec<(ServerId, Option<u64>)> = offers(&prices);
        let mut now = first;
        job.look(&look(0, held, &all), &terms);
        for _ in 0..40 {
            let answer = job.look(&look(now, held, &all), &terms);
            prop_assert_eq!(settled(&job.clone().look(&look(now, held, &all), &terms)), settled(&answer), "asked twice");
            let Some(wake) = answer.wake else { break };
            let length = wake.since(at(now)).ms();
            for ms in [length * between / 1_000, length - 1] {
                let later = job.clone().look(&look(now + ms, held, &all), &terms);
                prop_assert_eq!(settled(&later), settled(&answer), "{} ms after {}, {:?}", ms, now, answer);
            }
            now += length;
        }
    }
}
