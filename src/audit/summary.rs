//! What was held of each target and server, how often it was lost and what it cost, beside what renting on demand would
//! have cost for the same time. Live, dry and paper money is never added up, nor is that of different coins.
//!
//! A stretch that goes on counts up to the last moment that its run has on record. Sums are exact and divided once for
//! showing, so the sum of several may differ from that of the view `spend` in the eighteenth place.

use std::collections::BTreeMap;

use clorebid_core::ids::ServerId;
use clorebid_core::money::{Accrual, Amount, Currency, Price};
use clorebid_core::request::{Answer, Request};
use clorebid_core::stretch::{Held, Stretch};
use clorebid_core::time::Time;
use rust_decimal::Decimal;

use crate::api;
use crate::audit::replay::{Recorded, ReplayError, recorded_run};
use crate::history::{Cell, Filter, History, HistoryError, Rows};
use crate::wire::Reply;

use super::status::{keys, recorded_until};

/// The columns of a summary.
const COLUMNS: [&str; 9] =
    ["mode", "currency", "target", "server", "held_seconds", "interruptions", "cost", "fees", "on_demand_cost"];

/// Mode, coin, target and server.
type Place = (String, String, String, i64);

/// What came together at one place.
#[derive(Debug)]
struct Sum {
    held: Held,
    charged: Amount,
    interruptions: i64,
    /// Nothing where a part of it has no price on record.
    on_demand: Option<Accrual>,
}

impl Default for Sum {
    fn default() -> Sum {
        let on_demand = Some(Accrual::of(Amount::ZERO));
        Sum { held: Held::NONE, charged: Amount::ZERO, interruptions: 0, on_demand }
    }
}

/// What the filter lets through, of every run or of those of one mode. Backtests are left out unless they are asked for.
///
/// # Errors
/// When the journal cannot be read.
pub async fn summary(history: &mut History, filter: &Filter, mode: Option<&str>) -> Result<Rows, ReplayError> {
    history.hold_still().await?;
    let rows = at_one_moment(history, filter, mode).await;
    history.go_on().await?;
    rows
}

async fn at_one_moment(history: &mut History, filter: &Filter, mode: Option<&str>) -> Result<Rows, ReplayError> {
    let mut sums: BTreeMap<Place, Sum> = BTreeMap::new();
    let runs = history.sql("SELECT run_id, currency FROM run_starts ORDER BY run_id").await?.rows;
    for row in runs {
        let [Cell::Integer(run_id), Cell::Text(currency)] = row.as_slice() else { continue };
        let Some(run) = recorded_run(history, *run_id).await? else { continue };
        let is_wanted = mode.map_or(run.mode != "backtest", |mode| mode == run.mode);
        if is_wanted && filter.run.is_none_or(|wanted| wanted == *run_id) {
            Books { run: &run, currency, filter, sums: &mut sums }.add(history).await?;
        }
    }
    let row = |((mode, currency, target, server), sum): (Place, Sum)| {
        vec![
            Cell::Text(mode),
            Cell::Text(currency),
            Cell::Text(target),
            Cell::Integer(server),
            Cell::Integer(sum.held.time.ms() / 1000),
            Cell::Integer(sum.interruptions),
            Cell::Text(sum.held.cost.amount().to_string()),
            Cell::Text(sum.held.fees.amount().plus(sum.charged).to_string()),
            sum.on_demand.map_or(Cell::Null, |cost| Cell::Text(cost.amount().to_string())),
        ]
    };
    let mut rows: Vec<Vec<Cell>> = sums.into_iter().map(row).collect();
    if let Some(limit) = filter.limit {
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(Rows { columns: COLUMNS.map(str::to_owned).to_vec(), rows })
}

/// One run, and where it is added up.
struct Books<'a> {
    run: &'a Recorded,
    currency: &'a str,
    filter: &'a Filter,
    sums: &'a mut BTreeMap<Place, Sum>,
}

