//! `[venue]`: the rules of a simulated venue. What the page leaves open is a key here, with the likely value as default.

use clorebid_core::money::{Amount, Currency, PerCurrency, Price};
use clorebid_core::time::Span;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::text::{SpanRange, table, text};

/// The key that a scenario's venue knows us by unless it names another.
pub const PAPER_KEY: &str = "paper-key";

/// The rules.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// The one key that is us.
    pub key: String,
    /// What happens to our spot order when it loses the server.
    pub eviction: Eviction,
    /// How long a new order takes to show up in my_orders, drawn for each; `2s..20s`.
    #[serde(deserialize_with = "text")]
    pub order_delay: SpanRange,
    /// How long a new offer takes to show up in spot_marketplace, drawn for each; it competes at once. `0s`.
    #[serde(deserialize_with = "text")]
    pub offer_delay: SpanRange,
    /// How long an answer takes, drawn for each; `0s`.
    #[serde(deserialize_with = "text")]
    pub latency: SpanRange,
    /// Least time between two lowerings of one order; `600s`.
    #[serde(deserialize_with = "text")]
    pub lower_every: Span,
    /// What starts that time, besides nothing else: an accepted lowering alone, unless more is named.
    pub lowering_clock: Vec<ClockStart>,
    /// How far one lowering may go: 0.000001 bitcoin, 0.5 of the others. A currency not named keeps its default.
    #[serde(deserialize_with = "steps")]
    pub step: PerCurrency<Price>,
    /// What the renter pays on top of the price; `1.25`.
    #[serde(deserialize_with = "text")]
    pub fee_percent: Decimal,
    /// Charged once for an order; nothing.
    #[serde(deserialize_with = "table")]
    pub creation_fee: PerCurrency<Amount>,
    /// When it is charged, counted from the moment the order first holds the server; `10m`.
    #[serde(deserialize_with = "text")]
    pub creation_fee_after: Span,
    /// For how long the wallet must be able to pay a new order; `1h`.
    #[serde(deserialize_with = "text")]
    pub funded_for: Span,
    /// How long an expired order stays in my_orders unasked; `10m`.
    #[serde(deserialize_with = "text")]
    pub expired_listed_for: Span,
    /// Least time between two requests of one key; `1s`.
    #[serde(deserialize_with = "text")]
    pub request_spacing: Span,
    /// Least time between two create_order of one key; `5s`.
    #[serde(deserialize_with = "text")]
    pub create_spacing: Span,
    /// Least time between any request and a create_order after it; `0s`.
    #[serde(deserialize_with = "text")]
    pub quiet_before_create: Span,
    /// Whether a request that was refused for coming too early counts as an arrival all the same; true.
    pub strict_throttle: bool,
    /// How many orders we may have at once, `limit` in my_orders; 13.
    pub max_orders: u32,
    /// Which keys the answers have.
    pub answers: AnswerKeys,
}

/// What happens to a spot order of ours that loses its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Eviction {
    /// It stays in the book, not active, and in my_orders, with `spend` standing still. It may win again.
    Pause,
    /// It is gone from the book and from my_orders.
    Vanish,
    /// It leaves the book; my_orders lists it as expired for a while, then only where completed ones are asked for.
    Expire,
    /// It leaves the book; my_orders lists it unchanged, with `spend` standing still, and it takes no new price.
    Frozen,
}

/// What starts the wait until an order may be lowered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockStart {
    /// An accepted lowering.
    Lower,
    /// An accepted raise.
    Raise,
    /// The order's creation.
    Create,
    /// A lowering refused for its step.
    Refusal,
}

/// Which keys the answers have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerKeys {
    /// Those of the API page and those that the live API was seen to add.
    Live,
    /// Those of the API page alone.
    Page,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            key: PAPER_KEY.to_string(),
            eviction: Eviction::Pause,
            order_delay: SpanRange { least: Span::from_secs(2), most: Span::from_secs(20) },
            offer_delay: SpanRange::just(Span::ZERO),
            latency: SpanRange::just(Span::ZERO),
            lower_every: Span::from_secs(600),
            lowering_clock: vec![ClockStart::Lower],
            step: default_steps(),
            fee_percent: Decimal::new(125, 2),
            creation_fee: PerCurrency::none(),
            creation_fee_after: Span::from_secs(600),
            funded_for: Span::from_secs(3600),
            expired_listed_for: Span::from_secs(600),
            request_spacing: Span::from_secs(1),
            create_spacing: Span::from_secs(5),
            quiet_before_create: Span::ZERO,
            strict_throttle: true,
            max_orders: 13,
            answers: AnswerKeys::Live,
        }
    }
}

impl Rules {
    /// How far one lowering may go.
    pub fn step(&self, currency: Currency) -> Price {
        self.step.get(currency).unwrap_or(Price::ZERO)
    }

    /// Whether `start` starts the wait until the next lowering.
    pub fn starts_clock(&self, start: ClockStart) -> bool {
        self.lowering_clock.contains(&start)
    }
}

fn default_steps() -> PerCurrency<Price> {
    let price = |mantissa, scale| Price::new(Decimal::new(mantissa, scale)).unwrap_or(Price::ZERO);
    PerCurrency::none()
        .with(Currency::Bitcoin, price(1, 6))
        .with(Currency::Clore, price(5, 1))
        .with(Currency::Usd, price(5, 1))
}

fn steps<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<PerCurrency<Price>, D::Error> {
    let given: PerCurrency<Price> = table(deserializer)?;
    let mut steps = default_steps();
    for currency in Currency::ALL {
        if let Some(step) = given.get(currency) {
            steps = steps.with(currency, step);
        }
    }
    Ok(steps)
}
