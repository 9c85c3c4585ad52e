//! The pages of a column: found, checked and unpacked within limits, then handed to the decoders.
//!
//! The decoders take memory by what a page says of itself. What they are given here is true, or as
//! small as it says.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, PageType, Type};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;

use super::codec::unpack;
use super::thrift::{Thrift, kind};
use crate::error::{Error, Unreadable};

/// Bytes that one page may unpack to.
const MAX_PAGE_BYTES: u64 = 64 << 20;

/// Bytes that all pages may unpack to, and the dictionaries made of them take.
const MAX_TOTAL_BYTES: u64 = 256 << 20;

/// Bytes of a value in a dictionary, beside its own.
const DICTIONARY_VALUE_BYTES: u64 = 32;

/// Values that a page may claim.
const MAX_PAGE_VALUES: u64 = 16 << 20;

/// Values in lists that may be decoded at once: those of a few rows.
const MAX_LISTED_VALUES: u64 = 4 << 20;

/// What may still be unpacked of a file.
pub(super) struct PageBudget {
    path: PathBuf,
    bytes: AtomicU64,
    listed: AtomicU64,
}

impl PageBudget {
    pub(super) fn new(path: &Path) -> Self {
        let path = path.to_owned();
        let (bytes, listed) = (AtomicU64::new(MAX_TOTAL_BYTES), AtomicU64::new(MAX_LISTED_VALUES));
        Self { path, bytes, listed }
    }

    /// Begins to decode the next rows.
    pub(super) fn next_rows(&self) {
        self.listed.store(MAX_LISTED_VALUES, Ordering::Relaxed);
    }

    fn take_bytes(&self, count: u64) -> Result<()> {
        let taken = take(&self.bytes, count);
        let reason = || format!("it unpacks to more than {MAX_TOTAL_BYTES} bytes");
        taken.ok_or_else(|| self.refuse(Unreadable::TooLarge, reason()))
    }

    fn take_listed(&self, count: u64) -> Result<()> {
        let reason = || format!("a row has more than {MAX_LISTED_VALUES} values");
        take(&self.listed, count).ok_or_else(|| self.refuse(Unreadable::TooLarge, reason()))
    }

    fn refuse(&self, unreadable: Unreadable, reason: String) -> ParquetError {
        ParquetError::External(Box::new(Error::document(&self.path, unreadable, reason)))
    }
}

fn take(left: &AtomicU64, count: u64) -> Option<()> {
    let rest = left.load(Ordering::Relaxed).checked_sub(count)?;
    left.store(rest, Ordering::Relaxed);
    Some(())
}

fn broken(what: &str) -> ParquetError {
    ParquetError::General(what.to_owned())
}

/// The pages of one column in one row group.
pub(super) struct Pages {
    /// What comes next, to the end of the column.
    rest: Bytes,
    column: PagesOf,
    budget: Arc<PageBudget>,
    has_dictionary: bool,
}

/// What pages of a column have in common.
struct PagesOf {
    codec: Compression,
    kind: Type,
    /// Bytes of a value where all have the same.
    width: u64,
    has_definitions: bool,
    has_repetitions: bool,
}

impl Pages {
    /// The pages of `column`, which lie in `file`.
    ///
    /// # Errors
    /// If it does not lie there, or its values have no length.
    pub(super) fn new(
        file: &Bytes,
        column: &ColumnChunkMetaData,
        budget: &Arc<PageBudget>,
    ) -> Result<Self> {
        let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
        let start = usize::try_from(start).ok();
        let length = usize::try_from(column.compressed_size()).ok();
        let range = start.zip(length).and_then(|(start, length)| {
            let end = start.checked_add(length)?;
            (end <= file.len()).then_some(start..end)
        });
        let range = range.ok_or_else(|| broken("a column lies outside of the file"))?;
        let descr = column.column_descr();
        let width = match descr.physical_type() {
            Type::BOOLEAN => 1,
            Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 4,
            Type::INT64 | Type::DOUBLE => 8,
            Type::INT96 => 12,
            Type::FIXED_LEN_BYTE_ARRAY => u64::try_from(descr.type_length()).unwrap_or(0),
        };
        if width == 0 {
            return Err(broken("a column of values without length"));
        }
        Ok(Self {
            rest: file.slice(range),
            column: PagesOf {
                codec: column.compression(),
                kind: descr.physical_type(),
                width,
                has_definitions: descr.max_def_level() > 0,
                has_repetitions: descr.max_rep_level() > 0,
            },
            budget: Arc::clone(budget),
            has_dictionary: false,
        })
    }

