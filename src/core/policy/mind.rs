//! What is learned for one target: the markets of its servers, and what its orders have cost above the best there is.
//!
//! It is kept beside the orders of a target, for a policy that says that it learns. It changes with answers alone, so a
//! run that is decided again comes to the same; whoever asks at other moments asks a copy that has gone on to then.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::denial::Denial;
use crate::event::Reason;
use crate::ids::ServerId;
use crate::money::{Amount, Price};
use crate::policy::adaptive::choice::{self, Decision, Figures, Held, Question};
use crate::policy::adaptive::market::{Market, Seen};
use crate::policy::adaptive::regret::Regret;
use crate::policy::adaptive::terms::{Terms, Worth, price, ticks};
use crate::policy::contract::{Opening, Opinion, Patience, Situation, Wish};
use crate::time::{Span, Time};
use crate::words::{Number, Words};

/// So many servers that are not looked at any longer are remembered.
const MOST_FORMER: usize = 64;

/// What is learned for one target.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mind {
    servers: BTreeMap<ServerId, Watched>,
    /// The regrets of orders that are over, for those that take their place.
    loose: Vec<Regret>,
}

/// One server of the target.
#[derive(Debug, Clone)]
struct Watched {
    market: Market,
    worth: Option<Worth>,
    /// The newest read that was taken note of.
    read_at: Option<Time>,
    ours: Option<Ours>,
}

/// What we bid there, in ticks, as far as it is known for sure, and what has been regretted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Ours {
    bid: u64,
    regret: Regret,
    /// When time alone may make another decision of the last one.
    #[serde(skip)]
    wakes_at: Option<Time>,
}

/// What outlives the process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    servers: Vec<KeptServer>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    loose: Vec<Regret>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KeptServer {
    server: ServerId,
    market: Market,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ours: Option<Ours>,
}

/// One server as the last answers left it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sight {
    /// What it is worth, and what a restart costs.
    pub worth: Worth,
    /// What would win without us, on the tick; `None` where it cannot be held.
    pub least: Option<Price>,
    /// When that was read.
    pub read_at: Time,
    /// How long two reads of it may be apart, where there are many to be read.
    pub gap: Span,
    /// What we bid there.
    pub bid: Option<Price>,
    /// Whether anything of ours stands there, whatever it bids.
    pub is_ours: bool,
}

/// An order of ours at the moment at which something is asked about it.
#[derive(Debug, Clone)]
pub(crate) struct Occasion {
    pub now: Time,
    pub tick: Price,
    pub server: ServerId,
    pub bid: Price,
    /// Whether it holds the server although a rival bids as much.
    pub ties: bool,
    pub next_lower: Time,
    /// The servers that it could move to.
    pub others: Vec<ServerId>,
    pub step: Option<Price>,
    /// No order can be made before this.
    pub may_create: Time,
    /// The most that may be bid there.
    pub ceiling: Price,
}

impl Mind {
    /// What an earlier run learned.
    pub(crate) fn recall(kept: Kept) -> Mind {
        let known = |kept: KeptServer| {
            let KeptServer { server, market, ours } = kept;
            (server, Watched { market, worth: None, read_at: None, ours })
        };
        Mind { servers: kept.servers.into_iter().map(known).collect(), loose: kept.loose }
    }

    /// What a later run needs to know.
    pub(crate) fn keep(&self) -> Kept {
        let known = |(server, watched): (&ServerId, &Watched)| KeptServer {
            server: *server,
            market: watched.market.clone(),
            ours: watched.ours,
        };
        Kept { servers: self.servers.iter().map(known).collect(), loose: self.loose.clone() }
    }

    /// Takes over how that server's price has moved, unless it has seen moves itself.
    pub(crate) fn teach(&mut self, server: ServerId, market: Market) {
        let has_seen = self.servers.get(&server).is_some_and(|watched| !watched.market.moves().is_empty());
        if !has_seen {
            let ours = self.servers.get(&server).and_then(|watched| watched.ours);
            self.servers.insert(server, Watched { market, worth: None, read_at: None, ours });
        }
    }

