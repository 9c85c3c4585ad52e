//! What is written: the encoder, settings, documents, one transaction each.

use rusqlite::Connection;

use super::connection::ConnectionSource;
use super::fault::Outcome;
use super::{Filter, NewDocument, Precision, SkippedFile, Store, filter, meta, space, write};
use crate::encode::EncoderIdentity;
use crate::error::{Error, Result};
use crate::passage::{EncoderInput, Passage};

impl Store {
    /// Ties an empty file to an encoder, or checks that the file's is the same.
    ///
    /// # Errors
    /// ModelMismatch if passages of another encoder are held; Store; Busy.
    pub fn bind_encoder(&self, identity: &EncoderIdentity) -> Result<()> {
        if !(1..=meta::MAX_DIM).contains(&identity.dim) {
            return Err(Error::invalid("encoder", format!("vectors of length {}", identity.dim)));
        }
        let held = self.encoder()?;
        if held.as_ref() == Some(identity) {
            return Ok(());
        }
        if matches!(self.pool.source(), ConnectionSource::ReadOnly { .. }) {
            return match held.filter(|held| !write::comparable(held, identity)) {
                Some(held) => Err(write::mismatch(&held, identity)),
                None => Ok(()),
            };
        }
        self.pool.write(|connection| write::bind_encoder(connection, identity))
    }

    /// Keeps a value for the facade.
    ///
    /// # Errors
    /// Store if it cannot be written; Busy.
    pub fn put_setting(&self, key: &str, value: &str) -> Result<()> {
        self.pool.write(|connection| meta::put_setting(connection, key, value))
    }

    /// Writes a document with its passages and vectors in one transaction, in place of any with the
    /// same uri. `vectors` has one unit row per passage. Returns the new passage ids in order.
    ///
    /// # Errors
    /// InvalidArgument if passages do not lie in the text, vectors are not one finite unit row per
    /// passage, or no encoder is bound; DiskFull if the disk cannot hold it; Store; Busy.
    pub fn put_document(
        &self,
        document: &NewDocument<'_>,
        passages: &[Passage],
        vectors: &[f32],
    ) -> Result<Vec<i64>> {
        self.put_rows(document, passages, vectors, |_| Ok(true)).map(Option::unwrap_or_default)
    }

    /// As [`Store::put_document`] with vectors made from `input`: writes nothing and gives `None`
    /// where that is not [`Store::encoder_input`] any more.
    ///
    /// # Errors
    /// As [`Store::put_document`].
    pub fn put_document_from(
        &self,
        input: EncoderInput,
        document: &NewDocument<'_>,
        passages: &[Passage],
        vectors: &[f32],
    ) -> Result<Option<Vec<i64>>> {
        let is_wanted = |connection: &Connection| Ok(meta::input(connection)? == input);
        self.put_rows(document, passages, vectors, is_wanted)
    }

    fn put_rows(
        &self,
        document: &NewDocument<'_>,
        passages: &[Passage],
        vectors: &[f32],
        is_wanted: impl Fn(&Connection) -> Outcome<bool>,
    ) -> Result<Option<Vec<i64>>> {
        let dim = match self.dim()? {
            Some(dim) => dim,
            None if passages.is_empty() => 1,
            None => return Err(Error::invalid("vectors", "no encoder is bound to the file")),
        };
        write::validate(document, passages, vectors, dim)?;
        let cut = self.pool.read(meta::cut)?;
        let bodies = write::bodies(document, passages, cut);
        self.pool.write(|connection| {
            if !is_wanted(connection)? {
                return Ok(None);
            }
            if matches!(self.pool.source(), ConnectionSource::ReadWrite) {
                let bytes = write::least_bytes(connection, document, passages, dim)?;
                space::require_in_log(self.path(), bytes)?;
            }
            let rows = write::NewRows { passages, bodies: &bodies, vectors, dim };
            write::put_document(connection, document, &rows).map(Some)
        })
    }

    /// Refuses if the file is to grow by at least `bytes` and the disk is known to lack room for
    /// that.
    ///
    /// # Errors
    /// DiskFull, never where the system does not say how much room there is; Store.
    pub fn require_growth(&self, bytes: u64) -> Result<()> {
        if !matches!(self.pool.source(), ConnectionSource::ReadWrite) {
            return Ok(());
        }
        let unused = self.pool.read(|connection| {
            Ok(space::file_bytes(connection)?.saturating_sub(space::used_bytes(connection)?))
        })?;
        match bytes.saturating_sub(unused) {
            0 => Ok(()),
            needed_bytes => space::require(self.path(), needed_bytes),
        }
    }

    /// Remembers that a file was passed over, so that it is not read again until it changes.
    /// Removes what was held under that uri.
    ///
    /// # Errors
    /// InvalidArgument for no uri; Store; Busy.
    pub fn put_skipped(&self, file: &SkippedFile<'_>) -> Result<()> {
        if file.uri.is_empty() {
            return Err(Error::invalid("uri", "a skipped file has a name"));
        }
        self.pool.write(|connection| write::put_skipped(connection, file))
    }

    /// Notes a new size and time of a document whose bytes are the same.
    ///
    /// # Errors
    /// NotFound if there is none with this id; Store; Busy.
    pub fn touch_document(&self, id: i64, size_bytes: u64, mtime_ns: i64) -> Result<()> {
        self.touch_documents(&[(id, size_bytes, mtime_ns)])
    }

    /// As [`Store::touch_document`] for many, in one transaction: id, size and time of each.
    ///
    /// # Errors
    /// NotFound if there is none with one of the ids; Store; Busy.
    pub fn touch_documents(&self, documents: &[(i64, u64, i64)]) -> Result<()> {
        self.pool.write(|connection| {
            let mut all = documents.iter();
            all.try_for_each(|(id, size, mtime_ns)| {
                write::touch(connection, *id, *size, *mtime_ns)
            })?;
            meta::bump(connection, meta::CHANGE)?;
            Ok(())
        })
    }

    /// Gives a document another uri, for renamed files, in place of any document that had it.
    ///
    /// # Errors
    /// NotFound if there is none with this id; Store; Busy.
    pub fn rename_document(&self, id: i64, uri: &str, mtime_ns: i64) -> Result<()> {
        if uri.is_empty() {
            return Err(Error::invalid("uri", "empty"));
        }
        self.pool.write(|connection| write::rename(connection, id, uri, mtime_ns))
    }

    /// Removes a document and its passages in one transaction; `false` if there was none.
    ///
    /// # Errors
    /// Store; Busy.
    pub fn remove_document(&self, uri: &str) -> Result<bool> {
        self.pool.write(|connection| write::remove(connection, uri))
    }

    /// Removes every document that passes `filter`, in one transaction, and names them in order.
    /// Files that were skipped do not pass any filter.
    ///
    /// # Errors
    /// InvalidArgument for a filter beyond its limits; Store; Busy.
    pub fn remove_where(&self, filter: &Filter) -> Result<Vec<String>> {
        self.pool.write(|connection| {
            let uris = filter::documents(connection, filter)?;
            for uri in &uris {
                write::remove(connection, uri)?;
            }
            Ok(uris)
        })
    }

    /// Decides how precisely vectors are kept. Default half precision.
    ///
    /// # Errors
    /// InvalidArgument if passages are held and it would be a change; Store; Busy.
    pub fn set_precision(&self, precision: Precision) -> Result<()> {
        self.pool.write(|connection| write::set_precision(connection, precision))
    }
}
