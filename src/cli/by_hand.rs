//! `market`, `orders`, `wallets`, `cancel`: the venue by hand, through the same governor and journal as a run.

use std::collections::BTreeMap;

use clorebid_core::event::Reason;
use clorebid_core::ids::{OrderId, ServerId};
use clorebid_core::money::{Currency, PerCurrency, Price};
use clorebid_core::request::{Answer, Outcome, Refusal, Request};
use secrecy::SecretString;

use super::args::{AccountArgs, CancelArgs, Global, MarketArgs, OrdersArgs};
use super::{Failure, Kind, history, live, logging};
use crate::clock::{Clock, rfc3339};
use crate::clore::{self, Call, HttpVenue};
use crate::governor::Governor;
use crate::history::{Cell, Rows};
use crate::journal::{Action, BidSent, Journal, Mode, Received, RunStart, Sent};
use crate::lock::Lock;
use crate::venue::{Reply, Venue};

pub(super) async fn market(global: &Global, args: MarketArgs) -> Result<(), Failure> {
    let mut session = Session::open(global, &args.account).await?;
    let rows = if args.servers.is_empty() {
        let body = session.good(Call::Marketplace).await?;
        marketplace_rows(&body)?
    } else {
        let mut rows = Rows {
            columns: names(&["server", "offer_id", "bid", "currency", "active", "my", "floor"]),
            rows: Vec::new(),
        };
        for id in args.servers {
            let body = session.good(Call::SpotMarketplace { market: ServerId(id) }).await?;
            spot_rows(ServerId(id), &body, &mut rows)?;
        }
        rows
    };
    session.end().await?;
    history::print(global, &rows)
}

pub(super) async fn orders(global: &Global, args: OrdersArgs) -> Result<(), Failure> {
    let mut session = Session::open(global, &args.account).await?;
    let body = session.good(Call::MyOrders { return_completed: args.completed }).await?;
    session.end().await?;
    let columns = names(&["order", "server", "spot", "price", "currency", "spend", "created", "expired", "image"]);
    let orders = clore::my_orders(&body).map_err(unreadable)?.orders;
    let rows = orders.iter().map(|order| {
        let row = &order.row;
        vec![
            number(row.id.0),
            number(row.server.0),
            text(row.spot.map(yes_no)),
            text(row.price),
            text(row.currency),
            text(row.spend),
            text(row.created.map(rfc3339)),
            text(Some(yes_no(row.expired))),
            text(order.image.clone()),
        ]
    });
    history::print(global, &Rows { columns, rows: rows.collect() })
}

pub(super) async fn wallets(global: &Global, args: AccountArgs) -> Result<(), Failure> {
    let mut session = Session::open(global, &args).await?;
    let body = session.good(Call::Wallets).await?;
    session.end().await?;
    let wallets = clore::wallets(&body).map_err(unreadable)?;
    let rows = wallets.iter().filter_map(clore::WalletRow::wallet);
    let rows = rows.map(|w| vec![text(Some(w.currency)), text(w.balance)]).collect();
    history::print(global, &Rows { columns: names(&["currency", "balance"]), rows })
}

pub(super) async fn cancel(global: &Global, args: CancelArgs) -> Result<(), Failure> {
    let mut session = Session::open(global, &args.account).await?;
    // What stands is looked up first, so that the record says on which server and at what price.
    let body = session.good(Call::MyOrders { return_completed: false }).await?;
    let orders = clore::my_orders(&body).map_err(unreadable)?.orders;
    session.known = orders.iter().filter(|o| !o.row.expired).map(|o| (o.row.id, (o.row.server, o.row.price))).collect();
    let ids: Vec<OrderId> = match args.all {
        true => session.known.keys().copied().collect(),
        false => args.orders.iter().copied().map(OrderId).collect(),
    };
    let mut rows = Vec::new();
    let mut failed = false;
    for id in ids {
        let call = Call::cancel_order(id, args.issue.clone()).map_err(|e| Failure::usage(e.to_string()))?;
        let answer = session.ask(call).await?.0;
        failed |= answer.outcome() != Outcome::Applied;
        let why = match &answer {
            Answer::Refused(refusal) => Some(refusal.name().to_owned()),
            Answer::Unknown(doubt) => Some(doubt.to_string()),
            _ => None,
        };
        rows.push(vec![number(id.0), text(Some(answer.outcome().code())), text(why)]);
    }
    session.end().await?;
    history::print(global, &Rows { columns: names(&["order", "outcome", "error"]), rows })?;
    if failed { Err(Failure::other("not every order was cancelled; see `clorebid orders`")) } else { Ok(()) }
}

/// A few requests by hand, journaled as a run of their own.
struct Session {
    journal: Journal,
    governor: Governor,
    clock: Clock,
    venue: HttpVenue,
    seq: u64,
    /// Orders that stand, with their server and price.
    known: BTreeMap<OrderId, (ServerId, Option<Price>)>,
    _locks: [Lock; 2],
}

impl Session {
    async fn open(global: &Global, account: &AccountArgs) -> Result<Session, Failure> {
        let key: SecretString = live::api_key(account)?;
        logging::start(global, vec![key.clone()], None);
        let locks = [Lock::database(global.db())?, Lock::api_key(&key, &account.api_url)?];
        let venue = live::venue(account, key, Vec::new())?;
        let mut journal = Journal::open(global.db()).await?;
        let clock = Clock::system(1);
        let name = venue.name();
        let start = RunStart {
            at: clock.now(),
            mode: Mode::Live,
            strategy: "by-hand",
            strategy_toml: "",
            venue: &name,
            seed: None,
            currency: Currency::Bitcoin,
            // No memory: the next run goes on from the last one that bid.
            memory: "",
        };
        journal.begin_run(start).await?;
        let governor = Governor::new(clock.clone(), None).rested();
        Ok(Session { journal, governor, clock, venue, seq: 0, known: BTreeMap::new(), _locks: locks })
    }

