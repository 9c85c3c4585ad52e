//! What keeps the file well: sealing, checking, copying, saving what is whole, giving back space.

use std::path::Path;

use rusqlite::Connection;

use super::vectors::StoredVectors;
use super::{
    Damage, Encode, EncodeTexts, Info, Salvage, Seal, Store, backup, check, restore, salvage, seal,
    vacuum, vectors,
};
use crate::encode::EncoderIdentity;
use crate::error::Result;
use crate::index::GraphBuilder;
use crate::index::native::Native;
use crate::passage::EncoderText;
use crate::progress::CancelToken;

impl Store {
    /// Builds the vector index over all passages and swaps it in, if enough changed or
    /// [`Seal::Now`] asks.
    ///
    /// Searches and writes go on meanwhile; what is written meanwhile stays in the tail. A graph is
    /// built with
    /// [`Native`] and its defaults, on all cores; docs/benchmarks.md says how fast.
    ///
    /// # Errors
    /// Cancelled; Store; Busy.
    pub fn seal(&self, seal: Seal, cancel: &CancelToken) -> Result<()> {
        self.seal_with(seal, &Native::default(), cancel)
    }

    /// As [`Store::seal`], with a graph by `builder` where a graph is built.
    ///
    /// # Errors
    /// InvalidArgument for options of the builder out of range; Cancelled; Store; Busy.
    pub fn seal_with(
        &self,
        seal: Seal,
        builder: &dyn GraphBuilder,
        cancel: &CancelToken,
    ) -> Result<()> {
        self.pool.writable()?;
        let Some(dim) = self.dim()? else { return Ok(()) };
        if seal == Seal::Now {
            return seal::seal(&self.pool, dim, Some(builder), cancel);
        }
        let state = |_: &Connection, vectors: &StoredVectors| {
            Ok((vectors.wants_seal(), vectors.live_count()))
        };
        let (wanted, count) = self.with_vectors(dim, state)?;
        if !wanted {
            return Ok(());
        }
        let builder = Some(builder).filter(|_| count > vectors::AUTO_GRAPH);
        seal::seal(&self.pool, dim, builder, cancel)
    }

    /// Looks at every row and reports every damage; an empty list is a sound file.
    ///
    /// Reads the whole file and makes the full-text index again in memory: a few seconds for 10,000
    /// passages.
    ///
    /// # Errors
    /// Cancelled; Store if the file cannot be read at all; InvalidArgument for a store that shows
    /// only some of its documents.
    pub fn check(&self, cancel: &CancelToken) -> Result<Vec<Damage>> {
        self.pool.require_whole("a check")?;
        check::check(&self.pool, cancel).map_err(|fault| fault.at(self.path()))
    }

    /// Writes a copy of the file to `to`, which must not exist, as it stands now. Others may read
    /// and write meanwhile. The copy appears under its name when it is whole and on the disk.
    ///
    /// # Errors
    /// InvalidArgument if `to` exists; Io or Store if it cannot be written, for instance on a full
    /// disk, and nothing is left of it then; Cancelled; InvalidArgument too for a store that shows
    /// only some of its documents.
    pub fn backup(&self, to: &Path, cancel: &CancelToken) -> Result<()> {
        self.pool.require_whole("a backup")?;
        backup::backup(&self.pool, to, cancel)
    }

    /// Puts a copy of the knowledge base at `from` in the place of `to`, whose own data and log go.
    /// `from` is checked before; the copy appears whole, and keeps the mode of what it replaces.
    /// Returns what it holds.
    ///
    /// # Errors
    /// Store if `from` is damaged or no knowledge base, or `to` is open, or is something else than
    /// a knowledge base; Io; DiskFull; Cancelled. `to` is as it was then.
    pub fn restore(from: &Path, to: &Path, cancel: &CancelToken) -> Result<Info> {
        restore::restore(from, to, cancel)
    }

    /// The encoder that the file at `path` was built with, however damaged the rest of it is.
    #[must_use]
    pub fn encoder_of(path: &Path) -> Option<EncoderIdentity> {
        salvage::encoder(path)
    }

    /// Makes a new file `to` of what is intact in the file `from`, which is only read.
    ///
    /// Rows keep their ids. A document is kept whole or not at all. Both indexes are made anew;
    /// vectors that are lost come from `encode`, and where that fails their documents are lost as
    /// well. `identity` is the encoder to note if the file no longer says which one it was.
    ///
    /// # Errors
    /// InvalidArgument if `to` exists; Store if `from` is no database at all or `to` cannot be
    /// written; Io; Cancelled, nothing is left of `to` then.
    pub fn salvage(
        from: &Path,
        to: &Path,
        identity: Option<&EncoderIdentity>,
        encode: &mut Encode<'_>,
        cancel: &CancelToken,
    ) -> Result<Salvage> {
        let mut whole = |texts: &[EncoderText<'_>]| {
            encode(&texts.iter().map(EncoderText::whole).collect::<Vec<_>>())
        };
        Self::salvage_with(from, to, identity, &mut whole, cancel)
    }

    /// As [`Store::salvage`], with an `encode` that fits each text to its encoder
    /// ([`EncoderText::fitted`]).
    ///
    /// # Errors
    /// As [`Store::salvage`].
    pub fn salvage_with(
        from: &Path,
        to: &Path,
        identity: Option<&EncoderIdentity>,
        encode: &mut EncodeTexts<'_>,
        cancel: &CancelToken,
    ) -> Result<Salvage> {
        salvage::salvage(from, to, salvage::Help { identity, encode, cancel })
    }

    /// Rewrites the file without its unused space and folds its log into it. Needs as much free
    /// space again, and as much memory. Nothing of what was removed is left in the file.
    ///
    /// # Errors
    /// Store, for instance if the disk is full (DiskFull if that is known before); Busy if another
    /// process is writing.
    pub fn vacuum(&self) -> Result<()> {
        vacuum::vacuum(&self.pool)
    }
}
