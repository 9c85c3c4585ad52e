//! Nearest passages: exact against brute force, approximate against exact, deletes, seals.

use rag_core::CancelToken;
use rag_core::store::{IndexMode, Seal};

use crate::fixture::{Kb, clustered, unit};

const DIM: usize = 64;

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
}

/// The ten nearest rows by brute force, ties by row.
fn truth(vectors: &[f32], query: &[f32], live: impl Fn(usize) -> bool) -> Vec<(usize, f64)> {
    let mut all: Vec<(usize, f64)> = vectors
        .chunks_exact(DIM)
        .enumerate()
        .filter(|(row, _)| live(*row))
        .map(|(row, vector)| (row, cosine(vector, query)))
        .collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all.truncate(10);
    all
}

/// A store of clustered vectors, fifty passages a document; passage ids are rows + 1.
fn filled(vectors: &[f32]) -> Kb {
    let kb = Kb::exact(DIM);
    let texts = vec!["passage"; 50];
    for (number, rows) in vectors.chunks(50 * DIM).enumerate() {
        let texts = &texts[..rows.len() / DIM];
        kb.put_vectors(&format!("doc {number}"), texts, rows);
    }
    kb
}

fn assert_exact(kb: &Kb, vectors: &[f32], queries: &[f32], live: impl Fn(usize) -> bool + Copy) {
    for query in queries.chunks_exact(DIM) {
        let hits = kb.store.nearest(query, 10, IndexMode::Flat).unwrap();
        let expected = truth(vectors, query, live);
        assert_eq!(hits.len(), expected.len());
        for (hit, (row, score)) in hits.iter().zip(&expected) {
            assert!((f64::from(hit.1) - score).abs() < 1e-5, "{hit:?} {row} {score}");
            let own = cosine(&vectors[(hit.0 as usize - 1) * DIM..][..DIM], query);
            assert!((f64::from(hit.1) - own).abs() < 1e-5, "the score is the passage's own");
            assert!(live(hit.0 as usize - 1));
        }
    }
}

#[test]
fn scan_equals_brute_force_sealed_or_not_with_deletes() {
    let vectors = clustered(3000, DIM, 1);
    let queries = clustered(40, DIM, 2);
    let kb = filled(&vectors[..2500 * DIM]);
    assert_exact(&kb, &vectors[..2500 * DIM], &queries, |_| true);
    kb.store.seal(Seal::Now, &CancelToken::new()).unwrap();
    let texts = vec!["passage"; 50];
    for number in 50..60 {
        let rows = &vectors[number * 50 * DIM..][..50 * DIM];
        kb.put_vectors(&format!("doc {number}"), &texts, rows);
    }
    assert_exact(&kb, &vectors, &queries, |_| true);
    for number in [3, 4, 20, 55] {
        assert!(kb.store.remove_document(&format!("doc {number}")).unwrap());
    }
    let live = |row: usize| ![3, 4, 20, 55].contains(&(row / 50));
    assert_exact(&kb, &vectors, &queries, live);
    kb.store.seal(Seal::Now, &CancelToken::new()).unwrap();
    assert_exact(&kb, &vectors, &queries, live);
    assert_eq!(kb.store.check(&CancelToken::new()).unwrap(), []);
}

#[test]
fn graph_finds_nineteen_in_twenty() {
    let vectors = clustered(5000, DIM, 3);
    let queries = clustered(100, DIM, 4);
    let kb = filled(&vectors);
    kb.store.seal(Seal::Now, &CancelToken::new()).unwrap();
    let mut found = 0;
    for query in queries.chunks_exact(DIM) {
        let exact = kb.store.nearest(query, 10, IndexMode::Flat).unwrap();
        let near = kb.store.nearest(query, 10, IndexMode::Hnsw).unwrap();
        found += exact.iter().filter(|hit| near.contains(hit)).count();
    }
    assert!(found >= 950, "recall@10 is {}", found as f32 / 1000.0);
    for number in 0..20 {
        kb.store.remove_document(&format!("doc {number}")).unwrap();
    }
    for query in queries.chunks_exact(DIM) {
        let near = kb.store.nearest(query, 10, IndexMode::Hnsw).unwrap();
        assert_eq!(near.len(), 10);
        assert!(near.iter().all(|hit| hit.0 > 1000), "a deleted passage was found");
    }
}

