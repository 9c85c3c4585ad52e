//! GGUF files: header and tensor table read without trust, tensor bytes on demand.
//!
//! Every length is compared with what is left of the file before anything is allocated, so a
//! hostile header costs an error, not memory. Tensors are read, never mapped: a file that shrinks
//! later cannot fault us. Says nothing about what the tensors mean; that is
//! `model::generator::config`.

#[cfg(test)]
pub(crate) mod testing;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::PlainFile;
use crate::kernels::quantized::GgmlType;
use crate::model::formats::tensors::TensorSource;

const MAGIC: [u8; 4] = *b"GGUF";
const MAX_ENTRIES: u64 = 65_536;
const MAX_STRING_BYTES: u64 = 16 << 20;
const MAX_ALIGNMENT: u64 = 64 << 10;
const DEFAULT_ALIGNMENT: u64 = 32;
const MAX_DIMS: u32 = 4;

/// A metadata value. Numbers are widened; arrays hold one kind of element.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum GgufValue {
    /// Any integer that fits.
    Integer(i64),
    /// An unsigned integer above `i64::MAX`.
    Large(u64),
    Float(f64),
    Bool(bool),
    String(String),
    Integers(Vec<i64>),
    Floats(Vec<f64>),
    Bools(Vec<bool>),
    Strings(Vec<String>),
}

/// Where a tensor lies and how it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TensorInfo {
    /// Element type or quantisation.
    pub(crate) kind: GgmlType,
    /// Row-major shape: rows first, contiguous dimension last.
    pub(crate) shape: Vec<usize>,
    /// Size in the file.
    pub(crate) size_bytes: usize,
    offset: u64,
}

impl TensorInfo {
    /// Elements in all.
    pub(crate) fn element_count(&self) -> usize {
        self.shape.iter().product()
    }
}

/// An open GGUF file whose header has been checked.
#[derive(Debug)]
pub(crate) struct Gguf {
    path: PathBuf,
    file: PlainFile,
    size_bytes: u64,
    data_offset: u64,
    metadata: BTreeMap<String, GgufValue>,
    tensors: BTreeMap<String, TensorInfo>,
}

impl Gguf {
    /// Opens `path` and checks its header and tensor table.
    ///
    /// # Errors
    /// Io if the file cannot be opened or read, Model with the reason if it is damaged or not a
    /// GGUF file.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = crate::model::formats::files::open_plain(path)?;
        let info = file.metadata().map_err(|source| Error::io(path, source))?;
        let mut header = Header { path, reader: BufReader::new(&*file), at: 0, size: info.len() };
        let (metadata, tensors, data_offset) = header.read()?;
        let path = path.to_owned();
        Ok(Self { path, file, size_bytes: info.len(), data_offset, metadata, tensors })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Size of the file.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Every tensor by name, in name order.
    pub(crate) fn tensors(&self) -> &BTreeMap<String, TensorInfo> {
        &self.tensors
    }

    /// Every metadata value by key, in key order.
    pub(crate) fn metadata(&self) -> &BTreeMap<String, GgufValue> {
        &self.metadata
    }

