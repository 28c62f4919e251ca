//! What to do now: a pure answer from the watched servers, our order and its regret.
//!
//! A raise costs nothing, so a bid is kept at the star or above at every change of the market. A restart costs something:
//! it waits until the regret has reached its price. One that is due anyway is the moment to change server for nothing.

use crate::ids::ServerId;
use crate::policy::adaptive::fit::{Fit, cap};
use crate::policy::adaptive::market::Market;
use crate::policy::adaptive::regret::{Regret, Which};
use crate::policy::adaptive::{ANSWERS_COUNT, MILLI, ONE, WAR_DOUBLINGS, narrow};
use crate::time::{Span, Time};

/// All that an answer depends on.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Now.
    pub now: Time,
    /// The target's usable servers, in any order, each advanced to now. That of the held order is one of them.
    pub markets: &'a [(ServerId, &'a Market)],
    /// Our order, if there is one.
    pub held: Option<Held>,
    /// What has been regretted so far.
    pub regret: Regret,
    /// The venue's largest lowering on the held server in ticks, where known.
    pub step: Option<u64>,
    /// No order can be made before this.
    pub may_create: Time,
    /// Until then the server of the order is left to a rival, if it is: see [`Market::rests_until`].
    pub left_until: Option<Time>,
}

/// An order of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Where it stands.
    pub server: ServerId,
    /// What it bids, in ticks.
    pub bid: u64,
    /// It cannot be lowered before this.
    pub next_lower: Time,
    /// Whether it holds the server although a rival bids as much: it is not lost by that.
    pub ties: bool,
}

/// What is wished. Bids are in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Leave everything.
    Keep,
    /// Bid where nothing is held.
    Place {
        /// On which server.
        server: ServerId,
        /// The bid.
        price: u64,
    },
    /// Bid more.
    Raise {
        /// The new bid.
        to: u64,
    },
    /// Bid less; one step at most.
    Lower {
        /// The new bid.
        to: u64,
    },
    /// Cancel the order, and bid anew on the same server.
    Replace {
        /// The bid, as of now.
        price: u64,
    },
    /// Cancel the order, and bid on another server.
    Move {
        /// On which one.
        server: ServerId,
        /// The bid, as of now.
        price: u64,
    },
    /// Cancel the order: it is lost, nothing is affordable, and it would win far too dear once prices fall.
    LetGo,
}

/// What is wished, and what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// What is wished.
    pub wish: Wish,
    /// The first moment at which the answer may be another with nothing new seen; `None`: there is none. Whoever asks
    /// seldom must ask then.
    pub wake: Option<Time>,
    /// The regret as long as the wish is not carried out.
    pub kept: Regret,
    /// The regret once it is; the same as `kept` where nothing is wished.
    pub done: Regret,
    /// Why, in numbers.
    pub figures: Option<Figures>,
}

/// The numbers behind a decision. They are about the server of our order, or about the best one where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// The server.
    pub server: ServerId,
    /// The server that costs least of all that are affordable.
    pub best: Option<ServerId>,
    /// The bid that costs least, in ticks.
    pub star: u64,
    /// The bid that the risk is about, in ticks: ours, or the star.
    pub bid: u64,
    /// Restarts to be expected at that bid, in thousandths of one per day.
    pub restarts: u64,
    /// The bid one step below, no lower than the least winning bid.
    pub below: u64,
    /// Restarts to be expected at that one, in thousandths of one per day.
    pub restarts_below: u64,
    /// What has been regretted, in thousandths of a tick.
    pub regret: u64,
    /// From how much on a restart is worth it, in thousandths of a tick.
    pub price: u64,
    /// How often rivals answer our bids there, in thousandths.
    pub answered: u64,
}

/// A server whose least winning bid is known.
#[derive(Debug, Clone, Copy)]
struct Spot<'a> {
    server: ServerId,
    market: &'a Market,
    least: u64,
    fit: &'a Fit,
}

/// A wish, when to ask again, and the regret without and with it.
struct Answer {
    wish: Wish,
    wake: Option<Time>,
    kept: Regret,
    done: Regret,
}

