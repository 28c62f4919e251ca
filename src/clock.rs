//! Where time comes from: the machine's clock, run faster if asked, or a logical clock that only moves when told to.
//!
//! Live runs use [`Clock::system`]. Paper runs and tests use [`Clock::logical`], on which an hour takes no longer than
//! the work done in it, unless it is paced; a run on it is the same on a fast machine and a slow one.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use clorebid_core::time::Time;

/// A clock that can be shared: copies tell the same time.
#[derive(Debug, Clone)]
pub struct Clock(Kind);

#[derive(Debug, Clone)]
enum Kind {
    System { started: Instant, epoch: Time, scale: u32 },
    Logical { now_ms: Arc<AtomicI64>, pace: Option<Pace> },
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
        Clock(Kind::System { started: Instant::now(), epoch: wall_now().max(earliest), scale: scale.max(1) })
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
            Kind::Logical { now_ms, .. } => Time::from_ms(now_ms.load(Ordering::SeqCst)),
        }
    }

    /// Whether time stands still while nobody sleeps.
    pub fn is_logical(&self) -> bool {
        matches!(self.0, Kind::Logical { .. })
    }

    /// Returns at `until` or later; at once when that is past.
    pub async fn sleep_until(&self, until: Time) {
        match &self.0 {
            Kind::System { scale, .. } => {
                // A timer may fire a little early after scaling down; the loop makes "or later" true.
                loop {
                    let left = until.since(self.now()).ms();
                    if left == 0 {
                        return;
                    }
                    let micros = u64::try_from(left).unwrap_or(0).saturating_mul(1000).div_ceil(u64::from(*scale));
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
