//! Reads a file no further than a cap, a time and a cancel.

use std::io::{self, Read};
use std::path::Path;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::progress::CancelToken;

/// Bytes read between two looks at the clock and the cancel token.
const PIECE_BYTES: usize = 1 << 20;

/// When reading stops before the end of the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits<'a> {
    /// Most bytes.
    pub(super) max_bytes: u64,
    /// When it must be done.
    pub(super) until: Instant,
    /// Who may stop it.
    pub(super) cancel: &'a CancelToken,
}

/// How reading within limits ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// At the end of the file.
    Whole,
    /// At the cap, and the file goes on.
    TooLarge,
    /// At the time.
    TooSlow,
}

/// Hands `file` on in pieces, from where it stands.
///
/// # Errors
/// Io; Cancelled.
pub(super) fn read(
    path: &Path,
    file: &mut impl Read,
    limits: &Limits<'_>,
    on_piece: &mut dyn FnMut(&[u8]),
) -> Result<End> {
    let mut piece = vec![0_u8; PIECE_BYTES];
    let mut read_bytes = 0_u64;
    loop {
        limits.cancel.check()?;
        if Instant::now() >= limits.until {
            return Ok(End::TooSlow);
        }
        let count = match file.read(&mut piece) {
            Ok(0) => return Ok(End::Whole),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::io(path, error)),
        };
        read_bytes += count as u64;
        if read_bytes > limits.max_bytes {
            return Ok(End::TooLarge);
        }
        on_piece(piece.get(..count).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::*;

    fn ends(path: &Path, max_bytes: u64, after: Duration) -> Result<End> {
        let mut file = std::fs::File::open(path).unwrap();
        let cancel = CancelToken::new();
        let limits = Limits { max_bytes, until: Instant::now() + after, cancel: &cancel };
        read(path, &mut file, &limits, &mut |_| {})
    }

    #[test]
    fn reading_stops_at_cap_time_and_cancel() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, "0123456789").unwrap();
        let second = Duration::from_secs(1);
        assert_eq!(ends(&path, 10, second).unwrap(), End::Whole);
        assert_eq!(ends(&path, 9, second).unwrap(), End::TooLarge);
        assert_eq!(ends(&path, 10, Duration::ZERO).unwrap(), End::TooSlow);
        let cancel = CancelToken::new();
        cancel.cancel();
        let mut file = std::fs::File::open(&path).unwrap();
        let limits = Limits { max_bytes: 10, until: Instant::now() + second, cancel: &cancel };
        let stopped = read(&path, &mut file, &limits, &mut |_| {});
        assert!(matches!(stopped, Err(Error::Cancelled)));
    }
}
