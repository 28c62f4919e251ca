//! Who is read when while nothing changes but when things were last read: the schedule on plain integers.
//!
//! [`next_read`](crate::reads::schedule::next_read) looks at the whole book for every read. While all stands still the periods
//! stay as they are, so the same order of reads follows from a few numbers: what is read in every slot takes its turn,
//! and everything else waits for a moment that is known beforehand. A test compares the two read by read.

use alloc::vec::Vec;

use crate::beliefs::Beliefs;
use crate::reads::schedule::{LIVE, Need, SPARE, STARVING, needs, urgency};
use crate::request::Request;
use crate::time::{Span, Time};

/// One read that comes again and again.
#[derive(Debug, Clone, Copy)]
struct Turn {
    request: Request,
    period: Span,
    tried_at: Time,
    /// From when on it may bring something else than last time.
    news_at: Time,
    /// Of two that are as overdue as each other the one with the lower number goes first.
    place: usize,
    was_read: bool,
}

/// Every read of a book that stands still. It is made anew for each jump, in the memory of the one before.
#[derive(Debug, Clone, Default)]
pub(crate) struct IdleReads {
    slot: Span,
    /// What is wanted at least once in every slot, in the order in which it was last read.
    live: Vec<Turn>,
    /// Which of those is next.
    next_live: usize,
    /// From when on one of those may bring something else than last time.
    live_news_at: Time,
    /// Whether each of those waits for a whole round when its turn comes: once they do, they go on to.
    is_steady: bool,
    /// Everything else, in the order of the schedule, and how old it may grow before it could come before those.
    others: Vec<(Turn, Span)>,
}

impl IdleReads {
    /// The reads of that book, one each `slot`; `None` if something was never read. `news_at`: from when on a read may
    /// bring something else than last time.
    pub(crate) fn made_anew(
        mut self,
        beliefs: &Beliefs,
        slot: Span,
        news_at: impl Fn(&Request) -> Time,
    ) -> Option<IdleReads> {
        self.live.clear();
        self.others.clear();
        let live_news_at = Time::from_ms(i64::MAX);
        let mut idle_reads = IdleReads { slot, next_live: 0, live_news_at, is_steady: false, ..self };
        for (place, Need { request, tried_at, period, .. }) in needs(beliefs).enumerate() {
            let news_at = news_at(&request);
            let turn = Turn { request, period, tried_at: tried_at?, news_at, place, was_read: false };
            match period {
                LIVE => {
                    idle_reads.live_news_at = idle_reads.live_news_at.min(news_at);
                    idle_reads.live.push(turn);
                }
                _ => idle_reads.others.push((turn, Span::ZERO)),
            }
        }
        idle_reads.live.sort_by_key(|turn| (turn.tried_at, turn.place));
        let urgency = idle_reads.steady_urgency();
        for (turn, patience) in &mut idle_reads.others {
            let age = turn.period.ms().saturating_mul(urgency).checked_div(1000).unwrap_or(0);
            let starves = if turn.period == SPARE { Span::from_ms(i64::MAX) } else { turn.period + STARVING };
            *patience = Span::from_ms(age).min(starves);
        }
        Some(idle_reads)
    }

    /// How overdue that live turn which was read longest ago is at least: with one read each slot, all of them were.
    fn steady_urgency(&self) -> i64 {
        let turns = i64::try_from(self.live.len()).unwrap_or(i64::MAX);
        urgency(self.slot.times(turns), LIVE)
    }

    /// Makes the reads from `now` on until `limit`, until the next one may bring news, or until one that may change a
    /// period, `stop`, was made. Tells when the next may be made, and how many were.
    pub(crate) fn read_until(&mut self, mut now: Time, limit: Time, stop: Option<&Request>) -> (Time, u64) {
        let mut reads = 0_u64;
        while now < limit {
            let block = self.live_block(now, limit);
            if block > 0 {
                self.take_live(now, block);
                reads = reads.saturating_add(block.unsigned_abs());
                now = now + self.slot.times(block);
                continue;
            }
            match self.take_most_overdue(now) {
                Chosen::None(earliest) => now = earliest.max(now + Span::from_ms(1)),
                Chosen::News => break,
                Chosen::Read(request) => {
                    reads = reads.saturating_add(1);
                    now = now + self.slot;
                    if Some(&request) == stop {
                        break;
                    }
                }
            }
        }
        (now, reads)
    }

