//! The least cost of so much work by a deadline, against every way there is on small markets.

use clorebid::oracle::{Cost, Deadline, Track, deadline_cost};
use proptest::prelude::*;

fn track(levels: &[Option<i64>]) -> Track {
    Track::new((0..).zip(levels.iter().copied()).collect()).expect("a track")
}

fn cost(levels: &[Vec<Option<i64>>], wanted: &Deadline) -> Option<Cost> {
    let tracks: Vec<Track> = levels.iter().map(|levels| track(levels)).collect();
    deadline_cost(&tracks, wanted).expect("numbers that make sense")
}

/// The least cost of all ways on from that tick, found by trying each. `held`: a server, and what is left of its restart.
fn tried(
    levels: &[Vec<Option<i64>>],
    wanted: &Deadline,
    tick: u32,
    done: u32,
    held: Option<(usize, u32)>,
) -> Option<Cost> {
    if done == wanted.need {
        return Some(0);
    }
    if tick == wanted.ticks {
        return None;
    }
    let mut least = tried(levels, wanted, tick + 1, done, None);
    for (server, levels_of) in levels.iter().enumerate() {
        let Some(level) = levels_of[tick as usize] else { continue };
        let goes_on = held.filter(|(which, _)| *which == server);
        // Beginning anew on the same server is a way, too.
        for lead in goes_on.map(|(_, lead)| (lead, 0)).into_iter().chain([(wanted.restart, wanted.fee)]) {
            let (lead, fee) = lead;
            let (lead, done) = if lead > 0 { (lead - 1, done) } else { (0, done + 1) };
            let rest = tried(levels, wanted, tick + 1, done, Some((server, lead)));
            let way = rest.map(|rest| rest + Cost::from(level) + fee);
            least = [least, way].into_iter().flatten().min();
        }
    }
    least
}

fn levels(servers: usize, ticks: usize) -> impl Strategy<Value = Vec<Vec<Option<i64>>>> {
    let level = prop::option::weighted(0.7, 0..12_i64);
    prop::collection::vec(prop::collection::vec(level, ticks), servers)
}

#[test]
fn waiting_pays_where_the_restart_and_the_time_allow_it() {
    let market = vec![vec![Some(9), Some(9), Some(1), Some(1), Some(1), Some(9)], vec![Some(5); 6]];
    let wanted = |need, restart, fee| Deadline { ticks: 6, need, restart, fee };
    assert_eq!(cost(&market, &wanted(2, 1, 0)), Some(3), "the restart is paid for, too");
    assert_eq!(cost(&market, &wanted(3, 1, 0)), Some(12), "three cheap ticks, and a dear one");
    assert_eq!(cost(&market, &wanted(5, 1, 0)), Some(30), "all six on the second server");
    assert_eq!(cost(&market, &wanted(4, 0, 0)), Some(8), "the fourth on the second server");
    assert_eq!(cost(&market, &wanted(4, 0, 7)), Some(3 + 9 + 7), "a fee makes it stay");
    assert_eq!(cost(&market, &wanted(6, 1, 0)), None);
    assert_eq!(cost(&market, &wanted(6, 0, 0)), Some(3 + 15));
    assert_eq!(cost(&market, &wanted(0, 9, 9)), Some(0));
    assert_eq!(cost(&[], &wanted(1, 0, 0)), None);
}

#[test]
fn a_server_that_is_lost_in_its_restart_has_to_be_begun_again() {
    let market = vec![vec![Some(1), Some(1), None, Some(1), Some(1), Some(1)]];
    assert_eq!(cost(&market, &Deadline { ticks: 6, need: 1, restart: 2, fee: 0 }), Some(3));
    assert_eq!(cost(&market, &Deadline { ticks: 5, need: 1, restart: 2, fee: 0 }), None);
    assert_eq!(cost(&market, &Deadline { ticks: 6, need: 1, restart: 1, fee: 3 }), Some(5));
}

#[test]
fn a_fee_that_cannot_be_counted_is_refused() {
    let refused = |fee| deadline_cost(&[], &Deadline { ticks: 1, need: 1, restart: 0, fee }).is_err();
    assert!(refused(-1) && refused(Cost::MAX) && !refused(0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn no_way_costs_less(market in levels(2, 6), need in 0..6_u32, restart in 0..4_u32, fee in 0..8_i128) {
        let wanted = Deadline { ticks: 6, need, restart, fee };
        prop_assert_eq!(cost(&market, &wanted), tried(&market, &wanted, 0, 0, None));
    }

    #[test]
    fn one_server_goes_on_for_as_long_as_any_way_does(
        market in levels(1, 11), need in 0..11_u32, restart in 0..6_u32, fee in 0..8_i128,
    ) {
        let wanted = Deadline { ticks: 11, need, restart, fee };
        prop_assert_eq!(cost(&market, &wanted), tried(&market, &wanted, 0, 0, None));
    }

    #[test]
    fn more_servers_more_time_and_less_work_never_cost_more(
        market in levels(4, 60), ticks in 1..60_u32, need in 1..40_u32, restart in 0..6_u32, fee in 0..20_i128,
    ) {
        let wanted = Deadline { ticks, need, restart, fee };
        let dear = |market: &[Vec<Option<i64>>], wanted| cost(market, &wanted).unwrap_or(Cost::MAX);
        let all = dear(&market, wanted);
        let fewer = dear(&market[1..], wanted);
        let longer = dear(&market, Deadline { ticks: ticks + 1, ..wanted });
        let less = dear(&market, Deadline { need: need - 1, ..wanted });
        let slower = dear(&market, Deadline { restart: restart + 1, ..wanted });
        prop_assert!(all <= fewer && longer <= all && less <= all && all <= slower);
    }
}
