//! Answers at rest: short ones as they came, longer ones compressed, and each against the one before it of the same
//! call, since two readings of a market differ in little.
//!
//! A body packed against another needs that other to be unpacked. Chains are at most [`LINKS_MAX`] long.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use bytes::Bytes;
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;
use zstd::zstd_safe::{CCtx, CParameter, DCtx, MAGIC_DICTIONARY};

/// Below this, compression gains nothing.
const SHORTEST: usize = 128;
/// Above this, repeats lie too far apart for the plain matcher.
const LONG: usize = 32 * 1024;
/// So many bodies may hang on one another before one is packed alone again.
const LINKS_MAX: u32 = 64;
/// What no answer of the venue comes near: a size beyond it is damage.
const LARGEST: i64 = 256 << 20;
const LEVEL: i32 = 3;
/// A middle of so many bytes takes no more room as it is than compressed.
const SPLICE_MAX: usize = 24;
/// The encodings of a body, as [`Packed::encoding`] tells them.
const PLAIN: i64 = 0;
const ALONE: i64 = 1;
const AGAINST: i64 = 2;
const SPLICED: i64 = 3;
/// A reader keeps so many bodies at hand, of so many bytes together.
const KEPT_COUNT: usize = 16;
const KEPT_MAX: usize = 8 << 20;

/// A body as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packed {
    /// 0 as it came, 1 compressed, 2 compressed against `base`, 3 `base` with another middle.
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
    body: Vec<u8>,
    links: u32,
    /// How long the first of the chain was when packed alone.
    alone: usize,
}

/// Packs the bodies of a run. It holds one body for each kind of call that reads.
#[derive(Debug, Default)]
pub(crate) struct Packer {
    last: BTreeMap<&'static str, Last>,
    press: Press,
}

impl Packer {
    /// Packs `body`, which is going to be reply number `reply`.
    pub(crate) fn pack(&mut self, call: &'static str, reply: u32, body: &[u8]) -> Packed {
        if body.len() < SHORTEST {
            return self.alone(body);
        }
        if let Some(last) = self.last.get_mut(call)
            && last.links < LINKS_MAX
            && let Some((encoding, delta)) = self.press.delta(last, body)
        {
            let packed = Packed { encoding, base: Some(last.reply), size: body.len(), body: delta };
            last.body.clear();
            last.body.extend_from_slice(body);
            (last.reply, last.links) = (reply, last.links + 1);
            return packed;
        }
        let packed = self.alone(body);
        self.last.insert(call, Last { reply, body: body.into(), links: 0, alone: packed.body.len() });
        packed
    }

    /// Packs a body that stands alone.
    pub(crate) fn alone(&mut self, body: &[u8]) -> Packed {
        let shorter = if body.len() < SHORTEST { None } else { self.press.squeeze(None, body, body.len() - 1) };
        match shorter {
            Some(shorter) => Packed { encoding: ALONE, base: None, size: body.len(), body: shorter },
            None => Packed { encoding: PLAIN, base: None, size: body.len(), body: body.to_vec() },
        }
    }
}

/// What compresses short bodies, kept from one to the next: making it takes longer than they take. Long bodies get one
/// of their own, whose megabytes go again with it.
#[derive(Default)]
struct Press {
    context: Option<CCtx<'static>>,
    out: Vec<u8>,
}

impl fmt::Debug for Press {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Press")
    }
}

impl Press {
    /// What the body has that the last one has not, and how that is written.
    fn delta(&mut self, last: &Last, body: &[u8]) -> Option<(i64, Vec<u8>)> {
        if let Some(splice) = splice(&last.body, body) {
            return Some((SPLICED, splice));
        }
        let delta = self.squeeze(Some(&last.body), body, last.alone / 4 * 3)?;
        Some((AGAINST, delta))
    }

