//! The calls that read: what the venue shows of its state.

use clorebid_core::money::Currency;
use clorebid_core::time::Span;
use rust_decimal::Decimal;

use super::body;
use super::exchange::Exchange;
use super::reply::Answer;
use super::rules::AnswerKeys;
use super::state::{End, Kind, Order, OrderState, Server};
use super::wire;
use super::wire::{Num, Prices};
use crate::wire::{HttpRequest, Method};

/// How many servers we may host.
const HOST_LIMIT: u32 = 16;

/// The method a call takes.
pub(super) fn method_of(call: &str) -> Method {
    match call {
        "set_server_settings" | "set_spot_price" | "cancel_order" | "create_order" => Method::Post,
        _ => Method::Get,
    }
}

impl Exchange {
    /// Carries a request out.
    pub(super) fn dispatch(&mut self, is_us: bool, request: &HttpRequest) -> Answer {
        let body = request.body.as_deref();
        match request.endpoint.as_ref() {
            "wallets" => self.wallets(),
            "my_servers" => self.my_servers(),
            "server_config" => self.server_config(body),
            "marketplace" => self.marketplace(is_us),
            "my_orders" => self.my_orders(query(request, "return_completed") == Some("true")),
            "spot_marketplace" => self.spot_marketplace(query(request, "market")),
            "set_server_settings" => self.set_server_settings(body),
            "set_spot_price" => self.set_spot_price(body),
            "cancel_order" => self.cancel_order(body),
            "create_order" => self.create_order(body),
            _ => Answer::plain(404, 4, None),
        }
    }

    /// `value` where answers have the live API's keys, nothing where they keep to the page.
    fn live<T>(&self, value: T) -> Option<T> {
        (self.rules.answers == AnswerKeys::Live).then_some(value)
    }

    fn wallets(&self) -> Answer {
        let rows = self.purses.iter().map(|(currency, purse)| wire::WalletRow {
            name: currency.name(),
            deposit: format!("simulated-{}-deposit", currency.name().to_lowercase()),
            balance: Num(purse.balance()),
            withdrawal_fee: Num(match currency {
                Currency::Bitcoin => Decimal::new(1, 4),
                Currency::Clore | Currency::Usd => Decimal::ONE,
            }),
        });
        Answer::good(&wire::Wallets { wallets: rows.collect(), code: 0 })
    }

    fn my_servers(&self) -> Answer {
        let rows = self.servers.iter().filter(|s| s.plan.mine).map(|s| wire::HostedServer {
            name: s.plan.name.clone().unwrap_or_default(),
            connected: s.plan.connected,
            visibility: visibility(s),
            pricing: wire::HostPrices(s.on_demand),
            online: s.online,
            min_spot_pricing: wire::HostPrices(s.floor),
            init_token: (!s.plan.connected).then(|| format!("simulated-init-token-{}", s.plan.id)),
            specs: s.plan.connected.then(|| specs(s)),
            id: self.live(s.plan.id),
        });
        Answer::good(&wire::MyServers { servers: rows.collect(), limit: HOST_LIMIT, code: 0 })
    }

    fn server_config(&self, body: Option<&str>) -> Answer {
        let name = match body::server_name(body) {
            Ok(name) => name,
            Err(detail) => return Answer::invalid(detail),
        };
        let Some(at) = self.hosted(&name) else { return Answer::refused("server-dont-exist") };
        let s = &self.servers[at];
        let rental_status = match (s.renter, s.holder) {
            (Some(_), _) => 2,
            (None, Some(_)) => 1,
            (None, None) => 0,
        };
        let config = wire::Config {
            name,
            connected: s.plan.connected,
            visibility: visibility(s),
            pricing: wire::HostPrices(s.on_demand),
            spot_pricing: wire::HostPrices(s.floor),
            mrl: hours(s.mrl),
            online: s.online,
            initialized: s.plan.connected,
            id: s.plan.id,
            rental_status,
            specs: s.plan.connected.then(|| specs(s)),
            background_job: wire::BackgroundJob {
                times_updated: 1,
                image: "cloreai/ubuntu20.04-jupyter",
                command: "",
                env: [],
            },
        };
        Answer::good(&wire::ServerConfig { config, creation_completed: s.plan.connected, code: 0 })
    }

    fn marketplace(&self, is_us: bool) -> Answer {
        let rows = self.servers.iter().filter(|s| s.online && s.public).map(|s| wire::ListedServer {
            id: s.plan.id,
            owner: s.plan.owner,
            mrl: hours(s.mrl),
            price: wire::ListedPrice { on_demand: Prices(s.on_demand), spot: Prices(s.floor) },
            rented: s.renter.is_some(),
            specs: specs(s),
            reliability: self.live(Num(s.plan.reliability)),
            allowed_coins: self
                .live(Currency::ALL.into_iter().filter(|c| s.plan.takes(*c)).map(Currency::name).collect()),
            rating: self.live(wire::Rating { avg: Num(Decimal::new(48, 1)), cnt: 12 }),
            gpu_array: self.live(vec![s.plan.gpu.clone(); usize::try_from(s.plan.gpus).unwrap_or(0)]),
            cuda_version: self.live("12.4"),
        });
        let my_servers = self.servers.iter().filter(|s| is_us && s.plan.mine).map(|s| s.plan.id);
        Answer::good(&wire::Marketplace { servers: rows.collect(), my_servers: my_servers.collect(), code: 0 })
    }

