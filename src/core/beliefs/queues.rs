//! Whose market is read next: a queue for each period, in which whoever was read longest ago stands first.
//!
//! All in a queue are to be read equally often, so its first is its most overdue, and the most overdue of all is among
//! the firsts. Whoever was just read goes to the end.

use alloc::collections::VecDeque;

use crate::ids::ServerId;
use crate::time::{Span, Time};

/// A server that is held or to be won back.
pub(crate) const LIVE: Span = Span::from_secs(1);
/// A decision waits for it.
const URGENT: Span = Span::from_ms(300);
/// A candidate while its target lacks a server.
const WANTED: Span = Span::from_secs(2);
/// But for each of many this long.
const WANTED_EACH: Span = Span::from_ms(1_600);
/// A candidate that an order may move to at any time, while its target has all it wants.
const NEAR: Span = Span::from_ms(3_900);
/// But for each of many this long: all of them together take every other read.
const NEAR_EACH: Span = Span::from_ms(1_950);
/// A candidate while its target has all it wants.
pub(crate) const SPARE: Span = Span::from_secs(60);
/// No read waits longer than this beyond its period, however many servers there are; but servers to spare do, since
/// they would all fall due at once, and what is held would not be looked at meanwhile.
pub(crate) const STARVING: Span = Span::from_secs(60);
/// But for markets this long for each server where there are so many that a round of reads takes longer: else all of them
/// would starve at once, and neither my_orders nor what a decision waits for would ever have its turn.
const STARVING_EACH: Span = Span::from_secs(2);

/// How overdue a read is that starves, in thousandths of its period, beside what its age comes to.
const STARVED: i64 = 1_000_000;
/// Where many servers are held none of the others would ever be read: one that never was has its turn this often.
const FIRST_READS: Span = Span::from_secs(10);

/// How soon a market is to be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// A decision waits for it.
    Urgent,
    /// It is held or to be won back.
    Live,
    /// A candidate while its target lacks a server.
    Wanted,
    /// A candidate that an order may move to, while its target has all it wants.
    Near,
    /// A candidate while its target has all it wants.
    Spare,
}

impl Class {
    /// All of them.
    pub(crate) const ALL: [Class; 5] = [Class::Urgent, Class::Live, Class::Wanted, Class::Near, Class::Spare];

    /// How overdue a market is that was never read, in thousandths of its period. The first round of many candidates must
    /// not keep what was placed meanwhile from being looked at.
    pub(crate) const fn unread(self) -> i64 {
        match self {
            Class::Urgent | Class::Live => i64::MAX,
            Class::Wanted | Class::Near | Class::Spare => 2_000,
        }
    }

    /// How long one of it may wait beyond its period, where others wait for `usual`. A server to spare may for ever.
    pub(crate) const fn starving(self, usual: Span) -> Span {
        match self {
            Class::Spare => Span::LONGEST,
            Class::Urgent | Class::Live | Class::Wanted | Class::Near => usual,
        }
    }

    /// How old a read of it should grow at most, where there are few of it.
    pub(crate) const fn least_period(self) -> Span {
        match self {
            Class::Urgent => URGENT,
            Class::Live => LIVE,
            Class::Wanted => WANTED,
            Class::Near => NEAR,
            Class::Spare => SPARE,
        }
    }
}

/// One server that waits for its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    /// When its market was last asked for.
    pub tried_at: Option<Time>,
    /// Whose market.
    pub server: ServerId,
    /// From when on it may bring something else than last time; the beginning of time where nobody knows.
    pub news_at: Time,
}

/// The queues.
#[derive(Debug, Clone, Default)]
pub(crate) struct Queues {
    turns: [VecDeque<Turn>; Class::ALL.len()],
    /// When a market was last read for the first time.
    first_read_at: Option<Time>,
}

impl Queues {
    /// Those of that class, longest unread first.
    pub(crate) fn of(&self, class: Class) -> &VecDeque<Turn> {
        &self.turns[class as usize]
    }

    /// How old a read of that class should grow at most. Candidates, all of them together, take two of three reads: what
    /// is held comes first.
    pub(crate) fn period(&self, class: Class) -> Span {
        let candidates = || i64::try_from(self.of(class).len()).unwrap_or(i64::MAX);
        match class {
            Class::Wanted => WANTED.max(WANTED_EACH.times(candidates())),
            Class::Near => NEAR.max(NEAR_EACH.times(candidates())),
            _ => class.least_period(),
        }
    }

    /// How long a market may wait beyond its period. It is longer than a round of all of them takes.
    pub(crate) fn starving(&self) -> Span {
        let servers = self.turns.iter().map(VecDeque::len).fold(0, usize::saturating_add);
        STARVING.max(STARVING_EACH.times(i64::try_from(servers).unwrap_or(i64::MAX)))
    }

    fn of_mut(&mut self, class: Class) -> &mut VecDeque<Turn> {
        &mut self.turns[class as usize]
    }

    pub(crate) fn insert(&mut self, class: Class, server: ServerId, tried_at: Option<Time>) {
        let turn = Turn { tried_at, server, news_at: Time::from_ms(i64::MIN) };
        let queue = self.of_mut(class);
        // Mostly it was just read.
        if queue.back().is_none_or(|last| (last.tried_at, last.server) < (tried_at, server)) {
            return queue.push_back(turn);
        }
        if let Err(index) = position(queue, server, tried_at) {
            queue.insert(index, turn);
        }
    }