    /// `None` when it would take more than `most` bytes: then it is not worth it.
    fn squeeze(&mut self, base: Option<&[u8]>, body: &[u8], most: usize) -> Option<Vec<u8>> {
        if body.len() + base.map_or(0, <[u8]>::len) > LONG {
            return squeeze_long(base, body, most);
        }
        if self.context.is_none() {
            self.context = CCtx::try_create();
        }
        self.out.resize(LONG, 0);
        let out = self.out.get_mut(..most)?;
        let size = self.context.as_mut()?.compress_using_dict(out, body, base.unwrap_or(&[]), LEVEL).ok()?;
        out.get(..size).map(<[u8]>::to_vec)
    }
}

/// The length of what both begin with, and what then stands in `body` before what both end with. `None` where that is
/// not short: zstd sees what else the bodies share.
fn splice(base: &[u8], body: &[u8]) -> Option<Vec<u8>> {
    let front = base.iter().zip(body).take_while(|(a, b)| a == b).count();
    let (old, new) = (base.get(front..)?, body.get(front..)?);
    let back = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let middle = new.get(..new.len() - back)?;
    if middle.len() > SPLICE_MAX {
        return None;
    }
    let mut splice = u32::try_from(front).ok()?.to_le_bytes().to_vec();
    splice.extend_from_slice(middle);
    Some(splice)
}

/// The body of that size which [`splice`] described.
fn unsplice(base: &[u8], size: usize, splice: &[u8]) -> Option<Vec<u8>> {
    let (front, middle) = splice.split_first_chunk()?;
    let front = usize::try_from(u32::from_le_bytes(*front)).ok()?;
    let back = size.checked_sub(front)?.checked_sub(middle.len())?;
    Some([base.get(..front)?, middle, base.get(base.len().checked_sub(back)?..)?].concat())
}

fn squeeze_long(base: Option<&[u8]>, body: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut context = CCtx::try_create()?;
    context.set_parameter(CParameter::CompressionLevel(LEVEL)).ok()?;
    if let Some(base) = base {
        // It would be read back as a dictionary, and not as bytes alone.
        if base.starts_with(&MAGIC_DICTIONARY.to_le_bytes()) {
            return None;
        }
        // The window must reach back over both bodies to the matching place in the older one.
        let window = (body.len() + base.len()).next_power_of_two().trailing_zeros().clamp(15, 26);
        context.set_parameter(CParameter::WindowLog(window)).ok()?;
        context.set_parameter(CParameter::EnableLongDistanceMatching(true)).ok()?;
        context.ref_prefix(base).ok()?;
    }
    let mut packed = Vec::with_capacity(most);
    context.compress2(&mut packed, body).ok()?;
    packed.shrink_to_fit();
    Some(packed)
}

/// The body as it came, or what is wrong with it.
pub(crate) fn unpack(encoding: i64, size: i64, stored: Vec<u8>, base: Option<&[u8]>) -> Result<Vec<u8>, String> {
    unpack_with(&mut None, encoding, size, stored, base)
}

/// The same with a context that the next one may use again.
fn unpack_with(
    context: &mut Option<DCtx<'static>>,
    encoding: i64,
    size: i64,
    stored: Vec<u8>,
    base: Option<&[u8]>,
) -> Result<Vec<u8>, String> {
    let size = usize::try_from(size.min(LARGEST)).map_err(|_| "a negative size".to_string())?;
    if encoding == PLAIN {
        return Ok(stored);
    }
    let base = if encoding == ALONE { &[] } else { base.ok_or("its base is missing")? };
    if encoding == SPLICED {
        return unsplice(base, size, &stored).ok_or_else(|| "it does not fit its base".to_string());
    }
    if context.is_none() {
        *context = DCtx::try_create();
    }
    let context = context.as_mut().ok_or("no memory to unpack with")?;
    let mut body = Vec::with_capacity(size);
    context.decompress_using_dict(&mut body, &stored, base).map_err(zstd_words)?;
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
#[derive(Default)]
pub(crate) struct Unpacker {
    kept: VecDeque<(i64, Bytes)>,
    context: Option<DCtx<'static>>,
}

impl fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unpacker of {}", self.kept.len())
    }
}

