//! BM25 over the full-text index: the passages that hold the words of a question, best first.
//!
//! The score is that of Robertson and Zaragoza (2009) with Lucene's idf, which is never negative.
//! Words of the title and the name of the document are added to the frequency of a word before it
//! saturates (BM25F; Robertson, Zaragoza and Taylor 2004).
//!
//! FTS5's own `bm25` is not used: it counts the forms of a word as so many words, and cannot be
//! given the counts of other files.

use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};
use std::rc::Rc;

use rusqlite::{Connection, OptionalExtension};

use super::fault::{Outcome, StoreFault};
use super::forms::WordForms;
use super::lexical::{MAX_TERMS, Term, terms, word_forms};
use super::subject::{self, SubjectField};
use super::types::{LexicalOptions, Statistics};

/// How soon more of the same word stops to matter.
const K1: f32 = 1.5;
/// How much a long passage is held against it.
const B: f32 = 0.75;

/// What a word in the title, and one in the name, of its document adds to how often a passage holds
/// it, where 1 is once in a passage of average length.
const TITLE: f32 = 1.0;
const NAME: f32 = 0.5;

/// Passages that the title and name of their documents find for one word, at most: a word that
/// stands over more tells none of them from the others.
const MAX_TITLED: usize = 20_000;

/// Every occurrence of every word, read from the index itself; a table of the connection, not of
/// the file.
pub(super) const WORDS: &str =
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.words USING fts5vocab(main, lexical, instance)";

/// How often a passage holds a term, and what the title and name of its document add to that;
/// sorted by passage.
type Postings = Vec<Posting>;

#[derive(Debug, Clone, Copy, PartialEq)]
struct Posting {
    id: i64,
    count: u32,
    titled: f32,
}

/// The terms of a question and where they stand in one file.
struct Found {
    terms: Vec<Term>,
    postings: Vec<Postings>,
    statistics: Statistics,
}

/// What `question` counts in this file.
pub(super) fn statistics(connection: &Connection, question: &str) -> Outcome<Statistics> {
    Ok(look_up(connection, question)?.statistics)
}

/// The `limit` passages that match any word of `question` best: id and score, higher is better,
/// ties by id.
///
/// `among` are the passages that may be found, rising; all if there is none. Those of `also` that
/// hold a word come after them in the same order, whatever their place. Scores are measured against
/// `statistics` if they are given, else against this file.
pub(super) fn search(
    connection: &Connection,
    question: &str,
    limit: usize,
    options: &LexicalOptions<'_>,
) -> Outcome<Vec<(i64, f32)>> {
    let &LexicalOptions { among, also, statistics } = options;
    let found = look_up(connection, question)?;
    let scorer = Scorer::new(&found.terms, statistics.unwrap_or(&found.statistics));
    let mut most: HashMap<i64, f32> = HashMap::new();
    for (term, postings) in found.postings.iter().enumerate() {
        for posting in postings {
            if among.is_none_or(|ids| ids.binary_search(&posting.id).is_ok()) {
                // of no length, a passage has the greatest score it can have: lengths are a look-up
                // each, and most passages are settled without
                *most.entry(posting.id).or_default() += scorer.score(term, posting, 0);
            }
        }
    }
    let also: HashMap<i64, f32> =
        also.iter().filter_map(|id| most.get(id).map(|score| (*id, *score))).collect();
    let mut hits = scorer.best(connection, &found, most, limit)?;
    let held: HashSet<i64> = hits.iter().map(|hit| hit.0).collect();
    let more: HashMap<i64, f32> = also.into_iter().filter(|hit| !held.contains(&hit.0)).collect();
    let count = more.len();
    hits.extend(scorer.best(connection, &found, more, count)?);
    Ok(hits)
}

/// The passages that hold the words of `phrase` one behind the other, rising.
pub(super) fn holding(connection: &Connection, phrase: &str) -> Outcome<Vec<i64>> {
    let mut ids = match word_forms(phrase).as_slice() {
        [] => Vec::new(),
        parts => Places::new(connection).phrase(parts)?,
    };
    ids.dedup();
    Ok(ids)
}

/// How much of a question some passages hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Coverage {
    /// Different words of the question, common ones left out.
    pub word_count: usize,
    /// Of each passage, the share of those words that it holds, by their idf, from 0 to 1; 0 for a
    /// question without words.
    pub shares: Vec<f32>,
}

