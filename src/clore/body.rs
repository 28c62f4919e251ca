//! The bodies of our own requests, key by key as the API page shows them.

use std::collections::BTreeMap;

use clorebid_core::ids::{OrderId, ServerId};
use clorebid_core::money::{Currency, Price};
use serde::Serialize;

use super::form::{Env, FormFields, OrderForm, PortKind};
use crate::json::Number;

/// Writes one of our own bodies as JSON.
pub(crate) fn json<T: Serialize>(body: &T) -> String {
    // Proof: the bodies of this module hold texts, booleans, whole numbers, maps keyed by texts or whole numbers, and
    // raw numbers made from a decimal's digits; serde_json fails on none of these.
    serde_json::to_string(body).expect("our own bodies are always JSON")
}

/// The arguments of spot_marketplace.
#[derive(Serialize)]
pub(crate) struct MarketArgs {
    pub(crate) market: ServerId,
}

/// The body of set_spot_price.
#[derive(Serialize)]
pub(crate) struct PriceBody {
    pub(crate) order_id: OrderId,
    pub(crate) desired_price: Number,
}

/// The body of cancel_order.
#[derive(Serialize)]
pub(crate) struct CancelBody<'a> {
    pub(crate) id: OrderId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) issue: Option<&'a str>,
}

/// The body of create_order for a spot order.
#[derive(Serialize)]
pub(crate) struct CreateBody<'a> {
    currency: &'static str,
    image: &'a str,
    renting_server: ServerId,
    #[serde(rename = "type")]
    kind: &'static str,
    spotprice: Number,
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
    /// All of it, as the venue wants it.
    pub(crate) fn whole(currency: Currency, server: ServerId, bid: Price, form: &'a OrderForm) -> CreateBody<'a> {
        CreateBody::with(currency, server, bid, form.image(), form.fields())
    }

    /// All but what the form holds beside the image: what may go on record.
    pub(crate) fn without_form(
        currency: Currency,
        server: ServerId,
        bid: Price,
        form: &'a OrderForm,
    ) -> CreateBody<'a> {
        CreateBody::with(currency, server, bid, form.image(), FormFields::default())
    }

    fn with(currency: Currency, server: ServerId, bid: Price, image: &'a str, form: FormFields<'a>) -> CreateBody<'a> {
        CreateBody {
            currency: currency.name(),
            image,
            renting_server: server,
            kind: "spot",
            spotprice: bid.into(),
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
