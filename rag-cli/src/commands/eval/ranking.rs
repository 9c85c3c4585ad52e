//! Ranks whole documents: one text, one vector, one passage each, as the published figures were
//! made.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Instant;

use rag_core::document::Document;
use rag_core::encode::{Embeddings, Encoder, EncoderIdentity};
use rag_core::passage::{EncoderText, Passage};
use rag_core::search::{SearchOptions, search};
use rag_core::store::{Access, IndexMode, NewDocument, Precision, Store};
use rag_core::{Call, CancelToken, Error, Result};

use super::parts::Parts;
use super::settings::Setting;
use crate::beir::{Collection, Query};
use crate::console::{Bar, Console};

/// Texts handed to the encoder at once: enough for batches of its own, few enough for a live
/// progress bar.
const TEXTS_AT_ONCE: usize = 128;

/// Answers queries with document numbers, best first.
#[derive(Debug)]
pub(super) struct Ranker {
    queries: Option<Embeddings>,
    /// In memory, searched as the product searches.
    store: Store,
    document_of_passage: HashMap<i64, usize>,
    encode_seconds: f64,
}

impl Ranker {
    pub(super) fn build(
        collection: &Collection,
        parts: Parts,
        encoder: Option<&Encoder>,
        console: &Console<'_>,
        cancel: &CancelToken,
    ) -> Result<Self> {
        let documents: Vec<Titled<'_>> =
            collection.documents.iter().map(|document| parts.of(document)).collect();
        let start = Instant::now();
        let bar = console.bar("encoding documents", Some(documents.len() as u64));
        let vectors = encoder.map(|e| encode_by_length(e, &documents, &bar, cancel)).transpose()?;
        drop(bar);
        let encode_seconds = start.elapsed().as_secs_f64();
        let questions: Vec<&str> = collection.queries.iter().map(|q| q.text.as_str()).collect();
        let queries = encoder
            .map(|e| e.encode_queries_with(&questions, Call::new().cancel(cancel)))
            .transpose()?;
        let identity = encoder.map(Encoder::identity);
        let (store, document_of_passage) =
            fill_store(&documents, identity, vectors.as_ref(), cancel)?;
        Ok(Self { queries, store, document_of_passage, encode_seconds })
    }

    /// Time spent encoding documents.
    pub(super) fn encode_seconds(&self) -> f64 {
        self.encode_seconds
    }

    /// The `depth` best documents for the query with this number.
    pub(super) fn rank(
        &self,
        index: usize,
        query: &Query,
        setting: &Setting,
        depth: usize,
    ) -> Result<Vec<usize>> {
        let embedding = self.queries.as_ref().and_then(|rows| rows.rows().nth(index));
        let options = SearchOptions {
            top_k: depth,
            mode: setting.mode,
            index: IndexMode::Flat,
            fusion: setting.fusion,
            ..SearchOptions::default()
        };
        let hits = search(&self.store, &query.text, embedding, &options)?;
        let document = |id| self.document_of_passage.get(&id).copied();
        Ok(hits.iter().filter_map(|hit| document(hit.passage_id)).collect())
    }
}

/// A title of its own, and the text.
type Titled<'a> = (Option<&'a str>, Cow<'a, str>);

/// What the encoder reads of a document, as it reads a passage of a knowledge base.
fn encoder_text(encoder: &Encoder, (title, text): &Titled<'_>) -> Result<String> {
    let text = EncoderText { title: *title, heading: None, body: text };
    text.fitted(encoder, encoder.identity().max_tokens)
}

/// Encodes texts of like length together; rows come back in the order of `documents`.
fn encode_by_length(
    encoder: &Encoder,
    documents: &[Titled<'_>],
    bar: &Bar,
    cancel: &CancelToken,
) -> Result<Embeddings> {
    let dim = encoder.identity().dim;
    let texts: Vec<String> =
        documents.iter().map(|document| encoder_text(encoder, document)).collect::<Result<_>>()?;
    let mut order: Vec<usize> = (0..texts.len()).collect();
    // Longest first, so that the bar's estimate errs on the late side.
    order.sort_by_key(|index| Reverse(texts.get(*index).map_or(0, String::len)));
    let mut data = vec![0.0; texts.len() * dim];
    let mut truncated = Vec::new();
    for (part, indices) in order.chunks(TEXTS_AT_ONCE).enumerate() {
        let batch: Vec<&str> =
            indices.iter().filter_map(|index| texts.get(*index)).map(String::as_str).collect();
        let rows = encoder.encode_passages_with(&batch, Call::new().cancel(cancel))?;
        for (index, row) in indices.iter().zip(rows.rows()) {
            if let Some(target) = data.get_mut(index * dim..(index + 1) * dim) {
                target.copy_from_slice(row);
            }
        }
        truncated.extend(rows.truncated.iter().filter_map(|row| indices.get(*row)));
        bar.set(part * TEXTS_AT_ONCE + indices.len());
    }
    truncated.sort_unstable();
    Ok(Embeddings { dim, data, truncated })
}

/// One passage for each text that is not empty, and which text each passage is.
fn fill_store(
    documents: &[Titled<'_>],
    identity: Option<&EncoderIdentity>,
    vectors: Option<&Embeddings>,
    cancel: &CancelToken,
) -> Result<(Store, HashMap<i64, usize>)> {
    let store = Store::open(Path::new(":memory:"), Access::Create)?;
    store.set_precision(Precision::F32)?;
    let words_only = EncoderIdentity {
        fingerprint: "none".to_owned(),
        name: "none".to_owned(),
        dim: 1,
        max_tokens: usize::MAX,
    };
    store.bind_encoder(identity.unwrap_or(&words_only))?;
    let mut rows = vectors.map(Embeddings::rows);
    let mut document_of_passage = HashMap::new();
    for (index, document) in documents.iter().enumerate() {
        cancel.check()?;
        let row = rows.as_mut().map_or(Some(&[1.0][..]), Iterator::next);
        let row = row.ok_or_else(|| Error::internal("document without vector"))?;
        if document.1.trim().is_empty() {
            continue;
        }
        for id in put_text(&store, index, document, row)? {
            document_of_passage.insert(id, index);
        }
    }
    Ok((store, document_of_passage))
}

fn put_text(
    store: &Store,
    index: usize,
    (title, text): &Titled<'_>,
    row: &[f32],
) -> Result<Vec<i64>> {
    // no name: what a collection calls its documents is in no question
    let uri = format!("text:{index}");
    let lang = Document::plain(text).lang;
    let document = NewDocument {
        uri: &uri,
        size_bytes: text.len() as u64,
        mtime_ns: 0,
        hash: [0; 32],
        kind: "text",
        title: *title,
        lang: lang.as_deref(),
        text,
        source_map: &[],
        metadata: &BTreeMap::new(),
        unread: &[],
    };
    let passage =
        Passage { range: 0..text.len(), heading: None, page: None, token_count: text.len() };
    store.put_document(&document, &[passage], row)
}
