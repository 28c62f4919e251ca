//! The state of things as a person wants to see it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rust_decimal::Decimal;

use crate::beliefs::Server;
use crate::engine::Engine;
use crate::event::State;
use crate::ids::{OrderId, ServerId};
use crate::limits::Denial;
use crate::money::{Amount, Price};
use crate::time::Time;

/// One server that a run holds, wants back or looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerStatus {
    /// The server.
    pub server: ServerId,
    /// The target it serves.
    pub target: String,
    /// What we have there.
    pub state: State,
    /// Our order.
    pub order: Option<OrderId>,
    /// The host's least price.
    pub floor: Option<Price>,
    /// The highest bid of anybody else.
    pub best_rival: Option<Price>,
    /// What we bid.
    pub our_bid: Option<Price>,
    /// When our bid may next be lowered.
    pub next_lower_at: Option<Time>,
    /// Why nothing is bid, where a limit says so.
    pub denial: Option<Denial>,
}

/// One target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetStatus {
    /// Its name.
    pub name: String,
    /// How many servers it wants.
    pub wanted: u32,
    /// How many it holds.
    pub held: u32,
}

/// A whole run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Every server that matters, by number; candidates without a read or an order are left out.
    pub servers: Vec<ServerStatus>,
    /// Spent so far, fees included.
    pub spent: Amount,
    /// Orders at the venue that the bot did not make.
    pub foreign_orders: u32,
    /// Orders of ours that stand or may stand.
    pub orders: u32,
    /// A day of all of them at the highest price they may stand at, fees included.
    pub per_day: Amount,
    /// What the venue adds to every price, in percent.
    pub fee_percent: Decimal,
    /// The wallet of the strategy's coin, where known.
    pub balance: Option<Amount>,
    /// For each target, in the strategy's order: its name, how many it wants, how many hold a server.
    pub targets: Vec<TargetStatus>,
}

impl Engine {
    /// The state of things at `now`.
    pub fn status(&self, now: Time) -> Status {
        let beliefs = &self.beliefs;
        let servers =
            beliefs.servers.iter().filter(|(_, s)| (s.watched && s.market.is_some()) || s.claim.worst_bid().is_some());
        let servers = servers.map(|(id, s)| {
            let quote = s.market.as_ref().map(|m| m.quote);
            ServerStatus {
                server: *id,
                target: self.target_name(s.target).to_string(),
                state: s.claim.state(),
                order: s.claim.order().map(|o| o.id),
                floor: quote.and_then(|q| q.floor),
                best_rival: quote.and_then(|q| q.best_rival),
                our_bid: s.claim.worst_bid(),
                next_lower_at: s.claim.order().map(|o| o.next_lower_at),
                denial: s.denial,
            }
        });
        let bids = beliefs.servers.values().filter_map(|s| s.claim.worst_bid());
        let strays = beliefs.strays.values().map(|stray| stray.bid);
        let bids: Vec<Price> = bids.chain(strays).collect();
        let all = bids.iter().fold(Price::ZERO, |sum, bid| sum.plus(*bid));
        let targets = beliefs.targets().map(|(id, target)| {
            let is_held = |s: &&Server| s.target == id && s.claim.state() == State::Holding;
            let held = beliefs.servers.values().filter(is_held).count();
            TargetStatus {
                name: target.name.clone(),
                wanted: target.want,
                held: u32::try_from(held).unwrap_or(u32::MAX),
            }
        });
        Status {
            servers: servers.collect(),
            orders: u32::try_from(bids.len()).unwrap_or(u32::MAX),
            per_day: all.plus_percent(beliefs.fee_percent).for_a_day(),
            fee_percent: beliefs.fee_percent,
            balance: beliefs.balance,
            targets: targets.collect(),
            spent: beliefs.spent(now),
            foreign_orders: u32::try_from(beliefs.foreign.len()).unwrap_or(u32::MAX),
        }
    }
}
