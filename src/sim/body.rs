//! The bodies that calls send, and whether they keep to the page.

use std::collections::BTreeMap;

use clorebid_core::money::{Currency, Price};
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::json::Number;

/// A price above this is a mistake, and would not fit the sums.
const LARGEST_PRICE: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// What a create_order asks for, checked.
#[derive(Debug)]
pub(super) struct Create {
    /// `None` for a coin that the venue does not know.
    pub(super) currency: Option<Currency>,
    pub(super) server: u64,
    pub(super) image: String,
    /// The bid; `None` for on demand.
    pub(super) spot: Option<Price>,
    pub(super) required_price: Option<Price>,
    /// Ports and whether each is http.
    pub(super) ports: Vec<(u16, bool)>,
}

#[derive(Deserialize)]
struct CreateBody {
    currency: String,
    image: String,
    renting_server: u64,
    #[serde(rename = "type")]
    kind: String,
    spotprice: Option<Number>,
    ports: Option<BTreeMap<String, String>>,
    env: Option<BTreeMap<String, String>>,
    jupyter_token: Option<String>,
    ssh_key: Option<String>,
    ssh_password: Option<String>,
    #[serde(rename = "command")]
    _command: Option<String>,
    required_price: Option<Number>,
    #[serde(rename = "autossh_entrypoint")]
    _autossh_entrypoint: Option<bool>,
}

/// set_spot_price.
#[derive(Debug, Deserialize)]
struct RepriceBody {
    order_id: u64,
    desired_price: Number,
}

/// cancel_order.
#[derive(Debug, Deserialize)]
struct CancelBody {
    id: u64,
    issue: Option<String>,
}

/// server_config.
#[derive(Debug, Deserialize)]
struct ConfigBody {
    server_name: String,
}

#[derive(Debug, Deserialize)]
struct SettingsBody {
    name: String,
    availability: bool,
    mrl: u32,
    on_demand: Number,
    spot: Number,
}

/// set_server_settings, checked.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) available: bool,
    pub(super) mrl_hours: u32,
    pub(super) on_demand: Price,
    pub(super) spot: Price,
}

const NO_JSON: &str = "the body is not the JSON object that the page asks for";

fn read<'a, T: Deserialize<'a>>(body: Option<&'a str>) -> Result<T, &'static str> {
    serde_json::from_str(body.ok_or("there is no body")?).map_err(|_| NO_JSON)
}

fn price(number: Number) -> Result<Price, &'static str> {
    let price = number.price().ok_or("a price is negative")?;
    if price.decimal() > LARGEST_PRICE { Err("a price is beyond all reason") } else { Ok(price) }
}

fn positive(number: Number) -> Result<Price, &'static str> {
    price(number).and_then(|p| if p.is_zero() { Err("a bid is zero") } else { Ok(p) })
}

/// Reads a create_order.
pub(super) fn create(body: Option<&str>) -> Result<Create, &'static str> {
    let body: CreateBody = read(body)?;
    if body.image.is_empty() || body.image.contains(char::is_whitespace) {
        return Err("`image` is no image");
    }
    let spot = match (body.kind.as_str(), body.spotprice) {
        ("spot", Some(bid)) => Some(positive(bid)?),
        ("spot", None) => return Err("a spot order needs a `spotprice`"),
        ("on-demand", _) => None,
        _ => return Err("`type` is neither `spot` nor `on-demand`"),
    };
    check_env(body.env.as_ref())?;
    check_secret(body.jupyter_token.as_deref(), 32)?;
    check_secret(body.ssh_key.as_deref(), 3072)?;
    check_secret(body.ssh_password.as_deref(), 32)?;
    Ok(Create {
        currency: Currency::from_name(&body.currency),
        server: body.renting_server,
        image: body.image,
        spot,
        required_price: body.required_price.map(price).transpose()?,
        ports: ports(body.ports.unwrap_or_default())?,
    })
}

fn ports(ports: BTreeMap<String, String>) -> Result<Vec<(u16, bool)>, &'static str> {
    if ports.len() > 5 {
        return Err("more than 5 ports");
    }
    let port = |(port, kind): (String, String)| {
        let number = port.parse::<u16>().ok().filter(|n| *n > 0).ok_or("a port is not a number from 1 to 65535")?;
        match kind.as_str() {
            "tcp" => Ok((number, false)),
            "http" => Ok((number, true)),
            _ => Err("a port is neither `tcp` nor `http`"),
        }
    };
    let mut ports = ports.into_iter().map(port).collect::<Result<Vec<_>, _>>()?;
    ports.sort_unstable();
    Ok(ports)
}

fn check_env(env: Option<&BTreeMap<String, String>>) -> Result<(), &'static str> {
    let Some(env) = env else { return Ok(()) };
    if env.keys().any(|name| name.is_empty() || name.chars().count() > 128) {
        return Err("a variable's name is longer than 128 characters, or empty");
    }
    if env.values().any(|value| value.chars().count() > 1536) {
        return Err("a variable's value is longer than 1536 characters");
    }
    // The page counts the variables "as a string"; the obvious one is their JSON.
    let all = serde_json::to_string(env).map_err(|_| NO_JSON)?;
    if all.chars().count() > 12_000 { Err("the variables are longer than 12000 characters") } else { Ok(()) }
}

/// Holds a starred field to `/^[a-zA-Z0-9\s-=.@+/]+$/` and to its length.
fn check_secret(secret: Option<&str>, longest: usize) -> Result<(), &'static str> {
    let Some(secret) = secret else { return Ok(()) };
    let allowed = |c: char| c.is_ascii_alphanumeric() || c.is_whitespace() || "-=.@+/".contains(c);
    if secret.is_empty() || !secret.chars().all(allowed) {
        return Err("a starred field has other characters than the page allows, or none");
    }
    if secret.chars().count() > longest { Err("a starred field is too long") } else { Ok(()) }
}

/// Reads a set_spot_price: the order and the price wanted.
pub(super) fn reprice(body: Option<&str>) -> Result<(u64, Price), &'static str> {
    let body: RepriceBody = read(body)?;
    Ok((body.order_id, positive(body.desired_price)?))
}

/// Reads a cancel_order: the order.
pub(super) fn cancel(body: Option<&str>) -> Result<u64, &'static str> {
    let body: CancelBody = read(body)?;
    match body.issue {
        Some(issue) if issue.chars().count() > 2048 => Err("`issue` is longer than 2048 characters"),
        _ => Ok(body.id),
    }
}

/// Reads a server_config: the server's name.
pub(super) fn server_name(body: Option<&str>) -> Result<String, &'static str> {
    read::<ConfigBody>(body).map(|body| body.server_name)
}

/// Reads a set_server_settings.
pub(super) fn settings(body: Option<&str>) -> Result<Settings, &'static str> {
    let body: SettingsBody = read(body)?;
    if body.mrl == 0 {
        return Err("`mrl` is zero");
    }
    Ok(Settings {
        name: body.name,
        available: body.availability,
        mrl_hours: body.mrl,
        on_demand: price(body.on_demand)?,
        spot: price(body.spot)?,
    })
}
