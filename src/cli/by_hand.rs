//! `market`, `orders`, `wallets`, `cancel`: the venue by hand, through the same governor and journal as a run.

use std::collections::BTreeMap;

use clorebid_core::event::Reason;
use clorebid_core::ids::{OrderId, ServerId};
use clorebid_core::money::{Currency, PerCurrency, Price};
use clorebid_core::request::{Answer, Outcome, Refusal, Request};
use secrecy::SecretString;
use tokio::sync::watch;

use super::args::{AccountArgs, CancelArgs, Global, MarketArgs, OrdersArgs};
use super::{Failure, Kind, history, live, logging};
use crate::account::Account;
use crate::api::{self, Enclosure};
use crate::client::Client;
use crate::clock::{Clock, rfc3339};
use crate::clore::{self, FormError};
use crate::history::{Cell, Rows};
use crate::journal::{Journal, Mode, RunStart, venue_text};
use crate::lock::Lock;
use crate::session::{Answered, Asked, Session, Venue};
use crate::wire::Reply;

/// What the journal shows prices in where no strategy says.
const CURRENCY: Currency = Currency::Bitcoin;

pub(super) async fn market(global: &Global, args: MarketArgs) -> Result<(), Failure> {
    let mut session = ByHand::open(global, &args.account).await?;
    let rows = if args.servers.is_empty() {
        let body = session.good(Request::Marketplace).await?;
        marketplace_rows(&body)?
    } else {
        let mut rows = Rows {
            columns: names(&["server", "offer_id", "bid", "currency", "active", "my", "floor"]),
            rows: Vec::new(),
        };
        for id in args.servers {
            let body = session.good(Request::SpotMarket { server: ServerId(id) }).await?;
            spot_rows(ServerId(id), &body, &mut rows)?;
        }
        rows
    };
    session.end().await?;
    history::print(global, &rows)
}

