//! A price as shares of the on-demand price over the time that is learned from, of one server or of the best of several.

use alloc::vec::Vec;

use crate::policy::deadline::sights::{Change, Sights};
use crate::policy::deadline::whole::{Whole, whole};
use crate::policy::deadline::{MEMORY_SECS, ONE};

/// From this second on, up to the next piece or to now, the price was that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The second.
    pub at: Whole,
    /// The share; [`ONE`]: not to be had; `None`: nobody looked.
    pub share: Option<i64>,
}

/// The price of one server, or that of the best of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// The pieces, the oldest first.
    pub pieces: Vec<Piece>,
    /// Up to this second.
    pub until: Whole,
}

impl Series {
    /// The price of one server.
    pub fn of(sights: &Sights, on_demand: u64, now: i64) -> Series {
        let oldest = now.saturating_sub(MEMORY_SECS);
        let ends = sights.iter().skip(1).map(|next| next.at).chain([i64::MAX]);
        let lately = sights.iter().zip(ends).filter(|(_, end)| *end > oldest);
        let piece = |(change, _): (&Change, i64)| Piece {
            at: whole(change.at.max(oldest)),
            share: change.sight.share(on_demand),
        };
        Series { pieces: lately.map(piece).collect(), until: whole(now) }
    }

    /// The least price of several, at each second that of those which were watched then.
    pub fn best_of(all: &[Series], now: i64) -> Series {
        let mut places: Vec<_> = all.iter().map(|series| series.pieces.iter().peekable()).collect();
        let mut shares: Vec<Option<i64>> = all.iter().map(|_| None).collect();
        let mut pieces: Vec<Piece> = Vec::new();
        while let Some(at) = places.iter_mut().filter_map(|place| place.peek().map(|piece| piece.at)).min() {
            for (place, share) in places.iter_mut().zip(&mut shares) {
                while let Some(piece) = place.next_if(|piece| piece.at <= at) {
                    *share = piece.share;
                }
            }
            let share = shares.iter().flatten().min().copied();
            if pieces.last().is_none_or(|last| last.share != share) {
                pieces.push(Piece { at, share });
            }
        }
        Series { pieces, until: whole(now) }
    }

    /// Each piece with the second of its end.
    pub fn stretches(&self) -> impl Iterator<Item = (Piece, Whole)> {
        let ends = self.pieces.iter().skip(1).map(|next| next.at).chain([self.until]);
        self.pieces.iter().copied().zip(ends)
    }

    /// What it was at that second.
    pub fn at(&self, second: Whole) -> Option<i64> {
        let after = self.pieces.partition_point(|piece| piece.at <= second);
        self.pieces.get(after.saturating_sub(1))?.share
    }

    /// The seconds at which the server was lost: from a price on which it could be held to none.
    pub fn losses(&self) -> impl Iterator<Item = Whole> {
        let is_loss = |pair: &&[Piece]| matches!(pair, [before, after] if before.share.is_some_and(|share| share < ONE) && after.share == Some(ONE));
        self.pieces.windows(2).filter(is_loss).filter_map(|pair| pair.last().map(|after| after.at))
    }
}
