//! Hashes of a model's files: computed, compared, and kept beside them in `.sha256`.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use rag_core::{Error, Result};
use sha2::{Digest, Sha256};

use super::manifest::{Entry, ModelFile};

/// The list of hashes in a model's folder, as `sha256sum --check` reads it.
pub(crate) const SUMS: &str = ".sha256";

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn sha256(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(|e| Error::io(path, e))?;
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        let count = file.read(&mut buffer).map_err(|e| Error::io(path, e))?;
        if count == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..count]);
    }
}

/// Compares one file with the manifest.
///
/// # Errors
/// [`ErrorCode::Model`](rag_core::ErrorCode::Model) if its bytes differ.
pub(crate) fn check(path: &Path, expected: &ModelFile) -> Result<()> {
    let len = fs::metadata(path).map_err(|e| Error::io(path, e))?.len();
    if len != expected.bytes {
        return Err(Error::model(path, format!("{len} bytes, expected {}", expected.bytes)));
    }
    let found = sha256(path)?;
    if found != expected.sha256 {
        return Err(Error::model(path, format!("sha256 is {found}, expected {}", expected.sha256)));
    }
    Ok(())
}

/// Compares every file of a model's folder with the manifest.
pub(crate) fn check_all(folder: &Path, entry: &Entry) -> Result<()> {
    entry.files.iter().try_for_each(|file| check(&folder.join(&file.path), file))
}

/// What `.sha256` holds once all files were compared.
fn list(entry: &Entry) -> String {
    entry.files.iter().map(|file| format!("{}  {}\n", file.sha256, file.path)).collect()
}

/// Writes `.sha256`.
pub(crate) fn write(folder: &Path, entry: &Entry) -> Result<()> {
    let path = folder.join(SUMS);
    fs::write(&path, list(entry)).map_err(|e| Error::io(&path, e))
}

/// Whether the folder was compared before, against this manifest, and no file is gone or cut since.
pub(crate) fn is_known_good(folder: &Path, entry: &Entry) -> bool {
    let same_size = |file: &ModelFile| {
        fs::metadata(folder.join(&file.path))
            .is_ok_and(|info| info.is_file() && info.len() == file.bytes)
    };
    fs::read_to_string(folder.join(SUMS)).is_ok_and(|sums| sums == list(entry))
        && entry.files.iter().all(same_size)
}
