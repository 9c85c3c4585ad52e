//! The safetensors format: a JSON header and raw tensors. Read into memory, never mapped, never
//! trusted.
//!
//! Owns the header's checks, the typed [`Tensor`] bytes and their conversion to f32. The file is
//! read once from start to end, and hashed while it passes.

pub(crate) mod shards;

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::files::PlainFile;

/// Longest header read; the headers of real models are under 1 MB.
const MAX_HEADER_BYTES: u64 = 64 << 20;

/// How a tensor's numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dtype {
    F32,
    F16,
    Bf16,
}

impl Dtype {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "F32" => Some(Dtype::F32),
            "F16" => Some(Dtype::F16),
            "BF16" => Some(Dtype::Bf16),
            _ => None,
        }
    }

    /// Bytes of one number.
    pub(crate) fn size_bytes(self) -> usize {
        match self {
            Dtype::F32 => 4,
            Dtype::F16 | Dtype::Bf16 => 2,
        }
    }
}

/// One tensor in its file's own type.
#[derive(Debug)]
pub(crate) struct Tensor {
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Tensor {
    /// Writes `out.len()` numbers, starting with number `start`, as f32.
    ///
    /// # Panics
    /// If the range is outside the tensor; callers check their indices against `shape`.
    pub(crate) fn read_f32(&self, start: usize, out: &mut [f32]) {
        let size = self.dtype.size_bytes();
        let bytes = &self.bytes[start * size..(start + out.len()) * size];
        match self.dtype {
            Dtype::F32 => {
                for (value, b) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
                    *value = f32::from_le_bytes(*b);
                }
            }
            Dtype::F16 => {
                for (value, b) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *value = f16::from_le_bytes(*b).to_f32();
                }
            }
            Dtype::Bf16 => {
                for (value, b) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *value = bf16::from_le_bytes(*b).to_f32();
                }
            }
        }
    }

    /// All numbers as f32.
    pub(crate) fn to_f32(&self) -> Vec<f32> {
        let mut values = vec![0.0; self.bytes.len() / self.dtype.size_bytes()];
        self.read_f32(0, &mut values);
        values
    }

    /// Whether no number is NaN or infinite.
    fn is_finite(&self) -> bool {
        // all exponent bits set: infinite or NaN in each of the three formats
        let halves = |mask: u16| {
            let words = self.bytes.as_chunks::<2>().0;
            words.iter().fold(false, |bad, b| bad | (u16::from_le_bytes(*b) & mask == mask))
        };
        !match self.dtype {
            Dtype::F16 => halves(0x7c00),
            Dtype::Bf16 => halves(0x7f80),
            Dtype::F32 => {
                let words = self.bytes.as_chunks::<4>().0;
                let mask = 0x7f80_0000;
                words.iter().fold(false, |bad, b| bad | (u32::from_le_bytes(*b) & mask == mask))
            }
        }
    }
}

/// Every tensor of one file, by name.
#[derive(Debug)]
pub(crate) struct Tensors {
    path: PathBuf,
    tensors: HashMap<String, Tensor>,
    /// BLAKE3 of the whole file.
    pub(crate) hash: blake3::Hash,
}

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

/// A tensor's place in the file: `end` counts from the first byte of data.
struct Place {
    name: String,
    dtype: Option<Dtype>,
    /// What the file calls the type.
    stored: String,
    shape: Vec<usize>,
    size_bytes: usize,
}