    /// One request through governor and journal.
    async fn ask(&mut self, call: Call) -> Result<(Answer, Reply), Failure> {
        self.governor.wait().await;
        self.seq += 1;
        let at = self.clock.now();
        let (bid, request) = match &call {
            Call::CancelOrder { id, .. } => {
                let server = ServerId(0);
                let bid =
                    BidSent { action: Action::Cancel, server, order: Some(*id), old_price: None, new_price: None };
                (Some(bid), serde_json::to_string(&Request::Cancel { server, order: *id }).unwrap_or_default())
            }
            _ => (None, "null".to_owned()),
        };
        let sent = Sent {
            seq: self.seq,
            at,
            call: call.name(),
            args: call.args(),
            request,
            target: None,
            reason: Reason::ByHand.to_string(),
            bid,
            memory: None,
        };
        let journaled = self.journal.intend(call.clone(), sent).await?;
        let slot = self.governor.take(call.is_create());
        let reply = self.venue.send(journaled, slot).await;
        let answered_at = self.clock.now();
        self.governor.ended(call.is_create());
        let answer = clore::answer(&call, &reply);
        let verdict = clore::verdict(&reply);
        let (status, body) = match &reply {
            Reply::Http { status, body } => (Some(*status), body.clone()),
            Reply::None(_) => (None, bytes::Bytes::new()),
        };
        let received = Received {
            seq: self.seq,
            at: answered_at,
            status,
            body,
            code: verdict.code,
            error: verdict.error,
            outcome: answer.outcome(),
            offer_id: None,
            sighting: None,
        };
        self.journal.record(received).await?;
        Ok((answer, reply))
    }

    /// The body of a read that must be good.
    async fn good(&mut self, call: Call) -> Result<bytes::Bytes, Failure> {
        let name = call.name();
        match self.ask(call).await? {
            (Answer::Refused(Refusal::BadKey), _) => {
                self.end().await?;
                Err(Failure::new(Kind::Key, format!("{} refuses the API key", self.venue.name())))
            }
            (Answer::Refused(refusal), _) => {
                self.end().await?;
                Err(Failure::other(format!("{name} was refused: {}", refusal.name())))
            }
            (Answer::Unknown(doubt), _) => {
                self.end().await?;
                Err(Failure::other(format!("{} gave no good answer to {name}: {doubt}", self.venue.name())))
            }
            (_, Reply::Http { body, .. }) => Ok(body),
            (_, Reply::None(doubt)) => Err(Failure::other(format!("{name}: {doubt}"))),
        }
    }

    async fn end(&mut self) -> Result<(), Failure> {
        Ok(self.journal.end_run(self.clock.now(), "done").await?)
    }
}

fn marketplace_rows(body: &[u8]) -> Result<Rows, Failure> {
    let listing = clore::marketplace(body).map_err(unreadable)?;
    let mut columns = names(&["server", "gpus", "gpu", "ram_gb", "country", "reliability", "rented"]);
    columns.extend(Currency::ALL.iter().map(|c| format!("floor {c}")));
    columns.extend(Currency::ALL.iter().map(|c| format!("on_demand {c}")));
    let prices = |per: &PerCurrency<Price>| Currency::ALL.map(|c| text(per.get(c)));
    let rows = listing.servers.iter().map(|s| {
        let mut row = vec![
            number(s.id.0),
            number(u64::from(s.gpus)),
            text(Some(&s.gpu)),
            text(Some(s.ram_gb)),
            text(s.country.as_ref()),
            text(s.reliability),
            text(Some(yes_no(s.rented))),
        ];
        row.extend(prices(&s.spot));
        row.extend(prices(&s.on_demand));
        row
    });
    Ok(Rows { columns, rows: rows.collect() })
}

fn spot_rows(server: ServerId, body: &[u8], rows: &mut Rows) -> Result<(), Failure> {
    let market = clore::spot_marketplace(server, body).map_err(unreadable)?;
    if !market.exists {
        return Err(Failure::other(format!("server {server} does not exist")));
    }
    let floors: Vec<String> =
        Currency::ALL.iter().filter_map(|c| market.floors.get(*c).map(|p| format!("{p} {c}"))).collect();
    let floors = floors.join(", ");
    for offer in &market.offers {
        rows.rows.push(vec![
            number(server.0),
            number(offer.id.0),
            text(Some(offer.bid)),
            text(offer.currency),
            text(Some(yes_no(offer.active))),
            text(Some(yes_no(offer.mine))),
            text(Some(&floors)),
        ]);
    }
    if market.offers.is_empty() {
        let mut row = vec![Cell::Null; 7];
        row[0] = number(server.0);
        row[6] = text(Some(&floors));
        rows.rows.push(row);
    }
    Ok(())
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

fn number(n: u64) -> Cell {
    i64::try_from(n).map_or_else(|_| Cell::Text(n.to_string()), Cell::Integer)
}

fn text(value: Option<impl ToString>) -> Cell {
    value.map_or(Cell::Null, |v| Cell::Text(v.to_string()))
}

const fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

fn unreadable(error: clore::ReadError) -> Failure {
    Failure::other(format!("the venue's answer cannot be read: {error}"))
}
