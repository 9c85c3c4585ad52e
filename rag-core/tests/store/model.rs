//! Random operations, held against a plain model: a map of documents and a scan of their vectors.

use std::collections::BTreeMap;

use rag_core::CancelToken;
use rag_core::store::{IndexMode, Seal};

use crate::fixture::{Kb, unit};

const DIM: usize = 8;
const NAMES: u64 = 40;
/// Operations in the short run, and with `RAG_LONG=1`.
const SHORT: usize = 2_000;
const LONG: usize = 100_000;

/// SplitMix64 (Steele et al. 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

/// A document as the model holds it: its passage ids, and the seed of its vectors and words.
type Model = BTreeMap<String, (Vec<i64>, u64)>;

fn word(seed: u64) -> String {
    format!("word{seed}")
}

#[test]
fn a_plain_model_agrees_after_every_operation() {
    let folder = tempfile::tempdir().unwrap();
    let mut kb = Kb::create(&folder.path().join("kb.rag"), DIM);
    let operations = if std::env::var_os("RAG_LONG").is_some() { LONG } else { SHORT };
    let mut random = Random(7);
    let mut model = Model::new();
    let (mut highest, mut searches) = (0, 0);
    for number in 0..operations as u64 {
        let name = format!("doc {}", random.below(NAMES));
        match random.below(100) {
            0..35 => {
                let words = vec![word(number); 1 + random.below(5) as usize];
                let texts: Vec<&str> = words.iter().map(String::as_str).collect();
                let ids = kb.put(&name, &texts, number);
                assert!(ids.iter().all(|id| *id > highest), "an id came back");
                highest = *ids.last().unwrap();
                model.insert(name, (ids, number));
            }
            35..50 => {
                let removed = kb.store.remove_document(&name).unwrap();
                assert_eq!(removed, model.remove(&name).is_some());
            }
            50..52 => kb.store.seal(Seal::Now, &CancelToken::new()).unwrap(),
            52..54 => kb.store.seal(Seal::IfNeeded, &CancelToken::new()).unwrap(),
            54 if random.below(20) == 0 => kb.store.vacuum().unwrap(),
            54 if random.below(4) == 0 => {
                drop(kb);
                kb = Kb::create(&folder.path().join("kb.rag"), DIM);
            }
            _ => {
                assert_nearest(&kb, &model, random.below(1000));
                assert_words(&kb, &model, &name);
                searches += 1;
            }
        }
    }
    assert_eq!(kb.store.check(&CancelToken::new()).unwrap(), []);
    println!("{operations} operations, {searches} searches, 0 lost, 0 of deleted passages");
}

/// The scan finds the nearest; the graph, asked for all there is, finds exactly what is held.
fn assert_nearest(kb: &Kb, model: &Model, seed: u64) {
    let query = unit(DIM, seed);
    let mut truth: Vec<(i64, f32)> = Vec::new();
    for (ids, seed) in model.values() {
        for (n, id) in ids.iter().enumerate() {
            let vector = unit(DIM, seed * 1000 + n as u64);
            truth.push((*id, vector.iter().zip(&query).map(|(a, b)| a * b).sum()));
        }
    }
    truth.sort_by(|a, b| b.1.total_cmp(&a.1));
    let hits = kb.store.nearest(&query, 10, IndexMode::Flat).unwrap();
    assert_eq!(hits.len(), truth.len().min(10));
    for (hit, true_hit) in hits.iter().zip(&truth) {
        assert!((hit.1 - true_hit.1).abs() < 1e-3, "{hit:?} {true_hit:?}");
        assert!(truth.iter().any(|held| held.0 == hit.0), "passage {} was deleted", hit.0);
    }
    let limit = (truth.len() / 9).max(1);
    let walked = kb.store.nearest(&query, limit, IndexMode::Hnsw).unwrap();
    assert_eq!(walked.len(), truth.len().min(limit));
    assert!(walked.iter().all(|hit| truth.iter().any(|held| held.0 == hit.0)));
}

fn assert_words(kb: &Kb, model: &Model, name: &str) {
    let Some((ids, seed)) = model.get(name) else { return };
    let mut found: Vec<i64> =
        kb.store.lexical(&word(*seed), 100).unwrap().iter().map(|hit| hit.0).collect();
    found.sort_unstable();
    assert_eq!(&found, ids);
}
