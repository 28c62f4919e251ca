//! Where time comes from: the machine's clock, run faster if asked, or a logical clock that only moves when told to.
//!
//! Live runs use [`Clock::system`]. It counts evenly, so that no pause gets shorter where somebody sets the machine's
//! clock, and never runs backwards; where the machine slept or its clock was set forward it goes along, so that records
//! bear the true time and what was held meanwhile is paid for in the books. Paper runs and tests use [`Clock::logical`], on which an hour takes no longer than
//! the work done in it, unless it is paced; a run on it is the same on a fast machine and a slow one.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clorebid_core::time::{Span, Time};

/// A clock that can be shared: copies tell the same time.
#[derive(Debug, Clone)]
pub struct Clock(Kind);

#[derive(Debug, Clone)]
enum Kind {
    System {
        started: Instant,
        epoch: Time,
        scale: u32,
    },
    /// The machine's own pace.
    True {
        started: Instant,
        following: Arc<Mutex<Following>>,
    },
    Logical {
        now_ms: Arc<AtomicI64>,
        pace: Option<Pace>,
    },
}

#[derive(Debug, Clone, Copy)]
struct Pace {
    started: Instant,
    epoch: Time,
    scale: u32,
}

/// Shorter waits than this are not worth a timer: the next one makes up for it.
const SHORTEST_SLEEP: Duration = Duration::from_millis(2);

impl Clock {
    /// The machine's time from now on, `scale` times as fast.
    pub fn system(scale: u32) -> Clock {
        Clock::system_after(Time::from_ms(i64::MIN), scale)
    }

    /// The same, but never before `earliest`: a clock that once ran fast is ahead of the machine's, and what is recorded
    /// must not go back in time.
    pub fn system_after(earliest: Time, scale: u32) -> Clock {
        let (started, epoch) = (Instant::now(), wall_now().max(earliest));
        Clock(match scale {
            0 | 1 => Kind::True { started, following: Arc::new(Mutex::new(Following::from(epoch))) },
            scale => Kind::System { started, epoch, scale },
        })
    }

    /// Starts at `start` and moves only by [`Clock::sleep_until`]. With a pace, a sleeper also waits until as much real
    /// time has passed, divided by `pace`; work that took long is caught up with.
    pub fn logical(start: Time, pace: Option<u32>) -> Clock {
        let pace = pace.map(|scale| Pace { started: Instant::now(), epoch: start, scale: scale.max(1) });
        Clock(Kind::Logical { now_ms: Arc::new(AtomicI64::new(start.ms())), pace })
    }

    /// What time it is.
    pub fn now(&self) -> Time {
        match &self.0 {
            Kind::System { started, epoch, scale } => {
                let ms = started.elapsed().as_micros().saturating_mul(u128::from(*scale)) / 1000;
                Time::from_ms(epoch.ms().saturating_add(i64::try_from(ms).unwrap_or(i64::MAX)))
            }
            Kind::True { started, following } => {
                let mut following = following.lock().unwrap_or_else(PoisonError::into_inner);
                following.at(millis(started.elapsed()), wall_now())
            }
            Kind::Logical { now_ms, .. } => Time::from_ms(now_ms.load(Ordering::SeqCst)),
        }
    }

    /// By how much the machine's clock last did not go on evenly, since this was last asked.
    pub fn take_jump(&self) -> Option<Jump> {
        match &self.0 {
            Kind::True { following, .. } => following.lock().unwrap_or_else(PoisonError::into_inner).jump.take(),
            Kind::System { .. } | Kind::Logical { .. } => None,
        }
    }

    fn scale(&self) -> u32 {
        if let Kind::System { scale, .. } = &self.0 { *scale } else { 1 }
    }

    /// Whether time stands still while nobody sleeps.
    pub fn is_logical(&self) -> bool {
        matches!(self.0, Kind::Logical { .. })
    }

    /// Returns at `until` or later; at once when that is past.
    pub async fn sleep_until(&self, until: Time) {
        match &self.0 {
            Kind::System { .. } | Kind::True { .. } => {
                let scale = self.scale();
                // A timer may fire a little early after scaling down; the loop makes "or later" true.
                loop {
                    let left = until.since(self.now()).ms();
                    if left == 0 {
                        return;
                    }
                    let micros = u64::try_from(left).unwrap_or(0).saturating_mul(1000).div_ceil(u64::from(scale));
                    tokio::time::sleep(Duration::from_micros(micros)).await;
                }
            }
            Kind::Logical { now_ms, pace } => {
                now_ms.fetch_max(until.ms(), Ordering::SeqCst);
                if let Some(ahead) = pace.and_then(|p| p.ahead(until)) {
                    tokio::time::sleep(ahead).await;
                } else {
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}

/// How the machine's clock did not go on evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jump {
    /// The machine slept so long, or its clock was set forward.
    Ahead(Span),
    /// It was set back so far. Times on record go on from where they were.
    Back(Span),
}

impl fmt::Display for Jump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Jump::Ahead(by) => write!(f, "the machine slept for {by}, or its clock was set forward"),
            Jump::Back(by) => {
                write!(f, "the machine's clock was set back by {by}; times here go on from where they were")
            }
        }
    }
}

