//! Every server that matters, with what a decision asks of all of them kept up to date by each change of one.
//!
//! There may be dozens, and a request a second is made about one: whoever wants to know how many are claimed, which are
//! lost or which is to be read next must not look at all the others. So a server is changed through [`Servers::change`]
//! alone, which takes it out of the groups that it leaves and puts it into those that it joins.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::ops::Deref;

use crate::beliefs::order::{Claim, Dead, Order};
use crate::beliefs::position::Position;
use crate::beliefs::queues::{Class, Queues};
use crate::beliefs::served::Served;
use crate::beliefs::server::Server;
use crate::ids::{ServerId, TargetId};
use crate::money::Price;
use crate::strategy::Strategy;
use crate::time::{Span, Time};

/// What servers are looked up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// We have or may have something there.
    Claimed,
    /// Our order there does not hold the server, or something stands above it.
    Lost,
    /// Our order there is to go.
    Going,
    /// Our order there must be marked to go, and is not yet.
    Doomed,
    /// my_orders must settle something there soon.
    Unsettled,
    /// What stands there is not certain.
    Uncertain,
    /// Our order there should hold the server and does not.
    Unexplained,
    /// No good my_orders has listed our order there.
    Unlisted,
    /// The creation fee of our order there has not been counted.
    Uncharged,
}

/// How many groups there are.
const GROUPS: usize = Group::Uncharged as usize + 1;

/// The groups that a server belongs to, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Groups(u16);

impl Groups {
    const fn has(self, group: Group) -> bool {
        self.0 & (1 << group as u16) != 0
    }

    const fn with(self, group: Group, belongs: bool) -> Groups {
        Groups(self.0 | ((belongs as u16) << group as u16))
    }
}

/// All that the groups of a server follow from, and its place among the reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    target: TargetId,
    groups: Groups,
    /// Whether it is a candidate on which nothing of ours stands.
    is_idle: bool,
    is_urgent: bool,
    tried_at: Option<Time>,
    worst_bid: Option<Price>,
}

/// The servers, which are read like a map.
#[derive(Debug, Clone)]
pub(crate) struct Servers {
    all: BTreeMap<ServerId, Server>,
    max_bid: Price,
    targets: Vec<Served>,
    groups: [BTreeSet<ServerId>; GROUPS],
    /// Servers whose market a decision is waiting for.
    urgent: BTreeSet<ServerId>,
    /// Whose turn it is to be read.
    pub queues: Queues,
    /// What changed since somebody last asked.
    touched: BTreeSet<ServerId>,
    /// What all our orders that are to stay bid at worst.
    staying: Price,
    /// Whether what our orders bid, or how many there are, changed since somebody last asked.
    bids_changed: bool,
}

impl Deref for Servers {
    type Target = BTreeMap<ServerId, Server>;

    fn deref(&self) -> &BTreeMap<ServerId, Server> {
        &self.all
    }
}

impl Servers {
    /// No servers yet, for the targets of that strategy.
    pub(crate) fn new(strategy: &Strategy) -> Servers {
        Servers {
            all: BTreeMap::new(),
            max_bid: strategy.limits.max_bid,
            targets: strategy.targets.iter().map(Served::new).collect(),
            groups: Default::default(),
            urgent: BTreeSet::new(),
            queues: Queues::default(),
            touched: BTreeSet::new(),
            staying: Price::ZERO,
            bids_changed: false,
        }
    }

    /// Changes one server, where it is known.
    pub(crate) fn change<T>(&mut self, id: ServerId, change: impl FnOnce(&mut Server) -> T) -> Option<T> {
        let is_urgent = self.urgent.contains(&id);
        let server = self.all.get_mut(&id)?;
        let before = Place::of(server, is_urgent, self.max_bid);
        let result = change(server);
        let after = Place::of(server, is_urgent, self.max_bid);
        self.move_to(id, Some(before), Some(after));
        Some(result)
    }

    /// Changes our order on one server, where there is one.
    pub(crate) fn change_order(&mut self, id: ServerId, change: impl FnOnce(&mut Order)) {
        self.change(id, |server| server.claim.order_mut().map(change));
    }

