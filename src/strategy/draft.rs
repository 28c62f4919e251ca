//! A strategy as its file lays it out, and as the core takes it.

use clorebid_core::ids::ServerId;
use clorebid_core::money::Currency;
use clorebid_core::policy::POLICIES;
use clorebid_core::policy::chosen::Row;
use clorebid_core::policy::settings::Settings;
use clorebid_core::strategy::{BidRules, Choice, Limits, Match, Strategy, Target, VenueRules};

use super::errors::StrategyErrors;
use super::notify::{NotifyDraft, NotifySpec};
use super::order::OrderSpec;

/// A strategy file without mistakes.
#[derive(Debug, Clone)]
pub struct StrategyFile {
    /// What the core needs to decide.
    pub strategy: Strategy,
    /// What is to run on the servers, in the order of `strategy.targets`.
    pub orders: Vec<OrderSpec>,
    /// Who is told what happens, in the file's order. The core knows nothing of them.
    pub receivers: Vec<NotifySpec>,
    /// The file as it was written, for the record of the run.
    pub text: String,
    /// What is no mistake, but unlikely to work.
    pub warnings: StrategyErrors,
}

/// What a file comes to.
pub(super) struct Parts {
    pub(super) strategy: Strategy,
    pub(super) orders: Vec<OrderSpec>,
    pub(super) receivers: Vec<NotifySpec>,
}

/// A strategy as its file lays it out.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) currency: Currency,
    pub(super) limits: Limits,
    pub(super) venue: VenueRules,
    pub(super) targets: Vec<TargetDraft>,
    pub(super) receivers: Vec<NotifyDraft>,
}

/// How a target bids as the file lays it out: the keys of every policy.
#[derive(Clone)]
pub(super) struct BidDraft {
    pub(super) policy: &'static Row,
    /// What the file says under the keys that only its policy knows.
    pub(super) own: Settings,
    pub(super) rules: BidRules,
}

impl Default for BidDraft {
    fn default() -> BidDraft {
        BidDraft { policy: POLICIES[0], own: Settings::default(), rules: BidRules::default() }
    }
}

/// A target as the file lays it out: with both ways of saying which servers will do.
#[derive(Clone, Default)]
pub(super) struct TargetDraft {
    pub(super) target: Target,
    pub(super) bid: BidDraft,
    pub(super) servers: Option<Vec<ServerId>>,
    pub(super) wanted: Option<Match>,
    pub(super) order: OrderSpec,
}

impl Draft {
    /// The file that would be read as this strategy.
    pub(super) fn of(file: &StrategyFile) -> Draft {
        let Strategy { name, currency, limits, venue, targets } = file.strategy.clone();
        let targets = targets.into_iter().zip(&file.orders).map(|(target, order)| {
            let (servers, wanted) = match target.choice.clone() {
                Choice::Servers(servers) => (Some(servers), None),
                Choice::Match(wanted) => (None, Some(wanted)),
            };
            let policy = POLICIES.into_iter().find(|row| row.name == target.policy.name()).unwrap_or(POLICIES[0]);
            let bid = BidDraft { policy, own: target.policy.settings(), rules: target.bid.clone() };
            TargetDraft { target, bid, servers, wanted, order: order.clone() }
        });
        let receivers = file.receivers.iter().map(NotifyDraft::of).collect();
        Draft { name, currency, limits, venue, targets: targets.collect(), receivers }
    }

    /// What the core needs, what is to run on the servers, and who is told.
    pub(super) fn into_parts(self) -> Parts {
        let Draft { name, currency, limits, venue, targets, receivers } = self;
        let parts = targets.into_iter().map(|mut draft| {
            let servers = Choice::Servers(draft.servers.unwrap_or_default());
            draft.target.choice = draft.wanted.map_or(servers, Choice::Match);
            draft.target.policy = (draft.bid.policy.read)(&draft.bid.own);
            draft.target.bid = draft.bid.rules;
            (draft.target, draft.order)
        });
        let (targets, orders) = parts.unzip();
        let receivers = receivers.into_iter().filter_map(NotifyDraft::into_spec).collect();
        Parts { strategy: Strategy { name, currency, limits, venue, targets }, orders, receivers }
    }
}
