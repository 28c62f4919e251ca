//! The only seam between a request of the core and a venue's format: [`Request`] ⇄ bytes, and nothing else knows both.
//!
//! ```text
//! Request ── describe ──► endpoint and arguments, for the record          Request ◄── read_back ── the same
//! Request ── encode ────► HttpRequest, for the wire                        Answer ◄── decode ──── Reply
//! ```
//!
//! 1. A description holds no secret, environment, command or key; only what is encoded does.
//! 2. What is recorded is what was sent: both come from the same request and the same [`Enclosure`].
//! 3. A read that is good but lacks what it must have is unknown: no answer is not an empty answer.
//!
//! [`crate::clore`] knows how the venue writes; another venue would be a folder beside it, chosen here.

use std::borrow::Cow;

use clorebid_core::ids::{ServerId, TargetId};
use clorebid_core::market::{OrderRow, Wallet};
use clorebid_core::money::Currency;
use clorebid_core::request::{Answer, Request};
use serde::Deserialize;

pub use crate::clore::answer::{Verdict, verdict};
use crate::clore::body::{CancelBody, CreateBody, MarketArgs, PriceBody, json};
use crate::clore::form::check_issue;
use crate::clore::{FormError, OrderForm, ReadError, account, answer, market};
use crate::wire::{HttpRequest, Method, Reply};

/// What goes along with a command and is no part of the decision.
#[derive(Debug, Clone)]
pub struct Enclosure {
    currency: Currency,
    forms: Vec<OrderForm>,
    issue: Option<String>,
}

impl Enclosure {
    /// Orders are paid in `currency`, and each target's servers are started with its form, in the strategy's order.
    pub fn new(currency: Currency, forms: Vec<OrderForm>) -> Enclosure {
        Enclosure { currency, forms, issue: None }
    }

    /// Cancellations say what was wrong with the server.
    ///
    /// # Errors
    /// When that is longer than the venue takes.
    pub fn with_issue(self, issue: Option<String>) -> Result<Enclosure, FormError> {
        issue.as_deref().map_or(Ok(()), check_issue)?;
        Ok(Enclosure { issue, ..self })
    }

    /// The form of that target.
    ///
    /// # Panics
    /// When the strategy has no such target: an order for nobody must not be made.
    fn form(&self, target: TargetId) -> &OrderForm {
        let form = usize::try_from(target.0).ok().and_then(|index| self.forms.get(index));
        form.unwrap_or_else(|| panic!("target {} has no order form", target.0))
    }
}

/// The name of the endpoint that a request goes to.
pub const fn endpoint(request: &Request) -> &'static str {
    match request {
        Request::SpotMarket { .. } => "spot_marketplace",
        Request::Marketplace => "marketplace",
        Request::MyOrders | Request::AllOrders => "my_orders",
        Request::Wallets => "wallets",
        Request::Create { .. } => "create_order",
        Request::Reprice { .. } => "set_spot_price",
        Request::Cancel { .. } => "cancel_order",
    }
}

/// The arguments of a read as compact JSON; `{}` for none and for a command.
pub fn read_args(request: &Request) -> String {
    match request {
        Request::SpotMarket { server } => json(&MarketArgs { market: *server }),
        Request::AllOrders => r#"{"return_completed":true}"#.to_owned(),
        _ => "{}".to_owned(),
    }
}

/// The arguments of a request as compact JSON, for the record: no secret, environment, command or key.
pub fn describe(request: &Request, enclosed: &Enclosure) -> String {
    match *request {
        Request::Create { server, target, bid } => {
            json(&CreateBody::without_form(enclosed.currency, server, bid, enclosed.form(target)))
        }
        Request::Reprice { .. } | Request::Cancel { .. } => body(request, enclosed).unwrap_or_default(),
        _ => read_args(request),
    }
}