    /// Its market is asked for at `now`.
    pub(crate) fn note_tried(&mut self, id: ServerId, now: Time) {
        self.set_urgent(id, false);
        let Some(server) = self.all.get_mut(&id) else { return };
        let before = server.tried_at.replace(now);
        if before.is_none() {
            self.queues.note_first_read(now);
        }
        let (is_claimed, is_idle, target) = (server.claim != Claim::Empty, server.is_idle(), server.target);
        if let Some(class) = self.class(target, false, is_claimed, is_idle) {
            self.queues.remove(class, id, before);
            self.queues.insert(class, id, Some(now));
        }
        self.touched.insert(id);
    }

    /// Its market was read at `sent_at`, and was what it was.
    pub(crate) fn note_repeat(&mut self, id: ServerId, sent_at: Time, late: Span) {
        if let Some(market) = self.all.get_mut(&id).and_then(|server| server.market.as_mut()) {
            (market.sent_at, market.late) = (sent_at, late);
            self.touched.insert(id);
        }
    }

    /// From when on a read of that server may bring something else than the last one did.
    pub(crate) fn expect_news(&mut self, id: ServerId, news_at: Time) {
        let Some(server) = self.all.get(&id) else { return };
        let (is_claimed, is_urgent) = (server.claim != Claim::Empty, self.urgent.contains(&id));
        if let Some(class) = self.class(server.target, is_urgent, is_claimed, server.is_idle()) {
            self.queues.expect_news(class, id, server.tried_at, news_at);
        }
    }

    /// Takes note of the reads since `from`, which are counted in the queues already and brought what the last ones did.
    pub(crate) fn note_read_again(&mut self, from: Time) {
        for turn in self.queues.read_since(from) {
            let Some(server) = self.all.get_mut(&turn.server) else { continue };
            server.tried_at = turn.tried_at;
            if let (Some(market), Some(at)) = (&mut server.market, turn.tried_at) {
                market.sent_at = at;
            }
        }
    }

    /// Adds a server for that target if there is none of that number.
    pub(crate) fn add(&mut self, id: ServerId, target: TargetId) {
        if !self.all.contains_key(&id) {
            let server = Server::new(target);
            let place = Place::of(&server, self.urgent.contains(&id), self.max_bid);
            self.all.insert(id, server);
            self.move_to(id, None, Some(place));
        }
    }

    /// Watches those servers, each for its target, and drops the others where nothing is lost with them.
    pub(crate) fn watch(&mut self, watched: &BTreeMap<ServerId, TargetId>) {
        let ids: Vec<ServerId> = self.all.keys().copied().collect();
        for id in ids.into_iter().filter(|id| !watched.contains_key(id)) {
            self.change(id, |server| server.watched = false);
            if self.all.get(&id).is_some_and(Server::is_forgettable) {
                self.drop(id);
            }
        }
        for (id, target) in watched {
            self.add(*id, *target);
            self.change(*id, |server| {
                server.watched = true;
                if server.claim == Claim::Empty {
                    server.target = *target;
                }
            });
        }
    }

    fn drop(&mut self, id: ServerId) {
        if let Some(server) = self.all.remove(&id) {
            let place = Place::of(&server, self.urgent.contains(&id), self.max_bid);
            self.move_to(id, Some(place), None);
        }
    }

    /// A decision waits for that server's market, or no longer does; tells whether that is new.
    pub(crate) fn set_urgent(&mut self, id: ServerId, is_urgent: bool) -> bool {
        if self.urgent.contains(&id) == is_urgent {
            return false;
        }
        let place = self.all.get(&id).map(|server| Place::of(server, !is_urgent, self.max_bid));
        if is_urgent {
            self.urgent.insert(id);
        } else {
            self.urgent.remove(&id);
        }
        self.move_to(id, place, place.map(|place| Place { is_urgent, ..place }));
        true
    }

    /// Whether a decision waits for any server's market.
    pub(crate) fn any_urgent(&self) -> bool {
        !self.urgent.is_empty()
    }

    /// The servers of that group, by number.
    pub(crate) fn of(&self, group: Group) -> &BTreeSet<ServerId> {
        &self.groups[group as usize]
    }

    /// The first of that group after `last`, by number: for whoever changes them on the way.
    pub(crate) fn next_of(&self, group: Group, last: Option<ServerId>) -> Option<ServerId> {
        use core::ops::Bound;
        let from = last.map_or(Bound::Unbounded, Bound::Excluded);
        self.of(group).range((from, Bound::Unbounded)).next().copied()
    }

    /// The candidates of that target on which nothing of ours stands.
    pub(crate) fn idle(&self, target: TargetId) -> impl Iterator<Item = (ServerId, &Server)> {
        let ids = self.served(target).into_iter().flat_map(|served| served.idle.iter());
        ids.filter_map(|id| Some((*id, self.all.get(id)?)))
    }