    /// A text value, or `None` if the key is absent or of another kind.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        match self.metadata.get(key) {
            Some(GgufValue::String(text)) => Some(text),
            _ => None,
        }
    }

    /// A value that counts something.
    ///
    /// # Errors
    /// Model if the key holds something else or a negative number.
    pub(crate) fn count(&self, key: &str) -> Result<Option<usize>> {
        match self.metadata.get(key) {
            None => Ok(None),
            Some(GgufValue::Integer(number)) => usize::try_from(*number)
                .map(Some)
                .map_err(|_| self.bad(format!("{key} is {number}, expected a count"))),
            Some(other) => Err(self.bad(format!("{key} is {other:?}, expected a count"))),
        }
    }

    /// A real number.
    ///
    /// # Errors
    /// Model if the key holds something else or a number that is not finite.
    pub(crate) fn number(&self, key: &str) -> Result<Option<f64>> {
        match self.metadata.get(key) {
            None => Ok(None),
            Some(GgufValue::Float(number)) if number.is_finite() => Ok(Some(*number)),
            Some(GgufValue::Integer(number)) => Ok(Some(*number as f64)),
            Some(other) => Err(self.bad(format!("{key} is {other:?}, expected a number"))),
        }
    }

    /// A yes or no.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        match self.metadata.get(key) {
            Some(GgufValue::Bool(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// A list of texts.
    pub(crate) fn texts(&self, key: &str) -> Option<&[String]> {
        match self.metadata.get(key) {
            Some(GgufValue::Strings(texts)) => Some(texts),
            _ => None,
        }
    }

    /// A list of integers.
    pub(crate) fn integers(&self, key: &str) -> Option<&[i64]> {
        match self.metadata.get(key) {
            Some(GgufValue::Integers(numbers)) => Some(numbers),
            _ => None,
        }
    }

    /// A list of real numbers.
    pub(crate) fn numbers(&self, key: &str) -> Option<&[f64]> {
        match self.metadata.get(key) {
            Some(GgufValue::Floats(numbers)) => Some(numbers),
            _ => None,
        }
    }

    /// A [`Error::Model`] about this file.
    pub(crate) fn bad(&self, reason: impl Into<String>) -> Error {
        Error::model(&self.path, reason)
    }
}

impl TensorSource for Gguf {
    fn tensor(&self, name: &str) -> Option<(GgmlType, &[usize])> {
        self.tensors.get(name).map(|info| (info.kind, info.shape.as_slice()))
    }

    fn read_part(&self, name: &str, from: usize, len: usize, bytes: &mut Vec<u8>) -> Result<()> {
        let info = self.tensors.get(name);
        let info = info.ok_or_else(|| self.bad(format!("tensor {name} is missing")))?;
        if from.checked_add(len).is_none_or(|end| end > info.size_bytes) {
            return Err(self.bad(format!("tensor {name} is shorter than asked for")));
        }
        bytes.clear();
        bytes
            .try_reserve_exact(len)
            .map_err(|_| self.bad(format!("no memory for {len} bytes of tensor {name}")))?;
        let mut file = &*self.file;
        file.seek(SeekFrom::Start(self.data_offset + info.offset + from as u64))
            .and_then(|_| file.take(len as u64).read_to_end(bytes))
            .map_err(|source| Error::io(&self.path, source))?;
        if bytes.len() != len {
            return Err(self.bad(format!("file ends inside tensor {name}")));
        }
        Ok(())
    }

    fn identify(&self, hasher: &mut blake3::Hasher) {
        hasher.update(format!("{:?}", self.metadata).as_bytes());
        hasher.update(&self.size_bytes.to_le_bytes());
    }

    fn bad(&self, reason: String) -> Error {
        Error::model(&self.path, reason)
    }
}

type Contents = (BTreeMap<String, GgufValue>, BTreeMap<String, TensorInfo>, u64);

struct Header<'a> {
    path: &'a Path,
    reader: BufReader<&'a File>,
    at: u64,
    size: u64,
}