/// What to do now.
pub fn decide(question: &Question<'_>) -> Decision {
    let known = || question.markets.iter().filter_map(|(server, market)| Spot::of(*server, market));
    let is_left =
        |spot: &Spot<'_>| question.left_until.is_some() && question.held.map(|h| h.server) == Some(spot.server);
    let affordable = known().filter(|spot| spot.least <= spot.market.terms().ceiling && !is_left(spot));
    let best = affordable.min_by_key(|spot| (spot.fit.star_cost(), spot.server));
    let mut regret = question.regret;
    regret.advance(question.now);
    regret.set_rates(0, 0);
    let own = question.held.and_then(|held| Some((held, known().find(|spot| spot.server == held.server)?)));
    let answer = match (question.held, own) {
        (None, _) => open(question, best, regret),
        (Some(_), Some((held, own))) if held.bid < own.least && !held.ties => {
            win_back(question, held, own, best, regret)
        }
        (Some(_), Some((held, own))) => hold(question, held, own, best.unwrap_or(own), regret),
        // Nothing is known of where it stands.
        (Some(_), None) => Answer::keep(regret),
    };
    let refit = known().map(|spot| spot.fit.until()).min();
    let bid = own.map(|(held, own)| (own, held.bid)).or(best.map(|best| (best, best.fit.star())));
    Decision {
        wish: answer.wish,
        wake: earlier(answer.wake, earlier(refit, question.left_until)),
        kept: answer.kept,
        done: answer.done,
        figures: bid.map(|(spot, bid)| figures(spot, best, bid, question.step, &answer.kept)),
    }
}

/// Nothing is held: bid on the best server.
fn open(question: &Question<'_>, best: Option<Spot<'_>>, regret: Regret) -> Answer {
    let Some(best) = best else { return Answer::keep(regret) };
    if question.now < question.may_create {
        return Answer::keep(regret).wakes(Some(question.may_create));
    }
    let wish = Wish::Place { server: best.server, price: best.fit.star() };
    Answer::wish(wish, regret, cleared(regret))
}

/// The order is lost: raise it, or go where it costs less, since the restart is due anyway.
fn win_back(question: &Question<'_>, held: Held, own: Spot<'_>, best: Option<Spot<'_>>, regret: Regret) -> Answer {
    let regret = cleared(regret);
    let Some(best) = best else {
        // A bid far above the normal price would win at that price once the others fall.
        let too_dear = u128::from(held.bid).saturating_mul(2) > u128::from(own.least);
        return if too_dear { Answer::wish(Wish::LetGo, regret, regret) } else { Answer::keep(regret) };
    };
    if best.server != own.server {
        if question.now < question.may_create {
            return Answer::keep(regret).wakes(Some(question.may_create));
        }
        let wish = Wish::Move { server: best.server, price: best.fit.star() };
        return Answer::wish(wish, regret, regret);
    }
    let war = own.war_bid(question.now, question.step).unwrap_or_default();
    let to = held.bid.saturating_add(1).max(own.fit.star()).max(war);
    Answer::wish(Wish::Raise { to }, regret, regret)
}

/// The order holds the server: restore its margin, bid anew, or come down, each where it is worth it.
fn hold(question: &Question<'_>, held: Held, own: Spot<'_>, best: Spot<'_>, mut regret: Regret) -> Answer {
    let (now, star) = (question.now, own.fit.star());
    let cost = own.fit.cost_of(held.bid);
    let excess = cost.saturating_sub(best.fit.star_cost());
    let below = (held.bid > star).then(|| own.below(held.bid, question.step));
    let gain = below.map_or(0, |to| cost.saturating_sub(own.fit.cost_of(to)).max(0));
    let touch = own.touch_price();
    if excess <= 0 && held.bid >= star {
        regret.clear();
    }
    regret.set_rates(excess, gain);
    let mut wake = None;
    if held.bid < star && cost > own.fit.star_cost() {
        if touch == 0 || regret.sum(Which::Whole) >= touch {
            return Answer::wish(Wish::Raise { to: star }, regret, cleared(regret));
        }
        wake = earlier(wake, regret.when(Which::Whole, touch));
    }
    if excess > 0 {
        regret.judge(now, held.bid);
        wake = earlier(wake, regret.judged_at());
        let wait = held.next_lower.since(now);
        if best.server != own.server || own.fit.walk(held.bid, wait, question.step) > own.restart_price() {
            let due = regret.when(Which::Whole, own.replace_price(&regret));
            if due.is_some_and(|due| due <= now && question.may_create <= now) {
                let mut done = regret;
                done.set_rates(0, 0);
                done.replaced(now, held.bid, best.fit.star());
                return Answer::wish(anew(own, best), regret, done).wakes(wake);
            }
            wake = earlier(wake, due.map(|due| if due <= now { question.may_create } else { due }));
        }
    }
    if let Some(to) = below {
        if now < held.next_lower {
            wake = earlier(wake, Some(held.next_lower));
        } else if touch == 0 || regret.sum(Which::Step) >= touch {
            let mut done = regret;
            done.set_rates(0, 0);
            done.clear_step();
            return Answer::wish(Wish::Lower { to }, regret, done).wakes(wake);
        } else {
            wake = earlier(wake, regret.when(Which::Step, touch));
        }
    }
    Answer::keep(regret).wakes(wake)
}

