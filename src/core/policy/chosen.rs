//! The policy that a target bids by, whichever it is, and what it remembers of an order: both with their types erased,
//! so that nobody but the policy itself needs to know them.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::any::Any;
use core::fmt;

use crate::denial::Denial;
use crate::money::Price;
use crate::policy::contract::{Opening, Opinion, Policy, Situation, Standing};
use crate::policy::kept::{Kept, OrderState};
use crate::policy::rules::BidRules;
use crate::policy::settings::Settings;
use crate::time::Time;

/// The policy that a target bids by.
#[derive(Clone)]
pub struct ChosenPolicy(Arc<dyn AnyPolicy>);

/// A policy that a strategy file can name.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its name there.
    pub name: &'static str,
    /// The policy with what the file says under its own keys.
    pub read: fn(&Settings) -> ChosenPolicy,
}

/// What the policy that an order was placed by remembers of it.
pub(crate) struct PolicyState(Box<dyn AnyState>);

/// A policy without its type: see [`Policy`].
trait AnyPolicy: fmt::Debug + Send + Sync {
    fn name(&self) -> &'static str;
    fn settings(&self) -> Settings;
    fn open(&self, rules: &BidRules, market: &Situation, last_bid: Option<Price>) -> Result<Opening, Denial>;
    fn keep(&self, rules: &BidRules, market: &Situation, order: &Standing, state: &PolicyState) -> Opinion;
    fn rests_without_slack(&self) -> bool;
    fn learns(&self) -> bool;
    fn placed(&self, at: Time, again: bool) -> PolicyState;
    fn repriced(&self, state: &mut PolicyState, from: Price, to: Price, at: Time);
    fn recall(&self, kept: &Kept, now: Time) -> PolicyState;
    fn equals(&self, other: &dyn AnyPolicy) -> bool;
    fn as_any(&self) -> &dyn Any;
}

/// A state without its type: see [`OrderState`].
trait AnyState: fmt::Debug + Send + Sync {
    fn copied(&self) -> Box<dyn AnyState>;
    fn keep(&self) -> Kept;
    fn equals(&self, other: &dyn AnyState) -> bool;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<P: Policy> AnyPolicy for P {
    fn name(&self) -> &'static str {
        Policy::name(self)
    }

    fn settings(&self) -> Settings {
        Policy::settings(self)
    }

    fn open(&self, rules: &BidRules, market: &Situation, last_bid: Option<Price>) -> Result<Opening, Denial> {
        Policy::open(self, rules, market, last_bid)
    }

    fn keep(&self, rules: &BidRules, market: &Situation, order: &Standing, state: &PolicyState) -> Opinion {
        match state.0.as_any().downcast_ref() {
            Some(state) => Policy::keep(self, rules, market, order, state),
            None => Policy::keep(self, rules, market, order, &P::State::default()),
        }
    }

    fn rests_without_slack(&self) -> bool {
        Policy::rests_without_slack(self)
    }

    fn learns(&self) -> bool {
        Policy::learns(self)
    }

    fn placed(&self, at: Time, again: bool) -> PolicyState {
        PolicyState(Box::new(Policy::placed(self, at, again)))
    }

    fn repriced(&self, state: &mut PolicyState, from: Price, to: Price, at: Time) {
        if let Some(state) = state.0.as_any_mut().downcast_mut() {
            Policy::repriced(self, state, from, to, at);
        }
    }

    fn recall(&self, kept: &Kept, now: Time) -> PolicyState {
        PolicyState(Box::new(P::State::recall(kept, now)))
    }

    fn equals(&self, other: &dyn AnyPolicy) -> bool {
        other.as_any().downcast_ref::<P>().is_some_and(|other| self == other)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl<S: OrderState> AnyState for S {
    fn copied(&self) -> Box<dyn AnyState> {
        Box::new(self.clone())
    }

    fn keep(&self) -> Kept {
        OrderState::keep(self)
    }

    fn equals(&self, other: &dyn AnyState) -> bool {
        other.as_any().downcast_ref::<S>().is_some_and(|other| self == other)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

impl ChosenPolicy {
    /// That policy.
    pub fn new(policy: impl Policy) -> ChosenPolicy {
        ChosenPolicy(Arc::new(policy))
    }

    /// Its name in a strategy file.
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// What a strategy file says under its own keys: see [`Policy::settings`].
    pub fn settings(&self) -> Settings {
        self.0.settings()
    }

    /// The policy itself, where it is a `P`.
    pub fn is<P: Policy>(&self) -> Option<&P> {
        self.0.as_any().downcast_ref()
    }

    pub(crate) fn open(
        &self,
        rules: &BidRules,
        market: &Situation,
        last_bid: Option<Price>,
    ) -> Result<Opening, Denial> {
        self.0.open(rules, market, last_bid)
    }

    pub(crate) fn keep(&self, rules: &BidRules, market: &Situation, order: &Standing, state: &PolicyState) -> Opinion {
        self.0.keep(rules, market, order, state)
    }

    pub(crate) fn rests_without_slack(&self) -> bool {
        self.0.rests_without_slack()
    }

    pub(crate) fn learns(&self) -> bool {
        self.0.learns()
    }

    pub(crate) fn placed(&self, at: Time, again: bool) -> PolicyState {
        self.0.placed(at, again)
    }

    pub(crate) fn repriced(&self, state: &mut PolicyState, from: Price, to: Price, at: Time) {
        self.0.repriced(state, from, to, at);
    }

    pub(crate) fn recall(&self, kept: &Kept, now: Time) -> PolicyState {
        self.0.recall(kept, now)
    }
}

impl PolicyState {
    /// What must outlive the process.
    pub(crate) fn keep(&self) -> Kept {
        self.0.keep()
    }
}

impl Default for PolicyState {
    /// Nothing remembered.
    fn default() -> PolicyState {
        PolicyState(Box::new(()))
    }
}

impl<P: Policy> From<P> for ChosenPolicy {
    fn from(policy: P) -> ChosenPolicy {
        ChosenPolicy::new(policy)
    }
}

impl fmt::Debug for ChosenPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PartialEq for ChosenPolicy {
    fn eq(&self, other: &ChosenPolicy) -> bool {
        self.0.equals(&*other.0)
    }
}

impl Eq for ChosenPolicy {}

impl fmt::Debug for PolicyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Clone for PolicyState {
    fn clone(&self) -> PolicyState {
        PolicyState(self.0.copied())
    }
}

impl PartialEq for PolicyState {
    fn eq(&self, other: &PolicyState) -> bool {
        self.0.equals(&*other.0)
    }
}

impl Eq for PolicyState {}
