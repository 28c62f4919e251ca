//! Plays a scenario through the very stack of a live run: core, loop, session, journal and venue, over processes that end
//! in order or in the middle of anything. Judged by what is true at the venue.

use std::path::Path;
use std::sync::{Arc, Mutex};

use clorebid::api::Enclosure;
use clorebid::clock::Clock;
use clorebid::clore::{OrderForm, RawForm};
use clorebid::core::money::{Amount, Price};
use clorebid::core::policy::adaptive::lessons::Lessons;
use clorebid::core::time::{Span, Time};
use clorebid::history::View;
use clorebid::journal::{Journal, Mode, RunStart};
use clorebid::run::{Driver, resume};
use clorebid::session::Session;
use clorebid::sim::{Exchange, Scenario as Venue, SimVenue};
use clorebid::strategy;
use rust_decimal::Decimal;
use tokio::sync::watch;

use crate::common::{rows, sound};
use crate::scenario::{End, Life, Scenario};

/// What came of it.
pub(crate) struct Verdict {
    pub wrong: Vec<String>,
    pub orders: usize,
    pub requests: usize,
}

/// Plays it.
pub(crate) async fn play(scenario: &Scenario) -> Verdict {
    let folder = tempfile::tempdir().expect("a folder");
    let db = folder.path().join("run.db");
    let mut exchange = Exchange::new(Venue::parse(&scenario.venue).expect("a scenario"), None);
    exchange.keep_log();
    let start = exchange.start();
    let exchange = Arc::new(Mutex::new(exchange));
    let clock = Clock::logical(start, None);
    let mut wrong = Vec::new();
    let mut was_lost = false;
    for life in &scenario.lives {
        live(life, &exchange, &clock, start, &db).await;
        if let Err(why) = sound(&db).await {
            keep(&db);
            wrong.push(format!("after a life that was to end at {}: {why}", life.until));
        }
        if life.end == End::Lost {
            was_lost = true;
            for file in std::fs::read_dir(folder.path()).expect("the folder") {
                std::fs::remove_file(file.expect("a file").path()).expect("removed");
            }
        }
    }
    let mut exchange = exchange.lock().expect("the venue").clone();
    exchange.advance(clock.now());
    wrong.extend(at_the_venue(scenario, &exchange));
    // Without its journal the bot cannot know what was spent, and leaves orders alone that may be dead.
    if !was_lost {
        wrong.extend(as_was_wanted(scenario, &exchange));
        wrong.extend(in_the_books(scenario, &exchange, &db).await);
    }
    if !wrong.is_empty() && !was_lost {
        keep(&db);
    }
    Verdict { wrong, orders: exchange.orders().len(), requests: exchange.log().len() }
}

/// Keeps a journal to look at, where `STACK_KEEP` says.
fn keep(db: &Path) {
    let Ok(to) = std::env::var("STACK_KEEP") else { return };
    for log in ["", "-wal"] {
        // There is no log where a run ended in order.
        let _ = std::fs::copy(format!("{}{log}", db.display()), format!("{to}{log}"));
    }
}

/// One process, from its start to its end, and the time until the next.
async fn live(life: &Life, exchange: &Arc<Mutex<Exchange>>, clock: &Clock, start: Time, db: &Path) {
    let key = exchange.lock().expect("the venue").key().to_owned();
    let venue = SimVenue::new(Arc::clone(exchange), clock.clone(), key);
    let file = strategy::read(&life.strategy, "random.toml").expect("a strategy");
    let mut journal = Journal::open(db).await.expect("a journal");
    let left = journal.last_memory(Mode::Paper, "random").await.expect("a memory");
    let at = clock.now();
    let begun = match &left {
        Some(left) => resume::go_on(file.strategy.clone(), false, left, &Lessons::default(), at)
            .expect("a memory that can be read"),
        None => resume::anew(file.strategy.clone(), false, &Lessons::default(), at),
    };
    let run = RunStart {
        at,
        mode: Mode::Paper,
        strategy: &file.strategy.name,
        strategy_toml: &file.text,
        venue: "random",
        seed: None,
        currency: file.strategy.currency,
        memory: &begun.memory,
    };
    journal.begin_run(run).await.expect("a run");
    let (_keep, stop) = watch::channel(false);
    let form = OrderForm::new(RawForm { image: "cloreai/ubuntu22.04-cuda12".to_owned(), ..RawForm::default() });
    let enclosed = Enclosure::new(file.strategy.currency, vec![form.expect("a form"); file.orders.len()]);
    let shown_in = (file.strategy.currency, file.strategy.venue.tick);
    let session = Session::new(journal, clock.clone(), venue, enclosed, shown_in, stop.clone());
    let session = if left.is_some() { session.rested_from_creates(at) } else { session.rested(at) };
    let mut driver = Driver { engine: begun.engine, session, watcher: (), cancel_on_exit: false, stop };
    let until = start + Span::from_secs(i64::try_from(life.until).expect("a time"));
    if life.end == End::Told {
        driver.run(Some(until)).await.expect("a run that can be journaled");
    } else {
        tokio::select! {
            biased;
            () = struck(clock, until) => {}
            ended = driver.run(None) => drop(ended.expect("a run that can be journaled")),
        }
    }
    drop(driver);
    clock.sleep_until(clock.now().max(until) + Span::from_secs(i64::try_from(life.gap).expect("a time"))).await;
}

