//! The shapes of the venue's answers, key by key as the API page shows them. Keys in `Option` are the live API's additions.

use clorebid_core::money::{Currency, PerCurrency, Price};
use rust_decimal::Decimal;
use serde::ser::{Error, Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

/// A number as JavaScript writes it: up to 17 digits, an exponent below a millionth.
#[derive(Debug, Clone, Copy)]
pub(super) struct Num(pub(super) Decimal);

impl From<Price> for Num {
    fn from(price: Price) -> Num {
        Num(price.decimal())
    }
}

impl From<u32> for Num {
    fn from(number: u32) -> Num {
        Num(Decimal::from(number))
    }
}

impl Num {
    fn text(self) -> String {
        let value = self.0.round_sf(17).unwrap_or(self.0).normalize();
        if value.is_zero() || value.abs() >= Decimal::new(1, 6) {
            return value.to_string();
        }
        let digits = value.mantissa().unsigned_abs().to_string();
        let (first, rest) = digits.split_at(1);
        let exponent = i64::from(value.scale()) - i64::try_from(rest.len()).unwrap_or(0);
        let sign = if value.is_sign_negative() { "-" } else { "" };
        let point = if rest.is_empty() { "" } else { "." };
        format!("{sign}{first}{point}{rest}e-{exponent}")
    }
}

impl Serialize for Num {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.text()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// A price for each currency that has one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prices(pub(super) PerCurrency<Price>);

impl Serialize for Prices {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for currency in Currency::ALL {
            if let Some(price) = self.0.get(currency) {
                map.serialize_entry(currency.name(), &Num::from(price))?;
            }
        }
        map.end()
    }
}

/// A host's own prices: bitcoin and usd always, as the page shows them; other coins where they have one.
#[derive(Debug, Clone, Copy)]
pub(super) struct HostPrices(pub(super) PerCurrency<Price>);

impl Serialize for HostPrices {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let bitcoin = self.0.get(Currency::Bitcoin).unwrap_or(Price::ZERO);
        map.serialize_entry("bitcoin", &Num::from(bitcoin))?;
        map.serialize_entry("usd", &Num(Decimal::ZERO))?;
        for currency in [Currency::Clore, Currency::Usd] {
            if let Some(price) = self.0.get(currency) {
                map.serialize_entry(currency.name(), &Num::from(price))?;
            }
        }
        map.end()
    }
}

/// USD for one unit of each currency.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rates(pub(super) PerCurrency<Decimal>);

impl Serialize for Rates {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for currency in Currency::ALL {
            if let Some(rate) = self.0.get(currency) {
                map.serialize_entry(currency.name(), &Num(rate))?;
            }
        }
        map.end()
    }
}

macro_rules! shape {
    ($(#[$doc:meta])* $name:ident { $($(#[$attr:meta])* $field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, serde::Serialize)]
        pub(super) struct $name {
            $($(#[$attr])* pub(super) $field: $type,)*
        }
    };
}

shape!(
    /// An answer with nothing but its code, or with the reason of a refusal.
    Plain {
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        max_step: Option<Num>,
        #[serde(skip_serializing_if = "Option::is_none")]
        time_to_lowering: Option<Num>,
        #[serde(skip_serializing_if = "Option::is_none")]
        min_price: Option<Num>,
        code: u8,
    }
);

shape!(Net { up: Num, down: Num, cc: String });

shape!(
    Specs {
        mb: &'static str,
        cpu: &'static str,
        cpus: &'static str,
        ram: Num,
        disk: &'static str,
        disk_speed: u32,
        gpu: String,
        gpuram: Num,
        net: Net,
    }
);

shape!(
    /// wallets.
    Wallets {
        wallets: Vec<WalletRow>,
        code: u8,
    }
);

shape!(
    WalletRow {
        name: &'static str,
        deposit: String,
        balance: Num,
        withdrawal_fee: Num,
    }
);

shape!(
    /// marketplace.
    Marketplace {
        servers: Vec<ListedServer>,
        my_servers: Vec<u64>,
        code: u8,
    }
);

shape!(
    ListedServer {
        id: u64,
        owner: u64,
        mrl: i64,
        price: ListedPrice,
        rented: bool,
        specs: Specs,
        #[serde(skip_serializing_if = "Option::is_none")]
        reliability: Option<Num>,
        #[serde(skip_serializing_if = "Option::is_none")]
        allowed_coins: Option<Vec<&'static str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        rating: Option<Rating>,
        #[serde(skip_serializing_if = "Option::is_none")]
        gpu_array: Option<Vec<String>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cuda_version: Option<&'static str>,
    }
);

shape!(ListedPrice { on_demand: Prices, spot: Prices });

shape!(Rating { avg: Num, cnt: u32 });

shape!(
    /// spot_marketplace.
    SpotMarket {
        #[serde(skip_serializing_if = "Option::is_none")]
        market: Option<Market>,
        exists: bool,
        code: u8,
    }
);

shape!(
    Market {
        offers: Vec<OfferRow>,
        server: MarketServer,
        #[serde(skip_serializing_if = "Option::is_none")]
        currency_rates_in_usd: Option<Rates>,
    }
);

shape!(
    OfferRow {
        offer_id: u64,
        bid: Num,
        active: bool,
        my: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        currency: Option<&'static str>,
    }
);

shape!(
    MarketServer {
        min_pricing: Prices,
        mrl: i64,
        visibility: &'static str,
        online: bool,
    }
);

shape!(
    /// my_orders.
    MyOrders {
        orders: Vec<OrderRow>,
        limit: u32,
        code: u8,
    }
);

shape!(
    OrderRow {
        id: u64,
        fee: Num,
        creation_fee: Num,
        price: Num,
        mrl: i64,
        image: String,
        currency: &'static str,
        spend: Num,
        ct: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        p: Option<u32>,
        specs: Specs,
        si: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        spot: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        expired: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        pub_cluster: Option<Vec<String>>,
        tcp_ports: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        http_port: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        online: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        mon_container: Option<u8>,
    }
);

shape!(
    /// my_servers.
    MyServers {
        servers: Vec<HostedServer>,
        limit: u32,
        code: u8,
    }
);

shape!(
    HostedServer {
        name: String,
        connected: bool,
        visibility: &'static str,
        pricing: HostPrices,
        online: bool,
        min_spot_pricing: HostPrices,
        #[serde(skip_serializing_if = "Option::is_none")]
        init_token: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        specs: Option<Specs>,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
    }
);

shape!(
    /// server_config.
    ServerConfig {
        config: Config,
        creation_completed: bool,
        code: u8,
    }
);

shape!(
    Config {
        name: String,
        connected: bool,
        visibility: &'static str,
        pricing: HostPrices,
        spot_pricing: HostPrices,
        mrl: i64,
        online: bool,
        initialized: bool,
        id: u64,
        rental_status: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        specs: Option<Specs>,
        background_job: BackgroundJob,
    }
);

shape!(
    BackgroundJob {
        times_updated: u32,
        image: &'static str,
        command: &'static str,
        env: [u8; 0],
    }
);
