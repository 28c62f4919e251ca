//! What a policy is: what it is told, and what it may answer.

use core::fmt;

use crate::denial::Denial;
use crate::event::Reason;
use crate::ids::ServerId;
use crate::money::Price;
use crate::policy::kept::OrderState;
use crate::policy::rules::BidRules;
use crate::policy::settings::Settings;
use crate::time::Time;
use crate::words::Words;

/// A way to bid. It is asked at every look, so it answers from numbers alone: no IO, no clock, no randomness.
pub trait Policy: fmt::Debug + PartialEq + Send + Sync + 'static {
    /// What it remembers of one order of ours, from its placing to its end; `()` if nothing.
    type State: OrderState;

    /// Its name in a strategy file.
    fn name(&self) -> &'static str;

    /// What a strategy file says under its own keys, for a strategy to be printed.
    fn settings(&self) -> Settings {
        Settings::default()
    }

    /// The price of a bid where none of ours stands. `last_bid` is what our former order on that server bid, if there
    /// was one.
    ///
    /// # Errors
    /// The denial that says why none is worth making.
    fn open(&self, rules: &BidRules, market: &Situation, last_bid: Option<Price>) -> Result<Opening, Denial>;

    /// What to do about an order that stands.
    fn keep(&self, rules: &BidRules, market: &Situation, order: &Standing, state: &Self::State) -> Opinion;

    /// Whether it leaves every order alone that wins and is no higher than the goal: it is not even asked about those,
    /// and most looks are at such orders.
    fn rests_without_slack(&self) -> bool {
        false
    }

    /// Whether it goes by what is learned of the target's servers: see [`crate::policy::mind`]. Then that is asked in its
    /// place, and servers to spare are read often, since an order may move to them.
    fn learns(&self) -> bool {
        false
    }

    /// What it remembers of an order that was placed `at`; `again`: another order of ours stood there before.
    fn placed(&self, _at: Time, _again: bool) -> Self::State {
        Self::State::default()
    }

    /// Our bid went from `from` to `to`, or nobody knows whether it did.
    fn repriced(&self, _state: &mut Self::State, _from: Price, _to: Price, _at: Time) {}
}

/// One server's market, as far as a bid depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation {
    /// Now.
    pub now: Time,
    /// Price resolution.
    pub tick: Price,
    /// The host's least price.
    pub floor: Price,
    /// The least bid that wins: floor, or a tick above the best rival.
    pub least_winning: Price,
    /// That with the strategy's margin on top, on the tick.
    pub goal: Price,
    /// The most worth bidding: the smaller of `max_bid` and what holding is worth.
    pub ceiling: Price,
    /// The venue's largest lowering, where known.
    pub step: Option<Price>,
}

impl Situation {
    /// `wanted`, or as much of it as `ceiling` allows and still wins.
    ///
    /// # Errors
    /// [`Denial::NotWorthIt`] when winning takes more than the ceiling.
    pub fn capped(&self, wanted: Price, ceiling: Price) -> Result<Price, Denial> {
        let top = ceiling.floor_to(self.tick);
        if self.least_winning > top {
            return Err(Denial::NotWorthIt { least_winning: self.least_winning, ceiling });
        }
        Ok(wanted.min(top))
    }
}

/// Our order in that market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What it bids.
    pub bid: Price,
    /// Whether no rival and no floor stands above it: raising could not improve it.
    pub on_top: bool,
    /// Whether it holds the server.
    pub holding: bool,
    /// Since when it has not been on top, as far as reads have shown.
    pub lost_since: Option<Time>,
    /// Since when it has been above the goal, as far as reads have shown.
    pub slack_since: Option<Time>,
}

/// A first bid that a policy would make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// What it would bid.
    pub price: Price,
    /// The least it would bid instead, where the limits do not allow that much.
    pub least: Price,
}

/// What a policy would like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Leave it.
    Keep,
    /// Bid more, at once.
    Raise {
        /// The new price.
        to: Price,
        /// Why.
        reason: Reason,
    },
    /// Come down to this as soon as the rules allow.
    Lower {
        /// Where to end.
        goal: Price,
        /// Whether a new order at the goal would do as well, where that costs less than the steps down.
        or_anew: bool,
        /// Why, in words in which `{}` stands for the price asked for; `None`: to take away what is paid for nothing.
        words: Option<&'static str>,
    },
    /// Cancel the order, and bid anew.
    Anew {
        /// On this server, or on another one.
        server: ServerId,
        /// The bid, as of now.
        price: Price,
        /// Where to come down to if no new order may be made.
        or_down_to: Option<Price>,
        /// Why.
        why: Words,
    },
    /// Cancel the order: it is lost, and would win far too dear later on.
    LetGo {
        /// Why.
        reason: Reason,
    },
    /// It is lost and winning it back is not worth its price.
    GiveUp(Denial),
}

/// What a policy thinks of an order: its wish, and what keeps it from the wish or from having one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opinion {
    /// What it would like. Nothing is done about it while there is some patience.
    pub wish: Wish,
    /// Why nothing is to be done yet.
    pub patience: Option<Patience>,
    /// From when on it may think otherwise, whether there is some patience or not, although market and order stay as they
    /// are; `None`: not by time alone.
    pub until: Option<Time>,
    /// The numbers behind the wish, where it has any.
    pub why: Option<Words>,
}

/// What keeps a policy from its own wish, or from having one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// What it says of it.
    pub words: Words,
    /// From when on it may think otherwise although market and order stay as they are; `None`: not by time alone.
    pub until: Option<Time>,
}

impl Opinion {
    /// A wish to be fulfilled at once.
    pub const fn now(wish: Wish) -> Opinion {
        Opinion { wish, patience: None, until: None, why: None }
    }

    /// A wish that waits until a moment, or for something else than time.
    pub const fn later(wish: Wish, words: Words, until: Option<Time>) -> Opinion {
        Opinion { wish, patience: Some(Patience { words, until }), until: None, why: None }
    }

    /// A wish that waits where there is some patience.
    pub const fn patient(wish: Wish, patience: Option<Patience>) -> Opinion {
        Opinion { wish, patience, until: None, why: None }
    }

    /// The order is left as it is, whatever time it is.
    pub const fn keep(words: Words) -> Opinion {
        Opinion::later(Wish::Keep, words, None)
    }
}
