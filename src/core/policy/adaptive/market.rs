//! One watched server: what its least winning bid is and was, and how often rivals answer our bids there.

use serde::{Deserialize, Serialize};

use crate::policy::adaptive::fit::Fit;
use crate::policy::adaptive::moves::{Move, Moves};
use crate::policy::adaptive::terms::Terms;
use crate::policy::adaptive::{
    ANSWER, ANSWER_SHARE, LONGEST_DWELL, LONGEST_GAP, ONE, REFIT, REST, REST_DOUBLINGS, REST_ENDS, WAR, percent_down,
};
use crate::time::{Span, Time};

/// One watched server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub struct Market {
    moves: Moves,
    terms: Terms,
    now: Option<Known>,
    read_at: Option<Time>,
    answers: Answers,
}

/// Its least winning bid, while the server can be held.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    least: u64,
    since: Time,
    fit: Fit,
}

/// How rivals answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Answers {
    /// How often, of [`ONE`].
    often: u32,
    /// The bid of ours that may still be answered, and when it was made.
    touched: Option<(Time, u64)>,
    /// How many answers came one soon after another.
    war: u32,
    /// When the last of them came.
    war_at: Time,
    /// The last one that went beyond what the server is worth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    beaten: Option<Beaten>,
}

/// A rival has answered with more than the server is worth to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Beaten {
    at: Time,
    /// What would have won then.
    least: u64,
    /// How often in a row.
    times: u32,
}

/// What a read has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The price is what it was.
    Same,
    /// A price after a time in which nobody looked, or the first one.
    Afresh,
    /// The market has moved.
    Moved,
    /// A rival has answered our bid: that is no move of the market.
    Answered,
}

impl Market {
    /// A server that nothing is known of.
    pub fn new(terms: Terms) -> Market {
        Market { moves: Moves::default(), terms, now: None, read_at: None, answers: Answers::default() }
    }

    /// A good read shows that `least` would win, our own bid left out. `ours`: our order stands there.
    pub fn observe(&mut self, now: Time, least: u64, ours: bool) -> Seen {
        self.observe_within(LONGEST_GAP, now, least, ours)
    }

    /// The same of a server that is read this seldom, so that what changed between two reads is a move all the same.
    pub fn observe_within(&mut self, gap: Span, now: Time, least: u64, ours: bool) -> Seen {
        let last_read = self.read_at.replace(now);
        if self.least() == Some(least) {
            return Seen::Same;
        }
        let answered = self.answers.judge(now, least, ours, self.terms.ceiling);
        let watched = last_read.is_some_and(|at| now.since(at) <= gap.max(LONGEST_GAP));
        let seen = match &self.now {
            _ if answered => Seen::Answered,
            Some(known) if watched => {
                let dwell = now.since(known.since).min(LONGEST_DWELL);
                self.moves.push(Move { at: now, from: known.least, dwell, to: least });
                Seen::Moved
            }
            _ => Seen::Afresh,
        };
        self.fit(now, least, now);
        seen
    }

    /// Somebody else has watched it all the time, and has seen that `least` wins from that moment on.
    pub fn learn(&mut self, at: Time, least: u64) {
        self.read_at = Some(at);
        self.observe(at, least, false);
    }

    /// It cannot be held now: it is offline, hidden or rented.
    pub fn unholdable(&mut self) {
        self.now = None;
    }

    /// A bid of ours was placed, raised or lowered to this, and the venue has applied it.
    pub fn touch(&mut self, now: Time, bid: u64) {
        if self.answers.touched.replace((now, bid)).is_some() {
            self.answers.unanswered();
        }
    }

    /// Goes on to that moment. The price list is made anew at the moments at which it is due, however late it is asked
    /// for, so it does not matter how often this is called.
    pub fn advance(&mut self, now: Time) {
        let Some(Known { least, since, fit }) = &self.now else { return };
        let times = now.since(fit.at()).ms().checked_div(REFIT.ms()).unwrap_or_default();
        if times > 0 {
            // Those in between would leave nothing behind.
            let (least, since, due) = (*least, *since, fit.at() + REFIT.times(times));
            self.fit(due, least, since);
        }
    }

    /// What a restart costs has changed, or what the server is worth. The next price list counts with it.
    pub fn set_terms(&mut self, now: Time, terms: Terms) {
        self.advance(now);
        self.terms = terms;
    }