    /// Adds up all regrets to that moment.
    pub(crate) fn advance(&mut self, now: Time) {
        self.servers.values_mut().filter_map(|watched| watched.ours.as_mut()).for_each(|ours| ours.regret.advance(now));
    }

    /// Takes note of what the last answer came to for one server.
    pub(crate) fn see(&mut self, server: ServerId, now: Time, sight: &Sight) {
        let Mind { servers, loose } = self;
        let watched = servers.entry(server).or_insert_with(|| Watched {
            market: Market::new(Terms::of(&sight.worth)),
            worth: Some(sight.worth),
            read_at: None,
            ours: None,
        });
        if watched.worth != Some(sight.worth) {
            watched.worth = Some(sight.worth);
            let terms = Terms::of(&sight.worth);
            if terms != watched.market.terms() {
                watched.market.set_terms(now, terms);
            }
        }
        watched.see_market(sight);
        let bid = sight.bid.map(|bid| ticks(bid, sight.worth.tick));
        let before = watched.ours.map(|ours| ours.bid);
        if bid == before || (bid.is_none() && sight.is_ours) {
            return;
        }
        watched.ours = match (bid, watched.ours) {
            (None, before) => {
                loose.extend(before.map(|ours| ours.regret));
                None
            }
            (Some(bid), None) => {
                let mut regret = loose.pop().unwrap_or_else(|| Regret::new(now));
                regret.advance(now);
                regret.clear();
                Some(Ours { bid, regret, wakes_at: None })
            }
            (Some(bid), Some(Ours { bid: before, mut regret, .. })) => {
                if bid > before {
                    regret.clear();
                } else {
                    regret.clear_step();
                }
                Some(Ours { bid, regret, wakes_at: None })
            }
        };
        if let Some(bid) = bid {
            watched.market.touch(now, bid);
        }
    }

    /// Takes note of reads that repeated the last one and that nobody looked at.
    pub(crate) fn read_again(&mut self, server: ServerId, at: Time) {
        let Some(watched) = self.servers.get_mut(&server) else { return };
        if watched.read_at.is_some_and(|read_at| read_at < at)
            && let Some(least) = watched.market.least()
        {
            watched.market.observe(at, least, watched.ours.is_some());
            watched.read_at = Some(at);
        }
    }

    /// Orders that are over on servers that are not looked at any longer are ours no more; `stands`: whether one stands
    /// there.
    pub(crate) fn let_go(&mut self, stands: impl Fn(&ServerId) -> bool) {
        let Mind { servers, loose } = self;
        let over = servers.iter_mut().filter(|(id, watched)| watched.ours.is_some() && !stands(id));
        loose.extend(over.filter_map(|(_, watched)| watched.ours.take()).map(|ours| ours.regret));
        let too_many = loose.len().saturating_sub(MOST_FORMER);
        loose.drain(..too_many);
    }

    /// Brings the price list of each server to that moment, and lets go of servers that have not been looked at for long;
    /// `matters`: whether a server still is.
    pub(crate) fn refresh(&mut self, now: Time, matters: impl Fn(&ServerId) -> bool) {
        self.servers.values_mut().for_each(|watched| watched.market.advance(now));
        let former = |servers: &BTreeMap<ServerId, Watched>| {
            let all = servers.iter().filter(|(id, watched)| watched.ours.is_none() && !matters(id));
            let count = all.clone().count();
            let oldest = all.min_by_key(|(id, watched)| (watched.market.read_at(), **id)).map(|(id, _)| *id);
            oldest.filter(|_| count > MOST_FORMER)
        };
        while let Some(oldest) = former(&self.servers) {
            self.servers.remove(&oldest);
        }
    }

    /// The order that is to be thought of again first, and when.
    pub(crate) fn wakes_first(&self) -> Option<(ServerId, Time)> {
        let wakes = self.servers.iter().filter_map(|(id, watched)| Some((*id, watched.ours?.wakes_at?)));
        wakes.min_by_key(|(id, at)| (*at, *id))
    }

