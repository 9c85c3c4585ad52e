//! Formats that are turned into a Hugging Face folder once they are fetched.

mod e5;
mod folder;
mod onnx;

use std::path::Path;

use rag_core::Result;

use super::manifest::{Entry, Format};

/// Writes the files of `entry` that `source`, a file of `format`, holds into `folder`.
///
/// # Errors
/// [`ErrorCode::Model`](rag_core::ErrorCode::Model) if the source is not what it should be, Io.
pub(crate) fn convert(entry: &Entry, format: Format, source: &Path, folder: &Path) -> Result<()> {
    match format {
        Format::E5 => e5::convert(source, folder),
        Format::Onnx => onnx::convert(source, folder),
        Format::Zip => folder::unpack(source, folder, &entry.files),
    }
}

pub(crate) use folder::write_json;
