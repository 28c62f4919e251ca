//! Answers at rest: short ones as they came, longer ones compressed, and each against the one before it of the same
//! call, since two readings of a market differ in little.
//!
//! A body packed against another needs that other to be unpacked. Chains are at most [`LINKS_MAX`] long.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;
use zstd::zstd_safe::{CCtx, CParameter, DCtx};

/// Below this, compression gains nothing.
const SHORTEST: usize = 128;
/// Above this, repeats lie too far apart for the plain matcher.
const LONG: usize = 32 * 1024;
/// So many bodies may hang on one another before one is packed alone again.
const LINKS_MAX: u32 = 64;
/// What no answer of the venue comes near: a size beyond it is damage.
const LARGEST: i64 = 256 << 20;
const LEVEL: i32 = 3;
/// A reader keeps so many bodies at hand, of so many bytes together.
const KEPT_COUNT: usize = 16;
const KEPT_MAX: usize = 8 << 20;

/// A body as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packed {
    /// 0 as it came, 1 compressed, 2 compressed against `base`.
    pub(crate) encoding: i64,
    /// The reply it is packed against.
    pub(crate) base: Option<u32>,
    /// Length unpacked.
    pub(crate) size: usize,
    /// The stored bytes.
    pub(crate) body: Vec<u8>,
}

/// The last body of a call, which the next one is packed against.
#[derive(Debug)]
struct Last {
    reply: u32,
    body: Box<[u8]>,
    links: u32,
    /// How long the first of the chain was when packed alone.
    alone: usize,
}

/// Packs the bodies of a run. It holds one body for each kind of call that reads.
#[derive(Debug, Default)]
pub(crate) struct Packer(BTreeMap<&'static str, Last>);

impl Packer {
    /// Packs `body`, which is going to be reply number `reply`.
    pub(crate) fn pack(&mut self, call: &'static str, reply: u32, body: &[u8]) -> Packed {
        if body.len() < SHORTEST {
            return alone(body);
        }
        if let Some(last) = self.0.get_mut(call)
            && last.links < LINKS_MAX
            && let Some(delta) = compress(Some(&last.body), body, last.alone / 4 * 3)
        {
            let packed = Packed { encoding: 2, base: Some(last.reply), size: body.len(), body: delta };
            *last = Last { reply, body: body.into(), links: last.links + 1, alone: last.alone };
            return packed;
        }
        let packed = alone(body);
        self.0.insert(call, Last { reply, body: body.into(), links: 0, alone: packed.body.len() });
        packed
    }
}

/// Packs a body that stands alone.
pub(crate) fn alone(body: &[u8]) -> Packed {
    let shorter = if body.len() < SHORTEST { None } else { compress(None, body, body.len() - 1) };
    match shorter {
        Some(shorter) => Packed { encoding: 1, base: None, size: body.len(), body: shorter },
        None => Packed { encoding: 0, base: None, size: body.len(), body: body.to_vec() },
    }
}

/// `None` when it would take more than `most` bytes: then it is not worth it.
fn compress(base: Option<&[u8]>, body: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut context = CCtx::try_create()?;
    context.set_parameter(CParameter::CompressionLevel(LEVEL)).ok()?;
    let total = body.len() + base.map_or(0, <[u8]>::len);
    if let Some(base) = base {
        if total > LONG {
            // The window must reach back over both bodies to the matching place in the older one.
            let window = total.next_power_of_two().trailing_zeros().clamp(15, 26);
            context.set_parameter(CParameter::WindowLog(window)).ok()?;
            context.set_parameter(CParameter::EnableLongDistanceMatching(true)).ok()?;
        }
        context.ref_prefix(base).ok()?;
    }
    let mut packed = Vec::with_capacity(most);
    context.compress2(&mut packed, body).ok()?;
    packed.shrink_to_fit();
    Some(packed)
}

/// The body as it came, or what is wrong with it.
pub(crate) fn unpack(encoding: i64, size: i64, stored: Vec<u8>, base: Option<&[u8]>) -> Result<Vec<u8>, String> {
    let size = usize::try_from(size.min(LARGEST)).map_err(|_| "a negative size".to_string())?;
    if encoding == 0 {
        return Ok(stored);
    }
    let mut context = DCtx::try_create().ok_or("no memory to unpack with")?;
    if encoding == 2 {
        context.ref_prefix(base.ok_or("its base is missing")?).map_err(zstd_words)?;
    }
    let mut body = Vec::with_capacity(size);
    context.decompress(&mut body, &stored).map_err(zstd_words)?;
    if body.len() == size { Ok(body) } else { Err(format!("{} bytes instead of {size}", body.len())) }
}

fn zstd_words(code: usize) -> String {
    zstd::zstd_safe::get_error_name(code).to_string()
}

/// One stored reply's body.
pub(crate) const SELECT_BODY: &str = "SELECT encoding, base_id, size, body FROM replies WHERE id = ?";

/// Why a stored body cannot be had.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// The database said so.
    Database(sqlx::Error),
    /// What is stored makes no sense.
    Damaged(String),
}

