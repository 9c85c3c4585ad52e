//! Single values: the encoder, counters, settings. Each row carries its checksum.
//!
//! `change` counts transactions that write documents, what filters see of them, or segments.
//! Whoever holds vectors in memory compares it with their own at each search, in the same snapshot;
//! unlike `PRAGMA data_version` it means the same on every connection, so readers share one copy.

use rusqlite::{Connection, OptionalExtension};

use super::fault::{Outcome, StoreFault};
use super::lexical::Cut;
use super::schema::RowSum;
use super::types::Precision;
use crate::encode::EncoderIdentity;
use crate::passage::EncoderInput;

pub(super) const CHANGE: &str = "change";
pub(super) const GENERATION: &str = "generation";
/// What the current generation's segment holds: `none`, `codes` or `graph`.
pub(super) const SEGMENT: &str = "segment";
/// How precisely vectors are written: `f16` or `f32`.
const PRECISION: &str = "precision";
/// How words are cut for the full-text index: `2` since Thai is cut into grams; files of before do
/// not say.
const WORDS: &str = "words";
/// What the encoder reads of new passages ([`EncoderInput`]); files of before do not say.
const INPUT: &str = "encoder.input";
/// How far a reindex is; not there while none is under way.
const REINDEX: &str = "reindex";
/// Facade settings are kept under this prefix.
pub(super) const SETTING: &str = "setting.";

/// Longest vectors taken; int8 sums stay exact below twice this.
pub(super) const MAX_DIM: usize = 65_536;

const FINGERPRINT: &str = "encoder.fingerprint";
const NAME: &str = "encoder.name";
const DIM: &str = "encoder.dim";
const MAX_TOKENS: &str = "encoder.max_tokens";

pub(super) fn create(connection: &Connection) -> Outcome<()> {
    put(connection, CHANGE, "0")?;
    put(connection, GENERATION, "0")?;
    put(connection, SEGMENT, "none")?;
    put(connection, WORDS, "2")?;
    put_input(connection, EncoderInput::Title)?;
    put_precision(connection, Precision::default())
}

pub(super) fn precision(connection: &Connection) -> Outcome<Precision> {
    match value(connection, PRECISION)?.as_deref() {
        Some("f16") => Ok(Precision::F16),
        Some("f32") => Ok(Precision::F32),
        _ => Err(StoreFault::Damaged("it does not say how precise its vectors are".to_owned())),
    }
}

/// How the file cuts words.
pub(super) fn cut(connection: &Connection) -> Outcome<Cut> {
    match value(connection, WORDS)?.as_deref() {
        None => Ok(Cut::Pairs),
        Some("2") => Ok(Cut::Grams),
        Some(other) => {
            Err(StoreFault::Damaged(format!("it cuts words in a way we do not know: {other:?}")))
        }
    }
}

pub(super) fn put_precision(connection: &Connection, precision: Precision) -> Outcome<()> {
    let name = match precision {
        Precision::F16 => "f16",
        Precision::F32 => "f32",
    };
    put(connection, PRECISION, name)
}

/// What the encoder reads of passages that are written from now on.
pub(super) fn input(connection: &Connection) -> Outcome<EncoderInput> {
    let Some(word) = value(connection, INPUT)? else { return Ok(EncoderInput::Heading) };
    EncoderInput::parse(&word).map_err(|_| {
        StoreFault::Damaged(format!("its passages are encoded in a way we do not know: {word:?}"))
    })
}

pub(super) fn put_input(connection: &Connection, input: EncoderInput) -> Outcome<()> {
    put(connection, INPUT, input.name())
}

/// A reindex under way, or one that was interrupted. Passages up to `done` and those after `last`
/// were encoded from the file's [`input`], those between from what it was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReindexMark {
    pub(super) done: i64,
    pub(super) last: i64,
    /// Whether the vector index had a graph before.
    pub(super) had_graph: bool,
}

