//! `record`: writes down what the venue answers. It only reads, through the same governor and journal as a run.

use std::time::Duration;

use clorebid_core::ids::ServerId;
use clorebid_core::market::Listing;
use clorebid_core::money::{Currency, Price};
use clorebid_core::request::{Answer, Doubt, Refusal, Request};
use clorebid_core::strategy::{Choice, Strategy};
use clorebid_core::time::{Span, Time};
use tokio::sync::watch;
use tracing::{debug, info, trace, warn};

use super::args::{Global, RecordArgs};
use super::{Failure, Kind, check, live, logging, shutdown};
use crate::account::Account;
use crate::api::{self, Enclosure};
use crate::client::Client;
use crate::clock::{Clock, rfc3339};
use crate::journal::{Journal, Mode, RunStart, venue_text};
use crate::lock::Lock;
use crate::session::{Answered, Asked, Session, Venue};
use crate::tape::Writer;
use crate::wire::Reply;

/// How often the marketplace, and our orders and wallets, are read.
const EVERY_MINUTE: Span = Span::from_secs(60);
/// The longest wait after failures in a row; the first is a second.
const BACKOFF_MAX: Span = Span::from_secs(60);
/// So many requests in a row at the start without any answer mean that nobody is there.
const UNREACHABLE_MAX: u32 = 5;
/// A key that was good before is given up after so many refusals in a row.
const BAD_KEYS_MAX: u32 = 3;

pub(super) async fn record(global: &Global, args: RecordArgs) -> Result<(), Failure> {
    if args.time_scale != 1 && !live::is_loopback(&args.account.api_url) {
        return Err(Failure::usage("--time-scale is only for an API on this machine"));
    }
    let strategy = match &args.strategy {
        Some(file) => Some(check::read(global, file)?.strategy),
        None => None,
    };
    let key = live::api_key(&args.account)?;
    logging::start(global, vec![key.clone()], None);
    let stop = shutdown::on_signal()?;
    let account = Account::of(&key, &args.account.api_url);
    let _locks = [Lock::database(global.db())?, Lock::account(&account)?];
    let venue = live::venue(&args.account, key, Vec::new())?;
    let tape = Writer::append(&args.out)?;
    if let Some(cut) = tape.repaired() {
        warn!("{cut}; recording goes on behind it");
    }
    // A tape goes forward in time, even if the clock that it was begun with ran fast.
    let earliest = tape.last_at().unwrap_or(Time::from_ms(i64::MIN));
    let clock = Clock::system_after(earliest, args.time_scale);
    let plan = Plan::new(&args, strategy.as_ref(), clock.now());
    let shown_in = shown_in(strategy.as_ref());
    let mut journal = Journal::open(global.db()).await?;
    begin(&mut journal, clock.now(), &venue.name(), &account, shown_in.0).await?;
    let until = args.duration.map(|span| clock.now() + span);
    let enclosed = Enclosure::new(shown_in.0, Vec::new());
    let session = Session::new(journal, clock, venue, enclosed, shown_in, stop.clone());
    let rested_at = session.clock().now();
    let session = session.rested(rested_at);
    let (seq, health, count) = (0, Health::default(), Count::default());
    let mut recorder = Recorder { session, tape, plan, strategy, stop, seq, health, count };
    let ended = recorder.run(until).await;
    recorder.end(ended, &args).await
}

async fn begin(
    journal: &mut Journal,
    at: Time,
    venue: &str,
    account: &Account,
    currency: Currency,
) -> Result<(), Failure> {
    let start = RunStart {
        at,
        mode: Mode::Live,
        strategy: "record",
        strategy_toml: "",
        venue: &venue_text(venue, account.short()),
        seed: None,
        currency,
        // No memory: the next run goes on from the last one that bid.
        memory: "",
    };
    let run = journal.begin_run(start).await?;
    info!(run, venue, "run {run}: recording {venue}");
    Ok(())
}

/// What the journal shows prices in, and their resolution: as the strategy has it, if there is one.
fn shown_in(strategy: Option<&Strategy>) -> (Currency, Price) {
    let usual = (Currency::Bitcoin, Currency::Bitcoin.tick());
    strategy.map_or(usual, |s| (s.currency, s.venue.tick))
}

