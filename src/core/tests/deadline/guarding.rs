//! The guard, against markets that do their worst: what can be done in time is done in time, and nothing is rented without
//! permission.

use clorebid_core::ids::ServerId;
use clorebid_core::policy::deadline::job::{Action, Job, Look};
use clorebid_core::policy::deadline::progress::{Held, Holding};
use clorebid_core::policy::deadline::wanted::{By, Deadline, Terms};
use clorebid_core::time::{Span, Time};
use proptest::prelude::*;

use crate::{HOUR, ON_DEMAND, at, deadline, offers, span, watched_job};

/// What the market does from one look to the next.
#[derive(Debug, Clone)]
struct Turn {
    /// The time to the next look, in thousandths of the longest.
    wait: i64,
    prices: [Option<u64>; 2],
    /// The held spot server is lost after so many thousandths of that time.
    lost_after: Option<i64>,
    /// How long on demand takes, in thousandths of the margin.
    refused: i64,
}

fn turn() -> impl Strategy<Value = Turn> {
    let price = || prop_oneof![2 => Just(None), 4 => (1_000..12_000_u64).prop_map(Some)];
    (1..=1_000_i64, [price(), price()], prop::option::weighted(0.4, 0..1_000_i64), 0..=1_000_i64)
        .prop_map(|(wait, prices, lost_after, refused)| Turn { wait, prices, lost_after, refused })
}

/// A world in which every action is carried out, on demand after a while.
struct World {
    now: Time,
    held: Option<Held>,
    /// When one on demand comes that was asked for.
    coming: Option<Time>,
    /// What was ever rented on demand.
    rented: bool,
    /// Whether there is time enough.
    sure: bool,
}

impl World {
    fn new(sure: bool) -> World {
        World { now: at(0), held: None, coming: None, rented: false, sure }
    }

    fn carry_out(&mut self, action: Action, turn: &Turn, margin: Span) {
        let is_held = |what: Holding| self.held.is_some_and(|held| held.what == what);
        let takes = |what| Some(Held { what, since: self.now });
        match action {
            Action::OnDemand if is_held(Holding::OnDemand) => {}
            Action::OnDemand => {
                self.coming.get_or_insert(self.now + span(margin.ms() * turn.refused / 1_000));
            }
            Action::Spot(server) => {
                self.coming = None;
                if !is_held(Holding::Spot(server)) {
                    self.held = takes(Holding::Spot(server));
                }
            }
            Action::Idle | Action::Done | Action::TooLate => (self.held, self.coming) = (None, None),
        }
    }

    fn pass(&mut self, wait: Span, turn: &Turn) {
        let is_spot = self.held.is_some_and(|held| held.what != Holding::OnDemand);
        if is_spot && turn.lost_after.is_some() {
            self.held = None;
        }
        let next = self.now + wait;
        if let Some(at) = self.coming.filter(|at| *at <= next) {
            self.held = Some(Held { what: Holding::OnDemand, since: at });
            (self.coming, self.rented) = (None, true);
        }
        self.now = next;
    }

    /// Until the job says that it is over.
    fn run(&mut self, job: &mut Job, terms: &Terms, turns: &[Turn], may_rent: bool) -> Action {
        for turn in turns.iter().cycle() {
            let is_offered =
                |server: ServerId| turn.prices[server.0 as usize - 1].is_some_and(|price| price < ON_DEMAND);
            if let Some(Held { what: Holding::Spot(server), .. }) = self.held
                && !is_offered(server)
            {
                self.held = None;
            }
            let offers = offers(&turn.prices);
            let look = Look { now: self.now, held: self.held, offers: &offers, on_demand: Some(ON_DEMAND), may_rent };
            let answer = job.look(&look, terms);
            if matches!(answer.action, Action::Done | Action::TooLate) {
                return answer.action;
            }
            assert!(!self.sure || answer.can_be_met, "{answer:?}");
            assert!(answer.worth.unwrap() <= ON_DEMAND);
            self.carry_out(answer.action, turn, terms.margin);
            self.pass(span((terms.beat.ms() * turn.wait / 1_000).max(1)), turn);
        }
        unreachable!()
    }
}

/// The least time within which a job is sure to be done.
fn sure(need: i64, terms: &Terms) -> i64 {
    need + terms.restart.ms() + terms.beat.ms() + terms.margin.ms()
}

/// Prices of a server that was to be had now and then.
const PAST: [(i64, Option<u64>); 6] = [
    (600_000, Some(3_000)),
    (400_000, Some(5_000)),
    (300_000, None),
    (200_000, Some(2_500)),
    (90_000, None),
    (30_000, Some(3_000)),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_can_be_done_in_time_is_done_in_time_whatever_the_spot_market_does(
        need in HOUR..20 * HOUR, restart in 0..HOUR, beat in 1_000..HOUR / 4, margin in 0..HOUR / 2, more in 0..20 * HOUR,
        turns in prop::collection::vec(turn(), 1..60), watched in any::<bool>(),
    ) {
        // A coarse table is as good here, and a hundred times as quick.
        let restart = if watched { restart.max((need + more) / 30) } else { restart };
        let terms = Terms { restart: span(restart), beat: span(beat), margin: span(margin), sure: Span::ZERO };
        let wanted = deadline(need, sure(need, &terms) + more);
        let mut job = if watched { watched_job(wanted, &PAST) } else { Job::new(wanted, at(0)) };
        let mut world = World::new(true);
        prop_assert_eq!(world.run(&mut job, &terms, &turns, true), Action::Done);
        prop_assert_eq!(job.done(), wanted.need);
    }

    #[test]
    fn a_server_that_is_sure_to_stay_until_the_next_look_is_held_to_the_last(
        need in HOUR..20 * HOUR, restart in 0..HOUR, beat in 1_000..HOUR / 4, more in 0..5 * HOUR,
        turns in prop::collection::vec(turn(), 1..60),
    ) {
        let terms = Terms { restart: span(restart), beat: span(beat), margin: Span::ZERO, sure: span(beat) };
        let turns: Vec<Turn> = turns.into_iter().map(|turn| Turn { wait: 1_000, lost_after: None, ..turn }).collect();
        let mut job = Job::new(deadline(need, sure(need, &terms) + more), at(0));
        prop_assert_eq!(World::new(true).run(&mut job, &terms, &turns, true), Action::Done);
    }

    #[test]
    fn nothing_is_ever_rented_on_demand_without_permission(
        need in HOUR..20 * HOUR, restart in 0..HOUR, beat in 1_000..HOUR / 4, within in 0..30 * HOUR,
        turns in prop::collection::vec(turn(), 1..60), by_limits in any::<bool>(), watched in any::<bool>(),
    ) {
        let terms = Terms { restart: span(restart.max(within / 30)), beat: span(beat), ..Terms::default() };
        let wanted = Deadline { on_demand: by_limits, by: By::Until(at(within)), ..deadline(need, 0) };
        let mut job = if watched { watched_job(wanted, &PAST) } else { Job::new(wanted, at(0)) };
        let mut world = World::new(false);
        world.run(&mut job, &terms, &turns, !by_limits);
        prop_assert!(!world.rented);
    }
}
