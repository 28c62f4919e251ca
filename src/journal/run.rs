//! One run as it is being written: its waiting rows, its open requests, what it can name instead of repeating.

use std::collections::{BTreeMap, VecDeque};

use chrono::DateTime;
use clorebid_core::event::Event;
use clorebid_core::ids::{OrderId, ServerId, TargetId};
use clorebid_core::money::Price;
use clorebid_core::time::{Span, Time};
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

use super::bodies::Packer;
use super::buffer::Buffer;
use super::ledger::{Ended, Ledger};
use super::tables::{Hash, Table, Value, feed_text};
use super::{Received, Sent};

/// So many distinct calls are remembered; a market of every server fits several times over.
const CALLS_MAX: usize = 4096;

/// A read on its way.
#[derive(Debug)]
struct OpenRead {
    seq: u32,
    at: Time,
    call: u32,
    endpoint: &'static str,
    reason: String,
}

/// A call that was made before.
#[derive(Debug, Clone, Copy)]
struct KnownCall {
    n: u32,
    /// Its last answer: a hash over all of it, and the reply's number.
    last: Option<(Hash, u32)>,
}

/// Everything about a run that its next row depends on.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) buffer: Buffer,
    pub(crate) last_seq: u32,
    /// The last moment that it was told of.
    now: Time,
    calls: BTreeMap<Hash, KnownCall>,
    reads: VecDeque<(OpenRead, Hash)>,
    /// Changes without an answer, with the endpoint each went to.
    changes: BTreeMap<u32, &'static str>,
    packer: Packer,
    ledger: Ledger,
}

impl Run {
    pub(crate) fn new(id: i64, hash: &Hash) -> Run {
        Run {
            buffer: Buffer::new(id, hash),
            last_seq: 0,
            now: Time::from_ms(0),
            calls: BTreeMap::new(),
            reads: VecDeque::new(),
            changes: BTreeMap::new(),
            packer: Packer::default(),
            ledger: Ledger::default(),
        }
    }

    /// A read sets out: it gets its row when it is answered.
    pub(crate) fn intend_read(&mut self, seq: u32, sent: Sent<'_>) {
        self.last_seq = seq;
        let known = call_hash(&sent);
        let call = match self.calls.get(&known) {
            Some(call) => call.n,
            None => self.new_call(known, &sent),
        };
        let read = OpenRead { seq, at: sent.at, call, endpoint: sent.call, reason: sent.reason };
        self.reads.push_back((read, known));
    }

    fn new_call(&mut self, known: Hash, sent: &Sent<'_>) -> u32 {
        if self.calls.len() >= CALLS_MAX {
            // Forgetting costs a row for each call made again, and nothing else.
            self.calls.clear();
        }
        let n = self.buffer.push(
            Table::Calls,
            [
                Value::text(Some(sent.call)),
                Value::text(Some(&sent.args)),
                Value::text(Some(&sent.request)),
                Value::text(sent.target),
            ],
        );
        self.calls.insert(known, KnownCall { n, last: None });
        n
    }

    /// A change sets out: every read before it gets its row, answered or not.
    pub(crate) fn intend_change(&mut self, seq: u32, sent: &Sent<'_>, bid: &super::BidSent) {
        self.last_seq = seq;
        self.give_up_reads(u32::MAX);
        self.changes.insert(seq, sent.call);
        self.buffer.push_at(
            Table::Changes,
            seq,
            [
                Value::Int(sent.at.ms()),
                Value::text(Some(sent.call)),
                Value::text(Some(&sent.args)),
                Value::text(Some(&sent.request)),
                Value::text(sent.target),
                Value::text(Some(&sent.reason)),
                Value::text(Some(bid.action.code())),
                Value::id(bid.server.0),
                bid.order.map_or(Value::Null, |order| Value::id(order.0)),
                Value::text(bid.old_price),
                Value::text(bid.new_price),
            ],
        );
    }

    /// Writes the reads before `seq` as never answered. Rows go in by number, so one left open would bar the later.
    pub(crate) fn give_up_reads(&mut self, seq: u32) {
        while self.reads.front().is_some_and(|(read, _)| read.seq < seq) {
            let Some((read, _)) = self.reads.pop_front() else { return };
            self.push_read(read, None);
        }
    }

    fn push_read(&mut self, read: OpenRead, answered: Option<(Time, u32)>) {
        self.buffer.push_at(
            Table::Reads,
            read.seq,
            [
                Value::Int(read.at.ms()),
                Value::int(answered.map(|(at, _)| at.since(read.at).ms())),
                Value::Int(read.call.into()),
                Value::int(answered.map(|(_, reply)| reply)),
                Value::Text(read.reason),
            ],
        );
    }

    /// Whether `seq` is a read on its way.
    pub(crate) fn is_open_read(&self, seq: u32) -> bool {
        self.reads.iter().any(|(read, _)| read.seq == seq)
    }

    /// Whether `seq` is a change without an answer, and no later one has been answered.
    pub(crate) fn is_open_change(&mut self, seq: u32) -> bool {
        self.changes.contains_key(&seq) && seq >= self.buffer.next(Table::Answers)
    }