/// A new order at the best bid, here or there.
fn anew(own: Spot<'_>, best: Spot<'_>) -> Wish {
    let price = best.fit.star();
    if best.server == own.server { Wish::Replace { price } } else { Wish::Move { server: best.server, price } }
}

fn figures(spot: Spot<'_>, best: Option<Spot<'_>>, bid: u64, step: Option<u64>, regret: &Regret) -> Figures {
    let below = bid.saturating_sub(step.unwrap_or(1)).max(spot.least);
    let answered = u64::from(spot.market.answered()).saturating_mul(1_000) >> ONE.trailing_zeros();
    Figures {
        server: spot.server,
        best: best.map(|best| best.server),
        star: spot.fit.star(),
        bid,
        restarts: spot.fit.restarts_at(bid),
        below,
        restarts_below: spot.fit.restarts_at(below),
        regret: in_money(regret.sum(Which::Whole)),
        price: in_money(spot.replace_price(regret)),
        answered,
    }
}

/// A sum over time as money: thousandths of a tick.
fn in_money(sum: i128) -> u64 {
    let per_day = sum.checked_div(Span::DAY.ms().into()).unwrap_or_default();
    narrow(u128::try_from(per_day).unwrap_or_default())
}

fn cleared(mut regret: Regret) -> Regret {
    regret.clear();
    regret
}

fn earlier(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    a.into_iter().chain(b).min()
}

impl Answer {
    fn keep(regret: Regret) -> Answer {
        Answer::wish(Wish::Keep, regret, regret)
    }

    fn wish(wish: Wish, kept: Regret, done: Regret) -> Answer {
        Answer { wish, wake: None, kept, done }
    }

    fn wakes(self, wake: Option<Time>) -> Answer {
        Answer { wake, ..self }
    }
}

impl<'a> Spot<'a> {
    fn of(server: ServerId, market: &'a Market) -> Option<Spot<'a>> {
        Some(Spot { server, market, least: market.least()?, fit: market.priced()? })
    }

    /// What a restart costs, in thousandths of a tick per day times milliseconds.
    fn restart_price(&self) -> i128 {
        i128::from(self.market.terms().kappa).saturating_mul(MILLI)
    }

    /// What a change of our bid costs where rivals answer it, in the same.
    fn touch_price(&self) -> i128 {
        let often = self.market.answered();
        if often < ANSWERS_COUNT {
            return 0;
        }
        self.restart_price().saturating_mul(often.into()) >> ONE.trailing_zeros()
    }

    /// From how much regret on a new order is worth it.
    fn replace_price(&self, regret: &Regret) -> i128 {
        let doubled = 1_i128.checked_shl(regret.backoff()).unwrap_or(i128::MAX);
        self.restart_price().saturating_add(self.touch_price()).saturating_mul(doubled)
    }

    /// The bid after one lowering towards the star; as far as that where no step is known.
    fn below(&self, bid: u64, step: Option<u64>) -> u64 {
        let step = step.filter(|step| *step > 0).unwrap_or(u64::MAX);
        bid.saturating_sub(step).max(self.fit.star())
    }

    /// In a war of answers a raise must go further each time.
    fn war_bid(&self, now: Time, step: Option<u64>) -> Option<u64> {
        let doublings = self.market.war(now).checked_sub(1)?.min(WAR_DOUBLINGS);
        let further = step.unwrap_or_default().saturating_mul(1_u64.checked_shl(doublings)?);
        Some(self.least.saturating_add(further).min(cap(self.least, self.market.terms().ceiling)))
    }
}