/// The machine's clock may be this far from an even count, and is corrected gently.
const EVEN_WITHIN: Span = Span::from_secs(1);

/// An even count of milliseconds that goes along where the machine's clock jumps ahead.
#[derive(Debug)]
struct Following {
    /// What time it was when the count was at 0.
    epoch: Time,
    /// How far the machine's clock is behind, as far as that was told.
    behind: Span,
    jump: Option<Jump>,
}

impl Following {
    const fn from(epoch: Time) -> Following {
        Following { epoch, behind: Span::ZERO, jump: None }
    }

    /// What time it is when so many milliseconds were counted and the machine's clock shows `wall`.
    fn at(&mut self, counted_ms: i64, wall: Time) -> Time {
        let counted = self.epoch + Span::from_ms(counted_ms);
        let (ahead, behind) = (wall.since(counted), counted.since(wall));
        if ahead > EVEN_WITHIN {
            (self.epoch, self.behind, self.jump) = (self.epoch + ahead, Span::ZERO, Some(Jump::Ahead(ahead)));
            return counted + ahead;
        }
        if behind > self.behind + EVEN_WITHIN {
            (self.jump, self.behind) = (Some(Jump::Back(behind)), behind);
        } else {
            self.behind = self.behind.min(behind);
        }
        counted
    }
}

fn millis(elapsed: Duration) -> i64 {
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

impl Pace {
    /// How far `until` is ahead of real time, where that is worth a sleep.
    fn ahead(self, until: Time) -> Option<Duration> {
        let logical_ms = u64::try_from(until.since(self.epoch).ms()).unwrap_or(0);
        let due = Duration::from_micros(logical_ms.saturating_mul(1000) / u64::from(self.scale));
        due.checked_sub(self.started.elapsed()).filter(|d| *d >= SHORTEST_SLEEP)
    }
}

/// The machine's own time.
pub fn wall_now() -> Time {
    Time::from_ms(chrono::Utc::now().timestamp_millis())
}

/// RFC 3339 in UTC with milliseconds, as every view and every line of output writes a time.
pub fn rfc3339(time: Time) -> String {
    match chrono::DateTime::from_timestamp_millis(time.ms()) {
        Some(t) => t.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        None => format!("{}ms", time.ms()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Time = Time::from_ms(1_000_000_000);

    fn at(secs: i64) -> Time {
        START + Span::from_secs(secs)
    }

    #[test]
    fn time_slept_is_time_and_is_told_once() {
        let mut clock = Following::from(START);
        assert_eq!(clock.at(5_000, at(5)), at(5));
        assert_eq!(clock.jump, None);
        // The lid was closed for a quarter of an hour: the count stood still.
        assert_eq!(clock.at(6_000, at(906)), at(906));
        assert_eq!(clock.jump.take(), Some(Jump::Ahead(Span::from_secs(900))));
        assert_eq!(clock.at(7_000, at(907)), at(907));
        assert_eq!(clock.jump, None);
    }

    #[test]
    fn time_never_runs_backwards_and_no_pause_gets_shorter() {
        let mut clock = Following::from(START);
        assert_eq!(clock.at(5_000, at(5)), at(5));
        for counted in 6..600 {
            let an_hour_behind = at(counted) - Span::from_secs(3_600);
            assert_eq!(clock.at(counted * 1_000, an_hour_behind), at(counted), "counted on evenly");
            let told = clock.jump.take();
            assert_eq!(told, (counted == 6).then_some(Jump::Back(Span::from_secs(3_600))), "told once");
        }
        // It is set right again.
        assert_eq!(clock.at(600_000, at(600)), at(600));
        assert_eq!(clock.jump, None);
        assert_eq!(clock.at(601_000, at(601 - 60)), at(601));
        assert_eq!(clock.jump.take(), Some(Jump::Back(Span::from_secs(60))));
    }

    #[test]
    fn a_clock_that_is_corrected_gently_makes_no_jump() {
        let mut clock = Following::from(START);
        for counted in 1..1_000 {
            let off = Span::from_ms(counted % 7 * 100);
            assert_eq!(clock.at(counted * 1_000, at(counted) + off), at(counted));
            assert_eq!(clock.at(counted * 1_000, at(counted) - off), at(counted));
        }
        assert_eq!(clock.jump, None);
    }
}