/// What is asked next.
struct Plan {
    items: Vec<Item>,
    every: Span,
}

struct Item {
    read: Request,
    every: Span,
    due: Time,
}

impl Plan {
    fn new(args: &RecordArgs, strategy: Option<&Strategy>, now: Time) -> Plan {
        let mut plan = Plan { items: Vec::new(), every: args.every.unwrap_or(Span::ZERO) };
        let mut often = vec![Request::Marketplace];
        if args.with_account {
            often.extend([Request::MyOrders, Request::Wallets]);
        }
        plan.items.extend(often.into_iter().map(|read| Item { read, every: EVERY_MINUTE, due: now }));
        for id in &args.servers {
            plan.add(ServerId(*id), now);
        }
        for target in strategy.iter().flat_map(|s| &s.targets) {
            if let Choice::Servers(ids) = &target.choice {
                ids.iter().for_each(|id| plan.add(*id, now));
            }
        }
        plan
    }

    /// One more server, unless it is read already.
    fn add(&mut self, server: ServerId, now: Time) {
        let read = Request::SpotMarket { server };
        if !self.items.iter().any(|item| item.read == read) {
            self.items.push(Item { read, every: self.every, due: now });
        }
    }

    /// What has waited longest: without `--every` a server is due again as soon as it was read, behind all the others.
    fn next(&mut self) -> Option<&mut Item> {
        self.items.iter_mut().min_by_key(|item| item.due)
    }
}

impl Item {
    /// It was asked at `at`. Where the pace could be kept, the times stay even.
    fn asked(&mut self, at: Time) {
        let even = self.due + self.every;
        self.due = if even > at { even } else { at + self.every };
    }
}

/// How the venue has been answering.
#[derive(Default)]
struct Health {
    ever_answered: bool,
    failures: u32,
    bad_keys: u32,
}

/// What the summary says.
#[derive(Default)]
struct Count {
    failed: u64,
    first: Option<Time>,
}

/// Why recording ended in order.
#[derive(Clone, Copy)]
enum Ended {
    Time,
    Signal,
}

struct Recorder {
    session: Session<Client>,
    tape: Writer,
    plan: Plan,
    strategy: Option<Strategy>,
    stop: watch::Receiver<bool>,
    seq: u64,
    health: Health,
    count: Count,
}

impl Recorder {
    async fn run(&mut self, until: Option<Time>) -> Result<Ended, Failure> {
        loop {
            let Some(item) = self.plan.next() else { return Ok(Ended::Time) };
            let at = self.session.free_at().map_or(item.due, |free| free.max(item.due));
            self.rest_until(until.map_or(at, |until| at.min(until))).await;
            let now = self.session.clock().now();
            if *self.stop.borrow() {
                return Ok(Ended::Signal);
            }
            if until.is_some_and(|until| now >= until) {
                return Ok(Ended::Time);
            }
            self.session.journal().flush_if_due().await?;
            if now < at {
                continue;
            }
            let Some(item) = self.plan.next() else { return Ok(Ended::Time) };
            item.asked(now);
            let read = item.read;
            self.ask(read, now).await?;
        }
    }

    /// Waits until `at`, or until told to stop; wakes once a second so that the journal can be flushed.
    async fn rest_until(&mut self, at: Time) {
        while self.session.clock().now() < at && !*self.stop.borrow() {
            let mut stop = self.stop.clone();
            tokio::select! {
                biased;
                () = self.session.clock().sleep_until(at) => return,
                _ = stop.wait_for(|stopped| *stopped) => return,
                () = tokio::time::sleep(Duration::from_secs(1)) => {
                    if self.session.journal().flush_if_due().await.is_err() {
                        // The next request meets the same failure and reports it.
                        return;
                    }
                }
            }
        }
    }