impl Tensors {
    /// Reads and checks a file. Tensors of other types than f32, f16 and bf16 are passed over.
    ///
    /// # Errors
    /// [`ErrorCode::Io`](crate::ErrorCode::Io) if it cannot be read; [`ErrorCode::Model`](crate::ErrorCode::Model)
    /// if its header, lengths or numbers are wrong, naming the tensor.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let mut file = PlainFile::open(path).map_err(|e| Error::io(path, e))?;
        let len = file.metadata().map_err(|e| Error::io(path, e))?.len();
        let mut hasher = blake3::Hasher::new();
        let header = read_header(path, &mut file, len, &mut hasher)?;
        let data_len = len - 8 - header.len() as u64;
        let mut tensors = HashMap::new();
        for place in places(path, &header, data_len)? {
            let mut bytes = vec![0; place.size_bytes];
            file.read_exact(&mut bytes).map_err(|e| Error::io(path, e))?;
            hasher.update(&bytes);
            let Some(dtype) = place.dtype else { continue };
            let tensor = Tensor { dtype, shape: place.shape, bytes };
            if !tensor.is_finite() {
                return Err(Error::model(
                    path,
                    format!("tensor {} holds NaN or infinity", place.name),
                ));
            }
            tensors.insert(place.name, tensor);
        }
        Ok(Self { path: path.to_owned(), tensors, hash: hasher.finalize() })
    }

    /// Tensors that were read elsewhere: name, shape and numbers of each, and a hash over the file.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) naming a tensor that holds NaN or infinity.
    pub(crate) fn of(
        path: &Path,
        all: Vec<(String, Vec<usize>, Vec<f32>)>,
        hash: blake3::Hash,
    ) -> Result<Self> {
        let mut tensors = HashMap::new();
        for (name, shape, values) in all {
            let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            let tensor = Tensor { dtype: Dtype::F32, shape, bytes };
            if !tensor.is_finite() {
                return Err(Error::model(path, format!("tensor {name} holds NaN or infinity")));
            }
            tensors.insert(name, tensor);
        }
        Ok(Self { path: path.to_owned(), tensors, hash })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is a tensor of this name.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The shape of the tensor of this name.
    pub(crate) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|tensor| &tensor.shape[..])
    }

    /// Takes a tensor out, after checking its shape.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if it is missing or shaped otherwise.
    pub(crate) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Tensor> {
        let tensor = self.tensors.remove(name);
        let tensor =
            tensor.ok_or_else(|| Error::model(&self.path, format!("tensor {name} is missing")))?;
        if tensor.shape != shape {
            let found = &tensor.shape;
            let reason =
                format!("tensor {name} has shape {found:?}, the configuration asks for {shape:?}");
            return Err(Error::model(&self.path, reason));
        }
        Ok(tensor)
    }

    /// Takes a tensor out as f32 values.
    ///
    /// # Errors
    /// As [`Tensors::take`].
    pub(crate) fn take_f32(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        Ok(self.take(name, shape)?.to_f32())
    }
}

fn read_header(
    path: &Path,
    file: &mut File,
    len: u64,
    hasher: &mut blake3::Hasher,
) -> Result<Vec<u8>> {
    let too_short = || Error::model(path, format!("not a safetensors file: {len} bytes"));
    let mut size = [0; 8];
    if len < 8 {
        return Err(too_short());
    }
    file.read_exact(&mut size).map_err(|e| Error::io(path, e))?;
    let header_len = u64::from_le_bytes(size);
    if header_len > MAX_HEADER_BYTES || header_len > len - 8 {
        let reason = format!("safetensors header of {header_len} bytes in a file of {len}");
        return Err(Error::model(path, reason));
    }
    let mut header = vec![0; usize::try_from(header_len).map_err(|_| too_short())?];
    file.read_exact(&mut header).map_err(|e| Error::io(path, e))?;
    hasher.update(&size);
    hasher.update(&header);
    Ok(header)
}

/// The tensors in file order; together they are exactly the file's data.
fn places(path: &Path, header: &[u8], data_len: u64) -> Result<Vec<Place>> {
    let entries: HashMap<String, serde_json::Value> = serde_json::from_slice(header)
        .map_err(|e| Error::model_cause(path, "safetensors header is not JSON", e))?;
    let mut found = Vec::with_capacity(entries.len());
    for (name, value) in entries {
        if name == "__metadata__" {
            continue;
        }
        let entry: Entry = serde_json::from_value(value)
            .map_err(|e| Error::model_cause(path, format!("tensor {name} is not described"), e))?;
        found.push((name, entry));
    }
    found.sort_by(|(a, x), (b, y)| (x.data_offsets, a).cmp(&(y.data_offsets, b)));
    let mut at = 0;
    let mut places = Vec::with_capacity(found.len());
    for (name, entry) in found {
        let [start, end] = entry.data_offsets;
        if start != at || end < start || end > data_len {
            let reason = format!(
                "tensor {name} lies at {start}..{end} of {data_len} bytes: the file is cut short or damaged"
            );
            return Err(Error::model(path, reason));
        }
        at = end;
        places.push(place(path, name, entry, end - start)?);
    }
    if at != data_len {
        return Err(Error::model(path, format!("{} bytes after the last tensor", data_len - at)));
    }
    Ok(places)
}

fn place(path: &Path, name: String, entry: Entry, size_bytes: u64) -> Result<Place> {
    let wrong = |what: &str| Error::model(path, format!("tensor {name} {what}"));
    let dtype = Dtype::from_name(&entry.dtype);
    let count = entry.shape.iter().try_fold(1u64, |count, &dim| count.checked_mul(dim));
    let count = count.ok_or_else(|| wrong("is larger than any memory"))?;
    if let Some(dtype) = dtype
        && count.checked_mul(dtype.size_bytes() as u64) != Some(size_bytes)
    {
        return Err(wrong(&format!("has {size_bytes} bytes for shape {:?}", entry.shape)));
    }
    let narrow = |value: u64| usize::try_from(value).map_err(|_| wrong("is too large here"));
    let shape = entry.shape.iter().map(|&dim| narrow(dim)).collect::<Result<Vec<_>>>()?;
    let size_bytes = narrow(size_bytes)?;
    Ok(Place { name, dtype, stored: entry.dtype, shape, size_bytes })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
