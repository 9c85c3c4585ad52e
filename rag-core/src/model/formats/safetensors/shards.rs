//! Safetensors files that are too large to hold: headers checked, tensors read a piece at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Dtype, places, read_header};
use crate::error::{Error, Result};
use crate::files::PlainFile;
use crate::kernels::quantized::GgmlType;
use crate::model::formats::files::read_json;

const MAX_FILES: usize = 1024;

/// Where a tensor lies.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) kind: GgmlType,
    pub(crate) shape: Vec<usize>,
    size_bytes: usize,
    file: usize,
    offset: u64,
}

impl Shard {
    /// Bytes in the file.
    pub(crate) fn size_bytes(&self) -> usize {
        self.size_bytes
    }
}

/// The tensors of `model.safetensors`, or of the files that `model.safetensors.index.json` names.
#[derive(Debug)]
pub(crate) struct Shards {
    files: Vec<(PathBuf, PlainFile)>,
    size_bytes: u64,
    tensors: BTreeMap<String, Shard>,
}

impl Shards {
    /// Opens the files of a folder and checks their headers.
    ///
    /// # Errors
    /// Io if one cannot be read; Model if one is missing, cut short or damaged, or a tensor is
    /// neither f32, f16 nor bf16.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let mut shards = Self { files: Vec::new(), size_bytes: 0, tensors: BTreeMap::new() };
        for name in file_names(folder)? {
            shards.add(&folder.join(name))?;
        }
        Ok(shards)
    }

    fn add(&mut self, path: &Path) -> Result<()> {
        let mut file = crate::model::formats::files::open_plain(path)?;
        let info = file.metadata().map_err(|source| Error::io(path, source))?;
        let header = read_header(path, &mut file, info.len(), &mut blake3::Hasher::new())?;
        let mut offset = 8 + header.len() as u64;
        for place in places(path, &header, info.len() - offset)? {
            let kind = match place.dtype {
                Some(Dtype::F32) => GgmlType::F32,
                Some(Dtype::F16) => GgmlType::F16,
                Some(Dtype::Bf16) => GgmlType::BF16,
                None => {
                    let reason = format!(
                        "tensor {} is stored as {}, which is not supported: F32, F16 and BF16 are",
                        place.name, place.stored
                    );
                    return Err(Error::model(path, reason));
                }
            };
            let (shape, size_bytes) = (place.shape, place.size_bytes);
            let file = self.files.len();
            let shard = Shard { kind, shape, size_bytes, file, offset };
            offset += size_bytes as u64;
            if self.tensors.insert(place.name.clone(), shard).is_some() {
                return Err(Error::model(path, format!("tensor {} occurs twice", place.name)));
            }
        }
        self.size_bytes += info.len();
        self.files.push((path.to_owned(), file));
        Ok(())
    }

    /// Bytes of all files.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Every tensor by name.
    pub(crate) fn tensors(&self) -> &BTreeMap<String, Shard> {
        &self.tensors
    }

    /// Replaces `bytes` by `len` bytes of `shard` from `from` on.
    ///
    /// # Errors
    /// Model if it is shorter, memory is short, or the file has become so; Io.
    pub(crate) fn read_part(
        &self,
        shard: &Shard,
        from: usize,
        len: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<()> {
        let (path, file) = &self.files[shard.file];
        if from.checked_add(len).is_none_or(|end| end > shard.size_bytes) {
            return Err(Error::model(path, "a tensor is shorter than asked for"));
        }
        bytes.clear();
        bytes
            .try_reserve_exact(len)
            .map_err(|_| Error::model(path, format!("no memory for {len} bytes of a tensor")))?;
        let mut file = &**file;
        file.seek(SeekFrom::Start(shard.offset + from as u64))
            .and_then(|_| file.take(len as u64).read_to_end(bytes))
            .map_err(|source| Error::io(path, source))?;
        if bytes.len() != len {
            return Err(Error::model(path, "the file ends inside a tensor"));
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

fn file_names(folder: &Path) -> Result<BTreeSet<String>> {
    const ONE: &str = "model.safetensors";
    if folder.join(ONE).is_file() {
        return Ok(BTreeSet::from([ONE.to_owned()]));
    }
    let path = folder.join("model.safetensors.index.json");
    if !path.is_file() {
        let reason = "neither model.safetensors nor model.safetensors.index.json is there";
        return Err(Error::model(folder, reason));
    }
    let index: Index = read_json(&path)?;
    let names: BTreeSet<String> = index.weight_map.into_values().collect();
    let leads_out =
        |name: &&String| !name.ends_with(".safetensors") || name.contains(['/', '\\', '\0', ':']);
    if let Some(name) = names.iter().find(leads_out) {
        return Err(Error::model(&path, format!("{name:?} is not a file of this folder")));
    }
    if names.len() > MAX_FILES {
        let reason = format!("{} files, at most {MAX_FILES} are read", names.len());
        return Err(Error::model(&path, reason));
    }
    Ok(names)
}
