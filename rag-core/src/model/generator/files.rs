//! What a path to a generator leads to.

use std::path::Path;

use blake3::Hasher;

use crate::error::Result;
use crate::model::formats::files::find_gguf;
use crate::model::formats::gguf::Gguf;
use crate::model::formats::tensors::TensorSource;
use crate::model::generator::folder::GeneratorFolder;

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
    /// Opens a GGUF file, the one in a folder, or else a folder with `config.json` and safetensors
    /// weights.
    ///
    /// # Errors
    /// Io if it cannot be read; Model if it is neither, or damaged.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        match find_gguf(path) {
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

    /// A hash that tells these files from others, in hex: BLAKE3 over all that stands beside the
    /// weights and the ends of each.
    ///
    /// # Errors
    /// Model if a file ends early; Io.
    pub(crate) fn fingerprint(&self) -> Result<String> {
        let mut hasher = Hasher::new();
        self.tensors().identify(&mut hasher);
        type Read<'a> = &'a dyn Fn(usize, usize, &mut Vec<u8>) -> Result<()>;
        let mut bytes = Vec::new();
        let mut sample = |name: &str, size_bytes: usize, read: Read<'_>| -> Result<()> {
            hasher.update(name.as_bytes());
            let len = size_bytes.min(SAMPLE_BYTES);
            for from in [0, size_bytes - len] {
                read(from, len, &mut bytes)?;
                hasher.update(&bytes);
            }
            Ok(())
        };
        match self {
            Self::Gguf(gguf) => {
                for (name, info) in gguf.tensors() {
                    let read = |from, len, bytes: &mut _| gguf.read_part(name, from, len, bytes);
                    sample(name, info.size_bytes, &read)?;
                }
            }
            Self::Folder(folder) => {
                for (name, ..) in folder.stored() {
                    let read =
                        |from, len, bytes: &mut _| folder.read_stored(name, from, len, bytes);
                    sample(name, folder.stored_bytes(name), &read)?;
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
