//! What a path to a generator leads to.

use std::path::Path;

use super::generator_folder::GeneratorFolder;
use super::gguf::Gguf;
use super::summary::find;
use super::tensors::TensorSource;
use crate::error::Result;

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

    /// Its weights.
    pub(crate) fn tensors(&self) -> &dyn TensorSource {
        match self {
            Self::Gguf(gguf) => gguf,
            Self::Folder(folder) => folder,
        }
    }
}
