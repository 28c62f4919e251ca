//! The ten calls of the API page, and how each is written: for the wire with everything, for the record without secrets.

use std::borrow::Cow;
use std::collections::BTreeMap;

use clorebid_core::ids::{OrderId, ServerId};
use clorebid_core::money::{Currency, Price};
use serde::Serialize;

use super::form::{Env, FormError, FormFields, OrderForm, PortKind, check_issue};
use crate::json::Number;
use crate::venue::{HttpRequest, Method};

/// One call of the API page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// wallets: our balances.
    Wallets,
    /// my_servers: the servers we provide.
    MyServers,
    /// server_config: one server we provide.
    ServerConfig {
        /// The name we gave it.
        server_name: String,
    },
    /// marketplace: every public server.
    Marketplace,
    /// my_orders: what we rent and bid.
    MyOrders {
        /// Whether to list those that are over, too.
        return_completed: bool,
    },
    /// spot_marketplace: the bids on one server.
    SpotMarketplace {
        /// Whose.
        market: ServerId,
    },
    /// set_server_settings: terms of a server we provide.
    SetServerSettings {
        /// The name we gave it.
        name: String,
        /// Whether it can be rented.
        availability: bool,
        /// Longest rental in hours.
        mrl_hours: u32,
        /// On-demand price per day.
        on_demand: Price,
        /// Least spot price per day.
        spot: Price,
    },
    /// set_spot_price: a new bid.
    SetSpotPrice {
        /// Which order; the number of its offer is the same.
        order: OrderId,
        /// The new price per day.
        price: Price,
    },
    /// cancel_order: ends an order or takes a bid back. [`Call::cancel_order`] checks the issue.
    CancelOrder {
        /// Which.
        id: OrderId,
        /// What was wrong with the server, at most 2048 characters.
        issue: Option<String>,
    },
    /// create_order: a bid, or a rental on demand.
    CreateOrder(Box<CreateOrder>),
}

/// What to rent, for how much, and what to run on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateOrder {
    /// What it is paid in.
    pub currency: Currency,
    /// The server to rent.
    pub renting_server: ServerId,
    /// Spot or on demand, with its price.
    pub kind: Kind,
    /// Image, ports, environment, passwords.
    pub form: OrderForm,
}

/// The two ways to rent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `spot`.
    Spot {
        /// Offered price per day.
        bid: Price,
    },
    /// `on-demand`.
    OnDemand {
        /// The order is not started at another price than this.
        required_price: Option<Price>,
    },
}

impl Call {
    /// A cancel_order whose issue, if any, is short enough.
    ///
    /// # Errors
    /// When the issue is longer than 2048 characters.
    pub fn cancel_order(id: OrderId, issue: Option<String>) -> Result<Call, FormError> {
        issue.as_deref().map_or(Ok(()), check_issue)?;
        Ok(Call::CancelOrder { id, issue })
    }