#[test]
fn equal_vectors_come_by_id() {
    let kb = Kb::memory(DIM);
    let vector = unit(DIM, 5);
    let ids = kb.put_vectors("a", &["same"; 300], &vector.repeat(300));
    for seal in [false, true] {
        if seal {
            kb.store.seal(Seal::Now, &CancelToken::new()).unwrap();
        }
        let hits = kb.store.nearest(&vector, 120, IndexMode::Auto).unwrap();
        assert_eq!(hits.iter().map(|hit| hit.0).collect::<Vec<_>>(), ids[..120]);
        assert!(hits.iter().all(|hit| (hit.1 - 1.0).abs() < 1e-6 && hit.1 <= 1.0));
    }
}

#[test]
fn limits_of_all_sizes_are_served() {
    let vectors = clustered(100, DIM, 6);
    let kb = filled(&vectors);
    kb.store.seal(Seal::Now, &CancelToken::new()).unwrap();
    let query = unit(DIM, 7);
    for mode in [IndexMode::Auto, IndexMode::Flat, IndexMode::Hnsw] {
        for (limit, expected) in [(0, 0), (1, 1), (99, 99), (100, 100), (usize::MAX, 100)] {
            assert_eq!(kb.store.nearest(&query, limit, mode).unwrap().len(), expected);
        }
    }
}

#[test]
fn sealing_happens_only_when_it_pays() {
    let kb = filled(&clustered(1500, DIM, 8));
    kb.store.seal(Seal::IfNeeded, &CancelToken::new()).unwrap();
    assert_eq!(kb.store.info().unwrap().generation, 0);
    kb.store.seal(Seal::Now, &CancelToken::new()).unwrap();
    assert_eq!(kb.store.info().unwrap().generation, 1);
    for number in 0..29 {
        kb.store.remove_document(&format!("doc {number}")).unwrap();
    }
    kb.store.seal(Seal::IfNeeded, &CancelToken::new()).unwrap();
    assert_eq!(kb.store.info().unwrap().generation, 2);
    assert_eq!(kb.ids_nearest(1, 100).len(), 50);
    kb.store.remove_document("doc 29").unwrap();
    kb.store.seal(Seal::Now, &CancelToken::new()).unwrap();
    assert_eq!(kb.ids_nearest(1, 100), [0i64; 0]);
    assert_eq!(kb.store.check(&CancelToken::new()).unwrap(), []);
    kb.put("again", &["after a check"], 1);
    assert_eq!(kb.store.check(&CancelToken::new()).unwrap(), []);
}

#[test]
fn threads_search_while_others_write_and_seal() {
    let folder = tempfile::tempdir().unwrap();
    let kb = Kb::create(&folder.path().join("kb.rag"), DIM);
    kb.put_vectors("first", &["passage"; 20], &clustered(20, DIM, 9));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..100u64 {
                kb.put(&format!("doc {}", number % 10), &["one", "two"], number);
            }
        });
        scope.spawn(|| {
            for _ in 0..10 {
                kb.store.seal(Seal::Now, &CancelToken::new()).unwrap();
            }
        });
        for thread in 0..2u64 {
            let kb = &kb;
            scope.spawn(move || {
                for seed in 0..200 {
                    let hits = kb.ids_nearest(seed + thread, 10);
                    assert_eq!(hits.len(), 10);
                    kb.store.lexical("passage one", 5).unwrap();
                }
            });
        }
    });
    assert_eq!(kb.store.info().unwrap().passage_count, 40);
    assert_eq!(kb.ids_nearest(1, 100).len(), 40);
    assert_eq!(kb.store.check(&CancelToken::new()).unwrap(), []);
}
