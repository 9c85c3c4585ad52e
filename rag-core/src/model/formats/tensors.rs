//! One table of a decoder's weights under GGUF's names, whatever the files they lie in.

use blake3::Hasher;

use crate::error::{Error, Result};
use crate::kernels::quantized::GgmlType;

/// Weights on disk, read a piece at a time.
pub(crate) trait TensorSource {
    /// How a tensor is stored and its shape, rows first; `None` if there is none of this name.
    fn tensor(&self, name: &str) -> Option<(GgmlType, &[usize])>;

    /// Replaces `bytes` by `len` bytes of a tensor from `from` on, as they lie in the file.
    ///
    /// # Errors
    /// Model if there is no such tensor or it is shorter, memory is short, or the file ends early;
    /// Io.
    fn read_part(&self, name: &str, from: usize, len: usize, bytes: &mut Vec<u8>) -> Result<()>;

    /// Hashes what stands beside the weights, which tells models apart.
    fn identify(&self, hasher: &mut Hasher);

    /// An [`Error::Model`] about these files.
    fn bad(&self, reason: String) -> Error;
}