    /// A page, if it is one with values.
    fn page(&mut self, header: &Header, packed: Bytes) -> Result<Option<Page>> {
        let values = header.values()?;
        let listed = if self.column.has_repetitions { u64::from(values) } else { 0 };
        match header.kind {
            DATA => {
                self.budget.take_listed(listed)?;
                let buf = self.unpack(header, packed, 0)?;
                self.data(header, values, buf).map(Some)
            }
            DICTIONARY => {
                let buf = self.unpack(header, packed, 0)?;
                let bytes = u64::from(values).saturating_mul(self.column.width);
                if bytes > buf.len() as u64 {
                    return Err(broken("a dictionary claims more values than it has"));
                }
                self.budget.take_bytes(u64::from(values) * DICTIONARY_VALUE_BYTES)?;
                self.has_dictionary = true;
                let (num_values, is_sorted) = (values, header.inner[3] == 1);
                let encoding = encoding(header.inner[2]);
                let encoding =
                    encoding.ok_or_else(|| broken("a dictionary in no known encoding"))?;
                Ok(Some(Page::DictionaryPage { buf, num_values, encoding, is_sorted }))
            }
            DATA_2 => {
                self.budget.take_listed(listed)?;
                let levels = header.levels().filter(|(repetitions, definitions)| {
                    let bytes = repetitions + definitions;
                    bytes <= header.unpacked.min(packed.len())
                });
                let levels = levels.ok_or_else(|| broken("levels are longer than their page"))?;
                let buf = self.unpack(header, packed, levels.0 + levels.1)?;
                self.data_2(header, values, levels, buf).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The bytes of a page, whose first `plain` ones are not packed.
    fn unpack(&self, header: &Header, packed: Bytes, plain: usize) -> Result<Bytes> {
        self.budget.take_bytes(header.unpacked as u64)?;
        let is_packed = header.kind != DATA_2 || header.inner[7] == 1;
        let codec = self.column.codec;
        if codec == Compression::UNCOMPRESSED || !is_packed {
            return match packed.len() == header.unpacked {
                true => Ok(packed),
                false => Err(broken("a page is not of the size that it claims")),
            };
        }
        let (plain, packed) = packed.split_at_checked(plain).unwrap_or((&[], &packed));
        let size = header.unpacked - plain.len();
        // a page of nulls has nothing to unpack
        let is_empty = header.kind == DATA_2 && packed.is_empty();
        let values = if is_empty { Ok(Vec::new()) } else { unpack(packed, codec, size) };
        let values = values.map_err(|reason| broken(&reason))?;
        match plain.is_empty() {
            true => Ok(values.into()),
            false => Ok([plain, &values].concat().into()),
        }
    }

    fn data(&self, header: &Header, num_values: u32, buf: Bytes) -> Result<Page> {
        let mut values = buf.as_ref();
        let levels = [
            (self.column.has_repetitions, header.inner[4]),
            (self.column.has_definitions, header.inner[3]),
        ];
        for (_, encoded) in levels.into_iter().filter(|(are_there, _)| *are_there) {
            if encoding(encoded) != Some(Encoding::RLE) {
                return Err(broken("levels in an encoding that is not read"));
            }
            let behind = values
                .split_first_chunk()
                .and_then(|(length, rest)| rest.get(u32::from_le_bytes(*length) as usize..));
            values = behind.ok_or_else(|| broken("levels are longer than their page"))?;
        }
        let encoding = self.encoding(header.inner[2], num_values, values)?;
        let (def_level_encoding, rep_level_encoding) = (Encoding::RLE, Encoding::RLE);
        let statistics = None;
        Ok(Page::DataPage {
            buf,
            num_values,
            encoding,
            def_level_encoding,
            rep_level_encoding,
            statistics,
        })
    }

    fn data_2(
        &self,
        header: &Header,
        num_values: u32,
        (repetitions, definitions): (usize, usize),
        buf: Bytes,
    ) -> Result<Page> {
        let values = buf.get(repetitions + definitions..).unwrap_or_default();
        let encoding = self.encoding(header.inner[4], num_values, values)?;
        let count = |at: usize| u32::try_from(header.inner[at]);
        let (Ok(num_nulls), Ok(num_rows)) = (count(2), count(3)) else {
            return Err(broken("a page with less than no rows"));
        };
        Ok(Page::DataPageV2 {
            buf,
            num_values,
            encoding,
            num_nulls,
            num_rows,
            def_levels_byte_len: definitions as u32,
            rep_levels_byte_len: repetitions as u32,
            is_compressed: false,
            statistics: None,
        })
    }

    /// The encoding of a page's values, if they can be decoded within the limits.
    fn encoding(&self, code: i64, count: u32, values: &[u8]) -> Result<Encoding> {
        let encoding = encoding(code).ok_or_else(|| broken("values in no known encoding"))?;
        match encoding {
            Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY if !self.has_dictionary => {
                Err(broken("a dictionary is missing"))
            }
            // a value may repeat any length of the one before it: a few bytes stand for gigabytes
            Encoding::DELTA_BYTE_ARRAY => {
                let reason = "values in the encoding DELTA_BYTE_ARRAY, which is not read: write \
                    the file with dictionaries or as it is (PLAIN)";
                Err(self.budget.refuse(Unreadable::Unsupported, reason.to_owned()))
            }
            Encoding::DELTA_LENGTH_BYTE_ARRAY if self.column.kind == Type::BYTE_ARRAY => {
                let mut header = Thrift::new(values);
                let lengths = (0..3).try_fold(0, |_, _| header.varint());
                match lengths {
                    Some(lengths) if lengths <= u64::from(count) => {
                        self.budget.take_bytes(lengths * 4).map(|()| encoding)
                    }
                    _ => Err(broken("a page has more lengths than values")),
                }
            }
            _ => Ok(encoding),
        }
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        while let Some(header) = Header::next(&self.rest)? {
            let packed = self.rest.slice(header.length..header.end);
            self.rest = self.rest.slice(header.end..);
            if let Some(page) = self.page(&header, packed)? {
                return Ok(Some(page));
            }
        }
        Ok(None)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        while let Some(header) = Header::next(&self.rest)? {
            let is_page = matches!(header.kind, DATA | DICTIONARY | DATA_2);
            if is_page {
                let is_dict = header.kind == DICTIONARY;
                let num_levels = (!is_dict).then_some(header.values()? as usize);
                let rows = usize::try_from(header.inner[3]).ok();
                let num_rows = rows.filter(|_| header.kind == DATA_2);
                return Ok(Some(PageMetadata { num_rows, num_levels, is_dict }));
            }
            self.rest = self.rest.slice(header.end..);
        }
        Ok(None)
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.get_next_page().map(drop)
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

const DATA: i64 = PageType::DATA_PAGE as i64;
const DICTIONARY: i64 = PageType::DICTIONARY_PAGE as i64;
const DATA_2: i64 = PageType::DATA_PAGE_V2 as i64;

/// The header of a page.
struct Header {
    kind: i64,
    /// Bytes of the page, unpacked.
    unpacked: usize,
    /// Bytes of the header.
    length: usize,
    /// Where the page ends.
    end: usize,
    /// The fields of the header of its kind, by their numbers; 1 is the count of values.
    inner: [i64; 8],
}

impl Header {
    /// The header at the beginning of `bytes`; nothing if there is nothing more.
    fn next(bytes: &[u8]) -> Result<Option<Self>> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let header = Self::read(bytes).filter(|header| header.end <= bytes.len());
        let header = header.ok_or_else(|| broken("a page has a broken header"))?;
        if header.unpacked as u64 > MAX_PAGE_BYTES {
            return Err(broken("a page unpacks to more than a page may have"));
        }
        Ok(Some(header))
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut thrift = Thrift::new(bytes);
        let (mut last, mut outer, mut inner) = (0, [None; 4], [0; 8]);
        // whether a page of the second version is packed, where it does not say
        inner[7] = 1;
        while let Some((id, kind)) = thrift.field(last)? {
            match (id, kind) {
                (1..=3, kind::I32) => *outer.get_mut(id as usize)? = Some(thrift.integer()?),
                (5 | 7 | 8, kind::STRUCT) => numbers(&mut thrift, &mut inner)?,
                _ => thrift.skip(kind, 0)?,
            }
            last = id;
        }
        let [_, kind, unpacked, packed] = outer;
        let length = thrift.position();
        let end = length.checked_add(usize::try_from(packed?).ok()?)?;
        Some(Self { kind: kind?, unpacked: usize::try_from(unpacked?).ok()?, length, end, inner })
    }

    fn values(&self) -> Result<u32> {
        let count = u32::try_from(self.inner[1]).ok();
        let count = count.filter(|count| u64::from(*count) <= MAX_PAGE_VALUES);
        count.ok_or_else(|| broken("a page claims more values than it may have"))
    }

    /// Bytes of the repetition and definition levels of a page of the second version.
    fn levels(&self) -> Option<(usize, usize)> {
        let bytes = |at: usize| u32::try_from(self.inner[at]).ok().map(|bytes| bytes as usize);
        Some((bytes(6)?, bytes(5)?))
    }
}

/// Reads the numbers of a struct, by the numbers of their fields.
fn numbers(thrift: &mut Thrift<'_>, numbers: &mut [i64; 8]) -> Option<()> {
    let mut last = 0;
    while let Some((id, kind)) = thrift.field(last)? {
        let place = usize::try_from(id).ok().and_then(|id| numbers.get_mut(id));
        match (place, kind) {
            (Some(place), kind::I32) => *place = thrift.integer()?,
            (Some(place), kind::TRUE | kind::FALSE) => *place = i64::from(kind == kind::TRUE),
            _ => thrift.skip(kind, 1)?,
        }
        last = id;
    }
    Some(())
}

/// The encodings that are decoded (parquet.thrift, `Encoding`).
fn encoding(code: i64) -> Option<Encoding> {
    Some(match code {
        0 => Encoding::PLAIN,
        2 => Encoding::PLAIN_DICTIONARY,
        3 => Encoding::RLE,
        5 => Encoding::DELTA_BINARY_PACKED,
        6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        7 => Encoding::DELTA_BYTE_ARRAY,
        8 => Encoding::RLE_DICTIONARY,
        9 => Encoding::BYTE_STREAM_SPLIT,
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A header of a data page with so many values, bytes and packed bytes.
    fn header(values: u8, unpacked: u8, packed: u8) -> Vec<u8> {
        let sizes = [0x15, 0, 0x15, unpacked << 1, 0x15, packed << 1];
        let inner = [0x2C, 0x15, values << 1, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0];
        [sizes.as_slice(), &inner].concat()
    }

    #[test]
    fn headers_are_read_with_what_follows_them() {
        let bytes = [header(3, 12, 12), vec![7; 20]].concat();
        let header = Header::next(&bytes).unwrap().unwrap();
        assert_eq!((header.kind, header.unpacked, header.values().unwrap()), (DATA, 12, 3));
        assert_eq!((header.length, header.end), (17, 29));
        assert_eq!(encoding(header.inner[2]), Some(Encoding::PLAIN));
        assert_eq!(encoding(header.inner[3]), Some(Encoding::RLE));
        assert!(Header::next(&[]).unwrap().is_none());
    }

    #[test]
    fn a_page_that_is_not_there_is_broken() {
        assert!(Header::next(&header(3, 12, 12)).is_err());
        assert!(Header::next(&[0x15, 0, 0x15]).is_err());
        assert!(Header::next(&[0]).is_err());
        // a size of two gigabytes
        let large = [0x15, 0, 0x15, 0xFE, 0xFF, 0xFF, 0xFF, 0x0F, 0x15, 0, 0];
        assert!(Header::next(&large).is_err());
    }

    #[test]
    fn what_is_unpacked_is_counted() {
        let budget = PageBudget::new("a".as_ref());
        budget.take_bytes(MAX_TOTAL_BYTES - 1).unwrap();
        assert!(budget.take_bytes(2).is_err());
        budget.take_listed(MAX_LISTED_VALUES).unwrap();
        assert!(budget.take_listed(1).is_err());
        budget.next_rows();
        budget.take_listed(1).unwrap();
    }
}