pub(super) fn coverage(
    connection: &Connection,
    question: &str,
    ids: &[i64],
    statistics: Option<&Statistics>,
) -> Outcome<Coverage> {
    let found = look_up(connection, question)?;
    // a word said twice is not two things asked
    let once: Vec<Term> =
        found.terms.iter().map(|term| Term { count: 1, ..term.clone() }).collect();
    // a word that no passage holds says no more than the rarest one held; in a small file it would
    // say all
    let mut statistics = statistics.unwrap_or(&found.statistics).clone();
    statistics.holders.iter_mut().for_each(|holders| *holders = (*holders).max(1));
    let mut weights = Scorer::new(&once, &statistics).weights;
    weights.iter_mut().zip(&once).for_each(|(weight, term)| *weight *= term.share);
    let total: f32 = weights.iter().sum();
    let words = once.iter().zip(&weights).filter(|(_, weight)| **weight > 0.0);
    let word_count: f32 = words.map(|(term, _)| term.share).sum();
    let share = |id: &i64| {
        let held = found.postings.iter().zip(&weights).filter(|(postings, _)| {
            postings.binary_search_by_key(id, |posting| posting.id).is_ok()
        });
        if total > 0.0 { held.map(|(_, weight)| weight).sum::<f32>() / total } else { 0.0 }
    };
    Ok(Coverage { word_count: word_count.ceil() as usize, shares: ids.iter().map(share).collect() })
}

/// The terms of a question in this file, and what they are measured against.
fn look_up(connection: &Connection, question: &str) -> Outcome<Found> {
    let terms = terms(question);
    let (passage_count, word_count) = totals(connection)?;
    let mut postings = Vec::with_capacity(terms.len());
    let mut places = Places::new(connection);
    let has_subjects = subject::is_kept(connection)?;
    for term in &terms {
        let mut held: Vec<i64> = match &term.parts[..] {
            [forms] => {
                let mut all = word(connection, forms)?;
                if let Some(kin) = &term.kin {
                    all.extend(kindred(connection, kin, forms)?);
                    all.sort_unstable();
                }
                all.into_iter().map(|(id, _)| id).collect()
            }
            parts => places.phrase(parts)?,
        };
        for parts in &term.also {
            held.extend(places.phrase(parts)?);
        }
        if !term.also.is_empty() {
            held.sort_unstable();
        }
        let held = count(held.into_iter());
        postings.push(match has_subjects {
            true => joined(held, &titled(connection, term)?),
            false => held,
        });
    }
    let holders = postings.iter().map(|postings| postings.len() as u64).collect();
    let statistics = Statistics { passage_count, word_count, holders };
    Ok(Found { terms, postings, statistics })
}

/// Every place of a word in any of its forms: passage and number of the word in it, sorted.
fn word(connection: &Connection, forms: &[String]) -> Outcome<Vec<(i64, i64)>> {
    let mut statement =
        connection.prepare_cached("SELECT doc, \"offset\" FROM temp.words WHERE term = ?1")?;
    let mut places = Vec::new();
    for form in forms {
        let rows = statement.query_map([form], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for row in rows {
            places.push(row?);
        }
    }
    places.sort_unstable();
    Ok(places)
}

/// Every place of another word that is a form of one asked for. In Latin letters only where the
/// file keeps no stems: they would be looked for twice.
fn kindred(connection: &Connection, kin: &WordForms, but: &[String]) -> Outcome<Vec<(i64, i64)>> {
    let mut statement = connection.prepare_cached(
        "SELECT term, doc, \"offset\" FROM temp.words WHERE term >= ?1 AND term < ?2",
    )?;
    let mut places = Vec::new();
    let mut last = (String::new(), false);
    let mut stemmed: HashMap<i64, bool> = HashMap::new();
    for start in kin.starts() {
        let end = format!("{start}{}", char::MAX);
        let mut rows = statement.query([&start, &end])?;
        while let Some(row) = rows.next()? {
            let term = row.get_ref(0)?.as_str().unwrap_or_default();
            if last.0 != term {
                let is_other = !but.iter().any(|form| form == term);
                last = (term.to_owned(), is_other && kin.holds(term));
            }
            let id = row.get(1)?;
            if last.1 && !(kin.is_latin() && is_stemmed(connection, id, &mut stemmed)?) {
                places.push((id, row.get(2)?));
            }
        }
    }
    Ok(places)
}

/// Whether the words of a passage were indexed by their stems.
fn is_stemmed(connection: &Connection, id: i64, known: &mut HashMap<i64, bool>) -> Outcome<bool> {
    if let Some(stemmed) = known.get(&id) {
        return Ok(*stemmed);
    }
    let mut statement = connection.prepare_cached(
        "SELECT lang FROM passage JOIN document ON document.id = passage.document \
         WHERE passage.id = ?1",
    )?;
    let lang: Option<Option<String>> = statement.query_row([id], |row| row.get(0)).optional()?;
    let stemmed = super::lexical::is_stemmed(lang.flatten().as_deref());
    known.insert(id, stemmed);
    Ok(stemmed)
}

/// The places of words met so far: the spellings of a date say the same few again and again.
struct Places<'a> {
    connection: &'a Connection,
    met: HashMap<Vec<String>, Rc<[(i64, i64)]>>,
}