    fn spot_marketplace(&self, market: Option<&str>) -> Answer {
        let Some(id) = market.and_then(|m| m.parse::<u64>().ok()) else {
            return Answer::invalid("`market` is not a server's number");
        };
        let Some(at) = self.server_at(id) else {
            return Answer::good(&wire::SpotMarket { market: None, exists: false, code: 0 });
        };
        let s = &self.servers[at];
        let shown = s.offers.iter().filter(|o| o.shown_from <= self.now);
        let offers = shown.map(|o| wire::OfferRow {
            offer_id: o.id,
            bid: Num::from(o.bid),
            active: s.holder.is_some_and(|h| h.offer == o.id),
            my: o.mine,
            currency: self.live(o.currency.name()),
        });
        let server = wire::MarketServer {
            min_pricing: Prices(s.floor),
            mrl: s.mrl.ms() / 1000,
            visibility: visibility(s),
            online: s.online,
        };
        let market = wire::Market {
            offers: offers.collect(),
            server,
            currency_rates_in_usd: self.live(wire::Rates(self.rates)),
        };
        Answer::good(&wire::SpotMarket { market: Some(market), exists: true, code: 0 })
    }

    fn my_orders(&self, completed: bool) -> Answer {
        let rows = self.orders.values().filter(|o| self.is_listed(o, completed)).map(|o| self.order_row(o));
        // As the page shows them: the newest first.
        let orders = rows.rev().collect();
        Answer::good(&wire::MyOrders { orders, limit: self.rules.max_orders, code: 0 })
    }

    fn is_listed(&self, order: &Order, completed: bool) -> bool {
        if self.now < order.listed_from {
            return false;
        }
        match order.state {
            OrderState::Live | OrderState::Frozen => true,
            OrderState::Ended { why: End::Vanished, .. } => false,
            OrderState::Ended { why: End::Cancelled, .. } => completed,
            OrderState::Ended { at, .. } => completed || self.now < at + self.rules.expired_listed_for,
        }
    }

    fn order_row(&self, o: &Order) -> wire::OrderRow {
        let s = &self.servers[o.server];
        let host = |n: u8| format!("n{n}.c1.simulated.invalid");
        let port = |(n, port): (usize, u16)| format!("{port}:{}", 10_000 + n);
        let tcp = o.ports.iter().filter(|(_, http)| !http).map(|(port, _)| *port).enumerate();
        let http = o.ports.iter().find(|(_, http)| *http).map(|(port, _)| port.to_string());
        // A frozen order is listed as if nothing had happened.
        let runs = o.holding || o.state == OrderState::Frozen;
        let fee = self.rules.creation_fee.get(o.currency).map_or(Decimal::ZERO, |f| f.decimal());
        wire::OrderRow {
            id: o.id,
            fee: Num(self.rules.fee_percent),
            creation_fee: Num(fee),
            price: Num::from(o.price),
            mrl: o.mrl.ms() / 1000,
            image: o.image.clone(),
            currency: o.currency.name(),
            spend: Num(o.spend()),
            ct: o.created.ms().div_euclid(1000),
            p: runs.then_some(1),
            specs: specs(s),
            si: s.plan.id,
            spot: (o.kind == Kind::Spot).then_some(true),
            expired: o.is_over().then_some(true),
            pub_cluster: runs.then(|| vec![host(1), host(2)]),
            tcp_ports: if runs { tcp.map(port).collect() } else { Vec::new() },
            http_port: http.filter(|_| runs),
            online: self.live(s.online),
            mon_container: self.live(2).filter(|_| runs),
        }
    }
}

fn query<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

fn visibility(server: &Server) -> &'static str {
    if server.public { "public" } else { "hidden" }
}

fn hours(span: Span) -> i64 {
    span.ms() / 3_600_000
}

fn specs(server: &Server) -> wire::Specs {
    let plan = &server.plan;
    wire::Specs {
        mb: "SIMULATED BOARD",
        cpu: "Simulated CPU @ 2.50GHz",
        cpus: "16/32",
        ram: Num(plan.ram_gb),
        disk: "NVMe disk 512GB",
        disk_speed: 2000,
        gpu: format!("{}x {}", plan.gpus, plan.gpu),
        gpuram: Num::from(plan.gpu_ram_gb),
        net: wire::Net { up: Num(Decimal::new(2638, 2)), down: Num(Decimal::new(11842, 2)), cc: plan.country.clone() },
    }
}
