//! Scores against the formula, and what a search keeps to.

use super::*;
use crate::store::lexical::{Cut, index_text};
use crate::store::schema;

fn index(passages: &[&str]) -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    schema::create(&connection).unwrap();
    connection.execute_batch(WORDS).unwrap();
    for (id, text) in (1i64..).zip(passages) {
        let body = index_text(None, text, Some("en"), Cut::Grams);
        connection.execute("INSERT INTO lexical(rowid, body) VALUES(?1, ?2)", (id, body)).unwrap();
    }
    connection
}

/// The formula, term by term, over words separated by spaces.
fn plain(passages: &[&str], question: &str) -> Vec<(i64, f32)> {
    let average =
        passages.iter().map(|p| p.split(' ').count()).sum::<usize>() as f32 / passages.len() as f32;
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
    for question in ["lamp", "mirror lamp", "desk desk chair lamp", "cord wall frame mirror desk"] {
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
    let options = LexicalOptions { also: &[all[0].0, last.0, 3, 99], ..LexicalOptions::default() };
    // the best comes once, and what holds no word or does not exist is not there
    assert_near(&search(&connection, "mirror lamp", 1, &options).unwrap(), &[all[0], last]);
}

#[test]
fn two_files_that_share_their_counts_score_as_one() {
    let whole = search(&index(&TEXTS), "mirror lamp desk", 10, &LexicalOptions::default()).unwrap();
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