impl From<sqlx::Error> for BodyError {
    fn from(error: sqlx::Error) -> BodyError {
        BodyError::Database(error)
    }
}

/// Reads bodies back. It keeps the last few, since the next one asked for is likely packed against one of them.
#[derive(Debug, Default)]
pub(crate) struct Unpacker(VecDeque<(i64, Bytes)>);

impl Unpacker {
    /// The body of the reply with that key, through as many others as it is packed against.
    pub(crate) async fn load(&mut self, conn: &mut SqliteConnection, reply_id: i64) -> Result<Bytes, BodyError> {
        let damaged = |why: String| BodyError::Damaged(format!("the body of reply {reply_id}: {why}"));
        let mut chain = Vec::new();
        let mut next = Some(reply_id);
        let mut body: Option<Bytes> = None;
        while let Some(id) = next {
            if let Some((_, kept)) = self.0.iter().find(|(kept, _)| *kept == id) {
                body = Some(kept.clone());
                break;
            }
            if chain.len() > LINKS_MAX as usize {
                return Err(damaged("it has no beginning".to_string()));
            }
            let row = sqlx::query(SELECT_BODY).bind(id).fetch_optional(&mut *conn).await?;
            let row = row.ok_or_else(|| damaged(format!("reply {id} is missing")))?;
            next = row.try_get::<Option<i64>, _>(1)?;
            let link: (i64, i64, Vec<u8>) = (row.try_get(0)?, row.try_get(2)?, row.try_get(3)?);
            chain.push(link);
        }
        if chain.is_empty() {
            return Ok(body.unwrap_or_default());
        }
        while let Some((encoding, size, stored)) = chain.pop() {
            body = Some(unpack(encoding, size, stored, body.as_deref()).map_err(damaged)?.into());
        }
        let body = body.unwrap_or_default();
        self.keep(reply_id, &body);
        Ok(body)
    }

    fn keep(&mut self, reply_id: i64, body: &Bytes) {
        self.0.push_front((reply_id, body.clone()));
        let mut held = 0;
        let fits = |(_, body): &&(i64, Bytes)| {
            held += body.len();
            held <= KEPT_MAX
        };
        let count = self.0.iter().take(KEPT_COUNT).take_while(fits).count();
        self.0.truncate(count.max(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A marketplace of `servers` entries, of which about one in 50 differs from turn to turn.
    fn listing(servers: u64, turn: u64) -> Vec<u8> {
        let mut text = String::from("{\"servers\":[");
        for id in 0..servers {
            let seed = if (id.wrapping_mul(7919) + turn).is_multiple_of(50) { id * 31 + turn * 17 } else { id * 31 };
            let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            text.push_str(&format!(
                "{{\"id\":{id},\"owner\":{},\"mrl\":{},\"price\":{{\"usd\":{}.{:02}}},\"gpu\":\"{}x NVIDIA GeForce RTX 4090\",\"uuid\":\"{mixed:016x}{:016x}\"}},",
                mixed % 900, mixed % 400, mixed % 20, mixed % 100, mixed % 8, mixed.rotate_left(13).wrapping_mul(3)
            ));
        }
        text.push_str("]}");
        text.into_bytes()
    }

    #[test]
    fn a_large_body_costs_about_what_changed_in_it_and_unpacks_whole() {
        let mut packer = Packer::default();
        let mut before: Option<Vec<u8>> = None;
        let (mut first, mut later) = (0, 0);
        for turn in 0..5 {
            let body = listing(12_000, turn);
            let packed = packer.pack("marketplace", u32::try_from(turn).unwrap() + 1, &body);
            if turn == 0 {
                first = packed.body.len()
            } else {
                later += packed.body.len()
            }
            let base = packed.base.and(before.as_deref());
            let size = i64::try_from(packed.size).unwrap();
            assert_eq!(unpack(packed.encoding, size, packed.body, base).unwrap(), body, "turn {turn}");
            before = Some(body);
        }
        assert!(later / 4 < first / 8, "first {first} bytes, then {} each", later / 4);
    }

    #[test]
    fn a_short_body_is_kept_as_it_came() {
        let packed = Packer::default().pack("wallets", 1, b"{}");
        assert_eq!(packed, Packed { encoding: 0, base: None, size: 2, body: b"{}".to_vec() });
    }

    #[test]
    fn a_chain_of_bodies_begins_anew_after_so_many() {
        let mut packer = Packer::default();
        let keyframes = (1..=200_u32)
            .filter(|n| {
                let mut body = listing(10, 0);
                body.extend(n.to_le_bytes());
                packer.pack("my_orders", *n, &body).base.is_none()
            })
            .count();
        assert_eq!(keyframes, 4);
    }
}
