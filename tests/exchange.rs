//! The simulated venue keeps the rules of the API page: one file a family of rules, each test named for its rule.

#[path = "exchange/creating.rs"]
mod creating;
#[path = "exchange/determinism.rs"]
mod determinism;
#[path = "exchange/faults.rs"]
mod faults;
#[path = "exchange/holding.rs"]
mod holding;
#[path = "exchange/http.rs"]
mod http;
#[path = "exchange/lowering.rs"]
mod lowering;
#[path = "exchange/properties.rs"]
mod properties;
#[path = "exchange/rates.rs"]
mod rates;
#[path = "exchange/rivals.rs"]
mod rivals;
#[path = "exchange/scenarios.rs"]
mod scenarios;
#[path = "exchange/shapes.rs"]
mod shapes;
#[path = "exchange/support.rs"]
mod support;