/// Ends at that moment, whatever else goes on.
async fn struck(clock: &Clock, at: Time) {
    while clock.now() < at {
        tokio::task::yield_now().await;
    }
}

fn at_the_venue(scenario: &Scenario, exchange: &Exchange) -> Vec<String> {
    let mut wrong = Vec::new();
    let open = exchange.open_orders();
    if open.len() > scenario.want {
        wrong.push(format!("{} orders stand for {} wanted: {open:?}", open.len(), scenario.want));
    }
    let max = Price::parse("0.00006").expect("a price");
    let dear = exchange.orders().into_iter().find(|order| order.price > max);
    wrong.extend(dear.map(|order| format!("a bid above max_bid: {order:?}")));
    for entry in exchange.log().iter().filter(|entry| entry.code == Some(5) && entry.fault.is_none()) {
        wrong.push(format!("a request too early: {entry:?}"));
    }
    wrong
}

/// What is charged, and what is held in the end.
fn as_was_wanted(scenario: &Scenario, exchange: &Exchange) -> Vec<String> {
    let (mut wrong, open) = (Vec::new(), exchange.open_orders());
    let max = Price::parse("0.00006").expect("a price");
    let spent: Amount = exchange.orders().iter().fold(Amount::ZERO, |sum, order| sum.plus(order.spend));
    match scenario.max_total {
        Some(most) => {
            // While reads or cancellations fail, what stands costs on.
            let most = Amount::parse(most).expect("a sum");
            let minutes = 45 + i64::try_from(scenario.blind).expect("a time");
            let gap = max.accrue(Span::from_secs(minutes * 60)).amount().decimal() * Decimal::from(scenario.want);
            if spent.decimal() > most.decimal() + gap {
                wrong.push(format!("{spent} was charged, and max_total_cost is {most}"));
            }
        }
        None => {
            let held = open.iter().filter(|order| order.holding).count();
            if held < scenario.want {
                wrong.push(format!("{held} of {} are held after all is quiet", scenario.want));
            }
        }
    }
    wrong
}

/// What the books say was spent, against what was charged.
async fn in_the_books(scenario: &Scenario, exchange: &Exchange, db: &Path) -> Vec<String> {
    let sum = |all: Vec<Decimal>| all.into_iter().sum::<Decimal>();
    let spend = rows(db, View::Spend).await;
    let ours = sum(spend.iter().map(|day| day["cost"].parse().expect("a sum")).collect());
    let charged = sum(exchange.orders().iter().map(|order| order.spend.decimal()).collect());
    let max = Price::parse("0.00006").expect("a price");
    // The venue counts whole minutes, and between two processes and while reads fail nobody watches.
    let minutes = 4
        + 3 * i64::try_from(scenario.lives.len()).expect("a few")
        + i64::try_from(exchange.evictions().len()).expect("some");
    let gaps: u64 = scenario.lives.iter().map(|life| life.gap).sum();
    let blind = i64::try_from(gaps + 60 * scenario.blind).expect("a time");
    let unsure = Span::from_secs(minutes * 60 + blind);
    let off = max.accrue(unsure).amount().decimal() * Decimal::from(scenario.want);
    if (ours - charged).abs() > off {
        return vec![format!("the books say {ours} for holding, the venue charged {charged}, unsure is {off}")];
    }
    Vec::new()
}
