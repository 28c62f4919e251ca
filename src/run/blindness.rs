//! Nobody can bid blindly, so a run that sees nothing says so: after half a minute without a good answer, again and again
//! with growing pauses, and when it sees again.

use clorebid_core::request::{Answer, Refusal};
use clorebid_core::time::{Span, Time};

/// A run without a good answer for this long is blind.
const BLIND_AFTER: Span = Span::from_secs(30);
/// It is told of again no later than this.
const AGAIN_AT_MOST: Span = Span::from_secs(3_600);

/// Whether a run sees anything.
#[derive(Debug, Default)]
pub struct Blindness {
    /// The last good answer, or the first one at all.
    seen_at: Option<Time>,
    /// Where it is blind: when that is told of again, and after how long.
    next: Option<(Time, Span)>,
}

/// What there is to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// Nothing has been seen for so long; what the last answer was.
    Blind(Span, String),
    /// It sees again, after so long.
    Again(Span),
}

impl Blindness {
    /// An answer came at `now`, or was given up.
    pub fn step(&mut self, now: Time, answer: &Answer) -> Option<Sight> {
        let since = *self.seen_at.get_or_insert(now);
        let blind_for = now.since(since);
        let Some(trouble) = trouble(answer) else {
            self.seen_at = Some(now);
            return self.next.take().map(|_| Sight::Again(blind_for));
        };
        let (at, pause) = self.next.unwrap_or((since + BLIND_AFTER, BLIND_AFTER));
        if now < at {
            return None;
        }
        let pause = pause.times(2).min(AGAIN_AT_MOST);
        self.next = Some((now + pause, pause));
        Some(Sight::Blind(blind_for, trouble))
    }
}

/// What is wrong with an answer from which nothing of the venue can be seen.
pub fn trouble(answer: &Answer) -> Option<String> {
    match answer {
        Answer::Unknown(doubt) => Some(doubt.to_string()),
        Answer::Refused(refusal @ (Refusal::RateLimited | Refusal::BadKey | Refusal::BadEndpoint)) => {
            Some(refusal.name().to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use clorebid_core::request::Doubt;

    use super::*;

    fn at(secs: i64) -> Time {
        Time::from_secs(1_000_000 + secs)
    }

    #[test]
    fn a_run_that_sees_nothing_says_so_with_growing_pauses_and_says_when_it_sees_again() {
        let (mut blindness, dark) = (Blindness::default(), Answer::Unknown(Doubt::TimedOut));
        assert_eq!(blindness.step(at(0), &Answer::Applied), None);
        let told: Vec<i64> = (1..=600).filter(|s| blindness.step(at(*s), &dark).is_some()).collect();
        assert_eq!(told, [30, 90, 210, 450]);
        assert_eq!(blindness.step(at(700), &Answer::Applied), Some(Sight::Again(Span::from_secs(700))));
        assert_eq!(blindness.step(at(701), &Answer::Applied), None);
    }

    #[test]
    fn a_key_that_is_refused_and_a_storm_of_429_are_darkness_too() {
        for refusal in [Refusal::BadKey, Refusal::RateLimited] {
            let (mut blindness, dark) = (Blindness::default(), Answer::Refused(refusal));
            assert_eq!(blindness.step(at(0), &dark), None);
            assert!(matches!(blindness.step(at(31), &dark), Some(Sight::Blind(..))));
        }
        let (mut blindness, busy) = (Blindness::default(), Answer::Refused(Refusal::ServerRented));
        assert!((0..600).all(|s| blindness.step(at(s), &busy).is_none()), "an answer about the server is an answer");
    }
}