    /// The endpoint's name.
    pub const fn name(&self) -> &'static str {
        match self {
            Call::Wallets => "wallets",
            Call::MyServers => "my_servers",
            Call::ServerConfig { .. } => "server_config",
            Call::Marketplace => "marketplace",
            Call::MyOrders { .. } => "my_orders",
            Call::SpotMarketplace { .. } => "spot_marketplace",
            Call::SetServerSettings { .. } => "set_server_settings",
            Call::SetSpotPrice { .. } => "set_spot_price",
            Call::CancelOrder { .. } => "cancel_order",
            Call::CreateOrder(_) => "create_order",
        }
    }

    /// Whether it changes something at the venue.
    pub const fn is_command(&self) -> bool {
        match self {
            Call::SetServerSettings { .. }
            | Call::SetSpotPrice { .. }
            | Call::CancelOrder { .. }
            | Call::CreateOrder(_) => true,
            Call::Wallets
            | Call::MyServers
            | Call::ServerConfig { .. }
            | Call::Marketplace
            | Call::MyOrders { .. }
            | Call::SpotMarketplace { .. } => false,
        }
    }

    /// Whether it is the call that the venue takes only once in five seconds.
    pub const fn is_create(&self) -> bool {
        matches!(self, Call::CreateOrder(_))
    }

    /// Its arguments as compact JSON, for the record: `{}` for none, and no secret, environment, command or key.
    pub fn args(&self) -> String {
        match self {
            Call::Wallets | Call::MyServers | Call::Marketplace => "{}".to_owned(),
            Call::MyOrders { return_completed: false } => "{}".to_owned(),
            Call::MyOrders { return_completed: true } => r#"{"return_completed":true}"#.to_owned(),
            Call::SpotMarketplace { market } => json(&MarketArgs { market: *market }),
            Call::CreateOrder(order) => json(&CreateBody::new(order, FormFields::default())),
            Call::ServerConfig { .. }
            | Call::SetServerSettings { .. }
            | Call::SetSpotPrice { .. }
            | Call::CancelOrder { .. } => self.body().unwrap_or_default(),
        }
    }

    /// As it crosses the wire, secrets included.
    pub fn encode(&self) -> HttpRequest {
        let query = match self {
            Call::MyOrders { return_completed: true } => vec![(Cow::Borrowed("return_completed"), "true".to_owned())],
            Call::SpotMarketplace { market } => vec![(Cow::Borrowed("market"), market.to_string())],
            _ => Vec::new(),
        };
        let method = if self.is_command() { Method::Post } else { Method::Get };
        HttpRequest { method, endpoint: Cow::Borrowed(self.name()), query, body: self.body() }
    }

    fn body(&self) -> Option<String> {
        match self {
            Call::Wallets
            | Call::MyServers
            | Call::Marketplace
            | Call::MyOrders { .. }
            | Call::SpotMarketplace { .. } => None,
            Call::ServerConfig { server_name } => Some(json(&ConfigBody { server_name })),
            Call::SetServerSettings { name, availability, mrl_hours, on_demand, spot } => Some(json(&SettingsBody {
                name,
                availability: *availability,
                mrl: *mrl_hours,
                on_demand: (*on_demand).into(),
                spot: (*spot).into(),
            })),
            Call::SetSpotPrice { order, price } => {
                Some(json(&PriceBody { order_id: *order, desired_price: (*price).into() }))
            }
            Call::CancelOrder { id, issue } => Some(json(&CancelBody { id: *id, issue: issue.as_deref() })),
            Call::CreateOrder(order) => Some(json(&CreateBody::new(order, order.form.fields()))),
        }
    }
}

/// Writes one of our own bodies as JSON.
pub(super) fn json<T: Serialize>(body: &T) -> String {
    // Proof: the bodies of this module hold texts, booleans, whole numbers, maps keyed by texts or whole numbers, and
    // raw numbers made from a decimal's digits; serde_json fails on none of these.
    serde_json::to_string(body).expect("our own bodies are always JSON")
}

#[derive(Serialize)]
struct MarketArgs {
    market: ServerId,
}

#[derive(Serialize)]
struct ConfigBody<'a> {
    server_name: &'a str,
}

#[derive(Serialize)]
struct SettingsBody<'a> {
    name: &'a str,
    availability: bool,
    mrl: u32,
    on_demand: Number,
    spot: Number,
}

#[derive(Serialize)]
struct PriceBody {
    order_id: OrderId,
    desired_price: Number,
}

#[derive(Serialize)]
struct CancelBody<'a> {
    id: OrderId,
    #[serde(skip_serializing_if = "Option::is_none")]
    issue: Option<&'a str>,
}

#[derive(Serialize)]
struct CreateBody<'a> {
    currency: &'static str,
    image: &'a str,
    renting_server: ServerId,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    spotprice: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    required_price: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ports: Option<&'a BTreeMap<u16, PortKind>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    env: Option<Env<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jupyter_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ssh_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ssh_password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    autossh_entrypoint: Option<bool>,
}

impl<'a> CreateBody<'a> {
    fn new(order: &'a CreateOrder, form: FormFields<'a>) -> CreateBody<'a> {
        let (kind, spotprice, required_price) = match order.kind {
            Kind::Spot { bid } => ("spot", Some(bid.into()), None),
            Kind::OnDemand { required_price } => ("on-demand", None, required_price.map(Number::from)),
        };
        CreateBody {
            currency: order.currency.name(),
            image: order.form.image(),
            renting_server: order.renting_server,
            kind,
            spotprice,
            required_price,
            ports: form.ports,
            env: form.env,
            jupyter_token: form.jupyter_token,
            ssh_key: form.ssh_key,
            ssh_password: form.ssh_password,
            command: form.command,
            autossh_entrypoint: form.autossh_entrypoint,
        }
    }
}