    /// A read was answered.
    pub(crate) fn answer_read(&mut self, seq: u32, received: &Received) {
        self.give_up_reads(seq);
        let Some((read, known)) = self.reads.pop_front() else { return };
        let whole = answer_hash(received);
        let last = self.calls.get(&known).and_then(|call| call.last);
        let reply = match last {
            Some((hash, reply)) if hash == whole => reply,
            _ => self.push_reply(Some(read.endpoint), received),
        };
        if let Some(call) = self.calls.get_mut(&known) {
            call.last = Some((whole, reply));
        }
        self.push_read(read, Some((received.at, reply)));
    }

    /// A change was answered.
    pub(crate) fn answer_change(&mut self, seq: u32, received: &Received) {
        self.changes.remove(&seq);
        let reply = self.push_reply(None, received);
        self.buffer.push_at(
            Table::Answers,
            seq,
            [
                Value::Int(received.at.ms()),
                Value::Int(reply.into()),
                received.offer_id.map_or(Value::Null, |order| Value::id(order.0)),
            ],
        );
    }

    /// An answer of its own row. A read names its endpoint, whose earlier answer it is packed against.
    fn push_reply(&mut self, endpoint: Option<&'static str>, received: &Received) -> u32 {
        let packed = match endpoint {
            Some(endpoint) => self.packer.pack(endpoint, self.buffer.next(Table::Replies), &received.body),
            None => self.packer.alone(&received.body),
        };
        let reply = self.buffer.push(
            Table::Replies,
            [
                Value::int(received.status),
                Value::int(received.code),
                Value::text(received.error.as_ref()),
                Value::text(Some(received.outcome.code())),
                Value::Int(packed.encoding),
                Value::int(packed.base),
                Value::Int(i64::try_from(packed.size).unwrap_or(i64::MAX)),
                Value::Blob(packed.body),
            ],
        );
        if let Some(seen) = &received.sighting {
            self.buffer.push_at(
                Table::Sightings,
                reply,
                [
                    Value::id(seen.server.0),
                    Value::text(seen.floor),
                    Value::text(seen.best_rival),
                    Value::text(seen.our_bid),
                    Value::Int(seen.holding.into()),
                    Value::Int(seen.online.into()),
                    Value::text(Some(&seen.visibility)),
                ],
            );
        }
        reply
    }

    /// What the core is to start with next time.
    pub(crate) fn remember(&mut self, seq: u64, before: bool, at: Time, memory: &str) {
        let packed = self.packer.alone(memory.as_bytes());
        self.buffer.push(
            Table::Memories,
            [
                Value::id(seq),
                Value::Int(before.into()),
                Value::Int(at.ms()),
                Value::Int(packed.encoding),
                Value::Int(i64::try_from(packed.size).unwrap_or(i64::MAX)),
                Value::Blob(packed.body),
            ],
        );
    }