    /// How many servers a target has or may have.
    pub(crate) fn claimed(&self, target: TargetId) -> u32 {
        self.served(target).map_or(0, Served::has)
    }

    /// A target has so many servers beside those that this run bids on.
    pub(crate) fn set_aside(&mut self, target: TargetId, count: u32) {
        self.recount(target, |served| &mut served.aside, count);
    }

    /// So many orders may be a target's own.
    pub(crate) fn set_found(&mut self, target: TargetId, count: u32) {
        self.recount(target, |served| &mut served.found, count);
    }

    fn recount(&mut self, target: TargetId, of: impl Fn(&mut Served) -> &mut u32, count: u32) {
        let Some(served) = self.served_mut(target) else { return };
        let lacked = served.lacks();
        if core::mem::replace(of(served), count) == count {
            return;
        }
        let lacks = served.lacks();
        if lacked != lacks {
            self.requeue(target, None, lacks);
        }
        self.touch_all();
    }

    /// Whether a target has fewer servers than it wants.
    pub(crate) fn lacks(&self, target: TargetId) -> bool {
        self.served(target).is_some_and(Served::lacks)
    }

    /// What all our orders that are to stay bid together at worst.
    pub(crate) fn staying_bids(&self) -> Price {
        self.staying
    }

    /// The server with the lowest number that changed since it was last taken out.
    pub(crate) fn first_touched(&self) -> Option<ServerId> {
        self.touched.first().copied()
    }

    /// That change has been taken note of.
    pub(crate) fn untouch(&mut self, id: ServerId) {
        self.touched.remove(&id);
    }

    /// Something that a decision about that server may rest on changed.
    pub(crate) fn touch(&mut self, id: ServerId) {
        self.touched.insert(id);
    }

    /// Something that a decision about any server may rest on changed.
    pub(crate) fn touch_all(&mut self) {
        self.touched.extend(self.all.keys());
    }

    /// Something that a decision about the servers of that group may rest on changed; says whether there are any.
    pub(crate) fn touch_group(&mut self, group: Group) -> bool {
        self.touched.extend(&self.groups[group as usize]);
        !self.groups[group as usize].is_empty()
    }

    /// Whether what our orders bid, or how many there are, changed since this was last asked.
    pub(crate) fn take_bids_changed(&mut self) -> bool {
        core::mem::take(&mut self.bids_changed)
    }

    fn served(&self, target: TargetId) -> Option<&Served> {
        usize::try_from(target.0).ok().and_then(|index| self.targets.get(index))
    }

    fn served_mut(&mut self, target: TargetId) -> Option<&mut Served> {
        usize::try_from(target.0).ok().and_then(|index| self.targets.get_mut(index))
    }

    /// Moves a server from its former groups to those that it belongs to now.
    fn move_to(&mut self, id: ServerId, before: Option<Place>, after: Option<Place>) {
        self.touched.insert(id);
        if before == after {
            return;
        }
        if let Some(before) = before
            && let Some(class) = self.class_at(&before)
        {
            self.queues.remove(class, id, before.tried_at);
        }
        let groups = |place: Option<Place>| place.map(|place| place.groups).unwrap_or_default();
        self.regroup(id, groups(before), groups(after));
        let bid = |place: Option<Place>| place.and_then(|place| place.worst_bid);
        self.bids_changed |= bid(before) != bid(after);
        if bid(before) != bid(after) || groups(before).has(Group::Going) != groups(after).has(Group::Going) {
            self.staying = self.sum_of_staying_bids();
        }
        self.count(id, before, after);
        if let Some(after) = after
            && let Some(class) = self.class_at(&after)
        {
            self.queues.insert(class, id, after.tried_at);
        }
    }

    fn sum_of_staying_bids(&self) -> Price {
        let staying = self.of(Group::Claimed).difference(self.of(Group::Going)).filter_map(|id| self.all.get(id));
        staying.filter_map(|s| s.claim.worst_bid()).fold(Price::ZERO, Price::plus)
    }

    fn regroup(&mut self, id: ServerId, before: Groups, after: Groups) {
        let mut changed = before.0 ^ after.0;
        while changed != 0 {
            let index = changed.trailing_zeros();
            changed &= !(1 << index);
            let group = &mut self.groups[index as usize];
            if after.0 & (1 << index) != 0 {
                group.insert(id);
            } else {
                group.remove(&id);
            }
        }
    }