    pub(crate) fn remove(&mut self, class: Class, server: ServerId, tried_at: Option<Time>) {
        let queue = self.of_mut(class);
        if queue.front().is_some_and(|first| first.server == server) {
            queue.pop_front();
        } else if let Ok(index) = position(queue, server, tried_at) {
            queue.remove(index);
        }
    }

    /// From when on a read of that server may bring something else than the last one did.
    pub(crate) fn expect_news(&mut self, class: Class, server: ServerId, tried_at: Option<Time>, news_at: Time) {
        let queue = self.of_mut(class);
        if let Some(turn) = position(queue, server, tried_at).ok().and_then(|index| queue.get_mut(index)) {
            turn.news_at = news_at;
        }
    }

    /// The first of that class is read at `now` and goes to the end.
    pub(crate) fn rotate(&mut self, class: Class, index: usize, now: Time) {
        let queue = self.of_mut(class);
        if let Some(turn) = queue.remove(index) {
            queue.push_back(Turn { tried_at: Some(now), ..turn });
        }
    }

    /// Makes `reads` reads of that class in turn, one each `slot` from `now` on.
    pub(crate) fn rotate_by(&mut self, class: Class, reads: i64, mut now: Time, slot: Span) {
        let queue = self.of_mut(class);
        let turns = i64::try_from(queue.len()).unwrap_or(i64::MAX).max(1);
        // Of many rounds only the last leaves a trace.
        let before = reads.saturating_sub(turns).max(0);
        let skipped = before.checked_rem(turns).and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        queue.rotate_left(skipped);
        now = now + slot.times(before);
        for _ in before..reads {
            if let Some(turn) = queue.pop_front() {
                queue.push_back(Turn { tried_at: Some(now), ..turn });
            }
            now = now + slot;
        }
    }

    /// The most overdue of that class: where it stands, and how overdue it is in thousandths of its period. Of two that
    /// are as overdue as each other, the one with the lower number goes first.
    pub(crate) fn most_overdue(&self, class: Class, starving: Span, now: Time) -> Option<(i64, Turn, usize)> {
        let (queue, period, starving) = (self.of(class), self.period(class), class.starving(starving));
        let overdue = |turn: &Turn| match turn.tried_at {
            Some(at) => urgency(now.since(at), period, starving),
            None => self.unread(class, now),
        };
        // Those that were never read stand first, and one that was may all the same be more overdue.
        let unread =
            if queue.front()?.tried_at.is_none() { queue.partition_point(|t| t.tried_at.is_none()) } else { 0 };
        let begin = match (unread, queue.get(unread)) {
            (1.., Some(read)) if overdue(read) > self.unread(class, now) => unread,
            _ => 0,
        };
        let first = queue.get(begin)?;
        let most = overdue(first);
        let mut best = (begin, first);
        for (index, turn) in queue.iter().enumerate().skip(begin.saturating_add(1)) {
            if overdue(turn) != most {
                break;
            }
            if turn.server < best.1.server {
                best = (index, turn);
            }
        }
        Some((most, *best.1, best.0))
    }

    /// A market is asked for at `now` that never was before.
    pub(crate) fn note_first_read(&mut self, now: Time) {
        self.first_read_at = Some(now);
    }

    /// How overdue a market of that class is that was never read.
    pub(crate) fn unread(&self, class: Class, now: Time) -> i64 {
        let waits = self.first_read_at.is_some_and(|at| now.since(at) >= FIRST_READS);
        if waits { STARVED.max(class.unread()) } else { class.unread() }
    }

    /// Those whose market was asked for at `since` or later.
    pub(crate) fn read_since(&self, since: Time) -> impl Iterator<Item = &Turn> {
        self.turns.iter().flat_map(move |queue| recent(queue, since))
    }

    /// The claimed server with the lowest number after `last` whose market was asked for at `since` or later.
    pub(crate) fn next_read_since(&self, since: Time, last: Option<ServerId>) -> Option<ServerId> {
        let recent = |class| recent(self.of(class), since);
        recent(Class::Live)
            .chain(recent(Class::Urgent))
            .map(|turn| turn.server)
            .filter(|id| last.is_none_or(|last| *id > last))
            .min()
    }
}

/// How overdue a read of that age is, in thousandths of its period; `starving`: how long beyond its period it may wait.
pub(crate) fn urgency(age: Span, period: Span, starving: Span) -> i64 {
    let starving = if age > period + starving { STARVED } else { 0 };
    let due = match period {
        // The most common one, without a division.
        LIVE => age.ms(),
        _ => age.ms().saturating_mul(1000).checked_div(period.ms().max(1)).unwrap_or(i64::MAX),
    };
    due.saturating_add(starving)
}

/// Those asked for at `since` or later, the latest first.
fn recent(queue: &VecDeque<Turn>, since: Time) -> impl Iterator<Item = &Turn> {
    queue.iter().rev().take_while(move |turn| turn.tried_at >= Some(since))
}

/// Where that server stands, or would.
fn position(queue: &VecDeque<Turn>, server: ServerId, tried_at: Option<Time>) -> Result<usize, usize> {
    queue.binary_search_by_key(&(tried_at, server), |turn| (turn.tried_at, turn.server))
}
