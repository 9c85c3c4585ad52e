//! Small stores with made-up passages and seeded vectors.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use rag_core::encode::EncoderIdentity;
use rag_core::passage::Passage;
use rag_core::store::{Access, IndexMode, NewDocument, Precision, SkippedFile, Store};
use rag_core::{Error, Result, Unreadable};

static NO_METADATA: BTreeMap<String, String> = BTreeMap::new();

/// A store with an encoder bound to it.
pub(crate) struct Kb {
    pub(crate) store: Store,
    pub(crate) dim: usize,
}

impl Kb {
    pub(crate) fn create(path: &Path, dim: usize) -> Self {
        let store = Store::open(path, Access::Create).unwrap();
        store.bind_encoder(&identity(dim)).unwrap();
        Self { store, dim }
    }

    pub(crate) fn memory(dim: usize) -> Self {
        Self::create(":memory:".as_ref(), dim)
    }

    /// Vectors kept as they were given, to compare with brute force.
    pub(crate) fn exact(dim: usize) -> Self {
        let kb = Self::memory(dim);
        kb.store.set_precision(Precision::F32).unwrap();
        kb
    }

    /// Stores a document of these passages with vectors from seeds `seed`, `seed + 1`, ...
    pub(crate) fn put(&self, uri: &str, passages: &[&str], seed: u64) -> Vec<i64> {
        self.try_put(uri, passages, seed).unwrap()
    }

    /// As [`Kb::put`], where it may fail.
    pub(crate) fn try_put(&self, uri: &str, passages: &[&str], seed: u64) -> Result<Vec<i64>> {
        let vectors: Vec<f32> =
            (0..passages.len() as u64).flat_map(|n| unit(self.dim, seed * 1000 + n)).collect();
        self.try_put_vectors(uri, passages, &vectors)
    }

    pub(crate) fn put_vectors(&self, uri: &str, passages: &[&str], vectors: &[f32]) -> Vec<i64> {
        self.try_put_vectors(uri, passages, vectors).unwrap()
    }

    fn try_put_vectors(&self, uri: &str, passages: &[&str], vectors: &[f32]) -> Result<Vec<i64>> {
        let text = passages.join("\n");
        let mut start = 0;
        let ranges: Vec<Passage> = passages
            .iter()
            .map(|part| {
                let range = start..start + part.len();
                start = range.end + 1;
                passage(range, None)
            })
            .collect();
        self.store.put_document(&document(uri, &text), &ranges, vectors)
    }

    /// Remembers `uri` as a file that could not be read.
    pub(crate) fn skip(&self, uri: &str) -> Error {
        let error = Error::document(uri.as_ref(), Unreadable::Encrypted, "locked");
        let file = SkippedFile {
            uri,
            size_bytes: 1,
            mtime_ns: 1,
            hash: [1; 32],
            error: &error,
            tried_pictures: true,
        };
        self.store.put_skipped(&file).unwrap();
        error
    }

    pub(crate) fn ids_nearest(&self, seed: u64, limit: usize) -> Vec<i64> {
        let hits = self.store.nearest(&unit(self.dim, seed), limit, IndexMode::Auto).unwrap();
        let mut ids: Vec<i64> = hits.into_iter().map(|hit| hit.0).collect();
        ids.sort_unstable();
        ids
    }
}

pub(crate) fn identity(dim: usize) -> EncoderIdentity {
    EncoderIdentity { fingerprint: "f00d".to_owned(), name: "tiny".to_owned(), dim, max_tokens: 64 }
}

pub(crate) fn document<'a>(uri: &'a str, text: &'a str) -> NewDocument<'a> {
    NewDocument {
        uri,
        size_bytes: text.len() as u64,
        mtime_ns: 1,
        hash: [1; 32],
        kind: "text",
        title: None,
        lang: Some("en"),
        text,
        source_map: &[],
        metadata: &NO_METADATA,
        unread: &[],
    }
}

pub(crate) fn passage(range: Range<usize>, heading: Option<&str>) -> Passage {
    Passage { range, heading: heading.map(str::to_owned), page: None, token_count: 1 }
}

/// Numbers in [-0.5, 0.5) from a seed.
pub(crate) fn noise(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
    move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    }
}

pub(crate) fn normalised(vector: Vec<f32>) -> Vec<f32> {
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.into_iter().map(|x| x / norm).collect()
}

/// A unit vector from a seed.
pub(crate) fn unit(dim: usize, seed: u64) -> Vec<f32> {
    let mut next = noise(seed);
    normalised((0..dim).map(|_| next()).collect())
}

/// Unit vectors around a hundred centres, as sentences on a hundred subjects would be.
pub(crate) fn clustered(count: usize, dim: usize, seed: u64) -> Vec<f32> {
    let mut next = noise(seed);
    let vectors = (0..count).map(|row| {
        let centre = unit(dim, 1_000_000 + row as u64 % 100);
        normalised(centre.iter().map(|x| x + next() * 1.5 / (dim as f32).sqrt()).collect())
    });
    vectors.flatten().collect()
}