impl<'a> Places<'a> {
    fn new(connection: &'a Connection) -> Self {
        Self { connection, met: HashMap::new() }
    }

    fn word(&mut self, forms: &[String]) -> Outcome<Rc<[(i64, i64)]>> {
        if let Some(places) = self.met.get(forms) {
            return Ok(Rc::clone(places));
        }
        let places: Rc<[(i64, i64)]> = word(self.connection, forms)?.into();
        self.met.insert(forms.to_vec(), Rc::clone(&places));
        Ok(places)
    }

    /// The passages of each place where the parts follow each other, rising.
    fn phrase(&mut self, parts: &[Vec<String>]) -> Outcome<Vec<i64>> {
        let Some((first, rest)) = parts.split_first() else { return Ok(Vec::new()) };
        let mut ends = self.word(first)?;
        for forms in rest {
            if ends.is_empty() {
                break;
            }
            let follows = |place: &&(i64, i64)| ends.binary_search(&(place.0, place.1 - 1)).is_ok();
            ends = self.word(forms)?.iter().filter(follows).copied().collect();
        }
        Ok(ends.iter().map(|(id, _)| *id).collect())
    }
}

/// The passages of the documents whose title or name holds a term, and what that adds.
fn titled(connection: &Connection, term: &Term) -> Outcome<BTreeMap<i64, f32>> {
    let mut all: Option<BTreeMap<i64, f32>> = None;
    for forms in &term.parts {
        let mut found = BTreeMap::new();
        for form in forms {
            if !add_titled(connection, form, &mut found)? {
                return Ok(BTreeMap::new());
            }
        }
        let kin = term.kin.as_ref().filter(|_| term.parts.len() == 1);
        for start in kin.map(WordForms::starts).into_iter().flatten() {
            let end = format!("{start}{}", char::MAX);
            let mut statement = connection.prepare_cached(
                "SELECT DISTINCT word FROM subject WHERE word >= ?1 AND word < ?2",
            )?;
            let mut rows = statement.query([&start, &end])?;
            while let Some(row) = rows.next()? {
                let word: String = row.get(0)?;
                if kin.is_some_and(|kin| kin.holds(&word))
                    && !add_titled(connection, &word, &mut found)?
                {
                    return Ok(BTreeMap::new());
                }
            }
        }
        all = Some(match all {
            None => found,
            Some(mut before) => {
                before.retain(|id, _| found.contains_key(id));
                before
            }
        });
    }
    Ok(all.unwrap_or_default())
}

/// Adds the passages under one form of a word; `false` if there are too many.
fn add_titled(
    connection: &Connection,
    form: &str,
    found: &mut BTreeMap<i64, f32>,
) -> Outcome<bool> {
    let mut statement = connection.prepare_cached(
        "SELECT passage.id, field FROM subject \
         JOIN passage ON passage.document = subject.document WHERE word = ?1",
    )?;
    let mut rows = statement.query([form])?;
    while let Some(row) = rows.next()? {
        let added = match SubjectField::of(row.get(1)?) {
            SubjectField::Title => TITLE,
            SubjectField::Name => NAME,
        };
        let weight = found.entry(row.get(0)?).or_insert(added);
        *weight = weight.max(added);
        if found.len() > MAX_TITLED {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What passages hold and what stands over them, both by rising id.
fn joined(held: Postings, titled: &BTreeMap<i64, f32>) -> Postings {
    if titled.is_empty() {
        return held;
    }
    let mut all = Postings::with_capacity(held.len() + titled.len());
    let mut above = titled.iter().peekable();
    let alone = |(id, titled): (&i64, &f32)| Posting { id: *id, count: 0, titled: *titled };
    for posting in held {
        while let Some(before) = above.next_if(|(id, _)| **id < posting.id) {
            all.push(alone(before));
        }
        let same = above.next_if(|(id, _)| **id == posting.id);
        all.push(Posting { titled: same.map_or(0.0, |(_, titled)| *titled), ..posting });
    }
    all.extend(above.map(alone));
    all
}

/// How often each of some rising ids comes.
fn count(ids: impl Iterator<Item = i64>) -> Postings {
    let mut postings = Postings::new();
    for id in ids {
        match postings.last_mut() {
            Some(last) if last.id == id => last.count += 1,
            _ => postings.push(Posting { id, count: 1, titled: 0.0 }),
        }
    }
    postings
}

/// Passages and words in the index, as FTS5 keeps them: two numbers in a record of its own.
fn totals(connection: &Connection) -> Outcome<(u64, u64)> {
    // counting the rows would read the whole index at every question
    let mut statement = connection.prepare_cached("SELECT block FROM lexical_data WHERE id = 1")?;
    let record: Option<Vec<u8>> = statement.query_row([], |row| row.get(0)).optional()?;
    // an index that was never filled has none
    let Some(record) = record.filter(|record| !record.is_empty()) else { return Ok((0, 0)) };
    let numbers = varint(&record).and_then(|(passages, rest)| Some((passages, varint(rest)?.0)));
    numbers.ok_or_else(|| damaged("the full-text index does not say how much it holds"))
}

/// The number at the start of `bytes` and what follows: seven bits a byte, the highest first, nine
/// bytes at most.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0u64;
    for (index, byte) in bytes.iter().take(9).enumerate() {
        if index == 8 {
            return Some((number << 8 | u64::from(*byte), &bytes[9..]));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[index + 1..]));
        }
    }
    None
}

