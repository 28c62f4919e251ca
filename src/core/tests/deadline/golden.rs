//! Six jobs on random markets, look by look against the figures of an independent implementation of the same table:
//! `golden/deadline.txt`, which the C reference of the rules has written (with its chances of what comes next rounded as
//! the rules say: it looked for the likeliest before all were known).
//!
//! A job begins with the number of servers, the seconds of work, of a restart and until the deadline. A line is one look:
//! the seconds passed; for each server its price in 65,536ths of that on demand, `-` where it is not to be had; and where
//! the job has begun the seconds of work left, what is held (`-1` nothing, the number of servers: on demand) and the
//! seconds of its restart that are left. Behind `:` what is to be held, what the next step on the held server is worth,
//! and the most that one is worth on another. Behind `b`, where the table was made anew, its steps, units of slack, units
//! a step, seconds of a unit and of a step; behind `s` the number of classes, and the sum of all costs in the table for so
//! many steps left, modulo 2^64.

use clorebid_core::ids::ServerId;
use clorebid_core::policy::deadline::choice::{Moment, Pick};
use clorebid_core::policy::deadline::grid::Leg;
use clorebid_core::policy::deadline::table::{At, Mode, Table};
use clorebid_core::policy::deadline::watch::{Watch, drought};
use clorebid_core::policy::deadline::whole::Whole;
use clorebid_core::policy::deadline::{AGES, ONE};
use clorebid_core::time::{Span, Time};

struct Run {
    servers: i64,
    restart: i64,
    until: i64,
    now: i64,
    watch: Watch,
    table: Option<(i64, Table)>,
}

/// The sum of all costs for so many steps left.
fn sum(table: &Table, steps: usize) -> u64 {
    let leg = Leg { run: Whole(0), ends: false, part: Whole(0) };
    let units = usize::try_from(table.grid.units.0).unwrap();
    let mut sum = 0_u64;
    for slack in 1..table.grid.slacks {
        for class in 0..=table.classes.count() {
            for age in 0..AGES {
                let at = At { steps, slack, class, age };
                let waited = table.wait(At { slack: slack + units, ..at });
                let all = [table.after(Mode::OnDemand, leg, at), table.after(Mode::Spot, leg, at), waited];
                all.iter().for_each(|cost| sum = sum.wrapping_add(u64::try_from(cost.0).unwrap()));
            }
        }
    }
    sum
}

impl Run {
    fn new(header: &str) -> Run {
        let numbers: Vec<i64> = header.split_whitespace().map(|number| number.parse().unwrap()).collect();
        let [servers, _, restart, until] = numbers[..] else { panic!("{header}") };
        Run { servers, restart, until, now: 0, watch: Watch::default(), table: None }
    }

    fn time(&self) -> Time {
        Time::from_secs(1_700_000_000 + self.now)
    }

    /// The table, made anew where it is due. Tells whether it was.
    fn table(&mut self, left: i64, work: i64) -> bool {
        let lasts = (self.now / 4).clamp(600, 3_600);
        let is_due = self.table.as_ref().is_none_or(|(made, _)| self.now - made >= lasts);
        if is_due {
            let table = self.watch.table(self.time(), left, left - work, self.restart);
            self.table = Some((self.now, table));
        }
        is_due
    }

    fn look(&mut self, line: &str) {
        let mut fields = line.split_whitespace();
        self.now += fields.next().unwrap().parse::<i64>().unwrap();
        let price = |text: &str| (text != "-").then(|| text.parse::<u64>().unwrap());
        let offers: Vec<(ServerId, Option<u64>)> =
            (0..self.servers).map(|n| (ServerId(n as u64), price(fields.next().unwrap()))).collect();
        self.watch.see(self.time(), &offers, Some(ONE as u64), Span::DAY);
        let rest: Vec<&str> = fields.collect();
        let number = |at: usize| rest[at].parse::<i64>().unwrap();
        if rest.is_empty() {
            return;
        }
        let (left, work, mode) = (self.until - self.now, number(0), number(1));
        assert_eq!(self.table(left, work), rest.get(7) == Some(&"b"), "{line}");
        let now = self.time();
        let held = (0..self.servers).contains(&mode).then_some(ServerId(mode as u64));
        let (_, table) = self.table.as_mut().unwrap();
        let watched = self.watch.offers(&table.classes, now, held);
        let offers: Vec<_> = watched.iter().map(|watched| watched.offer).collect();
        let mode = match held {
            Some(_) => Mode::Spot,
            None if mode < 0 => Mode::Idle,
            None => Mode::OnDemand,
        };
        let moment = Moment { left, work, lead: number(2), mode, offers: &offers, drought: drought(&watched, now) };
        let verdict = table.ask(&moment);
        let picked = match verdict.pick {
            Pick::Idle => -1,
            Pick::OnDemand => self.servers,
            Pick::Spot(server) => server as i64,
        };
        assert_eq!(picked, number(4), "{line}");
        let worth = |kept: bool| {
            let all = offers.iter().zip(&verdict.worth).filter(|(offer, _)| offer.held == kept);
            all.filter_map(|(_, worth)| *worth).max().unwrap_or(0)
        };
        assert_eq!((worth(true), worth(false).max(0)), (number(5), number(6)), "{line}");
        let mut rest = &rest[7..];
        if let [b, steps, slacks, units, unit, step, after @ ..] = rest
            && *b == "b"
        {
            let grid = &table.grid;
            let [slacks, units, unit, step] = [slacks, units, unit, step].map(|n| n.parse::<i64>().unwrap());
            assert_eq!((grid.steps.to_string(), grid.slacks as i64), ((*steps).to_string(), slacks), "{line}");
            assert_eq!((grid.units.0, grid.unit.0, grid.step.0), (units, unit, step), "{line}");
            rest = after;
        }
        if let [_, classes, costs] = rest {
            assert_eq!(table.classes.count().to_string(), *classes, "{line}");
            assert_eq!(sum(table, table.steps_of(left)).to_string(), *costs, "{line}");
        }
    }
}

#[test]
fn the_table_agrees_with_an_independent_one_to_the_last_digit() {
    let mut looks = 0;
    for job in include_str!("../golden/deadline.txt").split("# ").skip(1) {
        let (header, lines) = job.split_once('\n').unwrap();
        let mut run = Run::new(header);
        for line in lines.lines() {
            run.look(line);
            looks += 1;
        }
    }
    assert!(looks > 300, "{looks}");
}
