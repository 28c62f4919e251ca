//! What the venue knows of us as a host: the servers we provide and their configuration. The core never asks for it, so
//! these three requests are of a type of their own.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use clorebid_core::ids::ServerId;
use clorebid_core::market::Visibility;
use clorebid_core::money::{PerCurrency, Price};
use clorebid_core::request::Answer;
use clorebid_core::time::Span;
use rust_decimal::Decimal;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::answer::judge;
use super::body::json;
use super::lenient::{Flag, HOUR_MS, Id, Lax, PerCoin, ReadError, Text, body, is_true, object, span};
use super::market::visibility;
use crate::json::Number;
use crate::wire::{HttpRequest, Method, Reply};

/// A request of the host's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostRequest {
    /// my_servers: the servers we provide.
    MyServers,
    /// server_config: one server we provide.
    ServerConfig {
        /// The name we gave it.
        name: String,
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
}

impl HostRequest {
    /// As it crosses the wire. Its body is what may go on record, too: it holds no secret.
    pub fn encode(&self) -> HttpRequest {
        let (method, endpoint, body) = match self {
            HostRequest::MyServers => (Method::Get, "my_servers", None),
            HostRequest::ServerConfig { name } => {
                (Method::Get, "server_config", Some(json(&ConfigBody { server_name: name })))
            }
            HostRequest::SetServerSettings { name, availability, mrl_hours, on_demand, spot } => {
                let settings = SettingsBody {
                    name,
                    availability: *availability,
                    mrl: *mrl_hours,
                    on_demand: (*on_demand).into(),
                    spot: (*spot).into(),
                };
                (Method::Post, "set_server_settings", Some(json(&settings)))
            }
        };
        HttpRequest { method, endpoint: Cow::Borrowed(endpoint), query: Vec::new(), body }
    }

    /// What a reply means: a good one is [`Answer::Applied`], and [`my_servers`] and [`server_config`] read what it
    /// holds.
    pub fn decode(&self, reply: &Reply) -> Answer {
        let is_command = matches!(self, HostRequest::SetServerSettings { .. });
        judge(reply, is_command, |body| {
            match self {
                HostRequest::MyServers => my_servers(body).map(drop)?,
                HostRequest::ServerConfig { .. } => server_config(body).map(drop)?,
                HostRequest::SetServerSettings { .. } => {}
            }
            Ok(Answer::Applied)
        })
    }
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

/// A good my_servers.
#[derive(Debug, Clone)]
pub struct MyServers {
    /// Every server we provide.
    pub servers: Vec<HostedServer>,
    /// How many one may provide.
    pub limit: Option<u64>,
}

/// One server we provide.
#[derive(Debug, Clone)]
pub struct HostedServer {
    /// The name we gave it.
    pub name: String,
    /// Whether it was ever connected.
    pub connected: bool,
    /// Whether it shows on the marketplace.
    pub visibility: Visibility,
    /// On-demand price per day.
    pub on_demand: PerCurrency<Price>,
    /// Whether it is connected now.
    pub online: bool,
    /// Least spot price per day.
    pub min_spot: PerCurrency<Price>,
    /// What a machine identifies itself with: whoever has it can pose as the server.
    pub init_token: Option<SecretString>,
    /// Its parts, once it was connected.
    pub specs: Option<Specs>,
}

/// A server's parts, as the venue words them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Specs {
    /// Mainboard.
    pub mainboard: Option<String>,
    /// Processor.
    pub cpu: Option<String>,
    /// Cores and threads, such as `8/16`.
    pub cpus: Option<String>,
    /// Main memory in GB.
    pub ram_gb: Option<Decimal>,
    /// Disk.
    pub disk: Option<String>,
    /// Disk speed in MB/s.
    pub disk_speed: Option<Decimal>,
    /// Graphics cards.
    pub gpu: Option<String>,
    /// Memory of one card in GB.
    pub gpu_ram_gb: Option<Decimal>,
    /// Upload in Mbit/s.
    pub up: Option<Decimal>,
    /// Download in Mbit/s.
    pub down: Option<Decimal>,
    /// Two letters.
    pub country: Option<String>,
}

/// A good server_config.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The server's number.
    pub id: Option<ServerId>,
    /// The name we gave it.
    pub name: String,
    /// Whether it was ever connected.
    pub connected: bool,
    /// Whether it shows on the marketplace.
    pub visibility: Visibility,
    /// On-demand price per day.
    pub on_demand: PerCurrency<Price>,
    /// Least spot price per day.
    pub min_spot: PerCurrency<Price>,
    /// Longest rental.
    pub longest_rental: Option<Span>,
    /// Whether it is connected now.
    pub online: bool,
    /// Whether it was ever set up.
    pub initialized: bool,
    /// Who has it.
    pub rental: Rental,
    /// Its parts.
    pub specs: Option<Specs>,
    /// What it does while nobody rents it.
    pub background_job: Option<BackgroundJob>,
    /// Whether the venue is done making it.
    pub creation_completed: bool,
}

/// Who has a server we provide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rental {
    /// 0: nobody.
    Free,
    /// 1: rented on the spot market.
    Spot,
    /// 2: rented on demand.
    OnDemand,
    /// Anything else, or nothing.
    Unknown,
}

/// What a server does while nobody rents it.
#[derive(Clone)]
pub struct BackgroundJob {
    /// How often it was changed.
    pub times_updated: Option<u64>,
    /// The Docker image.
    pub image: Option<String>,
    /// The command, which may hold secrets.
    pub command: Option<SecretString>,
    /// Environment, whose values may be secrets.
    pub env: BTreeMap<String, SecretString>,
}

