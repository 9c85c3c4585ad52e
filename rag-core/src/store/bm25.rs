//! BM25 over the full-text index: the passages that hold the words of a question, best first.
//!
//! The score is that of Robertson and Zaragoza (2009) with Lucene's idf, which is never negative. FTS5's own `bm25` is
//! not used: it counts the forms of a word as so many words, and cannot be given the counts of other files.

use std::collections::{BinaryHeap, HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension};

use super::fault::{Fault, Outcome};
use super::lexical::{Term, terms};
use super::types::LexicalOptions;

/// How soon more of the same word stops to matter.
const K1: f32 = 1.5;
/// How much a long passage is held against it.
const B: f32 = 0.75;

/// Every occurrence of every word, read from the index itself; a table of the connection, not of the file.
pub(super) const WORDS: &str =
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.words USING fts5vocab(main, lexical, instance)";

/// What scores are measured against. Those of several files added up give each the scores of one file that holds all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Passages.
    pub passage_count: u64,
    /// Words of all passages.
    pub word_count: u64,
    /// For each term of the question, the passages that hold it.
    pub holders: Vec<u64>,
}

impl Statistics {
    /// Adds what another file counted for the same question.
    pub fn add(&mut self, other: &Statistics) {
        self.passage_count += other.passage_count;
        self.word_count += other.word_count;
        self.holders.resize(self.holders.len().max(other.holders.len()), 0);
        for (sum, more) in self.holders.iter_mut().zip(&other.holders) {
            *sum += more;
        }
    }
}

/// How often a passage holds a term; sorted by passage.
type Postings = Vec<(i64, u32)>;

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

/// The `limit` passages that match any word of `question` best: id and score, higher is better, ties by id.
///
/// `among` are the passages that may be found, rising; all if there is none. Those of `also` that hold a word come after them
/// in the same order, whatever their place. Scores are measured against `statistics` if they are given, else against this file.
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
        for (id, count) in postings {
            if among.is_none_or(|ids| ids.binary_search(id).is_ok()) {
                *most.entry(*id).or_default() += scorer.score(term, *count, 0);
            }
        }
    }
    let also: HashMap<i64, f32> =
        also.iter().filter_map(|id| most.get(id).map(|score| (*id, *score))).collect();
    let mut hits = best(connection, &found, &scorer, most, limit)?;
    let held: HashSet<i64> = hits.iter().map(|hit| hit.0).collect();
    let more: HashMap<i64, f32> = also.into_iter().filter(|hit| !held.contains(&hit.0)).collect();
    let count = more.len();
    hits.extend(best(connection, &found, &scorer, more, count)?);
    Ok(hits)
}

/// How much of a question some passages hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Coverage {
    /// Different words of the question, common ones left out.
    pub word_count: usize,
    /// Of each passage, the share of those words that it holds, by their idf, from 0 to 1; 0 for a question without words.
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
    // a word that no passage holds says no more than the rarest one held; in a small file it would say all
    let mut statistics = statistics.unwrap_or(&found.statistics).clone();
    statistics.holders.iter_mut().for_each(|holders| *holders = (*holders).max(1));
    let weights = Scorer::new(&once, &statistics).weights;
    let total: f32 = weights.iter().sum();
    let share = |id: &i64| {
        let held =
            found.postings.iter().zip(&weights).filter(|(postings, _)| {
                postings.binary_search_by_key(id, |posting| posting.0).is_ok()
            });
        if total > 0.0 { held.map(|(_, weight)| weight).sum::<f32>() / total } else { 0.0 }
    };
    Ok(Coverage { word_count: found.terms.len(), shares: ids.iter().map(share).collect() })
}