pub(super) async fn orders(global: &Global, args: OrdersArgs) -> Result<(), Failure> {
    let mut session = ByHand::open(global, &args.account).await?;
    let request = if args.completed { Request::AllOrders } else { Request::MyOrders };
    let body = session.good(request).await?;
    session.end().await?;
    let columns = names(&["order", "server", "spot", "price", "currency", "spend", "created", "expired", "image"]);
    let orders = clore::my_orders(&body).map_err(unreadable)?.orders;
    let rows = orders.iter().map(|order| {
        let row = &order.row;
        vec![
            number(row.id.0),
            Some(row.server).filter(|s| *s != ServerId::UNKNOWN).map_or(Cell::Null, |s| number(s.0)),
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
    let mut session = ByHand::open(global, &args).await?;
    let body = session.good(Request::Wallets).await?;
    session.end().await?;
    let wallets = clore::wallets(&body).map_err(unreadable)?;
    let rows = wallets.iter().filter_map(clore::WalletRow::wallet);
    let rows = rows.map(|w| vec![text(Some(w.currency)), text(w.balance)]).collect();
    history::print(global, &Rows { columns: names(&["currency", "balance"]), rows })
}

pub(super) async fn cancel(global: &Global, args: CancelArgs) -> Result<(), Failure> {
    let enclosed = enclosed(args.issue.clone()).map_err(|e| Failure::usage(e.to_string()))?;
    let mut by_hand = ByHand::open(global, &args.account).await?;
    by_hand.session.enclose(enclosed);
    // What stands is looked up first, so that the record says on which server and at what price.
    let body = by_hand.good(Request::MyOrders).await?;
    let orders = clore::my_orders(&body).map_err(unreadable)?.orders;
    let standing: BTreeMap<OrderId, (ServerId, Option<Price>)> =
        orders.iter().filter(|o| !o.row.expired).map(|o| (o.row.id, (o.row.server, o.row.price))).collect();
    let ids: Vec<OrderId> = match args.all {
        true => standing.keys().copied().collect(),
        false => args.orders.iter().copied().map(OrderId).collect(),
    };
    let mut rows = Vec::new();
    let mut failed = false;
    for order in ids {
        // One that is not listed may stand all the same: a new order appears late. Nobody knows its server.
        let (server, bid) = standing.get(&order).copied().unwrap_or((ServerId::UNKNOWN, None));
        let answer = by_hand.ask(Request::Cancel { server, order }, bid).await?.answer;
        failed |= answer.outcome() != Outcome::Applied;
        let why = match &answer {
            Answer::Refused(refusal) => Some(refusal.name().to_owned()),
            Answer::Unknown(doubt) => Some(doubt.to_string()),
            _ => None,
        };
        rows.push(vec![number(order.0), text(Some(answer.outcome().code())), text(why)]);
    }
    by_hand.end().await?;
    history::print(global, &Rows { columns: names(&["order", "outcome", "error"]), rows })?;
    if failed { Err(Failure::other("not every order was cancelled; see `clorebid orders`")) } else { Ok(()) }
}

/// A few requests by hand, journaled as a run of their own.
struct ByHand {
    session: Session<Client>,
    seq: u64,
    _locks: [Lock; 2],
}

impl ByHand {
    async fn open(global: &Global, account: &AccountArgs) -> Result<ByHand, Failure> {
        let key: SecretString = live::api_key(account)?;
        logging::start(global, vec![key.clone()], None);
        let held = Account::of(&key, &account.api_url);
        let locks = [Lock::database(global.db())?, Lock::account(&held)?];
        let venue = live::venue(account, key, Vec::new())?;
        let mut journal = Journal::open(global.db()).await?;
        let clock = Clock::system(1);
        let name = venue_text(&venue.name(), held.short());
        let start = RunStart {
            at: clock.now(),
            mode: Mode::Live,
            strategy: "by-hand",
            strategy_toml: "",
            venue: &name,
            seed: None,
            currency: CURRENCY,
            // No memory: the next run goes on from the last one that bid.
            memory: "",
        };
        journal.begin_run(start).await?;
        // Nobody tells it to stop: a request by hand is waited for.
        let (_, stop) = watch::channel(false);
        let enclosed = Enclosure::new(CURRENCY, Vec::new());
        let session = Session::new(journal, clock, venue, enclosed, (CURRENCY, CURRENCY.tick()), stop);
        let rested_at = session.clock().now();
        let session = session.rested(rested_at);
        Ok(ByHand { session, seq: 0, _locks: locks })
    }

    /// One request in its turn. `cancelled_bid`: what the order that it cancels bids.
    async fn ask(&mut self, request: Request, cancelled_bid: Option<Price>) -> Result<Answered, Failure> {
        self.session.wait().await;
        self.seq += 1;
        let at = self.session.clock().now();
        let asked = Asked::plain(self.seq, at, request, &Reason::ByHand.to_string());
        Ok(self.session.send(Asked { cancelled_bid, ..asked }).await?)
    }

    /// The body of a read that must be good.
    async fn good(&mut self, request: Request) -> Result<bytes::Bytes, Failure> {
        let (name, venue) = (api::endpoint(&request), self.session.venue_name());
        let answered = self.ask(request, None).await?;
        let failure = match (answered.answer, answered.reply) {
            (Answer::Refused(Refusal::BadKey), _) => Failure::new(Kind::Key, format!("{venue} refuses the API key")),
            (Answer::Refused(refusal), _) => Failure::other(format!("{name} was refused: {}", refusal.name())),
            (Answer::Unknown(doubt), _) | (_, Reply::None(doubt)) => {
                Failure::other(format!("{venue} gave no good answer to {name}: {doubt}"))
            }
            (_, Reply::Http { body, .. }) => return Ok(body),
        };
        self.end().await?;
        Err(failure)
    }

    async fn end(&mut self) -> Result<(), Failure> {
        let now = self.session.clock().now();
        Ok(self.session.journal().end_run(now, "done").await?)
    }
}

fn enclosed(issue: Option<String>) -> Result<Enclosure, FormError> {
    Enclosure::new(CURRENCY, Vec::new()).with_issue(issue)
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
            text(offer.currency.name()),
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
