//! What is read: documents, passages, vectors, and what is known of the file.

use std::sync::Arc;

use super::{DocumentDate, DocumentRow, Filter, PassageRow, Store, meta, rows, vectors};
use crate::encode::EncoderIdentity;
use crate::error::Result;
use crate::passage::EncoderInput;

impl Store {
    /// The encoder the file was built with, if any was ever bound.
    ///
    /// # Errors
    /// Store if its row is damaged.
    pub fn encoder(&self) -> Result<Option<EncoderIdentity>> {
        self.pool.read(meta::encoder)
    }

    /// What the encoder reads of passages that are written from now on.
    ///
    /// # Errors
    /// Store if its row is damaged.
    pub fn encoder_input(&self) -> Result<EncoderInput> {
        self.pool.read(meta::input)
    }

    /// A value kept in the file for the facade (calibration, names of models).
    ///
    /// # Errors
    /// Store if its row is damaged.
    pub fn setting(&self, key: &str) -> Result<Option<String>> {
        self.pool.read(|connection| meta::setting(connection, key))
    }

    /// Every document, skipped ones included, by uri.
    ///
    /// # Errors
    /// Store if a row is damaged.
    pub fn documents(&self) -> Result<Vec<DocumentRow>> {
        self.pool.read(rows::all_documents)
    }

    /// The document with this uri.
    ///
    /// # Errors
    /// Store if its row is damaged.
    pub fn document(&self, uri: &str) -> Result<Option<DocumentRow>> {
        self.pool.read(|connection| {
            rows::document(connection, uri)?.map(rows::DocumentRecord::into_row).transpose()
        })
    }

    /// The packed source map of a document.
    ///
    /// # Errors
    /// Store if it is damaged.
    pub fn source_map(&self, document_id: i64) -> Result<Option<Vec<u8>>> {
        self.pool.read(|connection| rows::source_map(connection, document_id))
    }

    /// The passages of the documents that pass `filter`, by rising id: what
    /// [`NearestOptions::among`](super::NearestOptions::among) takes.
    ///
    /// # Errors
    /// InvalidArgument for a filter beyond its limits; Store.
    pub fn passages_where(&self, filter: &Filter) -> Result<Arc<[i64]>> {
        self.pool.read(|connection| self.scopes.passages(connection, filter))
    }

    /// All passages, by rising id.
    ///
    /// # Errors
    /// Store if the file cannot be read.
    pub fn passage_ids(&self) -> Result<Vec<i64>> {
        self.pool.read(rows::passage_ids)
    }

    /// What tells the age of the document of each passage; `None` for a passage that is not there.
    ///
    /// # Errors
    /// Store if a row is damaged.
    pub(crate) fn dates_of(&self, ids: &[i64]) -> Result<Vec<Option<DocumentDate>>> {
        self.pool.read(|connection| rows::dates(connection, ids))
    }

    /// The names of documents that begin with `start`, in order, `limit` at most.
    ///
    /// # Errors
    /// Store.
    pub(crate) fn named_from(&self, start: &str, limit: u32) -> Result<Vec<String>> {
        self.pool.read(|connection| rows::named_from(connection, start, limit))
    }

    /// The passage with this id.
    ///
    /// # Errors
    /// Store if it is damaged.
    pub fn passage(&self, id: i64) -> Result<Option<PassageRow>> {
        Ok(self.passages(&[id])?.pop())
    }

    /// The passages with these ids, in the order given; unknown ids are left out.
    ///
    /// # Errors
    /// Store if one is damaged.
    pub fn passages(&self, ids: &[i64]) -> Result<Vec<PassageRow>> {
        self.pool.read(|connection| rows::passages(connection, ids))
    }

    /// The passages before and after the one at `ordinal` of a document, `reach` on each side at
    /// most, in their order.
    ///
    /// # Errors
    /// Store if one is damaged.
    pub fn neighbours(
        &self,
        document_id: i64,
        ordinal: usize,
        reach: usize,
    ) -> Result<(Vec<PassageRow>, Vec<PassageRow>)> {
        self.pool.read(|connection| rows::neighbours(connection, document_id, ordinal, reach))
    }

    /// The passages of a document, in their order.
    ///
    /// # Errors
    /// Store if one is damaged.
    pub fn passages_of(&self, document_id: i64) -> Result<Vec<PassageRow>> {
        self.pool.read(|connection| rows::passages_of(connection, document_id, 0..=usize::MAX))
    }

    /// The unit vector of each passage; `None` where there is none.
    ///
    /// # Errors
    /// Store if one is damaged.
    pub fn vectors_of(&self, ids: &[i64]) -> Result<Vec<Option<Vec<f32>>>> {
        let ids = self.known(ids)?;
        self.pool.read(|connection| {
            let dim = meta::encoder(connection)?.map_or(0, |identity| identity.dim);
            vectors::of(connection, &ids, dim)
        })
    }
}