/// Scores passages in the order of the most they can have, until no other can be among the best.
fn best(
    connection: &Connection,
    found: &Found,
    scorer: &Scorer,
    most: HashMap<i64, f32>,
    limit: usize,
) -> Outcome<Vec<(i64, f32)>> {
    let mut waiting: BinaryHeap<Candidate> =
        most.into_iter().map(|(id, score)| Candidate { score, id }).collect();
    // the worst of the best on top
    let mut kept: BinaryHeap<std::cmp::Reverse<Candidate>> = BinaryHeap::with_capacity(limit + 1);
    let mut length = connection.prepare_cached("SELECT sz FROM lexical_docsize WHERE id = ?1")?;
    while let Some(Candidate { score: most, id }) = waiting.pop() {
        if kept.len() >= limit && kept.peek().is_none_or(|worst| worst.0.score > most) {
            break;
        }
        let blob: Option<Vec<u8>> = length.query_row([id], |row| row.get(0)).optional()?;
        let length = blob.as_deref().and_then(varint).map(|(length, _)| length);
        let length = length.ok_or_else(|| damaged("it does not say how long a passage is"))?;
        let mut score = 0.0;
        for (term, postings) in found.postings.iter().enumerate() {
            if let Ok(place) = postings.binary_search_by_key(&id, |posting| posting.0) {
                score += scorer.score(term, postings[place].1, length);
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

/// The terms of a question in this file, and what they are measured against.
fn look_up(connection: &Connection, question: &str) -> Outcome<Found> {
    let terms = terms(question);
    let (passage_count, word_count) = totals(connection)?;
    let mut postings = Vec::with_capacity(terms.len());
    for term in &terms {
        postings.push(match &term.parts[..] {
            [forms] => count(word(connection, forms)?.into_iter().map(|(id, _)| id)),
            parts => count(phrase(connection, parts)?.into_iter()),
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

/// The passages of each place where the parts follow each other, rising.
fn phrase(connection: &Connection, parts: &[Vec<String>]) -> Outcome<Vec<i64>> {
    let mut ends: Vec<(i64, i64)> = Vec::new();
    for (index, forms) in parts.iter().enumerate() {
        let places = word(connection, forms)?;
        ends = match index {
            0 => places,
            _ => {
                let follows =
                    |place: &(i64, i64)| ends.binary_search(&(place.0, place.1 - 1)).is_ok();
                places.into_iter().filter(follows).collect()
            }
        };
    }
    Ok(ends.into_iter().map(|(id, _)| id).collect())
}

/// How often each of some rising ids comes.
fn count(ids: impl Iterator<Item = i64>) -> Postings {
    let mut postings = Postings::new();
    for id in ids {
        match postings.last_mut() {
            Some((last, count)) if *last == id => *count += 1,
            _ => postings.push((id, 1)),
        }
    }
    postings
}

/// Passages and words in the index, as FTS5 keeps them: two numbers in a record of its own.
fn totals(connection: &Connection) -> Outcome<(u64, u64)> {
    let mut statement = connection.prepare_cached("SELECT block FROM lexical_data WHERE id = 1")?;
    let record: Option<Vec<u8>> = statement.query_row([], |row| row.get(0)).optional()?;
    // an index that was never filled has none
    let Some(record) = record.filter(|record| !record.is_empty()) else { return Ok((0, 0)) };
    let numbers = varint(&record).and_then(|(passages, rest)| Some((passages, varint(rest)?.0)));
    numbers.ok_or_else(|| damaged("the full-text index does not say how much it holds"))
}

/// The number at the start of `bytes` and what follows: seven bits a byte, the highest first, nine bytes at most.
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

fn damaged(what: &str) -> Fault {
    Fault::Damaged(what.to_owned())
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
        let average_length = statistics.word_count as f32 / passages.max(1.0);
        Self { weights: weights.collect(), average_length: average_length.max(1.0) }
    }

    fn score(&self, term: usize, count: u32, length: u64) -> f32 {
        let count = count as f32;
        let norm = 1.0 - B + B * length as f32 / self.average_length;
        self.weights[term] * count * (K1 + 1.0) / (count + K1 * norm)
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
mod tests {
    use super::*;
    use crate::store::lexical::index_text;
    use crate::store::schema;

    fn index(passages: &[&str]) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(schema::LEXICAL).unwrap();
        connection.execute_batch(WORDS).unwrap();
        for (id, text) in (1i64..).zip(passages) {
            let body = index_text(None, text, Some("en"));
            connection
                .execute("INSERT INTO lexical(rowid, body) VALUES(?1, ?2)", (id, body))
                .unwrap();
        }
        connection
    }

    /// The formula, term by term, over words parted by spaces.
    fn plain(passages: &[&str], question: &str) -> Vec<(i64, f32)> {
        let average = passages.iter().map(|p| p.split(' ').count()).sum::<usize>() as f32
            / passages.len() as f32;
        let mut scored = Vec::new();
        for (id, passage) in (1i64..).zip(passages) {
            let mut score = 0.0;
            for word in question.split(' ') {
                let held = |p: &&&str| p.split(' ').any(|w| w == word);
                let holders = passages.iter().filter(held).count() as f32;
                let idf = (1.0 + (passages.len() as f32 - holders + 0.5) / (holders + 0.5)).ln();
                let count = passage.split(' ').filter(|w| *w == word).count() as f32;
                let norm = 1.0 - B + B * passage.split(' ').count() as f32 / average;
                score += idf * count * (K1 + 1.0) / (count + K1 * norm);
            }
            if score > 0.0 {
                scored.push((id, score));
            }
        }
        scored.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        scored
    }

    fn assert_near(found: &[(i64, f32)], wanted: &[(i64, f32)]) {
        assert_eq!(found.len(), wanted.len(), "{found:?} {wanted:?}");
        for (a, b) in found.iter().zip(wanted) {
            assert!(a.0 == b.0 && (a.1 - b.1).abs() < 1e-4, "{found:?} {wanted:?}");
        }
    }

    const TEXTS: [&str; 5] = [
        "mirror lamp desk",
        "lamp lamp lamp cord cord wire wire bulb shade floor",
        "desk chair",
        "mirror wall mirror frame",
        "chair cord lamp desk mirror wall",
    ];

    #[test]
    fn scores_are_those_of_the_formula() {
        let connection = index(&TEXTS);
        for question in
            ["lamp", "mirror lamp", "desk desk chair lamp", "cord wall frame mirror desk"]
        {
            let wanted = plain(&TEXTS, question);
            assert_near(
                &search(&connection, question, 10, &LexicalOptions::default()).unwrap(),
                &wanted,
            );
            let first = search(&connection, question, 2, &LexicalOptions::default()).unwrap();
            assert_near(&first, &wanted[..wanted.len().min(2)]);
        }
        assert!(search(&connection, "lamp", 0, &LexicalOptions::default()).unwrap().is_empty());
    }

    #[test]
    fn a_deleted_passage_is_not_found_nor_counted() {
        let connection = index(&TEXTS);
        connection.execute("DELETE FROM lexical WHERE rowid = 5", []).unwrap();
        let found = search(&connection, "mirror lamp", 10, &LexicalOptions::default()).unwrap();
        assert_near(&found, &plain(&TEXTS[..4], "mirror lamp"));
    }

    #[test]
    fn a_search_among_some_scores_them_as_among_all() {
        let connection = index(&TEXTS);
        let all = search(&connection, "mirror lamp", 10, &LexicalOptions::default()).unwrap();
        let some = search(
            &connection,
            "mirror lamp",
            10,
            &LexicalOptions { among: Some(&[2, 4]), ..LexicalOptions::default() },
        )
        .unwrap();
        let wanted: Vec<_> = all.into_iter().filter(|hit| [2, 4].contains(&hit.0)).collect();
        assert_near(&some, &wanted);
    }

    #[test]
    fn passages_asked_for_are_scored_whatever_their_place() {
        let connection = index(&TEXTS);
        let all = search(&connection, "mirror lamp", 10, &LexicalOptions::default()).unwrap();
        let last = all.last().copied().unwrap();
        let options =
            LexicalOptions { also: &[all[0].0, last.0, 3, 99], ..LexicalOptions::default() };
        // the best comes once, and what holds no word or does not exist is not there
        assert_near(&search(&connection, "mirror lamp", 1, &options).unwrap(), &[all[0], last]);
    }

    #[test]
    fn two_files_that_share_their_counts_score_as_one() {
        let whole =
            search(&index(&TEXTS), "mirror lamp desk", 10, &LexicalOptions::default()).unwrap();
        let (left, right) = (index(&TEXTS[..2]), index(&TEXTS[2..]));
        let mut counts = statistics(&left, "mirror lamp desk").unwrap();
        counts.add(&statistics(&right, "mirror lamp desk").unwrap());
        let part = |c: &Connection, from: i64| -> Vec<(i64, f32)> {
            let found = search(
                c,
                "mirror lamp desk",
                10,
                &LexicalOptions { statistics: Some(&counts), ..LexicalOptions::default() },
            )
            .unwrap();
            found.into_iter().map(|(id, score)| (id + from, score)).collect()
        };
        let mut joined = [part(&left, 0), part(&right, 2)].concat();
        joined.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        assert_near(&joined, &whole);
    }

    #[test]
    fn coverage_weighs_rare_words_more() {
        let connection = index(&TEXTS);
        let ids = [1, 2, 3, 99];
        let Coverage { word_count, shares } =
            coverage(&connection, "lamp shade lamp", &ids, None).unwrap();
        assert_eq!(word_count, 2);
        // "lamp" is in three of five passages, "shade" in one
        let idf = |holders: f32| (1.0f32 + (5.0 - holders + 0.5) / (holders + 0.5)).ln();
        assert!((shares[0] - idf(3.0) / (idf(3.0) + idf(1.0))).abs() < 1e-6);
        assert_eq!(shares[1..], [1.0, 0.0, 0.0]);
        // a word that is nowhere counts like one that is in one passage
        let absent = coverage(&connection, "shade tundra", &ids, None).unwrap().shares;
        assert!((absent[1] - 0.5).abs() < 1e-6);
        assert_eq!(coverage(&connection, "?!", &ids, None).unwrap().shares, [0.0; 4]);
    }

    #[test]
    fn numbers_of_fts5_are_read() {
        assert_eq!(varint(&[5, 9]), Some((5, &[9u8][..])));
        assert_eq!(varint(&[0x81, 0x00]), Some((128, &[][..])));
        assert_eq!(varint(&[0xff; 9]), Some((u64::MAX, &[][..])));
        assert_eq!(varint(&[0x80]), None);
        assert_eq!(varint(&[]), None);
    }
}