pub(super) fn reindex_mark(connection: &Connection) -> Outcome<Option<ReindexMark>> {
    let Some(text) = value(connection, REINDEX)? else { return Ok(None) };
    let damaged = || StoreFault::Damaged(format!("{text:?} does not say how far a reindex is"));
    let numbers: Vec<i64> = text.split(' ').filter_map(|word| word.parse().ok()).collect();
    let [done, last, graph] = *numbers.as_slice() else { return Err(damaged()) };
    Ok(Some(ReindexMark { done, last, had_graph: graph != 0 }))
}

pub(super) fn put_reindex_mark(connection: &Connection, mark: Option<ReindexMark>) -> Outcome<()> {
    let Some(ReindexMark { done, last, had_graph }) = mark else {
        connection.execute("DELETE FROM meta WHERE key = ?1", [REINDEX])?;
        return Ok(());
    };
    put(connection, REINDEX, &format!("{done} {last} {}", i64::from(had_graph)))
}

pub(super) fn value(connection: &Connection, key: &str) -> Outcome<Option<String>> {
    let mut statement =
        connection.prepare_cached("SELECT value, \"check\" FROM meta WHERE key = ?1")?;
    let row: Option<(String, i64)> =
        statement.query_row([key], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    match row {
        Some((value, sum)) if sum == row_sum(key, &value) => Ok(Some(value)),
        Some(_) => Err(StoreFault::Damaged(format!("the value of {key:?} is damaged"))),
        None => Ok(None),
    }
}

pub(super) fn put(connection: &Connection, key: &str, value: &str) -> Outcome<()> {
    let mut statement = connection
        .prepare_cached("INSERT OR REPLACE INTO meta(key, value, \"check\") VALUES(?1, ?2, ?3)")?;
    statement.execute((key, value, row_sum(key, value)))?;
    Ok(())
}

pub(super) fn row_sum(key: &str, value: &str) -> i64 {
    RowSum::new().text(key).text(value).finish()
}

/// A counter that every file of ours has.
pub(super) fn counter(connection: &Connection, key: &str) -> Outcome<u64> {
    let value = value(connection, key)?;
    let number = value.and_then(|value| value.parse().ok());
    number
        .ok_or_else(|| StoreFault::Damaged(format!("the counter {key:?} is missing or no number")))
}

/// Adds one to a counter.
pub(super) fn bump(connection: &Connection, key: &str) -> Outcome<u64> {
    let next = counter(connection, key)?.wrapping_add(1);
    put(connection, key, &next.to_string())?;
    Ok(next)
}

pub(super) fn setting(connection: &Connection, key: &str) -> Outcome<Option<String>> {
    value(connection, &format!("{SETTING}{key}"))
}

pub(super) fn put_setting(connection: &Connection, key: &str, value: &str) -> Outcome<()> {
    put(connection, &format!("{SETTING}{key}"), value)
}

pub(super) fn encoder(connection: &Connection) -> Outcome<Option<EncoderIdentity>> {
    let Some(fingerprint) = value(connection, FINGERPRINT)? else { return Ok(None) };
    let number = |key| counter(connection, key).map(|number| number as usize);
    let dim = number(DIM)?;
    if !(1..=MAX_DIM).contains(&dim) {
        return Err(StoreFault::Damaged(format!("vectors of length {dim} cannot be")));
    }
    let name = value(connection, NAME)?.unwrap_or_default();
    Ok(Some(EncoderIdentity { fingerprint, name, dim, max_tokens: number(MAX_TOKENS)? }))
}

pub(super) fn put_encoder(connection: &Connection, identity: &EncoderIdentity) -> Outcome<()> {
    put(connection, FINGERPRINT, &identity.fingerprint)?;
    put(connection, NAME, &identity.name)?;
    put(connection, DIM, &identity.dim.to_string())?;
    put(connection, MAX_TOKENS, &identity.max_tokens.to_string())
}
