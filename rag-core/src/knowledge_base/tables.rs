//! The tables of the documents.

use crate::document::SourceMap;
use crate::error::{Error, Result};
use crate::store::{Filter, PassageRow, Store, StoredDocument};
use crate::table::{self, DataTable, Stored, TableInfo};

use super::KnowledgeBase;

impl KnowledgeBase {
    /// The tables of the documents that pass `filter`, or of all, without their cells; by uri, then
    /// in the order of the document. Those of [`OpenOptions::also`](super::OpenOptions::also) are
    /// not among them.
    ///
    /// They are found in the texts as these are stored, so a file that was written before has them
    /// too. Takes time by the length of all texts.
    ///
    /// # Errors
    /// InvalidArgument for a filter beyond its limits; Store.
    pub fn tables(&self, filter: Option<&Filter>) -> Result<Vec<TableInfo>> {
        let mut tables = Vec::new();
        for document in self.store.list(filter)? {
            let (found, _) = tables_of(&self.store, &document)?;
            tables.extend(found.into_iter().map(|table| table.info));
        }
        Ok(tables)
    }

    /// The table with this id, cells and all.
    ///
    /// # Errors
    /// NotFound if there is none: a document that changed has another number; Store.
    pub fn table(&self, id: &str) -> Result<DataTable> {
        let document = id.split_once('.').and_then(|(document, _)| document.parse().ok());
        let document = document.map(|number| self.store.stored_document(number)).transpose()?;
        let tables = match document.flatten() {
            Some(document) => tables_of(&self.store, &document)?.0,
            None => Vec::new(),
        };
        tables.into_iter().find(|table| table.info.id == id).ok_or_else(|| Error::NotFound {
            what: "table",
            name: id.to_owned(),
            hint:
                "tables are listed with their ids; those of a document that changed have new ones"
                    .to_owned(),
        })
    }
}

/// The tables of one document, and the passages that they stand in.
pub(super) fn tables_of(
    store: &Store,
    document: &StoredDocument,
) -> Result<(Vec<DataTable>, Vec<PassageRow>)> {
    let passages = store.passages_of(document.id)?;
    let packed = store.source_map(document.id)?.unwrap_or_default();
    let map = SourceMap::from_bytes(&packed).unwrap_or_default();
    let tables = table::tables(&Stored {
        document_id: document.id,
        kind: &document.kind,
        title: document.title.as_deref(),
        lang: document.lang.as_deref(),
        passages: &passages,
        map: &map,
    });
    Ok((tables, passages))
}
