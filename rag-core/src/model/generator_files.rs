//! What a path to a generator leads to.

use std::path::Path;

use blake3::Hasher;

use super::generator_folder::GeneratorFolder;
use super::gguf::Gguf;
use super::summary::find;
use super::tensors::TensorSource;
use crate::error::Result;

/// Bytes hashed at each end of a tensor.
const SAMPLE_BYTES: usize = 4096;

/// A generator's files, opened and checked but for the weights.
#[derive(Debug)]
pub(crate) enum GeneratorFiles {
    /// One GGUF file.
    Gguf(Gguf),
    /// A folder as `transformers` saves it.
    Folder(GeneratorFolder),
}

impl GeneratorFiles {
    /// Opens a GGUF file, the one in a folder, or else a folder with `config.json` and safetensors weights.
    ///
    /// # Errors
    /// Io if it cannot be read; Model if it is neither, or damaged.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        match find(path) {
            Err(_) if GeneratorFolder::is_one(path) => {
                GeneratorFolder::open(path).map(Self::Folder)
            }
            found => Gguf::open(&found?).map(Self::Gguf),
        }
    }

    /// The file or folder.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Gguf(gguf) => gguf.path(),
            Self::Folder(folder) => folder.path(),
        }
    }

    /// A hash that tells these files from others, in hex: BLAKE3 over all that stands beside the weights and the ends of each.
    ///
    /// # Errors
    /// Model if a file ends early; Io.
    pub(crate) fn fingerprint(&self) -> Result<String> {
        let mut hasher = Hasher::new();
        self.tensors().identify(&mut hasher);
        let mut bytes = Vec::new();
        let mut sample = |name: &str, bytes: &[u8]| {
            hasher.update(name.as_bytes());
            hasher.update(&bytes[..bytes.len().min(SAMPLE_BYTES)]);
            hasher.update(&bytes[bytes.len().saturating_sub(SAMPLE_BYTES)..]);
        };
        match self {
            Self::Gguf(gguf) => {
                for (name, info) in gguf.tensors() {
                    gguf.read_part(name, 0, info.size_bytes, &mut bytes)?;
                    sample(name, &bytes);
                }
            }
            Self::Folder(folder) => {
                for (name, ..) in folder.stored() {
                    folder.read_stored(name, &mut bytes)?;
                    sample(name, &bytes);
                }
            }
        }
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// Its weights.
    pub(crate) fn tensors(&self) -> &dyn TensorSource {
        match self {
            Self::Gguf(gguf) => gguf,
            Self::Folder(folder) => folder,
        }
    }
}