    fn fit(&mut self, at: Time, least: u64, since: Time) {
        let fit = Fit::new(&self.moves, least, since, self.terms, at);
        self.now = Some(Known { least, since, fit });
    }

    /// The least winning bid, our own left out; `None` where it is not known or the server cannot be held.
    pub fn least(&self) -> Option<u64> {
        self.now.as_ref().map(|known| known.least)
    }

    /// When it was last read well, by this run or one before.
    pub fn read_at(&self) -> Option<Time> {
        self.read_at
    }

    /// Since when it has been that.
    pub fn since(&self) -> Option<Time> {
        self.now.as_ref().map(|known| known.since)
    }

    /// What bids cost there now.
    pub fn priced(&self) -> Option<&Fit> {
        self.now.as_ref().map(|known| &known.fit)
    }

    /// Its remembered moves.
    pub fn moves(&self) -> &Moves {
        &self.moves
    }

    /// What a restart costs, and what the server is worth.
    pub fn terms(&self) -> Terms {
        self.terms
    }

    /// Until when it is left to a rival who answered our last bid with more than it is worth; `None`: it is not.
    ///
    /// Whoever bids again at once is answered again at once, and pays a restart for each second in between.
    pub fn rests_until(&self, now: Time) -> Option<Time> {
        let beaten = self.answers.beaten?;
        let has_fallen = self.least().is_some_and(|least| least < percent_down(beaten.least, REST_ENDS));
        let doublings = beaten.times.saturating_sub(1).min(REST_DOUBLINGS);
        let until = beaten.at + REST.times(1_i64.checked_shl(doublings).unwrap_or(1));
        (now < until && !has_fallen).then_some(until)
    }

    /// How often our bids are answered, of [`ONE`].
    pub fn answered(&self) -> u32 {
        self.answers.often
    }

    /// How many answers came one soon after another, the last of them lately; nothing is zero.
    pub fn war(&self, now: Time) -> u32 {
        if now.since(self.answers.war_at) < WAR { self.answers.war } else { 0 }
    }
}

impl Answers {
    /// Whether a new least winning bid answers ours.
    fn judge(&mut self, now: Time, least: u64, ours: bool, ceiling: u64) -> bool {
        let Some((at, bid)) = self.touched else { return false };
        if now.since(at) > ANSWER {
            self.touched = None;
            self.beaten = None;
            self.unanswered();
            return false;
        }
        if !ours || least <= bid {
            return false;
        }
        self.touched = None;
        self.often = self.often.saturating_add(ONE.saturating_sub(self.often) / ANSWER_SHARE);
        self.war = if now.since(self.war_at) < WAR { self.war.saturating_add(1) } else { 1 };
        self.war_at = now;
        if least > ceiling {
            let times = self.beaten.map_or(1, |beaten| beaten.times.saturating_add(1));
            self.beaten = Some(Beaten { at: now, least, times });
        }
        true
    }

    fn unanswered(&mut self) {
        self.often = self.often.saturating_sub(self.often / ANSWER_SHARE);
    }
}

/// What outlives the process. The price list is left out: it follows from the rest.
#[derive(Serialize, Deserialize)]
struct Saved {
    moves: Moves,
    terms: Terms,
    now: Option<SavedPrice>,
    read_at: Option<Time>,
    answers: Answers,
}

#[derive(Serialize, Deserialize)]
struct SavedPrice {
    least: u64,
    since: Time,
    fitted: Time,
    /// Those of the price list; the market may have got others since.
    terms: Terms,
}

impl From<Market> for Saved {
    fn from(market: Market) -> Saved {
        let now = market.now.map(|Known { least, since, fit }| SavedPrice {
            least,
            since,
            fitted: fit.at(),
            terms: fit.terms(),
        });
        let Market { moves, terms, read_at, answers, .. } = market;
        Saved { moves, terms, now, read_at, answers }
    }
}

impl From<Saved> for Market {
    fn from(saved: Saved) -> Market {
        let Saved { moves, terms, now, read_at, mut answers } = saved;
        answers.often = answers.often.min(ONE);
        let now = now.map(|SavedPrice { least, since, fitted, terms }| Known {
            least,
            since,
            fit: Fit::new(&moves, least, since, terms, fitted),
        });
        Market { moves, terms, now, read_at, answers }
    }
}
