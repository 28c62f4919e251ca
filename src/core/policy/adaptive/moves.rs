//! The last moves of one server's least winning bid, in bounded memory.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::time::{Span, Time};

/// The most moves that are remembered of one server.
pub const MOST_MOVES: usize = 256;

/// The least winning bid of one server went from one price to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(Time, u64, Span, u64)", into = "(Time, u64, Span, u64)")]
pub struct Move {
    /// When it was seen.
    pub at: Time,
    /// The price before, in ticks.
    pub from: u64,
    /// For how long it had been that.
    pub dwell: Span,
    /// The price after, in ticks.
    pub to: u64,
}

impl From<(Time, u64, Span, u64)> for Move {
    fn from((at, from, dwell, to): (Time, u64, Span, u64)) -> Move {
        Move { at, from, dwell, to }
    }
}

impl From<Move> for (Time, u64, Span, u64) {
    fn from(made: Move) -> Self {
        (made.at, made.from, made.dwell, made.to)
    }
}

/// At most [`MOST_MOVES`] moves, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Move>")]
pub struct Moves(VecDeque<Move>);

impl Moves {
    /// Takes one more; the oldest goes where there is no room for both.
    pub fn push(&mut self, made: Move) {
        while self.0.len() >= MOST_MOVES {
            self.0.pop_front();
        }
        self.0.push_back(made);
    }

    /// All of them, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Move> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<Move>> for Moves {
    fn from(all: Vec<Move>) -> Moves {
        let mut moves = Moves::default();
        all.into_iter().for_each(|made| moves.push(made));
        moves
    }
}