fn damaged(what: &str) -> StoreFault {
    StoreFault::Damaged(what.to_owned())
}

/// What one occurrence of each term is worth.
struct Scorer {
    /// The idf of each term, times how often the question says it.
    weights: Vec<f32>,
    average_length: f32,
}

impl Scorer {
    fn new(terms: &[Term], statistics: &Statistics) -> Self {
        let passages = statistics.passage_count as f32;
        let weights = terms.iter().zip(&statistics.holders).map(|(term, holders)| {
            let holders = *holders as f32;
            term.count as f32 * (1.0 + (passages - holders + 0.5).max(0.0) / (holders + 0.5)).ln()
        });
        let mut weights: Vec<f32> = weights.collect();
        keep_rarest(&mut weights, terms);
        let average_length = statistics.word_count as f32 / passages.max(1.0);
        Self { weights, average_length: average_length.max(1.0) }
    }

    /// Scores passages in the order of the most they can have, until no other can be among the
    /// best.
    fn best(
        &self,
        connection: &Connection,
        found: &Found,
        most: HashMap<i64, f32>,
        limit: usize,
    ) -> Outcome<Vec<(i64, f32)>> {
        let mut waiting: BinaryHeap<Candidate> =
            most.into_iter().map(|(id, score)| Candidate { score, id }).collect();
        // the worst of the best on top
        let mut kept: BinaryHeap<std::cmp::Reverse<Candidate>> =
            BinaryHeap::with_capacity(limit + 1);
        let mut length =
            connection.prepare_cached("SELECT sz FROM lexical_docsize WHERE id = ?1")?;
        while let Some(Candidate { score: most, id }) = waiting.pop() {
            if kept.len() >= limit && kept.peek().is_none_or(|worst| worst.0.score > most) {
                break;
            }
            let blob: Option<Vec<u8>> = length.query_row([id], |row| row.get(0)).optional()?;
            let length = blob.as_deref().and_then(varint).map(|(length, _)| length);
            let length = length.ok_or_else(|| damaged("it does not say how long a passage is"))?;
            let mut score = 0.0;
            for (term, postings) in found.postings.iter().enumerate() {
                if let Ok(place) = postings.binary_search_by_key(&id, |posting| posting.id) {
                    score += self.score(term, &postings[place], length);
                }
            }
            kept.push(std::cmp::Reverse(Candidate { score, id }));
            if kept.len() > limit {
                kept.pop();
            }
        }
        let sorted = kept.into_sorted_vec();
        Ok(sorted.into_iter().map(|candidate| (candidate.0.id, candidate.0.score)).collect())
    }

    fn score(&self, term: usize, posting: &Posting, length: u64) -> f32 {
        let norm = 1.0 - B + B * length as f32 / self.average_length;
        // the frequency of the title is not divided by the length of the passage
        let count = posting.count as f32 + posting.titled * norm;
        self.weights[term] * count * (K1 + 1.0) / (count + K1 * norm)
    }
}

/// Leaves [`MAX_TERMS`] words their weight, those that weigh most; of equal ones the last, as a
/// long message asks at its end.
fn keep_rarest(weights: &mut [f32], terms: &[Term]) {
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|a, b| weights[*b].total_cmp(&weights[*a]).then(b.cmp(a)));
    let mut room = MAX_TERMS as f32;
    for place in order {
        room -= terms[place].room;
        if room < 0.0 {
            weights[place] = 0.0;
        }
    }
}

/// A passage with its score; the greatest is the best, of equal ones the first.
#[derive(Debug, PartialEq)]
struct Candidate {
    score: f32,
    id: i64,
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.score.total_cmp(&other.score).then(other.id.cmp(&self.id))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