    /// That was decided on the order there, and is not carried out yet.
    pub(crate) fn keep_in_mind(&mut self, server: ServerId, now: Time, decision: Option<&Decision>) {
        let Some(ours) = self.servers.get_mut(&server).and_then(|watched| watched.ours.as_mut()) else { return };
        ours.wakes_at = decision.and_then(|decision| decision.wake).filter(|at| *at > now);
        if let Some(decision) = decision {
            ours.regret = decision.kept;
        }
    }

    /// What was decided on the order there is carried out.
    pub(crate) fn carry_out(&mut self, server: ServerId, decision: &Decision) {
        if let Some(ours) = self.servers.get_mut(&server).and_then(|watched| watched.ours.as_mut()) {
            ours.regret = decision.done;
        }
    }

    /// What is to be done about an order of ours; `None` where nothing is known of it.
    pub(crate) fn decide(&self, occasion: &Occasion) -> Option<Decision> {
        let Occasion { now, tick, .. } = *occasion;
        let regret = self.servers.get(&occasion.server)?.ours?.regret;
        let servers = occasion.others.iter().chain([&occasion.server]);
        let advanced: Vec<(ServerId, Cow<'_, Market>)> =
            servers.filter_map(|server| Some((*server, self.servers.get(server)?.at(now)))).collect();
        let markets: Vec<(ServerId, &Market)> = advanced.iter().map(|(server, market)| (*server, &**market)).collect();
        let held = Held {
            server: occasion.server,
            bid: ticks(occasion.bid, tick),
            next_lower: occasion.next_lower,
            ties: occasion.ties,
        };
        Some(choice::decide(&Question {
            now,
            markets: &markets,
            held: Some(held),
            regret,
            step: occasion.step.map(|step| ticks(step, tick)),
            may_create: occasion.may_create,
            left_until: self.rests_until(occasion.server, now),
        }))
    }

    /// The same as a policy puts it.
    pub(crate) fn opinion(&self, occasion: &Occasion, market: &Situation, is_lost: bool) -> Opinion {
        let Some(decision) = self.decide(occasion) else {
            return Opinion::keep(Words::new("nothing is known of its market yet"));
        };
        let tick = occasion.tick;
        let in_money = |bid: u64| price(bid, tick);
        let words = decision.figures.map_or(Words::new("nothing is known"), |figures| in_words(&figures, tick));
        let star = decision.figures.map(|figures| in_money(figures.star)).filter(|star| *star < occasion.bid);
        let reason = || Reason::from(words);
        let too_dear =
            || Wish::GiveUp(Denial::NotWorthIt { least_winning: market.least_winning, ceiling: occasion.ceiling });
        let anew = |server: ServerId, bid: u64| {
            let or_down_to = star.filter(|_| !is_lost && occasion.now >= occasion.next_lower);
            Wish::Anew { server, price: in_money(bid), or_down_to, why: words }
        };
        let wish = match decision.wish {
            choice::Wish::Raise { to } => {
                let to = in_money(to).min(occasion.ceiling.floor_to(tick));
                match to > occasion.bid && to >= market.least_winning {
                    true => Wish::Raise { to, reason: reason() },
                    false if is_lost => too_dear(),
                    false => Wish::Keep,
                }
            }
            choice::Wish::Lower { to } => {
                Wish::Lower { goal: star.unwrap_or(in_money(to)), or_anew: false, words: None }
            }
            choice::Wish::Replace { price } => anew(occasion.server, price),
            choice::Wish::Move { server, price } => anew(server, price),
            choice::Wish::LetGo => Wish::LetGo { reason: reason() },
            choice::Wish::Keep | choice::Wish::Place { .. }
                if is_lost
                    && decision.figures.is_some_and(|figures| figures.best.is_none())
                    && self.rest(occasion).is_none() =>
            {
                too_dear()
            }
            choice::Wish::Keep | choice::Wish::Place { .. } => Wish::Keep,
        };
        let patience = (wish == Wish::Keep).then_some(Patience { words, until: decision.wake });
        let patience = if is_lost { self.rest(occasion).or(patience) } else { patience };
        Opinion { wish, patience, until: decision.wake, why: Some(words) }
    }

    /// Why nothing is bid where an order stands that a rival has outbid for good.
    fn rest(&self, occasion: &Occasion) -> Option<Patience> {
        let until = self.rests_until(occasion.server, occasion.now)?;
        let words =
            Words::new("a rival answers with more than the server is worth: it is left to that rival for a while");
        Some(Patience { words, until: Some(until) })
    }

    /// What holding that server costs at best, risk included; `None` where nothing is known of it.
    pub(crate) fn cost(&self, server: ServerId, now: Time, tick: Price) -> Option<Price> {
        let market = self.servers.get(&server)?.at(now);
        in_price(market.priced()?.star_cost(), tick)
    }

    /// Until when that server is left to a rival: see [`Market::rests_until`].
    pub(crate) fn rests_until(&self, server: ServerId, now: Time) -> Option<Time> {
        self.servers.get(&server)?.market.rests_until(now)
    }

    /// A first bid there.
    pub(crate) fn open(&self, server: ServerId, market: &Situation, most: Price) -> Option<Result<Opening, Denial>> {
        let known = self.servers.get(&server)?.at(market.now);
        let star = price(known.priced()?.star(), market.tick);
        let opening = market.capped(star.max(market.least_winning), most);
        Some(opening.map(|price| Opening { price, least: market.least_winning }))
    }
}

impl Watched {
    /// Its market as of that moment.
    fn at(&self, now: Time) -> Cow<'_, Market> {
        if self.market.priced().is_none_or(|fit| now < fit.until()) {
            return Cow::Borrowed(&self.market);
        }
        let mut market = self.market.clone();
        market.advance(now);
        Cow::Owned(market)
    }