    /// What was read, and when last.
    pub(crate) fn made(&self) -> impl Iterator<Item = (&Request, Time)> {
        let all = self.live.iter().chain(self.others.iter().map(|(turn, _)| turn));
        all.filter(|turn| turn.was_read).map(|turn| (&turn.request, turn.tried_at))
    }

    /// How many reads from `now` on are certain to be those of the live ones in turn.
    fn live_block(&mut self, now: Time, limit: Time) -> i64 {
        let quiet = limit.min(self.live_news_at);
        let end = self.others.iter().fold(quiet, |end, (turn, patience)| end.min(turn.tried_at + *patience));
        if end <= now || self.slot < LIVE {
            return 0;
        }
        self.is_steady = self.is_steady || self.waits_for_a_round(now);
        if !self.is_steady {
            return 0;
        }
        // Reads at `now`, one slot later and so on, all before the end.
        let whole = end.since(now).ms().saturating_sub(1).checked_div(self.slot.ms()).unwrap_or(0);
        whole.saturating_add(1)
    }

    /// Whether every live turn has waited, when it comes, for as long as a round takes.
    fn waits_for_a_round(&self, now: Time) -> bool {
        let Some(turns) = i64::try_from(self.live.len()).ok().filter(|turns| *turns > 0) else { return false };
        let round = self.slot.times(turns);
        let (since_first, before) = self.live.split_at(self.next_live);
        let mut at = now;
        before.iter().chain(since_first).all(|turn| {
            let waited = at.since(turn.tried_at) >= round;
            at = at + self.slot;
            waited
        })
    }

    fn take_live(&mut self, now: Time, reads: i64) {
        let turns = i64::try_from(self.live.len()).unwrap_or(i64::MAX).max(1);
        // Of many rounds only the last leaves a trace.
        let before = reads.saturating_sub(turns).max(0);
        let forwarded = before.checked_rem(turns).and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        let mut at = now + self.slot.times(before);
        self.advance(forwarded);
        for _ in before..reads {
            if let Some(turn) = self.live.get_mut(self.next_live) {
                turn.tried_at = at;
                turn.was_read = true;
            }
            at = at + self.slot;
            self.advance(1);
        }
    }

    fn advance(&mut self, turns: usize) {
        let next = self.next_live.saturating_add(turns);
        self.next_live = next.checked_rem(self.live.len()).unwrap_or(0);
    }

    /// Makes the one read that the schedule would choose, unless it may bring news.
    fn take_most_overdue(&mut self, now: Time) -> Chosen {
        let overdue = |turn: &Turn| urgency_at(turn, now);
        let oldest = self.live.get(self.next_live).map(|turn| (overdue(turn), turn.place));
        let mut best: Option<(i64, usize, usize)> = None;
        for (index, (turn, patience)) in self.others.iter().enumerate() {
            if self.is_steady && now < turn.tried_at + *patience {
                // A live one has waited longer for what it is worth.
                continue;
            }
            let urgency = overdue(turn);
            if best.is_none_or(|(most, ..)| urgency > most) {
                best = Some((urgency, turn.place, index));
            }
        }
        let live_first = match (oldest, best) {
            (Some((live, live_place)), Some((other, place, _))) => {
                live > other || (live == other && live_place < place)
            }
            (live, _) => live.is_some(),
        };
        let urgency = if live_first { oldest.map(|(urgency, _)| urgency) } else { best.map(|(urgency, ..)| urgency) };
        if urgency.is_none_or(|urgency| urgency < 1000) {
            let all = self.live.iter().chain(self.others.iter().map(|(turn, _)| turn));
            return Chosen::None(all.map(|turn| turn.tried_at + turn.period).min().unwrap_or(now));
        }
        let turn = if live_first {
            self.live.get_mut(self.next_live)
        } else {
            best.and_then(|(_, _, index)| self.others.get_mut(index)).map(|(turn, _)| turn)
        };
        let Some(turn) = turn else { return Chosen::None(now) };
        if turn.news_at <= now {
            return Chosen::News;
        }
        turn.tried_at = now;
        turn.was_read = true;
        let request = turn.request;
        if live_first {
            self.advance(1);
        }
        Chosen::Read(request)
    }
}

/// What the schedule would do.
enum Chosen {
    /// This read.
    Read(Request),
    /// One that may bring news.
    News,
    /// Nothing before this.
    None(Time),
}

fn urgency_at(turn: &Turn, now: Time) -> i64 {
    urgency(now.since(turn.tried_at), turn.period)
}