impl Books<'_> {
    async fn add(&mut self, history: &mut History) -> Result<(), ReplayError> {
        let until = recorded_until(history, self.run).await?;
        let until = self.run.ended_at.map_or(until, |ended_at| ended_at.max(until));
        let on_demand = self.on_demand(history).await?;
        self.add_stretches(history, until, &on_demand).await?;
        self.add_rows(history).await?;
        Ok(())
    }

    /// The sum of that place, if the filter lets it through.
    fn at(&mut self, target: &str, server: i64) -> Option<&mut Sum> {
        let is_server = self.filter.server.is_none_or(|wanted| u64::try_from(server) == Ok(wanted));
        let is_wanted = is_server && self.filter.target.as_deref().is_none_or(|wanted| wanted == target);
        let place = (self.run.mode.clone(), self.currency.to_owned(), target.to_owned(), server);
        is_wanted.then(|| self.sums.entry(place).or_default())
    }

    fn window(&self) -> (Time, Time) {
        let (since, until) = (self.filter.since, self.filter.until);
        (since.unwrap_or(Time::from_ms(i64::MIN)), until.unwrap_or(Time::from_ms(i64::MAX)))
    }

    async fn add_stretches(
        &mut self,
        history: &mut History,
        run_until: Time,
        on_demand: &BTreeMap<i64, Price>,
    ) -> Result<(), HistoryError> {
        let (since, until) = self.window();
        let keys = keys(self.run.run_id);
        // What the venue adds is told by its list, often only after the stretch began.
        let sql = format!(
            "SELECT s.target, s.server, s.bid, s.from_at, e.to_at, coalesce((SELECT w.words FROM notice_rows w \
               WHERE w.id {keys} AND w.kind = 'fee_told' AND w.offer = s.offer ORDER BY w.id DESC LIMIT 1), \
               s.fee_percent) \
             FROM stretches s LEFT JOIN stretch_ends e ON e.stretch_id = s.id WHERE s.id {keys}"
        );
        for row in history.sql(&sql).await?.rows {
            let [Cell::Text(target), Cell::Integer(server), Cell::Text(bid), Cell::Integer(from), to, Cell::Text(fee)] =
                row.as_slice()
            else {
                continue;
            };
            let (Ok(bid), Ok(fee)) = (Price::parse(bid), fee.parse::<Decimal>()) else { continue };
            let from = Time::from_ms(*from).max(since);
            let to = to.int().map_or(run_until, Time::from_ms).min(until);
            let Some(sum) = self.at(target, *server).filter(|_| to >= from) else { continue };
            sum.held = sum.held.plus(Stretch { bid, from }.held(to, fee));
            let price = on_demand.get(server);
            sum.on_demand = sum.on_demand.zip(price).map(|(all, price)| all.plus(price.accrue(to.since(from))));
        }
        Ok(())
    }

    async fn add_rows(&mut self, history: &mut History) -> Result<(), HistoryError> {
        let (since, until) = self.window();
        let (keys, between) = (keys(self.run.run_id), format!("BETWEEN {} AND {}", since.ms(), until.ms()));
        let lost = format!(
            "SELECT target, server, NULL FROM transitions WHERE id {keys} AND at {between} \
             AND from_state = 'holding' AND to_state <> 'cancelling' \
             UNION ALL SELECT target, server, amount FROM notice_rows WHERE id {keys} AND at {between} \
             AND kind = 'creation_fee'"
        );
        for row in history.sql(&lost).await?.rows {
            let [Cell::Text(target), Cell::Integer(server), amount] = row.as_slice() else { continue };
            let Some(sum) = self.at(target, *server) else { continue };
            match amount.text().and_then(|text| Amount::parse(text).ok()) {
                Some(fee) => sum.charged = sum.charged.plus(fee),
                None => sum.interruptions += 1,
            }
        }
        Ok(())
    }

    /// The on-demand price of each server, as the last marketplace that the run read shows it.
    async fn on_demand(&self, history: &mut History) -> Result<BTreeMap<i64, Price>, HistoryError> {
        let Some(currency) = Currency::from_name(self.currency) else { return Ok(BTreeMap::new()) };
        let sql = format!(
            "SELECT p.status, r.reply_id FROM reads r JOIN calls c ON c.id = r.call_id JOIN replies p ON p.id = r.reply_id \
             WHERE r.id {} AND c.call = 'marketplace' AND p.outcome = 'applied' ORDER BY r.id DESC LIMIT 1",
            keys(self.run.run_id)
        );
        let rows = history.sql(&sql).await?.rows;
        let Some([status, Cell::Integer(reply)]) = rows.first().map(Vec::as_slice) else { return Ok(BTreeMap::new()) };
        let status = status.int().and_then(|status| u16::try_from(status).ok());
        let reply = Reply::recorded(status, history.reply_body(*reply).await?, None);
        let Answer::Listing(listing) = api::decode(&Request::Marketplace, &reply) else { return Ok(BTreeMap::new()) };
        let number = |ServerId(id): ServerId| i64::try_from(id).unwrap_or(i64::MAX);
        let price =
            |server: clorebid_core::market::ListedServer| Some((number(server.id), server.on_demand.get(currency)?));
        Ok(listing.servers.into_iter().filter_map(price).collect())
    }
}