    fn see_market(&mut self, sight: &Sight) {
        let Some(least) = sight.least else {
            self.market.unholdable();
            return;
        };
        let least = ticks(least, sight.worth.tick);
        if self.read_at == Some(sight.read_at) && self.market.least() == Some(least) {
            return;
        }
        self.read_at = Some(sight.read_at);
        let seen = self.market.observe_within(sight.gap, sight.read_at, least, sight.is_ours);
        if let Some(ours) = self.ours.as_mut().filter(|_| seen == Seen::Answered) {
            ours.regret.answered();
        }
    }
}

/// What holding a server costs, risk included, of which nothing else is known than that `least` wins.
pub(crate) fn cost_unseen(worth: &Worth, least: Price) -> Option<Price> {
    let mut market = Market::new(Terms::of(worth));
    let any_time = Time::from_ms(0);
    market.observe(any_time, ticks(least.ceil_to(worth.tick), worth.tick), false);
    in_price(market.priced()?.star_cost(), worth.tick)
}

/// Thousandths of a tick as a price.
fn in_price(milli: i128, tick: Price) -> Option<Price> {
    let milli = Decimal::try_from_i128_with_scale(milli, 3).ok()?;
    Price::new(milli.checked_mul(tick.decimal())?)
}

fn in_words(figures: &Figures, tick: Price) -> Words {
    let sum =
        |milli: u64| Amount::new(in_price(milli.into(), tick).unwrap_or(Price::MAX).decimal()).unwrap_or_default();
    Words::new("least cost at {}; {} restarts a day at {}, {} at {}; regret {} of {}; rivals answer {} of our bids")
        .with(price(figures.star, tick))
        .with(Number::Thousandths(figures.restarts))
        .with(price(figures.bid, tick))
        .with(Number::Thousandths(figures.restarts_below))
        .with(price(figures.below, tick))
        .with(sum(figures.regret))
        .with(sum(figures.price))
        .with(Number::Thousandths(figures.answered))
}
