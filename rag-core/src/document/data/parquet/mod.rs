//! Parquet (feature `parquet`): one table, a row a line, cells separated by tabs; what the columns
//! are called stands above them.

#[cfg(feature = "parquet")]
mod codec;
#[cfg(feature = "parquet")]
mod columns;
#[cfg(feature = "parquet")]
mod footer;
#[cfg(feature = "parquet")]
mod pages;
#[cfg(feature = "parquet")]
mod table;
#[cfg(feature = "parquet")]
mod thrift;
#[cfg(feature = "parquet")]
mod values;

use crate::document::text::encoding;
use crate::document::vocabulary::{Document, Reader, SourceFile};
use crate::error::{Error, Result, Unreadable};

/// What a file begins and ends with; one whose footer is encrypted has `PARE`.
pub(in crate::document) const MARK: &[u8] = b"PAR1";

const ENCRYPTED_MARK: &[u8] = b"PARE";

/// Reads Parquet.
pub(in crate::document) struct ParquetReader;

impl Reader for ParquetReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        if source.bytes.ends_with(ENCRYPTED_MARK) {
            let reason = "encrypted: it needs a key";
            return Err(Error::document(source.path, Unreadable::Encrypted, reason));
        }
        read(source)
    }
}

#[cfg(feature = "parquet")]
use table::read;

#[cfg(not(feature = "parquet"))]
fn read(source: &SourceFile<'_>) -> Result<Document> {
    Err(Error::document(source.path, Unreadable::Unsupported, LACKING))
}

/// Why a build without the feature passes a file over.
const LACKING: &str = "no reader for Parquet: build with the feature `parquet`, or write it as CSV";

/// Whether a file was passed over for this reason by a build without the feature, and this one has
/// it.
pub(crate) fn was_lacking(reason: &str) -> bool {
    cfg!(feature = "parquet") && reason.contains(LACKING)
}

/// Whether a file begins as Parquet, and ends so or is no text.
pub(in crate::document) fn shows_parquet(bytes: &[u8]) -> bool {
    let between = |mark| bytes.strip_prefix(mark).is_some_and(|rest| rest.ends_with(mark));
    let is_cut = || bytes.starts_with(MARK) && encoding::looks_binary(bytes);
    between(MARK) || between(ENCRYPTED_MARK) || is_cut()
}