    /// Something the core said.
    pub(crate) fn note<'a>(&mut self, seq: u64, at: Time, target_name: impl Fn(TargetId) -> &'a str, change: &Event) {
        match *change {
            Event::State { target, server, from, to, cause } => {
                let target = Value::text(Some(target_name(target)));
                let [from, to, cause] = [from.code(), to.code(), cause.code()].map(|code| Value::text(Some(code)));
                let row = [Value::id(seq), Value::Int(at.ms()), target, Value::id(server.0), from, to, cause];
                self.buffer.push(Table::Transitions, row);
            }
            Event::HoldingFrom { target, server, order, bid, fee_percent, since } => {
                self.end_stretch(seq, at, order.0);
                let stretch = self.begin_stretch(seq, since, target_name(target), (server, order), bid, fee_percent);
                self.ledger.begin(order.0, stretch, bid, fee_percent, since);
            }
            Event::HoldingTo { order, .. } => self.end_stretch(seq, at, order.0),
            Event::HeldUnwatched { target, server, order, bid, fee_percent, from, to } => {
                let stretch = self.begin_stretch(seq, from, target_name(target), (server, order), bid, fee_percent);
                let cost = self.ledger.past(bid, fee_percent, from, to);
                self.stretch_ended(seq, &Ended { number: stretch, at: to, cost });
            }
            Event::FeeTold { target, server, order, percent } => {
                self.ledger.fee_told(order.0, percent);
                let rest = [Value::Null, Value::Null, Value::text(Some(percent.normalize()))];
                self.notice(seq, at, "fee_told", Some(target_name(target)), server, Some(order), rest);
            }
            Event::VenueSpent { more, .. } => self.ledger.venue_told(more, at),
            Event::CreationFee { target, server, order, amount } => {
                self.ledger.charge(amount, at);
                let amount = Value::text(Some(amount));
                let rest = [amount, Value::Null, Value::Null];
                self.notice(seq, at, "creation_fee", Some(target_name(target)), server, Some(order), rest);
            }
            Event::Denied { target, server, denial } => {
                let rest = [Value::Null, Value::text(Some(denial.code())), Value::text(Some(denial))];
                self.notice(seq, at, "denied", Some(target_name(target)), server, None, rest);
            }
            Event::ForeignOrder { server, order, counts_for } => {
                let rest = [Value::Null, Value::Null, Value::Null];
                self.notice(seq, at, "foreign_order", counts_for.map(target_name), server, Some(order), rest);
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn notice(
        &mut self,
        seq: u64,
        at: Time,
        kind: &str,
        target: Option<&str>,
        server: ServerId,
        order: Option<OrderId>,
        [amount, code, words]: [Value; 3],
    ) {
        let row = [
            Value::id(seq),
            Value::Int(at.ms()),
            Value::text(Some(kind)),
            Value::text(target),
            Value::id(server.0),
            order.map_or(Value::Null, |order| Value::id(order.0)),
            amount,
            code,
            words,
        ];
        self.buffer.push(Table::Notices, row);
    }

    /// The machine's clock did not go on evenly before that request.
    pub(crate) fn note_jump(&mut self, seq: u64, at: Time, words: &str) {
        let kind = Value::text(Some("clock_jump"));
        let none = || Value::Null;
        let words = Value::text(Some(words));
        let row = [Value::id(seq), Value::Int(at.ms()), kind, none(), none(), none(), none(), none(), words];
        self.buffer.push(Table::Notices, row);
    }

    fn end_stretch(&mut self, seq: u64, at: Time, order: u64) {
        if let Some(ended) = self.ledger.end(order, at) {
            self.stretch_ended(seq, &ended);
        }
    }

    fn stretch_ended(&mut self, seq: u64, ended: &Ended) {
        let row =
            [Value::Int(ended.number.into()), Value::id(seq), Value::Int(ended.at.ms()), Value::text(Some(ended.cost))];
        self.buffer.push(Table::StretchEnds, row);
    }

    fn begin_stretch(
        &mut self,
        seq: u64,
        since: Time,
        target: &str,
        (server, order): (ServerId, OrderId),
        bid: Price,
        fee_percent: Decimal,
    ) -> u32 {
        let row = [
            Value::id(seq),
            Value::Int(since.ms()),
            Value::text(Some(target)),
            Value::id(server.0),
            Value::id(order.0),
            Value::text(Some(bid)),
            Value::text(Some(fee_percent.normalize())),
        ];
        self.buffer.push(Table::Stretches, row)
    }

    /// Time has come to `at`.
    pub(crate) fn tick(&mut self, at: Time) {
        self.now = self.now.max(at);
        self.ledger.tick(at);
    }

    /// Puts the totals that changed where the next commit takes them along.
    pub(crate) fn settle_spending(&mut self) {
        let at = self.now;
        for total in self.ledger.take_changed() {
            self.buffer.push(Table::Spending, total.row());
            let Some(venue) = total.venue else { continue };
            let midnight = DateTime::from_timestamp(total.day.saturating_mul(Span::DAY.ms() / 1000), 0);
            self.buffer.push(
                Table::Notices,
                [
                    Value::id(self.last_seq.into()),
                    Value::Int(at.ms()),
                    Value::text(Some("venue_spend")),
                    Value::Null,
                    Value::Null,
                    Value::Null,
                    Value::text(Some(venue)),
                    Value::text(midnight.map(|at| at.date_naive())),
                    Value::text(total.difference()),
                ],
            );
        }
    }

    /// The run's last rows: what is open ends now.
    pub(crate) fn end(&mut self, at: Time, ended_by: &str) {
        self.give_up_reads(u32::MAX);
        self.now = self.now.max(at);
        let seq = u64::from(self.last_seq);
        self.ledger.orders().into_iter().for_each(|order| self.end_stretch(seq, at, order));
        self.ledger.settle_told();
        self.settle_spending();
        let heads = self.buffer.heads();
        let row = [Value::Int(at.ms()), Value::text(Some(ended_by)), Value::Blob(heads.to_vec())];
        self.buffer.push(Table::RunEnds, row);
    }
}

/// Tells calls apart.
fn call_hash(sent: &Sent<'_>) -> Hash {
    let mut hash = Sha256::new();
    let parts = [Some(sent.call), Some(&sent.args), Some(&sent.request), sent.target];
    parts.iter().for_each(|part| feed_text(&mut hash, *part));
    hash.finalize().into()
}

/// Tells answers apart, by every byte of them.
fn answer_hash(received: &Received) -> Hash {
    let mut hash = Sha256::new();
    for value in [Value::int(received.status), Value::int(received.code)] {
        value.feed(&mut hash);
    }
    feed_text(&mut hash, received.error.as_deref());
    feed_text(&mut hash, Some(received.outcome.code()));
    if let Some(seen) = &received.sighting {
        for price in [seen.floor, seen.best_rival, seen.our_bid] {
            hash.update([u8::from(price.is_some())]);
            hash.update(price.unwrap_or(Price::ZERO).decimal().serialize());
        }
        Value::id(seen.server.0).feed(&mut hash);
        Value::Int(i64::from(seen.holding) * 2 + i64::from(seen.online)).feed(&mut hash);
        feed_text(&mut hash, Some(&seen.visibility));
    }
    hash.update(&received.body);
    hash.finalize().into()
}