impl Unpacker {
    /// The body of the reply with that key, through as many others as it is packed against.
    pub(crate) async fn load(&mut self, conn: &mut SqliteConnection, reply_id: i64) -> Result<Bytes, BodyError> {
        let damaged = |why: String| BodyError::Damaged(format!("the body of reply {reply_id}: {why}"));
        let mut chain = Vec::new();
        let mut next = Some(reply_id);
        let mut body: Option<Bytes> = None;
        while let Some(id) = next {
            if let Some((_, kept)) = self.kept.iter().find(|(kept, _)| *kept == id) {
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
            let unpacked = unpack_with(&mut self.context, encoding, size, stored, body.as_deref());
            body = Some(unpacked.map_err(damaged)?.into());
        }
        let body = body.unwrap_or_default();
        self.keep(reply_id, &body);
        Ok(body)
    }

    fn keep(&mut self, reply_id: i64, body: &Bytes) {
        self.kept.push_front((reply_id, body.clone()));
        let mut held = 0;
        let fits = |(_, body): &&(i64, Bytes)| {
            held += body.len();
            held <= KEPT_MAX
        };
        let count = self.kept.iter().take(KEPT_COUNT).take_while(fits).count();
        self.kept.truncate(count.max(1));
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

    /// Packs them in order and says how each was, having seen that it unpacks to what it was.
    fn encodings(bodies: &[Vec<u8>]) -> Vec<i64> {
        let (mut packer, mut context) = (Packer::default(), None);
        let one = |(number, body): (u32, &Vec<u8>)| {
            let packed = packer.pack("my_orders", number, body);
            let base = packed.base.map(|base| bodies[usize::try_from(base).unwrap() - 1].as_slice());
            let size = i64::try_from(packed.size).unwrap();
            assert_eq!(unpack_with(&mut context, packed.encoding, size, packed.body, base).as_ref(), Ok(body));
            packed.encoding
        };
        (1..).zip(bodies).map(one).collect()
    }

    #[test]
    fn a_body_with_one_change_is_that_change_and_one_with_several_is_compressed() {
        let before = listing(4, 0);
        let end = before.len();
        let with = |from: usize, to: usize, middle: &[u8]| [&before[..from], middle, &before[to..]].concat();
        for other in
            [with(200, 206, b"000042"), with(0, 1, b"["), with(end, end, b"}"), with(9, 99, b""), with(9, 9, b",")]
        {
            assert_eq!(encodings(&[before.clone(), other, before.clone()])[1], SPLICED);
        }
        let several = [&with(20, 21, b"x")[..end - 1], b"x"].concat();
        assert_eq!(encodings(&[before, several]), [ALONE, AGAINST]);
    }

    #[test]
    fn what_repeats_itself_is_spliced_without_counting_a_byte_twice() {
        let bodies: Vec<Vec<u8>> = [200, 203, 190, 190].into_iter().map(|n| b"a".repeat(n)).collect();
        assert_eq!(encodings(&bodies), [ALONE, SPLICED, SPLICED, SPLICED]);
    }

    #[test]
    fn a_splice_that_does_not_fit_its_base_is_damage() {
        let base = b"0123456789".as_slice();
        for (size, stored) in
            [(11, vec![11, 0, 0, 0]), (30, vec![2, 0, 0, 0]), (3, vec![2, 0, 0, 0, 7, 7]), (9, vec![1])]
        {
            assert!(unpack(SPLICED, size, stored.clone(), Some(base)).is_err(), "{stored:?}");
        }
        assert!(unpack(SPLICED, 10, vec![0, 0, 0, 0], None).is_err());
    }

    #[test]
    fn a_long_body_that_looks_like_a_dictionary_is_no_base_for_others() {
        let looks = [&MAGIC_DICTIONARY.to_le_bytes(), listing(400, 0).as_slice()].concat();
        let next = [b"----", listing(400, 1).as_slice()].concat();
        assert_eq!(encodings(&[looks, next]), [ALONE, ALONE]);
    }

    #[test]
    fn what_does_not_shrink_is_kept_as_it_came_and_the_next_is_packed_as_ever() {
        let mixed: Vec<u8> = (1..50_u64).flat_map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect();
        assert_eq!(encodings(&[mixed, listing(4, 0), listing(4, 1)]), [PLAIN, AGAINST, SPLICED]);
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