impl Header<'_> {
    fn read(&mut self) -> Result<Contents> {
        self.check_magic()?;
        let tensor_count = self.count("tensor count", 8 + 4 + 8 + 4 + 8)?;
        let entry_count = self.count("metadata count", 8 + 4 + 1)?;
        let metadata = self.metadata(entry_count)?;
        let alignment = self.alignment(&metadata)?;
        let mut tensors = BTreeMap::new();
        for _ in 0..tensor_count {
            let (name, info) = self.tensor(alignment)?;
            if tensors.insert(name.clone(), info).is_some() {
                return Err(self.bad(format!("tensor {name:?} occurs twice")));
            }
        }
        let data_offset = self.at.div_ceil(alignment) * alignment;
        self.check_extents(&tensors, data_offset)?;
        Ok((metadata, tensors, data_offset))
    }

    fn check_magic(&mut self) -> Result<()> {
        let magic: [u8; 4] = self.bytes()?;
        if magic != MAGIC {
            return Err(self.bad("not a GGUF file (wrong magic)"));
        }
        match self.u32()? {
            2 | 3 => Ok(()),
            version if matches!(version.swap_bytes(), 1..=3) => {
                Err(self.bad("GGUF file is big-endian, only little-endian is read"))
            }
            version => Err(self.bad(format!("GGUF version {version}, only 2 and 3 are read"))),
        }
    }

    /// A count of things of at least `min_bytes` each, capped by what is left of the file.
    fn count(&mut self, what: &str, min_bytes: u64) -> Result<u64> {
        let count = self.u64()?;
        if count > MAX_ENTRIES {
            return Err(self.bad(format!("{what} {count} is above {MAX_ENTRIES}")));
        }
        if count * min_bytes > self.left() {
            return Err(self.bad(format!("{what} {count} does not fit the file")));
        }
        Ok(count)
    }

    fn metadata(&mut self, count: u64) -> Result<BTreeMap<String, GgufValue>> {
        let mut metadata = BTreeMap::new();
        for _ in 0..count {
            let key = self.string()?;
            let kind = self.u32()?;
            let value = self.value(kind, &key)?;
            if metadata.insert(key.clone(), value).is_some() {
                return Err(self.bad(format!("metadata {key:?} occurs twice")));
            }
        }
        Ok(metadata)
    }

    fn value(&mut self, kind: u32, key: &str) -> Result<GgufValue> {
        Ok(match kind {
            6 | 12 => GgufValue::Float(self.float(kind)?),
            7 => GgufValue::Bool(self.bool(key)?),
            8 => GgufValue::String(self.string()?),
            9 => self.array(key)?,
            10 => {
                let number = self.u64()?;
                i64::try_from(number).map_or(GgufValue::Large(number), GgufValue::Integer)
            }
            _ => GgufValue::Integer(self.integer(kind, key)?),
        })
    }

    fn array(&mut self, key: &str) -> Result<GgufValue> {
        let kind = self.u32()?;
        let count = self.u64()?;
        let min_bytes: u64 = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            8 | 10..=12 => 8,
            9 => return Err(self.bad(format!("metadata {key:?} is an array of arrays"))),
            _ => return Err(self.bad(format!("metadata {key:?} has unknown type {kind}"))),
        };
        if count.checked_mul(min_bytes).is_none_or(|bytes| bytes > self.left()) {
            return Err(self.bad(format!("metadata {key:?} has {count} elements, more than fit")));
        }
        Ok(match kind {
            6 | 12 => GgufValue::Floats(self.repeat(count, |header| header.float(kind))?),
            7 => GgufValue::Bools(self.repeat(count, |header| header.bool(key))?),
            8 => GgufValue::Strings(self.repeat(count, Self::string)?),
            _ => GgufValue::Integers(self.repeat(count, |header| header.integer(kind, key))?),
        })
    }

    fn repeat<T>(
        &mut self,
        count: u64,
        mut read: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(read(self)?);
        }
        Ok(values)
    }

    fn integer(&mut self, kind: u32, key: &str) -> Result<i64> {
        Ok(match kind {
            0 => i64::from(u8::from_le_bytes(self.bytes()?)),
            1 => i64::from(i8::from_le_bytes(self.bytes()?)),
            2 => i64::from(u16::from_le_bytes(self.bytes()?)),
            3 => i64::from(i16::from_le_bytes(self.bytes()?)),
            4 => i64::from(self.u32()?),
            5 => i64::from(i32::from_le_bytes(self.bytes()?)),
            10 => {
                let number = self.u64()?;
                i64::try_from(number)
                    .map_err(|_| self.bad(format!("metadata {key:?} holds {number}, too large")))?
            }
            11 => i64::from_le_bytes(self.bytes()?),
            _ => return Err(self.bad(format!("metadata {key:?} has unknown type {kind}"))),
        })
    }

    fn float(&mut self, kind: u32) -> Result<f64> {
        Ok(match kind {
            6 => f64::from(f32::from_le_bytes(self.bytes()?)),
            _ => f64::from_le_bytes(self.bytes()?),
        })
    }

    fn bool(&mut self, key: &str) -> Result<bool> {
        match self.bytes::<1>()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(self.bad(format!("metadata {key:?} is {other}, expected 0 or 1"))),
        }
    }

    fn string(&mut self) -> Result<String> {
        let length = self.u64()?;
        if length > self.left() || length > MAX_STRING_BYTES {
            return Err(self.bad(format!("a string of {length} bytes does not fit")));
        }
        let mut bytes = vec![0; length as usize];
        self.fill(&mut bytes)?;
        // Vocabularies in the wild hold tokens that are not UTF-8; they stand for bytes nobody can
        // type.
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    fn alignment(&self, metadata: &BTreeMap<String, GgufValue>) -> Result<u64> {
        let alignment = match metadata.get("general.alignment") {
            None => DEFAULT_ALIGNMENT,
            Some(GgufValue::Integer(number)) => u64::try_from(*number).unwrap_or(0),
            Some(_) => 0,
        };
        if !alignment.is_power_of_two() || alignment > MAX_ALIGNMENT {
            return Err(self.bad("general.alignment is not a power of two up to 65536"));
        }
        Ok(alignment)
    }

    fn tensor(&mut self, alignment: u64) -> Result<(String, TensorInfo)> {
        let name = self.string()?;
        let dim_count = self.u32()?;
        if dim_count == 0 || dim_count > MAX_DIMS {
            return Err(self.bad(format!("tensor {name:?} has {dim_count} dimensions")));
        }
        let mut shape = Vec::new();
        for _ in 0..dim_count {
            let dim = self.u64()?;
            shape.push(usize::try_from(dim).map_err(|_| self.bad("dimension too large"))?);
        }
        shape.reverse();
        let kind = self.u32()?;
        let kind = GgmlType::from_ggml(kind).ok_or_else(|| {
            let kind = kind_name(kind);
            self.bad(format!("tensor {name:?} is stored as {kind}, which is not supported"))
        })?;
        let offset = self.u64()?;
        if !offset.is_multiple_of(alignment) {
            return Err(self.bad(format!("tensor {name:?} is not aligned to {alignment} bytes")));
        }
        let size_bytes = self.tensor_size(&name, &shape, kind)?;
        Ok((name, TensorInfo { kind, shape, offset, size_bytes }))
    }

    fn tensor_size(&self, name: &str, shape: &[usize], kind: GgmlType) -> Result<usize> {
        let row = shape.last().copied().unwrap_or(0);
        if shape.contains(&0) || !row.is_multiple_of(kind.block_elements()) {
            let kind = kind.name();
            return Err(self.bad(format!("tensor {name:?} has shape {shape:?} as {kind}")));
        }
        shape
            .iter()
            .try_fold(1usize, |product, dim| product.checked_mul(*dim))
            .and_then(|elements| (elements / kind.block_elements()).checked_mul(kind.block_bytes()))
            .filter(|bytes| *bytes as u64 <= self.size)
            .ok_or_else(|| {
                self.bad(format!("tensor {name:?} of shape {shape:?} is larger than the file"))
            })
    }

    fn check_extents(
        &self,
        tensors: &BTreeMap<String, TensorInfo>,
        data_offset: u64,
    ) -> Result<()> {
        for (name, info) in tensors {
            let end = data_offset
                .checked_add(info.offset)
                .and_then(|start| start.checked_add(info.size_bytes as u64));
            if end.is_none_or(|end| end > self.size) {
                return Err(self.bad(format!(
                    "tensor {name:?} reaches past the end of the file (truncated?)"
                )));
            }
        }
        Ok(())
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        if bytes.len() as u64 > self.left() {
            return Err(self.bad("file ends inside its header (truncated?)"));
        }
        self.reader.read_exact(bytes).map_err(|source| Error::io(self.path, source))?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn left(&self) -> u64 {
        self.size.saturating_sub(self.at)
    }

    fn bad(&self, reason: impl Into<String>) -> Error {
        Error::model(self.path, reason)
    }
}

/// What ggml calls a tensor type (ggml.h, `enum ggml_type`).
fn kind_name(kind: u32) -> String {
    const NAMES: [&str; 15] = [
        "Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS",
        "I8", "I16", "I32", "I64", "F64", "IQ1_M",
    ];
    let name = usize::try_from(kind)
        .ok()
        .and_then(|kind| kind.checked_sub(15))
        .and_then(|at| NAMES.get(at));
    name.map_or_else(|| format!("unknown type {kind}"), |name| (*name).to_owned())
}

#[cfg(test)]
mod tests;