    /// Counts it with its target; where that begins or ceases to lack a server, its other candidates move too.
    fn count(&mut self, id: ServerId, before: Option<Place>, after: Option<Place>) {
        let of = |place: Option<Place>| place.map(|p| (p.target, p.groups.has(Group::Claimed), p.is_idle));
        if of(before) == of(after) {
            return;
        }
        for (place, is_here) in [(before, false), (after, true)] {
            let Some(place) = place else { continue };
            let Some(served) = self.served_mut(place.target) else { continue };
            let lacked = served.lacks();
            if place.is_idle && is_here {
                served.idle.insert(id);
            } else {
                served.idle.remove(&id);
            }
            if place.groups.has(Group::Claimed) {
                served.claimed =
                    if is_here { served.claimed.saturating_add(1) } else { served.claimed.saturating_sub(1) };
            }
            let lacks = served.lacks();
            self.touch_lost(place.target);
            if lacked != lacks {
                self.requeue(place.target, Some(id), lacks);
            }
        }
    }

    /// Whether a lost server could be left for another one hangs on the candidates of its target.
    fn touch_lost(&mut self, target: TargetId) {
        let lost = self.groups[Group::Lost as usize].iter();
        self.touched.extend(lost.filter(|id| self.all.get(id).is_some_and(|server| server.target == target)));
    }

    /// Candidates are read more often while their target lacks a server. `but` is on its way from one place to another.
    fn requeue(&mut self, target: TargetId, but: Option<ServerId>, lacks: bool) {
        let idle: Vec<ServerId> = self.idle(target).map(|(id, _)| id).filter(|id| Some(*id) != but).collect();
        self.touched.extend(idle.iter());
        let moves = self.served(target).is_some_and(|served| served.moves);
        let spare = if moves { Class::Near } else { Class::Spare };
        for id in idle.into_iter().filter(|id| !self.urgent.contains(id)) {
            let tried_at = self.all.get(&id).and_then(|server| server.tried_at);
            let (from, to) = if lacks { (spare, Class::Wanted) } else { (Class::Wanted, spare) };
            self.queues.remove(from, id, tried_at);
            self.queues.insert(to, id, tried_at);
        }
    }

    /// How soon its market is to be read again; `None` where nobody asks for it.
    fn class(&self, target: TargetId, is_urgent: bool, is_claimed: bool, is_idle: bool) -> Option<Class> {
        let served = self.served(target)?;
        match (is_urgent, is_claimed, is_idle) {
            (true, ..) => Some(Class::Urgent),
            (_, true, _) => Some(Class::Live),
            (.., false) => None,
            _ => Some(served.class_of_idle()),
        }
    }

    fn class_at(&self, place: &Place) -> Option<Class> {
        self.class(place.target, place.is_urgent, place.groups.has(Group::Claimed), place.is_idle)
    }
}

impl Place {
    fn of(server: &Server, is_urgent: bool, max_bid: Price) -> Place {
        let is_create = matches!(server.claim, Claim::Create(_));
        let mut groups = Groups::default().with(Group::Claimed, is_create).with(Group::Unsettled, is_create);
        groups = groups.with(Group::Uncertain, is_create);
        if let Some(order) = server.claim.order() {
            let is_going = order.cancel.is_some();
            let position = order.position;
            let is_dead = order.dead == Some(Dead::Surely);
            let is_doubted = order.dead.is_some() && !is_dead;
            let is_unsettled =
                is_going || position.missing_since().is_some() || is_doubted || order.unlisted_since.is_some();
            groups = groups
                .with(Group::Claimed, true)
                .with(Group::Lost, !matches!(order.position, Position::Winning { .. }))
                .with(Group::Going, is_going)
                .with(Group::Doomed, !is_going && (is_dead || order.bid > max_bid))
                .with(Group::Unsettled, is_unsettled)
                .with(Group::Uncertain, is_unsettled || order.unsettled.is_some() || is_dead)
                .with(
                    Group::Unexplained,
                    !is_going && position.idle_since().is_some() && position.lost_since().is_none(),
                )
                .with(Group::Unlisted, !order.listed)
                .with(Group::Uncharged, !order.bill.fee_counted);
        }
        Place {
            target: server.target,
            groups,
            is_idle: server.is_idle(),
            is_urgent,
            tried_at: server.tried_at,
            worst_bid: server.claim.worst_bid(),
        }
    }
}

#[cfg(test)]
mod tests;
