//! The files of a model's folder, written so that the same source gives the same bytes anywhere.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use rag_core::{Error, Result};
use serde_json::{Map, Value, json};
use zip::ZipArchive;

use crate::model::manifest::ModelFile;

/// Objects with their keys in order, whatever order this build's maps keep.
pub(super) fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> =
                map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// Writes `value`, indented.
pub(crate) fn write_json(path: &Path, value: Value) -> Result<()> {
    write_text(path, &format!("{:#}", sorted(value)))
}

/// Writes a text and waits until it is on disk.
pub(super) fn write_text(path: &Path, text: &str) -> Result<()> {
    make_parent(path)?;
    let mut file = File::create(path).map_err(|e| Error::io(path, e))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|e| Error::io(path, e))
}

fn make_parent(path: &Path) -> Result<()> {
    match path.parent() {
        Some(folder) => fs::create_dir_all(folder).map_err(|e| Error::io(folder, e)),
        None => Ok(()),
    }
}

/// The numbers of a tensor on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dtype {
    F16,
    F32,
}

impl Dtype {
    fn name(self) -> &'static str {
        match self {
            Self::F16 => "F16",
            Self::F32 => "F32",
        }
    }

    fn size_bytes(self) -> usize {
        match self {
            Self::F16 => 2,
            Self::F32 => 4,
        }
    }
}

/// A `model.safetensors` that is being written: first what is in it, then the bytes in that order.
///
/// Not the crate's serialiser: it sorts tensors its own way and wants all bytes at once, and the
/// hashes of what is written here are in the manifest.
#[derive(Debug)]
pub(super) struct Weights {
    path: PathBuf,
    out: BufWriter<File>,
}

impl Weights {
    pub(super) fn create<'a>(
        path: &Path,
        tensors: impl Iterator<Item = (&'a str, Dtype, &'a [usize])>,
    ) -> Result<Self> {
        let (mut header, mut offset) = (Map::new(), 0);
        header.insert("__metadata__".into(), json!({ "format": "pt" }));
        for (name, dtype, shape) in tensors {
            let end = offset + dtype.size_bytes() * shape.iter().product::<usize>();
            let entry =
                json!({ "dtype": dtype.name(), "shape": shape, "data_offsets": [offset, end] });
            header.insert(name.to_owned(), entry);
            offset = end;
        }
        let mut header = sorted(Value::Object(header)).to_string().into_bytes();
        header.resize(header.len().next_multiple_of(8), b' ');
        let file = File::create(path).map_err(|e| Error::io(path, e))?;
        let out = BufWriter::with_capacity(1 << 20, file);
        let mut weights = Self { path: path.to_owned(), out };
        weights.write(&(header.len() as u64).to_le_bytes())?;
        weights.write(&header)?;
        Ok(weights)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(|e| Error::io(&self.path, e))
    }

    /// Waits until all of it is on disk.
    pub(super) fn finish(self) -> Result<()> {
        let file = self.out.into_inner().map_err(|e| Error::io(&self.path, e.into_error()))?;
        file.sync_all().map_err(|e| Error::io(&self.path, e))
    }
}

/// Takes the `wanted` files out of a zip archive, without the one folder that they may all stand
/// in.
pub(super) fn unpack(source: &Path, folder: &Path, wanted: &[ModelFile]) -> Result<()> {
    let broken = |e| Error::model_cause(source, "not a zip archive that can be read", e);
    let file = File::open(source).map_err(|e| Error::io(source, e))?;
    let mut archive = ZipArchive::new(file).map_err(broken)?;
    let root = archive.root_dir(zip::read::root_dir_common_filter).map_err(broken)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(broken)?;
        let Some(path) = entry.enclosed_name().filter(|_| entry.is_file()) else { continue };
        let path = match &root {
            Some(root) => path.strip_prefix(root).unwrap_or(&path).to_owned(),
            None => path,
        };
        if !wanted.iter().any(|file| Path::new(&file.path) == path) {
            continue;
        }
        let to = folder.join(path);
        make_parent(&to)?;
        let mut out = File::create(&to).map_err(|e| Error::io(&to, e))?;
        // the archive's hash was checked: what it says of its sizes is true
        io::copy(&mut entry, &mut out).map_err(|e| Error::io(&to, e))?;
        out.sync_all().map_err(|e| Error::io(&to, e))?;
    }
    Ok(())
}