/// The request as it crosses the wire, secrets included.
pub fn encode(request: &Request, enclosed: &Enclosure) -> HttpRequest {
    let query = match request {
        Request::AllOrders => vec![(Cow::Borrowed("return_completed"), "true".to_owned())],
        Request::SpotMarket { server } => vec![(Cow::Borrowed("market"), server.to_string())],
        _ => Vec::new(),
    };
    let method = if request.is_command() { Method::Post } else { Method::Get };
    HttpRequest { method, endpoint: Cow::Borrowed(endpoint(request)), query, body: body(request, enclosed) }
}

fn body(request: &Request, enclosed: &Enclosure) -> Option<String> {
    match *request {
        Request::Create { server, target, bid } => {
            Some(json(&CreateBody::whole(enclosed.currency, server, bid, enclosed.form(target))))
        }
        Request::Reprice { order, to, .. } => Some(json(&PriceBody { order_id: order, desired_price: to.into() })),
        Request::Cancel { order, .. } => Some(json(&CancelBody { id: order, issue: enclosed.issue.as_deref() })),
        _ => None,
    }
}

/// What a reply means as the answer to that request.
pub fn decode(request: &Request, reply: &Reply) -> Answer {
    answer::judge(reply, request.is_command(), |body| good(request, body))
}

/// What a body of code 0 holds.
fn good(request: &Request, body: &[u8]) -> Result<Answer, ReadError> {
    Ok(match *request {
        Request::SpotMarket { server } => Answer::Market(market::spot_marketplace(server, body)?),
        Request::Marketplace => Answer::Listing(market::marketplace(body)?),
        Request::MyOrders | Request::AllOrders => {
            let rows: Vec<OrderRow> = account::my_orders(body)?.orders.into_iter().map(|order| order.row).collect();
            Answer::Orders(rows)
        }
        Request::Wallets => {
            let known: Vec<Wallet> = account::wallets(body)?.iter().filter_map(account::WalletRow::wallet).collect();
            Answer::Wallets(known)
        }
        Request::Create { .. } | Request::Reprice { .. } | Request::Cancel { .. } => Answer::Applied,
    })
}

/// Why an endpoint and its arguments are no read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRead {
    /// The endpoint is none that is read from.
    #[error("`{0}` is no call of a tape: spot_marketplace, marketplace, my_orders and wallets are")]
    Endpoint(String),
    /// The arguments do not fit the endpoint.
    #[error("the args of {endpoint} are not right: {why}")]
    Args {
        /// The endpoint.
        endpoint: &'static str,
        /// In which way.
        why: String,
    },
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Args {
    market: Option<u64>,
    return_completed: bool,
}

/// The read that an endpoint and its arguments as JSON describe.
///
/// # Errors
/// When nothing is read from that endpoint, or the arguments are not its own.
pub fn read_back(endpoint: &str, args: &str) -> Result<Request, NoRead> {
    let of = |endpoint| args_of(endpoint, args);
    match endpoint {
        "spot_marketplace" => match of("spot_marketplace")?.market {
            Some(server) => Ok(Request::SpotMarket { server: ServerId(server) }),
            None => Err(NoRead::Args { endpoint: "spot_marketplace", why: "`market` is missing".to_owned() }),
        },
        "marketplace" => of("marketplace").map(|_| Request::Marketplace),
        "my_orders" => {
            let read = |args: Args| if args.return_completed { Request::AllOrders } else { Request::MyOrders };
            of("my_orders").map(read)
        }
        "wallets" => of("wallets").map(|_| Request::Wallets),
        other => Err(NoRead::Endpoint(other.chars().take(100).collect())),
    }
}

fn args_of(endpoint: &'static str, args: &str) -> Result<Args, NoRead> {
    if args == "{}" {
        return Ok(Args::default());
    }
    let wrong = |why: String| NoRead::Args { endpoint, why };
    // Serde would fill the struct from an array, too.
    if !args.starts_with('{') {
        return Err(wrong("not an object".to_owned()));
    }
    serde_json::from_str(args).map_err(|e| wrong(e.to_string()))
}