    /// One request through the session onto the tape.
    async fn ask(&mut self, read: Request, now: Time) -> Result<(), Failure> {
        self.seq += 1;
        let asked = Asked::plain(self.seq, now, read, "to be recorded");
        let Answered { at, answer, reply } = self.session.send(asked).await?;
        if let (Reply::Http { status, body }, false) = (&reply, answer == Answer::Refused(Refusal::BadKey)) {
            self.tape.write(at, &read, *status, body)?;
            self.count.first.get_or_insert(at);
        }
        if let Answer::Listing(listing) = &answer {
            self.add_matching(listing, at);
        }
        self.judge(&read, &answer, at)
    }

    /// A match target is on whatever the marketplace lists that fits; what fitted once is read from then on.
    fn add_matching(&mut self, listing: &Listing, now: Time) {
        let Some(strategy) = &self.strategy else { return };
        let before = self.plan.items.len();
        for target in &strategy.targets {
            for server in listing.servers.iter().filter(|s| target.choice.takes(s, strategy.currency)) {
                self.plan.add(server.id, now);
            }
        }
        if self.plan.items.len() > before {
            info!("{} more servers fit the strategy", self.plan.items.len() - before);
        }
    }

    /// Waits longer after each failure, and ends where going on is pointless.
    fn judge(&mut self, read: &Request, answer: &Answer, now: Time) -> Result<(), Failure> {
        let health = &mut self.health;
        let why = match answer {
            Answer::Refused(refusal) => refusal.name().to_owned(),
            Answer::Unknown(doubt) => doubt.to_string(),
            _ => {
                *health = Health { ever_answered: true, ..Health::default() };
                trace!("{} {}", api::endpoint(read), api::read_args(read));
                return Ok(());
            }
        };
        debug!("{} {}: {why}", api::endpoint(read), api::read_args(read));
        self.count.failed += 1;
        let venue = self.session.venue_name();
        let failures = match answer {
            Answer::Refused(Refusal::BadKey) => {
                health.bad_keys += 1;
                if !health.ever_answered || health.bad_keys >= BAD_KEYS_MAX {
                    let what = format!("{venue} refuses the API key; make a new one at the venue's site");
                    return Err(Failure::new(Kind::Key, what));
                }
                health.bad_keys
            }
            // Such as a server that is gone: an answer like any other.
            Answer::Refused(refusal) if *refusal != Refusal::RateLimited => return Ok(()),
            Answer::Unknown(Doubt::Interrupted) => return Ok(()),
            _ => {
                let silent = matches!(answer, Answer::Unknown(Doubt::Unreachable | Doubt::TimedOut | Doubt::Broken));
                health.ever_answered |= !silent;
                health.failures += 1;
                if !health.ever_answered && health.failures >= UNREACHABLE_MAX {
                    let what = format!("nobody answers at {venue}; is the address right, and the network up?");
                    return Err(Failure::other(what));
                }
                health.failures
            }
        };
        let pause = Span::from_secs(1).times(1 << failures.saturating_sub(1).min(10)).min(BACKOFF_MAX);
        if failures == 3 {
            warn!("{venue} keeps failing ({why}); trying again, at the latest every {BACKOFF_MAX}");
        }
        let resume = now + pause;
        self.plan.items.iter_mut().for_each(|item| item.due = item.due.max(resume));
        Ok(())
    }

    /// Closes tape and journal whatever happened, and sums up.
    async fn end(mut self, ended: Result<Ended, Failure>, args: &RecordArgs) -> Result<(), Failure> {
        let now = self.session.clock().now();
        let (records, first, last) = (self.tape.count(), self.count.first, self.tape.last_at());
        let closed = self.tape.finish();
        let ended_by = match &ended {
            Ok(Ended::Time) => "time",
            Ok(Ended::Signal) => "signal",
            Err(_) => "failed",
        };
        let journaled = self.session.journal().end_run(now, ended_by).await;
        let out = args.out.display();
        let failed = match self.count.failed {
            0 => String::new(),
            n => format!("; {n} of {} requests were not answered well", self.seq),
        };
        match first.zip(last).filter(|_| records > 0) {
            Some((first, last)) => {
                let (from, to) = (rfc3339(first), rfc3339(last));
                info!("{records} records over {} ({from} to {to}) on {out}{failed}", last.since(first));
            }
            None => info!("nothing was recorded on {out}{failed}"),
        }
        ended?;
        closed?;
        Ok(journaled?)
    }
}
