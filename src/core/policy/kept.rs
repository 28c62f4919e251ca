//! What a policy remembers of an order, in the form in which it outlives the process.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Time;

/// What a policy remembers of one order. What must outlive the process it writes down as named values.
pub trait OrderState: fmt::Debug + Clone + PartialEq + Default + Send + Sync + 'static {
    /// What a later run needs to know.
    fn keep(&self) -> Kept {
        Kept::default()
    }

    /// What an earlier run kept, as of `now`. Whatever is missing or makes no sense counts as the worse.
    fn recall(_kept: &Kept, _now: Time) -> Self {
        Self::default()
    }
}

impl OrderState for () {}

/// Named values that outlive the process.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kept(BTreeMap<String, Value>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Value {
    Flag(bool),
    Number(i64),
    Text(String),
}

impl Kept {
    /// The same with one more moment.
    #[must_use]
    pub fn with_time(mut self, name: &str, time: Time) -> Kept {
        self.0.insert(name.to_string(), Value::Number(time.ms()));
        self
    }

    /// The moment of that name.
    pub fn time(&self, name: &str) -> Option<Time> {
        match self.0.get(name)? {
            Value::Number(ms) => Some(Time::from_ms(*ms)),
            Value::Flag(_) | Value::Text(_) => None,
        }
    }
}