/// Leaves the command and the environment out.
impl fmt::Debug for BackgroundJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackgroundJob").field("image", &self.image).finish_non_exhaustive()
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawMyServers<'a> {
    #[serde(borrow)]
    servers: Option<Vec<&'a RawValue>>,
    limit: Lax<Id>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawHosted {
    id: Lax<Id>,
    name: Lax<Text>,
    connected: Lax<Flag>,
    visibility: Lax<String>,
    pricing: Lax<PerCoin>,
    online: Lax<Flag>,
    min_spot_pricing: Lax<PerCoin>,
    spot_pricing: Lax<PerCoin>,
    init_token: Lax<String>,
    mrl: Lax<Number>,
    initialized: Lax<Flag>,
    rental_status: Lax<Id>,
    specs: Lax<RawSpecs>,
    background_job: Lax<RawJob>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawSpecs {
    mb: Lax<Text>,
    cpu: Lax<Text>,
    cpus: Lax<Text>,
    ram: Lax<Number>,
    disk: Lax<Text>,
    disk_speed: Lax<Number>,
    gpu: Lax<Text>,
    gpuram: Lax<Number>,
    net: Lax<RawNet>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawNet {
    up: Lax<Number>,
    down: Lax<Number>,
    cc: Lax<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawJob {
    times_updated: Lax<Id>,
    image: Lax<String>,
    command: Lax<String>,
    env: Lax<BTreeMap<String, Lax<Text>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawServerConfig<'a> {
    #[serde(borrow)]
    config: Option<&'a RawValue>,
    creation_completed: Lax<Flag>,
}

/// A good my_servers.
///
/// # Errors
/// When there is no list of servers, or a server without a name.
pub fn my_servers(bytes: &[u8]) -> Result<MyServers, ReadError> {
    let raw: RawMyServers<'_> = body(bytes)?;
    let rows = raw.servers.ok_or(ReadError::Missing("servers"))?;
    let servers = rows.into_iter().map(|row| hosted(row.get())).collect::<Result<Vec<HostedServer>, ReadError>>()?;
    Ok(MyServers { servers, limit: raw.limit.get().map(|id| id.0) })
}

fn hosted(row: &str) -> Result<HostedServer, ReadError> {
    let raw: RawHosted = object(row)?;
    Ok(HostedServer {
        name: raw.name.get().ok_or(ReadError::Missing("servers[x].name"))?.0,
        connected: is_true(raw.connected.get()),
        visibility: visibility(raw.visibility),
        on_demand: prices(raw.pricing),
        online: is_true(raw.online.get()),
        min_spot: prices(raw.min_spot_pricing),
        init_token: raw.init_token.get().map(SecretString::from),
        specs: raw.specs.get().map(specs),
    })
}

/// A good server_config.
///
/// # Errors
/// When there is no configuration, or one without a name.
pub fn server_config(bytes: &[u8]) -> Result<ServerConfig, ReadError> {
    let answer: RawServerConfig<'_> = body(bytes)?;
    let raw: RawHosted = object(answer.config.ok_or(ReadError::Missing("config"))?.get())?;
    Ok(ServerConfig {
        id: raw.id.get().map(|id| ServerId(id.0)),
        name: raw.name.get().ok_or(ReadError::Missing("config.name"))?.0,
        connected: is_true(raw.connected.get()),
        visibility: visibility(raw.visibility),
        on_demand: prices(raw.pricing),
        min_spot: prices(raw.spot_pricing),
        longest_rental: raw.mrl.get().and_then(|hours| span(hours, HOUR_MS, false)),
        online: is_true(raw.online.get()),
        initialized: is_true(raw.initialized.get()),
        rental: match raw.rental_status.get() {
            Some(Id(0)) => Rental::Free,
            Some(Id(1)) => Rental::Spot,
            Some(Id(2)) => Rental::OnDemand,
            _ => Rental::Unknown,
        },
        specs: raw.specs.get().map(specs),
        background_job: raw.background_job.get().map(job),
        creation_completed: is_true(answer.creation_completed.get()),
    })
}

fn prices(raw: Lax<PerCoin>) -> PerCurrency<Price> {
    raw.get().map_or_else(PerCurrency::none, |p| p.prices())
}

fn specs(raw: RawSpecs) -> Specs {
    let text = |t: Lax<Text>| t.get().map(|t| t.0);
    let number = |n: Lax<Number>| n.get().map(|n| n.value);
    let net = raw.net.get().unwrap_or_default();
    Specs {
        mainboard: text(raw.mb),
        cpu: text(raw.cpu),
        cpus: text(raw.cpus),
        ram_gb: number(raw.ram),
        disk: text(raw.disk),
        disk_speed: number(raw.disk_speed),
        gpu: text(raw.gpu),
        gpu_ram_gb: number(raw.gpuram),
        up: number(net.up),
        down: number(net.down),
        country: net.cc.get(),
    }
}

fn job(raw: RawJob) -> BackgroundJob {
    let env = raw.env.get().unwrap_or_default().into_iter();
    BackgroundJob {
        times_updated: raw.times_updated.get().map(|id| id.0),
        image: raw.image.get(),
        command: raw.command.get().map(SecretString::from),
        env: env.filter_map(|(name, value)| Some((name, SecretString::from(value.get()?.0)))).collect(),
    }
}
